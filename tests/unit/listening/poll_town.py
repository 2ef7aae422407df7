"""A town that asks: a real daemon by a clock that is wound, on platforms that count as a test says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from alerts.app import Daemon, build
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment, Looks
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.listening.polls import PollDraft, open_poll
from alerts.model.person import Actor, Origin, Role
from alerts.model.poll import Ballot, Poll, PollCount
from alerts.model.post import Message, PollForm, Post, PostKind, Receipt
from alerts.store.files import migrate
from tests.fakes import FakeClock, Late, PlainChannel
from tests.unit.delivery.lane_house import WatchedDatabase

T = TypeVar("T")
QUESTION = "Faut-il fermer la place aux voitures le samedi ?"
TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"
public_url = "https://saint-martin.example"
{more}
[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = {{ env = "TELEGRAM_TOKEN" }}
limits = []

[channels.groupe]
kind = "telegram"
chat = "@groupe"
token = {{ env = "TELEGRAM_TOKEN" }}
limits = []

[channels.page]
kind = "facebook"
page_id = "1"
token = {{ env = "FACEBOOK_TOKEN" }}
limits = []

[channels.exercices]
kind = "telegram"
chat = "@exercices"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true
limits = []
"""
ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)
PAUL = Actor("Paul", Role.APPROVER, Origin.COMMAND)


class AskingChannel(PlainChannel):
    """A platform with polls of its own: `votes` are its numbers, `messages` what it was given."""

    replaces = True

    def __init__(self, clock: FakeClock, votes: Sequence[int] = (0, 0)) -> None:
        super().__init__(clock)
        self.votes = tuple(votes)
        self.messages: list[Message] = []
        self.closed_at: datetime | None = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        self.messages.append(message)
        return await super().publish(message, reply_to)

    async def close_poll(self, remote_id: str, poll: PollForm) -> PollCount:
        await self._answer("close_poll", poll.question, to=remote_id)
        self.closed_at = poll.closes_at
        return PollCount(self.votes)


class Session:
    async def close(self) -> None:
        """There is nothing to close."""


class PollTown:
    """The town, its platforms and its daemon, which may be killed."""

    def __init__(self, folder: Path, more: str = "", *, bot: bool = False) -> None:
        file = folder / "channels.toml"
        told = TOWN.format(more=more)
        if bot:
            told = told.replace('chat = "@saintmartin"', 'chat = "@saintmartin"\nsubscriptions = true')
        file.write_text(told, encoding="utf-8")
        self.town = load_config(file)
        self.clock = FakeClock()
        self.channels = {
            "telegram": AskingChannel(self.clock, (12, 3)),
            "groupe": AskingChannel(self.clock, (1, 2)),
            "page": AskingChannel(self.clock),
            "exercices": AskingChannel(self.clock),
        }
        self.daemon: Daemon

    async def start(self) -> None:
        migrate(self.town.database)
        self.database = await WatchedDatabase.open(self.town.database)
        self.clock._work = self.database.at_work

        async def opened(*_: Any) -> WatchedDatabase:
            return self.database

        async def open_session() -> Session:
            return Session()

        outside = DaemonEnvironment(
            clock=self.clock,
            open_session=open_session,
            open_database=opened,
            open_channel=lambda name, settings, resources: self.channels[name],
            doors=False,
            looks=Looks(file=timedelta(minutes=1)),  # no other process writes
        )
        self.daemon = await build(self.town, outside)
        await self.daemon.start()
        await self.clock.advance(3)

    async def kill(self) -> None:
        """As kill -9 does: nothing is finished, nothing is given back."""
        under_way = [task for lane in self.daemon.lanes.values() for task in (*lane._sending, *lane._looking)]
        for task in (*self.daemon.workers.tasks, *under_way):
            task.cancel()
        await asyncio.gather(*self.daemon.workers.tasks, *under_way, return_exceptions=True)
        await self.database.close()

    async def act(self, action: Callable[[Officer], T], who: Actor = ANNE) -> T:
        done = await self.daemon.service.act(lambda unit: action(Officer(unit, who)))
        await self.clock.settle()
        return done

    async def ask(self, question: Callable[[DeskUnit], T]) -> T:
        return await self.daemon.service.ask(question)

    async def open(self, minutes: float = 10, who: Actor = ANNE, **more: Any) -> Poll:
        closes = self.clock.now() + timedelta(minutes=minutes)
        draft = PollDraft(QUESTION, ("Oui", "Non"), closes, **more)
        poll = await self.act(lambda officer: open_poll(officer, draft), who)
        await self.clock.advance(2)
        return poll

    async def vote(self, poll: Poll, option: int, *voters: str, place: str = "web") -> None:
        def action(unit: DeskUnit) -> None:
            stored = unit.polls.poll(poll.id)
            assert stored is not None
            for voter in voters:
                unit.polls.vote(stored, Ballot(place, stored.voter(place, voter), option), unit.now)

        await self.daemon.service.act(action)

    async def poll(self, poll: Poll) -> Poll:
        found = await self.ask(lambda unit: unit.polls.poll(poll.id))
        assert found is not None
        return found

    async def posts(self, poll: Poll, kind: PostKind | None = None) -> list[Post]:
        posts = await self.ask(lambda unit: unit.alerts.thread(poll.id))
        return [post for post in posts if kind is None or post.kind is kind]

    def hang(self, channel: str, what: str) -> None:
        """The platform doesn't answer the next call of that name."""
        self.channels[channel].script[what] = deque([Late(1e9)])
