"""Every platform that is spoken to over HTTP, in the world's time: the daemon's own channels over the sandbox.

The channel of a kind is the one that a town has; its session is this world's. A request travels to the sandbox, which
has no port here and takes it or doesn't, and the answer comes back or doesn't. So a kind takes part as soon as the
sandbox knows it and a channel of it is in `campaign.town.SECTIONS`.

The promise where readers can't be looked through (`nothing_repeated`): what costs money for each reader goes out once
unless an officer lets it go again; what goes out under a key of its own stands there once, however often it is sent.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from alerts.channels.settings import ChannelSettings
from alerts.config.kinds import channel_kind
from alerts.model.ports import Channel, Resources
from alerts.model.post import Message
from campaign.town import SECRETS
from simulation.agenda import Agenda
from simulation.audit import Act, Breach, Promised, Seen
from simulation.life import Life
from simulation.platform import TIMEOUT, Fate, Platform
from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.faults import FaultRequest
from tocsin_sandbox.sandbox import Sandbox, platform_of
from tocsin_sandbox.settings import SandboxSettings
from tocsin_sandbox.state import Post

_ACTS = {"publish": Act.PUBLISH, "edit": Act.EDIT, "delete": Act.DELETE}
_READS = re.compile(r"GET |POST .*(createSession|refreshSession|campaign-on-list/create|\d/media$)")
"""The requests that neither make, change nor take away a post."""
_LOST = frozenset({Fate.LOST_BEFORE, Fate.LOST_AFTER})
_SENT_AGAIN = "SELECT DISTINCT post_id FROM attempt WHERE outcome = 'sent_again'"


@dataclass(frozen=True, slots=True)
class Call:
    """What the lane asked of a channel: to do what, with which words; `left_at` is when.

    That is before a channel writes down what it will cost, which a slow disk delays.
    """

    act: Act
    text: str
    left_at: datetime

    def seen(self, channel: str, act: Act, now: datetime, remote_id: str | None) -> Seen:
        """A request of it, as the platform saw it."""
        return Seen(channel, act, self.text, self.left_at, now, remote_id)


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


class SandboxedPlatform(Platform):
    """One account in a sandbox of its own.

    `is_paid`: its channel says that a repeat costs money; `has_key`: that a repeat is known by its key.
    """

    def __init__(self, channel: str, kind: str, dice: Random, agenda: Agenda) -> None:
        super().__init__(channel, kind, dice)
        self._agenda = agenda
        self.is_paid = self.has_key = False
        self._sandbox = Sandbox(SandboxSettings(limits=False, clock=self._clock))

    def _clock(self) -> float:
        return self._agenda.now.timestamp()

    def answer(self, asked: Asked, fate: Fate, call: Call | None) -> Answer:
        """What the platform says as the request arrives, having noted what it did."""
        platform = platform_of(asked.path) or self.kind
        before = dict(self._sandbox.state.posts(self.kind))
        answer = self._sandbox.platforms.answer_under(platform, asked, self._fault(fate, platform))
        done: list[tuple[Act, str | None]] = [*_changes(before, self._sandbox.state.posts(self.kind))]
        # What nobody is let in with counts for nothing, here as at a platform.
        if call is not None and not self.weather.revoked and (done or not _READS.match(f"{asked.method} {asked.path}")):
            # Taken once more under the same key, it changes nothing: no post is there twice, and what is gone is gone.
            again = Act.EDIT if call.act is Act.PUBLISH and answer.status < 300 else call.act
            for act, remote_id in done or [(again, None)]:
                self.timeline.seen.append(call.seen(self.timeline.channel, act, self._agenda.now, remote_id))
        return answer

    def lag(self) -> float:
        """By how many seconds the next reading is behind."""
        return self._dice.uniform(0, self.weather.lag)

    def _fault(self, fate: Fate, platform: str) -> FaultRequest | None:
        if self.weather.revoked:
            return FaultRequest(platform=platform, kind="revoked")
        match fate:
            case Fate.ERROR_BEFORE:
                return FaultRequest(platform=platform, kind="error_html", status=502)
            case Fate.ERROR_AFTER:
                return FaultRequest(platform=platform, kind="error_after", status=500)
            case Fate.TOO_MANY:
                return FaultRequest(platform=platform, kind="rate_limit")
            case Fate.TOO_MANY_UNTIL:
                return FaultRequest(platform=platform, kind="rate_limit", retry_after=self._dice.randint(1, 90))
            case _:
                return None


def _changes(before: Mapping[str, Post], after: Mapping[str, Post]) -> Iterator[tuple[Act, str]]:
    for key, post in after.items():
        old = before.get(key)
        if old is None:
            yield (Act.EDIT if post.earlier_ids else Act.PUBLISH), post.id
        elif post.deleted and not old.deleted:
            yield Act.DELETE, post.id
        elif post.text != old.text:
            yield Act.EDIT, post.id


@dataclass
class SandboxedAnswer:
    """As much of aiohttp's response as channels read."""

    answer: Answer
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    content_length: int | None = None

    @property
    def status(self) -> int:
        """The status."""
        return self.answer.status

    @property
    def ok(self) -> bool:
        """Whether it reports no error."""
        return self.answer.status < 400

    @property
    def content(self) -> SandboxedAnswer:
        """Where the body is read."""
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The body, in one piece."""
        yield self.answer.body

    def close(self) -> None:
        """There is no connection."""


class SandboxedSession:
    """As much of aiohttp's session as channels use, for one channel in one life of the daemon."""

    def __init__(self, platform: SandboxedPlatform, life: Life) -> None:
        self._platform = platform
        self._life = life

    async def request(
        self, method: str, url: str | URL, *, data: Any = None, headers: Mapping[str, str], **_: object
    ) -> SandboxedAnswer:
        """Have a request travel. Raises as aiohttp does what becomes of it on its way."""
        platform, life, call = self._platform, self._life, _CALL.get()
        await life.passes("before a request")
        fate = platform.fate()
        there, back = platform.travel(fate)
        asked = _asked(method, URL(url), data, headers)
        what = call.act if call else "asks"
        life.trace("leaves", channel=platform.timeline.channel, act=what, path=f"{method} {asked.path}", fate=fate)
        if fate is Fate.NOT_CONNECTED:
            raise aiohttp.ConnectionTimeoutError
        came: list[Answer] = []
        if fate is not Fate.LOST_BEFORE:
            life.agenda.after(there, lambda: came.append(self._arrive(asked, fate, call)))
        elif call is not None and not _READS.match(f"{method} {asked.path}"):
            platform.timeline.seen.append(call.seen(platform.timeline.channel, call.act, life.agenda.now, None))
        await life.asks(min(there + back, TIMEOUT), lambda: None)
        await life.passes("after a request")
        if fate in _LOST or not came:
            raise aiohttp.ServerDisconnectedError
        return SandboxedAnswer(came[0], CIMultiDict(came[0].headers))

    def _arrive(self, asked: Asked, fate: Fate, call: Call | None) -> Answer:
        platform, life = self._platform, self._life
        at, lag = life.agenda.now.timestamp(), platform.lag() if asked.method == "GET" else 0.0
        answer = platform.answer(replace(asked, at=at, lag=lag), fate, call)
        life.trace("arrives", channel=platform.timeline.channel, path=asked.path, status=answer.status)
        return answer


