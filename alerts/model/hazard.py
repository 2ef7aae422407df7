"""Which hazard an alert is about; words, advice and pictures follow from it.

Feeds name events in their own ways, so `hazard_of` asks in the order of how much each answer can be trusted: our own
parameter, MeteoAlarm's `awareness_type`, the event code, the words in French, English and German (`hazard_words`), and
at last the category. A wrong answer gives people a wrong order, so whatever is in doubt is `general`, which orders
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from alerts.model.alert import CLUSTER_PARAMETER, STEP_PARAMETER, Category, Info, ResponseType, Severity
from alerts.model.bounds import normal
from alerts.model.hazard_words import event_in, is_drill, is_meant, is_taken_back, named, says_it_is_over

HAZARD_PARAMETER = "tocsin:hazard"
"""The parameter of our own alerts that names the hazard outright; it wins over everything else."""


class Hazard(StrEnum):
    """The kinds of danger, as templates and subscriptions name them."""

    WIND = "wind"
    RAIN_FLOOD = "rain-flood"
    FLOOD = "flood"
    STORM = "storm"
    SNOW_ICE = "snow-ice"
    HEAT = "heat"
    COLD = "cold"
    AVALANCHE = "avalanche"
    COASTAL = "coastal"
    TSUNAMI = "tsunami"
    DAM = "dam"
    FOREST_FIRE = "forest-fire"
    EVACUATION = "evacuation"
    SHELTER = "shelter"
    INDUSTRIAL = "industrial"
    SMOKE = "smoke"
    GAS = "gas"
    QUAKE = "quake"
    ATTACK = "attack"
    AIR_QUALITY = "air-quality"
    WATER_QUALITY = "water-quality"
    WATER_CUT = "water-cut"
    WATER_CUT_PLANNED = "water-cut-planned"
    POWER = "power"
    WORKS = "works"
    ROAD = "road"
    SCHOOL = "school"
    MISSING = "missing"
    GENERAL = "general"


WEATHER = frozenset(
    (
        Hazard.WIND,
        Hazard.RAIN_FLOOD,
        Hazard.FLOOD,
        Hazard.STORM,
        Hazard.SNOW_ICE,
        Hazard.HEAT,
        Hazard.COLD,
        Hazard.AVALANCHE,
        Hazard.COASTAL,
        Hazard.AIR_QUALITY,
    )
)
"""The hazards that are monitored and forecast; the lowest level of these is a "Vigilance"."""

WATER_CUTS = frozenset((Hazard.WATER_CUT, Hazard.WATER_CUT_PLANNED))
"""One hazard in two sets of words: which of them is said depends on whether the water is off yet."""

LEFT_OR_HID = frozenset(
    (
        Hazard.ATTACK,
        Hazard.SHELTER,
        Hazard.INDUSTRIAL,
        Hazard.EVACUATION,
        Hazard.GAS,
        Hazard.DAM,
        Hazard.TSUNAMI,
    )
)
"""The orders upon which people leave their homes or shut themselves in: who takes one back says what is right."""

NEEDS_A_PLACE = frozenset((Hazard.EVACUATION, Hazard.SHELTER, Hazard.INDUSTRIAL, Hazard.GAS))
"""Hazards with orders that do harm outside their area: people must know for whom they are."""


AWARENESS_TYPES: Mapping[str, Hazard] = MappingProxyType(
    {
        "1": Hazard.WIND,
        "2": Hazard.SNOW_ICE,
        "3": Hazard.STORM,
        "4": Hazard.GENERAL,  # fog: no advice of its own
        "5": Hazard.HEAT,
        "6": Hazard.COLD,
        "7": Hazard.COASTAL,
        "8": Hazard.FOREST_FIRE,
        "9": Hazard.AVALANCHE,
        "10": Hazard.RAIN_FLOOD,
        "12": Hazard.FLOOD,
        "13": Hazard.RAIN_FLOOD,
    }
)
"""MeteoAlarm's `awareness_type` codes ("3; Thunderstorm"); 11 is not in use."""

