"""What an expected "no" looks like, in one shape from the domain to the wire.

Five kinds say what the caller should do next. A concrete refusal subclasses exactly one of them, beside the rule that
raises it:

    class AnswerTooLate(WrongState):
        "The answer came at or after `respond_by`."

    raise AnswerTooLate("the answer was due earlier", respond_by=respond_by.isoformat())

Anything that is not a `Refusal` is a bug or an outage and is caught by nobody but the server kit (libs/rpc).
Every reason is listed in docs/errors.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field of a request."""

    path: str
    """From the request's root, in proto names: `request.windows[2].end_time`; empty for the request as a whole."""
    description: str
    """A sentence a person can act on; holds no personal data."""


class Refusal(Exception):
    """An expected "no": it has a kind, a reason, a sentence and details, and survives the wire.

    `details` holds every variable part of the sentence; keys are lower_snake and, like the sentence, carry no
    personal data.
    """

    reason: ClassVar[str]
    """UPPER_SNAKE of the class name: wire contract, so renaming a refusal breaks callers."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.reason = _WORD_START.sub("_", cls.__name__).upper()

    def __init__(self, sentence: str, /, **details: str | int) -> None:
        assert type(self) not in _NOT_RAISED, (
            f"{type(self).__name__} is a kind; a refusal without a reason of its own cannot be told from others"
        )
        super().__init__(sentence)
        self.sentence = sentence
        self.details: Mapping[str, str | int] = details


class InvalidInput(Refusal):
    """The request can never succeed as it is: mend it."""

    def __init__(
        self, sentence: str, /, violations: Sequence[FieldViolation] = (), **details: str | int
    ) -> None:
        super().__init__(sentence, **details)
        self.violations = tuple(violations)


class NotFound(Refusal):
    """The thing named does not exist, or not for this caller: stop."""


class NotAllowed(Refusal):
    """This caller may not do this: somebody else may."""


class WrongState(Refusal):
    """The thing is in a state that forbids this: read it again, then decide."""


class Conflict(Refusal):
    """Somebody else was quicker: start again from the beginning."""


KINDS: tuple[type[Refusal], ...] = (InvalidInput, NotFound, NotAllowed, WrongState, Conflict)
_NOT_RAISED = frozenset({Refusal, *KINDS})


def kind_of(refusal: Refusal | type[Refusal]) -> type[Refusal]:
    """The one of `KINDS` that `refusal` belongs to."""
    cls = refusal if isinstance(refusal, type) else type(refusal)
    (kind,) = (kind for kind in KINDS if issubclass(cls, kind))
    return kind
