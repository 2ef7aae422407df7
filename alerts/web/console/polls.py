"""Asking the town: polls are written, looked at, opened, closed and published here.

GET  /polls                    all polls, newest first
GET  /polls/new                the form; POST it to look at what each channel would be told, with its count
POST /polls/open               what was looked at is asked
GET  /polls/ID                 one poll: where it is asked, how many have answered; once it is closed its result
POST /polls/ID/approve, …       the acts of `alerts.listening.poll_acts`
GET  /polls/ID/publish         what each channel would be told as the result; POST it to tell them
GET  /polls/ID/picture.png     the result as a picture

No page has a number before a poll is closed. The form carries the poll's id from the first look on, so that a second
press opens no second poll.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from alerts.desk.draft import read_time
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.out import PolledChannel, PollRehearsal
from alerts.listening.outcomes import LONGEST_OUTCOME
from alerts.listening.polls import (
    PollDraft,
    asked_by_default,
    drawn_up,
    find_poll,
    fingerprint_of,
    may_ask,
    open_poll,
    pictures_of,
    publish_result,
    results_on,
    shown_of,
)
from alerts.model.bounds import bounded
from alerts.model.errors import Misuse, TocsinError
from alerts.model.incident import ID_LENGTH, new_id
from alerts.model.person import fold_name
from alerts.model.poll import LONGEST_OPTION, LONGEST_QUESTION, MOST_OPTIONS, Poll, PollState, Tally
from alerts.model.post import Post
from alerts.model.reason import Reason
from alerts.rendering.counting import count
from alerts.rendering.polling import place_name
from alerts.store.pictures import picture_folder
from alerts.web.console.acts import act_routes
from alerts.web.console.error_pages import NOT_REFUSED, RefusedForm
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.review import sealed
from alerts.web.console.versions import WaitingWords, words_waiting
from alerts.web.posted import must_exist, read_posted

_ONE = "/polls/{id:[0-9a-z]{1,26}}"
_ID = re.compile(rf"[0-9a-z]{{{ID_LENGTH}}}")
_TYPED = ("question", *(f"option{place}" for place in range(1, MOST_OPTIONS + 1)), "opens", "until")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class _ShownPoll:
    """One poll with its posts and what is known of its result."""

    poll: Poll
    posts: tuple[Post, ...]
    tally: Tally
    words: Sequence[WaitingWords] = ()


def routes(console: Console) -> list[web.RouteDef]:
    """The list, the form, and one poll with all that can be done about it."""
    return [
        web.get("/polls", partial(_list, console)),
        web.get("/polls/new", partial(_new, console)),
        web.post("/polls/new", partial(_look, console)),
        web.post("/polls/open", partial(_open, console)),
        web.get(_ONE, partial(_one, console)),
        web.get(f"{_ONE}/publish", partial(_before_publishing, console)),
        web.post(f"{_ONE}/publish", partial(_publish, console)),
        web.get(f"{_ONE}/picture.png", partial(_picture, console)),
        *act_routes(console, "/polls", _one),
    ]


async def _list(console: Console, request: web.Request) -> web.Response:
    polls = await console.service.ask(lambda unit: unit.polls.newest())
    return console.frame.page(request, "polls.html", polls=polls, may=visitor_of(request).actor.may)


async def _new(console: Console, request: web.Request) -> web.Response:
    town = console.frame.station
    tomorrow = console.service.now().astimezone(town.zone) + timedelta(days=1)
    typed = {**dict.fromkeys(_TYPED, ""), "until": f"{tomorrow:%Y-%m-%dT%H:00}"}
    chosen = [each.name for each in asked_by_default(town, exercise=False)]
    return _form_page(console, request, typed, chosen)


def _form_page(
    console: Console,
    request: web.Request,
    typed: Mapping[str, str],
    chosen: list[str],
    *,
    faults: tuple[Reason, ...] = (),
    preview: Sequence[PolledChannel] = (),
) -> web.Response:
    town = console.frame.station
    return console.frame.page(
        request,
        "poll_new.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        typed=typed,
        chosen=chosen,
        channels=[each for each in town.channels.values() if may_ask(each)],
        faults=faults,
        preview=preview,
        places=range(1, MOST_OPTIONS + 1),
        longest={"question": LONGEST_QUESTION, "option": LONGEST_OPTION},
        identity=typed.get("id") or new_id(),
    )


async def _typed(request: web.Request) -> tuple[dict[str, str], list[str]]:
    form = await read_posted(request)
    typed = {name: bounded(value, _LONGEST).strip() for name, value in form.items() if isinstance(value, str)}
    chosen = [bounded(value, 100) for value in form.getall("channel", []) if isinstance(value, str)]
    return {**dict.fromkeys(_TYPED, ""), **typed}, chosen


def _draft(console: Console, typed: Mapping[str, str], chosen: list[str]) -> PollDraft:
    """Return the input as a draft. Raises Misuse."""
    town, now = console.frame.station, console.service.now()
    channels = [town.channels[name] for name in chosen if name in town.channels]
    return PollDraft(
        typed["question"],
        tuple(typed[f"option{place}"] for place in range(1, MOST_OPTIONS + 1) if typed[f"option{place}"]),
        read_time("", typed["until"], now, town.zone),
        read_time("", typed["opens"], now, town.zone) if typed["opens"] else None,
        tuple(chosen),
        exercise=bool(channels) and all(each.exercise for each in channels),
    )


async def _look(console: Console, request: web.Request) -> web.Response:
    """Show each channel's message; faults are shown above the form."""
    typed, chosen = await _typed(request)
    try:
        draft = _draft(console, typed, chosen)
        poll = drawn_up(draft, console.frame.station, visitor_of(request).actor.name, "", console.service.now())
    except Misuse as error:
        return _form_page(console, request, typed, chosen, faults=_each(error.reason))
    return _form_page(console, request, typed, chosen, preview=PollRehearsal.of(console.frame.station, poll).channels)


