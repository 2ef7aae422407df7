"""The alerts that a file would become, now or at another time: read as its source would, filed as the desk would.

A calendar at another time is followed from a month before it, at each moment that it asks for: the state at that time
is the last announcement of each entry, with everything announced before it.
"""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from alerts.config import source_kind
from alerts.daemon.desk import Control
from alerts.desk.actions import Filed
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse, SourceFailed
from alerts.model.local import LocalFile
from alerts.model.ports import Heard, Memory, Source, Surroundings, SystemClock
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.town import SourceRules, Town
from alerts.sources.gtfs_rt import GtfsSettings
from alerts.sources.ical.occurrence import LONGEST_NOTICE
from alerts.sources.mailbox import draft_in
from alerts.sources.roads import RoadsSettings
from alerts.sources.settings import LONGEST, CapSettings, IcalSettings, PolledSettings, RssSettings
from alerts.sources.spool import Unpacked

# For how long the end of something is still what readers were told last of it.
_JUST_SAID = timedelta(hours=12)
# As if the calendar had always been read: nothing in it counts as older than the first reading.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# A calendar that always asks for another moment must not keep the command for ever.
_MOST_LOOKS = 2000
_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]")
# A message whose first field is the header, which begins with the version (protobuf's tags and lengths).
_DATASET = re.compile(rb"\n[\x05-\x40]\n\x03[12]\.\d")
_ROADS = re.compile(rb"<(?:\w+:)?(?:incidents|d2LogicalModel|messageContainer|payload(?:Publication)?)[\s>/]")
_HEAD = 4096
_MAIL = re.compile(
    rb"(?:return-path|received|delivered-to|authentication-results|dkim-signature|from|to|date|subject|message-id"
    rb"|mime-version|content-type|x-[a-z-]+):",
    re.IGNORECASE,
)
_ABOUT_CAP = re.compile(rb"emergency:cap|application/cap\+xml|common-alerting-protocol")

TimedEntry = tuple[datetime, Heard]
"""One entry and when it was heard."""


class _Wound:
    """A clock that is wound to each message's time."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        """The time it was wound to."""
        return self.time


def preview(town: Town, file: Path, at: datetime | None) -> tuple[Control, list[Filed]]:
    """Return the alerts of `file` at that time (None: now), and the control that can show them. Raises Misuse."""
    said = _read_file(town, file, at)
    clock = _Wound(at or datetime.now(UTC))
    control = Control(town, clock.now)
    if at is None:
        return control, control.sketch(lambda unit: [_hear(unit, heard) for _, heard in said])
    filed = control.sketch(lambda unit: [_tell(unit, heard, clock, time) for time, heard in said])
    clock.time = at
    last = {each.stored.incident_id: (time, each) for (time, _), each in zip(said, filed, strict=True)}
    return control, [each for time, each in last.values() if _stands(each, time, at)]


def _hear(unit: DeskUnit, heard: Heard) -> Filed:
    return unit.desk.hear(unit.alerts, heard, "preview")


def _tell(unit: DeskUnit, heard: Heard, clock: _Wound, time: datetime) -> Filed:
    """File an entry at its time, and have its posts out at once: what follows on it finds them there."""
    clock.time = time
    filed = _hear(unit, heard)
    for made in filed.drafts:
        if made.post.state is PostState.QUEUED:
            unit.alerts.move_post(made.post, PostState.SENDING, None, not_before=None)
            out = replace(made.post, state=PostState.SENDING)
            unit.alerts.move_post(out, PostState.SENT, None, not_before=None)
    return filed


def _stands(filed: Filed, time: datetime, at: datetime) -> bool:
    alert = filed.stored.alert
    return alert is None or alert.ends > at or at - time <= _JUST_SAID


def _read_file(town: Town, file: Path, at: datetime | None) -> Sequence[TimedEntry]:
    """Return the entries of the file by then. Raises Misuse if it can't be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Misuse(because("file_wrong", file=file, what=because("config_unread", said=error.strerror))) from None
    try:
        if _MAIL.match(content):
            now = at or datetime.now(UTC)
            return [(now, draft_in(content, SourceRules.severity, town, now))]
        settings = _settings_for(content, str(file.resolve()), town)
        is_followed = isinstance(settings, IcalSettings) and at is not None
        return asyncio.run(_read(town, settings, at, step_through=is_followed))
    except SourceFailed as error:
        raise Misuse(because("file_wrong", file=file, what=error.reason)) from None


def _settings_for(content: bytes, url: str, town: Town) -> PolledSettings:
    """Return the settings of a reader for that content.

    A calendar, a dataset of public transport, works on roads, a plain RSS or Atom feed, else CAP in any wrapping.
    """
    head = content[:1024]
    if _DATASET.match(head):
        # A saved one is as old as it is.
        return GtfsSettings(kind="gtfs_rt", url=url, fresh=LONGEST)
    if b"BEGIN:VCALENDAR" in head:
        return IcalSettings(kind="ical", url=url)
    if _ROADS.search(_unpacked_head(content)):
        # Where the town is, its own source may say.
        own = (rules.settings for rules in town.sources.values() if isinstance(rules.settings, RoadsSettings))
        return next(own, RoadsSettings(kind="roads", url=url)).model_copy(update={"url": LocalFile(url)})
    # An index of CAP messages is RSS or Atom too; it links to them by their type, or speaks their namespace.
    if _FEED.search(head) and not _ABOUT_CAP.search(content):
        return RssSettings(kind="rss", url=url)
    return CapSettings(kind="cap", url=url)


def _unpacked_head(content: bytes) -> bytes:
    try:
        return Unpacked(io.BytesIO(content)).read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return b""


async def _read(
    town: Town, settings: PolledSettings, at: datetime | None, *, step_through: bool
) -> Sequence[TimedEntry]:
    clock = SystemClock()
    kind = source_kind(settings.kind)
    assert kind is not None  # noqa: S101 both ship
    async with aiohttp.ClientSession() as session:
        source = kind.load()("preview", settings, Surroundings(session, clock, town))
        now = at or clock.now()
        if step_through:
            return await _follow(source, now)
        reading = await source.read(Memory(state=kind.trial), _nothing_known, now)
    return [(now, heard) for heard in reading.heard]


async def _follow(source: Source, at: datetime) -> Sequence[TimedEntry]:
    """Everything that the calendar says from a month before `at` until then; what was on already comes first."""
    # A first reading announces nothing that began before it (docs/adr/0012). Here what was on already has to be shown,
    # so the calendar is told that it was read long ago.
    memory, now = Memory(state={"since": _LONG_AGO.isoformat()}), at - LONGEST_NOTICE - timedelta(days=1)
    said: list[TimedEntry] = []
    known: set[str] = set()
    for _ in range(_MOST_LOOKS):
        reading = await source.read(memory, _nothing_known, now)
        said += [(now, heard) for heard in reading.heard if heard.key not in known]
        known |= {heard.key for heard in reading.heard}
        memory = reading.memory
        if now >= at:
            return said
        now = min(at, reading.look_again or at)
    raise SourceFailed(because("said_too_often", most=_MOST_LOOKS))


async def _nothing_known(_: Sequence[str]) -> set[str]:
    return set()
