import json

import pytest

from services.scheduling.optimizer.orienteering import reading, referee

SOLOMON = """X101

VEHICLE
NUMBER     CAPACITY
  25         200

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE TIME

    0      40         50          0          0       1236          0
    1      45         68         10        912        967         90
    2      45         70         30        825        870         90
"""
VANSTEENWEGEN = """4 2 2 4
0 200
0 40.00 50.00 0.00 0.00 0 0 0 1236
1 45.00 68.00 90.00 10.00 1 1 1 912 967
2 45.00 70.00 90.00 30.00 1 2 1 2 825 870
"""
CORDEAU = """4 2 1 1
0 200
1 -29.730 64.136 2 12 1 1 1 399 525
2 -30.664 5.463 7 8 1 1 1 121 299
3 -10.442 19.999 0 0 0 0 0 1000
"""
JSON = json.dumps(
    {"x101": {"decimals": 1, "tmax": 1236.0, "nodes": [
        [40, 50, 0, 0, 0, 1236], [45, 68, 90, 10, 912, 967], [45, 70, 90, 30, 825, 870],
    ]}}
)  # fmt: skip
MCTOPMTW = """2 2 100 7 10 5 6 3 5 5 10 4 6
0 -10.442 19.999 0.0 0.0 0 1000
2 -29.73 64.136 2.0 12.0 354 392.8 431.5 470.2 509 0 46 0 0 0 1 0 0 0 1 0 0
3 -30.664 5.463 7.0 8.0 234 275.8 317.5 359.2 401 1 44 0 0 1 0 0 0 1 0 0 0
"""


def test_the_formats_of_toptw_say_the_same():
    from_solomon, from_vansteenwegen, from_json = (
        reading.any_instance("x101", text, tours=2) for text in (SOLOMON, VANSTEENWEGEN, JSON)
    )
    assert from_solomon == from_vansteenwegen == from_json
    assert from_solomon.profit == (0, 10, 30)
    assert from_solomon.service == (0, 900, 900)
    assert from_solomon.windows == ((((0, 12360),), ((9120, 9670),), ((8250, 8700),)),)


def test_a_file_of_cordeau_has_two_decimals_and_its_depot_last():
    instance = reading.any_instance("pr", CORDEAU, tours=1)
    assert (instance.travel_digits, instance.time_digits, instance.nodes) == (2, 2, 3)
    assert instance.points[0] == (-10442, 19999)
    assert instance.windows[0][1] == ((39900, 52500),)


def test_a_json_file_of_several_wants_a_choice():
    several = json.dumps(json.loads(JSON) | {"y": json.loads(JSON)["x101"]})
    assert reading.any_instance("", several, pick="y").name == "y"
    with pytest.raises(reading.BadInstance, match="choose one of x101, y"):
        reading.any_instance("", several)


def test_mctopmtw_has_windows_by_the_kind_of_tour():
    instance = reading.any_instance("pr01", MCTOPMTW)
    assert instance.tours == 2
    assert instance.capacities == (100, 7, 10, 5, 6, 3, 5, 5, 10, 4, 6)
    assert instance.needs[1] == (46, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    # E = 0: tour 1 has windows 2 and 4; E = 1: tour 1 has windows 1 and 3.
    assert instance.windows[0][1] == ((39280, 43150), (47020, 50900))
    assert instance.windows[1][1] == ((35400, 39280), (43150, 47020))
    assert instance.windows[0][2] == ((23400, 27580), (31750, 35920))
    assert referee.broken(instance, ((2, 1), ())) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        ("{}", r"\$: must be an object of instances"),
        ("{", r"\$: not JSON"),
        (JSON.replace("967", '"967"'), r"\$.x101.nodes\[1\]: must be six numbers"),
        (JSON.replace("967", "1e99"), "too large"),
        (JSON.replace("967", "NaN"), r"nodes\[1\]"),
        (JSON.replace("967", "1"), r"nodes\[1\]: a window must not close before it opens"),
        (JSON.replace('"decimals": 1', '"decimals": 9'), r"decimals: must be 0 to 6"),
        (JSON.replace("68, 90, 10", "68, -90, 10"), "must not be negative"),
        (JSON.replace("68, 90, 10", "68, 90, 10.5"), "10.5 must be a whole number"),
        (SOLOMON.replace("912", "x"), "line 11: words among the nodes"),
        (SOLOMON.replace("912", ""), "line 11: must be 7 numbers, not 6"),
        (SOLOMON.replace("    2  ", "    3  "), "line 12: node 3: nodes must be numbered"),
        (SOLOMON.partition("    0  ")[0], "no nodes under a heading CUSTOMER"),
        (VANSTEENWEGEN.replace("1 2 1 2", "1 2 1"), "line 5: 10 numbers do not fit"),
        (VANSTEENWEGEN.replace("0 200", "0 200\n0 200"), "line 3: more than one depot"),
        (VANSTEENWEGEN.replace("912", "9x"), "line 4: must be numbers"),
        (MCTOPMTW.replace("2 2 100", "2 3 100"), "line 1: 3 nodes announced, 2 there"),
        (MCTOPMTW.replace("509 0", "509 2"), "line 3: E must be 0 or 1"),
        (MCTOPMTW.replace("431.5", "300"), "line 3: windows must follow one another"),
        (MCTOPMTW.replace("\n3 ", "\n2 "), "line 4: node 2 after 2: numbers must rise"),
        (MCTOPMTW.replace(" 0 0\n3", " 0\n3"), "line 3: must be 22 numbers, not 21"),
        (MCTOPMTW.replace("2 2 100", "0 2 100"), "must have at least one tour"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_with_its_place(text, message):
    with pytest.raises(reading.BadInstance, match=message):
        reading.any_instance("x101", text)
