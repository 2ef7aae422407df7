"""An incident as its thread: every message and post in order, their state, the reasons, and the possible acts.

    GET  /alerts/ID             the page; by the incident's id, that of its newest message
    GET  /alerts/ID.xml         the message as CAP
    GET  /alerts/ID/picture     its picture
    POST /alerts/ID/retry, /drop, /end, /correct
    POST /alerts/ID/foresee     a preview of each post of an end or a correction, before it is done

`story_of` reads all of it in one unit of work: chapters (a message with its posts), the history, the machine's words
for each way to end it. A button does its act in one transaction, which also records that the officer has seen the
thread; a refusal is shown on the page, next to the input. The page is refreshed while it is open
(`/fragments/alerts/ID`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from alerts.desk.actions import Filed
from alerts.desk.approve import MessageKind, kind_of
from alerts.desk.changes import VersionChange, changes_between
from alerts.desk.officer import Officer
from alerts.desk.posts import DraftPost
from alerts.desk.routing import PRACTICE, Reach, channels_on, left_wrong, reach_of
from alerts.desk.unit import DeskUnit, unread_channels, with_limits
from alerts.model.alert import CORRECTED, ENDS_BY, Alert, Info, MsgType, ResponseType, Severity
from alerts.model.cap import write
from alerts.model.errors import Misuse, TocsinError
from alerts.model.hazard import LEFT_OR_HID, Hazard, hazard_of
from alerts.model.incident import AlertState, PastEvent, StoredAlert
from alerts.model.listening import Utterance
from alerts.model.post import EndReason, Post, PostImage, PostState
from alerts.model.reason import Reason, because
from alerts.model.reports import COUNTING, WantedReports
from alerts.rendering.card import Card, LinkCard
from alerts.rendering.i18n import primary
from alerts.web.console.acts import act_routes
from alerts.web.console.compose_view import audience_of, look_of_draft, voice_of
from alerts.web.console.copying import Copy, copies_of
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import RefusedForm
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.looks import ChannelPreview, PreviewPicture
from alerts.web.console.maps import outline_of
from alerts.web.console.previews import card_address, reaches_of
from alerts.web.console.reports_view import cited_in
from alerts.web.console.watch import needs_somebody, page
from alerts.web.posted import must_exist

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One message of the thread with its posts.

    `is_new` is relative to the reader's last visit, `changes` to the message before.
    """

    stored: StoredAlert
    info: Info | None
    posts: tuple[Post, ...]
    is_new: bool = False
    changes: tuple[VersionChange, ...] = ()

    @property
    def headline(self) -> str:
        """The headline; empty if it could not be read."""
        return (self.info.headline or self.info.event) if self.info else ""

    @property
    def kind(self) -> MessageKind:
        """The meaning for its readers."""
        return kind_of(self.stored, self.posts)

    @property
    def ending(self) -> str | None:
        """`corrected`, `cancelled` or `all_clear` where it ends the alert."""
        return _ending(self.stored)


@dataclass(frozen=True, slots=True)
class Story:
    """All that is shown of an incident. `current` is the message that was asked for, `newest` the one that holds.

    `ends` is what would be said by itself of each way to end it, for the officer to agree to or to change. `heard` is
    the last that people said about it, newest first; `cited` the numbers of the reports that a message of it was made
    of, `reported` those of other open ones about it. `copies` are its words for where no program may post.
    """

    current: Chapter
    newest: Chapter
    chapters: tuple[Chapter, ...]
    history: tuple[PastEvent, ...]
    channels_on: frozenset[str]
    remains: tuple[Reason, ...] = ()
    seen: str | None = None
    heard: tuple[Utterance, ...] = ()
    cited: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reported: tuple[str, ...] = ()
    ends: Mapping[str, str] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    copies: tuple[Copy, ...] = ()

    @property
    def id(self) -> str:
        """The incident's."""
        return self.current.stored.incident_id

    @property
    def withdrawn(self) -> tuple[Chapter, ...]:
        """The messages of others that waited until the last one took their place."""
        last = self.chapters[-1].stored
        taken = because("superseded", by=last.id)
        others = [each for each in self.chapters if each.stored.author not in (None, last.author)]
        return tuple(each for each in others if last.author is not None and each.stored.reason == taken)

    @property
    def needs_what_is_right(self) -> bool:
        """True if a correction has to give the right fact: because of this alert people left, or sheltered."""
        return _is_left_or_hid(self.newest.stored.alert)

    @property
    def end_can_be_undone(self) -> bool:
        """True if its end can be cancelled for a moment: because of it people go home, out, or drink again."""
        alert, severity = self.newest.stored.alert, self.newest.stored.severity
        return severity.at_least(Severity.SEVERE) or _is_about(alert, {*LEFT_OR_HID, Hazard.WATER_QUALITY})

    @property
    def is_exercise(self) -> bool:
        """True if it is practice; the desk's own notices to the team are none."""
        alert = self.newest.stored.alert
        return alert is not None and alert.status in PRACTICE

    @property
    def severity(self) -> Severity:
        """Of the message that holds."""
        return self.newest.stored.severity

    @property
    def posts(self) -> tuple[Post, ...]:
        """All posts, in order."""
        return tuple(post for chapter in self.chapters for post in chapter.posts)

    @property
    def reach(self) -> Reach:
        """The readers' view, channel by channel."""
        return reach_of(self.posts, self.unread)

    @property
    def validated_by(self) -> str | None:
        """The validator of the current message; None if there was none."""
        for event in reversed(self.history):
            if event.alert_id == self.newest.stored.id and event.what == "approved" and event.reason is not None:
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
        """True if it can be updated, ended or corrected: readers see it, or will."""
        return bool(self.channels_on)

    @property
    def has_changed(self) -> bool:
        """True if there are changes since the reader's last visit of the incident."""
        return any(chapter.is_new for chapter in self.chapters)


