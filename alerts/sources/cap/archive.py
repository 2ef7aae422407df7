"""A ZIP of CAP messages, a snapshot of what is on (the German weather service publishes one), read within bounds."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because

MAX_MEMBERS = 5000
MAX_MEMBER_BYTES = 8 * 1_048_576
MAX_TOTAL_BYTES = 96 * 1_048_576


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive, unpacked; or why it couldn't be."""

    key: str
    body: bytes | None = None
    problem: Reason | None = None


def members(
    archive: bytes,
    *,
    max_members: int = MAX_MEMBERS,
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Iterator[Member]:
    """The XML files of the ZIP in `archive`; a damaged or oversized one is a Member with a problem.

    Raises Unreadable for what is no ZIP, has more than `max_members` files or unpacks to more than `max_total_bytes`.
    """
    try:
        file = zipfile.ZipFile(io.BytesIO(archive))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable(because("zip_unread", said=error)) from None
    with file:
        listed = [entry for entry in file.infolist() if entry.filename.lower().endswith((".xml", ".cap"))]
        if len(listed) > max_members:
            raise Unreadable(because("zip_many", count=len(listed), most=max_members))
        total = 0
        for entry in listed:
            member = _read(file, entry, max_member_bytes)
            total += len(member.body or b"")
            if total > max_total_bytes:
                raise Unreadable(because("zip_too_large", most=max_total_bytes // 1_048_576))
            yield member


def _read(file: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> Member:
    # the same name with other content is another version
    key = f"{entry.filename} {entry.CRC:08x}"
    name = entry.filename[:120]
    try:
        with file.open(entry) as stream:
            body = stream.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        return Member(key, problem=because("zip_member_damaged", name=name))
    if len(body) > limit:
        return Member(key, problem=because("zip_member_too_large", name=name, most=limit // 1_048_576))
    return Member(key, body=body)
