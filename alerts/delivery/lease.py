"""Who works the lanes: one owner at a time, on one machine or on twenty, by leases in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from alerts.model.ports import Clock, Lease, Leases

TERM = timedelta(seconds=5)
"""How long a lease lasts: a daemon that comes after a killed one sends within this and a second."""
RENEWED_EVERY = 1.5

log = structlog.get_logger()


class LeaseKeeper:
    """Takes and renews the leases of all lanes of this process, in one transaction each time."""

    def __init__(self, leases: Leases, clock: Clock, owner: str, lanes: Sequence[str]) -> None:
        self._leases = leases
        self._clock = clock
        self._lanes = tuple(lanes)
        self._held: dict[str, Lease] = {}
        self._changed = asyncio.Event()
        self.owner = owner

    def lease_of(self, lane: str) -> Lease | None:
        """The lane's lease while it lasts; None when it has run out or is somebody else's."""
        held = self._held.get(lane)
        return held if held is not None and held.until > self._clock.now() else None

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
            await self._renew()
            await self._clock.sleep(RENEWED_EVERY)

    async def _renew(self) -> None:
        now = self._clock.now()
        try:
            taken = await self._leases.take(self._lanes, self.owner, now, now + TERM)
        except Exception as error:  # noqa: BLE001 the database's trouble must not end the keeper
            log.error("lease.not_renewed", error=str(error))  # noqa: TRY400 one line is enough at 3 a.m.
            return
        held = {lease.lane: lease for lease in taken}
        for lane in self._lanes:
            if (lane in held) != (lane in self._held):
                log.info("lease.taken" if lane in held else "lease.lost", channel=lane)
        self._held = held
        self._changed.set()

    async def give_back(self) -> None:
        """End the leases, so that another daemon need not wait for their end."""
        self._held = {}
        await self._leases.give_back(self.owner)