LONGEST_REASON = 1000
LAST_HEARD = 5
"""Utterances about an incident that its page shows; a link leads to all of them."""
MOST_REPORTED = 40
_ONE = "/alerts/{id:[A-Za-z0-9]+}"


def routes(console: Console) -> list[web.RouteDef]:
    """The page, what of it changes by itself, the message as CAP, its picture, and one address for each deed."""
    return [
        web.get(_ONE, partial(_show, console)),
        web.get(f"/fragments{_ONE}", partial(_fragment, console)),
        web.get(_ONE + ".xml", partial(_cap, console)),
        web.get(_ONE + "/picture", partial(_picture, console)),
        web.post(_ONE + "/foresee", partial(_foresee, console)),
        *(web.post(f"{_ONE}/{name}", partial(_end, console, name)) for name in ("end", "correct")),
        *act_routes(console, "/alerts", _refused),
    ]


async def _show(console: Console, request: web.Request) -> web.Response:
    story = await _asked(console, request)
    newest = story.chapters[-1].stored.id
    # Looking again writes nothing: an open page must not take turns with the lanes at the database.
    if newest != story.seen:
        account = visitor_of(request).account.name
        await console.service.act(lambda unit: unit.views.looked(account, story.id, newest, unit.now))
    return _page(console, request, story)


async def _fragment(console: Console, request: web.Request) -> web.Response:
    # Notes no look: the page fetches this by itself, which is no sign that anybody read it.
    return _page(console, request, await _asked(console, request), name="incident_thread.html")


async def _cap(console: Console, request: web.Request) -> web.Response:
    stored = (await _asked(console, request)).current.stored
    if stored.alert is None:
        raise web.HTTPNotFound
    headers = {"Content-Disposition": f'attachment; filename="{quote(stored.id)}.xml"'}
    return web.Response(body=write(stored.alert), content_type="application/cap+xml", headers=headers)


async def _picture(console: Console, request: web.Request) -> web.FileResponse:
    image = image_of((await _asked(console, request)).current.posts)
    kind = PICTURES.get(Path(image.path).suffix.lower()) if image else None
    # Nothing but a picture is served: a page of HTML or an SVG would run in the desk's own address.
    if image is None or kind is None:
        raise web.HTTPNotFound
    return web.FileResponse(image.path, headers={"Content-Type": kind, "X-Content-Type-Options": "nosniff"})


async def _asked(console: Console, request: web.Request) -> Story:
    """The story of an alert's incident by the alert's exact id; by the incident's, that of its newest message.

    Raises HTTPNotFound.
    """
    name, account = request.match_info["id"], visitor_of(request).account.name
    return must_exist(await console.service.ask(lambda unit: story_of(unit, name, account)))


async def _refused(console: Console, request: web.Request, refused: RefusedForm) -> web.Response:
    """The page with what an act was refused for, beside what was typed."""
    story, act = await _asked(console, request), request.path.rpartition("/")[2]
    if act == "foresee":
        act = "correct" if refused.typed.get("how") == "correct" else "end"
    problems = {"text": refused.error or "", "act": act, "reason": refused.typed.get("reason", "")}
    return _page(console, request, story, status=refused.status, error=problems)


