"""Fixtures for all tests; each lives in tests/support beside what it gives."""

import pytest

pytest_plugins = [
    "tests.support.broker",
    "tests.support.browser",
    "tests.support.kafka",
    "tests.support.postgres",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from its start to its end Playwright's loop runs in this thread, where no other can."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))
