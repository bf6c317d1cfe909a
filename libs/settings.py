"""What every service process is told by its environment; each service adds its own in its settings.py.

Names are the fields in upper case with the prefix `ZHIHUI_`: `ZHIHUI_DATABASE_DSN`. One process has one environment,
so all services use the same names.
"""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class TokenSettings(BaseSettings):
    """How tokens are signed and checked."""

    model_config = SettingsConfigDict(env_prefix="ZHIHUI_", extra="ignore")

    auth_algorithm: Literal["HS256", "Ed25519"] = "HS256"
    auth_key: SecretStr = SecretStr("")
    """HS256: the shared secret, 32 characters or more. Ed25519: PEM; the private key issues, the public one suffices to verify."""
    auth_audience: str = "zhihui"
    auth_issuer: str = "zhihui"


class ServiceSettings(TokenSettings):
    """The common part of a service's settings."""

    service: str
    """Short name: `experts`, `events` or `scheduling`; names the schema, the role, the logs and the traces."""

    listen: str = "127.0.0.1:0"
    """Where gRPC is served, `host:port`; port 0 takes a free one."""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    tls_ca_file: str = ""
    """PEM files; all empty: plain text. With a CA, callers must show a certificate it signed."""
    calls_max: int = Field(default=64, ge=1)
    """Unary calls in progress at once before callers are told RESOURCE_EXHAUSTED."""
    streams_max: int = Field(default=256, ge=1)
    """Server streams open at once (watchers mostly wait, so there may be many)."""
    call_deadline_s: float = Field(default=30, gt=0)
    """The deadline of a unary call whose caller set none."""
    stream_deadline_s: float = Field(default=3600, gt=0)
    drain_s: float = Field(default=10, ge=0)
    """How long calls in progress may take to end after SIGTERM."""

    database_dsn: SecretStr = SecretStr("")
    """As the service's own role; `postgresql://experts@host/zhihui`."""
    database_statement_cache_size: int = Field(default=100, ge=0)
    """0 behind pgbouncer in transaction mode."""
    database_connections_min: int = Field(default=1, ge=0)
    database_connections_max: int = Field(default=10, ge=1)
    database_command_timeout_s: float = Field(default=20, gt=0)

    kafka_bootstrap: str = ""
    """`host:port[,host:port]`."""
    kafka_replay_on_start: bool = False
    """Publish the kept outbox again when starting: for a broker that forgets, such as the embedded one."""

    metrics_listen: str = ""
    """`host:port` of the Prometheus page; empty: none; port 0 takes a free one."""
    otel_endpoint: str = ""
    """OTLP/gRPC collector, `http://host:4317`; empty: spans get ids but are not exported."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
