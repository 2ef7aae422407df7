"""Calendars for the tests of the works calendar, written as exporters write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.ports import Surroundings
from alerts.model.town import Town
from alerts.sources.ical.agenda import WorksAgenda, read_agenda, window_around
from alerts.sources.ical.source import IcalSource
from alerts.sources.settings import IcalSettings
from tests.fakes import FakeClock

PARIS = ZoneInfo("Europe/Paris")
NINE_TO_NOON = "DTSTART;TZID=Europe/Paris:20261127T090000\nDTEND;TZID=Europe/Paris:20261127T120000"


def event(times: str = NINE_TO_NOON, *, uid: str = "works-1@town", summary: str = "Rue haute closed", more: str = ""):
    """One VEVENT; `times` and `more` are its lines."""
    lines = ["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *times.splitlines(), *more.splitlines(), "END:VEVENT"]
    return "\n".join(lines)


async def nothing_stored(_: Sequence[str]) -> set[str]:
    """A `Known` that knows nothing."""
    return set()


def calendar(*events: str, head: str = "") -> bytes:
    """A VCALENDAR of `events`, with the lines of `head` before them."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *head.splitlines(), *"\n".join(events).splitlines(), "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def at(text: str) -> datetime:
    """A wall-clock time in Paris."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def works_source(
    folder: Path, url: str = "works.ics", *, session: Any = None, clock: FakeClock | None = None, **settings: Any
) -> IcalSource:
    """A town's `[sources.works]` with these settings; a calendar at an address needs a `session`."""
    told = IcalSettings.model_validate({"kind": "ical", "url": url, **settings})
    town = Town("Town", "works@town.example", areas=("INSEE:38185",), file=folder / "channels.toml")
    return IcalSource("works", told, Surroundings(session, clock or FakeClock(), town))


def agenda_of(body: bytes, now: str = "2026-11-25 12:00", watched: tuple[str, ...] = ()) -> WorksAgenda:
    """What the calendar says around `now`, read in Paris."""
    return read_agenda(body, window_around(at(now), watched), PARIS)


def spans(body: bytes, now: str = "2026-11-25 12:00") -> list[tuple[str, str]]:
    """The occurrences' starts and ends on the wall clocks of Paris, as `27 09:00` or, in another month, in full."""
    month = now[:7]
    return [(_short(each.starts, month), _short(each.ends, month)) for each in agenda_of(body, now).occurrences]


def _short(time: datetime, month: str) -> str:
    return f"{time:%d %H:%M}" if f"{time:%Y-%m}" == month else f"{time:%Y-%m-%d %H:%M}"
