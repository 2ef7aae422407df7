"""Leases in the database: a row for each lease, and one for each daemon that runs.

A daemon lives while it renews its leases; one without leases renews its own row. A row of `lease` stays when its owner
releases it, because its number continues from there. A daemon of the version before knows no numbers: it takes a free
lease under its own name without changing the number, and deletes the rows that it releases. A new row's number is
therefore the time, in microseconds: it is higher than any that the lease had before.

The clock that leases are written and compared by is chosen in one place, `LeaseRows._time`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.model.lease import Lease, LeaseLost, Ownership, RunningDaemon
from alerts.store.statement import Statement, UnitPart, moment, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

FAR = timedelta(minutes=1)
"""A lease that reaches further ahead than this and its term is from before the clock was set back: it is over."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""How long the row of a daemon that runs no more is kept."""

HOLDS = "SELECT 1 FROM lease WHERE lane = :lane AND owner = :owner AND number = :number AND until > :now"
"""A row where this very lease is in force: asked by itself, and within the statement that claims a post."""
_HOLDS = Statement(HOLDS)
_LEASES = Statement("SELECT * FROM lease ORDER BY lane")
_DAEMONS = Statement("SELECT * FROM daemon ORDER BY since, owner")
_REGISTER = upsert_into("daemon", "owner")
_LEAVE = Statement("DELETE FROM daemon WHERE owner = :key")
_RENEW = Statement("UPDATE lease SET until = :until WHERE owner = :key AND number IS NOT NULL")
_RELEASE = Statement("UPDATE lease SET owner = '', until = :now WHERE owner = :key AND lane = :name")
_GIVE_BACK = Statement("UPDATE lease SET owner = '', until = :now WHERE owner = :key")
_END = Statement("UPDATE lease SET owner = '', until = :now WHERE owner LIKE :beginning || '%'")
_BURY = Statement("DELETE FROM daemon WHERE owner LIKE :beginning || '%'")
# One statement that says what is free, so that of two that ask at once one is told no.
_TAKE = Statement("""
    INSERT INTO lease (lane, owner, until, number, since) VALUES (:lane, :owner, :until, :number, :since)
    ON CONFLICT (lane) DO UPDATE SET
        owner = excluded.owner, until = excluded.until, since = excluded.since,
        number = greatest(excluded.number, coalesce(lease.number, 0) + 1)
    WHERE lease.owner = '' OR lease.until <= :now OR lease.until > :far
""")


@dataclass(frozen=True, slots=True)
class Renewal:
    """A daemon's registration, and the leases that it gives up. All that it keeps or takes lasts for `term`.

    One that is about to stop `registers` no more: nobody reckons with it, and it takes nothing.
    """

    daemon: RunningDaemon
    term: timedelta
    release: tuple[str, ...] = ()
    registers: bool = True


@dataclass(frozen=True, slots=True)
class Take:
    """The free leases that a daemon takes, and those it asks others for."""

    leases: tuple[str, ...] = ()
    wants: frozenset[str] = frozenset()