def _asked(method: str, url: URL, data: Any, headers: Mapping[str, str]) -> Asked:
    content = data if isinstance(data, bytes) else data.decode().encode() if data is not None else b""
    kind = getattr(data, "content_type", None) or headers.get("Content-Type", "")
    form = dict(parse_qsl(content.decode())) if kind == "application/x-www-form-urlencoded" else {}
    try:
        body = json.loads(content or b"null") if not form else None
    except ValueError:
        body = None
    where = f"{url.scheme}://{url.host}{url.raw_path}"
    query = tuple(url.query.items())
    return Asked(
        method, url.path, where, 0.0, query, CIMultiDict(headers), form, json=body, body=b"" if form else content
    )


@cache
def told(kind: str) -> type[Any]:
    """The channel of that kind, which tells its session what it is asked for."""
    sends = _class_of(kind)

    def telling(name: str, act: Act) -> Callable[..., Any]:
        method = getattr(sends, name)

        async def call(self: Any, *given: Any, **named: Any) -> Any:
            text = next((each.plain for each in (*given, *named.values()) if isinstance(each, Message)), "")
            before = _CALL.set(Call(act, text, self.told_by.now()))
            try:
                return await method(self, *given, **named)
            finally:
                _CALL.reset(before)

        return call

    return type(sends.__name__, (sends,), {n: telling(n, act) for n, act in _ACTS.items() if hasattr(sends, n)})


def channel_in(
    platform: SandboxedPlatform, life: Life, name: str, settings: ChannelSettings, resources: Resources
) -> Channel:
    """The town's own channel over that platform, for one life of the daemon."""
    given = replace(resources, session=SandboxedSession(platform, life), pages="https://alertes.saint-martin.example")
    channel = told(platform.kind)(name, settings, given)
    channel.told_by = resources.clock
    platform.is_paid = getattr(channel, "never_repeats", False)
    platform.has_key = getattr(channel, "exact", False) or getattr(channel, "drops_repeats", False)
    sends: Channel = channel
    return sends


def _class_of(kind: str) -> type[Any]:
    found = channel_kind(kind)
    assert found is not None  # noqa: S101 the settings were checked
    return found.load()


def nothing_repeated(
    db: sqlite3.Connection,
    platforms: Mapping[str, SandboxedPlatform],
    posts: Sequence[Promised],
    seen: Iterable[Seen],
) -> Iterator[Breach]:
    """Channels whose repeats cost money send nothing again by themselves; those with a key show each post once."""
    again = {str(row[0]) for row in db.execute(_SENT_AGAIN)}
    taken: dict[tuple[str, str], set[str | None]] = {}
    for each in seen:
        if each.taken and each.act is Act.PUBLISH:
            taken.setdefault((each.channel, each.text), set()).add(each.remote_id)
    same: dict[tuple[str, str], int] = {}
    for post in posts:
        same[post.channel, post.text] = same.get((post.channel, post.text), 0) + 1
    for post in posts:
        platform = platforms.get(post.channel)
        if platform is None:
            continue
        if platform.is_paid and post.post in again:
            yield Breach("nothing is paid for twice", f"{post.post} on {post.channel} was sent again by itself")
        ids = taken.get((post.channel, post.text), set())
        if platform.has_key and len(ids) > same[post.channel, post.text]:
            yield Breach(
                "a key is taken once", f"{post.post} on {post.channel} stands there as {sorted(map(str, ids))}"
            )


def counts_every_write(kind: str) -> bool:
    """Whether the platform counts every write against the windows, or new posts alone."""
    found = channel_kind(kind)
    return found is None or found.counts_every_write


@contextmanager
def secrets_of_the_sandbox() -> Iterator[None]:
    """The environment of a process that knows what the sandbox takes."""
    before = {name: os.environ.get(name) for name in SECRETS}
    os.environ.update(SECRETS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
