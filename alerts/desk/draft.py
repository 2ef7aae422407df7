"""A duty officer's words made into a CAP alert: missing fields have defaults, wrong ones are reported.

Before it may go out it has to be complete (`must_be_complete`): an instruction, a place, and no blank left to fill in.
A prepared text is only half a message: its blanks (`{place}`) are for the officer. A Severe or Extreme alert has an
instruction, in the officer's words or in the hazard's prepared ones; "stay alert" is neither. An order to leave or take
shelter names its addressees. An exercise follows the same rules. Ends are exempt: nothing may delay one.
"""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from alerts.desk.dedupe import end_reason
from alerts.desk.outlines import drawn_areas
from alerts.desk.territory import territory_of
from alerts.model.alert import Alert, Area, Category, Certainty, Info, NamedValue, Resource, Severity, Status, Urgency
from alerts.model.bounds import seen, stream_safe
from alerts.model.errors import Misuse
from alerts.model.hazard import HAZARD_PARAMETER, NEEDS_A_PLACE, Hazard, fold, hazard_of
from alerts.model.reason import Reason, because
from alerts.model.town import Town, parse_span
from alerts.rendering.plain import WHOLE_TOWN, blanks_of, is_filler, is_whole_town

# An alert without an end would be on for ever; officers extend it.
LASTS = timedelta(hours=12)
# Shorter spans are meant to the minute.
_ROUNDED_FROM = timedelta(hours=1)
# More than a telephone's photo; the channels have lower limits of their own.
LARGEST_PICTURE = 5 * 1024 * 1024
# A time of day as people type it: 18:30, 18h30.
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# What stands before a town's name on its letters, and an officer leaves off.
OFFICE = re.compile(r"^(?:(?:ville|commune|mairie) d(?:e |u |es |[’'])|(?:town|city) of )", re.IGNORECASE)
# By their first bytes too, for a file's name proves nothing.
_PICTURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}
# Ten years: what lies further off was mistyped.
_FURTHEST = timedelta(days=3660)
_KEPT = "\n\t"
# Above any sensible text, and below what would slow down its checks.
_LONGEST_LINE, LONGEST_TEXT, _LONGEST_ADDRESS = 1000, 20_000, 2000
# Blanks but for those that French sets before a colon, where no line may break.
_BLANKS = re.compile(r"[^\S\u00a0\u202f]+")


@dataclass(frozen=True, slots=True)
class Lack:
    """A missing part: the field of a draft, the fault and the allowed values."""

    field: str
    reason: Reason


def must_be_complete(alert: Alert, station: str, says_what_to_do: Callable[[Alert], bool]) -> None:
    """Raise Misuse for what an officer's alert lacks. `says_what_to_do`: whether its posts do, of themselves."""
    lacks = lacking(alert, station, says_what_to_do)
    if lacks:
        raise Misuse(lacks[0].reason)


def lacking(alert: Alert, station: str, says_what_to_do: Callable[[Alert], bool]) -> list[Lack]:
    """Return the missing parts of an officer's alert; an end has none."""
    if end_reason(alert) is not None:
        return []
    found = [lack for info in alert.infos for lack in (*_blanks(info), *_place(info, station))]
    return [*found, *_what_to_do(alert, says_what_to_do)]


def _blanks(info: Info) -> list[Lack]:
    """The blanks that are left, all of them, at the field of the first."""
    left = blanks_of(info)
    if not left:
        return []
    fields = (("headline", info.headline), ("description", info.description), ("instruction", info.instruction))
    field = next((name for name, text in fields if left[0] in (text or "")), "place")
    return [Lack(field, because("blanks_left", blanks=", ".join(left)))]


def _place(info: Info, station: str) -> list[Lack]:
    hazard = hazard_of(info)
    named = [area for area in info.areas if area.description and fold(area.description) != fold(station)]
    if hazard not in NEEDS_A_PLACE or named:
        return []
    return [Lack("area", because("place_missing"))]


def _what_to_do(alert: Alert, says_what_to_do: Callable[[Alert], bool]) -> list[Lack]:
    grave = [info for info in alert.infos if info.severity.at_least(Severity.SEVERE)]
    for info in grave:
        if is_filler(info.instruction):
            return [Lack("instruction", because("careful_alone"))]
    if not grave or all(info.instruction for info in grave) or says_what_to_do(alert):
        return []
    return [Lack("instruction", because("instruction_missing"))]


