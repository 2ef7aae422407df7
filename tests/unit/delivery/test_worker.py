"""One worker for every loop: none ends unseen, each is done again, and the lease it works under is minded for it."""

from __future__ import annotations

import ast
import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import alerts
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import FIRST_PAUSE, LONGEST_PAUSE, STEADY, Guarded, Work, Workers
from alerts.model.errors import DatabaseRefused, Retry
from alerts.model.lease import DUTIES, Lease, LeaseLost
from alerts.model.reason import because
from tests.fakes import FakeClock

EVERY = 10.0


class Loops:
    """Workers on a clock to wind. `ended` is what was published; `began` when a step did."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.ended: list[tuple[str, str]] = []
        self.began: list[float] = []
        self.workers = Workers(self.clock, lambda event: self.ended.append((event.task, str(event.reason))))

    def begin(self, *comes: BaseException | None, every: float = EVERY, **how) -> None:
        """A step that takes a second and then meets the next of these; after the last all is well."""
        left = list(comes)

        async def step(*_: Lease) -> None:
            self.began.append(self.clock.monotonic())
            await self.clock.sleep(1)
            if left and (error := left.pop(0)) is not None:
                raise error

        self.workers.begin(Work("pruning", step, every, **how))

    @property
    def worker(self):
        return next(iter(self.workers))

    @property
    def task(self):
        return self.workers.tasks[0]

    @property
    def gaps(self) -> list[float]:
        return [later - earlier - 1 for earlier, later in zip(self.began, self.began[1:], strict=False)]

    def cycle(self, name: str):
        return {each.name: each for each in self.workers.cycles()}[name]


@pytest.fixture
async def guarded():
    found = Loops()
    yield found
    await found.workers.close()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a stranger's words"), "its code failed: ValueError"),
        (ExceptionGroup("parts", [KeyError("x")]), "its code failed: KeyError"),
        (asyncio.CancelledError(), "its code failed: CancelledError"),
    ],
    ids=["raises", "a group raises", "what it awaits is cancelled"],
)
async def test_a_step_that_fails_is_logged_once_told_shown_and_done_again(guarded, error, said):
    with capture_logs() as logs:
        guarded.begin(error)
        await guarded.clock.advance(1)
        assert guarded.cycle("task pruning").stands
        await guarded.clock.advance(FIRST_PAUSE + 2)
    assert guarded.began == [0, 1 + FIRST_PAUSE]
    assert guarded.ended == [("pruning", said)]
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("task.ended", "error"),
        ("task.recovered", "info"),
    ]
    shown = guarded.cycle("task pruning")
    assert (shown.age, shown.stands, str(shown.reason), guarded.worker.ends) == (1, False, said, 1)
    await guarded.clock.advance(STEADY)
    assert guarded.cycle("task pruning").reason is None


async def test_one_that_fails_again_and_again_is_logged_once_counted_and_done_less_and_less_often(guarded):
    with capture_logs() as logs:
        guarded.begin(*[ValueError()] * 9, None, ValueError(), every=600)
        await guarded.clock.advance(1900)
    longest = [LONGEST_PAUSE] * 3
    assert guarded.gaps == [1, 2, 4, 8, 16, 32, *longest, 600, 1, 600], "and soon again once it went well"
    assert len(guarded.ended) == 10
    assert [each["event"] for each in logs] == ["task.ended", "task.recovered"] * 2
    assert [each.get("failures") for each in logs] == [None, 9, None, 1]


async def test_what_is_done_each_second_is_tried_each_second(guarded):
    guarded.begin(*[ValueError()] * 5, every=1.0)
    await guarded.clock.advance(20)
    assert set(guarded.gaps) == {1}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseRefused("disk is full"), because("database_refuses")),
        (Retry("no answer"), Retry("no answer").reason),
    ],
    ids=["the database", "a platform"],
)
async def test_what_is_foreseen_is_one_line_and_no_alarm_but_its_cycle_stands_still_at_last(guarded, error, reason):
    with capture_logs() as logs:
        guarded.begin(*[error] * 9, late=60)
        await guarded.clock.advance(10)
        assert not guarded.cycle("pruning").stands
        await guarded.clock.advance(60)
    assert (guarded.cycle("pruning").stands, guarded.cycle("pruning").reason) == (True, reason)
    assert guarded.ended == []
    assert [(each["event"], "exc_info" in each) for each in logs] == [("task.failed", False)]


async def test_a_platform_that_asks_to_wait_is_waited_for(guarded):
    guarded.begin(Retry("busy", guarded.clock.now() + timedelta(seconds=300)))
    await guarded.clock.advance(400)
    assert guarded.began[:2] == [0, 300]


async def test_one_that_is_woken_does_the_next_step_at_once_but_rests(guarded):
    woken = asyncio.Event()
    guarded.begin(woken=woken, rest=2.0)
    await guarded.clock.advance(0.5)
    woken.set()
    await guarded.clock.advance(4)
    woken.set()
    await guarded.clock.advance(0.2)
    assert guarded.began == [0, 3], "woken during a step, it does another one, after the rest"
    await guarded.clock.advance(1.3)
    assert guarded.began == [0, 3, 6]


async def test_one_that_is_done_once_is_through_when_it_went_well(guarded):
    guarded.begin(ValueError(), once=True)
    await guarded.clock.advance(100)
    assert (guarded.began, guarded.task.done()) == ([0, 2], True)
    assert len(guarded.ended) == 1, "and that it is over is no alarm"


async def test_a_task_that_somebody_ends_is_an_alarm_and_one_that_is_stopped_is_none(guarded):
    guarded.begin()
    await guarded.clock.advance(5)
    guarded.task.cancel()
    await guarded.clock.settle()
    assert guarded.ended == [("pruning", "it stopped, though it should have gone on")]
    assert guarded.cycle("task pruning").stands
    guarded.begin()
    await guarded.clock.advance(5)
    guarded.workers.retire(but=("other",))
    await guarded.workers.close()
    assert len(guarded.ended) == 1


# --- under a lease ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def keeper(house):
    found = LeaseKeeper(Leases(house.database), house.clock, "us", [DUTIES])
    workers = Workers(house.clock)
    workers.begin(found.work)
    await house.clock.settle()
    yield found
    await workers.close()


async def test_a_lease_that_is_lost_is_waited_for_anew_and_nothing_goes_round_and_round(house, keeper):
    duties = Loops(house.clock)
    lost = LeaseLost(keeper.lease_of(DUTIES))
    duties.begin(None, lost, None, hold=keeper.hold(DUTIES), late=60)
    await house.clock.advance(14)
    assert [round(at) for at in duties.began] == [0, 11, 12], "it was taken anew at once"
    await keeper.give_back()
    await house.clock.advance(100)
    assert len(duties.began) == 3
    assert not duties.cycle("pruning").stands, "waiting for a lease is no standing still"
    await duties.workers.close()


async def test_a_lease_that_was_another_s_long_ago_makes_no_hot_loop(house, keeper):
    duties = Loops(house.clock)
    duties.begin(*[LeaseLost(Lease(DUTIES, "them", house.clock.now()))] * 1000, hold=keeper.hold(DUTIES))
    await house.clock.advance(60)
    assert len(duties.began) <= 6
    await duties.workers.close()


# --- a part of a step ------------------------------------------------------------------------------------------------


def test_a_part_keeps_to_itself_what_it_meets_but_for_a_lost_lease():
    with capture_logs() as logs, Guarded("town.unseen", town="martin") as part:
        raise ValueError("x")
    assert isinstance(part.error, ValueError)
    assert [(each["event"], each["town"], "exc_info" in each) for each in logs] == [("town.unseen", "martin", True)]
    with capture_logs() as logs, Guarded("town.unseen"):
        raise DatabaseRefused("disk is full")
    assert [(each["error"], "exc_info" in each) for each in logs] == [("disk is full", False)]
    lost = LeaseLost(Lease("x", "us", FakeClock().now()))
    for error, but in ((lost, ()), (KeyError("x"), (KeyError,)), (asyncio.CancelledError(), ())):
        with pytest.raises(type(error)), Guarded("town.unseen", but=but):
            raise error


# --- the house -------------------------------------------------------------------------------------------------------

LOOPS = {
    # Protocols and parsers: each ends with its peer, its server or its text.
    "channels/telegram/channel.py": 1,
    "daemon/control.py": 1,
    "store/connection.py": 1,
    "store/database.py": 2,
    "store/postgresql.py": 3,
    "store/reaching.py": 1,
    "web/console/stream.py": 1,
    # Within a step, a command or the demonstration: each has an end.
    "cli/filing.py": 1,
    "cli/posting.py": 1,
    "delivery/attempt.py": 1,
    "delivery/bulk.py": 1,
    "demo/show.py": 1,
    "demo/talk.py": 1,
    "desk/audience.py": 1,
}
BROAD = {
    "delivery/worker.py": 1,
    # Handed to whoever waits for it.
    "apart/child.py": 1,
    "apart/pool.py": 1,
    "store/batches.py": 1,
    "store/database.py": 4,
    # What isn't ours: a decoder, a package, a stranger's words, a subscriber of the bus.
    "access/sessions.py": 1,
    "bot/reception.py": 1,
    "listening/understanding.py": 1,
    "model/events.py": 1,
    "reports/photos.py": 3,
    "sources/cap/source.py": 1,
    "sources/ical/agenda.py": 1,
    "store/bare.py": 2,
    # The edges of HTTP: an answer whatever happens.
    "web/api/app.py": 1,
    "web/api/open311.py": 1,
    "web/console/app.py": 1,
}
ALERTS = Path(alerts.__file__).parent


def counted(wanted, word: str) -> dict[str, int]:
    """How many of these nodes each file has that has this word."""
    texts = {file: text for file in ALERTS.rglob("*.py") if word in (text := file.read_text(encoding="utf-8"))}
    found = {str(file.relative_to(ALERTS)): sum(map(wanted, ast.walk(ast.parse(text)))) for file, text in texts.items()}
    return {file: count for file, count in found.items() if count}


def is_endless(node: ast.AST) -> bool:
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant)


def is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    named = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(each is None or (isinstance(each, ast.Name) and each.id == "Exception") for each in named)


def test_no_loop_and_no_broad_except_stands_beside_the_worker_and_its_guard_but_those_that_are_named():
    assert counted(is_endless, "while ") == LOOPS
    assert counted(is_broad, "except") == BROAD
