"""The instant answer behind the venue's form: what can be said of a request while it is being written."""

import asyncio
from typing import Any

from fastapi import APIRouter

from services.web.api import views
from services.web.api.calls import Reader
from services.web.api.problems import DOCUMENTED

router = APIRouter(prefix="/api", responses=DOCUMENTED)
NEEDED = ("venue", "group", "level", "form", "topic", "duration_min")
"""Without these nothing can be said about who could come."""
BETTER_MAX = 6


@router.post("/requests:answer", response_model=views.AnswerNow)
async def answer_now(body: views.AnswerAsked, who: Reader) -> Any:
    """Reads only: valid, visits left, how likely, and which other half-days would raise the chance."""
    written = body.request.model_dump()
    lead = next((seat for seat in written["seats"] if not seat["optional"]), None)
    topic = written["topic"] or (lead["topic"] if lead else "")
    known = {**written, "topic": topic}
    missing = [name for name in NEEDED if not known[name]]
    if not written["windows"] and not body.look:
        missing.append("windows")
    check = who.call("CheckRequest", request=written)
    if missing:
        return {**_checked(await check), **_NOTHING, "missing": missing}
    ranking = who.call(
        "RankWindows",
        **{name: known[name] for name in NEEDED},
        windows=written["windows"],
        look=[one.model_dump() for one in body.look],
        mode=written["mode"],
        roles=lead["roles"] if lead else [],
        named_expert=written["named_expert"] if written["named_only"] else "",
    )
    checked, ranked = await asyncio.gather(check, ranking)
    windows = {_key(one): one for one in ranked["windows"]}
    best = max((one["chance"] for one in ranked["windows"]), default=0)
    better = [one for one in ranked["looked"] if one["chance"] > best]
    return {
        **_checked(checked),
        "missing": [] if written["windows"] else ["windows"],
        "eligible": ranked["eligible"],
        "chance": ranked["chance"] if written["windows"] else None,
        "asked": [
            windows[key] for one in body.request.windows if (key := _asked_key(one)) in windows
        ],
        "looked": ranked["looked"],
        "next_round": ranked["next_round"],
        "better": sorted(better, key=lambda one: (-one["chance"], -one["free"]))[:BETTER_MAX],
    }


_NOTHING: dict[str, Any] = {
    "eligible": 0,
    "chance": None,
    "asked": [],
    "looked": [],
    "better": [],
    "next_round": None,
}


def _checked(check: dict[str, Any]) -> dict[str, Any]:
    return {**check, "valid": all(one["severity"] != "REFUSED" for one in check["findings"])}


def _key(ranked: dict[str, Any]) -> tuple[float, float]:
    period = views.Period.model_validate(ranked["window"])
    return _asked_key(period)


def _asked_key(period: views.Period) -> tuple[float, float]:
    return period.start_time.timestamp(), period.end_time.timestamp()
