"""What the scheduling service is told by its environment, beside what every service is told."""

from pydantic import Field, SecretStr

from libs.settings import ServiceSettings


class Settings(ServiceSettings):
    """The scheduling service's settings, and its workers'."""

    service: str = "scheduling"
    database_owner_dsn: SecretStr = SecretStr("")
    """As the database's owner; only for `migrate`."""
    lease_s: float = Field(default=15, gt=1)
    """A worker that is silent for so long has lost its run."""
