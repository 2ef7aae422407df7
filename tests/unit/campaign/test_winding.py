"""A town's time is wound: who sleeps by it wakes at their own time, in order, and nobody is left behind."""

from __future__ import annotations

import asyncio
import threading
import time

from campaign.winding import Dial, _Follower


async def test_who_sleeps_by_the_dial_wakes_in_order_though_an_hour_passes_in_no_time(tmp_path):
    dial = Dial(tmp_path / "dial")
    seat = dial.seat()
    town, ours = _Follower(Dial(tmp_path / "dial"), seat), []

    async def sleeper(seconds: float) -> None:
        began = town.monotonic()
        await town.sleep(seconds)
        ours.append((seconds, town.monotonic() - began))

    async with asyncio.TaskGroup() as group:
        for seconds in (30.0, 10.0, 20.0):
            group.create_task(sleeper(seconds))
        await asyncio.sleep(0)
        winding = threading.Thread(target=dial.wind, args=(31.0, lambda: [seat]))
        winding.start()
    await asyncio.to_thread(winding.join)

    assert [seconds for seconds, _ in ours] == [10.0, 20.0, 30.0]
    assert all(seconds <= slept for seconds, slept in ours)


async def test_all_clocks_of_a_process_say_the_same_and_who_was_not_wound_says_the_machine_s_time(tmp_path):
    dial = Dial(tmp_path / "dial")
    follower = _Follower(dial, dial.seat())
    before = follower.time(), follower.monotonic(), follower.now().timestamp()
    assert abs(before[0] - time.time()) < 60

    dial.wind(60, list)

    after = follower.time(), follower.monotonic(), follower.now().timestamp()
    assert all(60 <= later - earlier < 120 for earlier, later in zip(before, after, strict=True))
    assert dial.ahead == 60
