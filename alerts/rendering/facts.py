"""What a template may say: an alert, the station and the moment turned into words, in the language of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.alert import Info, Severity
from alerts.model.hazard import Hazard, fold
from alerts.model.post import PostKind
from alerts.rendering.advice import advice_beside, prepared
from alerts.rendering.changes import changes, colour, gravity, level
from alerts.rendering.clean import clean_line
from alerts.rendering.ending import ending
from alerts.rendering.faces import ChannelFace, Context, StationFace
from alerts.rendering.library import Words, capital
from alerts.rendering.matter import Matter
from alerts.rendering.moments import PHRASES, Teller, event_end, locale_of
from alerts.rendering.planned import planned

WITH_WINDOW = frozenset((Hazard.WORKS, Hazard.WATER_CUT))
"""The hazards that are planned: their notices always tell both ends of the window."""

_SHORT_LIMIT = 600
_MANY = 12
_SHORT_AREA = 45


def facts(
    matter: Matter, station: StationFace, channel: ChannelFace, context: Context, link: str | None
) -> dict[str, Any]:
    """Return the variables of a template; `docs/templates.md` lists them."""
    teller = teller_of(matter, station, channel, context)
    said = {
        "kind": matter.kind.value,
        "station": station.name,
        "link": link,
        "incident": context.incident,
        "exercise": context.exercise,
        "reason": "",
        "step": "",
        **_what(matter),
        **_where_and_when(matter, station, context, teller),
        **_who(matter, station),
    }
    if matter.kind is PostKind.UPDATE:
        said |= _change(matter, context)
    if matter.kind is PostKind.END:
        said |= ending(matter, said["title"], teller, context)
    return said | planned(matter, said, teller, context)


def _what(matter: Matter) -> dict[str, Any]:
    info, general, words = matter.info, matter.general, matter.words
    label = level(info, general) or (general["severities"] | words.get("severities", {}))[info.severity.value]
    title = _title(matter)
    ours = prepared(info, matter.hazard, words)
    return {
        "alert": matter.alert,
        "info": info,
        "words": general,
        "hazard": matter.hazard.value,
        "name": words["name"],
        "headline": info.headline,
        "event": info.event,
        "description": info.description,
        "instruction": info.instruction or ours,
        "prepared": ours,
        "advice": advice_beside(info.instruction or ours, words["advice"]),
        "label": label,
        "title": title,
        "lead": _lead(info, label, title, general),
        "lead_short": _lead_short(matter, label, title),
        "foreign": _foreign(matter),
        "note": matter.alert.note,
    }


def _where_and_when(matter: Matter, station: StationFace, context: Context, teller: Teller) -> dict[str, Any]:
    infos = _together(matter)
    names = areas_of(infos, station, context)
    return {
        "areas": names,
        "area": _told(names),
        "area_short": short_area(names),
        "place": _place(matter, names, station),
        "when": _when(matter, infos, teller),
        "now": context.now,
        "onset": matter.info.onset,
        "expires": event_end(matter.info),
        "day": teller.day,
        "time": teller.time,
        "moment": teller.moment,
    }


def _who(matter: Matter, station: StationFace) -> dict[str, Any]:
    info, general = matter.info, matter.general
    return {
        "sender": info.sender_name or station.name,
        "source": _source(info, station, general["source"]),
        "source_short": _source(info, station, general["source_short"]),
        "contact": info.contact if fold(info.contact or "") != fold(info.sender_name or "") else None,
    }


def _change(matter: Matter, context: Context) -> dict[str, str]:
    general = matter.general
    news = changes(matter.info, context.previous, matter.language, general)
    return {
        "change": general["change"].format(changes=general["separator"].join(news)) if news else "",
        "change_short": general["change"].format(changes=news[0]) if news else "",
    }


def teller_of(matter: Matter, station: StationFace, channel: ChannelFace, context: Context) -> Teller:
    """Return who tells the times on this channel: short where room is short."""
    phrases = matter.general.get("moments") or PHRASES.get(matter.language.split("-", 1)[0]) or PHRASES["en"]
    return Teller(matter.language, _zone(station.timezone), context.now, phrases, channel.text.limit > _SHORT_LIMIT)


def areas_of(infos: Sequence[Info], station: StationFace, context: Context) -> list[str]:
    """Return where it is, each name once: those the station matched, its other own ones, then the feed's.

    A name that the station has too is spelled its way. Some feeds put all their areas into one, between semicolons.
    The station itself stands where nothing is told.
    """
    told = [name.strip() for info in infos for area in info.areas for name in area.description.split(";")]
    ours = {fold(name): name for name in station.area_names}
    told.sort(key=lambda name: fold(name) not in ours)
    names: dict[str, str] = {}
    for name in (*map(clean_line, context.area_names), *told):
        names.setdefault(fold(name), ours.get(fold(name), name))
    names.pop("", None)
    return list(names.values()) or [station.name]


def _together(matter: Matter) -> list[Info]:
    """Return every info that says this: a feed may say one language in several, one for each area."""
    if matter.info not in matter.alert.infos:
        return [matter.info]
    return [matter.info, *(info for info in matter.alert.infos if info is not matter.info)]


def _when(matter: Matter, infos: Sequence[Info], teller: Teller) -> str:
    """Return from the earliest start to the latest end; no end where one of them is open."""
    starts = [info.onset or info.effective for info in infos]
    ends = [event_end(info) for info in infos]
    start = min((time for time in starts if time), default=None)
    end = max((time for time in ends if time), default=None) if all(ends) else None
    return teller.window(start, end, whole=matter.hazard in WITH_WINDOW)


def short_area(names: Sequence[str]) -> str:
    """Return the first names, as many as make about 45 characters, and how many there are more: "Isère, Savoie +3"."""
    said, rest = names[0], list(names[1:])
    while rest and len(said) + len(rest[0]) + 2 <= _SHORT_AREA:
        said = f"{said}, {rest.pop(0)}"
    return f"{said} +{len(rest)}" if rest else said


def _title(matter: Matter) -> str:
    """Return what it is: the headline; the hazard's name where there is none; both where the headline is foreign."""
    name, headline = matter.words["name"], matter.info.headline
    if headline and _foreign(matter) and matter.hazard is not Hazard.GENERAL:
        return f"{name} – {headline}"
    return headline or (name if matter.hazard is not Hazard.GENERAL or not matter.info.event else matter.info.event)


