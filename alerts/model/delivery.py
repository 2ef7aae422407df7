"""The values that store and delivery exchange: attempts with their outcomes, and bulks.

A bulk is one alert to many subscribers: one row of work with a cursor. It waits, starts and ends with the post of its
channel. Two pure functions, `why_stopped` and `most_pressing`, decide which bulk continues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from alerts.model.bounds import visible
from alerts.model.hazard import Hazard
from alerts.model.poll import PollCount
from alerts.model.post import Means, Message, PostKind, PostState, Quota, Receipt
from alerts.model.reason import Reason, because
from alerts.model.subscriber import Endpoint, Notice, Quiet

BULK_LANGUAGES = ("fr", "en")
"""The languages of messages to subscribers, by primary subtag."""
NEVER_WENT = (PostState.REJECTED, PostState.SUPERSEDED, PostState.EXPIRED, PostState.DROPPED)
"""The states of a post that ended unsent: its bulk goes no further either."""


class BulkState(StrEnum):
    """How far a bulk is: it waits for its turn (or for its alert), is being sent, is done, or was stopped."""

    QUEUED = "queued"
    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Bulk:
    """One alert to all subscribers of one channel.

    Its `id` is that of the channel's post, with which it waits and starts. `texts` are its words by language (primary
    subtag; Telegram's as HTML), `links` the addresses of its page. An end goes only to subscribers who already got a
    message of the incident; so does an update, unless it covers more than the alert it updates (`everyone`). With
    `edits` it replaces the message they got. `cursor` is the last chat that was handed over, `total` the number of
    subscribers at its start; `reason` says why it was stopped. The pictogram of `hazard` is shown with the words; None:
    no pictogram.
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
    hazard: Hazard | None = None

    @property
    def messages(self) -> Mapping[str, Message]:
        """The texts by language, as messages for a preview."""
        return messages_of(self.texts, self.links)

    def text(self, language: str) -> str:
        """The text in that language; if there is none, the one in another language."""
        return self.texts.get(language) or next(iter(self.texts.values()))


def messages_of(texts: Mapping[str, str], links: Mapping[str, str]) -> Mapping[str, Message]:
    """Return the texts of a bulk by language, as messages."""
    return {
        language: Message(text, visible(text), links.get(language), language=language)
        for language, text in texts.items()
    }


@dataclass(frozen=True, slots=True)
class BulkCandidate:
    """The part of an unfinished bulk that decisions on it need. `post` is the state of its post; None: it has none.

    The other fields are those of the bulk, with `urgent` from its notice.
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
        """True while its alert waits for a validation or for the end of a veto period."""
        return self.post is PostState.WAITING


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a bulk: `deferred` chats get it later, and `waits` is true while its alert waits.

    `deferred_until` is when the last deferred chat gets its message.
    """

    bulk: Bulk
    deferred: int = 0
    waits: bool = False
    deferred_until: datetime | None = None

    @property
    def state(self) -> str:
        """The displayed state: `held` if a done bulk has deferred subscribers, `waiting` if it is queued and waits."""
        if self.bulk.state is BulkState.DONE and self.deferred:
            return "held"
        return "waiting" if self.waits and self.bulk.state is BulkState.QUEUED else str(self.bulk.state)

    @property
    def looked(self) -> int:
        """Number of subscribers processed so far: sent to, failed, skipped or deferred."""
        return self.bulk.sent + self.bulk.failed + self.bulk.skipped + self.deferred

    @property
    def rest(self) -> int | None:
        """Number of subscribers still to be processed; None before the start, 0 once it is over."""
        if self.bulk.total is None or self.bulk.state is not BulkState.SENDING:
            return None if self.bulk.total is None else 0
        return max(self.bulk.total - self.looked, 0)

    def ends_at(self, now: datetime) -> datetime | None:
        """Return the expected end at the pace so far. Returns None if it can't be estimated."""
        if self.bulk.state is not BulkState.SENDING or self.bulk.started_at is None or not self.looked or not self.rest:
            return None
        return now + (now - self.bulk.started_at) * (self.rest / self.looked)


