"""An incident put into words for its page: the same words as its posts, laid out for somebody who has time to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.desk.publicity import PublicIncident
from alerts.model.alert import Alert, Severity
from alerts.model.incident import Record
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.rendering.faces import ChannelFace, Context
from alerts.rendering.library import capital
from alerts.web.public.setting import Setting

_FACE = "page"
_ROOM = 100_000
_LONG_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Step:
    """One version of an incident, or its end: when it was told, and a template's variables for it."""

    at: datetime
    facts: Mapping[str, Any]
    record: Record | None


@dataclass(frozen=True, slots=True)
class Told:
    """An incident in one language. `steps` are its versions, oldest first; `end` its end, if it has one."""

    incident: PublicIncident
    language: str
    path: str
    steps: tuple[Step, ...]
    end: Step | None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What holds, or held last."""
        return self.steps[-1].facts

    @property
    def title(self) -> str:
        """One line that says what it is, or that it is over."""
        return str(self.end.facts["lead"] if self.end else self.facts["lead"])

    @property
    def heading(self) -> str:
        """The same where its severity stands beside it."""
        said = self.end.facts["lead"] if self.end else self.facts["title"]
        return capital(str(said))

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self.incident.severity

    @property
    def corrected(self) -> bool:
        """Whether it was wrong: nothing of it is shown as if it held."""
        return self.incident.ending is not None and self.incident.ending.reason is EndReason.CORRECTED

    @property
    def summary(self) -> str:
        """What to know in two lines: where, when, what to do."""
        said = self.end.facts if self.end else self.facts
        parts = [said["area"], said["when"], said["instruction"]]
        return ". ".join(capital(str(part)).rstrip(".") for part in parts if part) + "."


def tell(incident: PublicIncident, setting: Setting, language: str, now: datetime) -> Told:
    """Put an incident into words."""
    steps: list[Step] = []
    before: Alert | None = None
    for record in incident.versions:
        kind = PostKind.UPDATE if before else PostKind.PUBLISH
        context = _context(incident, _told_at(incident, record, now), before)
        alert = record.alert
        assert alert is not None  # noqa: S101 a version has one
        steps.append(Step(record.received_at, _facts(alert, kind, setting, language, context), record))
        before = alert
    return Told(
        incident=incident,
        language=language,
        path=setting.path(language, f"alerts/{incident.id}"),
        steps=tuple(steps),
        end=_end(incident, setting, language),
    )


def _told_at(incident: PublicIncident, record: Record, now: datetime) -> datetime:
    """From when a version is told of. What is over is told of for good, so that no page says "today" of a day gone."""
    if incident.ending:
        return incident.ending.at + _LONG_AFTER
    return now if record is incident.versions[-1] else record.received_at


def _end(incident: PublicIncident, setting: Setting, language: str) -> Step | None:
    ending = incident.ending
    if ending is None:
        return None
    said = ending.record.alert if ending.record and ending.record.alert else incident.alert
    context = _context(incident, ending.at, incident.alert, ending.reason)
    return Step(ending.at, _facts(said, PostKind.END, setting, language, context), ending.record)


def _context(
    incident: PublicIncident, now: datetime, previous: Alert | None, reason: EndReason | None = None
) -> Context:
    return Context(incident=incident.id, now=now, reason=reason, previous=previous)


def _facts(alert: Alert, kind: PostKind, setting: Setting, language: str, context: Context) -> Mapping[str, Any]:
    face = ChannelFace(_FACE, _FACE, TextFormat(limit=_ROOM), "never", language)
    return setting.renderer.tell(alert, kind, face, context=context)


def outlines(alert: Alert) -> Sequence[Mapping[str, Any]]:
    """The alert's areas as GeoJSON geometries (RFC 7946: longitude first); a circle is its centre with a radius."""
    shapes: list[Mapping[str, Any]] = []
    for area in alert.areas:
        shapes += [
            {"type": "Polygon", "coordinates": [[[longitude, latitude] for latitude, longitude in ring]]}
            for ring in area.polygons
        ]
        shapes += [
            {"type": "Point", "coordinates": [circle.centre[1], circle.centre[0]], "radius": circle.radius * 1000}
            for circle in area.circles
        ]
    return shapes