class LeaseRows(UnitPart):
    """The rows, in one transaction: what is read here is what is decided on."""

    def holds(self, lease: Lease, now: datetime) -> bool:
        """True if this very lease, with its number, is still in force."""
        values = {"lane": lease.lane, "owner": lease.owner, "number": lease.number}
        return _HOLDS.row(self._db, now=stamp(self._time(now)), **values) is not None

    def check(self, lease: Lease | None, now: datetime) -> None:
        """Before anything is written under a lease (None: under none). Raises LeaseLost, which undoes the rest."""
        if lease is not None and not self.holds(lease, now):
            raise LeaseLost(lease)

    def ownership(self, now: datetime, term: timedelta = timedelta(seconds=5)) -> Ownership:
        """All leases and all daemons that run."""
        return self._found(self._time(now), term)

    def _found(self, now: datetime, term: timedelta) -> Ownership:
        rows = [_lease_of(row, term) for row in _LEASES.rows(self._db)]
        owned = {each.lane: each for each in rows if each.owner and now < each.until <= now + term + FAR}
        renewed = {each.owner: each.until for each in owned.values()}
        rows_of_daemons = [_daemon_of(row) for row in _DAEMONS.rows(self._db)]
        daemons = [
            replace(each, until=max(each.until, renewed.get(each.owner, each.until))) for each in rows_of_daemons
        ]
        return Ownership(
            owned=owned,
            free={each.lane: each for each in rows if each.lane not in owned},
            daemons={each.owner: each for each in daemons if now < each.until <= now + term + FAR},
        )

    def renew(self, renewal: Renewal, now: datetime, choose: Callable[[Ownership], Take]) -> Ownership:
        """Register, renew what this daemon holds, give up what it leaves, and take what it chooses of what is free."""
        now = self._time(now)
        us, until = renewal.daemon, now + renewal.term
        for name in renewal.release:
            _RELEASE.run(self._db, name=name, key=us.owner, now=stamp(now))
        # What ran out and nobody took is still ours, under its number.
        _RENEW.run(self._db, key=us.owner, until=stamp(until))
        found = self._found(now, renewal.term)
        if not renewal.registers:
            return found
        if us.owner not in found.daemons:
            self._register(replace(us, until=until))
            found = self._found(now, renewal.term)
        take = choose(found)
        registered = replace(us, until=until, wants=take.wants)
        # Its leases tell that it lives, so the row is written only where it says something new, or there are none.
        is_registered = replace(found.daemons[us.owner], until=until) == registered
        if not is_registered or all(each.owner != us.owner for each in found.owned.values()):
            self._register(registered)
        if not take.leases:
            return replace(found, daemons={**found.daemons, us.owner: registered})
        self._take(take.leases, us.owner, now, renewal.term)
        found = self._found(now, renewal.term)
        for each in map(_daemon_of, _DAEMONS.rows(self._db)):  # seldom enough: whoever starts takes something
            if each.owner not in found.daemons and each.until < now - FORGOTTEN_AFTER:
                _LEAVE.run(self._db, key=each.owner)
        return found

    def retire(self, owner: str, names: Iterable[str], now: datetime) -> None:
        """Strike this daemon off, and end these of its leases."""
        for name in names:
            _RELEASE.run(self._db, name=name, key=owner, now=stamp(self._time(now)))
        _LEAVE.run(self._db, key=owner)

    def give_back(self, owner: str, now: datetime) -> None:
        """End all that this daemon holds, and strike it off."""
        _GIVE_BACK.run(self._db, key=owner, now=stamp(self._time(now)))
        _LEAVE.run(self._db, key=owner)

    def release_dead(self, beginning: str, now: datetime) -> None:
        """End all that daemons of such names hold, and strike them off: they are known to be dead."""
        _END.run(self._db, beginning=beginning, now=stamp(self._time(now)))
        _BURY.run(self._db, beginning=beginning)

    def _time(self, now: datetime) -> datetime:
        """The time by which leases are written and compared: the daemon's own. Two machines' clocks hardly differ."""
        return now

    def _take(self, names: Iterable[str], owner: str, now: datetime, term: timedelta) -> None:
        at, until = stamp(now), stamp(now + term)
        far = stamp(now + term + FAR)
        for name in names:
            _TAKE.run(self._db, lane=name, owner=owner, until=until, number=at, since=at, now=at, far=far)

    def _register(self, us: RunningDaemon) -> None:
        _REGISTER.run(
            self._db,
            owner=us.owner,
            host=us.host,
            since=stamp(us.since),
            until=stamp(us.until),
            url=us.url,
            version=us.version,
            wants=json.dumps(sorted(us.wants)),
            standing=json.dumps(us.stalled, ensure_ascii=False),
        )


def _lease_of(row: Row, term: timedelta) -> Lease:
    return Lease(row["lane"], row["owner"], moment(row["until"]), row["number"] or 0, time_of(row["since"]), term)


def _daemon_of(row: Row) -> RunningDaemon:
    return RunningDaemon(
        owner=row["owner"],
        host=row["host"],
        since=moment(row["since"]),
        until=moment(row["until"]),
        url=row["url"],
        version=row["version"],
        wants=frozenset(json.loads(row["wants"])),
        stalled=tuple(json.loads(row["standing"])),
    )
