"""What the clients say, read from the files that they say it from, so that a test names keys and holds in both languages.

said = Words("en")
page.get_by_role("button", name=said("file.submit"))
expect(page.get_by_text(said.like("answer.people"))).to_be_visible()
"""

import json
import re
from dataclasses import dataclass

from tests.support.openapi import CLIENT

TEXT = "".join(
    (CLIENT / f"src/{client}/words.ts").read_text(encoding="utf-8")
    for client in ("shared", "venue")
)
PAIRS: list[tuple[str, str, str]] = re.findall(
    r'^ {2}"?([\w.]+)"?: \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$', TEXT, re.MULTILINE
)
"""Key, Chinese, English; with escapes as they are written."""
GAP = re.compile(r"\{(\w+)\}")
LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, `zh` or `en`."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its gaps filled.

        Raises:
            KeyError: no such key.
        """
        return GAP.sub(lambda gap: str(values.get(gap[1], gap[0])), _TABLE[key][self._index])

    def like(self, key: str) -> re.Pattern[str]:
        """What matches the text of `key`, whatever is in its gaps."""
        parts = GAP.split(_TABLE[key][self._index])[::2]
        return re.compile(".+".join(re.escape(part) for part in parts))

    def button(self, key: str) -> re.Pattern[str]:
        """What matches a button of the console's kit, which sets two Chinese characters apart."""
        return re.compile("^" + r"\s?".join(re.escape(one) for one in self(key)) + "$")

    def either(self, named: dict[str, str]) -> str:
        """The name in this language of something that the edge names in both (`zh`, `en`)."""
        return named[self.language]

    @property
    def _index(self) -> int:
        return LANGUAGES.index(self.language)


_TABLE = {key: (json.loads(f'"{zh}"'), json.loads(f'"{en}"')) for key, zh, en in PAIRS}
