"""A reading is filed whole, however often the program stops in the middle of it."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import current_thread

import pytest

from alerts.daemon.intake import MessageIntake
from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.model.alert import Alert, Area, Info, MsgType, Reference, Severity
from alerts.model.errors import DatabaseRefused
from alerts.model.events import Events, PostsStored
from alerts.model.lease import LeaseLost
from alerts.model.ports import Heard, Memory, SourceReading
from alerts.model.town import District, Town
from alerts.rendering.templates import Renderer
from alerts.sources.fetch_slots import FetchSlots
from alerts.store.batches import AT_ONCE
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.fakes import FakeClock
from tests.unit.desk.conftest import HERE, PAGE, a_town, square
from tests.unit.leases import take

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STATION = a_town(channels=(PAGE,), areas=(), districts=())
RENDERER = Renderer(Town(STATION.name))
WITHIN = ((45.185, 5.705), (45.185, 5.715), (45.195, 5.715), (45.185, 5.705))
MEMORY = Memory(etag='"1"')


class Stops(sqlite3.OperationalError):
    """What a kill or a full disk is to the entries after it."""


class Stumbles(Exception):
    """What a fault of the program is."""


class StopsAt(PostWriter):
    """A writer that breaks on the entry of that headline."""

    headline: str | None = None
    fault: type[Exception] = Stops

    def write(self, channel, occasion, kind):
        if occasion.alert.infos and occasion.alert.infos[0].headline == self.headline:
            raise self.fault
        return super().write(channel, occasion, kind)


class Outline(Mapping):
    """A square, which keeps who looked at it."""

    def __init__(self) -> None:
        self.threads = []

    def __getitem__(self, key):
        self.threads.append(current_thread())
        return square(5.70, 45.18)[key]

    def __iter__(self):
        return iter(("type", "coordinates"))

    def __len__(self):
        return 2


class BrokenOutline(Outline):
    """One that the desk stumbles over, where it has to be compared with anything."""

    def __getitem__(self, key):
        raise Stumbles


def placed(heard: Heard, area: Area) -> Heard:
    """The same entry, about an area."""
    alert = heard.alert
    return replace(heard, alert=replace(alert, infos=(replace(alert.infos[0], areas=(area,)),)))


class Daemon:
    """A daemon's way in, over a database file."""

    def __init__(self, database: Database, station: Town = STATION) -> None:
        ids = itertools.count(1)
        self.database = database
        self.clock = FakeClock(NOW)
        self.writer = StopsAt(station, RENDERER, lambda: f"id{next(ids):05}")
        desk = Desk(station, self.writer, lambda: f"id{next(ids):05}", self.clock.now)
        self.woken: list[str] = []
        self.wakes = 0
        events = Events()
        events.subscribe(PostsStored, self._wake)
        self._takes_in = MessageIntake(desk, database, self.clock, events)
        self.lease = None

    def share_turns(self, turns: FetchSlots) -> FetchSlots:
        """File in these turns, as the other towns of the process do."""
        self._takes_in._turns = turns
        return turns

    def _wake(self, event: PostsStored) -> None:
        self.wakes += 1
        self.woken.extend(event.channels or ())

    async def take_in(self, heard: list[Heard]) -> None:
        """What polling does: only what isn't known is handed on."""
        known = await self.database.read(lambda unit: unit.sources.known("meteo", [each.key for each in heard]))
        new = [each for each in heard if each.key not in known]
        await self._takes_in.deliver("meteo", SourceReading(new, MEMORY), NOW + timedelta(minutes=1), self.lease)

    async def memory(self) -> Memory:
        return await self.database.read(lambda unit: unit.sources.memory("meteo"))

    async def ask(self, sql: str) -> list[tuple]:
        return await self.database.read(lambda db: [tuple(row) for row in db.execute(sql)])


@pytest.fixture
async def service(tmp_path):
    migrate(tmp_path / "tocsin.db")
    database = await Database.open(tmp_path / "tocsin.db")
    yield Daemon(database)
    await database.close()


def entry(number: int, **changes) -> Heard:
    info = Info(
        f"Event {number}", severity=Severity.MODERATE, headline=f"Headline {number}", expires=NOW + timedelta(hours=6)
    )
    sent = changes.pop("sent", NOW + timedelta(seconds=number))
    return Heard(f"key {number}", Alert(f"urn-{number}", "meteo@example", sent, infos=(info,), **changes))


