"""Which hazard an alert is about: what words, advice and pictures hang on.

Feeds name events in their own ways, so `hazard_of` asks in the order of how much each answer can be trusted: our own
parameter, MeteoAlarm's `awareness_type`, the event code, the words in French, English and German, and at last the
category. A wrong answer gives people a wrong order, so whatever is in doubt is `general`, which orders nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
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
    FLOOD = "flood"
    STORM = "storm"
    SNOW_ICE = "snow-ice"
    HEAT = "heat"
    COLD = "cold"
    AVALANCHE = "avalanche"
    COASTAL = "coastal"
    FOREST_FIRE = "forest-fire"
    EVACUATION = "evacuation"
    SHELTER = "shelter"
    INDUSTRIAL = "industrial"
    SMOKE = "smoke"
    GAS = "gas"
    QUAKE = "quake"
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
"""What is watched and forecast: the slightest of these is a "Vigilance"."""

WATER_CUTS = frozenset((Hazard.WATER_CUT, Hazard.WATER_CUT_PLANNED))
"""One hazard in two sets of words: which of them is said depends on whether the water is off yet."""

NEEDS_A_PLACE = frozenset((Hazard.EVACUATION, Hazard.SHELTER, Hazard.INDUSTRIAL, Hazard.GAS))
"""The orders that hurt where they don't hold: people have to be told whom they are for."""


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
        "SPW": Hazard.SHELTER,
        "HMW": Hazard.INDUSTRIAL,
        "NUW": Hazard.INDUSTRIAL,
        "RHW": Hazard.INDUSTRIAL,
        "EQW": Hazard.QUAKE,
    }
)
"""The SAME codes of 47 CFR 11.31 that North American feeds carry as `eventCode`."""

