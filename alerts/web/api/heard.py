"""What people say, for programs: what was heard, what is asked, and one answer to it.

A town that listens to nothing has nothing heard, and refuses what would be added or answered. A program's own key
(`Idempotency-Key`) is kept with what it did, as for alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from alerts.desk.act import Line, Lines, Name
from alerts.desk.handing_in import refuse
from alerts.desk.officer import Officer
from alerts.desk.out import Out, VersionOut
from alerts.desk.service import DeskUnit
from alerts.listening import acts
from alerts.listening.kinds import classify
from alerts.listening.out import QuestionOut, UtteranceOut, questions, utterances
from alerts.listening.poll_acts import ApprovePoll
from alerts.model.errors import Misuse
from alerts.model.listening import AnswerTo, GivenAnswer, Understood
from alerts.model.person import Act
from alerts.model.reason import because
from alerts.reports.validating import approve_version
from alerts.web.api.acts import body_of
from alerts.web.api.commands import done_once
from alerts.web.api.models import NoWish, RequestBody
from alerts.web.api.operation import Api, Call, Operation, Reply, json_reply
from alerts.web.api.problems import Problem, ProblemType

Answer = Annotated[Lines, StringConstraints(max_length=acts.LONGEST_ANSWER)]


class HeardFilters(BaseModel):
    """Which of it a list shows: query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    show: Literal["unread", "all"] = Field(
        "unread", description="What nobody saw to, or all; of questions those that weren't dismissed, or all."
    )


class HeardWish(RequestBody):
    """What was said where nothing listens."""

    text: Lines = Field(description="What was said.")
    incident: Name | None = Field(None, description="The id of the alert or incident that it is about.")
    where: Line | None = Field(None, description="Where it was said, in words.")


class AnswerWish(RequestBody):
    """An answer to a question."""

    text: Answer = Field(description="As everybody shall read it.")
    next: bool = Field(False, description="Answer those too who ask it later, where it is surely the same.")
    everywhere: bool = Field(False, description="Say it on the alert's other channels too.")
    words: Line | None = Field(None, description="What is asked, in one's own words.")


@dataclass(frozen=True)
class HeardPage(Out):
    """What was heard: what may be a call for help first, then the oldest first."""

    heard: Sequence[UtteranceOut]


@dataclass(frozen=True)
class VersionPage(Out):
    """What waits, oldest first."""

    answers: Sequence[VersionOut]


class WithdrawWish(RequestBody):
    """Why an answer is taken back."""

    reason: Line | None = Field(None, description="For the audit log.")


@dataclass(frozen=True)
class QuestionPage(Out):
    """What is asked, the one that changed last first."""

    questions: Sequence[QuestionOut]


async def list_heard(api: Api, call: Call) -> Reply:
    """What was heard."""
    everything = call.asking(HeardFilters).show == "all"
    found = await api.service.ask(lambda unit: utterances(unit, everything=everything))
    return json_reply(200, HeardPage([UtteranceOut.of(api.station, each) for each in found]))


async def add_heard(api: Api, call: Call) -> Reply:
    """Take in what was said elsewhere."""
    wish = call.wishing(HeardWish)
    # By its words at once; where the town listens, the model may see more in them.
    suggested = classify(wish.text)
    understood, group = Understood(suggested.kind, suggested.reason, suggested.asks), None
    if api.intake is not None:
        [understood], group = await api.intake.understand([wish.text]), api.intake.group

    def action(unit: DeskUnit) -> Reply:
        # In here, and not before: an order that was answered once is answered so again, whatever the town does by now.
        _must_listen(api)
        said = acts.add(
            Officer(unit, call.actor), wish.text, understood, incident=wish.incident, place=wish.where, group=group
        )
        return json_reply(200, UtteranceOut.of(api.station, said))

    return await done_once(api, call, action)


async def list_questions(api: Api, call: Call) -> Reply:
    """What is asked."""
    everything = call.asking(HeardFilters).show == "all"

    def question(unit: DeskUnit) -> QuestionPage:
        return QuestionPage([QuestionOut.of(unit, each) for each in questions(unit, everything=everything)])

    return json_reply(200, await api.service.ask(question))


async def answer_question(api: Api, call: Call) -> Reply:
    """Answer it once, wherever it was asked."""
    wish = call.wishing(AnswerWish)

    def action(unit: DeskUnit) -> Reply:
        _must_listen(api)
        _must_be_known(unit, "question", call.name)
        done = acts.answer(
            Officer(unit, call.actor),
            call.name,
            wish.text,
            next_ones=wish.next,
            everywhere=wish.everywhere,
            words=wish.words,
        )
        return json_reply(200, QuestionOut.of(unit, done.question))

    return await done_once(api, call, action)


