"""Travel minutes between places: a port, a matrix table, and the modelled fallback.

In the mountains a straight line misleads, so minutes come from a provider. Without a routing engine
the fallback is the great circle times a detour fitted to published distances; it says `modelled`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from libs.geo import data
from libs.geo.points import EARTH_RADIUS_KM, Point

Minutes = NDArray[np.int32]
Kilometres = NDArray[np.float64]

SAME_PLACE_KM = 0.05
"""Nearer than this is the same place: no access time is paid between two halls of one school."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a journey starts or ends.

    `mountain`: in the northeast or southeast cluster; `None` asks the nearest town.
    `last_mile_km`: straight line from the road's end to the door of a village; 0 or more.
    """

    point: Point
    mountain: bool | None = None
    last_mile_km: float = 0.0


class TravelProvider(Protocol):
    """Says how long people travel. `label` is kept with a round: 'modelled' or a table's name."""

    label: str

    def minutes(self, places: Sequence[Place]) -> Minutes:
        """Whole minutes from place to place, `[from, to]`, N x N, diagonal 0, never negative."""
        ...


class ModelledTravel:
    """Great circle times detour, and speed by distance, exactly as travel_model.json says."""

    label = "modelled"

    def __init__(self, *, winter: bool = False) -> None:
        """With `winter`, mountain journeys take the factor for fog and ice."""
        model = data.document("travel_model.json")
        distance, time = model["distance"], model["time"]
        self._knots_km = np.array([knot for knot, _ in distance["detour_by_gc_km"]], dtype=float)
        self._detours = np.array([detour for _, detour in distance["detour_by_gc_km"]], dtype=float)
        self._mountain_extra = float(distance["mountain_extra"])
        self._access_min = float(time["access_min"])
        self._bands = [
            (np.inf if km is None else float(km), float(kmh)) for km, kmh in time["bands_km_kmh"]
        ]
        village = time["last_mile_village"]
        self._last_mile_min_per_km = float(village["detour"]) / float(village["kmh"]) * 60
        self._mountain_factor = (
            float(time["weather_factor"]["winter_fog_or_ice_mountain"]) if winter else 1.0
        )

    def minutes(self, places: Sequence[Place]) -> Minutes:
        """See `TravelProvider`; symmetric; N x N in numpy, about 0.3 s for 2,000 places."""
        if not places:
            return np.zeros((0, 0), dtype=np.int32)
        great_circle = great_circles_km([place.point for place in places])
        mountain = _mountains(places)
        either = mountain[:, None] | mountain[None, :]
        minutes = self._drive_min(self.road_km(great_circle, either))
        minutes *= np.where(either, self._mountain_factor, 1.0)
        last_mile_min = self._last_mile_min_per_km * np.array([p.last_mile_km for p in places])
        minutes += last_mile_min[:, None] + last_mile_min[None, :]
        whole: Minutes = np.rint(minutes).astype(np.int32)
        whole[great_circle < SAME_PLACE_KM] = 0
        return whole

    def road_km(self, great_circle_km: Kilometres, mountain: NDArray[np.bool_]) -> Kilometres:
        """Road lengths; `mountain` is true where either end lies in a mountain cluster."""
        detour = np.interp(great_circle_km, self._knots_km, self._detours)
        # The extra is for short ways between valleys; long ones use the expressways' tunnels.
        short = great_circle_km < self._knots_km[-1]
        extra = np.where(mountain & short, self._mountain_extra, 0.0)
        length_km: Kilometres = great_circle_km * (detour + extra)
        return length_km

    def _drive_min(self, road_km: Kilometres) -> Kilometres:
        minutes = np.full(road_km.shape, self._access_min)
        rest_km = road_km.copy()
        for band_km, kmh in self._bands:
            driven_km = np.minimum(rest_km, band_km)
            minutes += driven_km / kmh * 60
            rest_km -= driven_km
        return minutes


class TableTravel:
    """Minutes from a stored matrix, for places it knows; the fallback for the rest.

    `minutes_by_pair` is directed, by the exact points `(from, to)`.
    """

    def __init__(
        self,
        *,
        label: str,
        minutes_by_pair: Mapping[tuple[Point, Point], int],
        fallback: TravelProvider,
    ) -> None:
        self.label = f"{label}, else {fallback.label}"
        self._minutes_by_pair = minutes_by_pair
        self._fallback = fallback

    def minutes(self, places: Sequence[Place]) -> Minutes:
        """See `TravelProvider`; as asymmetric as the table is."""
        minutes = self._fallback.minutes(places)
        for i, start in enumerate(places):
            for j, end in enumerate(places):
                known = self._minutes_by_pair.get((start.point, end.point))
                if i != j and known is not None:
                    minutes[i, j] = known
        return minutes


def great_circles_km(points: Sequence[Point]) -> Kilometres:
    """Great-circle lengths between all `points`, N x N."""
    return _great_circles_km(points, points)


@cache
def mountain_districts() -> frozenset[str]:
    """Adcodes of the northeast and southeast clusters, in every vintage."""
    return frozenset(
        row["adcode"]
        for vintage in ("districts_2022.csv", "districts_2025.csv")
        for row in data.rows(vintage)
        if row["region"] in {"northeast", "southeast"}
    )


def in_mountains(points: Sequence[Point]) -> NDArray[np.bool_]:
    """Whether each point's nearest town lies in the northeast or southeast cluster."""
    towns, town_in_mountains = _towns()
    # In slices: a matrix of 10,000 points x 1,031 towns would take 80 MB at once.
    flags = [
        town_in_mountains[np.argmin(_great_circles_km(points[i : i + 500], towns), axis=1)]
        for i in range(0, len(points), 500)
    ]
    return np.concatenate(flags) if flags else np.zeros(0, dtype=np.bool_)


def _mountains(places: Sequence[Place]) -> NDArray[np.bool_]:
    flags = np.array([bool(place.mountain) for place in places], dtype=np.bool_)
    unknown = [i for i, place in enumerate(places) if place.mountain is None]
    if unknown:
        flags[unknown] = in_mountains([places[i].point for i in unknown])
    return flags


def _great_circles_km(rows: Sequence[Point], columns: Sequence[Point]) -> Kilometres:
    lat_a = np.radians([point.lat for point in rows])[:, None]
    lon_a = np.radians([point.lon for point in rows])[:, None]
    lat_b = np.radians([point.lat for point in columns])[None, :]
    lon_b = np.radians([point.lon for point in columns])[None, :]
    haversine = (
        np.sin((lat_b - lat_a) / 2) ** 2
        + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    )
    lengths: Kilometres = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(haversine, 0.0, 1.0)))
    return lengths


@cache
def _towns() -> tuple[tuple[Point, ...], NDArray[np.bool_]]:
    towns = data.rows("towns.csv")
    return (
        tuple(Point(lat=float(row["lat"]), lon=float(row["lon"])) for row in towns),
        np.array([row["district"] in mountain_districts() for row in towns], dtype=np.bool_),
    )
