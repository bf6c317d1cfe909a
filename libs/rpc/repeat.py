"""`request_id` (AIP-155): a call that is sent again, because its answer was lost, is answered again and not done again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message

from libs.auth.principal import current_principal
from libs.postgres import idempotency
from libs.postgres.pool import Connection

Response = TypeVar("Response", bound=Message)


class _Identified(Protocol):
    request_id: str


async def once(
    connection: Connection,
    request: Message,
    response_type: type[Response],
    act: Callable[[], Awaitable[Response]],
) -> Response:
    """What `act` answers, or answered before to this same request of the same caller; nothing half-done is kept.

    `act` must do all its work in the transaction `connection` has open. Without a request id it is simply done.

        async with transaction(pool) as connection:
            return await once(connection, request, pb.RegisterExpertResponse, lambda: …)

    Raises:
        RequestIdReused: the id came before with another request.
    """
    request_id = cast("_Identified", request).request_id
    if not request_id:
        return await act()
    principal = current_principal().subject
    body = request.SerializeToString(deterministic=True)
    known = await idempotency.claim(
        connection,
        principal=principal,
        request_id=request_id,
        method=request.DESCRIPTOR.full_name,
        body_hash=hashlib.sha256(body).digest(),
    )
    if known is not None:
        return response_type.FromString(known)
    response = await act()
    await idempotency.keep(
        connection,
        principal=principal,
        request_id=request_id,
        response=response.SerializeToString(),
    )
    return response
