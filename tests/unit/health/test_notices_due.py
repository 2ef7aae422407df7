"""When those on call are told of what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.health.monitor import Phase, notices_due

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
REMIND = timedelta(minutes=10)


def test_what_waits_is_told_at_once_and_each_only_once():
    assert notices_due(["a", "a", "b"], {}, NOW, REMIND) == [(Phase.FIRING, "a"), (Phase.FIRING, "b")]
    assert notices_due(["a", "b"], {"a": NOW, "b": NOW}, NOW, REMIND) == []


def test_it_is_told_again_each_time_until_somebody_decides():
    told = {"a": NOW - REMIND}

    assert notices_due(["a"], told, NOW, REMIND) == [(Phase.REPEATED, "a")]
    assert notices_due(["a"], told, NOW - timedelta(seconds=1), REMIND) == []
    assert notices_due([], told, NOW, REMIND) == [(Phase.RESOLVED, "a")]


def test_a_clock_that_was_set_back_silences_nothing():
    assert notices_due(["a"], {"a": NOW + timedelta(days=1)}, NOW, REMIND) == [(Phase.REPEATED, "a")]
