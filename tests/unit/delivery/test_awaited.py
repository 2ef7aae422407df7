"""When those on duty are told of what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.delivery.awaited import to_say
from alerts.delivery.watch import Say

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
REMIND = timedelta(minutes=10)


def test_what_waits_is_told_at_once_and_each_only_once():
    assert to_say(["a", "a", "b"], {}, NOW, REMIND) == [(Say.BEGINS, "a"), (Say.BEGINS, "b")]
    assert to_say(["a", "b"], {"a": NOW, "b": NOW}, NOW, REMIND) == []


def test_it_is_told_again_each_time_until_somebody_decides():
    told = {"a": NOW - REMIND}

    assert to_say(["a"], told, NOW, REMIND) == [(Say.GOES_ON, "a")]
    assert to_say(["a"], told, NOW - timedelta(seconds=1), REMIND) == []
    assert to_say([], told, NOW, REMIND) == [(Say.OVER, "a")]


def test_a_clock_that_was_set_back_silences_nothing():
    assert to_say(["a"], {"a": NOW + timedelta(days=1)}, NOW, REMIND) == [(Say.GOES_ON, "a")]
