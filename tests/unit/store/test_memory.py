"""What a source remembers and has told; how a channel stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from alerts.channels.budget import Budget
from alerts.model.delivery import ChannelStatus
from alerts.model.errors import Retry
from alerts.model.ports import Memory, Resources
from alerts.model.post import Quota
from alerts.model.reason import in_words
from alerts.model.spending import SPENT, Spending
from alerts.store.channel_statuses import ChannelStatuses
from tests.fakes import FakeClock
from tests.unit.store.conftest import LATER, NOW

MEMORY = Memory('W/"1"', "Wed, 25 Nov 2026 12:00:00 GMT", "d1", {"été": [1, {"a": None}]})


class Journal:
    """What a source remembers, each question in a transaction of its own."""

    def __init__(self, database) -> None:
        self._database = database

    async def memory(self, name):
        return await self._database.read(lambda unit: unit.sources.memory(name))

    async def known(self, name, keys):
        return await self._database.read(lambda unit: unit.sources.known(name, keys))

    async def failed(self, *what):
        return await self._database.write(lambda unit: unit.sources.failed(*what))


@pytest.fixture
def journal(database):
    return Journal(database)


async def test_a_source_that_was_never_read_remembers_nothing(journal):
    assert await journal.memory("meteo") == Memory()
    assert await journal.known("meteo", ["a"]) == set()
    assert await journal.known("meteo", []) == set()


async def test_what_was_told_is_known_of_that_source_alone(journal, database):
    await database.write(lambda unit: unit.sources.hear("meteo", ["a", "b'c", "été"], NOW))

    assert await journal.known("meteo", ["a", "b'c", "été", "d"]) == {"a", "b'c", "été"}
    assert await journal.known("travaux", ["a"]) == set()
    await database.write(lambda unit: unit.sources.hear("meteo", ["a"], LATER))
    assert await journal.known("meteo", ["a"]) == {"a"}, "told twice is known once"


async def test_a_thousand_keys_are_asked_for_at_once(journal, database):
    keys = [f"key {number}" for number in range(5000)]
    await database.write(lambda unit: unit.sources.hear("meteo", keys[::2], NOW))

    assert await journal.known("meteo", keys) == set(keys[::2])


async def test_memory_comes_back_and_survives_failures(journal, database):
    await database.write(lambda unit: unit.sources.remember("meteo", MEMORY, NOW, LATER))
    assert await journal.failed("meteo", in_words("no answer"), LATER, LATER) == 1
    assert await journal.failed("meteo", in_words("no answer"), LATER, LATER) == 2

    assert await journal.memory("meteo") == MEMORY
    row = await database.read(lambda db: dict(db.execute("SELECT * FROM source").fetchone()))
    assert (row["failures"], row["reason"]) == (2, "no answer")
    assert row["last_ok"] < row["last_try"]

    await database.write(lambda unit: unit.sources.remember("meteo", MEMORY, LATER, LATER))
    row = await database.read(lambda db: dict(db.execute("SELECT * FROM source").fetchone()))
    assert (row["failures"], row["reason"]) == (0, None)


async def test_a_source_that_never_worked_counts_its_failures(journal):
    assert await journal.failed("meteo", in_words("no answer"), LATER, NOW) == 1
    assert await journal.memory("meteo") == Memory()


async def test_what_was_told_more_than_a_year_ago_is_forgotten(journal, database):
    await database.write(lambda unit: unit.sources.hear("meteo", ["old"], NOW - timedelta(days=401)))
    await database.write(lambda unit: unit.sources.hear("meteo", ["new"], NOW - timedelta(days=399)))
    await database.write(lambda unit: unit.sources.remember("meteo", MEMORY, NOW, LATER))

    assert await journal.known("meteo", ["old", "new"]) == {"new"}


async def test_how_a_channel_stands_outlives_a_restart(database):
    quotas = (Quota(3, LATER, 17, "24h"), Quota(0, NOW))
    standing = ChannelStatus("blocked", in_words("the token has expired"), LATER, quotas)
    assert await ChannelStatuses(database).status("x") == ChannelStatus()

    await ChannelStatuses(database).keep("x", standing, None, NOW)
    assert await ChannelStatuses(database).status("x") == standing
    assert await ChannelStatuses(database).status("page") == ChannelStatus()


async def test_a_channel_s_facts_are_recalled_without_waiting(database):
    statuses = ChannelStatuses(database)
    await statuses.remember("x", "user", "7")
    await statuses.remember("x", "user", "8")
    assert statuses.recall("x", "user") == "8"

    again = ChannelStatuses(database)
    assert again.recall("x", "user") is None
    await again.load()
    assert again.recall("x", "user") == "8"
    assert again.recall("page", "user") is None


async def test_two_processes_that_spend_at_once_keep_both_costs_and_one_ceiling(database):
    budgets = []
    for _ in range(2):  # each of which has read the facts before the other wrote
        facts = ChannelStatuses(database)
        await facts.load()
        kept = partial(facts.recall, "sms"), partial(facts.remember, "sms")
        shared = {"look_up": partial(facts.look_up, "sms"), "change": partial(facts.change, "sms")}
        budgets.append(Budget(Resources(None, FakeClock(), Path(), *kept, **shared), daily=25.0, monthly=25.0))
    await asyncio.gather(*(each.book(f"p{n}", 10.0) for n, each in enumerate(budgets)))
    await budgets[0].correct("p0", -1.0)
    with pytest.raises(Retry):
        await budgets[0].book("p2", 10.0)
    kept = await database.read(lambda unit: unit.views.fact("sms", SPENT))
    assert {post: euros for post, (_, euros) in Spending.read(kept).posts.items()} == {"p0": 9.0, "p1": 10.0}


async def test_a_reading_with_a_trouble_keeps_what_it_brought_and_counts_as_failed(journal, database):
    await database.write(lambda unit: unit.sources.remember("meteo", Memory(), NOW, LATER))
    for failures in (1, 2):
        assert (
            await database.write(
                lambda unit: unit.sources.remember("meteo", MEMORY, LATER, LATER, trouble=in_words("no message"))
            )
            == failures
        )

    assert await journal.memory("meteo") == MEMORY
    row = await database.read(lambda db: dict(db.execute("SELECT * FROM source").fetchone()))
    assert (row["failures"], row["reason"]) == (2, "no message")
    assert row["last_ok"] < row["last_try"]
    assert await database.write(lambda unit: unit.sources.remember("meteo", MEMORY, LATER, LATER)) == 0
