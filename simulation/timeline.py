"""What a platform holds, and who asked it for what: the part of the world that the audit believes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from simulation.audit import Seen


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as readers see it; `gone` is when it was taken back."""

    remote_id: str
    text: str
    at: datetime
    gone: datetime | None = None


@dataclass(slots=True)
class Timeline:
    """One account's posts by their ids, in order, and every request that reached the platform."""

    channel: str
    posts: dict[str, Shown] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    _ids: int = 100

    def add(self, text: str, now: datetime) -> Shown:
        """A new post."""
        self._ids += 1
        shown = Shown(str(self._ids), text, now)
        self.posts[shown.remote_id] = shown
        return shown

    def change(self, remote_id: str, text: str) -> Shown:
        """Other words for a post."""
        self.posts[remote_id] = replace(self.posts[remote_id], text=text)
        return self.posts[remote_id]

    def take_back(self, remote_id: str, now: datetime) -> None:
        """A post is gone."""
        self.posts[remote_id] = replace(self.posts[remote_id], gone=now)

    def has(self, remote_id: str) -> bool:
        """Whether readers see this post."""
        return remote_id in self.posts and self.posts[remote_id].gone is None

    def newest(self) -> Shown | None:
        """The last post that is there."""
        return next((shown for shown in reversed(self.posts.values()) if shown.gone is None), None)

    def says(self, text: str, since: datetime) -> bool:
        """Whether the same words appeared since."""
        return any(shown.text == text and shown.at >= since and shown.gone is None for shown in self.posts.values())

    def visible(self, until: datetime, since: datetime) -> list[Shown]:
        """What a reader of the timeline is shown of a span, newest first."""
        return [s for s in reversed(self.posts.values()) if s.gone is None and since <= s.at <= until]
