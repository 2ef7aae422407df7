"""A job: what is sent or done for one recipient beside the posts, such as a message to one chat.

It is wanted by a row of its own subject (a step of a report, a moderation, an alert that waits), and `job` is the
journal of its attempts: a row from before the first request until its outcome is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from alerts.model.post import PostState
from alerts.model.reason import Reason

W = TypeVar("W")
NOBODY = 0
"""The recipient of a job that goes to no chat; no chat of any platform has this number."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the journal, known by its channel, kind, subject (`about`) and recipient (`chat`).

    `state` is `queued` until `next_try`, `sending` while `owner` makes an attempt, or `in_doubt`; in memory alone it is
    `sent` or `failed`, for then the row ends. `tries` counts the attempts, `looks` the searches since the last one;
    `attempted_at` is when that began. In doubt without a `next_try` an officer decides.
    """

    channel: str
    kind: str
    about: str
    chat: int = field(default=NOBODY, repr=False)
    state: PostState = PostState.QUEUED
    tries: int = 0
    looks: int = 0
    next_try: datetime | None = None
    attempted_at: datetime | None = None
    owner: str = ""
    reason: Reason | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """The job among those of its channel."""
        return self.kind, self.about, self.chat


@dataclass(frozen=True, slots=True)
class WantedJob(Generic[W]):
    """Something to be done, as its subject says; `what` is what the one who does it needs to know.

    After `until` a failed attempt isn't repeated. `begun_at` is when an attempt began that the journal doesn't know,
    since an earlier version made it: what came of it is in doubt.
    """

    kind: str
    about: str
    what: W
    chat: int = field(default=NOBODY, repr=False)
    until: datetime | None = None
    begun_at: datetime | None = None

    def on(self, channel: str) -> Job:
        """The job before its first attempt."""
        state = PostState.QUEUED if self.begun_at is None else PostState.IN_DOUBT
        at = self.begun_at
        return Job(channel, self.kind, self.about, self.chat, state, next_try=at, attempted_at=at)
