"""A town that listens: the desk over a real store, one alert that is out on two channels, and a clock to wind."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.settings import FACEBOOK_TEXT, TELEGRAM_TEXT
from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.desk.service import DeskService
from alerts.model.delivery import Verdict
from alerts.model.events import Events
from alerts.model.listening import Remark
from alerts.model.post import PostState, Receipt
from alerts.model.town import ChannelConfig, StoreSection
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.outbox import Outbox
from tests.fakes import FakeClock
from tests.unit.desk.conftest import LATER, a_town, an_alert, renderer_of
from tests.unit.leases import take as take_leases

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PAGE = ChannelConfig("page", "facebook", FACEBOOK_TEXT, hears=True)
TELEGRAM = ChannelConfig("telegram", "telegram", TELEGRAM_TEXT, hears=True)


@dataclass
class Listening:
    """The desk of a town that listens. `alert` is what is out, under `page-1` and `telegram-1`."""

    service: DeskService
    database: Database
    clock: FakeClock
    events: Events
    town: object
    alert: str = ""
    incident: str = ""
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    sent: defaultdict = field(default_factory=lambda: defaultdict(lambda: itertools.count(1)))

    def remark(self, text, root="page-1", **more) -> Remark:
        """Something that somebody said a minute ago."""
        remote_id = more.pop("remote_id", f"c{next(self.numbers)}")
        at = more.pop("at", self.clock.now() - timedelta(minutes=1))
        return Remark(remote_id, text, at, root=root, **more)

    @property
    def ends(self) -> datetime:
        """When the alert that is out is over."""
        return LATER

    async def write(self, sql, *values):
        await self.database.write(lambda unit: unit.execute(sql, values).rowcount)

    async def rows(self, sql, *values):
        return await self.database.read(lambda unit: [tuple(row) for row in unit.execute(sql, values)])


def the_town(path):
    """Saint-Martin, listening on two channels."""
    return a_town((PAGE, TELEGRAM), store=StoreSection(f"sqlite:///{path}"), file=path.parent / "channels.toml")


@pytest.fixture
def listening_town(tmp_path):
    return the_town(tmp_path / "tocsin.db")


@pytest.fixture
async def listening(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    database, clock, events = await Database.open(path), FakeClock(START), Events()
    town = the_town(path)
    ids = (f"id{number:06}" for number in itertools.count(1))
    desk = Desk(town, PostWriter(town, renderer_of(town), ids.__next__), ids.__next__, clock.now)
    service = DeskService(town=town, database=database, desk=desk, clock=clock, new_id=ids.__next__, events=events)
    found = Listening(service, database, clock, events, town)
    filed = await service.act(lambda unit: unit.desk.post(unit.alerts, an_alert()))
    found.alert, found.incident = filed.stored.id, filed.stored.incident_id
    await send_all(found)
    yield found
    await database.close()


async def send_all(listening: Listening, receipts: Mapping[str, str] | None = None) -> list:
    """Let everything that is queued go out, as a lane would, and return it; remote ids count by channel.

    `receipts` are the ids that what answers somebody there gets.
    """
    outbox, sent = Outbox(listening.database), []
    now = listening.clock.now()
    for name in listening.town.channels:
        [lease] = await take_leases(listening.database, [name], "us", now, now + timedelta(minutes=1))
        while posts := (await outbox.next_due(name, now, urgent_only=False)).posts:
            begun = await outbox.begin(posts[0], lease, now, action="send", counts=True)
            told = (receipts or {}).get(name) if posts[0].in_reply_to else None
            receipt = begun.parent or Receipt(told or f"{name}-{next(listening.sent[name])}")
            await outbox.finish(posts[0], begun, Verdict(PostState.SENT, "sent", receipt=receipt), now, now)
            sent += posts[:1]
    return sent
