"""Leases of workers: one daemon at a time, on one machine or on twenty, by rows in the database.

A `LeaseKeeper` renews all leases of its process in one transaction, in which it also registers its daemon and takes the
free ones due to it (`share.choose`, pure). In between it only reads, as long as it lacks anything: so the leases of a
dead daemon are taken within the rest of their term and a moment. A lease that another daemon asks for is handed over
once its worker has come to rest: a `LeasedWorker` notifies the worker of the request, and the worker reports when it
has nothing under way any more.

Within the process a lease lasts by the monotonic clock; between processes by the wall's, which each transaction that
writes under a lease checks, together with its number. If the two disagree, nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.delivery.share import Choice, LeaseGroup, choose
from alerts.delivery.worker import LATE, Work
from alerts.model.lease import Lease, Ownership, RunningDaemon
from alerts.model.ports import Clock
from alerts.store.database import Database
from alerts.store.leases import Renewal, Take

TERM = timedelta(seconds=5)
"""How long a lease lasts: a daemon that comes after a killed one sends within this and a second."""
RENEWED = 0.3
"""Of the term: after so much of it leases are renewed, and what was given back for somebody is anybody's."""
TRIED = 0.1
"""The part of the term between a daemon's checks for free leases."""
LONGEST_TERM = timedelta(seconds=30)
"""On a machine so busy that a renewal takes longer than a term, a lease lasts for four renewals, but no longer."""
_RENEWALS = 4
_EARLY = 0.001
"""Seconds that a sleep may be shorter than it was asked for, by how floating point adds up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _OwnLease:
    lease: Lease
    until: float  # monotonic
    term: int


class Leases:
    """The leases in the database, each step in a transaction of its own. Every write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, now: datetime, term: timedelta) -> Ownership:
        """Return the owners of all leases, without writing anything."""
        return await self._database.read(lambda unit: unit.leases.ownership(now, term))

    async def renew(self, renewal: Renewal, now: datetime, choose: Callable[[Ownership], Take]) -> Ownership:
        """Register, renew, give up and take, in one transaction; returns who holds what after it."""
        return await self._database.write(lambda unit: unit.leases.renew(renewal, now, choose))

    async def retire(self, owner: str, names: Iterable[str], now: datetime) -> None:
        """Strike this daemon off, and end these of its leases; it goes on with the rest."""
        await self._database.write(lambda unit: unit.leases.retire(owner, names, now))

    async def give_back(self, owner: str, now: datetime) -> None:
        """End all that this daemon holds, and strike it off."""
        await self._database.write(lambda unit: unit.leases.give_back(owner, now))

    async def release_dead(self, beginning: str, now: datetime) -> None:
        """End all that daemons of such names hold, and strike them off: they are known to be dead."""
        await self._database.write(lambda unit: unit.leases.release_dead(beginning, now))


class LeasedWorker:
    """One worker's share in the lease of its name (a lane, a bulk's sender, a bot's listener)."""

    def __init__(self, keeper: LeaseKeeper, name: str, wake: Callable[[], None]) -> None:
        self._keeper = keeper
        self._wake = wake
        self.name = name
        self.at_rest = False

    @property
    def lease(self) -> Lease | None:
        """The lease while it lasts and this worker may use it; None: it must not begin anything."""
        return None if self.at_rest else self._keeper.lease_of(self.name)

    @property
    def is_asked(self) -> bool:
        """True if another daemon is to have it: the worker finishes its sends under way, and releases it."""
        return not self.at_rest and self._keeper.is_asked(self.name)

    @property
    def is_overdue(self) -> bool:
        """True if that was requested so long ago that nothing more may begin."""
        return not self.at_rest and self._keeper.is_asked(self.name, for_long=True)

    @property
    def is_elsewhere(self) -> bool:
        """True if another daemon had the lease at the last reading: then watching it is that one's duty."""
        return self._keeper.is_elsewhere(self.name)

    async def wait(self) -> Lease:
        """Return once this process holds the lease."""
        while (lease := self.lease) is None:
            await self._keeper.next_change()
        return lease

    def lost(self, lease: Lease) -> None:
        """A transaction found that this lease isn't ours any more: hold it for lost until it is taken anew."""
        self._keeper.lost(lease)

    def let_go(self) -> None:
        """Nothing is under way any more, and nothing will be begun until the lease is taken anew."""
        self.at_rest = True
        self._keeper.rested()

    def wake(self) -> None:
        """Wake the worker: it is asked, or has lost the lease."""
        self._wake()


