"""Where a station is set up: lines of channels.toml are checked and written, and their channels and sources tried.

The lines are read by the daemon's own loader, so that what is right here is what the daemon starts with. What is tried
is real: a credential is asked of its platform, a source is read once and filed at a desk that knows nothing. Nothing of
that is kept, and no reader sees it. Who is here started `tocsin setup` and may read this machine's files anyway; so any
file may be named, and any address asked.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from secrets import token_bytes
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import aiohttp
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from alerts.access.accounts import FIRST_PASSWORD_BYTES, add_account, first_password
from alerts.access.passwords import Passwords
from alerts.channels.push.encryption import new_key
from alerts.channels.settings import ChannelSettings, SecretSource, TelegramSettings, TwitterSettings
from alerts.config import (
    channel_kind,
    channel_kinds,
    load_config,
    read_channel,
    read_config,
    source_kind,
    source_kinds,
    text_of,
)
from alerts.daemon.desk import Control, build_desk
from alerts.daemon.environment import open_channel
from alerts.desk.following import in_order
from alerts.desk.officer import Officer
from alerts.desk.out import Rehearsal
from alerts.desk.posts import DraftPost
from alerts.desk.unit import DeskUnit
from alerts.health.checkup import unread
from alerts.model.alert import Severity
from alerts.model.errors import ConfigurationError, Misuse, SourceFailed, TocsinError, Unreadable
from alerts.model.incident import new_id
from alerts.model.person import Account, Actor, Origin, Role
from alerts.model.ports import Channel, Clock, Heard, Memory, Rehearses, Resources, Surroundings
from alerts.model.post import Message, Receipt
from alerts.model.reason import Reason, because
from alerts.model.town import Secret, Town
from alerts.setup.lines import DEEPEST, parse, table_of, value_at, with_table, without_table
from alerts.sources.settings import AskedSettings, CapSettings
from alerts.store.connection import exists
from alerts.store.unit import scratch_unit
from alerts.web.console.looks import Audience, ChannelPreview, Shot, look_of

Hidden = Literal["chat", "unpublished", "none"]
"""Where a test post of a channel goes unseen: a chat that is named, the page's unpublished posts, or nowhere."""
LONGEST = timedelta(seconds=30)
"""The time limit of a trial: somebody waits for it."""
SERVICE = Path("/var/lib/tocsin")
"""The one folder that the installed service may write to."""
MOST_SHOWN = 50
"""Entries of a source that are filed and shown."""
_OF_OTHER_TYPE = ("setting_of_other_type", "is_section", "is_section_of_tables", "is_table")
"""How the loader names a value of another type than the key's; for a text it also means a spelling."""
_WORDS_ALONE = {"kind": "webhook", "url": "https://localhost/", "secret": {"env": "NONE"}}


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a kind knows: whether it is needed, an example, and its default, as a form asks for them.

    `secret`: its place is asked for; `choice`: yes or no; `number`: one, whole or not; `many`: several, with commas
    between them; `options`: one of these; `kept`: it is written even where it is the default, since it decides what the
    public sees.
    """

    name: str
    needed: bool = False
    secret: bool = False
    choice: bool = False
    number: bool = False
    many: bool = False
    options: tuple[str, ...] = ()
    example: str = ""
    default: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True)
class KindForm:
    """The keys of one kind of channel or source, the needed keys first; or the reason why no form can ask for them."""

    name: str
    keys: tuple[Key, ...] = ()
    problem: Reason | None = None

    def default(self, key: str) -> str:
        """The value of a key in a table without it."""
        return next((each.default for each in self.keys if each.name == key), "")


@dataclass(frozen=True, slots=True)
class ChannelTrial:
    """The result of trying a channel: its account, or the problem; `shown` is the receipt of a test post, if any."""

    name: str
    account: str = ""
    followers: int | None = None
    warnings: tuple[Reason, ...] = ()
    problem: Reason | None = None
    shown: Receipt | None = None


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """The result of trying a source: each alert as it would be filed, with its posts; or the problem.

    An alert is the object of `Rehearsal`, with its reason as a value (`why`), since the page's reader may speak
    another language than the town, and its posts as previews (`looks`) in the name of `town`. `more` is the number of
    entries beyond those shown.
    """

    name: str
    brought: Sequence[Mapping[str, Any]] = ()
    more: int = 0
    problem: Reason | None = None
    town: Town | None = None


class Workshop:
    """Works on a file that may not exist yet."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        # A button that is pressed again and again asks the platform once at a time.
        self._one_at_a_time = asyncio.Lock()
        # Each channel that answered its test, as it was then.
        self._answered: dict[str, ChannelSettings] = {}
        # The table of each source that was read, as it was then.
        self._read_as: dict[str, Mapping[str, Any]] = {}
        # The last trial of each channel, with its settings then.
        self._trials: dict[str, tuple[ChannelSettings, ChannelTrial]] = {}

    def lines(self) -> str:
        """Return the present channels.toml; empty if there is none. Raises ConfigurationError if unreadable."""
        return text_of(self._file) if self._file.exists() else ""

    def has_written(self, lines: str) -> bool:
        """True if the present channels.toml has these lines."""
        try:
            return self.lines().strip() == lines.strip()
        except ConfigurationError:
            return False

    def files(self) -> Sequence[str]:
        """The names of the files beside channels.toml, 200 at most; none if the folder can't be read."""
        try:
            return sorted(each.name for each in self._file.absolute().parent.iterdir() if each.is_file())[:200]
        except OSError:
            return ()

    def usual_store(self) -> str:
        """Where a database belongs on a machine that is prepared for the service; empty on any other."""
        return f"sqlite:///{SERVICE / 'tocsin.db'}" if SERVICE.is_dir() else ""

    def make_push_key(self, name: str) -> None:
        """Write a new key for push to the secret's place; an existing one stays."""
        place = Path(os.environ.get("CREDENTIALS_DIRECTORY") or self._file.parent) / name
        try:
            made = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(new_key())

    def write(self, lines: str) -> str:
        """Write channels.toml, keeping the one before as channels.toml.before; returns where.

        Raises ConfigurationError where the one before can't be read, and so can't be kept.
        """
        before = self.lines()
        if before == lines:
            return str(self._file)
        if before:
            self._put(self._file.with_name(f"{self._file.name}.before"), before)
        self._put(self._file, lines)
        return str(self._file)

    def _put(self, place: Path, text: str) -> None:
        """Write a file beside and put it in place at once: a daemon that starts meanwhile reads a whole one.

        It may be read by whom channels.toml could be read before. No link is followed: root may set up in the folder
        of a service's user.
        """
        like = self._file.stat() if self._file.exists() else None
        beside = self._file.with_name(f"{self._file.name}.new")
        beside.unlink(missing_ok=True)
        made = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(made, "w", encoding="utf-8") as file:
            if like is not None:
                os.fchmod(made, stat.S_IMODE(like.st_mode))
                if os.geteuid() == 0:
                    os.fchown(made, like.st_uid, like.st_gid)
            file.write(text)
        beside.replace(place)

    async def unreadable(self, lines: str) -> Sequence[Reason]:
        """Return the unreadable secrets, each with its key."""
        town = await self._config(lines)
        named = {**_settings(town), **{name: each.settings for name, each in town.sources.items()}}
        found = [each for name, settings in named.items() for each in unread(name, settings, town.folder)]
        return [because("key_wrong", key=each.what, what=each.why) for each in found]

    async def people(self) -> Sequence[Account]:
        """The accounts of the station that channels.toml says; none where there is no such file yet."""
        town = self._current_town()
        if town is None or not exists(town.database):
            return ()
        return await asyncio.to_thread(lambda: Control(town).ask(lambda unit: list(unit.accounts.accounts())))

    async def add_person(self, name: str, role: Role) -> Secret:
        """Add an account to it, as somebody at the terminal does; returns the first password."""
        town = self._current_town()
        if town is None:
            raise Misuse(because("config_not_saved"))
        return await asyncio.to_thread(_add_person, town, name, role)

    def _current_town(self) -> Town | None:
        try:
            return load_config(self._file)
        except ConfigurationError:
            return None

    async def problems(self, lines: str) -> Sequence[Reason]:
        """Return the faults of these lines, one reason each."""
        try:
            await self._config(lines)
        except ConfigurationError as error:
            return error.problems
        return ()

    async def unfillable(self, lines: str) -> Sequence[Reason]:
        """Return the faults of these lines for which no form can show them: no TOML, or values of another type.

        A text that is wrong stands in its field, and can be put right there. A list where a name belongs stands in
        none, and the form, saved without it, would lose it.
        """
        problems, whole = await self.problems(lines), parse(lines)
        if whole is None:
            too_deep = because("config_no_toml", said=f"nested more than {DEEPEST} times")
            return problems or [because("file_wrong", file=self._file.name, what=too_deep)]
        return [each for each in problems if _is_of_other_type(each, whole)]

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
        trial = await self._trial(lines, name, lambda: self._probe(read_channel(self._file, lines, name), name))
        self._answered.pop(name, None)
        if trial.problem is None:
            self._answered[name] = read_channel(self._file, lines, name)
        return trial

    def unread(self, lines: str, names: Sequence[str]) -> Sequence[str]:
        """Those of the sources that weren't read yet as these lines have them."""
        return [name for name in names if table_of(lines, f"sources.{name}") != self._read_as.get(name)]

    def unanswered(self, lines: str, names: Sequence[str]) -> Sequence[str]:
        """Those of the channels that didn't answer a test yet as these lines have them."""
        return [name for name in names if not self._is_as_tried(lines, name, self._answered.get(name))]

    def trials(self, lines: str, names: Sequence[str]) -> Mapping[str, ChannelTrial]:
        """The last trial of each of the channels that was tried as these lines have it."""
        kept = {name: self._trials[name] for name in names if name in self._trials}
        return {name: trial for name, (then, trial) in kept.items() if self._is_as_tried(lines, name, then)}

    def _is_as_tried(self, lines: str, name: str, then: ChannelSettings | None) -> bool:
        try:
            return then is not None and read_channel(self._file, lines, name) == then
        except ConfigurationError:
            return False

    async def show(self, lines: str, name: str, text: str, chat: str | None = None) -> ChannelTrial:
        """Try it, then post `text` where no reader sees it: to the private `chat`, or unpublished."""

        async def showing() -> ChannelTrial:
            settings = there = read_channel(self._file, lines, name)
            if isinstance(settings, TelegramSettings):
                hidden = hidden_chat(chat, await self._public_chats(lines))
                there = settings.model_copy(update={"chat": hidden})
            trial = await self._probe(settings, name)
            async with self._opened(there, name) as channel:
                return replace(trial, shown=await _show(channel, there, Message(text, text)))

        return await self._trial(lines, name, showing)

    async def try_source(self, lines: str, name: str) -> SourceTrial:
        """Read it once and file what it says at a desk that knows nothing; nothing is kept."""
        self._read_as.pop(name, None)
        try:
            async with self._one_at_a_time, asyncio.timeout(LONGEST.total_seconds()):
                town = await self._config(await self._without_faults_of_others(lines, name))
                heard = in_order(await self._read(town, name))
                shown = await asyncio.to_thread(self._rehearse, town, name, heard[:MOST_SHOWN])
        except TimeoutError:
            return SourceTrial(name, problem=because("trial_too_long", seconds=LONGEST.seconds))
        except TocsinError as error:
            return SourceTrial(name, problem=error.reason)
        self._read_as[name] = table_of(lines, f"sources.{name}")
        return SourceTrial(name, shown, max(0, len(heard) - MOST_SHOWN), town=replace(town, logo=None))

    async def _without_faults_of_others(self, lines: str, source: str) -> str:
        """The lines without the tables that are wrong and have nothing to do with reading that source."""
        while others := {
            table
            for problem in await self.problems(lines)
            if (table := _table_of(str(problem["key"] or ""))) not in ("station", f"sources.{source}")
            and table_of(lines, table)
        }:
            for table in others:
                lines = without_table(lines, table)
        # Where no channel is left, what it brings is shown as the words alone.
        return lines if table_of(lines, "channels") else with_table(lines, "channels.text", _WORDS_ALONE)

    async def _config(self, lines: str) -> Town:
        """Return the lines as settings, parsed in a thread: outlines of districts take their time."""
        return await asyncio.to_thread(read_config, self._file, lines)

    async def _trial(self, lines: str, name: str, work: Callable[[], Any]) -> ChannelTrial:
        try:
            async with self._one_at_a_time, asyncio.timeout(LONGEST.total_seconds()):
                trial: ChannelTrial = await work()
        except TimeoutError:
            trial = ChannelTrial(name, problem=because("trial_unanswered", seconds=LONGEST.seconds))
        except TocsinError as error:
            trial = ChannelTrial(name, problem=error.reason)
        with suppress(ConfigurationError):  # of lines that are wrong nothing could be tried
            self._trials[name] = read_channel(self._file, lines, name), trial
        return trial

    async def _public_chats(self, lines: str) -> frozenset[str]:
        # Those of the file as it stands too: a chat that the running daemon posts to has readers, whatever these lines
        # call it.
        current = self._current_town()
        both = [*_settings(await self._config(lines)).values(), *(_settings(current).values() if current else ())]
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
        # Nothing that could be read is not nothing that is on.
        if reading.trouble is not None and not reading.heard:
            raise SourceFailed(reading.trouble)
        found: Sequence[Heard] = reading.heard
        return found

    def _rehearse(self, town: Town, name: str, heard: Sequence[Heard]) -> list[Mapping[str, Any]]:
        desk = build_desk(town, self._clock.now)
        with scratch_unit() as blank:
            unit = DeskUnit(blank, desk, self._clock.now(), new_id)
            filed = [desk.hear(unit.alerts, each, name) for each in heard]
        return [
            Rehearsal.of(town, each.stored, each.drafts).as_json()
            | {"why": each.stored.reason, "looks": [_look(town, made) for made in each.drafts]}
            for each in filed
        ]


