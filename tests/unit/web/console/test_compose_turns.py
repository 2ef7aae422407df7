"""Previews are made one at a time for each visitor, the newest of each draft alone."""

from __future__ import annotations

import asyncio
import threading

from alerts.web.console.previews import PreviewQueue
from tests.unit.web.console.composing import open_bench, preview


async def test_of_those_that_wait_the_newest_is_done_and_others_have_their_own_turn() -> None:
    turns, go, done = PreviewQueue(), asyncio.Event(), []

    async def slow() -> str:
        await go.wait()
        return "first"

    async def quick(name: str) -> str:
        done.append(name)
        return name

    asked = [
        asyncio.create_task(turns.take("anne", "d1", slow)),
        *(asyncio.create_task(turns.take("anne", "d1", lambda name=name: quick(name))) for name in ("second", "third")),
        asyncio.create_task(turns.take("anne", "d2", lambda: quick("other draft"))),
        asyncio.create_task(turns.take("bert", "d1", lambda: quick("somebody else"))),
    ]
    assert await asked[-1] == "somebody else"
    assert done == ["somebody else"]
    go.set()

    assert await asyncio.gather(*asked) == ["first", None, "third", "other draft", "somebody else"]
    assert (turns._rooms, turns._newest) == ({}, {})


async def test_a_work_that_fails_gives_its_turn_back() -> None:
    turns = PreviewQueue()

    async def broken() -> None:
        raise ValueError

    results = await asyncio.gather(*(turns.take("anne", str(n), broken) for n in range(2)), return_exceptions=True)
    assert [type(each) for each in results] == [ValueError, ValueError]
    assert turns._rooms == {}


async def test_a_preview_that_a_newer_one_overtook_says_so(tmp_path) -> None:
    async with open_bench(tmp_path) as bench:
        said = {"draft": "draft0001", "fields": {"headline": "Fuite", "description": "Une phrase. " * 1600}}

        async def ask() -> int:
            async with bench.client.post("/desk/compose/preview", json=said) as answer:
                return answer.status

        statuses = await asyncio.gather(*(ask() for _ in range(8)))
        assert set(statuses) == {200, 409}
        assert (await preview(bench))["problems"] == {}


async def test_sketches_are_made_in_threads_of_their_own(tmp_path) -> None:
    async with open_bench(tmp_path) as bench:
        names = await asyncio.gather(
            *(bench.service.preview(lambda _: threading.current_thread().name) for _ in range(20))
        )
        assert {name.rpartition("_")[0] for name in names} == {"sketch"}
        assert len(set(names)) <= 2
