"""What the demo shows of listening: three people ask the same under the town's post, and are answered once.

They write on the sandbox's Facebook, the Page's ear hears them, and the desk answers as an officer would. The answer
goes out as a comment of the Page, and as a reply to each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp

from alerts.app import Daemon
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts
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
        officer, (first, *others) = Officer(unit, Actor(who, Role.ADMINISTRATOR, Origin.COMMAND)), questions
        # What words alone didn't see to be the same, an officer does.
        for each in others:
            acts.merge(officer, each.id, first.id)
        return acts.answer(officer, first.id, ANSWER, words=ASKED[0]).posts

    return await daemon.service.act(action)
