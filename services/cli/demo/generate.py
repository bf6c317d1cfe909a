"""The door of the generator: one seeded demonstration of a given size."""

from datetime import date, time

from libs.geo import calendar
from services.cli.demo.asks import asks
from services.cli.demo.draw import setting
from services.cli.demo.model import Demo
from services.cli.demo.people import people
from services.cli.demo.places import places

SIZES = (1, 5, 15)


def generate(*, as_of: date, seed: int = 1, size: int = 1) -> Demo:
    """The demonstration as seen on `as_of`; equal for equal arguments.

    211 x `size` experts and 200 x `size` requests over the four weeks from the first Monday in term
    that is three weeks ahead, and one tour of 28 schools. `size` is 1, 5 or 15; other positive
    sizes work as well.
    """
    assert size >= 1, "a demonstration without people shows nothing"
    scene = setting(as_of=as_of, seed=seed, size=size)
    ground = places(scene)
    crowd = people(scene, ground)
    asked = asks(scene, ground, crowd)
    return Demo(
        as_of=as_of,
        seed=seed,
        size=size,
        start=scene.start,
        end=scene.end,
        nodes=ground.tree,
        venues=ground.venues,
        pools=crowd.pools,
        agreements=crowd.agreements,
        experts=crowd.experts,
        requests=asked.requests,
        series=asked.series,
        tour=asked.tour,
        reviewers=crowd.reviewers,
        filed_at=calendar.instant(as_of, time(9)),
    )
