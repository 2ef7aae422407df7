"""One chat that never stops is passed over, and keeps nobody else from being heard."""

from __future__ import annotations

from alerts.bot.crowd import MOST, SPAN, Crowd
from alerts.bot.events import Event, Left, Talk
from tests.fakes import FakeClock


async def test_forty_a_minute_and_no_more():
    clock = FakeClock()
    crowd = Crowd(clock)
    flood, other, gone = (
        Event(chat, private=True, what=what) for chat, what in ((1, Talk()), (2, Talk()), (1, Left()))
    )

    assert [crowd.lets_in(flood) for _ in range(MOST + 5)] == [True] * MOST + [False] * 5
    assert crowd.lets_in(other)
    assert crowd.lets_in(gone)
    await clock.advance(SPAN)
    assert crowd.lets_in(flood)
