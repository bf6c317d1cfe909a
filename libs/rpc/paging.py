"""Page tokens (AIP-158): opaque to the caller, good only for the very query that gave them."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Protocol, cast

from google.protobuf.message import Message

from libs.errors import FieldViolation, InvalidInput

Key = str | int
_CHECK_BYTES = 9


class BadPageToken(InvalidInput):
    """The page token was not given by us for this query."""


class _Paged(Protocol):
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is asked for."""

    size: int
    """How many to give at most; ask the database for one more to learn whether there is a next page."""
    after: tuple[Key, ...] | None
    """The sort key of the last row of the page before; None for the first page."""
    _query: bytes

    def token_after(self, *key: Key) -> str:
        """The token for the page after the row whose sort key is `key`."""
        body = json.dumps(key, ensure_ascii=False, separators=(",", ":")).encode()
        check = hashlib.blake2b(body, key=self._query, digest_size=_CHECK_BYTES).digest()
        return base64.urlsafe_b64encode(check + body).rstrip(b"=").decode()


def page_of(request: Message, *, size_default: int = 50, size_max: int = 1000) -> Page:
    """The page a List request with `page_size` and `page_token` asks for; too big a size is cut to `size_max`.

    Raises:
        BadPageToken: the token is not ours, or was given for other filters.
    """
    query = type(request)()
    query.CopyFrom(request)
    asked = cast("_Paged", query)
    token, size = asked.page_token, asked.page_size or size_default
    query.ClearField("page_token")
    query.ClearField("page_size")
    name = request.DESCRIPTOR.full_name.encode()
    digest = hashlib.blake2b(
        name + b"\0" + query.SerializeToString(deterministic=True), digest_size=32
    ).digest()
    page = Page(size=min(size, size_max), after=None, _query=digest)
    if not token:
        return page
    after = _after(token)
    if page.token_after(*after) != token:
        raise _bad_token()
    return Page(size=page.size, after=after, _query=digest)


def _after(token: str) -> tuple[Key, ...]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        key: Any = json.loads(raw[_CHECK_BYTES:])
    except (binascii.Error, ValueError) as error:
        raise _bad_token() from error
    if not isinstance(key, list) or not all(isinstance(part, str | int) for part in key):
        raise _bad_token()
    return tuple(key)


def _bad_token() -> BadPageToken:
    return BadPageToken(
        "this page token was not given for this query; start again without one",
        violations=[FieldViolation("page_token", "not given for this query")],
    )
