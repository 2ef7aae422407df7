"""The requests of Open311 GeoReport v2: which reports are listed for whom and how, and a report that comes this way.

Everybody gets the reports that an officer accepted and that the map may show; a program with a token also the
unreviewed ones, without their words. Kinds that aren't public are never listed. All of it is coarse as on the map: the
middle of a square, a street, the day. So a time in a query is read as its whole days.

Answers have two forms (`written`). The content is one value of mappings and lists. JSON has it unchanged. XML has an
element for each key, and in a list one for each entry, whose name derives from the list's (the standard's "Spark
convention"); null is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.reason import Reason, because
from alerts.model.reports import LONGEST_PLACE, LONGEST_TEXT, CitizenReport, Closing, ReportKind, ReportState, Via
from alerts.model.town import Town
from alerts.rendering.i18n import sentence, word
from alerts.reports.places import Places
from alerts.reports.public import GONE_AFTER, MOST_PINS, may_show, pin_of
from alerts.reports.taking import ReportDraft, TakenReport, link_of
from alerts.store.report_lists import ShownReport
from alerts.web.api.problems import Problem, ProblemType

SPAN = timedelta(days=90)
MOST = 1000
"""Requests in one answer, and the days that one may ask for: the standard's own limits."""
MOST_NAMED = 100
OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True)
class Open311Query:
    """Which requests are asked for. `names` overrides all else; `since` and `until` bound the day of a report."""

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = (OPEN, CLOSED)
    since: datetime | None = None
    until: datetime | None = None


def query_of(parameters: Mapping[str, str], now: datetime) -> Open311Query:
    """Return the filter in a query's parameters. Raises Problem."""
    names = _several(parameters.get("service_request_id"))
    if len(names) > MOST_NAMED:
        raise Problem(ProblemType.MALFORMED, because("open311_many_ids", most=MOST_NAMED))
    states = _several(parameters.get("status")) or (OPEN, CLOSED)
    if not set(states) <= {OPEN, CLOSED}:
        raise Problem(ProblemType.MALFORMED, because("open311_status", name="status", allowed=[OPEN, CLOSED]))
    since, until = (
        moment_of(name, parameters[name]) if parameters.get(name) else None for name in ("start_date", "end_date")
    )
    if until is None:
        until = min(since + SPAN, now) if since is not None and since <= now else now
    if since is None:
        since = until - SPAN
    # A day is 23 to 25 hours long, and whoever asks from midnight to midnight means 90 of them.
    if not timedelta() <= until - since <= SPAN + timedelta(hours=1):
        raise Problem(
            ProblemType.MALFORMED, because("open311_span", first="start_date", last="end_date", days=SPAN.days)
        )
    return Open311Query(names, _several(parameters.get("service_code")), states, since, until)


