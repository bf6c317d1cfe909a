"""The bucket of calls: how many at once, how fast it fills."""

from services.web.api.limit import RateLimit


class Watch:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_fifth_of_a_minute_may_come_at_once_and_not_one_more() -> None:
    limit = RateLimit(per_minute=60, monotonic_s=Watch())
    assert [limit.wait_s("a") for _ in range(12)] == [0.0] * 12
    assert limit.wait_s("a") == 1.0


def test_a_token_comes_back_after_its_time_and_not_before() -> None:
    watch = Watch()
    limit = RateLimit(per_minute=60, monotonic_s=watch)
    for _ in range(12):
        limit.wait_s("a")
    watch.now_s += 0.75
    assert limit.wait_s("a") == 0.25
    watch.now_s += 0.25
    assert limit.wait_s("a") == 0.0


def test_one_caller_does_not_take_what_is_anothers() -> None:
    limit = RateLimit(per_minute=5, monotonic_s=Watch())
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("a") > 0
    assert limit.wait_s("b") == 0.0