class LeaseKeeper:
    """Takes, renews and hands over the leases of this process.

    Each lasts for `term`, and is renewed after a part of it (`renewed`): a longer one costs fewer transactions, and a
    dead daemon is replaced later. `taken` is called with each lease that becomes ours, and its previous one (None: it
    had no owner). `stalled` names the cycles that are stalled here, for the daemon that watches all.
    """

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        owner: str,
        groups: Iterable[LeaseGroup | str],
        term: timedelta = TERM,
        *,
        renewed: float = RENEWED,
        host: str = "",
        version: str = "",
        taken: Callable[[str, Lease | None], None] = lambda *_: None,
        stalled: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._term = term
        self._renewed = renewed
        self._taken = taken
        self._stalled = stalled
        self._holdings = tuple(each if isinstance(each, LeaseGroup) else LeaseGroup("lane", (each,)) for each in groups)
        self._owned: dict[str, _OwnLease] = {}
        self._terms = 0
        self._holds: dict[str, list[LeasedWorker]] = {}
        self._asked: dict[LeaseGroup, float] = {}
        self._before = Ownership({}, {}, {})
        self._renew_at = clock.monotonic()
        self._took = timedelta()
        self._is_retired = False
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self.daemon = RunningDaemon(owner, host, clock.now(), clock.now(), version=version)
        """How this daemon is registered."""
        self.found: Ownership | None = None
        """The owners of leases at the last reading; None: not read yet."""

    @property
    def owner(self) -> str:
        """This process's own name."""
        return self.daemon.owner

    def tell(self, url: str) -> None:
        """Have the others know where this daemon answers, from the next renewal on."""
        self.daemon = replace(self.daemon, url=url)

    def join(self, name: str, wake: Callable[[], None]) -> LeasedWorker:
        """A worker's part in the lease `name`, which isn't handed over before it has let go.

        `wake` is called when it is asked to, and when the lease was lost.
        """
        hold = LeasedWorker(self, name, wake)
        self._holds.setdefault(name, []).append(hold)
        return hold

    def lease_of(self, lane: str) -> Lease | None:
        """The lane's lease while it lasts; None when it has run out or is somebody else's."""
        own = self._valid(lane)
        return own.lease if own else None

    def term_of(self, lane: str) -> int:
        """A number that changes whenever the lane was given up in between: others may have sent meanwhile."""
        own = self._valid(lane)
        return own.term if own else 0

    def is_elsewhere(self, lane: str) -> bool:
        """True if another daemon had the lease at the last reading: then watching it is that one's duty."""
        there = self.found.owned.get(lane) if self.found is not None else None
        return there is not None and there.owner != self.owner

    @property
    def has_others(self) -> bool:
        """True if other daemons run besides this one."""
        return self.found is not None and any(owner != self.owner for owner in self.found.daemons)

    def stalled_elsewhere(self) -> frozenset[str]:
        """The stalled cycles of other daemons, as they report them."""
        daemons = self.found.daemons.values() if self.found is not None else ()
        return frozenset(name for each in daemons if each.owner != self.owner for name in each.stalled)

    def is_asked(self, lane: str, *, for_long: bool = False) -> bool:
        """True if the lane is to be handed over, and those before it in its holding were released."""
        for group, since in self._asked.items():
            if lane in group.leases and self._next_to_rest(group) == lane:
                return not for_long or self._clock.monotonic() - since > self._term.total_seconds()
        return False

    def mark_lost(self, lane: str) -> None:
        """The journal took no attempt under this lease: hold it for lost until it is taken anew."""
        self._owned.pop(lane, None)
        self._hasten()

    def lost(self, lease: Lease) -> None:
        """A transaction found that this lease isn't ours any more; it may be another one by now that is."""
        own = self._owned.get(lease.lane)
        if own is not None and (own.lease.owner, own.lease.number) == (lease.owner, lease.number):
            self.mark_lost(lease.lane)

    def hold(self, name: str) -> LeasedWorker:
        """A worker's part in a lease that is handed over without waiting for it, as the shared duties are."""
        return LeasedWorker(self, name, lambda: None)

    async def next_change(self) -> None:
        """Wait until a lease was taken, or is kept that was to be handed over."""
        self._changed.clear()
        await self._changed.wait()

    def rested(self) -> None:
        """A worker has let go: the next one of its holding is asked, or all of it is given up."""
        for group in self._asked:
            if (name := self._next_to_rest(group)) is None:
                self._hasten()
            else:
                self._ask(name)

    @property
    def work(self) -> Work:
        """Return the loop that renews and finds free leases; if renewal fails, the leases run out, and lanes stall."""
        longest = self._term.total_seconds() * TRIED
        return Work("leases", self._keep, self._pause, woken=self._hurry, longest=longest, late=LATE)

    async def _keep(self) -> None:
        if self._is_due or await self._sees_work():
            await self._renew()
        self._hand_over()

    def _pause(self) -> float:
        lacks = any(self._mine(each) is None for each in self._holdings)
        return self._term.total_seconds() * (TRIED if lacks else self._renewed)

    async def retire(self, names: Iterable[str]) -> None:
        """Take nothing more, and give up these at once; the rest is renewed until `give_back`."""
        self._is_retired = True
        for name in names:
            self._owned.pop(name, None)
        await self._leases.retire(self.owner, tuple(names), self._clock.now())

    async def give_back(self) -> None:
        """End the leases, so that another daemon need not wait for their end."""
        # In memory first: a lane that asks meanwhile begins nothing more.
        self._owned = {}
        self._is_retired = True
        await self._leases.give_back(self.owner, self._clock.now())

    # --- one round ---------------------------------------------------------------------------------------------------

    @property
    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._renew_at - _EARLY

    @property
    def _lasts(self) -> timedelta:
        """For how long the next renewal is: one that took longer than its term would leave nobody with the lease."""
        return max(self._term, min(self._took * _RENEWALS, LONGEST_TERM))

    def _hasten(self) -> None:
        self._renew_at = self._clock.monotonic()
        self._hurry.set()

    async def _sees_work(self) -> bool:
        """Read without writing; returns True if there is a lease to take, or to ask for."""
        now = self._clock.now()
        self.found = found = await self._leases.look(now, self._term)
        choice = self._choose(found)
        return bool(choice.take) or _names(choice.wants) != self.daemon.wants

    async def _renew(self) -> None:
        # Measured before the database is asked: a slow answer shortens our own belief, never lengthens it.
        now, began = self._clock.now(), self._clock.monotonic()
        left = [each for each in self._asked if self._next_to_rest(each) is None]
        release = tuple(name for each in left for name in each.leases)
        self.daemon = replace(self.daemon, stalled=tuple(self._stalled()))
        lasts = self._lasts
        renewal = Renewal(self.daemon, lasts, release, registers=not self._is_retired)
        found = await self._leases.renew(renewal, now, self._take)
        # Half of what it took before is remembered: one quick renewal among slow ones changes little.
        self._took = max(timedelta(seconds=self._clock.monotonic() - began), self._took / 2)
        if self._is_retired and renewal.registers:
            return  # some were given up meanwhile
        if (registered := found.daemons.get(self.owner)) is not None:
            self.daemon = replace(self.daemon, wants=registered.wants)
        self._renew_at = began + lasts.total_seconds() * self._renewed
        for each in left:
            self._asked.pop(each, None)
        self._hold(found, began + lasts.total_seconds())

    def _take(self, found: Ownership) -> Take:
        """Within the transaction, so what was found is what is decided on."""
        self._before = found
        choice = self._choose(found)
        return Take(tuple(name for each in choice.take for name in each.leases), _names(choice.wants))

    def _choose(self, found: Ownership) -> Choice:
        if self._is_retired or self.owner not in found.daemons:
            return Choice((), (), ())
        return choose(self._holdings, found, self.owner, self._clock.now(), self._term * self._renewed)

    def _hold(self, found: Ownership, until: float) -> None:
        before, self.found = self._owned, found
        ours = {name: lease for name, lease in found.owned.items() if lease.owner == self.owner}
        # One with another number was given up and taken back at once, as where who had asked for it died: its workers
        # have let go of it, and are to begin anew.
        lasted = [
            name
            for name, own in before.items()
            if self._valid(name) and (name not in ours or ours[name].number == own.lease.number)
        ]
        # The term goes on only where the lease neither ran out nor was doubted while it was being renewed.
        self._owned = {name: _OwnLease(lease, until, self._number(lease)) for name, lease in ours.items()}
        for name in self._names():
            if name in ours and name not in lasted:
                self._begins(name)
            elif name in before and name not in ours:
                self._ends(name)

    def _begins(self, name: str) -> None:
        log.info("lease.taken", lease=name)
        for hold in self._holds.get(name, ()):
            hold.at_rest = False
        earlier = self._before.free.get(name)
        if earlier is not None or name not in self._before.owned:
            self._taken(name, earlier)
        self._changed.set()

    def _ends(self, name: str) -> None:
        log.info("lease.lost", lease=name)
        for hold in self._holds.get(name, ()):
            hold.wake()

    def _hand_over(self) -> None:
        """Ask for what another daemon is to have; what nobody wants any more is kept."""
        if self.found is None:
            return
        leave = self._choose(self.found).leave
        for each in [each for each in self._asked if each not in leave and self._next_to_rest(each) is not None]:
            del self._asked[each]
            for name in each.leases:
                for hold in self._holds.get(name, ()):
                    hold.at_rest = False
            self._changed.set()
        for each in leave:
            if each not in self._asked:
                self._asked[each] = self._clock.monotonic()
                self.rested()
            elif (asked := self._next_to_rest(each)) is not None:
                self._ask(asked)

    def _ask(self, name: str) -> None:
        for hold in self._holds[name]:
            hold.wake()

    def _next_to_rest(self, group: LeaseGroup) -> str | None:
        """Of a holding that is handed over: the first lease that somebody still works under; None: nobody does."""
        return next(
            (name for name in group.leases if any(not hold.at_rest for hold in self._holds.get(name, ()))), None
        )

    def _mine(self, group: LeaseGroup) -> LeaseGroup | None:
        return group if all(name in self._owned for name in group.leases) else None

    def _names(self) -> Iterator[str]:
        for each in self._holdings:
            yield from each.leases

    def _valid(self, lane: str) -> _OwnLease | None:
        # By our own clock, which nobody sets: a lease that the wall's clock still shows may have run out.
        own = self._owned.get(lane)
        return own if own is not None and own.until > self._clock.monotonic() else None

    def _number(self, lease: Lease) -> int:
        own = self._valid(lease.lane)
        if own is not None and own.lease.number == lease.number:
            return own.term
        self._terms += 1
        return self._terms


def _names(groups: Sequence[LeaseGroup]) -> frozenset[str]:
    return frozenset(name for each in groups for name in each.leases)
