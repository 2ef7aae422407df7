"""The questions of a bare `tocsin post`: few, in the station's language, each answer checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import typer

from alerts.cli import screen
from alerts.cli.screen import tell
from alerts.desk.draft import Draft, read_time
from alerts.desk.station import Station
from alerts.model.alert import Severity, Urgency
from alerts.model.errors import Misuse
from alerts.model.reason import because

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_WHOLE = "the whole town"


def ask_for_draft(draft: Draft, station: Station, now: datetime) -> Draft:
    """Ask for what was not given as an option, on standard error. Raises typer.Abort on Ctrl-C or a no."""
    headline = _until_right(tell("What happens (one line)"), "", _some)
    instruction = _until_right(tell("What people should do (Enter: nothing)"), "", str.strip)
    severity = _until_right(_listed("How grave", list(Severity)[:4]), Severity.MODERATE, _choice(Severity))
    urgency = _until_right(_listed("How soon to act", list(Urgency)[:3]), Urgency.EXPECTED, _choice(Urgency))
    places = ", ".join([*(district.name for district in station.territory.districts), tell(_WHOLE)])
    where = tell("Where (%(places)s; several with commas; Enter: no place)", places=places)
    areas = _until_right(where, "", lambda text: _areas(text, tell(_WHOLE), station))
    until = tell("Until when (6h = in six hours, 18:30, 2026-11-25T18:00)")
    expires = _until_right(until, "12h", lambda text: _later(text, now, station))
    filled = replace(
        draft,
        headline=headline,
        instruction=instruction or None,
        severity=severity,
        urgency=urgency,
        areas=areas,
        expires=expires.isoformat(),
    )
    _confirm(filled, station, expires)
    return filled


def _confirm(draft: Draft, station: Station, expires: datetime) -> None:
    channels = [outlet.name for outlet in station.outlets if outlet.public and outlet.exercise is draft.exercise]
    summary = tell(
        "Where: %(where)s · until: %(until)s · %(severity)s, %(urgency)s",
        where=", ".join(draft.areas) or "—",
        until=expires.astimezone(station.timezone).strftime("%Y-%m-%d %H:%M"),
        severity=tell(draft.severity),
        urgency=tell(draft.urgency),
    )
    on = tell("On: %(channels)s", channels=", ".join(channels))
    typer.echo(f"\n  {draft.headline}\n  {draft.instruction or '—'}\n  {summary}\n  {on}\n", err=True)
    screen.agreed("Publish now (yes/no)")


def _until_right(question: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until the answer can be read; a wrong one is told, and loses nothing of what was answered before."""
    while True:
        answer = typer.prompt(question, str(default), show_default=bool(default), prompt_suffix=tell(": "), err=True)
        try:
            return read(answer)
        except Misuse as error:
            typer.echo(f"  {screen.why(error.reason)}", err=True)


def _some(text: str) -> str:
    if not text.strip():
        raise Misuse(because("words_needed"))
    return text.strip()


def _listed(question: str, values: Sequence[str]) -> str:
    return f"{tell(question)} [{'/'.join(values)}]"


def _choice(kind: type[E]) -> Callable[[str], E]:
    def read(text: str) -> E:
        for value in kind:
            if text.strip() and value.casefold().startswith(text.strip().casefold()):
                return value
        raise Misuse(because("allowed_are", allowed=list(kind)))

    return read


def _areas(text: str, whole: str, station: Station) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    if text.strip().casefold() in (whole.casefold(), station.name.casefold()):
        return (whole,)
    if station.territory.districts:
        for name in named:
            station.territory.district(name)
    return named


def _later(text: str, now: datetime, station: Station) -> datetime:
    time = read_time("", text, now, station.timezone)
    if time <= now:
        raise Misuse(because("time_is_past", text=repr(text)))
    return time
