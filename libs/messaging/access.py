"""With what credentials our clients go to the broker: told by the environment, the same for every client of a process."""

import ssl
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BrokerAccess(BaseSettings):
    """`ZHIHUI_KAFKA_USER`, `…_PASSWORD`, `…_TLS`, `…_CA_FILE`; all empty: a broker that asks nobody who they are."""

    model_config = SettingsConfigDict(env_prefix="ZHIHUI_KAFKA_", extra="ignore")

    user: str = ""
    """Signs in with SASL/SCRAM-SHA-512; the broker's principal is `User:` and this name."""
    password: SecretStr = SecretStr("")
    tls: bool = False
    ca_file: str = ""
    """PEM of who signed the broker's certificate; empty: one of those that this machine trusts."""


def client_options() -> dict[str, Any]:
    """What every client of aiokafka is made with, beside its address.

    Raises:
        OSError: the file of the CA cannot be read.
    """
    access = BrokerAccess()
    options: dict[str, Any] = {
        "security_protocol": ("SASL_" if access.user else "")
        + ("SSL" if access.tls else "PLAINTEXT")
    }
    if access.user:
        options |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password.get_secret_value(),
        }
    if access.tls:
        options["ssl_context"] = ssl.create_default_context(cafile=access.ca_file or None)
    return options
