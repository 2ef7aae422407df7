"""Vigicrues as a source: the colours of the river sections that concern the town, told as one flood.

The State's flood service gives each section of a river a colour for the next 24 hours: in editions at 10 h and at 16 h,
and more of them in a flood. They are requested as the RSS of the town's sections (15 kB), or as the GeoJSON of all
France (2 MB); whichever comes is read by its first character, in a process of its own.

The town's sections are one incident for as long as one of them isn't green: its first message an alert, a change of
their colours an update, green the end. The worst colour is its severity, and each section an area. No edition says how
long a colour lasts, so an alert holds for `LIFE`, and the same colours in a later edition renew it, at most once in
`RENEWED_AFTER`. It bears the name by which the Vigilance's floods in the same department are the same event.

Only a section that is said to be green is green. One that is absent, as when the sections were drawn anew, or whose
colour can't be read, keeps its last one while the alert is on, and the source is reported as failing. An edition counts
unless it is older than the last one (`editions`); one of more than a day before makes the source fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

from alerts.apart.parser import parser
from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    NamedValue,
    ResponseType,
    Urgency,
)
from alerts.model.bounds import read_long_json, table
from alerts.model.errors import SourceFailed, Unreadable
from alerts.model.hazard import Hazard, fold
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.rendering.moments import DateFormatter
from alerts.rendering.text import clean_line
from alerts.sources.address import Where
from alerts.sources.departments import departments_in, event_of
from alerts.sources.editions import (
    COLOURS,
    SEVERITIES,
    Colour,
    awareness,
    must_be_newer,
    older_edition,
    stated,
    threshold,
)
from alerts.sources.feed import FeedEntry, feed_in
from alerts.sources.run import MessageRun, next_message, sent_after, unheard
from alerts.sources.settings import VigicruesSettings
from alerts.sources.shared import SharedReader

SENDER = "vigicrues.gouv.fr"
WEB = "https://www.vigicrues.gouv.fr"
SECTION = "VIGICRUES"
"""The scheme of a section's geocode."""
LIFE = timedelta(hours=32)
"""How long an alert holds after its edition: the next one may be missing, and the one after it is 24 hours later."""
RENEWED_AFTER = timedelta(hours=12)
"""The age of the last message from which a later edition with the same colours renews it."""
STALE = timedelta(hours=26)
"""The age beyond which an edition says nothing of today: two have come since."""
_PARIS = ZoneInfo("Europe/Paris")
_PATHS = {"rss": "territoire/rss?CdEntVigiCru={codes}", "geojson": "services/InfoVigiCru.geojson"}
_LONGEST_NAME = 80
# The description of an entry, in plain words of which no more is looked at.
_MOST_LOOKED_AT = 500
_NAME = re.compile(r"nom du tron.on ?: ?([^\n]{1,200}) \(([A-Z]{2,3}\d{1,4})\)", re.IGNORECASE)
_COLOUR = re.compile(r"couleur de vigilance [^:\n]{1,100}: ?(\w+)", re.IGNORECASE)
_CALM = "pas de vigilance particuliere"
_TIMES: Mapping[str, Callable[[str], datetime]] = {
    "dthrinfovigicru": datetime.fromisoformat,
    "refinfovigicru": lambda text: datetime.strptime(text, "%d%m%Y_%H").replace(tzinfo=_PARIS),
}
_SAID: Mapping[str, Colour] = {
    "vert": Colour.GREEN,
    "verte": Colour.GREEN,
    "jaune": Colour.YELLOW,
    "orange": Colour.ORANGE,
    "rouge": Colour.RED,
}


# --- what an edition says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RiverSection:
    """A section of a river in one edition; its colour is None where it can't be read."""

    code: str
    name: str
    colour: Colour | None


@dataclass(frozen=True, slots=True)
class FloodEdition:
    """One edition, of which only the town's sections were read; `updated` is None where it doesn't say its time."""

    updated: datetime | None
    sections: tuple[RiverSection, ...]

    def size(self) -> int:
        """About how many bytes it takes."""
        return 300 * (1 + len(self.sections))


