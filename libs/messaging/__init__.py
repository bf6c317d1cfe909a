"""Facts on their way: an outbox in the transaction of the change, a relay to Kafka, consumers whose effect happens once."""

from pathlib import Path

MESSAGING_MIGRATIONS = Path(__file__).parent / "migrations"
"""Tables of the outbox and the inbox; give it to `libs.postgres.migrate.migrate` beside the service's own."""