async def _open(console: Console, request: web.Request) -> web.StreamResponse:
    typed, chosen = await _typed(request)
    actor, identity = visitor_of(request).actor, typed.get("id", "")
    if not _ID.fullmatch(identity):
        raise web.HTTPBadRequest

    def act(unit: DeskUnit) -> None:
        # Pressed twice it is asked once.
        if unit.polls.poll(identity) is None:
            open_poll(Officer(unit, actor), _draft(console, typed, chosen), identity)

    try:
        await console.service.act(act)
    except Misuse as error:
        return _form_page(console, request, typed, chosen, faults=_each(error.reason))
    raise web.HTTPSeeOther(f"{BASE}/polls/{identity}")


def _each(reason: Reason) -> tuple[Reason, ...]:
    """Return the faults one by one."""
    reasons = reason["each"] if reason.code == "lines" else (reason,)
    return tuple(each for each in reasons if isinstance(each, Reason)) if isinstance(reasons, tuple) else (reason,)


async def _found(console: Console, request: web.Request) -> _ShownPoll:
    identity, visitor = request.match_info["id"], visitor_of(request)

    def question(unit: DeskUnit) -> _ShownPoll | None:
        poll = unit.polls.poll(identity)
        if poll is None:
            return None
        waits = words_waiting(unit, visitor.actor, visitor.session.csrf, poll.id)
        return _ShownPoll(poll, tuple(unit.alerts.thread(poll.id)), unit.polls.tally(poll), waits)

    return must_exist(await console.service.ask(question))


async def _one(console: Console, request: web.Request, refused: RefusedForm = NOT_REFUSED) -> web.Response:
    shown = await _found(console, request)
    poll, actor = shown.poll, visitor_of(request).actor
    town = console.frame.station
    return console.frame.page(
        request,
        "poll.html",
        **refused.values,
        poll=poll,
        tally=shown.tally,
        posts=[post for post in shown.posts if post.kind != "count"],
        may=actor.may,
        is_own=fold_name(poll.author) == fold_name(actor.name),
        seen=sealed(shown_of(poll), visitor_of(request).session.csrf),
        words_waiting=shown.words,
        named=_named(console, request, shown.tally),
        waits=poll.state is PollState.WAITING and poll.approved_at is None,
        telegram=any(town.channels[name].kind == "telegram" for name in poll.channels if name in town.channels),
        longest=LONGEST_OUTCOME,
    )


def _named(console: Console, request: web.Request, tally: Tally) -> dict[str, str]:
    """Return the places' names."""
    say = console.frame.words(request).gettext
    return {place.name: place_name(place.name, say) for place in tally.places}


async def _before_publishing(console: Console, request: web.Request) -> web.Response:
    shown = await _found(console, request)
    if shown.poll.state is not PollState.CLOSED or shown.poll.published_at is not None:
        raise web.HTTPSeeOther(f"{BASE}/polls/{shown.poll.id}")
    texts = [
        (channel.name, message.plain, count(message.text, channel.text), channel.text.limit)
        for channel, message in results_on(console.frame.station, shown.tally, {})
    ]
    seen = fingerprint_of(shown.tally)
    named = _named(console, request, shown.tally)
    values: dict[str, Any] = {"poll": shown.poll, "tally": shown.tally, "named": named, "texts": texts, "seen": seen}
    return console.frame.page(request, "poll_publish.html", **values)


async def _publish(console: Console, request: web.Request) -> web.StreamResponse:
    shown, actor = await _found(console, request), visitor_of(request).actor
    typed, _ = await _typed(request)
    if shown.poll.state is not PollState.CLOSED:
        raise web.HTTPConflict
    drawn = await asyncio.to_thread(pictures_of, shown.tally, console.frame.station)
    # Kept before the transaction, in which every lane would wait for it.
    folder = picture_folder(console.frame.station.beside).resolve()
    files = {
        language: str(folder / await console.service.keep_picture(data, "image/png"))
        for language, data in drawn.items()
    }

    def act(unit: DeskUnit) -> None:
        publish_result(Officer(unit, actor), find_poll(unit, shown.poll.id).id, files, seen=typed.get("seen", ""))

    try:
        await console.service.act(act)
    except TocsinError as error:
        return await _one(console, request, RefusedForm.by(error, typed))
    raise web.HTTPSeeOther(f"{BASE}/polls/{shown.poll.id}")


async def _picture(console: Console, request: web.Request) -> web.Response:
    shown = await _found(console, request)
    if shown.poll.state is not PollState.CLOSED:
        raise web.HTTPNotFound
    drawn = await asyncio.to_thread(pictures_of, shown.tally, console.frame.station)
    return web.Response(body=next(iter(drawn.values())), content_type="image/png")
