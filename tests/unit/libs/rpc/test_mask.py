import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from libs.rpc.etag import EtagMismatch, etag_of, require_etag
from libs.rpc.mask import BadUpdateMask, apply_mask
from tests.support.toy import Home, Toy

BEFORE = Toy(
    name="toys/1",
    title="kite",
    home=Home(latitude=30),
    places=[Home(latitude=1)],
    by_day={"mon": Home(latitude=2)},
    weight=0,
    tags=["a"],
)


def changed(patch: Toy, *paths: str) -> Toy:
    return apply_mask(BEFORE, patch, FieldMask(paths=paths))


def expected(**changes: object) -> Toy:
    after = Toy()
    after.CopyFrom(BEFORE)
    for name in changes:
        after.ClearField(name)
    after.MergeFrom(Toy(**{name: value for name, value in changes.items() if value is not None}))
    return after


def test_only_named_fields_change() -> None:
    patch = Toy(title="ball", tags=["b", "c"])
    assert changed(patch, "title") == expected(title="ball")
    assert BEFORE.title == "kite"


def test_a_named_field_that_is_unset_is_cleared() -> None:
    assert changed(Toy(), "title", "home", "weight", "tags", "places", "by_day") == Toy(
        name="toys/1"
    )


def test_lists_and_maps_are_replaced_whole() -> None:
    patch = Toy(places=[Home(latitude=7)], by_day={"tue": Home(latitude=8)}, tags=["b"])
    assert changed(patch, "places", "by_day", "tags") == expected(
        places=[Home(latitude=7)], by_day={"tue": Home(latitude=8)}, tags=["b"]
    )


def test_a_path_may_go_inside() -> None:
    assert changed(Toy(home=Home(latitude=31)), "home.latitude") == expected(home=Home(latitude=31))
    assert changed(Toy(), "home.latitude") == expected(home=Home())


def test_a_path_into_what_neither_has_adds_nothing() -> None:
    assert apply_mask(Toy(), Toy(), FieldMask(paths=["home.latitude"])) == Toy()


def test_a_zero_that_was_set_is_kept() -> None:
    assert changed(Toy(weight=0), "weight").HasField("weight")


def test_without_a_mask_what_is_set_changes_and_the_fixed_is_passed_over() -> None:
    assert changed(Toy(name="toys/2", title="ball")) == expected(title="ball")


def test_a_star_replaces_all_but_the_fixed() -> None:
    assert changed(Toy(name="toys/2", title="ball"), "*") == Toy(name="toys/1", title="ball")


def test_bad_paths_are_refused_each_with_its_fault() -> None:
    with pytest.raises(BadUpdateMask) as refused:
        changed(
            Toy(), "title", "colour", "name", "home.altitude", "title.length", "places.latitude"
        )
    assert {violation.path: violation.description for violation in refused.value.violations} == {
        "update_mask.colour": "no such field",
        "update_mask.name": "not yours to change",
        "update_mask.home.altitude": "no such field",
        "update_mask.title.length": "goes into a field that has no fields",
        "update_mask.places.latitude": "goes into a list, which is replaced whole",
    }


def test_an_etag_is_of_one_version_of_one_thing() -> None:
    assert etag_of("toys/1", 1) == etag_of("toys/1", 1)
    assert len({etag_of("toys/1", 1), etag_of("toys/1", 2), etag_of("toys/2", 1)}) == 3


def test_an_old_etag_is_a_conflict_and_none_is_not() -> None:
    require_etag("", name="toys/1", version=2)
    require_etag(etag_of("toys/1", 2), name="toys/1", version=2)
    with pytest.raises(EtagMismatch):
        require_etag(etag_of("toys/1", 1), name="toys/1", version=2)
