"""Four bugs to put in on purpose, each over the real outbox: a simulation that doesn't find them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from alerts.model.delivery import Begun, Verdict
from alerts.model.lease import Lease
from alerts.model.post import Post, PostState
from alerts.store.alerts import post_of
from alerts.store.database import Database
from alerts.store.outbox import Due, Outbox
from alerts.store.statement import Statement, stamp

_NEXT = Statement("""
    SELECT * FROM post
    WHERE channel = :channel AND state = 'queued' AND (next_try IS NULL OR next_try <= :now)
    AND (expires IS NULL OR expires > :now) ORDER BY priority DESC, seq LIMIT 1
""")


class ReceiptFirst(Outbox):
    """Writes "sent" before anything was sent."""

    async def begin(self, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
        """Begin, and believe that it went well."""
        begun = await super().begin(post, lease, now, action=action, counts=counts)
        if begun is not None and action == "send":
            await self.finish(post, begun, Verdict(PostState.SENT, "sent"), now, now)
        return begun


class ForgetfulPace(Outbox):
    """Knows nothing of what left before the restart."""

    async def pace(self, channel: str, since: datetime) -> Sequence[datetime]:  # noqa: ARG002 the bug
        """Tell that nothing left."""
        return []


class FailingCode(Outbox):
    """Fails once, at its fifth attempt, in a way that nobody thought of."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._begun = 0

    async def begin(self, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
        """Begin, or fail before anything was written down: the lane comes round again, and only the log tells of it."""
        self._begun += 1
        if self._begun == 5:
            raise ZeroDivisionError
        return await super().begin(post, lease, now, action=action, counts=counts)


class Overtaking(Outbox):
    """Lets an update go while its alert is under way."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._read = database.read

    async def next_due(  # the bug: nothing but the channel and the time is asked
        self,
        channel: str,
        now: datetime,
        *,
        urgent_only: bool,  # noqa: ARG002
        most: int = 1,  # noqa: ARG002
    ) -> Due:
        """The most pressing post, whatever is under way of its incident."""
        row = await self._read(lambda unit: _NEXT.row(unit.db, channel=channel, now=stamp(now)))
        return Due([post_of(row)]) if row else Due([])


BUGS: dict[str, Callable[[Database], Outbox]] = {
    "receipt-first": ReceiptFirst,
    "forgetful-pace": ForgetfulPace,
    "overtaking": Overtaking,
    "failing-code": FailingCode,
}
