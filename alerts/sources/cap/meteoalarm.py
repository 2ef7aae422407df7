"""What MeteoAlarm's members mean beyond CAP: the colour is the level, and some of their alerts are none.

feeds.md, "MeteoAlarm": the parameter `awareness_level` reads "2; yellow; Moderate". CAP's severity is at times blank or
off, the colour never; green says "no warning" although it is an Actual Alert. Météo-France sends markers of "nothing
that day" as alerts that end before they begin.
"""

from __future__ import annotations

from dataclasses import replace

from alerts.model.alert import Alert, Info, Severity
from alerts.model.reason import Reason, because

_COLOURS = {
    "green": Severity.MINOR,
    "yellow": Severity.MODERATE,
    "orange": Severity.SEVERE,
    "red": Severity.EXTREME,
}
_LEVELS = {"1": "green", "2": "yellow", "3": "orange", "4": "red"}


def apply_colours(alert: Alert) -> Alert:
    """The alert with each info's severity as its colour says; the same object where nothing differs."""
    infos = tuple(_with_colour(info) for info in alert.infos)
    return alert if infos == alert.infos else replace(alert, infos=infos)


def why_none(alert: Alert) -> Reason | None:
    """Why this alert is no warning by its sender's own custom; None when it is one."""
    colours = [colour_of(info) for info in alert.infos]
    if colours and all(colour == "green" for colour in colours):
        return because("green")
    if _is_meteo_france(alert) and all(_ends_before_it_begins(info) for info in alert.infos):
        return because("ends_before_it_begins")
    return None


def colour_of(info: Info) -> str | None:
    """`green`, `yellow`, `orange` or `red`: the colour of `awareness_level`, else its number's; None for neither."""
    level = info.parameter("awareness_level")
    if level is None:
        return None
    parts = [part.strip().lower() for part in level.split(";")]
    return next((part for part in parts if part in _COLOURS), _LEVELS.get(parts[0]))


def _with_colour(info: Info) -> Info:
    colour = colour_of(info)
    if colour is None or info.severity is _COLOURS[colour]:
        return info
    return replace(info, severity=_COLOURS[colour])


def _is_meteo_france(alert: Alert) -> bool:
    domain = alert.sender.rpartition("@")[2].lower()
    return bool(alert.infos) and (domain in ("meteo.fr", "meteofrance.fr") or domain.endswith(".meteo.fr"))


def _ends_before_it_begins(info: Info) -> bool:
    return info.onset is not None and info.expires is not None and info.expires <= info.onset
