"""A real store for each test, in a file and on a server, and what to put into it."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.alert import Alert, Info, Severity
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import Means, Message, Post, PostKind, PostState, priority_of
from alerts.store.alerts import AlertRepository
from alerts.store.connection import opened
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.store.outbox import Outbox
from alerts.store.unit import transaction
from tests.unit.leases import take

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=6)


def pytest_generate_tests(metafunc):
    """What holds of the store is tried on both; what a test asks of `path` is a file's alone."""
    if "place" in metafunc.fixturenames:
        is_file = "path" in metafunc.fixturenames or metafunc.definition.get_closest_marker("file")
        metafunc.parametrize("engine", ["file"] if is_file else ["file", "server"])


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "tocsin.db"
    migrate(file)
    return file


@pytest.fixture
def place(engine, request):
    if engine == "file":
        return request.getfixturevalue("path")
    return request.getfixturevalue("server")


@pytest.fixture
async def database(place):
    opened = await Database.open(place)
    yield opened
    await opened.close()


@pytest.fixture
def outbox(database):
    return Outbox(database)


@pytest.fixture
async def lease(database):
    [taken] = await take(database, ["x"], "us", NOW, NOW + timedelta(hours=24))
    return taken


class Shelf:
    """Puts alerts and posts into the store."""

    def __init__(self, db) -> None:
        self._db = db
        self._count = itertools.count(1)

    @contextmanager
    def alerts(self):
        with transaction(self._db):
            yield AlertRepository(self._db)

    def alert(self, identity: str | None = None, **changes) -> StoredAlert:
        number = next(self._count)
        identity = identity or f"a{number}"
        stored = a_record(identity, **changes)
        with self.alerts() as alerts:
            alerts.add(stored)
        return stored

    def post(self, stored: StoredAlert | None = None, **changes) -> Post:
        stored = stored or self.alert()
        post = a_post(f"p{next(self._count)}", stored, **changes)
        with self.alerts() as alerts:
            alerts.add_post(post)
        return self.again(post)

    def again(self, post: Post) -> Post:
        """The post as it stands now."""
        [found] = AlertRepository(self._db).post_by_id(post.id)
        return found

    def stored(self, identity: str) -> StoredAlert:
        [found] = AlertRepository(self._db).by_id(identity)
        return found

    def move(self, post: Post, state: PostState) -> None:
        """Put a post into any state, whatever the rules: a test's beginning."""
        with transaction(self._db):
            self._db.execute("UPDATE post SET state = ? WHERE id = ?", (state, post.id))

    def rows(self, sql: str) -> list[dict]:
        return [dict(row) for row in self._db.execute(sql)]

    def close(self) -> None:
        self._db.close()


@pytest.fixture
def shelf(place):
    with opened(place) as db:
        yield Shelf(db)


def a_record(identity: str, *, incident: str | None = None, identifier: str | None = None, **changes) -> StoredAlert:
    info = Info("Wind", severity=Severity.MODERATE, headline="Strong wind", expires=LATER)
    alert = Alert(identifier or f"urn-{identity}", "meteo@example", NOW, infos=(info,))
    stored = StoredAlert(identity, incident or f"i-{identity}", "meteo", alert, AlertState.ACCEPTED, NOW)
    return replace(stored, **changes)


def a_post(identity: str, stored: StoredAlert, **changes) -> Post:
    severity = changes.get("severity", Severity.MODERATE)
    post = Post(
        id=identity,
        alert_id=stored.id,
        incident_id=stored.incident_id,
        channel="x",
        kind=PostKind.PUBLISH,
        means=Means.NEW,
        state=PostState.QUEUED,
        priority=priority_of(severity, stored.alert.urgency),
        message=Message("Strong <b>wind</b>", "Strong wind", link="https://example.org/1"),
        severity=severity,
        stored_at=NOW,
        expires=LATER,
    )
    return replace(post, **changes)
