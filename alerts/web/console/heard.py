"""What people say about the town's posts, and what the desk does about it.

GET  /heard                     how old each ear's knowledge is, calls for help, questions, all that is unread
GET  /heard/all                 everything that was heard, newest first, whatever became of it
GET  /heard/questions/ID        one question: who asked it, its answers, all that can be done about it
GET  /heard/said/ID             one utterance
GET  /fragments/heard           of the page what changes by itself

Where the town listens to nothing there is none of these. What is heard wakes the open page by the stream of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web

from alerts.desk.service import DeskUnit
from alerts.web.console.frame import Console
from alerts.web.console.heard_view import MOST, MOST_ASKERS, asked_of, board_of, headlines_of
from alerts.web.console.watch import page

_ID = "{id:[A-Za-z0-9]+}"


def routes(console: Console) -> list[web.RouteDef]:
    """The pages; none where the town listens to nothing."""
    if not console.frame.station.listens:
        return []
    return [
        web.get("/heard", partial(_board, console, "heard.html")),
        web.get("/fragments/heard", partial(_board, console, "heard_board.html")),
        web.get("/heard/all", partial(_all, console)),
        web.get(f"/heard/questions/{_ID}", partial(_question, console)),
        web.get(f"/heard/said/{_ID}", partial(_said, console)),
    ]


async def _board(console: Console, name: str, request: web.Request) -> web.Response:
    board = await console.service.ask(board_of)
    return page(console, request, name, board=board)


async def _all(console: Console, request: web.Request) -> web.Response:
    """A page at a time: `?before=` is the place of the last one shown, `?incident=` asks for one incident's alone."""
    before, incident = request.query.get("before", ""), request.query.get("incident") or None

    def question(unit: DeskUnit) -> dict[str, Any]:
        after = {"before": int(before)} if before.isascii() and before.isdigit() and len(before) < 16 else {}
        heard = unit.listening.heard(MOST + 1, incident, **after)
        shown = heard[:MOST]
        return {
            "heard": shown,
            "older": shown[-1].seq if len(heard) > MOST else None,
            "headlines": headlines_of(unit, (each.incident for each in shown)),
        }

    values = await console.service.ask(question)
    return page(console, request, "heard_all.html", incident=incident, **values)


async def _question(console: Console, request: web.Request) -> web.Response:
    return page(console, request, "heard_question.html", **await _asked(console, request))


async def _asked(console: Console, request: web.Request) -> Mapping[str, Any]:
    """What is shown of the question in the address. Raises HTTPNotFound."""
    name = request.match_info["id"]

    def question(unit: DeskUnit) -> dict[str, Any] | None:
        found = unit.listening.question(name)
        if found is None:
            return None
        asked = asked_of(unit, found, MOST_ASKERS)
        return {
            "asked": asked,
            "answers": unit.listening.answers(name),
            "headlines": headlines_of(unit, [found.incident]),
        }

    values = await console.service.ask(question)
    if values is None:
        raise web.HTTPNotFound
    return values


async def _said(console: Console, request: web.Request) -> web.Response:
    name = request.match_info["id"]

    def question(unit: DeskUnit) -> dict[str, Any] | None:
        found = unit.listening.utterance(name)
        if found is None:
            return None
        asked = unit.listening.question(found.question) if found.question else None
        return {"said": found, "question": asked, "headlines": headlines_of(unit, [found.incident])}

    values = await console.service.ask(question)
    if values is None:
        raise web.HTTPNotFound
    return page(console, request, "heard_said.html", **values)
