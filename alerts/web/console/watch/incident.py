"""An incident as its thread: every message and post in order, where it stands, why, and what can be done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from alerts.desk.approve import MessageKind, kind_of
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskUnit
from alerts.desk.thread import Reach, channels_on, left_wrong, reach_of
from alerts.desk.versions import VersionChange, changes_between
from alerts.model.alert import CORRECTED, ENDS_BY, Info, MsgType, ResponseType, Severity
from alerts.model.cap import write
from alerts.model.incident import AlertState, PastEvent, StoredAlert
from alerts.model.post import EndReason, Post, PostImage, PostState
from alerts.model.reason import Reason
from alerts.web.console.frame import Console, visitor_of
from alerts.web.console.watch.cases import needs_somebody
from alerts.web.console.watch.outline import outline_of
from alerts.web.console.watch.view import page

DEEDS = ("retry", "drop", "end", "correct")
"""What can be done from the page; each is an address below the alert's, and the word that tells that it was done."""
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One message of the thread with its posts; `is_new` since the reader looked, `changes` from the one before."""

    record: StoredAlert
    info: Info | None
    posts: tuple[Post, ...]
    is_new: bool = False
    changes: tuple[VersionChange, ...] = ()

    @property
    def headline(self) -> str:
        """What it is called; empty where it could not be read."""
        return (self.info.headline or self.info.event) if self.info else ""

    @property
    def kind(self) -> MessageKind:
        """What it is to its readers."""
        return kind_of(self.record, self.posts)

    @property
    def ending(self) -> str | None:
        """`corrected`, `cancelled` or `all_clear` where it ends the alert."""
        return _ending(self.record)


@dataclass(frozen=True, slots=True)
class Story:
    """All that is shown of an incident. `current` is the message that was asked for, `newest` the one that holds.

    `ends` is what would be said by itself of each way to end it, for the officer to agree to or to change.
    """

    current: Chapter
    newest: Chapter
    chapters: tuple[Chapter, ...]
    history: tuple[PastEvent, ...]
    channels_on: frozenset[str]
    remains: tuple[Reason, ...] = ()
    seen: str | None = None
    ends: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The incident's."""
        return self.current.record.incident_id

    @property
    def is_exercise(self) -> bool:
        """Whether it is practice; the desk's own notices to the team are none."""
        alert = self.newest.record.alert
        return alert is not None and alert.status in PRACTICE

    @property
    def severity(self) -> Severity:
        """Of the message that holds."""
        return self.newest.record.severity

    @property
    def posts(self) -> tuple[Post, ...]:
        """All posts, in order."""
        return tuple(post for chapter in self.chapters for post in chapter.posts)

    @property
    def reach(self) -> Reach:
        """What readers have before them, channel by channel."""
        return reach_of(self.posts)

    @property
    def validated_by(self) -> str | None:
        """Who let the message out that holds; None where nobody had to, or nobody has yet."""
        for event in reversed(self.history):
            if event.alert_id == self.newest.record.id and event.what == "approved" and event.reason is not None:
                who = event.reason["who"]
                return str(who) if who else str(event.reason).removeprefix("validated ").removeprefix("by ")
        return None

    @property
    def troubled(self) -> tuple[Post, ...]:
        """The posts that a person has to decide about."""
        return tuple(post for post in self.posts if needs_somebody(post) and post.state is not PostState.WAITING)

    @property
    def waiting(self) -> tuple[Chapter, ...]:
        """The messages that wait for a validation."""
        return tuple(each for each in self.chapters if any(p.state is PostState.WAITING for p in each.posts))

    @property
    def is_on(self) -> bool:
        """Whether it can be updated, ended or corrected: readers see it, or will."""
        return bool(self.channels_on)

    @property
    def has_changed(self) -> bool:
        """Whether there is something that the reader has not seen, of an incident that they looked at before."""
        return any(chapter.is_new for chapter in self.chapters)


def routes(console: Console) -> list[web.RouteDef]:
    """The page, what of it changes by itself, the message as CAP, and its picture."""

    async def show(request: web.Request) -> web.Response:
        story = await _asked(console, request)
        newest = story.chapters[-1].record.id
        if newest != story.seen:
            account = visitor_of(request).account.name
            await console.service.act(lambda unit: unit.views.looked(account, story.id, newest, unit.now))
        return show_story(console, request, story)

    async def fragment(request: web.Request) -> web.Response:
        return show_story(console, request, await _asked(console, request), name="incident_thread.html")

    async def cap(request: web.Request) -> web.Response:
        record = (await _asked(console, request)).current.record
        if record.alert is None:
            raise web.HTTPNotFound
        name = f"{quote(record.id)}.xml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=write(record.alert), content_type="application/cap+xml", headers=headers)

    async def picture(request: web.Request) -> web.FileResponse:
        image = image_of((await _asked(console, request)).current.posts)
        kind = PICTURES.get(Path(image.path).suffix.lower()) if image else None
        if image is None or kind is None:
            raise web.HTTPNotFound
        return web.FileResponse(image.path, headers={"Content-Type": kind, "X-Content-Type-Options": "nosniff"})

    one = "/alerts/{id:[A-Za-z0-9]+}"
    return [
        web.get(one, show),
        web.get(f"/fragments{one}", fragment),
        web.get(one + ".xml", cap),
        web.get(one + "/picture", picture),
    ]


