"""One alert to many subscribers, fifty under way: journalled, against bare aiohttp that sends the same requests."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
from yarl import URL

from alerts.channels.settings import TelegramSettings
from alerts.channels.telegram.bulk import TelegramBulk, body_for
from alerts.delivery.bot_pace import BotPace
from alerts.delivery.bulk import BulkSender, BulkSettings, ahead_of
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Work, Workers
from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState, Target
from alerts.model.events import BulkEnded, Events
from alerts.model.incident import AlertState, StoredAlert, new_id
from alerts.model.ports import Resources, SystemClock, Tells
from alerts.model.post import PostKind
from alerts.model.subscriber import Notice, Subscriber, Topic
from alerts.store.alerts import AlertRepository
from alerts.store.bulk import Bulks, BulkScope
from alerts.store.database import Database
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from bench import samples
from bench.loopback import loopback
from bench.measure import Row, in_turn, in_turn_async, seconds
from bench.outbox import new_file

IN_FLIGHT = TelegramSettings.model_fields["in_flight"].default
PEOPLE, ROUNDS = 6000, 7
MANY = 100_000
CHANNEL = "telegram"
WORDS = "<b>Vent violent</b> jeudi sur la vallée.\n\n<b>Que faire :</b> rentrez le mobilier de jardin."
NOTICE = Notice(Topic.WEATHER, Severity.SEVERE, frozenset({"D1"}))


def measure() -> Iterator[Row]:
    """Messages a second; then finding out who of 100,000 is to get one."""
    with loopback() as url, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "token").write_text("1234567:token")
        yield asyncio.run(_sending(url, Path(folder)))
    yield _choosing()


async def _sending(url: str, folder: Path) -> Row:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:
        settings = _settings(url)
        with new_file() as file:
            subscribe(file, PEOPLE)
            async with sending(file, TelegramBulk(CHANNEL, settings, resources_of(session, folder))) as sending_one:
                taken = await in_turn_async(lambda: bare(session, url, PEOPLE), sending_one.send, ROUNDS)
    return Row("one alert to many, bare aiohttp with the same requests", *taken, "/s", goal=0.70, at_least=True)


async def bare(session: aiohttp.ClientSession, url: str, people: int) -> float:
    """The same requests, fifty under way, and nothing else: how many a second."""
    address = URL(f"{url}/bot1234567:token/sendMessage")
    target = Target(1, "fr", (a_bulk("", ""),))
    bodies = iter([body_for(target).to(Target(chat, "fr", target.bulks), as_edit=False) for chat in range(people)])

    async def one_after_the_other() -> None:
        for body in bodies:
            async with session.post(address, data=body, headers={"Content-Type": "application/json"}) as answer:
                await answer.read()

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return people / (time.perf_counter() - began)


class Sending:
    """A sender over a real file that works; `send` stores one alert and returns once everybody has it."""

    def __init__(self, database: Database, people: int, channel: str) -> None:
        self._database = database
        self._people = people
        self._channel = channel
        self.over: asyncio.Future[Bulk] | None = None
        self.sender: BulkSender | None = None

    def ended(self, event: BulkEnded) -> None:
        """A bulk is over."""
        assert self.over is not None
        self.over.set_result(event.bulk)

    async def send(self) -> float:
        """How many a second."""
        self.over = asyncio.get_running_loop().create_future()
        stored = StoredAlert(new_id(), new_id(), "manual", samples.an_alert(), AlertState.ACCEPTED, SystemClock().now())
        began = time.perf_counter()
        await self._database.write(lambda unit: _store(unit.alerts, stored, self._channel))
        assert self.sender is not None
        self.sender.wake()
        bulk = await self.over
        assert (bulk.sent, bulk.failed) == (self._people, 0)
        return self._people / (time.perf_counter() - began)


@contextlib.asynccontextmanager
async def sending(
    file: Path,
    tells: Tells,
    *,
    rate: int = 0,
    people: int = PEOPLE,
    channel: str = CHANNEL,
    in_flight: int = IN_FLIGHT,
) -> AsyncIterator[Sending]:
    """A sender that works."""
    database, clock = await Database.open(file), SystemClock()
    keeper, pace = LeaseKeeper(Leases(database), clock, new_id(), [f"bulk {channel}"]), BotPace(rate, clock)
    sent = Sending(database, people, channel)
    events = Events()
    events.subscribe(BulkEnded, sent.ended)
    sent.sender = BulkSender(
        BulkSettings(channel, in_flight, ZoneInfo("Europe/Paris"), ahead_of(rate, in_flight)),
        tells,
        bulks=Bulks(database, BulkScope(channel)),
        keeper=keeper,
        pace=pace,
        clock=clock,
        events=events,
    )
    workers = Workers(clock)
    for each in (keeper.work, Work("pace", pace.go_on), sent.sender.work):
        workers.begin(each)
    try:
        await keeper.hold(f"bulk {channel}").wait()
        yield sent
    finally:
        await sent.sender.stop(5.0)
        await workers.close()
        await database.close()


def _choosing() -> Row:
    """Who of 100,000 is to get it: one SELECT and a plain `if`, against the walk in slices that also holds back."""
    from alerts.store.files import connect  # noqa: PLC0415

    with new_file() as file:
        subscribe(file, MANY)
        db = connect(file)
        taken = in_turn(lambda: seconds(lambda: _read(db)), lambda: seconds(lambda: _walk(db)), ROUNDS)
        db.close()
    return Row("which of 100,000 subscribers, one SELECT and one plain if", *taken, "s", goal=2.0)


def _read(db: object) -> None:
    import sqlite3  # noqa: PLC0415

    assert isinstance(db, sqlite3.Connection)
    wanted = "SELECT chat, language, districts, topics, severity, quiet FROM subscriber"
    rows = db.execute(f"{wanted} WHERE channel = ? AND is_on ORDER BY chat", (CHANNEL,))
    chosen = [
        (row["chat"], row["language"], row["quiet"])
        for row in rows
        if (row["districts"] == "[]" or '"D1"' in row["districts"])
        and (row["topics"] == "[]" or '"weather"' in row["topics"])
        and row["severity"] <= NOTICE.severity.rank
    ]
    assert len(chosen) == MANY


def _walk(db: object) -> None:
    import sqlite3  # noqa: PLC0415

    from alerts.store.bulk import RecipientFilter, SubscriberSlice  # noqa: PLC0415

    assert isinstance(db, sqlite3.Connection)
    bulk, cursor, looked = a_bulk("i", "a"), None, 0
    recipients = RecipientFilter(db, BulkScope(CHANNEL), bulk, SystemClock().now())
    while True:
        walk = SubscriberSlice(db, bulk, recipients, everyone=True)
        walk.on_from(cursor, 1000)
        if not walk.looked:
            break
        cursor, looked = walk.cursor, looked + walk.looked
    assert looked == MANY


def subscribe(file: Path, people: int) -> None:
    """So many who want everything of one district, or of the whole town."""
    from alerts.store.files import opened  # noqa: PLC0415

    with opened(file) as db, transaction(db):
        subscribers = Subscribers(db)
        for number in range(people):
            districts = frozenset({"D1"}) if number % 2 else frozenset()
            subscribers.put(CHANNEL, Subscriber(100_000 + number, districts=districts))


def a_bulk(incident: str, alert: str, channel: str = CHANNEL) -> Bulk:
    """What is told."""
    now = SystemClock().now()
    return Bulk(
        id=new_id(),
        channel=channel,
        incident=incident,
        alert_id=alert,
        kind=PostKind.PUBLISH,
        state=BulkState.QUEUED,
        notice=NOTICE,
        texts={"fr": WORDS, "en": WORDS},
        stored_at=now,
        expires=now + timedelta(hours=6),
    )


def _store(alerts: AlertRepository, stored: StoredAlert, channel: str) -> None:
    alerts.add(stored)
    alerts.add_bulk(a_bulk(stored.incident_id, stored.id, channel))


def _settings(url: str) -> TelegramSettings:
    settings = {"kind": "telegram", "api_url": url, "chat": "@saintmartin", "token": {"file": "token"}}
    return TelegramSettings.model_validate(settings)


def resources_of(session: aiohttp.ClientSession, folder: Path) -> Resources:
    """What a channel is given here."""

    async def remember(_: str, __: str) -> None:
        """Nothing is kept."""

    return Resources(session, SystemClock(), folder, lambda _: None, remember)
