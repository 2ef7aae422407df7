"""How a PostgreSQL server is reached, by libpq's address and with a town's settings, and given up where it hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo

from alerts.model.town import Server
from alerts.store.address import without_schema
from alerts.store.seal import must_be_own

if TYPE_CHECKING:
    from psycopg.abc import PQGen

ANSWERS = 5.0
"""Seconds after which a silent server is reported and its connection replaced.

A writing statement waits for a lock for three of them at most.
"""
READ_WITHIN = 30.0
"""The same for what only reads, which may go through much."""


class ServerConnection(psycopg.Connection[Any]):
    """A connection that is given up where its server gives no answer for `answered_within` seconds; None: never.

    A server that was stopped, or whose disk stalls, goes on acknowledging what it gets: TCP and libpq notice nothing.
    """

    answered_within: float | None = None
    unanswered: Callable[[str | None], None] = staticmethod(lambda _: None)

    def wait(self, gen: PQGen[Any], *options: Any, **named: Any) -> Any:
        """Wait for an answer. Raises OperationalError once it took too long; the connection is closed then."""
        if self.answered_within is None:
            return super().wait(gen, *options, **named)
        return super().wait(self._bounded(gen, time.monotonic() + self.answered_within), *options, **named)

    def _bounded(self, gen: PQGen[Any], ends: float) -> PQGen[Any]:
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > ends:
                    message = f"the server gives no answer ({self.answered_within:g} s)"
                    self.unanswered(message)
                    self.pgconn.finish()
                    raise psycopg.OperationalError(message)
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def answered_within(*, tells: bool, readonly: bool, longest: float | None) -> float | None:
    """Of a daemon's connections; a command may take as long as it needs."""
    if tells:
        return ANSWERS
    return READ_WITHIN if readonly and longest is None else None if longest is None else longest + ANSWERS


def said(error: Exception) -> str:
    """The driver's words on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def connected(
    server: Server,
    name: str,
    settings: Mapping[str, str],
    *,
    autocommit: bool = True,
    proves: bool = True,
    **options: Any,
) -> ServerConnection:
    """A connection of its own, with these settings, which `proves` first that the schema is its folder's.

    Raises psycopg.OperationalError, and StoreError for another's schema.
    """
    spelled = " ".join(f"-c {key}={_escaped(value)}" for key, value in settings.items())
    db = ServerConnection.connect(
        conninfo(server),
        autocommit=True,
        application_name=name,
        options=spelled,
        connect_timeout=5,
        # Should the machine of the server vanish, that is noticed before the leases are long over.
        keepalives_idle=2,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5000,
        **options,
    )
    try:
        if proves:
            db.answered_within = ANSWERS
            must_be_own(db, server)
            db.answered_within = None
        db.autocommit = autocommit
    except BaseException:
        db.close()
        raise
    return db


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def search_path(server: Server) -> dict[str, str]:
    """The setting that resolves names in the town's schema."""
    return {"search_path": f'"{server.schema}", public'}


def conninfo(server: Server) -> str:
    """Return the address for libpq: without the schema, which is ours, and with the password, if it is separate."""
    address, _ = without_schema(server.url.reveal())
    password = {"password": server.password.reveal()} if server.password is not None else {}
    return make_conninfo(address, **password)
