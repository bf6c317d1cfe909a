"""What the web edge is told by its environment."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from libs.settings import ServiceSettings

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(ServiceSettings):
    """The web edge's settings; it keeps no data of its own."""

    service: str = "web"
    listen: str = "127.0.0.1:7400"
    """Where HTTP is served, `host:port`."""
    public_url: str = ""
    """How browsers reach it, `https://zhihui.example.org`; empty: at `listen`, over plain HTTP."""
    experts_address: str = "127.0.0.1:7411"
    """`host:port` of the experts service."""
    events_address: str = "127.0.0.1:7412"
    """`host:port` of the events service."""
    scheduling_address: str = "127.0.0.1:7413"
    """`host:port` of the scheduling service."""

    calls_at_once: int = Field(default=32, ge=1)
    """Unary calls to one service at once; more wait here. With several edges, together below the service's `calls_max`."""
    call_wait_s: float = Field(default=20, gt=0)
    """How long a call waits for its turn."""

    oidc_issuer: str = ""
    """The identity provider, `https://…`; over `http://127.0.0.1:…` the one for trying out, on one machine only."""
    oidc_client_id: str = "zhihui"
    oidc_client_secret: SecretStr = SecretStr("")
    """Empty: a public client, which PKCE alone protects."""
    oidc_scopes: str = "openid profile"
    oidc_roles_claim: str = "zhihui_roles"
    """Names of roles (`libs/auth/principal.py`); those that are none of ours are passed over."""
    oidc_nodes_claim: str = "zhihui_nodes"
    """Names of nodes, `nodes/…`."""
    oidc_expert_claim: str = "zhihui_expert"
    """Id of the expert the person is, where they are one."""
    oidc_people_file: str = ""
    """JSON `{subject: {"roles": […], "nodes": […], "expert": "…"}}` for a provider that cannot carry these claims."""

    session_key: SecretStr = SecretStr("")
    """Seals session cookies, 32 characters or more; empty: derived from the key of tokens."""
    feeds_address: str = "127.0.0.1:7414"
    """`host:port` of the feeds service."""
    session_hours: int = Field(default=8, ge=1, le=24)
    """After this long a person signs in again, whatever they did."""
    session_idle_minutes: int = Field(default=120, ge=5, le=1440)
    """After this long without a call a person signs in again."""
    calls_per_minute: int = Field(default=1200, ge=1)
    """Calls of one session in a minute; a fifth of it may come at once."""
    address_calls_per_minute: int = Field(default=60_000, ge=1)
    """Calls of one network address in a minute (a whole school may share one); a fifth of it may come at once."""
    body_bytes_max: int = Field(default=256 * 1024, ge=1024)
    """Size of what one call may send."""
    sheet_bytes_max: int = Field(default=5 * 1024 * 1024, ge=1024)
    """The same where it is a sheet (below `/api/sheets`)."""

    slow_reader_s: float = Field(default=20, gt=0)
    """A stream's reader who takes nothing for this long is dropped."""

    @property
    def base_url(self) -> str:
        """Scheme and authority that browsers see, without a slash."""
        return self.public_url.rstrip("/") or f"http://{self.listen}"

    @property
    def for_trying_out(self) -> bool:
        """Whether the provider is the one that lets anybody be anyone."""
        return urlsplit(self.oidc_issuer).scheme == "http"

    def check(self) -> None:
        """See that nobody can become somebody else.

        Raises:
            ValueError: a provider over plain HTTP, and the edge, the provider or its public address is reached from elsewhere.
        """
        if not self.for_trying_out:
            return
        hosts = {
            "ZHIHUI_LISTEN": self.listen.rpartition(":")[0].strip("[]"),
            "ZHIHUI_OIDC_ISSUER": urlsplit(self.oidc_issuer).hostname or "",
            "ZHIHUI_PUBLIC_URL": urlsplit(self.base_url).hostname or "",
        }
        for name, host in hosts.items():
            if host not in LOOPBACK:
                raise ValueError(
                    f"an identity provider without https is for trying out on the loopback address; {name} says {host}"
                )
