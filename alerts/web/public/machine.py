"""What programs read: CAP messages, map data, the works' calendar, and what a search engine asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from icalendar import Calendar, Event, vRecur

from alerts.model.alert import SERIES_PARAMETER, Alert, Info
from alerts.model.cap import write
from alerts.model.post import EndReason
from alerts.web.public.setting import Setting
from alerts.web.public.told import Told, shapes_of

_TOOK_PLACE = (EndReason.ALL_CLEAR, EndReason.EXPIRED)
_ICAL_STATUS = {True: "CANCELLED", False: "CONFIRMED"}


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


def features(told: Told, setting: Setting) -> str:
    """Every area as a GeoJSON feature, one after the other; districts that are named alone with their outlines.

    What has no outline has a null geometry; `whole` tells that it is about the whole town, outline or not.
    """
    return ",".join(_json(feature) for feature in _features(told, setting))


def _features(told: Told, setting: Setting) -> list[Mapping[str, Any]]:
    alert, incident = told.incident.alert, told.incident
    said = {
        "incident": incident.id,
        "title": told.title,
        "url": setting.address(told.path),
        "severity": str(told.severity),
        "hazard": incident.hazard.value,
        "area": told.facts["area"],
        "when": told.facts["when"],
        "over": incident.ending is not None,
        "planned": incident.planned,
        "whole": told.whole,
        "onset": alert.starts.isoformat(timespec="seconds"),
        "expires": alert.ends.isoformat(timespec="seconds"),
    }
    shapes: list[Mapping[str, Any] | None] = [*shapes_of(told, setting)] or [None]
    return [
        {"type": "Feature", "id": f"{incident.id}/{n}", "geometry": _bare(shape), "properties": said | _radius(shape)}
        for n, shape in enumerate(shapes)
    ]


def _bare(shape: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return {name: value for name, value in shape.items() if name != "radius"} if shape else None


def _radius(shape: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"radius": shape["radius"]} if shape and "radius" in shape else {}


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
                for district in setting.districts
            ],
        }
    )


def calendar(planned: Sequence[Told], setting: Setting) -> bytes:
    """Works and cut-offs as iCalendar (RFC 5545); one that was called off stays, cancelled.

    One that was over sooner than was told did take place: it ends when it was over.
    """
    document = Calendar()
    document.add("prodid", "-//Tocsin//alerts//EN")
    document.add("version", "2.0")
    document.add("x-wr-calname", setting.station)
    for told in planned:
        document.add_component(_event(told, setting))
    document.add_missing_timezones()
    return bytes(document.to_ical())


def _event(told: Told, setting: Setting) -> Event:
    alert, facts = told.incident.alert, told.facts
    event = Event()
    event.add("uid", f"{told.incident.id}@{setting.sender.rpartition('@')[2]}")
    event.add("dtstamp", told.incident.changed_at)
    if not _repeats(event, alert, setting):
        event.add("dtstart", alert.starts.astimezone(UTC))
        event.add("dtend", max(_end_of(told), alert.starts + timedelta(minutes=1)).astimezone(UTC))
    event.add("summary", facts["headline"] or facts["title"])
    event.add("description", told.summary)
    if facts["area"]:
        event.add("location", facts["area"])
    event.add("url", setting.address(told.path))
    event.add("status", _ICAL_STATUS[_is_called_off(told)])
    return event


def _repeats(event: Event, alert: Alert, setting: Setting) -> bool:
    """Say of a series when it is first on and by what rule it repeats, as our own calendar source tells it.

    False for everything else, and where the rule can't be handed on: that is one span of time then.
    """
    info = alert.infos[0] if alert.infos else Info("")
    try:
        series = json.loads(info.parameter(SERIES_PARAMETER) or "null")
        if series is None or not series["rule"] or "+" in series["rule"]:
            return False
        first = alert.starts.astimezone(setting.zone)
        rule = vRecur.from_ical(series["rule"])
        if series["last"]:
            last = datetime.combine(date.fromisoformat(series["last"]), first.time(), setting.zone)
            rule["UNTIL"] = [last.astimezone(UTC)]
        off = [datetime.combine(date.fromisoformat(day), first.time(), setting.zone) for day in series["off"]]
        ends = (first.replace(tzinfo=None) + timedelta(seconds=series["length"])).replace(tzinfo=setting.zone)
    except (ValueError, TypeError, LookupError, AttributeError):
        return False
    event.add("dtstart", first)
    event.add("dtend", ends)
    event.add("rrule", rule)
    if off:
        event.add("exdate", off)
    return True


def _end_of(told: Told) -> datetime:
    """When works are over, or were."""
    ending = told.incident.ending
    is_done = ending is not None and ending.reason in _TOOK_PLACE and not _is_called_off(told)
    return ending.at if ending is not None and is_done else told.incident.alert.ends


def _is_called_off(told: Told) -> bool:
    """Whether they didn't take place, as far as anybody told: the all clear in their midst is no such word."""
    ending, alert = told.incident.ending, told.incident.alert
    if ending is None or ending.at >= alert.ends:
        return False
    return ending.reason not in _TOOK_PLACE or ending.at <= alert.starts


def sitemap(paths: Sequence[tuple[str, datetime]], setting: Setting) -> str:
    """The pages there are, with when each changed (sitemaps.org 0.9)."""
    lines = "\n".join(
        f"<url><loc>{escape(setting.address(path))}</loc><lastmod>{at.isoformat(timespec='seconds')}</lastmod></url>"
        for path, at in paths
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>\n'


def robots(setting: Setting) -> str:
    """Everything public may be indexed; the desk and the API are nothing to find. The map needs a whole address."""
    sitemap = f"Sitemap: {setting.address('/sitemap.xml')}\n" if setting.public_url else ""
    return f"User-agent: *\nDisallow: /desk\nDisallow: /api/\n{sitemap}"


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
