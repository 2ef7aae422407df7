"""What a post and an idle minute cost in counts that no machine changes: statements, commits, bytes to be synced.

The real daemon runs over the real store, in one thread and by a clock that the test winds, so the same is done each
time. `COSTS` is the one table: a post's statements (commits among them) are exact; of an idle minute they may be fewer,
and of what is written, since that is counted in pages, which another SQLite fills otherwise. A change that makes one of
these dearer changes the table, and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from alerts.app import Daemon, build
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.daemon.environment import DaemonEnvironment
from alerts.desk.actions import Filed
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.events import AttemptFinished
from alerts.model.ports import Memory, SourceReading
from alerts.model.town import Server
from alerts.store.database import Database, DatabaseCall
from alerts.store.files import connect, connect_to_write, migrate
from alerts.store.postgresql import ServerSession
from alerts.store.restoring import RestoreMarker
from tests.fakes import FakeClock, PlainChannel

TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"

[web]
listen = "127.0.0.1:0"

[sources.meteo]
kind = "cap"
url = "https://meteo.example/feed"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TELEGRAM_TOKEN" }
limits = ["1000/1m"]
reserve = 0
"""


T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Statements by their first word, and kilobytes that they wrote to the journal."""

    asked: Counter[str]
    kilobytes: float


COSTS = {
    "a post": Cost(Counter({"BEGIN": 3, "COMMIT": 3, "SELECT": 7, "INSERT": 4, "UPDATE": 3}), 60),
    "ten posts": Cost(Counter({"BEGIN": 7, "COMMIT": 7, "SELECT": 58, "INSERT": 40, "UPDATE": 30}), 170),
    "a post at a server": Cost(Counter({"BEGIN": 3, "COMMIT": 3, "SELECT": 7, "INSERT": 4, "UPDATE": 3}), 0),
    "ten posts at a server": Cost(Counter({"BEGIN": 7, "COMMIT": 7, "SELECT": 58, "INSERT": 40, "UPDATE": 30}), 0),
    "an idle minute": Cost(
        # Forty renewals of all leases at once, each after a look at who else runs and holds what. Two looks at whether
        # anything of a source found no place among its drafts: the watch's, and that of the shared duties.
        Counter({"PRAGMA": 60, "BEGIN": 41, "COMMIT": 41, "SELECT": 385, "INSERT": 2, "UPDATE": 40}),
        180,
    ),
}


class Counts:
    """What a store's connections were asked, by the first word of each statement."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._last = ""

    def note(self, statement: str) -> None:
        """As SQLite's trace, which tells a statement again for each trigger, and what FTS5 asks as a comment."""
        word = statement.split(maxsplit=1)[0].upper()
        is_trigger = word in ("INSERT", "UPDATE", "DELETE") and statement == self._last
        if not is_trigger and not statement.startswith("--"):
            self.asked[word] += 1
            self._last = statement


def open_file(path: Path, counts: Counts) -> Database:
    """A database in a file whose statements are counted."""
    migrate(path)
    writer, reader = connect_to_write(path), connect(path, readonly=True)
    for db in (writer, reader):
        db.set_trace_callback(counts.note)
    # The journal only grows, so that its growth is what was written.
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    return Database(Threadless(writer), Threadless(reader), height=RestoreMarker(path))


class CountedSession(ServerSession):
    """A connection to a server whose statements are counted; its lock and its signature go with BEGIN."""

    def __init__(self, server: Server, counts: Counts, *, readonly: bool = False) -> None:
        super().__init__(server, readonly=readonly)
        self._counts = counts

    def execute(self, sql, values=()):
        self._counts.note(sql)
        return super().execute(sql, values)

    def begin(self, *, synced: bool = True) -> None:
        self._counts.note("BEGIN")
        super().begin(synced=synced)

    def commit(self) -> None:
        self._counts.note("COMMIT")
        super().commit()


def open_server(server: Server, counts: Counts) -> Database:
    """A database at a server whose statements are counted."""
    writer, reader = CountedSession(server, counts), CountedSession(server, counts, readonly=True)
    return Database(Threadless(writer), Threadless(reader))


class Threadless:
    """A `Hand` without a thread."""

    def __init__(self, db) -> None:
        self._db = db
        self._turn = asyncio.Lock()

    async def run(self, work: DatabaseCall[T]) -> T:
        async with self._turn:
            await asyncio.sleep(0)
            return work(self._db)

    async def close(self) -> None:
        self._db.close()


