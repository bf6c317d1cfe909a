"""Every rule of the referee has its words."""

from services.scheduling.handlers.rules import RULES
from services.scheduling.optimizer import check


def test_each_rule_has_a_sentence_in_both_languages_and_no_sentence_is_without_a_rule() -> None:
    names = {rule.__name__ for rule in check.RULES} | {"references"}
    assert names == RULES.keys()
    assert all(zh and en and zh != en for zh, en in RULES.values())
