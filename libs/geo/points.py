"""Points on the ground: WGS-84 inside, other datums converted at the edge and nowhere else."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from libs.errors import InvalidInput

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

LAT_MIN_DEG, LAT_MAX_DEG = 3.8, 53.6
LON_MIN_DEG, LON_MAX_DEG = 73.4, 135.1
"""A box around China; coarse on purpose: it is there to catch mistakes, not to draw borders."""


class Datum(StrEnum):
    """What a pair of coordinates is measured against."""

    WGS84 = "WGS84"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


class OutsideCountry(InvalidInput):
    """The point is not in China."""


class SwappedCoordinates(InvalidInput):
    """Latitude and longitude have changed places."""


class WrongDatum(InvalidInput):
    """The datum is not one we can store or convert."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point in China, WGS-84, degrees north and east.

    Raises:
        SwappedCoordinates: the pair makes sense only the other way round.
        OutsideCountry: it makes sense neither way.
    """

    lat: float
    lon: float
    datum: ClassVar[Datum] = Datum.WGS84

    def __post_init__(self) -> None:
        if _in_box(self.lat, self.lon):
            return
        if _in_box(self.lon, self.lat):
            raise SwappedCoordinates(
                "latitude and longitude have changed places", lat=str(self.lat), lon=str(self.lon)
            )
        raise OutsideCountry(
            "the point is outside the country", lat=str(self.lat), lon=str(self.lon)
        )


def stored_point(*, lat: float, lon: float, datum: str) -> Point:
    """The point of a message that must already be WGS-84.

    Raises:
        WrongDatum: another datum, or none, is stated. Services never convert: a silent conversion
            of a mislabelled point moves it by some 500 m.
        SwappedCoordinates, OutsideCountry: as for `Point`.
    """
    if datum != Datum.WGS84:
        raise WrongDatum("coordinates must be WGS-84", datum=datum or "not stated")
    return Point(lat=lat, lon=lon)


def point_from_edge(*, lat: float, lon: float, datum: str) -> Point:
    """The WGS-84 point of coordinates that a person or a map typed in, in the datum they state.

    GCJ-02 and BD-09 are inverted to within 0.1 m.

    Raises:
        WrongDatum: `datum` is none of `Datum`.
        SwappedCoordinates, OutsideCountry: as for `Point`.
    """
    if datum not in set(Datum):
        raise WrongDatum("the datum is not known", datum=datum or "not stated")
    typed = Point(lat=lat, lon=lon)
    if datum == Datum.WGS84:
        return typed
    if datum == Datum.BD09:
        lat, lon = _gcj02_from_bd09(lat, lon)
    return Point(*_wgs84_from_gcj02(lat, lon))


def gcj02_from(point: Point) -> tuple[float, float]:
    """`point` as (lat, lon) in GCJ-02, for a Chinese base map."""
    lat_shift, lon_shift = _gcj02_shift(point.lat, point.lon)
    return point.lat + lat_shift, point.lon + lon_shift


def bd09_from(point: Point) -> tuple[float, float]:
    """`point` as (lat, lon) in BD-09, for Baidu's base map."""
    lat, lon = gcj02_from(point)
    radius = math.hypot(lon, lat) + 2e-5 * math.sin(lat * _BD09_TURN)
    angle = math.atan2(lat, lon) + 3e-6 * math.cos(lon * _BD09_TURN)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def great_circle_km(a: Point, b: Point) -> float:
    """The length of the shortest way over the sphere, by the haversine formula."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    lon_half = math.radians(b.lon - a.lon) / 2
    haversine = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin(lon_half) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(haversine))


def _in_box(lat: float, lon: float) -> bool:
    return LAT_MIN_DEG <= lat <= LAT_MAX_DEG and LON_MIN_DEG <= lon <= LON_MAX_DEG


# GCJ-02 is a secret polynomial that became known: Krasovsky's ellipsoid and a sum of sines.
_KRASOVSKY_RADIUS_M = 6378245.0
_KRASOVSKY_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD09_TURN = math.pi * 3000.0 / 180.0


def _gcj02_shift(lat: float, lon: float) -> tuple[float, float]:
    """By how many degrees GCJ-02 moves the WGS-84 pair: (lat, lon)."""
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = (
        -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * math.sqrt(abs(x))
        + common
        + (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
        + (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    )
    east = (
        300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * math.sqrt(abs(x))
        + common
        + (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
        + (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    )
    lat_rad = math.radians(lat)
    magic = 1 - _KRASOVSKY_ECCENTRICITY_SQUARED * math.sin(lat_rad) ** 2
    meridian_m = (
        _KRASOVSKY_RADIUS_M * (1 - _KRASOVSKY_ECCENTRICITY_SQUARED) / (magic * math.sqrt(magic))
    )
    parallel_m = _KRASOVSKY_RADIUS_M / math.sqrt(magic) * math.cos(lat_rad)
    return math.degrees(north / meridian_m), math.degrees(east / parallel_m)


def _wgs84_from_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """The pair that GCJ-02 moves to (`lat`, `lon`), by fixed point: the shift varies slowly."""
    wgs_lat, wgs_lon = lat, lon
    for _ in range(5):
        lat_shift, lon_shift = _gcj02_shift(wgs_lat, wgs_lon)
        wgs_lat, wgs_lon = lat - lat_shift, lon - lon_shift
    return wgs_lat, wgs_lon


def _gcj02_from_bd09(lat: float, lon: float) -> tuple[float, float]:
    """The pair that BD-09 moves to (`lat`, `lon`), by fixed point."""
    y, x = lat - 0.006, lon - 0.0065
    gcj_lat, gcj_lon = y, x
    for _ in range(5):
        radius = math.hypot(x, y) - 2e-5 * math.sin(gcj_lat * _BD09_TURN)
        angle = math.atan2(y, x) - 3e-6 * math.cos(gcj_lon * _BD09_TURN)
        gcj_lat, gcj_lon = radius * math.sin(angle), radius * math.cos(angle)
    return gcj_lat, gcj_lon
