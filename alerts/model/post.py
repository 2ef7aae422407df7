"""A post: what one channel is asked to do for one alert, the states it goes through, and the receipt that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from alerts.model.alert import Severity, Urgency
from alerts.model.bounds import bounded, seen
from alerts.model.reason import Reason, because


class PostKind(StrEnum):
    """The effect of the post on the incident's thread on its channel."""

    PUBLISH = "publish"
    UPDATE = "update"
    END = "end"
    # An answer to people who asked something: in a thread of its own, so that the alert's thread never waits for it.
    ANSWER = "answer"
    # The posts of a poll: its question, the closing and counting of a platform's own poll, and its result.
    POLL = "poll"
    COUNT = "count"
    RESULT = "result"


class EndReason(StrEnum):
    """Why an incident is over; each has its own words."""

    ALL_CLEAR = "all_clear"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CORRECTED = "corrected"


class Means(StrEnum):
    """How an update or an end appears on its channel (`on_update`, `on_end` of channels.toml)."""

    NEW = "new"
    REPLY = "reply"
    EDIT = "edit"
    DELETE = "delete"
    NONE = "none"


class PostState(StrEnum):
    """The state of a post; `FOLLOWS` lists the states that may come next."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    DROPPED = "dropped"

    @property
    def ended(self) -> bool:
        """True if nothing more happens to the post by itself: an officer may still retry or drop a failed one."""
        return not FOLLOWS[self] or self is PostState.FAILED


TO_BE_SEEN_TO = (
    PostState.WAITING,
    PostState.QUEUED,
    PostState.SENDING,
    PostState.IN_DOUBT,
    PostState.FAILED,
)
"""The states in which the program, or an officer, still has to act."""

_S = PostState
FOLLOWS: Mapping[PostState, frozenset[PostState]] = MappingProxyType(
    {
        _S.WAITING: frozenset({_S.QUEUED, _S.REJECTED, _S.EXPIRED, _S.SUPERSEDED, _S.DROPPED}),
        _S.QUEUED: frozenset({_S.SENDING, _S.EXPIRED, _S.SUPERSEDED, _S.DROPPED, _S.FAILED}),
        # A post on its way can't be stopped: only its outcome leads to another state.
        _S.SENDING: frozenset({_S.SENT, _S.QUEUED, _S.IN_DOUBT, _S.FAILED}),
        # Not superseded either: it may be out, and then the next post continues it.
        _S.IN_DOUBT: frozenset({_S.SENT, _S.QUEUED, _S.FAILED, _S.DROPPED, _S.EXPIRED}),
        # Only an officer leads on from here.
        _S.FAILED: frozenset({_S.QUEUED, _S.DROPPED}),
        # The states from here on are final: anything later is another post.
        _S.SENT: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.SUPERSEDED: frozenset(),
        _S.REJECTED: frozenset(),
        _S.DROPPED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class TextFormat:
    """The way a channel kind counts and writes text.

    `count` is "weighted" (X: twitter-text v3, a URL is 23), "utf16" (Telegram: UTF-16 units of the text left after
    entity parsing), "graphemes" (Bluesky), "mastodon" (graphemes, a URL is 23, hosts of mentions are free), "bytes" (of
    UTF-8), "gsm" (septets of SMS, `alerts.model.gsm`) or "characters" (code points). `markup` is "plain", "html" (for
    Telegram its subset) or "json" (named values for machines). `link` is the place of the address: "text" at the end of
    the text, or "field" outside of it, such as Facebook's `link`.
    """

    limit: int
    count: str = "characters"
    markup: str = "plain"
    link: str = "text"


@dataclass(frozen=True, slots=True)
class PostImage:
    """A picture on this machine and its text alternative."""

    path: str
    alt: str


@dataclass(frozen=True, slots=True)
class About:
    """A message's subject, for channels that need more than its text: ids, and the values by which alerts are sorted.

    `ready_at` is the time from which it could be sent: it is the same for every attempt, unlike the time of sending.
    """

    post: str
    alert: str
    incident: str
    channel: str
    kind: PostKind
    severity: Severity
    expires: datetime | None = None
    exercise: bool = False
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PollForm:
    """A poll for a platform that has polls of its own: one choice of two to four options, until `closes_at`."""

    question: str
    options: tuple[str, ...]
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """The content for the platform: `text` in the channel's markup, `plain` as a reader will see it.

    The lane sets `about` for each attempt; it isn't stored, since the post has all of it (`Post.addressed`). With
    `poll`, it is one of the platform's own polls.
    """

    text: str
    plain: str
    link: str | None = None
    image: PostImage | None = None
    language: str = "fr-FR"
    about: About | None = None
    poll: PollForm | None = None


LONGEST_SUBJECT = 180
"""Maximum characters of an e-mail's subject. Lists show fewer; the e-mail has the whole text."""


