"""Lines of channels.toml, checked by the real loader and tried with the real channels and sources.

Who tries may have signed in at the desk without being allowed to read this machine's files. Whoever may name both a
secret's place and an address could have any secret sent to themselves; whoever may name any file could have it read. So
both stay within what channels.toml, or the platform itself, says already (`check_channel` and those beside it).
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from secrets import token_bytes
from typing import Any

import aiohttp

from alerts.access.accounts import FIRST_PASSWORD_BYTES, add_account, first_password
from alerts.access.passwords import Passwords
from alerts.channels.settings import ChannelSettings, SecretSource, TelegramSettings, WebhookSettings
from alerts.config import channel_kind, load_config, read_channel, read_config, source_kind
from alerts.daemon.desk import Counter, build_desk
from alerts.daemon.kind_sheets import channel_sheets, source_sheets
from alerts.daemon.outside import open_channel
from alerts.desk.account import rehearsal_of
from alerts.desk.following import in_order
from alerts.desk.officer import Officer
from alerts.desk.service import ChannelTrial, DeskUnit, Hidden, KindSheet, SourceTrial
from alerts.health.checkup import unread
from alerts.model.errors import ConfigurationError, Misuse, TocsinError
from alerts.model.incident import new_id
from alerts.model.person import Account, Actor, Origin, Role
from alerts.model.ports import Channel, Clock, Heard, Memory, Rehearses, Resources, Surroundings
from alerts.model.post import Message, Receipt
from alerts.model.reason import Reason, because
from alerts.model.setting_values import Secret
from alerts.model.town import Town
from alerts.sources.settings import PolledSettings
from alerts.store.unit import sketching

LONGEST = timedelta(seconds=30)
"""What a trial may take: somebody waits for it."""
MOST_SHOWN = 50
"""Entries of a source that are filed and shown."""


class FileWorkshop:
    """`alerts.desk.service.Workshop` beside a file. `trusted`: who asks could read this machine's files anyway."""

    def __init__(self, file: Path, clock: Clock, *, trusted: bool = False) -> None:
        self._file = file
        self._clock = clock
        self._trusted = trusted
        self._one_at_a_time = asyncio.Lock()

    def lines(self) -> str:
        """channels.toml as it stands now; empty where there is none."""
        try:
            return self._file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return ""

    @property
    def is_local(self) -> bool:
        """Whether whoever is here may write this machine's files anyway."""
        return self._trusted

    def write(self, lines: str) -> str:
        """Write channels.toml, keeping the one before as channels.toml.before; returns where."""
        self._must_be_local()
        before = self.lines()
        if before == lines:
            return str(self._file)
        if before:
            self._file.with_name(f"{self._file.name}.before").write_text(before, encoding="utf-8")
        written = self._file.with_name(f"{self._file.name}.new")
        written.write_text(lines, encoding="utf-8")
        written.replace(self._file)
        return str(self._file)

    async def unreadable(self, lines: str) -> Sequence[Reason]:
        """What secrets can't be read here, each with its key."""
        config = await self._config(lines)
        channels = {name: each.settings for name, each in config.channels.items()}
        if not self._trusted:  # whether other files are there is nobody's affair who can't see them anyway
            standing = self._standing()
            channels = {name: each for name, each in channels.items() if standing.get(name) == each}
        found = [each for name, settings in channels.items() for each in unread(name, settings, config.folder)]
        return [because("key_wrong", key=each.what, what=each.why) for each in found]

    async def people(self) -> Sequence[Account]:
        """The accounts of the station that channels.toml says; none where there is no such file yet."""
        config = self._standing_config()
        if config is None or not config.database.is_file():
            return ()
        return await asyncio.to_thread(lambda: Counter(config).ask(lambda unit: list(unit.accounts.accounts())))

    async def add_person(self, name: str, role: Role) -> Secret:
        """Add an account to it, as somebody at the terminal does; returns the first password."""
        self._must_be_local()
        config = self._standing_config()
        if config is None:
            raise Misuse(because("config_not_saved"))
        return await asyncio.to_thread(_add_person, config, name, role)

    def _must_be_local(self) -> None:
        if not self._trusted:
            raise Misuse(because("nothing_written_here"))

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

    def channel_kinds(self) -> Sequence[KindSheet]:
        """The kinds of channel, with their keys."""
        return channel_sheets()

    def source_kinds(self) -> Sequence[KindSheet]:
        """The kinds of source that are looked at, with their keys."""
        return source_sheets()

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
        return await self._trial(name, lambda: self._probe(self._channel(lines, name), name))

    async def show(self, lines: str, name: str, text: str, chat: str | None = None) -> ChannelTrial:
        """Try it, then post `text` where no reader looks: to the private `chat`, or unpublished."""

        async def showing() -> ChannelTrial:
            settings = there = self._channel(lines, name)
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
                config = await self._config(lines)
                heard = in_order(await self._read(config, name))
                shown = await asyncio.to_thread(self._rehearse, config, name, heard[:MOST_SHOWN])
        except TimeoutError:
            return SourceTrial(name, problem=because("trial_too_long", seconds=LONGEST.seconds))
        except TocsinError as error:
            return SourceTrial(name, problem=error.reason)
        return SourceTrial(name, shown, max(0, len(heard) - MOST_SHOWN))

    async def _config(self, lines: str) -> Town:
        """The lines as settings, read beside the loop: outlines of districts take their time."""
        if not self._trusted:
            check_paths(self._file, lines)
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

    def _channel(self, lines: str, name: str) -> ChannelSettings:
        settings = read_channel(self._file, lines, name)
        if not self._trusted:
            check_channel(settings, self._standing())
        return settings

    def _standing(self) -> Mapping[str, ChannelSettings]:
        """The channels of the file as it stands: what whoever may write it has allowed."""
        try:
            return {name: each.settings for name, each in load_config(self._file).channels.items()}
        except ConfigurationError:
            return {}

    async def _public_chats(self, lines: str) -> frozenset[str]:
        both = [each.settings for each in (await self._config(lines)).channels.values()] + [*self._standing().values()]
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

    async def _read(self, config: Town, name: str) -> Sequence[Heard]:
        settings = config.rules_for(name).settings
        kind = source_kind(settings.kind) if settings else None
        if kind is None or not isinstance(settings, PolledSettings):
            raise Misuse(because("source_not_read", name=name))
        if not self._trusted:
            check_source(settings, config.folder)
        async with aiohttp.ClientSession() as session:
            source = kind.load()(name, settings, Surroundings(session, self._clock, config))
            reading = await source.read(Memory(), _nothing_known, self._clock.now())
        found: Sequence[Heard] = reading.heard
        return found

    def _rehearse(self, config: Town, name: str, heard: Sequence[Heard]) -> list[Mapping[str, Any]]:
        desk = build_desk(config, self._clock.now)
        with sketching() as blank:
            unit = DeskUnit(blank, desk, self._clock.now(), new_id)
            filed = [desk.hear(unit.alerts, each, name) for each in heard]
        zone, language = desk.station.zone, desk.station.language
        return [rehearsal_of(each.record, each.drafts, zone, language) | {"why": each.record.reason} for each in filed]


