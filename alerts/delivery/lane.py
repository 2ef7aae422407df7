"""A lane: one channel's posts, in order of priority, at the pace its platform allows.

All decisions are in `limiter` and `retry`; here they are carried out. An attempt is journalled before it is made, under
a lease that is checked in the same transaction; its outcome is journalled when the platform has answered.

A round (`_cycle`) has these steps: give the lane up if another daemon is to have it; learn from the journal if it was
just taken (`_learn`); once a second end expired posts (`_tidy`); open the channel, unless it is paused (`_get_ready`);
send the posts that may leave (`_send_next`); search the platform for those in doubt (`_look`); rest until something is
due, or is stored (`_rest`). Attempts run concurrently with the rounds (`attempt.py`), and each that ends wakes the
lane.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from alerts.delivery.attempt import Attempts, ChannelHealth, way_of
from alerts.delivery.lease import LeasedWorker, LeaseKeeper
from alerts.delivery.limiter import Departure, RateLimits, SendLog
from alerts.delivery.retry import Chance
from alerts.delivery.worker import LATE, Work, first_of
from alerts.model.delivery import Begun
from alerts.model.errors import BadCredential, DeliveryError, Rejected, Retry
from alerts.model.events import Events, PostsStored
from alerts.model.lease import Lease
from alerts.model.ports import (
    Channel,
    Clock,
    ClockReading,
    Deletes,
    Edits,
    Hides,
    Lists,
    Probe,
    ProbesAtHome,
    ProvesNothing,
)
from alerts.model.post import Means, Message, Post, PostKind, PostState, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.outbox import Due, Outbox

__all__ = ["LONGEST_IDLE", "URGENT_EXTRA", "Lane"]

URGENT_EXTRA = 4
"""Number of urgent posts that may be under way above a lane's limit: a hung routine send delays none of them."""
LONGEST_IDLE = timedelta(seconds=30)
"""After so long a lane checks by itself: the writer of a post may have been unable to notify it."""
TIDIED_EVERY = timedelta(seconds=1)
"""How often a busy lane ends expired posts and verifies those in doubt; an idle one does it when it is due."""
FAILURE_PAUSE = 1.0
"""Seconds until the next round after one that failed."""
CLOCK_WAS_SET = timedelta(seconds=1)
"""A wall clock that moved by so much more or less than the steady clock counts as set."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A post that may leave, and the place that is reserved for it in the windows until it does."""

    post: Post
    counts: bool
    place: Departure


