"""Takes each rule out of the solver's own statements in turn and shows that referee or properties notice: `python -m tests.mutation.solver`.

A mutant is a module in which one text is another. It is loaded in a process of its own, without compiling anything, and small random
rounds are planned, explained and repaired there until something is noticed: a plan that the referee does not pass, a
code that is not the why-not's, a repair that breaks a rule. Every mutant leaves out one rule. Ends with the number of those that
nobody noticed; a run without any mutant comes first, and notices nothing. That run alone, for whoever changes the solver: `… plans`,
`… codes`, `… repairs`.
"""

import concurrent.futures
import dataclasses
import importlib.util
import itertools
import os
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

SEEDS = 150
"""Rounds of each kind that a mutant is looked for in."""
NOTICED = 3
"""How a process ends that has noticed something; 1 is how Python ends one in which something else went wrong. An assertion of
the solver that fails is noticed, too.
"""
KINDS = ("plans", "codes", "repairs")
"""What is looked at (`looks.py`)."""
_OPTIMIZER = "services.scheduling.optimizer"


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """`rule` is left out when in each module `before` is `after`; each is there just once."""

    rule: str
    changes: tuple[tuple[str, str, str], ...]


def _one(rule: str, module: str, before: str, after: str) -> Mutant:
    return Mutant(rule, ((module, before, after),))


_OVERLAP = (
    ("state", "        if begins < before_end:\n            return NO\n", ""),
    ("state", "    if at > 0 and stops[at - 1, ENDS] > start:\n        return NO, 0\n", ""),
    ("state", "    if at < count and end > stops[at, BEGINS]:\n        return NO, 0\n", ""),
)

SEARCH: tuple[Mutant, ...] = (
    _one("has_role", "packed", "not roles >> people[e, 0] & 1\n                or skills", "skills"),
    _one("has_proficiency", "packed", "or skills[e, topic] < proficiency_min\n", "\n"),
    _one("speaks_to_audience", "packed", "or not flags[e, begins[0] + audience]\n", "\n"),
    _one("does_form", "packed", "or not flags[e, begins[1] + form]\n", "\n"),
    _one("speaks_at_level", "packed", "or not flags[e, begins[2] + level]\n", "\n"),
    _one("named_only_leads", "packed", "or (only and seat == 0 and e != named)\n", "\n"),
    _one("forbids_kept", "packed", "or barred[r, e]\n", "\n"),
    _one("cleared_for_minors", "packed", "            if minors:\n", "            if False:\n"),
    _one("talk_approved", "packed", "            if talk:\n", "            if False:\n"),
    _one("pool_in_term", "packed", "min(agreement.until_day, pool.until_day)", "agreement.until_day"),
    _one("pool_in_term", "packed", "days[index, :, 0] = max(0, pool.from_day)", "days[index, :, 0] = 0"),
    _one("pool_in_term", "packed", "days[index, node, 1] = pool.until_day", "days[index, node, 1] = 99"),
    _one("pool_shared", "packed", "max(known, until)\n        for node", "99\n        for node"),
    _one("in_mode", "packed", "(remote and mode == _ON_SITE) or (not remote and mode == _REMOTE)", "False"),
    _one("lead_time", "packed", "max(window.start, request.ready_at, 0)", "max(window.start, 0)"),
    _one("in_request_window", "packed", "window.end - request.duration_min, horizon", "window.end, horizon"),
    _one("on_grid", "packed", "max(window.start, request.ready_at, 0) // step) * step", "max(window.start, request.ready_at, 0) // step) * step + 7"),
    _one("quota_kept", "packed", "quota[index, node] = min(agreed, default=0)", "quota[index, node] = 99"),
    _one("quota_kept", "state", "return bool(used < given.quota[pool, node])", "return True"),
    _one("budgets_kept", "state", "state.spent[given.budget[i]] + cost > given.budget_max[given.budget[i]]", "False"),
    _one("person_once", "state", "if team[i] == expert:", "if False:"),
    _one("forbids_kept", "state", "if team[i] == other:", "if False:"),
    _one("caps_kept", "state", "if state.cap[given.cap[i]] >= given.cap_max[given.cap[i]]:", "if False:"),
    _one("series_spaced", "state", "if apart < given.rules[series, 0]:", "if False:"),
    Mutant("in_availability", (
        ("packed", "and start + duration + back <= window_to[w]\n", "\n"),
        ("state", "if windows[w, 0] <= begins and ends <= windows[w, 1]:", "if windows[w, 0] <= begins:"),
    )),
    Mutant("one_place_at_a_time", (*_OVERLAP, ("state", "if free_at + leg > begins:", "if index < 0:"))),
    _one("travels_in_time", "state", "if free_at + leg > begins:", "if free_at > begins:"),
    _one("leaves_in_window", "state", "free_at = np.int64(windows[index, 0])", "free_at = 0"),
    _one("home_in_window", "state", "        leg = np.int64(travel[here, home])\n        if before_end + leg > windows[current, 1]:", "        leg = np.int64(travel[here, home])\n        if False:"),
    _one("home_in_window", "state", "                leg = np.int64(travel[here, home])\n                if before_end + leg > windows[current, 1]:", "                leg = np.int64(travel[here, home])\n                if False:"),
    _one("night_between_visits", "state", "if current != last - 1:", "if False:"),
    _one("night_between_visits", "state", "if index > first and lodged:", "if False:"),
    _one("travel_per_day", "state", "if 0 <= now <= most:", "if 0 <= now:"),
    _one("nights_allowed", "state", "given.people[expert, NIGHTS_MAX] - state.nights[expert]", "given.people[expert, NIGHTS_MAX] + 1 - state.nights[expert]"),
    _one("per_day", "state", "if state.count[row] >= min(given.people[expert, PER_DAY], state.stops.shape[1]):", "if state.count[row] >= state.stops.shape[1]:"),
    _one("per_week", "state", "if state.in_week[expert, week] >= given.week_left[expert, week]:", "if False:"),
    _one("rest_days", "state", "state.days_in_week[expert, week] < given.people[expert, WORK_DAYS]", "True"),
    _one("per_round", "insertion", "or state.in_round[expert] >= given.people[expert, ROUND_LEFT]\n", "\n"),
    _one("team_whole", "insertion", "needed = given.seats[seat, REQUIRED]", "needed = 0 * given.seats[seat, REQUIRED]"),
    _one("pins_kept", "insertion", "and fixed in (-1, start)\n", "\n"),
    _one("pins_kept", "insertion", "or (pin not in (-1, expert))\n", "\n"),
    _one("standby_wanted", "solve", "if not wanted:", "if False:"),
    _one("standby_consented", "solve", "or used[key] >= problem.experts[candidate.expert].standby_max\n", "\n"),
    _one("standby_able", "solve", "if placed is None or placed[1] or not", "if placed is None: placed = 0, ()\n            if placed[1] or not"),
)  # fmt: skip
"""Seen by the referee in plans of the search. `seat_once` and `team_together` cannot be left out: a draft has one person for a
seat and one start for a request. Nor can it be that who stands by is in the team: they are somewhere at that time.
"""

