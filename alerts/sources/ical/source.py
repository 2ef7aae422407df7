"""The works calendar as a source: iCalendar (RFC 5545) read off the loop, each occurrence announced at its moments."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading
from alerts.model.reason import Reason, because
from alerts.sources.fetch import Fetcher
from alerts.sources.ical.announcements import Announcement, Decision, Schedule, decide
from alerts.sources.ical.events import Agenda, Flaw, read_agenda, window_around
from alerts.sources.ical.moments import Moment
from alerts.sources.ical.occurrence import Told, from_state, to_state
from alerts.sources.ical.place import CalendarAddress, CalendarFile, Document, Place
from alerts.sources.ical.works_alert import Issuer, to_alert

FRESH = timedelta(hours=6)
"""After this long an unchanged calendar is expanded anew, so that its window moves on."""

TRUSTED = timedelta(days=1)
"""For this long after it was last read, a calendar that can't be reached is still announced from."""

_FLOOD = because("calendar_flood")
_TENTATIVE = because("tentative")


def place_of(url: str, folder: Path, fetcher: Fetcher | None) -> Place:
    """The place that `url` of channels.toml names: an address, or a file relative to that file's `folder`.

    Raises ValueError for an address without a fetcher.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return CalendarFile(folder / url)
    if scheme.lower() == "file":
        return CalendarFile(Path(rest))
    if fetcher is None:
        raise ValueError(f'"{scheme}://…" is an address, and a calendar with an address needs a fetcher')
    return CalendarAddress(url, fetcher)


@dataclass(frozen=True, slots=True)
class _Held:
    """The calendar as it was last read, and when it was last expanded and last confirmed by its place."""

    document: Document
    agenda: Agenda
    expanded: datetime
    confirmed: datetime


class IcalSource:
    """One calendar (a `Source`). What was told is in the memory; the calendar itself only in this process.

    `moments` say when an occurrence is announced, `zone` is the station's, `issuer` in whose name and how gravely;
    `monotonic` measures how long a reading takes.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        moments: Sequence[Moment],
        zone: ZoneInfo,
        issuer: Issuer,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._place = place
        self._schedule = Schedule(tuple(moments), zone)
        self._issuer = issuer
        self._monotonic = monotonic
        self._held: _Held | None = None

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
            if not reading.heard:
                raise
            return reading
        self._held = held
        return await self._tell(held, memory, told, known, now)

    async def _look(self, held: _Held | None, told: Mapping[str, Told], now: datetime) -> _Held:
        """The calendar as it is now, expanded anew where it changed or its window is old."""
        document = await self._place.look(_validators(held)) or (held.document if held else None)
        if document is None:
            raise SourceFailed(because("calendar_unchanged_first", name=self.name))
        if held and document.digest == held.document.digest and now - held.expanded < FRESH:
            return replace(held, confirmed=now)
        watched = {each.occurrence.uid for each in told.values() if each.occurrence and not each.over}
        window = window_around(now, watched)
        try:
            agenda = await asyncio.to_thread(read_agenda, document.body, window, self._schedule.zone, self._monotonic)
        except Unreadable as error:
            self._place.forget()
            raise SourceFailed(error.reason) from error
        return _Held(document, agenda, expanded=now, confirmed=now)

    async def _tell(
        self,
        held: _Held,
        memory: Memory,
        told: Mapping[str, Told],
        known: Known,
        now: datetime,
    ) -> SourceReading:
        since = _since(memory.state, held.agenda, now)
        decision = await self._decide(held.agenda, told, since, known, now)
        heard = [self._hear(each, now) for each in decision.announcements] + [
            _complain(flaw) for flaw in held.agenda.flaws
        ]
        stored = await known([each.key for each in heard]) if heard else set()
        document = held.document
        return SourceReading(
            heard=[each for each in heard if each.key not in stored],
            memory=Memory(
                document.etag,
                document.last_modified,
                document.digest,
                to_state(decision.told)
                | ({"since": since.isoformat()} if since else {})
                | ({"gone": {"key": gone_key(decision.gone), "entries": len(decision.gone)}} if decision.gone else {}),
            ),
            look_again=decision.look_again,
            unchanged=document.digest == memory.digest,
            trouble=_trouble(held.agenda, decision),
        )

    async def _decide(
        self, agenda: Agenda, told: Mapping[str, Told], since: datetime | None, known: Known, now: datetime
    ) -> Decision:
        """What to tell. What is gone all at once is called off once an officer said so: that stands as a key heard."""
        decision = await asyncio.to_thread(decide, agenda, told, self._schedule, now, since=since)
        if decision.gone and await known([gone_key(decision.gone)]):
            return await asyncio.to_thread(decide, agenda, told, self._schedule, now, since=since, gone_for_good=True)
        return decision

    def _hear(self, announcement: Announcement, now: datetime) -> Heard:
        return Heard(
            key=announcement.identifier,
            alert=to_alert(announcement, self._issuer, now),
            leave_out=_TENTATIVE if announcement.tentative else None,
            hold=_FLOOD if announcement.held else None,
            notes=announcement.occurrence.notes,
        )


def gone_key(gone: Sequence[Told]) -> str:
    """The name of exactly these entries being gone: what an officer agrees to, and nothing that vanishes later."""
    names = sorted(identifier for each in gone for identifier, _ in each.tells[-1:])
    return f"gone-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"


def _since(state: Mapping[str, Any], agenda: Agenda, now: datetime) -> datetime | None:
    """When the calendar was read first with anything in it; None for one that was read before this was kept."""
    if "since" in state:
        return datetime.fromisoformat(state["since"])
    return now if agenda.occurrences and not state.get("told") else None


def _trouble(agenda: Agenda, decision: Decision) -> Reason | None:
    """Why the calendar can't be right: it is damaged, or too much of what readers know is gone from it."""
    if agenda.damage:
        return because("calendar_damaged", why=agenda.damage)
    if not decision.gone:
        return None
    titles = [each.occurrence.summary[:60] for each in decision.gone[:3] if each.occurrence]
    more = ["…"] if len(decision.gone) > 3 else []
    return because("calendar_gone", count=len(decision.gone), titles=[*titles, *more])


def _validators(held: _Held | None) -> Memory:
    """What the next look is conditional on: only ever a document that this process still holds."""
    return Memory(held.document.etag, held.document.last_modified, held.document.digest) if held else Memory()


def _complain(flaw: Flaw) -> Heard:
    return Heard(key=flaw.key, problem=flaw.reason)
