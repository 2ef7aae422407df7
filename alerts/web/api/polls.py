"""Polls for programs: ask, look, validate, close, and the result once it is closed.

Before that no answer has a number, but for the turnout. A program's own key (`Idempotency-Key`) is kept with what it
did, as for alerts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field

from alerts.desk.draft import read_time
from alerts.desk.officer import Officer
from alerts.desk.out import PostOut
from alerts.desk.service import DeskUnit
from alerts.desk.versions import waiting
from alerts.listening.account import version_account
from alerts.listening.outcomes import LONGEST_OUTCOME, tell_outcome
from alerts.listening.polls import (
    PollDraft,
    account_of_poll,
    account_of_tally,
    approve_poll,
    close_poll,
    drawn_up,
    fingerprint_of,
    open_poll,
    pictures_of,
    preview_of,
    publish_result,
    reject_poll,
)
from alerts.model.errors import Conflict
from alerts.model.person import Act
from alerts.model.poll import Poll, PollState, Tally
from alerts.model.reason import because
from alerts.store.pictures import picture_folder
from alerts.web.api.commands import done_once
from alerts.web.api.models import (
    Fingerprint,
    Line,
    Moment,
    Name,
    NoWish,
    RequestBody,
    SeenWish,
    VersionAccount,
)
from alerts.web.api.operation import Api, Call, Operation, Reply, json_reply
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
        (), description="Only these; else all public ones."
    )
    exercise: bool = Field(False, description="An exercise: for exercise channels alone.")
    dry_run: bool = Field(False, description="Show what each channel would be told; store nothing.")


class PollReason(RequestBody):
    """Why a poll doesn't open."""

    reason: Line | None = None


class PublishWish(RequestBody):
    """Which numbers go out."""

    seen: Fingerprint | None = Field(None, description="The `fingerprint` of the result that was looked at.")


class OutcomeWish(RequestBody):
    """What the town did with a poll."""

    outcome: Annotated[str, Field(min_length=1, max_length=LONGEST_OUTCOME)]


class PollAccount(BaseModel):
    """A poll; no number of it."""

    poll: str
    state: str = Field(description="`waiting`, `open`, `closed` or `rejected`")
    question: str
    options: list[str]
    opens: str
    until: str
    channels: list[str]
    author: str
    approved_by: str | None
    fingerprint: str = Field(description="What a validation is bound to: give it as `seen`.")
    exercise: bool
    published: str | None
    url: str | None = Field(description="Its page, where the town has a public address.")
    reason: str | None = Field(description="In the station's language.")
    reason_code: str | None = Field(description="The same as a code, which stays (docs/reasons.md).")
    posts: list[PostOut]


class PollPage(BaseModel):
    """The newest polls."""

    polls: list[PollAccount]


class PolledOption(BaseModel):
    """An answer, and how long it is as X counts."""

    option: str
    count: int


class PolledChannel(BaseModel):
    """What a channel would be told; `way` is `poll` (the platform's own) or `link`."""

    channel: str
    way: str
    text: str
    link: str | None
    count: int
    limit: int
    options: list[PolledOption]


class PollRehearsal(BaseModel):
    """What each channel would be told; nothing was stored."""

    question: str
    channels: list[PolledChannel]


class PollNote(BaseModel):
    """Which numbers are early or missing, and why."""

    channel: str
    how: str
    reason: str | None
    reason_code: str | None


class PollSpike(BaseModel):
    """Many answers of one place within one minute."""

    channel: str
    at: str
    votes: int


class PollResult(BaseModel):
    """A poll's result. Before it is closed there are the first three alone."""

    poll: str
    state: str
    turnout: int = Field(description="Before the end that of the page and the bots.")
    question: str | None = None
    channels: dict[str, dict[str, int]] | None = Field(None, description="By channel, `web` and `bot`, and by answer.")
    not_counted: list[str] | None = None
    notes: list[PollNote] | None = None
    spikes: list[PollSpike] | None = None
    closed: str | None = None
    published: str | None = None
    outcome: str | None = None
    waits: VersionAccount | None = Field(None, description="What came of it, as far as that waits for a second person.")
    fingerprint: str | None = Field(None, description="Of these numbers; a publication may be bound to it.")


async def list_polls(api: Api, _: Call) -> Reply:
    """The newest first."""
    return json_reply(
        200, await api.service.ask(lambda unit: {"polls": [_account(api, unit, poll) for poll in unit.polls.newest()]})
    )


async def post_poll(api: Api, call: Call) -> Reply:
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
        poll = drawn_up(draft, town, call.actor.name, "", now)
        return json_reply(200, {"question": poll.question, "channels": preview_of(poll, town)})

    def action(unit: DeskUnit) -> Reply:
        return json_reply(201, _account(api, unit, open_poll(Officer(unit, call.actor), draft)))

    return await done_once(api, call, action)


