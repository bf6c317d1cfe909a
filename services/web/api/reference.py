"""What does not change while a page is open: words to choose from, the calendar, the map."""

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Response

from libs.geo import data
from libs.geo.calendar import chongqing as calendar
from libs.geo.topics import topics
from services.web.api import views
from services.web.api.calls import Reader
from services.web.api.problems import DOCUMENTED

router = APIRouter(prefix="/api", responses=DOCUMENTED)
DAYS_MAX = 200
BOUNDARIES = "districts_2025_approx_tiny.geojson"
"""The asset to replace where better boundaries may be shown."""
_AN_HOUR = {"Cache-Control": "public, max-age=3600"}


@router.get("/reference", response_model=views.ReferenceShown)
async def reference(who: Reader) -> Any:
    """Topics, and the districts in force today as the node tree has them."""
    regions = {row["adcode"]: row["region"] for row in data.rows("districts_2025.csv")}
    answer = await who.call("ListNodes", kind="DISTRICT", page_size=1000)
    return {
        "topics": [
            {"id": one.id, "zh": one.zh, "en": one.en, "groups": [g.upper() for g in one.groups]}
            for one in topics().values()
        ],
        "districts": [
            {
                "node": one["name"],
                "adcode": one["adcode"],
                "zh": one["display_name"],
                "en": one["display_name_en"] or one["display_name"],
                "seat": one["seat"],
                "region": regions.get(one["adcode"], ""),
            }
            for one in answer["nodes"]
        ],
        "moved_towns": {
            row["code_2023"]: row["district_2025"] for row in data.rows("towns_changed_2025.csv")
        },
        "attribution": data.ATTRIBUTION,
        "attribution_en": data.ATTRIBUTION_EN,
    }


@router.get("/calendar", response_model=list[views.DayShown])
async def days(start: date, days: int = 60) -> Any:
    """At most 200 days from `start`."""
    known = calendar()
    count = max(1, min(days, DAYS_MAX))
    end = start + timedelta(days=min(count, (date.max - start).days))
    shown = []
    for one in known.days(start, end):
        term, exam = known.term(one.day), known.exam(one.day)
        shown.append(
            {
                "day": one.day.isoformat(),
                "kind": one.kind,
                "name": one.name,
                "status": one.status,
                "term": term.name if term else "",
                "exam": exam.name if exam else "",
                "exam_en": exam.name_en if exam else "",
            }
        )
    return shown


@router.get("/map", include_in_schema=False)
async def boundaries() -> Response:
    """Simplified district boundaries, GeoJSON, WGS-84: a sketch (示意图)."""
    return Response(data.text(BOUNDARIES), media_type="application/geo+json", headers=_AN_HOUR)
