"""What store and delivery exchange: attempts with their outcomes, and bulks.

A bulk is one alert to many subscribers: one row of work with a cursor. It waits, goes and ends with its channel's own
post: `why_stopped` and `most_pressing`, both pure, decide which bulk goes on.
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
from alerts.model.subscriber import Mailbox, Notice, PushEndpoint, Quiet

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

    Its `id` is that of the channel's own post, with which it waits and goes. `texts` are its words by language (primary
    subtag; Telegram's as HTML), `links` the address of its page. An end goes to those alone who got the incident, and
    so does an update, unless it reaches further than what it updates (`everyone`); `edits` puts it in the place of what
    they got. `cursor` is the chat up to which everybody was handed over, `total` how many subscribers there were at
    its start; `reason` says why it was stopped. `hazard` is whose pictogram is shown beside the words; None: none is.
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
        """What is told, by language, as messages: to be looked at."""
        return messages_of(self.texts, self.links)

    def text(self, language: str) -> str:
        """The words for a subscriber of that language; another one's where there are none."""
        return self.texts.get(language) or next(iter(self.texts.values()))


def messages_of(texts: Mapping[str, str], links: Mapping[str, str]) -> Mapping[str, Message]:
    """What is told to subscribers, by language, as messages."""
    return {
        language: Message(text, visible(text), links.get(language), language=language)
        for language, text in texts.items()
    }


@dataclass(frozen=True, slots=True)
class BulkCandidate:
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


def why_stopped(
    each: BulkCandidate, others: Sequence[BulkCandidate], now: datetime, *, exercises: bool
) -> Reason | None:
    """Why a bulk goes no further; None: it may. `exercises` is the mark of its channel."""
    if each.post in NEVER_WENT:
        return because("bulk_post_is", state=each.post)
    # The channel's mark may have changed since: an exercise must reach nobody who takes it for real.
    if each.exercise is not exercises:
        return because("bulk_exercise_mismatch")
    if each.expires is not None and each.expires <= now:
        return because("bulk_over")
    newer = [other for other in others if other.incident == each.incident and other.seq > each.seq]
    # One that waits may never go out: until it does, this one goes on.
    heir = next((other for other in newer if not other.waits and other.post not in NEVER_WENT), None)
    return because("bulk_superseded", by=heir.id) if heir is not None else None


def most_pressing(candidates: Sequence[BulkCandidate]) -> BulkCandidate | None:
    """What goes first of what may go: Severe or worse ahead of everything, else in the order of storing."""
    ready = [each for each in candidates if not each.waits]
    return min(ready, key=lambda each: (not each.urgent, each.seq), default=None)


def end_of(quiet: Quiet, local: datetime) -> datetime:
    """When the quiet hours that `local` (in the station's zone) falls into are over."""
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt came to: the post's next state and all that is written down with it, in one transaction.

    `counts` says whether the attempt reached the platform, so whether it counts against the windows. `tally` are the
    numbers of a poll that was closed by it.
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
    """What a platform's refusal is about, by which people are told what to do."""

    CREDENTIAL = "credential"
    APP = "app"
    ACCOUNT = "account"
    RIGHTS = "rights"
    CREDITS = "credits"
    LIMIT = "limit"
    OTHER = "other"


_BLAMED: Mapping[str, Blame] = MappingProxyType(
    {
        "x_app_refused": Blame.APP,
        "x_forbids_all": Blame.APP,
        "x_read_only": Blame.APP,
        "x_account_refused": Blame.ACCOUNT,
        "facebook_permission": Blame.RIGHTS,
        "telegram_may_not_post": Blame.RIGHTS,
        "x_credits": Blame.CREDITS,
        "limit_until": Blame.LIMIT,
        "asked_to_wait": Blame.LIMIT,
        "bot_still_waits": Blame.LIMIT,
        "facebook_holds_back": Blame.LIMIT,
        "receiver_asks_to_wait": Blame.LIMIT,
    }
)
# Who may read and has valid keys may still not publish: a probe of the keys is no sign that this is over.
_SHOWN_BY_POSTS = frozenset({"x_app_refused", "x_forbids_all", "x_account_refused", "facebook_permission"})


def blame_of(reason: Reason | None) -> Blame:
    """What a channel's reason is about; `OTHER` where it is about none of us."""
    return _BLAMED.get(reason.code, Blame.OTHER) if reason is not None else Blame.OTHER


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a lane stands with its platform: `state` is ok, blocked or failing; it survives a restart."""

    state: str = "ok"
    reason: Reason | None = None
    blocked_until: datetime | None = None
    quotas: tuple[Quota, ...] = ()

    @property
    def is_shown_by_posts(self) -> bool:
        """Whether it is blocked for something that no probe tells the end of: only that a post is taken does."""
        return self.state == "blocked" and self.reason is not None and self.reason.code in _SHOWN_BY_POSTS


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
class Target:
    """One subscriber and what they are to be told: one bulk, or several that were held back for them, as one message.

    `message` is what they have of the incident; it is answered, or changed where `edits`. `endpoint` is where a browser
    or a mailbox is reached. Neither that nor the chat stands in any log.
    """

    chat: int = field(repr=False)
    language: str
    bulks: tuple[Bulk, ...]
    message: int | None = None
    edits: bool = False
    held: bool = False
    endpoint: PushEndpoint | Mailbox | None = field(default=None, repr=False)

    @property
    def urgent(self) -> bool:
        """Whether any of it is Severe or worse."""
        return any(bulk.notice.urgent for bulk in self.bulks)


class SendOutcome(StrEnum):
    """What became of one message: it is out, nobody reads there any more, it was refused, it may be out.

    Or it is for later: whoever carries messages to that subscriber takes none now, while others go on. Or `NOBODY` is
    there by the word of somebody who may be wrong: said again when it was `MISSED_FOR` so long, they have left.
    """

    SENT = "sent"
    LEFT = "left"
    FAILED = "failed"
    DOUBT = "doubt"
    LATER = "later"
    NOBODY = "nobody"


MISSED_FOR = timedelta(hours=1)
"""A relay that lost its list of mailboxes for less must not cost a town its subscribers."""


def still_missed(missed_at: datetime | None, told_at: datetime | None) -> datetime | None:
    """Since when nobody is there; None: it wasn't said yet, or something reached them since."""
    return missed_at if missed_at is not None and (told_at is None or told_at < missed_at) else None


@dataclass(frozen=True, slots=True)
class SendResult:
    """The end of one attempt. `moved_to` is the new id of a chat that has one, `until` when what is `LATER` is due.

    `unsure`: it may be out though it was refused or is for later, for no answer came that would tell.
    """

    target: Target
    outcome: SendOutcome
    message: int | None = None
    moved_to: int | None = field(default=None, repr=False)
    until: datetime | None = None
    unsure: bool = False

    @property
    def may_be_out(self) -> bool:
        """Whether nobody knows if it is out."""
        return self.unsure or self.outcome is SendOutcome.DOUBT

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
    in a second that it is worth holding up everything else for a millisecond or two. `last`: nothing more leaves
    under this lease, and of all that was handed over these alone may be out.
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
