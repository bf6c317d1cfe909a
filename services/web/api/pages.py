"""The two browser clients: their pages, and the built files they load."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
NONCE = "__NONCE__"
"""In the pages: stands for the nonce of the answer."""
_PAGES = {"/": "index.html", "/app": "app.html", "/console": "console.html"}


class _Hashed(StaticFiles):
    """Files whose names change with their content may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def add_to(app: FastAPI) -> None:
    """Serve the pages at `/`, `/app` and `/console`, with everything below the last two: the clients route on."""

    def page(file: str) -> None:
        async def serve(request: Request) -> HTMLResponse:
            text = (STATIC / file).read_text(encoding="utf-8")
            return HTMLResponse(
                text.replace(NONCE, request.state.nonce), headers={"Cache-Control": "no-cache"}
            )

        path = next(path for path, name in _PAGES.items() if name == file)
        app.add_api_route(path, serve, include_in_schema=False)
        if path != "/":
            app.add_api_route(path + "/{rest:path}", serve, include_in_schema=False)

    @app.get("/app/sw.js", include_in_schema=False)
    async def worker() -> FileResponse:
        """Beside the pages it serves offline; `/app` itself is one of them, and not below `/app/`."""
        headers = {"Service-Worker-Allowed": "/app", "Cache-Control": "no-cache"}
        return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers=headers)

    for file in _PAGES.values():
        page(file)
    app.mount("/static/assets", _Hashed(directory=STATIC / "assets", check_dir=False))
    app.mount("/static", StaticFiles(directory=STATIC))
