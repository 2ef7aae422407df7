"""Polls for programs: open, read, validate, close, and the result once it is closed.

Before that no answer has a number, but for the turnout. A program's own key (`Idempotency-Key`) is stored with its act,
as for alerts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from alerts.desk.act import Fingerprint, Line, Moment, Name
from alerts.desk.draft import read_time
from alerts.desk.officer import Officer
from alerts.desk.out import Out
from alerts.desk.unit import DeskUnit
from alerts.listening.out import PollOut, PollRehearsal, PollResult
from alerts.listening.polls import (
    PollDraft,
    drawn_up,
    fingerprint_of,
    open_poll,
    pictures_of,
    publish_result,
)
from alerts.model.errors import Conflict
from alerts.model.person import Act
from alerts.model.poll import Poll, PollState, Tally
from alerts.model.reason import because
from alerts.store.pictures import picture_folder
from alerts.web.api.acts import operations_of
from alerts.web.api.commands import done_once
from alerts.web.api.models import RequestBody
from alerts.web.api.operation import Api, ApiCall, ApiResponse, Operation, json_reply
from alerts.web.api.problems import Problem, ProblemType


class PollWish(RequestBody):
    """A question to the town."""

    question: Line = Field(description="One line, 200 characters at the most.")
    options: Annotated[tuple[Line, ...], Field(min_length=2, max_length=4)] = Field(
        description="The answers, 25 characters each at the most, as X counts."
    )
    until: Moment = Field(description="When it closes: 5 minutes to 7 days after it opens.")
    opens: Moment | None = Field(None, description="When it opens: at once unless told.")
    channels: Annotated[tuple[Name, ...], Field(max_length=50)] = Field(
        (), description="Only these; else all public ones, but those where each post costs money."
    )
    exercise: bool = Field(False, description="An exercise: for exercise channels alone.")
    dry_run: bool = Field(False, description="Show what each channel would be told; store nothing.")


class PublishWish(RequestBody):
    """Which numbers go out."""

    seen: Fingerprint | None = Field(None, description="The `fingerprint` of the result that was looked at.")


@dataclass(frozen=True)
class PollPage(Out):
    """The newest polls."""

    polls: Sequence[PollOut]


async def list_polls(api: Api, _: ApiCall) -> ApiResponse:
    """The newest first."""
    return json_reply(
        200, await api.service.ask(lambda unit: PollPage([PollOut.of(unit, poll) for poll in unit.polls.newest()]))
    )


async def post_poll(api: Api, call: ApiCall) -> ApiResponse:
    """Ask the town."""
    wish, town = call.wishing(PollWish), api.station
    now = api.service.now()
    draft = PollDraft(
        wish.question,
        wish.options,
        read_time("until", wish.until, now, town.zone),
        read_time("opens", wish.opens, now, town.zone) if wish.opens else None,
        wish.channels,
        wish.exercise,
    )
    if wish.dry_run:
        return json_reply(200, PollRehearsal.of(town, drawn_up(draft, town, call.actor.name, "", now)))

    def action(unit: DeskUnit) -> ApiResponse:
        return json_reply(201, PollOut.of(unit, open_poll(Officer(unit, call.actor), draft)))

    return await done_once(api, call, action)


async def get_poll(api: Api, call: ApiCall) -> ApiResponse:
    """One poll with its posts."""
    return json_reply(200, await api.service.ask(lambda unit: PollOut.of(unit, _poll(unit, call.name))))


async def results(api: Api, call: ApiCall) -> ApiResponse:
    """The turnout, and once it is closed the numbers."""
    return json_reply(200, await api.service.ask(lambda unit: PollResult.of(unit, _poll(unit, call.name))))


async def publish(api: Api, call: ApiCall) -> ApiResponse:
    """Put the result out on every channel of the poll."""
    wish = call.wishing(PublishWish)
    tally: Tally = await api.service.ask(lambda unit: unit.polls.tally(_poll(unit, call.name)))
    if tally.poll.state is not PollState.CLOSED:
        raise Conflict(because("poll_is", poll=tally.poll.id, state=tally.poll.state))
    # Before the transaction: to draw takes longer than anybody may hold that.
    drawn, folder = (
        await asyncio.to_thread(pictures_of, tally, api.station),
        picture_folder(api.station.beside).resolve(),
    )
    files = {
        language: str(folder / await api.service.keep_picture(data, "image/png")) for language, data in drawn.items()
    }
    # The picture shows these numbers: others may not go out with it.
    seen = wish.seen or fingerprint_of(tally)

    def action(unit: DeskUnit) -> ApiResponse:
        published, _ = publish_result(Officer(unit, call.actor), tally.poll.id, files, seen=seen)
        return json_reply(200, PollResult.of(unit, published))

    return await done_once(api, call, action, lambda unit: PollResult.of(unit, _poll(unit, call.name)))


def _poll(unit: DeskUnit, name: str) -> Poll:
    """The poll of that id, in full. Raises Problem."""
    found = unit.polls.poll(name)
    if found is None:
        raise Problem(ProblemType.UNKNOWN, because("no_such_poll", name=name[:60]))
    return found


_POLL = {200: (PollOut,)}
_RESULT = {200: (PollResult,)}
OPERATIONS = (
    Operation(
        "listPolls",
        "GET",
        "/polls",
        "The newest polls",
        list_polls,
        Act.VIEW,
        {200: (PollPage,)},
        details="50 of them.",
    ),
    Operation(
        "postPoll",
        "POST",
        "/polls",
        "Ask the town",
        post_poll,
        Act.CONSULT,
        {200: (PollRehearsal,), 201: (PollOut,)},
        wish=PollWish,
        details="201: it opens at once or at its hour, or waits for a validation, as `publish` of manual says. "
        "200: it was only a `dry_run`.",
    ),
    Operation("getPoll", "GET", "/polls/{id}", "One poll with its posts", get_poll, Act.VIEW, _POLL),
    Operation(
        "getPollResults",
        "GET",
        "/polls/{id}/results",
        "How many have answered, and what once it is closed",
        results,
        Act.VIEW,
        _RESULT,
        details="Before it is closed there are `poll`, `state` and `turnout` alone.",
    ),
    Operation(
        "publishPoll",
        "POST",
        "/polls/{id}/publish",
        "Put the result out on every channel of the poll",
        publish,
        Act.CONSULT,
        _RESULT,
        wish=PublishWish,
        compares=True,
        details="With a picture. 409 where the numbers aren't those that were `seen`, or it is out already.",
    ),
    *operations_of("polls"),
)
"""The operations on polls."""