_CLOSED = r"ferme\w*|coupe\w*|barre\w*|impraticables?|inaccessibles?|interdite?s?"
_WAYS = r"routes?|rues?|avenue|boulevard|ponts?|tunnel|col|quai|autoroute|voies?|chemin|rocade|viaduc"
_SCHOOLS = r"ecoles?|colleges?|lycees?|creches?|etablissements? scolaires?"
_PEOPLE = (
    r"enfants?|hommes?|femmes?|personnes?|adolescente?s?|fillette|filles?|garcons?|jeunes?|mineure?s?|randonneu\w+"
)
_POISON = (
    r"chlore|ammoniac|acide \w+|produits? (?:chimiques?|toxiques?|dangereux|inflammables?)|gaz toxiques?"
    r"|matieres? (?:dangereuses?|toxiques?|radioactives?)"
)
_WORDS: tuple[tuple[Hazard, str], ...] = (
    # The order matters: what is said first wins. The narrower stands before the wider, what kills before the rest.
    (Hazard.COASTAL, r"tsunamis?|raz.de.maree"),
    (Hazard.EVACUATION, r"evacuation|evacuez|evacuate|evacuer|evakuierung\w*|evakuieren"),
    (Hazard.WATER_QUALITY, r"(non|pas|plus|im)[ -]?potable|eau .{0,20}(impropre|contaminee|polluee)"),
    (Hazard.WATER_QUALITY, r"(pollution|contamination) (de l'|d'|du reseau d')eau(?! de (baignade|mer|la riviere))"),
    (Hazard.WATER_QUALITY, r"(buvez|boire|bois|consommez|consommer) (pas |plus )?(de )?l'eau|bouillir .{0,10}eau"),
    (Hazard.WATER_QUALITY, r"boil(ing)?( your| tap| the)? water|(not|don't|unsafe to|unfit to) drink|undrinkable"),
    (Hazard.WATER_QUALITY, r"(unsafe|contaminated|polluted) (tap |drinking )?water"),
    (Hazard.WATER_QUALITY, r"water (is |supply is |supply )?(unsafe|not safe|contaminat\w+|pollut\w+)"),
    (Hazard.WATER_QUALITY, r"trinkwasser .{0,30}(verunreinig\w*|belastet|abkochen|keime?n?)|trinkwasserverunreinigung"),
    (Hazard.WATER_QUALITY, r"abkochgebot|verunreinig\w* .{0,20}trinkwassers?|leitungswasser .{0,20}abkochen"),
    (Hazard.INDUSTRIAL, r"accident (industriel|chimique|nucleaire|radiologique)|alerte (chimique|nucleaire|toxique)"),
    (Hazard.INDUSTRIAL, r"nuages? (\w+ )?(toxiques?|dangereux|chimiques?|radioactifs?)|risque (chimique|toxique)"),
    (
        Hazard.INDUSTRIAL,
        rf"(fuites?|emanations?|rejets?|nuages?|deversements?|wagons?|citernes?) (de |d'|du |des )?(?:{_POISON})",
    ),
    (Hazard.INDUSTRIAL, rf"matieres? dangereuses?|seveso|(incendie|explosion|accident) .{{0,40}}\b(?:{_POISON})"),
    (
        Hazard.INDUSTRIAL,
        r"(incendie|explosion)s? .{0,25}\b(usines?|sites? industriels?|depot (petrolier|de carburant))",
    ),
    (Hazard.INDUSTRIAL, r"chemical (spill|leak|release|fire|plant|alarm|incident|emergency|accident|cloud)|hazmat"),
    (
        Hazard.INDUSTRIAL,
        r"hazardous (materials?|cloud|chemicals?)|toxic (cloud|gas|fumes|release)|nuclear|radiological",
    ),
    (
        Hazard.INDUSTRIAL,
        r"(chlorine|ammonia) (leak|release|cloud|spill|gas)|(leak|release|cloud|spill) of (chlorine|ammonia)",
    ),
    (Hazard.INDUSTRIAL, r"gefahrstoff\w*|gefahrgut\w*|chemie(unfall|alarm)|gift(gas\w*|wolke)|chlorgas\w*|storfall"),
    (
        Hazard.GAS,
        r"(fuites?|odeurs?) .{0,15}\bgaz\b|(conduites?|canalisations?) .{0,15}\bgaz .{0,12}(rompue?|percee?)",
    ),
    (Hazard.GAS, r"rupture .{0,25}\bgaz|gas (leak|escape|smell)|smell of gas|leaking gas|gas(austritt|leck|geruch)\w*"),
    (Hazard.POWER, r"(coupures?|pannes?|interruptions?)\b.{0,30}\b(electri\w+|courant)|delestages?|black.?out"),
    (Hazard.POWER, r"(sans|prives? d'|privees? d') ?electricite|(power|electricity) (cuts?|outages?|failures?)"),
    (Hazard.POWER, r"stromausfall\w*|stromabschaltung\w*"),
    (Hazard.QUAKE, r"seismes?|tremblements? de terre|secousses? (sismiques?|telluriques?|ressenties?)|earthquakes?"),
    (Hazard.QUAKE, r"erdbeben\w*|eq \d\.\d"),
    (
        Hazard.MISSING,
        rf"^disparition$|disparition (inquietante|d'une? .{{0,20}}\b(?:{_PEOPLE})|de \w+, \d+ ans)|alerte enlevement",
    ),
    (Hazard.MISSING, rf"(?:{_PEOPLE})\b.{{0,20}}\bdisparue?s?|disparue?s? depuis|appel a temoins"),
    (Hazard.MISSING, r"missing (person|child|boy|girl|man|woman|teenager|hiker)|amber alert|vermisst\w*"),
    (Hazard.WATER_CUT_PLANNED, r"coupures? d'eau (prevues?|programmees?)|planned water (cut|outage)"),
    (Hazard.WATER_CUT, r"(coupures?|pannes?|interruption)( \w+){0,2} ?(d'|de l'|en )eau|manque d'eau|eau coupee"),
    (
        Hazard.WATER_CUT,
        r"interruption .{0,30}\beau|water (cut|outage|supply|main|off)|water is off|no water",
    ),
    (
        Hazard.WATER_CUT,
        r"wasserausfall|wasserrohrbruch|kein wasser|rupture (de|d'une) (canalisation|conduite)( d'eau)?",
    ),
    (Hazard.AVALANCHE, r"avalanches?|lawine\w*"),
    (Hazard.FOREST_FIRE, r"feux? de (foret|vegetation|broussailles?|garrigue)|incendies? de (foret|vegetation)"),
    (Hazard.FOREST_FIRE, r"(forest|wild|bush|grass|brush) ?fires?|red flag|fire (weather|danger)|meteo des forets"),
    (Hazard.FOREST_FIRE, r"waldbrand\w*"),
    (Hazard.SMOKE, r"fumees?|panache|smoke|brandrauch|rauch(gas\w*|entwicklung|wolke\w*|belastung)|grossbrand"),
    (
        Hazard.AIR_QUALITY,
        r"pollution (de l'air|atmospherique|a l'ozone|aux particules)|qualite de l'air|air (quality|pollution)",
    ),
    (
        Hazard.AIR_QUALITY,
        r"(pic|episode|vigilance|alerte)s? (de |a la )?pollution(?! (de l'eau|des eaux|maritime|au mazout))",
    ),
    (Hazard.AIR_QUALITY, r"air (quality|pollution)|particules fines|smog|ozone|luftqualitat|feinstaub\w*"),
    (
        Hazard.COASTAL,
        r"vagues?.submersion|submersion|fortes? vagues?|coastal|storm surge|high surf|grandes? marees?|sturmflut",
    ),
    (Hazard.RAIN_FLOOD, r"pluies?.(et.)?inondations?|fortes? pluies?|pluies? (fortes?|abondantes?|diluviennes?)"),
    (Hazard.RAIN_FLOOD, r"heavy rain(fall)?|rain.?floods?|flash floods?|rainfall|ruissellement|starkregen|dauerregen"),
    (
        Hazard.FLOOD,
        r"crues?|inondations?|floods?|flooding|debordements?|digues?|hochwasser\w*|(uber(schwemm|flut)ung\w*)",
    ),
    (Hazard.STORM, r"orages?|orageux|orageuses?|thunderstorms?|tornado(es)?|tornades?|grele|hail|lightning|foudre"),
    (Hazard.STORM, r"\w*gewitter\w*|hagel\w*"),
    (Hazard.SNOW_ICE, r"neige|verglas|snow(fall)?|ic[ey]|blizzard|winter (storm|weather)|freezing rain|glace|frost"),
    (Hazard.SNOW_ICE, r"schnee\w*|glatteis|eisregen|glatte"),
    (
        Hazard.HEAT,
        r"canicule|(fortes?|vague de) chaleurs?|heat( ?wave)?|(high|hot).temperatures?|(?<!reseau de )chaleur",
    ),
    (Hazard.HEAT, r"hitze\w*"),
    (
        Hazard.COLD,
        r"grands? froids?|vague de froid|cold|(low|extreme.low).temperatures?|wind ?chill|gel|freeze|kalte\w*",
    ),
    (Hazard.WIND, r"vents?( violents?| forts?)?|winds?|gales?|tempetes?|rafales?|hurricane|cyclone|ouragan|storm"),
    (Hazard.WIND, r"\w*sturm|\w*sturmboen|orkan\w*|windboen"),
    (Hazard.RAIN_FLOOD, r"pluies?|rain"),
    (Hazard.SHELTER, r"mise a l'abri|mettez-vous a l'abri|confinez-vous|confinement|shelter.in.place|take shelter"),
    (Hazard.SCHOOL, rf"(?:{_SCHOOLS})\b.{{0,40}}\bferme\w*|fermeture .{{0,25}}\b(?:{_SCHOOLS})"),
    (Hazard.SCHOOL, r"schools? (\w+ )?(closed|closures?)|schulausfall|schule\w* geschlossen"),
    (Hazard.ROAD, rf"(?:{_WAYS})\b.{{0,30}}\b(?:{_CLOSED})|(fermeture|coupure) .{{0,12}}\b(?:{_WAYS})"),
    (
        Hazard.ROAD,
        r"(pont|chaussee|tunnel)\b.{0,20}\b(effondre\w*|ecroule\w*)|effondrement .{0,12}\b(pont|chaussee|route)",
    ),
    (Hazard.ROAD, r"(road|street|lane|bridge|tunnel|motorway|highway)s? (is )?(closed|closures?|collapsed?|blocked)"),
    (
        Hazard.ROAD,
        r"(strasse|brucke|tunnel|autobahn)\w*\b.{0,25}\b(gesperrt|sperrung|eingesturzt)|(strassen|voll)sperrung",
    ),
)
_PATTERNS = tuple((hazard, re.compile(rf"\b(?:{words})\b")) for hazard, words in _WORDS)
_NAMED_WHATEVER_HAPPENED = frozenset(
    (
        Hazard.EVACUATION,
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
"""What may go with another event: "Explosion : fuite de gaz". The weather doesn't: it is only where that happened."""

_WORKS_PROPER = r"travaux|chantiers?|voirie|road ?works?|works|bauarbeiten|baustelle"
_WORKS = (
    rf"(?:{_WORKS_PROPER}|(?:route|rue) (?:barree|fermee|coupee)|circulation (?:alternee|modifiee)|deviation"
    r"|stationnement|(?:road|street|lane) (?:closed|closures?)|detour)"
)
# Nothing in it tries a character again ("++") but where a word with apostrophes ends, of which it has seven at most.
_FEW_WORDS = r"^\W*+(?:\w++(?:'\w++){0,6}\W++){0,2}"
_BEGINNING = 200
"""Characters within which the first words stand."""
_NAMES_WORKS = re.compile(rf"\b{_WORKS}\b")
_BEGINS_ABOUT_WORKS = re.compile(rf"{_FEW_WORDS}{_WORKS}\b")
_GOES_ON_ABOUT_WORKS = re.compile(rf": ?{_WORKS}\b")
_BEGINS_WITH_WORKS = re.compile(rf"^\W*+(?:{_WORKS_PROPER})\b")
_NAMES_WORKS_PROPER = re.compile(rf"\b(?:{_WORKS_PROPER})\b")

_ANOTHER = (
    r"(?:pannes?|accidents?|collision|carambolage|disparu\w*|disparitions?|enlevements?|attentats?|explosions?|bombes?"
    r"|colis suspect|fusillade|(?:coupures?|interruptions?)\b.{0,30}\b(?:gaz|telephon\w+|internet)"
    r"|missing|abduct\w+|shooting|(?:phone|telephone|internet|gas) (?:cuts?|outages?|failures?)"
    # Whoever is told to stay where a dam breaks or a slope comes down may die of it: for these their sender speaks.
    r"|barrages?|dams?|staudamm\w*|dammbruch|glissements? de terrain|coulees? de boue|eboulements?"
    r"|landslides?|mudslides?"
    r"|erdrutsch\w*|volcan\w*|eruptions?|baignades?|bathing|swimming|badeverbot|piscine|bombenfund|weltkriegsbombe)"
)
_NAMES_ANOTHER = re.compile(rf"\b{_ANOTHER}\b")
_IS_ABOUT_ANOTHER = re.compile(rf"{_FEW_WORDS}{_ANOTHER}\b")
_IS_ABOUT_A_DAM = re.compile(r"\b(?:rupture|breche)\b.{0,12}\bbarrage\b")
_TOUCHES_ANOTHER = re.compile(
    r"\b(?:electri\w+|gaz|gas|telephon\w+|phone|internet|incendies?|fire|effondre\w*|chlore)\b"
)

_ORDER = r"(?:evacuations?|alertes?|consignes?|vigilances?|mise a l'abri|confinement|order|warning|alert|advisory)"
_IS_OVER = re.compile(
    rf"\bfin (?:de l'|de la |de |d'|du )?{_ORDER}|\ball.?clear\b|\bentwarnung\b|\baufgehoben\b|\bretour a la normale\b"
    rf"|\b{_ORDER}\b.{{0,40}}\b(?:levee?s?|terminee?s?|annulee?s?|is over|lifted|ended|cancelled|canceled)\b"
    r"|\b(?:de nouveau|a nouveau|redevenue?|again)\b.{0,12}\b(?:potable|safe|rouvert\w*|open)|\bsafe to drink\b"
    r"|\b(?:was|been) (?:cancelled|canceled)\b"
)
"""What says that something is over, in words alone. Its order would be repeated to people who are free of it."""
_NOT_ORDERED = re.compile(
    r"\b(?:n'evacuez pas|(?:pas|sans|aucune) (?:\w+ )?evacuation|(?:not|don't|no need to) evacuate"
    r"|no evacuation|keine evakuierung"
    r"|(?:exercice|plan|voies?|itineraires?|centre) d'evacuation"
    r"|evacuation (?:drill|exercise|plan|route|centre|center)s?"
    r"|evacuation (?:des?|d'|de l'|de la) ?(?:eaux?|dechets?|fumees?|encombrants)"
    r"|evacuation (?:\w+ )?(?:possible|eventuelle|preventive envisagee)"
    r"|(?:preparez-vous|prets?|be ready|prepare|get ready) .{0,12}\bevacu\w+)"
)
_SAID_OF_RISK = re.compile(
    r"\b(?:risques?|danger|meteo des forets|red flag|fire weather|vigilance|warning|watch|waldbrandgefahr)\b"
)
_OWN_NAMES = {hazard.value: hazard for hazard in Hazard}


def hazard_of(info: Info) -> Hazard:
    """Tell what `info` is about; `general` where nothing says, and where it says another event than these.

    In order: the parameter `tocsin:hazard`; `awareness_type` (MeteoAlarm's list, fog being general); an `eventCode`
    of the SAME list; the words of `event`, then of `headline`, in French, English and German whatever their accents
    and case; a `responseType` Evacuate or Shelter where it is Severe or worse (some feeds set it always); the category.

    Works are much mentioned and seldom meant: they count as the event or as what the headline is about (its first
    words), and only below Severe. The categories Transport and Infra make works only where they stand alone and works
    are mentioned: a wagon of chlorine is Transport too. They give way to a cut of power, gas or telephone, an accident,
    somebody missing. So does `tocsin:hazard` where it says works, which a calendar of works says of all that it holds.

    Words that say that something is over, that nobody has to leave, or that a dam gives way name no hazard: the order
    that is prepared for it would be wrong.
    """
    own = _OWN_NAMES.get((info.parameter(HAZARD_PARAMETER) or "").strip().lower())
    from_calendar = info.parameter(STEP_PARAMETER) is not None  # it looked at the words itself
    if own and not (own is Hazard.WORKS and not from_calendar and _is_no_works(info)):
        return own
    found = _by_code(info) or _by_words(info) or _by_response(info)
    return found or (Hazard.WORKS if _is_works_by_category(info) else Hazard.GENERAL)


def worded_as(hazard: Hazard, info: Info, now: datetime) -> Hazard:
    """The hazard whose words are said: of a water cut those of one to come, or of one that is there."""
    if hazard not in WATER_CUTS:
        return hazard
    start = info.onset or info.effective
    return Hazard.WATER_CUT_PLANNED if start and start > now else Hazard.WATER_CUT


def only_a_risk(info: Info) -> bool:
    """Whether a fire is only to be feared: a feed's level of danger orders nobody into a house."""
    if info.parameter("awareness_type"):
        return True
    return info.parameter(HAZARD_PARAMETER) is None and any(_SAID_OF_RISK.search(words) for words in _said(info))


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
    if any(_IS_OVER.search(words) for words in (event, headline)):
        return Hazard.GENERAL
    if hazard := _named(event):
        # "Route barrée" may be works' own words.
        return Hazard.WORKS if hazard is Hazard.ROAD and _is_mere_works(info) else hazard
    if _NAMES_WORKS.search(event) or (_is_about_works(headline) and _named(headline) in (None, Hazard.ROAD)):
        return _instead_of_works(info) if _is_no_works(info) else _works_or_road(info)
    return _named(headline)


def _works_or_road(info: Info) -> Hazard:
    """Return works for what is works indeed; a road that is closed for another reason, or gravely, is a closed road."""
    if info.severity.at_least(Severity.SEVERE):
        return Hazard.GENERAL if _BEGINS_WITH_WORKS.search(_said(info)[1]) else (_closed_road(info) or Hazard.GENERAL)
    return Hazard.WORKS if _names_works(info) else (_closed_road(info) or Hazard.WORKS)


def _closed_road(info: Info) -> Hazard | None:
    return next((Hazard.ROAD for words in _said(info) if _named(words) is Hazard.ROAD), None)


def _is_mere_works(info: Info) -> bool:
    return _names_works(info) and not info.severity.at_least(Severity.SEVERE) and not _is_no_works(info)


def _names_works(info: Info) -> bool:
    return any(_NAMES_WORKS_PROPER.search(words) for words in _said(info))


def _is_about_works(headline: str) -> bool:
    begins = _BEGINS_ABOUT_WORKS.match(headline[:_BEGINNING])
    return bool(begins or _GOES_ON_ABOUT_WORKS.search(headline))


def _named(words: str) -> Hazard | None:
    """Return the first hazard but works that `words` name; none of the weather where they are about another event."""
    about_another = _is_about_another(words)
    for hazard, pattern in _PATTERNS:
        if about_another and hazard not in _NAMED_WHATEVER_HAPPENED:
            continue
        if pattern.search(words) and not (hazard is Hazard.EVACUATION and _NOT_ORDERED.search(words)):
            return hazard
    return None


def _is_about_another(words: str) -> bool:
    begins = words[:_BEGINNING]
    return bool(_IS_ABOUT_ANOTHER.match(begins) or _IS_ABOUT_A_DAM.search(begins))


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
    """Return what it is about instead, where it goes for works by mistake; another event is none of ours."""
    named = (_named(words) for words in _said(info))
    return next((hazard for hazard in named if hazard in _NAMED_WHATEVER_HAPPENED and hazard not in _LIKE_WORKS), None)


_LIKE_WORKS = WATER_CUTS | {Hazard.ROAD, Hazard.SCHOOL}
"""What works bring about, so that works stay works beside it."""


def _said(info: Info) -> tuple[str, str]:
    return fold(info.event), fold(info.headline or "")


def _by_response(info: Info) -> Hazard | None:
    if not info.severity.at_least(Severity.SEVERE):
        return None
    if any(_is_about_another(words) for words in _said(info)):
        shelters = None
    else:
        shelters = Hazard.SHELTER if ResponseType.SHELTER in info.response_types else None
    return Hazard.EVACUATION if ResponseType.EVACUATE in info.response_types else shelters


def _is_works_by_category(info: Info) -> bool:
    alone = len(info.categories) == 1 and info.categories[0] in (Category.TRANSPORT, Category.INFRA)
    if not alone or info.severity.at_least(Severity.SEVERE) or _is_no_works(info):
        return False
    return any(_NAMES_WORKS.search(words) for words in (*_said(info), fold((info.description or "")[:_SKIMMED])))


_SKIMMED = 500
"""Letters of a description that are asked whether they speak of works."""
