"""The rate limit: never more within a span than is allowed, and no more memory than there is room for."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.model.rate_limit import SlidingWindow

gaps = st.lists(st.integers(0, 40), max_size=60)


def taken_at(window, gaps, count):
    now, taken = 0, []
    for gap in gaps:
        now += gap
        if not window.wait("a", count, now):
            window.take("a", now)
            taken.append(now)
    return taken


@given(gaps, st.integers(1, 6))
def test_within_a_span_there_are_never_more_than_allowed_and_nobody_waits_for_nothing(gaps, count):
    taken = taken_at(SlidingWindow(60), gaps, count)
    now = 0
    for gap in gaps:
        now += gap
        assert (now in taken) or sum(now - 60 < each <= now for each in taken) == count
    assert all(later - earlier >= 60 for earlier, later in zip(taken, taken[count:], strict=False))


@given(gaps, st.integers(1, 6))
def test_in_turn_it_is_a_bucket_that_fills_evenly(gaps, count):
    taken, level, before, now, expected = taken_at(SlidingWindow(10, in_turn=True), gaps, count), count * 10, 0, 0, []
    for gap in gaps:
        now += gap
        level, before = min(level + now - before, count * 10), now
        if level >= 10:
            level -= 10
            expected.append(now)
    assert taken == expected


def test_who_waits_takes_a_place_ahead_and_one_that_came_to_nothing_is_given_back():
    window = SlidingWindow(3)
    waits = []
    for _ in range(5):
        waits.append(window.wait("a", 2, 0))
        window.take("a", waits[-1])
    assert waits == [0, 0, 3, 3, 6]
    window.give_back("a")
    window.give_back("nobody")
    assert window.wait("a", 2, 0) == 6
    assert window.taken("a", 20) == []


def test_a_crowd_takes_no_more_room_than_there_is_and_asking_alone_pushes_nobody_out():
    window = SlidingWindow(60, 10)
    window.take("a", 0)
    for number in range(100):
        assert not window.wait(str(number), 1, 0)
    assert window.wait("a", 1, 0) == 60
    for number in range(100):
        window.take(str(number), 0)
    assert len(window) == 10
    assert not window.wait("a", 1, 0)