EVENT_CODES: Mapping[str, Hazard] = MappingProxyType(
    {
        "HWW": Hazard.WIND,
        "HWA": Hazard.WIND,
        "EWW": Hazard.WIND,
        "TOR": Hazard.STORM,
        "TOA": Hazard.STORM,
        "SVR": Hazard.STORM,
        "SVA": Hazard.STORM,
        "SVS": Hazard.STORM,
        "FFW": Hazard.RAIN_FLOOD,
        "FFA": Hazard.RAIN_FLOOD,
        "FFS": Hazard.RAIN_FLOOD,
        "FLW": Hazard.FLOOD,
        "FLA": Hazard.FLOOD,
        "FLS": Hazard.FLOOD,
        "WSW": Hazard.SNOW_ICE,
        "WSA": Hazard.SNOW_ICE,
        "BZW": Hazard.SNOW_ICE,
        "SQW": Hazard.SNOW_ICE,
        "AVW": Hazard.AVALANCHE,
        "AVA": Hazard.AVALANCHE,
        "CFW": Hazard.COASTAL,
        "CFA": Hazard.COASTAL,
        "TSW": Hazard.TSUNAMI,
        "TSA": Hazard.TSUNAMI,
        "SSW": Hazard.COASTAL,
        "SSA": Hazard.COASTAL,
        "FRW": Hazard.FOREST_FIRE,
        "WFW": Hazard.FOREST_FIRE,
        "WFA": Hazard.FOREST_FIRE,
        "EVI": Hazard.EVACUATION,
        "SPW": Hazard.SHELTER,
        "HMW": Hazard.INDUSTRIAL,
        "NUW": Hazard.INDUSTRIAL,
        "RHW": Hazard.INDUSTRIAL,
        "EQW": Hazard.QUAKE,
        "DBW": Hazard.DAM,
    }
)
"""The SAME codes of 47 CFR 11.31 that North American feeds carry as `eventCode`."""

# What may go with another event: "Explosion : fuite de gaz". The weather doesn't: it is only where that happened.
_NAMED_WHATEVER_HAPPENED = frozenset(
    (
        Hazard.TSUNAMI,
        Hazard.EVACUATION,
        Hazard.DAM,
        Hazard.ATTACK,
        Hazard.WATER_QUALITY,
        Hazard.WATER_CUT,
        Hazard.WATER_CUT_PLANNED,
        Hazard.INDUSTRIAL,
        Hazard.GAS,
        Hazard.POWER,
        Hazard.QUAKE,
        Hazard.MISSING,
        Hazard.SMOKE,
        Hazard.SHELTER,
        Hazard.SCHOOL,
        Hazard.ROAD,
    )
)

# Matching is on folded text: lower case, without accents.
_WORKS_PROPER = r"travaux|chantiers?|voirie|road ?works?|works|bauarbeiten|baustelle"
_WORKS = (
    rf"(?:{_WORKS_PROPER}|(?:route|rue) (?:barree|fermee|coupee)|circulation (?:alternee|modifiee)|deviation"
    r"|stationnement|(?:road|street|lane) (?:closed|closures?)|detour)"
)
# Nothing in it tries a character again ("++") but where a word with apostrophes ends, of which it has seven at most.
_FEW_WORDS = r"^\W*+(?:\w++(?:'\w++){0,6}\W++){0,2}"
# Characters within which the first words stand.
_BEGINNING = 200
_NAMES_WORKS = re.compile(rf"\b{_WORKS}\b")
_BEGINS_ABOUT_WORKS = re.compile(rf"{_FEW_WORDS}{_WORKS}\b")
_GOES_ON_ABOUT_WORKS = re.compile(rf": ?{_WORKS}\b")
_BEGINS_WITH_WORKS = re.compile(rf"^\W*+(?:{_WORKS_PROPER})\b")
_NAMES_WORKS_PROPER = re.compile(rf"\b(?:{_WORKS_PROPER})\b")

# Events without a hazard of their own: an alert about them must not get another one's order.
_SLIDES = (
    r"(?<!risque de )(?<!risques de )(?<!risk of )(?<!danger of )(?:glissements? de terrain|coulees? de boue"
    r"|eboulements?|landslides?|mudslides?|rockfalls?|erdrutsch\w*|hangrutsch\w*|murgang|volcan\w*|eruptions?)"
)
_ANOTHER = (
    r"(?:pannes?|accidents?|collision|carambolage|disparu\w*|disparitions?|enlevements?|attentats?|explosions?|bombes?"
    r"|colis suspect|fusillade|(?:coupures?|interruptions?)\b.{0,30}\b(?:gaz|telephon\w+|internet)"
    r"|missing|abduct\w+|shooting|(?:phone|telephone|internet|gas) (?:cuts?|outages?|failures?)|bombs?"
    r"|barrages?|dams?|staudamm\w*|baignades?|bathing|swimming|badeverbot|piscine|bombenfund|weltkriegsbombe)"
)
_NAMES_ANOTHER = re.compile(rf"\b(?:{_ANOTHER}|{_SLIDES})\b")
_IS_ABOUT_ANOTHER = re.compile(rf"{_FEW_WORDS}{_ANOTHER}\b")
# Whoever is told to go upstairs where a slope comes down may die of it: for these their sender speaks.
_NAMES_A_SLIDE = re.compile(rf"\b{_SLIDES}\b")
_IS_ABOUT_A_SLIDE = re.compile(rf"{_FEW_WORDS}{_SLIDES}\b")
_TOUCHES_ANOTHER = re.compile(
    r"\b(?:electri\w+|gaz|gas|telephon\w+|phone|internet|incendies?|fire|effondre\w*|chlore)\b"
)

