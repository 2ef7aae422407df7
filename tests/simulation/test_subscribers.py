"""People who chose push under virtual time, while the power is cut: what holds, and what is found where it doesn't."""

from __future__ import annotations

import pytest

from alerts.delivery.bulk import BulkSender
from alerts.model.delivery import SendResult
from alerts.store import bulk
from alerts.store.bulk import _Turning
from simulation.__main__ import SHORT, Wish, told
from simulation.run import simulate

BATCH = 5


@pytest.mark.parametrize("batch", range(2))
def test_no_seed_misses_a_subscriber_tells_one_twice_or_somebody_else(batch):
    wish, messages = Wish.read(["--subscribers"]), 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        outcome = simulate(seed, SHORT, subscribers=True)
        assert list(told(outcome, wish)) == []
        messages += outcome.told
    assert messages > 100 * BATCH


def test_a_seed_with_subscribers_goes_the_same_way_each_time():
    assert simulate(3, SHORT, subscribers=True).digest == simulate(3, SHORT, subscribers=True).digest


def found(promise):
    outcomes = (simulate(seed, SHORT, subscribers=True) for seed in range(10))
    return any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)


def test_who_is_told_what_they_didn_t_choose_is_found(monkeypatch):
    monkeypatch.setattr(bulk, "wants", lambda *_: True)
    assert found("nobody else is told")


def test_that_who_was_under_way_at_a_kill_is_forgotten_is_found(monkeypatch):
    monkeypatch.setattr(_Turning, "_flights", lambda *_, **__: [])
    assert found("subscribers are told")


def test_that_who_was_under_way_at_a_kill_never_hears_the_end_is_found(monkeypatch):
    monkeypatch.setattr(bulk, "take_over", lambda *_: None)
    assert found("who may have it hears the end")


def test_that_an_answer_that_was_lost_is_taken_for_nothing_is_found(monkeypatch):
    monkeypatch.setattr(SendResult, "may_be_out", False)
    assert found("who may have it hears the end")


def test_that_all_who_were_taken_back_hear_the_end_is_found(monkeypatch):
    monkeypatch.setattr(bulk, "rest", lambda *_: None)
    assert found("nobody else is told")


def test_that_a_stop_in_order_keeps_nothing_is_found(monkeypatch):
    async def nothing(*_):
        """Keep nothing."""

    monkeypatch.setattr(BulkSender, "_end_in_order", nothing)
    assert found("subscribers are told once")
