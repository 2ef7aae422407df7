"""One lane over a real file and a channel, with a town that posts: what `commits` and `pace` measure on."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alerts.daemon.environment import HANDED_OVER_AFTER, leave_alone_what_stays
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Workers
from alerts.model.alert import Alert, Severity, Urgency
from alerts.model.events import AttemptFinished, Events
from alerts.model.incident import AlertState, StoredAlert, new_id
from alerts.model.ports import Channel, Probe, SystemClock
from alerts.model.post import Means, Message, Post, PostKind, PostState, Quota, Receipt, TextFormat, priority_of
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, Server
from alerts.store.alerts import AlertRepository
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.outbox import Outbox
from bench import samples

CHANNEL = "page"
WORDS = "Vent violent jeudi sur la vallée. Rentrez le mobilier de jardin, évitez de prendre la route."


class Instant:
    """A channel that has sent as soon as it is asked."""

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:  # noqa: ARG002 a channel's signature
        """At once."""
        return Receipt(new_id())

    async def probe(self) -> Probe:
        """Nobody in particular."""
        return Probe("bench")

    def quotas(self) -> list[Quota]:
        """None."""
        return []


@dataclass
class Town:
    """Posts one alert after the other on the one channel, and hears when each is out."""

    database: Database
    lane: Lane
    out: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    async def post(self, alert: Alert) -> None:
        """Store an alert and its post as the desk does, and return once it is out."""
        stored, post = lay_out(alert)
        out = self.out[post.id] = asyncio.get_running_loop().create_future()
        await self.database.write(lambda unit: store(unit.alerts, stored, post))
        self.lane.wake()
        await out

    async def post_many(self, count: int, at_once: int) -> None:
        """Post `count` alerts, `at_once` at a time."""
        alert, left = samples.an_alert(), iter(range(count))

        async def one_after_the_other() -> None:
            for _ in left:
                await self.post(alert)

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))


def lay_out(alert: Alert) -> tuple[StoredAlert, Post]:
    """The rows of a new alert with one post."""
    now = SystemClock().now()
    stored = StoredAlert(new_id(), new_id(), "manual", alert, AlertState.ACCEPTED, now)
    post = Post(
        id=new_id(),
        alert_id=stored.id,
        incident_id=stored.incident_id,
        channel=CHANNEL,
        kind=PostKind.PUBLISH,
        means=Means.NEW,
        state=PostState.QUEUED,
        priority=priority_of(Severity.SEVERE, Urgency.EXPECTED),
        message=Message(WORDS, WORDS),
        severity=Severity.SEVERE,
        stored_at=now,
        expires=now + timedelta(hours=12),
    )
    return stored, post


def store(alerts: AlertRepository, stored: StoredAlert, post: Post) -> None:
    """What the desk writes for it."""
    alerts.add(stored)
    alerts.note(
        stored.received_at, stored.id, None, stored.state, because("taken_in", source=stored.source, publish="auto")
    )
    alerts.add_post(post)


@contextlib.contextmanager
def new_file() -> Iterator[Path]:
    """A database with every table and no row."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        file = Path(folder) / "tocsin.db"
        migrate(file)
        yield file


@contextlib.asynccontextmanager
async def town(channel: Channel, at_once: int, server: Server | None = None) -> AsyncIterator[Town]:
    """A lane that works, and a town that may post: over a new file, or a schema of a server that has every table.

    Garbage and threads are handled as a daemon does (`alerts.cli.running`), for the floor too.
    """
    sys.setswitchinterval(HANDED_OVER_AFTER)
    leave_alone_what_stays()
    with contextlib.nullcontext(server) if server is not None else new_file() as place:
        database, clock = await Database.open(place), SystemClock()
        keeper = LeaseKeeper(Leases(database), clock, new_id(), [CHANNEL])
        here: Town

        def finished(event: AttemptFinished) -> None:
            verdict, future = event.verdict, here.out.pop(event.post.id)
            if verdict.state is PostState.SENT:
                future.set_result(None)
            else:
                future.set_exception(RuntimeError(f"{verdict.state}: {verdict.reason}"))

        events = Events()
        events.subscribe(AttemptFinished, finished)
        lane = Lane(
            ChannelConfig(CHANNEL, "twitter", TextFormat(280), concurrency=at_once),
            channel,
            outbox=Outbox(database),
            statuses=ChannelStatuses(database),
            keeper=keeper,
            clock=clock,
            chance=random.random,
            events=events,
        )
        here = Town(database, lane)
        workers = Workers(clock)
        for each in (keeper.work, lane.work):
            workers.begin(each)
        try:
            await keeper.hold(CHANNEL).wait()
            yield here
        finally:
            await lane.stop(5.0)
            await workers.close()
            await database.close()
