"""An act on a channel whose posts cost money: its ceilings are lifted for a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from alerts.desk.act import Line, Named, OfficerAct
from alerts.desk.officer import Officer
from alerts.desk.status_out import ChannelOut
from alerts.desk.unit import MOST_QUEUED, DeskUnit, cost_of
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.spending import LIFTED
from alerts.store.facts import keep_fact


@dataclass(frozen=True)
class LiftCeiling(OfficerAct):
    """Let a channel spend more than its ceilings until midnight."""

    of, place, group, verb, permission = "channels", "/channels", "channel", "lift", Act.LIFT_CEILING
    answers, names, metavar = (ChannelOut,), "A channel whose posts cost money.", "CHANNEL"
    body = ("LiftWish", "Why more is spent than was meant.")
    details = "`daily_budget` and `monthly_budget` hold again the day after. What waits for them goes out at once."
    confirmation = "%(channel)s may spend more than its ceilings until midnight"

    reason: Annotated[Line, Field(description="For the audit log."), Named(help="Why.")]

    def carry_out(self, officer: Officer) -> str:
        """Lift them, in the town's day. Raises Misuse where the channel's posts cost nothing."""
        unit = officer.unit
        if (why := self.missing(unit)) is not None:
            raise Misuse(why)
        keep_fact(unit.db, self.id, LIFTED, unit.now.astimezone(unit.desk.station.zone).date().isoformat())
        for post in unit.views.posts_in(PostState.QUEUED, most=MOST_QUEUED):
            if post.channel == self.id and post.next_try is not None:
                unit.alerts.try_now(post)
                unit.alerts.note(unit.now, post.alert_id, post.id, PostState.QUEUED, because("ceiling_lifted"))
        officer.write(Act.LIFT_CEILING, self.id, self.reason)
        return self.id

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Why this is no channel with a ceiling."""
        town = unit.desk.station
        known = [name for name in town.channels if cost_of(unit.views, town, name, unit.now) is not None]
        return None if self.id in known else because("no_paid_channel", name=self.id[:60], known=known or ["–"])

    def account(self, unit: DeskUnit, done: str) -> ChannelOut:
        """The channel, with what it spent."""
        return next(each for each in ChannelOut.each(unit) if each.channel == done)

    def before(self, unit: DeskUnit) -> ChannelOut:
        """The channel as it is now."""
        return self.account(unit, self.id)

    def values(self, done: str) -> Mapping[str, Any]:
        """The channel."""
        return {"channel": done}

    def page(self, unit: DeskUnit, done: str) -> str:  # noqa: ARG002 its name is its id
        """The channel on the page of all."""
        return f"/channels#channel-{done}"

    def title(self, unit: DeskUnit) -> str:  # noqa: ARG002 its name is its id
        """Its name."""
        return self.id
