"""Leases for tests that need one and no keeper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.delivery.lease import Leases
from alerts.model.lease import Lease, RunningDaemon
from alerts.store.database import Database
from alerts.store.leases import Renewal, Take


async def take(database: Database, names: Sequence[str], owner: str, now: datetime, until: datetime) -> list[Lease]:
    """Take or renew these as a daemon of that name does; those that another owner has are missing from the answer."""
    renewal = Renewal(RunningDaemon(owner, owner, now, now), until - now)
    found = await Leases(database).renew(renewal, now, lambda _: Take(tuple(names)))
    return [found.owned[name] for name in names if name in found.owned and found.owned[name].owner == owner]


async def ask_for(database: Database, name: str, now: datetime, owner: str = "older") -> None:
    """Have a daemon that runs for a day already, and so comes first, ask for this lease for a minute; it takes none."""
    since = now - timedelta(days=1)
    renewal = Renewal(RunningDaemon(owner, owner, since, since), timedelta(minutes=1))
    await Leases(database).renew(renewal, now, lambda _: Take((), frozenset({name})))
