"""Documents for programs: CAP messages, map data, the works' calendar, the Atom feed, linked data, the site map.

Each function makes one document, or one incident's part of it, of incidents that are in words already (`IncidentText`).
Ids in them are permanent: a feed reader, a calendar or a search engine recognises a changed one. Outlines are RFC
7946's, with no more points than a telephone draws; they are needed in every language, so the newest are cached.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from icalendar import Calendar, Event, Timezone, vRecur

from alerts.listening.answering import FaqEntry
from alerts.model.alert import SERIES_PARAMETER, Alert, Info, Point
from alerts.model.bounds import Ring, read_json, together
from alerts.model.cap import write
from alerts.model.post import EndReason
from alerts.web.public.answers import static_path
from alerts.web.public.snapshot import IncidentText, Setting

# Decimals of a degree: ten centimetres (RFC 7946, 11.2).
_PLACES = 6
# The ends of what did take place.
_TOOK_PLACE = (EndReason.ALL_CLEAR, EndReason.EXPIRED)
# Characters that XML 1.0 has no way to write.
_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))


def cap_message(alert: Alert) -> bytes:
    """The message as it may be handed on: a file of this machine is nobody's business."""
    infos = tuple(
        replace(info, resources=tuple(each for each in info.resources if not (each.uri or "").startswith("file:")))
        for info in alert.infos
    )
    return write(replace(alert, infos=infos))


def collection(features: Iterable[str]) -> str:
    """The GeoJSON (RFC 7946) of what `features` spelled out."""
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'


def manifest(setting: Setting) -> str:
    """Return the manifest that makes an app of the pages (W3C): its name, its style, its start page."""
    town = setting.town
    sizes = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"))
    icons = [
        {"src": f"{town.mount}{static_path(name)}", "sizes": size, "type": "image/png", "purpose": purpose}
        for name, size, purpose in (*sizes, ("icon-maskable-512.png", "512x512", "maskable"))
    ]
    manifest_fields = {
        "id": f"{town.mount}/",
        "name": town.name,
        "short_name": town.name.rpartition(" ")[2][:12] or town.name[:12],
        "lang": town.language,
        "dir": "ltr",
        "start_url": f"{town.mount}/",
        "scope": f"{town.mount}/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": town.accent or "#b3261e",
        "icons": icons,
    }
    return json.dumps(manifest_fields, ensure_ascii=False)


def features(text: IncidentText, setting: Setting) -> str:
    """Return every area as a GeoJSON feature, one after the other; districts given by name get their outlines.

    An area without an outline has a null geometry; `whole` is true for the whole town, outline or not.
    """
    alert, incident = text.incident.alert, text.incident
    said = {
        "incident": incident.id,
        "title": text.title,
        "url": setting.address(text.path),
        "severity": str(text.severity),
        "hazard": incident.hazard.value,
        "area": text.facts["area"],
        "when": text.facts["when"],
        "over": incident.ending is not None,
        "planned": incident.planned,
        "whole": text.whole,
        "onset": alert.starts.isoformat(timespec="seconds"),
        "expires": alert.ends.isoformat(timespec="seconds"),
    }
    shapes: list[Mapping[str, Any] | None] = [*shapes_of(text, setting)] or [None]
    return ",".join(_json(_feature(f"{incident.id}/{n}", shape, said)) for n, shape in enumerate(shapes))


def _feature(name: str, shape: Mapping[str, Any] | None, said: Mapping[str, Any]) -> Mapping[str, Any]:
    # GeoJSON knows no circles: a circle is its centre, and its radius a property, which the map draws.
    geometry = {key: value for key, value in shape.items() if key != "radius"} if shape else None
    radius = {"radius": shape["radius"]} if shape and "radius" in shape else {}
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": {**said, **radius}}


def shapes_of(text: IncidentText, setting: Setting) -> Sequence[Mapping[str, Any]]:
    """Return the outlines of its area; those of the districts if they are given by name or code alone."""
    codes = text.districts or frozenset()
    districts = [dict(each.outline) for each in setting.town.districts if each.code in codes]
    return outlines(text.incident.alert) or districts