def _is_of_other_type(problem: Reason, whole: Mapping[str, Any]) -> bool:
    what = problem["what"]
    if not isinstance(what, Reason) or what.code not in _OF_OTHER_TYPE:
        return False
    return not isinstance(value_at(whole, str(problem["key"])), str)


def _table_of(key: str) -> str:
    """The table that a fault is of: `channels.x` for `channels.x.token`, `push` for `push.key`."""
    section, *rest = key.split(".")
    return ".".join([section, *rest[:1]]) if section in ("channels", "sources") else section


def _look(town: Town, made: DraftPost) -> ChannelPreview:
    rendered = made.rendered
    shot = Shot(town, town.channels[made.post.channel], made.post, made.bulk.messages if made.bulk else {})
    return replace(look_of(shot, (rendered.count, rendered.limit), Audience()), cut=rendered.cut)


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
    if isinstance(town.database, Path):
        _give_to_its_folder(town.database)
    return password


def _give_to_its_folder(database: Path) -> None:
    """Have what root made belong to whom its folder belongs: a service of another user couldn't write it."""
    owner = database.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for each in database.parent.glob(f"{database.name}*"):
            # That user may have put a link here, to have a file of root's given to them.
            with suppress(OSError), open(each, "rb", opener=_without_links) as file:
                found = os.fstat(file.fileno())
                if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


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


