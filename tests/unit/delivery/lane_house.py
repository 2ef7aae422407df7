"""What the lane's tests work with: the real store in a file, lanes over it, and a town that posts."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Workers
from alerts.model.alert import Severity, Urgency
from alerts.model.delivery import Verdict
from alerts.model.errors import DatabaseRefused
from alerts.model.events import AttemptFinished, Events
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.ports import Channel
from alerts.model.post import Means, Message, Post, PostKind, PostState, TextFormat, priority_of
from alerts.model.town import ChannelConfig, parse_window
from alerts.store.alerts import AlertRepository
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.database import Database, Work
from alerts.store.outbox import Outbox
from tests.fakes import FakeClock, WorkOutside

T = TypeVar("T")


class WatchedDatabase(Database):
    """A database that tells whether its threads are at work, so that the clock waits for them."""

    def __init__(self, *arguments: Any, **how: Any) -> None:
        super().__init__(*arguments, **how)
        self.at_work = WorkOutside()

    async def read(self, work: Work[T]) -> T:
        with self.at_work.piece():
            return await super().read(work)

    async def ask(self, work: Work[T]) -> T:
        with self.at_work.piece():
            return await super().ask(work)

    async def write_ahead(self, work: Work[T]) -> T:
        with self.at_work.piece():
            return await super().write_ahead(work)

    async def write(self, work: Work[T]) -> T:
        with self.at_work.piece():
            return await super().write(work)


class WatchedOutbox(Outbox):
    """Counts what a lane asks of it, and can be told to refuse."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: list[str] = []
        self.refuses: dict[str, list[Exception]] = {}
        self.meanwhile: dict[str, Callable[[], None]] = {}

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self.meanwhile.pop(name, lambda: None)()
        if self.refuses.get(name):
            raise self.refuses[name].pop(0)

    async def next_due(self, channel, now, *, urgent_only, most=1):
        self._called("next_due")
        return await super().next_due(channel, now, urgent_only=urgent_only, most=most)

    async def next_look(self, channel, now):
        self._called("next_look")
        return await super().next_look(channel, now)

    async def next_time(self, channel, now):
        self._called("next_time")
        return await super().next_time(channel, now)

    async def begin(self, post, lease, now, *, action, counts):
        self._called("begin")
        return await super().begin(post, lease, now, action=action, counts=counts)

    async def finish(self, post, begun, verdict, left_at, now):
        self._called("finish")
        await super().finish(post, begun, verdict, left_at, now)

    async def settle(self, channel, lease, now):
        self._called("settle")
        return await super().settle(channel, lease, now)


class WatchedStatuses(ChannelStatuses):
    """Counts what it is told, and can be told to refuse so many times."""

    refuses = 0
    writes = 0
    unread = 0

    async def load(self):
        if self.unread > 0:
            self.unread -= 1
            raise DatabaseRefused("disk I/O error")
        await super().load()

    async def keep(self, channel, status, lease, now):
        self.writes += 1
        if self.refuses > 0:
            self.refuses -= 1
            raise DatabaseRefused("database or disk is full")
        await super().keep(channel, status, lease, now)


class Daemon:
    """One process's lanes: its own name, keeper and tasks, over the house's file."""

    def __init__(self, house: LaneHouse, name: str, channels: dict[str, tuple[Channel, ChannelConfig]]) -> None:
        self.house = house
        self.outbox = WatchedOutbox(house.database)
        self.standings = WatchedStatuses(house.database)
        self.leases = Leases(house.database)
        self.keeper = LeaseKeeper(self.leases, house.clock, name, list(channels))
        self.told: list[tuple[Post, Verdict]] = []
        self.events = Events()
        self.events.subscribe(AttemptFinished, lambda event: self.told.append((event.post, event.verdict)))
        self.lanes = {
            name: Lane(
                settings,
                channel,
                outbox=self.outbox,
                statuses=self.standings,
                keeper=self.keeper,
                clock=house.clock,
                chance=lambda: house.chance,
                events=self.events,
            )
            for name, (channel, settings) in channels.items()
        }
        self.workers = Workers(house.clock)
        for work in (self.keeper.work, *(lane.work for lane in self.lanes.values())):
            self.workers.begin(work)

    @property
    def lane(self) -> Lane:
        return next(iter(self.lanes.values()))

    async def kill(self) -> None:
        """As kill -9 does: nothing is finished, nothing is given back."""
        under_way = [task for lane in self.lanes.values() for task in (*lane._sending, *lane._looking)]
        self.workers.retire()
        for task in under_way:
            task.cancel()
        await asyncio.gather(self.workers.close(), *under_way, return_exceptions=True)

    async def stop(self, within: float = 10.0) -> None:
        await asyncio.gather(*(lane.stop(within) for lane in self.lanes.values()))
        await self.workers.close()
        await self.keeper.give_back()


