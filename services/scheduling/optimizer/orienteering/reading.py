"""Readers of the public formats: the JSON of TOPTW instances, and the text files of Solomon, Cordeau, Vansteenwegen and of MCTOPMTW.

Distances are rounded down to one decimal where all coordinates are whole (Solomon) and to two where they are not (Cordeau), as
the literature does (Vansteenwegen et al. 2009, doi 10.1016/j.cor.2008.11.006; Souffriau et al. 2013, doi 10.1287/trsc.1110.0377).
"""

import itertools
import json
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from services.scheduling.optimizer.orienteering.problem import Instance, Window

NODES_MAX = 2_000
TICKS_MAX = 10**12
DIGITS_MAX = 6
SIZE_MAX = Decimal(10) ** 7
"""No number of a file may be larger: sums of times must fit the search's integers."""

TYPES = 10
"""How many types of nodes MCTOPMTW limits."""


class BadInstance(ValueError):
    """What was read is no instance: `line` says where (a line of the text, or a path of the JSON), `message` why."""

    def __init__(self, line: str, message: str) -> None:
        super().__init__(f"{line}: {message}")
        self.line = line
        self.message = message


def toptw_from_json(text: str) -> dict[str, Callable[[int], Instance]]:
    """By name, what makes the instance with so many tours, from the JSON `name -> {decimals, tmax, nodes}`.

    A node is `[x, y, service, profit, opens, closes]`; the first is the depot.

    Raises:
        BadInstance: it is not that.
    """
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError) as error:
        raise BadInstance("$", f"not JSON: {error}") from error
    if not isinstance(document, dict) or not document:
        raise BadInstance("$", "must be an object of instances")
    return {name: _of_json(name, one) for name, one in document.items()}


def _of_json(name: str, one: Any) -> Callable[[int], Instance]:
    path = f"$.{name}"
    if not isinstance(one, dict) or {"decimals", "tmax", "nodes"} - set(one):
        raise BadInstance(path, "must have decimals, tmax and nodes")
    rows = one["nodes"]
    if not isinstance(rows, list) or not rows:
        raise BadInstance(f"{path}.nodes", "must be a list of nodes")
    numbers = []
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != 6:
            raise BadInstance(f"{path}.nodes[{i}]", "must be six numbers")
        if not all(isinstance(value, Decimal) for value in row):
            raise BadInstance(f"{path}.nodes[{i}]", "must be six numbers")
        numbers.append([_sane(f"{path}.nodes[{i}]", value) for value in row])
    decimals, tmax = one["decimals"], one["tmax"]
    if not isinstance(decimals, Decimal) or decimals not in range(DIGITS_MAX + 1):
        raise BadInstance(f"{path}.decimals", f"must be 0 to {DIGITS_MAX}")
    if not isinstance(tmax, Decimal):
        raise BadInstance(f"{path}.tmax", "must be a number")
    numbers[0][5] = min(numbers[0][5], _sane(f"{path}.tmax", tmax))
    places = [f"{path}.nodes[{i}]" for i in range(len(numbers))]
    return _maker(name, numbers, int(decimals), places)


def toptw_from_text(name: str, text: str) -> Callable[[int], Instance]:
    """What makes the instance with so many tours, from a text file of Solomon, Cordeau or Vansteenwegen; demand is profit.

    Solomon: lines of seven numbers `i x y demand opens closes service`, under headings.
    The others: lines `i x y service profit frequency a list opens closes`, with `a` numbers in `list`, under lines of two and
    four numbers. The depot is number 0, or the last one after all others (Cordeau's files of one depot).

    Raises:
        BadInstance: it is not that.
    """
    lines = [(f"line {i}", line.split()) for i, line in enumerate(text.splitlines(), 1)]
    lines = [(where, tokens) for where, tokens in lines if tokens]
    if not lines:
        raise BadInstance("line 1", "the file is empty")
    headed = any(tokens[0].upper().startswith("CUST") for _, tokens in lines)
    rows = _solomon(lines) if headed else _cordeau(lines)
    rows.sort(key=lambda row: row[1][0])
    places = [where for where, _ in rows]
    numbers = [row[1:] for _, row in rows]
    for i, (where, row) in enumerate(rows):
        if row[0] != i:
            raise BadInstance(where, f"node {row[0]}: nodes must be numbered from 0 without gaps")
    return _maker(name, numbers, _travel_digits(numbers), places)


