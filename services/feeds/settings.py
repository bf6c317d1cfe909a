"""What the feeds service is told by its environment, beside what every service is told."""

from pydantic import Field, SecretStr

from libs.settings import ServiceSettings


class Settings(ServiceSettings):
    """The feeds service's settings."""

    service: str = "feeds"
    database_owner_dsn: SecretStr = SecretStr("")
    """As the database's owner; only for `migrate`."""
    operations_dsn: SecretStr = SecretStr("")
    """As a role that may read all services' outboxes and `pg_stat_activity`; empty: the status has no database part."""
    webhooks_private: bool = False
    """Whether facts may be sent to loopback, private and link-local addresses, and without TLS; for trying out only."""
    webhooks_timeout_s: float = Field(default=15, gt=0)
    """How long a receiver may take for its whole answer."""
    webhooks_at_once: int = Field(default=20, ge=1)
    """Deliveries in progress at once."""
