"""The findings of `check`: of the files, and with `--live` of each feed and each credential.

Each finding is a reason; its text is in the town's language.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

import aiohttp
from pydantic import BaseModel

from alerts.channels.settings import SecretSource, read_credential
from alerts.config import channel_class, source_kind
from alerts.config.unencrypted import unencrypted
from alerts.listening.understanding import model_missing
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, TocsinError, Unreadable
from alerts.model.local import open_named
from alerts.model.ports import Channel, Memory, Probe, Resources, Source, Surroundings, SystemClock
from alerts.model.reason import Reason, because
from alerts.model.street_map import LARGEST, read_street_map
from alerts.model.town import PUSH, ChannelConfig, Server, Town
from alerts.rendering.checking import check_templates
from alerts.rendering.i18n import word
from alerts.reports.addresses import read_places
from alerts.store.connection import Place, exists, lack_of_room, sound
from alerts.store.files import StoreError, must_be_makeable
from alerts.store.restoring import fell_behind
from alerts.store.unit import asking

# Seconds: `check` is run by a person who waits.
_DESK_ANSWERS = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; a good one may still deserve attention (`note`).

    `misuse`: the fault is a wrong configuration, for which a command ends with 2.
    """

    what: str
    good: bool
    why: Reason
    note: bool = False
    misuse: bool = False
    language: str = "en"

    def __str__(self) -> str:
        mark = "FAIL" if not self.good else "note" if self.note else "ok  "
        return f"{mark}  {self.what}: {word(self.why, self.language)}"


def check_at_rest(town: Town) -> list[Finding]:
    """Check the templates, the secrets and the database's folder. The configuration was checked as it was read."""
    findings = [Finding(town.file.name, good=True, why=_summary(town))]
    own = [town.template_folder] if town.template_folder.is_dir() else []
    problems = check_templates(town, own)
    findings += [Finding("templates", good=False, why=problem) for problem in problems]
    if not problems:
        findings.append(Finding("templates", good=True, why=because("templates_fine")))
    for name, channel in town.channels.items():
        findings += _secrets(_key_of(name, channel), channel.settings, town.folder)
        if channel.card_alone:
            final = because("instagram_is_final", least=channel.severity)
            findings.append(Finding(_key_of(name, channel), good=True, why=final, note=True))
    for name, rules in town.sources.items():
        findings += unread(f"sources.{name}", rules.settings, town.folder)
    findings += _meant_unencrypted(town)
    findings += _shared_bots(town)
    findings.append(_store(town.database))
    if town.listens:
        missing = model_missing()
        why = missing or because("sentence_model_there")
        findings.append(Finding("listening", good=True, why=why, note=missing is not None))
    if town.addresses is not None:
        findings.append(_addresses(town))
    return _in_language_of(town, [*findings, *_pages(town)])


def _addresses(town: Town) -> Finding:
    try:
        places = read_places(town)
    except Unreadable as error:
        return Finding("station.addresses", good=False, why=error.reason, misuse=True)
    why = because("addresses_read", count=len(places.addresses), streets=len(places.streets))
    return Finding("station.addresses", good=True, why=why)


def _in_language_of(town: Town, findings: Iterable[Finding]) -> list[Finding]:
    return [replace(each, language=town.language) for each in findings]


def _summary(town: Town) -> Reason:
    return because(
        "check_summary",
        channels=len(town.channels),
        sources=len(town.sources),
        districts=len(town.districts),
    )


def _key_of(name: str, channel: ChannelConfig) -> str:
    """Return the channel's key in channels.toml: `[push]` is a table of its own."""
    return name if channel.kind == PUSH else f"channels.{name}"


def _secrets(key: str, settings: BaseModel, folder: Path) -> list[Finding]:
    return unread(key, settings, folder) or [Finding(key, good=True, why=because("secrets_fine"))]


def _meant_unencrypted(town: Town) -> Iterator[Finding]:
    """Tell where the town lets credentials go unencrypted (`insecure = true`)."""
    feeds = {f"listening.feeds.{name}": each.settings for name, each in town.listening.feeds.items()}
    servers = town.reports.forward if town.reports is not None else {}
    sections: dict[str, object] = {
        **{_key_of(name, each): each.settings for name, each in town.channels.items()},
        **{f"sources.{name}": each.settings for name, each in town.sources.items()},
        **feeds,
        **{f"reports.forward.{name}": each.settings for name, each in servers.items()},
        "notify": town.notify,
    }
    for key, settings in sections.items():
        for each in unencrypted(settings, key):
            yield Finding(each.key, good=True, why=because("unencrypted_as_meant", host=each.host), note=True)


def unread(key: str, settings: BaseModel, folder: Path) -> list[Finding]:
    """Return findings for the secrets of a channel or a source that the present user can't read."""
    found = []
    for field in type(settings).model_fields:
        source = getattr(settings, field)
        if isinstance(source, SecretSource):
            try:
                source.read(folder)
            except BadCredential as error:
                found.append(Finding(f"{key}.{field}", good=False, why=error.reason, misuse=True))
    return found