@dataclass(frozen=True, slots=True)
class Draft:
    """The input of `tocsin post`, under CAP's names; times are as typed (a time, or a span such as `6h`).

    The console has further fields: `hazard` names the hazard explicitly, `polygons` and `circles` are as in CAP,
    `place` describes their place in words; in an update `nowhere` removes the place, and `no_picture` the earlier
    picture. `areas` and `place` may be the whole town in words, or the town's own name.
    """

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
    hazard: Hazard | None = None
    place: str | None = None
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    nowhere: bool = False
    no_picture: bool = False


def draft_alert(draft: Draft, station: Town, now: datetime, identity: str) -> Alert:
    """The CAP alert of a draft. Raises Misuse naming the option, what is wrong and what is allowed."""
    return Alert(
        identifier=f"tocsin-{identity}",
        sender=station.sender,
        sent=_whole(now, station.zone),
        status=Status.EXERCISE if draft.exercise else Status.ACTUAL,
        infos=(_info(draft, station, now),),
    )


def _info(draft: Draft, station: Town, now: datetime) -> Info:
    headline = _line("--headline", draft.headline)
    if not headline:
        raise Misuse(because("headline_missing"))
    onset, expires = _times(draft, station, now)
    language = _language(draft.language) or station.language
    return Info(
        event=_line("--event", draft.event) or ("Alerte" if language.lower().startswith("fr") else "Alert"),
        categories=(draft.category,),
        severity=draft.severity,
        urgency=draft.urgency,
        certainty=draft.certainty,
        language=language,
        onset=onset,
        expires=expires,
        sender_name=station.name,
        headline=headline,
        description=_text("--description", draft.description),
        instruction=_text("--instruction", draft.instruction),
        web=_web(draft.web),
        resources=_picture(draft, headline),
        parameters=(NamedValue(HAZARD_PARAMETER, draft.hazard),) if draft.hazard else (),
        areas=_where(draft, station),
    )


def picture_kind(data: bytes) -> str:
    """The MIME type of a picture by its content. Raises Misuse for what not every channel takes."""
    if len(data) > LARGEST_PICTURE:
        raise Misuse(because("picture_too_large", size=round(len(data) / 1e6, 1)))
    kind = next((kind for kind, start in _PICTURES.items() if data.startswith(start)), None)
    if kind is None:
        raise Misuse(because("picture_of_no_kind"))
    return kind


