"""PostgreSQL and the outbox, behind the ports."""
