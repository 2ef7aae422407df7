"""The works calendar as a source: iCalendar (RFC 5545) read apart, each occurrence announced at its moments.

A poll has two halves. `_look` gets the calendar if it changed, or expands it again after six hours, so that its window
of days moves on. `_tell` then decides which announcements are due (`announcements.decide`) and makes alerts of them:
this continues while the calendar can't be reached, for a day. The announced state is in the memory that is stored with
each reading; the calendar itself is only in this process, once for all towns that name its address.

A poll with nothing due returns when something will be. Until then, polls of the same calendar decide nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.model.alert import Alert
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.sources.document import FetchedDocument
from alerts.sources.ical.agenda import WorksAgenda, read_agenda, window_around
from alerts.sources.ical.announcements import Announcement, CalendarDecision, Schedule, decide
from alerts.sources.ical.occurrence import Announced, from_state, parse_moment, to_state
from alerts.sources.ical.recurrence import Window
from alerts.sources.ical.works_alert import to_alert
from alerts.sources.place import place_of
from alerts.sources.run import unheard
from alerts.sources.settings import IcalSettings

FRESH = timedelta(hours=6)
"""After this long an unchanged calendar is expanded anew, so that its window moves on."""

TRUSTED = timedelta(days=1)
"""For this long after it was last read, a calendar that can't be reached is still announced from."""

_OCCURRENCE_BYTES = 2000
"""The approximate memory of an occurrence."""

_FLOOD = because("calendar_flood")
_TENTATIVE = because("tentative")


