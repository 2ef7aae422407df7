"""After a restore, what stands on the channels and isn't known here is listed once and told with where it stands."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta

import pytest

from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.daemon.status import database as shown
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.health.desk_events import AFTER, PAUSE, TRIES, UnknownPosts, word_unknown_posts
from alerts.health.notices import build_notices
from alerts.model.errors import InDoubt
from alerts.model.events import Events, PostsStored
from alerts.model.lease import DUTIES
from alerts.model.post import Receipt
from alerts.model.reason import because
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.statement import stamp
from tests.fakes import FakeClock, begun
from tests.unit.health.test_checks import TOWN
from tests.unit.store.conftest import a_post, a_record

OURS, UNKNOWN = Receipt("6", "https://x.example/6"), Receipt("7", "https://x.example/7")


class Lane:
    """A lane whose platform lists what it is told to, once it is ready."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.asked = []

    async def listed(self, since, after):
        self.asked.append((since, after))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def town(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config, clock = load_config(tmp_path / "channels.toml"), FakeClock()
    migrate(config.database)
    database = await Database.open(config.database)
    yield config, database, clock
    await database.close()


async def put_back(database, clock) -> None:
    """A gap that ends now, after an attempt that this database knows."""
    now = clock.now()
    gap = {"since": stamp(now - timedelta(hours=2)), "until": stamp(now), "begun": True}

    def work(unit):
        stored = a_record("a")
        unit.alerts.add(stored)
        unit.alerts.add_post(a_post("p", stored))
        at = stamp(now - timedelta(hours=3))
        unit.execute("INSERT INTO fact VALUES ('(store)', 'gap', ?)", (json.dumps(gap),))
        unit.execute(
            "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at, ended_at, remote_id) "
            "VALUES ('p', 'x', 'send', 'us', 1, ?, ?, '6')",
            (at, at),
        )

    await database.write(work)


async def looked(town, lanes) -> list[list[str]]:
    """Go until all is listed; which channels were woken."""
    config, database, clock = town
    woken, ids = [], itertools.count(1)
    warnings = build_notices(config, lambda: f"w{next(ids)}")
    events = Events()
    events.subscribe(PostsStored, lambda event: woken.append(event.channels))
    keeper = LeaseKeeper(Leases(database), clock, "us", [DUTIES], timedelta(days=30))
    keeping = begun(clock, keeper.work)
    running = begun(clock, UnknownPosts(database, clock, lanes, warnings, events, keeper=keeper).work)
    while not running.done():
        await clock.advance(PAUSE)
        await database.read(lambda _: None)
        await asyncio.sleep(0.001)
    await running
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await keeper.give_back()
    return woken


async def test_what_is_unknown_is_told_once_with_its_address(town):
    config, database, clock = town
    await put_back(database, clock)
    start, lane = clock.now(), Lane([OURS, UNKNOWN])

    assert await looked(town, {"x": lane}) == [["equipe"]]

    assert lane.asked == [(start - timedelta(hours=2), "6")]
    assert clock.now() - start >= AFTER
    [told] = await database.read(lambda db: db.execute("SELECT plain FROM post WHERE channel = 'equipe'").fetchall())
    assert "https://x.example/7" in told["plain"]
    assert "https://x.example/6" not in told["plain"]
    assert await looked(town, {"x": lane}) == [], "it was looked at once"
    [status] = shown(Control(config, clock.now))
    assert status["unknown"] == {"x": ["https://x.example/7"]}


async def test_a_channel_that_cannot_be_listed_is_asked_some_times_and_told_as_unknown(town):
    _, database, clock = town
    await put_back(database, clock)
    never, late = Lane(InDoubt(because("telegram_nothing_earlier"))), Lane(None, [])

    assert await looked(town, {"telegram": never, "x": late}) == [[]]

    assert (len(never.asked), len(late.asked)) == (TRIES, 2)
    assert await database.read(lambda unit: unit.restored.unknown_posts()) == {"telegram": None, "x": []}


async def test_nothing_is_looked_at_where_nothing_was_put_back(town):
    lane = Lane([UNKNOWN])

    assert await looked(town, {"x": lane}) == []
    assert lane.asked == []


@pytest.mark.parametrize(("language", "said"), [("fr-FR", "3 publications en ligne"), ("en", "3 posts that are out")])
def test_it_is_said_in_the_reader_s_language(language, said):
    words = word_unknown_posts({"x": [UNKNOWN, OURS], "page": [Receipt("8")]}, language)

    assert said in words.headline
    told = words.detail.replace("\u00a0:", ":").replace("\u00a0;", ";")
    assert told == "x: https://x.example/7, https://x.example/6; page: 8"
