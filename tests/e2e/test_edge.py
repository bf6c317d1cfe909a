"""The edge over real HTTP, on the whole stack: keys and versions, streams and their resuming, and a fuzz of its document."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from libs.ids import new_id
from tests.support.days import demo_day
from tests.support.embedded import EmbeddedStack
from tests.support.fuzz import fuzz, signed_in
from tests.support.signing_in import sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WAIT_S = 30
"""For an answer on a busy machine; a change is told within a few seconds."""


@pytest.fixture
async def city(stack: EmbeddedStack) -> AsyncIterator[httpx.AsyncClient]:
    """The city's coordinator, whose writes show the token; each call needs a key."""
    async with httpx.AsyncClient(base_url=stack.base, timeout=WAIT_S) as client:
        client.headers.update(await sign_in(client, "city"))
        yield client


def draft(title: str = "示例", *, submit: bool = False) -> dict[str, Any]:
    window = {"start_time": f"{demo_day(72)}T01:00:00Z", "end_time": f"{demo_day(72)}T04:00:00Z"}
    request = {
        "venue": "venues/venue-community-0003",
        "title": title,
        "group": "ELDERLY",
        "level": "ADULT",
        "form": "CONSULTATION",
        "topic": "first_aid",
        "duration_min": 60,
        "audience_size": 40,
        "mode": "EITHER",
        "windows": [window],
        "seats": [{"roles": ["LECTURER"], "count": 1}],
    }
    return {"submit": submit, "request": request}


def key() -> dict[str, str]:
    return {"Idempotency-Key": new_id("test")}


async def test_a_repeat_with_the_same_key_gets_the_same_answer_and_another_body_a_conflict(
    city: httpx.AsyncClient,
) -> None:
    same = key()
    first = await city.post("/api/requests", json=draft(), headers=same)
    again = await city.post("/api/requests", json=draft(), headers=same)
    other = await city.post("/api/requests", json=draft("另一个"), headers=same)
    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert (other.status_code, other.json()["reason"]) == (409, "REQUEST_ID_REUSED")
    assert "操作" in other.json()["detail"]


async def test_who_changes_what_somebody_else_has_changed_is_told_and_overwrites_nothing(
    city: httpx.AsyncClient,
) -> None:
    filed = await city.post("/api/requests", json=draft(), headers=key())
    path = "/api/" + filed.json()["request"]["name"]
    read = await city.get(path)
    assert read.headers["etag"] == f'"{read.json()["request"]["etag"]}"'

    def change(title: str) -> dict[str, Any]:
        return {"request": {"title": title}, "fields": ["title"]}

    match = {"If-Match": read.headers["etag"], "Accept-Language": "en"}
    first = await city.patch(path, json=change("先"), headers={**key(), **match})
    second = await city.patch(path, json=change("后"), headers={**key(), **match})
    assert first.status_code == 200, first.text
    assert first.headers["etag"] != read.headers["etag"]
    assert (second.status_code, second.json()["reason"]) == (412, "ETAG_MISMATCH")
    assert second.json()["detail"].startswith("Somebody else")
    body = {**change("后"), "etag": read.json()["request"]["etag"]}
    third = await city.patch(path, json=body, headers=key())
    assert (third.status_code, third.json()["reason"]) == (409, "ETAG_MISMATCH")
    assert (await city.get(path)).json()["request"]["title"] == "先"


async def test_an_instant_answer_says_what_is_missing_then_how_likely_it_is(
    city: httpx.AsyncClient,
) -> None:
    begun = {"venue": "venues/venue-community-0003", "title": "示例", "group": "ELDERLY"}
    asked: dict[str, Any] = {"request": begun, "look": []}
    short = (await city.post("/api/requests:answer", json=asked)).json()
    assert short["missing"] == ["level", "form", "topic", "duration_min", "windows"]
    assert short["chance"] is None
    horizon = (await city.get("/api/rounds/demo")).json()["round"]["horizon"]
    day = horizon["start_date"]
    morning = {"start_time": f"{day}T01:00:00Z", "end_time": f"{day}T04:00:00Z"}
    night = {"start_time": f"{day}T16:00:00Z", "end_time": f"{day}T18:00:00Z"}
    asked["request"].update(
        level="ADULT", form="CONSULTATION", topic="first_aid", duration_min=60, windows=[night]
    )
    asked["look"] = [morning, night]
    full = (await city.post("/api/requests:answer", json=asked)).json()
    assert full["missing"] == []
    assert full["eligible"] > 0
    assert (full["chance"], full["asked"][0]["free"]) == (0, 0), "nobody comes after midnight"
    assert [one["window"]["start_time"] for one in full["looked"]] == [
        morning["start_time"],
        night["start_time"],
    ]
    assert [one["chance"] > 0 for one in full["better"]] == [True] * len(full["better"])


async def test_an_event_has_an_entry_for_a_calendar_and_a_sheet_to_sign(
    city: httpx.AsyncClient, stack: EmbeddedStack
) -> None:
    listed = await city.get("/api/events", params={"state": "PUBLISHED", "page_size": 1})
    (event,) = listed.json()["events"]
    path = f"/api/{event['name']}"
    entry = await city.get(f"{path}/calendar.ics")
    assert entry.headers["content-type"] == "text/calendar; charset=utf-8"
    (dated,) = Calendar.from_ical(entry.content).walk("VEVENT")
    assert dated.start == datetime.fromisoformat(event["period"]["start_time"])
    assert all(one["display_name"] in dated["description"] for one in event["team"])
    for language in ("zh", "en"):
        sheet = await city.get(f"{path}/sheet.pdf", params={"language": language})
        assert sheet.status_code == 200, sheet.text
        if sheet.headers["content-type"] == "application/pdf":
            assert sheet.content.startswith(b"%PDF-")
        else:  # this machine has no Chinese face
            assert event["name"] in sheet.text
    missing = await city.get("/api/events/ev-none/sheet.pdf")
    assert (missing.status_code, missing.json()["reason"]) == (404, "EVENT_NOT_FOUND")
    async with httpx.AsyncClient(base_url=stack.base, timeout=WAIT_S) as stranger:
        assert (await stranger.get(f"{path}/sheet.pdf")).status_code == 401


