"""A lane: one channel's posts, in order of priority, at the pace its platform allows.

Everything it decides is in `limiter` and `retry`; here it is acted on. An attempt is written down before it is made,
under a lease that is checked in the same transaction, and again after it was answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from alerts.delivery import retry
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import Pace, quota_free_at
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry
from alerts.model.ports import (
    Begun,
    Channel,
    Clock,
    Deletes,
    Edits,
    Finds,
    Lease,
    Outbox,
    Standing,
    Standings,
    Verdict,
)
from alerts.model.post import Means, Post, PostKind, Receipt

URGENT_EXTRA = 4
"""How many urgent posts may be under way beside a lane's full number: a hung routine send holds up none of them."""
CREDENTIAL_PROBED_AFTER = timedelta(seconds=30)
LONGEST_IDLE = timedelta(seconds=30)
FINISH_RETRIED_AFTER = 1.0
SETTLED_EVERY = timedelta(seconds=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """What a lane must know of its channel. `counts_every_write`: edits and deletes count against the windows too."""

    name: str
    pace: Pace
    concurrency: int = 4
    exercise: bool = False
    counts_every_write: bool = True


@dataclass(frozen=True, slots=True)
class LaneDesk:
    """What a lane works with: the outbox, how channels stand, the leases, the clock, chance, and who is told."""

    outbox: Outbox
    standings: Standings
    keeper: LeaseKeeper
    clock: Clock
    chance: retry.Chance
    told: Callable[[Post, Verdict, float], None]


class Lane:
    """Sends one channel's posts, as long as this process holds its lease."""

    def __init__(self, settings: LaneSettings, channel: Channel, desk: LaneDesk) -> None:
        self.settings = settings
        self._channel = channel
        self._desk = desk
        self._clock = desk.clock
        self._wake = asyncio.Event()
        self._lease: Lease | None = None
        self._departures: list[datetime] = []
        self._standing = Standing()
        self._sending: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._settle_at: datetime | None = None
        self._opened = False
        self._stopping = False
        self.cycled_at = desk.clock.monotonic()

    def wake(self) -> None:
        """Something was stored for this lane."""
        self._wake.set()

    @property
    def under_way(self) -> int:
        """How many attempts are being made now."""
        return len(self._sending)

    async def run(self) -> None:
        """Work until stopped. An error that nobody foresaw is logged and the lane goes on."""
        while not self._stopping:
            try:
                await self._cycle()
            except Exception:
                log.exception("lane.stumbled", channel=self.settings.name)
                await self._clock.sleep(1)

    async def stop(self, within: float) -> None:
        """Begin nothing more, and wait `within` seconds for what is under way; what isn't answered then is in doubt."""
        self._stopping = True
        self._wake.set()
        tasks = [*self._sending, *([self._looking] if self._looking else [])]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._opened:
            await self._channel.close()

    async def _cycle(self) -> None:
        self.cycled_at = self._clock.monotonic()
        lease = self._desk.keeper.lease_of(self.settings.name)
        if lease is None:
            self._lease = None
            await self._either(self._desk.keeper.wait_for(self.settings.name), self._clock.now() + LONGEST_IDLE)
            return
        if self._lease is None:
            await self._take_over(lease)
        self._lease = lease
        self._wake.clear()
        now = self._clock.now()
        if self._settle_at is None or now >= self._settle_at:
            await self._desk.outbox.settle(self.settings.name, now)
            self._settle_at = now + SETTLED_EVERY
        if await self._blocked(now):
            return
        await self._look(lease, now)
        if not await self._send_next(lease, now):
            await self._rest(now)

    async def _take_over(self, lease: Lease) -> None:
        """Learn from the journal what went on under earlier leases."""
        outbox, name, now = self._desk.outbox, self.settings.name, self._clock.now()
        doubtful = await outbox.recover(name, lease, now)
        self._departures = list(await outbox.pace(name, now - self.settings.pace.memory))
        self._standing = await self._desk.standings.standing(name)
        log.info("lane.taken", channel=name, in_doubt=doubtful, departures=len(self._departures))

    async def _blocked(self, now: datetime) -> bool:
        """Whether the channel can't be used now; probes a credential whose time has come."""
        until = self._standing.blocked_until
        if not self._opened and (until is None or until <= now):
            await self._try(self._open(), now)
            return True
        if until is not None and until > now:
            await self._rest(now, until)
            return True
        if self._standing.state == "blocked":
            await self._try(self._channel.probe(), now)
            return True
        return False

    async def _open(self) -> None:
        await self._channel.open()
        self._opened = True

    async def _try(self, probe: Awaitable[object], now: datetime) -> None:
        """Do what needs the credential: the lane is free if it works and blocked for a while if not."""
        try:
            await probe
        except DeliveryError as error:
            bad = isinstance(error, BadCredential)
            state = "blocked" if bad or self._standing.state == "blocked" else "failing"
            await self._stand(Standing(state, error.reason, now + CREDENTIAL_PROBED_AFTER))
        else:
            if self._standing != (free := replace(self._standing, state="ok", reason=None, blocked_until=None)):
                await self._stand(free)

    async def _stand(self, standing: Standing) -> None:
        if standing.state != self._standing.state:
            log.warning("channel.stands", channel=self.settings.name, state=standing.state, reason=standing.reason)
        self._standing = standing
        await self._desk.standings.stand(self.settings.name, standing)

    async def _look(self, lease: Lease, now: datetime) -> None:
        if self._looking is not None and not self._looking.done():
            return
        post = await self._desk.outbox.next_look(self.settings.name, now)
        if post is not None:
            self._looking = asyncio.create_task(self._look_for(post, lease))

    async def _send_next(self, lease: Lease, now: datetime) -> bool:
        """Begin the next post if one may leave; returns whether to look for another at once."""
        full = len(self._sending) >= self.settings.concurrency
        if len(self._sending) >= self.settings.concurrency + URGENT_EXTRA:
            return False
        post = await self._desk.outbox.next_due(self.settings.name, now, urgent_only=full)
        if post is None:
            return False
        free_at = self._free_at(post, now)
        if free_at > now:
            await self._rest(now, free_at)
            return True
        counts = self.settings.counts_every_write or post.means in (Means.NEW, Means.REPLY)
        begun = await self._desk.outbox.begin(post, lease, now, action="send", counts=counts)
        if begun is None:
            return self._desk.keeper.lease_of(self.settings.name) is not None
        left_at = self._clock.now()
        if counts:
            self._departures.append(left_at)
        self._spawn(self._attempt(post, begun, left_at))
        return True

    def _free_at(self, post: Post, now: datetime) -> datetime:
        pace = self.settings.pace
        self._departures = [time for time in self._departures if time > now - pace.memory]
        own = pace.free_at(self._departures, now, urgent=post.urgent)
        return max(own, quota_free_at(self._standing.quotas, now, pace.reserve, urgent=post.urgent))

    def _spawn(self, attempt: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(attempt)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        task.add_done_callback(lambda _: self._wake.set())

    async def _attempt(self, post: Post, begun: Begun, left_at: datetime) -> None:
        try:
            verdict = retry.sent(await self._send(post, begun))
        except DeliveryError as error:
            verdict = retry.judge(error, post, self._clock.now(), self._desk.chance)
            await self._believe(error)
        except Exception as error:
            log.exception("channel.stumbled", channel=post.channel, post=post.id, alert=post.alert_id)
            doubt = InDoubt(f"the channel stumbled: {type(error).__name__}")
            verdict = retry.judge(doubt, post, self._clock.now(), self._desk.chance)
        if not verdict.counts and left_at in self._departures:
            self._departures.remove(left_at)
        await self._finish(post, begun, verdict, left_at)
        await self._believe_quotas()

    async def _send(self, post: Post, begun: Begun) -> Receipt:
        if post.exercise is not self.settings.exercise:
            raise _wrong_channel(post)
        channel, parent = self._channel, begun.parent
        if parent is not None and post.means is Means.EDIT and isinstance(channel, Edits):
            return await channel.edit(parent.remote_id, post.message)
        if parent is not None and post.means is Means.DELETE and isinstance(channel, Deletes):
            await channel.delete(parent.remote_id)
            return parent
        answers = post.kind is not PostKind.PUBLISH and post.means is not Means.NEW
        return await channel.publish(post.message, reply_to=parent.remote_id if parent and answers else None)

    async def _look_for(self, post: Post, lease: Lease) -> None:
        begun = await self._desk.outbox.begin(post, lease, self._clock.now(), action="look", counts=False)
        if begun is None:
            return
        now = self._clock.now()
        try:
            verdict = await self._find(post, begun)
        except DeliveryError as error:
            verdict = retry.look_failed(error, post, self._clock.now(), self._desk.chance)
            await self._believe(error)
        except Exception as error:
            log.exception("channel.stumbled", channel=post.channel, post=post.id, alert=post.alert_id)
            doubt = Retry(f"the channel stumbled: {type(error).__name__}")
            verdict = retry.look_failed(doubt, post, self._clock.now(), self._desk.chance)
        await self._finish(post, begun, verdict, now)
        self._wake.set()

    async def _find(self, post: Post, begun: Begun) -> Verdict:
        if not isinstance(self._channel, Finds):
            return retry.cannot_look(post, "this channel can't be searched")
        since = (post.attempted_at or post.stored_at) - timedelta(seconds=1)
        known = await self._desk.outbox.known_ids(self.settings.name)
        receipt = await self._channel.find(post.message, since, begun.newest_known, known)
        return retry.found(receipt) if receipt else retry.not_found(post, self._clock.now())

    async def _finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime) -> None:
        """Write down what came of it, however long the database refuses: until then nothing else is believed."""
        while True:
            try:
                await self._desk.outbox.finish(post, begun, verdict, left_at, self._clock.now())
                break
            except Exception as error:  # noqa: BLE001 a full disk or a locked file: the answer must not be lost
                log.error("journal.refused", channel=post.channel, post=post.id, error=str(error))  # noqa: TRY400
                await self._clock.sleep(FINISH_RETRIED_AFTER)
        self._desk.told(post, verdict, (self._clock.now() - left_at).total_seconds())

    async def _believe(self, error: DeliveryError) -> None:
        """Let what one post met hold for the channel, where the platform said so."""
        now = self._clock.now()
        if isinstance(error, BadCredential):
            await self._stand(Standing("blocked", error.reason, now + CREDENTIAL_PROBED_AFTER, self._standing.quotas))
        elif isinstance(error, Retry) and error.whole_channel:
            until = error.after or now + retry.backoff(6, self._desk.chance)
            await self._stand(Standing("failing", error.reason, until, self._standing.quotas))

    async def _believe_quotas(self) -> None:
        """Keep what the platform says of its limits; on the disk only where it holds something back."""
        quotas, now = tuple(self._channel.quotas()), self._clock.now()
        if quotas == self._standing.quotas:
            return
        tight = quota_free_at(quotas, now, self.settings.pace.reserve, urgent=False) > now
        was_tight = quota_free_at(self._standing.quotas, now, self.settings.pace.reserve, urgent=False) > now
        if tight or was_tight:
            await self._stand(replace(self._standing, quotas=quotas))
        else:
            self._standing = replace(self._standing, quotas=quotas)

    async def _rest(self, now: datetime, until: datetime | None = None) -> None:
        """Nothing to do before `until`: wait for that, for the next time in the outbox, or to be woken."""
        if self._stopping:
            return
        due = await self._desk.outbox.next_time(self.settings.name, now)
        self._settle_at = min(time for time in (due, until, now + LONGEST_IDLE) if time is not None)
        await self._either(self._wake.wait(), self._settle_at)

    async def _either(self, event: Coroutine[Any, Any, Any], until: datetime) -> None:
        """Wait for `event` or for the time `until`; a lane that stops wakes it too."""
        seconds = (until - self._clock.now()).total_seconds()
        waiting = [asyncio.ensure_future(waited) for waited in (event, self._wake.wait(), self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


def _wrong_channel(post: Post) -> DeliveryError:
    if post.exercise:
        return Rejected("an exercise may not go on a live channel")
    return Rejected("a real alert may not go on an exercise channel")
