"""A server that is lost at any moment: what was asked for is carried out once, and what is waited for is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from alerts.model.errors import DatabaseRefused
from alerts.model.incident import AlertState
from alerts.model.town import Secret
from alerts.store import postgresql, reaching
from alerts.store.connection import opened
from alerts.store.database import Database
from alerts.store.files import StoreError
from alerts.store.unit import acting, asking
from campaign.postgresql import MISSING, PostgreSQL, find_binaries
from tests.conftest import _migrated, a_server
from tests.unit.store.conftest import NOW, a_record

NAME = ".s.PGSQL.5432"
ASKS, ANSWERS = "asks", "answers"


@dataclass(frozen=True)
class Cut:
    """Where a connection is cut: when `words` pass on the way to the server or back, before it or after it."""

    way: str
    words: bytes
    passes: bool


class Wire:
    """A socket between the program and its server, which cuts the first connection that comes to where it is told."""

    def __init__(self, folder: Path, behind: str) -> None:
        self.cut: Cut | None = None
        self.cuts = 0
        self._behind = behind
        self._turn = threading.Lock()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / NAME))
        self._door.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._behind)
                for way, one, other in ((ASKS, client, server), (ANSWERS, server, client)):
                    threading.Thread(target=self._pass_on, args=(way, one, other), daemon=True).start()

    def _pass_on(self, way: str, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := one.recv(1 << 16):
                cut = self._meets(way, said)
                if cut is None or cut.passes:
                    other.sendall(said)
                if cut is not None:
                    break
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _meets(self, way: str, said: bytes) -> Cut | None:
        with self._turn:
            cut = self.cut
            if cut is None or cut.way != way or cut.words not in said:
                return None
            self.cut, self.cuts = None, self.cuts + 1
            return cut


@pytest.fixture
def wire(server):
    """The same store by way of a wire that can be cut: `wire.server`."""
    behind = psycopg.conninfo.conninfo_to_dict(server.url.reveal())["host"]
    with tempfile.TemporaryDirectory() as folder:
        wire = Wire(Path(folder), f"{behind}/{NAME}")
        url = server.url.reveal().replace(quote(behind, safe=""), quote(folder, safe=""))
        wire.server = replace(server, url=Secret(url))
        with acting(server) as unit:
            unit.alerts.add(a_record("a1"))
        yield wire
        wire.close()


@pytest.fixture
async def database(wire):
    opened_ = await Database.open(wire.server)
    yield opened_
    await opened_.close()


def note(unit, name: str = "noted") -> str:
    """Store what would be there twice if it were stored twice."""
    unit.alerts.note(NOW, "a1", None, AlertState.ACCEPTED, None)
    return name


def noted(server) -> int:
    with asking(server) as unit:
        return unit.execute("SELECT count(*) FROM decision").fetchone()[0]


BEGINS = (
    Cut(ASKS, b"pg_advisory_xact_lock", passes=False),
    Cut(ASKS, b"pg_advisory_xact_lock", passes=True),
    Cut(ANSWERS, b"BEGIN\0", passes=False),
    Cut(ANSWERS, b"BEGIN\0", passes=True),
)
WRITES = (
    Cut(ASKS, b"INSERT INTO decision", passes=False),
    Cut(ASKS, b"INSERT INTO decision", passes=True),
    Cut(ASKS, b"COMMIT", passes=False),
)
COMMITS = (Cut(ASKS, b"COMMIT", passes=True), Cut(ANSWERS, b"COMMIT\0", passes=False))


def spelled(cut: Cut) -> str:
    return f"{'after' if cut.passes else 'before'}-{cut.words.decode().strip(chr(0))}-{cut.way}"


@pytest.mark.parametrize("cut", [*BEGINS, *WRITES, *COMMITS], ids=spelled)
async def test_a_transaction_whose_connection_is_cut_anywhere_is_carried_out_once(wire, database, cut):
    wire.cut = cut

    assert await database.write(note) == "noted"

    assert wire.cuts == 1
    assert noted(wire.server) == 1
    assert database.trouble is None


@pytest.mark.parametrize("cut", [*WRITES, *COMMITS], ids=spelled)
async def test_of_several_that_are_committed_together_each_is_carried_out_once(wire, database, cut):
    wire.cut = cut

    names = [f"note {number}" for number in range(5)]
    assert await asyncio.gather(*(database.write(lambda unit, n=name: note(unit, n)) for name in names)) == names

    assert wire.cuts == 1
    assert noted(wire.server) == 5


async def test_a_commit_that_is_lost_on_a_connection_that_has_committed_often_is_asked_for_as_well(wire, database):
    for _ in range(8):  # by now the statement is prepared, and its words aren't on the wire
        await database.write(note)
    wire.cut = Cut(ANSWERS, b"COMMIT\0", passes=False)

    await database.write(note)

    assert wire.cuts == 1
    assert noted(wire.server) == 9


async def test_the_question_for_a_commit_may_be_cut_as_well(wire, database):
    wire.cut = Cut(ANSWERS, b"COMMIT\0", passes=False)
    cut_again = threading.Event()
    meets = wire._meets

    def then_the_question(way: str, said: bytes) -> Cut | None:
        cut = meets(way, said)
        if cut is not None and not cut_again.is_set():
            cut_again.set()
            wire.cut = Cut(ASKS, b"FROM signed", passes=False)
        return cut

    wire._meets = then_the_question
    await database.write(note)

    assert wire.cuts == 2
    assert noted(wire.server) == 1


@pytest.mark.parametrize("cut", COMMITS, ids=spelled)
def test_a_command_whose_commit_is_cut_learns_that_it_is_stored(wire, cut):
    with acting(wire.server) as unit:
        wire.cut = cut
        note(unit)

    assert wire.cuts == 1
    assert noted(wire.server) == 1


def test_a_command_that_is_cut_before_its_commit_is_told_so_and_nothing_is_stored(wire):
    def command():
        with acting(wire.server) as unit:
            wire.cut = Cut(ASKS, b"COMMIT", passes=False)
            note(unit)

    with pytest.raises(StoreError):
        command()

    assert wire.cuts == 1
    assert noted(wire.server) == 0


async def test_a_question_that_is_cut_is_asked_again(wire, database):
    await database.write(note)
    for ask in (database.read, database.ask, database.ask_for_pages):
        wire.cut = Cut(ASKS, b"SELECT count", passes=True)
        assert await ask(lambda unit: unit.execute("SELECT count(*) FROM decision").fetchone()[0]) == 1
    assert wire.cuts == 3


@pytest.mark.parametrize("code", ["40001", "40P01"], ids=["serialization failure", "deadlock"])
@pytest.mark.once
async def test_what_the_server_asks_to_begin_again_is_begun_again(database, wire, code):
    tries = []

    def work(unit):
        note(unit)
        tries.append(code)
        if len(tries) < 3:
            unit.execute(f"DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END $$").fetchall()
        return "done"

    assert await database.write(work) == "done"
    assert len(tries) == 3
    assert noted(wire.server) == 1


async def test_who_stands_still_in_a_transaction_keeps_nobody_else_from_writing_for_long(wire, server, monkeypatch):
    monkeypatch.setattr(postgresql, "LONGEST_LOCK", 0.2)
    with opened(wire.server) as still:
        still.begin()
        still.execute("SELECT 1").fetchall()

        with acting(server) as unit:
            note(unit)

        with pytest.raises(DatabaseRefused) as refused:
            still.execute("SELECT 1").fetchall()
    assert type(refused.value).__name__ == "Lost"
    assert noted(server) == 1


# --- a server that goes, as a whole


@pytest.fixture(scope="module")
def own_server():
    """A server of these tests' own, which keeps what it was told, and lets few in."""
    if find_binaries() is None:
        pytest.skip(MISSING)
    beneath = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))
    with PostgreSQL(durable=True, beneath=beneath, settings={"max_connections": "12"}) as server:
        yield server


