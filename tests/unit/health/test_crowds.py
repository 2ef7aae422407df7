"""That very many people report at once is told to those on call once, and that it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from alerts.config import load_config
from alerts.health.checks import HealthChecks
from alerts.health.desk_events import crowds
from alerts.health.notices import build_notices
from alerts.model.events import Events
from alerts.model.lease import DUTIES
from alerts.model.reports import CitizenReport, ReportState, Via
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.fakes import FakeClock
from tests.unit.health.test_checks import TOWN

FLOOD = 5


class Rounds:
    """The rounds that look at a town in which people report."""

    def __init__(self, config, database: Database) -> None:
        self.database, self.clock = database, FakeClock()
        self._ids = iter(f"w{number:05}" for number in range(1000))
        self.checks = HealthChecks(
            config,
            {},
            database=database,
            clock=self.clock,
            session=None,
            events=Events(),
            registry=CollectorRegistry(),
            notices=build_notices(config, self._ids.__next__),
            holds=lambda name: name == DUTIES,
            cycles=list,
            failing=lambda unit: crowds(unit, config, self.clock.now()),
        )

    async def report(self, times: int) -> None:
        now = self.clock.now()
        names = [next(self._ids) for _ in range(times)]
        made = [
            CitizenReport(each, each, "road", ReportState.RECEIVED, now, now, now, "", Via.PAGE, source="s", key=each)
            for each in names
        ]
        await self.database.write(lambda unit: [unit.reports.add(each) for each in made])

    async def look(self, after: timedelta = timedelta()) -> list[str]:
        await self.clock.advance(after.total_seconds())
        before = len(await self._told())
        await self.checks.check_all()
        await self.database.write(
            lambda unit: unit.execute("UPDATE post SET state = 'sent', remote_id = id WHERE state = 'queued'")
        )
        return (await self._told())[before:]

    async def _told(self) -> list[str]:
        return await self.database.read(
            lambda db: [row[0] for row in db.execute("SELECT plain FROM post ORDER BY seq")]
        )


@pytest.fixture
async def rounds(tmp_path):
    text = "".join(line + "\n" for line in TOWN.splitlines() if not line.startswith("heartbeat"))
    (tmp_path / "channels.toml").write_text(f"{text}\n[reports]\nflood = {FLOOD}\n", encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Rounds(config, database)
    await database.close()


async def test_as_many_as_the_bound_are_no_news(rounds):
    await rounds.report(FLOOD)
    assert await rounds.look() == []


async def test_a_flood_is_told_once_with_how_many_and_that_it_is_over(rounds):
    await rounds.report(FLOOD + 1)
    (told,) = await rounds.look()
    assert "les signalements affluent (ces dix dernières minutes\u00a0: 6)" in told
    assert "Regardez les signalements" in told
    await rounds.report(3)
    assert await rounds.look(timedelta(minutes=9)) == []
    (over,) = await rounds.look(timedelta(minutes=11))
    assert "n’affluent plus" in over