def _solomon(lines: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[Decimal]]]:
    rows: list[tuple[str, list[Decimal]]] = []
    in_nodes = False
    for where, tokens in lines:
        if tokens[0].upper().startswith("CUST"):
            in_nodes = True
        elif in_nodes and not any(c.isalpha() for c in "".join(tokens)):
            number, x, y, demand, opens, closes, service = _numbers(where, tokens, count=7)
            rows.append((where, [number, x, y, service, demand, opens, closes]))
        elif in_nodes:
            raise BadInstance(where, "words among the nodes")
    if not rows:
        raise BadInstance(lines[-1][0], "no nodes under a heading CUSTOMER")
    return rows


def _cordeau(lines: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[Decimal]]]:
    _numbers(lines[0][0], lines[0][1], count=4)
    rows: list[tuple[str, list[Decimal]]] = []
    widths = []
    for where, tokens in lines[1:]:
        if not rows and len(tokens) == 2:
            _numbers(where, tokens, count=2)
            widths.append(where)
            continue
        row = _numbers(where, tokens)
        listed = row[6] if len(row) > 6 else Decimal(-1)
        # Depots carry no combinations; some files leave out the count as well as the list.
        if len(row) == 8 and listed + 9 != len(row):
            opens, closes = row[6:]
        elif listed == int(listed) and len(row) == 9 + listed:
            opens, closes = row[-2:]
        else:
            raise BadInstance(where, f"{len(row)} numbers do not fit `i x y d S f a list O C`")
        rows.append((where, [*row[:5], opens, closes]))
    if len(widths) > 1:
        raise BadInstance(widths[1], "more than one depot")
    if not rows:
        raise BadInstance(lines[-1][0], "no nodes")
    first, last = rows[0][1], rows[-1][1]
    if first[0] == 1 and last[0] == len(rows) and last[4] == 0:
        last[0] = Decimal(0)
    return rows


def mctopmtw_from_text(name: str, text: str) -> Instance:
    """The instance of a text file of MCTOPMTW; its number of tours is in the file.

    Raises:
        BadInstance: it is not that.
    """
    lines = [(f"line {i}", line.split()) for i, line in enumerate(text.splitlines(), 1)]
    lines = [(where, tokens) for where, tokens in lines if tokens]
    if len(lines) < 3:
        raise BadInstance("line 1", "must be a header, a depot and nodes")
    header = _numbers(*lines[0], count=3 + TYPES)
    tours, nodes, *capacities = (_whole(lines[0][0], value) for value in header)
    if nodes != len(lines) - 2:
        raise BadInstance(lines[0][0], f"{nodes} nodes announced, {len(lines) - 2} there")
    depot = _numbers(*lines[1], count=7)
    rows = [_numbers(where, tokens, count=12 + TYPES) for where, tokens in lines[2:]]
    places = [where for where, _ in lines[1:]]
    number = depot[0]
    for where, row in zip(places[1:], rows, strict=True):
        # Numbers only have to rise: the public files leave out 1.
        if row[0] <= number:
            raise BadInstance(where, f"node {row[0]} after {number}: numbers must rise")
        number = row[0]
    points = [depot[1:3], *(row[1:3] for row in rows)]
    travel_digits = _travel_digits(points)
    times = [depot[3], *depot[5:], *(v for row in rows for v in (row[3], *row[5:10]))]
    time_digits = max(travel_digits, *(_digits(value) for value in times))

    def ticks(value: Decimal) -> int:
        return int(value.scaleb(time_digits))

    kinds: tuple[list[tuple[Window, ...]], ...] = ([], [])
    for kind in kinds:
        kind.append(((ticks(depot[5]), ticks(depot[6])),))
    for where, row in zip(places[1:], rows, strict=True):
        if row[10] not in {0, 1}:
            raise BadInstance(where, "E must be 0 or 1")
        edges = [ticks(value) for value in row[5:10]]
        if sorted(edges) != edges:
            raise BadInstance(where, "windows must follow one another")
        pairs = list(itertools.pairwise(edges))
        for of_kind, windows in enumerate(kinds):
            # E = 1: windows 1 and 3 are those of tours 1 and 3 (kind 0); E = 0: the other way round.
            first = of_kind if row[10] == 1 else 1 - of_kind
            windows.append((pairs[first], pairs[first + 2]))
    needs = [(0,) * (TYPES + 1)]
    for where, row in zip(places[1:], rows, strict=True):
        needs.append(tuple(_whole(where, value) for value in row[11:]))
    point_digits = max(_digits(value) for point in points for value in point)
    return _checked(
        Instance(
            name=name,
            tours=tours,
            kinds=2,
            time_digits=time_digits,
            travel_digits=travel_digits,
            point_digits=point_digits,
            points=tuple(_point(point, point_digits) for point in points),
            service=(ticks(depot[3]), *(ticks(row[3]) for row in rows)),
            profit=(
                0,
                *(_whole(w, row[4]) for w, row in zip(places[1:], rows, strict=True)),
            ),
            windows=tuple(tuple(windows) for windows in kinds),
            needs=tuple(needs),
            capacities=tuple(capacities),
        ),
        places,
    )


