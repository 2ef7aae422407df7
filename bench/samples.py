"""What is measured with: alerts, messages, an index and a calendar, all made up here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.model import cap
from alerts.model.alert import Alert, Area, Category, Certainty, Info, NamedValue, Severity, Urgency

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_CODES = ("FR714", "FR717", "FR718", "FRK11", "FRK13", "FRK25")


def an_info(language: str = "fr-FR", areas: int = 2) -> Info:
    """An info as a weather service writes it."""
    return Info(
        event="Vent violent",
        categories=(Category.MET,),
        urgency=Urgency.EXPECTED,
        severity=Severity.SEVERE,
        certainty=Certainty.LIKELY,
        language=language,
        onset=NOW + timedelta(hours=1),
        expires=NOW + timedelta(hours=9),
        sender_name="Météo de la vallée",
        headline="Coup de vent sur la vallée",
        description="Les rafales atteindront 110 km/h sur les crêtes et 90 km/h en vallée. " * 3,
        instruction="Rentrez le mobilier de jardin. Ne marchez pas sous les arbres. Évitez de prendre la route.",
        web="https://meteo.example/vigilance",
        parameters=(NamedValue("awareness_level", "3; orange; Severe"), NamedValue("awareness_type", "1; Wind")),
        areas=tuple(
            Area(f"Vallée {place}", geocodes=(NamedValue("NUTS3", _CODES[place % len(_CODES)]),))
            for place in range(areas)
        ),
    )


def an_alert(name: str = "vent-1", languages: tuple[str, ...] = ("fr-FR",), areas: int = 2) -> Alert:
    """A warning in these languages."""
    infos = tuple(an_info(language, areas) for language in languages)
    return Alert(name, "meteo@vallee.example", NOW, infos=infos)


def messages() -> list[bytes]:
    """CAP messages of the sizes that feeds send, without polygons: 2 to 11 kB."""
    short = an_alert()
    bare = replace(short, infos=(replace(short.infos[0], description=None, instruction=None),))
    made = [bare, short, an_alert("vent-2", ("fr-FR", "en"), 6), an_alert("vent-3", ("fr-FR", "en", "it"), 10)]
    return [body for body in map(cap.write, made) if len(body) < 12_000]


def index(entries: int) -> bytes:
    """An Atom index as weather services publish it, with CAP's elements in each entry."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap='
    head += f'"{cap.NAMESPACE}"><id>urn:vallee</id><title>Vigilance</title><updated>{NOW.isoformat()}</updated>\n'
    entry = (
        "<entry><id>urn:vallee:{n}</id><title>Vent violent, vallée {n}</title><updated>{at}</updated>"
        '<link rel="alternate" type="application/cap+xml" href="https://meteo.example/cap/{n}.xml"/>'
        "<cap:event>Vent violent</cap:event><cap:status>Actual</cap:status><cap:msgType>Alert</cap:msgType>"
        "<cap:severity>Severe</cap:severity><cap:expires>{end}</cap:expires><cap:areaDesc>Vallée {n}</cap:areaDesc>"
        "</entry>\n"
    )
    at, end = NOW.isoformat(), (NOW + timedelta(hours=9)).isoformat()
    return (head + "".join(entry.format(n=n, at=at, end=end) for n in range(entries)) + "</feed>\n").encode()


def calendar(events: int) -> bytes:
    """A works calendar over one year: every tenth event comes back each week, ten times."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Ville//Travaux//FR"]
    for number in range(events):
        starts = NOW + timedelta(days=number * 365 / events)
        lines += [
            "BEGIN:VEVENT",
            f"UID:travaux-{number}@ville.example",
            f"DTSTAMP:{NOW:%Y%m%dT%H%M%SZ}",
            f"DTSTART:{starts:%Y%m%dT%H%M%SZ}",
            f"DTEND:{starts + timedelta(hours=8):%Y%m%dT%H%M%SZ}",
            f"SUMMARY:Travaux rue {number}",
            "DESCRIPTION:La circulation est alternée.",
            f"LOCATION:Rue {number}",
            *(["RRULE:FREQ=WEEKLY;COUNT=10"] if number % 10 == 0 else []),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
