"""An attempt with one post, a send or a verification, and the channel's health after it.

An attempt goes from the journal's first write to its second: it is written before it is made, and the channel's answer
is written after, however long the database refuses. Nothing of it is raised.

An error of one post may concern all: a refused credential, a pause that the platform asked for, its own limits. The
`ChannelHealth` applies it at once, in memory, so that the next post heeds it, and is stored if it matters after a
restart. The consequences of an error are decided in `retry`, without a clock or a database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from alerts.delivery import retry
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import quota_free_at
from alerts.delivery.retry import Chance
from alerts.delivery.worker import Guarded
from alerts.model.delivery import Begun, ChannelStatus, Verdict
from alerts.model.errors import (
    BadCredential,
    DatabaseRefused,
    DeliveryError,
    Duplicate,
    Gone,
    InDoubt,
    ReaderGone,
    Rejected,
    Retry,
    Unexplained,
)
from alerts.model.events import AttemptFinished, Events
from alerts.model.lease import Lease, LeaseLost
from alerts.model.ports import (
    Asks,
    Channel,
    Clock,
    Deletes,
    DropsRepeats,
    Edits,
    Finds,
    FindsExactly,
    NeverRepeats,
    RepeatsOnce,
    Replaces,
    TwoLevels,
)
from alerts.model.post import Means, Post, PostKind, PostState, Quota, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.outbox import Outbox

# The platform has answered already: the result is kept in memory until the database takes it.
FINISH_RETRIED_AFTER = 1.0
UNEXPLAINED_TRIES = 8
"""How often a text is tried that the platform refuses without an explanation, where nothing else is published."""
FAILURES_REPORTED = 2
"""How many attempts in a row have to fail before the channel counts as failing: one may be the post's own fault."""
# Platforms round their times to seconds.
_BEFORE_IT_WAS_STORED = timedelta(seconds=1)
# The post seems to be of the future; a day back is sure to include it.
_CLOCK_WAS_SET_BACK = timedelta(days=1)

log = structlog.get_logger()


def way_of(post: Post, channel: Channel, parent: Receipt | None) -> Means:
    """By what means the post really goes out: the wished one where channel and thread allow it, else a new post."""
    if post.kind is PostKind.COUNT:
        return Means.EDIT
    if post.kind is PostKind.PUBLISH or parent is None:
        return Means.NEW
    match post.means:
        case Means.EDIT:
            return Means.EDIT if isinstance(channel, Edits) else Means.REPLY
        case Means.DELETE:
            return Means.DELETE if isinstance(channel, Deletes) else Means.REPLY
        case Means.REPLY:
            return Means.REPLY
        case _:
            return Means.NEW


