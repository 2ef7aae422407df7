"""The store as those see it who show things to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.model.bulk import Progress
from alerts.model.incident import AlertState, Record
from alerts.model.ports.delivering import Standing
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages a list is to show: all where a field is None. `words` are looked for in the headline and id."""

    state: AlertState | None = None
    post_state: PostState | None = None
    source: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided or done about an alert. `remote_id` is the platform's, of an attempt that got one."""

    at: datetime
    alert_id: str
    channel: str | None
    post_id: str | None
    what: str
    reason: Reason | None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """How a source was doing when it was last looked at; `gone` is how much vanished from it at once, undecided."""

    name: str
    last_ok: datetime | None
    failures: int
    reason: Reason | None
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Archived:
    """What is kept of a pruned incident: its messages and posts in order, and all that was decided and done."""

    incident: str
    records: Sequence[Record]
    posts: Sequence[Post]
    events: Sequence[Event]


class Views(Protocol):
    """What is shown: each question costs a few index reads, however many alerts there are."""

    def on_now(self, now: datetime) -> Sequence[Record]:
        """What is on, waiting, failed or in doubt, oldest first."""
        ...

    def everything(self) -> Sequence[Record]:
        """All messages, with those that were left out, oldest first."""
        ...

    def page(self, wanted: Wanted, *, before: str | None = None, most: int = 50) -> Sequence[Record]:
        """The newest messages first, from before the one of the id `before`."""
        ...

    def on(self, now: datetime, *, most: int = 50) -> Sequence[Record]:
        """The newest message of each incident that is on for its readers, gravest first, then what ends first."""
        ...

    def posts_in(self, state: PostState, *, most: int = 50) -> Sequence[Post]:
        """The posts in a state of `TO_BE_SEEN_TO`, gravest first, the newest of them first."""
        ...

    def waiting(self, *, skip: int = 0, most: int = 50) -> Sequence[str]:
        """The alerts that wait: what goes out by itself first, the first of it first, then the gravest, the oldest."""
        ...

    def held_counts(self) -> Mapping[PostState, int]:
        """How many alerts have posts that wait, failed or are in doubt."""
        ...

    def records(self, alerts: Sequence[str]) -> Mapping[str, Record]:
        """The messages of these ids."""
        ...

    def threads(self, incidents: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these incidents, in the order of storing."""
        ...

    def posts_by_alert(self, alerts: Sequence[str]) -> Mapping[str, Sequence[Post]]:
        """The posts of each of these alerts, in order."""
        ...

    def history(self, incident: str) -> Sequence[Event]:
        """Every decision and attempt of an incident, in the order of time."""
        ...

    def archived(self, name: str) -> Archived | None:
        """What was kept of a pruned incident, by its own id or that of one of its messages."""
        ...

    def sources(self) -> Mapping[str, SourceStanding]:
        """How each source that was ever looked at is doing."""
        ...

    def post_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state, by channel and state."""
        ...

    def open_counts(self) -> Mapping[tuple[str, PostState], int]:
        """How many posts are in each state of `TO_BE_SEEN_TO`, by channel and state."""
        ...

    def departures(self, channel: str, since: datetime) -> Sequence[datetime]:
        """When the attempts that count left, from `since` on, oldest first."""
        ...

    def standing(self, channel: str) -> Standing:
        """How a channel stands with its platform."""
        ...

    def fact(self, channel: str, key: str) -> str | None:
        """What a channel keeps under that name (`followers`: as its last probe told)."""
        ...

    def sent_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Post]:
        """The posts that went out in a span of time, oldest first; of more than `most`, the newest."""
        ...

    def starting_between(self, start: datetime, end: datetime, *, most: int = 500) -> Sequence[Record]:
        """The messages that were taken in or wait, whose time touches the span, by when they are over."""
        ...

    def bulks(self, since: datetime) -> Sequence[Progress]:
        """How far what is told to subscribers is: what isn't over, or was over since, in the order of storing."""
        ...

    def last_look(self, account: str, incident: str) -> str | None:
        """The id of the newest message of an incident when this account last looked at it."""
        ...

    def looked(self, account: str, incident: str, alert_id: str, now: datetime) -> None:
        """Keep what an account has now seen of an incident (a write: in a transaction that writes)."""
        ...

    def public_incidents(self, now: datetime) -> Sequence[str]:
        """The incidents that are on or to come, or were over in the last day."""
        ...

    def messages(self, incidents: Sequence[str]) -> Mapping[str, Sequence[Record]]:
        """The messages of each of these incidents, in the order of storing."""
        ...

    def published(self, most: int) -> Sequence[tuple[str, datetime]]:
        """The incidents of the newest messages that were let out, with when each last changed."""
        ...

    def incident_of(self, name: str) -> str | None:
        """The incident of that id, or of the message of that id."""
        ...
