"""Which of the sixteen hazards an alert is about: what words, advice and pictures hang on.

Feeds name events in their own ways, so `hazard_of` asks in the order of how much each answer can be trusted: our own
parameter, MeteoAlarm's `awareness_type`, the event code, the words in French and English, and at last the category.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from alerts.model.alert import STEP_PARAMETER, Category, Info, ResponseType, Severity
from alerts.model.characters import normal

HAZARD_PARAMETER = "tocsin:hazard"
"""The parameter of our own alerts that names the hazard outright; it wins over everything else."""


class Hazard(StrEnum):
    """What threatens, as the templates and the subscriptions name it."""

    WIND = "wind"
    RAIN_FLOOD = "rain-flood"
    STORM = "storm"
    SNOW_ICE = "snow-ice"
    HEAT = "heat"
    COLD = "cold"
    AVALANCHE = "avalanche"
    COASTAL = "coastal"
    FLOOD = "flood"
    FOREST_FIRE = "forest-fire"
    AIR_QUALITY = "air-quality"
    WORKS = "works"
    WATER_QUALITY = "water-quality"
    WATER_CUT = "water-cut"
    EVACUATION = "evacuation"
    GENERAL = "general"


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
        "TSW": Hazard.COASTAL,
        "TSA": Hazard.COASTAL,
        "SSW": Hazard.COASTAL,
        "SSA": Hazard.COASTAL,
        "FRW": Hazard.FOREST_FIRE,
        "WFW": Hazard.FOREST_FIRE,
        "WFA": Hazard.FOREST_FIRE,
        "EVI": Hazard.EVACUATION,
    }
)
"""The SAME codes of 47 CFR 11.31 that North American feeds carry as `eventCode`."""

_WORDS: tuple[tuple[Hazard, str], ...] = (
    # The order matters: what is said first wins, so the narrower stands before the wider.
    (Hazard.EVACUATION, r"evacuation|evacuez|evacuate|evacuer"),
    (Hazard.WATER_QUALITY, r"(non|pas|plus|im)[ -]?potable|eau .{0,20}(impropre|contaminee|polluee)"),
    (Hazard.WATER_QUALITY, r"(pollution|contamination) (de l'|d'|du reseau d')eau(?! de (baignade|mer))"),
    (Hazard.WATER_QUALITY, r"(buvez|boire|bois|consommez|consommer) (pas |plus )?(de )?l'eau|bouillir .{0,10}eau"),
    (Hazard.WATER_QUALITY, r"boil(ing)?( your| tap| the)? water|(not|don't|unsafe to|unfit to) drink|undrinkable"),
    (Hazard.WATER_QUALITY, r"(unsafe|contaminated|polluted) (tap |drinking )?water"),
    (Hazard.WATER_QUALITY, r"water (is |supply is |supply )?(unsafe|not safe|contaminat\w+|pollut\w+)"),
    (Hazard.WATER_CUT, r"(coupures?|pannes?|interruption)( \w+){0,2} ?(d'|de l'|en )eau|manque d'eau|eau coupee"),
    (Hazard.WATER_CUT, r"interruption .{0,30}\beau|water (cut|outage|supply|main)|no water"),
    (Hazard.AVALANCHE, r"avalanches?"),
    (Hazard.AIR_QUALITY, r"pollution|qualite de l'air|air quality|particules fines|smog|ozone"),
    (Hazard.FOREST_FIRE, r"feux? de (foret|vegetation|broussailles?)|incendies? de (foret|vegetation)"),
    (Hazard.FOREST_FIRE, r"(forest|wild|bush|grass|brush) ?fires?|red flag|fire (weather|danger)|meteo des forets"),
    (
        Hazard.COASTAL,
        r"vagues?.submersion|submersion|fortes? vagues?|coastal|tsunami|storm surge|high surf|grandes? marees?",
    ),
    (Hazard.RAIN_FLOOD, r"pluies?.(et.)?inondations?|fortes? pluies?|pluies? (fortes?|abondantes?|diluviennes?)"),
    (Hazard.RAIN_FLOOD, r"heavy rain(fall)?|rain.?floods?|flash floods?|rainfall|ruissellement"),
    (Hazard.FLOOD, r"crues?|inondations?|floods?|flooding|debordements?"),
    (Hazard.STORM, r"orages?|orageux|orageuses?|thunderstorms?|tornado(es)?|tornades?|grele|hail|lightning|foudre"),
    (Hazard.SNOW_ICE, r"neige|verglas|snow(fall)?|ic[ey]|blizzard|winter (storm|weather)|freezing rain|glace|frost"),
    (Hazard.HEAT, r"canicule|(fortes?|vague de) chaleurs?|heat( ?wave)?|(high|hot).temperatures?|chaleur"),
    (Hazard.COLD, r"grands? froids?|vague de froid|cold|(low|extreme.low).temperatures?|wind ?chill|gel|freeze"),
    (Hazard.WIND, r"vents?( violents?| forts?)?|winds?|gales?|tempetes?|rafales?|hurricane|cyclone|ouragan|storm"),
    (Hazard.RAIN_FLOOD, r"pluies?|rain"),
)
_PATTERNS = tuple((hazard, re.compile(rf"\b(?:{words})\b")) for hazard, words in _WORDS)
_FIRST_OF_ALL = frozenset((Hazard.EVACUATION, Hazard.WATER_QUALITY, Hazard.WATER_CUT))

_WORKS_PROPER = r"travaux|chantiers?|voirie|road ?works?|works"
_WORKS = (
    rf"(?:{_WORKS_PROPER}|(?:route|rue) (?:barree|fermee|coupee)|circulation|deviation|stationnement"
    r"|(?:road|street|lane|bridge) (?:closed|closures?)|traffic|detour)"
)
# Nothing in it tries a character again ("++") but where a word with apostrophes ends, of which it has seven at most.
_FEW_WORDS = r"^\W*+(?:\w++(?:'\w++){0,6}\W++){0,2}"
_BEGINNING = 200
"""Characters within which the first words stand."""
_NAMES_WORKS = re.compile(rf"\b{_WORKS}\b")
_BEGINS_ABOUT_WORKS = re.compile(rf"{_FEW_WORDS}{_WORKS}\b")
_GOES_ON_ABOUT_WORKS = re.compile(rf": ?{_WORKS}\b")
_BEGINS_WITH_WORKS = re.compile(rf"^\W*+(?:{_WORKS_PROPER})\b")

_ANOTHER = (
    r"(?:pannes?|blackout|delestages?|accidents?|collision|disparu\w*|disparitions?|enlevements?|attentats?|explosions?"
    r"|(?:coupures?|interruptions?)\b.{0,30}\b(?:electri\w+|courant|gaz|telephon\w+|internet)"
    r"|(?:fuites?|odeurs?) de gaz|gas leak|missing|abduct\w+|amber alert|shooting"
    r"|(?:power|gas|phone|telephone|internet|electricity) (?:cuts?|outages?|failures?))"
)
_NAMES_ANOTHER = re.compile(rf"\b{_ANOTHER}\b")
_IS_ABOUT_ANOTHER = re.compile(rf"{_FEW_WORDS}{_ANOTHER}\b")
_TOUCHES_ANOTHER = re.compile(r"\b(?:electri\w+|gaz|gas|telephon\w+|phone|internet|incendies?|fire)\b")

_CATEGORIES: Mapping[Category, Hazard] = MappingProxyType(
    {
        Category.TRANSPORT: Hazard.WORKS,
        Category.INFRA: Hazard.WORKS,
    }
)
_OWN_NAMES = {hazard.value: hazard for hazard in Hazard}


def hazard_of(info: Info) -> Hazard:
    """Tell what `info` is about; `general` where nothing says, and where it says another event than these.

    In order: the parameter `tocsin:hazard`; `awareness_type` (MeteoAlarm's list, fog being general); an `eventCode`
    of the SAME list; the words of `event`, then of `headline`, in French and English whatever their accents and case;
    a `responseType` Evacuate where it is Severe or worse (some feeds set it always); the category (Transport and
    Infra are works).

    Works are much mentioned and seldom meant: they count as the event or as what the headline is about (its first
    words), and give way to a cut of power, gas or telephone, an accident, somebody missing. So does `tocsin:hazard`
    where it says works, which a calendar of works says of all that it holds.
    """
    own = _OWN_NAMES.get((info.parameter(HAZARD_PARAMETER) or "").strip().lower())
    from_calendar = info.parameter(STEP_PARAMETER) is not None  # it looked at the words itself
    if own and not (own is Hazard.WORKS and not from_calendar and _is_no_works(info)):
        return own
    found = _by_code(info) or _by_words(info) or _by_response(info)
    return found or (Hazard.GENERAL if _names_another(info) else _by_category(info))


@lru_cache(maxsize=512)
def fold(text: str) -> str:
    """`text` without case, accents and typographic apostrophes, for comparing words: "Évacuation" is "evacuation"."""
    plain = normal("NFKD", text.replace("’", "'")).casefold()
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _by_code(info: Info) -> Hazard | None:
    awareness = (info.parameter("awareness_type") or "").split(";", 1)[0].strip()
    if awareness in AWARENESS_TYPES:
        return AWARENESS_TYPES[awareness]
    return next(
        (EVENT_CODES[code.value.upper()] for code in info.event_codes if code.value.upper() in EVENT_CODES), None
    )


def _by_words(info: Info) -> Hazard | None:
    event, headline = _said(info)
    if hazard := _named(event):
        return hazard
    if _NAMES_WORKS.search(event) or (not _named(headline) and _is_about_works(headline)):
        return _instead_of_works(info) if _is_no_works(info) else Hazard.WORKS
    return _named(headline)


def _is_about_works(headline: str) -> bool:
    begins = _BEGINS_ABOUT_WORKS.match(headline[:_BEGINNING])
    return bool(begins or _GOES_ON_ABOUT_WORKS.search(headline))


def _named(words: str) -> Hazard | None:
    """Return the first hazard but works that `words` name; none of the weather where they are about another event."""
    about_another = _IS_ABOUT_ANOTHER.match(words[:_BEGINNING])
    for hazard, pattern in _PATTERNS:
        if about_another and hazard not in _FIRST_OF_ALL:
            return None
        if pattern.search(words):
            return hazard
    return None


def _names_another(info: Info) -> bool:
    """Whether it says an event that is none of the hazards, be there works or not."""
    for words in _said(info):
        touches = _TOUCHES_ANOTHER.search(words) and not _BEGINS_WITH_WORKS.search(words)
        if touches or _NAMES_ANOTHER.search(words):
            return True
    return False


def _is_no_works(info: Info) -> bool:
    return _names_another(info) or _instead_of_works(info) is not None


def _instead_of_works(info: Info) -> Hazard | None:
    """Return unsafe water where it is that; another event is none of ours."""
    return next((Hazard.WATER_QUALITY for words in _said(info) if _named(words) is Hazard.WATER_QUALITY), None)


def _said(info: Info) -> tuple[str, str]:
    return fold(info.event), fold(info.headline or "")


def _by_response(info: Info) -> Hazard | None:
    grave = info.severity.at_least(Severity.SEVERE)
    return Hazard.EVACUATION if grave and ResponseType.EVACUATE in info.response_types else None


def _by_category(info: Info) -> Hazard:
    return next((_CATEGORIES[category] for category in info.categories if category in _CATEGORIES), Hazard.GENERAL)