# Words for a danger that is only forecast.
_SAID_OF_RISK = re.compile(
    r"\b(?:risques?|danger (?:de|d'|of|level|rating|tres|eleve|extreme|fort)|fire danger|meteo des forets|red flag"
    r"|fire weather|vigilance|warning|watch|waldbrandgefahr\w*)"
)
_BURNS = re.compile(
    r"\b(?:en cours|brule\w*|burn\w*|hectares|acres|threaten\w*|menace\w*|spread\w*|se propage|pompiers|secours"
    r"|emergency warning|watch and act|evac\w+|brennt|feuerwehr)"
)
_NUCLEAR = re.compile(
    r"\b(?:nuclea\w+|nuklear\w*|radiolog\w+|radioacti\w+|radioakti\w+|atom(?:unfall|kraftwerk)\w*|kernkraftwerk\w*"
    r"|centrale (?:de |du |d')?(?:belleville|blayais|bugey|cattenom|chinon|chooz|civaux|cruas|dampierre|flamanville"
    r"|golfech|gravelines|nogent|paluel|penly|saint-alban|saint-laurent|tricastin))\b"
)
# SAME event codes: nuclear power plant warning and radiological hazard warning.
_NUCLEAR_CODES = frozenset(("NUW", "RHW"))
# A road that has fallen in needs another instruction than one that is closed.
_COLLAPSED = re.compile(r"\b(?:effondre\w*|ecroule\w*|collapsed?|eingesturzt)\b")
_SAID_PLANNED = r"(?:prevue|programmee|planifiee|annoncee)s?"
# A planned power cut needs other words than a sudden one.
_PLANNED_CUT = re.compile(
    rf"\b(?:coupures?(?: d'electricite| de courant| electriques?)? (?:(?:est|sera) )?{_SAID_PLANNED}"
    r"|(?:planned|scheduled) (?:(?:power|electricity|supply) )?(?:cut|outage|interruption)s?)\b"
)
_OWN_NAMES = {hazard.value: hazard for hazard in Hazard}


def hazard_of(info: Info) -> Hazard:
    """Return the hazard of `info`; `general` if nothing names one, or if it names another event than these.

    In order: the parameter `tocsin:hazard`; `awareness_type` (MeteoAlarm's list, fog being general); an `eventCode` of
    the SAME list; the words of `event`, then of `headline`, in French, English and German whatever their accents and
    case; a `responseType` Evacuate or Shelter if it is Severe or worse (some feeds set it always); the category.

    Works are often mentioned and seldom meant: they count as the event or as the subject of the headline (its first
    words), and only below Severe. The categories Transport and Infra mean works only if they are the only ones and
    works are mentioned: a wagon of chlorine is Transport too. Works give way to a cut of power, gas or telephone, an
    accident, a missing person. The same holds if `tocsin:hazard` says works, since a calendar of works sets it for all
    its entries.

    Words saying that something is over, that it is a drill, or that nobody has to leave (now) name no hazard: the
    prepared order would be wrong. An earthquake without a place is somewhere on earth.
    """
    own = _OWN_NAMES.get((info.parameter(HAZARD_PARAMETER) or "").strip().lower())
    from_calendar = info.parameter(STEP_PARAMETER) is not None  # it looked at the words itself
    if own and not (own is Hazard.WORKS and not from_calendar and _is_no_works(info)):
        return own
    if says_over(info) or any(is_drill(words) for words in _said(info)):
        return Hazard.GENERAL
    found = _by_code(info) or _by_words(info) or _by_response(info)
    return found or (Hazard.WORKS if _is_works_by_category(info) else Hazard.GENERAL)


def says_over(info: Info) -> bool:
    """True if an alert says, by its `responseType` or in words, that the danger is over.

    An alert that an officer filed under a hazard is taken at its word.
    """
    if info.parameter(HAZARD_PARAMETER) is not None:
        return False
    return ResponseType.ALL_CLEAR in info.response_types or says_it_is_over(*_said(info))


def worded_hazard(info: Info) -> Hazard:
    """Return the hazard whose words are used for an alert.

    Reports are unconfirmed, so their alerts use no specific one.
    """
    return Hazard.GENERAL if info.parameter(CLUSTER_PARAMETER) else hazard_of(info)


