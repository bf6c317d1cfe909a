"""Fixtures for all tests; each lives in tests/support beside what it gives."""

pytest_plugins = [
    "tests.support.broker",
    "tests.support.browser",
    "tests.support.kafka",
    "tests.support.postgres",
]