async def _asked(console: Console, request: web.Request) -> Story:
    name, account = request.match_info["id"], visitor_of(request).account.name
    return await tell(console, name, account)


async def tell(console: Console, name: str, account: str) -> Story:
    """The story of an alert's incident by the alert's exact id; by the incident's, that of its newest message.

    Raises HTTPNotFound.
    """
    story = await console.service.ask(lambda unit: story_of(unit, name, account))
    if story is None:
        raise web.HTTPNotFound
    return story


def show_story(
    console: Console,
    request: web.Request,
    story: Story,
    *,
    name: str = "alert.html",
    status: int = 200,
    error: Mapping[str, str | Reason] | None = None,
) -> web.Response:
    """The page of an incident; `error` is what an action came to that couldn't be done, with what had been typed."""
    shapes = outline_of(story.newest.record.alert)
    done = request.query.get("done")
    values: dict[str, Any] = {
        "story": story,
        "image": image_of(story.current.posts),
        "error": error or {},
        "outline": json.dumps(shapes),
        "shapes": shapes,
        "tiles": console.rules.tiles,
        "done": done if done in DEEDS else None,
    }
    return page(console, request, name, status=status, **values)


def story_of(unit: DeskUnit, name: str, account: str) -> Story | None:
    """What is kept of an incident; None where there is none of that exact name."""
    found = [each for each in unit.alerts.by_id(name) if name in (each.id, each.incident_id)]
    if not found:
        return None
    incident, language = found[0].incident_id, unit.desk.station.language
    thread, seen = unit.alerts.thread(incident), unit.views.last_look(account, incident)
    records = unit.alerts.incident(incident)
    chapters = _chapters(records, thread, seen, language)
    current = next(each for each in chapters if each.record.id == found[0].id)
    newest = next((each for each in reversed(chapters) if each.record.state is AlertState.ACCEPTED), chapters[-1])
    remains: list[Reason] = []
    if newest.ending == CORRECTED:
        remains = left_wrong([post for post in thread if post.alert_id != newest.record.id], unit.desk.station)
    history = tuple(unit.views.history(incident))
    on = channels_on(thread)
    ends = _would_end(unit, newest.record) if on else {}
    return Story(current, newest, chapters, history, on, tuple(remains), seen, ends)


def _would_end(unit: DeskUnit, record: StoredAlert) -> Mapping[str, str]:
    alert = record.alert
    if alert is None or not alert.infos:
        return {}
    return {reason.value: unit.desk.would_end(alert, reason) for reason in (EndReason.ALL_CLEAR, EndReason.CANCELLED)}


def _chapters(
    records: Sequence[StoredAlert], thread: Sequence[Post], seen: str | None, language: str
) -> tuple[Chapter, ...]:
    order = [record.id for record in records]
    seen_to = order.index(seen) if seen in order else len(order)
    return tuple(
        Chapter(
            record,
            record.alert.info_for(language) if record.alert else None,
            tuple(post for post in thread if post.alert_id == record.id),
            is_new=place > seen_to,
            changes=_changes(records[place - 1], record) if place else (),
        )
        for place, record in enumerate(records)
    )


def _ending(record: StoredAlert) -> str | None:
    alert = record.alert
    if alert is None:
        return None
    if alert.msg_type is MsgType.CANCEL:
        return CORRECTED if any(info.parameter(ENDS_BY) == CORRECTED for info in alert.infos) else "cancelled"
    clears = any(ResponseType.ALL_CLEAR in info.response_types for info in alert.infos)
    return "all_clear" if clears else None


def _changes(earlier: StoredAlert, later: StoredAlert) -> tuple[VersionChange, ...]:
    """What an update says otherwise; an end repeats nothing, so that nothing of it is a change."""
    return () if _ending(later) else changes_between(earlier, later)


def image_of(posts: Sequence[Post]) -> PostImage | None:
    """The picture beside the message, where an officer put one."""
    return next((post.message.image for post in posts if post.message.image), None)
