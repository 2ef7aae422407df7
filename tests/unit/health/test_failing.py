"""Sign-ins that fail again and again are told to those on call, and that it stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from alerts.access.throttle import BURST_FOR_NAME
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.unit import DeskUnit
from alerts.health.checks import HealthChecks
from alerts.health.desk_events import OVER_AFTER, failing_sign_ins
from alerts.health.notices import build_notices
from alerts.model.events import Events
from alerts.model.lease import DUTIES
from alerts.model.person import Account, Role
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.fakes import FakeClock
from tests.unit.health.test_checks import TOWN


class Door:
    """Where somebody tries passwords, and the rounds that look."""

    def __init__(self, config, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        ids = iter(f"w{number:05}" for number in range(1000))
        desk = build_desk(config, self.clock.now)
        self.checks = HealthChecks(
            config,
            {},
            database=database,
            clock=self.clock,
            session=None,
            events=Events(),
            registry=CollectorRegistry(),
            notices=build_notices(config, ids.__next__),
            holds=lambda name: name == DUTIES,
            cycles=list,
            failing=lambda unit: failing_sign_ins(DeskUnit(unit, desk, self.clock.now(), ids.__next__)),
        )

    async def accounts(self, action) -> None:
        await self.database.write(lambda unit: action(unit.accounts))

    async def fail(self, times: int, name: str = "Anne") -> None:
        for _ in range(times):
            now = self.clock.now()
            await self.accounts(lambda known, now=now: known.attempted(now, name, "192.0.2.66", good=False))

    async def round(self) -> list[str]:
        before = len(await self.told())
        await self.checks.check_all()
        await self.database.write(
            lambda db: db.execute("UPDATE post SET state = 'sent', remote_id = id WHERE state = 'queued'")
        )
        return (await self.told())[before:]

    async def told(self) -> list[str]:
        def read(db):
            return [row[0] for row in db.execute("SELECT plain FROM post ORDER BY seq")]

        return await self.database.read(read)


@pytest.fixture
async def door(tmp_path):
    text = "".join(line + "\n" for line in TOWN.splitlines() if not line.startswith("heartbeat"))
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    door = Door(config, database)
    account = Account("Anne", Role.APPROVER, "", must_change=False, created_at=door.clock.now())
    await door.accounts(lambda known: known.put_account(account))
    yield door
    await database.close()


async def test_a_few_slips_are_no_news(door):
    await door.fail(BURST_FOR_NAME - 1)
    assert await door.round() == []


async def test_a_burst_is_told_once_with_whose_account_and_how_often_and_that_it_stopped(door):
    await door.fail(47)

    (told,) = await door.round()
    assert (
        "au poste de permanence échouent en série depuis 25/11 13\u00a0h\u00a000\u00a0: Anne (nombre\u00a0: 47)" in told
    )
    assert "(192.0.2.66)" in told
    assert await door.round() == []
    await door.clock.advance((OVER_AFTER + timedelta(minutes=1)).total_seconds())
    (over,) = await door.round()
    assert "plus de connexions en échec\u00a0: Anne" in over
    await door.fail(47)
    assert len(await door.round()) == 1


async def test_one_place_that_tries_many_names_is_told_by_its_address(door):
    for number in range(25):
        await door.fail(1, f"name {number}")

    (told,) = await door.round()
    assert ": 192.0.2.66 (nombre\u00a0: 25)" in told
