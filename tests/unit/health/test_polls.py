"""A poll that waits for a validation is told to those on call, once; one that opened at once isn't."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.config import load_config
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.poll_acts import ApprovePoll
from alerts.listening.polls import PollDraft, open_poll
from alerts.model.person import Actor, Origin, Role
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.unit.health.test_approvals import TOWN, Duty

ANNE, PAUL = Actor("Anne", Role.AUTHOR, Origin.CONSOLE), Actor("Paul", Role.APPROVER, Origin.CONSOLE)


@pytest.fixture
async def duty(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Duty(config, database)
    await database.close()


async def act(duty, work, who):
    now = duty.clock.now()
    return await duty.database.write(lambda unit: work(Officer(DeskUnit(unit, duty.desk, now, duty.new_id), who)))


async def asks(duty):
    draft = PollDraft("Fermer la place ?", ("Oui", "Non"), duty.clock.now() + timedelta(hours=1), None, ("telegram",))
    return await act(duty, lambda officer: open_poll(officer, draft), ANNE)


async def test_it_is_told_once_with_the_way_to_it(duty):
    poll = await asks(duty)
    (told,) = await duty.look()
    assert told.splitlines() == [
        "Tocsin, Saint-Martin",
        "une consultation de Anne attend une validation\u00a0: «\u00a0Fermer la place ?\u00a0»",
        f"Regardez-la, puis publiez-la\u00a0: https://garde.saint-martin.example/desk/polls/{poll.id}",
    ]
    assert await duty.look() == []
    await act(duty, lambda officer: ApprovePoll(poll.id).done_by(officer), PAUL)
    assert await duty.look() == []


async def test_what_was_let_out_meanwhile_is_not_told(duty):
    poll = await asks(duty)
    await act(duty, lambda officer: ApprovePoll(poll.id).done_by(officer), PAUL)
    assert await duty.look() == []