class Lane:
    """Sends one channel's posts, as long as this process holds its lease."""

    def __init__(
        self,
        settings: ChannelConfig,
        channel: Channel,
        *,
        outbox: Outbox,
        statuses: ChannelStatuses,
        keeper: LeaseKeeper,
        clock: Clock,
        chance: Chance,
        events: Events,
        longest_idle: timedelta = LONGEST_IDLE,
    ) -> None:
        self.settings = settings
        self.longest_idle = longest_idle
        self._channel = channel
        self._outbox = outbox
        self._keeper = keeper
        self._clock = clock
        self._hold: LeasedWorker = keeper.join(settings.name, self.wake)
        self._pace = pace = RateLimits(settings.limits, settings.kept_back)
        self._health = ChannelHealth(settings.name, pace.reserve, statuses, clock, chance)
        self._departures = SendLog(pace, clock)
        self._attempts = Attempts(
            settings, channel, self._health, outbox=outbox, keeper=keeper, clock=clock, chance=chance, events=events
        )
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._sending: set[asyncio.Task[Any]] = set()
        self._looking: set[asyncio.Task[Any]] = set()
        # The term of its lease, and the setting of the clock, when it last learnt from the journal.
        self._term = 0
        self._clock_set_by = timedelta()
        # When this round began, and what the outbox has due later; None unless nothing is due now.
        self._round = ClockReading.now(clock)
        self._idle: Due | None = None
        # True while it begins attempts, after which it looks for more; and true if one of them has ended meanwhile.
        self._is_sending = self._has_ended = False
        self._tidy_at = self._round.wall
        self._opened = False
        events.subscribe(PostsStored, self._stored)

    def _stored(self, event: PostsStored) -> None:
        if event.concerns(self.settings.name):
            self.wake()

    def wake(self) -> None:
        """Wake the lane, for which something was stored."""
        self._wake.set()

    @property
    def trouble(self) -> Reason | None:
        """The reason why the channel isn't ok; None if it is."""
        return self._health.trouble(self._clock.now())

    @property
    def proves_nothing(self) -> bool:
        """True if a published post doesn't prove that the channel's credential works."""
        return isinstance(self._channel, ProvesNothing) and self._channel.proves_nothing

    @property
    def probes_at_home(self) -> bool:
        """True if a probe of the channel costs nothing."""
        return isinstance(self._channel, ProbesAtHome) and self._channel.probes_at_home

    @property
    def under_way(self) -> int:
        """How many attempts are being made now."""
        return len(self._sending)

    @property
    def work(self) -> Work:
        """The loop of rounds."""
        late = self.longest_idle.total_seconds() + LATE
        return Work(
            f"lane {self.settings.name}",
            self._go_round,
            hold=self._hold,
            longest=FAILURE_PAUSE,
            late=late,
            trouble=lambda: self.trouble,
            minds=True,
        )

    async def _go_round(self) -> None:
        if self._stopped.is_set():
            await asyncio.Event().wait()  # until it is cancelled: nothing more is begun
        self._at_rest.clear()
        try:
            await self._cycle()
        finally:
            self._at_rest.set()

    async def stop(self, within: float) -> None:
        """Begin nothing more, wait up to `within` seconds for what is under way, and close the channel.

        Attempts without an answer by then are in doubt.
        """
        self._stopped.set()
        self._wake.set()
        await first_of(self._all_done(), self._clock.sleep(within))
        # Cancelled without an outcome in the journal, these are in doubt: the next owner of the lane searches for them.
        left = [*self._sending, *self._looking]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._opened:
            await self._channel.close()

    async def probe(self) -> Probe | None:
        """Probe our credential on the platform. Returns None if the lane pauses or isn't ready.

        Its result stops no post: for a channel that probes at home a refusal is only noted. Raises DeliveryError.
        """
        pauses = self._health.blocked or self._health.paused_until(self._clock.now()) is not None
        if not self._opened or pauses:
            return None
        return await (self._probe_at_home() if self.probes_at_home else self._channel.probe())

    async def _probe_at_home(self) -> Probe:
        """Probe a channel whose refusals are known locally: a refusal also marks the channel as failing."""
        refused: Reason | None = None
        await self._health.recall_anew()
        try:
            return await self._channel.probe()
        except BadCredential as error:
            refused = error.reason
            raise
        finally:
            self._health.probed_at_home(refused)
            await self._health.write_down(self._keeper.lease_of(self.settings.name))

    async def send_unjournalled(self, message: Message) -> None:
        """Publish a warning that the database refuses writes: without journal or windows, and only on an open channel.

        Raises DeliveryError.
        """
        if self._opened:
            await self._channel.publish(message)

    async def moderate(self, act: str, remark: str, author: str | None) -> None:
        """Hide (`hide`) or delete (`delete`) a remark on the platform, or block its author (`block`).

        Raises DeliveryError: Retry where the lane can't ask now, Rejected where the channel can't do it at all.
        """
        channel = self._channel
        pauses = self._health.blocked or self._health.paused_until(self._clock.now()) is not None
        if not self._opened or pauses:
            raise Retry(self.trouble or because("lane_state", state="waiting"))
        if act == "delete" and isinstance(channel, Deletes):
            await channel.delete(remark)
        elif act == "hide" and isinstance(channel, Hides):
            await channel.hide(remark)
        elif act == "block" and isinstance(channel, Hides) and author is not None:
            await channel.block(author)
        else:
            raise Rejected(because("not_moderated_so", act=act, channel=self.settings.name))

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt] | None:
        """Return our posts on the platform since then. Returns None if they can't be listed, or not now.

        It changes nothing, so it may run even if another daemon works the lane. Raises DeliveryError.
        """
        if self._health.blocked or not isinstance(self._channel, Lists):
            return None
        if not self._opened:
            await self._channel.open()
            self._opened = True
        return await self._channel.listed(since, after)

    async def _all_done(self) -> None:
        await self._at_rest.wait()
        while under_way := {*self._sending, *self._looking}:
            await asyncio.wait(under_way)

    async def _cycle(self) -> None:
        if await self._is_handed_over():
            return
        lease = self._hold.lease
        if lease is None:
            idle = self._clock.sleep(self.longest_idle.total_seconds())
            await first_of(self._hold.wait(), self._stopped.wait(), idle)
            return
        # Cleared before the outbox is asked: what is stored while it answers wakes the lane again.
        self._wake.clear()
        await self._learn(lease)
        self._round, self._idle = ClockReading.now(self._clock), None
        now = self._round.wall
        tidies = now >= self._tidy_at
        if tidies:
            await self._tidy(lease, now)
        until = self._health.paused_until(now) or await self._get_ready(now)
        if until is None:
            # First send, then search: a post in doubt can wait a little, an emergency can't.
            until = await self._send_next(lease, now)
            # A search queries the database, so a busy lane makes one only as often as it tidies up.
            if tidies or until != now:
                await self._look(lease, now)
        if until != now:
            await self._rest(lease, now, until)

    async def _is_handed_over(self) -> bool:
        """Release the lane if another daemon is to have it and nothing is under way. Returns True if the round is over.

        While something is under way the lane goes on as usual, but only until the handover is overdue: then it begins
        nothing more, since under a constant load something would always be under way.
        """
        if not self._hold.is_asked:
            return False
        if self.under_way or self._looking:
            if self._hold.is_overdue:
                self._wake.clear()
                await first_of(self._wake.wait(), self._stopped.wait(), self._clock.sleep(FAILURE_PAUSE))
            return self._hold.is_overdue
        self._hold.let_go()
        return True

    async def _learn(self, lease: Lease) -> None:
        """Read doubts, health and departures from the journal if the lane was just taken, or if the clock was set."""
        name, term, set_by = self.settings.name, self._keeper.term_of(self.settings.name), self._departures.set_by
        was_set = abs(set_by - self._clock_set_by) > CLOCK_WAS_SET
        if term == self._term and not was_set:
            return
        if was_set:
            log.warning("clock.set", channel=name, seconds=(set_by - self._clock_set_by).total_seconds())
        doubtful = await self._outbox.mark_interrupted(name, lease, self._clock.now())
        await self._health.learn()
        since = self._clock.now() - self._pace.memory
        departed = self._departures.learn(await self._outbox.pace(name, since))
        log.info("lane.taken", channel=name, in_doubt=doubtful, departures=departed)
        self._term, self._clock_set_by, self._tidy_at = term, set_by, self._clock.now()

    async def _tidy(self, lease: Lease, now: datetime) -> int:
        self._tidy_at = now + TIDIED_EVERY
        return await self._outbox.settle(self.settings.name, lease, now)

    async def _get_ready(self, now: datetime) -> datetime | None:
        """Open the channel, or probe a blocked credential. Returns None if it is ready to send, else when to go on."""
        if self._opened and not self._health.blocked:
            return None
        try:
            if not self._opened:
                await self._channel.open()
                self._opened = True
            if self._health.blocked:
                await self._channel.probe()
        except DeliveryError as error:
            self._health.cannot_open(error)
        else:
            self._health.works()
        await self._health.write_down(self._keeper.lease_of(self.settings.name))
        return now

    async def _look(self, lease: Lease, now: datetime) -> None:
        """Begin the next verification, one at a time: the one after it needs its result."""
        if self._looking or self._stopped.is_set():
            return
        idle = self._idle
        post = idle.doubtful if idle is not None else await self._outbox.next_look(self.settings.name, now)
        if post is None:
            return
        begun = await self._outbox.begin(post, lease, self._clock.now(), action="look", counts=False)
        # The journal took nothing under this lease: somebody else may work the lane by now.
        if begun is None:
            self._keeper.mark_lost(self.settings.name)
            self._wake.set()
            return
        self._spawn(self._looking, self._attempts.look(post, begun))

    async def _send_next(self, lease: Lease, now: datetime) -> datetime | None:
        """Begin the next posts that may leave. Returns when to go on: `now`, a later time, or None once woken."""
        room = (1 if self._health.is_on_trial else self.settings.concurrency) - self.under_way
        if self._health.is_on_trial and room <= 0:
            return None
        # The room is negative if urgent posts are under way beyond the lane's number.
        if room <= -URGENT_EXTRA:
            return None
        most = max(room, 1)
        due = await self._outbox.next_due(self.settings.name, now, urgent_only=room <= 0, most=most)
        posts = due.posts
        if not posts:
            self._idle = due
        if not posts or self._stopped.is_set():
            return None
        leaving = self._let_through(posts)
        if not leaving:
            return self._round.later(self._clock) + self._wait_of(posts[0], counts=self._may_count(posts[0]))
        self._is_sending, self._has_ended = True, False
        try:
            # Begun together, they are journalled in one commit.
            begun = await asyncio.gather(*(self._begin(ticket, lease) for ticket in leaving))
            if not all(begun):
                self._keeper.mark_lost(self.settings.name)
            await asyncio.sleep(0)  # the requests first, then the next question to the outbox
            if len(posts) == most or len(leaving) < len(posts) or not all(begun):
                return now
            # There were fewer than were asked for: nothing else is due, except behind an attempt that has ended since.
            self._idle = await self._outbox.due_later(self.settings.name, now)
            return now if self._has_ended and self._idle.open else None
        finally:
            self._is_sending = False

    def _let_through(self, posts: Sequence[Post]) -> list[_Ticket]:
        """Return the first of the posts, as many as the windows let leave now, with their places reserved."""
        tickets: list[_Ticket] = []
        for post in posts:
            counts = self._may_count(post)
            if self._wait_of(post, counts=counts, before=len(tickets)) > timedelta():
                break
            tickets.append(_Ticket(post, counts, self._departures.add()))
        return tickets

    async def _begin(self, ticket: _Ticket, lease: Lease) -> bool:
        """Journal the attempt and make it. Returns False if the lease or the post is no longer ours to act on."""
        begun_at = self._clock.now()
        try:
            begun = await self._outbox.begin(ticket.post, lease, begun_at, action="send", counts=ticket.counts)
        finally:
            # The place was reserved during the transaction; `_set_off` takes one anew, with the journal's times.
            self._departures.forget(ticket.place)
        if begun is None:
            return False
        # Only the transaction knows whether there is a post to change; a new one needs a place in the windows.
        if not ticket.counts and self._counts_after_all(ticket.post, begun) and self._has_to_wait(ticket.post):
            self._spawn(self._sending, self._attempts.put_back(ticket.post, begun, begun_at))
        else:
            self._set_off(ticket.post, begun, begun_at)
        return True

    def _may_count(self, post: Post) -> bool:
        """True if the platform may count it against the rate limits, as far as that is known without its thread."""
        # Closing a poll is no post: it waits for no place in the windows, so that all channels' polls close together.
        if post.kind is PostKind.COUNT:
            return False
        # Only for these two, since `isinstance` is slow with a protocol, and nearly all posts are new ones.
        change = {Means.EDIT: Edits, Means.DELETE: Deletes}.get(post.means)
        cannot = change is not None and not isinstance(self._channel, change)
        return self.settings.counts(post.means, urgent=post.urgent) or cannot

    def _counts_after_all(self, post: Post, begun: Begun) -> bool:
        """True if it goes out as a new post, because there is none that it could change or withdraw."""
        via = way_of(post, self._channel, begun.parent)
        return post.kind is not PostKind.COUNT and self.settings.counts(via, urgent=post.urgent)

    def _has_to_wait(self, post: Post) -> bool:
        return self._wait_of(post, counts=True) > timedelta()

    def _wait_of(self, post: Post, *, counts: bool, before: int = 0) -> timedelta:
        """Return how long limits delay a post: the town's windows, if it takes a place in them, and the platform's own.

        `before` posts leave in the same turn ahead of it.
        """
        urgent = post.urgent
        is_write = self.settings.counts_every_write and post.kind is not PostKind.COUNT
        if not (counts or is_write):
            return timedelta()
        quota = self._health.quota_wait(self._clock.now(), urgent=urgent, under_way=self.under_way + before)
        return max(self._departures.wait(urgent=urgent), quota) if counts and not post.is_over_limit else quota

    def _set_off(self, post: Post, begun: Begun, begun_at: datetime) -> None:
        left_at = self._clock.now()
        # The journal may have it under either time, when it was begun or when it left.
        departure = self._departures.add(begun_at, left_at)

        async def attempt() -> bool:
            verdict = await self._attempts.send(post, begun, left_at)
            if not verdict.counts:
                self._departures.forget(departure)
            return verdict.state is PostState.SENT and self._makes_nothing_due()

        self._spawn(self._sending, attempt())

    def _makes_nothing_due(self) -> bool:
        """True if a published post needn't wake the lane: it rests with nothing open, or is about to check."""
        if self._hold.is_asked:
            return False
        if self._idle is None:
            self._has_ended = True
            return self._is_sending
        return not self._idle.open

    def _spawn(self, tasks: set[asyncio.Task[Any]], attempt: Coroutine[Any, Any, bool | None]) -> None:
        """Make an attempt concurrently with the rounds; one that returns True leaves the lane asleep."""
        task = asyncio.create_task(attempt)
        tasks.add(task)

        def done(task: asyncio.Task[bool | None]) -> None:
            tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                log.error("attempt.failed", channel=self.settings.name, exc_info=error)
            if task.cancelled() or error is not None or not task.result():
                self._wake.set()

        task.add_done_callback(done)

    async def _rest(self, lease: Lease, now: datetime, until: datetime | None) -> None:
        """Wait for `until`, for the next time in the outbox, for `longest_idle`, or to be woken, whichever comes first.

        If the outbox has a time that is past already, tidy up first.
        """
        idle = self._idle
        due = idle.time if idle is not None else await self._outbox.next_time(self.settings.name, now)
        if due is not None and due <= now:
            if await self._tidy(lease, now):
                return
            due = now + TIDIED_EVERY
        times = [now + self.longest_idle, *(time for time in (due, until) if time is not None)]
        seconds = self._round.seconds_until(min(times), self._clock)
        await first_of(self._wake.wait(), self._clock.sleep(seconds))
        self._tidy_at = self._clock.now() + TIDIED_EVERY
