"""CAP messages for tests: one as a sender writes it, to be bent as a test needs, and any that CAP allows."""

from __future__ import annotations

import string
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    NamedValue,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"


def info_xml(**elements: str) -> str:
    """An info; each keyword replaces the element of that name (an empty text leaves it out), or adds one."""
    wanted = {
        "language": "<language>fr-FR</language>",
        "category": "<category>Met</category>",
        "event": "<event>Crue</event>",
        "urgency": "<urgency>Expected</urgency>",
        "severity": "<severity>Severe</severity>",
        "certainty": "<certainty>Likely</certainty>",
        "onset": "<onset>2026-11-25T14:00:00+01:00</onset>",
        "expires": "<expires>2026-11-25T20:00:00+01:00</expires>",
        "headline": "<headline>Crue de la Drevenne</headline>",
        **elements,
    }
    area = wanted.pop("area", "<area><areaDesc>Quartier du pont</areaDesc></area>")
    return f"<info>{''.join(wanted.values())}{area}</info>"


def alert_xml(info: str | None = None, *, namespace: str = NAMESPACE, **elements: str) -> str:
    """A message; each keyword replaces or adds an element of its head, an empty text leaves it out."""
    wanted = {
        "identifier": "<identifier>crue-1</identifier>",
        "sender": "<sender>alertes@riviere.example</sender>",
        "sent": "<sent>2026-11-25T13:00:00+01:00</sent>",
        "status": "<status>Actual</status>",
        "msgType": "<msgType>Alert</msgType>",
        "scope": "<scope>Public</scope>",
        **elements,
    }
    declared = f' xmlns="{namespace}"' if namespace else ""
    return f"<alert{declared}>{''.join(wanted.values())}{info_xml() if info is None else info}</alert>"


def message(identifier: str = "crue-1", headline: str = "Crue de la Drevenne") -> bytes:
    """A good message under a name of its own."""
    info = info_xml(headline=f"<headline>{headline}</headline>")
    return alert_xml(info, identifier=f"<identifier>{identifier}</identifier>").encode()


# --- any message that CAP allows ------------------------------------------------------------------------------------

_characters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), include_characters="\t\n\r<&>\"'é…")
_prose = st.text(_characters, min_size=1, max_size=60).filter(str.strip)
_lines = _prose.map(str.strip)
_words = st.text(_characters, min_size=1, max_size=12).map(lambda word: "".join(word.split()).replace('"', ""))
_phrases = st.lists(_words.filter(bool), min_size=1, max_size=3).map(" ".join)
_names = st.text(string.ascii_letters + string.digits + ".:@_-/", min_size=1, max_size=20)
_offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_first, _last = (datetime(year, 1, 1) for year in (1950, 2800))  # noqa: DTZ001 - hypothesis wants naive bounds
_times = st.datetimes(_first, _last, timezones=_offsets).map(lambda time: time.replace(microsecond=0))
_named = st.builds(NamedValue, _lines, _lines)
_points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
_rings = st.lists(_points, min_size=3, max_size=6).map(lambda points: (*points, points[0]))
_feet = st.floats(-1000, 1e6)
_references = st.builds(Reference, _names, _names.map("ref-".__add__), _times)


def _tuples(elements: st.SearchStrategy[object], at_least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(elements, min_size=at_least, max_size=3).map(tuple)


@st.composite
def _areas(draw: st.DrawFn) -> Area:
    low, high = sorted((draw(_feet), draw(_feet)))
    altitude = draw(st.sampled_from([None, low]))
    return Area(
        description=draw(_lines),
        polygons=draw(_tuples(_rings)),
        circles=draw(_tuples(st.builds(Circle, _points, st.floats(0, 9000)))),
        geocodes=draw(_tuples(_named)),
        altitude=altitude,
        ceiling=None if altitude is None else draw(st.sampled_from([None, high])),
    )


_resources = st.builds(
    Resource,
    description=_lines,
    mime_type=st.sampled_from(["image/png", "application/pdf", "text/html; charset=utf-8"]),
    uri=st.none() | st.just("https://riviere.example/carte.png"),
    size=st.none() | st.integers(0, 10**8),
    deref_uri=st.none() | st.just("QUJD"),
    digest=st.none() | st.just("a" * 40),
)

_infos = st.builds(
    Info,
    event=_lines,
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=3, unique=True).map(tuple),
    language=st.sampled_from(["en-US", "fr-FR", "de-LS", "sr-Latn", "oc"]),
    response_types=st.lists(st.sampled_from(ResponseType), max_size=3, unique=True).map(tuple),
    audience=st.none() | _lines,
    event_codes=_tuples(_named),
    effective=st.none() | _times,
    onset=st.none() | _times,
    expires=st.none() | _times,
    sender_name=st.none() | _lines,
    headline=st.none() | _lines,
    description=st.none() | _prose,
    instruction=st.none() | _prose,
    web=st.none() | st.just("https://riviere.example/?a=1&b=2"),
    contact=st.none() | _lines,
    parameters=_tuples(_named),
    resources=_tuples(_resources),
    areas=_tuples(_areas()),
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """Any alert that breaks no rule of CAP 1.2."""
    msg_type = draw(st.sampled_from(MsgType))
    scope = draw(st.sampled_from(Scope))
    referring = msg_type is not MsgType.ALERT
    return Alert(
        identifier=draw(_names),
        sender=draw(_names),
        sent=draw(_times),
        status=draw(st.sampled_from(Status)),
        msg_type=msg_type,
        scope=scope,
        source=draw(st.none() | _lines),
        restriction=draw(_lines) if scope is Scope.RESTRICTED else None,
        addresses=draw(_tuples(_phrases, 1 if scope is Scope.PRIVATE else 0)),
        codes=draw(_tuples(_lines.filter(lambda code: '"' not in code))),
        note=draw(_lines) if msg_type is MsgType.ERROR else draw(st.none() | _lines),
        references=draw(
            st.lists(_references, min_size=1 if referring else 0, max_size=3, unique_by=lambda r: r.identifier).map(
                tuple
            )
        ),
        incidents=draw(_tuples(_phrases)),
        infos=draw(_tuples(_infos)),
    )
