"""Alerts that can be told apart on any timeline: headline and area bear incident and version, and are read back.

An end quotes no headline: it names the area.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.model.alert import Alert, Area, Category, Certainty, Info, MsgType, Reference, Urgency
from campaign.audit import Wording
from campaign.schedule import Version

SENDER = "alertes@saint-martin.example"
INSTRUCTION = "Gagnez les hauteurs."
"""What every text that isn't an end says."""
_MARK = re.compile(r"Repère (\d+)\.(\d+)")
_AREA = re.compile(r"Secteur (\d+)\.(\d+)")
_ANSWER = re.compile(r"Réponse (\d+),")
_IDENTIFIER = re.compile(r"campaign-(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Mark:
    """Which version of which incident."""

    incident: str
    place: int


def alert_of(version: Version, now: datetime, previous: Alert | None) -> Alert:
    """The message as CAP; its time is never before that of the one it follows."""
    sent = now.replace(microsecond=0)
    if previous is not None:
        sent = max(sent, previous.sent + timedelta(seconds=1))
    kinds = {"alert": MsgType.ALERT, "update": MsgType.UPDATE, "cancel": MsgType.CANCEL}
    info = Info(
        event="Crue",
        categories=(Category.MET,),
        severity=version.severity,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
        language="fr-FR",
        expires=(now + timedelta(seconds=version.lasts)).astimezone(UTC),
        headline=f"Repère {version.incident}.{version.place}",
        instruction=INSTRUCTION,
        areas=(Area(f"Secteur {version.incident}.{version.place}"),),
    )
    return Alert(
        identifier=f"campaign-{version.incident}.{version.place}",
        sender=SENDER if version.way_in != "feed" else "crues@bassin.example",
        sent=sent,
        msg_type=kinds[version.kind],
        references=(Reference(previous.sender, previous.identifier, previous.sent),) if previous else (),
        infos=() if version.kind == "cancel" else (info,),
    )


def read_mark(identifier: str) -> Mark | None:
    """Which message an identifier belongs to."""
    match = _IDENTIFIER.fullmatch(identifier)
    return Mark(match[1], int(match[2])) if match else None


def read_wording(text: str) -> Wording | None:
    """What a text on a timeline says; None for one that isn't the campaign's."""
    match = _MARK.search(text) or _AREA.search(text)
    return Wording(match[1], int(match[2]), INSTRUCTION not in text) if match else None


def answer_of(number: int) -> str:
    """An answer that is known by its number."""
    return f"Réponse {number}, la mairie confirme, et le dira ici."


def read_number(text: str) -> int | None:
    """The number of the answer that a text on a timeline holds; None where it holds none."""
    match = _ANSWER.search(text)
    return int(match[1]) if match else None
