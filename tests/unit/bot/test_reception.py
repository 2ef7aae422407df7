"""Nobody keeps the bot from the others, and no update is answered twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.bot.chat import ChatEvent, FreeText, Left
from alerts.bot.reception import MOST, MOST_IN_A_GROUP, MOST_WHILE_BUSY, SPAN, Batch, ChatRateLimit, Handled
from tests.fakes import FakeClock


async def test_forty_a_minute_and_no_more():
    clock = FakeClock()
    crowd = ChatRateLimit(clock)
    flood, other, gone = (
        ChatEvent(chat, private=True, what=what) for chat, what in ((1, FreeText()), (2, FreeText()), (1, Left()))
    )

    assert [crowd.lets_in(flood) for _ in range(MOST + 5)] == [True] * MOST + [False] * 5
    assert crowd.lets_in(other)
    assert crowd.lets_in(gone)
    assert [crowd.lets_in(other, is_busy=True) for _ in range(MOST_WHILE_BUSY)] == [True] * 4 + [False]
    await clock.advance(SPAN)
    assert crowd.lets_in(flood)


async def test_a_group_may_say_less_than_telegram_lets_us_answer_there():
    crowd = ChatRateLimit(FakeClock())
    group = ChatEvent(-5, private=False, what=FreeText())
    assert sum(crowd.lets_in(group) for _ in range(100)) == MOST_IN_A_GROUP < 20


async def test_one_chat_is_answered_once_a_second_after_the_first_few():
    clock = FakeClock()
    crowd = ChatRateLimit(clock)
    assert [crowd.wait_to_answer(1) for _ in range(8)] == [0, 0, 0, 3, 3, 3, 6, 6]
    assert crowd.wait_to_answer(2) == 0
    await clock.advance(4)
    assert crowd.wait_to_answer(1) == 2
    await clock.advance(9)
    assert crowd.wait_to_answer(1) == 0


# What was handled is let go of only behind everything that was handled too.

NUMBERS = range(7, 47)


def update(number: int) -> dict:
    return {"update_id": number}


@given(st.permutations(NUMBERS), st.integers(1, 50))
def test_nothing_is_let_go_of_before_its_time_and_all_of_it_in_the_end(order, every):
    batch = Batch([update(number) for number in NUMBERS], every)
    done, told = set(), []
    for number in order:
        done.add(number)
        if (behind := batch.land(update(number))) is not None:
            assert set(range(7, behind)) <= done
            assert behind not in done
            told.append(behind)
    assert all(later - earlier >= every for earlier, later in zip([7, *told], told, strict=False))
    assert batch.end == 47


def test_in_order_it_is_told_every_so_many():
    batch = Batch([update(number) for number in NUMBERS], 8)
    assert [behind for n in NUMBERS if (behind := batch.land(update(n))) is not None] == [15, 23, 31, 39]


def test_what_has_no_number_is_never_taken_for_handled_and_what_is_old_is_forgotten():
    handled = Handled()
    for each in ({}, update(1), {"update_id": "1"}):
        handled.add(each)
    assert [handled.holds(each) for each in ({}, update(1), update(2), {"update_id": "1"})] == [
        False,
        True,
        False,
        False,
    ]
    for number in range(2, 5000):
        handled.add(update(number))
    assert not handled.holds(update(1))
    assert handled.holds(update(4999))
