"""The vocabulary of topics, and the help it gives to who has mistyped."""

import pytest

from libs.geo.topics import UnknownTopic, require_topics, topics


def test_every_topic_has_both_names() -> None:
    assert len(topics()) > 20
    assert all(topic.zh and topic.en and topic.groups for topic in topics().values())


def test_unknown_ones_are_refused_with_their_paths_and_the_nearest() -> None:
    require_topics([("topic", "ai"), ("seats[0].topic", "")])
    with pytest.raises(UnknownTopic) as raised:
        require_topics([("a", "spacee"), ("b", "ai"), ("c", "zzzz")])
    first, second = raised.value.violations
    assert (first.path, second.path) == ("a", "c")
    assert "did you mean space" in first.description
    assert "did you mean" not in second.description