def _maker(
    name: str, numbers: Sequence[Sequence[Decimal]], travel_digits: int, places: Sequence[str]
) -> Callable[[int], Instance]:
    """From rows `x y service profit opens closes` of one window each."""
    point_digits = max(_digits(value) for row in numbers for value in row[:2])
    times = [value for row in numbers for value in (row[2], row[4], row[5])]
    time_digits = max(travel_digits, *(_digits(value) for value in times))

    def ticks(value: Decimal) -> int:
        return int(value.scaleb(time_digits))

    profits = [_whole(where, row[3]) for where, row in zip(places, numbers, strict=True)]

    def made(tours: int) -> Instance:
        return _checked(
            Instance(
                name=name,
                tours=tours,
                kinds=1,
                time_digits=time_digits,
                travel_digits=travel_digits,
                point_digits=point_digits,
                points=tuple(_point(row, point_digits) for row in numbers),
                service=tuple(ticks(row[2]) for row in numbers),
                profit=(0, *profits[1:]),
                windows=(tuple(((ticks(row[4]), ticks(row[5])),) for row in numbers),),
            ),
            places,
        )

    made(1)
    return made


def _checked(instance: Instance, places: Sequence[str]) -> Instance:
    if not 2 <= instance.nodes <= NODES_MAX:
        raise BadInstance(places[0], f"must have 1 to {NODES_MAX - 1} nodes beside the depot")
    if not 1 <= instance.tours <= NODES_MAX:
        raise BadInstance(places[0], "must have at least one tour")
    for node, where in enumerate(places):
        if instance.service[node] < 0 or instance.profit[node] < 0:
            raise BadInstance(where, "service and profit must not be negative")
        if any(
            first < 0 or first > last for kind in instance.windows for first, last in kind[node]
        ):
            raise BadInstance(where, "a window must not close before it opens, nor open before 0")
        if (
            instance.service[node] > TICKS_MAX
            or max(map(max, (k[node][-1] for k in instance.windows))) > TICKS_MAX
        ):
            raise BadInstance(where, "a time is too large")
        if any(need < 0 for need in (instance.needs[node] if instance.needs else ())):
            raise BadInstance(where, "fee and types must not be negative")
    return instance


def _numbers(where: str, tokens: Sequence[str], *, count: int | None = None) -> list[Decimal]:
    if count is not None and len(tokens) != count:
        raise BadInstance(where, f"must be {count} numbers, not {len(tokens)}")
    try:
        return [_sane(where, Decimal(token)) for token in tokens]
    except InvalidOperation as error:
        raise BadInstance(where, "must be numbers") from error


def _sane(where: str, value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > SIZE_MAX:
        raise BadInstance(where, f"{value} is too large or no number")
    if _digits(value) > DIGITS_MAX:
        raise BadInstance(where, f"{value} has more than {DIGITS_MAX} decimals")
    return value


def _whole(where: str, value: Decimal) -> int:
    if value != int(value):
        raise BadInstance(where, f"{value} must be a whole number")
    return int(value)


def _digits(value: Decimal) -> int:
    """Decimals that are not 0."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else DIGITS_MAX + 1


def _travel_digits(rows: Sequence[Sequence[Decimal]]) -> int:
    return 1 if all(_digits(value) == 0 for row in rows for value in row[:2]) else 2


def _point(row: Sequence[Decimal], digits: int) -> tuple[int, int]:
    return int(row[0].scaleb(digits)), int(row[1].scaleb(digits))


def any_instance(name: str, text: str, *, pick: str | None = None, tours: int = 1) -> Instance:
    """The instance in `text`, of whichever format it is; `pick` chooses one of a JSON file with several.

    Raises:
        BadInstance: it is none of them, or `pick` chooses none.
    """
    if text.lstrip()[:1] in {"{", "["}:
        makers = toptw_from_json(text)
        chosen = pick if pick is not None else next(iter(makers))
        if chosen not in makers or (pick is None and len(makers) > 1):
            raise BadInstance("$", f"choose one of {', '.join(makers)}")
        return makers[chosen](tours)
    header = text.strip().partition("\n")[0].split()
    if len(header) == 3 + TYPES:
        return mctopmtw_from_text(name, text)
    return toptw_from_text(name, text)(tours)