# Keys that all have and that are asked for at once: what goes out by itself, what goes where nobody expects it, what
# readers are told of a source, and where the platform is (the sandbox, to try it).
_ALWAYS = ("publish", "severity", "exercise", "public", "allow_private", "title", "api_url")
_KEPT = ("publish", "severity")
# X charges a post with a link many times as much.
_ALSO = ((TwitterSettings, "link"),)
# To read on X a town needs X's approval, an account more and a budget: who has them writes them down as lines.
_BY_LINES_ALONE = tuple((TwitterSettings, name) for name in ("hears", "approved", "listen", "budget"))
# A feed of warnings has yellow ones on several days a month; whoever writes lines decides by the line.
_PROPOSED: Mapping[tuple[type[BaseModel], str], Severity] = {(CapSettings, "severity"): Severity.SEVERE}
_SEVERITIES = (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)


def channel_forms() -> Sequence[KindForm]:
    """Each kind of channel with the keys of its own, and those that say who may read it."""
    return _forms(channel_kinds(), channel_kind, ChannelSettings)


def source_forms() -> Sequence[KindForm]:
    """Return the form of each kind of polled source."""
    return _forms(source_kinds(), source_kind, AskedSettings)


def _forms(names: Iterable[str], kind_of: Callable[[str], Any], family: type[BaseModel]) -> list[KindForm]:
    forms = []
    for name in names:
        # A package that can't be loaded costs its own kind alone: the others are offered all the same.
        try:
            kind = kind_of(name)
            if kind is not None and issubclass(kind.settings, family):
                forms.append(KindForm(name, tuple(_keys(name, kind.settings, family))))
        except Unreadable as error:
            forms.append(KindForm(name, problem=error.reason))
    return forms


