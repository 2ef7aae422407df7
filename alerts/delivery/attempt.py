"""What a lane must know of its channel, and what is done with one post: a send or a look.

An attempt goes from the journal's first write to its second: it is written down before it is made, and what the channel
answered is written down after, however long the database refuses. Nothing of it is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts.delivery import retry
from alerts.delivery.health import ChannelHealth
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import RateLimits
from alerts.delivery.retry import Chance
from alerts.model.delivery import Begun, Verdict
from alerts.model.errors import DeliveryError, InDoubt, Retry
from alerts.model.events import AttemptFinished, Events
from alerts.model.ports import Channel, Clock, Deletes, DropsRepeats, Edits, Finds, Replaces, TwoLevels
from alerts.model.post import Means, Post, PostKind, PostState, Receipt
from alerts.model.reason import because
from alerts.store.outbox import Outbox

FINISH_RETRIED_AFTER = 1.0
_BEFORE_IT_WAS_STORED = timedelta(seconds=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """What a lane must know of its channel. `counts_every_write`: edits and deletes count against the windows too."""

    name: str
    pace: RateLimits
    concurrency: int = 4
    exercise: bool = False
    counts_every_write: bool = True

    def counts(self, means: Means) -> bool:
        """Whether the platform counts this against the windows."""
        return self.counts_every_write or means in (Means.NEW, Means.REPLY)


def way_of(post: Post, channel: Channel, parent: Receipt | None) -> Means:
    """By what means the post really goes out: the wished one where channel and thread allow it, else a new post."""
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


class Attempts:
    """Carries out the attempts that a lane has begun. What a channel answers ends here: nothing of it is raised."""

    def __init__(
        self,
        settings: LaneSettings,
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
        if not self._settings.counts(via):
            verdict = retry.uncounted(verdict)
        await self._finish(post, begun, verdict, left_at)
        await self._health.write_down()
        return verdict

    async def put_back(self, post: Post, begun: Begun, left_at: datetime) -> None:
        """Nothing leaves: it has to be a new post, and waits for its window as one."""
        await self._finish(post, begun, retry.stands_alone(), left_at)

    async def look(self, post: Post, begun: Begun) -> None:
        """Look whether a post in doubt is out, and write down what was seen."""
        began = self._clock.now()
        try:
            verdict = await self._find(post, begun)
            if verdict.state is PostState.SENT:
                self._health.sent()
        except DeliveryError as error:
            self._health.meet(error)
            verdict = retry.look_failed(error, post, self._clock.now(), self._chance)
        except Exception as error:
            log.exception("channel.stumbled", channel=post.channel, post=post.id, alert=post.alert_id)
            failure = Retry(because("channel_stumbled", error=type(error).__name__))
            verdict = retry.look_failed(failure, post, self._clock.now(), self._chance)
        await self._finish(post, begun, verdict, began)
        await self._health.write_down()

    async def _ask(self, post: Post, begun: Begun, via: Means) -> Verdict:
        """The health is changed before anything is awaited again: the next post must know of it."""
        if post.exercise is not self._settings.exercise:
            return retry.misdirected(post)
        # Between the journal and this line the process may have stood still for seconds, as a stopped machine does.
        if self._keeper.lease_of(self._settings.name) is None:
            return retry.overtaken()
        try:
            verdict = retry.sent(await self._carry_out(post, begun, via))
            self._health.sent()
        except DeliveryError as error:
            self._health.meet(error)
            self._health.failed(error)
            looked_for = isinstance(error, InDoubt) and not self._repeatable(via)
            verdict = retry.judge(error, post, Means.NEW if looked_for else via, self._clock.now(), self._chance)
        except Exception as error:
            log.exception("channel.stumbled", channel=post.channel, post=post.id, alert=post.alert_id)
            doubt = InDoubt(because("channel_stumbled", error=type(error).__name__))
            self._health.failed(doubt)
            # A fault of ours in the midst of a call says nothing of what the platform took.
            verdict = retry.judge(doubt, post, via, self._clock.now(), self._chance)
        self._health.hear(self._channel.quotas())
        return verdict

    async def _carry_out(self, post: Post, begun: Begun, via: Means) -> Receipt | None:
        channel, parent = self._channel, self._parent(begun)
        if parent is not None and via is Means.EDIT and isinstance(channel, Edits):
            return await channel.edit(parent.remote_id, post.addressed)
        if via is Means.DELETE and isinstance(channel, Deletes):
            for receipt in begun.thread:  # the first alert first: it says the most, and is the oldest
                await channel.delete(receipt.remote_id)
            return None
        reply_to = parent.remote_id if parent and via is Means.REPLY else None
        return await channel.publish(post.addressed, reply_to=reply_to)

    def _parent(self, begun: Begun) -> Receipt | None:
        """What is answered or changed: the newest post of the thread, or of one with two levels the first.

        All the rest hangs on that one. What answered a comment would stand under another comment, where neither readers
        nor a look at its parent find it.
        """
        if isinstance(self._channel, TwoLevels) and self._channel.two_levels and begun.thread:
            return begun.thread[0]
        return begun.parent

    def _repeatable(self, via: Means) -> bool:
        """Whether doing it twice is the same as once."""
        if isinstance(self._channel, DropsRepeats) and self._channel.drops_repeats:
            return True
        replaces = isinstance(self._channel, Replaces) and self._channel.replaces
        return via is Means.DELETE or (via is Means.EDIT and not replaces)

    async def _find(self, post: Post, begun: Begun) -> Verdict:
        via = way_of(post, self._channel, begun.parent)
        if self._repeatable(via):
            return retry.repeat()
        if not isinstance(self._channel, Finds):
            reason = because("channel_without_search")
            return retry.cannot_look(post, reason, self._clock.now(), self._chance)
        # Since it was stored, not since the last attempt: a refusal as a duplicate may mean an earlier one. What may be
        # out from before the database was restored was "attempted" before it was stored.
        since = min(post.stored_at, post.attempted_at or post.stored_at) - _BEFORE_IT_WAS_STORED
        known = await self._outbox.known_ids(self._settings.name)
        parent = self._parent(begun)
        reply_to = parent.remote_id if parent and via is Means.REPLY else None
        receipt = await self._channel.find(post.message, since, begun.newest_known, known, reply_to)
        return retry.found(receipt) if receipt else retry.not_found(post, self._clock.now())

    async def _finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime) -> None:
        """Write down what came of it, however long the database refuses: until then nothing else is believed."""
        while True:
            try:
                await self._outbox.finish(post, begun, verdict, left_at, self._clock.now())
                break
            except Exception as error:  # noqa: BLE001 a full disk or a locked file: the answer must not be lost
                log.error("journal.refused", channel=post.channel, post=post.id, error=str(error))  # noqa: TRY400
                await self._clock.sleep(FINISH_RETRIED_AFTER)
        self._events.publish(AttemptFinished(post, verdict, (self._clock.now() - left_at).total_seconds()))
