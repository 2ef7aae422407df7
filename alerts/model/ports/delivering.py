"""The store as the lanes and the polling loop see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.model.ports.sourcing import Memory
from alerts.model.post import Means, Post, PostState, Quota, Receipt
from alerts.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt came to: the post's next state and all that is written down with it, in one transaction.

    `counts` says whether the attempt reached the platform, so whether it counts against the windows.
    """

    state: PostState
    outcome: str
    reason: Reason | None = None
    receipt: Receipt | None = None
    next_try: datetime | None = None
    counts: bool = True
    looked: bool = False
    means: Means | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a lane stands with its platform: `state` is ok, blocked or failing; it survives a restart."""

    state: str = "ok"
    reason: Reason | None = None
    blocked_until: datetime | None = None
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that is written down and may be made.

    `thread` is what is out of the incident on this channel since it last ended there, oldest first, each once (nothing
    for a first post). `newest_known` is for a look: the newest post of ours that had been answered for before the
    attempt it looks for was begun.
    """

    attempt: int
    thread: tuple[Receipt, ...] = ()
    newest_known: str | None = None
    action: str = "send"

    @property
    def parent(self) -> Receipt | None:
        """The newest post of the thread: what is answered or changed."""
        return self.thread[-1] if self.thread else None


class Outbox(Protocol):
    """The store as a lane sees it. Every write is durable when it returns."""

    async def next_due(self, channel: str, now: datetime, *, urgent_only: bool, most: int = 1) -> Sequence[Post]:
        """The posts to send next, at most so many: by priority, then order, each of another incident.

        Never one whose incident has an earlier one under way.
        """
        ...

    async def next_look(self, channel: str, now: datetime) -> Post | None:
        """The post in doubt to look for next."""
        ...

    async def next_time(self, channel: str, now: datetime) -> datetime | None:
        """When a post becomes due by time alone; None: not before one is stored. A past time asks for `settle`."""
        ...

    async def begin(self, post: Post, lease: Lease, now: datetime, *, action: str, counts: bool) -> Begun | None:
        """Write down that an attempt is being made. None: the lease or the post is no longer ours to act on."""
        ...

    async def finish(self, post: Post, begun: Begun, verdict: Verdict, left_at: datetime, now: datetime) -> None:
        """Write down what an attempt came to."""
        ...

    async def settle(self, channel: str, now: datetime) -> int:
        """End what is past its end, and release what waited long enough; returns how many posts changed."""
        ...

    async def recover(self, channel: str, lease: Lease, now: datetime) -> int:
        """Put every attempt without an end, made under an earlier lease, in doubt; returns how many.

        Where the clock was set back since the last attempt, no wait goes on for longer than five minutes.
        """
        ...

    async def pace(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        ...

    async def known_ids(self, channel: str) -> frozenset[str]:
        """The platform's ids of our recent posts on this channel."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work a lane, until `until`; `owner` is one process's own name."""

    lane: str
    owner: str
    until: datetime


class Leases(Protocol):
    """Who works which lane."""

    async def take(self, lanes: Sequence[str], owner: str, now: datetime, until: datetime) -> Sequence[Lease]:
        """Take or renew the leases of these lanes; those that another owner holds are missing from the answer."""
        ...

    async def give_back(self, owner: str) -> None:
        """End all that this owner holds."""
        ...


class Standings(Protocol):
    """What each channel's platform said of its limits and of our credential."""

    async def standing(self, channel: str) -> Standing:
        """How the channel stood when it was last written down."""
        ...

    async def stand(self, channel: str, standing: Standing) -> None:
        """Write down how the channel stands."""
        ...


class Journal(Protocol):
    """The store as the polling loop sees it."""

    async def memory(self, source: str) -> Memory:
        """What the source remembers."""
        ...

    async def known(self, source: str, keys: Sequence[str]) -> set[str]:
        """Which of `keys` the source has told before."""
        ...

    async def failed(self, source: str, reason: Reason, next_try: datetime, now: datetime) -> int:
        """Write down that it couldn't be read; returns how many times in a row."""
        ...
