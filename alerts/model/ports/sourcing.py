"""What a source is given, and what it hands on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from alerts.model.alert import Alert, Named
from alerts.model.ports.time import Clock
from alerts.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Heard:
    """One entry of a feed: an alert, or why it could not be read.

    `key` names the entry within its source for as long as it is the same version of it (an index entry's URL and
    `updated`, an occurrence's announcement): a key that was stored is never handed on again. `notes` are what the
    lenient reader forgave. `leave_out` is a reason of the feed's own why this alert is none ("green: no warning").
    `hold` is one why an officer looks at it before it goes out, whatever the source's `publish` is.
    """

    key: str
    alert: Alert | None = None
    problem: Reason | None = None
    leave_out: Reason | None = None
    hold: Reason | None = None
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a source remembers between readings; stored in the same transaction as what it heard.

    `etag`, `last_modified` and `digest` serve conditional requests; `state` is the source's own (JSON-able).
    """

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a source brought: new entries, the memory to keep, and when to look again at the latest.

    `trouble` is why it wasn't read whole: an index that answers while its messages don't is a source that fails.
    """

    heard: Sequence[Heard]
    memory: Memory
    look_again: datetime | None = None
    unchanged: bool = False
    trouble: Reason | None = None


Known = Callable[[Sequence[str]], Awaitable[set[str]]]


class Source(Protocol):
    """One feed. Raises SourceFailed when it can't be read; a broken entry is a Heard with a problem."""

    async def read(self, memory: Memory, known: Known, now: datetime) -> Reading:
        """Look once. `await known(keys)` tells which of `keys` were stored before: they are not told again."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source is given by the composition root: the session of the process, the clock, and whose town it is.

    `session` is an aiohttp.ClientSession (typed loosely, for the vocabulary knows no library); `folder` is where
    channels.toml stands, `zone` is for times that tell none, `sender` is the CAP sender of our own alerts and
    `geocodes` stand for the whole of the town.
    """

    session: Any
    clock: Clock
    folder: Path
    zone: ZoneInfo
    language: str
    station: str
    sender: str
    geocodes: tuple[Named, ...] = ()
