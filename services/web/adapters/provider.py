"""The identity provider: OpenID Connect, authorization code with PKCE, state and nonce."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
import structlog
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from libs.auth.principal import Principal, Role
from libs.clock import Clock, system_clock
from services.web.settings import Settings

TIMEOUT_S = 5.0
"""For each call to the provider."""
KEPT_S = 3600
LEEWAY_S = 30
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures of ID tokens that are believed; never `none`, never a shared secret."""
_PLAIN_SUBJECT = re.compile(r"(?=.*[a-zA-Z])[A-Za-z0-9._-]{1,64}")

_log = structlog.stdlib.get_logger(__name__)


class SignInFailed(Exception):
    """The provider refused, answered something that cannot be believed, or is away; nobody is signed in."""

    def __init__(self, reason: str, sentence: str) -> None:
        """`reason` is for people's pages (services/web/api/sentences.py), `sentence` for the log."""
        self.reason = reason
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Setting:
    """What begins a sign-in: where to send the browser, and what to remember until it is back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom the provider speaks of."""

    principal: Principal
    zh: str
    en: str


class Provider:
    """One provider, by its settings; nothing is asked before somebody signs in."""

    def __init__(self, settings: Settings, *, clock: Clock = system_clock) -> None:
        """Read who is who, where a file says so.

        Raises:
            ValueError: the file is not of its form.
        """
        self._settings = settings
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._clock = clock
        self._people = _people(settings.oidc_people_file)
        self._lock = asyncio.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, verify=not settings.for_trying_out)

    async def close(self) -> None:
        """Let its connections go."""
        await self._http.aclose()

    async def begin(self, *, back_url: str, hint: str, language: str) -> Setting:
        """Begin signing in; the provider sends the browser to `back_url` afterwards.

        Raises:
            SignInFailed: there is no provider, or it is away.
        """
        metadata = await self._about()
        verifier, state, nonce = generate_token(64), generate_token(32), generate_token(32)
        url = prepare_grant_uri(
            metadata["authorization_endpoint"],
            client_id=self._settings.oidc_client_id,
            response_type="code",
            redirect_uri=back_url,
            scope=self._settings.oidc_scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            ui_locales=language,
            **({"login_hint": hint} if hint else {}),
        )
        return Setting(str(url), state, nonce, verifier)

    async def finish(self, *, code: str, verifier: str, nonce: str, back_url: str) -> SignedIn:
        """Whom `code` speaks of.

        Raises:
            SignInFailed: it speaks of nobody, or of somebody with no part here.
        """
        metadata = await self._about()
        answer = await self._token(
            str(metadata["token_endpoint"]), code=code, verifier=verifier, back_url=back_url
        )
        claims = await self._claims(str(answer.get("id_token", "")), nonce)
        if self._settings.oidc_roles_claim not in claims and "userinfo_endpoint" in metadata:
            told = await self._get(
                str(metadata["userinfo_endpoint"]), token=str(answer.get("access_token", ""))
            )
            if told.get("sub") == claims["sub"]:
                claims = {**told, **claims}
        return self._signed_in(claims)

    async def people(self) -> list[dict[str, Any]]:
        """The ready-made people of a provider for trying out; none where it is a real one.

        Raises:
            SignInFailed: it is away.
        """
        if not self._settings.for_trying_out:
            return []
        return cast("list[dict[str, Any]]", await self._get(f"{self._issuer}/people"))

    async def _token(
        self, url: str, *, code: str, verifier: str, back_url: str
    ) -> Mapping[str, Any]:
        client, secret = (
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret.get_secret_value(),
        )
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back_url,
            "code_verifier": verifier,
            **({} if secret else {"client_id": client}),
        }
        try:
            answer = await self._http.post(
                url,
                data=form,
                auth=httpx.BasicAuth(quote(client), quote(secret)) if secret else httpx.Auth(),
            )
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInFailed("PROVIDER_AWAY", f"{url}: {error!r}") from error
        if answer.status_code != 200 or not isinstance(content, dict):
            raise SignInFailed("SIGN_IN_REFUSED", f"no token for the code: {content!r:.200}")
        return content

    async def _get(self, url: str, *, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await self._http.get(url, headers=headers)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInFailed("PROVIDER_AWAY", f"{url}: {error!r}") from error

    async def _about(self) -> dict[str, Any]:
        if not self._issuer:
            raise SignInFailed("SIGN_IN_NOT_SET_UP", "ZHIHUI_OIDC_ISSUER is not set")
        async with self._lock:
            if self._metadata is None or time.monotonic() > self._metadata[0] + KEPT_S:
                found = await self._get(f"{self._issuer}/.well-known/openid-configuration")
                if (
                    not isinstance(found, dict)
                    or found.get("issuer", "").rstrip("/") != self._issuer
                ):
                    raise SignInFailed("PROVIDER_AWAY", f"it says it is {found!r:.200}")
                self._metadata, self._keys = (time.monotonic(), found), None
            return self._metadata[1]

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        for fresh in (False, True):
            if self._keys is None or fresh:
                metadata = await self._about()
                try:
                    self._keys = KeySet.import_key_set(await self._get(metadata["jwks_uri"]))
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise SignInFailed("PROVIDER_AWAY", f"its keys: {error!r}") from error
            try:
                return self._believed(id_token, self._keys, nonce)
            except (JoseError, ValueError) as error:
                if fresh:  # a key may have been replaced since it was read: once
                    raise SignInFailed("SIGN_IN_REFUSED", f"ID token: {error!r}") from error
        raise AssertionError("the second time either returns or raises")

    def _believed(self, id_token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
        client = self._settings.oidc_client_id
        jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "values": [self._issuer, f"{self._issuer}/"]},
            aud={"essential": True, "value": client},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        if claims.get("azp", client) != client:
            raise ValueError("it was made for another client")
        return claims

    def _signed_in(self, claims: Mapping[str, Any]) -> SignedIn:
        names, known = self._settings, self._people.get(str(claims["sub"]))
        roles = known["roles"] if known else claims.get(names.oidc_roles_claim, ())
        nodes = known["nodes"] if known else claims.get(names.oidc_nodes_claim, ())
        expert = known["expert"] if known else claims.get(names.oidc_expert_claim, "")
        ours = frozenset(Role(role) for role in _texts(roles) if role in _GIVEN)
        if not ours:
            raise SignInFailed("NO_PART_HERE", "no role of ours")
        zh = str(claims.get("name") or claims.get("preferred_username") or "—")[:80]
        return SignedIn(
            Principal(
                subject=_subject(self._issuer, str(claims["sub"])),
                roles=ours,
                nodes=tuple(_texts(nodes)),
                expert_id=str(expert) or None,
            ),
            zh=zh,
            en=str(claims.get("zhihui_name_en") or zh)[:80],
        )


_GIVEN = frozenset(Role) - {Role.SERVICE}
"""What a person can be; a service is never somebody who signs in."""


def _texts(value: Any) -> list[str]:
    """A list of texts, or one text with spaces, as providers differ."""
    if isinstance(value, str):
        return value.split()
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _subject(issuer: str, subject: str) -> str:
    """Safe to log: what could be a phone number, an address or a name of unusual form becomes a hash."""
    if _PLAIN_SUBJECT.fullmatch(subject):
        return subject
    return f"oidc-{hashlib.blake2b(f'{issuer} {subject}'.encode(), digest_size=12).hexdigest()}"


def _people(file: str) -> dict[str, dict[str, Any]]:
    if not file:
        return {}
    content = json.loads(Path(file).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file}: people by their subjects are wanted")  # noqa: TRY004  # the file's form, not a type
    return {
        subject: {
            "roles": one.get("roles", []),
            "nodes": one.get("nodes", []),
            "expert": one.get("expert", ""),
        }
        for subject, one in content.items()
    }
