"""An identity provider for trying out: `python -m services.local.identity --listen 127.0.0.1:7410`.

It speaks OpenID Connect (authorization code with PKCE), so that signing in takes the same way as with a real provider;
but it asks nobody for a password: whoever can reach it can be any of the ready-made people. It therefore listens on the
loopback address only, knows these people only, answers one client only, and sends codes to loopback addresses only.

The protocol is `oidc_provider_mock`'s. What it lacks is added around it: PKCE is insisted on, the page is for people, and
`login_hint` with the subject of a ready-made person answers at once.
"""

import base64
import hashlib
import html
import json
import logging
import os
import signal
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import typer

from services.local.people import PEOPLE, Person

CLIENT_ID = "zhihui"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CODES_MAX = 1000
"""Codes given out and not yet exchanged; the oldest go first."""
BODY_MAX = 16 * 1024
_PATHS = frozenset({"/.well-known/openid-configuration", "/jwks", "/userinfo"})
_AUTHORIZE, _TOKEN = "/oauth2/authorize", "/oauth2/token"

StartResponse = Callable[..., Any]
Environ = dict[str, Any]


class ProviderRefused(Exception):
    """The provider does not run so; the message says why."""


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        ProviderRefused: it is not on the loopback address, where anybody could be anyone.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if host not in LOOPBACK or not port.isdigit():
        raise ProviderRefused(
            f"试用身份服务只在本机地址上运行，不能监听 {text}。\n"
            f"The identity provider for trying out listens on the loopback address only, not on {text}."
        )
    return host, int(port)


def application(people: Iterable[Person] = PEOPLE) -> "Narrow":
    """The provider as a WSGI application."""
    # authlib's check for https: everything here stays on this machine
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it still uses what authlib has marked as going away
        import oidc_provider_mock  # starts Flask: only where a provider runs

    known = {one.subject: one for one in people}
    inner = oidc_provider_mock.app(
        require_nonce=True,
        issue_refresh_token=False,
        user_claims=[
            oidc_provider_mock.User(sub=one.subject, claims=dict(one.claims))
            for one in known.values()
        ],
    )
    inner.debug = False
    return Narrow(inner.wsgi_app, known)


