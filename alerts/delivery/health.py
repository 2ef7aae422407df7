"""How a channel stands with its platform: ok, paused or without a credential; what it said of its own limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from alerts.delivery import retry
from alerts.delivery.limiter import quota_free_at
from alerts.model.delivery import ChannelStatus
from alerts.model.errors import BadCredential, DeliveryError, Duplicate, Gone, Rejected
from alerts.model.ports import Clock
from alerts.model.post import Quota
from alerts.model.reason import Reason, because
from alerts.store.outbox import ChannelStatuses

FAILURES_TOLD = 2
"""How many attempts in a row have to fail before the channel counts as failing: one may be the post's own fault."""

log = structlog.get_logger()


class ChannelHealth:
    """Believed in memory at once, so that the next post heeds it; written down when it matters after a restart."""

    def __init__(
        self, channel: str, reserve: int, statuses: ChannelStatuses, clock: Clock, chance: retry.Chance
    ) -> None:
        self._channel = channel
        self._reserve = reserve
        self._statuses = statuses
        self._clock = clock
        self._chance = chance
        self._status = ChannelStatus()
        self._written = ChannelStatus()
        self._refusals = 0
        self._failures = 0
        self._worked = False

    @property
    def blocked(self) -> bool:
        """Whether the credential has to be tried before anything is sent."""
        return self._status.state == "blocked"

    def trouble(self, now: datetime) -> Reason | None:
        """Why the channel isn't ok; None: it is."""
        status = self._status
        return (status.reason or because("lane_state", state=status.state)) if troubled(status, now) else None

    def paused_until(self, now: datetime) -> datetime | None:
        """Until when nothing at all may be sent; None: something may."""
        until = self._status.blocked_until
        return until if until is not None and until > now else None

    def quota_wait(self, now: datetime, *, urgent: bool, under_way: int) -> timedelta:
        """How long the platform's own limits hold the next post back."""
        quotas = self._status.quotas
        return quota_free_at(quotas, now, self._reserve, urgent=urgent, under_way=under_way) - now

    async def learn(self) -> None:
        """Read how it stood. A credential is tried at once: whoever restarts us may have renewed it."""
        self._written = await self._statuses.standing(self._channel)
        until = None if self._written.state == "blocked" else self._written.blocked_until
        self._status = replace(self._written, blocked_until=until)

    def meet(self, error: DeliveryError) -> None:
        """Let what one post met hold for all, where the platform said so."""
        status = retry.stands_after(error, self._status, self._clock.now(), self._refusals, self._chance)
        if status != self._status:
            self._refusals += 1
            self._change(status)

    def failed(self, error: DeliveryError) -> None:
        """One attempt failed: where the next fails too, or none has succeeded yet, the channel isn't ok any more.

        It stays so until the platform takes something. A refusal as a duplicate, or for a thread that is gone, is an
        answer of a platform that works.
        """
        if isinstance(error, Duplicate | Gone):
            return
        # A platform that refuses the very first post is set up wrongly: that needs no second one to be told.
        self._failures += FAILURES_TOLD if isinstance(error, Rejected) and not self._worked else 1
        told = self._failures >= FAILURES_TOLD
        if told and not self.blocked and self.paused_until(self._clock.now()) is None:
            self._change(replace(self._status, state="failing", reason=error.reason, blocked_until=None))

    def cannot_open(self, error: DeliveryError) -> None:
        """The channel could not be opened or its credential not be tried: pause, and try once more."""
        if isinstance(error, BadCredential):
            self.meet(error)
            return
        until = self._clock.now() + retry.PROBED_AFTER
        state = "blocked" if self.blocked else "failing"
        self._change(replace(self._status, state=state, reason=error.reason, blocked_until=until))

    def sent(self) -> None:
        """The platform took something: whatever was wrong is over, but for a pause that it has just asked for."""
        self._failures, self._worked = 0, True
        self._recover()

    def works(self) -> None:
        """It could be opened, or the credential is good: that proves nothing where what was tried failed."""
        if self._status.state == "blocked" or self._status.blocked_until is not None:
            self._recover()

    def _recover(self) -> None:
        if self._status.state == "ok" or self.paused_until(self._clock.now()) is not None:
            return
        self._refusals = 0
        self._change(replace(self._status, state="ok", reason=None, blocked_until=None))

    def hear(self, quotas: Sequence[Quota]) -> None:
        """Believe what the platform says of its limits; silence changes nothing."""
        if quotas:
            self._status = replace(self._status, quotas=tuple(quotas))

    async def write_down(self) -> None:
        """Keep it over a restart, unless the database refuses: then it is written with the next change."""
        durable = self._durable()
        if durable == self._written:
            return
        try:
            await self._statuses.stand(self._channel, durable)
        except Exception as error:  # noqa: BLE001 a full disk or a locked file must not end the attempt that met it
            log.error("standing.refused", channel=self._channel, error=str(error))  # noqa: TRY400 one line is enough
        else:
            self._written = durable

    def _durable(self) -> ChannelStatus:
        """Quotas are told with every answer: they are worth a write only where they hold something back."""
        tight = self.quota_wait(self._clock.now(), urgent=False, under_way=0) > timedelta()
        return self._status if tight else replace(self._status, quotas=())

    def _change(self, status: ChannelStatus) -> None:
        if status.state != self._status.state:
            why = str(status.reason or "")
            log.warning("channel.stands", channel=self._channel, state=status.state, reason=why)
        self._status = status


def troubled(status: ChannelStatus, now: datetime) -> bool:
    """Whether a channel isn't ok: its credential is refused, it was told to wait, or what it tries fails."""
    if status.state == "ok":
        return False
    return status.state == "blocked" or status.blocked_until is None or status.blocked_until > now