async def _form(request: web.Request) -> dict[str, str]:
    form = await fields_of(request)
    return {**form, "reason": form.get("reason", "").strip()[:LONGEST_REASON]}


async def _end(console: Console, name: str, request: web.Request) -> web.StreamResponse:
    alert, visitor, form = request.match_info["id"], visitor_of(request), await _form(request)
    said = form.get("how", "")
    how = name if name == "correct" else said if said != "correct" else ""
    await _asked(console, request)  # an id by its beginning names nothing here

    def action(unit: DeskUnit) -> str:
        shown = _file_end(Officer(unit, visitor.actor), alert, how, form["reason"]).stored.id
        incident = unit.alerts.by_id(shown)[0].incident_id
        # Who acted has the thread before them: their own deed isn't marked as new to them.
        newest = unit.alerts.incident(incident)[-1].id
        unit.views.looked(visitor.account.name, incident, newest, unit.now)
        return shown

    try:
        shown = await console.service.act(action)
    except TocsinError as error:
        return await _refused(console, request, RefusedForm.by(error, form))
    raise web.HTTPSeeOther(f"{BASE}/alerts/{shown}?done={name}")


async def _foresee(console: Console, request: web.Request) -> web.StreamResponse:
    """Show a preview of each post of an end or a correction: nothing is done."""
    alert, visitor = request.match_info["id"], visitor_of(request)
    form = await _form(request)
    how, reason = form.get("how", ""), form["reason"]
    story = await _asked(console, request)

    def action(unit: DeskUnit) -> tuple[Filed, LinkCard | None, Mapping[str, Card]]:
        filed = _file_end(Officer(unit, visitor.actor), alert, how, reason)
        language, said, before = primary(unit.desk.station.language), filed.stored.alert, story.newest.stored.alert
        if said is None:
            return filed, None, {}
        shown = [each for each in unit.desk.station.channels.values() if each.card_alone]
        cards = {each.name: unit.desk.post_card(each, said, before) for each in shown}
        return filed, unit.desk.link_card(said, language, before), cards

    try:
        filed, link, cards = await console.service.preview(action, story.id)
    except TocsinError as error:
        return await _refused(console, request, RefusedForm.by(error, form))
    looks = await _looks(console, request, filed.drafts, link, cards)
    waits = filed.words is not None
    return page(console, request, "foreseen.html", story=story, how=how, reason=reason, looks=looks, words_wait=waits)


async def _looks(
    console: Console,
    request: web.Request,
    drafts: Sequence[DraftPost],
    link: LinkCard | None,
    cards: Mapping[str, Card],
) -> list[ChannelPreview]:
    voice, statuses = voice_of(console, request), await console.service.channels()
    reaches = await reaches_of(console, [made.bulk for made in drafts if made.bulk])
    channels = console.frame.station.channels

    def picture(made: DraftPost) -> PreviewPicture | None:
        card, image = cards.get(made.post.channel), made.post.message.image
        return PreviewPicture(card_address(console, card), image.alt) if card and image else None

    return [
        look_of_draft(
            console, made, picture(made), link, audience_of(channels[made.post.channel], statuses, reaches, voice)
        )
        for made in drafts
    ]


def _page(
    console: Console,
    request: web.Request,
    story: Story,
    *,
    name: str = "alert.html",
    status: int = 200,
    error: Mapping[str, str | Reason] | None = None,
) -> web.Response:
    """The page of an incident; `error` is what an action came to that couldn't be done, with what had been typed."""
    shapes = outline_of(story.newest.stored.alert)
    values: dict[str, Any] = {
        "story": story,
        "image": image_of(story.current.posts),
        "error": error or {},
        "outline": json.dumps(shapes),
        "shapes": shapes,
        "tiles": console.frame.station.web.background,
        "done": done_of(request, ("end", "correct", "retry", "drop")),
        "end_waits": any(each.ending and each.stored.state is AlertState.WAITING for each in story.chapters),
    }
    return page(console, request, name, status=status, **values)