def _replied_to(post: Post, parent: Receipt | None, via: Means) -> str | None:
    """Return the id that the post replies to: the thread's post, or, for the first part of an answer, the remark."""
    if via is Means.REPLY and parent is not None:
        return parent.remote_id
    return post.in_reply_to


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
        # Words that were refused without an explanation: since the platform took something last, and before that.
        self._unexplained: set[str] = set()
        self._faulty: set[str] = set()
        self._worked = False
        self._refused_at_home = False

    @property
    def blocked(self) -> bool:
        """True if the credential has to be tried before anything is sent."""
        return self._status.state == "blocked" and not self.is_on_trial

    @property
    def is_on_trial(self) -> bool:
        """True if only a post can show that the cause of a block is over: one at a time is tried, after each pause."""
        return self._status.is_shown_by_posts

    def trouble(self, now: datetime) -> Reason | None:
        """Why the channel isn't ok; None: it is."""
        status = self._status
        return (status.reason or because("lane_state", state=status.state)) if status.is_troubled(now) else None

    def paused_until(self, now: datetime) -> datetime | None:
        """Until when nothing at all may be sent; None: something may."""
        until = self._status.blocked_until
        return until if until is not None and until > now else None

    def quota_wait(self, now: datetime, *, urgent: bool, under_way: int) -> timedelta:
        """How long the platform's own limits hold the next post back."""
        quotas = self._status.quotas
        return quota_free_at(quotas, now, self._reserve, urgent=urgent, under_way=under_way) - now

    async def learn(self) -> None:
        """Read the stored health. A credential is tried at once: it may have been renewed before the restart."""
        await self._statuses.load()
        self._written = await self._statuses.status(self._channel)
        until = None if self._written.state == "blocked" else self._written.blocked_until
        self._status = replace(self._written, blocked_until=until)

    async def recall_anew(self) -> None:
        """Read the channel's facts again, for those another process wrote since the lane was taken.

        A bulk stays with its lane, but while they move, or with a daemon of the version before, two processes have
        them.
        """
        try:
            await self._statuses.load()
        except DatabaseRefused as error:  # that is told by itself: what is known here still holds
            log.warning("facts.not_read", channel=self._channel, error=str(error))

    def interpret(self, error: DeliveryError, post: Post) -> DeliveryError:
        """Interpret a refusal without an explanation by the other refusals and successes.

        If two texts are refused, one after the other, not both are at fault: it is the app or the account. A text that
        is refused again after another went out is at fault itself.
        """
        if not isinstance(error, Unexplained):
            return error
        words = post.message.plain
        # That one remark can't be answered says nothing of the channel.
        if post.kind is PostKind.ANSWER or words in self._faulty or post.tries >= UNEXPLAINED_TRIES:
            self._faulty.discard(words)
            self._unexplained.discard(words)
            return Rejected(error.reason)
        self._unexplained.add(words)
        several = len(self._unexplained) > 1 or self.is_on_trial
        return BadCredential(error.of_all) if several else error

    def meet(self, error: DeliveryError) -> None:
        """Let what one post met hold for all, where the platform said so."""
        status = retry.stands_after(error, self._status, self._clock.now(), self._refusals, self._chance)
        if status != self._status:
            self._refusals += 1
            self._change(status)

    def failed(self, error: DeliveryError) -> None:
        """One attempt failed: where the next fails too, or none has succeeded yet, the channel isn't ok any more.

        It stays so until the platform takes something. A refusal as a duplicate, for a thread that is gone, or because
        one reader left, is an answer of a platform that works.
        """
        if isinstance(error, Duplicate | Gone | ReaderGone):
            return
        # A platform that refuses the very first post is set up wrongly: that needs no second one to be told.
        at_once = isinstance(error, Unexplained) or (isinstance(error, Rejected) and not self._worked)
        self._failures += FAILURES_REPORTED if at_once else 1
        is_reported = self._failures >= FAILURES_REPORTED
        if is_reported and self._status.state != "blocked" and self.paused_until(self._clock.now()) is None:
            self._change(replace(self._status, state="failing", reason=error.reason, blocked_until=None))

    def cannot_open(self, error: DeliveryError) -> None:
        """The channel could not be opened or its credential not be tried: pause, and try once more."""
        if isinstance(error, BadCredential):
            self.meet(error)
            return
        until = self._clock.now() + retry.PROBED_AFTER
        if self.is_on_trial:
            self._change(replace(self._status, blocked_until=until))
            return
        state = "blocked" if self.blocked else "failing"
        self._change(replace(self._status, state=state, reason=error.reason, blocked_until=until))

    def sent(self) -> None:
        """The platform took something: whatever was wrong is over, but for a pause that it has just asked for."""
        self._failures, self._worked = 0, True
        self._faulty |= self._unexplained
        self._unexplained.clear()
        if not self._refused_at_home:
            self._recover()

    def probed_at_home(self, refused: Reason | None) -> None:
        """A probe that costs nothing found that some can't be reached (None: all can): it is said, and stops nothing.

        A post that goes out says nothing about it, for that is sent to nobody itself.
        """
        if refused is not None and self._status.state == "ok":
            self._change(replace(self._status, state="failing", reason=refused, blocked_until=None))
        elif refused is None and self._status.state == "failing" and self._status.blocked_until is None:
            self._recover()
        self._refused_at_home = refused is not None

    def works(self) -> None:
        """It could be opened, or the credential is good: that proves nothing where what was tried failed."""
        if self.blocked or (self._status.blocked_until is not None and not self.is_on_trial):
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

    async def write_down(self, lease: Lease | None) -> None:
        """Keep it over a restart, unless the database refuses: then it is written with the next change.

        Without the lane's lease nothing is kept: whoever has it finds out by itself, and knows better.
        """
        durable = self._durable()
        if durable == self._written or lease is None:
            return
        # A full disk or a locked file must not end the attempt that met it.
        with contextlib.suppress(LeaseLost), Guarded("standing.refused", channel=self._channel):
            await self._statuses.keep(self._channel, durable, lease, self._clock.now())
            self._written = durable

    def _durable(self) -> ChannelStatus:
        """Return the health to store.

        Quotas come with every answer: they are worth a write only if they defer a post.
        """
        tight = self.quota_wait(self._clock.now(), urgent=False, under_way=0) > timedelta()
        return self._status if tight else replace(self._status, quotas=())

    def _change(self, status: ChannelStatus) -> None:
        if status.state != self._status.state:
            why = str(status.reason or "")
            log.warning("channel.stands", channel=self._channel, state=status.state, reason=why)
        self._status = status


