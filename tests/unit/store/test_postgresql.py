"""What a server does that a file doesn't: who is told of what is stored, and connections that are lost."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg import errors

from alerts.model.alert import Reference
from alerts.model.errors import DatabaseRefused, Lost
from alerts.model.incident import AlertState
from alerts.model.lease import RunningDaemon
from alerts.model.post import PostImage
from alerts.model.town import Secret, Server
from alerts.store.connection import listen, migrate, notify, opened
from alerts.store.database import Database
from alerts.store.leases import Renewal, Take
from alerts.store.outbox import Outbox
from alerts.store.pictures import picture_folder
from alerts.store.statement import Statement
from alerts.store.unit import acting, asking
from campaign.postgresql import find_binaries
from tests.unit.store.conftest import NOW, a_post, a_record


@contextmanager
def listening(server):
    heard: asyncio.Queue[bool] = asyncio.Queue()
    end = listen(server, lambda *, is_stored: heard.put_nowait(is_stored), asyncio.get_running_loop())
    try:
        yield heard
    finally:
        end()


@pytest.fixture
async def database(server):
    opened_ = await Database.open(server)
    yield opened_
    await opened_.close()


def store_a_post(unit, name="1"):
    stored = a_record(f"a{name}")
    unit.alerts.add(stored)
    unit.alerts.add_post(a_post(f"p{name}", stored))


def note_something(unit):
    unit.alerts.note(NOW, "a1", None, AlertState.ACCEPTED, None)


async def heard_within(heard: asyncio.Queue[bool]) -> list[bool]:
    async with asyncio.timeout(60):
        first = await heard.get()
    return [first, *(heard.get_nowait() for _ in range(heard.qsize()))]


def test_a_long_answer_is_walked_within_a_transaction_that_writes(server):
    """Two at a time, and one that isn't read to its end: the transaction goes on, and is committed."""
    numbers = Statement("SELECT n FROM generate_series(1, CAST(:most AS integer)) AS n ORDER BY n")
    with acting(server) as unit:
        store_a_post(unit)
        begun = numbers.each(unit.db, most=1200)
        assert next(begun)["n"] == 1
        assert [row["n"] for row in numbers.each(unit.db, most=1001)] == list(range(1, 1002))
        note_something(unit)
    with opened(server) as db:
        assert [row["n"] for row in numbers.each(db, most=2)] == [1, 2]
        assert len(Statement("SELECT * FROM decision").rows(db)) == 1


async def test_what_another_process_stores_is_heard_once_it_is_committed(server):
    with listening(server) as heard:
        assert await heard_within(heard) == [True]  # at the beginning: something may have been missed
        with acting(server) as unit:
            store_a_post(unit)
            assert heard.empty()
        assert True in await heard_within(heard)


async def test_what_is_only_to_be_seen_wakes_no_lane(server):
    with acting(server) as unit:
        store_a_post(unit)
    with listening(server) as heard:
        await heard_within(heard)
        with acting(server) as unit:
            note_something(unit)
        assert await heard_within(heard) == [False]


async def test_who_tells_by_itself_is_not_told_of_it_and_another_town_is_no_matter(server, database):
    with listening(server) as heard:
        await heard_within(heard)
        await database.write(store_a_post)
        with opened(server) as other:
            other.execute("SELECT pg_notify('tocsin', 'elsewhere post')")
        with acting(server) as unit:
            note_something(unit)
        assert await heard_within(heard) == [False]


async def test_a_lost_listener_is_made_anew_and_wakes_everybody(server):
    with listening(server) as heard:
        await heard_within(heard)
        with opened(server) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ?", ("tocsin listens",)
            )
        assert await heard_within(heard) == [True]
        with acting(server) as unit:
            store_a_post(unit)
        assert True in await heard_within(heard)


async def test_a_transaction_that_is_lost_on_its_way_is_carried_out_again_once(server, database):
    lost = []

    def work(unit):
        store_a_post(unit)
        if not lost:
            lost.append(True)
            with opened(server) as other:
                mine = unit.execute("SELECT pg_backend_pid()").fetchone()[0]
                other.execute("SELECT pg_terminate_backend(?)", (mine,))
        store_a_post(unit, "2")
        return "done"

    assert await database.write(work) == "done"
    with opened(server) as db:
        assert [row["id"] for row in db.execute("SELECT id FROM alert ORDER BY seq")] == ["a1", "a2"]


