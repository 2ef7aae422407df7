"""The store as those see it who show things to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.model.incident import AlertState, Record
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
class SourceStatus:
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
