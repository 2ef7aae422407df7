"""From an alert that is accepted to the posts of its channels: what kind, by what means, in which words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.desk.station import Outlet, Station
from alerts.model.alert import Alert, Severity, Status
from alerts.model.incident import LeftOut, Record
from alerts.model.ports import Books
from alerts.model.post import EndReason, Means, Post, PostKind, PostState, priority_of
from alerts.rendering.faces import ChannelFace, Context, Rendered, StationFace
from alerts.rendering.templates import Renderer

END_IS_WORTH_TELLING = timedelta(hours=6)
"""How long after an alert's end it is still told that it is over, where a channel was down."""
_THERE = (PostState.SENDING, PostState.IN_DOUBT, PostState.SENT)


@dataclass(frozen=True, slots=True)
class Penned:
    """A post as it was rendered: what the officer is shown before anything is sent."""

    post: Post
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why posts are made now: the message, what it follows, how its incident ends by it, where it is, how it waits."""

    record: Record
    alert: Alert
    previous: Record | None
    ending: EndReason | None
    area_names: tuple[str, ...]
    now: datetime
    state: PostState
    not_before: datetime | None

    @property
    def severity(self) -> Severity:
        """The message's own severity, or that of what it ends where it brings none."""
        return self.previous.severity if not self.alert.infos and self.previous else self.alert.severity


def pen_posts(
    books: Books,
    outlets: Sequence[Outlet],
    occasion: Occasion,
    write: Callable[[Outlet, Occasion, PostKind, bool], Penned],
) -> list[Penned] | LeftOut:
    """The posts for the channels, stored; what hadn't gone out yet is superseded. LeftOut: there is none to make."""
    penned, reasons = [], []
    for outlet in outlets:
        thread = books.thread(occasion.record.incident_id, outlet.name)
        _supersede(books, thread, occasion)
        step = next_step(outlet, thread, occasion.ending)
        if isinstance(step, LeftOut):
            books.note(occasion.now, occasion.record.id, None, "no_post", f"{outlet.name}: {step.reason}")
            reasons.append(f"{outlet.name}: {step.reason}")
            continue
        made = write(outlet, occasion, step, not any(post.state in _THERE for post in thread))
        books.add_post(made.post)
        penned.append(made)
    return penned or LeftOut("; ".join(reasons))


def next_step(outlet: Outlet, thread: Sequence[Post], ending: EndReason | None) -> PostKind | LeftOut:
    """What a channel's thread needs next: its first post, an update, or its end."""
    is_there = any(post.state in _THERE for post in thread)
    if any(post.kind is PostKind.END and post.state in _THERE for post in thread):
        return LeftOut("the incident has ended there") if ending else PostKind.PUBLISH
    if ending is None:
        return PostKind.UPDATE if is_there else PostKind.PUBLISH
    if not is_there:
        return LeftOut("it ends what never appeared there")
    return LeftOut("this channel tells no ends") if outlet.on_end is Means.NONE else PostKind.END


def _supersede(books: Books, thread: Sequence[Post], occasion: Occasion) -> None:
    for post in thread:
        if post.state in (PostState.QUEUED, PostState.WAITING):
            reason = f"{occasion.record.id} took its place before it went out"
            books.move_post(post, PostState.SUPERSEDED, reason, not_before=None)
            books.note(occasion.now, post.alert_id, post.id, PostState.SUPERSEDED, reason)


class Pen:
    """Writes one channel's post in that channel's words."""

    def __init__(self, station: Station, face: StationFace, renderer: Renderer, new_id: Callable[[], str]) -> None:
        self._station = station
        self._face = face
        self._renderer = renderer
        self._new_id = new_id

    def warm(self, alert: Alert, now: datetime) -> None:
        """Compile the templates that this alert will need, so that no transaction has to wait for them."""
        for outlet in self._station.outlets:
            self._renderer.render(alert, PostKind.PUBLISH, face_of(outlet), context=Context(incident="", now=now))

    def write(self, outlet: Outlet, occasion: Occasion, kind: PostKind, first: bool) -> Penned:
        """Render, and lay out the row of the outbox."""
        rendered = self._renderer.render(
            occasion.alert, kind, face_of(outlet), context=_context_of(occasion, first=first)
        )
        alert, severity = occasion.alert, occasion.severity
        means = {PostKind.PUBLISH: Means.NEW, PostKind.UPDATE: outlet.on_update, PostKind.END: outlet.on_end}[kind]
        ends = alert.ends if kind is not PostKind.END else max(alert.ends, occasion.now + END_IS_WORTH_TELLING)
        post = Post(
            id=self._new_id(),
            alert_id=occasion.record.id,
            incident_id=occasion.record.incident_id,
            channel=outlet.name,
            kind=kind,
            means=means,
            state=occasion.state,
            priority=priority_of(severity, alert.urgency),
            message=rendered.message,
            severity=severity,
            stored_at=occasion.now,
            exercise=alert.status is not Status.ACTUAL,
            warnings=rendered.warnings,
            expires=ends,
            not_before=occasion.not_before,
        )
        return Penned(post, rendered)


def face_of(outlet: Outlet) -> ChannelFace:
    """The outlet as rendering sees it."""
    return ChannelFace(outlet.name, outlet.kind, outlet.text, outlet.link, outlet.language)


def _context_of(occasion: Occasion, *, first: bool) -> Context:
    return Context(
        incident=occasion.record.incident_id,
        now=occasion.now,
        reason=occasion.ending,
        previous=occasion.previous.alert if occasion.previous else None,
        exercise=occasion.alert.status is not Status.ACTUAL,
        area_names=occasion.area_names,
        first=first,
    )
