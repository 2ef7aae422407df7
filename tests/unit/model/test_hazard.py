from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from alerts.model.alert import Area, Category, Info, NamedValue, ResponseType, Severity
from alerts.model.hazard import AWARENESS_TYPES, HAZARD_PARAMETER, Hazard, fold, hazard_of, only_a_risk, says_over
from alerts.model.hazard_words import _NAMES, _NOT_MEANT
from tests.samples import shared
from tests.walls import in_one_test


@in_one_test
@pytest.mark.parametrize(
    ("event", "hazard"),
    [
        ("Vigilance jaune orages", "storm"),
        ("Vigilance orange vent violent", "wind"),
        ("Vigilance rouge pluie-inondation", "rain-flood"),
        ("Vigilance orange crues", "flood"),
        ("Vigilance orange neige-verglas", "snow-ice"),
        ("Vigilance rouge canicule", "heat"),
        ("Vigilance orange grand froid", "cold"),
        ("VIGILANCE ORANGE AVALANCHES", "avalanche"),
        ("Vigilance orange vagues-submersion", "coastal"),
        ("Feu de forêt", "forest-fire"),
        ("Coupure d’eau rue Pasteur", "water-cut"),
        ("Coupure d'eau", "water-cut"),
        ("Épisode de pollution de l’air", "air-quality"),
        ("Travaux rue de la République", "works"),
        ("Évacuation du quartier des Quais", "evacuation"),
        ("Moderate thunderstorm warning", "storm"),
        ("Severe Thunderstorm Warning", "storm"),
        ("High Wind Warning", "wind"),
        ("Flash Flood Warning", "rain-flood"),
        ("Flood Warning", "flood"),
        ("Winter Storm Warning", "snow-ice"),
        ("Heat Advisory", "heat"),
        ("Extreme low-temperature warning", "cold"),
        ("Coastal Flood Warning", "coastal"),
        ("Tsunami Warning", "tsunami"),
        ("Red Flag Warning", "forest-fire"),
        ("Air Quality Alert", "air-quality"),
        ("Boil Water Notice", "water-quality"),
        ("Eau non potable", "water-quality"),
        ("L’eau n’est plus potable", "water-quality"),
        ("Ne buvez pas l’eau du robinet", "water-quality"),
        ("Pollution de l’eau", "water-quality"),
        ("Pollution de l’eau potable", "water-quality"),
        ("Coupure d’eau : eau impropre à la consommation à son retour", "water-quality"),
        ("Do not drink the tap water", "water-quality"),
        ("Water contamination", "water-quality"),
        ("Pollution de l’eau de baignade", "general"),
        ("Coupure générale d’eau", "water-cut"),
        ("Interruption de la distribution d’eau", "water-cut"),
        ("Water main break", "general"),
        ("Road works", "works"),
        ("Evacuation order", "evacuation"),
        ("Fuite de gaz", "gas"),
        ("Fuite de gaz : évacuation du quartier", "evacuation"),
        ("Interruption du réseau téléphonique", "general"),
        ("Accident de la circulation", "general"),
        ("Panne d’électricité après la tempête", "power"),
        ("Power outage", "power"),
        ("Disparition inquiétante", "missing"),
        ("Service announcement", "general"),
        ("Aventure au musée", "general"),
    ],
)
def test_the_words_of_the_event_tell_the_hazard(event: str, hazard: str) -> None:
    assert hazard_of(Info(event)) == hazard


@in_one_test
@pytest.mark.parametrize(("code", "hazard"), list(AWARENESS_TYPES.items()))
def test_awareness_type_wins_over_the_words(code: str, hazard: Hazard) -> None:
    info = Info("Travaux", parameters=(NamedValue("awareness_type", f"{code}; Whatever"),))
    assert hazard_of(info) is hazard


def test_an_awareness_type_that_is_not_listed_leaves_it_to_the_words() -> None:
    assert hazard_of(Info("Orages", parameters=(NamedValue("awareness_type", "99; New"),))) is Hazard.STORM


def test_our_own_parameter_wins_over_everything() -> None:
    info = Info(
        "Orages", parameters=(NamedValue("awareness_type", "1; Wind"), NamedValue(HAZARD_PARAMETER, " Water-Cut "))
    )
    assert hazard_of(info) is Hazard.WATER_CUT


