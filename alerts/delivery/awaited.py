"""When those on duty are told that something waits for them: at once, again while it does, and how it was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alerts.delivery.watch import Say


def to_say(
    waiting: Iterable[str], told: Mapping[str, datetime], now: datetime, remind: timedelta
) -> list[tuple[Say, str]]:
    """What is to be said of which alert. `told` is when those on duty were last told of each that isn't settled.

    A time of telling that lies ahead is one of a clock that was set back: it is told again.
    """
    there = list(dict.fromkeys(waiting))
    begins = [(Say.BEGINS, each) for each in there if each not in told]
    again = [(Say.GOES_ON, each) for each in there if each in told and not timedelta() <= now - told[each] < remind]
    return begins + again + [(Say.OVER, each) for each in told if each not in there]
