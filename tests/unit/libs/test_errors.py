import pytest

from libs.errors import KINDS, FieldViolation, InvalidInput, NotFound, Refusal, WrongState, kind_of


class HTTPGone2Far(WrongState):
    """A name that is hard to split."""


class TooWide(InvalidInput):
    """Wider than the door."""


def test_a_reason_is_the_name_in_upper_snake() -> None:
    assert HTTPGone2Far.reason == "HTTP_GONE2_FAR"
    assert TooWide.reason == "TOO_WIDE"


def test_a_refusal_keeps_its_sentence_details_and_violations() -> None:
    violation = FieldViolation("door.width_m", "at most 2")
    refusal = TooWide("too wide for the door", [violation], width_m=3)
    assert (refusal.sentence, str(refusal)) == ("too wide for the door", "too wide for the door")
    assert refusal.details == {"width_m": 3}
    assert refusal.violations == (violation,)


def test_details_may_be_called_anything() -> None:
    assert TooWide("no", sentence="a", self="b").details == {"sentence": "a", "self": "b"}


@pytest.mark.parametrize("kind", [Refusal, *KINDS])
def test_a_kind_is_not_a_refusal(kind: type[Refusal]) -> None:
    with pytest.raises(AssertionError, match="is a kind"):
        kind("no")


def test_a_refusal_has_one_kind() -> None:
    class Closer(TooWide):
        pass

    class Both(InvalidInput, NotFound):
        pass

    assert kind_of(Closer("no")) is InvalidInput
    with pytest.raises(ValueError, match="too many values"):
        kind_of(Both)
