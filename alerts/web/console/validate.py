"""Validating: the waiting alerts, exactly as they would go out; released, rejected, or sent back.

    GET  /waiting                        the list, those that go out by themselves first
    GET  /waiting/ID                     one alert: each post, the place, the end, the changes (`sheet`)
    GET  /waiting/ID/picture/DIGEST      a picture of it, by its content
    POST /waiting/ID/approve, /reject, /send-back

The form of an alert carries the fingerprint of the displayed version, sealed to the session. A decision applies to
exactly that or not at all: if anybody decided or a feed sent a newer version meanwhile, the page is shown again and
says so. An alert that is sent back becomes a draft of its author, filled as the alert was, with the approver's changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from alerts.desk.following import words_about
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import TocsinError
from alerts.model.incident import StoredAlert, Typed
from alerts.model.person import Act
from alerts.model.post import Post, TextFormat
from alerts.model.reason import Reason
from alerts.model.town import ChannelConfig, Town
from alerts.web.console.acts import act_routes
from alerts.web.console.compose_view import audience_of, voice_of
from alerts.web.console.drafts import fields_of_alert
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import RefusedForm
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.looks import Audience, ChannelPreview, PreviewPicture, Shot, look_of
from alerts.web.console.maps import sketch_of
from alerts.web.console.previews import card_address, reaches_of
from alerts.web.console.reports_view import bringers_of, cited_in
from alerts.web.console.review import (
    ReviewPage,
    ShownPost,
    editable_words,
    read_picture,
    remember_look,
    review_page,
    seal,
    shown_posts,
    unseal,
    validators_of,
    what_waits,
)
from alerts.web.console.versions import words_waiting
from alerts.web.posted import must_exist

LONGEST = 4000
"""Characters of what is typed in one field."""
_ONE = "/waiting/{id:[A-Za-z0-9]+}"
_NUMBER = re.compile(r"[0-9]{1,6}")
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
# The texts that an approver may change when sending back.
_EDITED = ("headline", "description", "instruction")
# The name of a picture that the desk keeps: the digest of its content.
_KEPT = re.compile(r"[0-9a-f]{64}\.\w+")


def routes(console: Console) -> list[web.RouteDef]:
    """The list, the page of one alert with its picture, and the three decisions."""
    acts = act_routes(console, "/waiting", _refused)
    return [
        web.get("/waiting", partial(_list, console)),
        web.get(_ONE, partial(_one, console)),
        web.get(_ONE + "/picture/{digest:[0-9a-f]{64}}", partial(_picture, console)),
        *(web.post(route.path, partial(_checked, console, route.handler)) for route in acts),
        web.post(f"{_ONE}/send-back", partial(_checked, console, partial(_send_back, console))),
    ]


async def _list(console: Console, request: web.Request) -> web.Response:
    """Show the waiting alerts, a `?page=` at a time; `?done=` is the decision just made, and `?of=` its alert."""
    actor, done, page = visitor_of(request).actor, request.query.get("done"), request.query.get("page", "")
    subject, language = request.query.get("of", ""), console.frame.station.language
    number = int(page) if _NUMBER.fullmatch(page) else 1
    csrf = visitor_of(request).session.csrf
    queue, words, polls, decided = await console.service.ask(
        lambda unit: (
            what_waits(unit, actor, number),
            words_waiting(unit, actor, csrf),
            unit.polls.waiting(),
            _headline(unit, subject, language) if subject else "",
        )
    )
    sources = [source for source in await console.service.sources() if source["undrafted"]]
    common = _common(console, request)
    common |= {"polls": polls, "done": done, "decided": decided, "undrafted": sources}
    return console.frame.page(request, "waiting.html", queue=queue, words=words, **common)


def _headline(unit: DeskUnit, alert: str, language: str) -> str:
    """Return an alert's headline, so that a list names the decided one; "" if there is none."""
    for stored in unit.alerts.by_id(alert):
        if stored.id == alert and (info := words_about(unit.alerts, stored, language)):
            return info.headline or info.event
    return ""


async def _one(console: Console, request: web.Request) -> web.Response:
    review, actor = await _asked(console, request), visitor_of(request).actor
    response = await _page(console, request, review)
    # Kept soon rather than at once: nobody shall wait for a page because the database is held by another.
    looks = f"{actor.name} at {review.item.stored.id}"
    await console.gate.touches.soon(looks, lambda unit: remember_look(unit, review, actor))
    return response


async def _picture(console: Console, request: web.Request) -> web.Response:
    """Only a picture that one of the alert's posts has, and only as it was when it was shown."""
    review, wanted = await _asked(console, request), request.match_info["digest"]
    for path in {post.message.image.path for post in review.item.posts if post.message.image}:
        await console.service.bring_picture(path)
        content = await asyncio.to_thread(read_picture, path)
        if content is None or hashlib.sha256(content).hexdigest() != wanted:
            continue
        # Known by its content and not by its name: what only calls itself a picture is not served.
        if kind := next((kind for start, kind in _KINDS.items() if content.startswith(start)), None):
            headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}
            return web.Response(body=content, content_type=kind, headers=headers)
    raise web.HTTPNotFound


async def _asked(console: Console, request: web.Request) -> ReviewPage:
    """The sheet of the alert in the address. Raises HTTPNotFound."""
    name, actor = request.match_info["id"], visitor_of(request).actor
    return must_exist(await console.service.ask(lambda unit: review_page(unit, name, actor)))