class AtOnce(ThreadPoolExecutor):
    """Where a loop hands work to threads: it is done here and now."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 handed to whoever waits for it
            done.set_exception(error)
        return done


class Quiet:
    """A source that has nothing to say, and a session that nobody uses."""

    async def read(self, memory, known, now) -> SourceReading:
        return SourceReading([], Memory(digest="1"))

    async def close(self) -> None:
        """There is nothing to close."""


class House:
    """A daemon over a new store, and what that was asked while `counted`."""

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        config = load_config(folder / "channels.toml")
        self.config = replace(config, store=replace(config.store, server=server))
        self.clock = FakeClock()
        self.counts = Counts()
        self.daemon: Daemon
        self._ids = itertools.count(1)

    def new_id(self) -> str:
        return f"{next(self._ids):012d}"

    @contextlib.asynccontextmanager
    async def lives(self, *, doors: bool) -> AsyncIterator[None]:
        """The daemon from its start to its stop; `doors`: with pages and health checks."""
        asyncio.get_running_loop().set_default_executor(AtOnce())

        async def open_session():
            return Quiet()

        outside = DaemonEnvironment(
            clock=self.clock,
            chance=lambda: 0.5,
            new_id=self.new_id,
            open_session=open_session,
            open_database=self._open,
            open_channel=lambda name, settings, resources: PlainChannel(self.clock),
            open_source=lambda name, settings, around: Quiet(),
            doors=doors,
        )
        self.daemon = await build(self.config, outside)
        await self.daemon.start()
        await self.clock.advance(90.05)
        try:
            yield
        finally:
            stopping = asyncio.create_task(self.daemon.stop())
            while not stopping.done():
                await self.clock.advance(1)
            await stopping

    async def _open(self, place: Path | Server) -> Database:
        return open_file(place, self.counts) if isinstance(place, Path) else open_server(place, self.counts)

    async def post(self, *numbers: int) -> None:
        """Store alerts as the desk does, all at once, and stand still until they are sent."""
        desk = build_desk(self.config, self.clock.now, self.new_id)
        service = DeskService(
            town=self.config,
            database=self.daemon.database,
            desk=desk,
            clock=self.clock,
            new_id=self.new_id,
            events=self.daemon.events,
        )

        def filing(number: int) -> Callable[[DeskUnit], Filed]:
            def file(unit: DeskUnit) -> Filed:
                draft = Draft(f"Vent violent n° {number}")
                return unit.desk.post(unit.alerts, draft_alert(draft, desk.station, unit.now, unit.new_id()))

            return file

        out: list[AttemptFinished] = []
        self.daemon.events.subscribe(AttemptFinished, out.append)
        await asyncio.gather(*(service.act(filing(number)) for number in numbers))
        while len(out) < len(numbers):
            await self.clock.settle()
        # The lane goes round once more, and finds that there is nothing left.
        await self.clock.settle()
        await self.clock.settle()

    @contextlib.contextmanager
    def counted(self) -> Iterator[Callable[[], Cost]]:
        """What is asked within."""
        before, size = self.counts.asked.copy(), self._written()
        yield lambda: Cost(self.counts.asked - before, (self._written() - size) / 1000)

    def _written(self) -> int:
        """Bytes in the journal of a file; a server tells only what all its towns write."""
        place = self.config.database
        return place.with_name(f"{place.name}-wal").stat().st_size if isinstance(place, Path) else 0


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEGRAM_TOKEN", "1234567:token")
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def house(town):
    return House(town)


@pytest.fixture
def house_at_a_server(town, server):
    return House(town, server)


def check(what: str, cost: Cost, *, exactly: bool = True) -> None:
    held = COSTS[what]
    if exactly:
        assert cost.asked == held.asked, f"{what}: the store is asked for something else than it was"
    else:
        assert not cost.asked - held.asked, f"{what}: the store is asked for more than it was"
    assert cost.kilobytes <= held.kilobytes, f"{what}: more is written than was"


async def test_a_post_alone(house):
    async with house.lives(doors=False):
        await house.post(*range(20))
        with house.counted() as cost:
            await house.post(20)
        check("a post", cost())


async def test_ten_posts_at_once(house):
    async with house.lives(doors=False):
        await house.post(*range(20))
        with house.counted() as cost:
            await house.post(*range(20, 30))
        check("ten posts", cost())


async def test_at_a_server(house_at_a_server):
    house = house_at_a_server
    async with house.lives(doors=False):
        await house.post(*range(20))
        with house.counted() as cost:
            await house.post(20)
        check("a post at a server", cost())
        with house.counted() as cost:
            await house.post(*range(21, 31))
        check("ten posts at a server", cost())


async def test_a_post_asks_no_more_after_a_day_of_many(house):
    async with house.lives(doors=False):
        for first in range(0, 100, 10):
            await house.post(*range(first, first + 10))
        with house.counted() as cost:
            await house.post(100)
        assert cost().asked == COSTS["a post"].asked


async def test_an_idle_minute(house):
    async with house.lives(doors=True):
        with house.counted() as cost:
            await house.clock.advance(60)
        check("an idle minute", cost(), exactly=False)
