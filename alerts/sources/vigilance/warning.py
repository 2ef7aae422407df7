"""The changes of a Vigilance edition against the previous one, and their alerts.

Each phenomenon is one incident for as long as it isn't green: its first message an alert, a change of its colours or
hours an update, back to green an end. Hours that have passed are compared with nothing: an edition that only begins
later changes nothing, and neither does one with new words alone (on a stormy day there are seventy). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.model.alert import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    NamedValue,
    ResponseType,
)
from alerts.model.hazard import AWARENESS_TYPES
from alerts.model.town import Town
from alerts.rendering.moments import DateFormatter
from alerts.sources.departments import DEPARTMENTS, FR_DEPARTMENT, event_of
from alerts.sources.editions import COLOURS, SEVERITIES, Colour, awareness
from alerts.sources.periods import urgency_of
from alerts.sources.run import MessageRun, next_message
from alerts.sources.vigilance.bulletin import Bulletin, ColourMap, ColourWindow

SENDER = "vigilance.meteofrance.fr"
WEB = "https://vigilance.meteofrance.fr"


@dataclass(frozen=True, slots=True)
class Phenomenon:
    """Météo-France's names in two languages, and MeteoAlarm's type, which names the hazard."""

    french: str
    english: str
    awareness: str


PHENOMENA: Mapping[str, Phenomenon] = {
    "1": Phenomenon("Vent violent", "Strong wind", "1; Wind"),
    "2": Phenomenon("Pluie-inondation", "Rain and flooding", "13; Rain-Flood"),
    "3": Phenomenon("Orages", "Thunderstorms", "3; Thunderstorm"),
    "4": Phenomenon("Crues", "Floods", "12; Flooding"),
    "5": Phenomenon("Neige-verglas", "Snow and ice", "2; Snow-Ice"),
    "6": Phenomenon("Canicule", "Extreme heat", "5; High-temperature"),
    "7": Phenomenon("Grand froid", "Extreme cold", "6; Low-temperature"),
    "8": Phenomenon("Avalanches", "Avalanches", "9; Avalanches"),
    "9": Phenomenon("Vagues-submersion", "Waves and coastal flooding", "7; Coastal event"),
}


@dataclass(frozen=True, slots=True)
class PublishedPhenomenon:
    """The messages about a phenomenon, and the hours of the last."""

    run: MessageRun
    windows: tuple[ColourWindow, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        windows = [[each.begin.isoformat(), each.end.isoformat(), int(each.colour)] for each in self.windows]
        return {**self.run.as_json(), "windows": windows}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> PublishedPhenomenon:
        """Read the output of `as_json`."""
        windows = tuple(
            ColourWindow(datetime.fromisoformat(begin), datetime.fromisoformat(end), Colour(colour))
            for begin, end, colour in stored["windows"]
        )
        return cls(MessageRun.of(stored, SENDER), windows)


@dataclass(frozen=True, slots=True)
class ColourChange:
    """A change of a phenomenon; without `windows` it is back to green."""

    phenomenon: str
    windows: tuple[ColourWindow, ...]
    before: PublishedPhenomenon | None

    @property
    def colour(self) -> Colour:
        """The worst that is still to come."""
        return max(each.colour for each in self.windows)


def changes(
    edition: ColourMap, published: Mapping[str, PublishedPhenomenon], left_out: Collection[str], now: datetime
) -> list[ColourChange]:
    """Return the changes of an edition against the published state, the worst first."""
    found = []
    for name in PHENOMENA.keys() - set(left_out):
        windows, before = to_come(edition.windows.get(name, ()), now), published.get(name)
        if windows != (to_come(before.windows, now) if before else ()):
            # What ran out by itself has ended: what comes later is an incident of its own.
            is_on = before is not None and bool(to_come(before.windows, now))
            found.append(ColourChange(name, windows, before if is_on else None))
    return sorted(found, key=lambda each: (-each.colour if each.windows else 0, each.phenomenon))


def to_come(windows: Sequence[ColourWindow], now: datetime) -> tuple[ColourWindow, ...]:
    """Return the windows that aren't over; one that has begun begins now."""
    return tuple(replace(each, begin=max(each.begin, now)) for each in windows if each.end > now)


def published_after(
    published: Mapping[str, PublishedPhenomenon], made: Sequence[tuple[ColourChange, Alert]], now: datetime
) -> dict[str, PublishedPhenomenon]:
    """Return the published state after these messages, without windows that have ended."""
    runs = {name: run for name, run in published.items() if to_come(run.windows, now)}
    for change, alert in made:
        # Back to green it is known no more: what comes later is an incident of its own.
        runs.pop(change.phenomenon, None)
        if change.windows:
            run = MessageRun.after(change.before.run if change.before else None, alert)
            runs[change.phenomenon] = PublishedPhenomenon(run, change.windows)
    return runs


@dataclass(frozen=True, slots=True)
class Addressee:
    """The department, town and time of the messages."""

    department: str
    town: Town
    now: datetime

    def teller(self, language: str) -> DateFormatter:
        """Return the formatter of days and hours in that language."""
        return DateFormatter(language, self.town.zone, self.now, _PHRASES[language], long=False)


