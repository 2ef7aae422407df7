"""An announcement of the works calendar as a CAP alert (OASIS CAP 1.2, section 3.2).

What CAP has no element for goes as parameters of our own: the step, the rhythm of a series, what changed, how it ends.
The templates read them. The hazard is read off the words, and with care: a town's calendar also holds markets and
closed halls, and what it calls works gets the words for works.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from alerts.model.alert import (
    ALL_DAY_PARAMETER,
    CHANGE_PARAMETER,
    ENDS_BY,
    PLANNED,
    QUIET,
    SERIES_PARAMETER,
    STEP_PARAMETER,
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    NamedValue,
    Reference,
    Severity,
    Urgency,
)
from alerts.model.hazard import HAZARD_PARAMETER, WATER_CUTS, Hazard, fold, hazard_of
from alerts.model.town import Town
from alerts.sources.ical.announcements import Announcement, Kind
from alerts.sources.ical.occurrence import Occurrence, series_to_record
from alerts.sources.works_event import works_named

SOON = timedelta(hours=1)
"""Until when ahead of the start the urgency is Expected; further ahead it is Future (CAP, `urgency`)."""

SPOT = 0.2
"""The radius in kilometres of the circle around a calendar's GEO."""

_MSG_TYPES: dict[Kind, MsgType] = {
    "alert": MsgType.ALERT,
    "update": MsgType.UPDATE,
    "end": MsgType.UPDATE,
    "cancel": MsgType.CANCEL,
}
_CATEGORIES = {
    Hazard.WATER_CUT: Category.INFRA,
    Hazard.POWER: Category.INFRA,
    Hazard.WORKS: Category.TRANSPORT,
    Hazard.GENERAL: Category.OTHER,
}
# What is planned like works, and needs other words.
_OWN_WORDS = frozenset((*WATER_CUTS, Hazard.POWER))
_EVENTS = {
    ("fr", Hazard.GENERAL): "Information",
    ("fr", Hazard.WORKS): "Travaux",
    ("fr", Hazard.WATER_CUT): "Coupure d’eau",
    ("fr", Hazard.POWER): "Coupure d’électricité",
    ("en", Hazard.GENERAL): "Information",
    ("en", Hazard.WORKS): "Works",
    ("en", Hazard.WATER_CUT): "Water cut",
    ("en", Hazard.POWER): "Power cut",
}


_STREET = (
    r"(?:rues?|routes?|avenue|boulevard|bd|chemin|place|pont|quai|impasse|allee|voies?|rond-point|carrefour|parking|"
    r"roads?|streets?|lanes?|bridge|square)"
)
_WORKS_WORDS = (
    r"(?:travaux|chantiers?|voirie|roadworks?|works?|circulation|deviations?|stationnement|alternat|barree?s?|"
    r"elagage|abattage|enrobes?|goudronnage|revetement|chaussee|trottoirs?|pavage|marquage|refection|raccordements?|"
    r"branchements?|fouilles?|tranchees?|terrassement|canalisations?|reseaux?|assainissement|egouts?|curage|fibre|"
    r"pose|depose|remplacement|renouvellement|reparation|renovation|rehabilitation|amenagement|demolition|ravalement|"
    r"echafaudage|grue|nacelle|forage|balayage|nettoyage|taille|tonte|purge|debroussaillage|fauchage|demenagement|maintenance|inspection|"
    r"resurfacing|repairs?|drains?|sewers?|pipes?|cables?|mains|digging|felling|pruning|scaffold\w*|crane|parking|"
    r"traffic|diversion|detour|closures?)"
)
_CLOSED = r"(?:ferme\w*|barre\w*|coupe\w*|interdit\w*|closed|closure)"
_WORKS = re.compile(
    rf"\b{_WORKS_WORDS}\b|^\W*{_STREET}\b|\b{_STREET}\b.{{0,60}}\b{_CLOSED}\b|\b{_CLOSED}\b.{{0,20}}\b{_STREET}\b"
)
_BEGINS_WITH_WORKS = re.compile(rf"^\W*(?:[\w']+\W+){{0,1}}{_WORKS_WORDS}\b")
# Titles of markets, festivals, meetings and the like are no works.
_NO_WORKS = re.compile(
    r"\b(?:marches?|foires?|brocantes?|vide-greniers?|braderie|fetes?|bal|concerts?|spectacles?|festival|carnaval|defile|"
    r"ceremonies?|commemorations?|reunions?|conseil|elections?|scrutin|vote|permanences?|expositions?|kermesse|loto|"
    r"feux? d'artifice|courses?|marathon|randonnees?|tournois?|matchs?|don du sang|vaccinations?|collectes?|rentree|"
    r"vacances|mairie|ecoles?|creche|bibliotheque|mediatheque|piscine|musee|markets?|fairs?|festivals?|fete|parade|"
    r"meetings?|council|polling|town hall|library|school|pool|museum|concert|race|fireworks)\b"
)


