"""The departments of mainland France and Corsica, and the name by which two feeds identify one event.

Météo-France warns by department, and its warnings come two ways: by its own interface (`vigilance`), and as CAP through
MeteoAlarm, under other identifiers, with other words and for several departments at once. Both are given the name of
the event (`event_of`), made of the warning's issuer, place and phenomenon.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from alerts.model.alert import EVENT_NAME, Alert, NamedValue
from alerts.model.hazard import AWARENESS_TYPES, Hazard


@dataclass(frozen=True, slots=True)
class Department:
    """Its name, and its NUTS 3 code of 2010, which MeteoAlarm's feeds have."""

    name: str
    nuts: str


def _read(file: Path) -> dict[str, Department]:
    """Read a line for each: its code, its NUTS code, its name."""
    lines = (line.split(" ", 2) for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {code: Department(name, nuts) for code, nuts, name in lines}


DEPARTMENTS = _read(Path(__file__).with_suffix(".txt"))
"""By their code, which Météo-France's map has too."""

OVERSEAS = frozenset({"971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"})
"""Territories that another service of Météo-France warns, mostly by PDF."""

FR_DEPARTMENT, _NUTS, _INSEE = "FR-DEP", "NUTS3", "INSEE"
_BY_NUTS = {department.nuts: code for code, department in DEPARTMENTS.items()}
# Météo-France's own domains.
_SENDERS = ("meteo.fr", "meteofrance.fr", "meteofrance.com")


def event_of(department: str, hazard: Hazard) -> str:
    """The name of what Météo-France warns that department of."""
    return f"{EVENT_NAME}meteo-france/{department}/{hazard}"


def departments_in(codes: Iterable[NamedValue]) -> frozenset[str]:
    """The departments that geocodes name, or lie in."""
    found = set()
    for code in codes:
        scheme, value = code.name.upper(), code.value.strip().upper()
        if scheme == _NUTS:
            found.add(_BY_NUTS.get(value, ""))
        elif scheme in (_INSEE, FR_DEPARTMENT):
            found.add(value[:2])
    return frozenset(found & DEPARTMENTS.keys())


def named_event(alert: Alert, departments: frozenset[str]) -> Alert:
    """The same alert with its event's name, where Météo-France sent it and it is for one of these departments alone."""
    domain = alert.sender.rpartition("@")[2].lower()
    if not any(domain == each or domain.endswith(f".{each}") for each in _SENDERS):
        return alert
    here = departments & departments_in(code for area in alert.areas for code in area.geocodes)
    types = {(info.parameter("awareness_type") or "").partition(";")[0].strip() for info in alert.infos}
    hazards = {AWARENESS_TYPES.get(each, Hazard.GENERAL) for each in types} - {Hazard.GENERAL}
    if len(here) != 1 or len(hazards) != 1:
        return alert
    [department], [hazard] = here, hazards
    return replace(alert, incidents=(*alert.incidents, event_of(department, hazard)))
