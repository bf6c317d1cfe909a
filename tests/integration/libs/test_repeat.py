"""A call sent twice is done once, seen through the whole kit: client, server, database."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest

from libs.auth.principal import Principal
from libs.errors import Refusal, WrongState
from libs.postgres.migrate import dsn_of, migrate
from libs.postgres.pool import Pool, create_pool, transaction
from libs.rpc.repeat import Asked, each_once, once
from libs.rpc.status import refusal_from
from libs.settings import ServiceSettings
from tests.support.toy import Toy, ToyWorld, toy_world

pytestmark = pytest.mark.postgres


class NotToday(WrongState):
    """For the tests."""


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    migrate(fresh_database, [], schema="toy", role="toy")
    settings = ServiceSettings(service="toy", database_dsn=dsn_of(fresh_database, role="toy"))
    async with create_pool(settings) as pool:
        yield pool


@pytest.fixture
async def world(pool: Pool) -> AsyncIterator[ToyWorld]:
    """A toy service that numbers what it registers, and refuses what is titled `bad` after it did."""
    done: list[str] = []

    async def register(request: Any, _context: Any) -> Any:
        async with transaction(pool) as connection:

            async def act() -> Any:
                done.append(request.title)
                if request.title == "bad":
                    raise ConnectionResetError
                return Toy(title=request.title, weight=len(done))

            return await once(connection, request, Toy, act)

    async with toy_world() as world:
        world.servicer.act = register
        yield world


async def test_the_same_request_gets_the_same_answer(world: ToyWorld) -> None:
    async with world.client() as client:
        first = await client.register(Toy(title="kite", request_id="r-1"))
        again = await client.register(Toy(title="kite", request_id="r-1"))
        other = await client.register(Toy(title="kite", request_id="r-2"))
    assert (first.weight, again.weight, other.weight) == (1, 1, 2)


async def test_without_an_id_each_is_a_request_of_its_own(world: ToyWorld) -> None:
    async with world.client() as client:
        assert [(await client.register(Toy())).weight for _ in range(2)] == [1, 2]


async def test_another_body_under_the_same_id_is_refused(world: ToyWorld) -> None:
    async with world.client() as client:
        await client.register(Toy(title="kite", request_id="r-1"))
        with pytest.raises(grpc.RpcError) as caught:
            await client.register(Toy(title="ball", request_id="r-1"))
    assert refusal_from(caught.value).reason == "REQUEST_ID_REUSED"


async def test_a_failed_request_may_be_sent_again(world: ToyWorld, pool: Pool) -> None:
    async with world.client() as client:
        with pytest.raises(grpc.RpcError):
            await client.register(Toy(title="bad", request_id="r-1"))
        assert await pool.fetchval("SELECT count(*) FROM idempotency") == 0
        assert (await client.register(Toy(title="kite", request_id="r-1"))).title == "kite"


async def test_of_many_done_together_each_is_answered_as_if_it_were_alone(pool: Pool) -> None:
    """A refused one leaves nothing; a repeat in the same turn gets the first one's answer."""
    titles: list[str] = []

    async def act(new: Sequence[Asked[Any]]) -> Sequence[Any]:
        titles.extend(one.request.title for one in new)
        return [
            NotToday("no") if one.request.title == "bad" else Toy(title=one.request.title)
            for one in new
        ]

    async def turn(*toys: Any) -> list[str]:
        asked = [Asked(toy, Principal("p", frozenset())) for toy in toys]
        async with transaction(pool) as connection:
            answers = await each_once(connection, asked, Toy, act)
        return [one.reason if isinstance(one, Refusal) else one.title for one in answers]

    kite, other = Toy(title="kite", request_id="r-1"), Toy(title="ball", request_id="r-1")
    bad = Toy(title="bad", request_id="r-2")
    assert await turn(bad, kite, Toy(title="free"), kite, other) == [
        *("NOT_TODAY", "kite", "free", "kite", "REQUEST_ID_REUSED"),
    ]
    assert await turn(kite, Toy(title="good", request_id="r-2")) == ["kite", "good"]
    assert titles == ["bad", "kite", "free", "good"]
