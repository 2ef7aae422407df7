"""How grave an alert is by MeteoAlarm's colour or CAP's severity, and what an update changes.

It changes the gravity, the instruction, the end and the areas; what it describes otherwise is read anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.model.alert import Alert, Info, Severity
from alerts.model.hazard import fold
from alerts.rendering.clean import clean, clean_line
from alerts.rendering.library import Words
from alerts.rendering.moments import event_end

_GRAVITIES = {"yellow": Severity.MODERATE, "orange": Severity.SEVERE, "red": Severity.EXTREME}


def gravity(info: Info) -> Severity:
    """Return the severity, by MeteoAlarm's colour where there is one: the CAP severity beside it is at times off."""
    return _GRAVITIES.get(colour(info), info.severity)


def level(info: Info, words: Words) -> str | None:
    """Return MeteoAlarm's colour as the public knows it ("Vigilance orange"), None where the feed has none."""
    levels: Mapping[str, str] = words["levels"]
    return levels.get(colour(info))


def changes(info: Info, previous: Alert | None, language: str, words: Words) -> list[str]:
    """Return what is new in `info` against `previous`, gravest first; nothing where that isn't known."""
    before = previous.info_for(language) if previous else None
    if before is None:
        return []
    return [
        *_gravity(info, before, words),
        *_instruction(info, before, words),
        *_end(info, before, words),
        *_areas(info, before, words),
    ]


def colour(info: Info) -> str:
    """Return the colour of MeteoAlarm's `awareness_level` ("3; orange; Severe"): yellow, orange, red, else ""."""
    parts = [part.strip().lower() for part in (info.parameter("awareness_level") or "").split(";")]
    return next((part for part in parts if part in _GRAVITIES), "")


def _gravity(info: Info, before: Info, words: Words) -> list[str]:
    now, then = gravity(info), gravity(before)
    if Severity.UNKNOWN in (now, then) or now is then:
        return []
    was = level(before, words) or words["degrees"][then.value]
    return [words["changes"]["raised" if now.rank > then.rank else "lowered"].format(before=was)]


def _instruction(info: Info, before: Info, words: Words) -> list[str]:
    now, then = (fold(" ".join(clean(text or "").split())) for text in (info.instruction, before.instruction))
    return [words["changes"]["instruction"]] if now and now != then else []


def _end(info: Info, before: Info, words: Words) -> list[str]:
    end, earlier = event_end(info), event_end(before)
    if end is None or earlier is None or end == earlier:
        return []
    return [words["changes"]["longer" if end > earlier else "shorter"]]


def _areas(info: Info, before: Info, words: Words) -> list[str]:
    now = {fold(name): name for area in info.areas if (name := clean_line(area.description))}
    then = {fold(name): name for area in before.areas if (name := clean_line(area.description))}
    added = [name for key, name in now.items() if key not in then]
    gone = [name for key, name in then.items() if key not in now]
    said = [("more", added), ("fewer", gone)]
    return [words["changes"][change].format(areas=", ".join(names)) for change, names in said if names]
