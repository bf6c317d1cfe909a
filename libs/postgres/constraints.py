"""The one place where a broken promise of the database becomes a refusal of the domain: by the constraint's name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg

from libs.errors import Refusal


@contextmanager
def refusals_by_constraint(refusals: Mapping[str, Refusal]) -> Iterator[None]:
    """Raise `refusals[name]` when the block breaks the constraint `name` (`<table>_<rule>`); others pass through.

        with refusals_by_constraint({"assignments_no_overlap": ExpertDoubleBooked("…", expert=expert_id)}):
            await connection.execute(…)

    The transaction is lost either way: PostgreSQL undoes it whole.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        refusal = refusals.get(error.constraint_name or "")
        if refusal is None:
            raise
        raise refusal from error
