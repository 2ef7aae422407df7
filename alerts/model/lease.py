"""Leases: the right of one daemon of a database to work a lane, a source, an ear, a bulk, a bot, or the shared duties.

Only one daemon owns a lease at a time. A lease has a *fencing number* that grows whenever the owner changes. Every
write under a lease checks its owner and number, so a daemon that was suspended can't write under a lease it has lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DUTIES = "shared duties"
"""The lease of the tasks that one daemon does for all: ends, notices, pruning. No channel's name contains a blank."""


def source_lease(name: str) -> str:
    """Return the name of the lease under which a source is polled."""
    return f"source {name}"


def ear_lease(name: str) -> str:
    """Return the name of the lease under which the ear of a channel or a feed listens."""
    return f"ear {name}"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work `lane` until `until`; `owner` is the unique name of a process, empty after a release.

    `lane` may be the name of any leased task. `number` is the fencing number, `since` when this owner took the lease.
    `term` is the time for which a lease is taken or renewed.
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

    `wants` are the names of leases that it asks others for, since it has less than its share. `stalled` are the names
    of its stalled cycles.
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
        """Return the name shown to people: the host and the process's number."""
        return name_of(self.owner)


def name_of(owner: str) -> str:
    """Return a daemon's name as shown to people: the owner's name without the unique suffix."""
    return owner.rsplit("-", 1)[0]


@dataclass(frozen=True, slots=True)
class Ownership:
    """All leases at one moment, the `owned` ones and the `free` ones as they ended; and the running daemons."""

    owned: Mapping[str, Lease]
    free: Mapping[str, Lease]
    daemons: Mapping[str, RunningDaemon]


class LeaseLost(Exception):
    """Another daemon may own `lease` by now, so that nothing was written."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(lease.lane)
        self.lease = lease