def test_an_unknown_own_parameter_is_passed_over() -> None:
    assert hazard_of(Info("Orages", parameters=(NamedValue(HAZARD_PARAMETER, "dragons"),))) is Hazard.STORM


def test_an_event_code_wins_over_the_words() -> None:
    assert (
        hazard_of(Info("Warning of wind", event_codes=(NamedValue("X", "no"), NamedValue("SAME", "ffw"))))
        is Hazard.RAIN_FLOOD
    )


def test_the_headline_is_asked_when_the_event_says_nothing() -> None:
    assert hazard_of(Info("Alerte", headline="Crue de l’Isère")) is Hazard.FLOOD


def test_the_event_is_asked_before_the_headline() -> None:
    assert hazard_of(Info("Orages", headline="Orages avec de fortes pluies et du vent")) is Hazard.STORM


@pytest.mark.parametrize("category", [Category.TRANSPORT, Category.INFRA])
def test_a_category_makes_works_only_of_what_speaks_of_them_stands_alone_and_is_slight(category: Category) -> None:
    notice = Info("Avis", categories=(category,), description="Chantier de la rue Haute.", severity=Severity.MINOR)
    assert hazard_of(notice) is Hazard.WORKS
    assert hazard_of(replace(notice, categories=(Category.OTHER, category))) is Hazard.GENERAL
    assert hazard_of(replace(notice, severity=Severity.SEVERE)) is Hazard.GENERAL
    assert hazard_of(replace(notice, description="Restez chez vous.")) is Hazard.GENERAL


@in_one_test
@pytest.mark.parametrize(
    ("headline", "hazard"),
    [
        ("Wagon de chlore déraillé en gare", "industrial"),
        ("Rupture du barrage : gagnez les hauteurs", "dam"),
        ("Pont effondré sur l’Isère", "road"),
        ("Alerte chimique", "industrial"),
    ],
)
@pytest.mark.parametrize("event", ["Alerte", "Avis", "Accident"])
def test_a_grave_event_on_road_or_rail_is_never_works(event: str, headline: str, hazard: str) -> None:
    for category in (Category.TRANSPORT, Category.INFRA):
        assert hazard_of(Info(event, headline=headline, categories=(category,), severity=Severity.EXTREME)) == hazard


@pytest.mark.parametrize(
    ("severity", "hazard"), [(Severity.SEVERE, Hazard.EVACUATION), (Severity.MINOR, Hazard.GENERAL)]
)
def test_people_told_to_evacuate_are_evacuated_where_it_is_grave(severity: Severity, hazard: Hazard) -> None:
    assert hazard_of(Info("Danger", severity=severity, response_types=(ResponseType.EVACUATE,))) is hazard


@in_one_test
@pytest.mark.parametrize(
    ("headline", "hazard"),
    [
        ("Panne d’électricité aux Coteaux après un incident sur le chantier de travaux du boulevard Gambetta", "power"),
        ("Coupure totale d’électricité mardi, Enedis annonce des travaux de renforcement", "power"),
        ("Travaux : coupure de courant rue Haute", "power"),
        ("Incendie d’habitation, circulation coupée", "general"),
        ("Enfant disparu près du chantier de la gare", "missing"),
        ("Disparition d’un homme dans la neige", "missing"),
        ("Power cut during the road works", "power"),
    ],
)
def test_another_event_is_no_works_though_works_are_mentioned(headline: str, hazard: str) -> None:
    for event in ("Alerte", "Travaux"):
        assert hazard_of(Info(event, headline=headline, categories=(Category.INFRA,))) == hazard
    own = (NamedValue(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline=headline, parameters=own)) == hazard


def test_unsafe_water_in_a_calendar_of_works_is_unsafe_water() -> None:
    own = (NamedValue(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline="Eau non potable rue Haute", parameters=own)) is Hazard.WATER_QUALITY


def test_another_event_that_calls_for_an_evacuation_is_one() -> None:
    info = Info("Colis suspect", severity=Severity.SEVERE, response_types=(ResponseType.EVACUATE,))
    assert hazard_of(info) is Hazard.EVACUATION