def outlines(alert: Alert) -> Sequence[Mapping[str, Any]]:
    """The alert's areas as GeoJSON geometries (RFC 7946: longitude first); a circle is its centre with a radius.

    All outlines together have no more points than a telephone draws (`alerts.model.bounds.MOST_SHOWN`).
    """
    shapes: list[Mapping[str, Any]] = []
    rings = iter(_fitted(tuple(ring for area in alert.areas for ring in area.polygons)))
    for area in alert.areas:
        shown = [ring for _, ring in zip(area.polygons, rings, strict=False) if ring]
        shapes += [{"type": "Polygon", "coordinates": [_outline(ring)]} for ring in shown]
        shapes += [
            {"type": "Point", "coordinates": _spot(circle.centre), "radius": circle.radius * 1000}
            for circle in area.circles
        ]
    return shapes


@lru_cache(maxsize=16)
def _fitted(rings: tuple[Ring, ...]) -> Sequence[Ring]:
    """The rings of one alert as the public gets them; asked for in every language, one after the other."""
    return together(rings)


def _spot(point: Point) -> list[float]:
    return [round(point[1], _PLACES), round(point[0], _PLACES)]


@lru_cache(maxsize=16)
def _outline(ring: tuple[Point, ...]) -> Sequence[Sequence[float]]:
    """A ring as RFC 7946 wants an outer one: against the clock (3.1.6).

    One that crosses the antimeridian goes on beyond 180: back at -180 it would run around the whole earth. It is asked
    for in every language, one after the other.
    """
    unwound = [_spot(point) for point in ring]
    # Each point is taken next to the one before, by whole turns.
    for before, point in pairwise(unwound):
        point[0] += 360.0 * round((before[0] - point[0]) / 360)
    if unwound[0] != unwound[-1]:  # around a pole, which has no outline on a flat map
        unwound = [_spot(point) for point in ring]
    twice = sum((x2 - x1) * (y2 + y1) for (x1, y1), (x2, y2) in pairwise(unwound))
    return unwound[::-1] if twice > 0 else unwound


def streets(setting: Setting) -> str:
    """Return the town's streets with the codes of their districts, for a search in the browser."""
    return _json({"streets": [(street, codes) for street, codes in setting.town.districts_of.items()]})


def districts(setting: Setting) -> str:
    """The town's districts as GeoJSON."""
    return _json(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": dict(district.outline),
                    "properties": {"code": district.code, "name": district.name},
                }
                for district in setting.town.districts
            ],
        }
    )


@dataclass(frozen=True, slots=True)
class Planned:
    """An incident's share of the calendar: its event, and the zone that its times are in, where they need one."""

    event: bytes
    zone: bytes = b""


def planned(text: IncidentText, setting: Setting) -> Planned:
    """Return works or a cut-off as iCalendar (RFC 5545); a cancelled one stays, marked as such.

    One that was over sooner than announced did take place: it ends when it was over.
    """
    event = _event(text, setting)
    spelled = event.to_ical()
    if b"TZID=" not in spelled:
        return Planned(spelled)
    alone = Calendar()
    alone.add_component(event)
    return Planned(spelled, b"".join(map(_zone, sorted(alone.get_missing_tzids()))))


@lru_cache(maxsize=16)
def _zone(name: str) -> bytes:
    """A zone's rules, which are long, as iCalendar wants them; nothing where it isn't known."""
    try:
        return bytes(Timezone.from_tzid(name).to_ical())
    except ValueError:
        return b""


def calendar(shown: Iterable[Planned], setting: Setting) -> bytes:
    """The calendar of all of them."""
    document, shown = Calendar(), tuple(shown)
    document.add("prodid", "-//Tocsin//alerts//EN")
    document.add("version", "2.0")
    document.add("x-wr-calname", setting.town.name)
    head, end, rest = document.to_ical().partition(b"END:VCALENDAR")
    zones = dict.fromkeys(each.zone for each in shown)
    return b"".join([head, *zones, *(each.event for each in shown), end, rest])