class Attempts:
    """Carries out the attempts that a lane has begun. What a channel answers ends here: nothing of it is raised."""

    def __init__(
        self,
        settings: ChannelConfig,
        channel: Channel,
        health: ChannelHealth,
        *,
        outbox: Outbox,
        keeper: LeaseKeeper,
        clock: Clock,
        chance: Chance,
        events: Events,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._health = health
        self._outbox = outbox
        self._keeper = keeper
        self._clock = clock
        self._chance = chance
        self._events = events

    async def send(self, post: Post, begun: Begun, left_at: datetime) -> Verdict:
        """Ask the platform, and write its answer down; returns it."""
        via = way_of(post, self._channel, begun.parent)
        verdict = await self._ask(post, begun, via)
        if not self._settings.counts(via, urgent=post.urgent):
            verdict = retry.uncounted(verdict)
        await self._finish(post, begun, verdict, left_at)
        await self._health.write_down(self._keeper.lease_of(self._settings.name))
        return verdict

    async def put_back(self, post: Post, begun: Begun, left_at: datetime) -> None:
        """Nothing leaves: it has to be a new post, and waits for its window as one."""
        await self._finish(post, begun, retry.stands_alone(), left_at)

    async def look(self, post: Post, begun: Begun) -> None:
        """Verify if a post in doubt is out, and write the result."""
        began = self._clock.now()
        try:
            with self._guarded(post) as part:
                verdict = await self._find(post, begun)
                if verdict.state is PostState.SENT:
                    self._health.sent()
        except DeliveryError as error:
            self._health.meet(error)
            verdict = retry.look_failed(error, post, self._clock.now(), self._chance)
        if part.error is not None:
            failure = Retry(because("channel_stumbled", error=type(part.error).__name__))
            verdict = retry.look_failed(failure, post, self._clock.now(), self._chance)
        if isinstance(self._channel, NeverRepeats) and self._channel.never_repeats:
            verdict = retry.never_again(verdict)
        await self._finish(post, begun, verdict, began)
        await self._health.write_down(self._keeper.lease_of(self._settings.name))

    async def _ask(self, post: Post, begun: Begun, via: Means) -> Verdict:
        """The health is changed before anything is awaited again: the next post must know of it."""
        if post.exercise is not self._settings.exercise:
            return retry.misdirected(post)
        # Between the journal and this line the process may have stood still for seconds, as a stopped machine does, or
        # have waited for a server that had to be asked whether it took what was written down.
        if self._keeper.lease_of(self._settings.name) is None:
            return retry.overtaken()
        if post.expires is not None and post.expires <= self._clock.now():
            return retry.too_late()
        try:
            with self._guarded(post) as part:
                if post.kind is PostKind.COUNT:
                    verdict = await self._count(post, begun)
                else:
                    verdict = retry.sent(await self._carry_out(post, begun, via))
                self._health.sent()
        except DeliveryError as answered:
            error = self._health.interpret(answered, post)
            self._health.meet(error)
            # That one remark can't be answered any more says nothing of the channel.
            if not (post.kind is PostKind.ANSWER and isinstance(error, Rejected)):
                self._health.failed(error)
            verdict = self._judge(error, post, via)
        if part.error is not None:
            doubt = InDoubt(because("channel_stumbled", error=type(part.error).__name__))
            self._health.failed(doubt)
            # A fault of ours in the midst of a call says nothing of what the platform took.
            verdict = self._judge(doubt, post, via, is_ours=True)
        self._health.hear(self._channel.quotas())
        return verdict

    @staticmethod
    def _guarded(post: Post) -> Guarded:
        """Guards what a channel's code does: its answers go through, its faults are logged."""
        return Guarded("channel.failed", but=(DeliveryError,), channel=post.channel, post=post.id, alert=post.alert_id)

    def _judge(self, error: DeliveryError, post: Post, via: Means, *, is_ours: bool = False) -> Verdict:
        if post.kind is PostKind.COUNT:
            return retry.judge_count(error, post, self._clock.now(), self._chance)
        repeatable = self._repeatable(post, via)
        looked_for = isinstance(error, InDoubt) and not is_ours and not repeatable
        asked = Means.NEW if looked_for else via
        return retry.judge(error, post, asked, self._clock.now(), self._chance, repeatable=repeatable)

    async def _count(self, post: Post, begun: Begun) -> Verdict:
        """Close the platform's own poll and take its numbers; they are written down with the verdict."""
        channel, asked, poll = self._channel, next(iter(begun.thread), None), post.message.poll
        if asked is None or poll is None or not isinstance(channel, Asks):
            return retry.never_asked()
        tally = await channel.close_poll(asked.remote_id, poll)
        return replace(retry.sent(None), tally=tally)

    async def _carry_out(self, post: Post, begun: Begun, via: Means) -> Receipt | None:
        channel, parent = self._channel, self._parent(begun)
        if parent is not None and via is Means.EDIT and isinstance(channel, Edits):
            return await channel.edit(parent.remote_id, post.addressed)
        if via is Means.DELETE and isinstance(channel, Deletes):
            # Several requests, but one attempt: the windows count the whole thread once (docs/adr/0003).
            for receipt in begun.thread:  # the first alert first: it says the most, and is the oldest
                await channel.delete(receipt.remote_id)
            return None
        if post.kind is PostKind.ANSWER and post.means is Means.DELETE:
            # Nothing of it appeared, or nothing can be taken back there: it isn't said once more.
            return None
        return await channel.publish(post.addressed, reply_to=_replied_to(post, parent, via))

    def _parent(self, begun: Begun) -> Receipt | None:
        """Return the post to answer or change: the newest of the thread, or, with two levels, the first.

        All the rest is attached to that one. An answer to a comment would appear under another comment, where neither
        readers nor a search of its parent find it.
        """
        if begun.thread and isinstance(self._channel, TwoLevels) and self._channel.two_levels:
            return begun.thread[0]
        return begun.parent

    def _repeatable(self, post: Post, via: Means) -> bool:
        """True if doing it twice is the same as once."""
        if post.kind is PostKind.COUNT:
            return True
        if isinstance(self._channel, DropsRepeats) and self._channel.drops_repeats:
            return True
        replaces = isinstance(self._channel, Replaces) and self._channel.replaces
        return via is Means.DELETE or (via is Means.EDIT and not replaces)

    async def _find(self, post: Post, begun: Begun) -> Verdict:
        via = way_of(post, self._channel, begun.parent)
        if self._repeatable(post, via):
            return retry.repeat()
        if not isinstance(self._channel, Finds):
            reason = because("channel_without_search")
            if isinstance(self._channel, RepeatsOnce) and self._channel.repeats_once:
                return retry.once_more(post, reason, await self._outbox.doubts(post))
            return retry.cannot_look(post, reason, self._clock.now(), self._chance)
        # Since it was stored, not since the last attempt: a refusal as a duplicate may mean an earlier one. What may be
        # out from before the database was restored was "attempted" before it was stored.
        since, now = min(post.stored_at, post.attempted_at or post.stored_at) - _BEFORE_IT_WAS_STORED, self._clock.now()
        # A time in the future is of a clock that ran ahead, by which the platform's times would all lie before it.
        since = since if since <= now else now - _CLOCK_WAS_SET_BACK
        known = await self._outbox.known_ids(self._settings.name)
        parent = self._parent(begun)
        reply_to = _replied_to(post, parent, via)
        receipt = await self._channel.find(post.addressed, since, begun.newest_known, known, reply_to)
        if receipt is not None:
            return retry.found(receipt)
        surely = isinstance(self._channel, FindsExactly) and self._channel.exact
        return retry.not_found(post, self._clock.now(), surely=surely)

    async def _finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime) -> None:
        await write_surely(
            self._clock,
            lambda: self._outbox.finish(post, begun, verdict, left_at, self._clock.now()),
            channel=post.channel,
            post=post.id,
        )
        self._events.publish(AttemptFinished(post, verdict, (self._clock.now() - left_at).total_seconds()))


async def write_surely(clock: Clock, write: Callable[[], Awaitable[None]], **fields: str) -> None:
    """Write down what came of an attempt, however long the database refuses: until then nothing else is believed."""
    while True:
        # A full disk or a locked file: the answer must not be lost.
        with Guarded("journal.refused", but=(), **fields):
            await write()
            return
        await clock.sleep(FINISH_RETRIED_AFTER)
