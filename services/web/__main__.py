"""The web edge: `python -m services.web` serves."""

import uvicorn

from libs import telemetry
from services.web.api.app import create_app
from services.web.settings import Settings

KEEP_ALIVE_S = 75
"""Longer than browsers and balancers keep an idle connection: they close it, and lose no call on it."""
BACKLOG = 4096


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    telemetry.start(
        service=settings.service,
        log_level=settings.log_level,
        otel_endpoint=settings.otel_endpoint,
        metrics_listen=settings.metrics_listen,
    )
    host, _, port = settings.listen.rpartition(":")
    if not settings.oidc_issuer:
        raise SystemExit("ZHIHUI_OIDC_ISSUER is not set: nobody could sign in")
    uvicorn.run(
        create_app(settings),
        host=host.strip("[]"),
        port=int(port),
        log_config=None,
        access_log=False,  # addresses of calendars are secrets
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(settings.drain_s),
    )


if __name__ == "__main__":
    main()
