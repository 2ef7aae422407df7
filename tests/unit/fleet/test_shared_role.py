"""Towns that share a role of a PostgreSQL: a hostile town's file leads nobody into another town's schema."""

from __future__ import annotations

import ast
import asyncio
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

import alerts.store
from alerts.cli.app import carry_out
from alerts.config import load_config
from alerts.store.connection import migrate, opened, version
from alerts.store.copying import copy
from alerts.store.database import Database
from alerts.store.files import StoreError
from alerts.store.identity import claim
from alerts.store.seal import key_of
from alerts.store.threads import SharedThreads
from alerts.store.unit import acting, asking
from tests.unit.fleet.towns import write_town

TOWNS = ("crolles", "meylan")


def at(url, name):
    return f"{url}&schema={name}"


def database(stations, name):
    return load_config(stations / name / "channels.toml").database


@pytest.fixture
def stations(tmp_path, postgresql_url):
    """Two towns that a fleet has claimed; then the file of Crolles names the schema of Meylan."""
    (folder := tmp_path / "towns").mkdir()
    for name in TOWNS:
        write_town(folder, name, store=at(postgresql_url, name))
        claim(database(folder, name), name, TOWNS)
    # In a folder of its own, beside which no other town is, and with a key of that name.
    boarded = folder / "crolles" / "crolles"
    boarded.mkdir()
    write_town(folder / "crolles", "crolles", store=at(postgresql_url, "meylan"))
    (boarded / "var").mkdir()
    key_of(database(boarded.parent, "crolles")).write_bytes(key_of(database(folder, "crolles")).read_bytes())
    return folder


def hostile(stations):
    return database(stations / "crolles", "crolles")


def rows(url, name):
    """All that is in a schema, table by table."""
    with psycopg.connect(url) as db:
        found = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", (name,)).fetchall()
        return {each: db.execute(f'SELECT t::text FROM "{name}"."{each}" t ORDER BY 1').fetchall() for (each,) in found}


def by_command(place):
    with acting(place) as unit:
        unit.views.version()


def by_question(place):
    with asking(place) as unit:
        unit.views.version()


def by_connection(place):
    with opened(place) as db:
        db.execute("SELECT count(*) FROM alert").fetchone()


def by_daemon(place):
    async def work():
        daemon = await Database.open(place)
        try:
            await daemon.read(lambda unit: unit.views.version())
        finally:
            await daemon.close()

    asyncio.run(work())


def by_thread(place):
    async def work():
        threads = SharedThreads()
        try:
            daemon = await threads.open(place)
            await daemon.read(lambda unit: unit.views.version())
        finally:
            threads.close()

    asyncio.run(work())


def by_copy(place):
    copy(place, place.beside.with_name("loot.db"), datetime.now(UTC), keep=True)


WAYS = (by_command, by_question, by_connection, by_daemon, by_thread, migrate, version)


def test_a_hostile_town_s_file_leads_nobody_into_another_s_schema(stations, postgresql_url):
    for way in WAYS:
        way(database(stations, "meylan"))
    before = rows(postgresql_url, "meylan")
    for way in (*WAYS, by_copy):
        with pytest.raises(StoreError) as refused:
            way(hostile(stations))
        assert refused.value.reason.code == "store_not_own", way
    assert rows(postgresql_url, "meylan") == before


COMMANDS = (
    ("post", "--headline", "Vent"),
    ("status",),
    ("forget", "--due"),
    ("db", "export"),
    ("db", "backup", "{loot}"),
    ("db", "upgrade"),
    ("db", "copy", "{schema}", "sqlite:///{loot}"),
)


def test_no_command_with_that_file_does(stations, postgresql_url, tmp_path, capfd):
    file, before = str(stations / "crolles" / "crolles" / "channels.toml"), rows(postgresql_url, "meylan")
    loot = tmp_path / "loot.db"
    for command in COMMANDS:
        line = [each.format(loot=loot, schema=at(postgresql_url, "meylan")) for each in command]
        status, said = carry_out(["--config", file, *line]), "".join(capfd.readouterr())
        assert status == 1, (command, said)
        # No schema is backed up by a command.
        assert ("pg_dump" if "backup" in command else "meylan.key") in said, (command, said)
    assert not loot.exists()
    assert rows(postgresql_url, "meylan") == before


def test_only_what_reads_no_schema_connects_without_proof():
    connecting = [
        (path.name, ast.unparse(keyword.value), ast.unparse(node.args[0]))
        for path in Path(alerts.store.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "proves"
    ]
    assert connecting == [("postgresql.py", "False", "self._server")], "the listener's, which serves all towns"


async def test_a_connection_that_turns_from_town_to_town_proves_each(stations):
    threads = SharedThreads()
    own, other = await threads.open(database(stations, "meylan")), await threads.open(hostile(stations))
    try:
        for _ in range(3):
            await own.read(lambda unit: unit.views.version())
            with pytest.raises(StoreError, match=r"meylan\.key"):
                await other.read(lambda unit: unit.views.version())
    finally:
        await own.close()
        threads.close()


@pytest.mark.parametrize("linked", ["var", "var/meylan.key"])
def test_a_link_to_the_other_s_key_opens_nothing(stations, linked):
    link = stations / "crolles" / "crolles" / linked
    key_of(hostile(stations)).unlink()
    if linked == "var":
        link.rmdir()
    link.symlink_to(stations / "meylan" / linked)

    with pytest.raises(StoreError, match=r"meylan\.key"):
        by_command(hostile(stations))


def test_a_schema_that_no_fleet_claimed_is_open_as_it_was_until_one_does(tmp_path, postgresql_url):
    for name in ("alone", "other"):
        (tmp_path / name).mkdir()
        write_town(tmp_path / name, "voreppe", store=at(postgresql_url, "voreppe"))
    alone, other = (database(tmp_path / name, "voreppe") for name in ("alone", "other"))
    for place in (alone, other):
        by_command(place)
    assert not key_of(alone).exists()

    claim(alone, "voreppe", ["voreppe"])

    by_command(alone)
    with pytest.raises(StoreError, match=r"voreppe\.key"):
        by_command(other)
