"""People who chose push under virtual time, while the power is cut: what holds, and what is found where it doesn't."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery.bulk import BulkSender
from alerts.model.delivery import BulkState, SendOutcome
from alerts.model.post import PostKind
from alerts.model.subscriber import Subscriber
from alerts.store import bulk
from alerts.store.bulk import _Exchange
from simulation.__main__ import SHORT, Wish, broken
from simulation.run import simulate
from simulation.subscribers import Attempt, Audience, everybody_hears_the_end, nobody_else, nobody_twice
from tests.release import at_release
from tests.unit.store.bulk_turns import a_told
from tests.unit.store.conftest import NOW

BATCH = 2
FINDS_MOST = 4
"""The seed that finds most bugs is tried first."""


@pytest.mark.parametrize("batch", [0, *at_release(range(1, 6))])
def test_no_seed_misses_a_subscriber_tells_one_twice_or_somebody_else(batch):
    wish, messages = Wish.read(["--subscribers"]), 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        outcome = simulate(seed, SHORT, subscribers=True)
        assert list(broken(outcome, wish)) == []
        messages += outcome.sent
    assert messages > 50 * BATCH


def test_a_stop_while_the_disk_is_full_and_an_incident_that_goes_on_after_its_end_break_nothing():
    assert simulate(31337039, SHORT, subscribers=True).breaches == []


def test_who_was_only_handed_over_while_the_disk_was_full_for_longer_than_a_lease_hears_no_end():
    """The same process went on under the same lease: it knows that they never left."""
    assert simulate(90100029, SHORT, subscribers=True).breaches == []


def test_a_bulk_that_waited_until_its_alert_ended_is_stopped_then():
    """A seed that nobody had used: nothing else was told, and it stood as queued until somebody looked by chance."""
    assert simulate(91200007, SHORT, subscribers=True).breaches == []


def test_who_was_under_way_with_what_had_been_held_back_at_a_power_cut_hears_the_end():
    """A seed that nobody had used: the service took nothing for half a minute, then seven were told as power failed."""
    assert simulate(91200043, SHORT, subscribers=True).breaches == []


@pytest.mark.release
def test_a_seed_with_subscribers_goes_the_same_way_each_time():
    assert simulate(3, SHORT, subscribers=True).digest == simulate(3, SHORT, subscribers=True).digest


def found(promise):
    outcomes = (simulate(seed, SHORT, subscribers=True) for seed in (FINDS_MOST, *range(10)))
    return any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)


def test_who_is_told_what_they_didn_t_choose_is_found(monkeypatch):
    monkeypatch.setattr(bulk, "wants", lambda *_: True)
    assert found("nobody else is told")


def test_that_who_was_under_way_at_a_kill_is_forgotten_is_found(monkeypatch):
    monkeypatch.setattr(_Exchange, "_flights", lambda *_, **__: [])
    assert found("subscribers are told")


ALERT, END = (
    replace(a_told(name), seq=seq, kind=kind, state=BulkState.DONE, everyone=seq == 1)
    for name, seq, kind in (("b1", 1, PostKind.PUBLISH), ("b2", 2, PostKind.END))
)


def an_attempt(bulk, chat=1, **changes):
    return Attempt(bulk.id, chat, 1, NOW, **changes)


CAME = an_attempt(ALERT, left=True, came=True, heard=SendOutcome.LATER)


def test_an_end_that_passes_by_whom_its_alert_reached_is_found():
    assert list(everybody_hears_the_end([ALERT, END], Audience([], [CAME]), set()))
    assert list(everybody_hears_the_end([ALERT, END], Audience([], [CAME, an_attempt(END)]), set())) == []
    assert list(everybody_hears_the_end([ALERT, END], Audience([], [CAME]), {(END.id, 1)})) == []
    assert list(everybody_hears_the_end([ALERT, END], Audience([], [replace(CAME, came=False)]), set())) == []


def test_who_heard_the_end_is_concerned_again_only_by_what_came_later():
    heard, once_more = an_attempt(END, came=True, heard=SendOutcome.SENT), replace(ALERT, id="b3", seq=3)
    last = replace(END, id="b4", seq=4)
    bulks = [ALERT, END, once_more, last]
    assert list(everybody_hears_the_end(bulks, Audience([], [CAME, heard]), set())) == []
    assert list(everybody_hears_the_end(bulks, Audience([], [CAME, heard, replace(CAME, bulk="b3")]), set()))


def test_a_bulk_whose_post_is_about_to_be_let_go_does_not_turn_without_a_pause():
    """A seed in which the time stood still: each turn asked for the next one at once."""
    assert simulate(72102032, SHORT, subscribers=True).breaches == []


def test_an_end_is_told_again_where_its_alert_was_still_on_its_way():
    """A seed that nobody had used: the alert's answer was lost ten seconds after it left, and the end had gone by."""
    assert simulate(72101009, SHORT, subscribers=True).breaches == []
    again = [an_attempt(END, came=True, heard=SendOutcome.SENT)] * 2
    assert list(nobody_twice([ALERT, END], Audience([], again)))
    late = replace(CAME, came=False, heard_at=NOW + timedelta(seconds=10))
    assert list(nobody_twice([ALERT, END], Audience([], [late, *again]))) == []
    assert list(nobody_twice([ALERT, END], Audience([], [replace(late, heard_at=NOW), *again])))


@pytest.mark.parametrize(
    ("attempt", "handed", "may"),
    [
        (replace(CAME, came=False), set(), True),
        (replace(CAME, came=False, heard=None), set(), True),
        (replace(CAME, came=False, left=False), set(), False),
        (replace(CAME, came=False, left=False), {(ALERT.id, 1)}, True),
        (replace(CAME, came=False, left=False), {(ALERT.id, 2)}, False),
    ],
)
def test_an_end_that_comes_to_who_surely_had_nothing_is_found(attempt, handed, may):
    audience = Audience([Subscriber(1)], [attempt, an_attempt(END)], handed=handed)
    assert (list(nobody_else([ALERT, END], audience)) == []) is may


def test_that_a_stop_in_order_keeps_nothing_is_found(monkeypatch):
    async def nothing(*_):
        """Keep nothing."""

    monkeypatch.setattr(BulkSender, "_end_in_order", nothing)
    assert found("subscribers are told once")
