"""The questions of a bare `tocsin post`: few, in the station's language, each answer checked as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import typer

from alerts.desk.draft import Draft, read_time
from alerts.desk.station import Station
from alerts.model.alert import Severity, Urgency
from alerts.model.errors import Misuse

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
_WORDS = {
    "fr": {
        "what": "Que se passe-t-il (une ligne)",
        "do": "Que doivent faire les gens (Entrée : rien)",
        "grave": "Gravité",
        "soon": "Urgence",
        "where": "Où ({places}, {whole} ; plusieurs avec des virgules ; Entrée : aucun lieu)",
        "until": "Jusqu'à quand (6h = dans six heures, 18:30, 2026-11-25T18:00)",
        "whole": "toute la commune",
        "sum": "Où : {where} · jusqu'à : {until} · {severity}, {urgency}\n  Sur : {channels}",
        "now": "Publier maintenant (oui/non)",
        "yes": "oui",
        "stopped": "Rien n'est publié.",
        "allowed": "possible : {allowed}",
        "needed": "il faut au moins quelques mots",
    },
    "en": {
        "what": "What happens (one line)",
        "do": "What people should do (Enter: nothing)",
        "grave": "How grave",
        "soon": "How soon to act",
        "where": "Where ({places}, {whole}; several with commas; Enter: no place)",
        "until": "Until when (6h = in six hours, 18:30, 2026-11-25T18:00)",
        "whole": "the whole town",
        "sum": "Where: {where} · until: {until} · {severity}, {urgency}\n  On: {channels}",
        "now": "Publish now (yes/no)",
        "yes": "yes",
        "stopped": "Nothing is published.",
        "allowed": "allowed: {allowed}",
        "needed": "a few words are needed",
    },
}


def ask_for_draft(draft: Draft, station: Station, now: datetime) -> Draft:
    """Ask for what was not given as an option, on standard error. Raises typer.Abort on Ctrl-C or a no."""
    words = _WORDS["fr" if station.language.lower().startswith("fr") else "en"]
    places = ", ".join(district.name for district in station.territory.districts)
    headline = _until_right(words["what"], "", lambda text: _some(text, words["needed"]))
    instruction = _until_right(words["do"], "", str.strip)
    severity = _until_right(_listed(words["grave"], list(Severity)[:4]), Severity.MODERATE, _choice(Severity, words))
    urgency = _until_right(_listed(words["soon"], list(Urgency)[:3]), Urgency.EXPECTED, _choice(Urgency, words))
    where = words["where"].format(places=places, whole=words["whole"]).replace("(, ", "(")
    areas = _until_right(where, "", lambda text: _areas(text, words["whole"], station))
    expires = _until_right(words["until"], "12h", lambda text: _later(text, now, station))
    filled = replace(
        draft,
        headline=headline,
        instruction=instruction or None,
        severity=severity,
        urgency=urgency,
        areas=areas,
        expires=expires.isoformat(),
    )
    _confirm(filled, station, words, expires)
    return filled


def _confirm(draft: Draft, station: Station, words: dict[str, str], expires: datetime) -> None:
    channels = [outlet.name for outlet in station.outlets if outlet.public and outlet.exercise is draft.exercise]
    summary = words["sum"].format(
        where=", ".join(draft.areas) or "—",
        until=expires.astimezone(station.timezone).strftime("%Y-%m-%d %H:%M"),
        severity=draft.severity,
        urgency=draft.urgency,
        channels=", ".join(channels),
    )
    typer.echo(f"\n  {draft.headline}\n  {draft.instruction or '—'}\n  {summary}\n", err=True)
    answer = typer.prompt(words["now"], default="", show_default=False, err=True)
    if answer.strip().casefold() not in (words["yes"], words["yes"][0], "y"):
        typer.echo(words["stopped"], err=True)
        raise typer.Abort


def _until_right(question: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until the answer can be read; a wrong one is told, and loses nothing of what was answered before."""
    while True:
        answer = typer.prompt(question, default=str(default), show_default=bool(default), err=True)
        try:
            return read(answer)
        except Misuse as error:
            typer.echo(f"  {error}", err=True)


def _some(text: str, needed: str) -> str:
    if not text.strip():
        raise Misuse(needed)
    return text.strip()


def _listed(question: str, values: Sequence[str]) -> str:
    return f"{question} [{'/'.join(values)}]"


def _choice(kind: type[E], words: dict[str, str]) -> Callable[[str], E]:
    def read(text: str) -> E:
        for value in kind:
            if text.strip() and value.casefold().startswith(text.strip().casefold()):
                return value
        raise Misuse(words["allowed"].format(allowed=", ".join(kind)))

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
        raise Misuse(f"{text!r} is past")
    return time
