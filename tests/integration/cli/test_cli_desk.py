"""A day at a coordinator's desk by command: what is filed, refused, mended, endorsed, registered and reviewed."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from zhihui.events.v1 import events_pb2 as events
from zhihui.events.v1 import events_pb2_grpc as events_grpc
from zhihui.experts.v1 import experts_pb2 as experts
from zhihui.experts.v1 import experts_pb2_grpc as experts_grpc

from libs.auth.principal import Principal, Role
from libs.auth.tokens import Tokens
from libs.clock import system_clock
from libs.geo.calendar import CITY_ZONE
from libs.postgres.migrate import migrate
from libs.postgres.pool import create_pool
from libs.settings import TokenSettings
from services.events import __main__ as events_service
from services.events.adapters import postgres as events_postgres
from services.events.api.servicer import EventsServicer
from services.events.settings import Settings as EventsSettings
from services.experts import __main__ as experts_service
from services.experts.adapters import postgres as experts_postgres
from services.experts.api.servicer import ExpertsServicer
from services.experts.settings import Settings as ExpertsSettings
from tests.support.serving import KEY, served, settings_for

pytestmark = pytest.mark.postgres

Zhihui = Callable[..., Awaitable[tuple[int, dict]]]
DAY = (system_clock().astimezone(CITY_ZONE).date() + timedelta(days=30)).isoformat()


async def run(environment: dict[str, str], *arguments: str) -> tuple[int, dict]:
    """Exit code and the last JSON value of one run."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "--json", *arguments),
        env={**os.environ, "PYTHONPATH": ".:libs/genproto", **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, json.loads(out.splitlines()[-1])


def token() -> str:
    coordinator = Principal(subject="city", roles=frozenset({Role.CITY_COORDINATOR}))
    return Tokens(TokenSettings(auth_key=SecretStr(KEY))).issue(
        coordinator, lifetime=timedelta(hours=1)
    )


@contextlib.asynccontextmanager
async def events_desk(dsn: str, home) -> AsyncIterator[Zhihui]:
    """The command beside a real events service."""
    migrate(dsn, events_service.MIGRATIONS, schema="events", role="events")
    settings = EventsSettings(**settings_for(dsn, "events"))
    add = events_grpc.add_EventsServiceServicer_to_server
    async with create_pool(settings) as pool:
        servicer = EventsServicer(
            transaction=lambda: events_postgres.transaction(pool), clock=system_clock
        )
        async with served(settings, add, servicer, events.DESCRIPTOR) as address:
            told = {"ZHIHUI_HOME": str(home), "ZHIHUI_TOKEN": token(), "ZHIHUI_EVENTS": address}
            yield lambda *arguments: run(told, *arguments)


@contextlib.asynccontextmanager
async def experts_desk(dsn: str, home) -> AsyncIterator[Zhihui]:
    """The command beside a real experts service."""
    migrate(dsn, experts_service.MIGRATIONS, schema="experts", role="experts")
    settings = ExpertsSettings(**settings_for(dsn, "experts"))
    add = experts_grpc.add_ExpertsServiceServicer_to_server
    async with create_pool(settings) as pool:
        servicer = ExpertsServicer(
            transaction=lambda: experts_postgres.transaction(pool), clock=system_clock
        )
        async with served(settings, add, servicer, experts.DESCRIPTOR) as address:
            told = {"ZHIHUI_HOME": str(home), "ZHIHUI_TOKEN": token(), "ZHIHUI_EXPERTS": address}
            yield lambda *arguments: run(told, *arguments)


def asking(*windows: str) -> list[str]:
    """Options of a request for these windows."""
    return [
        *("--venue", "hall", "--group", "老年人", "--audience", "80", "--topic", "digital_elder"),
        *(part for window in windows for part in ("--window", window)),
    ]


async def test_a_request_is_refused_mended_endorsed_and_taken_back(fresh_database, tmp_path):
    async with events_desk(fresh_database, tmp_path) as zhihui:
        since = ("--since", "2022-01-01")
        code, node = await zhihui(
            *("node", "add", "town", "--kind", "乡镇街道", "--title", "示例镇"),
            *("--parent", "", *since),
        )
        assert (code, node["kind"]) == (0, "NODE_KIND_TOWN")
        code, venue = await zhihui(
            *("venue", "add", "hall", "--title", "示例礼堂", "--node", "town"),
            *("--point", "29.56, 106.55", "--capacity", "100", "--group", "老年人"),
        )
        assert (code, venue["node"]) == (0, "nodes/town")

        half_hour = asking(f"{DAY} 09:00-09:30")
        code, found = await zhihui("request", "check", *half_hour)
        assert (code, found["findings"][0]["code"]) == (2, "WINDOW_TOO_SHORT")
        code, refused = await zhihui("request", "file", "--id", "mine", *half_hour)
        assert code == 2
        assert [one["field"] for one in refused["error"]["violations"]] == ["request.windows[0]"]

        morning = asking(f"{DAY} 上午")
        code, filed = await zhihui("request", "file", "--id", "mine", "--draft", *morning)
        assert (code, filed["state"]) == (0, "STATE_DRAFT")
        assert filed["seats"] == [
            {"roles": ["ROLE_LECTURER"], "topic": "digital_elder", "proficiency": 0, "optional": False, "count": 0}
        ]  # fmt: skip
        code, changed = await zhihui(
            *("request", "change", "mine", "--audience", "90"),
            *("--window", f"{DAY} 下午", "--window", f"{DAY} 上午"),
        )
        assert code == 0, changed["error"]["violations"]
        assert (code, changed["audience_size"], len(changed["windows"])) == (0, 90, 2)
        assert changed["topic"] == "digital_elder"
        code, submitted = await zhihui("request", "submit", "mine")
        assert (code, submitted["state"]) == (0, "STATE_SUBMITTED")
        code, endorsed = await zhihui("request", "endorse", "requests/mine", "--weight", "30")
        assert (code, endorsed["state"], endorsed["weight"]) == (0, "STATE_ENDORSED", 30)
        code, listed = await zhihui("request", "list", "--state", "endorsed", "--node", "town")
        assert [one["name"] for one in listed["requests"]] == ["requests/mine"]
        code, _ = await zhihui("request", "confirm", "mine")
        assert code == 2
        code, withdrawn = await zhihui("request", "withdraw", "mine", "--reason", "改期")
        assert (code, withdrawn["state"]) == (0, "STATE_WITHDRAWN")
        code, history = await zhihui("request", "history", "mine")
        assert [one["what"] for one in history["entries"]] == [
            *("FILED", "CHANGED", "SUBMITTED", "ENDORSED", "WITHDRAWN")
        ]


async def test_an_expert_is_registered_and_two_people_review_their_talk(fresh_database, tmp_path):
    async with experts_desk(fresh_database, tmp_path) as zhihui:
        code, pool = await zhihui("pool", "add", "corps", "--title", "示例团", "--owner", "city")
        assert (code, pool["owner"]) == (0, "nodes/city")
        code, pool = await zhihui(
            *("pool", "share", "corps", "--node", "town", "--quota", "5", "--since", "2026-01-01")
        )
        assert (code, pool["agreements"][0]["quota"]) == (0, 5)
        person = [
            *("expert", "register", "--id", "e-1", "--title", "示例·甲", "--role", "讲师"),
            *("--town", "town", "--home", "29.56, 106.55", "--skill", "ai:3", "--audience", "青少年"),
            *("--form", "科普讲座", "--level", "小学", "--level", "初中"),
            *("--pool", "corps 2026-01-01~2029-01-01"),
        ]  # fmt: skip
        code, expert = await zhihui(*person, "--per-day", "9")
        assert (code, expert["error"]["sentence"][:9]) == (2, "--per-day")
        code, expert = await zhihui(*person)
        assert (code, expert["skills"]) == (0, [{"topic": "ai", "proficiency": 3}])

        code, expert = await zhihui("expert", "limits", "e-1", "--per-week", "2")
        assert (expert["limits"]["per_week"], expert["limits"]["per_day"]) == (2, 2)
        code, free = await zhihui(
            "expert", "available", "e-1", "--since", DAY, "--window", f"{DAY} 08:00-18:00"
        )
        assert (code, len(free["windows"])) == (0, 1)
        code, free = await zhihui("expert", "available", "e-1", "--since", DAY)
        assert (code, len(free["windows"])) == (0, 1)

        code, talk = await zhihui(
            *("expert", "talk", "e-1", "--id", "t-1", "--title", "示例讲座", "--topic", "ai"),
            *("--audience", "青少年", "--level", "小学", "--abstract", "示例"),
        )
        assert (code, len(talk["versions"])) == (0, 1)
        reviewed = (
            "expert",
            "review",
            talk["name"],
            "--audience",
            "青少年",
            "--until",
            "2090-01-01",
        )
        code, _ = await zhihui(*reviewed, "--kind", "政治性", "--reviewer", "r-1")
        assert code == 0
        code, same = await zhihui(*reviewed, "--kind", "科学性", "--reviewer", "r-1")
        assert (code, same["error"]["reason"]) == (2, "REVIEWERS_NOT_INDEPENDENT")
        code, talk = await zhihui(*reviewed, "--kind", "科学性", "--reviewer", "r-2")
        assert (code, len(talk["versions"][0]["reviews"])) == (0, 2)
        code, kept = await zhihui("expert", "withdraw", "e-1")
        assert (code, "--yes" in kept["error"]["sentence"]) == (2, True)
