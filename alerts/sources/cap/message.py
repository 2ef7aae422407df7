"""A CAP message as strangers send it, read into an Alert: CAP 1.0, 1.1 and 1.2 as XML, and MeteoAlarm's JSON of it.

Lenient with a sender's errors of form (docs/cap.md has the table), strict if a message would have no identity. `fields`
brings either form to plain names and texts, bounded; `_MessageReader` makes an Alert of them and notes the errors that
it forgave.

The conventions of MeteoAlarm's members beyond CAP come at the end (feeds.md, "MeteoAlarm"): the parameter
`awareness_level` reads "2; yellow; Moderate". CAP's severity is at times blank or off, the colour never; green means
"no warning" although it is an Actual Alert. Météo-France sends markers of "nothing that day" as alerts that end before
they begin. `apply_colours` and `why_none` know this, `read_message` doesn't: a message through the API has CAP's
meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any

from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from alerts.model.bounds import Ring, box, simplified
from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because
from alerts.sources.cap.fields import (
    MOST_POINTS,
    Bounds,
    Code,
    Fields,
    bounded_name,
    fields_of,
    fields_of_json,
    find_code,
    local_name,
    read_circle,
    read_code,
    read_language,
    read_number,
    read_ring,
    read_time,
    split_triples,
    split_words,
)
from alerts.sources.safe_xml import parse

CAP_NAMESPACES = (
    "urn:oasis:names:tc:emergency:cap:1.2",
    "urn:oasis:names:tc:emergency:cap:1.1",
    "http://www.incident.com/cap/1.0",
)
# A broken message may have thousands of oddities; an officer reads a few.
MAX_NOTES = 20
_POINTS_READ, _POINTS_KEPT = 100_000, 20_000
"""Points of all outlines of one message: what is read of them, and what is kept; then each is kept as its box."""
# Points of a ring that are read at least, however many the outlines before it took: a box needs them.
_FEW = 100
_MOST_AREAS, _MOST_REFERENCES = 1000, 500
"""Each area is compared with the town's ground, each reference searched among the known ones."""

_COLOURS = {
    "green": Severity.MINOR,
    "yellow": Severity.MODERATE,
    "orange": Severity.SEVERE,
    "red": Severity.EXTREME,
}
# Some members give the level without the colour.
_LEVELS = {"1": "green", "2": "yellow", "3": "orange", "4": "red"}


def read_message(body: bytes, *, zone: tzinfo, language: str = "en-US") -> tuple[Alert, tuple[Reason, ...]]:
    """Return the alert in the CAP XML of `body`, and a reason for each error that was forgiven.

    Times without a zone are in `zone`, an info without a language is in `language`. Raises Unreadable, in one line, for
    a document that is no CAP message or has no identifier, sender or time of sending.
    """
    root, notes = parse(body)
    if (name := local_name(root)) != "alert":
        raise Unreadable(because("cap_root", root=name[:40]))
    bounds = Bounds()
    fields = fields_of(root, bounds)
    alert, more = _MessageReader(zone, language, bounds).alert(fields)
    namespace = root.tag.rpartition("}")[0][1:]
    if namespace and namespace not in CAP_NAMESPACES:
        notes = (*notes, because("namespace_strange", text=repr(namespace[:60])))
    return alert, notes + more


def read_json(
    document: Mapping[str, Any], *, zone: tzinfo, language: str = "en-US"
) -> tuple[Alert, tuple[Reason, ...]]:
    """As `read_message`, of CAP written as a JSON object with CAP's names (MeteoAlarm's `warnings[].alert`)."""
    bounds = Bounds()
    fields = fields_of_json(document, bounds)
    return _MessageReader(zone, language, bounds).alert(fields)


# --- from fields to the alert ---------------------------------------------------------------------------------------


