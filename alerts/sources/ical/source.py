"""The works calendar as a source: iCalendar (RFC 5545) read off the loop, each occurrence announced at its moments.

A look has two halves. `_look` gets the calendar where it changed, or expands it anew after six hours, so that the
window of days that it is read for moves on. `_tell` then decides what is due now (`announcements.decide`) and makes
alerts of it: this goes on while the calendar can't be reached, for a day. What was told is in the memory that is stored
with each reading; the calendar itself is only in this process.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.sources.fetch import MAX_BYTES, Fetcher, NotModified, read_bounded
from alerts.sources.ical.agenda import WorksAgenda, window_around
from alerts.sources.ical.announcements import CalendarDecision, Schedule, decide
from alerts.sources.ical.apart import read_calendar
from alerts.sources.ical.occurrence import Announced, from_state, parse_moment, to_state
from alerts.sources.ical.works_alert import to_alert
from alerts.sources.settings import IcalSettings

FRESH = timedelta(hours=6)
"""After this long an unchanged calendar is expanded anew, so that its window moves on."""

TRUSTED = timedelta(days=1)
"""For this long after it was last read, a calendar that can't be reached is still announced from."""

_FLOOD = because("calendar_flood")
_TENTATIVE = because("tentative")


class IcalSource:
    """One `[sources.NAME]` with `kind = "ical"` (a `Source`): a calendar, in a file or at an address."""

    def __init__(self, name: str, settings: IcalSettings, around: Surroundings) -> None:
        self._name = name
        self._place = _place_of(settings, around)
        self._town = around.town
        self._schedule = Schedule(tuple(parse_moment(text) for text in settings.announce), around.town.zone)
        # No calendar says how grave an entry is: the source's own `severity` stands for all of them.
        self._severity = settings.severity
        self._monotonic = around.clock.monotonic
        self._held: _Held | None = None
        self._takes_long = False

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Look at the calendar, then say what is due by `now`. Raises SourceFailed when it can't be read.

        While it can't be read, what it last said is still announced for a day: such a look returns what is due, and
        the next one raises.
        """
        told = from_state(memory.state)
        try:
            held = await self._look(self._held, told, now)
        except SourceFailed:
            if self._held is None or now - self._held.confirmed > TRUSTED:
                raise
            reading = await self._tell(self._held, memory, told, known, now)
            # A reading counts as a success: where nothing is due, the failure is what must be told.
            if not reading.heard:
                raise
            return reading
        self._held = held
        return await self._tell(held, memory, told, known, now)

    async def _look(self, held: _Held | None, told: Mapping[str, Announced], now: datetime) -> _Held:
        """The calendar as it is now, expanded anew where it changed or its window is old."""
        # Conditional only ever on a document that this process still holds: the memory's may be of a process before.
        version = await self._place.look(held.version if held else None) or (held.version if held else None)
        if version is None:
            raise SourceFailed(because("calendar_unchanged_first", name=self._name))
        if held and version.digest == held.version.digest and now - held.expanded < FRESH:
            return replace(held, confirmed=now)
        watched = {each.occurrence.uid for each in told.values() if each.occurrence and not each.over}
        window = window_around(now, watched)
        try:
            agenda, self._takes_long = await asyncio.to_thread(
                read_calendar, version.body, window, self._schedule.zone, self._monotonic, apart=self._takes_long
            )
        except Unreadable as error:
            self._place.forget()
            raise SourceFailed(error.reason) from error
        return _Held(version, agenda, expanded=now, confirmed=now)

    async def _tell(
        self, held: _Held, memory: Memory, told: Mapping[str, Announced], known: Known, now: datetime
    ) -> SourceReading:
        agenda, version = held.agenda, held.version
        since = _since(memory.state, agenda, now)
        decision = await self._decide(agenda, told, since, known, now)
        heard = [
            Heard(
                key=each.identifier,
                alert=to_alert(each, self._town, self._severity, now),
                leave_out=_TENTATIVE if each.tentative else None,
                hold=_FLOOD if each.held else None,
                notes=each.occurrence.notes,
            )
            for each in decision.announcements
        ]
        heard += [Heard(key=flaw.key, problem=flaw.reason) for flaw in agenda.flaws]
        stored = await known([each.key for each in heard]) if heard else set()
        state = to_state(decision.told)
        if since:
            state["since"] = since.isoformat()
        if decision.gone:
            state["gone"] = {"key": gone_key(decision.gone), "entries": len(decision.gone)}
        return SourceReading(
            heard=[each for each in heard if each.key not in stored],
            memory=Memory(version.etag, version.last_modified, version.digest, state),
            look_again=decision.look_again,
            unchanged=version.digest == memory.digest,
            trouble=_trouble(agenda, decision),
        )

    async def _decide(
        self, agenda: WorksAgenda, told: Mapping[str, Announced], since: datetime | None, known: Known, now: datetime
    ) -> CalendarDecision:
        """What to tell. What is gone all at once is called off once an officer said so: that stands as a key heard."""
        decision = await asyncio.to_thread(decide, agenda, told, self._schedule, now, since=since)
        if decision.gone and await known([gone_key(decision.gone)]):
            return await asyncio.to_thread(decide, agenda, told, self._schedule, now, since=since, gone_for_good=True)
        return decision


def gone_key(gone: Sequence[Announced]) -> str:
    """The name of exactly these entries being gone: what an officer agrees to, and nothing that vanishes later."""
    # By what each was told as last: one that was updated since is another thing to agree to.
    names = sorted(identifier for each in gone for identifier, _ in each.tells[-1:])
    return f"gone-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"


def _since(state: Mapping[str, Any], agenda: WorksAgenda, now: datetime) -> datetime | None:
    """When the calendar was read first with anything in it; None for one that was read before this was kept."""
    if "since" in state:
        return datetime.fromisoformat(state["since"])
    return now if agenda.occurrences and not state.get("told") else None


def _trouble(agenda: WorksAgenda, decision: CalendarDecision) -> Reason | None:
    """Why the calendar can't be right: it is damaged, or too much of what readers know is gone from it."""
    if agenda.damage:
        return because("calendar_damaged", why=agenda.damage)
    if not decision.gone:
        return None
    titles = [each.occurrence.summary[:60] for each in decision.gone[:3] if each.occurrence]
    more = ["…"] if len(decision.gone) > 3 else []
    return because("calendar_gone", count=len(decision.gone), titles=[*titles, *more])


