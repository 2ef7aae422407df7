"""What `check` finds: at rest the files, with `--live` each feed and each credential, everything in one go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp

from alerts.channels.settings import ChannelSettings, SecretSource, read_credential
from alerts.config import Config, channel_kind, source_kind
from alerts.daemon.bots import bot_settings
from alerts.daemon.clock import SystemClock
from alerts.daemon.furnish import station_face
from alerts.daemon.surroundings import surroundings
from alerts.model.errors import BadCredential, TocsinError
from alerts.model.ports import Channel, Memory, Probe, Resources, Source
from alerts.rendering.templates import check_templates
from alerts.sources.settings import PolledSettings
from alerts.store.files import StoreError, lack_of_room
from alerts.store.migrate import sound

_DESK_ANSWERS = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; what is good may still be worth a look (`note`).

    `misuse` says that what isn't good is wrong configuration, for which a command ends with 2.
    """

    what: str
    good: bool
    words: str
    note: bool = False
    misuse: bool = False

    def __str__(self) -> str:
        return f"{'FAIL' if not self.good else 'note' if self.note else 'ok  '}  {self.what}: {self.words}"


def check_at_rest(config: Config) -> list[Finding]:
    """The configuration (which was read, or we weren't here), the templates, the secrets, the database's folder."""
    findings = [Finding(config.file.name, good=True, words=_summary(config))]
    own = [config.template_folder] if config.template_folder.is_dir() else []
    problems = check_templates(station_face(config), own)
    findings += [Finding("templates", good=False, words=problem) for problem in problems]
    if not problems:
        findings.append(Finding("templates", good=True, words="every one renders"))
    for name, settings in config.channels.items():
        findings += _secrets(f"channels.{name}", settings, config.folder)
    findings += _shared_bots(config)
    findings.append(_store(config.database))
    return [*findings, *_pages(config)]


def _summary(config: Config) -> str:
    return f"{len(config.channels)} channels, {len(config.sources)} sources, {len(config.districts)} districts"


def _secrets(key: str, settings: ChannelSettings, folder: Path) -> list[Finding]:
    return unread(key, settings, folder) or [Finding(key, good=True, words="its secrets can be read")]


def unread(key: str, settings: ChannelSettings, folder: Path) -> list[Finding]:
    """The secrets of a channel that can't be read by who asks."""
    found = []
    for field in type(settings).model_fields:
        source = getattr(settings, field)
        if isinstance(source, SecretSource):
            try:
                source.read(folder)
            except BadCredential as error:
                found.append(Finding(f"{key}.{field}", good=False, words=str(error.reason), misuse=True))
    return found


def _shared_bots(config: Config) -> list[Finding]:
    """Bots that two channels have people subscribe with, under two names of one token: each would hear half."""
    bots: dict[str, str] = {}
    found = []
    for name, settings in bot_settings(config).items():
        try:
            token = read_credential(settings.token, config.folder).reveal()
        except BadCredential:  # told before
            continue
        if (first := bots.setdefault(f"{settings.api_url} {token}", name)) != name:
            words = f"its token is that of channels.{first}; give each a bot of its own (@BotFather)"
            found.append(Finding(f"channels.{name}.token", good=False, words=words))
    return found


def _store(database: Path) -> Finding:
    """Whether it can be opened and written, is whole, is Tocsin's, and has room; one that isn't there is made later."""
    written = _written("store", database)
    if not written.good or not database.exists() or not database.stat().st_size:
        return written
    try:
        sound(database)
    except StoreError as error:
        return Finding("store", good=False, words=str(error))
    if not os.access(database, os.W_OK):
        return Finding("store", good=False, words=f"{database} can't be written; give it to the user that runs tocsin")
    lacks = lack_of_room(database)
    return Finding("store", good=False, words=str(lacks[1])) if lacks else written


def _written(what: str, file: Path) -> Finding:
    """Whether something can be put there, by the user who checks."""
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(what, good=False, words=f"{folder} can't be written; give it to the user that runs tocsin")
    return Finding(what, good=True, words=str(file))


