"""The unit of work: one transaction, with everything that is read and written in it, by subject.

Whoever acts gets one as `unit` and reaches the tables through its parts alone: `unit.alerts.by_id(…)`,
`unit.audit.write(…)`. All parts share the unit's connection, so what is read is what is decided on, and what is written
is committed or undone together. A part is made when it is first asked for: a lane's transaction needs one or two.

In a daemon units are handed out by `alerts.store.database`, which has threads for them. A command, which has none,
takes one by itself: `acting`, `rehearsing`, `asking`, `scratch_unit`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.errors import DatabaseRefused
from alerts.model.reason import because
from alerts.model.town import Server
from alerts.store.alerts import AlertRepository
from alerts.store.archive import Archive
from alerts.store.audience import AudienceRows
from alerts.store.audit import AuditLog
from alerts.store.connection import begin, commit, opened, rollback
from alerts.store.dispatches import Dispatches
from alerts.store.files import StoreError, blank
from alerts.store.jobs import Jobs
from alerts.store.leases import LeaseRows
from alerts.store.listening import Listening
from alerts.store.memory import SourceMemory
from alerts.store.monitor import Monitor
from alerts.store.people import Accounts, Drafts, Replies
from alerts.store.polls import Polls
from alerts.store.report_lists import ReportLists, ShownReports
from alerts.store.report_rows import ReportChats
from alerts.store.reports import Reports
from alerts.store.restoring import Restored
from alerts.store.statement import Written
from alerts.store.subscribers import OfficerChats, Subscribers
from alerts.store.views import Views

if TYPE_CHECKING:
    from alerts.store.dialect import Connection


class Unit:
    """One transaction. `db` and `execute` are for the store's own statements and for tests."""

    def __init__(self, db: Connection, written: Written | None = None) -> None:
        self.db = db
        self.written = written or Written()
        self.execute = db.execute

    @cached_property
    def alerts(self) -> AlertRepository:
        """Messages, the posts they came to and what was decided about them."""
        return AlertRepository(self.db, self.written)

    @cached_property
    def leases(self) -> LeaseRows:
        """The leases, and the daemons that run."""
        return LeaseRows(self.db)

    @cached_property
    def jobs(self) -> Jobs:
        """The journal of what is sent or done beside the posts."""
        return Jobs(self.db)

    @cached_property
    def views(self) -> Views:
        """The views for people: pages, programs, metrics, the public."""
        return Views(self.db)

    @cached_property
    def sources(self) -> SourceMemory:
        """The memory of each source, and the entries it gave."""
        return SourceMemory(self.db)

    @cached_property
    def accounts(self) -> Accounts:
        """Accounts, passkeys, sessions, tokens and sign-ins."""
        return Accounts(self.db)

    @cached_property
    def drafts(self) -> Drafts:
        """Officers' unfinished drafts."""
        return Drafts(self.db)

    @cached_property
    def dispatches(self) -> Dispatches:
        """Dispatches of operators to several towns of a fleet."""
        return Dispatches(self.db)

    @cached_property
    def listening(self) -> Listening:
        """People's remarks and their answers."""
        return Listening(self.db)

    @cached_property
    def replies(self) -> Replies:
        """The responses to programs under their own keys."""
        return Replies(self.db)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log of all acts: it only grows."""
        return AuditLog(self.db)

    @cached_property
    def subscribers(self) -> Subscribers:
        """Those who subscribed with a bot."""
        return Subscribers(self.db)

    @cached_property
    def audience(self) -> AudienceRows:
        """How many of those who subscribed chose what."""
        return AudienceRows(self.db)

    @cached_property
    def officer_chats(self) -> OfficerChats:
        """The private chats in which accounts are notified of waiting alerts."""
        return OfficerChats(self.db)

    @cached_property
    def monitor(self) -> Monitor:
        """The reads of the health rounds."""
        return Monitor(self.db)

    @cached_property
    def archive(self) -> Archive:
        """The pruned incidents."""
        return Archive(self.db)

    @cached_property
    def polls(self) -> Polls:
        """The town's polls and their votes."""
        return Polls(self.db)

    @cached_property
    def reports(self) -> Reports:
        """Citizens' reports on the map."""
        return Reports(self.db)

    @cached_property
    def report_lists(self) -> ReportLists:
        """The reports that the desk lists, counts and hands out as files."""
        return ReportLists(self.db)

    @cached_property
    def shown_reports(self) -> ShownReports:
        """The reports that everybody may see."""
        return ShownReports(self.db)

    @cached_property
    def report_chats(self) -> ReportChats:
        """The private chats in which people report."""
        return ReportChats(self.db)

    @cached_property
    def restored(self) -> Restored:
        """The restoring of this database, and the gap in its knowledge."""
        return Restored(self.db)


@contextmanager
def transaction(db: Connection, *, synced: bool = True) -> Iterator[Unit]:
    """A transaction in which nobody else writes, committed at the end, or undone when the block raises.

    `synced`: on PostgreSQL, whether the commit waits for the disk. At a file a setting of the connection says so.
    """
    begin(db, synced=synced)
    try:
        yield Unit(db)
        commit(db)
    except BaseException:
        # Where the connection was lost there is none any more: the database has undone it by itself.
        if db.in_transaction:
            rollback(db)
        raise


@contextmanager
def rehearsal(db: Connection) -> Iterator[Unit]:
    """A transaction that is always undone: what would come of it, and nothing stored."""
    begin(db)
    try:
        yield Unit(db)
    finally:
        rollback(db)


# For one command, in its own process, without any thread: the daemon may work on the same store meanwhile.


@contextmanager
def acting(place: Path | Server) -> Iterator[Unit]:
    """A unit on the store at `place` that is committed when the block ends, and undone when it raises."""
    with opened(place) as db, _translated_errors(), transaction(db) as unit:
        yield unit


@contextmanager
def rehearsing(place: Path | Server) -> Iterator[Unit]:
    """A unit on the store at `place` that is undone in any case."""
    with opened(place) as db, _translated_errors(), rehearsal(db) as unit:
        yield unit


@contextmanager
def asking(place: Path | Server) -> Iterator[Unit]:
    """Yield the store at `place` for reading, at its present state."""
    with opened(place) as db, _translated_errors():
        yield Unit(db)


@contextmanager
def scratch_unit() -> Iterator[Unit]:
    """A unit on a blank database in memory, which is thrown away."""
    with blank() as db, rehearsal(db) as unit:
        yield unit


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn the database's own errors into one line that says what to do."""
    try:
        yield
    except (sqlite3.Error, DatabaseRefused) as error:
        raise StoreError(because("database_refused", said=error)) from error