CODES: tuple[Mutant, ...] = (
    _one("named_only_leads", "sifting", "if leads and only not in (ANYBODY, e):", "if False:"),
    _one("has_role", "sifting", "elif not (roles >> people[e, ROLE]) & 1:", "elif False:"),
    _one("has_proficiency", "sifting", "elif skills[e, topic] < asked_min:", "elif False:"),
    _one("speaks_to_audience", "sifting", "elif not (people[e, AUDIENCES] >> audience) & 1:", "elif False:"),
    _one("does_form", "sifting", "elif not (people[e, FORMS] >> form) & 1:", "elif False:"),
    _one("speaks_at_level", "sifting", "elif not (people[e, LEVELS] >> level) & 1:", "elif False:"),
    _one("forbids_kept", "sifting", "elif barred[e]:", "elif False:"),
    _one("pool_in_term", "sifting", "until = known.term[pool, 1]", "until = 99"),
    _one("pool_shared", "sifting", "until = min(until, known.shared[pool, node])", "pass"),
    _one("cleared_for_minors", "sifting", "until = min(until, people[e, CLEARED_UNTIL])", "pass"),
    _one("talk_approved", "sifting", "until = min(until, known.approved[e, topic, audience])", "pass"),
    _one("in_availability", "sifting", "and start + minutes <= windows[window, 1]:\n                left", ":\n                left"),
    _one("travel_per_day", "sifting", "within = out + back <= given.people[expert, TRAVEL_MAX]", "within = True"),
    _one("leaves_in_window", "sifting", "off = start - out >= given.windows[window, 0]", "off = True"),
    _one("home_in_window", "sifting", "if within and off and start + minutes + back <= given.windows[window, 1]:", "if within and off:"),
    _one("per_round", "sifting", "room = state.in_round[e] < people[e, ROUND_LEFT]", "room = True"),
    _one("per_week", "sifting", "room = state.in_week[e, week] < given.week_left[e, week]", "room = True"),
    _one("per_day", "sifting", "room = state.count[e * days + day] < people[e, PER_DAY]", "room = True"),
    _one("rest_days", "sifting", "or state.days_in_week[e, week] < people[e, WORK_DAYS]", "or True"),
    _one("quota_kept", "sifting", "paid = in_quota(given, state, request, alone, 0, expert)", "paid = True"),
    _one("budgets_kept", "sifting", "paid = in_budget(given, state, request, alone, 0, expert)", "paid = True"),
    _one("caps_kept", "sifting", "if state.cap[given.cap[i]] >= given.cap_max[given.cap[i]]:\n            found", "if False:\n            found"),
    _one("series_spaced", "sifting", "open_[i] = opens(given", "open_[i] = True or opens(given"),
    _one("person_once", "sifting", "taken = taken or who[at[line[other], i] + chosen[other]] == person", "pass"),
    _one("has_role", "filters", "seats[seat].roles >> people.role & 1", "seats[seat].roles >> people.role & 1 | 1"),
    _one("has_proficiency", "filters", ">= people.problem.requests[request].seats[seat].proficiency_min", ">= 0"),
    _one("forbids_kept", "filters", "free[expert] = False", "free[expert] = True"),
    _one("talk_approved", "filters", "if not asked.seats[seat].approved_talk:", "if True:"),
)  # fmt: skip
"""Seen where the codes of a plan are not those of the why-nots, the one being stated in `sifting`, the other in `filters`."""

