"""What a lane must know of its channel, and what it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import Pace
from alerts.delivery.retry import Chance
from alerts.model.ports import Channel, Clock, Deletes, Edits, Outbox, Standings, Verdict
from alerts.model.post import Means, Post, PostKind, Receipt


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """What a lane must know of its channel. `counts_every_write`: edits and deletes count against the windows too."""

    name: str
    pace: Pace
    concurrency: int = 4
    exercise: bool = False
    counts_every_write: bool = True

    def counts(self, means: Means) -> bool:
        """Whether the platform counts this against the windows."""
        return self.counts_every_write or means in (Means.NEW, Means.REPLY)


@dataclass(frozen=True, slots=True)
class LaneDesk:
    """What a lane works with: the outbox, how channels stand, the leases, the clock, chance, and who is told."""

    outbox: Outbox
    standings: Standings
    keeper: LeaseKeeper
    clock: Clock
    chance: Chance
    told: Callable[[Post, Verdict, float], None]


def way_of(post: Post, channel: Channel, parent: Receipt | None) -> Means:
    """By what means the post really goes out: the wished one where channel and thread allow it, else a new post."""
    if post.kind is PostKind.PUBLISH or parent is None:
        return Means.NEW
    match post.means:
        case Means.EDIT:
            return Means.EDIT if isinstance(channel, Edits) else Means.REPLY
        case Means.DELETE:
            return Means.DELETE if isinstance(channel, Deletes) else Means.REPLY
        case Means.REPLY:
            return Means.REPLY
        case _:
            return Means.NEW
