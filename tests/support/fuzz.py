"""Fuzzing the edge by its own OpenAPI document: every operation, with ids that exist mixed in, and nothing may be our fault.

A longer run by hand, against a stack that runs already:

    PYTHONPATH=.:libs/genproto python -m tests.support.fuzz --home .zhihui --examples 300

It changes what it finds: use a stack that nobody needs.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from libs.ids import new_id
from tests.support.embedded import EmbeddedStack

READING = (":check", ":answer", ":rank", ":price")
ENDLESS = ("/api/changes", "/progress")
"""Streams are read by tests of their own."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


@dataclass
class Session:
    """Somebody signed in, for `requests`, with ids of things there are by the parameter that takes them."""

    base: str
    http: requests.Session
    headers: dict[str, str]
    known: dict[str, list[str]] = field(default_factory=dict)


def signed_in(base: str, person: str) -> Session:
    """A session of one of the ready-made people, and ids to try."""
    http = requests.Session()
    session = http.get(
        f"{base}/auth/start", params={"person": person, "next": "/api/session"}, timeout=30
    )
    session.raise_for_status()
    shown = http.get(f"{base}/api/session", timeout=30).json()
    found = Session(base, http, {"X-CSRF-Token": shown["csrf"]})
    for list_of, parameter in {
        "rounds": "round_id",
        "requests": "request_id",
        "events": "event_id",
        "venues": "venue_id",
        "experts": "expert_id",
        "assignments": "assignment_id",
    }.items():
        answer = http.get(f"{base}/api/{list_of}", params={"page_size": 20}, timeout=30).json()
        found.known[parameter] = [one["name"].rpartition("/")[2] for one in answer.get(list_of, ())]
    for round_id in found.known["round_id"]:
        plans = http.get(f"{base}/api/rounds/{round_id}/plans", timeout=30).json().get("plans", ())
        found.known.setdefault("plan_id", []).extend(
            one["name"].rpartition("/")[2] for one in plans
        )
    return found


def fuzz(session: Session, *, examples: int, writes: bool, seed: int) -> dict[str, int]:
    """Call every operation `examples` times; gives how often each status came.

    `writes`: use ids that exist for changes too, and not for reading only.

    Raises:
        ExceptionGroup: of each operation that answered a 5xx, or not what the document says, its smallest example.
    """
    schema = schemathesis.openapi.from_url(f"{session.base}/api/openapi.json")
    statuses: Counter[str] = Counter()
    wrong: list[Exception] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(ENDLESS):
            continue
        reads = operation.method.upper() == "GET" or operation.path.endswith(READING)
        call = _calling(session, operation, statuses, reads=reads, mix=reads or writes)
        settings = hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        try:
            hypothesis.seed(seed)(settings(call))()
        except Exception as error:
            wrong.append(error)
    if wrong:
        raise ExceptionGroup("the edge did not answer as it should", wrong)
    return dict(sorted(statuses.items()))


def _calling(
    session: Session, operation: Any, statuses: Counter[str], *, reads: bool, mix: bool
) -> Callable[[], None]:
    """One example after the other of `operation`; ids that exist among the others with `mix`."""

    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @hypothesis.given(case=cases, data=st.data())
    def call(case: Any, data: Any) -> None:
        for name in case.path_parameters or {}:
            there = session.known.get(name, [])
            if there and mix and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(there))
        headers = {**session.headers}
        if not reads:
            headers["Idempotency-Key"] = new_id("fuzz")
        # signing out is an operation too: it would end all that comes after it
        if case.method.upper() == "DELETE" and operation.path == "/api/session":
            headers["X-CSRF-Token"] = "0"
        answer = case.call(base_url=session.base, session=session.http, headers=headers, timeout=60)
        statuses[str(answer.status_code)] += 1
        case.validate_response(answer, checks=CHECKS)

    return call


def main() -> None:
    """Fuzz a running stack for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".zhihui"))
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    base = EmbeddedStack(given.home).base
    for person in ("city", "teacher", "leader", "expert"):
        session = signed_in(base, person)
        found = fuzz(session, examples=given.examples, writes=True, seed=given.seed)
        print(person, json.dumps(found))


if __name__ == "__main__":
    main()