def _shared_bots(town: Town) -> list[Finding]:
    """Return findings for bots that two channels share by one token: each would receive half of the messages."""
    bots: dict[str, str] = {}
    found = []
    for name, channel in town.conversing.items():
        settings = channel.settings
        try:
            token = read_credential(settings.token, town.folder).reveal()
        except BadCredential:  # told before
            continue
        # Compared by the token's value; the daemon can't, as it must start even if a token is missing.
        if (first := bots.setdefault(f"{settings.api_url} {token}", name)) != name:
            why = because("token_shared", other=first)
            found.append(Finding(f"channels.{name}.token", good=False, why=why))
    return found


def _store(database: Place) -> Finding:
    """Check that this SQLite can make a store, and that an existing one is writable, intact, Tocsin's, and has room."""
    if not isinstance(database, Path):
        return _server(database)
    written = _written("store", database)
    try:
        must_be_makeable()
        return written if not written.good else _file(database, written)
    except StoreError as error:
        return Finding("store", good=False, why=error.reason)


def _file(database: Path, well: Finding) -> Finding:
    # An empty file counts as none: it becomes a database when it is opened.
    if not database.exists() or not database.stat().st_size:
        gone = because("database_gone", path=database)
        return Finding("store", good=False, why=gone) if fell_behind(database) else well
    sound(database)
    if not os.access(database, os.W_OK):
        return Finding("store", good=False, why=because("not_writable", path=database))
    if lacks := lack_of_room(database):
        return Finding("store", good=False, why=lacks[1])
    if fell_behind(database):
        return Finding("store", good=True, why=because("database_older", path=database), note=True)
    return well


def _server(server: Server) -> Finding:
    """Check that the server answers and lets us in, and that an existing schema is Tocsin's."""
    try:
        if exists(server):
            sound(server)
    except StoreError as error:
        return Finding("store", good=False, why=error.reason)
    return Finding("store", good=True, why=because("path_fine", path=server.name))


def _written(what: str, file: Path) -> Finding:
    """Check that the present user can create a file there."""
    folder = file.parent
    # Missing folders are made: the nearest existing one above must allow it.
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(what, good=False, why=because("not_writable", path=folder))
    return Finding(what, good=True, why=because("path_fine", path=file))


def _pages(town: Town) -> Iterator[Finding]:
    """Check the address of the town's own page, its colours and maps, and the folder of its export."""
    if town.public_url is None:
        yield Finding("station.public_url", good=True, why=because("public_url_missing"), note=True)
    yield from _proxies(town)
    if town.accent and (like := grave_colour_like(town.accent)):
        why = because("accent_like_gravity", text=town.accent, severity=like)
        yield Finding("station.accent", good=True, why=why, note=True)
    if town.web.map is not None:
        yield check_street_map(town, town.web.map)
    if town.web.export is None:
        return
    folder = town.folder / town.web.export
    if _is_free_or_ours(folder):
        yield _written("web.export", folder)
    else:
        yield Finding("web.export", good=False, why=because("export_taken", path=folder))


# The colours of the banner on the town's page (public.css).
_GRAVE = {Severity.EXTREME: "#8c1d5c", Severity.SEVERE: "#b3261e", Severity.MODERATE: "#8f4d00"}
_LEAST_DISTANCE = 30.0
"""The distance in CIELAB at which touching areas are told apart easily; 2 is just visible."""


def grave_colour_like(colour: str) -> Severity | None:
    """Return the severity whose colour `#rrggbb` may be mistaken for. Returns None if it resembles none."""
    near = min(_GRAVE, key=lambda severity: math.dist(_lab(colour), _lab(_GRAVE[severity])))
    return near if math.dist(_lab(colour), _lab(_GRAVE[near])) < _LEAST_DISTANCE else None


