"""Tokens: signed statements of who a principal is, short-lived, for one audience."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey

from libs.auth.principal import NotSignedIn, Principal, Role
from libs.clock import Clock, system_clock
from libs.settings import TokenSettings

SECRET_LENGTH_MIN = 32
KNOWN_MAX = 10_000
LEEWAY_S = 30
"""How far the clocks of issuer and verifier may differ."""


class Tokens:
    """Issues and verifies tokens with one key."""

    def __init__(self, settings: TokenSettings, *, clock: Clock = system_clock) -> None:
        """Read the key.

        Raises:
            ValueError: the key is missing, too short or not of the algorithm's form.
        """
        secret = settings.auth_key.get_secret_value()
        if settings.auth_algorithm == "HS256":
            if len(secret) < SECRET_LENGTH_MIN:
                raise ValueError(f"ZHIHUI_AUTH_KEY needs {SECRET_LENGTH_MIN} characters or more")
            self._key: OctKey | OKPKey = OctKey.import_key(secret)
        else:
            self._key = OKPKey.import_key(secret)
        self._algorithm = settings.auth_algorithm
        self._audience = settings.auth_audience
        self._issuer = settings.auth_issuer
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        """Tokens that were valid, with the second in which they end: a caller shows the same one many times."""

    def issue(self, principal: Principal, *, lifetime: timedelta) -> str:
        """A token for `principal`, valid from now for `lifetime`."""
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": principal.subject,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "roles": sorted(principal.roles),
            "nodes": list(principal.nodes),
        }
        if principal.expert_id is not None:
            claims["expert"] = principal.expert_id
        if principal.name:
            claims["name"] = principal.name
        return jwt.encode({"alg": self._algorithm}, claims, self._key, algorithms=[self._algorithm])

    def verify(self, token: str) -> Principal:
        """The principal `token` speaks of.

        Raises:
            NotSignedIn: not a token, not signed by our key, for another audience, expired, or with a role we do not know.
        """
        now: datetime = self._clock()
        known = self._known.get(token)
        if known is not None and now.timestamp() < known[0] + LEEWAY_S:
            return known[1]
        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key, algorithms=[self._algorithm]).claims
            rules.validate(claims)
            principal = Principal(
                subject=str(claims["sub"]),
                roles=frozenset(Role(role) for role in claims.get("roles", ())),
                nodes=tuple(str(node) for node in claims.get("nodes", ())),
                expert_id=claims.get("expert"),
                name=str(claims.get("name", "")),
            )
            self._keep(token, float(claims["exp"]), principal)
        except (JoseError, ValueError, TypeError) as error:
            raise NotSignedIn("the token is not valid") from error
        return principal

    def _keep(self, token: str, expires_s: float, principal: Principal) -> None:
        self._known[token] = (expires_s, principal)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
