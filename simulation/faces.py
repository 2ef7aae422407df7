"""The feeds of every kind of source but Vigilance and RSS, which `neighbours` has: how each shows what is on.

What is on at a service is a set of numbers, each in a version: an `Edition`. A `Face` lays one out as its service does,
and says by which words it is known again in the alerts that were made of it. The simulation and the campaign of kills
show the same faces.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.alert import Alert, MsgType
from alerts.model.incident import StoredAlert
from tests.air_pages import ALERTED, FREE, INFORMED, episodes
from tests.flood_pages import an_rss
from tests.road_pages import incident, incidents
from tests.transit_pages import a_dataset, a_disruption
from tocsin_sandbox.imap import AUTHORITY, Mailbox

SECTIONS, POLLUTANTS = ("GA6", "TL3"), ("O3", "PM10", "NO2")
_SEVERITIES = {2: "Moderate", 3: "Severe", 4: "Extreme"}
_PARIS = ZoneInfo("Europe/Paris")
_MARK = re.compile(r"Constat \d+\.\d+")


@dataclass(frozen=True, slots=True)
class Edition:
    """What a service says at one time: the version of each number that is on, and since when it is.

    `past` are the last versions of those that were on before.
    """

    made: datetime
    on: Mapping[int, int] = field(default_factory=dict)
    since: Mapping[int, datetime] = field(default_factory=dict)
    past: Mapping[int, int] = field(default_factory=dict)

    def marks(self) -> set[str]:
        """The words that no other version of any number has."""
        return {f"Constat {number}.{version}" for number, version in self.on.items()}


def marks_in(alert: Alert) -> set[str]:
    """The words by which what it tells is known."""
    info = alert.infos[0]
    return set(_MARK.findall(f"{info.headline} {info.description}"))


@dataclass(frozen=True)
class Face:
    """How a kind shows an edition, and what is known again of it.

    `pages` are its documents by their paths; `shown` is what has to be found by `read` in the alerts that are on.
    `ends`: what isn't on any more is ended, and not left to run out or to an officer. `dated`: an edition says when it
    was made, so that an older one is known. `updates`: a change is told as one, and not as a thing of its own. So many
    as `most` are on at a time.
    """

    pages: Callable[[Edition, datetime], Mapping[str, bytes]]
    shown: Callable[[Edition], set[str]] = Edition.marks
    read: Callable[[Alert], set[str]] = marks_in
    ends: bool = False
    dated: bool = False
    updates: bool = True
    most: int = 20

    @property
    def few(self) -> bool:
        """Whether it counts a few things that come again, as rivers do."""
        return self.most < 10


def _severity_of(alert: Alert) -> set[str]:
    return {alert.severity.value}


def _colour(version: int) -> int:
    return 2 + version % 3


def _river(edition: Edition, _: datetime) -> Mapping[str, bytes]:
    colours = {
        name: _colour(edition.on[number]) if number in edition.on else 1 for number, name in enumerate(SECTIONS, 1)
    }
    return {"/territoire/rss": an_rss(colours, edition.made)}


def _worst_colour(edition: Edition) -> set[str]:
    return {_SEVERITIES[max(map(_colour, edition.on.values()))]} if edition.on else set()


def _air(edition: Edition, now: datetime) -> Mapping[str, bytes]:
    day = now.astimezone(_PARIS).date().isoformat()
    states = {number: INFORMED if version % 2 else ALERTED for number, version in edition.on.items()}
    rows = [(name, day, states.get(number, FREE)) for number, name in enumerate(POLLUTANTS, 1)]
    return {"/api/login": b'{"token": "t"}', "/api/v2/data/episodes/3jours": episodes(*rows)}


def _worst_air(edition: Edition) -> set[str]:
    if not edition.on:
        return set()
    return {"Moderate" if all(version % 2 for version in edition.on.values()) else "Severe"}


def _network(edition: Edition, now: datetime) -> Mapping[str, bytes]:
    # A network makes its dataset anew for whoever asks; words of their own, or they would be one incident.
    made = max(edition.made, now)
    said = [
        a_disruption(
            str(number),
            f"Constat {number}.{version}",
            " ".join(f"mot{number}x{place}" for place in range(8)),
            spans=((edition.since[number], edition.since[number] + timedelta(days=2)),),
        )
        for number, version in edition.on.items()
    ]
    return {"/alerts.pb": a_dataset(*said, made=made)}


def _works(edition: Edition, number: int) -> tuple[datetime, datetime]:
    """Far enough ahead that no moment of theirs comes while anybody looks."""
    since = edition.since[number]
    return since + timedelta(hours=8), since + timedelta(hours=12, minutes=10 * edition.on[number])


def _streets(edition: Edition, _: datetime) -> Mapping[str, bytes]:
    found = []
    for number, version in edition.on.items():
        starts, ends = (each.isoformat() for each in _works(edition, number))
        street = f"Constat {number}.{version}"
        found.append(
            incident(f"i{number}", street=street, polyline="45.5 5.5 45.51 5.51", starttime=starts, endtime=ends)
        )
    return {"/cifs.xml": incidents(*found)}


def _calendar(edition: Edition, _: datetime) -> Mapping[str, bytes]:
    events = ""
    for number, version in edition.on.items():
        starts, ends = (f"{each:%Y%m%dT%H%M%SZ}" for each in _works(edition, number))
        events += (
            f"BEGIN:VEVENT\r\nUID:e{number}\r\nDTSTAMP:20261101T060000Z\r\nSEQUENCE:{version}\r\nDTSTART:{starts}\r\n"
            f"DTEND:{ends}\r\nSUMMARY:Constat {number}.{version}\r\nEND:VEVENT\r\n"
        )
    whole = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n"
    return {"/works.ics": whole.encode()}


def _nina(edition: Edition, _: datetime) -> Mapping[str, bytes]:
    pages: dict[str, bytes] = {}
    listed = []
    for number, version in {**edition.past, **edition.on}.items():
        is_on = number in edition.on
        message = _warning(number, version, edition.since[number], is_on=is_on)
        pages[f"/api31/warnings/{message['identifier']}.json"] = json.dumps(message).encode()
        listed.append({"id": message["identifier"], "payload": {"version": version, "hash": str(is_on)}})
    return {"/api31/dashboard/066350000000.json": json.dumps(listed).encode(), **pages}


def _warning(number: int, version: int, since: datetime, *, is_on: bool) -> dict[str, Any]:
    sender, place = "nina@bund.example", version if is_on else version + 1
    times = [(since + timedelta(seconds=each)).replace(microsecond=0).isoformat() for each in range(place + 1)]
    before = [f"{sender},mow.{number}.{each},{times[each]}" for each in range(1, place)]
    kind = ("Alert" if place == 1 else "Update") if is_on else "Cancel"
    info = {
        "language": "de",
        "category": ["Safety"],
        "event": "Gefahr",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Observed",
        "headline": f"Constat {number}.{version}",
        "description": f"Brand {number}.",
        "expires": (since + timedelta(days=1)).replace(microsecond=0).isoformat(),
        "area": [{"areaDesc": f"Ort {number}"}],
    }
    message = {"identifier": f"mow.{number}.{place}", "sender": sender, "sent": times[place], "status": "Actual"}
    message |= {"msgType": kind, "scope": "Public"} | ({"references": " ".join(before)} if before else {})
    return {**message, "info": [info]}


def a_mail(number: int, version: int, at: datetime, authority: str) -> bytes:
    """A mail as it lies in the folder, proven by the town's server; each has an id of its own."""
    return (
        f"Authentication-Results: {authority}; dkim=pass header.d=eaux.example header.i=@eaux.example\n"
        "DKIM-Signature: v=1; d=eaux.example; s=a; h=from:subject:date; bh=x; b=y\n"
        f"From: astreinte@eaux.example\nSubject: Constat {number}.{version}\n"
        f"Date: {at:%d} {at:%b} {at:%Y} {at:%H:%M:%S} +0000\nMessage-ID: <{number}.{version}@eaux.example>\n"
        "Content-Type: text/plain; charset=utf-8\n\nCoupure d’eau.\n"
    ).encode()


