"""A pool, and the agreements by which others may use it."""

import dataclasses
from dataclasses import dataclass
from datetime import date

from libs.errors import Conflict, FieldViolation, NotFound
from services.experts.domain.expert import DatePeriod, EndsBeforeStart


class PoolNotFound(NotFound):
    """No pool of this name."""


class AgreementNotFound(NotFound):
    """No sharing agreement of this name."""


class AgreementExists(Conflict):
    """The pool has an agreement of this name already."""


@dataclass(frozen=True, slots=True)
class SharingAgreement:
    """`node`, and all below it, may use the pool for `quota` engagements during `term`."""

    name: str
    node: str
    quota: int
    term: DatePeriod


@dataclass(frozen=True, slots=True)
class Pool:
    """A corps that owns experts; `owner` and all below it use it freely."""

    name: str
    display_name: str
    owner: str
    agreements: tuple[SharingAgreement, ...] = ()
    version: int = 1

    def with_agreement(self, agreement: SharingAgreement) -> "Pool":
        """The pool with one more agreement.

        Raises:
            AgreementExists: it has one of that name.
        """
        if any(one.name == agreement.name for one in self.agreements):
            raise AgreementExists("the pool has this agreement already", agreement=agreement.name)
        return dataclasses.replace(
            self, agreements=(*self.agreements, agreement), version=self.version + 1
        )

    def with_end(self, *, agreement: str, end_date: date) -> "Pool":
        """The pool with one agreement's end moved to `end_date`; itself when it ends then already.

        Raises:
            AgreementNotFound: it has none of that name.
            EndsBeforeStart: `end_date` is not after its first day.
        """
        ended = [one for one in self.agreements if one.name == agreement]
        if not ended:
            raise AgreementNotFound("no such agreement", agreement=agreement)
        if end_date <= ended[0].term.start_date:
            raise EndsBeforeStart(
                "an agreement must end after it starts",
                violations=[FieldViolation("end_date", f"not after {ended[0].term.start_date}")],
            )
        agreements = tuple(
            dataclasses.replace(one, term=dataclasses.replace(one.term, end_date=end_date))
            if one.name == agreement
            else one
            for one in self.agreements
        )
        if agreements == self.agreements:
            return self
        return dataclasses.replace(self, agreements=agreements, version=self.version + 1)
