"""A town that takes reports: the desk over a real store, and a clock to wind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.desk.service import DeskService
from alerts.model.events import Events, ReportsChanged
from alerts.model.reports import ReportsSection, Via, shipped_kinds
from alerts.model.town import StoreSection, Town
from alerts.reports.intake import ReportIntake
from alerts.reports.taking import ReportDraft, TakenReport
from alerts.store.connection import migrate
from alerts.store.database import Database
from tests.fakes import FakeClock
from tests.unit.delivery.lane_house import WatchedDatabase
from tests.unit.desk.conftest import a_town, renderer_of

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HERE = (45.19, 5.71)
METRES = 111_320.0


def north(metres: float) -> tuple[float, float]:
    """A place so many metres north of the middle of Saint-Martin."""
    return HERE[0] + metres / METRES, HERE[1]


@dataclass
class ReportsTown:
    """The desk of a town that takes reports. `told` are the numbers that were told on the bus."""

    service: DeskService
    database: Database
    clock: FakeClock
    events: Events
    town: Town
    intake: ReportIntake
    told: list[str] = field(default_factory=list)
    networks: itertools.count = field(default_factory=lambda: itertools.count(1))

    def draft(self, kind: str = "flooding", place: tuple[float, float] = HERE, **more) -> ReportDraft:
        """What somebody of another network reports each time."""
        source = more.pop("source", None) or f"net 10.0.{next(self.networks)}.0/24"
        return ReportDraft(kind, more.pop("via", Via.PAGE), source, *place, **more)

    async def report(self, kind: str = "flooding", place: tuple[float, float] = HERE, **more) -> TakenReport:
        return await self.intake.take(self.draft(kind, place, **more))

    async def ask(self, question: Callable):
        return await self.service.ask(question)

    async def rows(self, sql: str, *values):
        return await self.database.read(lambda unit: [tuple(row) for row in unit.execute(sql, values)])


def reporting_town(path, **changes) -> Town:
    """Saint-Martin, which takes the kinds that ship."""
    kinds = changes.pop("kinds", None) or shipped_kinds("fr")
    more = {"store": StoreSection(f"sqlite:///{path}"), "file": path.parent / "channels.toml", **changes}
    return a_town(reports=ReportsSection(kinds, words=more.pop("words", ())), **more)


async def house_of(place, town: Town) -> ReportsTown:
    """That town's desk over the database at `place`, a file or a server's."""
    migrate(place)
    database, events = await WatchedDatabase.open(place), Events()
    clock = FakeClock(START, database.at_work)
    ids = (f"id{number:06}" for number in itertools.count(1))
    desk = Desk(town, PostWriter(town, renderer_of(town), ids.__next__), ids.__next__, clock.now)
    service = DeskService(town=town, database=database, desk=desk, clock=clock, new_id=ids.__next__, events=events)
    found = ReportsTown(service, database, clock, events, town, ReportIntake(town, service, clock))
    events.subscribe(ReportsChanged, lambda event: found.told.extend(event.numbers))
    return found


@pytest.fixture
async def reports(tmp_path):
    path = tmp_path / "tocsin.db"
    found = await house_of(path, reporting_town(path))
    yield found
    await found.database.close()
