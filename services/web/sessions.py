"""Signed sessions in a cookie, and the token a write must show beside it."""

import hashlib
import hmac
from datetime import timedelta

from libs.auth.principal import Principal
from libs.auth.tokens import Tokens
from libs.clock import Clock, system_clock
from services.web.settings import Settings

CALL_LIFETIME = timedelta(minutes=2)


class Sessions:
    """Makes and reads session cookies; a cookie is of an audience of its own, so no service takes it for a token."""

    def __init__(self, settings: Settings, *, clock: Clock = system_clock) -> None:
        """Read the key.

        Raises:
            ValueError: the key is missing or too short.
        """
        own = settings.model_copy(update={"auth_audience": f"{settings.auth_audience}-session"})
        self._cookies = Tokens(own, clock=clock)
        self._calls = Tokens(settings, clock=clock)
        self._key = settings.auth_key.get_secret_value().encode()
        self.lifetime = timedelta(hours=settings.session_hours)

    def cookie(self, principal: Principal) -> str:
        """What to set for whoever signed in."""
        return self._cookies.issue(principal, lifetime=self.lifetime)

    def principal(self, cookie: str) -> Principal:
        """Whose cookie it is.

        Raises:
            NotSignedIn: it is not one of ours, or is too old.
        """
        return self._cookies.verify(cookie)

    def csrf(self, cookie: str) -> str:
        """What a write with `cookie` must show; hexadecimal."""
        return hmac.new(self._key, b"csrf:" + cookie.encode(), hashlib.sha256).hexdigest()

    def call_token(self, principal: Principal) -> str:
        """A short-lived token for one call to a service."""
        return self._calls.issue(principal, lifetime=CALL_LIFETIME)