async def get_poll(api: Api, call: Call) -> Reply:
    """One poll with its posts."""
    return json_reply(200, await api.service.ask(lambda unit: _account(api, unit, _poll(unit, call.name))))


async def approve(api: Api, call: Call) -> Reply:
    """Let it open."""
    wish = call.wishing(SeenWish)
    return await _act(api, call, lambda officer, poll: approve_poll(officer, poll, wish.seen))


async def reject(api: Api, call: Call) -> Reply:
    """Keep it from opening."""
    wish = call.wishing(PollReason)
    return await _act(api, call, lambda officer, poll: reject_poll(officer, poll, wish.reason))


async def close(api: Api, call: Call) -> Reply:
    """Close it before its time."""
    return await _act(api, call, close_poll)


async def results(api: Api, call: Call) -> Reply:
    """The turnout, and once it is closed the numbers."""
    return json_reply(200, await api.service.ask(lambda unit: _result(api, unit, _poll(unit, call.name))))


async def publish(api: Api, call: Call) -> Reply:
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

    def action(unit: DeskUnit) -> Reply:
        published, _ = publish_result(Officer(unit, call.actor), tally.poll.id, files, seen=seen)
        return json_reply(200, _result(api, unit, published))

    return await done_once(api, call, action)


async def outcome(api: Api, call: Call) -> Reply:
    """Say what the town did with it."""
    wish = call.wishing(OutcomeWish)

    def action(unit: DeskUnit) -> Reply:
        poll = _poll(unit, call.name)
        return json_reply(200, _result(api, unit, tell_outcome(Officer(unit, call.actor), poll.id, wish.outcome)[0]))

    return await done_once(api, call, action)


async def _act(api: Api, call: Call, acting: Callable[[Officer, str], Poll]) -> Reply:
    """Act, and answer with the poll as it is now, in the same transaction."""

    def action(unit: DeskUnit) -> Reply:
        return json_reply(200, _account(api, unit, acting(Officer(unit, call.actor), _poll(unit, call.name).id)))

    return await done_once(api, call, action)


def _poll(unit: DeskUnit, name: str) -> Poll:
    """The poll of that id, in full. Raises Problem."""
    found = unit.polls.poll(name)
    if found is None:
        raise Problem(ProblemType.UNKNOWN, because("no_such_poll", name=name[:60]))
    return found


def _account(api: Api, unit: DeskUnit, poll: Poll) -> dict[str, Any]:
    return account_of_poll(poll, unit.alerts.thread(poll.id), api.station)


def _result(api: Api, unit: DeskUnit, poll: Poll) -> dict[str, Any]:
    tally = unit.polls.tally(poll)
    told = account_of_tally(tally, api.station)
    if poll.state is not PollState.CLOSED:
        return told
    waits = waiting(unit, poll.id)
    return told | {"fingerprint": fingerprint_of(tally), "waits": version_account(waits) if waits is not None else None}


_POLL = {200: (PollAccount,)}
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
        {200: (PollRehearsal,), 201: (PollAccount,)},
        wish=PollWish,
        details="201: it opens at once or at its hour, or waits for a validation, as `publish` of manual says. "
        "200: it was only a `dry_run`.",
    ),
    Operation("getPoll", "GET", "/polls/{id}", "One poll with its posts", get_poll, Act.VIEW, _POLL),
    Operation(
        "approvePoll",
        "POST",
        "/polls/{id}/approve",
        "Let a waiting poll open",
        approve,
        Act.APPROVE,
        _POLL,
        wish=SeenWish,
        details="Never one's own, unless the station has one officer alone.",
    ),
    Operation(
        "rejectPoll",
        "POST",
        "/polls/{id}/reject",
        "Keep a poll from opening",
        reject,
        Act.CONSULT,
        _POLL,
        wish=PollReason,
        details="An author may reject their own; another's takes an approver.",
    ),
    Operation(
        "closePoll",
        "POST",
        "/polls/{id}/close",
        "Close an open poll before its time",
        close,
        Act.CONSULT,
        _POLL,
        wish=NoWish,
    ),
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
        details="With a picture. 409 where the numbers aren't those that were `seen`, or it is out already.",
    ),
    Operation(
        "tellPollOutcome",
        "POST",
        "/polls/{id}/outcome",
        "Add to a poll's page what the town did with it",
        outcome,
        Act.CONSULT,
        _RESULT,
        wish=OutcomeWish,
        details="Where the poll was validated, or messages of officers are, it waits: `waits` is it.",
    ),
)
"""What can be asked of polls."""
