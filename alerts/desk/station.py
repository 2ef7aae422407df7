"""The station as the desk knows it: who it is, what counts as here, its channels and the rules of its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Literal

from alerts.desk.territory import Territory
from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.post import Means, TextFormat

Publish = Literal["auto", "veto", "approve"]


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel as the desk sees it: whom it takes and how its posts are made.

    With `subscriptions`, what is posted there is also told to those who subscribed to it, one by one.
    """

    name: str
    kind: str
    text: TextFormat
    severity: Severity = Severity.MINOR
    public: bool = True
    exercise: bool = False
    link: Literal["always", "first", "never"] = "always"
    on_update: Means = Means.REPLY
    on_end: Means = Means.REPLY
    language: str | None = None
    card: bool = False
    subscriptions: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """The rules for what one source brings. `urgent` decides for Severe or worse and Immediate, if it is set.

    `speaks_for` are the other sources whose messages it may update and end.
    """

    publish: Publish = "auto"
    urgent: Publish | None = None
    veto: timedelta = timedelta(minutes=10)
    severity: Severity = Severity.MINOR
    any_area: bool = False
    speaks_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Station:
    """The town: its name and CAP sender, its language and time zone, its ground, its outlets and its sources' rules.

    `alone` says that there is nobody else to validate what an officer wrote (`[desk] alone`). `hazards` are those that
    are offered to an officer, in that order; what is recognised is not narrowed by it.
    """

    name: str
    sender: str
    language: str
    timezone: tzinfo
    outlets: tuple[Outlet, ...]
    territory: Territory = field(default_factory=Territory)
    intakes: Mapping[str, Intake] = field(default_factory=dict)
    alone: bool = False
    hazards: tuple[Hazard, ...] = tuple(Hazard)

    def intake(self, source: str) -> Intake:
        """The rules of a source; plain ones for a source that configures none."""
        return self.intakes.get(source, Intake())

    def outlet(self, name: str) -> Outlet | None:
        """The channel of that name."""
        return next((outlet for outlet in self.outlets if outlet.name == name), None)