async def withdraw_answer(api: Api, call: Call) -> Reply:
    """Take it back wherever it is."""
    wish = call.wishing(WithdrawWish)

    def action(unit: DeskUnit) -> Reply:
        _must_be_known(unit, "question", call.name)
        done = acts.withdraw(Officer(unit, call.actor), call.name, wish.reason)
        return json_reply(200, QuestionOut.of(unit, done.question))

    return await done_once(api, call, action)


async def list_answers(api: Api, call: Call) -> Reply:  # noqa: ARG001 an operation like the others
    """What waits."""
    waits = await api.service.ask(lambda unit: unit.listening.waiting_answers())
    return json_reply(200, VersionPage([VersionOut.of(each) for each in waits]))


async def approve_answer(api: Api, call: Call) -> Reply:
    """Let it out."""
    seen = getattr(call.wish, "seen", None)

    def action(unit: DeskUnit) -> Reply:
        _must_be_known(unit, "answer", call.name)
        return _settled(unit, approve_version(Officer(unit, call.actor), call.name, seen)[0])

    return await done_once(api, call, action)


async def reject_answer(api: Api, call: Call) -> Reply:
    """Keep it back."""

    def action(unit: DeskUnit) -> Reply:
        _must_be_known(unit, "answer", call.name)
        return _settled(unit, refuse(Officer(unit, call.actor), call.name))

    return await done_once(api, call, action)


def _settled(unit: DeskUnit, version: GivenAnswer) -> Reply:
    if version.to is AnswerTo.QUESTION:
        return json_reply(200, QuestionOut.of(unit, acts.find_question(unit, version.subject)))
    return json_reply(200, VersionOut.of(version))


def _must_listen(api: Api) -> None:
    if not api.station.listens:
        raise Misuse(because("not_listening"))


def _must_be_known(unit: DeskUnit, table: str, name: str) -> None:
    """Raise Problem unless it is the whole id of one: a program names what it means in full."""
    if list(unit.listening.named(table, name)) != [name]:
        raise Problem(ProblemType.UNKNOWN, because("nothing_heard_so", name=name[:60]))


_ONE_QUESTION = {200: (QuestionOut,)}
_SETTLED = {200: (QuestionOut, VersionOut)}
OPERATIONS = (
    Operation(
        "listHeard",
        "GET",
        "/heard",
        "What people say",
        list_heard,
        Act.VIEW,
        {200: (HeardPage,)},
        query=HeardFilters,
        details="What may be a call for help first, then the oldest first; 2,000 at the most.",
    ),
    Operation(
        "addHeard",
        "POST",
        "/heard",
        "Take in what was said where nothing listens",
        add_heard,
        Act.TEND,
        {200: (UtteranceOut,)},
        wish=HeardWish,
        details="It is grouped and counted like the rest, and answered on the town's page alone.",
    ),
    Operation(
        "listQuestions",
        "GET",
        "/questions",
        "What people ask",
        list_questions,
        Act.VIEW,
        {200: (QuestionPage,)},
        query=HeardFilters,
    ),
    Operation(
        "answerQuestion",
        "POST",
        "/questions/{id}/answer",
        "Answer a question once, wherever it was asked",
        answer_question,
        Act.ANSWER,
        _ONE_QUESTION,
        wish=AnswerWish,
        details="On an answered question it puts other words in the answer's place, wherever that is. With "
        '`answers = "approve"` it waits: `waiting` is its id. What is asked, `next` and `everywhere` are part of it.',
    ),
    Operation(
        "withdrawAnswer",
        "POST",
        "/questions/{id}/withdraw",
        "Take an answer back wherever it is",
        withdraw_answer,
        Act.ANSWER,
        _ONE_QUESTION,
        wish=WithdrawWish,
        details="It waits for nobody: it takes words away and adds none. The question is open again.",
    ),
    Operation(
        "listAnswers",
        "GET",
        "/answers",
        "What officers say in their own words and waits for a second person",
        list_answers,
        Act.VIEW,
        {200: (VersionPage,)},
        details="Answers to questions and to reports, and what came of polls; oldest first.",
    ),
    Operation(
        "approveAnswer",
        "POST",
        "/answers/{id}/approve",
        "Let a waiting answer go out",
        approve_answer,
        Act.VALIDATE_ANSWER,
        _SETTLED,
        wish=body_of(ApprovePoll),
        details="Never by its author. 409 where it isn't what was `seen`. An answer to a question tells the question.",
    ),
    Operation(
        "rejectAnswer",
        "POST",
        "/answers/{id}/reject",
        "Keep a waiting answer from going out",
        reject_answer,
        Act.ANSWER,
        _SETTLED,
        wish=NoWish,
        details="An author may reject what they wrote themselves; the rest takes an approver.",
    ),
)