def story_of(unit: DeskUnit, name: str, account: str) -> Story | None:
    """Return an incident's content. Returns None if there is none of that exact name."""
    # `by_id` takes the beginning of an id too, for people who type; an address means one alert and no other.
    found = [each for each in unit.alerts.by_id(name) if name in (each.id, each.incident_id)]
    if not found:
        return None
    incident, language = found[0].incident_id, unit.desk.station.language
    [thread] = with_limits(unit, {incident: unit.alerts.thread(incident)}).values()
    seen = unit.views.last_look(account, incident)
    stored_alerts = unit.alerts.incident(incident)
    chapters = _chapters(stored_alerts, thread, seen, language)
    current = next(each for each in chapters if each.stored.id == found[0].id)
    newest = next((each for each in reversed(chapters) if each.stored.state is AlertState.ACCEPTED), chapters[-1])
    # Only a correction says that readers were told something wrong, so only then is it worth saying where that stays.
    remains: list[Reason] = []
    if newest.ending == CORRECTED:
        remains = left_wrong([post for post in thread if post.alert_id != newest.stored.id], unit.desk.station)
    history, unread = tuple(unit.views.history(incident)), unread_channels(unit)
    on = channels_on(thread)
    ends = _would_end(unit, newest.stored) if on else {}
    heard = tuple(unit.listening.heard(LAST_HEARD, incident)) if unit.desk.station.listens else ()
    cited = cited_in(unit, [stored.id for stored in stored_alerts])
    reported = _reported(unit, incident, cited)
    copies = copies_of(unit, incident)
    return Story(
        current, newest, chapters, history, on, tuple(remains), seen, heard, cited, reported, ends, unread, copies
    )


def _reported(unit: DeskUnit, incident: str, cited: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the open reports about it, without those that made it."""
    if unit.desk.station.reports is None:
        return ()
    found = unit.report_lists.found(WantedReports(states=COUNTING, incident=incident), MOST_REPORTED)
    known = {number for numbers in cited.values() for number in numbers}
    return tuple(each.report.number for each in found if each.report.number not in known)


def _would_end(unit: DeskUnit, stored: StoredAlert) -> Mapping[str, str]:
    alert = stored.alert
    if alert is None or not alert.infos:
        return {}
    return {reason.value: unit.desk.would_end(alert, reason) for reason in (EndReason.ALL_CLEAR, EndReason.CANCELLED)}


def _chapters(
    stored_alerts: Sequence[StoredAlert], thread: Sequence[Post], seen: str | None, language: str
) -> tuple[Chapter, ...]:
    order = [stored.id for stored in stored_alerts]
    # To somebody who never looked at the incident all of it is new, so nothing of it is marked.
    seen_to = order.index(seen) if seen in order else len(order)
    return tuple(
        Chapter(
            stored,
            stored.alert.info_for(language) if stored.alert else None,
            tuple(post for post in thread if post.alert_id == stored.id),
            is_new=place > seen_to,
            changes=_changes(stored_alerts[place - 1], stored) if place else (),
        )
        for place, stored in enumerate(stored_alerts)
    )


def _ending(stored: StoredAlert) -> str | None:
    alert = stored.alert
    if alert is None:
        return None
    if alert.msg_type is MsgType.CANCEL:
        return CORRECTED if any(info.parameter(ENDS_BY) == CORRECTED for info in alert.infos) else "cancelled"
    clears = any(ResponseType.ALL_CLEAR in info.response_types for info in alert.infos)
    return "all_clear" if clears else None


def _changes(earlier: StoredAlert, later: StoredAlert) -> tuple[VersionChange, ...]:
    """Return the changes of an update; an end repeats nothing, so it has none."""
    return () if _ending(later) else changes_between(earlier, later)


def image_of(posts: Sequence[Post]) -> PostImage | None:
    """Return the message's picture, if an officer attached one."""
    return next((post.message.image for post in posts if post.message.image), None)


def _file_end(officer: Officer, alert: str, how: str, reason: str) -> Filed:
    if how not in ("cancel", "all_clear", "correct"):
        raise Misuse(because("end_unsaid"))
    if how == "correct":
        if not reason and any(_is_left_or_hid(stored.alert) for stored in officer.unit.alerts.by_id(alert)):
            raise Misuse(because("right_unsaid"))
        return officer.correct(alert, reason or None)
    return officer.cancel(alert, reason or None, over=how == "all_clear")


def _is_left_or_hid(alert: Alert | None) -> bool:
    return _is_about(alert, LEFT_OR_HID)


def _is_about(alert: Alert | None, hazards: Collection[Hazard]) -> bool:
    return alert is not None and any(hazard_of(info) in hazards for info in alert.infos)
