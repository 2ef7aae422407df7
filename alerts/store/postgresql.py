"""A PostgreSQL server as the store: one schema for each town, connections that recover, and notifications.

A transaction that writes begins by taking the town's advisory lock (`pg_advisory_xact_lock`), so that of all processes
one writes at a time, as with a file: it decides on the state that it read, and numbers grow in the order of the
commits, on which threads, the audit log and readers of changes rely. Reading waits for nobody.

A lost connection is replaced. A read is repeated, and an uncommitted transaction is carried out again, by its caller
(`alerts.store.database`). If the connection is lost during a commit, the result is unknown. So each transaction signs:
it writes its number into the row of its connection (`signed`). The next owner of the town's lock knows that the
transaction has ended, and either finds its number there or doesn't. The server's own numbers (`pg_xact_status`) would
not do: a killed server reuses those that it hadn't written down.

Every daemon is notified of a write at once: triggers send NOTIFY, whichever program writes.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import psycopg
from psycopg import errors
from psycopg.rows import RowMaker

from alerts.model.errors import Busy, DatabaseRefused, Lost, Unstorable
from alerts.model.town import Server
from alerts.store.files import HEAD, LOCK_WAIT, StoreError
from alerts.store.reaching import answered_within, connected, conninfo, said, search_path
from alerts.store.seal import must_be_own

if TYPE_CHECKING:
    from alerts.model.ports import OnStored

LOOKS_AGAIN_AFTER = 0.25
"""Seconds between two tries to reach a server that doesn't answer."""
LONGEST_LOCK = 3.0
"""Seconds for which a process suspended in a transaction keeps others from writing.

That is less than the rest of a lease when it is renewed: a successor of a stopped daemon, or of a vanished machine,
therefore waits for no more than the lease.
"""
PREPARED = 500
"""Statements that a connection keeps prepared: all that there are."""
_SIGNED_FOR = 7 * 86_400_000_000
"""Microseconds for which the signature of a connection that isn't used any more is kept."""
CHANNEL = "tocsin"
"""The NOTIFY channel that reports writes to daemons."""
# The connection's name in pg_stat_activity.
_LISTENS = "tocsin listens"


class ServerRow(tuple[Any, ...]):
    """A row, by the names of its columns or by their numbers, as SQLite's is."""

    __slots__ = ()
    names: Mapping[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names[key] if isinstance(key, str) else key)

    def keys(self) -> Sequence[str]:
        """The names of the columns, in order."""
        return list(self.names)


@cache
def _rows_of(names: tuple[str, ...]) -> type[ServerRow]:
    return type("Row", (ServerRow,), {"__slots__": (), "names": {name: place for place, name in enumerate(names)}})


def _by_name(cursor: psycopg.Cursor[Any]) -> RowMaker[ServerRow]:
    return _rows_of(tuple(column.name for column in cursor.description or ()))


class ServerResult:
    """The result of a statement. In a transaction it was only sent, and its answer is awaited on first access.

    An unread answer therefore costs no round trip (libpq's pipeline); an error in it is raised at the next access, or
    by the commit.
    """

    __slots__ = ("_cursor", "_session")

    def __init__(self, session: ServerSession, cursor: psycopg.Cursor[ServerRow]) -> None:
        self._session = session
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        self._session.catch_up()
        return self._cursor.rowcount

    def fetchone(self) -> Any:
        """The next row, or None."""
        with self._session.translated_errors():
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """All rows."""
        with self._session.translated_errors():
            return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


# Rows of a long answer that are in memory at a time.
_WALKED_AT_ONCE = 500


class _Locked(DatabaseRefused):
    """Somebody else writes, and has for long."""