def why_stopped(
    each: BulkCandidate, others: Sequence[BulkCandidate], now: datetime, *, exercises: bool
) -> Reason | None:
    """Return why a bulk goes no further; None if it may. `exercises`: its channel is marked as one for exercises."""
    if each.post in NEVER_WENT:
        return because("bulk_post_is", state=each.post)
    # The channel's mark may have changed since: an exercise must reach nobody who takes it for real.
    if each.exercise is not exercises:
        return because("bulk_exercise_mismatch")
    if each.expires is not None and each.expires <= now:
        return because("bulk_over")
    newer = [other for other in others if other.incident == each.incident and other.seq > each.seq]
    # A newer one that still waits may never go out: until it does, this one goes on.
    successor = next((other for other in newer if not other.waits and other.post not in NEVER_WENT), None)
    return because("bulk_superseded", by=successor.id) if successor is not None else None


def most_pressing(candidates: Sequence[BulkCandidate]) -> BulkCandidate | None:
    """Return the bulk to send next: Severe and Extreme first, then the oldest. Returns None if all wait."""
    ready = [each for each in candidates if not each.waits]
    return min(ready, key=lambda each: (not each.urgent, each.seq), default=None)


def end_of(quiet: Quiet, local: datetime) -> datetime:
    """Return the end of the quiet hours that contain `local`, a time in the station's zone."""
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The consequence of an attempt: the post's next state and all that is stored with it, in one transaction.

    `counts` is true if the attempt reached the platform, so that it counts against the rate limits. `looked` is true if
    it was a search for a post in doubt. `tally` has the numbers of the poll that it closed.
    """

    state: PostState
    outcome: str
    reason: Reason | None = None
    receipt: Receipt | None = None
    next_try: datetime | None = None
    counts: bool = True
    looked: bool = False
    means: Means | None = None
    tally: PollCount | None = None


class Blame(StrEnum):
    """The cause of a platform's refusal; it determines the advice given to people."""

    CREDENTIAL = "credential"
    APP = "app"
    ACCOUNT = "account"
    RIGHTS = "rights"
    CREDITS = "credits"
    LIMIT = "limit"
    OTHER = "other"


# Reasons that aren't listed are no fault on our side.
_BLAMED: Mapping[str, Blame] = MappingProxyType(
    {
        "x_app_refused": Blame.APP,
        "x_forbids_all": Blame.APP,
        "x_read_only": Blame.APP,
        "x_account_refused": Blame.ACCOUNT,
        "facebook_permission": Blame.RIGHTS,
        "instagram_permission": Blame.RIGHTS,
        "telegram_may_not_post": Blame.RIGHTS,
        "x_credits": Blame.CREDITS,
        "limit_until": Blame.LIMIT,
        "asked_to_wait": Blame.LIMIT,
        "bot_still_waits": Blame.LIMIT,
        "facebook_holds_back": Blame.LIMIT,
        "instagram_holds_back": Blame.LIMIT,
        "receiver_asks_to_wait": Blame.LIMIT,
    }
)
# With valid keys an account may read and still not publish: a probe of the keys can't show that this is over.
_SHOWN_BY_POSTS = frozenset(
    {"x_app_refused", "x_forbids_all", "x_account_refused", "facebook_permission", "instagram_permission"}
)


