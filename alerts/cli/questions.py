"""The questions of a bare `tocsin post`: few, each with what Enter means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import typer

from alerts.desk.draft import Draft
from alerts.desk.station import Station
from alerts.model.alert import Severity, Urgency


def ask_for_draft(draft: Draft, station: Station) -> Draft:
    """Ask for what was not given as an option, on standard error. Raises typer.Abort on Ctrl-C or a no."""
    headline = typer.prompt("What happens", err=True)
    instruction = typer.prompt("What people should do", default="", show_default=False, err=True)
    severity = _choice("How grave", list(Severity)[:4], Severity.MODERATE)
    urgency = _choice("How soon to act", list(Urgency)[:3], Urgency.EXPECTED)
    places = ", ".join(district.name for district in station.territory.districts)
    hint = f" ({places}; several with commas)" if places else ""
    area = typer.prompt(f"Where{hint}", default=station.name, err=True)
    expires = typer.prompt("Until when", default="12h", err=True)
    named = tuple(part.strip() for part in area.split(",") if part.strip() and part.strip() != station.name)
    typer.confirm(f"Post «{headline}» ({severity}) now?", abort=True, err=True)
    return replace(
        draft,
        headline=headline,
        instruction=instruction or None,
        severity=Severity(severity),
        urgency=Urgency(urgency),
        areas=named,
        expires=expires,
    )


def _choice(question: str, allowed: Sequence[str], default: str) -> str:
    while True:
        answer = typer.prompt(f"{question} [{'/'.join(allowed)}]", default=str(default), err=True)
        for choice in allowed:
            if choice.casefold().startswith(answer.strip().casefold()):
                return choice
        typer.echo(f"  allowed: {', '.join(allowed)}", err=True)