def to_alert(announcement: Announcement, town: Town, severity: Severity, now: datetime) -> Alert:
    """The message in the town's name: a first one is an Alert, a later one an Update or a Cancel of all before it.

    An entry without a GEO is taken to be anywhere in the town: its place is the town's own codes. Works in a street
    have a name by which another source's are the same event.
    """
    occurrence = announcement.occurrence
    names: tuple[str, ...] = ()
    if announcement.step != "withdrawn" and _hazard(occurrence) is Hazard.WORKS:
        names = works_named((occurrence.location, occurrence.summary), occurrence.starts, town.zone)
    return Alert(
        identifier=announcement.identifier,
        sender=town.sender,
        sent=now.replace(microsecond=0),
        msg_type=_MSG_TYPES[announcement.kind],
        references=tuple(Reference(town.sender, identifier, sent) for identifier, sent in announcement.before.tells),
        incidents=names,
        infos=(_info(announcement, town, severity, now),),
    )


def _info(announcement: Announcement, town: Town, severity: Severity, now: datetime) -> Info:
    occurrence = announcement.occurrence
    hazard = _hazard(occurrence)
    event = _EVENTS["fr" if town.language.lower().startswith("fr") else "en", hazard]
    return Info(
        event=event,
        language=town.language,
        categories=(_CATEGORIES[hazard],),
        urgency=_urgency(announcement, now),
        severity=severity,
        certainty=Certainty.LIKELY,
        onset=occurrence.starts,
        expires=occurrence.ends,
        sender_name=town.name,
        headline=(occurrence.summary if announcement.step != "withdrawn" else "") or event,
        description=occurrence.description or None,
        web=(occurrence.url if announcement.step != "withdrawn" else "") or None,
        parameters=_parameters(announcement, hazard),
        areas=(_area(occurrence, town, named=announcement.step != "withdrawn"),),
    )


def _hazard(occurrence: Occurrence) -> Hazard:
    """A cut of water or power, or works, where categories or title say so; a market or a closed hall is neither.

    What a title begins with counts before what it mentions: works in the market's street are works.
    """
    said = Info(event=", ".join(occurrence.categories), headline=occurrence.summary)
    # Water and power come first: who reads "works" doesn't fill a jug.
    named = hazard_of(said)
    if named in _OWN_WORDS:
        return Hazard.WATER_CUT if named in WATER_CUTS else named
    title, kinds = fold(occurrence.summary), fold(", ".join(occurrence.categories))
    if _WORKS.search(kinds) or _BEGINS_WITH_WORKS.search(title):
        return Hazard.WORKS
    if _NO_WORKS.search(kinds) or _NO_WORKS.search(title):
        return Hazard.GENERAL
    return Hazard.WORKS if _WORKS.search(title) else Hazard.GENERAL


def _urgency(announcement: Announcement, now: datetime) -> Urgency:
    if announcement.kind in ("end", "cancel"):
        return Urgency.PAST
    return Urgency.EXPECTED if announcement.occurrence.starts - now <= SOON else Urgency.FUTURE


def _parameters(announcement: Announcement, hazard: Hazard) -> tuple[NamedValue, ...]:
    """Return the facts for which CAP has no element: the step, the repetition, the changes, and the kind of end.

    An end is the planned one, never an all clear: no calendar knows if the water is back.
    """
    occurrence, ends = announcement.occurrence, announcement.kind == "end"
    ending = PLANNED if ends else QUIET if announcement.quietly else None
    named = {
        HAZARD_PARAMETER: hazard.value,
        STEP_PARAMETER: announcement.step.partition("-")[0],
        ALL_DAY_PARAMETER: "true" if occurrence.all_day else None,
        ENDS_BY: ending,
        SERIES_PARAMETER: _json(series_to_record(occurrence.series)) if occurrence.series else None,
        CHANGE_PARAMETER: _json(announcement.changes) if announcement.changes else None,
    }
    return tuple(NamedValue(name, value) for name, value in named.items() if value is not None)


def _json(said: Any) -> str:
    """Return JSON that survives the cleaning of words.

    Nothing in it resembles a tag, an entity or a lost apostrophe.
    """
    text = json.dumps(said, separators=(",", ":"))
    return re.sub("[<>&?]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def _area(occurrence: Occurrence, town: Town, *, named: bool) -> Area:
    """Where it is; of what isn't public any more not even that."""
    where = (named and occurrence.location) or town.name
    if occurrence.point and named:
        return Area(where, circles=(Circle(occurrence.point, SPOT),))
    return Area(where, geocodes=town.codes)
