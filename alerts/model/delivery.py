"""What the store and those who send hand each other: leases, attempts and what came of them, turns of bulk sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.model.bulk import Bulk
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


@dataclass(frozen=True, slots=True)
class Target:
    """One chat and what it is to be told: one bulk, or several that were held back for it, as one message.

    `message` is what it has of the incident; it is answered, or changed where `edits`. The chat stands in no log.
    """

    chat: int = field(repr=False)
    language: str
    bulks: tuple[Bulk, ...]
    message: int | None = None
    edits: bool = False
    held: bool = False

    @property
    def urgent(self) -> bool:
        """Whether any of it is Severe or worse."""
        return any(bulk.notice.urgent for bulk in self.bulks)


class SendOutcome(StrEnum):
    """What became of one message: it is out, nobody reads there any more, it was refused, it may be out."""

    SENT = "sent"
    LEFT = "left"
    FAILED = "failed"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class SendResult:
    """The end of one attempt; `moved_to` is the chat's new id where it got one."""

    target: Target
    outcome: SendOutcome
    message: int | None = None
    moved_to: int | None = field(default=None, repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether it is as nearly all are: sent, of one bulk, to the chat it was meant for."""
        alone = len(self.target.bulks) == 1 and not self.target.held
        return self.outcome is SendOutcome.SENT and alone and self.moved_to is None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a turn is asked: keep these results, and hand over at most `room` more.

    `working` is the bulk of the turn before, `flying` what is handed over and has no end yet, `withdrew` says that some
    of that was taken back before it left; `local` is the time in the station's zone. `hurry`: so many are to be told
    in a second that it is worth holding up everything else for a millisecond or two.
    """

    local: datetime
    room: int
    results: Sequence[SendResult] = ()
    working: str | None = None
    flying: frozenset[tuple[str, int]] = field(default=frozenset(), repr=False)
    withdrew: bool = True
    hurry: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done now: who is next, of which bulk (None: there is none), and when to ask again by time alone.

    `urgent` says that the bulk is ahead of everything. Whatever is neither of `bulk` nor of `alive` goes no further.
    `left`: there was no room for all who were handed over before, and taken back.
    """

    bulk: str | None = None
    urgent: bool = False
    targets: Sequence[Target] = ()
    alive: frozenset[str] = frozenset()
    again_at: datetime | None = None
    ended: Sequence[Bulk] = ()
    left: bool = False
