"""The seal of a schema: the SHA-256 of a random key in its town's folder, as a comment on its table of versions.

Whoever writes a town's `channels.toml` may name any schema that its role reaches, and an administrator runs commands on
that file. The key is one thing that such a file can't name: it lies in `var`, and no link leads to it. Rows are copied
to other stores, the comment isn't. A fleet seals what it claims; a station alone has no key, and no seal.
"""

from __future__ import annotations

import contextlib
import os
import stat
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from alerts.model.reason import because
from alerts.model.town import Server
from alerts.store.files import StoreError, sync


class _Executes(Protocol):
    """A connection to a server, the driver's own or a session's."""

    def execute(self, statement: Any, values: Any = ..., /) -> Any: ...


_SEALED = "tocsin: "
_FOUND = (
    "SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'alembic_version' AND n.nspname = %s"
)
_LENGTH = 64


def must_be_own(db: _Executes, server: Server) -> bool:
    """Raise StoreError if the schema is sealed with another key than the folder's. Returns True if it is sealed.

    It is one statement, which reads the catalogue alone.
    """
    row = db.execute(_FOUND, (server.schema,)).fetchone()
    seal = row[0] if row is not None else None
    if not isinstance(seal, str) or not seal.startswith(_SEALED):
        return False
    if seal != _seal_of(server):
        raise StoreError(because("store_not_own", path=server.name, file=key_of(server)))
    return True


def seal(db: _Executes, server: Server) -> None:
    """Seal the schema with the folder's key, which is made where there is none. Raises StoreError.

    In a transaction that writes: of several that seal at once, the others find the first one's.
    """
    if must_be_own(db, server):
        return
    if _seal_of(server) is None:
        try:
            _make_key(key_of(server))
        except OSError as error:
            raise StoreError(because("database_unopened", path=key_of(server), said=error)) from error
    own = _seal_of(server)
    if own is None:
        raise StoreError(because("store_not_own", path=server.name, file=key_of(server)))
    db.execute(f"COMMENT ON TABLE \"{server.schema}\".alembic_version IS '{own}'")


def key_of(server: Server) -> Path:
    """Return the key's file, among the local files of the store."""
    return server.beside.with_name(f"{server.beside.name}.key")


def _seal_of(server: Server) -> str | None:
    """The seal by the folder's key; None where there is none. A link is none: it would lead to another town's."""
    path = key_of(server)
    with contextlib.ExitStack() as files:
        try:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            files.callback(os.close, folder)
            key = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            files.callback(os.close, key)
            found = os.read(key, _LENGTH + 1).strip() if stat.S_ISREG(os.fstat(key).st_mode) else b""
        except OSError:
            return None
    return f"{_SEALED}{sha256(found).hexdigest()}" if len(found) == _LENGTH else None


def _make_key(path: Path) -> None:
    """Whole, under its name, and on the disk before the schema demands it; one that is there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as key:
            key.write(f"{token_hex(_LENGTH // 2)}\n")
            key.flush()
            os.fsync(key.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)