def _lead_short(matter: Matter, label: str, title: str) -> str:
    """Return the shortest title that is right: the hazard's name, else the headline without a lesser severity.

    "" where neither will do, so that it is cut at a word.
    """
    if _begins_with_name(matter, title):
        return _lead(matter.info, label, matter.words["name"], matter.general)
    return "" if gravity(matter.info).at_least(Severity.SEVERE) else capital(title)


def _begins_with_name(matter: Matter, title: str) -> bool:
    """Whether the hazard's name may stand for the title: a headline that only mentions it is about something else."""
    words, name = (re.findall(r"\w+", fold(text)) for text in (title, matter.words["name"]))
    return matter.hazard is not Hazard.GENERAL and words[: len(name)] == name


def _place(matter: Matter, names: Sequence[str], station: StationFace) -> str:
    """Return the areas; "the whole town" where they are the station and the post is signed by it."""
    whole = [fold(name) for name in names] == [fold(station.name)]
    signed = fold(matter.info.sender_name or station.name) == fold(station.name)
    return str(matter.general["whole"]) if whole and signed else _told(names)


def _told(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MANY else short_area(names)


def _lead(info: Info, label: str, title: str, general: Words) -> str:
    """Return the title with its severity before it, unless the title says it already ("Vigilance orange orages")."""
    said, mark = fold(title), general["colours"].get(colour(info))
    if fold(label) in said or (mark and fold(mark) in said):
        return capital(title)
    return str(general["lead"].format(label=label, title=title))


def _source(info: Info, station: StationFace, phrase: str) -> str:
    """Return who says it, and who passes it on where that is another."""
    if not info.sender_name or fold(info.sender_name) == fold(station.name):
        return station.name
    return str(phrase.format(sender=info.sender_name, station=station.name))


def _foreign(matter: Matter) -> str:
    """Return the name of the info's language where it isn't that of the text, else ""."""
    said, wanted = (tag.split("-", 1)[0].lower() for tag in (matter.info.language, matter.language))
    if not said or said == wanted:
        return ""
    return str(locale_of(matter.language).languages.get(said, said))


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
