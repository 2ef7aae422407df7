"""People's remarks for programs: the remarks, the questions, and an answer to one.

A town that listens to nothing has no remarks, and refuses new ones and answers. A program's own key (`Idempotency-Key`)
is stored with its act, as for alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.desk.act import Line, Lines, Name
from alerts.desk.officer import Officer
from alerts.desk.out import Out, VersionOut
from alerts.desk.unit import DeskUnit
from alerts.listening.kinds import classify
from alerts.listening.out import QuestionOut, UtteranceOut, questions, utterances
from alerts.listening.questions import add
from alerts.model.listening import Understood
from alerts.model.person import Act
from alerts.web.api.acts import operations_of
from alerts.web.api.commands import done_once
from alerts.web.api.models import RequestBody
from alerts.web.api.operation import Api, ApiCall, ApiResponse, Operation, json_reply


class HeardFilters(BaseModel):
    """Which of it a list shows: query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    show: Literal["unread", "all"] = Field(
        "unread", description="What nobody saw to, or all; of questions those that weren't dismissed, or all."
    )


class HeardWish(RequestBody):
    """A remark from a place where nothing listens."""

    text: Lines = Field(description="What was said.")
    incident: Name | None = Field(None, description="The id of the alert or incident that it is about.")
    where: Line | None = Field(None, description="Where it was said, in words.")


@dataclass(frozen=True)
class HeardPage(Out):
    """The remarks: possible calls for help first, then the oldest first."""

    heard: Sequence[UtteranceOut]


@dataclass(frozen=True)
class VersionPage(Out):
    """The words that wait, oldest first."""

    answers: Sequence[VersionOut]


@dataclass(frozen=True)
class QuestionPage(Out):
    """The questions, the last changed one first."""

    questions: Sequence[QuestionOut]


async def list_heard(api: Api, call: ApiCall) -> ApiResponse:
    """List the remarks."""
    everything = call.asking(HeardFilters).show == "all"
    found = await api.service.ask(lambda unit: utterances(unit, everything=everything))
    return json_reply(200, HeardPage([UtteranceOut.of(api.station, each) for each in found]))


async def add_heard(api: Api, call: ApiCall) -> ApiResponse:
    """Take in what was said elsewhere."""
    wish = call.wishing(HeardWish)
    # By its words at once; where the town listens, the model may see more in them.
    suggested = classify(wish.text)
    understood, group = Understood(suggested.kind, suggested.reason, suggested.asks), None
    if api.intake is not None:
        [understood], group = await api.intake.understand([wish.text]), api.intake.group

    def action(unit: DeskUnit) -> ApiResponse:
        # In here, and not before: an order that was answered once is answered so again, whatever the town does by now.
        said = add(
            Officer(unit, call.actor), wish.text, understood, incident=wish.incident, place=wish.where, group=group
        )
        return json_reply(200, UtteranceOut.of(api.station, said))

    return await done_once(api, call, action)


async def list_questions(api: Api, call: ApiCall) -> ApiResponse:
    """List the questions."""
    everything = call.asking(HeardFilters).show == "all"

    def question(unit: DeskUnit) -> QuestionPage:
        return QuestionPage([QuestionOut.of(unit, each) for each in questions(unit, everything=everything)])

    return json_reply(200, await api.service.ask(question))


async def list_answers(api: Api, call: ApiCall) -> ApiResponse:  # noqa: ARG001 an operation like the others
    """List the waiting answers."""
    waits = await api.service.ask(lambda unit: unit.listening.waiting_answers())
    return json_reply(200, VersionPage([VersionOut.of(each) for each in waits]))


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
        "listAnswers",
        "GET",
        "/answers",
        "What officers say in their own words and waits for a second person",
        list_answers,
        Act.VIEW,
        {200: (VersionPage,)},
        details="Answers to questions and to reports, and what came of polls; oldest first.",
    ),
    *(each for of in ("questions", "heard", "blocks", "answers") for each in operations_of(of)),
)
