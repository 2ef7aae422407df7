"""Parsers of these tests: what a reading may do, and what it may not."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.apart.parser import parser
from alerts.model.alert import Severity
from alerts.model.errors import Misuse, Unreadable
from alerts.model.reason import Reason, because
from alerts.rendering.fit import at_words
from alerts.rendering.text import clean, french
from alerts.sources.cap.message import read_message


@dataclass(frozen=True, slots=True)
class Slip:
    """One of each kind of value."""

    text: str
    body: bytes
    at: datetime
    severity: Severity
    notes: tuple[Reason, ...] = ()
    place: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """`is_free` where its process may compute and keep as much as it ever may, while this is shaped."""

    is_free: bool = False

    def __post_init__(self) -> None:
        limits = map(resource.getrlimit, (resource.RLIMIT_CPU, resource.RLIMIT_AS))
        object.__setattr__(self, "is_free", all(soft == hard for soft, hard in limits))


@parser("probed", seconds=5)
def probed(probe: Probe) -> bool:
    return probe.is_free


@parser("slip", seconds=5)
def slip(body: bytes, zone: ZoneInfo, now: datetime) -> Slip:
    return Slip("é\ud800", body * 2, now.astimezone(zone), Severity.SEVERE, (because("merged", with_="a"),), (1.5, 2.0))


@parser("told", seconds=5, refuses=Misuse)
def told(body: bytes) -> str:
    raise Misuse(because("photo_too_large", size=1.5, most=10))


@parser("fault", seconds=5)
def fault(body: bytes) -> str:
    return body[0]["x"]


@parser("spins", seconds=0.1)
def spins(body: bytes) -> str:
    while True:
        pass


@parser("hoards", seconds=20, memory=256)
def hoards(body: bytes) -> str:
    return str(len(bytes(10**9)))


@parser("dies", seconds=5)
def dies(body: bytes) -> str:
    os._exit(7)


@parser("lies", seconds=5)
def lies(body: bytes) -> str:
    return 5


@parser("number", seconds=5)
def number(body: bytes) -> int:
    return os.getpid()


@parser("surroundings", seconds=5)
def surroundings(body: bytes) -> str:
    return " ".join(sorted(os.environ))


@parser("loaded", seconds=5)
def loaded(names: bytes) -> str:
    return " ".join(name for name in names.decode().split() if sys.modules.get(name))


@parser("folder", seconds=5)
def folder(body: bytes) -> str:
    return str(Path.cwd())


@parser("writes", seconds=5)
def writes(body: bytes) -> str:
    try:
        Path(body.decode()).write_bytes(b"x")
    except OSError as error:
        raise Unreadable(str(error.errno)) from None
    return "written"


@parser("naps", seconds=5)
def naps(body: bytes) -> str:
    time.sleep(0.3)
    return body.decode()


@parser("words", seconds=60)
def words(body: bytes) -> int:
    """How many milliseconds it computes on a stranger's words once they are read, twice over: a hundred or so."""
    began = time.process_time()
    for _ in range(2):
        said = french.__wrapped__(clean.__wrapped__(body.decode()))
        at_words(said, lambda part: len(part) < 200, markup=True)
    return round((time.process_time() - began) * 1000)


@parser("messages", seconds=8)
def messages(bodies: tuple[bytes, ...]) -> int:
    """How many of them were read or refused."""
    for body in bodies:
        with contextlib.suppress(Unreadable):
            read_message(body, zone=UTC, language="fr")
    return len(bodies)
