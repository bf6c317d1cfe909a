"""What the events service is told by its environment, beside what every service is told."""

from pydantic import SecretStr

from libs.settings import ServiceSettings


class Settings(ServiceSettings):
    """The events service's settings."""

    service: str = "events"
    database_owner_dsn: SecretStr = SecretStr("")
    """As the database's owner; only for `migrate`."""
