"""What the demo shows of listening: three people ask the same and are answered once; and the town asks back.

They write on the sandbox's Facebook, the Page's ear hears them, and the desk answers as an officer would. The answer
goes out as a comment of the Page, and as a reply to each of them. The town's own question is a poll on Telegram: people
answer there, it is closed, and only then its numbers are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import aiohttp

from alerts.app import Daemon
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts
from alerts.listening.polls import PollDraft, close_poll, open_poll
from alerts.model.events import RemarkHeard
from alerts.model.listening import Question
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import Post

CHANNEL = "page"
ASKED = (
    "L'eau du robinet est-elle potable ?",
    "Est-ce que l'eau du robinet est potable ?",
    "Bonjour, l'eau du robinet est potable ou pas ?",
)
POLLED = "telegram"
ASKS, OPTIONS = "Ouvrir la halle aussi le dimanche ?", ("Oui", "Non")
VOTES = (12, 5)
ANSWER = "Pas encore : attendez qu'elle soit claire. De l'eau potable est distribuée devant l'école Pasteur."


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
            acts.merge(officer, each.id, first.id)
        return acts.answer(officer, first.id, ANSWER, words=ASKED[0]).posts

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
    await daemon.service.act(lambda unit: close_poll(_officer(unit, who), poll))


async def result(daemon: Daemon, poll: str) -> Mapping[str, int]:
    """How many chose what on Telegram."""

    def question(unit: DeskUnit) -> Mapping[str, int]:
        found = unit.polls.poll(poll)
        assert found is not None  # noqa: S101 it was opened here
        return unit.polls.tally(found).channels.get(POLLED, {})

    return await daemon.service.ask(question)


def _officer(unit: DeskUnit, who: str) -> Officer:
    return Officer(unit, Actor(who, Role.ADMINISTRATOR, Origin.COMMAND))
