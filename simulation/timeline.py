"""What a platform holds, and every request that reached it. The audit believes this, and not the database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from simulation.audit import Seen


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as readers see it; `gone` is when it was taken back, `parent` the post or comment that it hangs on."""

    remote_id: str
    text: str
    at: datetime
    gone: datetime | None = None
    parent: str | None = None


@dataclass(slots=True)
class Timeline:
    """One account's posts by their ids, in order, and every request that reached the platform."""

    channel: str
    posts: dict[str, Shown] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    _ids: int = 100

    def add(self, text: str, now: datetime, parent: str | None = None) -> Shown:
        """A new post, or a comment on one."""
        self._ids += 1
        shown = Shown(str(self._ids), text, now, parent=parent)
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
        """The last post that is there; a comment is none."""
        return next((each for each in reversed(self.posts.values()) if each.gone is None and not each.parent), None)

    def hangs_on(self, shown: Shown, post: str) -> bool:
        """Whether it is a comment on that post or comment, or on one of its comments."""
        return shown.parent is not None and (shown.parent == post or self.hangs_on(self.posts[shown.parent], post))

    def says(self, text: str, since: datetime) -> bool:
        """Whether the same words appeared since."""
        return any(shown.text == text and shown.at >= since and shown.gone is None for shown in self.posts.values())

    def visible(self, until: datetime, since: datetime) -> list[Shown]:
        """What a reader of the timeline is shown of a span, newest first."""
        return [s for s in reversed(self.posts.values()) if s.gone is None and since <= s.at <= until]
