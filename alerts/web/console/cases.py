"""An alert as the pages of watching show it: the message, its posts channel by channel, and what somebody has to do.

`case_of` puts a message and its incident's posts together; `remedy_of` says what each post that isn't out needs, by its
state and by what its last attempt came to. `board_of` is what is on now: what needs somebody, what is on, what moves by
itself; each incident stands once, under the first of these that holds for it. `page` makes a page that has these words
at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from aiohttp import web
from babel.dates import format_datetime
from markupsafe import Markup

from alerts.desk.approve import MessageKind, kind_of
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskUnit
from alerts.desk.thread import Reach, channels_on, reach_of
from alerts.model.alert import Info
from alerts.model.incident import StoredAlert
from alerts.model.post import Post, PostState
from alerts.web.console.frame import Console, visitor_of

MOST = 40
"""How many of each kind the page of what is on now shows; the list of all has the rest."""
_NEVER_LEFT = (PostState.SUPERSEDED, PostState.REJECTED, PostState.DROPPED, PostState.EXPIRED)


class Remedy(StrEnum):
    """What somebody has to do about a post that isn't out."""

    VALIDATE = "validate"
    CREDENTIAL = "credential"
    LOOK = "look"
    REWORD = "reword"
    LATE = "late"
    WAIT = "wait"


def remedy_of(post: Post) -> Remedy | None:
    """Which, by the post's state and by what its attempt came to (`Verdict.outcome`); None: nothing."""
    if post.state is PostState.WAITING:
        return Remedy.VALIDATE
    if post.state is PostState.IN_DOUBT:
        return Remedy.WAIT if post.next_try else Remedy.LOOK
    if post.state is PostState.QUEUED and post.outcome == "credential":
        return Remedy.CREDENTIAL
    if post.state in (PostState.QUEUED, PostState.SENDING):
        return Remedy.WAIT if post.tries else None
    if post.state is PostState.FAILED:
        return Remedy.REWORD
    return Remedy.LATE if post.state is PostState.EXPIRED else None


def needs_somebody(post: Post) -> bool:
    """Whether nothing goes on with it until a person decides."""
    return remedy_of(post) in (Remedy.VALIDATE, Remedy.LOOK, Remedy.REWORD, Remedy.CREDENTIAL)


@dataclass(frozen=True, slots=True)
class Case:
    """An alert in a list. `posts` are the newest of each channel; `info` is what it says in the station's language."""

    record: StoredAlert
    info: Info | None
    posts: tuple[Post, ...] = ()
    is_on: bool = False
    reach: Reach = field(default_factory=Reach)
    kind: MessageKind = MessageKind.ALERT

    @property
    def headline(self) -> str:
        """What it is called; empty where it could not be read."""
        return (self.info.headline or self.info.event) if self.info else ""

    @property
    def areas(self) -> tuple[str, ...]:
        """Where it is, in words."""
        alert = self.record.alert
        return tuple(dict.fromkeys(area.description for area in alert.areas)) if alert else ()

    @property
    def is_exercise(self) -> bool:
        """Whether it is practice; the desk's own notices to the team are none."""
        return self.record.alert is not None and self.record.alert.status in PRACTICE

    @property
    def ends(self) -> datetime | None:
        """When it is over."""
        return self.record.alert.ends if self.record.alert else None

    @property
    def starts(self) -> datetime | None:
        """When it starts to matter."""
        return self.record.alert.starts if self.record.alert else None

    @property
    def waits_until(self) -> datetime | None:
        """When the first of its posts that wait goes out by itself (the end of a veto)."""
        times = [post.not_before for post in self.posts if post.state is PostState.WAITING and post.not_before]
        return min(times, default=None)

    @property
    def needs_somebody(self) -> bool:
        """Whether anything of it stands still until a person decides."""
        return any(needs_somebody(post) for post in self.posts)

    @property
    def waits(self) -> bool:
        """Whether it waits for a validation, or for the end of its veto."""
        return any(post.state is PostState.WAITING for post in self.posts)