def _keys(kind: str, model: type[BaseModel], beside: type[BaseModel]) -> list[Key]:
    """Return the keys that the form of a kind asks for. Raises Unreadable if one that it needs can't be drawn."""
    keys = []
    for name, field in model.model_fields.items():
        if not _is_asked(name, field, model, beside):
            continue
        key = _drawn(name, field, model)
        if key is not None:
            keys.append(key)
        elif field.is_required():
            raise Unreadable(because("kind_undrawn", name=repr(kind), key=field.alias or name))
    return sorted(keys, key=lambda key: (not key.needed, not key.secret, key.choice, key.kept))


def _is_asked(name: str, field: FieldInfo, model: type[BaseModel], beside: type[BaseModel]) -> bool:
    """True if it is needed, or of this kind, and somebody may want another value than the default."""
    if name == "kind" or (model, name) in _BY_LINES_ALONE:
        return False
    if field.is_required():
        return True
    if name == "api_url":
        return not {"url", "host"} & model.model_fields.keys()  # a relay, a broker and a receiver are where they are
    if name in beside.model_fields:
        return name in _ALWAYS or (model, name) in _ALSO
    # A number with a default of its own (`rate`) is for who measures; one without (`port`) depends on the other end.
    return not field.default or not _of_type(field.annotation)[1] & {int, float, timedelta, tuple}


