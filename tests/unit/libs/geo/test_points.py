import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.geo.points import (
    Datum,
    OutsideCountry,
    Point,
    SwappedCoordinates,
    WrongDatum,
    bd09_from,
    gcj02_from,
    great_circle_km,
    point_from_edge,
    stored_point,
)

JIEFANGBEI = Point(lat=29.55961, lon=106.57722)

points = st.builds(Point, lat=st.floats(28.1, 32.3), lon=st.floats(105.2, 110.3))


def metres(a: Point, b: Point) -> float:
    return great_circle_km(a, b) * 1000


@given(points)
def test_gcj02_comes_back_to_the_same_metre(point):
    lat, lon = gcj02_from(point)
    assert metres(point_from_edge(lat=lat, lon=lon, datum="GCJ02"), point) < 0.1


@given(points)
def test_bd09_comes_back_to_the_same_metre(point):
    lat, lon = bd09_from(point)
    assert metres(point_from_edge(lat=lat, lon=lon, datum="BD09"), point) < 1.0


def test_gcj02_is_some_hundred_metres_off_in_chongqing():
    lat, lon = gcj02_from(JIEFANGBEI)
    assert 300 < metres(Point(lat=lat, lon=lon), JIEFANGBEI) < 700


def test_bd09_is_further_off_than_gcj02():
    gcj, bd = gcj02_from(JIEFANGBEI), bd09_from(JIEFANGBEI)
    assert metres(Point(*bd), JIEFANGBEI) > metres(Point(*gcj), JIEFANGBEI) + 300


def test_wgs84_from_the_edge_is_kept_as_it_is():
    assert point_from_edge(lat=29.5, lon=106.5, datum=Datum.WGS84) == Point(lat=29.5, lon=106.5)


@pytest.mark.parametrize("datum", ["GCJ02", "BD09", "", "wgs84"])
def test_a_stored_point_of_another_datum_is_refused(datum):
    with pytest.raises(WrongDatum):
        stored_point(lat=29.5, lon=106.5, datum=datum)


def test_a_stored_point_in_wgs84_is_taken():
    assert stored_point(lat=29.5, lon=106.5, datum="WGS84") == Point(lat=29.5, lon=106.5)


def test_an_unknown_datum_at_the_edge_is_refused():
    with pytest.raises(WrongDatum):
        point_from_edge(lat=29.5, lon=106.5, datum="CGCS2000?")


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 0.0), (48.85, 2.35), (29.5, 181.0), (3.7, 106.5)])
def test_a_point_abroad_is_refused(lat, lon):
    with pytest.raises(OutsideCountry):
        Point(lat=lat, lon=lon)


def test_swapped_coordinates_are_named_as_such():
    with pytest.raises(SwappedCoordinates) as refusal:
        Point(lat=106.5, lon=29.5)
    assert refusal.value.reason == "SWAPPED_COORDINATES"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(bad):
    with pytest.raises(OutsideCountry):
        Point(lat=bad, lon=106.5)


def test_one_degree_of_latitude_is_111_km():
    assert great_circle_km(Point(lat=29, lon=106), Point(lat=30, lon=106)) == pytest.approx(
        111.195, abs=0.01
    )
