"""Remarks of people on a town's posts, and the town's answers: utterances, questions, answers, and ears.

A *remark* is one thing that somebody wrote, as a platform, a feed, the bot or an officer passes it on; stored, it is an
*utterance*. Utterances that ask the same form one *question*; an officer's reply to it is an *answer*, which is sent as
a post. An *ear* listens on one channel, or to one feed.

Nothing is found by a person's name. The author is stored as an HMAC under a secret of the month (`author`), which tells
people apart and identifies nobody. The platform's own id (`sealed`) is stored with it, for answering and for `forget`,
and is deleted with the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts.model.reason import Reason

EAR_IS_LATE = timedelta(minutes=5)
"""How late an ear may be for its next poll before it counts as late, and its data as old."""
LONGEST_REMARK = 4000
"""Characters of a remark that are stored: nearly all that a message on Telegram has, and more than anybody reads."""


class Kind(StrEnum):
    """The apparent intention of a remark. It is a suggestion: an officer may change it."""

    QUESTION = "question"
    THANKS = "thanks"
    ANGER = "anger"
    RUMOUR = "rumour"
    HELP = "help"
    OTHER = "other"


NEVER_AUTOMATIC = frozenset({Kind.HELP, Kind.RUMOUR, Kind.ANGER})
"""Kinds that are never answered automatically: only an officer answers them."""


class UtteranceState(StrEnum):
    """The state of a remark: unread, handled, gone from its platform, or forgotten."""

    UNREAD = "unread"
    HANDLED = "handled"
    GONE = "gone"
    FORGOTTEN = "forgotten"


class QuestionState(StrEnum):
    """The state of a question. `BECAME`: its answer has become part of the alert."""

    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    BECAME = "became"


class AnswerState(StrEnum):
    """Where an answer is: it waits for a second person, was released, or was rejected or withdrawn."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark, as it was received.

    `remote_id` is the platform's own id, unique on its channel (Telegram: `CHAT:MESSAGE`). `root` is the remote id of
    our post that it comments on (None: of none), `parent` that of the remark it answers. `author` and `name` are the
    platform's id and name of the person; both may be missing. `edited_at` is when these words were written, if they
    aren't the first: of two versions the newer one counts, whichever arrived first. `hidden`: its platform shows it to
    nobody else. `text` and `hidden` are None if they are unchanged. `gone`: its platform says that it was deleted.
    `private`: it was sent to our bot alone, as a question about `incident`.
    """

    remote_id: str
    text: str | None
    at: datetime
    root: str | None = None
    parent: str | None = None
    author: str | None = None
    name: str | None = None
    url: str | None = None
    edited_at: datetime | None = None
    gone: bool = False
    hidden: bool | None = None
    language: str | None = None
    private: bool = False
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """The interpretation of a remark: its kind, the reason for it, and the vector for comparison.

    `asks`: it contains a question, whatever its kind. `vector` is None if nothing compares remarks here.
    """

    kind: Kind = Kind.OTHER
    reason: Reason | None = None
    asks: bool = False
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stored remark. `text`, `name` and `sealed` are None once it was forgotten, or is gone.

    `said_at` is the time of its first words by the platform's clock, `heard_at` when its present words came here.
    `incident` is that of the post it comments on, or, if `suggested`, the one it may be about. `question` is the id of
    the question it is part of. `raised`: it may be a call for help, which only a person dismisses; `told_at` is when
    those on call were warned of that. `hidden`: its platform shows it to nobody else; `hidden_at` is when that changed
    last, if it did. `exercise`: it came on a channel for exercises. `by` is the officer who entered it by hand, and
    `place` where they heard it. `vector` represents its words for comparison (`listening.likeness`).
    """

    id: str
    channel: str
    remote_id: str
    said_at: datetime
    heard_at: datetime
    text: str | None
    kind: Kind
    state: UtteranceState = UtteranceState.UNREAD
    root: str | None = None
    parent: str | None = None
    incident: str | None = None
    suggested: bool = False
    author: str | None = None
    sealed: str | None = None
    name: str | None = None
    url: str | None = None
    language: str | None = None
    kind_reason: Reason | None = None
    asks: bool = False
    raised: bool = False
    question: str | None = None
    edited_at: datetime | None = None
    hidden: bool = False
    hidden_at: datetime | None = None
    private: bool = False
    exercise: bool = False
    told_at: datetime | None = None
    by: str | None = None
    place: str | None = None
    vector: bytes | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A question that several people ask, in the words of the first of them, or in an officer's (`worded_by`).

    `asked` is the number of its utterances. `next_ones`: later askers are answered automatically. `verdict` is an
    officer's finding on a rumour: `true`, `false`, `unclear`. `reason` is why it was dismissed. `centroid` is the
    vector of all its utterances together.
    """

    id: str
    words: str
    kind: Kind
    state: QuestionState
    created_at: datetime
    changed_at: datetime
    incident: str | None = None
    worded_by: str | None = None
    asked: int = 0
    next_ones: bool = False
    verdict: str | None = None
    reason: Reason | None = None
    centroid: bytes | None = None


class AnswerTo(StrEnum):
    """The subject of an answer: a question, a poll's result, or a citizen's report."""

    QUESTION = "question"
    POLL = "poll"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """The town's answer in an officer's own words; the newest accepted version is the current one.

    `subject` is the id of the question, poll or report that it is given `to`. The answer to a question has more fields:
    `asked` is the question in an officer's words (None: it has a stranger's, which nothing public repeats), `incident`
    is the incident whose page shows it, `next_ones` means that later askers are answered automatically, `everywhere`
    that it is also published on channels where nobody asked. `source` is the origin of its words: `officer`, `alert`,
    or the id of an earlier answer.

    `digest` is that of the fields above when it was released (`alerts.desk.versions`). An answer to a question without
    `incident` was stored by an earlier version of the program: in its place the question's own fields are used.
    """

    id: str
    subject: str
    version: int
    text: str
    language: str
    author: str
    created_at: datetime
    state: AnswerState
    source: str = "officer"
    everywhere: bool = False
    validated_by: str | None = None
    validated_at: datetime | None = None
    to: AnswerTo = AnswerTo.QUESTION
    asked: str | None = None
    incident: str | None = None
    next_ones: bool = False
    digest: str | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class EarStatus:
    """The health of an ear, like that of a source: its memory, its last good poll, and its `reason` if it fails since.

    `failures` is the number of failed polls since the last good one. `next_try` is when it polls next, if that is
    known. `gap` describes the remarks that are lost, such as those of an outage longer than the platform keeps them.
    `cost` is the cost of listening in `month` (`2026-11`), in dollars.
    """

    name: str
    memory: Mapping[str, Any] = field(default_factory=dict)
    last_try: datetime | None = None
    last_ok: datetime | None = None
    failures: int = 0
    next_try: datetime | None = None
    reason: Reason | None = None
    gap: Reason | None = None
    cost: float = 0.0
    month: str = ""

    def is_late(self, now: datetime) -> bool:
        """True if it should have polled by now, so that its data is old."""
        return self.next_try is not None and now > self.next_try + EAR_IS_LATE


@dataclass(frozen=True, slots=True)
class HeardPost:
    """A post of ours under which people may comment: its id on the platform, when it was sent, and its incident.

    `over_at` is when the incident ended; None: it goes on.
    """

    remote_id: str
    sent_at: datetime
    incident: str
    url: str | None = None
    over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EarReading:
    """The result of one poll of an ear: remarks, new or changed, and the memory to keep once they are stored.

    `look_again` is when the ear is to poll next, at the latest; None: at its usual time. `gap` describes the remarks
    that are lost, `trouble` is the reason for an incomplete poll, `cost` is its cost in dollars.
    """

    remarks: Sequence[Remark]
    memory: Mapping[str, Any]
    look_again: datetime | None = None
    gap: Reason | None = None
    trouble: Reason | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Moderation:
    """An action on an utterance on its platform, and the clause of the town's charter for it.

    `act` is `hide`, `delete` or `block`. `state` is `waiting` (a block, until a `second` person agrees), `wanted` (the
    platform is still to be asked), `done`, `failed` with its reason, or `refused`.
    """

    id: str
    utterance: str
    channel: str
    act: str
    clause: str
    author: str
    at: datetime
    second: str | None = None
    state: str = "done"
    reason: Reason | None = None