def _drawn(name: str, field: FieldInfo, model: type[BaseModel]) -> Key | None:
    """Return the field as one line of a form asks for it. Returns None for a type that none can hold."""
    options, types = _of_type(field.annotation)
    if not types <= {SecretSource, bool, int, float, str, timedelta, date, tuple}:
        return None
    default = "" if field.is_required() or field.default in (None, ()) else _spelled(field.default)
    return Key(
        field.alias or name,
        needed=field.is_required(),
        secret=SecretSource in types,
        choice=bool in types,
        number=bool(types & {int, float}),
        many=tuple in types,
        options=() if tuple in types else tuple(each for each in options if _allows(model, name, each)),
        example=_example(field),
        default=str(_PROPOSED.get((model, name), default)),
        kept=name in _KEPT,
    )


def _of_type(annotation: Any) -> tuple[tuple[str, ...], frozenset[Any]]:
    """Return the few values that a field of that type takes, if they are few, and the types that it is made of.

    A list is `tuple` beside the type of its entries; a type that isn't known stays itself.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_type(arguments[0])
    if origin is Literal:
        return tuple(map(str, arguments)), frozenset({str})
    if annotation is Severity:
        return _SEVERITIES, frozenset({str})
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(annotation), frozenset({str})
    if origin is tuple and arguments[1:] == (...,):
        options, types = _of_type(arguments[0])
        return options, types | {tuple}
    if origin in (Union, UnionType):
        several = [_of_type(each) for each in arguments if each is not NoneType]
        return several[0][0], frozenset[Any]().union(*(types for _, types in several))
    return (), frozenset({annotation})


def _allows(model: type[BaseModel], name: str, value: str) -> bool:
    """True if the kind itself takes that value of a key, whatever its others are."""
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return all(each["loc"][:1] != (name,) for each in error.errors(include_url=False, include_input=False))
    return True


def _example(field: FieldInfo) -> str:
    """The field's first example, as somebody types it: several words with commas between them."""
    [first, *_] = field.examples or [""]
    return ", ".join(map(str, first)) if isinstance(first, list | tuple) else str(first)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