def worded_as(hazard: Hazard, info: Info, now: datetime) -> Hazard:
    """The hazard whose words are said: of a water cut those of one to come, or of one that is there."""
    if hazard not in WATER_CUTS:
        return hazard
    return Hazard.WATER_CUT_PLANNED if _is_to_come(info, now) else Hazard.WATER_CUT


def kind_of(hazard: Hazard, info: Info, now: datetime) -> str:
    """Which kind of a hazard it is, where some of its words must be others; else "".

    A fire that is only to be feared is a "risk"; a bridge that is down a "collapse"; an attack that people sit out is
    "inside"; an accident at a nuclear plant "nuclear"; a power cut that is still to come, or says that it is planned,
    "planned", and once such a one has begun "under-way".
    """
    match hazard:
        case Hazard.FOREST_FIRE if only_a_risk(info):
            return "risk"
        case Hazard.ATTACK if _says_stay_inside(info):
            return "inside"
        case Hazard.INDUSTRIAL if _is_nuclear(info):
            return "nuclear"
        case Hazard.POWER if _is_to_come(info, now):
            return "planned"
        case Hazard.POWER if any(_PLANNED_CUT.search(words) for words in _said(info)):
            return "under-way" if info.onset else "planned"
        case Hazard.ROAD if any(_COLLAPSED.search(words) for words in _said(info)):
            return "collapse"
        case _:
            return ""


def _is_nuclear(info: Info) -> bool:
    coded = any(code.value.upper() in _NUCLEAR_CODES for code in info.event_codes)
    return coded or any(_NUCLEAR.search(words) for words in _said(info))


def _is_to_come(info: Info, now: datetime) -> bool:
    start = info.onset or info.effective
    return start is not None and start > now


def _says_stay_inside(info: Info) -> bool:
    return ResponseType.SHELTER in info.response_types or any(Hazard.SHELTER in named(words) for words in _said(info))


def other_event(info: Info) -> str:
    """Return the name of another event for which only a name is prepared: "landslide", "bomb", "drill"; else ""."""
    if any(is_drill(words) for words in _said(info)):
        return "drill"
    return next((found for words in _said(info) if (found := event_in(words))), "")


def only_a_risk(info: Info) -> bool:
    """True if a fire is only a risk: a feed's danger level orders nobody into a house."""
    if info.parameter("awareness_type"):
        return True
    if info.parameter(HAZARD_PARAMETER) is not None or any(_BURNS.search(words) for words in _said(info)):
        return False
    return any(_SAID_OF_RISK.search(words) for words in _said(info))


@lru_cache(maxsize=512)
def fold(text: str) -> str:
    """`text` without case, accents and typographic apostrophes, for comparing words: "Évacuation" is "evacuation"."""
    # Decomposed, so that an accent is a character of its own.
    plain = normal("NFKD", text.replace("’", "'")).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))


def _by_code(info: Info) -> Hazard | None:
    awareness = (info.parameter("awareness_type") or "").split(";", 1)[0].strip()
    if awareness in AWARENESS_TYPES:
        return AWARENESS_TYPES[awareness]
    return next(
        (EVENT_CODES[code.value.upper()] for code in info.event_codes if code.value.upper() in EVENT_CODES), None
    )


def _by_words(info: Info) -> Hazard | None:
    event, headline = _said(info)
    if any(is_taken_back(words) for words in (event, headline)):
        return Hazard.GENERAL
    if hazard := _named(event, info):
        if hazard not in _NAMED_WHATEVER_HAPPENED and _IS_ABOUT_A_SLIDE.match(headline[:_BEGINNING]):
            return Hazard.GENERAL
        if hazard is Hazard.SHELTER:  # it says what to do, and the headline why
            return _why_to_shelter(_named(headline, info))
        # "Route barrée" may be works' own words.
        return Hazard.WORKS if hazard is Hazard.ROAD and _is_mere_works(info) else hazard
    if _NAMES_WORKS.search(event) or (_is_about_works(headline) and _named(headline, info) in (None, Hazard.ROAD)):
        return (_instead_of_works(info) or _closed_road(info)) if _is_no_works(info) else _works_or_road(info)
    return _named(headline, info)


def _why_to_shelter(hazard: Hazard | None) -> Hazard:
    if hazard is Hazard.EVACUATION:
        return Hazard.GENERAL
    return hazard if hazard in (Hazard.ATTACK, Hazard.INDUSTRIAL) else Hazard.SHELTER


