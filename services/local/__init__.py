"""The embedded stack: PostgreSQL, a broker and every service as processes of one machine, for trying out and for tests."""
