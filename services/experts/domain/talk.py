"""A talk and the two independent reviews each of its versions needs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from libs.errors import FieldViolation, InvalidInput, NotFound
from services.experts.domain.expert import Form, Group, Level


class ReviewKind(StrEnum):
    """The two reviews."""

    POLITICAL = "POLITICAL"
    SCIENTIFIC = "SCIENTIFIC"


class TalkNotFound(NotFound):
    """No talk of this name."""


class TalkVersionNotFound(NotFound):
    """The talk has no version of this number."""


class ReviewersNotIndependent(InvalidInput):
    """The other review of this version is by the same person: two people are needed."""


class ReviewExpired(InvalidInput):
    """The review would not hold on any day from today."""


@dataclass(frozen=True, slots=True)
class Review:
    """What one reviewer found; it holds on days before `expire_date`."""

    kind: ReviewKind
    reviewer: str
    passed: bool
    audiences: tuple[Group, ...]
    expire_date: date
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class TalkVersion:
    """A version and its reviews in the order given; the last of a kind counts."""

    number: int
    abstract: str
    reviews: tuple[Review, ...] = ()

    def standing(self) -> Mapping[ReviewKind, Review]:
        """The review that counts, for each kind there is."""
        return {review.kind: review for review in self.reviews}

    def approved(self, *, group: Group, on: date) -> bool:
        """Whether both reviews, by two people, passed it for `group` and hold on that day."""
        counting = self.standing()
        return (
            set(counting) == set(ReviewKind)
            and len({review.reviewer for review in counting.values()}) == len(ReviewKind)
            and all(
                review.passed and group in review.audiences and on < review.expire_date
                for review in counting.values()
            )
        )

    def ends(self) -> date | None:
        """The first day on which it is approved for nobody any more; None when it is not approved."""
        counting = self.standing()
        if set(counting) != set(ReviewKind) or not all(one.passed for one in counting.values()):
            return None
        return min(review.expire_date for review in counting.values())

    def approved_at_all(self, *, on: date) -> bool:
        """Whether it is approved for any group on that day."""
        return any(self.approved(group=group, on=on) for group in Group)


@dataclass(frozen=True, slots=True)
class Talk:
    """One title in an expert's catalogue."""

    name: str
    expert: str
    title: str
    topic: str
    form: Form
    duration_min: int
    audiences: tuple[Group, ...]
    levels: tuple[Level, ...]
    versions: tuple[TalkVersion, ...] = ()

    def with_version(self, *, abstract: str) -> "Talk":
        """The talk with one more version, not yet reviewed."""
        version = TalkVersion(number=len(self.versions) + 1, abstract=abstract)
        return dataclasses.replace(self, versions=(*self.versions, version))

    def reviewed(self, *, number: int, review: Review, on: date) -> "Talk":
        """The talk after `review` of version `number`; itself when the very same review stands already.

        Raises:
            TalkVersionNotFound: there is no such version.
            ReviewersNotIndependent: the other kind's standing review is by the same person.
            ReviewExpired: it ends on or before `on`.
        """
        if not 1 <= number <= len(self.versions):
            raise TalkVersionNotFound("the talk has no such version", talk=self.name, number=number)
        version = self.versions[number - 1]
        standing = version.standing()
        if standing.get(review.kind) == review:
            return self
        if review.expire_date <= on:
            raise ReviewExpired(
                "the review would hold on no day",
                violations=[FieldViolation("review.expire_date", "must be after today")],
            )
        if any(
            other.reviewer == review.reviewer and kind is not review.kind
            for kind, other in standing.items()
        ):
            raise ReviewersNotIndependent(
                "the two reviews need two people",
                violations=[FieldViolation("review.reviewer", "gave the other review")],
            )
        after = dataclasses.replace(version, reviews=(*version.reviews, review))
        versions = (*self.versions[: number - 1], after, *self.versions[number:])
        return dataclasses.replace(self, versions=versions)