class _MessageReader:
    """Reads one message; holds what every field needs: the zone for times without one, the notes, what is left of it.

    `bounds` has notes of what of the message was not taken in.
    """

    def __init__(self, zone: tzinfo, language: str, bounds: Bounds) -> None:
        self._unread, self._unkept, self._areas = _POINTS_READ, _POINTS_KEPT, _MOST_AREAS
        self._zone = zone
        self._language = language
        self._notes = dict(bounds.notes)
        self._rings: dict[str, Ring | None] = {}

    def _note(self, line: Reason) -> None:
        if len(self._notes) < MAX_NOTES:
            self._notes[line] = None

    def alert(self, fields: Fields) -> tuple[Alert, tuple[Reason, ...]]:
        identifier, sender, sent = self._identity(fields)
        alert = Alert(
            identifier=identifier,
            sender=sender,
            sent=sent,
            # What doesn't say that it is actual must not reach the public as if it were.
            status=self._code(fields, "status", Status, Status.TEST),
            msg_type=self._code(fields, "msgType", MsgType, MsgType.ALERT),
            # CAP 1.0 had no need of a scope; a word that isn't CAP's may be a secret's.
            scope=self._code(fields, "scope", Scope, Scope.PRIVATE if fields.get("scope") else Scope.PUBLIC),
            source=_first(fields, "source"),
            restriction=_first(fields, "restriction"),
            addresses=split_words(fields.get("addresses", ())),
            codes=tuple(fields.get("code", ())),
            note=_first(fields, "note"),
            references=self._references(fields, identifier, sent),
            incidents=split_words(fields.get("incidents", ())),
            infos=tuple(self._info(info) for info in fields.get("info", ())),
        )
        return alert, tuple(self._notes)

    def _identity(self, fields: Fields) -> tuple[str, str, datetime]:
        identifier, sender, sent = (_first(fields, name) for name in ("identifier", "sender", "sent"))
        missing = [n for n, v in (("identifier", identifier), ("sender", sender), ("sent", sent)) if not v]
        if not identifier or not sender or not sent:
            raise Unreadable(because("cap_unidentified", missing=" and no ".join(missing)))
        time = read_time(sent, self._zone, self._note)
        if time is None:
            raise Unreadable(because("cap_sent", text=repr(sent[:40])))
        return identifier, sender, time

    def _code(self, fields: Fields, name: str, kind: type[Code], otherwise: Code) -> Code:
        values = fields.get(name)
        return read_code(kind, values[0] if values else "", otherwise, name, self._note)

    def _codes(self, fields: Fields, name: str, kind: type[Code]) -> tuple[Code, ...]:
        read: dict[Code, None] = {}
        for text in fields.get(name, ()):
            code = kind(text) if text in kind._value2member_map_ else find_code(kind, text)
            if code is None:
                self._note(because("field_no_code_left_out", name=name, text=repr(text[:40])))
            else:
                read[code] = None
        return tuple(read)

    def _time(self, fields: Fields, name: str) -> datetime | None:
        values = fields.get(name)
        return read_time(values[0], self._zone, self._note) if values else None

    def _references(self, fields: Fields, identifier: str, sent: datetime) -> tuple[Reference, ...]:
        read: dict[Reference, None] = {}
        for text in fields.get("references", ()):
            for sender, name, time in islice(split_triples(text), _MOST_REFERENCES):
                if sender and name:
                    sender, name = bounded_name(sender), bounded_name(name)  # noqa: PLW2901 as the message's own are
                    read[Reference(sender, name, read_time(time, self._zone, self._note) or sent)] = None
                else:
                    self._note(because("reference_strange", text=repr(f"{name} {time}".strip()[:60])))
        # A message that references itself occurs (Macao, Switzerland) and would be its own predecessor.
        return tuple(one for one in read if not self._is_itself(one, identifier, sent))

    def _is_itself(self, reference: Reference, identifier: str, sent: datetime) -> bool:
        if reference.identifier != identifier or reference.sent.replace(second=0) < sent.replace(second=0):
            return False
        self._note(because("reference_itself"))
        return True

    def _info(self, fields: Fields) -> Info:
        return Info(
            event=self._event(fields),
            urgency=self._code(fields, "urgency", Urgency, Urgency.UNKNOWN),
            severity=self._code(fields, "severity", Severity, Severity.UNKNOWN),
            certainty=self._code(fields, "certainty", Certainty, Certainty.UNKNOWN),
            categories=self._codes(fields, "category", Category) or self._no_category(),
            language=read_language(_first(fields, "language") or self._language, self._note),
            response_types=self._codes(fields, "responseType", ResponseType),
            audience=_first(fields, "audience"),
            event_codes=tuple(fields.get("eventCode", ())),
            effective=self._time(fields, "effective"),
            onset=self._time(fields, "onset"),
            expires=self._time(fields, "expires"),
            sender_name=_first(fields, "senderName"),
            headline=_first(fields, "headline"),
            description=_first(fields, "description"),
            instruction=_first(fields, "instruction"),
            web=_first(fields, "web"),
            contact=_first(fields, "contact"),
            parameters=tuple(fields.get("parameter", ())),
            resources=tuple(self._resource(one) for one in fields.get("resource", ())),
            areas=self._areas_of(fields),
        )

    def _areas_of(self, fields: Fields) -> tuple[Area, ...]:
        areas = fields.get("area", ())
        if len(areas) > self._areas:
            self._note(because("areas_too_many", most=_MOST_AREAS))
        read = tuple(self._area(one) for one in areas[: self._areas])
        self._areas -= len(read)
        return read

    def _event(self, fields: Fields) -> str:
        event = _first(fields, "event")
        if event:
            return event
        stand_in = _first(fields, "headline") or "Alert"
        self._note(because("field_missing", name="event", taken=repr(stand_in[:60])))
        return stand_in

    def _no_category(self) -> tuple[Category, ...]:
        self._note(because("field_missing", name="category", taken=Category.OTHER))
        return (Category.OTHER,)

    def _resource(self, fields: Fields) -> Resource:
        size = _first(fields, "size")
        bytes_long = read_number(size, "size", self._note) if size else None
        address = _first(fields, "uri")
        # A message from outside names no file of this machine.
        if address and address.strip().lower().startswith("file:"):
            self._note(because("uri_of_ours"))
            address = None
        return Resource(
            description=_first(fields, "resourceDesc") or "",
            mime_type=_first(fields, "mimeType") or "",
            uri=address,
            size=None if bytes_long is None else int(bytes_long),
            deref_uri=_first(fields, "derefUri"),
            digest=_first(fields, "digest"),
        )

    def _area(self, fields: Fields) -> Area:
        rings = [self._ring(text) for text in fields.get("polygon", ())]
        circles = [read_circle(text, self._note) for text in fields.get("circle", ())]
        altitude, ceiling = _first(fields, "altitude"), _first(fields, "ceiling")
        return Area(
            description=_first(fields, "areaDesc") or "",
            polygons=tuple([ring for ring in rings if ring]),
            circles=tuple([circle for circle in circles if circle]),
            geocodes=tuple(fields.get("geocode", ())),
            altitude=read_number(altitude, "altitude", self._note) if altitude else None,
            ceiling=read_number(ceiling, "ceiling", self._note) if ceiling else None,
        )

    def _ring(self, text: str) -> Ring | None:
        # the same outline comes once for each language
        if text not in self._rings:
            self._rings[text] = self._outline(text)
        return self._rings[text]

    def _outline(self, text: str) -> Ring | None:
        """A ring as it is kept: with no more corners than anybody sees, and in a message of very many as its box."""
        ring = read_ring(text, self._note, max(_FEW, min(MOST_POINTS, self._unread)))
        if ring is None:
            return None
        self._unread -= len(ring)
        kept = simplified(ring)
        self._unkept -= len(kept)
        return kept if self._unkept > 0 else box(kept)