class LaneHouse:
    """The file, the clock, and the town."""

    def __init__(self, database: WatchedDatabase, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.chance = 0.5
        self.daemons: list[Daemon] = []
        self._ids = itertools.count(1)

    @classmethod
    async def open(cls, template: Path, folder: Path) -> LaneHouse:
        file = folder / "tocsin.db"
        shutil.copy(template, file)
        database = await WatchedDatabase.open(file)
        return cls(database, FakeClock(work=database.at_work))

    async def close(self) -> None:
        for daemon in self.daemons:
            await daemon.kill()
        await self.database.close()

    async def start(self, channel: Channel, **how: Any) -> Daemon:
        """A daemon with one lane, `x`, that holds its lease."""
        return await self.start_all({"x": channel}, **how)

    async def start_all(
        self,
        channels: dict[str, Channel],
        limits: tuple[str, ...] = (),
        reserve: int = 0,
        daemon: str = "",
        **settings: Any,
    ) -> Daemon:
        settings = {"limits": tuple(map(parse_window, limits)), "reserve": reserve, **settings}
        text = TextFormat(280)
        lanes = {name: (each, ChannelConfig(name, "twitter", text, **settings)) for name, each in channels.items()}
        started = Daemon(self, daemon or f"daemon-{next(self._ids)}", lanes)
        self.daemons.append(started)
        await self.clock.settle()
        return started

    async def post(self, text: str, severity: Severity = Severity.MINOR, **fields: Any) -> str:
        """Store an alert with one post for `x` (or `channel`), wake the lanes, and return the post's id."""
        return (await self.posts([text], severity, **fields))[0]

    async def posts(
        self, texts: list[str], severity: Severity = Severity.MINOR, *, wake: bool = True, **fields: Any
    ) -> list[str]:
        stored = [self._lay_out(text, severity, fields) for text in texts]
        await self.act(lambda alerts: [_store(alerts, post) for post in stored])
        for daemon in self.daemons if wake else ():
            for lane in daemon.lanes.values():
                lane.wake()
        await self.clock.settle()
        return [post.id for post in stored]

    def _lay_out(self, text: str, severity: Severity, fields: dict[str, Any]) -> Post:
        identity = f"post-{next(self._ids)}"
        values: dict[str, Any] = {
            "id": identity,
            "alert_id": f"alert-{identity}",
            "incident_id": f"incident-{identity}",
            "channel": "x",
            "kind": PostKind.PUBLISH,
            "means": Means.NEW,
            "state": PostState.QUEUED,
            "priority": priority_of(severity, Urgency.EXPECTED),
            "message": Message(text, text),
            "severity": severity,
            "stored_at": self.clock.now(),
            "expires": self.clock.now() + timedelta(hours=12),
        }
        return Post(**{**values, **fields})

    async def act(self, work: Callable[[AlertRepository], T]) -> T:
        return await self.database.write(lambda unit: work(unit.alerts))

    async def get(self, post_id: str) -> Post:
        found = await self.database.read(lambda unit: unit.alerts.post_by_id(post_id))
        return found[0]

    async def state(self, post_id: str) -> PostState:
        return (await self.get(post_id)).state

    async def row(self, sql: str, *values: object) -> Any:
        return await self.database.read(lambda db: db.execute(sql, values).fetchone())

    async def attempts(self, post_id: str) -> list[Any]:
        sql = "SELECT * FROM attempt WHERE post_id = ? ORDER BY seq"
        return await self.database.read(lambda db: db.execute(sql, (post_id,)).fetchall())


def _store(alerts: AlertRepository, post: Post) -> None:
    state = AlertState.WAITING if post.state is PostState.WAITING else AlertState.ACCEPTED
    alerts.add(StoredAlert(post.alert_id, post.incident_id, "manual", None, state, post.stored_at))
    alerts.add_post(post)


def gaps(times: list[datetime]) -> list[float]:
    """Seconds between each and the next."""
    return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
