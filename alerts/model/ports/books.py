"""The store as the desk sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts.model.bulk import Bulk
from alerts.model.incident import AlertState, Record
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason


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

        One that waits is the newest too, if the same source or an officer brought it: its incident isn't over before
        it was let go or kept back.
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

    def set_alert_state(self, alert_id: str, state: AlertState, reason: Reason | None) -> None:
        """Change what became of a message."""
        ...

    def add_post(self, post: Post) -> None:
        """Put a post into the outbox; its `seq` is given by the store."""
        ...

    def add_bulk(self, bulk: Bulk) -> None:
        """Store what is told to a channel's subscribers; it goes with the post of the same id."""
        ...

    def subscribers_told(self, incident_id: str) -> frozenset[str]:
        """The channels whose subscribers were begun to be told of it and not of its end, whatever became of posts."""
        ...

    def move_post(self, post: Post, state: PostState, reason: Reason | None, *, not_before: datetime | None) -> None:
        """Change a post's state; raises ValueError where `FOLLOWS` doesn't allow it."""
        ...

    def set_clock(self, post: Post, not_before: datetime | None) -> None:
        """Let a post that waits go out by itself at that time; None: only when somebody validates it."""
        ...

    def gone_from(self, source: str) -> tuple[str, int] | None:
        """What vanished from a source all at once, and nobody decided on yet: its name, and how much it is."""
        ...

    def agree(self, source: str, key: str, now: datetime) -> None:
        """Keep that an officer agreed to what a source asked under that name: it finds it when it is read next."""
        ...

    def note(self, at: datetime, alert_id: str, post_id: str | None, what: str, reason: Reason | None) -> None:
        """Write a decision down, for `explain`."""
        ...
