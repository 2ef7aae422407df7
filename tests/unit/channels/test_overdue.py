"""What takes too long ends with a TimeoutError, and only that."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alerts.channels.telegram.bulk import Overdue


async def waits_within(overdue: Overdue) -> None:
    with overdue:
        await asyncio.Event().wait()


async def test_what_lasts_too_long_ends():
    with pytest.raises(TimeoutError):
        await waits_within(Overdue(timedelta(0)))
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_what_ends_in_time_is_left_alone():
    overdue = Overdue(timedelta(0))
    quick = asyncio.Event()
    quick.set()
    with overdue:
        await quick.wait()
    with pytest.raises(TimeoutError):
        await waits_within(overdue)


async def begun(overdue: Overdue) -> asyncio.Task[None]:
    task = asyncio.create_task(waits_within(overdue))
    await asyncio.sleep(0)
    return task


async def test_what_has_time_left_goes_on_after_a_look():
    overdue = Overdue(timedelta(hours=1))
    task = await begun(overdue)
    overdue._look(asyncio.get_running_loop())
    assert task.cancelling() == 0
    task.cancel()
    await asyncio.wait([task])


async def test_who_is_cancelled_from_outside_hears_of_that():
    task = await begun(Overdue(timedelta(hours=1)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_from_outside_too_hears_of_that_alone():
    overdue = Overdue(timedelta(0))
    task = await begun(overdue)
    overdue._look(asyncio.get_running_loop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