def next_edition(last: Edition, face: Face, dice: Random, now: datetime, *, ends: bool = True) -> Edition:
    """What the service says next: something began, changed, or (where it may) isn't on any more."""
    number = dice.choice((*last.on, 0))
    on, since, past = dict(last.on), dict(last.since), dict(last.past)
    roll = dice.random()
    if (not number or roll < 0.4) and len(on) < face.most:
        number = next(each for each in count(1) if each not in on and (each not in past or face.few))
        on[number], since[number] = past.pop(number, 0) + 1, since.get(number, now)
    elif number and (roll < 0.7 or not ends):
        on[number] += 1
    elif number:
        past[number] = on.pop(number)
    return Edition(max(now, last.made + timedelta(seconds=1)), on, since, past)


def deliver(box: Mailbox, last: Edition, edition: Edition, dice: Random, now: datetime) -> None:
    """Mails for what is new, of which one now and then comes twice; those of what is gone are deleted."""
    for number, version in edition.on.items():
        if last.on.get(number) != version:
            mail = a_mail(number, version, now, AUTHORITY)
            for _ in range(dice.choice((1, 1, 1, 2))):
                box.take(mail, now)
    for uid in [uid for uid, (_, mail) in box.mails.items() if not any(_is_of(mail, each) for each in edition.on)]:
        del box.mails[uid]