def read_time(option: str, text: str, now: datetime, zone: tzinfo) -> datetime:
    """A span from now (`6h`), an hour (`18:30`, the next one), or a date and time of the station, in UTC.

    A local time that the change of the hour skips is an hour later, one that it has twice is the first. Raises Misuse.
    """
    try:
        time = _read_time(text.strip(), now, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misuse(because("time_unread", option=option, text=repr(text))) from None
    if abs(time - now) > _FURTHEST:
        raise Misuse(because("time_too_far", option=option, text=repr(text)))
    return time


def _read_time(typed: str, now: datetime, zone: tzinfo) -> datetime:
    if clock := _CLOCK.fullmatch(typed):
        local = now.astimezone(zone).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return local if local.astimezone(UTC) > now else local + timedelta(days=1)
    if re.match(r"\d{4}-", typed):
        time = datetime.fromisoformat(typed)
        return time if time.tzinfo else time.replace(tzinfo=zone)
    return now.astimezone(UTC) + parse_span(typed)


def _times(draft: Draft, station: Town, now: datetime) -> tuple[datetime | None, datetime]:
    """Return the onset, if given, and the end: both in the town's zone, and the end after the onset and now."""
    zone = station.zone
    onset = read_time("--onset", draft.onset, now, zone) if draft.onset else None
    start = max(onset or now, now)
    expires = read_time("--expires", draft.expires, now, zone) if draft.expires else start + LASTS
    if not draft.expires or (is_span(draft.expires) and expires - now >= _ROUNDED_FROM):
        expires = _quarter(expires)
    if expires <= start:
        where = "before" if expires < start else "at"
        limit = "now" if start == now else "its onset"
        raise Misuse(because("expires_too_early", text=repr(draft.expires), where=f"{where} {limit}"))
    return _whole(onset, zone) if onset else None, _whole(expires, zone)


def is_span(text: str) -> bool:
    """True if a time was typed as a span from now rather than as an hour or a date."""
    try:
        parse_span(text.strip())
    except ValueError:
        return False
    return True


def _quarter(time: datetime) -> datetime:
    """The next quarter of an hour, seconds aside: nobody says that something lasts until 6:07pm."""
    minute = time.replace(second=0, microsecond=0)
    return minute + timedelta(minutes=-minute.minute % 15)


def _whole(time: datetime, zone: tzinfo) -> datetime:
    """Return a time as CAP requires it, in whole seconds with an offset; the town's reads best."""
    return time.replace(microsecond=0).astimezone(zone)


def _line(option: str, text: str | None) -> str | None:
    _must_fit(option, text, _LONGEST_LINE)
    line = _BLANKS.sub(" ", stream_safe(text or "")).strip()
    if any(unicodedata.category(character) == "Cc" for character in line):
        raise Misuse(because("control_character", option=option))
    return seen(line).strip() or None


def _text(option: str, text: str | None) -> str | None:
    """Several lines, if that is how it was typed."""
    _must_fit(option, text, LONGEST_TEXT)
    lines = stream_safe(text or "").replace("\r\n", "\n").strip()
    if any(unicodedata.category(character) == "Cc" and character not in _KEPT for character in lines):
        raise Misuse(because("control_character", option=option))
    return seen(lines).strip() or None


def _must_fit(option: str, text: str | None, most: int) -> None:
    """Raise Misuse for a text that is too long, before anything reads it: a cut alert would have another meaning."""
    if text is not None and len(text) > most:
        raise Misuse(because("text_too_long", option=option, count=len(text), most=most))


def _language(tag: str | None) -> str | None:
    if tag is not None and not _LANGUAGE.fullmatch(tag):
        raise Misuse(because("language_tag", text=repr(tag)))
    return tag


def _web(address: str | None) -> str | None:
    _must_fit("--web", address, _LONGEST_ADDRESS)
    if address and not re.fullmatch(r"https?://[^\s/]+\S*", address):
        raise Misuse(because("web_address", text=repr(address)))
    return address or None


def _picture(draft: Draft, headline: str) -> tuple[Resource, ...]:
    if draft.image is None:
        if draft.alt is not None:
            raise Misuse(because("picture_alone"))
        return ()
    path = draft.image
    kind, _ = mimetypes.guess_type(path.name)
    if kind not in _PICTURES:
        raise Misuse(because("picture_name", file=repr(str(path))))
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise Misuse(because("picture_unread", file=repr(str(path)), said=error.strerror)) from None
    if size > LARGEST_PICTURE:
        raise Misuse(because("picture_file_too_large", file=repr(str(path)), size=round(size / 1e6, 1)))
    # The content must be of the type that the name promises.
    if not start.startswith(_PICTURES[kind]):
        raise Misuse(because("picture_lies", file=repr(str(path))))
    return (Resource(_line("--alt", draft.alt) or headline, kind, uri=path.resolve().as_uri(), size=size),)


def _where(draft: Draft, station: Town) -> tuple[Area, ...]:
    place = _line("--place", draft.place)
    is_drawn = bool(draft.polygons or draft.circles)
    if any(_is_whole(name, station) for name in (*draft.areas, *([place] if place and not is_drawn else ()))):
        return (_everywhere(WHOLE_TOWN["fr" if station.language.lower().startswith("fr") else "en"], station),)
    if place and not draft.areas and not is_drawn and station.districts:
        return (Area(place),)  # in words alone: not the whole town, and no outline
    named = _areas(draft.areas, station) if draft.areas or not is_drawn else ()
    return drawn_areas(named, draft.polygons, draft.circles, place, station)


def _areas(named: tuple[str, ...], station: Town) -> tuple[Area, ...]:
    territory = territory_of(station)
    if not named:
        return (_everywhere(station.name, station),)  # told nowhere, and routed everywhere: posts name no place
    if not territory.districts:
        return tuple(Area(name, geocodes=territory.codes) for name in named)
    return tuple(territory.district(name).as_area() for name in named)


def _everywhere(words: str, station: Town) -> Area:
    territory = territory_of(station)
    districts = tuple(code for district in territory.districts for code in district.as_area().geocodes)
    return Area(words, geocodes=territory.codes or districts)


def _is_whole(name: str, station: Town) -> bool:
    """True if an officer chose the whole town; a district of that name has precedence."""
    if any(fold(name) in (fold(each.name), fold(each.code)) for each in station.districts):
        return False
    return is_whole_town(name) or fold(name) in (fold(station.name), fold(OFFICE.sub("", station.name)))
