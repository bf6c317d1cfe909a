"""What somebody should mend in a round's inputs, and what keeps a request out of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable; `subject` is the resource it is about; the sentences say what to do."""

    code: str
    subject: str
    message: str
    message_en: str
