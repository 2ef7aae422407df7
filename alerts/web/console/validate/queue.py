"""What waits for somebody, the first to go out first, each with the rule that made it wait and who may decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from alerts.desk.approve import MessageKind, kind_of, why_not_theirs, wrote
from alerts.desk.dedupe import end_reason
from alerts.desk.following import words_about
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskUnit
from alerts.desk.station import Station
from alerts.model.alert import Info, Severity, Urgency
from alerts.model.incident import StoredAlert
from alerts.model.person import Act, Actor
from alerts.model.post import Post, PostState

A_PAGE = 50
"""Alerts on one page of the list."""


class Stance(StrEnum):
    """Whether somebody may validate an alert, and why not."""

    MAY = "may"
    ROLE = "role"
    OWN = "own"
    UNKNOWN = "unknown"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Rule:
    """Why it waits: which key of its source applied, and what that says.

    `urgent` is for what is Severe or worse and Immediate; `unknown` for a severity that nobody told; `other` where the
    source's rules alone would have let it go on, and the message's own reason says what held it.
    """

    key: Literal["publish", "urgent", "unknown", "other"]
    value: Literal["veto", "approve"]


@dataclass(frozen=True, slots=True)
class Item:
    """An alert that waits, or waited, as the one who looks sees it."""

    record: StoredAlert
    posts: tuple[Post, ...]
    info: Info | None
    rule: Rule
    stance: Stance
    wrote: bool
    about: Info | None = None

    @property
    def kind(self) -> MessageKind:
        """What it is to its readers: an alert, its update, its end."""
        return kind_of(self.record, self.posts)

    @property
    def headline(self) -> str:
        """What it is called, or what it is about was; its id where neither says anything."""
        info = self.info or self.about
        return ((info.headline or info.event) if info else None) or self.record.id

    @property
    def waiting(self) -> tuple[Post, ...]:
        """The posts that wait."""
        return tuple(post for post in self.posts if post.state is PostState.WAITING)

    @property
    def goes_out_at(self) -> datetime | None:
        """When a veto's time is over."""
        return min((post.not_before for post in self.waiting if post.not_before), default=None)

    @property
    def areas(self) -> tuple[str, ...]:
        """The names of where it is."""
        alert = self.record.alert
        return tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else ()

    @property
    def until(self) -> datetime | None:
        """When it is over."""
        return self.record.alert.expires if self.record.alert else None

    @property
    def is_exercise(self) -> bool:
        """Whether it is anything but the real thing."""
        return self.record.alert is not None and self.record.alert.status in PRACTICE


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of what waits, of so many `pages`; `total` counts the alerts of all of them."""

    items: tuple[Item, ...]
    total: int
    page: int
    pages: int


def what_waits(unit: DeskUnit, actor: Actor, page: int = 1) -> Queue:
    """What waits: what goes out by itself first, the first of it first; then the gravest, and the oldest of these.

    A page that isn't there any more is the last that is.
    """
    total = unit.views.held_counts().get(PostState.WAITING, 0)
    pages = max(-(-total // A_PAGE), 1)
    page = min(max(page, 1), pages)
    names = unit.views.waiting(skip=(page - 1) * A_PAGE, most=A_PAGE)
    records, posts = unit.views.records(names), unit.views.posts_by_alert(names)
    items = [item_of(unit, records[name], posts[name], actor) for name in names if name in records]
    return Queue(tuple(items), total, page, pages)


def item_of(unit: DeskUnit, record: StoredAlert, posts: Sequence[Post], actor: Actor) -> Item:
    """One alert as `actor` sees it."""
    station = unit.desk.station
    info = record.alert.info_for(station.language) if record.alert else None
    return Item(
        record,
        tuple(posts),
        info,
        _rule(record, posts, station),
        _stance(record, station, actor),
        wrote=wrote(actor, record),
        about=info or words_about(unit.alerts, record, station.language),
    )


def _rule(record: StoredAlert, posts: Sequence[Post], station: Station) -> Rule:
    """What it waits for is kept with its posts; by which key, its source's rules say."""
    intake, severity = station.intake(record.source), record.severity
    value: Literal["veto", "approve"] = "veto" if any(post.not_before for post in posts) else "approve"
    is_urgent = severity.at_least(Severity.SEVERE) and record.alert and record.alert.urgency is Urgency.IMMEDIATE
    is_end = record.alert is not None and end_reason(record.alert) is not None
    if severity is Severity.UNKNOWN and intake.publish != value and not is_end:
        return Rule("unknown", value)
    key: Literal["publish", "urgent"] = "urgent" if is_urgent and intake.urgent == value else "publish"
    return Rule(key if key == "urgent" or intake.publish == value else "other", value)


def _stance(record: StoredAlert, station: Station, actor: Actor) -> Stance:
    if not actor.may(Act.APPROVE):
        return Stance.OWN if wrote(actor, record) else Stance.ROLE
    if why_not_theirs(actor, record, station):
        return Stance.OWN if wrote(actor, record) else Stance.UNKNOWN
    return Stance.ALONE if wrote(actor, record) else Stance.MAY
