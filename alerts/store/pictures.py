"""Pictures that officers attach to their alerts: copies, named by their content, in a folder next to the database.

The validated picture is the one published: nobody changes the file of a stored picture. If the store is a server and
several machines work on it, it has a copy of each (`SharedPictures`), and a machine that lacks a file makes it anew;
the folder has the same path on all of them.

An officer's location must not be published. The stored file is therefore never the given one but the picture drawn anew
from its decoded pixels, upright, in the same format: whatever else a camera wrote (place, device, time, words,
thumbnails, further pictures, a film behind it) is dropped, wherever in the file it is. A file that no decoder opens is
refused: nothing is stored unseen.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from alerts.model.alert import Alert, Resource
from alerts.store.dialect import is_sqlite
from alerts.store.files import sync
from alerts.store.statement import Statement, UnitPart, stamp, upsert_into

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.store.dialect import Connection

_ENDINGS: Mapping[str, str] = MappingProxyType({"image/jpeg": "jpg", "image/png": "png"})
# The SHA-256 of the content: no other file of the folder can be named.
PICTURE_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)")


def picture_folder(database: Path) -> Path:
    """Return the folder of that database's pictures."""
    return database.with_name(f"{database.name}.pictures")


def keep_picture(folder: Path, data: bytes, kind: str) -> str:
    """Store a picture (image/jpeg or image/png); returns its name. It is on the disk when this returns.

    The same picture is stored once, without the camera's metadata (`bare`, in a process of its own).
    """
    # Few commands keep a picture, and only they pay for Pillow and for having it read apart.
    from alerts.store.bare import bare  # noqa: PLC0415

    return keep_drawing(folder, bare.in_subprocess(data), kind)


def keep_drawing(folder: Path, data: bytes, kind: str) -> str:
    """Store a picture that this program drew, as `keep_picture` does; it has no metadata to remove."""
    name = f"{hashlib.sha256(data).hexdigest()}.{_ENDINGS[kind]}"
    if not (folder / name).is_file():
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write(folder / name, data)
    return name


def kept_picture(folder: Path, name: str) -> Path | None:
    """Return the file of a stored picture. Returns None for any other name."""
    file = folder / name
    return file if PICTURE_NAME.fullmatch(name) and file.is_file() else None


def pictures_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of all pictures of that folder."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        if kept_picture(folder, file.name):
            yield file.name, file.read_bytes()


def make_picture(file: Path, data: bytes) -> None:
    """Write the file of a picture stored elsewhere; it is on the disk when this returns. An existing file stays."""
    if not file.is_file():
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write(file, data)


def with_kept_pictures(alert: Alert, folder: Path) -> Alert:
    """Return the alert with copies of its pictures on this machine. An unreadable one keeps its given name."""
    infos = (replace(info, resources=tuple(_kept(each, folder) for each in info.resources)) for info in alert.infos)
    return replace(alert, infos=tuple(infos))


def _kept(resource: Resource, folder: Path) -> Resource:
    address = urlsplit(resource.uri or "")
    if address.scheme != "file" or address.netloc or resource.mime_type not in _ENDINGS:
        return resource
    file = Path(unquote(address.path))
    if file.resolve().parent == folder.resolve() and kept_picture(folder, file.name):
        return resource  # an update names the copy of before: drawn once more it would be another one
    try:
        data = file.read_bytes()
    except OSError:
        return resource
    name = keep_picture(folder, data, resource.mime_type)
    return replace(resource, uri=(folder.resolve() / name).as_uri())


def _write(file: Path, data: bytes) -> None:
    """Write the file whole or not at all, even if the power fails or another process writes the same one."""
    part = file.with_name(f"{file.name}.{secrets.token_hex(8)}.part")
    with part.open("xb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(file)
    # A new name is on the disk only once its folder is synced.
    sync(file.parent)


_HAS = Statement("SELECT name FROM picture WHERE name = :name")
_PUT = upsert_into("picture", "name")
_GET = Statement("SELECT data FROM picture WHERE name = :name")

# By the day's attempts of these channels, which an index has: of their posts there are years.
_TRIED_WITH = Statement("""
    SELECT post.id FROM attempt JOIN post ON post.id = attempt.post_id
    WHERE attempt.channel IN (SELECT value FROM items(:channels)) AND attempt.counts IN (TRUE, FALSE)
    AND attempt.left_at > :since AND post.image LIKE '%/' || :name LIMIT 1
""")


def tried_with(db: Connection, name: str, channels: Sequence[str], since: datetime) -> bool:
    """True if one of these channels tried to send a post with the picture of that name since then."""
    values = {"name": name, "channels": json.dumps([*channels]), "since": stamp(since)}
    return _TRIED_WITH.row(db, **values) is not None


class SharedPictures(UnitPart):
    """The pictures that a database server has for all machines. A store in a file has its folder instead."""

    def share(self, path: str) -> None:
        """Copy this file to the server unless it has it. If the file isn't here, another machine has copied it."""
        file = Path(path)
        if is_sqlite(self._db) or not PICTURE_NAME.fullmatch(file.name) or not file.is_file():
            return
        if _HAS.row(self._db, name=file.name) is None:
            _PUT.run(self._db, name=file.name, data=file.read_bytes())

    def get(self, name: str) -> bytes | None:
        """Return the picture of that name. Returns None if there is none."""
        row = _GET.row(self._db, name=name)
        return bytes(row["data"]) if row is not None else None