def _works_or_road(info: Info) -> Hazard:
    """Return works for what is works indeed; a road that is closed for another reason, or gravely, is a closed road."""
    if info.severity.at_least(Severity.SEVERE):
        return Hazard.GENERAL if _BEGINS_WITH_WORKS.search(_said(info)[1]) else (_closed_road(info) or Hazard.GENERAL)
    return Hazard.WORKS if _names_works(info) else (_closed_road(info) or Hazard.WORKS)


def _closed_road(info: Info) -> Hazard | None:
    return next((Hazard.ROAD for words in _said(info) if _named(words, info) is Hazard.ROAD), None)


def _is_mere_works(info: Info) -> bool:
    return _names_works(info) and not info.severity.at_least(Severity.SEVERE) and not _is_no_works(info)


def _names_works(info: Info) -> bool:
    return any(_NAMES_WORKS_PROPER.search(words) for words in _said(info))


def _is_about_works(headline: str) -> bool:
    begins = _BEGINS_ABOUT_WORKS.match(headline[:_BEGINNING])
    return bool(begins or _GOES_ON_ABOUT_WORKS.search(headline))


def _named(words: str, info: Info) -> Hazard | None:
    """Return the first hazard but works that `words` name; no weather hazard if they are about another event.

    Event and headline together decide if it is meant: "Evacuation" with "be ready to leave" isn't. Returns None if no
    hazard is named.
    """
    whole = ": ".join(_said(info))
    about_another = _is_about_another(words)
    found = [
        hazard
        for hazard in map(Hazard, named(words))
        if (hazard in _NAMED_WHATEVER_HAPPENED or not about_another) and is_meant(hazard, whole)
    ]
    if Hazard.QUAKE in found and not _is_somewhere(info, whole):
        found.remove(Hazard.QUAKE)
    if Hazard.SHELTER in found and found[0] is Hazard.EVACUATION:
        return Hazard.GENERAL  # to leave and to stay: who has to do which, only its sender knows
    if Hazard.SHELTER in found and found[0] is Hazard.GAS:
        return Hazard.SHELTER  # the order that its sender gives, not ours to walk away
    return found[0] if found else None


def _is_somewhere(info: Info, words: str) -> bool:
    return any(area.description for area in info.areas) or _FELT.search(words) is not None


# An earthquake that was felt here is near, even if its centre has no name.
_FELT = re.compile(r"\b(?:ressentie?s?|felt|verspurt|gespurt)\b")


def _is_about_another(words: str) -> bool:
    return bool(_IS_ABOUT_ANOTHER.match(words[:_BEGINNING]) or _NAMES_A_SLIDE.search(words))


def _names_another(info: Info) -> bool:
    """True if it names an event that is none of the hazards, works aside."""
    for words in _said(info):
        touches = _TOUCHES_ANOTHER.search(words) and not _BEGINS_WITH_WORKS.search(words)
        if touches or _NAMES_ANOTHER.search(words):
            return True
    return False


def _is_no_works(info: Info) -> bool:
    return _names_another(info) or _instead_of_works(info) is not None


def _instead_of_works(info: Info) -> Hazard | None:
    """Return what it is about instead, where it goes for works by mistake; another event is none of ours."""
    found = (_named(words, info) for words in _said(info))
    return next((hazard for hazard in found if hazard in _NAMED_WHATEVER_HAPPENED and hazard not in _LIKE_WORKS), None)


# What works bring about, so that works stay works beside it.
_LIKE_WORKS = WATER_CUTS | {Hazard.ROAD, Hazard.SCHOOL}


def _said(info: Info) -> tuple[str, str]:
    return fold(info.event[:_READ]), fold((info.headline or "")[:_READ])


def _by_response(info: Info) -> Hazard | None:
    if not info.severity.at_least(Severity.SEVERE):
        return None
    whole = ": ".join(_said(info))
    if ResponseType.EVACUATE in info.response_types:
        return Hazard.EVACUATION if is_meant(Hazard.EVACUATION, whole) else None
    another = any(_is_about_another(words) for words in _said(info))
    shelters = ResponseType.SHELTER in info.response_types and is_meant(Hazard.SHELTER, whole)
    return Hazard.SHELTER if shelters and not another else None


def _is_works_by_category(info: Info) -> bool:
    alone = len(info.categories) == 1 and info.categories[0] in (Category.TRANSPORT, Category.INFRA)
    if not alone or info.severity.at_least(Severity.SEVERE) or _is_no_works(info):
        return False
    return any(_NAMES_WORKS.search(words) for words in (*_said(info), fold((info.description or "")[:_SKIMMED])))


# Letters of an event and a headline that are asked: what comes later is no name any more.
_READ = 600
# Letters of a description that are asked whether they speak of works.
_SKIMMED = 500