def blame_of(reason: Reason | None) -> Blame:
    """Return the cause that a channel's reason points to; `OTHER` if the fault is not ours."""
    return _BLAMED.get(reason.code, Blame.OTHER) if reason is not None else Blame.OTHER


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """Health of a lane with its platform: `state` is ok, blocked or failing. It survives a restart."""

    state: str = "ok"
    reason: Reason | None = None
    blocked_until: datetime | None = None
    quotas: tuple[Quota, ...] = ()

    @property
    def is_shown_by_posts(self) -> bool:
        """True if it is blocked for a cause whose end is shown only by an accepted post, never by a probe."""
        return self.state == "blocked" and self.reason is not None and self.reason.code in _SHOWN_BY_POSTS

    def is_troubled(self, now: datetime) -> bool:
        """True if a channel isn't ok: its credential is refused, it was asked to wait, or its attempts fail."""
        if self.state == "ok":
            return False
        return self.state == "blocked" or self.blocked_until is None or self.blocked_until > now


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that is journalled and may be made.

    `thread` has the incident's posts on this channel since the incident last ended there, oldest first, each once
    (empty for a first post). `newest_known` is for a verification: the newest of our posts whose result was known
    before the attempt in question began.
    """

    attempt: int
    thread: tuple[Receipt, ...] = ()
    newest_known: str | None = None
    action: str = "send"

    @property
    def parent(self) -> Receipt | None:
        """The newest post of the thread, which the attempt answers or changes; None for a first post."""
        return self.thread[-1] if self.thread else None


@dataclass(frozen=True, slots=True)
class Target:
    """One subscriber and the message for them: one bulk, or several deferred ones combined.

    `message` is the one they already have of the incident; the new one replies to it or, with `edits`, replaces it.
    `endpoint` is the address of a browser, a mailbox or a telephone. Neither it nor the chat appears in any log.
    """

    chat: int = field(repr=False)
    language: str
    bulks: tuple[Bulk, ...]
    message: int | None = None
    edits: bool = False
    deferred: bool = False
    endpoint: Endpoint | None = field(default=None, repr=False)

    @property
    def urgent(self) -> bool:
        """True if any of its bulks is Severe or Extreme."""
        return any(bulk.notice.urgent for bulk in self.bulks)


class SendOutcome(StrEnum):
    """The result of one message: sent, recipient gone, refused, or in doubt.

    `LATER`: the recipient's service accepts none now, while others do. `NOBODY`: a service that may be wrong says that
    the recipient is gone; if it still says so after `MISSED_FOR`, they have left.
    """

    SENT = "sent"
    LEFT = "left"
    FAILED = "failed"
    DOUBT = "doubt"
    LATER = "later"
    NOBODY = "nobody"


MISSED_FOR = timedelta(hours=1)
"""How long a recipient must be reported gone before they count as having left.

A relay that loses its list of mailboxes for a shorter time must not cost a town its subscribers.
"""


def still_missed(missed_at: datetime | None, reached_at: datetime | None) -> datetime | None:
    """Return since when a recipient is reported gone; None if never, or if a message reached them since."""
    return missed_at if missed_at is not None and (reached_at is None or reached_at < missed_at) else None


@dataclass(frozen=True, slots=True)
class SendResult:
    """The end of one attempt. `moved_to` is the new id of a chat that moved, `until` when a `LATER` one is due.

    `unsure`: it was refused or deferred, but may be out because no clear answer came.
    """

    target: Target
    outcome: SendOutcome
    message: int | None = None
    moved_to: int | None = field(default=None, repr=False)
    until: datetime | None = None
    unsure: bool = False

    @property
    def may_be_out(self) -> bool:
        """True if it is unknown whether the message is out."""
        return self.unsure or self.outcome is SendOutcome.DOUBT

    @property
    def is_plain(self) -> bool:
        """True for the ordinary case: sent, of one bulk, to the chat it was meant for."""
        alone = len(self.target.bulks) == 1 and not self.target.deferred
        return self.outcome is SendOutcome.SENT and alone and self.moved_to is None


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """The request of a turn: store these results and hand over at most `room` more.

    `working` is the bulk of the turn before, `flying` has the sends that are handed over and have no result yet, and
    `withdrew` says that some were withdrawn before they left; `local` is the time in the town's zone. `hurry`: so many
    messages are due per second that blocking everything else for a millisecond or two is worth it. `last` is set when
    nothing more is sent under this lease: of all sends handed over, only those in it may be out.
    """

    local: datetime
    room: int
    results: Sequence[SendResult] = ()
    working: str | None = None
    flying: frozenset[tuple[str, int]] = field(default=frozenset(), repr=False)
    withdrew: bool = True
    hurry: bool = False
    last: frozenset[tuple[str, int]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The answer to a turn: the next targets, their bulk (None if there is none), and when to ask again at the latest.

    `urgent` says that the bulk precedes everything else. Sends that belong neither to `bulk` nor to `alive` are
    stopped. `left`: some of the targets that were handed over before and withdrawn had no room in this turn.
    """

    bulk: str | None = None
    urgent: bool = False
    targets: Sequence[Target] = ()
    alive: frozenset[str] = frozenset()
    again_at: datetime | None = None
    ended: Sequence[Bulk] = ()
    left: bool = False