def _event(text: IncidentText, setting: Setting) -> Event:
    alert, facts = text.incident.alert, text.facts
    event = Event()
    # A calendar program knows an event again by this alone, whatever else changed (RFC 5545, 3.8.4.7).
    event.add("uid", f"{text.incident.id}@{setting.town.sender.rpartition('@')[2]}")
    event.add("dtstamp", text.incident.changed_at)
    if not _repeats(event, alert, setting):
        event.add("dtstart", alert.starts.astimezone(UTC))
        # An end has to be later than the start (RFC 5545, 3.8.2.2).
        event.add("dtend", max(_end_of(text), alert.starts + timedelta(minutes=1)).astimezone(UTC))
    event.add("summary", facts["headline"] or facts["title"])
    event.add("description", text.summary)
    if facts["area"]:
        event.add("location", facts["area"])
    event.add("url", setting.address(text.path))
    event.add("status", "CANCELLED" if _is_called_off(text) else "CONFIRMED")
    return event


def _repeats(event: Event, alert: Alert, setting: Setting) -> bool:
    """Add a series' first date and rule to an event, from our own calendar source; returns True if it did.

    False for all others, and if the rule can't be expressed: that is one span of time then.
    """
    info = alert.infos[0] if alert.infos else Info("")
    try:
        series = read_json(info.parameter(SERIES_PARAMETER) or "null")
        # Several rules are joined by a plus in our own calendar source; one event can hold one.
        if series is None or not series["rule"] or "+" in series["rule"]:
            return False
        first = alert.starts.astimezone(setting.town.zone)
        rule = vRecur.from_ical(series["rule"])
        if series["last"]:
            last = datetime.combine(date.fromisoformat(series["last"]), first.time(), setting.town.zone)
            # In UTC where the start has a zone (RFC 5545, 3.3.10).
            rule["UNTIL"] = [last.astimezone(UTC)]
        off = [datetime.combine(date.fromisoformat(day), first.time(), setting.town.zone) for day in series["off"]]
        # By the clock on the wall: works from 22:00 to 6:00 are so too in the night in which the clocks are set.
        ends = (first.replace(tzinfo=None) + timedelta(seconds=series["length"])).replace(tzinfo=setting.town.zone)
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
    event.add("dtstart", first)
    event.add("dtend", ends)
    event.add("rrule", rule)
    if off:
        event.add("exdate", off)
    return True


def _end_of(text: IncidentText) -> datetime:
    """When works are over, or were."""
    ending = text.incident.ending
    is_done = ending is not None and ending.reason in _TOOK_PLACE and not _is_called_off(text)
    return ending.at if ending is not None and is_done else text.incident.alert.ends


def _is_called_off(text: IncidentText) -> bool:
    """True if they are known not to have taken place: an all clear in their midst doesn't mean that."""
    ending, alert = text.incident.ending, text.incident.alert
    if ending is None or ending.at >= alert.ends:
        return False
    return ending.reason not in _TOOK_PLACE or ending.at <= alert.starts


def feed(entries: Sequence[Entry], setting: Setting, language: str, title: str, now: datetime) -> str:
    """The feed of one language, newest first; its ids never change."""
    home = setting.address(setting.path(language))
    own = setting.address(setting.path(language, "feed.atom"))
    # A feed needs a date (RFC 4287, 4.1.1); an empty one is as new as it can be.
    updated = max((entry.at for entry in entries), default=now)
    head = [
        f"<id>{_text(setting.identity(setting.path(language)))}</id>",
        f"<title>{_text(title)}</title>",
        f"<updated>{updated.isoformat(timespec='seconds')}</updated>",
        f'<link rel="alternate" type="text/html" href={_value(home)}/>',
        f'<link rel="self" type="application/atom+xml" href={_value(own)}/>',
        f"<author><name>{_text(setting.town.name)}</name></author>",
    ]
    newest = sorted(entries, key=attrgetter("at"), reverse=True)
    lines = "\n".join([*head, *(entry.text for entry in newest)])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={_value(language)}>\n{lines}\n</feed>\n'
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """An incident's share of the feed, and when the public last learned something new of it."""

    at: datetime
    text: str