def _lab(colour: str) -> tuple[float, float, float]:
    """Convert `#rrggbb` to CIELAB (CIE 15, white point D65), where distances are roughly as people see them."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    a, b, c = (each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in (x, y, z))
    return 116 * b - 16, 500 * (a - b), 200 * (b - c)


def check_street_map(town: Town, name: str) -> Finding:
    """Check that the map with streets exists, can be drawn, covers the town, and names its owner.

    Without it maps only have outlines, so none of these faults prevents a start.
    """
    path = str(name)
    try:
        with open_named(town.folder, name) as file:
            found = read_street_map(file)
    except Unreadable as error:
        return Finding("web.map", good=False, why=error.reason, misuse=True)
    except OSError:
        return Finding("web.map", good=True, why=because("map_not_there", path=path), note=True)
    size = -(-found.size // 1_000_000)
    box = box_of(town)
    wrong = (
        because("map_elsewhere", path=path)
        if box is not None and not found.covers(*box)
        else because("map_too_large", path=path, size=size, most=LARGEST // 1_000_000)
        if found.size > LARGEST
        else because("map_of_whom", path=path)
        if not found.is_osm
        else None
    )
    why = wrong or because("map_fine", path=path, size=size, zoom=found.zoom)
    return Finding("web.map", good=True, why=why, note=wrong is not None)


def box_of(town: Town) -> tuple[float, float, float, float] | None:
    """Return the west, south, east and north of all districts. Returns None if none is known."""
    points = [point for each in town.districts for ring in each.as_area().polygons for point in ring]
    if not points:
        return None
    latitudes, longitudes = [each[0] for each in points], [each[1] for each in points]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _proxies(town: Town) -> Iterator[Finding]:
    """Check that the web server that terminates https is listed: the desk refuses every other one."""
    address = town.desk_url or ""
    if not address.startswith("https:") or town.web.proxies:
        return
    key = "desk.url" if town.desk.url else "station.public_url"
    yield Finding("web.proxies", good=town.desk.url is None, why=because("proxies_unlisted", key=key), note=True)


def _is_free_or_ours(folder: Path) -> bool:
    """True if the pages may be written there: nothing exists, or the link to an edition in the folder of editions."""
    if folder.is_symlink():
        return folder.resolve().parent == folder.with_name(f"{folder.name}.editions").resolve()
    return not folder.exists()


async def check_live(town: Town) -> list[Finding]:
    """Read each feed once and probe each credential, in parallel; nothing is stored or sent.

    A platform's refusal of a post that no probe can see is reported as last met.
    """
    clock, refused = SystemClock(), await asyncio.to_thread(_refused_posts, town)
    async with aiohttp.ClientSession() as session:
        checks: list[Awaitable[Finding]] = []
        for name, rules in town.sources.items():
            kind = source_kind(rules.kind)
            if kind is not None and rules.every is not None:
                source = kind.load()(name, rules.settings, Surroundings(session, clock, town))
                checks.append(_read(f"sources.{name}", source, Memory(state=kind.trial), clock))
        for name, channel in town.channels.items():
            sends = channel_class(channel.kind)
            readable = all(finding.good for finding in _secrets(name, channel.settings, town.folder))
            if sends is not None and readable:  # missing secrets are findings of `check_at_rest`
                resources = Resources(session, clock, town.folder, lambda _: None, _forget, pages=town.public_url)
                sending = sends(name, channel.settings, resources)
                checks.append(_probe(_key_of(name, channel), sending, refused.get(name)))
        if town.desk_url:
            checks.append(desk_answers(town.desk_url, session))
        return _in_language_of(town, await asyncio.gather(*checks))


async def desk_answers(address: str, session: aiohttp.ClientSession) -> Finding:
    """Check that the desk answers at the address in notices; silence may mean that no daemon runs."""
    try:
        timeout = aiohttp.ClientTimeout(total=_DESK_ANSWERS)
        # Redirects aren't followed: they could lead to a page of another site that answers well.
        async with session.get(f"{address}/sign-in", timeout=timeout, allow_redirects=False) as response:
            status, kind = response.status, response.content_type
    except (aiohttp.ClientError, TimeoutError, OSError):
        why = because("desk_unreachable", address=address)
        return Finding("desk.url", good=True, why=why, note=True)
    if status != HTTPStatus.OK or kind != "text/html":
        return Finding("desk.url", good=False, why=because("desk_answers_else", address=address, status=status))
    return Finding("desk.url", good=True, why=because("desk_answers", address=address))


async def _forget(_: str, __: str) -> None:
    """A check keeps nothing."""


async def _read(what: str, source: Source, memory: Memory, clock: SystemClock) -> Finding:
    async def nothing_known(_: object) -> set[str]:
        return set()

    try:
        reading = await source.read(memory, nothing_known, clock.now())
    except TocsinError as error:
        return Finding(what, good=False, why=error.reason)
    count, broken = len(reading.heard), [heard.problem for heard in reading.heard if heard.problem]
    partly = because("source_partly", count=count, broken=len(broken), why=broken[0]) if broken else None
    # Where only a part of it could be read, that is what somebody has to look at.
    why = reading.trouble or partly or because("source_fine", count=count)
    return Finding(what, good=reading.trouble is None, why=why)


def _refused_posts(town: Town) -> Mapping[str, Reason]:
    """Of each channel that is blocked for what a post alone shows, why; of a database that can't be read, nothing."""
    try:
        if not exists(town.database):
            return {}
        with asking(town.database) as unit:
            found = {name: unit.views.channel_status(name) for name in town.channels}
    except StoreError:
        return {}
    return {name: each.reason for name, each in found.items() if each.is_shown_by_posts and each.reason}


async def _probe(what: str, channel: Channel, refused: Reason | None) -> Finding:
    try:
        await channel.open()
        probe: Probe = await channel.probe()
    except TocsinError as error:
        return Finding(what, good=False, why=error.reason)
    finally:
        await channel.close()
    speaks = because("channel_fine", account=probe.account)
    wrong = [*probe.warnings, *([refused] if refused else [])]
    return Finding(what, good=not wrong, why=because("several", each=[speaks, *wrong]))