@pytest.fixture
def store(own_server, tmp_path):
    url = own_server.url(_migrated)
    store = a_server(url, tmp_path)
    with acting(store) as unit:
        unit.alerts.add(a_record("a1"))
    yield store
    own_server.drop(url)


async def until(what) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 the database's thread tells nobody
            await asyncio.sleep(0.005)


async def test_a_server_that_is_down_is_waited_for_and_told(own_server, store):
    database = await Database.open(store)
    await database.write(note)
    own_server.stop_hard()
    waiting = asyncio.create_task(database.write(note))
    await until(lambda: database.trouble)
    told = database.trouble
    await asyncio.to_thread(own_server.start)

    assert await waiting == "noted"
    assert database.trouble is None
    assert "No such file or directory" in told or "refused" in told
    assert noted(store) == 2
    await database.close()


async def test_a_server_that_hangs_is_told_as_what_it_is_and_its_connection_is_made_anew(
    own_server, store, monkeypatch
):
    monkeypatch.setattr(reaching, "ANSWERS", 0.5)
    database = await Database.open(store)
    await database.write(note)
    with own_server.hanging():
        waiting = asyncio.create_task(database.write(note))
        await until(lambda: database.trouble)
        told = database.trouble

    assert told == "the server gives no answer (0.5 s)"
    with contextlib.suppress(DatabaseRefused):
        await waiting
    assert await database.write(note) == "noted"
    assert database.trouble is None
    await database.close()


