"""The OpenAPI document the clients' types are made of: `python -m tests.support.openapi` writes it anew."""

import json
from pathlib import Path

from pydantic import SecretStr

from services.web.api.app import create_app
from services.web.settings import Settings

CLIENT = Path(__file__).resolve().parents[2] / "services/web/client"


def document() -> str:
    """The document as text, the same for the same routes."""
    app = create_app(Settings(auth_key=SecretStr("-" * 32), listen="127.0.0.1:0"))
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    (CLIENT / "openapi.json").write_text(document(), encoding="utf-8")