async def _page(
    console: Console,
    request: web.Request,
    review: ReviewPage,
    *,
    status: int = 200,
    conflict: bool = False,
    errors: Mapping[str, str | Reason] | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    """One alert. `conflict`: what was decided on wasn't this; `errors` and `typed` are a form's that was refused."""
    # In a thread, since pictures are read from the disk: nobody else's request is to wait for that.
    shown = await asyncio.to_thread(shown_posts, review, console.frame.station)
    alert = review.item.stored.id
    cited, brought, validators = await console.service.ask(
        lambda unit: (cited_in(unit, [alert]), bringers_of(unit, alert), validators_of(unit, review.item.stored))
    )
    voice, statuses = voice_of(console, request), await console.service.channels()
    reaches = await reaches_of(console, review.bulks, review.item.goes_out_at)
    audience = partial(audience_of, statuses=statuses, reaches=reaches, voice=voice)
    seen = await asyncio.to_thread(seal, review, visitor_of(request).session.csrf)
    return console.frame.page(
        request,
        "validate.html",
        status=status,
        sheet=review,
        shown=[(each.post, _look(console, review, each, audience)) for each in shown],
        seen=seen,
        cited=cited.get(alert, ()),
        brought=brought,
        validators=validators,
        map=sketch_of(review.item.stored.alert, console.frame.station),
        conflict=conflict,
        errors=errors or {},
        typed={**editable_words(review), "note": "", "reason": "", **(typed or {})},
        **_common(console, request),
    )


def _look(
    console: Console, review: ReviewPage, shown: ShownPost, audience: Callable[[ChannelConfig], Audience]
) -> ChannelPreview:
    """The post as people will see it; one of a channel that is no more is shown as bare words."""
    station, post = console.frame.station, shown.post
    channel = station.channels.get(post.channel) or ChannelConfig(post.channel, "", TextFormat(0))
    image = post.message.image
    at = f"{BASE}/waiting/{review.item.stored.id}/picture/{shown.picture}" if shown.picture else None
    picture = PreviewPicture(at, image.alt) if image else None
    drawn = card_address(console, review.link.card) if review.link else ""
    shot = Shot(station, channel, post, post.subscribers, picture, review.link, drawn)
    return look_of(shot, (shown.count, shown.limit), audience(channel))


def _common(console: Console, request: web.Request) -> dict[str, Any]:
    actor = visitor_of(request).actor
    return {"may": {act.name.lower(): actor.may(act) for act in Act}, "moment": console.service.now()}


async def _form(request: web.Request) -> dict[str, str]:
    form = {key: value.strip()[:LONGEST] for key, value in (await fields_of(request)).items()}
    # A form that another session was shown says nothing here, so it validates nothing.
    return {**form, "seen": unseal(form.get("seen", ""), visitor_of(request).session.csrf) or ""}


async def _checked(console: Console, handler: Handler, request: web.Request) -> web.StreamResponse:
    """Decide, if the form says all that the page asks for."""
    form, words = await _form(request), console.frame.words(request)
    if errors := _missing(request.path.rpartition("/")[2], form, words.gettext):
        return await _page(console, request, await _asked(console, request), status=400, errors=errors, typed=form)
    return await handler(request)


async def _refused(console: Console, request: web.Request, refused: RefusedForm) -> web.Response:
    """The page with what a decision was refused for. Of a conflict it tells itself who was faster and what changed."""
    conflict, review = refused.status == HTTPStatus.CONFLICT, await _asked(console, request)
    errors: dict[str, str | Reason] = {} if conflict or refused.error is None else {"": refused.error}
    return await _page(
        console, request, review, status=refused.status, conflict=conflict, errors=errors, typed=refused.typed
    )


async def _send_back(console: Console, request: web.Request) -> web.StreamResponse:
    alert, actor, form = request.match_info["id"], visitor_of(request).actor, await _form(request)

    def acting(unit: DeskUnit) -> None:
        stored = next((each for each in unit.alerts.by_id(alert) if each.id == alert), None)
        if stored is None:  # an address that names something by its beginning decides nothing
            raise web.HTTPNotFound
        fields = _as_draft(stored, unit.alerts.posts_of(alert), form, unit.desk.station)
        Officer(unit, actor).send_back(alert, form["note"], fields)

    try:
        await console.service.act(acting)
    except TocsinError as error:
        return await _refused(console, request, RefusedForm.by(error, form))
    raise web.HTTPSeeOther(f"{BASE}/waiting?done=send-back&of={alert}")


def _missing(name: str, form: Mapping[str, str], _: Callable[[str], str]) -> dict[str, str]:
    """Return the missing fields of a form. Nobody fills in the fingerprint: without it nothing is validated."""
    if name == "approve" and not form.get("seen"):
        return {"": _("The form did not say what you saw. Look at the posts below, then validate.")}
    # A veto is stopped by one tap: its time runs on while a reason is typed.
    if name == "reject" and not form.get("reason") and not form.get("stop"):
        return {"reason": _("Say why it will not go out: its author will read this.")}
    if name == "send-back" and not form.get("note"):
        return {"note": _("Say what has to change: its author will read this.")}
    return {}


def _as_draft(stored: StoredAlert, posts: Sequence[Post], edited: Mapping[str, str], station: Town) -> dict[str, Typed]:
    """The fields of the compose page for this alert, its channels among them."""
    fields = fields_of_alert(stored, station, lambda name: Path(name) if _KEPT.fullmatch(name) else None)
    words = {name: edited[name] for name in _EDITED if name in edited}
    return {**fields, **words, "channel": tuple(dict.fromkeys(post.channel for post in posts))}
