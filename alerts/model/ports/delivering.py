"""The store as the lanes and the polling loop see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.model.post import Means, PostState, Quota, Receipt
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
class ChannelStatus:
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


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work a lane, until `until`; `owner` is one process's own name."""

    lane: str
    owner: str
    until: datetime