REPAIRS: tuple[Mutant, ...] = (
    _one("per_round", "trying", "if state.in_round[expert] >= given.people[expert, ROUND_LEFT] or not has_room(", "if not has_room("),
    _one("per_week", "trying", "ROUND_LEFT] or not has_room(\n        given, state, expert, day\n    )", "ROUND_LEFT]"),
    _one("person_once", "trying", "goes_with(given, request, team, size, expert)\n        and ", ""),
    _one("caps_kept", "trying", "        if not opens(given, state, request, start // DAY_MIN):\n            continue\n", ""),
    _one("pins_kept", "relaxing", "spared[list(self._pinned)] = True", "pass"),
)  # fmt: skip
"""Seen where the referee refuses, in what a repair touches, what has been tried: of the solver as it is it never does."""


def loaded(mutant: Mutant) -> None:
    """Put the mutant in the place of its modules, before anything else has asked for them."""
    for changed, changes in itertools.groupby(mutant.changes, key=lambda change: change[0]):
        name = f"{_OPTIMIZER}.{changed}"
        assert name not in sys.modules, f"{name} is in use already as it is"
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).read_text(encoding="utf-8")
        for _, before, after in changes:
            assert source.count(before) == 1, (name, before, source.count(before))
            source = source.replace(before, after)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        exec(compile(source, spec.origin, "exec"), module.__dict__)


def noticed(kind: str) -> str:
    """The first thing that is wrong in small rounds of every kind; empty where nothing is."""
    from tests.mutation import looks

    return looks.LOOKS[kind](SEEDS)


ALL: tuple[tuple[str, Mutant], ...] = (
    *(("plans", one) for one in SEARCH),
    *(("codes", one) for one in CODES),
    *(("repairs", one) for one in REPAIRS),
)


def noticed_in_a_process(asked: int | str) -> bool:
    """Whether mutant `asked` of `ALL` is noticed, or with a name of `KINDS` the solver as it is."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation.solver", str(asked)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode not in {0, NOTICED}:
        raise RuntimeError(done.stderr)
    return done.returncode == NOTICED


def main() -> int:
    """How many mutants nobody has noticed; more than all of them where something is wrong without any."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as several:
        wrong = [
            kind
            for kind, was in zip(KINDS, several.map(noticed_in_a_process, KINDS), strict=True)
            if was
        ]
        if wrong:
            sys.stdout.write(f"something is wrong without any mutant: {wrong}\n")
            return len(ALL) + 1
        seen = list(several.map(noticed_in_a_process, range(len(ALL))))
    unnoticed = [
        f"{mutant.rule} in {mutant.changes[0][0]}"
        for (_, mutant), was in zip(ALL, seen, strict=True)
        if not was
    ]
    sys.stdout.write(f"{len(ALL)} mutants of the solver, unnoticed: {unnoticed}\n")
    return len(unnoticed)


def one(asked: str) -> int:
    """`NOTICED`, having said what, or 0."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    warnings.simplefilter("ignore", RuntimeWarning)  # dice run over, as they do when compiled
    kind = asked
    if asked not in KINDS:
        kind, mutant = ALL[int(asked)]
        loaded(mutant)
    try:
        wrong = noticed(kind)
    except AssertionError:
        wrong = traceback.format_exc()
    if wrong:
        sys.stdout.write(wrong + "\n")
    return NOTICED if wrong else 0


if __name__ == "__main__":
    sys.exit(one(sys.argv[1]) if len(sys.argv) > 1 else main())
