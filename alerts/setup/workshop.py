"""Where a station is set up: lines of channels.toml are checked and written, and their channels and sources tried.

The lines are read by the daemon's own loader, so that what is right here is what the daemon starts with. What is tried
is real: a credential is asked of its platform, a source is read once and filed at a desk that knows nothing. Nothing of
that is kept, and no reader sees it. Who is here started `tocsin setup` and may read this machine's files anyway; so any
file may be named, and any address asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any, Literal, get_args

import aiohttp
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alerts.access.accounts import FIRST_PASSWORD_BYTES, add_account, first_password
from alerts.access.passwords import Passwords
from alerts.channels.settings import ChannelSettings, SecretSource, TelegramSettings
from alerts.config import channel_kind, channel_kinds, load_config, read_channel, read_config, source_kind, source_kinds
from alerts.daemon.desk import Control, build_desk
from alerts.daemon.outside import open_channel
from alerts.desk.account import rehearsal_of
from alerts.desk.following import in_order
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.health.checkup import unread
from alerts.model.errors import ConfigurationError, Misuse, TocsinError, Unreadable
from alerts.model.incident import new_id
from alerts.model.person import Account, Actor, Origin, Role
from alerts.model.ports import Channel, Clock, Heard, Memory, Rehearses, Resources, Surroundings
from alerts.model.post import Message, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import Secret, Town
from alerts.sources.settings import AskedSettings
from alerts.store.connection import exists
from alerts.store.unit import sketching

Hidden = Literal["chat", "unpublished", "none"]
"""Where a test post of a channel goes unseen: a chat that is named, the page's unpublished posts, or nowhere."""
LONGEST = timedelta(seconds=30)
"""What a trial may take: somebody waits for it."""
MOST_SHOWN = 50
"""Entries of a source that are filed and shown."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a kind knows: whether it is needed, a secret's place, or yes and no; an example, and its default."""

    name: str
    needed: bool = False
    secret: bool = False
    choice: bool = False
    example: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class KindSheet:
    """What may be said of one kind of channel or source, the needed keys first."""

    name: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class ChannelTrial:
    """What came of trying a channel: whose it is, or the problem; `shown` is where a test post is, if one was made."""

    name: str
    account: str = ""
    followers: int | None = None
    warnings: tuple[Reason, ...] = ()
    problem: Reason | None = None
    shown: Receipt | None = None


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """What a source would have brought: each alert as it would be filed, with its posts; or the problem.

    An alert is the object of `rehearsal_of`, with its reason as one (`why`) beside it: the page's reader may speak
    another language than the station. `more` is how many entries there were beyond those that are shown.
    """

    name: str
    brought: Sequence[Mapping[str, Any]] = ()
    more: int = 0
    problem: Reason | None = None


