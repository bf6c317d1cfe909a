"""`request_id` (AIP-155): a call that is sent again, because its answer was lost, is answered again and not done again."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from google.protobuf.message import Message

from libs.auth.principal import Principal, current_principal
from libs.errors import Refusal
from libs.postgres import idempotency
from libs.postgres.pool import Connection

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


class _Identified(Protocol):
    request_id: str


@dataclass(frozen=True, slots=True)
class Asked(Generic[Request]):
    """A request and who asks."""

    request: Request
    principal: Principal

    @property
    def request_id(self) -> str:
        """Of the caller's own choice; '' for none."""
        return cast("_Identified", self.request).request_id

    @property
    def key(self) -> tuple[str, str]:
        """What no other request has, but a repeat of it."""
        return self.principal.subject, self.request_id

    def claim(self) -> idempotency.Claim:
        """What makes a repeat known as one."""
        body = self.request.SerializeToString(deterministic=True)
        return idempotency.Claim(
            principal=self.principal.subject,
            request_id=self.request_id,
            method=self.request.DESCRIPTOR.full_name,
            body_hash=hashlib.sha256(body).digest(),
        )


One = TypeVar("One", bound=Asked[Any])


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

    async def only(_asked: Sequence[Asked[Message]]) -> Sequence[Response]:
        return [await act()]

    asked = Asked(request, current_principal())
    (answer,) = await each_once(connection, [asked], response_type, only)
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def each_once(
    connection: Connection,
    asked: Sequence[One],
    response_type: type[Response],
    act: Callable[[Sequence[One]], Awaitable[Sequence[Response | Refusal]]],
) -> Sequence[Response | Refusal]:
    """As `once`, for many: `act` is given those that are new, and must leave nothing of one that it refuses."""
    claims: dict[int, idempotency.Claim] = {}
    again: list[int] = []
    seen: set[tuple[str, str]] = set()
    for place, one in enumerate(asked):
        if one.request_id and one.key in seen:
            again.append(place)
        elif one.request_id:
            seen.add(one.key)
            claims[place] = one.claim()
    answers: dict[int, Response | Refusal] = {}
    for place, known in zip(
        claims, await idempotency.claim(connection, list(claims.values())), strict=True
    ):
        if known is not None:
            answers[place] = (
                known if isinstance(known, Refusal) else response_type.FromString(known)
            )
    new = [place for place in range(len(asked)) if place not in answers and place not in again]
    if new:
        answers |= zip(new, await act([asked[place] for place in new]), strict=True)
    kept, refused = [], []
    for place in set(new) & claims.keys():
        answer = answers[place]
        if isinstance(answer, Refusal):
            refused.append(claims[place])
        else:
            kept.append((claims[place], answer.SerializeToString()))
    await idempotency.keep(connection, kept)
    await idempotency.give_up(connection, refused)
    if again:  # the first of each has its answer now
        repeated = [asked[place] for place in again]
        answers |= zip(
            again, await each_once(connection, repeated, response_type, act), strict=True
        )
    return [answers[place] for place in range(len(asked))]