@in_one_test
@pytest.mark.parametrize(
    ("headline", "hazard"),
    [
        ("Travaux rue Haute", "works"),
        ("Travaux sur le réseau de gaz, rue Haute", "works"),
        ("Avis de travaux", "works"),
        ("Avenue de la Gare : travaux de nuit", "works"),
        ("Route barrée au col", "road"),
        ("Circulation alternée quai Sud", "works"),
        ("La piscine ferme plus tôt cette semaine, travaux obligent", "general"),
        ("Fermeture de la mairie le 24 décembre", "general"),
        ("Closure of the town hall on 24 December", "general"),
        ("Maintenance of the town’s website", "general"),
    ],
)
def test_a_headline_is_about_works_where_its_first_words_say_so(headline: str, hazard: str) -> None:
    assert hazard_of(Info("Alerte", headline=headline)) == hazard


def test_fold_takes_case_accents_and_curly_apostrophes_away() -> None:
    assert fold("L’Évacuation À VENIR") == "l'evacuation a venir"


def _headlines() -> list[tuple[str, str]]:
    said, hazard = [], ""
    for line in Path(__file__).with_name("headlines.txt").read_text("utf-8").splitlines():
        if line.startswith("    "):
            said.append((line.strip(), hazard))
        elif line.endswith(":"):
            hazard = line.removesuffix(":")
    return said


PAIRS = [
    # Event, headline: read together
    ("Evacuation", "Residents may return home", "general"),
    ("Évacuation", "Retour des habitants autorisé", "general"),
    ("Evacuation", "Be ready to leave", "general"),
    ("Evacuation", "Évacuation du camping des Pins", "evacuation"),
    ("Alert", "Evacuation warning: be ready to leave", "general"),
    ("Attack", "Shelter in place", "attack"),
    ("Shelter in place", "Active shooter downtown", "attack"),
    ("Shelter in place", "Chemical fire at the plant", "industrial"),
    ("Rainfall", "Landslide on the D12", "general"),
    ("Vigilance orange pluie-inondation", "Fortes pluies, risque de coulées de boue", "rain-flood"),
    ("Exercice", "Fuite de gaz rue Haute", "general"),
    ("Consigne", "N’évacuez pas, restez à l’étage", "general"),
    ("Accident", "Wagon déraillé", "general"),
    ("Bushfire", "Emergency Warning - Bald Hills", "forest-fire"),
    ("Évacuation", "Demain à 9 h : quartier des Quais", "general"),
    ("Évacuation", "Exercice mardi", "general"),
    ("Fuite de gaz", "Évitez le quartier", "gas"),
    ("Tsunami", "Fin d’alerte", "general"),
    ("Alerte chimique", "", "industrial"),
    ("Evacuation", "", "evacuation"),
    ("Évacuation immédiate", "Gagnez le gymnase Pagnol", "evacuation"),
    ("Immediate Evacuation", "Wildfire near Bald Hills", "evacuation"),
    ("Evacuation Information", "No evacuation is planned", "general"),
    ("Gas", "Gas prices rise", "general"),
    ("Water", "Water levels in the lake are low", "general"),
    ("Fire", "Yerong Creek Structure Fire", "general"),
    ("Incendie", "Incendie d’habitation rue Haute", "general"),
    ("Coupure", "Coupure d’eau rue Haute", "water-cut"),
    ("Information", "Fuite d’eau rue Pasteur", "general"),
    ("Other incident", "All-Clear - Danger of falling trees", "general"),
    ("STRONG MONSOON SIGNAL", "Strong monsoon signal(Black ball) was cancelled at 2025-04-13 06:00.", "general"),
]


def test_what_headlines_become() -> None:
    """All in one: as tests of their own the hundreds took longer to be told apart than to be read."""
    became = [
        (headline, hazard, found)
        for headline, hazard in _headlines()
        for category in (Category.SAFETY, Category.INFRA)
        if (found := hazard_of(Info("Alerte", headline=headline, categories=(category,)))) != hazard
    ]
    assert became == []


@in_one_test
@pytest.mark.parametrize(("event", "headline", "hazard"), PAIRS)
def test_event_and_headline_are_read_together(event: str, headline: str, hazard: str) -> None:
    assert hazard_of(Info(event, headline=headline or None, severity=Severity.SEVERE)) == hazard


def test_an_evacuation_that_is_only_prepared_is_none_whatever_its_response_type() -> None:
    evacuate = Info("Alert", severity=Severity.SEVERE, response_types=(ResponseType.EVACUATE,))
    assert hazard_of(replace(evacuate, headline="Be ready to leave")) is Hazard.GENERAL
    assert hazard_of(replace(evacuate, headline="Leave now")) is Hazard.EVACUATION