async def test_a_stop_between_two_transactions_loses_nothing_and_doubles_nothing(service):
    feed = [entry(number) for number in range(3 * AT_ONCE)]
    service.writer.headline = f"Headline {AT_ONCE + 5}"
    with pytest.raises(DatabaseRefused):
        await service.take_in(feed)

    assert await service.ask("SELECT count(*) FROM alert") == [(AT_ONCE,)], "the first transaction, whole"
    assert await service.ask("SELECT count(*) FROM heard") == [(AT_ONCE,)], "and what it told with it"
    assert await service.memory() == Memory(), "so that the feed is read again"

    service.writer.headline = None
    await service.take_in(feed)
    assert await service.ask("SELECT count(*), count(DISTINCT identifier) FROM alert") == [(3 * AT_ONCE, 3 * AT_ONCE)]
    assert await service.ask("SELECT count(*), count(DISTINCT incident) FROM post") == [(3 * AT_ONCE, 3 * AT_ONCE)]
    assert await service.memory() == MEMORY


async def test_what_a_source_remembers_is_kept_with_what_it_told_last(service, monkeypatch):
    write, writes = service.database.write, itertools.count()

    async def dies_after_the_first(work):
        if next(writes):
            raise DatabaseRefused("killed")
        return await write(work)

    monkeypatch.setattr(service.database, "write", dies_after_the_first)
    await service.take_in([entry(1)])

    assert await service.ask("SELECT count(*) FROM alert") == [(1,)]
    assert await service.memory() == MEMORY


async def test_a_feed_that_names_its_entries_anew_each_time_doubles_nothing_either(service):
    feed = [entry(number) for number in range(5)]
    await service.take_in(feed)
    await service.take_in([Heard(f"another {each.key}", each.alert) for each in feed])

    assert await service.ask("SELECT count(*) FROM alert") == [(5,)]


async def test_lanes_are_woken_for_each_transaction(service):
    await service.take_in([entry(number) for number in range(AT_ONCE + 1)])

    assert service.woken == ["page", "page"]


async def test_an_incident_that_comes_whole_in_one_reading_is_filed_in_its_order(service):
    first, later = entry(1), entry(2)
    earlier_by_its_clock = NOW - timedelta(minutes=5)
    update = Heard(
        "update",
        Alert(
            "urn-update", "meteo@example", earlier_by_its_clock, msg_type=MsgType.UPDATE,
            references=(Reference("meteo@example", "urn-1", first.alert.sent),),
            infos=(Info("Event 1", severity=Severity.MODERATE, headline="Update", expires=NOW + timedelta(hours=6)),),
        ),
    )  # fmt: skip
    await service.take_in([update, later, first])

    posts = await service.ask(
        "SELECT identifier, kind, post.state FROM post JOIN alert ON alert.id = post.alert_id ORDER BY post.seq"
    )
    assert posts == [
        ("urn-1", "publish", "superseded"),
        ("urn-update", "publish", "queued"),
        ("urn-2", "publish", "queued"),
    ]


async def test_an_entry_that_the_desk_stumbles_over_costs_itself_alone_and_is_told(service):
    service.writer.headline, service.writer.fault = "Headline 3", Stumbles
    await service.take_in([entry(number) for number in range(6)])

    assert await service.ask("SELECT count(*) FROM alert WHERE state = 'accepted'") == [(5,)]
    [(reason,)] = await service.ask("SELECT reason FROM alert WHERE state = 'left_out'")
    assert reason == '{"code":"desk_stumbled","key":"key 3"}'
    await service.take_in([entry(number) for number in range(6)])
    assert await service.ask("SELECT count(*) FROM alert") == [(6,)], "it is told once"


async def test_an_incident_whose_end_stumbles_leaves_the_ends_of_the_others(service):
    await service.take_in([entry(number) for number in range(3)])
    await service.database.write(lambda unit: unit.execute("UPDATE post SET state = 'sent'"))
    service.writer.headline, service.writer.fault = "Headline 1", Stumbles
    await service.clock.advance(timedelta(days=2).total_seconds())
    assert await service._takes_in.end_what_is_over() == 2
    assert await service.ask("SELECT count(*) FROM post WHERE kind = 'end'") == [(2,)]
    service.writer.headline = None
    assert await service._takes_in.end_what_is_over() == 1, "which is tried again"