@parser("flood edition", seconds=10)
def read_edition(body: bytes, content_type: str | None, codes: tuple[str, ...]) -> FloodEdition:
    """The sections of these codes that are in a GeoJSON or an RSS feed. Raises Unreadable for what is neither."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _of_geojson(body, codes)
    entries = feed_in(body, content_type).entries
    found = tuple(_of_entries(entries, codes))
    # A calm country is one entry, which names no section.
    if len(entries) == 1 and not found and _CALM in fold(f"{entries[0].title} {entries[0].summary}"[:_MOST_LOOKED_AT]):
        found = tuple(RiverSection(code, "", Colour.GREEN) for code in codes)
    times = [each.published for each in entries if each.published]
    return FloodEdition(max(times, default=None), _worst(found))


def _of_entries(entries: Sequence[FeedEntry], codes: Sequence[str]) -> Iterator[RiverSection]:
    for entry in entries:
        said = normalize("NFC", entry.summary[:_MOST_LOOKED_AT]).replace("\u00a0", " ").replace("\u202f", " ")
        named, coloured = _NAME.search(said), _COLOUR.search(said)
        if named and named[2].upper() in codes:
            colour = _SAID.get(fold(coloured[1])) if coloured else None
            yield RiverSection(named[2].upper(), named[1][:_LONGEST_NAME], colour)


def _of_geojson(body: bytes, codes: Sequence[str]) -> FloodEdition:
    """Names of keys are read whatever their case: those of older editions begin with capitals."""
    if (said := read_long_json(body)) is None:
        raise Unreadable(because("vigicrues_no_json"))
    document = _lowered(said)
    features = document.get("features")
    if not isinstance(features, list):
        raise Unreadable(because("vigicrues_misshapen"))
    properties = (_lowered(_lowered(each).get("properties")) for each in features)
    found = [_section(each) for each in properties if each.get("cdentcru") in codes]
    return FloodEdition(_issued(document), _worst(found))


def _section(properties: Mapping[str, Any]) -> RiverSection:
    name = clean_line(str(properties.get("lbentcru") or ""))
    return RiverSection(properties["cdentcru"], name[:_LONGEST_NAME], _colour(str(properties.get("nivinfvicr"))))


def _colour(level: str) -> Colour | None:
    """Return the colour of a level, "3" or "3.0"; None for what is none."""
    return next((each for each in Colour if level.strip().removesuffix(".0") == str(int(each))), None)


def _issued(document: Mapping[str, Any]) -> datetime | None:
    """Return the time of the edition; its reference has the hour alone, in Paris ("25082026_16")."""
    for name, read in _TIMES.items():
        try:
            time = read(str(document.get(name)))
            return (time if time.tzinfo else time.replace(tzinfo=_PARIS)).astimezone(UTC)
        # OverflowError: a year that another zone doesn't have.
        except (ValueError, OverflowError):
            continue
    return None


def _lowered(value: Any) -> dict[str, Any]:
    return {name.lower(): each for name, each in table(value).items()}


def _worst(found: Sequence[RiverSection]) -> tuple[RiverSection, ...]:
    """Return each section once: of several colours the worst, and none if one of them can't be read."""
    by_code: dict[str, RiverSection] = {}
    for each in found:
        other = by_code.get(each.code, each)
        colours = {each.colour, other.colour}
        worst = None if None in colours else max(colour for colour in colours if colour)
        by_code[each.code] = RiverSection(each.code, other.name or each.name, worst)
    return tuple(by_code.values())


