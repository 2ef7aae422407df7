"""A broker whose retained messages are what panels show, in the world's time: the channel is the daemon's own.

What is promised: what stands there at the end is what is on, in the words of each incident's last message, and nothing
of what is over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from alerts.channels.mqtt import ALL, Mqtt, TopicMessage, level
from alerts.channels.settings import MqttSettings
from alerts.model.errors import BadCredential, InDoubt, Retry
from alerts.model.ports import Probe, Resources
from alerts.model.post import Means, Message, PostKind, PostState, Receipt
from simulation.audit import Act, Breach, Promised, Seen
from simulation.life import Life
from simulation.platform import TIMEOUT, Fate, Platform

_NOTHING_TAKEN = frozenset({Fate.TOO_MANY, Fate.TOO_MANY_UNTIL})
_BROKEN = frozenset({Fate.LOST_BEFORE, Fate.ERROR_BEFORE})
_ABOUT: ContextVar[tuple[Act, str]] = ContextVar("about")


@dataclass
class Panels:
    """What stands at each topic."""

    retained: dict[str, bytes] = field(default_factory=dict)

    def take(self, letters: Sequence[TopicMessage]) -> None:
        """What is retained stands, and nothing does where its words are none."""
        for each in letters:
            if each.words and each.retained:
                self.retained[each.topic] = each.words
            else:
                self.retained.pop(each.topic, None)

    def incidents(self) -> dict[str, list[str]]:
        """The headlines that stand of each incident."""
        found: dict[str, list[str]] = {}
        for topic, words in self.retained.items():
            found.setdefault(topic.rpartition("/")[2], []).append(json.loads(words)["headline"])
        return found


class SimulatedBroker(Mqtt):
    """The broker's channel for one life."""

    def __init__(  # noqa: PLR0917 what the daemon gives a channel, and the world
        self, name: str, settings: MqttSettings, resources: Resources, platform: Platform, panels: Panels, life: Life
    ) -> None:
        super().__init__(name, settings, resources)
        self._platform = platform
        self._panels = panels
        self._life = life

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Say it."""
        _ABOUT.set((Act.PUBLISH, message.plain))
        return await super().publish(message, reply_to)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Say it in the place of what stands there."""
        _ABOUT.set((Act.EDIT, message.plain))
        return await super().edit(remote_id, message)

    async def delete(self, remote_id: str) -> None:
        """Take it away."""
        _ABOUT.set((Act.DELETE, ""))
        await super().delete(remote_id)

    async def probe(self) -> Probe:
        """Whether it lets us in."""
        await self._life.passes("before a probe")
        if self._platform.weather.down:
            raise Retry("the broker can't be reached", sent=False)
        if self._platform.weather.revoked:
            raise BadCredential("the password isn't taken")
        return Probe(self._settings.host)

    async def _say(self, letters: Sequence[TopicMessage], unclear: type[InDoubt | Retry] = Retry) -> None:
        """The broker has all of it, some of it or nothing; the daemon learns of it, or doesn't."""
        platform, life = self._platform, self._life
        await life.passes("before a request")
        fate = platform.fate()
        there, back = platform.travel(fate)
        life.trace("leaves", channel=platform.timeline.channel, act=_ABOUT.get()[0], fate=fate)
        if fate is Fate.NOT_CONNECTED:
            raise Retry("the broker can't be reached", sent=False)
        if platform.weather.revoked:
            raise BadCredential("the password isn't taken")
        if fate in _NOTHING_TAKEN:
            raise Retry("the broker takes nothing now", whole_channel=True, sent=False)
        # A connection that breaks leaves the broker with the first of several topics.
        taken = letters[: len(letters) // 2] if fate in _BROKEN else letters
        life.agenda.after(there, self._arriving(taken, is_whole=taken is letters))
        await life.asks(min(there + back, TIMEOUT), lambda: None)
        await life.passes("after a request")
        if fate not in (Fate.ANSWERED, Fate.SLOW):
            raise unclear("the broker broke off")

    def _arriving(self, letters: Sequence[TopicMessage], *, is_whole: bool) -> Arrival:
        (act, text), left, line = _ABOUT.get(), self._life.agenda.now, self._platform.timeline
        return Arrival(
            self._panels, letters, line.seen, self._life, Seen(line.channel, act, text, left, left, None), is_whole
        )


@dataclass
class Arrival:
    """What happens where it arrives."""

    panels: Panels
    letters: Sequence[TopicMessage]
    seen: list[Seen]
    life: Life
    request: Seen
    is_whole: bool

    def __call__(self) -> None:
        """It is taken. The same said once more is a change of nothing."""
        self.panels.take(self.letters)
        request, topics = self.request, [each.topic.rsplit("/", 2) for each in self.letters]
        name = topics[0][2] if topics else "-"
        worded = [where for (_, where, _), each in zip(topics, self.letters, strict=True) if each.words]
        levels = [where for where in worded if where != ALL]
        said = any(each.taken and each.text == request.text for each in self.seen)
        act = Act.EDIT if request.act is Act.PUBLISH and said else request.act
        remote_id = " ".join([name, *levels]) if self.is_whole else None
        at = self.life.agenda.now
        self.seen.append(Seen(request.channel, act, request.text, request.left_at, at, remote_id))


def stands_what_is_on(
    panels: Panels, posts: Sequence[Promised], channel: str, headlines: dict[str, str], now: datetime
) -> Iterator[Breach]:
    """Each incident's last message that was sent stands there until its end; nothing else does.

    `headlines` are those of the alerts by their ids.
    """
    retained = panels.incidents()
    threads: dict[str, list[Promised]] = {}
    for post in sorted((each for each in posts if each.channel == channel), key=lambda each: each.seq):
        threads.setdefault(level(post.incident), []).append(post)
    for incident in retained.keys() - threads.keys():
        yield Breach("what stands is what is on", f"{incident} stands on the broker, and nobody told it", now)
    for incident, thread in threads.items():
        sent = [each for each in thread if each.state is PostState.SENT]
        is_gone = not sent or sent[-1].kind is PostKind.END or sent[-1].means is Means.DELETE
        there = retained.get(incident, [])
        is_open = any(each.state in (PostState.QUEUED, PostState.SENDING) for each in thread)
        if is_open:
            continue
        if is_gone and there:
            states = [f"{each.kind} {each.state}" for each in thread]
            over = f"{incident} stands on the broker as {there[0]!r}, and is over or was never told: {states}"
            yield Breach("what stands is what is on", over, now)
        if not is_gone and set(there) != {headlines[sent[-1].alert]}:
            message = f"{incident} stands on the broker as {there}, and not as {headlines[sent[-1].alert]!r}"
            yield Breach("what stands is what is on", message, now)
