"""Which daemon works a lane: one at a time, on one machine or on twenty, by leases in the database.

Within the process a lease lasts by the monotonic clock; between processes by the wall's, which the journal's own
transaction checks before every attempt. Where the two disagree, nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from alerts.model.delivery import Lease
from alerts.model.ports import Clock
from alerts.store.outbox import Leases

TERM = timedelta(seconds=5)
"""How long a lease lasts: a daemon that comes after a killed one sends within this and a second."""
RENEWED = 0.3
"""Of the term: after so much of it leases are renewed."""
TRIED = 0.1
"""Of the term: after so much of it a lane that somebody else holds is tried for again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _HeldLease:
    lease: Lease
    until: float  # monotonic
    term: int


class LeaseKeeper:
    """Takes and renews the leases of all lanes of this process, in one transaction each time.

    Each lasts for `term`: a longer one costs fewer transactions, and a daemon that died is replaced later.
    """

    def __init__(self, leases: Leases, clock: Clock, owner: str, lanes: Sequence[str], term: timedelta = TERM) -> None:
        self._leases = leases
        self._clock = clock
        self._term = term
        self._lanes = tuple(lanes)
        self._held: dict[str, _HeldLease] = {}
        self._terms = 0
        self._changed = asyncio.Event()
        self._doubted = asyncio.Event()
        self.owner = owner

    def lease_of(self, lane: str) -> Lease | None:
        """The lane's lease while it lasts; None when it has run out or is somebody else's."""
        held = self._lasting(lane)
        return held.lease if held else None

    def term_of(self, lane: str) -> int:
        """A number that changes whenever the lane was given up in between: others may have sent meanwhile."""
        held = self._lasting(lane)
        return held.term if held else 0

    def doubt(self, lane: str) -> None:
        """The journal took no attempt under this lease: hold it for lost until it is taken anew."""
        self._held.pop(lane, None)
        self._doubted.set()

    async def wait_for(self, lane: str) -> Lease:
        """Return once this process holds the lane."""
        while True:
            if held := self.lease_of(lane):
                return held
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """Keep renewing until cancelled. A renewal that fails lets the leases run out, and the lanes stand still."""
        while True:
            self._doubted.clear()
            await self._renew()
            all_held = all(lane in self._held for lane in self._lanes)
            pause = self._term * (RENEWED if all_held else TRIED)
            await first_of(self._doubted.wait(), self._clock.sleep(pause.total_seconds()))

    async def give_back(self) -> None:
        """End the leases, so that another daemon need not wait for their end."""
        # In memory first: a lane that asks meanwhile begins nothing more.
        self._held = {}
        await self._leases.give_back(self.owner)

    def _lasting(self, lane: str) -> _HeldLease | None:
        # By our own clock, which nobody sets: a lease that the wall's clock still shows may have run out.
        held = self._held.get(lane)
        return held if held is not None and held.until > self._clock.monotonic() else None

    async def _renew(self) -> None:
        # Measured before the database is asked: a slow answer shortens our own belief, never lengthens it.
        now, until = self._clock.now(), self._clock.monotonic() + self._term.total_seconds()
        before = dict(self._held)
        try:
            taken = await self._leases.take(self._lanes, self.owner, now, now + self._term)
        except Exception as error:  # noqa: BLE001 the database's trouble must not end the keeper
            log.error("lease.not_renewed", error=str(error))  # noqa: TRY400 one line is enough at 3 a.m.
            return
        # The term goes on only where the lease neither ran out nor was doubted while it was being renewed.
        held = {lease.lane: _HeldLease(lease, until, self._number(lease.lane)) for lease in taken}
        for lane in self._lanes:
            if (lane in held) != (lane in before):
                log.info("lease.taken" if lane in held else "lease.lost", channel=lane)
        self._held = held
        self._changed.set()

    def _number(self, lane: str) -> int:
        if lasting := self._lasting(lane):
            return lasting.term
        self._terms += 1
        return self._terms


async def first_of(*waits: Awaitable[object]) -> None:
    """Return when one of these is done; the others are cancelled. None of them may raise."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
