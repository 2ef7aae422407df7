"""One loop for all sources, whatever the clock on the wall is set to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from alerts.delivery.lease import LeaseKeeper
from alerts.model.errors import DatabaseRefused, SourceFailed
from alerts.model.lease import Lease, LeaseLost, Ownership, RunningDaemon
from alerts.model.ports import Heard, Memory, SourceReading
from alerts.model.reason import in_words
from alerts.sources.poll import WRITTEN_EVERY, Poller
from tests.fakes import FakeClock, begun
from tests.walls import in_one_test

EVERY = timedelta(minutes=1)
QUIET = SourceReading((), Memory())


class Kept:
    """A database that remembers nothing of a source but its failures, and takes its time over each write.

    It has one lease, of which `owner` is told by the test.
    """

    def __init__(self, feed: Feed) -> None:
        self.sources = self.leases = self
        self._feed = feed
        self.owner, self.wants = "us", frozenset()

    async def look(self, now, term):
        return self._found(now, term)

    async def renew(self, renewal, now, choose):
        found = self._found(now, renewal.term)
        choose(found)
        return found

    def _found(self, now, term) -> Ownership:
        # `them` first, so that the one source is theirs by right.
        daemons = {each: RunningDaemon(each, each, now, now + term, wants=self.wants) for each in ("them", "us")}
        return Ownership({"source meteo": Lease("source meteo", self.owner, now + term)}, {}, daemons)

    def check(self, lease, _) -> None:
        if lease.owner != self.owner:
            raise LeaseLost(lease)

    async def read(self, work):
        return work(self)

    async def write(self, work):
        self._feed.happens()
        return work(self)

    def memory(self, _: str) -> Memory:
        self._feed.remembered += 1
        return self._feed.kept

    def known(self, _, keys) -> set[str]:
        return set()

    def read_well(self, _, at) -> None:
        self._feed.well.append(at)

    def failed(self, _, reason, next_try, now) -> int:
        self._feed.failures += 1
        return self._feed.failures


class Feed:
    """A source that answers as told. `meanwhile` happens while a reading is being stored."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answers: list[SourceReading | SourceFailed] = []
        self.looks: list[float] = []
        self.failures = 0
        self.well: list[datetime] = []
        self.stored: list[float] = []
        self.memories: list[Memory] = []
        self.kept = Memory()
        self.remembered = 0
        self.wake = None
        self.takes = 0.0
        self.meanwhile = lambda: None
        self.database = Kept(self)
        self.keeper = LeaseKeeper(self.database, clock, "us", ["source meteo"])
        self.poller = Poller(
            "meteo",
            self,
            EVERY,
            database=self.database,
            clock=clock,
            chance=lambda: 0.5,
            deliver=self.deliver,
            keeper=self.keeper,
        )

    def on_news(self, wake):
        self.wake = wake

    async def read(self, memory, known, now) -> SourceReading:
        self.memories.append(memory)
        self.looks.append(self.clock.monotonic())
        if self.takes:
            await self.clock.sleep(self.takes)
        answer = self.answers.pop(0) if self.answers else QUIET
        if isinstance(answer, SourceFailed):
            raise answer
        return answer

    async def deliver(self, _, reading, look_again, lease) -> int:
        self.happens()
        self.database.check(lease, look_again)
        self.stored.append(self.clock.monotonic())
        self.failures = self.failures + 1 if reading.trouble else 0
        return self.failures

    def happens(self) -> None:
        self.meanwhile()
        self.meanwhile = lambda: None

    def set_the_clock(self, by: timedelta) -> None:
        """While the next reading is being stored."""
        self.meanwhile = lambda: self.clock.set(self.clock.now() + by)


@asynccontextmanager
async def feed(start: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) -> AsyncIterator[Feed]:
    made = Feed(FakeClock(start))
    running = [begun(made.clock, each.work) for each in (made.keeper, made.poller)]
    yield made
    for each in running:
        each.cancel()
    await made.clock.settle()


@in_one_test
@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("answer", [QUIET, SourceFailed("no answer")])
async def test_a_clock_that_is_set_while_a_reading_is_stored_stops_no_source(hours, answer):
    async with feed() as meteo:
        meteo.answers = [answer]
        meteo.set_the_clock(timedelta(hours=hours))
        await meteo.clock.advance(301)

    assert len(meteo.looks) in (6, 7), "once a minute, or soon after the failure"


async def test_a_clock_that_is_set_back_lengthens_no_pause_that_a_server_asked_for():
    async with feed() as meteo:
        meteo.answers = [SourceFailed("busy", meteo.clock.now() + timedelta(minutes=2))]
        meteo.set_the_clock(timedelta(hours=-1))
        await meteo.clock.advance(125)

    assert len(meteo.looks) == 2


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
async def test_a_source_is_read_once_a_minute_over_both_changes_of_summer_time(night):
    async with feed(night) as meteo:
        await meteo.clock.advance(3 * 3600)

    assert len(meteo.looks) == 181
    assert max(later - earlier for earlier, later in zip(meteo.looks, meteo.looks[1:], strict=False)) < 61


