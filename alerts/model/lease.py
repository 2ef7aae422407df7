"""Leases: which daemon of a database works a lane, a source, a bulk, a bot, or a shared duty.

One daemon holds a lease at a time. A lease has a *fencing number* that grows whenever the owner changes. Every write
under a lease names it with its number, so a daemon that was suspended and resumes can't write under a lease it lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DUTIES = "shared duties"
"""The lease of what is done once for all daemons: ends, notices, pruning. No channel's name holds a blank."""


def source_lease(name: str) -> str:
    """The lease of who polls a source."""
    return f"source {name}"


def ear_lease(name: str) -> str:
    """The lease of who listens on a channel, or to a feed."""
    return f"ear {name}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work `lane`, until `until`; `owner` is one process's own name, empty where it was given back.

    `number` is the fencing number, `since` when this owner took it. `term` is how long a lease lasts at most.
    """

    lane: str
    owner: str
    until: datetime
    number: int = 0
    since: datetime | None = field(default=None, compare=False)
    term: timedelta = field(default=timedelta(seconds=5), compare=False)


@dataclass(frozen=True, slots=True)
class RunningDaemon:
    """A daemon that works on the database, as it registers itself with each renewal of its leases.

    `wants` are leases of others that it asks for, since it has less than its share. `stalled` are the names of its
    stalled cycles.
    """

    owner: str
    host: str
    since: datetime
    until: datetime
    url: str = ""
    version: str = ""
    wants: frozenset[str] = frozenset()
    stalled: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name shown to people: the host and the process's number."""
        return name_of(self.owner)


def name_of(owner: str) -> str:
    """Return a daemon's name as shown to people: the owner's name without the unique suffix."""
    return owner.rsplit("-", 1)[0]


@dataclass(frozen=True, slots=True)
class Ownership:
    """All leases and daemons at one moment: those `owned`, those that are `free` as they ended, the living daemons."""

    owned: Mapping[str, Lease]
    free: Mapping[str, Lease]
    daemons: Mapping[str, RunningDaemon]


class LeaseLost(Exception):
    """Somebody else may hold `lease` by now: nothing was written."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(lease.lane)
        self.lease = lease
