"""Service alerts of public transport in GTFS-realtime: what a network says of its lines and stops, as it happens.

`read_dataset` reads the protobuf in a process of its own: the alerts that concern the town's lines and stops, and which
of them are alike (`kin`). `TransitSource` compares them with what it published. A network often writes one alert for
each line that the same works divert: alerts with the same cause, effect and time and nearly the same words are one
incident that names all its lines. An alert that was published in an incident stays in it.

A full dataset lists all that is on. An alert that is missing from it for ten minutes is over, but only while datasets
are fresh: a server that hangs repeats its last answer, and one that restarts may begin with an empty one. A dataset
older than `fresh` makes the source fail and ends nothing. A differential one has changes alone: what it doesn't name
goes on, and only what it deletes is over. Source: gtfs.org, "GTFS Realtime Reference", version 2.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field

from alerts.apart.parser import parser
from alerts.model.alert import Alert, Area, Category, Certainty, Info, NamedValue, Severity
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.hazard import HAZARD_PARAMETER, Hazard
from alerts.model.plain import plain, shaped
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.model.town import Publish
from alerts.rendering.text import address, clean, clean_line
from alerts.sources import SourceKind
from alerts.sources.document import FetchedDocument
from alerts.sources.editions import is_older, stated, threshold
from alerts.sources.periods import ActivePeriod, endless, hull_of, in_order, overlap, urgency_of, window_of
from alerts.sources.place import place_of
from alerts.sources.run import MessageRun, next_message, unheard
from alerts.sources.settings import PolledSettings, Span
from alerts.sources.wording import credited, is_french, joined, without_lines
from alerts.sources.works_event import works_named

MOST_ENTITIES, MOST_ALERTS = 50_000, 200
"""Entities of a dataset, and alerts of the town in it; more are not read, and nothing ends by its absence then."""
GONE_AFTER = timedelta(minutes=10)
"""An alert is missing for so long before it is over: by the best practices it may come that late into a dataset."""
AHEAD = timedelta(days=7)
"""So long before it begins, an alert is published; earlier ones wait for that time."""
LIFE = timedelta(days=7)
"""For so long an alert without an end holds; while it stays in the dataset, it is then published anew."""
FLOOD = 5
"""With more incidents than this, the first reading waits for an officer."""
ALIKE, ALIKE_LINKED = 0.85, 0.7
"""The part of their words (Dice's coefficient) that two alerts about the same works share at least; the latter if they
have the same link, which may be one page for all works of a network."""
# An end that moves by less is what a server computes anew each time.
_JITTER = timedelta(minutes=15)
_LONGEST_TITLE, _LONGEST_TEXT, _MOST_LANGUAGES, _MOST_PERIODS = 200, 3000, 4, 100
_ALERT_BYTES = 4000
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_SEVERITIES = {"INFO": Severity.MINOR, "WARNING": Severity.MODERATE, "SEVERE": Severity.SEVERE}
# These hinder no journey.
_HARMLESS = frozenset({"NO_EFFECT", "ADDITIONAL_SERVICE"})
_WORKS = frozenset({"CONSTRUCTION", "MAINTENANCE"})
# In French, and in English.
_EVENTS: Mapping[str, tuple[str, str]] = {
    "NO_SERVICE": ("Service interrompu", "No service"),
    "REDUCED_SERVICE": ("Service réduit", "Reduced service"),
    "SIGNIFICANT_DELAYS": ("Retards importants", "Long delays"),
    "DETOUR": ("Déviation", "Diversion"),
    "MODIFIED_SERVICE": ("Service modifié", "Changed service"),
    "STOP_MOVED": ("Arrêt déplacé", "Stop moved"),
    "ACCESSIBILITY_ISSUE": ("Accès difficile", "Access restricted"),
}
_ANY_EVENT = ("Transports publics", "Public transport")


class GtfsSettings(PolledSettings):
    """`kind = "gtfs_rt"`: a network's service alerts. They wait for an officer unless `publish` says otherwise.

    `routes` and `stops` name those of the town by their ids in the network's GTFS; without either, every alert counts.
    `fresh` is the age from which a dataset is outdated, `licence` what the network wants named beside its data.
    """

    kind: Literal["gtfs_rt"]
    publish: Publish = "approve"
    routes: tuple[str, ...] = Field(default=(), max_length=500, examples=[["12", "C1"]])
    stops: tuple[str, ...] = Field(default=(), max_length=2000, examples=[["SP_1203"]])
    fresh: Span = timedelta(minutes=30)
    licence: str | None = Field(default=None, min_length=1, max_length=60, examples=["Licence Ouverte 2.0"])


@dataclass(frozen=True, slots=True)
class TransitWords:
    """An alert in one language; "" is a language that isn't named."""

    language: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class TransitAlert:
    """One alert of a dataset; `cause`, `effect` and `level` are the format's names.

    Those of the same `kin` are about the same works. `digest` stays the same while the words do, whatever the `id`.
    """

    id: str
    cause: str
    effect: str
    level: str
    periods: tuple[ActivePeriod, ...]
    words: tuple[TransitWords, ...]
    web: str | None
    digest: str
    kin: int = 0

    @property
    def severity(self) -> Severity:
        """The network's own; where it gives none, a line without any service is graver than the rest."""
        return _SEVERITIES.get(self.level) or (Severity.MODERATE if self.effect == "NO_SERVICE" else Severity.MINOR)

    def in_language(self, language: str, own: str) -> TransitWords:
        """Its words in a language, else the first; those of an unnamed one are in the town's `own`."""
        return next((each for each in self.words if (each.language or own) == language), (*self.words, _WORDLESS)[0])


_WORDLESS = TransitWords("", "", "")


@dataclass(frozen=True, slots=True)
class TransitDataset:
    """The alerts that concern the town, when they were put together, and how many couldn't be read.

    Without `is_full` it has changes alone, of which `deleted` are over. `is_cut`: there were too many.
    """

    made: datetime | None
    is_full: bool
    alerts: tuple[TransitAlert, ...]
    deleted: tuple[str, ...] = ()
    unread: int = 0
    is_cut: bool = False

    def size(self) -> int:
        """About how many bytes it takes."""
        return _ALERT_BYTES * (1 + len(self.alerts))


# --- read apart -----------------------------------------------------------------------------------------------------


@parser("transit alerts", seconds=10)
def read_dataset(
    body: bytes, kept: tuple[TransitAlert, ...], routes: tuple[str, ...], stops: tuple[str, ...]
) -> TransitDataset:
    """Return a dataset; a differential one is applied to the alerts `kept`. Raises Unreadable for what is none."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 only where a dataset is read it is paid for
    from google.transit.gtfs_realtime_pb2 import FeedMessage  # noqa: PLC0415

    try:
        message = FeedMessage.FromString(body)
    except DecodeError:
        raise Unreadable(because("transit_none")) from None
    # No bytes at all are a message too, but each dataset names its version.
    if not message.header.gtfs_realtime_version:
        raise Unreadable(because("transit_none"))
    is_full = message.header.incrementality == message.header.FULL_DATASET
    found = {} if is_full else {each.id: each for each in kept}
    deleted, unread = [], 0
    lines, places = frozenset(routes), frozenset(stops)
    for entity in message.entity[:MOST_ENTITIES]:
        try:
            name = entity.id[:_LONGEST_TITLE]
            if entity.is_deleted and not is_full:
                deleted.append(name)
                found.pop(name, None)
            elif entity.HasField("alert") and not entity.is_deleted and _concerns(entity.alert, lines, places):
                alert = _alert(name, entity.alert)
                found[alert.id] = alert
        # Texts that are no UTF-8 are bytes.
        except (ValueError, TypeError):
            unread += 1
    alerts = sorted((each for each in found.values() if each.effect not in _HARMLESS), key=lambda each: each.id)
    is_cut = len(message.entity) > MOST_ENTITIES or len(alerts) > MOST_ALERTS
    related = tuple(_with_kin(alerts[:MOST_ALERTS]))
    return TransitDataset(_moment(message.header.timestamp), is_full, related, tuple(deleted), unread, is_cut)


def _concerns(alert: Any, routes: frozenset[str], stops: frozenset[str]) -> bool:
    """True if one of its selectors names a line or stop of the town, or neither line nor stop: the whole network."""
    if not (routes or stops) or not alert.informed_entity:
        return True
    for each in alert.informed_entity:
        route, stop = each.route_id or each.trip.route_id, each.stop_id
        # Fields of one selector hold together: line 100 at this stop is nothing to the line's other stops.
        if not (route or stop or each.trip.trip_id) or (stop in stops if stop and stops else route in routes):
            return True
    return False


def _alert(name: str, alert: Any) -> TransitAlert:
    titles, texts = _translated(alert.header_text, clean_line), _translated(alert.description_text, clean)
    words = tuple(
        TransitWords(each, _said_in(each, titles)[:_LONGEST_TITLE], _said_in(each, texts)[:_LONGEST_TEXT])
        for each in list({**titles, **texts})[:_MOST_LANGUAGES]
    )
    cause, effect = alert.Cause.Name(alert.cause), alert.Effect.Name(alert.effect)
    level = alert.SeverityLevel.Name(alert.severity_level)
    spans = (ActivePeriod(_moment(each.start), _moment(each.end)) for each in alert.active_period[:_MOST_PERIODS])
    periods = in_order(each for each in spans if not (each.start and each.end and each.end <= each.start))
    web = address(_said_in("", _translated(alert.url, str.strip)))
    digest = _short(repr((cause, effect, level, words)))
    return TransitAlert(name or digest, cause, effect, level, periods, words, web, digest)


def _translated(said: Any, cleaned: Callable[[str], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in said.translation[:50]:
        if text := cleaned(each.text):
            found.setdefault(each.language if _LANGUAGE.fullmatch(each.language) else "", text)
    return found


def _said_in(language: str, texts: Mapping[str, str]) -> str:
    return texts.get(language, next(iter(texts.values()), ""))


def _moment(seconds: int) -> datetime | None:
    # 0 is no time. A few servers write milliseconds, or the largest number there is for "never".
    seconds = seconds // 1000 if seconds > 100_000_000_000 else seconds
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 32_503_680_000 else None


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _with_kin(alerts: Sequence[TransitAlert]) -> Iterator[TransitAlert]:
    """Number the alerts so that those about the same works have the same number."""
    first = [each.in_language("", "") for each in alerts]
    words = [frozenset(re.findall(r"\w+", without_lines(f"{each.title}\n{each.text}"))) for each in first]
    kin = list(range(len(alerts)))
    for one, other in combinations(range(len(alerts)), 2):
        if kin[one] != kin[other] and _are_alike(alerts[one], alerts[other], words[one], words[other]):
            old, new = kin[other], kin[one]
            kin = [new if each == old else each for each in kin]
    yield from (replace(each, kin=number) for each, number in zip(alerts, kin, strict=True))


def _are_alike(one: TransitAlert, other: TransitAlert, said: frozenset[str], by_other: frozenset[str]) -> bool:
    if (one.cause, one.effect) != (other.cause, other.effect) or not overlap(one.periods, other.periods):
        return False
    least = ALIKE_LINKED if one.web is not None and one.web == other.web else ALIKE
    return bool(said) and 2 * len(said & by_other) >= least * (len(said) + len(by_other))


# --- what was published ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublishedDisruption:
    """An incident as readers know it: the digests of its alerts by id, its messages, and what the last one said.

    It holds `until` then. `missing` is since when no alert of it is in a dataset.
    """

    members: Mapping[str, str]
    run: MessageRun
    said: str
    window: ActivePeriod
    until: datetime
    missing: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disruption:
    """Alerts of a dataset that are one incident, the gravest first, and when it is."""

    name: str
    members: tuple[TransitAlert, ...]
    window: ActivePeriod

    @property
    def said(self) -> str:
        """A digest of what it says, whatever its time and its alerts' ids."""
        return _short(repr(sorted({each.digest for each in self.members})))

    def is_due(self, now: datetime) -> bool:
        """True if it begins soon enough to be published, and isn't over within minutes."""
        start, end = self.window.start, self.window.end
        return (start is None or start <= now + AHEAD) and (end is None or end - now >= _JITTER)

    def differs(self, before: PublishedDisruption, now: datetime) -> bool:
        """True if readers learn something: other words, another end, or another start that is still to come."""
        end, its = self.window.end, before.window.end
        if self.said != before.said or (end is None) is not (its is None):
            return True
        starts = {each if each and each > now else None for each in (self.window.start, before.window.start)}
        return len(starts) > 1 or bool(end and its and abs(end - its) >= _JITTER)


def disruptions(
    alerts: Iterable[TransitAlert], published: Mapping[str, PublishedDisruption], now: datetime
) -> Iterator[Disruption]:
    """Yield the incidents that are on or to come; an alert that was published stays in its incident."""
    on = [(each, window) for each in alerts if (window := window_of(each.periods, now)) is not None]
    ids = {each.id for each, _ in on}
    known = {member: name for name, each in published.items() for member in each.members}
    # Some networks give all alerts new ids each time: the words of one that isn't there any more are that alert.
    gone = (each for those in published.values() for each in those.members.items() if each[0] not in ids)
    known |= {digest: known[member] for member, digest in gone}
    of_kin = {each.kin: name for each, _ in on if (name := known.get(each.id) or known.get(each.digest))}
    found: dict[str, list[tuple[TransitAlert, ActivePeriod]]] = {}
    for each, window in on:
        name = known.get(each.id) or known.get(each.digest) or of_kin.setdefault(each.kin, each.id)
        found.setdefault(name, []).append((each, window))
    for name, those in found.items():
        members = sorted((each for each, _ in those), key=lambda each: (-each.severity.rank, each.id))
        yield Disruption(name, tuple(members), hull_of(window for _, window in those))


class TransitSource:
    """One `[sources.NAME]` with `kind = "gtfs_rt"` (a `Source`)."""

    def __init__(self, name: str, settings: GtfsSettings, around: Surroundings) -> None:
        self._name = name
        self._settings = settings
        self._place = place_of(settings, around)
        self._town = around.town
        self._sender = urlsplit(settings.url).hostname or around.town.sender
        self._document: FetchedDocument | None = None

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the network says something new."""
        self._place.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll the dataset once. Raises SourceFailed if it can't be read, or is outdated."""
        document = await self._place.look(self._document.digest if self._document else None) or self._document
        assert document is not None  # noqa: S101 nothing is unchanged to one who has nothing
        self._document = document
        given = _KEPT(memory.state.get("kept", [])), self._settings.routes, self._settings.stops
        dataset = await document.parsed(read_dataset, *given, size=TransitDataset.size)
        made = stated(dataset.made, now)
        if made is not None and now - made > self._settings.fresh:
            raise SourceFailed(because("transit_outdated", at=made))
        # A cache on the way may answer with one of before.
        if is_older(made, memory.state, now):
            return SourceReading((), memory, unchanged=True)
        published = {name: _PUBLISHED(each) for name, each in memory.state.get("told", {}).items()}
        lists_all = dataset.is_full and made is not None and not (dataset.is_cut or dataset.unread)
        after: dict[str, PublishedDisruption] = {}
        last = memory.state.get("last", "")
        said = [
            *self._news(dataset, published, after, last, now),
            *self._ends(dataset, published, after, now, lists_all),
        ]
        hold = because("transit_flood", most=FLOOD) if not memory.state and len(said) > FLOOD else None
        last = said[-1].identifier if said else last
        state: dict[str, Any] = {"told": {name: plain(each) for name, each in after.items()}, "last": last}
        state |= threshold(made, memory.state)
        if not dataset.is_full:
            state["kept"] = [plain(each) for each in dataset.alerts if window_of(each.periods, now)]
        heard = await unheard([Heard(each.identifier, each, hold=hold) for each in said], known)
        return SourceReading(heard, Memory(digest=document.digest, state=state), trouble=_trouble(dataset))

    def _news(
        self,
        dataset: TransitDataset,
        published: Mapping[str, PublishedDisruption],
        after: dict[str, PublishedDisruption],
        last: str,
        now: datetime,
    ) -> Iterator[Alert]:
        """Yield the alerts and updates that are due; `after` gets what is published then.

        `last` names the last message of any: one that ended may be on again, with the same words.
        """
        for each in disruptions(dataset.alerts, published, now):
            before = published.get(each.name)
            is_on = before is not None and before.until > now
            members = {member.id: member.digest for member in each.members}
            if before and is_on and not each.differs(before, now):
                after[each.name] = replace(before, members=members, missing=None)
            elif is_on or each.is_due(now):
                run = before.run if before and is_on else None
                alert = self._alert(each, run, last, now)
                after[each.name] = PublishedDisruption(
                    members, MessageRun.after(run, alert), each.said, each.window, alert.ends
                )
                yield alert
            elif before:
                after[each.name] = replace(before, members=members)

    def _ends(
        self,
        dataset: TransitDataset,
        published: Mapping[str, PublishedDisruption],
        after: dict[str, PublishedDisruption],
        now: datetime,
        lists_all: bool,
    ) -> Iterator[Alert]:
        """Yield the ends of what isn't on any more; `after` gets what goes on all the same."""
        listed = {each.id for each in dataset.alerts}
        for name, before in published.items():
            # What has run out by itself has ended, and is forgotten once it is in no dataset.
            if name in after or before.until <= now:
                continue
            members = {each: digest for each, digest in before.members.items() if each not in dataset.deleted}
            missing = (before.missing or now) if lists_all else before.missing
            # Past times and deletion are the network's word; absence is one after a while.
            has_gone = lists_all and missing is not None and now - missing >= GONE_AFTER
            if has_gone or not members or not listed.isdisjoint(members):
                yield self._message(name, before.run, (), now, content=before.run.last.identifier)
            else:
                after[name] = replace(before, members=members, missing=missing)

    def _alert(self, each: Disruption, run: MessageRun | None, last: str, now: datetime) -> Alert:
        own = self._town.language
        languages = dict.fromkeys(words.language or own for member in each.members for words in member.words)
        infos = [self._info(each, language, now) for language in languages or (own,)]
        content = run.last.identifier if run else last, each.said, each.window.end
        return self._message(each.name, run, infos, now, content=content, incidents=self._event(each))

    def _message(
        self,
        name: str,
        run: MessageRun | None,
        infos: Sequence[Info],
        now: datetime,
        *,
        content: object,
        incidents: tuple[str, ...] = (),
    ) -> Alert:
        sent, begins = now.replace(microsecond=0), f"{self._name}-{_short(name)}"
        return next_message(run, self._sender, begins, sent, infos, content=content, incidents=incidents)

    def _event(self, each: Disruption) -> tuple[str, ...]:
        """The name of works in a street of the town; a whole network has that street in other towns, too."""
        first, town = each.members[0], self._town
        words, is_ours = first.in_language(town.language, town.language), self._settings.routes or self._settings.stops
        is_named = is_ours and first.cause in _WORKS
        return works_named((words.title, words.text), each.window.start, town.zone) if is_named else ()

    def _info(self, each: Disruption, language: str, now: datetime) -> Info:
        window, first, town = each.window, each.members[0], self._town
        event = _EVENTS.get(first.effect, _ANY_EVENT)[not is_french(language)]
        who, licence = self._settings.title or self._sender, self._settings.licence
        said = [member.in_language(language, town.language) for member in each.members]
        title, text = joined([(words.title, words.text) for words in said], language)
        own = {HAZARD_PARAMETER: (Hazard.WORKS if first.cause in _WORKS else Hazard.GENERAL).value}
        if window.end is None:
            own |= endless((now + LIFE).replace(microsecond=0))
        return Info(
            event=event,
            language=language,
            categories=(Category.TRANSPORT,),
            urgency=urgency_of(window.start, now),
            severity=first.severity,
            certainty=Certainty.LIKELY,
            onset=window.start,
            expires=window.end,
            sender_name=who,
            headline=title or event,
            description=credited(text, who, licence, language),
            web=next((member.web for member in each.members if member.web), None),
            parameters=tuple(NamedValue(name, value) for name, value in own.items()),
            # A network's alerts have no place; those of `routes` and `stops` are chosen for the town.
            areas=(Area(town.name, geocodes=town.codes),),
        )


def _trouble(dataset: TransitDataset) -> Reason | None:
    if dataset.is_cut:
        return because("transit_many", most=MOST_ALERTS)
    return because("transit_unread", count=dataset.unread) if dataset.unread else None


_KEPT: Callable[[Any], tuple[TransitAlert, ...]] = shaped(tuple[TransitAlert, ...])
_PUBLISHED: Callable[[Any], PublishedDisruption] = shaped(PublishedDisruption)
KIND = SourceKind(GtfsSettings, "alerts.sources.gtfs_rt:TransitSource")
