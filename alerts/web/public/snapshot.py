"""The content of the town's pages: the town's presentation, the freshness of each source, and incidents in words.

`tell` uses the posts' renderer for an incident's words, for a channel (`page`) with room for all of them: a reader has
time. An incident is presented version by version (`Step`). A version that isn't the newest is worded as of its arrival,
and the whole of an ended one as of a week later, so that no page says "today" of a past day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal

from alerts.desk.publicity import CurrentIncidents, PublicIncident
from alerts.desk.territory import is_in_words, territory_of
from alerts.listening.answering import FaqEntry
from alerts.model.alert import Alert, Severity
from alerts.model.hazard import fold
from alerts.model.incident import MANUAL, StoredAlert
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.model.town import PUSH, ChannelConfig, SourceRules, Town, host_in
from alerts.rendering.card import in_short
from alerts.rendering.library import capital
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer

SPOKEN = ("fr", "en")
"""The languages of the pages."""
# The kind of channel whose templates lay out a page's words, and characters for them: more than any alert has.
_FACE = "page"
_ROOM = 100_000
# When what is over is told of: too late for "today" and "tomorrow".
_LONG_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PolledSource:
    """A source that is read by itself: its key, its own spelling, and how old its news may be before that is said.

    `warns` is whether nothing can be said to be calm without it (`_TELLS_NO_DANGER` are those that don't); `licence`
    the one that its publisher wants named, or the publisher.
    """

    name: str
    title: str
    patience: timedelta = timedelta(minutes=10)
    warns: bool = True
    licence: str | None = None


@dataclass(frozen=True)
class Setting:
    """The town as its pages show it, and what words its alerts."""

    town: Town
    renderer: Renderer

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Primary subtags: the town's own first, then those of its channels and the configured ones.

        The pages of the first are at the root, the others below `/<language>/`.
        """
        town = self.town
        channels = (each.language for each in town.channels.values() if each.public and each.language)
        tags = [town.language, *channels, *town.web.languages]
        spoken = [primary for tag in tags if (primary := tag.split("-", maxsplit=1)[0].lower()) in SPOKEN]
        return tuple(dict.fromkeys(spoken)) or ("en",)

    @cached_property
    def sources(self) -> tuple[PolledSource, ...]:
        """The sources that are polled."""
        return tuple(_feed(name, rules) for name, rules in self.town.sources.items() if name != MANUAL)

    @property
    def bots(self) -> tuple[str, ...]:
        """The channels whose bot people may subscribe with; its platform gives its name later."""
        return tuple(name for name, each in self.town.bots.items() if each.public and not each.exercise)

    @property
    def pushes(self) -> bool:
        """True if people may subscribe to push on these pages."""
        return PUSH in self.town.channels

    @property
    def writes(self) -> bool:
        """True if people may subscribe to e-mails on these pages."""
        return self.town.letters is not None

    @property
    def texts(self) -> bool:
        """True if people may subscribe to SMS on these pages."""
        return self.town.texts is not None

    @property
    def number(self) -> str | None:
        """The number that people may write to, to subscribe; one that only takes answers is none."""
        number = getattr(self.town.channels[self.town.texts].settings, "number", None) if self.town.texts else None
        return number if number is not None and number.startswith("+") else None

    @property
    def keeps(self) -> bool:
        """True if personal data is stored, so that a page describes it."""
        town = self.town
        return bool(town.listens or town.reports is not None or self.pushes or self.writes or self.texts)

    def language_of(self, path: str) -> str:
        """The language that a path is in."""
        first = path.strip("/").partition("/")[0]
        return first if first in self.languages[1:] else self.languages[0]

    def path(self, language: str, rest: str = "") -> str:
        """The path of a page in a language."""
        return f"/{rest}" if language == self.languages[0] else f"/{language}/{rest}"

    def address(self, path: str) -> str:
        """The whole address of a path."""
        # Without a public address links are relative to the server's root.
        return f"{self.town.public_url or self.town.mount}{path}"

    def identity(self, path: str) -> str:
        """Return a page's permanent identity: its address, or a tag of the sender's (RFC 4151) without one."""
        return self.address(path) if self.town.public_url else f"tag:{self.town.sender},2026:{path}"


State = Literal["calm", "alert", "stale"]


def state_of(on: Sequence[object], snapshot: Snapshot) -> State:
    """Return the state: an alert is on; none is; or unknown, since a source is behind its time.

    Page, easy page, title, card and screens all use this.
    """
    if on:
        return "alert"
    return "stale" if snapshot.doubtful else "calm"


# "No current alerts" means dangers. Works stand in their calendar long before they begin, what a site or a mail says
# waits for an officer, and a bus that is diverted endangers nobody: that one of these can't be read is no reason to
# doubt it, and a page that says so for days because a site was rebuilt is believed by nobody when a hazard's source is
# down. What kind another package brings isn't known here, so it counts.
_TELLS_NO_DANGER = frozenset({"ical", "rss", "mailbox", "gtfs_rt", "roads"})
# The licences by which publishers want their data named, by the kind of source.
_LICENCES = {"atmo": "ODbL", "vigicrues": "Licence Ouverte 2.0", "vigilance": "Licence Ouverte 2.0"}
# Of the kind `cap`, many publishers' form, it is those who ask to be named, by their host.
_CREDITS = {
    "feeds.meteoalarm.org": "EUMETNET – MeteoAlarm",
    "opendata.dwd.de": "Deutscher Wetterdienst",
    "warnung.bund.de": "Bundesamt für Bevölkerungsschutz und Katastrophenhilfe",
}


def _feed(name: str, rules: SourceRules) -> PolledSource:
    """Three of its rounds may fail before its age is held against it, and ten minutes in any case."""
    patience = max(3 * (rules.every or timedelta()), timedelta(minutes=10))
    title = rules.title or f"{name[:1].upper()}{name[1:]}"
    # A network's or a road authority's is what its settings say.
    licence = getattr(rules.settings, "licence", None) or _LICENCES.get(rules.kind)
    if rules.kind == "cap":
        licence = _CREDITS.get(host_in(getattr(rules.settings, "url", "")))
    return PolledSource(name, title, patience, rules.kind not in _TELLS_NO_DANGER, licence)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the knowledge of a source is: when it was last read well, and whether it is behind its time.

    `licence` is that of its data, where it has to be named.
    """

    title: str
    last_ok: datetime | None
    stale: bool
    licence: str | None = None

    @property
    def shown(self) -> tuple[str, datetime | None, bool]:
        """The displayed part of it: to the minute."""
        return self.title, self.last_ok.replace(second=0, microsecond=0) if self.last_ok else None, self.stale


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of the pages: the situation, the freshness of each source, and the bots to subscribe with, by name.

    `asked` are the answered questions about each incident, by its id.
    """

    situation: CurrentIncidents
    sources: Sequence[Freshness] = field(default_factory=tuple)
    bots: tuple[str, ...] = ()
    asked: Mapping[str, Sequence[FaqEntry]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The time of reading."""
        return self.situation.now

    @property
    def doubtful(self) -> bool:
        """True if a source of warnings is behind its time, so that there may be more than is shown."""
        return any(source.stale for source in self.sources)


@dataclass(frozen=True, slots=True)
class Step:
    """One version of an incident, or its end: its time, and a template's variables for it.

    `replaced` are those of the version before, if its instruction has other words.
    """

    at: datetime
    facts: Mapping[str, Any]
    stored: StoredAlert | None
    replaced: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class IncidentText:
    """An incident in one language. `steps` are its versions, oldest first; `end` its end, if it has one.

    `districts` are the codes of its districts; None: the whole town, or unknown.
    """

    incident: PublicIncident
    language: str
    path: str
    steps: tuple[Step, ...]
    end: Step | None
    districts: frozenset[str] | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """The current facts, or the last ones."""
        return self.steps[-1].facts

    @property
    def title(self) -> str:
        """One line that says what it is, or that it is over."""
        return str(self.end.facts["lead"] if self.end else self.facts["lead"])

    @property
    def heading(self) -> str:
        """The title for a place that shows its severity, without repeating that."""
        return str(self.end.facts["lead"]) if self.end else beside(self.facts)

    @property
    def whole(self) -> bool:
        """True if it is about the whole town; a place in words alone is somewhere in it."""
        return self.districts is None and bool(self.facts["area"]) and not is_in_words(self.incident.alert)

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return self.incident.severity

    @property
    def corrected(self) -> bool:
        """True if it was wrong: none of it is shown as valid."""
        return self.incident.ending is not None and self.incident.ending.reason is EndReason.CORRECTED

    @property
    def summary(self) -> str:
        """The summary in two lines, for a list, a link's preview or a notification: event, instruction, place, time."""
        return in_short(self.end.facts if self.end else self.facts)


def beside(facts: Mapping[str, Any]) -> str:
    """Return the title without its label: "Vent violent" of "Vigilance orange vent violent", which has both.

    Only a colour is removed: of "Danger of falling trees" nothing would be left that names the event.
    """
    label, title = str(facts["label"] or ""), str(facts["title"])
    rest = title[len(label) :]
    is_said = label in facts["words"]["levels"].values() and fold(title[: len(label)]) == fold(label)
    return capital((rest.lstrip(" \u00a0:–") if is_said and rest[:1] in (" ", "\u00a0", ":") else "") or title)


def tell(
    incident: PublicIncident, setting: Setting, language: str, now: datetime, kept: IncidentText | None = None
) -> IncidentText:
    """Put an incident into words; of what was `kept` of it, the versions before the newest stay as they are."""
    steps = _still_so(incident, kept) if kept else []
    before = steps[-1].stored.alert if steps and steps[-1].stored else None
    for stored in incident.versions[len(steps) :]:
        kind = PostKind.UPDATE if before else PostKind.PUBLISH
        context = _context(incident, setting.town, _as_of(incident, stored, now), before)
        alert = stored.alert
        assert alert is not None  # noqa: S101 a version has one
        facts = _facts(alert, kind, setting, language, context)
        steps.append(Step(stored.received_at, facts, stored, _replaced(steps, facts)))
        before = alert
    return IncidentText(
        incident=incident,
        language=language,
        path=setting.path(language, f"alerts/{incident.id}"),
        steps=tuple(steps),
        end=_end(incident, setting, language),
        districts=territory_of(setting.town).districts_of(incident.alert),
    )


def _still_so(incident: PublicIncident, kept: IncidentText) -> list[Step]:
    """Return the first steps that were already outdated then: they are worded as of their arrival, not now."""
    # An end changes every word before it: what was "today" is told with its date.
    if incident.ending or kept.end:
        return []
    pairs = zip(incident.versions[:-1], kept.steps[:-1], strict=False)
    return [step for _, step in takewhile(lambda pair: pair[1].stored and pair[0].id == pair[1].stored.id, pairs)]


def _replaced(steps: Sequence[Step], facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    before = steps[-1].facts if steps else None
    if before is None or not before["instruction"] or not facts["instruction"]:
        return None
    # Case, accents and blanks make no other instruction: nobody need read it twice.
    was, now = (fold(" ".join(str(each["instruction"]).split())) for each in (before, facts))
    return before if was != now else None


def _as_of(incident: PublicIncident, stored: StoredAlert, now: datetime) -> datetime:
    """Return the time as of which a version is worded.

    For an ended one it is fixed, so that no page says "today" of a past day.
    """
    if incident.ending:
        return incident.ending.at + _LONG_AFTER
    return now if stored is incident.versions[-1] else stored.received_at


def _end(incident: PublicIncident, setting: Setting, language: str) -> Step | None:
    ending = incident.ending
    if ending is None:
        return None
    said = ending.stored.alert if ending.stored and ending.stored.alert else incident.alert
    context = _context(incident, setting.town, ending.at, incident.alert, ending.reason)
    return Step(ending.at, _facts(said, PostKind.END, setting, language, context), ending.stored)


def _context(
    incident: PublicIncident, town: Town, now: datetime, previous: Alert | None, reason: EndReason | None = None
) -> Context:
    title = town.rules_for(incident.versions[-1].source).title or ""
    return Context(incident=incident.id, now=now, reason=reason, previous=previous, source=title)


def _facts(alert: Alert, kind: PostKind, setting: Setting, language: str, context: Context) -> Mapping[str, Any]:
    face = ChannelConfig(_FACE, _FACE, TextFormat(limit=_ROOM), "never", language)
    return setting.renderer.tell(alert, kind, face, context=context)
