"""The demo's listening and reports: three people ask the same and get one answer; the town asks back.

They write on the sandbox's Facebook, the Page's ear reads them, and the desk answers as an officer would. The answer
goes out as a comment of the Page, and as a reply to each of them. The town's own question is a poll on Telegram: people
answer there, it is closed, and only then are its numbers published.

Then five people at one place report the same, which makes a draft that an officer reads. The sandbox sends the reports
through the daemon's API, as an app would. This publishes nothing: the draft waits until somebody at the desk approves
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from secrets import token_bytes

import aiohttp

from alerts.access.accounts import add_token
from alerts.app import Daemon
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.poll_acts import ClosePoll
from alerts.listening.polls import PollDraft, open_poll
from alerts.listening.question_acts import AnswerQuestion, MergeQuestion
from alerts.listening.questions import Answered
from alerts.model.events import RemarkHeard
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.listening import Question
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import Post
from alerts.model.reports import REPORTS

CHANNEL = "page"
ASKED = (
    "L'eau du robinet est-elle potable ?",
    "Est-ce que l’eau du robinet est potable ?",
    "Bonjour, l’eau du robinet est potable ou pas ?",
)
POLLED = "telegram"
ASKS, OPTIONS = "Ouvrir la halle aussi le dimanche ?", ("Oui", "Non")
VOTES = (12, 5)
CROWD, REPORTED = 5, "flooding"
ANSWER = "Pas encore : attendez qu’elle soit claire. De l’eau potable est distribuée devant l’école Pasteur."


async def ask(sandbox: str, under: str) -> None:
    """Three people comment on the Page's post of that id."""
    said = {"text": list(ASKED), "under": under}
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox}/sandbox/facebook/say", json=said) as done:
        done.raise_for_status()


async def hear(daemon: Daemon, incident: str) -> Sequence[Question]:
    """Wait until all of them are heard; the questions that it comes to."""
    heard = asyncio.Event()
    daemon.events.subscribe(RemarkHeard, lambda _: heard.set())
    while True:
        heard.clear()
        questions = await daemon.service.ask(lambda unit: unit.listening.questions(len(ASKED), incident))
        if sum(each.asked for each in questions) >= len(ASKED):
            return questions
        await heard.wait()


async def answer(daemon: Daemon, questions: Sequence[Question], who: str) -> Sequence[Post]:
    """Answer them once; the posts by which it goes out."""

    def action(unit: DeskUnit) -> Sequence[Post]:
        officer, (first, *others) = _officer(unit, who), questions
        # What words alone didn't see to be the same, an officer does.
        for each in others:
            MergeQuestion(each.id, first.id).done_by(officer)
        answered: Answered = AnswerQuestion(first.id, ANSWER, words=ASKED[0]).done_by(officer)
        return answered.posts

    return await daemon.service.act(action)


async def open_a_poll(daemon: Daemon, who: str) -> str:
    """Ask the town; the poll's id."""

    def action(unit: DeskUnit) -> str:
        closes = unit.now + timedelta(hours=2)
        return open_poll(_officer(unit, who), PollDraft(ASKS, OPTIONS, closes, channels=(POLLED,))).id

    return await daemon.service.act(action)


async def vote(sandbox: str, address: str) -> None:
    """People answer the poll at that address on Telegram."""
    poll = f"@{'/'.join(address.rsplit('/', 2)[1:])}"
    async with aiohttp.ClientSession() as session:
        for place, count in enumerate(VOTES, 1):
            given = {"post": poll, "option": place, "count": count}
            async with session.post(f"{sandbox}/sandbox/telegram/vote", json=given) as done:
                done.raise_for_status()


async def close_the_poll(daemon: Daemon, poll: str, who: str) -> None:
    """Close it before its time, as an officer may."""
    await daemon.service.act(lambda unit: ClosePoll(poll).done_by(_officer(unit, who)))


async def result(daemon: Daemon, poll: str) -> Mapping[str, int]:
    """How many chose what on Telegram."""

    def question(unit: DeskUnit) -> Mapping[str, int]:
        found = unit.polls.poll(poll)
        assert found is not None  # noqa: S101 it was opened here
        return unit.polls.tally(found).channels.get(POLLED, {})

    return await daemon.service.ask(question)


async def a_crowd_reports(daemon: Daemon, sandbox: str, who: str) -> StoredAlert:
    """Have five people report; the draft that waits."""

    def give_token(unit: DeskUnit) -> str:
        return add_token(_officer(unit, who), "sandbox", Role.REPORTER, token_bytes(32))[1].reveal()

    token = await daemon.service.act(give_token)
    order = {"kind": REPORTED, "count": CROWD, "spread": 150, "town": daemon.url, "token": token}
    async with aiohttp.ClientSession() as session, session.post(f"{sandbox}/sandbox/reports", json=order) as done:
        done.raise_for_status()
    return await daemon.service.ask(_waiting)


def _waiting(unit: DeskUnit) -> StoredAlert:
    return next(
        each for each in unit.views.on_now(unit.now) if each.source == REPORTS and each.state is AlertState.WAITING
    )


async def let_out(daemon: Daemon, draft: StoredAlert, who: str) -> int:
    """Let it go out; by how many posts it does."""

    def action(unit: DeskUnit) -> int:
        _, posts = _officer(unit, who).approve(draft.id)
        return len(posts)

    return await daemon.service.act(action)


def headline_of(draft: StoredAlert) -> str:
    """Return the draft's headline."""
    return (draft.alert.infos[0].headline if draft.alert is not None else None) or ""


def _officer(unit: DeskUnit, who: str) -> Officer:
    return Officer(unit, Actor(who, Role.ADMINISTRATOR, Origin.COMMAND))