def subject_of(plain: str, *, exercise: bool = False) -> str:
    """Return an e-mail's subject: the first line of the text; for an exercise the first two, its mark and the headline.

    A longer one is cut after a word, with an ellipsis.
    """
    lines = [line for each in plain.splitlines() if (line := " ".join(seen(each).split()))]
    text = " – ".join(lines[: 2 if exercise else 1])
    if len(text) <= LONGEST_SUBJECT:
        return text
    return bounded(text, LONGEST_SUBJECT).rpartition(" ")[0].rstrip(" ,;:–-") + "…"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The id of a published post on its platform, and its `url`; None: the platform gives it no public address."""

    remote_id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit as the platform reported it: `remaining` requests until `reset`, of `limit` (None: unknown)."""

    remaining: int
    reset: datetime
    limit: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One row of the outbox. A higher `priority` goes first; `seq` is the order of storing (0: not stored).

    `not_before` is when a veto period ends, or when somebody validated it; `next_try` is when to try or verify it again
    (an officer decides on one in doubt without it). `attempted_at` is when a send last began, and `outcome` its result,
    which stays `in_doubt` until the post is found on the platform or known not to be there; `looks` counts the searches
    for it. `in_reply_to` is the remark that an answer replies to on its platform, and `answer` that answer's id; the
    `incident_id` of such a post is a thread of its own. `subscribers` has the messages for the channel's subscribers,
    by language; it is set for readers of an alert's posts, not for a lane.
    """

    id: str
    alert_id: str
    incident_id: str
    channel: str
    kind: PostKind
    means: Means
    state: PostState
    priority: int
    message: Message
    severity: Severity
    stored_at: datetime
    seq: int = 0
    exercise: bool = False
    warnings: tuple[Reason, ...] = ()
    expires: datetime | None = None
    not_before: datetime | None = None
    tries: int = 0
    next_try: datetime | None = None
    receipt: Receipt | None = None
    sent_at: datetime | None = None
    outcome: str | None = None
    reason: Reason | None = None
    looks: int = 0
    attempted_at: datetime | None = None
    in_reply_to: str | None = None
    answer: str | None = None
    subscribers: Mapping[str, Message] = field(default_factory=dict)

    @property
    def addressed(self) -> Message:
        """The message with its `about`, made from this post."""
        about = About(
            post=self.id,
            alert=self.alert_id,
            incident=self.incident_id,
            channel=self.channel,
            kind=self.kind,
            severity=self.severity,
            expires=self.expires,
            exercise=self.exercise,
            ready_at=max(self.stored_at, self.not_before or self.stored_at),
        )
        return replace(self.message, about=about)

    @property
    def urgent(self) -> bool:
        """True if it is Severe or Extreme: it may use a window's reserve, and overtakes posts that are less grave."""
        return self.severity.at_least(Severity.SEVERE)

    @property
    def is_over_limit(self) -> bool:
        """True if an approver sent it past the town's own rate limits; the platform's limits still defer it."""
        return self.priority >= OVER_LIMIT

    @property
    def is_deferred(self) -> bool:
        """True if only its channel's limits defer it; never true of a post that was read without them (`HELD`)."""
        return self.state is PostState.QUEUED and self.outcome == HELD

    @property
    def is_refused_access(self) -> bool:
        """True if it waits until the platform accepts the channel's credential, app or account again."""
        return self.state is PostState.QUEUED and self.outcome == "credential"

    @property
    def is_doubtful(self) -> bool:
        """True if the platform's answer to a send was lost, and it is still unknown whether the post is out."""
        return self.outcome == PostState.IN_DOUBT and self.state is not PostState.SENT


@dataclass(frozen=True, slots=True)
class DeferredPost:
    """A post deferred only by its channel's limits, and the expected time at which it is sent (`leaves`).

    `is_ours` is true if only the town's own limits defer it, not the platform's: only those can be overridden.
    """

    post: Post
    leaves: datetime
    is_ours: bool

    @property
    def reason(self) -> Reason:
        """The reason why it waits, with the expected time."""
        return because("held_by_limit" if self.is_ours else "held_by_platform", until=self.leaves)


OVER_LIMIT = 2000
"""The priority of a post that an approver sends past the town's own windows: it goes first, and waits for none."""
HELD = "held"
"""The outcome of a post that its channel's limits defer: computed when read, never stored."""
UNEXPLAINED = "unexplained"
"""The outcome of an attempt that the platform refused without a cause: it may be the words, the app or the account."""
ANSWERS_LAST = -10
"""The priority of an answer to somebody: below that of every alert."""


def priority_of(severity: Severity, urgency: Urgency) -> int:
    """Return the priority of an alert's post: by severity, then by urgency.

    An Unknown severity counts as Moderate, since it is often grave.
    """
    grave = Severity.MODERATE.rank if severity is Severity.UNKNOWN else severity.rank
    soon = {Urgency.IMMEDIATE: 3, Urgency.EXPECTED: 2, Urgency.UNKNOWN: 1, Urgency.FUTURE: 1, Urgency.PAST: 0}[urgency]
    # Severities are ten apart, so that no urgency puts an alert before a graver one.
    return grave * 10 + soon
