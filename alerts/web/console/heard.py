"""People's remarks on the town's posts, and the desk's handling of them.

    GET  /heard                     the age of each ear's knowledge, calls for help, questions, all unread remarks
    GET  /heard/all                 all remarks, newest first, in any state
    GET  /heard/questions/ID        one question: its askers, its answers, and the possible acts
    GET  /heard/said/ID             one utterance
    GET  /fragments/heard           the part of the page that changes by itself
    POST /heard/elsewhere           stores a remark that an officer heard outside of any ear
    POST /heard/questions/ID/DEED, /heard/said/ID/DEED, /heard/blocks/ID/DEED

If the town listens to nothing there is none of these. A new remark wakes the open page by the stream of events, and so
does an officer's act on it. A button does its act (`DEEDS`) in one transaction: it acts through `alerts.listening`,
which checks the role and writes the audit log, and returns the page to show next. A refusal is shown on the page, next
to the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import web

from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts, moderating, proposals
from alerts.listening.acts import add
from alerts.model.errors import Misuse, TocsinError
from alerts.model.events import RemarkHeard
from alerts.model.listening import LONGEST_REMARK, Kind, UtteranceState
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import BASE, Console, done_of, visitor_of
from alerts.web.console.heard_view import MOST, board_of, headlines_of, question_of, said_of
from alerts.web.console.mishaps import NOT_REFUSED, RefusedForm
from alerts.web.console.versions import words_waiting
from alerts.web.console.watch import page

Deed = Callable[[Officer, str, Mapping[str, str]], str]
"""Does it to what has that id, with what the form said; returns the page to show then, below the desk."""
_BOARD = "/heard"


def _answer(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.answer(
        officer,
        question,
        form.get("text", ""),
        next_ones="next_ones" in form,
        everywhere="everywhere" in form,
        words=form.get("words", "").strip() or None,
        source=form.get("source") or "officer",
    )
    return f"/heard/questions/{question}"


def _become(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    proposals.become(officer, question, form.get("sentence", "").strip())
    return f"/heard/questions/{question}"


def _verdict(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    proposals.verdict(officer, question, form.get("verdict", ""), form.get("sentence", "").strip())
    return f"/heard/questions/{question}"


def _withdraw(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.withdraw(officer, question, form.get("reason", "").strip() or None)
    return f"/heard/questions/{question}"


def _reword(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.reword(officer, question, form.get("words", ""))
    return f"/heard/questions/{question}"


def _merge(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    kept = acts.merge(officer, question, form.get("into", ""))
    return f"/heard/questions/{kept.id}"


def _split(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    own = acts.split(officer, question, [form.get("said", "")])
    return f"/heard/questions/{own.id}"


def _dismiss(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.dismiss(officer, question, form.get("reason", ""))
    return _BOARD


def _attribute_question(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    acts.attribute(officer, question, form.get("about", ""))
    return f"/heard/questions/{question}"


def _attribute_said(officer: Officer, said: str, form: Mapping[str, str]) -> str:
    acts.attribute(officer, said, form.get("about", ""))
    return f"/heard/said/{said}"


def _handled(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    acts.handled(officer, said)
    return _BOARD


def _passed_on(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    """Seen to, because those who rescue know of it now: the audit log says by whom and when."""
    before = acts.find_utterance(officer.unit, said)
    acts.handled(officer, said)
    if before.state is UtteranceState.UNREAD:
        officer.write(Act.TEND, said, "passed on to the emergency services")
    return _BOARD


def _kind(officer: Officer, said: str, form: Mapping[str, str]) -> str:
    try:
        kind = Kind(form.get("kind", ""))
    except ValueError:  # no page of ours sends it
        raise web.HTTPBadRequest from None
    acts.set_kind(officer, said, kind)
    return f"/heard/said/{said}"


def _no_call(officer: Officer, said: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    """It is no call for help: it goes to the rest, still unread."""
    acts.set_kind(officer, said, Kind.OTHER)
    return _BOARD


def _moderate(act: str) -> Deed:
    def deed(officer: Officer, said: str, form: Mapping[str, str]) -> str:
        moderating.moderate(officer, said, act, form.get("clause", ""))
        return f"/heard/said/{said}"

    return deed


def _retry(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    officer.retry(_own(officer, question, form))
    return f"/heard/questions/{question}"


def _drop(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    officer.drop(_own(officer, question, form))
    return f"/heard/questions/{question}"


def _own(officer: Officer, question: str, form: Mapping[str, str]) -> str:
    """The post that is meant, if it carries an answer to that question. Raises Misuse."""
    name = form.get("post", "")
    if any(post.id == name for post in officer.unit.listening.answer_posts(question)):
        return name
    raise Misuse(because("no_such_post", name=name[:40], alert=question))


def _agree(officer: Officer, moderation: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    moderating.agree(officer, moderation)
    return _BOARD


def _refuse(officer: Officer, moderation: str, form: Mapping[str, str]) -> str:  # noqa: ARG001 a deed like the others
    moderating.refuse(officer, moderation)
    return _BOARD


DEEDS: Mapping[str, Mapping[str, Deed]] = MappingProxyType(
    {
        "questions": {
            "answer": _answer,
            "withdraw": _withdraw,
            "become": _become,
            "verdict": _verdict,
            "reword": _reword,
            "merge": _merge,
            "split": _split,
            "dismiss": _dismiss,
            "attribute": _attribute_question,
            "retry": _retry,
            "drop": _drop,
        },
        "said": {
            "handled": _handled,
            "passed-on": _passed_on,
            "no-call": _no_call,
            "kind": _kind,
            "attribute": _attribute_said,
            "hide": _moderate("hide"),
            "delete": _moderate("delete"),
            "block": _moderate("block"),
        },
        "blocks": {"agree": _agree, "refuse": _refuse},
    }
)
"""The acts by subject: each is an address below `/heard`, and the code of its confirmation."""


LONGEST_PLACE = 200
_ID = "{id:[A-Za-z0-9]+}"
_TOLD = frozenset(f"{what}-{name}" for what, deeds in DEEDS.items() for name in deeds) | {
    "elsewhere",
    # Of `alerts.web.console.versions`, which leads back here.
    "answers-approve",
    "answers-reject",
}


def routes(console: Console) -> list[web.RouteDef]:
    """The pages and the deeds; none where the town listens to nothing."""
    if not console.frame.station.listens:
        return []
    return [
        web.get("/heard", partial(_board, console, "heard.html")),
        web.get("/fragments/heard", partial(_board, console, "heard_board.html")),
        web.get("/heard/all", partial(_all, console)),
        web.get(f"/heard/questions/{_ID}", partial(_question, console)),
        web.get(f"/heard/said/{_ID}", partial(_said, console)),
        web.post("/heard/elsewhere", partial(_seen_elsewhere, console)),
        *(
            web.post(f"/heard/{what}/{_ID}/{name}", partial(_carry_out, console, what, name, deed))
            for what, deeds in DEEDS.items()
            for name, deed in deeds.items()
        ),
    ]


async def _board(
    console: Console,
    name: str,
    request: web.Request,
    refused: RefusedForm = NOT_REFUSED,
) -> web.Response:
    after = _place(request.query.get("after", ""))
    board = await console.service.ask(lambda unit: board_of(unit, after or 0))
    values: dict[str, Any] = {
        "board": board,
        "headlines": board.headlines,
        "done": done_of(request, _TOLD),
        "after": after,
    }
    return page(console, request, name, **refused.told, **values)


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
    return page(console, request, "heard_question.html", **refused.told, **values, done=done_of(request, _TOLD))


async def _said(console: Console, request: web.Request, refused: RefusedForm = NOT_REFUSED) -> web.Response:
    name = request.match_info["id"]
    values = await console.service.ask(lambda unit: said_of(unit, name))
    if values is None:
        raise web.HTTPNotFound
    return page(console, request, "heard_said.html", **refused.told, **values, done=done_of(request, _TOLD))


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
        return await _board(console, "heard.html", request, RefusedForm.by(error, form))
    console.service.tell(RemarkHeard())
    raise web.HTTPSeeOther(f"{BASE}/heard?done=elsewhere")


async def _carry_out(console: Console, what: str, name: str, deed: Deed, request: web.Request) -> web.StreamResponse:
    subject, actor = request.match_info["id"], visitor_of(request).actor
    form = await fields_of(request)
    try:
        where = await console.service.act(lambda unit: deed(Officer(unit, actor), subject, form))
    except TocsinError as error:
        if what == "questions":
            return await _question(console, request, RefusedForm.by(error, form))
        if what == "said":
            return await _said(console, request, RefusedForm.by(error, {}))
        return await _board(console, "heard.html", request, RefusedForm.by(error, {}))
    # Of what stored no post and belongs to no incident nobody would hear else.
    console.service.tell(RemarkHeard())
    raise web.HTTPSeeOther(f"{BASE}{where}?done={what}-{name}")
