"""A loop under guard: none ends unseen, and each is begun anew."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from alerts.delivery.worker import FIRST_PAUSE, LONGEST_PAUSE, STEADY, Workers
from tests.fakes import FakeClock


class Guarded:
    """Workers on a clock to wind. `ended` is what was published; `began` when a loop did."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ended: list[tuple[str, str]] = []
        self.began: list[float] = []
        self.workers = Workers(self.clock, lambda event: self.ended.append((event.task, str(event.reason))))

    def begin(self, *comes: BaseException | None, may_end: bool = False) -> None:
        """A loop that runs a second and then meets the next of these; after the last it goes on."""
        left = list(comes)

        async def run() -> None:
            self.began.append(self.clock.monotonic())
            await self.clock.sleep(1)
            if not left:
                await asyncio.Event().wait()
            if (error := left.pop(0)) is not None:
                raise error

        self.workers.begin("pruning", run, may_end=may_end)

    @property
    def worker(self):
        return next(iter(self.workers))


@pytest.fixture
async def guarded():
    found = Guarded()
    yield found
    await found.workers.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a stranger's words"), "its code failed: ValueError"),
        (ExceptionGroup("parts", [KeyError("x")]), "its code failed: KeyError"),
        (asyncio.CancelledError(), "its code failed: CancelledError"),
        (None, "it ended though it was to go on"),
    ],
    ids=["raises", "a group raises", "what it awaits is cancelled", "ends"],
)
async def test_a_loop_that_ends_is_logged_once_told_and_begun_anew(guarded, error, said):
    with capture_logs() as logs:
        guarded.begin(error)
        await guarded.clock.advance(1)
        assert not guarded.worker.is_running
        await guarded.clock.advance(FIRST_PAUSE + 2)
    assert guarded.worker.is_running
    assert guarded.ended == [("pruning", said)]
    assert [(each["event"], each["task"], each["log_level"]) for each in logs] == [("task.ended", "pruning", "error")]
    assert str(guarded.worker.reason) == said
    await guarded.clock.advance(STEADY)
    assert guarded.worker.reason is None


async def test_one_that_fails_again_and_again_is_begun_less_and_less_often_and_soon_again_once_it_ran_well(guarded):
    guarded.begin(*[ValueError()] * 9)
    await guarded.clock.advance(600)
    gaps = [later - earlier - 1 for earlier, later in zip(guarded.began, guarded.began[1:], strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert len(guarded.ended) == 9


async def test_one_that_may_end_is_through_and_one_that_is_retired_or_cancelled_stays_ended(guarded):
    guarded.begin(None, may_end=True)
    await guarded.clock.advance(100)
    assert (guarded.began, guarded.ended) == ([0], [])
    guarded.begin()
    await guarded.clock.advance(5)
    await guarded.workers.close()
    await guarded.clock.advance(100)
    assert (len(guarded.began), guarded.ended) == (2, [])


async def test_at_a_stop_some_end_by_themselves_and_are_not_begun_anew(guarded):
    guarded.begin(None)
    guarded.workers.retire(but=("pruning",))
    await guarded.clock.advance(100)
    assert (guarded.began, guarded.ended) == ([0], [])
