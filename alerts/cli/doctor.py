"""`tocsin doctor`: how this machine and this station stand, on one page that may be sent to whoever helps.

It has what `check --live` says, and of the machine what that doesn't look at. Addresses are cut to their host, and
people's to their domain; no secret, text or name of a citizen is read for it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import resource
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import typer

from alerts import version
from alerts.cli import screen
from alerts.cli.screen import tell
from alerts.model.errors import TocsinError
from alerts.model.town import Town

_OLD = 36 * 3600
_SOON = 21
_ROOM = 500_000_000
"""Seconds after which a nightly copy is missing, days before a certificate's end, and bytes that a disk should have."""
_UNSYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): nobody sets the kernel's clock."""

Line = tuple[bool, str, str]
"""Whether it is well, of what, and how it stands."""


def doctor(context: typer.Context) -> int:
    """Tell how machine and station stand, without a secret, to be sent to somebody who helps."""
    import asyncio

    from alerts.health.checkup import check_at_rest, check_live

    town: Town = context.obj.load(writes=False)
    screen.show(f"tocsin {version()}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    lines = [*_machine(town), *_copies(town), *_certificate(town)]
    checks = [f"{'ok  ' if good else 'FAIL'}  {what}: {said}" for good, what, said in lines]
    findings = [*check_at_rest(town), *asyncio.run(check_live(town))]
    for line in [*checks, *map(str, findings)]:
        screen.show(discreet(line))
    return 0 if all(good for good, *_ in lines) and all(each.good for each in findings) else 1


def discreet(line: str) -> str:
    """A line without what an address may have of a secret or of a person."""
    line = re.sub(r"(\w+://)(?:[^/@\s]*@)?([^/?#\s]+)[/?#][^\s,;)]*", r"\1\2/…", line)
    return re.sub(r"[\w.+-]+@(?=[\w-]+\.)", "…@", line)


def _machine(town: Town) -> Iterator[Line]:
    from importlib.metadata import version as installed

    from alerts.store.files import SQLITE

    made = f"Python {platform.python_version()}, SQLite {SQLITE}, {platform.libc_ver()[1]}, {platform.release()}"
    yield True, tell("program"), f"{made} {platform.machine()}"
    packages = ("aiohttp", "cryptography", "tzdata", "python-telegram-bot", "tweepy")
    yield True, tell("packages"), ", ".join(f"{each} {installed(each)}" for each in packages)
    # struct timex has 208 bytes on 64 bits; with `modes` 0 it is only read.
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(256))
    kept = state != _UNSYNCHRONISED
    yield (
        kept,
        tell("clock"),
        tell("kept by a time server") if kept else tell("set by nobody: install systemd-timesyncd"),
    )
    yield True, tell("time zone"), f"{town.zone}, {datetime.now(town.zone):%H:%M %z}"
    # The town's folder may not exist yet.
    folder = next(each for each in (town.beside, *town.beside.absolute().parents) if each.is_dir())
    free = shutil.disk_usage(folder).free
    yield free > _ROOM, tell("disk"), tell("%(mb)s MB are free in %(path)s", mb=free // 1_000_000, path=folder)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    yield most >= 1024, tell("open files"), tell("%(n)s allowed", n=most)
    yield True, tell("load"), " ".join(f"{each:.1f}" for each in os.getloadavg()) + f" / {os.cpu_count()}"


def _copies(town: Town) -> Iterator[Line]:
    """The newest copy: how old it is, and that it can be put back, tried beside the database."""
    from alerts.store.connection import migrate, sound

    if not isinstance(town.database, Path):
        return
    found = sorted((town.database.parent / "backups").glob("*.db"), key=lambda each: each.stat().st_mtime)
    if not found:
        yield (
            False,
            tell("copies"),
            tell("none in %(path)s: enable tocsin-backup.timer", path=town.database.parent / "backups"),
        )
        return
    newest, age = found[-1], time.time() - found[-1].stat().st_mtime
    hours = tell("%(n)s, the newest of %(hours)s hours ago", n=len(found), hours=int(age // 3600))
    yield age < _OLD, tell("copies"), hours
    with tempfile.TemporaryDirectory() as folder:
        # A copy of it, since upgrading writes.
        tried = Path(folder) / "tried.db"
        try:
            shutil.copy(newest, tried)
            migrate(tried)
            yield True, tell("restore"), tell("the newest copy is whole, at %(version)s", version=sound(tried))
        except (TocsinError, OSError) as error:
            yield (
                False,
                tell("restore"),
                f"{newest.name}: {screen.why(error.reason) if isinstance(error, TocsinError) else error}",
            )


def _certificate(town: Town) -> Iterator[Line]:
    import ssl

    address = urlsplit(town.public_url or "")
    if address.scheme != "https" or not address.hostname:
        return
    what = tell("certificate")
    try:
        with (
            socket.create_connection((address.hostname, address.port or 443), timeout=10) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=address.hostname) as safe,
        ):
            ends = str((safe.getpeercert() or {}).get("notAfter"))
    except OSError as error:
        yield False, what, f"{address.hostname}: {error}"
        return
    days = int((ssl.cert_time_to_seconds(ends) - time.time()) // 86400)
    yield days > _SOON, what, tell("%(host)s, for %(days)s days more", host=address.hostname, days=days)