def _first(fields: Fields, name: str) -> str | None:
    values = fields.get(name)
    return values[0] if values else None


# --- MeteoAlarm -----------------------------------------------------------------------------------------------------


def apply_colours(alert: Alert) -> Alert:
    """The alert with each info's severity as its colour says; the same object where nothing differs."""
    infos = tuple(_with_colour(info) for info in alert.infos)
    return alert if infos == alert.infos else replace(alert, infos=infos)


def why_none(alert: Alert) -> Reason | None:
    """Why this alert is no warning by its sender's own custom; None when it is one."""
    colours = [colour_of(info) for info in alert.infos]
    if colours and all(colour == "green" for colour in colours):
        return because("green")
    # Three in four of Météo-France's messages are such markers. Of another sender an end before the onset is an error
    # of form, and its warning counts.
    domain = alert.sender.rpartition("@")[2].lower()
    is_meteo_france = domain in ("meteo.fr", "meteofrance.fr") or domain.endswith(".meteo.fr")
    is_marker = [info.onset and info.expires and info.expires <= info.onset for info in alert.infos]
    return because("ends_before_it_begins") if is_meteo_france and is_marker and all(is_marker) else None


def colour_of(info: Info) -> str | None:
    """`green`, `yellow`, `orange` or `red`: the colour of `awareness_level`, else its number's; None for neither."""
    level = info.parameter("awareness_level")
    if level is None:
        return None
    parts = [part.strip().lower() for part in level.split(";")]
    return next((part for part in parts if part in _COLOURS), _LEVELS.get(parts[0]))


def _with_colour(info: Info) -> Info:
    colour = colour_of(info)
    if colour is None or info.severity is _COLOURS[colour]:
        return info
    return replace(info, severity=_COLOURS[colour])