def _is_of(mail: bytes, number: int) -> bool:
    return f"Subject: Constat {number}.".encode() in mail


# --- what is promised -----------------------------------------------------------------------------------------------

Told = Mapping[str, Sequence[Sequence[Alert]]]
"""The messages of each source, incident by incident."""


def told_of(everything: Iterable[StoredAlert], names: Iterable[str]) -> Told:
    """What was told of the services with these names."""
    found: dict[str, dict[str, list[Alert]]] = {name: {} for name in names}
    for each in everything:
        if each.source in found and each.alert is not None:
            found[each.source].setdefault(each.incident_id, []).append(each.alert)
    return {name: list(threads.values()) for name, threads in found.items()}


Difference = tuple[str, str, str]
"""A promise that isn't kept, of which service, and how."""


def not_as_shown(told: Told, shown: Mapping[str, tuple[Face, Edition]], now: datetime) -> Iterator[Difference]:
    """Where the alerts that are on, by what is read in them, differ from what is shown."""
    for name, (face, edition) in shown.items():
        newest = [each[-1] for each in told[name]]
        on = [each for each in newest if each.msg_type is not MsgType.CANCEL and each.infos and each.ends > now]
        known, wanted = Counter(mark for each in on for mark in face.read(each)), face.shown(edition)
        if missing := wanted - known.keys():
            yield "what is on is told", name, f"{sorted(missing)} is shown, and {sorted(known)} is told"
        if face.ends and (over := known.keys() - wanted):
            yield "what is over is ended", name, f"{sorted(wanted)} is shown, and {sorted(over)} is still told"
        numbers = {mark.partition(".")[0] for mark in wanted if "." in mark}
        if face.updates and (
            old := [mark for mark in known if mark not in wanted and mark.partition(".")[0] in numbers]
        ):
            yield (
                "a change goes on with what was told",
                name,
                f"{sorted(wanted)} is shown, and {sorted(old)} is told too",
            )
        if twice := [mark for mark, many in known.items() if many > 1]:
            yield "what is on is told once", name, f"{sorted(twice)}"


def told_twice(told: Told) -> Iterator[Difference]:
    """Where a message says what the one before it said."""
    for name, threads in told.items():
        for before, after in (pair for thread in threads for pair in pairwise(thread)):
            if says(before) == says(after):
                yield "nothing is told twice in a row", name, f"{before.identifier}, {after.identifier}"


def says(alert: Alert) -> object:
    """What readers learn from a message."""
    if alert.msg_type is MsgType.CANCEL:
        return None
    info = alert.infos[0]
    return info.severity, info.headline, info.description, info.onset, info.expires


FACES: Mapping[str, Face] = {
    "vigicrues": Face(_river, _worst_colour, _severity_of, ends=True, dated=True, most=len(SECTIONS)),
    "atmo": Face(_air, _worst_air, _severity_of, ends=True, most=len(POLLUTANTS)),
    "gtfs_rt": Face(_network, ends=True),
    "roads": Face(_streets),
    "ical": Face(_calendar),
    "cap": Face(_nina, ends=True),
    "mailbox": Face(lambda *_: {}, updates=False),
}
"""By kind. Of `mailbox` there are mails (`a_mail`), and no pages."""
