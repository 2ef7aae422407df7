"""The store as the bulk sender sees it, what hands a message to one chat, and what paces a whole bot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from alerts.model.bulk import Bulk


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


class Tells(Protocol):
    """Hands one message to one chat."""

    async def tell(self, target: Target) -> SendResult:
        """One attempt. Raises Retry where it is certain that it isn't out, BadCredential where nothing will be."""
        ...