# Whose statement is answered and who doesn't go on: also between two statements of a pipeline, which the server's own
# `idle_in_transaction_session_timeout` doesn't see.
_SEND_AWAY = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND pg_locks.database = datid AND objsubid = 1
AND (classid::bigint << 32 | objid::bigint) = %s
AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => %s)
"""


class ServerSession:
    """A connection to the town's schema that is made on first use, and again when it was lost.

    `waits_for` is called with the reason of a wait, and with None at its end. `patience` is how long it waits for the
    server. A process that `tells` of its own writes gets no notification of them from the server.
    """

    telling: ClassVar[set[int]] = set()
    """The server processes of this process's connections that report their own writes."""

    def __init__(
        self,
        server: Server,
        *,
        readonly: bool = False,
        longest: float | None = None,
        patience: float = LOCK_WAIT,
        tells: bool = False,
        waits_for: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self.server = server
        self._patience = patience
        self._tells = tells
        self._readonly = readonly
        self._answered_within = answered_within(tells=tells, readonly=readonly, longest=longest)
        self._pid = 0
        self._waits_for = waits_for
        self._settings = {**search_path(server), "lock_timeout": f"{int(LONGEST_LOCK * 1000)}ms"}
        if longest is not None:
            self._settings["statement_timeout"] = f"{int(longest * 1000)}ms"
        self._db: psycopg.Connection[ServerRow] | None = None
        self._is_ready = False
        self._name = uuid4().hex
        self._number = 0
        self._walks = 0
        self._pipeline = contextlib.ExitStack()
        self._lines: psycopg.Pipeline | None = None
        self._lock = advisory_key(server)
        self._proven: set[Server] = set()
        self.in_transaction = False

    def execute(self, sql: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> ServerResult:
        """Run a statement. Raises DatabaseRefused: `Lost` where trying again may help."""
        if isinstance(values, Mapping):
            if any(isinstance(value, str) and "\0" in value for value in values.values()):
                # PostgreSQL keeps no NUL in a text: whoever reads it sees that something stood there.
                values = {k: v.replace("\0", "\ufffd") if isinstance(v, str) else v for k, v in values.items()}
        else:
            sql = sql.replace("?", "%s")
        if self.in_transaction:
            return ServerResult(self, self._sent(sql, values or None))
        with self.translated_errors():
            return ServerResult(self, self._reached().execute(sql, values or None))

    def _sent(self, sql: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> psycopg.Cursor[ServerRow]:
        """Send a statement in the transaction and return its cursor; the answer is read on demand."""
        if self._db is None:
            raise Lost("the connection was lost")
        with self.translated_errors():
            return self._db.execute(sql, values)

    def catch_up(self) -> None:
        """Wait for the answers to all that was sent."""
        if self._lines is not None and self._db is not None:
            with self.translated_errors():
                self._lines.sync()

    def turn_to(self, server: Server, waits_for: Callable[[str | None], None]) -> None:
        """Go on in another town's schema of the same database, outside of any transaction. Raises StoreError."""
        self._waits_for = waits_for
        if server == self.server:
            return
        self.server, self._lock = server, advisory_key(server)
        self._settings |= search_path(server)
        if self._db is not None and not self._db.closed:
            try:
                with contextlib.suppress(Lost), self.translated_errors():  # made anew, it is there by its settings
                    self._db.execute("SELECT set_config('search_path', %s, false)", (self._settings["search_path"],))
                    if server not in self._proven:
                        must_be_own(self._db, server)
                        self._proven.add(server)
            except BaseException:
                self.close()  # or the next statement would go to a schema that nobody proved
                raise

    def reach(self) -> None:
        """Connect, if that isn't done. Raises DatabaseRefused."""
        self._reached()

    def walk(self, sql: str, values: Mapping[str, Any]) -> Iterator[ServerRow]:
        """The rows of a question, some hundred at a time."""
        if self.in_transaction:
            yield from self._walked(sql, values)
            return
        db = self._reached()
        with self.translated_errors(), db.cursor(name="walk", withhold=True) as cursor:
            cursor.itersize = _WALKED_AT_ONCE
            yield from cursor.execute(sql, values)

    def _walked(self, sql: str, values: Mapping[str, Any]) -> Iterator[ServerRow]:
        """The same within a transaction, whose pipeline takes no cursor of the driver's; it ends with the cursor."""
        self._walks += 1
        name = f"walk_{self._walks}"
        self.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", values)
        while rows := self.execute(f"FETCH {_WALKED_AT_ONCE} FROM {name}").fetchall():
            yield from rows
        self.execute(f"CLOSE {name}")

    def begin(self, *, synced: bool = True) -> None:
        """Begin a transaction that writes, once nobody else does; `synced`: its commit waits for the disk."""
        ends = time.monotonic() + LOCK_WAIT
        while True:
            try:
                self._begin(synced=synced)
            except _Locked:
                self._send_away()
                if time.monotonic() > ends:
                    raise
            else:
                return

    def _begin(self, *, synced: bool) -> None:
        db = self._reached()
        ahead = "" if synced else "SET LOCAL synchronous_commit = off; "
        lock, sign = f"SELECT pg_advisory_xact_lock({self._lock})", self._signature()
        self.in_transaction = True
        try:
            with self.translated_errors():
                db.execute(f"BEGIN; {ahead}{lock}; {sign}")  # all in one message
                self._lines = self._pipeline.enter_context(db.pipeline())
        except BaseException:
            self.rollback()
            raise

    def _signature(self) -> str:
        """Return the SQL that records this transaction as committed, should it be."""
        is_first, now = not self._number, time.time_ns() // 1000
        # Growing even if the clock is set back.
        self._number = max(self._number + 1, now)
        forget = f"DELETE FROM signed WHERE number < {now - _SIGNED_FOR}; " if is_first else ""
        sign = f"INSERT INTO signed VALUES ('{self._name}', {self._number})"
        return f"{forget}{sign} ON CONFLICT (connection) DO UPDATE SET number = excluded.number"

    def _send_away(self) -> None:
        """End the connection of a lock owner that was idle for long: it was suspended, or has vanished."""
        with self.translated_errors():
            self._reached().execute(_SEND_AWAY, (self._lock, LONGEST_LOCK))

    def commit(self) -> None:
        """Commit.

        If the connection is lost, waits until the server says which way it went. Raises Lost if it did not commit.
        """
        try:
            with self.translated_errors():
                committed = self._sent("COMMIT")
                self._pipeline.close()
            if committed.statusmessage != "COMMIT":
                raise DatabaseRefused("the transaction failed before")
        except Lost:
            self.close()
            if not self._was_committed():
                raise
        self.in_transaction = False

    def rollback(self) -> None:
        """Undo; a connection that is lost has done so."""
        self.in_transaction = False
        with contextlib.suppress(psycopg.Error):
            self._pipeline.close()
        if self._db is not None:
            with contextlib.suppress(DatabaseRefused), self.translated_errors():
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; it is made anew where it is used again."""
        db, self._db, self.in_transaction = self._db, None, False
        if db is not None:
            self.telling.discard(self._pid)
            with contextlib.suppress(psycopg.Error):
                db.close()
            with contextlib.suppress(psycopg.Error):
                self._pipeline.close()

    def _was_committed(self) -> bool:
        """True if the newest transaction committed: asked for as long as it takes, since a guess could be wrong."""
        while True:
            try:
                db = self._reached()
                with self.translated_errors():
                    # Who gets the lock knows that the transaction, which had it, has ended.
                    db.execute(f"SELECT pg_advisory_xact_lock({self._lock})")
                    row = db.execute("SELECT number FROM signed WHERE connection = %s", (self._name,)).fetchone()
            except _Locked:
                with contextlib.suppress(DatabaseRefused):
                    self._send_away()
            except DatabaseRefused as error:
                self._waits_for(str(error))
                self.close()
                time.sleep(LOOKS_AGAIN_AFTER)
            else:
                self._waits_for(None)
                return row is not None and row["number"] == self._number

    def _reached(self) -> psycopg.Connection[ServerRow]:
        if self._db is not None and not self._db.closed:
            return self._db
        ends = time.monotonic() + self._patience
        while True:
            try:
                self._db = self._connected()
            except psycopg.OperationalError as error:
                self._waits_for(said(error))
                if time.monotonic() > ends:
                    raise DatabaseRefused(said(error)) from error
                time.sleep(LOOKS_AGAIN_AFTER)
            else:
                self._waits_for(None)
                return self._db

    def _connected(self) -> psycopg.Connection[ServerRow]:
        db = connected(self.server, "tocsin", self._settings, row_factory=_by_name)
        self._proven = {self.server}
        if not self._is_ready:
            self._make_ready(db)
        db.prepare_threshold, db.prepared_max = 3, PREPARED
        if self._answered_within is not None:
            db.answered_within = self._answered_within
            # By then another town may use it (`turn_to`), and another one waits.
            db.unanswered = lambda why: self._waits_for(why)  # noqa: PLW0108
        if self._readonly:
            # Not as a setting of the connection: libpq, asked for a server that writes, would take each for a copy.
            db.execute("SET default_transaction_read_only = on")
        if self._tells:
            self.telling.discard(self._pid)  # the number of one that was lost is soon another process's
            self._pid = db.info.backend_pid
            self.telling.add(self._pid)
        return db

    def _make_ready(self, db: psycopg.Connection[ServerRow]) -> None:
        """Have the schema be whole and of this version, once: what a daemon lost meanwhile isn't made anew, empty."""
        from alerts.store import server_schema  # noqa: PLC0415 it needs this module

        try:
            current = server_schema.version_of(db, self.server)
            if current is None or current < HEAD:
                server_schema.migrate(self.server)
        except StoreError:
            db.close()
            raise
        self._is_ready = True

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours: `Lost`, `Busy` or DatabaseRefused, without what somebody stored."""
        try:
            yield
        except (errors.SerializationFailure, errors.DeadlockDetected) as error:
            raise Lost(said(error)) from error
        except errors.LockNotAvailable as error:
            # Told at once: of many that are written together, each may have to wait as long.
            self._waits_for(said(error))
            raise _Locked(said(error)) from error
        except errors.QueryCanceled as error:
            raise Busy(said(error)) from error
        except psycopg.OperationalError as error:
            if self._is_over(error):
                self.close()
                raise Lost(said(error)) from error
            raise DatabaseRefused(said(error)) from error
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise Unstorable(type(error).__name__) from error
        except errors.RaiseException as error:
            raise DatabaseRefused(said(error)) from error
        except psycopg.Error as error:
            # Its words may hold what somebody stored.
            raise DatabaseRefused(type(error).__name__) from error

    def _is_over(self, error: psycopg.Error) -> bool:
        """True if the connection is lost: a server sends FATAL a moment before it hangs up."""
        hangs_up = error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
        return self._db is not None and (hangs_up or self._db.closed or self._db.broken)


def advisory_key(server: Server) -> int:
    """The number of the town's lock: advisory locks are the whole database's."""
    return int.from_bytes(sha256(f"tocsin {server.schema}".encode()).digest()[:8], signed=True)


# --- who wakes whom


class NotifyListener:
    """Receives notifications of any program's writes: one connection and one thread for all towns of a process.

    The writer sends NOTIFY in the same transaction, with the town's schema. This process's own daemons know their
    writes already. After a lost connection everybody is woken once, since a notification may have been missed.
    """

    _running: ClassVar[dict[str, NotifyListener]] = {}

    def __init__(self, server: Server) -> None:
        self._server = server
        self._heard: dict[str, list[OnStored]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store listener", daemon=True)

    @classmethod
    def subscribe(cls, server: Server, rung: OnStored) -> Callable[[], None]:
        """Call `rung`, in a thread, when something is stored in the town's schema; returns what ends that."""
        address = conninfo(server)
        listener = cls._running.get(address)
        if listener is None:
            listener = cls._running[address] = cls(server)
        listener.call(server.schema, rung)
        return partial(listener.call_no_more, server.schema, rung)

    def call(self, schema: str, rung: OnStored) -> None:
        """Call it from now on. The first one begins the thread, which calls everybody at its beginning, too."""
        with self._lock:
            self._heard.setdefault(schema, []).append(rung)
        if self._thread.ident is None:
            self._thread.start()

    def call_no_more(self, schema: str, rung: OnStored) -> None:
        """The last one ends the thread."""
        with self._lock:
            self._heard[schema].remove(rung)
            if any(self._heard.values()):
                return
        self._running.pop(conninfo(self._server), None)
        self._over.set()
        self._thread.join()

    @classmethod
    def hears(cls, server: Server) -> bool:
        """True if this process listens for writes to the town's schema."""
        listener = cls._running.get(conninfo(server))
        return listener is not None and listener.is_asked_for(server.schema)

    def is_asked_for(self, schema: str) -> bool:
        """True if a subscriber is called for writes to that schema."""
        return bool(self._heard.get(schema))

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with connected(self._server, _LISTENS, {}, proves=False) as db:  # it reads no schema
                    db.execute(f"LISTEN {CHANNEL}")
                    self._ring(None)
                    while not self._over.is_set():
                        for notice in db.notifies(timeout=0.5, stop_after=1):
                            if notice.pid not in ServerSession.telling:
                                self._ring(notice.payload)
            except psycopg.Error:
                self._over.wait(LOOKS_AGAIN_AFTER)

    def _ring(self, payload: str | None) -> None:
        schema, _, what = (payload or "").partition(" ")
        with self._lock:
            heard = [each for name, all_ in self._heard.items() if payload is None or schema == name for each in all_]
        for rung in heard:
            rung(is_stored=what != "seen")