def alert_of(change: ColourChange, edition: ColourMap, bulletin: Bulletin | None, to: Addressee) -> Alert:
    """The change as an alert, an update or an end."""
    run, name = change.before.run if change.before else None, change.phenomenon
    # For the same hours in the same edition, after the same beginning.
    begin = run.first.identifier if run else f"{edition.updated:%Y%m%dT%H%M%S}"
    hours = [(each.end.timestamp(), each.colour) for each in change.windows]
    return next_message(
        run,
        SENDER,
        f"vigilance-{to.department}-{name}",
        edition.updated,
        _infos(change, edition, bulletin, to) if change.windows else (),
        content=(begin, edition.updated.timestamp(), hours),
        incidents=(event_of(to.department, AWARENESS_TYPES[PHENOMENA[name].awareness.partition(";")[0]]),),
    )


def _infos(change: ColourChange, edition: ColourMap, bulletin: Bulletin | None, to: Addressee) -> tuple[Info, Info]:
    name, french = change.phenomenon, _info(change, edition, to)
    description = [french.description or ""]
    if bulletin is not None:
        description.insert(1, bulletin.descriptions.get(name, ""))
    # The post itself names the source; its licence asks for the time of the edition as well.
    credit = f"Carte publiée {to.teller('fr').moment(edition.updated)}."
    french = replace(
        french,
        description="\n\n".join(each for each in (*description, credit) if each),
        instruction=bulletin.instructions.get(name) if bulletin is not None else None,
    )
    return french, _in_english(french, change, edition, to)


def _info(change: ColourChange, edition: ColourMap, to: Addressee) -> Info:
    """Return the French info, without the forecasters' words."""
    phenomenon, place, colour = PHENOMENA[change.phenomenon], DEPARTMENTS[to.department], change.colour
    codes = (NamedValue(FR_DEPARTMENT, to.department), NamedValue("NUTS3", place.nuts), *to.town.codes)
    return Info(
        event=phenomenon.french,
        language="fr-FR",
        categories=(Category.MET,),
        response_types=(ResponseType.MONITOR,),
        urgency=urgency_of(change.windows[0].begin, to.now),
        severity=SEVERITIES[colour],
        certainty=Certainty.LIKELY,
        onset=_begun(change, edition),
        expires=change.windows[-1].end,
        sender_name="Météo-France",
        headline=f"Vigilance {COLOURS['fr'][colour]} {phenomenon.french.lower()}",
        description=_hours(change.windows, "fr", to),
        web=WEB,
        parameters=awareness(colour, phenomenon.awareness),
        # A town is warned as its department is, so it is always here.
        areas=(Area(place.name, geocodes=tuple(dict.fromkeys(codes))),),
    )


def _in_english(french: Info, change: ColourChange, edition: ColourMap, to: Addressee) -> Info:
    event, colour = PHENOMENA[change.phenomenon].english, COLOURS["en"][change.colour]
    credit = f"Map issued {to.teller('en').moment(edition.updated)}."
    return replace(
        french,
        event=event,
        language="en-GB",
        headline=f"{colour.capitalize()} warning: {event.lower()}",
        description=f"{_hours(change.windows, 'en', to)}\n\n{credit}",
        instruction=None,
    )


def _begun(change: ColourChange, edition: ColourMap) -> datetime:
    """When it really begins or began, as far as it is known: an edition knows nothing of the hours before it."""
    begins = [each.begin for each in edition.windows[change.phenomenon] if each.end > change.windows[0].begin]
    earlier = [each.begin for each in change.before.windows] if change.before else []
    return min((*begins, *earlier))


# --- in words -------------------------------------------------------------------------------------------------------

_PHRASES = {
    "fr": {
        "at": "{day} à {time}",
        "brief": "{day} à {time}",
        "until brief": "jusqu’à {end}",
        "range": "du {start} au {end}",
        "same day": "{day}, de {start} à {end}",
        "all day": "{day} toute la journée",
        "a night": "la nuit du {first} au {last}, de {start} à {end}",
        "noon": "midi",
        "midnight": "minuit",
    },
    "en": {
        "at": "{day}, {time}",
        "brief": "{day}, {time}",
        "until brief": "until {end}",
        "range": "{start} to {end}",
        "same day": "{day}, {start} to {end}",
        "all day": "{day}, all day",
        "a night": "the night of {first} to {last}, {start} to {end}",
        "noon": "noon",
        "midnight": "midnight",
    },
}


def _hours(windows: Sequence[ColourWindow], language: str, to: Addressee) -> str:
    """Each colour's hours, the worst first: "Orange : mercredi 25, de 18 h à minuit. Jaune : …"."""
    teller, colon = to.teller(language), "\u00a0: " if language == "fr" else ": "
    lines = []
    for colour in sorted({each.colour for each in windows}, reverse=True):
        # What has begun is told by its end alone.
        said = [
            teller.window(each.begin, each.end, whole=each.begin > to.now) for each in windows if each.colour is colour
        ]
        lines.append(f"{COLOURS[language][colour].capitalize()}{colon}{', '.join(said)}.")
    return " ".join(lines)
