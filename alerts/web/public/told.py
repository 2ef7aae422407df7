"""An incident put into words for its page: the same words as its posts, laid out for somebody who has time to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any

from alerts.desk.publicity import PublicIncident
from alerts.desk.territory import is_in_words
from alerts.model.alert import Alert, Point, Severity
from alerts.model.hazard import fold
from alerts.model.incident import StoredAlert
from alerts.model.outline import Ring, together
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.rendering.card import in_short
from alerts.rendering.faces import ChannelFace, Context
from alerts.rendering.library import capital
from alerts.web.public.setting import Setting

_FACE = "page"
_ROOM = 100_000
# Decimals of a degree: ten centimetres (RFC 7946, 11.2).
_PLACES = 6
_LONG_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Step:
    """One version of an incident, or its end: when it was told, and a template's variables for it.

    `replaced` are those of the version before, where what to do is told in other words now.
    """

    at: datetime
    facts: Mapping[str, Any]
    record: StoredAlert | None
    replaced: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An incident in one language. `steps` are its versions, oldest first; `end` its end, if it has one.

    `districts` are the codes of those it is about; None: the whole town, also where nobody can tell.
    """

    incident: PublicIncident
    language: str
    path: str
    steps: tuple[Step, ...]
    end: Step | None
    districts: frozenset[str] | None = None

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
    def whole(self) -> bool:
        """Whether it is said to be about the whole town; a place in words alone is somewhere in it."""
        return self.districts is None and bool(self.facts["area"]) and not is_in_words(self.incident.alert)

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
        """What to know in two lines, for a list, a link's preview or a notification: what, what to do, where, when."""
        return in_short(self.end.facts if self.end else self.facts)


def tell(incident: PublicIncident, setting: Setting, language: str, now: datetime, kept: Told | None = None) -> Told:
    """Put an incident into words; of what was `kept` of it, the versions before the newest stay as they are."""
    steps = _still_so(incident, kept) if kept else []
    before = steps[-1].record.alert if steps and steps[-1].record else None
    for record in incident.versions[len(steps) :]:
        kind = PostKind.UPDATE if before else PostKind.PUBLISH
        context = _context(incident, _told_at(incident, record, now), before)
        alert = record.alert
        assert alert is not None  # noqa: S101 a version has one
        facts = _facts(alert, kind, setting, language, context)
        steps.append(Step(record.received_at, facts, record, _replaced(steps, facts)))
        before = alert
    return Told(
        incident=incident,
        language=language,
        path=setting.path(language, f"alerts/{incident.id}"),
        steps=tuple(steps),
        end=_end(incident, setting, language),
        districts=setting.territory.districts_of(incident.alert),
    )


def _still_so(incident: PublicIncident, kept: Told) -> list[Step]:
    """The first steps, which were no news any more then: they are told from when they came, not from now."""
    if incident.ending or kept.end:
        return []
    pairs = zip(incident.versions[:-1], kept.steps[:-1], strict=False)
    return [step for _, step in takewhile(lambda pair: pair[1].record and pair[0].id == pair[1].record.id, pairs)]


def _replaced(steps: Sequence[Step], facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    before = steps[-1].facts if steps else None
    if before is None or not before["instruction"] or not facts["instruction"]:
        return None
    was, now = (fold(" ".join(str(each["instruction"]).split())) for each in (before, facts))
    return before if was != now else None


def _told_at(incident: PublicIncident, record: StoredAlert, now: datetime) -> datetime:
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


def shapes_of(told: Told, setting: Setting) -> Sequence[Mapping[str, Any]]:
    """The outlines of what it is about; those of the districts where they are told by name or code alone."""
    codes = told.districts or frozenset()
    districts = [dict(each.outline) for each in setting.districts if each.code in codes]
    return outlines(told.incident.alert) or districts


def outlines(alert: Alert) -> Sequence[Mapping[str, Any]]:
    """The alert's areas as GeoJSON geometries (RFC 7946: longitude first); a circle is its centre with a radius.

    All outlines together have no more points than a telephone draws (`alerts.model.outline.MOST_SHOWN`).
    """
    shapes: list[Mapping[str, Any]] = []
    rings = iter(_fitted(tuple(ring for area in alert.areas for ring in area.polygons)))
    for area in alert.areas:
        shown = [ring for _, ring in zip(area.polygons, rings, strict=False) if ring]
        shapes += [{"type": "Polygon", "coordinates": [_outline(ring)]} for ring in shown]
        shapes += [
            {"type": "Point", "coordinates": _spot(circle.centre), "radius": circle.radius * 1000}
            for circle in area.circles
        ]
    return shapes


@lru_cache(maxsize=16)
def _fitted(rings: tuple[Ring, ...]) -> Sequence[Ring]:
    """The rings of one alert as the public gets them; asked for in every language, one after the other."""
    return together(rings)


def _spot(point: Point) -> list[float]:
    return [round(point[1], _PLACES), round(point[0], _PLACES)]


@lru_cache(maxsize=16)
def _outline(ring: tuple[Point, ...]) -> Sequence[Sequence[float]]:
    """A ring as RFC 7946 wants an outer one: against the clock (3.1.6).

    One that crosses the antimeridian goes on beyond 180: back at -180 it would run around the whole earth. It is asked
    for in every language, one after the other.
    """
    unwound = [_spot(point) for point in ring]
    for before, point in pairwise(unwound):
        point[0] += 360.0 * round((before[0] - point[0]) / 360)
    if unwound[0] != unwound[-1]:  # around a pole, which has no outline on a flat map
        unwound = [_spot(point) for point in ring]
    twice = sum((x2 - x1) * (y2 + y1) for (x1, y1), (x2, y2) in pairwise(unwound))
    return unwound[::-1] if twice > 0 else unwound