# --- where the calendar is ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CalendarVersion:
    """A calendar's body and what tells it from another version."""

    body: bytes
    digest: str
    etag: str | None = None
    last_modified: str | None = None

    @classmethod
    def of(cls, body: bytes, etag: str | None = None, last_modified: str | None = None) -> CalendarVersion:
        """The version whose body this is."""
        return cls(body, hashlib.sha256(body).hexdigest(), etag, last_modified)


@dataclass(frozen=True, slots=True)
class _Held:
    """The calendar as it was last read, and when it was last expanded and last confirmed by its place."""

    version: CalendarVersion
    agenda: WorksAgenda
    expanded: datetime
    confirmed: datetime


class CalendarPlace(Protocol):
    """Somewhere a calendar can be had."""

    async def look(self, held: CalendarVersion | None) -> CalendarVersion | None:
        """The calendar, or None where it is still the version that is held. Raises SourceFailed."""
        ...

    def forget(self) -> None:
        """Take the next look as the first: what was got last could not be used."""
        ...


class CalendarFile:
    """A file on this machine. It is read when its time, size or inode changed, and new when its content did."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def look(self, held: CalendarVersion | None) -> CalendarVersion | None:
        """Read the file off the loop, unless nothing about it changed since the last look."""
        return await asyncio.to_thread(self._read, held)

    def forget(self) -> None:
        """Read the file at the next look, changed or not."""
        self._seen = None

    def _read(self, held: CalendarVersion | None) -> CalendarVersion | None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if held and seen == self._seen:
                return None
            body = read_bounded(self._path) if stat.st_size <= MAX_BYTES else None
        except OSError as error:
            raise SourceFailed(because("calendar_file_unread", path=self._path, said=error.strerror)) from error
        if body is None:
            raise SourceFailed(because("calendar_too_large", path=self._path, most=MAX_BYTES >> 20))
        self._seen = seen
        return CalendarVersion.of(body)


class CalendarAddress:
    """An http, https or webcal address (webcal is https by another name)."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        scheme, _, rest = url.partition("://")
        self._url = f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else url
        self._fetcher = fetcher

    async def look(self, held: CalendarVersion | None) -> CalendarVersion | None:
        """Ask the server, with the validators of the version that is held."""
        answer = await self._fetcher.get(self._url, held.etag if held else None, held.last_modified if held else None)
        if isinstance(answer, NotModified):
            return None
        return CalendarVersion.of(answer.body, answer.etag, answer.last_modified)

    def forget(self) -> None:
        """Nothing to forget: what is asked depends on the version that is held alone."""


def _place_of(settings: IcalSettings, around: Surroundings) -> CalendarPlace:
    """The place that `url` of channels.toml names: an address, or a file relative to that file's folder."""
    scheme, separator, rest = settings.url.partition("://")
    if not separator:
        return CalendarFile(around.town.folder / settings.url)
    if scheme.lower() == "file":
        return CalendarFile(Path(rest))
    return CalendarAddress(settings.url, Fetcher.of(settings, around))
