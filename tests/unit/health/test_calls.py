"""What may be a call for help is told to those on call at once, without a word of what was said or by whom."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from alerts.config import load_config
from alerts.desk.unit import DeskUnit
from alerts.listening.hearing import take
from alerts.model.listening import Kind, Remark, Understood, UtteranceState
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.unit.health.test_approvals import TOWN, Duty

WORDS = "Ma grand-mère est bloquée au 3 rue Haute"
_numbers = itertools.count(1)


@pytest.fixture
async def duty(tmp_path):
    hearing = TOWN.replace('chat = "@saintmartin"\n', 'chat = "@saintmartin"\nhears = true\n')
    (tmp_path / "channels.toml").write_text(hearing, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Duty(config, database)
    await database.close()


async def say(duty, *texts, kind=Kind.HELP, channel="telegram"):
    """Have these be heard, each for the first time."""
    now = duty.clock.now()
    pairs = [(Remark(f"-1:{next(_numbers)}", text, now, name="Paul"), Understood(kind)) for text in texts]
    await duty.database.write(lambda unit: take(DeskUnit(unit, duty.desk, now, duty.new_id), channel, pairs).raised)


async def handle(duty):
    """Have somebody see to all of it."""

    def work(unit):
        for each in unit.listening.calls(99):
            unit.listening.put(replace(each, state=UtteranceState.HANDLED))

    await duty.database.write(work)


async def test_it_is_told_once_with_the_way_to_it_and_none_of_its_words(duty):
    await say(duty, WORDS)

    (told,) = await duty.look()
    assert told.splitlines() == [
        "Tocsin, Saint-Martin",
        "Peut-être un appel à l’aide\u00a0: sur telegram à 13\u00a0h\u00a000",
        "À lire tout de suite\u00a0: https://garde.saint-martin.example/desk/heard",
    ]
    assert await duty.look() == []


async def test_what_is_no_call_is_not_told(duty):
    await say(duty, "Merci", kind=Kind.THANKS)
    assert await duty.look() == []


async def test_several_at_once_are_one_notice_and_the_next_comes_five_seconds_later(duty):
    await say(duty, *[WORDS] * 30)
    (first,) = await duty.look()
    await say(duty, "Au secours")

    assert "30 non lus" in first
    assert [await duty.look(), len(await duty.look()), len(await duty.look())] == [[], 0, 1]


async def test_many_are_told_each_minute(duty):
    told = []
    for _ in range(60):
        await say(duty, WORDS)
        told += await duty.look(after=5)

    assert len(told) == 6 + 60 * 5 // 60 - 1


async def test_once_all_was_seen_to_that_is_told_and_the_next_is_told_anew(duty):
    await say(duty, WORDS)
    await duty.look()
    await handle(duty)
    (over,) = await duty.look()
    await say(duty, WORDS)
    (again,) = await duty.look()

    assert "a été traité" in over
    assert "Peut-être un appel à l’aide" in again


async def test_neither_a_restart_nor_a_second_daemon_tells_it_twice(duty):
    await say(duty, WORDS)
    other = duty.another()
    await duty.look()
    await other.look()
    duty.restart()

    assert await duty.look() == []
    assert len(await duty.told()) == 1
