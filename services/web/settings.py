"""What the web edge is told by its environment."""

from pydantic import Field

from libs.settings import ServiceSettings


class Settings(ServiceSettings):
    """The web edge's settings; it keeps no data of its own."""

    service: str = "web"
    listen: str = "127.0.0.1:7400"
    """Where HTTP is served, `host:port`."""
    experts_address: str = "127.0.0.1:7411"
    """`host:port` of the experts service."""
    events_address: str = "127.0.0.1:7412"
    """`host:port` of the events service."""
    scheduling_address: str = "127.0.0.1:7413"
    """`host:port` of the scheduling service."""
    session_hours: int = Field(default=8, ge=1, le=24)
    """How long a person stays signed in."""
    calls_per_minute: int = Field(default=1200, ge=1)
    """Calls of one session in a minute; a fifth of it may come at once."""
