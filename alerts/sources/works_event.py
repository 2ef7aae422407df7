"""The name by which works that several feeds tell of are one event: the street, and the day on which they begin.

A town's calendar, DiaLog's orders and its bus network write of the same works under identifiers and in words of their
own. All three name the street. Two works in one street that begin on different days are two: an order may hold for half
a year, and must not keep back a closure in the middle of it. A street is read off the way it is written, capitals and
all, and where that isn't sure there is no name: works are then told twice, but never kept back for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, tzinfo

from alerts.model.alert import EVENT_NAME
from alerts.model.hazard import fold

_LONGEST_TEXT = 500
_TYPE = (
    r"(?i:rue|route|avenue|boulevard|bd|chemin|place|pont|quai|impasse|all[ée]e|voie|rond-point|carrefour|cours|square|"
    r"sentier|mont[ée]e|passage|faubourg)"
)
_PARTICLE = r"(?:(?i:de|du|des|la|le|les)\s+|(?i:[dl])['’]\s?)"
_WORD = (
    r"(?:[^\W\d_a-zà-ÿ][\w'’-]*|\d{1,4}(?:er)?|"
    r"(?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre)\b)"
)
_FRENCH = re.compile(rf"\b{_TYPE}(?:\s+{_PARTICLE}{{0,3}}{_WORD}){{1,6}}")
_ENGLISH = re.compile(r"\b(?:[A-Z][\w'’-]*\s+){1,3}(?:Street|Road|Lane|Bridge)\b")
# Roads of the State and of a department.
_NUMBERED = re.compile(r"\bR?([DN])\s?(\d{1,4}[A-Za-z]?)\b")


def works_named(texts: Iterable[str], begins: datetime | None, zone: tzinfo) -> tuple[str, ...]:
    """The event's name in `incidents`, by the first street in the first text that has one. Empty without any."""
    street = next(filter(None, map(_street_in, texts)), None)
    if street is None or begins is None:
        return ()
    return (f"{EVENT_NAME}works/{begins.astimezone(zone):%Y-%m-%d}/{street}",)


def _street_in(text: str) -> str | None:
    said = text[:_LONGEST_TEXT]
    if named := _FRENCH.search(said) or _ENGLISH.search(said):
        return "-".join(re.findall(r"[a-z0-9]+", fold(named[0])))
    numbered = _NUMBERED.search(said)
    return f"{numbered[1]}{numbered[2]}".lower() if numbered else None
