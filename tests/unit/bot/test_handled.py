"""What was handled is let go of only behind everything that was handled too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.bot.reception import Batch, Handled

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
