from __future__ import annotations

import pytest

from alerts.model.alert import Category, Info, Named, ResponseType, Severity
from alerts.model.hazard import AWARENESS_TYPES, HAZARD_PARAMETER, Hazard, fold, hazard_of


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
        ("Tsunami Warning", "coastal"),
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
        ("Pollution de l’eau de baignade", "air-quality"),
        ("Coupure générale d’eau", "water-cut"),
        ("Interruption de la distribution d’eau", "water-cut"),
        ("Water main break", "water-cut"),
        ("Road works", "works"),
        ("Evacuation order", "evacuation"),
        ("Fuite de gaz", "general"),
        ("Fuite de gaz : évacuation du quartier", "evacuation"),
        ("Interruption du réseau téléphonique", "general"),
        ("Accident de la circulation", "general"),
        ("Panne d’électricité après la tempête", "general"),
        ("Power outage", "general"),
        ("Disparition inquiétante", "general"),
        ("Service announcement", "general"),
        ("Aventure au musée", "general"),
    ],
)
def test_the_words_of_the_event_tell_the_hazard(event: str, hazard: str) -> None:
    assert hazard_of(Info(event)) == hazard


@pytest.mark.parametrize(("code", "hazard"), list(AWARENESS_TYPES.items()))
def test_awareness_type_wins_over_the_words(code: str, hazard: Hazard) -> None:
    info = Info("Travaux", parameters=(Named("awareness_type", f"{code}; Whatever"),))
    assert hazard_of(info) is hazard


def test_an_awareness_type_that_is_not_listed_leaves_it_to_the_words() -> None:
    assert hazard_of(Info("Orages", parameters=(Named("awareness_type", "99; New"),))) is Hazard.STORM


def test_our_own_parameter_wins_over_everything() -> None:
    info = Info("Orages", parameters=(Named("awareness_type", "1; Wind"), Named(HAZARD_PARAMETER, " Water-Cut ")))
    assert hazard_of(info) is Hazard.WATER_CUT


def test_an_unknown_own_parameter_is_passed_over() -> None:
    assert hazard_of(Info("Orages", parameters=(Named(HAZARD_PARAMETER, "dragons"),))) is Hazard.STORM


def test_an_event_code_wins_over_the_words() -> None:
    assert hazard_of(Info("Warning of wind", event_codes=(Named("X", "no"), Named("SAME", "ffw")))) is Hazard.RAIN_FLOOD


def test_the_headline_is_asked_when_the_event_says_nothing() -> None:
    assert hazard_of(Info("Alerte", headline="Crue de l’Isère")) is Hazard.FLOOD


def test_the_event_is_asked_before_the_headline() -> None:
    assert hazard_of(Info("Orages", headline="Orages avec de fortes pluies et du vent")) is Hazard.STORM


@pytest.mark.parametrize("category", [Category.TRANSPORT, Category.INFRA])
def test_the_category_is_the_last_to_be_asked(category: Category) -> None:
    assert hazard_of(Info("Avis", categories=(Category.OTHER, category))) is Hazard.WORKS


@pytest.mark.parametrize(
    ("severity", "hazard"), [(Severity.SEVERE, Hazard.EVACUATION), (Severity.MINOR, Hazard.GENERAL)]
)
def test_people_told_to_evacuate_are_evacuated_where_it_is_grave(severity: Severity, hazard: Hazard) -> None:
    assert hazard_of(Info("Danger", severity=severity, response_types=(ResponseType.EVACUATE,))) is hazard


@pytest.mark.parametrize(
    "headline",
    [
        "Panne d’électricité aux Coteaux après un incident sur le chantier de travaux du boulevard Gambetta",
        "Coupure totale d’électricité mardi, Enedis annonce des travaux de renforcement",
        "Travaux : coupure de courant rue Haute",
        "Incendie d’habitation, circulation coupée",
        "Enfant disparu près du chantier de la gare",
        "Disparition d’un homme dans la neige",
        "Power cut during the road works",
    ],
)
@pytest.mark.parametrize("event", ["Alerte", "Travaux"])
def test_another_event_is_no_works_though_works_are_mentioned(event: str, headline: str) -> None:
    if "neige" not in headline or event == "Alerte":
        assert hazard_of(Info(event, headline=headline, categories=(Category.INFRA,))) is Hazard.GENERAL
    own = (Named(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline=headline, parameters=own)) is Hazard.GENERAL


def test_unsafe_water_in_a_calendar_of_works_is_unsafe_water() -> None:
    own = (Named(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline="Eau non potable rue Haute", parameters=own)) is Hazard.WATER_QUALITY


def test_another_event_that_calls_for_an_evacuation_is_one() -> None:
    info = Info("Fuite de gaz", severity=Severity.SEVERE, response_types=(ResponseType.EVACUATE,))
    assert hazard_of(info) is Hazard.EVACUATION


@pytest.mark.parametrize(
    ("headline", "hazard"),
    [
        ("Travaux rue Haute", "works"),
        ("Travaux sur le réseau de gaz, rue Haute", "works"),
        ("Avis de travaux", "works"),
        ("Avenue de la Gare : travaux de nuit", "works"),
        ("Route barrée au col", "works"),
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