async def test_an_entry_that_can_not_be_placed_costs_itself_alone_too(service):
    districts = (District("D1", "Centre", BrokenOutline()),)
    town = Daemon(service.database, replace(STATION, areas=("INSEE:38185",), districts=districts))
    here, drawn = Area("Ici", geocodes=(HERE,)), Area("Nowhere", polygons=(WITHIN,))
    await town.take_in([placed(entry(1), here), placed(entry(3), drawn), placed(entry(2), here)])

    assert await service.ask("SELECT count(*) FROM alert WHERE state = 'accepted'") == [(2,)]
    [(reason,)] = await service.ask("SELECT reason FROM alert WHERE state = 'left_out'")
    assert reason == '{"code":"desk_stumbled","key":"key 3"}'


async def test_where_an_alert_is_is_found_out_before_the_transaction_that_files_it(service):
    outline = Outline()
    town = Daemon(service.database, replace(STATION, districts=(District("D1", "Centre", outline),)))
    await town.take_in([placed(entry(1), Area("Drawn", polygons=(WITHIN,)))])
    filing = await service.database.write(lambda _: current_thread())

    assert await service.ask("SELECT count(*) FROM alert WHERE state = 'accepted'") == [(1,)]
    assert outline.threads, "it was compared"
    assert filing not in outline.threads


async def test_that_a_source_was_read_for_the_first_time_is_told_at_once_and_no_later_time(service):
    await service.take_in([])
    assert (service.wakes, service.woken) == (1, []), "pages said until then that something may be missing"

    await service.take_in([])
    assert service.wakes == 1


async def test_of_what_waits_to_be_filed_the_grave_goes_first_and_no_flood_keeps_one_message_waiting(service):
    turns = service.share_turns(FetchSlots(most=1))
    flood = [entry(number) for number in range(3 * AT_ONCE)]
    before = [entry(number) for number in range(300, 300 + AT_ONCE)]
    grave = with_severity(entry(900), Severity.EXTREME)
    async with turns.turn(urgent=True):
        filing = []
        for heard in (flood, [entry(500)], [*before, grave]):
            filing.append(asyncio.ensure_future(service.take_in(heard)))
            while len(turns._waiting) < len(filing):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    await asyncio.gather(*filing)

    rows = await service.ask("SELECT identifier FROM alert ORDER BY seq")
    filed = [int(name.removeprefix("urn-")) for (name,) in rows]
    assert filed[:AT_ONCE] == [*range(300, 300 + AT_ONCE)], "what stands before something grave"
    # Between its two batches somebody else has one.
    assert filed[AT_ONCE : 2 * AT_ONCE + 1] == [*range(AT_ONCE), 900]
    assert filed[2 * AT_ONCE + 1 :] == [500, *range(AT_ONCE, 3 * AT_ONCE)]


def with_severity(heard: Heard, severity: Severity) -> Heard:
    alert = heard.alert
    return replace(heard, alert=replace(alert, infos=(replace(alert.infos[0], severity=severity),)))


async def test_what_was_read_under_a_lost_lease_is_not_filed(service):
    [ours] = await take(service.database, ["source meteo"], "us", NOW, NOW + timedelta(hours=1))
    lost = service.lease = replace(ours, number=ours.number - 1)
    several_batches = [entry(number) for number in range(AT_ONCE + 1)]
    with pytest.raises(LeaseLost):
        await service.take_in(several_batches)
    assert await service.ask("SELECT count(*) FROM alert") == [(0,)]
    assert service.wakes == 0
    service.lease = ours
    await service.take_in(several_batches)
    assert await service.ask("SELECT count(*) FROM alert") == [(AT_ONCE + 1,)]
    await service.database.write(lambda unit: unit.execute("UPDATE post SET state = 'sent'"))
    await service.clock.advance(timedelta(days=2).total_seconds())
    with pytest.raises(LeaseLost):
        await service._takes_in.end_what_is_over(lost)
    assert await service.ask("SELECT count(*) FROM post WHERE kind = 'end'") == [(0,)], "nor is it ended"
