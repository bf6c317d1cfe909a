from datetime import date

import numpy as np
import pytest

from libs.geo import data, nodes
from libs.geo.points import Point
from libs.geo.travel import ModelledTravel, Place, TableTravel, great_circles_km, in_mountains

DAY = date(2026, 1, 1)


def seat(name: str) -> nodes.Node:
    return next(node for node in nodes.chongqing().districts(on=DAY) if node.name_zh == name)


def place(node: nodes.Node) -> Place:
    return Place(node.point, mountain=node.mountain)


@pytest.mark.parametrize(
    "anchor", data.rows("anchors.csv"), ids=lambda row: f"{row['from']}-{row['to']}"
)
def test_published_anchors_get_the_distance_and_time_the_model_was_fitted_with(anchor):
    ends = [seat(anchor["from"]), seat(anchor["to"])]
    great_circle = great_circles_km([node.point for node in ends])
    either = np.full((2, 2), any(node.mountain for node in ends))
    travel = ModelledTravel()
    # The anchors were measured from seats a few hundred metres away from today's.
    assert great_circle[0, 1] == pytest.approx(float(anchor["gc_km"]), abs=0.7)
    assert travel.road_km(great_circle, either)[0, 1] == pytest.approx(
        float(anchor["model_km"]), abs=1
    )
    assert abs(travel.minutes([place(node) for node in ends])[0, 1] - int(anchor["model_min"])) <= 1


def test_the_matrix_of_all_seats_is_the_published_one_to_the_minute():
    # Of the vintage the matrix was made for.
    tree = nodes.chongqing()
    seats = {node.code: node for node in tree.vintages if node.kind is nodes.Kind.DISTRICT}
    codes = sorted(
        {row[end] for row in data.rows("seat_matrix_modelled.csv") for end in ("from", "to")}
    )
    minutes = ModelledTravel().minutes([place(seats[code]) for code in codes])
    index = {code: i for i, code in enumerate(codes)}
    off = [
        (row["from"], row["to"])
        for row in data.rows("seat_matrix_modelled.csv")
        if abs(minutes[index[row["from"]], index[row["to"]]] - int(row["min_est"])) > 1
    ]
    assert len(codes) == 38
    assert off == []


def test_times_with_a_published_expressway_time_are_within_a_third():
    for anchor in data.rows("anchors.csv"):
        if anchor["published_min"] and anchor["quality"] == "B" and "before" not in anchor["road"]:
            modelled = int(anchor["model_min"])
            assert (
                abs(modelled - int(anchor["published_min"])) / int(anchor["published_min"]) < 0.33
            )


def test_minutes_are_whole_symmetric_and_zero_at_home():
    places = [place(node) for node in nodes.chongqing().districts(on=DAY)]
    minutes = ModelledTravel().minutes(places)
    assert minutes.dtype == np.int32
    assert (minutes == minutes.T).all()
    assert (np.diag(minutes) == 0).all()
    assert (minutes[~np.eye(len(places), dtype=bool)] > 0).all()


def test_two_halls_of_one_school_cost_no_travel():
    here, next_door = Point(lat=29.5, lon=106.5), Point(lat=29.5001, lon=106.5)
    assert ModelledTravel().minutes([Place(here), Place(next_door)])[0, 1] == 0


def test_short_mountain_ways_are_longer_and_long_ones_are_not():
    travel = ModelledTravel()
    for km, longer in [(60.0, True), (99.9, True), (100.0, False), (200.0, False)]:
        plain, steep = (
            travel.road_km(np.array([[km]]), np.array([[flag]]))[0, 0] for flag in (False, True)
        )
        assert (steep - plain) == pytest.approx(km * 0.10 if longer else 0.0)


def test_the_last_mile_to_a_village_is_paid_at_its_end_only():
    town, village = Point(lat=29.5, lon=106.5), Point(lat=29.8, lon=106.9)
    plain = ModelledTravel().minutes([Place(town), Place(village)])
    with_road = ModelledTravel().minutes([Place(town), Place(village, last_mile_km=3.0)])
    # 3 km x detour 1.6 at 30 km/h
    assert abs((with_road[0, 1] - plain[0, 1]) - 9.6) <= 1
    assert with_road[0, 0] == 0


def test_winter_slows_the_mountains_only():
    centre, yongchuan, kaizhou, yunyang = (
        place(seat(name)) for name in ("渝中区", "永川区", "开州区", "云阳县")
    )
    summer = ModelledTravel().minutes([centre, yongchuan, kaizhou, yunyang])
    winter = ModelledTravel(winter=True).minutes([centre, yongchuan, kaizhou, yunyang])
    assert winter[0, 1] == summer[0, 1]
    assert winter[2, 3] == pytest.approx(summer[2, 3] * 1.25, abs=1)


def test_a_point_of_unknown_region_asks_its_nearest_town():
    assert list(in_mountains([seat("城口县").point, seat("渝中区").point])) == [True, False]


def test_a_table_goes_before_the_model_and_only_in_its_direction():
    a, b = Point(lat=29.5, lon=106.5), Point(lat=29.8, lon=106.9)
    modelled = ModelledTravel()
    table = TableTravel(label="road works", minutes_by_pair={(a, b): 7}, fallback=modelled)
    minutes = table.minutes([Place(a), Place(b)])
    assert minutes[0, 1] == 7
    assert minutes[1, 0] == modelled.minutes([Place(a), Place(b)])[1, 0]
    assert table.label == "road works, else modelled"


def test_no_places_have_no_minutes():
    assert ModelledTravel().minutes([]).shape == (0, 0)