class Stream:
    """Server-sent events, one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.id = ""

    async def next(self) -> tuple[str, Any]:
        """Name and data of the next event; comments (heartbeats) are passed over."""
        name, data = "", ""
        async for line in self._lines:
            if line.startswith("event:"):
                name = line.partition(":")[2].strip()
            elif line.startswith("data:"):
                data += line.partition(":")[2].strip()
            elif line.startswith("id:"):
                self.id = line.partition(":")[2].strip()
            elif not line and name:
                return name, json.loads(data)
        return "", None


async def opened(city: httpx.AsyncClient) -> str:
    """A new round of one's own."""
    horizon = {"start_date": f"{demo_day(70)}", "end_date": f"{demo_day(77)}"}
    body = {"title": "示例", "horizon": horizon}
    answer = await city.post("/api/rounds", json=body, headers=key())
    assert answer.status_code == 200, answer.text
    return answer.json()["round"]["name"].removeprefix("rounds/")


async def test_a_change_of_somebody_else_is_told_and_one_missed_while_away_too(
    city: httpx.AsyncClient,
) -> None:
    round = await opened(city)
    query = {"round": round}

    async def forbid(other: str) -> None:
        forbidden = {"expert": "experts/expert-0001", "other": f"experts/expert-{other}"}
        path = f"/api/rounds/{round}/forbids:add"
        answer = await city.post(path, json={"forbid": forbidden}, headers=key())
        assert answer.status_code == 200, answer.text

    async with city.stream("GET", "/api/changes", params=query) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] in {"no-cache", "no-store"}
        stream = Stream(answer)
        assert (await stream.next())[0] == "ready"
        before = stream.id
        await forbid("0002")
        name, told = await stream.next()
        assert (name, told["kind"], told["name"]) == ("changed", "round", f"rounds/{round}")
        assert told["etag"] == (await city.get(f"/api/rounds/{round}")).json()["round"]["etag"]
        seen = stream.id
    for last, first in ((before, "reset"), (seen, "ready")):
        resumed = {"Last-Event-ID": last}
        async with city.stream("GET", "/api/changes", params=query, headers=resumed) as answer:
            assert (await Stream(answer).next())[0] == first


async def test_the_inbox_tells_of_a_new_request(city: httpx.AsyncClient) -> None:
    async with city.stream("GET", "/api/changes", params={"requests": "true"}) as answer:
        stream = Stream(answer)
        assert (await stream.next())[0] == "ready"
        filed = await city.post("/api/requests", json=draft(submit=True), headers=key())
        assert filed.status_code == 200, filed.text
        name, told = await stream.next()
        assert (name, told["name"]) == ("changed", filed.json()["request"]["name"])


async def test_a_stream_of_what_one_may_not_read_ends_with_a_sentence(
    stack: EmbeddedStack,
) -> None:
    async with httpx.AsyncClient(base_url=stack.base, timeout=WAIT_S) as client:
        assert (await client.get("/api/changes")).status_code == 401
        await sign_in(client, "teacher")
        async with client.stream("GET", "/api/changes", params={"round": "demo"}) as answer:
            stream = Stream(answer)
            name, told = await stream.next()
            assert (name, told["status"], told["reason"]) == ("problem", 403, "ROLE_NOT_SUFFICIENT")
            assert (await stream.next())[0] == ""


async def test_one_session_has_only_so_many_streams(city: httpx.AsyncClient) -> None:
    async with contextlib.AsyncExitStack() as many:
        streams = []
        for _ in range(12):
            answer = await many.enter_async_context(city.stream("GET", "/api/changes"))
            streams.append(Stream(answer))
        assert [(await stream.next())[0] for stream in streams] == ["ready"] * 12
        refused = await city.get("/api/changes")
        assert (refused.status_code, refused.json()["reason"]) == (429, "TOO_MANY_CALLS")
    async with asyncio.timeout(WAIT_S):  # those that were left make room
        while True:
            async with city.stream("GET", "/api/changes") as answer:
                if answer.status_code == 200:
                    assert (await Stream(answer).next())[0] == "ready"
                    return


async def test_progress_goes_on_after_the_number_that_was_seen_last(
    city: httpx.AsyncClient,
) -> None:
    run = (await city.get("/api/rounds/demo/runs")).json()["runs"][0]["name"]
    path = f"/api/{run}/progress"

    async def numbers(headers: dict[str, str]) -> list[int]:
        seen: list[int] = []
        async with city.stream("GET", path, headers=headers) as answer:
            stream = Stream(answer)
            while True:
                name, told = await stream.next()
                if name != "progress":
                    assert name == "ended", told
                    return seen
                if told["progress"]:
                    seen.append(told["progress"]["number"])

    everything = await numbers({})
    assert everything == sorted(set(everything))
    assert len(everything) > 2
    middle = everything[len(everything) // 2]
    rest = await numbers({"Last-Event-ID": str(middle)})
    assert rest == [number for number in everything if number > middle]


def test_nothing_that_the_document_allows_or_forbids_makes_the_edge_fail(
    stack: EmbeddedStack,
) -> None:
    found = fuzz(signed_in(stack.base, "city"), examples=6, writes=False, seed=20)
    # it got through to the services, and was refused in every way there is
    assert {"200", "400", "404", "422"} <= set(found), found
    assert sum(found.values()) > 200, found
