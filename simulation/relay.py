"""A relay that takes letters for a list, in the world's time: the channel is the daemon's own, but for the connection.

What is promised beside what every channel promises: a letter that may be out goes out again under the same Message-ID,
by itself no more than once.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

from alerts.channels.mail.channel import Dialogue, Mail
from alerts.channels.mail.mime import Email
from alerts.channels.settings import MailSettings
from alerts.model.errors import BadCredential, InDoubt, Retry
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, Receipt
from simulation.audit import Act, Breach, Promised, Seen
from simulation.life import Life
from simulation.platform import TIMEOUT, Fate, Platform

T = TypeVar("T")
AFTER_THE_DOT = frozenset({Fate.LOST_AFTER, Fate.ERROR_AFTER})
_SAID: ContextVar[str] = ContextVar("said")
_AGAIN = "SELECT post_id, COUNT(*) FROM attempt WHERE outcome = 'sent_again' GROUP BY post_id"


class SimulatedList(Mail):
    """The list's channel for one life."""

    def __init__(self, name: str, settings: MailSettings, resources: Resources, platform: Platform, life: Life) -> None:
        super().__init__(name, settings, resources)
        self._relay = platform
        self._life = life

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Hand one letter to the relay."""
        _SAID.set(message.plain)
        return await super().publish(message, reply_to)

    async def probe(self) -> Probe:
        """Whether the relay lets us in."""
        await self._life.passes("before a probe")
        must_let_in(self._relay)
        return Probe(self._settings.address)

    async def _speak(self, work: Callable[[Dialogue], Awaitable[T]]) -> T:
        return await work(SimulatedDialogue(self._settings, self._relay, self._life))


class SimulatedDialogue(Dialogue):
    """One connection: a letter travels, and the relay's word may not come back."""

    def __init__(self, settings: MailSettings, platform: Platform, life: Life) -> None:
        super().__init__(settings, None)
        self._platform = platform
        self._life = life

    async def hand_over(self, email: Email, to: str) -> None:  # noqa: ARG002 there is one list
        """Give it to the relay. Raises what becomes of the answer."""
        fate = await email_travels(self._platform, self._life, lambda: self._take(email, _SAID.get()))
        if fate in AFTER_THE_DOT:
            raise InDoubt("no word after the dot")

    def _take(self, email: Email, words: str) -> Callable[[bool], None]:
        left, line = self._life.agenda.now, self._platform.timeline

        def arrive(is_taken: bool) -> None:
            remote_id = email.id if is_taken else None
            line.seen.append(Seen(line.channel, Act.PUBLISH, words, left, self._life.agenda.now, remote_id))

        return arrive


async def email_travels(platform: Platform, life: Life, leaves: Callable[[], Callable[[bool], None]]) -> Fate:
    """Hand one letter over; what became of it. `leaves` is asked as it leaves for what notes its arrival, and whether.

    Raises Retry and BadCredential for what goes wrong before the dot.
    """
    await life.passes("before a letter")
    fate = platform.fate()
    must_let_in(platform)
    if fate is Fate.NOT_CONNECTED:
        raise Retry("the relay can't be reached", sent=False)
    if fate in (Fate.TOO_MANY, Fate.TOO_MANY_UNTIL):
        raise Retry("the relay takes nothing now", whole_channel=True)
    there, back = platform.travel(fate)
    arrive = leaves()
    life.trace("letter.leaves", channel=platform.timeline.channel, fate=fate)
    life.agenda.after(there, lambda: arrive(fate not in (Fate.LOST_BEFORE, Fate.ERROR_BEFORE)))
    await life.asks(min(there + back, TIMEOUT), lambda: None)
    await life.passes("after a letter")
    if fate in (Fate.LOST_BEFORE, Fate.ERROR_BEFORE):
        raise Retry("the relay broke off before the dot")
    return fate


def must_let_in(platform: Platform) -> None:
    """Raise where nobody answers, or the password isn't taken."""
    if platform.weather.down:
        raise Retry("the relay can't be reached", sent=False)
    if platform.weather.revoked:
        raise BadCredential("the password isn't taken")


def letters_kept_their_names(
    db: sqlite3.Connection, posts: Sequence[Promised], seen: Sequence[Seen], channel: str, now: datetime
) -> Iterator[Breach]:
    """All letters of a post have one Message-ID, and by itself it goes out again no more than once."""
    names: dict[str, set[str]] = defaultdict(set)
    for each in seen:
        if each.channel == channel and each.remote_id is not None:
            names[each.text].add(each.remote_id)
    again: dict[str, int] = dict(db.execute(_AGAIN).fetchall())
    ours = [post for post in posts if post.channel == channel]
    same: dict[str, int] = defaultdict(int)
    for post in ours:
        same[post.text] += 1
    for post in ours:
        if len(names[post.text]) > same[post.text]:
            yield Breach("a letter keeps its name", f"{post.post} left as {sorted(names[post.text])}", now)
        if again.get(post.post, 0) > 1:
            yield Breach("a letter goes out again once", f"{post.post} went out again {again[post.post]} times", now)
