"""A database is migrated once for all tests of a process; each test's own begins as a copy of it."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from alerts.store import migrate


@pytest.fixture(scope="session", autouse=True)
def a_migrated_database_is_copied(tmp_path_factory):
    """Alembic takes 40 ms of each new database, a copy one; what upgrades an older one runs as it does outside."""
    upgrade, template = migrate._upgrade, None

    def copied(path) -> None:
        nonlocal template
        with contextlib.closing(sqlite3.connect(path)) as own:
            empty = own.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        if not empty:
            upgrade(path)
            return
        if template is None:
            made = tmp_path_factory.mktemp("migrated") / "tocsin.db"
            upgrade(made)
            template = made
        with contextlib.closing(sqlite3.connect(template)) as source, contextlib.closing(sqlite3.connect(path)) as own:
            source.backup(own)

    migrate._upgrade = copied
    yield
    migrate._upgrade = upgrade