class Workshop:
    """Beside a file that may not be there yet."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        # A button that is pressed again and again asks the platform once at a time.
        self._one_at_a_time = asyncio.Lock()

    def lines(self) -> str:
        """channels.toml as it stands now; empty where there is none."""
        try:
            return self._file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, lines: str) -> str:
        """Write channels.toml, keeping the one before as channels.toml.before; returns where."""
        before = self.lines()
        if before == lines:
            return str(self._file)
        if before:
            self._file.with_name(f"{self._file.name}.before").write_text(before, encoding="utf-8")
        # Written beside and put in place at once: a daemon that starts meanwhile reads the whole of one or the other.
        written = self._file.with_name(f"{self._file.name}.new")
        written.write_text(lines, encoding="utf-8")
        written.replace(self._file)
        return str(self._file)

    async def unreadable(self, lines: str) -> Sequence[Reason]:
        """What secrets can't be read here, each with its key."""
        town = await self._config(lines)
        named = {**_settings(town), **{name: each.settings for name, each in town.sources.items()}}
        found = [each for name, settings in named.items() for each in unread(name, settings, town.folder)]
        return [because("key_wrong", key=each.what, what=each.why) for each in found]

    async def people(self) -> Sequence[Account]:
        """The accounts of the station that channels.toml says; none where there is no such file yet."""
        town = self._standing_config()
        if town is None or not exists(town.database):
            return ()
        return await asyncio.to_thread(lambda: Control(town).ask(lambda unit: list(unit.accounts.accounts())))

    async def add_person(self, name: str, role: Role) -> Secret:
        """Add an account to it, as somebody at the terminal does; returns the first password."""
        town = self._standing_config()
        if town is None:
            raise Misuse(because("config_not_saved"))
        return await asyncio.to_thread(_add_person, town, name, role)

    def _standing_config(self) -> Town | None:
        try:
            return load_config(self._file)
        except ConfigurationError:
            return None

    async def problems(self, lines: str) -> Sequence[Reason]:
        """What is wrong with these lines, one reason each."""
        try:
            await self._config(lines)
        except ConfigurationError as error:
            return error.problems
        return ()

    def hidden(self, kind: str) -> Hidden:
        """Where a test post of this kind of channel goes unseen."""
        found = channel_kind(kind)
        if found is None:
            return "none"
        if issubclass(found.settings, TelegramSettings):
            return "chat"
        return "unpublished" if hasattr(found.load(), "rehearse") else "none"

    async def try_channel(self, lines: str, name: str) -> ChannelTrial:
        """Ask the platform who we are there; nothing is published."""
        return await self._trial(name, lambda: self._probe(read_channel(self._file, lines, name), name))

    async def show(self, lines: str, name: str, text: str, chat: str | None = None) -> ChannelTrial:
        """Try it, then post `text` where no reader looks: to the private `chat`, or unpublished."""

        async def showing() -> ChannelTrial:
            settings = there = read_channel(self._file, lines, name)
            if isinstance(settings, TelegramSettings):
                hidden = hidden_chat(chat, await self._public_chats(lines))
                there = settings.model_copy(update={"chat": hidden})
            trial = await self._probe(settings, name)
            async with self._opened(there, name) as channel:
                return replace(trial, shown=await _show(channel, there, Message(text, text)))

        return await self._trial(name, showing)

    async def try_source(self, lines: str, name: str) -> SourceTrial:
        """Read it once and file what it says at a desk that knows nothing; nothing is kept."""
        try:
            async with self._one_at_a_time, asyncio.timeout(LONGEST.total_seconds()):
                town = await self._config(lines)
                heard = in_order(await self._read(town, name))
                shown = await asyncio.to_thread(self._rehearse, town, name, heard[:MOST_SHOWN])
        except TimeoutError:
            return SourceTrial(name, problem=because("trial_too_long", seconds=LONGEST.seconds))
        except TocsinError as error:
            return SourceTrial(name, problem=error.reason)
        return SourceTrial(name, shown, max(0, len(heard) - MOST_SHOWN))

    async def _config(self, lines: str) -> Town:
        """The lines as settings, read beside the loop: outlines of districts take their time."""
        return await asyncio.to_thread(read_config, self._file, lines)

    async def _trial(self, name: str, work: Callable[[], Any]) -> ChannelTrial:
        try:
            async with self._one_at_a_time, asyncio.timeout(LONGEST.total_seconds()):
                trial: ChannelTrial = await work()
        except TimeoutError:
            return ChannelTrial(name, problem=because("trial_unanswered", seconds=LONGEST.seconds))
        except TocsinError as error:
            return ChannelTrial(name, problem=error.reason)
        return trial

    async def _public_chats(self, lines: str) -> frozenset[str]:
        # Those of the file as it stands too: a chat that the running daemon posts to has readers, whatever these lines
        # call it.
        standing = self._standing_config()
        both = [*_settings(await self._config(lines)).values(), *(_settings(standing).values() if standing else ())]
        return frozenset(
            each.chat for each in both if isinstance(each, TelegramSettings) and each.public and not each.exercise
        )

    async def _probe(self, settings: ChannelSettings, name: str) -> ChannelTrial:
        async with self._opened(settings, name) as channel:
            probe = await channel.probe()
        return ChannelTrial(name, probe.account, probe.followers, probe.warnings)

    @asynccontextmanager
    async def _opened(self, settings: ChannelSettings, name: str) -> AsyncIterator[Channel]:
        async with aiohttp.ClientSession() as session:
            resources = Resources(session, self._clock, self._file.parent, lambda _: None, _keep_nothing)
            channel = open_channel(name, settings, resources)
            try:
                await channel.open()
                yield channel
            finally:
                await channel.close()

    async def _read(self, town: Town, name: str) -> Sequence[Heard]:
        settings = town.rules_for(name).settings
        kind = source_kind(settings.kind) if settings else None
        if kind is None or not isinstance(settings, AskedSettings):
            raise Misuse(because("source_not_read", name=name))
        async with aiohttp.ClientSession() as session:
            source = kind.load()(name, settings, Surroundings(session, self._clock, town))
            reading = await source.read(Memory(state=kind.trial), _nothing_known, self._clock.now())
        found: Sequence[Heard] = reading.heard
        return found

    def _rehearse(self, town: Town, name: str, heard: Sequence[Heard]) -> list[Mapping[str, Any]]:
        desk = build_desk(town, self._clock.now)
        with sketching() as blank:
            unit = DeskUnit(blank, desk, self._clock.now(), new_id)
            filed = [desk.hear(unit.alerts, each, name) for each in heard]
        zone, language = desk.station.zone, desk.station.language
        return [rehearsal_of(each.stored, each.drafts, zone, language) | {"why": each.stored.reason} for each in filed]


