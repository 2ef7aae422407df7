"""A validator's view: the list of waiting alerts, and all data of one (`ReviewPage`).

The sheet has each channel's post as it goes out, with its length and its picture, and every word in every language. It
has the place and the end, the changes since the version that this reader saw last, a later waiting version, and the
messages about the same event that are public. `seal` makes the token of the form from it: the fingerprint of the
displayed version, bound to the session, so that exactly that version is validated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from alerts.desk.approve import MessageKind, fingerprint, kind_of, must_fit, why_not_theirs, wrote
from alerts.desk.changes import VersionChange, changes_between
from alerts.desk.dedupe import already_published, end_reason
from alerts.desk.following import words_about
from alerts.desk.officer import DECIDED
from alerts.desk.out import SaidWords, in_full
from alerts.desk.routing import PRACTICE
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Alert, Info, Severity, Urgency
from alerts.model.bounds import same, seal_of
from alerts.model.delivery import Bulk
from alerts.model.errors import Refused
from alerts.model.incident import MANUAL, AlertState, StoredAlert
from alerts.model.person import Act, Actor, AuditEntry, Origin
from alerts.model.post import Post, PostState
from alerts.model.reason import Reason
from alerts.model.town import Town
from alerts.rendering.card import LinkCard
from alerts.rendering.counting import count
from alerts.rendering.i18n import primary

A_PAGE = 50
"""Alerts on one page of the list."""


class Permission(StrEnum):
    """The permission to validate an alert, or the reason against it."""

    MAY = "may"
    ROLE = "role"
    OWN = "own"
    UNKNOWN = "unknown"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Rule:
    """The cause of its waiting: the key of its source that applied, and its value.

    `urgent` is for Severe or worse and Immediate; `unknown` for a missing severity; `other` if the source's rules alone
    would have let it pass, and the message's own reason is the cause.
    """

    key: Literal["publish", "urgent", "unknown", "other"]
    value: Literal["veto", "approve"]


@dataclass(frozen=True, slots=True)
class Item:
    """An alert that waits, or waited, from one reader's view."""

    stored: StoredAlert
    posts: tuple[Post, ...]
    info: Info | None
    rule: Rule
    permission: Permission
    wrote: bool
    about: Info | None = None

    @property
    def kind(self) -> MessageKind:
        """The meaning for its readers: an alert, its update, its end."""
        return kind_of(self.stored, self.posts)

    @property
    def headline(self) -> str:
        """The headline, or that of its subject; its id if neither has one."""
        info = self.info or self.about
        return ((info.headline or info.event) if info else None) or self.stored.id

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
        alert = self.stored.alert
        return tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else ()

    @property
    def until(self) -> datetime | None:
        """When it is over."""
        return self.stored.alert.expires if self.stored.alert else None

    @property
    def is_exercise(self) -> bool:
        """True if it is an exercise or a test."""
        return self.stored.alert is not None and self.stored.alert.status in PRACTICE


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of what waits, of so many `pages`; `total` counts the alerts of all of them."""

    items: tuple[Item, ...]
    total: int
    page: int
    pages: int


def what_waits(unit: DeskUnit, actor: Actor, page: int = 1) -> Queue:
    """Return a page of the waiting alerts.

    Those that go out by themselves are first, the soonest at the top; then the gravest, and the oldest of these. A page
    beyond the last one is the last one.
    """
    total = unit.views.unsettled_counts().get(PostState.WAITING, 0)
    pages = max(-(-total // A_PAGE), 1)
    page = min(max(page, 1), pages)
    names = unit.views.waiting(skip=(page - 1) * A_PAGE, most=A_PAGE)
    stored_alerts, posts = unit.views.stored_alerts(names), unit.views.posts_by_alert(names)
    items = [item_of(unit, stored_alerts[name], posts[name], actor) for name in names if name in stored_alerts]
    return Queue(tuple(items), total, page, pages)


def item_of(unit: DeskUnit, stored: StoredAlert, posts: Sequence[Post], actor: Actor) -> Item:
    """One alert as `actor` sees it."""
    station = unit.desk.station
    info = stored.alert.info_for(station.language) if stored.alert else None
    return Item(
        stored,
        tuple(posts),
        info,
        _rule(stored, posts, station),
        _permission(unit, stored, actor),
        wrote=wrote(actor, stored),
        about=info or words_about(unit.alerts, stored, station.language),
    )


def _rule(stored: StoredAlert, posts: Sequence[Post], station: Town) -> Rule:
    """Return the rule it waits by: its kind is stored with its posts, its key follows from the source's rules."""
    intake, severity = station.rules_for(stored.source), stored.severity
    value: Literal["veto", "approve"] = "veto" if any(post.not_before for post in posts) else "approve"
    is_urgent = severity.at_least(Severity.SEVERE) and stored.alert and stored.alert.urgency is Urgency.IMMEDIATE
    is_end = stored.alert is not None and end_reason(stored.alert) is not None
    # Of unknown severity it waits for somebody where its source has a threshold, whatever `publish` says
    # (docs/validation.md).
    if severity is Severity.UNKNOWN and intake.publish != value and not is_end:
        return Rule("unknown", value)
    key: Literal["publish", "urgent"] = "urgent" if is_urgent and intake.urgent == value else "publish"
    return Rule(key if key == "urgent" or intake.publish == value else "other", value)