def _pages(config: Config) -> Iterator[Finding]:
    """The town's own page: whether its address is known, and whether its files have a place."""
    if config.station.public_url is None:
        words = (
            "is missing, so that posts don't link to the town's page, and its cards, feeds and languages have no whole "
            "address; allowed: such as https://alertes.saint-martin.example"
        )
        yield Finding("station.public_url", good=True, words=words, note=True)
    yield from _proxies(config)
    if config.web.export is None:
        return
    folder = config.folder / config.web.export
    if _is_free_or_ours(folder):
        yield _written("web.export", folder)
    else:
        words = (
            f"{folder} is there already and not ours; allowed: a folder that there isn't yet, or the link that we made"
        )
        yield Finding("web.export", good=False, words=words)


def _proxies(config: Config) -> Iterator[Finding]:
    """Whether the web server that speaks https before us is known: from any other the desk takes nothing."""
    address = config.desk_url or ""
    if not address.startswith("https:") or config.web.proxies:
        return
    key = "desk.url" if config.desk.url else "station.public_url"
    words = (
        f"is missing, but {key} is https, which only a web server before Tocsin speaks: the desk refuses what comes by "
        'one that isn\'t listed; allowed: its address, such as ["127.0.0.1"]'
    )
    yield Finding("web.proxies", good=config.desk.url is None, words=words, note=True)


def _is_free_or_ours(folder: Path) -> bool:
    """Whether the pages may be put there: nothing is, or the link to an edition, which stand beside it."""
    if folder.is_symlink():
        return folder.resolve().parent == folder.with_name(f"{folder.name}.editions").resolve()
    return not folder.exists()


async def check_live(config: Config) -> list[Finding]:
    """Each feed read once and each credential probed, side by side; nothing is stored or sent."""
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        checks: list[Awaitable[Finding]] = []
        for name, source_settings in config.sources.items():
            kind = source_kind(source_settings.kind)
            if kind is not None and isinstance(source_settings, PolledSettings):
                source = kind.load()(name, source_settings, surroundings(config, session, clock))
                checks.append(_read(f"sources.{name}", source, clock))
        for name, settings in config.channels.items():
            channel = channel_kind(settings.kind)
            readable = all(finding.good for finding in _secrets(name, settings, config.folder))
            if channel is not None and readable:  # what is missing was told at rest
                resources = Resources(session, clock, config.folder, lambda _: None, _forget)
                checks.append(_probe(f"channels.{name}", channel.load()(name, settings, resources)))
        if config.desk_url:
            checks.append(desk_answers(config.desk_url, session))
        return list(await asyncio.gather(*checks))


async def desk_answers(address: str, session: aiohttp.ClientSession) -> Finding:
    """Whether the desk answers where notices lead people; that nobody does may be a daemon that doesn't run."""
    try:
        timeout = aiohttp.ClientTimeout(total=_DESK_ANSWERS)
        async with session.get(f"{address}/sign-in", timeout=timeout, allow_redirects=False) as response:
            status, kind = response.status, response.content_type
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        words = (
            f"{address} can't be reached ({type(error).__name__}): does the daemon run, and the web server before it?"
        )
        return Finding("desk.url", good=True, words=words, note=True)
    if status != HTTPStatus.OK or kind != "text/html":
        words = f"{address}/sign-in answered {status}, not the sign-in; allowed: its address, with or without /desk"
        return Finding("desk.url", good=False, words=words)
    return Finding("desk.url", good=True, words=f"{address} answers")


async def _forget(_: str, __: str) -> None:
    """A check keeps nothing."""


async def _read(what: str, source: Source, clock: SystemClock) -> Finding:
    async def nothing_known(_: object) -> set[str]:
        return set()

    try:
        reading = await source.read(Memory(), nothing_known, clock.now())
    except TocsinError as error:
        return Finding(what, good=False, words=str(error))
    broken = [heard.problem for heard in reading.heard if heard.problem]
    words = f"{len(reading.heard)} entries" + (f", {len(broken)} unreadable ({broken[0]})" if broken else "")
    return Finding(what, good=True, words=words)


async def _probe(what: str, channel: Channel) -> Finding:
    try:
        await channel.open()
        probe: Probe = await channel.probe()
    except TocsinError as error:
        return Finding(what, good=False, words=str(error))
    finally:
        await channel.close()
    words = "; ".join([f"speaks as {probe.account}", *map(str, probe.warnings)])
    return Finding(what, good=not probe.warnings, words=words)
