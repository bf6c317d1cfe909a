"""The command over a real events service: what a coordinator sees and is refused."""

import asyncio
import json
import os
import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr
from zhihui.common.v1 import common_pb2 as common
from zhihui.events.v1 import events_pb2 as pb
from zhihui.events.v1 import events_pb2_grpc as pb_grpc

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.postgres.migrate import migrate
from libs.postgres.pool import create_pool
from libs.settings import TokenSettings
from services.events.__main__ import MIGRATIONS
from services.events.adapters.postgres import transaction
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings
from tests.support.serving import KEY, calling, served, settings_for

pytestmark = pytest.mark.postgres


async def zhihui(home, address: str, *arguments: str) -> tuple[int, list]:
    """Exit code and JSON lines of one run, as the city's coordinator."""
    token = Tokens(TokenSettings(auth_key=SecretStr(KEY))).issue(
        Principal(subject="city", roles=frozenset({Role.CITY_COORDINATOR})),
        lifetime=timedelta(hours=1),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "--json", "--events", address, *arguments),
        env={
            **os.environ,
            "PYTHONPATH": ".:libs/genproto",
            "ZHIHUI_HOME": str(home),
            "ZHIHUI_TOKEN": token,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()]


async def test_a_coordinator_sees_venues_and_is_refused_with_a_reason(fresh_database, tmp_path):
    migrate(fresh_database, MIGRATIONS, schema="events", role="events")
    settings = Settings(**settings_for(fresh_database, "events"))
    add, file = pb_grpc.add_EventsServiceServicer_to_server, pb.DESCRIPTOR
    async with create_pool(settings) as pool:
        servicer = EventsServicer(transaction=lambda: transaction(pool), clock=system_clock)
        async with served(settings, add, servicer, file) as address:
            async with calling(address, pb_grpc.EventsServiceStub, Role.CITY_COORDINATOR) as stub:
                node = pb.Node(
                    kind=pb.NODE_KIND_CITY,
                    display_name="示例市",
                    validity=common.DatePeriod(start_date="2025-11-06"),
                )
                await stub.CreateNode(pb.CreateNodeRequest(node_id="city", node=node))
                venue = pb.Venue(
                    display_name="示例礼堂",
                    node="nodes/city",
                    point=common.Point(latitude=29.5, longitude=106.5),
                    capacity=300,
                )
                await stub.CreateVenue(pb.CreateVenueRequest(venue_id="hall", venue=venue))
            code, lines = await zhihui(tmp_path, address, "venue", "list", "--text", "礼堂")
            assert (code, lines[0]["venues"][0]["name"]) == (0, "venues/hall")
            code, lines = await zhihui(tmp_path, address, "request", "endorse", "nobody")
            assert (code, lines[0]["error"]["reason"]) == (2, "REQUEST_NOT_FOUND")