def _permission(unit: DeskUnit, stored: StoredAlert, actor: Actor) -> Permission:
    brought = unit.reports.brought_by([stored.id]).get(stored.id, ())
    if not actor.may(Act.APPROVE):
        return Permission.OWN if wrote(actor, stored) else Permission.ROLE
    if why := why_not_theirs(actor, stored, unit.desk.station, brought):
        return Permission.UNKNOWN if why.code == "author_unknown" else Permission.OWN
    return Permission.ALONE if wrote(actor, stored) else Permission.MAY


def validators_of(unit: DeskUnit, stored: StoredAlert) -> list[str]:
    """Return the names of all who may validate it: by their role, and neither its author nor a submitter."""
    station, brought = unit.desk.station, unit.reports.brought_by([stored.id]).get(stored.id, ())
    everybody = [each for each in unit.accounts.accounts() if each.disabled_at is None]
    actors = [Actor(each.name, each.role, Origin.CONSOLE) for each in everybody]
    return [
        each.name for each in actors if each.may(Act.APPROVE) and not why_not_theirs(each, stored, station, brought)
    ]


# The desk keeps a picture under the digest of its content, so that a file that was changed since can be told.
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ShownPost:
    """One channel's post as it will be there, with the digest of its picture and the length its platform counts."""

    post: Post
    count: int
    limit: int | None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentVersion:
    """One message of the incident: its number, what became of it, and whether the reader saw it last time."""

    number: int
    stored: StoredAlert
    saw: bool

    @property
    def is_out(self) -> bool:
        """True if it was released, so that readers have it."""
        return self.stored.state is AlertState.ACCEPTED


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: by whom, how, and when."""

    act: str
    actor: str
    at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """An alert's data at one moment. `newer` is a later version that waits or was accepted.

    `changes` are those since `since`, the version of the readers or of this page's reader. `twins` are the messages
    about the same event that are public already. While it waits, `bulks` are the subscribers' messages, and `link` is
    the platform's card of the link to its page.
    """

    item: Item
    versions: tuple[IncidentVersion, ...]
    since: IncidentVersion | None
    changes: tuple[VersionChange, ...]
    newer: StoredAlert | None
    newer_changes: tuple[VersionChange, ...]
    decision: Decision | None
    misfit: Reason | None
    can_send_back: bool
    twins: tuple[StoredAlert, ...] = ()
    bulks: tuple[Bulk, ...] = ()
    link: LinkCard | None = None

    @property
    def needs_again(self) -> bool:
        """True if publishing it next to its twin needs a confirmation (`must_be_meant`)."""
        is_feeds = self.item.stored.source != MANUAL
        return is_feeds and any(twin.severity.at_least(self.item.stored.severity) for twin in self.twins)

    @property
    def in_full(self) -> tuple[SaidWords, ...]:
        """Every word of it in every language: no post shows them all, and all are validated."""
        alert = self.item.stored.alert
        return in_full(alert) if alert else ()

    @property
    def is_waiting(self) -> bool:
        """True if there is anything to decide."""
        return bool(self.item.waiting)


def review_page(unit: DeskUnit, name: str, actor: Actor) -> ReviewPage | None:
    """The sheet of the alert with that very id; None where there is none."""
    stored = next((each for each in unit.alerts.by_id(name) if each.id == name), None)
    if stored is None or stored.alert is None:
        return None
    station, posts = unit.desk.station, unit.alerts.posts_of(name)
    item = item_of(unit, stored, posts, actor)
    versions = _versions(unit, stored, actor)
    since = _since(versions, stored)
    newer = _newer(versions, stored)
    return ReviewPage(
        item=item,
        versions=versions,
        since=since,
        changes=changes_between(since.stored, stored) if since else (),
        newer=newer,
        newer_changes=changes_between(stored, newer) if newer else (),
        decision=_decision(unit, name),
        misfit=_misfit(stored, posts, station),
        can_send_back=stored.author is not None and end_reason(stored.alert) is None,
        twins=tuple(already_published(unit.alerts, stored, unit.now)) if item.waiting else (),
        bulks=tuple(unit.alerts.bulks_of(name)) if item.waiting else (),
        link=unit.desk.link_card(stored.alert, primary(station.language), _published_before(versions, stored)),
    )


def remember_look(unit: DeskUnit, review: ReviewPage, actor: Actor) -> None:
    """Keep that the reader has seen this version, unless they saw a newer one before."""
    order = [version.stored.id for version in review.versions]
    incident, shown = review.item.stored.incident_id, review.item.stored.id
    seen = unit.views.last_look(actor.name, incident)
    if seen not in order or order.index(seen) < order.index(shown):
        unit.views.looked(actor.name, incident, shown, unit.now)


def shown_posts(review: ReviewPage, station: Town) -> list[ShownPost]:
    """Each channel's post with its length; reads the pictures, so it is no work for the database's thread."""
    shown = []
    for post in review.item.posts:
        channel, image = station.channels.get(post.channel), post.message.image
        length = count(post.message.text, channel.text) if channel else len(post.message.plain)
        content = read_picture(image.path) if image else None
        picture = hashlib.sha256(content).hexdigest() if content else None
        shown.append(ShownPost(post, length, channel.text.limit if channel else None, picture))
    return shown


def read_picture(path: str) -> bytes | None:
    """The file's content; None where it can't be read, or isn't any more what its name says: then it doesn't go out."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return None
    name = Path(path).stem
    is_another = _DIGEST.fullmatch(name) is not None and hashlib.sha256(content).hexdigest() != name
    return None if is_another else content


