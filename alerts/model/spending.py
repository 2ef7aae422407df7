"""Money that a channel's posts cost, as the channel keeps it among its facts (`SPENT`): by post, with its day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

SPENT = "spent"
"""The channel's fact that holds it."""
LIFTED = "ceiling lifted"
"""The channel's fact with the day, in the town's zone, on which an administrator lets it spend more."""
KEPT = timedelta(days=400)
"""For how long a post's cost is known: what an incident cost is asked for within a year."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The day and the euros of each post, oldest first; days are those of the town's zone."""

    posts: Mapping[str, tuple[date, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, kept: str | None) -> Spending:
        """Return what `kept` holds, as `written` made it; nothing of None."""
        posts: dict[str, Any] = json.loads(kept) if kept else {}
        return cls({post: (date.fromisoformat(day), float(euros)) for post, (day, euros) in posts.items()})

    def written(self) -> str:
        """As a fact."""
        return json.dumps({post: [day.isoformat(), round(euros, 4)] for post, (day, euros) in self.posts.items()})

    def plus(self, post: str, euros: float, today: date) -> Spending:
        """Return it with so much more for a post; less, where less was paid. What is too old is forgotten."""
        kept = {name: paid for name, paid in self.posts.items() if today - paid[0] < KEPT}
        day, before = kept.pop(post, (today, 0.0))
        total = max(before + euros, 0.0)
        # By the day of the last change: a post that is sent once more is paid for then.
        return Spending({**kept, post: (max(day, today), total)} if total else kept)

    def of(self, post: str) -> float | None:
        """The euros that a post cost; None: nothing is known of it."""
        paid = self.posts.get(post)
        return paid[1] if paid else None

    def on(self, today: date) -> float:
        """The euros of a day."""
        return round(sum(euros for day, euros in self.posts.values() if day == today), 4)

    def in_month(self, today: date) -> float:
        """The euros of its month."""
        month = (today.year, today.month)
        return round(sum(euros for day, euros in self.posts.values() if (day.year, day.month) == month), 4)