class IcalSource:
    """One `[sources.NAME]` with `kind = "ical"` (a `Source`): a calendar, in a file or at an address."""

    is_large = False
    """True for a kind whose files are too large for memory."""

    def __init__(self, _: str, settings: IcalSettings, around: Surroundings) -> None:
        self._place = place_of(settings, around, large=self.is_large)
        self._town = around.town
        self._schedule = Schedule(tuple(parse_moment(text) for text in settings.announce), around.town.zone)
        # No calendar says how grave an entry is: the source's own `severity` stands for all of them.
        self._severity = settings.severity
        self._current: _CalendarRead | None = None
        self._quiet: _Quiet | None = None

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the calendar says something else."""
        self._place.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Read the calendar, then return the announcements due by `now`. Raises SourceFailed if it can't be read.

        Meanwhile its last content is still announced for a day: such a poll returns the due announcements, and the next
        one raises.
        """
        try:
            current = await self._look(self._current, memory, now)
        except SourceFailed:
            if self._current is None or now - self._current.confirmed > TRUSTED:
                raise
            reading = await self._tell(self._current, memory, known, now)
            # A reading counts as a success: where nothing is due, the failure is what must be told.
            if not reading.heard:
                raise
            return reading
        self._current = current
        if self._quiet is not None and self._quiet.lasts(current.agenda, memory, now):
            return SourceReading((), memory, look_again=self._quiet.until, unchanged=True)
        reading = await self._tell(current, memory, known, now)
        is_quiet = not reading.heard and reading.trouble is None
        self._quiet = _Quiet(current.agenda, reading.memory, now, reading.look_again) if is_quiet else None
        return reading

    async def _look(self, current: _CalendarRead | None, memory: Memory, now: datetime) -> _CalendarRead:
        """The calendar as it is now, expanded anew where it changed or its window is old."""
        document = await self._place.look(current.document.digest if current else None)
        if (
            current
            and (document is None or document.digest == current.document.digest)
            and now - current.expanded < FRESH
        ):
            return replace(current, confirmed=now)
        document = document or (current.document if current else None)
        assert document is not None  # noqa: S101 nothing is unchanged to one who has nothing
        announced = from_state(memory.state)
        watched = frozenset(each.occurrence.uid for each in announced.values() if each.occurrence and not each.over)
        try:
            expansion = await self._expand(document, watched, now)
        except Unreadable as error:
            raise SourceFailed(error.reason) from error
        return _CalendarRead(document, expansion.agenda, expanded=expansion.at, confirmed=now)

    async def _expand(self, document: FetchedDocument, watched: frozenset[str], now: datetime) -> _Expansion:
        """The calendar's days around now: once for all towns that read it in this zone, and watch the same in it."""
        zone = self._schedule.zone
        key = ("days", self._reads(), zone, watched)
        made: _Expansion | None = document.made(key)
        if made is not None and not timedelta() <= now - made.at < FRESH:
            document.forget(key)

        def expand() -> _Expansion:
            return _Expansion(self._days(document, window_around(now, watched)), at=now)

        return await document.once(key, expand, _Expansion.size, by=read_agenda.turns_of(document.url))

    def _days(self, document: FetchedDocument, window: Window) -> WorksAgenda:
        """The entries of a document in a window, in a thread. Raises Unreadable."""
        return read_agenda.in_subprocess(document.body, window, self._schedule.zone)

    def _reads(self) -> Hashable:
        """The settings of this source that its entries depend on, apart from document, zone and window."""
        return None

    def _alert(self, announcement: Announcement, _: WorksAgenda, now: datetime) -> Alert:
        return to_alert(announcement, self._town, self._severity, now)

    async def _tell(self, current: _CalendarRead, memory: Memory, known: Known, now: datetime) -> SourceReading:
        agenda, digest, announced = current.agenda, current.document.digest, from_state(memory.state)
        since = _since(memory.state, agenda, now)
        decision = await self._decide(agenda, announced, since, known, now)
        heard = [
            Heard(
                key=each.identifier,
                alert=self._alert(each, agenda, now),
                leave_out=_TENTATIVE if each.tentative else None,
                hold=_FLOOD if each.needs_review else None,
                notes=each.occurrence.notes,
            )
            for each in decision.announcements
        ]
        heard += [Heard(key=flaw.key, problem=flaw.reason) for flaw in agenda.flaws]
        state = to_state(decision.announced)
        if since:
            state["since"] = since.isoformat()
        if decision.gone:
            state["gone"] = {"key": gone_key(decision.gone), "entries": len(decision.gone)}
        return SourceReading(
            heard=await unheard(heard, known),
            memory=Memory(digest=digest, state=state),
            look_again=decision.look_again,
            unchanged=digest == memory.digest,
            trouble=_trouble(agenda, decision),
        )

    async def _decide(
        self,
        agenda: WorksAgenda,
        announced: Mapping[str, Announced],
        since: datetime | None,
        known: Known,
        now: datetime,
    ) -> CalendarDecision:
        """Decide.

        Entries that vanished at once are cancelled after an officer's consent, which is stored as a known key.
        """
        decision = await asyncio.to_thread(decide, agenda, announced, self._schedule, now, since=since)
        if decision.gone and await known([gone_key(decision.gone)]):
            return await asyncio.to_thread(
                decide, agenda, announced, self._schedule, now, since=since, gone_for_good=True
            )
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


@dataclass(frozen=True, slots=True)
class _Expansion:
    """A calendar's days as they were read then."""

    agenda: WorksAgenda
    at: datetime

    def size(self) -> int:
        """About how many bytes it takes."""
        return _OCCURRENCE_BYTES * len(self.agenda.occurrences)


@dataclass(frozen=True, slots=True)
class _CalendarRead:
    """The calendar as it was last read, and when it was last expanded and last confirmed by its place."""

    document: FetchedDocument
    agenda: WorksAgenda
    expanded: datetime
    confirmed: datetime


@dataclass(frozen=True, slots=True)
class _Quiet:
    """A poll with nothing due, and nothing before `until` (None: ever) with this calendar and memory."""

    agenda: WorksAgenda
    memory: Memory
    at: datetime
    until: datetime | None

    def lasts(self, agenda: WorksAgenda, memory: Memory, now: datetime) -> bool:
        """True if another poll would find the same; never after a clock was set back."""
        is_same = agenda is self.agenda and memory is self.memory
        return is_same and self.at <= now and (self.until is None or now < self.until)