async def test_a_server_that_fails_over_is_asked_for_one_that_writes(own_server, store):
    url = store.url.reveal()
    writes = replace(store, url=Secret(f"{url}{'&' if '?' in url else '?'}target_session_attrs=read-write"))
    database = await Database.open(writes)

    assert await database.write(note) == "noted"
    assert await database.read(lambda unit: len(unit.alerts.by_id("a1"))) == 1
    with pytest.raises(DatabaseRefused):
        await database.read(note)
    await database.close()


async def test_a_server_that_is_killed_before_it_wrote_anything_of_a_transaction_gets_it_once_more(own_server, store):
    database, tries = await Database.open(store), []

    def work(unit):
        note(unit)
        tries.append(True)
        if len(tries) == 1:
            own_server.stop_hard()
            own_server.start()
        return "done"

    assert await database.write(work) == "done"
    assert noted(store) == 1
    await database.close()


async def test_nothing_is_lost_or_doubled_while_a_server_is_killed_under_commits(own_server, store):
    databases = [await Database.open(store) for _ in range(2)]
    answered, over = [0], asyncio.Event()

    async def go_on(database: Database) -> None:
        while not over.is_set():
            with contextlib.suppress(DatabaseRefused):
                await database.write(note)
                answered[0] += 1

    workers = [asyncio.create_task(go_on(database)) for database in databases for _ in range(3)]
    for _ in range(3):
        before = answered[0]
        await until(lambda before=before: answered[0] > before + 20)
        await asyncio.to_thread(own_server.stop_hard)
        await asyncio.to_thread(own_server.start)
    before = answered[0]
    await until(lambda: answered[0] > before + 20)
    over.set()
    await asyncio.gather(*workers)

    assert noted(store) == answered[0]
    assert [database.trouble for database in databases] == [None, None]
    for database in databases:
        await database.close()


async def test_a_server_that_lets_nobody_more_in_is_waited_for_and_told(store):
    others = []
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            others.append(psycopg.connect(store.url.reveal()))
    database = await Database.open(store)
    waiting = asyncio.create_task(database.write(note))
    await until(lambda: database.trouble)
    told = database.trouble
    others.pop().close()

    assert await waiting == "noted"
    assert "too many clients" in told
    for other in others:
        other.close()
    assert noted(store) == 1
    await database.close()


# --- a stranger within the server


async def test_a_table_that_a_stranger_locks_is_told_whether_one_or_many_wait_for_it(server, monkeypatch):
    monkeypatch.setattr(postgresql, "LONGEST_LOCK", 0.1)
    with acting(server) as unit:
        unit.alerts.add(a_record("a1"))
    database = await Database.open(server)
    with psycopg.connect(server.url.reveal()) as stranger:
        stranger.execute(f'LOCK TABLE "{server.schema}".decision IN ACCESS EXCLUSIVE MODE')
        for together in (1, 5):
            database.trouble = None
            writing = [asyncio.create_task(database.write(note)) for _ in range(together)]
            await until(lambda: database.trouble)
            assert not any(each.done() for each in writing) or together == 1, "it is told before the last has waited"
            refused = await asyncio.gather(*writing, return_exceptions=True)
            assert [type(each).__mro__[1] for each in refused] == [DatabaseRefused] * together
            assert database.trouble is not None, together
    assert await database.write(note) == "noted"
    assert database.trouble is None
    assert noted(server) == 1
    await database.close()
