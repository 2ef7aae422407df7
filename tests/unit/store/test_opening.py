"""Whoever opens a store meets a whole one of this version, however many open it at once, and wherever one is killed."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

import alerts
from alerts.fleet.folder import must_be_its_own
from alerts.store.connection import Place, migrate, version
from alerts.store.database import Database
from alerts.store.facts import keep_fact
from alerts.store.files import HEAD
from alerts.store.identity import claim
from alerts.store.threads import SharedThreads
from alerts.store.unit import Unit, acting, asking
from tests.conftest import a_server
from tests.unit.store.test_migrate import released

WORDS = "(words)"


def say(word: str) -> Callable[[Unit], None]:
    return lambda unit: keep_fact(unit.db, WORDS, word, "said")


def by_command(place: Place, word: str) -> None:
    with acting(place) as unit:
        say(word)(unit)


def after_an_upgrade(place: Place, word: str) -> None:
    migrate(place)
    by_command(place, word)


def after_a_look(place: Place, word: str) -> None:
    """A page of set-up, or a list: it reads before anybody wrote."""
    with asking(place) as unit:
        unit.db.execute("SELECT count(*) FROM alert").fetchone()
    by_command(place, word)


def by_command_beside_other_towns(place: Place, word: str) -> None:
    """It looks whose the store is before anything else."""
    folder = (place if isinstance(place, Path) else place.beside).parent / "towns" / "crolles"
    for each in (folder, folder.with_name("meylan")):
        each.mkdir(parents=True, exist_ok=True)
        (each / "channels.toml").touch()
    must_be_its_own(folder, place)
    by_command(place, word)


def by_daemon(place: Place, word: str) -> None:
    async def work() -> None:
        database = await Database.open(place)
        try:
            await database.read(lambda unit: unit.db.execute("SELECT count(*) FROM alert").fetchone())
            await database.write(say(word))
        finally:
            await database.close()

    asyncio.run(work())


def by_fleet(place: Place, word: str) -> None:
    claim(place, "crolles", {"crolles"})

    async def work() -> None:
        threads = SharedThreads()
        database = await threads.open(place)
        try:
            await database.write(say(word))
        finally:
            await database.close()
            threads.close()

    asyncio.run(work())


OPENERS = (by_command_beside_other_towns, by_daemon, by_command, after_a_look, by_fleet, after_an_upgrade)


def former(place: Place) -> None:
    """The store as the release before left it."""
    if isinstance(place, Path):
        released(place)
        return
    migrate(place)
    with psycopg.connect(place.url.reveal()) as db:
        db.execute("SET search_path TO tocsin")
        db.execute("DROP TABLE job")
        db.execute("UPDATE alembic_version SET version_num = '0025'")


@pytest.fixture(params=["file", "server"])
def unmade(request, tmp_path) -> Place:
    if request.param == "file":
        return tmp_path / "var" / "tocsin.db"
    return a_server(request.getfixturevalue("postgresql_url"), tmp_path)


def said_in(place: Place) -> set[str]:
    with asking(place) as unit:
        return {row[0] for row in unit.db.execute(f"SELECT key FROM fact WHERE channel = '{WORDS}'").fetchall()}


@pytest.mark.parametrize("number", [2, 8, 32])
@pytest.mark.parametrize("before", [lambda place: None, former], ids=["new", "old"])
def test_however_many_open_a_store_at_once_none_fails_and_no_word_is_lost(unmade, before, number):
    if isinstance(unmade, Path):
        unmade.parent.mkdir()
    before(unmade)
    begin = Barrier(number)

    def open_it(at: int) -> None:
        begin.wait(60)
        OPENERS[at % len(OPENERS)](unmade, f"{at}")

    with ThreadPoolExecutor(number) as threads:
        for done in [threads.submit(open_it, at) for at in range(number)]:
            done.result(300)

    assert said_in(unmade) == {f"{at}" for at in range(number)}
    assert version(unmade) == HEAD


def killed_at(place: Path, step: int) -> bool:
    """Open the store in a child that is killed at that step of what the system is asked for; False: it came through."""
    if (pid := os.fork()) == 0:
        left = step

        def watch(event: str, _: object) -> None:
            nonlocal left
            if event in {"open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "fcntl.flock"}:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        with contextlib.suppress(BaseException):
            by_command(place, "word")
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def test_a_kill_at_any_step_leaves_none_or_a_whole_one(tmp_path):
    for step in range(200):
        place = tmp_path / str(step) / "tocsin.db"
        was_killed = killed_at(place, step)
        assert not place.exists() or version(place) == HEAD
        by_command(place, "after")
        assert "after" in said_in(place)
        if not was_killed:
            break
    else:
        pytest.fail("it never came through")
    assert step > 5


# --- nobody opens one by another way

_BY_HAND = {
    ("store/files.py", "_open"): "the way itself",
    ("store/files.py", "blank"): "in memory",
    ("store/files.py", "_empty"): "in memory",
    ("store/files.py", "sound"): "read-only, of what is told to be sound or not",
    ("store/restoring.py", "fell_behind"): "read-only, of what is there",
    ("store/restoring.py", "_head_of"): "read-only, of what is put away",
    ("store/restoring.py", "_copy"): "read-only, into a file of its own",
    ("store/restoring.py", "backup"): "a file of its own",
    ("store/restoring.py", "restore"): "a file of its own",
    ("store/copy_ends.py", "__init__"): "a file of its own",
    ("store/files.py", "connect"): "judges it",
    ("store/files.py", "version"): "judges it",
    ("store/files.py", "_plain"): "upgrades it",
    ("store/files.py", "as_it_is"): "judges it",
    ("store/connection.py", "seen"): "judges it",
    ("store/restoring.py", "_put_aside"): "puts it away",
    ("store/reaching.py", "connected"): "the way to a server itself",
    ("store/postgresql.py", "_connected"): "a session, which is made ready",
    ("store/postgresql.py", "_run"): "only listens",
    ("store/server_schema.py", "version"): "judges it",
    ("store/server_schema.py", "migrate"): "upgrades it",
    ("store/copying.py", "_is_at_work"): "of one that was upgraded",
    ("store/copy_ends.py", "_connected"): "of one that was upgraded",
}
"""By module and function, each that speaks with a store's driver beneath `connect` and `ServerSession`, and why."""
_DRIVERS = {"sqlite3.connect", "ServerConnection.connect", "reaching.connected", "connected", "psycopg.connect"}
_DRIVERS |= {"as_it_is", "files.as_it_is", "_open"}


def test_every_opener_goes_the_one_way():
    found = set()
    root = Path(alerts.__file__).parent
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                called = {ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)}
                if called & (_DRIVERS - ({"_open", "connected"} if not name.startswith("store/") else set())):
                    found.add((name, function.name))

    assert found - {("store/database.py", "open"), ("store/database.py", "one_more")} == set(_BY_HAND)
