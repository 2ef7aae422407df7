"""The JSON objects of sources and channels, as the API answers them and `tocsin status --json` prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from alerts.desk.out import AlertOut, Out, ReasonCode, ReasonWords, Versioned, spelled, worded
from alerts.desk.unit import DeskUnit, channel_statuses, concerning, cost_of, followers_of, source_statuses
from alerts.model.lease import Ownership, name_of, source_lease
from alerts.model.town import Town


@dataclass(frozen=True)
class OwnerOut(Out):
    """The daemon that works something; `host` and `since` are null for a daemon of the version before."""

    daemon: str
    host: str | None
    since: str | None


def owners_of(found: Ownership, town: Town) -> dict[str, OwnerOut]:
    """Which daemon works what, by the lease's name."""
    return {
        name: OwnerOut(
            name_of(lease.owner),
            found.daemons[lease.owner].host if lease.owner in found.daemons else None,
            spelled(town, lease.since) if lease.owner in found.daemons else None,
        )
        for name, lease in found.owned.items()
    }


@dataclass(frozen=True)
class SourceOut(Out):
    """How a source is doing, and how old that knowledge is."""

    source: str
    state: Annotated[str, Field(description="`ok`, `failing` or `quiet`")]
    last_ok: str | None
    reason: ReasonWords
    reason_code: ReasonCode
    owner: OwnerOut | None

    @classmethod
    def each(cls, unit: DeskUnit) -> list[Self]:
        """All of them."""
        town, owners = unit.desk.station, owners_of(unit.leases.ownership(unit.now), unit.desk.station)
        return [
            cls(**{**each, **worded(town, each["reason"])}, owner=owners.get(source_lease(each["source"])))
            for each in source_statuses(unit.views, town, unit.now)
        ]


@dataclass(frozen=True)
class CostOut(Out):
    """The cost of a channel's posts in euros, today and in this month, and its ceilings."""

    today: float
    month: float
    daily_budget: float
    monthly_budget: float
    lifted: Annotated[bool, Field(description="An administrator lets it spend more today.")]


@dataclass(frozen=True)
class ChannelOut(Versioned):
    """How a channel is doing; `left` is what is left of each window of its limits."""

    channel: str
    state: Annotated[str, Field(description="`ok`, `blocked` or `failing`")]
    left: Mapping[str, int]
    reserve: int
    queued: int
    reason: ReasonWords
    reason_code: ReasonCode
    followers: int | None
    subscribers: Annotated[int | None, Field(description="Null for a channel that has none.")]
    cost: Annotated[CostOut | None, Field(description="Null for a channel whose posts cost nothing.")]
    owner: OwnerOut | None

    @classmethod
    def each(cls, unit: DeskUnit) -> list[Self]:
        """All of them."""
        town, owners = unit.desk.station, owners_of(unit.leases.ownership(unit.now), unit.desk.station)
        return [
            cls(
                **{**each, **worded(town, each["reason"])},
                followers=followers_of(unit.views, each["channel"]),
                subscribers=unit.subscribers.count(each["channel"]) if each["channel"] in town.reaching else None,
                cost=CostOut(**cost) if (cost := cost_of(unit.views, town, each["channel"], unit.now)) else None,
                owner=owners.get(each["channel"]),
            )
            for each in channel_statuses(unit.views, town, unit.now)
        ]


@dataclass(frozen=True)
class Overview(Out):
    """The alerts that are on, waiting, failed or in doubt, oldest first; then each source and each channel."""

    alerts: Sequence[AlertOut]
    sources: Sequence[SourceOut]
    channels: Sequence[ChannelOut]

    @classmethod
    def of(cls, unit: DeskUnit) -> Self:
        """The town as it is now."""
        return cls(AlertOut.each(unit, concerning(unit)), SourceOut.each(unit), ChannelOut.each(unit))