def _several(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


# --- what is told


def is_listed(report: CitizenReport, town: Town, now: datetime, *, by_token: bool) -> bool:
    """True if that report is listed, for everybody or for a program with a token."""
    if not by_token:
        return report.accepted_at is not None and may_show(report, town, now)
    kind = town.reports.kind(report.kind) if town.reports is not None else None
    is_over = report.closed_at is not None and report.closed_at + GONE_AFTER <= now
    is_gone = report.state is ReportState.SET_ASIDE or report.closing is Closing.ERASED or report.lat is None
    return kind is not None and kind.public and not is_over and not is_gone


def named(unit: DeskUnit, town: Town, names: Iterable[str], *, by_token: bool) -> Sequence[ShownReport]:
    """Return the listed reports of these numbers."""
    found = (unit.shown_reports.one(name.upper()) for name in names)
    return [each for each in found if each is not None and is_listed(each.report, town, unit.now, by_token=by_token)]


def unseen(unit: DeskUnit, since: datetime | None) -> Sequence[ShownReport]:
    """Return the reports since then, in any state, newest first; for `among` to choose from."""
    return [ShownReport(each, photo_released=False, tellers=0) for each in unit.reports.listed(MOST_PINS, since=since)]


def among(
    shown: Sequence[ShownReport], town: Town, query: Open311Query, now: datetime, *, by_token: bool
) -> Sequence[ShownReport]:
    """Return the requested reports that are listed, newest first, each once: the first of one number counts."""
    found = {each.report.seq: each for each in reversed(shown)}
    ordered = (found[seq] for seq in sorted(found, reverse=True))
    wanted = (each for each in ordered if is_listed(each.report, town, now, by_token=by_token))
    return [each for each in wanted if _is_wanted(each.report, query, town)][:MOST]


def _is_wanted(report: CitizenReport, query: Open311Query, town: Town) -> bool:
    day = report.at.astimezone(town.zone).date()
    if query.since is not None and day < query.since.astimezone(town.zone).date():
        return False
    if query.until is not None and beginning(day, town.zone) > query.until:
        return False
    return status_of(report) in query.states and (not query.kinds or report.kind in query.kinds)


def status_of(report: CitizenReport) -> str:
    """As the standard has it: `open` or `closed`."""
    return OPEN if report.is_open else CLOSED


def account_of(shown: ShownReport, town: Town, places: Places, language: str) -> dict[str, Any]:
    """Return a report as a request. Only an accepted one has its words."""
    report = shown.report
    pin = pin_of(report, town, places, photo_released=shown.photo_released)
    kind = town.reports.kind(report.kind) if town.reports is not None else None
    accepted = report.accepted_at is not None
    changed = (report.closed_at or report.changed_at).astimezone(town.zone).date()
    return {
        "service_request_id": pin.number,
        "status": status_of(report),
        "status_notes": pin.answer if accepted else None,
        "service_name": kind.name(language) if kind is not None else pin.kind,
        "service_code": pin.kind,
        **({"description": pin.text} if accepted else {}),
        "agency_responsible": town.name,
        "service_notice": None,
        "requested_datetime": day_start(pin.day, town.zone),
        "updated_datetime": day_start(max(changed, pin.day), town.zone),
        "expected_datetime": None,
        "address": pin.place,
        "address_id": None,
        "zipcode": None,
        "lat": pin.lat,
        "long": pin.lon,
        "media_url": f"{town.public_url or town.mount}/reports/{pin.number}.jpg" if pin.has_photo else None,
    }


# --- what comes in


def draft_of(fields: Mapping[str, str], kind: ReportKind, token: str, network: str, language: str) -> ReportDraft:
    """Return the report in a form's fields. Raises Problem and Misuse.

    The reporter is identified by their app's `device_id` or `account_id`, by their mail or telephone, else by their
    network: a server that submits many people's reports has one network. Like any source, it is stored as a digest, for
    a day.
    """
    who = next((fields[name] for name in ("device_id", "account_id", "email", "phone") if name in fields), None)
    lat, lon = (number_of(fields[name]) if name in fields else None for name in ("lat", "long"))
    address = fields.get("address_string")
    if (lat is None) is not (lon is None) or (lat is None and not address):
        raise Misuse(because("report_without_place"))
    return ReportDraft(
        kind=kind.code,
        via=Via.OPEN311,
        source=f"key {token} {who[:200]}" if who else f"net {network}",
        lat=lat,
        lon=lon,
        address=address[:LONGEST_PLACE] if address else None,
        text=fields.get("description", "")[:LONGEST_TEXT],
        language=language,
    )


def receipt_of(taken: TakenReport, fields: Mapping[str, str], town: Town, language: str) -> dict[str, Any]:
    """Return the answer to a report: its number, and notes for the reporter."""
    said: list[Reason] = []
    if len(fields.get("description", "")) > LONGEST_TEXT:
        said.append(because("open311_cut", most=LONGEST_TEXT))
    if "media_url" in fields:
        said.append(because("open311_no_media", name="media_url"))
    link = word(because("open311_link", link=link_of(town, taken.report.number, taken.token)), language)
    return {
        "service_request_id": taken.report.number,
        "service_notice": " ".join([*(sentence(each, language) for each in said), f"{link[:1].upper()}{link[1:]}"]),
        "account_id": None,
    }


TYPES: Mapping[str, str] = {"json": "application/json", "xml": "text/xml"}
"""The media type of each form, by the end of an address."""
_ENTRY = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[ +-]\d\d:\d\d)")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?", re.ASCII)
_MOST_FIELDS = 100


def written(name: str, value: Any, form: str) -> bytes:
    """Return a value under its name in that form."""
    if form == "json":
        return json.dumps(value, ensure_ascii=False).encode()
    return bytes(etree.tostring(_element(name, value), xml_declaration=True, encoding="UTF-8"))


def _element(name: str, content: Any) -> Any:
    element = etree.Element(name)
    if isinstance(content, Mapping):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        element.extend(_element(_ENTRY[name], each) for each in content)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _NOT_XML.sub("", str(content))
    return element


def fields_of(body: bytes) -> Mapping[str, str]:
    """The fields of a form; what is empty is as if it weren't there, as the standard has it. Raises Problem.

    Attributes may be given more than once, and this town asks for none: they are left out.
    """
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeError:
        raise Problem(ProblemType.MALFORMED, because("open311_not_utf8")) from None
    except ValueError:
        raise Problem(ProblemType.MALFORMED, because("open311_many_fields", most=_MOST_FIELDS)) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("attribute[") or not value.strip():
            continue
        if name in found:
            raise Problem(ProblemType.MALFORMED, because("open311_twice", name=name[:40]))
        found[name] = value
    return found


def moment_of(name: str, text: str) -> datetime:
    """A W3C datetime; a `+` that an address turned into a blank is one. Raises Problem."""
    wrong = Problem(ProblemType.MALFORMED, because("open311_moment", name=name))
    if not _MOMENT.fullmatch(text):
        raise wrong
    try:
        # In UTC, which the year 1 and the year 9999 have no room for at their edges.
        moment = datetime.fromisoformat(text.replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    # Nor is there room for the days before and behind it, nor for another zone's time.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise wrong
    return moment


def number_of(text: str) -> float:
    """Degrees. Raises Problem."""
    if not _NUMBER.fullmatch(text.strip()):
        raise Problem(ProblemType.MALFORMED, because("position_unread", text=repr(text[:40])))
    return float(text)


def day_start(day: date, zone: tzinfo) -> str:
    """A day as a W3C datetime: its beginning, for the hour is nobody's business."""
    return beginning(day, zone).isoformat(timespec="seconds")


def beginning(day: date, zone: tzinfo) -> datetime:
    """When a day begins there."""
    return datetime.combine(day, time(), zone)