def case_of(record: StoredAlert, thread: Sequence[Post], language: str) -> Case:
    """A message with its incident's thread."""
    info = record.alert.info_for(language) if record.alert else None
    own = [post for post in thread if post.alert_id == record.id]
    on, reach = bool(channels_on(thread)), reach_of(thread)
    return Case(record, info, newest_by_channel(thread), on, reach, kind_of(record, own))


def newest_by_channel(thread: Iterable[Post]) -> tuple[Post, ...]:
    """Of each channel the newest post; one that never left gives way to an earlier one that did, or still may."""
    newest: dict[str, Post] = {}
    for post in thread:
        if post.channel not in newest or post.state not in _NEVER_LEFT:
            newest[post.channel] = post
    return tuple(newest.values())


@dataclass(frozen=True, slots=True)
class Board:
    """What is shown of now: what needs somebody first, what waits by itself, what is on; `more` where a list is cut.

    `unlisted` counts the alerts of each state that need somebody and aren't among these, where there are any.
    """

    needs: tuple[Case, ...] = ()
    on: tuple[Case, ...] = ()
    moving: tuple[Case, ...] = ()
    more: frozenset[str] = frozenset()
    unlisted: Mapping[str, int] = field(default_factory=dict)


_HELD = (PostState.FAILED, PostState.IN_DOUBT)
_MOVING = (PostState.QUEUED, PostState.SENDING)


def board_of(unit: DeskUnit) -> Board:
    """What is on now, read by index: as quick with five thousand alerts as with five."""
    views, language = unit.views, unit.desk.station.language
    found = {state: views.posts_in(state, most=MOST) for state in (*_HELD, *_MOVING)}
    on = views.on(unit.now, most=MOST + 1)
    listed = {state: list(dict.fromkeys(post.alert_id for post in posts)) for state, posts in found.items()}
    listed[PostState.WAITING] = list(views.waiting(most=MOST))
    alerts = list(dict.fromkeys(name for state in (*_HELD, PostState.WAITING, *_MOVING) for name in listed[state]))
    records = views.records(alerts)
    threads = views.threads(list({record.incident_id for record in (*on, *records.values())}))
    cases = [_case(records[each], threads, language) for each in alerts if each in records]
    needs = _each_incident(case for case in cases if case.needs_somebody)
    # What only waits to be updated or ended is on, and stays where people look for what is.
    shown = {case.record.incident_id for case in needs if not (case.waits and case.reach.live)}
    holding = [_case(record, threads, language) for record in on[:MOST] if record.incident_id not in shown]
    shown |= {case.record.incident_id for case in (*holding, *needs)}
    moving = _each_incident(case for case in cases if case.record.incident_id not in shown)
    more = frozenset({"on"} if len(on) > MOST else ())
    left = {str(state): count - len(listed[state]) for state, count in views.held_counts().items()}
    unlisted = {state: count for state, count in left.items() if count > 0}
    return Board(tuple(needs), tuple(holding), tuple(moving), more, unlisted)


def _case(record: StoredAlert, threads: Mapping[str, Sequence[Post]], language: str) -> Case:
    """The message with what is open of its own, and of its incident what else is newest on each channel."""
    thread = threads[record.incident_id]
    case = case_of(record, thread, language)
    own = {post.channel: post for post in thread if post.alert_id == record.id and needs_somebody(post)}
    return replace(case, posts=tuple(own.get(post.channel, post) for post in case.posts))


def _each_incident(cases: Iterable[Case]) -> list[Case]:
    """Each incident once, by its first: the gravest."""
    first: dict[str, Case] = {}
    for case in cases:
        first.setdefault(case.record.incident_id, case)
    return sorted(first.values(), key=lambda case: (-case.record.severity.rank, not case.waits))


def page(console: Console, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page of this part, or a fragment of one."""
    actor, words = visitor_of(request).actor, console.frame.words(request)
    language = words.language

    def exact(at: datetime) -> Markup:
        here = at.astimezone(console.frame.station.zone)
        spelled = format_datetime(here, "d MMM HH:mm:ss", locale=language)
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spelled)

    common = {
        "may": actor.may,
        "remedy_of": remedy_of,
        "exact": exact,
        "moment": console.service.now(),
    }
    return console.frame.page(request, name, status=status, **common, **values)