class Narrow:
    """Lets through what the protocol needs, for the people who are known, and nothing else."""

    def __init__(self, app: Callable[..., Iterable[bytes]], people: Mapping[str, Person]) -> None:
        """Stand before `app`, which knows `people` by subject."""
        self._app = app
        self._people = people
        self._challenges: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED")]:
            del environ[name]  # nobody stands before us
        if path == "/healthz":
            return _answer(start_response, "200 OK", b"ok", "text/plain")
        if path == "/people":
            listed = [
                {"id": one.id, "zh": one.zh, "en": one.en, "roles": [one.role], "sub": one.subject}
                for one in self._people.values()
            ]
            return _answer(
                start_response, "200 OK", json.dumps(listed).encode(), "application/json"
            )
        if path == _AUTHORIZE:
            return self._authorize(environ, start_response, method)
        if path == _TOKEN and method == "POST":
            return self._token(environ, start_response)
        if path in _PATHS:
            return self._app(environ, start_response)
        return _answer(start_response, "404 Not Found", b"not found", "text/plain")

    def _authorize(
        self, environ: Environ, start_response: StartResponse, method: str
    ) -> Iterable[bytes]:
        asked = {
            name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()
        }
        wrong = _wrong(asked)
        if wrong:
            return _answer(start_response, "400 Bad Request", wrong.encode(), "text/plain")
        subject = asked.get("login_hint", "") if method == "GET" else _form(environ).get("sub", "")
        if method == "GET" and subject not in self._people:
            page = _page(self._people.values(), english=_speaks_english(environ, asked))
            return _answer(start_response, "200 OK", page.encode(), "text/html; charset=utf-8")
        if subject not in self._people:
            return _answer(start_response, "403 Forbidden", b"nobody of that name", "text/plain")
        body = urlencode({"sub": subject}).encode()
        environ.update(
            {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
            }
        )

        def note_code(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            location = next((value for name, value in headers if name.lower() == "location"), "")
            for code in parse_qs(urlsplit(location).query).get("code", ()):
                with self._lock:
                    self._challenges[code] = asked["code_challenge"]
                    while len(self._challenges) > CODES_MAX:
                        self._challenges.popitem(last=False)
            return start_response(status, headers, *rest)

        return self._app(environ, note_code)

    def _token(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        sent = _form(environ)
        with self._lock:
            challenge = self._challenges.pop(sent.get("code", ""), "")
        if not challenge or challenge != challenge_of(sent.get("code_verifier", "")):
            refusal = {"error": "invalid_grant", "error_description": "code_verifier does not fit"}
            return _answer(
                start_response, "400 Bad Request", json.dumps(refusal).encode(), "application/json"
            )
        # what stands behind wants some secret; here PKCE is what protects a code
        body = urlencode({**sent, "client_secret": "-"}).encode()
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return self._app(environ, start_response)


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _wrong(asked: Mapping[str, str]) -> str:
    """Why this is no request of our client; empty when it is."""
    back = urlsplit(asked.get("redirect_uri", ""))
    if asked.get("client_id") != CLIENT_ID:
        return "unknown client"
    if back.scheme not in {"http", "https"} or back.hostname not in LOOPBACK:
        return "codes are sent to the loopback address only"
    if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
        return "PKCE with S256 is needed"
    if not asked.get("state") or not asked.get("nonce"):
        return "state and nonce are needed"
    return ""


def _form(environ: Environ) -> dict[str, str]:
    """The form that was sent; it can be read again."""
    try:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), BODY_MAX)
    except ValueError:
        length = 0
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _answer(
    start_response: StartResponse, status: str, body: bytes, content_type: str
) -> list[bytes]:
    start_response(
        status,
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ],
    )
    return [body]


def _speaks_english(environ: Environ, asked: Mapping[str, str]) -> bool:
    first = asked.get("ui_locales") or environ.get("HTTP_ACCEPT_LANGUAGE", "")
    return str(first).lower().startswith("en")


def _page(people: Iterable[Person], *, english: bool) -> str:
    """One tap for each of the people."""
    title = "Who do you want to be?" if english else "以谁的身份试用？"
    note = (
        "An identity provider for trying out on this machine: no passwords, everybody is a sample."
        if english
        else "本机试用的身份服务：不用密码，人物均为示例。"
    )
    mark = " (sample)" if english else "（示例）"
    buttons = "".join(
        f'<li><button name="sub" value="{html.escape(one.subject)}">'
        f"{html.escape((one.en if english else one.zh) + mark)}</button></li>"
        for one in people
    )
    return f"""<!doctype html><html lang="{"en" if english else "zh-CN"}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root{{color-scheme:light dark}}body{{font:16px/1.6 system-ui,sans-serif;max-width:26rem;margin:8vh auto;padding:0 20px}}
h1{{font-size:1.4rem;margin:0}}ul{{list-style:none;padding:0;display:grid;gap:8px}}button{{font:inherit;width:100%;
min-height:52px;border:1px solid #8887;border-radius:12px;background:none;color:inherit;text-align:left;padding:0 18px;cursor:pointer}}
button:hover,button:focus-visible{{border-color:#1f6f5c;outline:2px solid #1f6f5c}}</style></head>
<body><main><h1>{title}</h1><p>{note}</p><form method="post"><ul>{buttons}</ul></form></main></body></html>"""


def main(
    listen: Annotated[
        str, typer.Option(help="本机地址 · host:port on loopback")
    ] = "127.0.0.1:7410",
) -> None:
    """Serve until told to stop."""
    from werkzeug.serving import make_server  # comes with Flask: only where a provider runs

    try:
        host, port = listen_address(listen)
    except ProviderRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(1) from refused
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # addresses have codes in them
    server = make_server(host, port, application(), threaded=True)
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
    )
    server.serve_forever()


if __name__ == "__main__":
    typer.run(main)
