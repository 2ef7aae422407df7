"""One chat that never stops is passed over, and keeps nobody else from being heard."""

from __future__ import annotations

from alerts.bot.events import ChatEvent, Left, Talk
from alerts.bot.reception import MOST, MOST_IN_A_GROUP, SPAN, Crowd
from tests.fakes import FakeClock


async def test_forty_a_minute_and_no_more():
    clock = FakeClock()
    crowd = Crowd(clock)
    flood, other, gone = (
        ChatEvent(chat, private=True, what=what) for chat, what in ((1, Talk()), (2, Talk()), (1, Left()))
    )

    assert [crowd.lets_in(flood) for _ in range(MOST + 5)] == [True] * MOST + [False] * 5
    assert crowd.lets_in(other)
    assert crowd.lets_in(gone)
    await clock.advance(SPAN)
    assert crowd.lets_in(flood)


async def test_a_group_may_say_less_than_telegram_lets_us_answer_there():
    crowd = Crowd(FakeClock())
    group = ChatEvent(-5, private=False, what=Talk())
    assert sum(crowd.lets_in(group) for _ in range(100)) == MOST_IN_A_GROUP < 20


async def test_one_chat_is_answered_once_a_second_after_the_first_few():
    clock = FakeClock()
    crowd = Crowd(clock)
    assert [crowd.wait_to_answer(1) for _ in range(8)] == [0, 0, 0, 3, 3, 3, 6, 6]
    assert crowd.wait_to_answer(2) == 0
    await clock.advance(4)
    assert crowd.wait_to_answer(1) == 2
    await clock.advance(9)
    assert crowd.wait_to_answer(1) == 0
