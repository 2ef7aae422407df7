"""One alert to many subscribers: one row of work, with a cursor, and what decides whether it may go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model.post import PostKind, PostState
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Notice, Quiet

BULK_LANGUAGES = ("fr", "en")
"""The languages in which subscribers are told, by their primary subtag."""
NEVER_WENT = (PostState.REJECTED, PostState.SUPERSEDED, PostState.EXPIRED, PostState.DROPPED)
"""The states of a post whose bulk goes no further either."""


class BulkState(StrEnum):
    """Where a bulk is: it waits for its turn (or for its alert), goes out, or is over."""

    QUEUED = "queued"
    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is told to the subscribers of one channel about one alert.

    Its `id` is that of the channel's own post, with which it waits and goes. `texts` are Telegram's HTML by language
    (primary subtag), `links` the address a preview is made of. An end goes to those alone who got the incident, and so
    does an update, unless it reaches further than what it updates (`everyone`); `edits` puts it in the place of what
    they got. `cursor` is the chat up to which everybody was handed over, `total` how many subscribers there were at
    its start; `reason` says why it was stopped.
    """

    id: str
    channel: str
    incident: str
    alert_id: str
    kind: PostKind
    state: BulkState
    notice: Notice
    texts: Mapping[str, str]
    stored_at: datetime
    everyone: bool = True
    edits: bool = False
    expires: datetime | None = None
    exercise: bool = False
    cursor: int | None = None
    total: int | None = None
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: Reason | None = None
    seq: int = 0
    links: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The words for a subscriber of that language; another one's where there are none."""
        return self.texts.get(language) or next(iter(self.texts.values()))


@dataclass(frozen=True, slots=True)
class Candidate:
    """As much of a bulk that isn't over as decides on it. `post` is the state of its post; None: it has none.

    `cursor` and `everyone` are the bulk's.
    """

    id: str
    seq: int
    incident: str
    urgent: bool
    exercise: bool
    expires: datetime | None
    post: PostState | None
    cursor: int | None = None
    everyone: bool = True

    @property
    def waits(self) -> bool:
        """Whether its alert still waits for a validation, or for the end of a veto's time."""
        return self.post is PostState.WAITING


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk is: for how many chats it is `held` back, and whether its alert still `waits`.

    `held_until` is when the last of those who are held back is told.
    """

    bulk: Bulk
    held: int = 0
    waits: bool = False
    held_until: datetime | None = None

    @property
    def state(self) -> str:
        """As it is told: what everybody was looked at for isn't done while some still wait for their hour (`held`)."""
        if self.bulk.state is BulkState.DONE and self.held:
            return "held"
        return "waiting" if self.waits and self.bulk.state is BulkState.QUEUED else str(self.bulk.state)

    @property
    def looked(self) -> int:
        """For how many it is settled: told, not reached, passed over or held back."""
        return self.bulk.sent + self.bulk.failed + self.bulk.skipped + self.held

    @property
    def rest(self) -> int | None:
        """How many are still to be looked at; None before it begins, and nobody once it is over."""
        if self.bulk.total is None or self.bulk.state is not BulkState.SENDING:
            return None if self.bulk.total is None else 0
        return max(self.bulk.total - self.looked, 0)

    def ends_at(self, now: datetime) -> datetime | None:
        """When it will be through if it goes on as it went; None where that can't be told."""
        if self.bulk.state is not BulkState.SENDING or self.bulk.started_at is None or not self.looked or not self.rest:
            return None
        return now + (now - self.bulk.started_at) * (self.rest / self.looked)


def why_stopped(each: Candidate, others: Sequence[Candidate], now: datetime, *, exercises: bool) -> Reason | None:
    """Why a bulk goes no further; None: it may. `exercises` is the mark of its channel."""
    if each.post in NEVER_WENT:
        return because("bulk_post_is", state=each.post)
    if each.exercise is not exercises:
        return because("bulk_exercise_mismatch")
    if each.expires is not None and each.expires <= now:
        return because("bulk_over")
    newer = [other for other in others if other.incident == each.incident and other.seq > each.seq]
    heir = next((other for other in newer if not other.waits and other.post not in NEVER_WENT), None)
    return because("bulk_superseded", by=heir.id) if heir is not None else None


def most_pressing(candidates: Sequence[Candidate]) -> Candidate | None:
    """What goes first of what may go: Severe or worse ahead of everything, else in the order of storing."""
    ready = [each for each in candidates if not each.waits]
    return min(ready, key=lambda each: (not each.urgent, each.seq), default=None)


def end_of(quiet: Quiet, local: datetime) -> datetime:
    """When the quiet hours that `local` (in the station's zone) falls into are over."""
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)
