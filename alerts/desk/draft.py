"""A duty officer's words made into a CAP alert: what was not said has a default, what was said wrong is told."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from alerts.desk.station import Station
from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    Resource,
    Severity,
    Status,
    Urgency,
)
from alerts.model.errors import Misuse
from alerts.model.span import parse_span

LASTS = timedelta(hours=12)
LARGEST_PICTURE = 5 * 1024 * 1024
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)?")


@dataclass(frozen=True, slots=True)
class Draft:
    """What `tocsin post` takes, under CAP's names; times are as typed (a time, or a span such as `6h`)."""

    headline: str
    description: str | None = None
    instruction: str | None = None
    event: str | None = None
    category: Category = Category.SAFETY
    severity: Severity = Severity.MODERATE
    urgency: Urgency = Urgency.EXPECTED
    certainty: Certainty = Certainty.LIKELY
    onset: str | None = None
    expires: str | None = None
    areas: tuple[str, ...] = ()
    web: str | None = None
    image: Path | None = None
    alt: str | None = None
    language: str | None = None
    exercise: bool = False


def draft_alert(draft: Draft, station: Station, now: datetime, identity: str) -> Alert:
    """The CAP alert of a draft. Raises Misuse naming the option, what is wrong and what is allowed."""
    headline = _line("--headline", draft.headline)
    if not headline:
        raise Misuse("--headline is missing; allowed: one line that says what happens")
    onset = read_time("--onset", draft.onset, now, station.timezone) if draft.onset else None
    start = max(onset or now, now)
    expires = read_time("--expires", draft.expires, now, station.timezone) if draft.expires else start + LASTS
    if expires <= start:
        raise Misuse(f"--expires {draft.expires!r} is before {'its onset' if onset else 'now'}; allowed: a later time")
    language = draft.language or station.language
    info = Info(
        event=_line("--event", draft.event) or ("Alerte" if language.lower().startswith("fr") else "Alert"),
        categories=(draft.category,),
        severity=draft.severity,
        urgency=draft.urgency,
        certainty=draft.certainty,
        language=language,
        onset=_whole(onset) if onset else None,
        expires=_whole(expires),
        sender_name=station.name,
        headline=headline,
        description=draft.description or None,
        instruction=draft.instruction or None,
        web=_web(draft.web),
        resources=_picture(draft, headline),
        areas=_areas(draft.areas, station),
    )
    return Alert(
        identifier=f"tocsin-{identity}",
        sender=station.sender,
        sent=_whole(now),
        status=Status.EXERCISE if draft.exercise else Status.ACTUAL,
        infos=(info,),
    )


def read_time(option: str, text: str, now: datetime, zone: tzinfo) -> datetime:
    """A span from now (`6h`), an hour (`18:30`, the next one), or a date and time. Raises Misuse."""
    typed = text.strip()
    if clock := _CLOCK.fullmatch(typed):
        local = now.astimezone(zone).replace(hour=int(clock[1]), minute=int(clock[2] or 0), second=0, microsecond=0)
        return local if local > now else local + timedelta(days=1)
    try:
        time = datetime.fromisoformat(typed)
    except ValueError:
        time = None
    if time is not None:
        return time if time.tzinfo else time.replace(tzinfo=zone)
    try:
        return now + parse_span(typed)
    except (ValueError, OverflowError):
        allowed = "a span such as 6h, an hour such as 18:30, or 2026-11-25T18:00"
        raise Misuse(f"{option} {text!r} is no time; allowed: {allowed}") from None


def _whole(time: datetime) -> datetime:
    """CAP's times have whole seconds."""
    return time.replace(microsecond=0)


def _line(option: str, text: str | None) -> str | None:
    line = " ".join((text or "").split())
    if any(unicodedata.category(character) == "Cc" for character in line):
        raise Misuse(f"{option} holds a control character; allowed: plain text")
    return line or None


def _web(address: str | None) -> str | None:
    if address is not None and not re.fullmatch(r"https?://[^\s/]+\S*", address):
        raise Misuse(f"--web {address!r} is no address; allowed: such as https://saint-martin.example/eau")
    return address


def _picture(draft: Draft, headline: str) -> tuple[Resource, ...]:
    if draft.image is None:
        if draft.alt is not None:
            raise Misuse("--alt describes a picture, and there is none; allowed: beside --image FILE")
        return ()
    path = draft.image
    kind, _ = mimetypes.guess_type(path.name)
    if kind not in ("image/jpeg", "image/png"):
        raise Misuse(f"--image {str(path)!r} is no picture that every channel takes; allowed: .jpg or .png")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Misuse(f"--image {str(path)!r} can't be read: {error.strerror}") from None
    if size > LARGEST_PICTURE:
        raise Misuse(f"--image {str(path)!r} has {size / 1e6:.1f} MB; allowed: up to 5 MB")
    return (Resource(draft.alt or headline, kind, uri=path.resolve().as_uri(), size=size),)


def _areas(named: tuple[str, ...], station: Station) -> tuple[Area, ...]:
    territory = station.territory
    if not named:
        whole = territory.codes or tuple(
            code for district in territory.districts for code in district.as_area().geocodes
        )
        return (Area(station.name, geocodes=whole),)
    if not territory.districts:
        return tuple(Area(name, geocodes=territory.codes) for name in named)
    return tuple(territory.district(name).as_area() for name in named)