# --- what it changes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublishedFlood:
    """The messages about a flood, and the sections of the last that weren't green."""

    run: MessageRun
    sections: tuple[RiverSection, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        sections = [[each.code, each.name, each.colour] for each in self.sections]
        return {**self.run.as_json(), "sections": sections}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> PublishedFlood:
        """Read the output of `as_json`."""
        sections = tuple(RiverSection(code, name, Colour(colour)) for code, name, colour in stored["sections"])
        return cls(MessageRun.of(stored, SENDER), sections)


def in_flood(
    edition: FloodEdition, codes: Sequence[str], published: PublishedFlood | None
) -> tuple[tuple[RiverSection, ...], Reason | None]:
    """Return the sections that aren't green, the worst first, and why some of them are as they were.

    One that is absent, or whose colour can't be read, is as it was `published`.
    """
    now = {each.code: each for each in edition.sections}
    before = {each.code: each for each in published.sections} if published else {}
    unread = [code for code in codes if code in now and now[code].colour is None]
    absent = [code for code in codes if code not in now]
    kept = [before[code] for code in (*unread, *absent) if code in before]
    coloured = [each for code in codes if (each := now.get(code)) and each.colour and each.colour > Colour.GREEN]
    trouble = because("vigicrues_unread", sections=unread) if unread else None
    if absent:
        trouble = because("vigicrues_absent", sections=absent)
    return tuple(sorted((*coloured, *kept), key=lambda each: (-(each.colour or 0), codes.index(each.code)))), trouble


class VigicruesSource:
    """One `[sources.NAME]` with `kind = "vigicrues"` (a `Source`)."""

    def __init__(self, _: str, settings: VigicruesSettings, around: Surroundings) -> None:
        self._codes = settings.sections
        self._town = around.town
        path = _PATHS[settings.format].format(codes=",".join(self._codes))
        where = Where(f"{settings.api_url}/{path}", settings.timeout.total_seconds(), settings.allow_private)
        self._share = SharedReader.around(around).share_of(where, settings.every, around)

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when there is another edition."""
        self._share.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll once. Raises SourceFailed if the feed can't be read, or is of more than a day before."""
        # Set to other sections, it looks again at what it knows of all of them.
        state = memory.state
        knows = state.get("of") == list(self._codes) and "issued" in state
        document = await self._share.look(memory.digest if knows else None)
        if document is None:
            _must_hold(datetime.fromisoformat(state["issued"]) if state["issued"] else None, now)
            must_be_newer(state, now, "vigicrues_older")
            return SourceReading((), memory, unchanged=True)
        edition = await document.parsed(read_edition, document.content_type, self._codes, size=FloodEdition.size)
        _must_hold(edition.updated, now)
        issued = stated(edition.updated, now)
        older = older_edition(issued, Memory(digest=document.digest, state=state), now, "vigicrues_older")
        if older is not None:
            return older
        published = PublishedFlood.of(state["told"]) if state.get("told") else None
        # What ran out by itself has ended: what comes later is a flood of its own.
        if published is not None and expiry_of(published.run.last.sent) <= now:
            published = None
        sections, trouble = in_flood(edition, self._codes, published)
        heard, after = self._tell(edition, sections, published, issued or now.replace(microsecond=0))
        # Without its digest what is wrong with it is found again at the next poll.
        digest = document.digest if trouble is None else None
        kept = {
            "of": list(self._codes),
            # Of one from the future nobody knows how old it is; that it goes on being served is seen by when it came.
            "issued": issued.isoformat() if issued else now.isoformat() if edition.updated else None,
            "told": after.as_json() if after else None,
        }
        kept_memory = Memory(digest=digest, state=threshold(issued, state) | kept)
        return SourceReading(await unheard(heard, known), kept_memory, trouble=trouble)

    def _tell(
        self,
        edition: FloodEdition,
        sections: tuple[RiverSection, ...],
        published: PublishedFlood | None,
        updated: datetime,
    ) -> tuple[list[Heard], PublishedFlood | None]:
        """The message that the edition makes necessary, if any, and what is published then."""
        before = {each.code: each.colour for each in published.sections} if published else {}
        same = before == {each.code: each.colour for each in sections}
        # Renewed by what an edition says, not by what is only kept from another one.
        says_so = any(each.colour and each.colour > Colour.GREEN for each in edition.sections)
        is_late = published is not None and says_so and updated - published.run.last.sent >= RENEWED_AFTER
        if same and not is_late:
            return [], published
        run = published.run if published else None
        alert = alert_of(sections, run, updated, self._town)
        after = PublishedFlood(MessageRun.after(run, alert), sections) if sections else None
        return [Heard(alert.identifier, alert=alert)], after


def _must_hold(updated: datetime | None, now: datetime) -> None:
    if updated is not None and updated <= now - STALE:
        raise SourceFailed(because("vigicrues_over", at=updated))


# --- how it is told -------------------------------------------------------------------------------------------------


def expiry_of(sent: datetime) -> datetime:
    """When a message of that time runs out: `LIFE` later, at a full hour."""
    return (sent + LIFE + timedelta(minutes=59)).replace(minute=0, second=0, microsecond=0)


def alert_of(sections: Sequence[RiverSection], run: MessageRun | None, updated: datetime, town: Town) -> Alert:
    """The sections as an alert, an update in its `run`, or its end."""
    sent = sent_after(run, updated)
    begun = run.first.sent if run else sent
    departments = departments_in(town.codes)
    return next_message(
        run,
        SENDER,
        f"vigicrues-{begun.astimezone(UTC):%Y%m%dT%H%M%S}",
        sent,
        [_info(language, sections, begun, sent, town) for language in _WORDS] if sections else (),
        content=(sent.timestamp(), sorted((each.code, each.colour) for each in sections)),
        # Of a town in two departments nobody knows which one's Vigilance is meant.
        incidents=tuple(event_of(each, Hazard.FLOOD) for each in departments) if len(departments) == 1 else (),
    )


@dataclass(frozen=True, slots=True)
class FloodWords:
    """The words of a language; `means` is what a colour warns of, after the service's own legend."""

    tag: str
    event: str
    headline: str
    colon: str
    means: Mapping[Colour, str]
    issued: str
    phrases: Mapping[str, str]


_WORDS: Mapping[str, FloodWords] = {
    "fr": FloodWords(
        "fr-FR",
        "Crues",
        "Vigilance {colour} crues",
        "\u00a0: ",
        {
            Colour.YELLOW: "L’eau peut monter vite et déborder par endroits.",
            Colour.ORANGE: "La rivière peut déborder largement.",
            Colour.RED: "Une crue majeure menace directement les personnes et les biens.",
        },
        "Bulletin publié {moment}.",
        {"at": "{day} à {time}", "noon": "midi", "midnight": "minuit"},
    ),
    "en": FloodWords(
        "en-GB",
        "Floods",
        "{colour} warning: floods",
        ": ",
        {
            Colour.YELLOW: "The water may rise fast and spill over in places.",
            Colour.ORANGE: "The river may burst its banks.",
            Colour.RED: "A major flood is a direct threat to people and property.",
        },
        "Bulletin issued {moment}.",
        {"at": "{day}, {time}", "noon": "noon", "midnight": "midnight"},
    ),
}


def _info(language: str, sections: Sequence[RiverSection], onset: datetime, sent: datetime, town: Town) -> Info:
    words, colours = _WORDS[language], COLOURS[language]
    named = {each.colour: [one.name or one.code for one in sections if one.colour is each.colour] for each in sections}
    worst = max(colour for colour in named if colour)
    lines = [f"{colours[colour].capitalize()}{words.colon}{', '.join(named[colour])}." for colour in named if colour]
    moment = DateFormatter(language, town.zone, sent, words.phrases, long=False).moment(sent)
    # The post itself names the source; its licence asks for the time of the edition as well.
    description = [" ".join(lines), words.means[worst], words.issued.format(moment=moment)]
    headline = words.headline.format(colour=colours[worst])
    return Info(
        event=words.event,
        language=words.tag,
        categories=(Category.MET,),
        response_types=(ResponseType.MONITOR,),
        # A colour is of the next 24 hours, from now on.
        urgency=Urgency.IMMEDIATE,
        severity=SEVERITIES[worst],
        certainty=Certainty.LIKELY,
        onset=onset,
        expires=expiry_of(sent),
        sender_name="Vigicrues",
        headline=headline[:1].upper() + headline[1:],
        description="\n\n".join(description),
        web=WEB,
        parameters=awareness(worst, "12; Flooding"),
        # A town names the sections that concern it, so each is here.
        areas=tuple(
            Area(each.name or each.code, geocodes=(NamedValue(SECTION, each.code), *town.codes)) for each in sections
        ),
    )
