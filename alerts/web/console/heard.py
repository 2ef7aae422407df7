"""People's remarks on the town's posts, and the desk's handling of them.

    GET  /heard                     the age of each ear's knowledge, calls for help, questions, all unread remarks
    GET  /heard/all                 all remarks, newest first, in any state
    GET  /heard/questions/ID        one question: its askers, its answers, and the possible acts
    GET  /heard/said/ID             one utterance
    GET  /fragments/heard           the part of the page that changes by itself
    POST /heard/elsewhere           stores a remark that an officer heard outside of any ear
    POST /heard/questions/ID/VERB, /heard/said/ID/VERB, /heard/blocks/ID/VERB

If the town listens to nothing there is none of these. A new remark wakes the open page by the stream of events, and so
does an officer's act on it (`alerts.listening.question_acts`, `remark_acts`). A refusal is shown on the page, next to
the input.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from alerts.desk.act import every_act
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.questions import add
from alerts.model.errors import TocsinError
from alerts.model.events import RemarkHeard
from alerts.model.listening import LONGEST_REMARK
from alerts.web.console.acts import act_routes
from alerts.web.console.entering import fields_of
from alerts.web.console.error_pages import NOT_REFUSED, RefusedForm
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.heard_view import MOST, board_of, headlines_of, question_of, said_of
from alerts.web.console.versions import words_waiting
from alerts.web.console.watch import page
from alerts.web.posted import must_exist

LONGEST_PLACE = 200
_ID = "{id:[A-Za-z0-9]+}"
_TELLS = {"questions": "questions", "heard": "said", "blocks": "blocks", "answers": "answers"}
"""The acts after which a page here says what was done, by what they are of."""
_DONE = frozenset(f"{_TELLS[act.of]}-{act.verb}" for act in every_act() if act.of in _TELLS) | {"elsewhere"}


def routes(console: Console) -> list[web.RouteDef]:
    """The pages and the deeds; none where the town listens to nothing."""
    if not console.frame.station.listens:
        return []
    return [
        web.get("/heard", partial(_board, console, name="heard.html")),
        web.get("/fragments/heard", partial(_board, console, name="heard_board.html")),
        web.get("/heard/all", partial(_all, console)),
        web.get(f"/heard/questions/{_ID}", partial(_question, console)),
        web.get(f"/heard/said/{_ID}", partial(_said, console)),
        web.post("/heard/elsewhere", partial(_seen_elsewhere, console)),
        *act_routes(console, "/heard/questions", _question),
        *act_routes(console, "/heard/said", _said),
        *act_routes(console, "/heard/blocks", partial(_board, name="heard.html")),
    ]


async def _board(
    console: Console, request: web.Request, refused: RefusedForm = NOT_REFUSED, *, name: str
) -> web.Response:
    after = _place(request.query.get("after", ""))
    board = await console.service.ask(lambda unit: board_of(unit, after or 0))
    values: dict[str, Any] = {
        "board": board,
        "headlines": board.headlines,
        "done": done_of(request, _DONE),
        "after": after,
    }
    return page(console, request, name, **refused.values, **values)


def _place(text: str) -> int | None:
    """The place in a list that an address names, if it is one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


async def _all(console: Console, request: web.Request) -> web.Response:
    """A page at a time: `?before=` is the place of the last one shown, `?incident=` asks for one incident's alone."""
    before, incident = _place(request.query.get("before", "")), request.query.get("incident") or None

    def question(unit: DeskUnit) -> dict[str, Any]:
        older = {"before": before} if before is not None else {}
        heard = unit.listening.heard(MOST + 1, incident, **older)
        shown = heard[:MOST]
        return {
            "heard": shown,
            "older": shown[-1].seq if len(heard) > MOST else None,
            "headlines": headlines_of(unit, (each.incident for each in shown)),
        }

    values = await console.service.ask(question)
    return page(console, request, "heard_all.html", incident=incident, **values)


async def _question(
    console: Console,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    name, visitor = request.match_info["id"], visitor_of(request)
    values, waits = await console.service.ask(
        lambda unit: (question_of(unit, name), words_waiting(unit, visitor.actor, visitor.session.csrf, name))
    )
    if values is None:
        raise web.HTTPNotFound
    values["words_waiting"] = waits
    return page(console, request, "heard_question.html", **refused.values, **values, done=done_of(request, _DONE))


async def _said(console: Console, request: web.Request, refused: RefusedForm = NOT_REFUSED) -> web.Response:
    name = request.match_info["id"]
    values = must_exist(await console.service.ask(lambda unit: said_of(unit, name)))
    return page(console, request, "heard_said.html", **refused.values, **values, done=done_of(request, _DONE))


async def _seen_elsewhere(console: Console, request: web.Request) -> web.StreamResponse:
    """Keep what was read or heard where no ear is: it is counted and grouped like the rest."""
    form, actor = await fields_of(request), visitor_of(request).actor
    text = form.get("text", "").strip()[:LONGEST_REMARK]
    place = form.get("place", "").strip()[:LONGEST_PLACE] or None
    about = form.get("about") or None
    [understood] = await console.understand([text])

    def action(unit: DeskUnit) -> None:
        add(Officer(unit, actor), text, understood, incident=about, place=place, group=console.group)

    try:
        await console.service.act(action, posts=False)
    except TocsinError as error:
        return await _board(console, request, RefusedForm.by(error, form), name="heard.html")
    console.service.tell(RemarkHeard())
    raise web.HTTPSeeOther(f"{BASE}/heard?done=elsewhere")