def _settings(town: Town) -> Mapping[str, ChannelSettings]:
    return {name: each.settings for name, each in town.channels.items()}


async def _show(channel: Channel, settings: ChannelSettings, message: Message) -> Receipt:
    if isinstance(settings, TelegramSettings):
        return await channel.publish(message)
    if isinstance(channel, Rehearses):
        return await channel.rehearse(message)
    raise Misuse(because("no_hidden_place", kind=settings.kind))


def _add_person(town: Town, name: str, role: Role) -> Secret:
    password = first_password(token_bytes(FIRST_PASSWORD_BYTES))
    kept = Passwords().hash_now(password.reveal())
    by = Actor("setup", Role.ADMINISTRATOR, Origin.COMMAND, "setup")
    Control(town).act(lambda unit: add_account(Officer(unit, by), name, role, kept))
    return password


async def _keep_nothing(_: str, __: str) -> None:
    """A trial keeps nothing."""


async def _nothing_known(_: Sequence[str]) -> set[str]:
    return set()


def hidden_chat(chat: str | None, public: frozenset[str]) -> str:
    """The chat as it was named, if no reader is in it. Raises Misuse."""
    named = (chat or "").strip()
    # A chat with an @name is one that anybody can read.
    if not named.lstrip("-").isdecimal():
        raise Misuse(because("test_chat_missing"))
    if named in public:
        raise Misuse(because("test_chat_public"))
    return named


# Keys that all have and that are asked for at once: what goes where nobody expects it, and where the platform is (the
# sandbox, to try it).
_ALWAYS = ("exercise", "public", "allow_private", "api_url")


def channel_sheets() -> Sequence[KindSheet]:
    """Each kind of channel with the keys of its own, and those that say who may read it."""
    sheets = []
    for name in channel_kinds():
        try:
            kind = channel_kind(name)
        # A package that can't be loaded costs its own kind alone: the others are offered all the same.
        except Unreadable:
            continue
        if kind is not None:
            sheets.append(_sheet(name, kind.settings, ChannelSettings))
    return sheets


def source_sheets() -> Sequence[KindSheet]:
    """Each kind of source that is looked at."""
    sheets = []
    for name in source_kinds():
        try:
            kind = source_kind(name)
        except Unreadable:
            continue
        if kind is not None and issubclass(kind.settings, AskedSettings):
            sheets.append(_sheet(name, kind.settings, AskedSettings))
    return sheets


def _sheet(name: str, model: type[BaseModel], beside: type[BaseModel]) -> KindSheet:
    keys = sorted(_keys(model, beside), key=lambda key: (not key.needed, not key.secret, key.choice))
    return KindSheet(name, tuple(keys))


def _keys(model: type[BaseModel], beside: type[BaseModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        own = name not in beside.model_fields or name in _ALWAYS or (field.is_required() and name != "kind")
        if own and (name in _ALWAYS or _is_simple(field)):
            yield Key(
                name,
                needed=field.is_required(),
                secret=_is(field, SecretSource),
                choice=_is(field, bool),
                example=str(field.examples[0]) if field.examples else "",
                default="" if field.is_required() or field.default is None else _spelled(field.default),
            )


def _is_simple(field: FieldInfo) -> bool:
    """Whether one line of a form can hold it."""
    return _is(field, SecretSource) or _is(field, str) or _is(field, bool)


def _is(field: FieldInfo, kind: type) -> bool:
    return field.annotation is kind or kind in get_args(field.annotation)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
