"""Alerts and the dashboard name metrics that our processes have; a planted name that nobody has is seen."""

import importlib
import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from tests.architecture.tree import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "facts.json"
METRIC = re.compile(r"\bzhihui_[a-z_]+")


def metrics() -> set[str]:
    """Names as Prometheus sees them."""
    for name in ("libs.messaging.consumer", "libs.messaging.relay", "services.feeds.__main__"):
        importlib.import_module(name)
    found = set()
    for family in REGISTRY.collect():
        found.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return found


def unknown(text: str) -> set[str]:
    return set(METRIC.findall(text)) - metrics()


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_whole_and_its_metrics_are_ours(rule: dict[str, Any]) -> None:
    assert unknown(rule["expr"]) == set()
    assert METRIC.search(rule["expr"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}


def test_old_outboxes_dead_letters_and_long_transactions_page_somebody() -> None:
    paging = {rule["alert"] for rule in rules() if rule["labels"]["severity"] == "page"}
    assert {"OutboxOld", "DeadLetters", "LongTransaction", "ConsumerStopped"} <= paging


def test_the_dashboard_shows_metrics_that_are_ours() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len(panels) >= 6
    for panel in panels:
        for target in panel["targets"]:
            assert unknown(target["expr"]) == set(), panel["title"]


def test_a_metric_that_nobody_has_is_seen() -> None:
    assert unknown("max(zhihui_outbox_aeg_seconds)") == {"zhihui_outbox_aeg_seconds"}