def test_a_code_is_no_danger_any_more_where_the_words_say_that_it_is_over() -> None:
    gale = Info("Vent", headline="Fin de vigilance orange vent", parameters=(NamedValue("awareness_type", "1; Wind"),))
    assert hazard_of(gale) is Hazard.GENERAL
    assert hazard_of(replace(gale, headline="Vigilance orange vent prolongée")) is Hazard.WIND
    drill = Info("Tsunami Warning", headline="Tsunami exercise", event_codes=(NamedValue("SAME", "TSW"),))
    assert hazard_of(drill) is Hazard.GENERAL


def test_an_earthquake_is_one_where_somebody_says_where() -> None:
    info = Info("Earthquake", headline="M 5.1 earthquake", severity=Severity.SEVERE)
    assert hazard_of(info) is Hazard.GENERAL
    assert hazard_of(replace(info, areas=(Area("Isère"),))) is Hazard.QUAKE
    assert hazard_of(replace(info, headline="Earthquake felt in Grenoble")) is Hazard.QUAKE
    green = "Green earthquake alert (Magnitude 5M, Depth:12km), No people affected."
    assert hazard_of(replace(info, headline=green, areas=(Area("Isère"),))) is Hazard.GENERAL


@in_one_test
@pytest.mark.parametrize(
    ("headline", "over"),
    [
        ("All-Clear - Danger of falling trees", True),
        ("Strong monsoon signal(Black ball) was cancelled at 2025-04-13 06:00.", True),
        ("Fin de vigilance orange vent violent", True),
        ("Tsunami warning cancelled", True),
        ("L’eau est de nouveau potable", True),
        ("Entwarnung: Hochwasser an der Fulda", True),
        ("Fin de vigilance orange vent prévue à 18 h", False),
        ("Fin de la vigilance orange, passage en jaune", False),
        ("Evacuation order lifted in zone A, remains in effect in zone B", False),
        ("Warnung noch nicht aufgehoben", False),
        ("Evacuation order until lifted", False),
        ("Marché annulé en raison de la tempête", False),
        ("Flood warning: water is over the road", False),
        ("Flood warning: levee failing", False),
    ],
)
def test_only_what_says_outright_that_it_is_over_says_so(headline: str, over: bool) -> None:
    assert says_over(Info("Alert", headline=headline)) is over
    officers = (NamedValue(HAZARD_PARAMETER, "general"),)
    assert not says_over(Info("Alert", headline=headline, parameters=officers)), "who wrote it chose what it is"


@in_one_test
@pytest.mark.parametrize(
    ("headline", "risk"),
    [
        ("Vigilance rouge feux de forêt", True),
        ("Météo des forêts : danger élevé", True),
        ("Danger de feux de forêt", True),
        ("Red Flag Warning", True),
        ("Danger, feu de forêt aux portes de la ville", False),
        ("Bushfire emergency warning", False),
        ("Feu de forêt : risque d’évacuation, 200 hectares brûlés", False),
        ("Feu de forêt à la Bastille", False),
    ],
)
def test_a_fire_that_is_feared_is_told_from_one_that_burns(headline: str, risk: bool) -> None:
    assert only_a_risk(Info("Alerte", headline=headline)) is risk


def test_each_name_in_the_table_is_a_hazard() -> None:
    assert {name for name, _ in _NAMES} | set(_NOT_MEANT) <= {hazard.value for hazard in Hazard}


def test_the_samples_of_feeds_are_about_what_they_say() -> None:
    """Nothing of the real feeds is taken for works, an evacuation or a shelter order that it isn't."""
    found = {}
    for path in sorted(shared("feeds/cap").glob("*.xml")):
        for info in etree.parse(path).iter("{*}info"):
            said = [(info.findtext(f"{{*}}{name}") or "").strip() for name in ("event", "headline")]
            found[said[0]] = str(hazard_of(Info(said[0], headline=said[1], categories=(Category.MET,))))
    assert not {"works", "evacuation", "shelter", "industrial", "gas", "smoke"} & set(found.values())
    assert found["STARKREGEN"] == found["heavy rain"] == found["fortes pluies"] == "rain-flood"
    assert found["Earthquake"] == "general", "far away, and nobody says where"
    assert found["Tsunami Warning"] == "tsunami"
    assert found["STRONG MONSOON SIGNAL"] == "general"
    assert found["Vigilance jaune orages"] == found["orages"] == "storm"
    assert found["Small Craft"] == "general"