def seal(review: ReviewPage, csrf: str) -> str:
    """Return the form's token: the fingerprint of the displayed version, and a proof that this session displayed it.

    So nobody validates by a form that another person's page, or one from before the sign-in, left behind. Reads the
    pictures, as `shown_posts` does.
    """
    return sealed(fingerprint(review.item.stored, review.item.posts), csrf)


def sealed(seen: str, csrf: str) -> str:
    """A fingerprint of what is shown, and that it was shown in this session."""
    return f"{seen}.{seal_of(csrf, seen)}"


def unseal(sealed: str, csrf: str) -> str | None:
    """The fingerprint of a seal of this session; None where it is none."""
    seen, _, bound = sealed.partition(".")
    return seen if same(bound, seal_of(csrf, seen)) else None


def editable_words(review: ReviewPage) -> Mapping[str, str]:
    """The words that may be edited before the alert is sent back."""
    info = review.item.info
    names = ("headline", "description", "instruction")
    return {name: (getattr(info, name) or "") if info else "" for name in names}


def _versions(unit: DeskUnit, stored: StoredAlert, actor: Actor) -> tuple[IncidentVersion, ...]:
    """Return the incident's messages that were ever meant for publication; a feed's repetitions are none."""
    seen = unit.views.last_look(actor.name, stored.incident_id)
    kept = [
        each
        for each in unit.alerts.incident(stored.incident_id)
        if each.id == stored.id or each.state is not AlertState.LEFT_OUT or unit.alerts.posts_of(each.id)
    ]
    return tuple(IncidentVersion(number, each, each.id == seen) for number, each in enumerate(kept, 1))


def _since(versions: Sequence[IncidentVersion], stored: StoredAlert) -> IncidentVersion | None:
    """Return the version to compare with: the readers' one, or a later one that this page's reader saw.

    If none was released yet, the version that they saw, else the one before.
    """
    place = next(place for place, each in enumerate(versions) if each.stored.id == stored.id)
    for each in reversed(versions[:place]):
        if each.saw or each.is_out:
            return each
    return versions[place - 1] if place else None


def _published_before(versions: Sequence[IncidentVersion], stored: StoredAlert) -> Alert | None:
    """Return the readers' knowledge: the last released version before it that has words."""
    place = next(place for place, each in enumerate(versions) if each.stored.id == stored.id)
    out = (each.stored.alert for each in reversed(versions[:place]) if each.stored.state is AlertState.ACCEPTED)
    return next((alert for alert in out if alert is not None and alert.infos), None)


def _newer(versions: Sequence[IncidentVersion], stored: StoredAlert) -> StoredAlert | None:
    newest = versions[-1].stored
    return None if newest.id == stored.id else newest


def _decision(unit: DeskUnit, alert: str) -> Decision | None:
    for line in unit.audit.newest(subject=alert, most=5):
        entry: AuditEntry = line.entry
        if entry.act in DECIDED:
            return Decision(entry.act, entry.actor, entry.at, entry.detail)
    return None


def _misfit(stored: StoredAlert, posts: Sequence[Post], station: Town) -> Reason | None:
    try:
        must_fit(stored, [post for post in posts if post.state is PostState.WAITING], station)
    except Refused as error:
        return error.reason
    return None