async def test_daemons_are_counted_that_live_and_work_for_this_town(server):
    other = replace(server, schema="elsewhere")
    migrate(other)
    term = timedelta(seconds=5)
    with acting(server) as unit:
        us = RunningDaemon("us", "here", NOW, NOW)
        unit.leases.renew(Renewal(us, term), NOW, lambda _: Take(("x",)))

    assert [notify(place, NOW) for place in (server, other)] == [1, 0]
    assert notify(server, NOW + term) == 0, "it died"
    with listening(other):
        assert notify(other, NOW) == 1, "this process works for it, and isn't registered yet"


def test_a_connection_that_the_server_says_it_ends_is_lost_though_it_still_seems_open(server):
    with opened(server) as ended, pytest.raises(errors.AdminShutdown) as told:
        ended._db.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with opened(server) as seems_open:
        with pytest.raises(DatabaseRefused), seems_open.translated_errors():
            raise errors.OperationalError("out of memory")
        with pytest.raises(Lost), seems_open.translated_errors():
            raise told.value


async def test_a_picture_that_another_machine_kept_is_made_here_when_it_is_to_be_sent(server, database, tmp_path):
    drawn = picture_folder(server.beside) / f"{'a' * 64}.png"
    drawn.parent.mkdir(parents=True)
    drawn.write_bytes(b"\x89PNG and so on")
    stored = a_record("a1")
    message = replace(a_post("p1", stored).message, image=PostImage(str(drawn), "Une route"))
    with acting(server) as unit:
        unit.alerts.add(stored)
        unit.alerts.add_post(a_post("p1", stored, message=message))
        unit.alerts.add_post(a_post("p2", stored, message=message, channel="y"))
    drawn.unlink()

    [post] = (await Outbox(database).next_due("x", NOW, urgent_only=False)).posts

    assert drawn.read_bytes() == b"\x89PNG and so on"
    assert post.message.image.path == str(drawn)


async def test_a_file_that_is_not_ours_is_not_given_to_the_server(server, database, tmp_path):
    foreign = tmp_path / "passwd.png"
    foreign.write_bytes(b"root")
    stored = a_record("a1")
    message = replace(a_post("p1", stored).message, image=PostImage(str(foreign), ""))
    with acting(server) as unit:
        unit.alerts.add(stored)
        unit.alerts.add_post(a_post("p1", stored, message=message))
    with opened(server) as db:
        assert db.execute("SELECT count(*) FROM picture").fetchone()[0] == 0


async def test_the_longest_headline_and_names_that_a_feed_may_send_are_kept(server):
    headline = "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))  # of which no compression makes less
    name = headline[:333]  # what is read of a name: a thousand bytes
    stored = a_record("a1", identifier=name)
    strange = replace(stored.alert, infos=(replace(stored.alert.infos[0], headline=headline),))
    referring = replace(strange, references=(Reference("them@example", name, NOW),))
    with acting(server) as unit:
        unit.alerts.add(replace(stored, alert=referring))
        unit.sources.hear("meteo", [name], NOW)
    with acting(server) as unit:
        [kept] = unit.alerts.by_id("a1")
        assert kept.alert.infos[0].headline == headline


def test_the_way_back_to_an_older_version_is_as_its_page_tells(postgresql_url, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "upgrade.md").read_text(encoding="utf-8")
    section = page.partition("### On PostgreSQL")[2].partition("\n## ")[0]
    tools = [shlex.split(line) for line in section.splitlines() if line.startswith(("pg_", "psql"))]
    assert [each[0] for each in tools] == ["pg_dump", "psql", "pg_restore"]
    folder = find_binaries().folder
    if not (folder / "pg_dump").exists():
        pytest.skip(f"{folder} has a server without pg_dump")

    def type_in(command):
        words = [postgresql_url if word == "towns" else word for word in command[1:]]
        subprocess.run([folder / command[0], *words], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    town = Server(Secret(postgresql_url), "saint_martin", tmp_path / "var")
    migrate(town)
    with acting(town) as unit:
        store_a_post(unit)
    type_in(tools[0])
    with acting(town) as unit:
        store_a_post(unit, "2")
    for command in tools[1:]:
        type_in(command)

    def alerts(schema):
        with asking(replace(town, schema=schema)) as unit:
            return [row["id"] for row in unit.execute("SELECT id FROM alert ORDER BY seq").fetchall()]

    assert alerts("saint_martin") == ["a1"]
    assert alerts("saint_martin_replaced") == ["a1", "a2"]
