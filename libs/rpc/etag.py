"""Etags (AIP-154): which version of a thing a caller has seen, so that nobody overwrites what they have not read."""

import hashlib

from libs.errors import Conflict


class EtagMismatch(Conflict):
    """The thing was changed since the caller read it."""


def etag_of(name: str, version: int) -> str:
    """The etag of version `version` of the thing called `name`; equal for equal arguments, otherwise meaningless."""
    return hashlib.blake2b(f"{name}@{version}".encode(), digest_size=8).hexdigest()


def require_etag(given: str, *, name: str, version: int) -> None:
    """Let a change go on when the caller saw this version, or gave no etag and so does not care.

    Raises:
        EtagMismatch: `given` is of another version.
    """
    if given and given != etag_of(name, version):
        raise EtagMismatch("changed since you read it; read it again", resource=name)