async def _show(channel: Channel, settings: ChannelSettings, message: Message) -> Receipt:
    if isinstance(settings, TelegramSettings):
        return await channel.publish(message)
    if isinstance(channel, Rehearses):
        return await channel.rehearse(message)
    raise Misuse(because("no_hidden_place", kind=settings.kind))


def _add_person(config: Town, name: str, role: Role) -> Secret:
    password = first_password(token_bytes(FIRST_PASSWORD_BYTES))
    kept = Passwords().hash_now(password.reveal())
    by = Actor("setup", Role.ADMINISTRATOR, Origin.COMMAND, "setup")
    Counter(config).act(lambda unit: add_account(Officer(unit, by), name, role, kept))
    return password


async def _keep_nothing(_: str, __: str) -> None:
    """A trial keeps nothing."""


async def _nothing_known(_: Sequence[str]) -> set[str]:
    return set()


# --- what may be tried by somebody who signed in at the desk, but need not be allowed to read this machine's files ----


def check_channel(settings: ChannelSettings, standing: Mapping[str, ChannelSettings]) -> None:
    """Raise Misuse where a secret would be read from, or sent to, a place that nobody has allowed.

    Allowed are the platform's own address, and one that a channel of this kind has in channels.toml by now. A webhook
    has no platform: its address and its secret are tried together, as they stand there.
    """
    for field in type(settings).model_fields:
        source = getattr(settings, field)
        if isinstance(source, SecretSource) and source.file and not _is_below(source.file):
            raise Misuse(because("secret_file_outside", key=field))
    if isinstance(settings, WebhookSettings):
        _must_stand(settings, standing)
        return
    usual = type(settings).model_fields["api_url"].default
    known = {each.api_url for each in standing.values() if each.kind == settings.kind}
    if settings.api_url not in {usual, *known}:
        raise Misuse(because("api_url_not_tried"))


def _must_stand(settings: WebhookSettings, standing: Mapping[str, ChannelSettings]) -> None:
    known = {(each.address, each.secret) for each in standing.values() if isinstance(each, WebhookSettings)}
    if (settings.address, settings.secret) not in known:
        raise Misuse(because("webhook_not_tried"))


def check_paths(file: Path, lines: str) -> None:
    """Raise ConfigurationError where `[station]` would have files read that aren't below the folder of `file`."""
    try:
        station = tomllib.loads(lines).get("station", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # told by who reads it
    for key in ("boundary", "templates"):
        told = station.get(key) if isinstance(station, dict) else None
        if isinstance(told, str) and not _stays_below(file.parent, told):
            why = because("path_outside")
            raise ConfigurationError([because("setting_wrong", file=file.name, key=f"station.{key}", what=why)])


def check_source(settings: PolledSettings, folder: Path) -> None:
    """Raise Misuse where a file is meant that is not below the folder of channels.toml."""
    if settings.url.lower().startswith(("http://", "https://")):
        return
    if not _stays_below(folder, settings.url):
        raise Misuse(because("source_file_outside"))


def hidden_chat(chat: str | None, public: frozenset[str]) -> str:
    """The chat as it was named, if no reader is in it. Raises Misuse."""
    named = (chat or "").strip()
    if not named.lstrip("-").isdecimal():
        raise Misuse(because("test_chat_missing"))
    if named in public:
        raise Misuse(because("test_chat_public"))
    return named


def _stays_below(folder: Path, name: str) -> bool:
    return (folder / name).resolve().is_relative_to(folder.resolve())


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