async def test_a_source_whose_messages_cannot_be_read_fails_until_they_can():
    async with feed() as meteo:
        meteo.answers = [QUIET, *[SourceReading((), Memory(), trouble=in_words("2 messages can't be read"))] * 2]
        reasons = []
        for _ in range(4):
            await meteo.clock.settle()
            reasons.append(meteo.poller.reason and str(meteo.poller.reason))
            await meteo.clock.advance(60)

    assert reasons == [None, "2 messages can't be read", "2 messages can't be read", None]


# --- what an uneventful look costs ----------------------------------------------------------------------------------


async def test_while_nothing_is_new_it_is_written_down_every_five_minutes():
    async with feed() as meteo:
        await meteo.clock.advance(30 * 60)

    assert len(meteo.looks) == 31
    gaps = [later - earlier for earlier, later in zip(meteo.stored, meteo.stored[1:], strict=False)]
    assert len(gaps) == 6
    assert max(gaps) <= WRITTEN_EVERY.total_seconds() + EVERY.total_seconds()
    assert meteo.remembered == 1, "what it remembers is read once"


@pytest.mark.parametrize(
    "news",
    [
        SourceReading([Heard("1", problem=in_words("odd"))], Memory()),
        SourceReading((), Memory(state={"told": 1})),
        SourceReading((), Memory(), trouble=in_words("2 messages can't be read")),
    ],
)
async def test_what_is_new_is_written_down_at_once(news):
    async with feed() as meteo:
        meteo.answers = [QUIET, news, SourceReading((), news.memory)]
        await meteo.clock.advance(61)
        stored = list(meteo.stored)
        await meteo.clock.advance(60)

    assert stored == meteo.looks[:2]
    assert len(meteo.stored) == (3 if news.trouble else 2), "that it is well again is news"


async def test_a_failure_tells_when_it_was_last_read_well_to_the_second():
    async with feed() as meteo:
        meteo.answers = [QUIET, QUIET, QUIET, SourceFailed("no answer"), SourceFailed("no answer")]
        await meteo.clock.advance(300)

    assert meteo.well == [datetime(2026, 11, 25, 12, 2, tzinfo=UTC)]
    assert len(meteo.stored) == 2, "and that it is read again is written at once"


async def test_what_could_not_be_stored_is_read_from_the_database_again():
    def refuses():
        raise DatabaseRefused("locked")

    async with feed() as meteo:
        meteo.answers = [QUIET, SourceReading([Heard("1", problem=in_words("odd"))], Memory(digest="new"))]
        await meteo.clock.settle()
        meteo.meanwhile = refuses
        await meteo.clock.advance(60)
        assert meteo.memories[-1].digest is None
        await meteo.clock.advance(1)

    assert meteo.memories[-1] is meteo.kept
    assert meteo.remembered == 2


async def test_a_source_that_has_news_is_looked_at_at_once():
    async with feed() as meteo:
        await meteo.clock.advance(10)
        meteo.wake()
        await meteo.clock.settle()
        assert meteo.looks == [0, 10]
        await meteo.clock.advance(59)
        assert meteo.looks == [0, 10]
        await meteo.clock.advance(2)
        assert meteo.looks == [0, 10, 70]

    await meteo.clock.settle()
    assert meteo.wake is None, "it is told that nobody looks any more"


async def test_news_that_come_during_a_look_are_not_lost():
    async with feed() as meteo:
        meteo.meanwhile = meteo.poller.wake
        await meteo.clock.settle()

    assert meteo.looks == [0, 0]


# --- of several daemons one polls it --------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [SourceReading([Heard("1", problem=in_words("odd"))], Memory()), SourceFailed("no")])
async def test_a_source_that_another_daemon_polls_is_left_to_it_and_looked_at_once_it_is_ours_again(answer):
    async with feed() as meteo:
        meteo.answers = [QUIET, answer, SourceFailed("never asked")]
        await meteo.clock.advance(1)

        def lose():
            meteo.database.owner = "them"

        meteo.meanwhile = lose
        await meteo.clock.advance(60)
        assert (len(meteo.looks), meteo.failures, meteo.poller.reason) == (2, 0, None), "nothing of it was stored"
        await meteo.clock.advance(300)
        assert len(meteo.looks) == 2

        meteo.database.owner = "us"
        await meteo.clock.advance(2)
        assert len(meteo.looks) == 3, "not only after its interval"
        assert meteo.remembered == 2, "and from what is stored now"


async def test_a_source_that_another_daemon_asks_for_during_a_look_is_let_go_of_after_it():
    async with feed() as meteo:
        await meteo.clock.advance(1)

        meteo.takes = 8.0
        await meteo.clock.advance(60)
        meteo.database.wants = frozenset({"source meteo"})
        await meteo.clock.advance(4)
        assert meteo.poller._hold.is_asked
        await meteo.clock.advance(5)
        assert meteo.poller._hold.at_rest, "and not only after its interval"
