"""A draft that citizens' reports made is told to those on call like all that waits, and so is how it was decided."""

from __future__ import annotations

import pytest

from alerts.config import load_config
from alerts.desk.unit import DeskUnit
from alerts.model.reports import Via
from alerts.reports.taking import ReportDraft, take
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.unit.health.test_approvals import PAUL, TOWN, Duty


@pytest.fixture
async def duty(tmp_path):
    (tmp_path / "channels.toml").write_text(f"{TOWN}\n[reports]\n", encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Duty(config, database)
    await database.close()


async def report(duty, number: int) -> str | None:
    """The draft that the report of that number made or joined."""

    def act(unit):
        desk_unit = DeskUnit(unit, duty.desk, duty.clock.now(), duty.new_id)
        return take(desk_unit, ReportDraft("flooding", Via.PAGE, f"net 10.0.{number}.0/24", 45.19, 5.71)).drafted

    return await duty.database.write(act)


async def test_a_draft_of_five_reports_is_told_at_once_and_that_it_was_rejected(duty):
    for number in range(4):
        await report(duty, number)
    assert await duty.look() == []
    draft = await report(duty, 4)
    (told,) = await duty.look()
    assert "Alerte à valider" in told
    assert "Rue inondée" in told
    assert f"https://garde.saint-martin.example/desk/waiting/{draft}" in told
    await report(duty, 5)
    assert await duty.look() == []
    await duty.act(PAUL, lambda officer: officer.reject(draft, "Rien sur place"))
    (over,) = await duty.look()
    assert "Rien sur place" in over
