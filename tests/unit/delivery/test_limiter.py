"""The windows, the reserve and the platform's own quotas, as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery.limiter import RateLimits, SendLog, quota_free_at
from alerts.model.post import Quota
from alerts.model.town import RateLimit, parse_window
from tests.fakes import FakeClock
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
windows = st.lists(
    st.builds(RateLimit, st.integers(1, 6), st.integers(1, 120).map(lambda seconds: timedelta(seconds=seconds))),
    min_size=1,
    max_size=3,
)


def seconds(*values: float) -> list[datetime]:
    return [NOW + timedelta(seconds=value) for value in values]


def pace(*limits: str, reserve: int = 0) -> RateLimits:
    return RateLimits(tuple(parse_window(limit) for limit in limits), reserve)


def run(pace: RateLimits, wishes: list[tuple[float, bool]]) -> list[tuple[datetime, bool]]:
    """Posts that come `wishes[i][0]` seconds after one another, each let go as soon as the pace allows."""
    gone: list[tuple[datetime, bool]] = []
    now = NOW
    for after, urgent in wishes:
        now = pace.free_at([time for time, _ in gone], now + timedelta(seconds=after), urgent=urgent)
        gone.append((now, urgent))
    return gone


def within(gone: list[tuple[datetime, bool]], last: int, span: timedelta) -> list[bool]:
    return [urgent for time, urgent in gone[: last + 1] if time > gone[last][0] - span]


wished = st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=40)


@given(windows, st.integers(0, 8), wished)
def test_no_window_is_ever_exceeded(all_windows, reserve, wishes):
    gone = run(RateLimits(tuple(all_windows), reserve), wishes)
    for window in all_windows:
        for last in range(len(gone)):
            assert len(within(gone, last, window.span)) <= window.count


@given(st.integers(2, 12), st.integers(1, 11), wished)
def test_a_post_that_is_not_urgent_leaves_the_reserve_alone(count, reserve, wishes):
    reserve = min(reserve, count - 1)
    window = RateLimit(count, timedelta(minutes=5))
    gone = run(RateLimits((window,), reserve), wishes)
    for last, (_, urgent) in enumerate(gone):
        if not urgent:
            assert len(within(gone, last, window.span)) <= count - reserve


@given(windows, st.lists(st.floats(0, 600), max_size=30))
def test_it_never_waits_longer_than_the_longest_window(all_windows, offsets):
    free = RateLimits(tuple(all_windows)).free_at(seconds(*sorted(-offset for offset in offsets)), NOW, urgent=True)
    assert NOW <= free <= NOW + max(window.span for window in all_windows)


def test_a_window_frees_to_the_microsecond():
    assert pace("1/2s").free_at(seconds(-1.999999), NOW, urgent=True) == NOW + timedelta(microseconds=1)
    assert pace("1/2s").free_at(seconds(-2), NOW, urgent=True) == NOW


def test_the_reserve_is_of_the_longest_window_alone():
    both = pace("2/10s", "4/1h", reserve=2)
    assert both.free_at(seconds(-60), NOW, urgent=False) == NOW
    assert both.free_at(seconds(-5), NOW, urgent=False) == NOW, "the short window keeps nothing back"
    assert both.free_at(seconds(-60, -30), NOW, urgent=False) == seconds(3540)[0], "two are left: for the emergency"
    assert both.free_at(seconds(-60, -30), NOW, urgent=True) == NOW
    assert both.free_at(seconds(-2, -1), NOW, urgent=True) == seconds(8)[0], "the short window holds for all"


def test_a_reserve_of_everything_still_lets_one_out():
    assert pace("1/1h", reserve=1).free_at([], NOW, urgent=False) == NOW


def test_without_windows_everything_may_leave():
    assert RateLimits().free_at(seconds(-1, 0), NOW, urgent=False) == NOW
    assert (RateLimits().memory, RateLimits().longest) == (timedelta(), None)


def test_what_is_left_is_told_by_the_windows_own_names():
    assert pace("2/10s", "4/1h").left(seconds(-3600, -11, -5), NOW) == {"2/10s": 1, "4/1h": 2}
    assert pace("1/1h").left(seconds(-2, -1), NOW) == {"1/1h": 0}


@in_one_test
@pytest.mark.parametrize(
    ("quotas", "urgent", "waits"),
    [
        ([], False, 0),
        ([Quota(0, NOW + timedelta(seconds=60))], True, 60),
        ([Quota(0, NOW - timedelta(seconds=1))], True, 0),
        ([Quota(1, NOW + timedelta(seconds=60))], True, 0),
        ([Quota(10, NOW + timedelta(seconds=60), 100)], False, 60),
        ([Quota(11, NOW + timedelta(seconds=60), 100)], False, 0),
        ([Quota(10, NOW + timedelta(seconds=60), 20)], False, 0),  # never more than a fifth of what there is
        ([Quota(4, NOW + timedelta(seconds=60), 20)], False, 60),
        ([Quota(10, NOW + timedelta(seconds=60))], False, 0),  # of how many isn't told
        ([Quota(0, NOW + timedelta(seconds=60)), Quota(0, NOW + timedelta(seconds=900))], True, 900),
        ([Quota(5, NOW + timedelta(seconds=60)), Quota(0, NOW + timedelta(seconds=900))], True, 900),
    ],
)
def test_the_platforms_own_limits_are_believed(quotas, urgent, waits):
    assert quota_free_at(quotas, NOW, reserve=10, urgent=urgent) == NOW + timedelta(seconds=waits)


def test_what_is_under_way_is_taken_as_used():
    quotas = [Quota(2, NOW + timedelta(seconds=60))]
    assert quota_free_at(quotas, NOW, 0, urgent=True, under_way=1) == NOW
    assert quota_free_at(quotas, NOW, 0, urgent=True, under_way=2) == NOW + timedelta(seconds=60)


class TestDepartures:
    """The same windows while the wall clock is set."""

    async def test_they_are_completed_from_the_journal_and_none_counts_twice(self):
        clock = FakeClock()
        departures = SendLog(pace("3/1m"), clock)
        begun = clock.now()
        await clock.advance(0.002)
        departures.add(begun, clock.now())
        assert departures.learn([begun, clock.now(), clock.now() - timedelta(seconds=30)]) == 1
        assert departures.wait(urgent=True) <= timedelta()
        departures.add()
        assert departures.wait(urgent=True) == timedelta(seconds=30)

    async def test_one_that_never_reached_the_platform_is_forgotten_and_no_other(self):
        departures = SendLog(pace("2/1m"), FakeClock())
        first = departures.add()
        departures.add()
        departures.forget(first)
        departures.forget(first)
        assert departures.wait(urgent=True) <= timedelta()
        departures.add()
        assert departures.wait(urgent=True) == timedelta(minutes=1)

    @pytest.mark.parametrize("hours", [-1, 1])
    async def test_a_clock_that_is_set_makes_neither_a_burst_nor_a_standstill(self, hours):
        clock = FakeClock()
        departures = SendLog(pace("1/2s"), clock)
        departures.add(clock.now())
        clock.set(clock.now() + timedelta(hours=hours))
        assert departures.set_by == timedelta(hours=hours)
        assert departures.wait(urgent=True) == timedelta(seconds=2)

    async def test_a_departure_from_the_future_counts_as_leaving_now(self):
        clock = FakeClock()
        departures = SendLog(pace("1/2s"), clock)
        departures.learn([clock.now() + timedelta(hours=1)])
        assert departures.wait(urgent=True) == timedelta(seconds=2)
