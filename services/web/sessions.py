"""Sealed sessions in a cookie: nobody can read or change one, it ends by itself, and it ends when its owner says so.

A seal is JWE (`dir`, A256GCM). A session keeps its id from signing in to signing out; its seal is made anew every few
minutes, so that a cookie that was copied once is of no use after the idle time. Signing out is remembered by the
process that did it (docs/adr/0036).
"""

import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from libs.auth.principal import NotSignedIn, Principal, Role
from libs.auth.tokens import SECRET_LENGTH_MIN, Tokens
from libs.clock import Clock, system_clock
from libs.ids import new_id
from services.web.settings import Settings

CALL_LIFETIME = timedelta(minutes=2)
RENEW_S = 300
"""Age of a seal after which an answer brings a new one."""
SIGNING_IN_S = 600
"""How long somebody may take at the provider."""
KEPT_MAX = 10_000
_ALGORITHMS = ["dir", "A256GCM"]


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in; times are seconds since 1970."""

    id: str
    principal: Principal
    zh: str
    en: str
    begun_s: int
    sealed_s: int


class Sessions:
    """Seals and opens sessions, and makes the tokens of their calls."""

    def __init__(self, settings: Settings, *, clock: Clock = system_clock) -> None:
        """Read the keys.

        Raises:
            ValueError: a key is missing or too short.
        """
        self._calls = Tokens(settings, clock=clock)
        own = settings.session_key.get_secret_value()
        if own and len(own) < SECRET_LENGTH_MIN:
            raise ValueError(f"ZHIHUI_SESSION_KEY needs {SECRET_LENGTH_MIN} characters or more")
        secret = (own or settings.auth_key.get_secret_value()).encode()
        self._key = hmac.new(secret, b"zhihui session", hashlib.sha256).digest()
        self._seal = OctKey.import_key(self._key)
        self._clock = clock
        self.lifetime_s = settings.session_hours * 3600
        self.idle_s = settings.session_idle_minutes * 60
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._opened: OrderedDict[str, Session] = OrderedDict()
        """By cookie: opening one takes longer than all else that is done with it. Whether it is over is asked each time."""
        self._tokens: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def _now_s(self) -> int:
        return int(self._clock().timestamp())

    def begin(self, principal: Principal, *, zh: str, en: str) -> Session:
        """A new session of whoever has just signed in."""
        now = self._now_s()
        return Session(new_id("session"), principal, zh, en, now, now)

    def cookie(self, session: Session) -> str:
        """`session` sealed now."""
        principal = session.principal
        return self.seal(
            "session",
            {
                "id": session.id,
                "sub": principal.subject,
                "roles": sorted(principal.roles),
                "nodes": list(principal.nodes),
                "expert": principal.expert_id,
                "zh": session.zh,
                "en": session.en,
                "begun": session.begun_s,
                "sealed": self._now_s(),
            },
        )

    def session(self, cookie: str) -> Session:
        """What is in `cookie`.

        Raises:
            NotSignedIn: it is not one of ours, is too old, was not used for too long, or its owner has signed out.
        """
        now = self._now_s()
        session = self._opened.pop(cookie, None) or self._session_in(cookie)
        self._opened[cookie] = session
        if len(self._opened) > KEPT_MAX:
            self._opened.popitem(last=False)
        if now >= session.begun_s + self.lifetime_s or now >= session.sealed_s + self.idle_s:
            raise NotSignedIn("the session is over")
        if session.id in self._ended:
            raise NotSignedIn("its owner has signed out")
        return session

    def _session_in(self, cookie: str) -> Session:
        content = self.open("session", cookie)
        try:
            return Session(
                id=content["id"],
                principal=Principal(
                    subject=content["sub"],
                    roles=frozenset(Role(role) for role in content["roles"]),
                    nodes=tuple(content["nodes"]),
                    expert_id=content["expert"],
                ),
                zh=content["zh"],
                en=content["en"],
                begun_s=content["begun"],
                sealed_s=content["sealed"],
            )
        except (KeyError, ValueError) as error:
            raise NotSignedIn("the session is of an older form") from error

    def renewed(self, session: Session) -> str:
        """A new seal where the one at hand is some minutes old; empty otherwise."""
        now = self._now_s()
        if now < session.sealed_s + RENEW_S:
            return ""
        return self.cookie(replace(session, sealed_s=now))

    def end(self, session: Session) -> None:
        """Refuse `session` from now on."""
        now = self._now_s()
        self._ended[session.id] = session.begun_s + self.lifetime_s
        while self._ended and next(iter(self._ended.values())) < now:
            self._ended.popitem(last=False)
        self._tokens.pop(session.id, None)

    def csrf(self, session: Session) -> str:
        """What a write of `session` must show; hexadecimal."""
        return hmac.new(self._key, b"csrf:" + session.id.encode(), hashlib.sha256).hexdigest()

    def call_token(self, session: Session) -> str:
        """A short-lived token for the session's calls to the services."""
        now = self._now_s()
        made = self._tokens.get(session.id)
        if made is None or now >= made[0] + CALL_LIFETIME.total_seconds() / 2:
            named = replace(session.principal, name=session.zh)
            made = (now, self._calls.issue(named, lifetime=CALL_LIFETIME))
            self._tokens[session.id] = made
            if len(self._tokens) > KEPT_MAX:
                self._tokens.popitem(last=False)
        return made[1]

    def seal(self, purpose: str, content: dict[str, Any]) -> str:
        """`content` as text that only we can read, good for `purpose` only."""
        header = {"alg": "dir", "enc": "A256GCM", "typ": purpose}
        return jwe.encrypt_compact(
            header, json.dumps(content).encode(), self._seal, algorithms=_ALGORITHMS
        )

    def open(self, purpose: str, text: str) -> dict[str, Any]:
        """What was sealed for `purpose`.

        Raises:
            NotSignedIn: it was not sealed by us, or not for this.
        """
        try:
            opened = jwe.decrypt_compact(text, self._seal, algorithms=_ALGORITHMS)
            content = json.loads(opened.plaintext or b"")
        except (JoseError, ValueError) as error:
            raise NotSignedIn("not a session") from error
        if opened.headers().get("typ") != purpose or not isinstance(content, dict):
            raise NotSignedIn("not sealed for this")
        return content

    def begin_signing_in(self, content: dict[str, Any]) -> str:
        """What the browser keeps while its owner is at the provider."""
        return self.seal("signing-in", {**content, "at": self._now_s()})

    def signing_in(self, text: str) -> dict[str, Any]:
        """The same, on the way back.

        Raises:
            NotSignedIn: there is none, or it took too long.
        """
        content = self.open("signing-in", text)
        if self._now_s() >= int(content["at"]) + SIGNING_IN_S:
            raise NotSignedIn("it took too long")
        return content