def entry(text: IncidentText, setting: Setting) -> Entry:
    """The entry of an incident."""
    return Entry(text.incident.changed_at, "\n".join(_entry(text, setting)))


def _entry(text: IncidentText, setting: Setting) -> Iterator[str]:
    page = setting.address(text.path)
    yield "<entry>"
    yield f"<id>{_text(setting.identity(text.path))}</id>"
    yield f"<title>{_text(text.title)}</title>"
    yield f"<published>{text.incident.versions[0].received_at.isoformat(timespec='seconds')}</published>"
    yield f"<updated>{text.incident.changed_at.isoformat(timespec='seconds')}</updated>"
    # Its own author wins over the feed's (4.2.1): the town doesn't sign what another says.
    if not text.facts["own"]:
        yield f"<author><name>{_text(text.facts['sender'])}</name></author>"
    yield f'<link rel="alternate" type="text/html" href={_value(page)}/>'
    for stored in _messages_of(text):
        message = _value(setting.address(f"/cap/{stored}.xml"))
        yield f'<link rel="related" type="application/cap+xml" href={message}/>'
    yield f"<summary>{_text(text.summary)}</summary>"
    yield "</entry>"


def _messages_of(text: IncidentText) -> list[str]:
    """The ids of the messages that the public may read, newest first."""
    ids = [stored.id for stored in text.incident.versions]
    if text.end and text.end.stored:
        ids.append(text.end.stored.id)
    return ids[::-1]


def _text(text: str) -> str:
    return escape(text.translate(_NOT_XML))


def _value(text: str) -> str:
    return quoteattr(text.translate(_NOT_XML))


def announcement(text: IncidentText, setting: Setting) -> Mapping[str, Any]:
    """https://schema.org/SpecialAnnouncement; times in the station's zone."""
    incident, alert = text.incident, text.incident.alert
    ends = incident.ending.at if incident.ending else alert.ends

    def spelled(moment: datetime) -> str:
        return moment.astimezone(setting.town.zone).isoformat(timespec="seconds")

    return {
        "@context": "https://schema.org",
        "@type": "SpecialAnnouncement",
        "@id": setting.address(text.path),
        "url": setting.address(text.path),
        "name": text.title,
        "text": text.summary,
        "inLanguage": text.language,
        "datePosted": spelled(incident.versions[0].received_at),
        "dateModified": spelled(incident.changed_at),
        "expires": spelled(ends),
        "spatialCoverage": [
            {"@type": "AdministrativeArea", "name": name} for name in (text.facts["areas"] or [setting.town.name])
        ],
        "publisher": {"@type": "GovernmentOrganization", "name": setting.town.name, "url": setting.address("/")},
    }


def questions(asked: Sequence[FaqEntry], address: str) -> Mapping[str, Any]:
    """https://schema.org/FAQPage of the questions that were answered and that an officer worded."""
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "@id": f"{address}#questions",
        "mainEntity": [
            {
                "@type": "Question",
                "name": each.question,
                "acceptedAnswer": {"@type": "Answer", "text": each.answer, "inLanguage": each.language},
            }
            for each in asked
            if each.question
        ],
    }


def sitemap(paths: Sequence[tuple[str, datetime]], setting: Setting) -> str:
    """The pages there are, with when each changed (sitemaps.org 0.9)."""
    lines = "\n".join(
        f"<url><loc>{escape(setting.address(path))}</loc><lastmod>{at.isoformat(timespec='seconds')}</lastmod></url>"
        for path, at in paths
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>\n'


def robots(setting: Setting) -> str:
    """Everything public may be indexed; the desk and the API are nothing to find. The map needs a whole address."""
    sitemap = f"Sitemap: {setting.address('/sitemap.xml')}\n" if setting.town.public_url else ""
    return f"User-agent: *\nDisallow: /desk\nDisallow: /api/\n{sitemap}"


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
