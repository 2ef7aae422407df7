"""Every protocol between rooms. A room gets what it needs as arguments; nobody looks anything up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from alerts.model.alert import Alert, Named
from alerts.model.incident import AlertState, Record
from alerts.model.post import Means, Message, Post, PostState, Quota, Receipt


class Clock(Protocol):
    """Time comes in from outside, so that tests move it."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring within one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed (at once for 0 or less)."""
        ...


# --- sources --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """One entry of a feed: an alert, or why it could not be read.

    `key` names the entry within its source for as long as it is the same version of it (an index entry's URL and
    `updated`, an occurrence's announcement): a key that was stored is never handed on again. `notes` are what the
    lenient reader forgave. `leave_out` is a reason of the feed's own why this alert is none ("green: no warning").
    """

    key: str
    alert: Alert | None = None
    problem: str | None = None
    leave_out: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a source remembers between readings; stored in the same transaction as what it heard.

    `etag`, `last_modified` and `digest` serve conditional requests; `state` is the source's own (JSON-able).
    """

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a source brought: new entries, the memory to keep, and when to look again at the latest."""

    heard: Sequence[Heard]
    memory: Memory
    look_again: datetime | None = None
    unchanged: bool = False


Known = Callable[[Sequence[str]], Awaitable[set[str]]]


class Source(Protocol):
    """One feed. Raises SourceFailed when it can't be read; a broken entry is a Heard with a problem."""

    async def read(self, memory: Memory, known: Known, now: datetime) -> Reading:
        """Look once. `await known(keys)` tells which of `keys` were stored before: they are not told again."""
        ...


# --- channels -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Probe:
    """What a live check of a credential found: whose it is, and what is wrong or will be soon."""

    account: str
    warnings: tuple[str, ...] = ()


class Channel(Protocol):
    """A platform account that can publish. Every method raises a `DeliveryError` when it isn't simply done."""

    async def open(self) -> None:
        """Read the credentials and get ready; raises BadCredential where one is missing. Sends nothing."""
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Put a new post out, as an answer to the post `reply_to` where the platform can."""
        ...

    async def probe(self) -> Probe:
        """Ask the platform who we are and what we may, without publishing."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """What the platform last said of its own limits; empty when it said nothing."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A channel that can change a post that is out."""

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Replace the text; the receipt may carry a new id."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """A channel that can take a post back."""

    async def delete(self, remote_id: str) -> None:
        """Remove the post; one that is gone already is done, not an error."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A channel where one can look whether a post of ours is out."""

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """The post with these words that appeared at or after `since`, else None; `reply_to` as it was published.

        `after` is the id of the newest post of ours on this channel from before the attempt (None: there is none),
        `known` the ids of all our recent posts there, those that went out since included: a post in `known` is never
        the one looked for. Raises DeliveryError when the platform can't be asked, InDoubt when looking is no answer.
        """
        ...


@runtime_checkable
class Replaces(Protocol):
    """A channel where an edit makes a new post in the place of the old one: a lost one is looked for, not repeated."""

    replaces: bool


@dataclass(frozen=True, slots=True)
class Resources:
    """What a channel is given by the composition root.

    `session` is the one aiohttp.ClientSession of the process (typed loosely, for the vocabulary knows no library);
    `folder` is where channels.toml stands, for secret files; `recall` and `remember` keep a few of the channel's own
    facts (a migrated chat's id, a user id) across restarts.
    """

    session: Any
    clock: Clock
    folder: Path
    recall: Callable[[str], str | None]
    remember: Callable[[str, str], Awaitable[None]]


# --- the store ------------------------------------------------------------------------------------------------------


class Books(Protocol):
    """The store as the desk sees it, within one transaction: what it reads is what it decides on."""

    def by_identifier(self, identifier: str, sender: str | None = None) -> Sequence[Record]:
        """The messages with this CAP identifier, newest first."""
        ...

    def by_content(self, content_key: str) -> Sequence[Record]:
        """The messages with the same words that were not left out, newest first."""
        ...

    def by_headline(self, headline: str, source: str, since: datetime) -> Sequence[Record]:
        """The messages of a source with this headline that were taken in since, newest first."""
        ...

    def by_topic(self, topic: str, now: datetime) -> Sequence[Record]:
        """The messages on the same event in the same areas that are taken in, waiting or out, and not over."""
        ...

    def referring(self, identifier: str) -> Sequence[Record]:
        """The messages whose references name this CAP identifier, newest first."""
        ...

    def by_id(self, prefix: str) -> Sequence[Record]:
        """The messages whose id, CAP identifier or incident is `prefix`, else those where it starts with it.

        Of an identifier and of an incident it is the newest. More than one record: the name is ambiguous.
        """
        ...

    def incident(self, incident_id: str) -> Sequence[Record]:
        """The messages of an incident, in the order of storing."""
        ...

    def thread(self, incident_id: str, channel: str | None = None) -> Sequence[Post]:
        """The posts of an incident, on one channel or all, in the order of storing."""
        ...

    def posts_of(self, alert_id: str) -> Sequence[Post]:
        """The posts of one alert, in the order of storing."""
        ...

    def over(self, now: datetime) -> Sequence[Record]:
        """The newest message of each incident that has readers, if it is accepted, was over by `now` and isn't closed.

        One that waits is the newest too: its incident isn't over before it was let go or kept back.
        """
        ...

    def close(self, alert_id: str, now: datetime) -> None:
        """Keep that the incident's end was seen to."""
        ...

    def post_by_id(self, prefix: str) -> Sequence[Post]:
        """The posts whose id starts with `prefix`."""
        ...

    def add(self, record: Record) -> None:
        """Keep a message."""
        ...

    def set_alert_state(self, alert_id: str, state: AlertState, reason: str | None) -> None:
        """Change what became of a message."""
        ...

    def add_post(self, post: Post) -> None:
        """Put a post into the outbox; its `seq` is given by the store."""
        ...

    def move_post(self, post: Post, state: PostState, reason: str | None, *, not_before: datetime | None) -> None:
        """Change a post's state; raises ValueError where `FOLLOWS` doesn't allow it."""
        ...

    def note(self, at: datetime, alert_id: str, post_id: str | None, what: str, reason: str | None) -> None:
        """Write a decision down, for `explain`."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt came to: the post's next state and all that is written down with it, in one transaction.

    `counts` says whether the attempt reached the platform, so whether it counts against the windows.
    """

    state: PostState
    outcome: str
    reason: str | None = None
    receipt: Receipt | None = None
    next_try: datetime | None = None
    counts: bool = True
    looked: bool = False
    means: Means | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a lane stands with its platform: `state` is ok, blocked or failing; it survives a restart."""

    state: str = "ok"
    reason: str | None = None
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

    async def failed(self, source: str, reason: str, next_try: datetime, now: datetime) -> int:
        """Write down that it couldn't be read; returns how many times in a row."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source is given by the composition root: the session of the process, the clock, and whose town it is.

    `session` is an aiohttp.ClientSession (typed loosely, for the vocabulary knows no library); `folder` is where
    channels.toml stands, `zone` is for times that tell none, `sender` is the CAP sender of our own alerts and
    `geocodes` stand for the whole of the town.
    """

    session: Any
    clock: Clock
    folder: Path
    zone: ZoneInfo
    language: str
    station: str
    sender: str
    geocodes: tuple[Named, ...] = ()
