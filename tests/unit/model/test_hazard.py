from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from alerts.model.alert import Category, Info, Named, ResponseType, Severity
from alerts.model.hazard import AWARENESS_TYPES, HAZARD_PARAMETER, Hazard, fold, hazard_of
from tests.samples import shared


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
        ("Pollution de l’eau de baignade", "general"),
        ("Coupure générale d’eau", "water-cut"),
        ("Interruption de la distribution d’eau", "water-cut"),
        ("Water main break", "water-cut"),
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
def test_a_category_makes_works_only_of_what_speaks_of_them_stands_alone_and_is_slight(category: Category) -> None:
    notice = Info("Avis", categories=(category,), description="Chantier de la rue Haute.", severity=Severity.MINOR)
    assert hazard_of(notice) is Hazard.WORKS
    assert hazard_of(replace(notice, categories=(Category.OTHER, category))) is Hazard.GENERAL
    assert hazard_of(replace(notice, severity=Severity.SEVERE)) is Hazard.GENERAL
    assert hazard_of(replace(notice, description="Restez chez vous.")) is Hazard.GENERAL


@pytest.mark.parametrize(
    ("headline", "hazard"),
    [
        ("Wagon de chlore déraillé en gare", "industrial"),
        ("Rupture du barrage : gagnez les hauteurs", "general"),
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
    own = (Named(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline=headline, parameters=own)) == hazard


def test_unsafe_water_in_a_calendar_of_works_is_unsafe_water() -> None:
    own = (Named(HAZARD_PARAMETER, "works"),)
    assert hazard_of(Info("Travaux", headline="Eau non potable rue Haute", parameters=own)) is Hazard.WATER_QUALITY


def test_another_event_that_calls_for_an_evacuation_is_one() -> None:
    info = Info("Colis suspect", severity=Severity.SEVERE, response_types=(ResponseType.EVACUATE,))
    assert hazard_of(info) is Hazard.EVACUATION


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


HEADLINES = [
    # French: towns, prefectures, feeds
    ("Vigilance orange pluie-inondation en Isère", "rain-flood"),
    ("Vigilance rouge crues sur la Garonne", "flood"),
    ("L’Isère déborde : les quais sont fermés", "general"),
    ("Crue de la Loire : écoles fermées jeudi", "flood"),
    ("Rupture d’une digue, inondation des quartiers bas", "flood"),
    ("Risque de rupture du barrage de Vinça : évacuation immédiate", "evacuation"),
    ("Rupture de barrage, vague de submersion attendue", "general"),
    ("Coulée de boue sur la RD 12 après les pluies", "general"),
    ("Glissement de terrain, trois maisons menacées", "general"),
    ("Tempête Ciarán : rafales à 140 km/h", "wind"),
    ("Tempête : 3 000 foyers privés d’électricité", "power"),
    ("Orages violents avec grêle cet après-midi", "storm"),
    ("Épisode neigeux : chutes de neige jusqu’en plaine", "snow-ice"),
    ("Canicule : niveau 3 du plan activé", "heat"),
    ("Panne du réseau de chaleur aux Tanneries", "general"),
    ("Grand froid : ouverture d’un gymnase", "cold"),
    ("Risque fort d’avalanches en Belledonne", "avalanche"),
    ("Vigilance orange vagues-submersion", "coastal"),
    ("Alerte au tsunami sur la côte", "coastal"),
    ("Feu de forêt à la Bastille : les secours sont sur place", "forest-fire"),
    ("Météo des forêts : danger élevé", "forest-fire"),
    ("Incendie d’entrepôt : panache de fumée visible de loin", "smoke"),
    ("Incendie à l’usine Lubrizol, restez chez vous", "industrial"),
    ("Fuite d’ammoniac à la patinoire", "industrial"),
    ("Nuage toxique après un accident de camion-citerne", "industrial"),
    ("Accident de transport de matières dangereuses sur l’A48", "industrial"),
    ("Alerte nucléaire : prenez vos comprimés d’iode sur ordre", "industrial"),
    ("Fuite de gaz rue Pasteur, périmètre de sécurité", "gas"),
    ("Explosion due à une fuite de gaz", "gas"),
    ("Travaux sur le réseau de gaz : circulation alternée", "works"),
    ("Séisme ressenti dans l’agglomération", "quake"),
    ("Mise à l’abri immédiate de la population", "shelter"),
    ("N’évacuez pas, restez à l’étage", "general"),
    ("Exercice d’évacuation au collège mardi", "general"),
    ("Préparez-vous à évacuer", "general"),
    ("Fin de l’évacuation du quartier des Quais", "general"),
    ("Évacuation levée aux Tanneries", "general"),
    ("Fin de vigilance orange vent violent", "general"),
    ("L’eau est de nouveau potable", "general"),
    ("Eau du robinet non potable à Saint-Martin", "water-quality"),
    ("Pollution de la rivière : baignade interdite", "general"),
    ("Baignade interdite : pollution", "general"),
    ("Pic de pollution aux particules fines", "air-quality"),
    ("Pollution au mazout dans le canal", "general"),
    ("Coupure d’eau rue Haute jusqu’à 18 h", "water-cut"),
    ("Coupure d’eau prévue jeudi rue Haute", "water-cut-planned"),
    ("Panne d’électricité géante", "power"),
    ("École Jules-Ferry fermée lundi", "school"),
    ("Fermeture des établissements scolaires", "school"),
    ("Disparition inquiétante de Léa, 14 ans", "missing"),
    ("Effondrement d’un immeuble rue d’Aubagne", "general"),
    ("Pont de la Citadelle fermé à la circulation", "road"),
    ("Travaux : rue Haute barrée", "works"),
    ("Sécheresse : restrictions d’eau", "general"),
    ("Colis suspect à la gare", "general"),
    # English
    ("Flash Flood Watch issued August 30 at 4:07AM", "rain-flood"),
    ("The tsunami warning continues in effect for the coastal areas", "coastal"),
    ("Dam failure imminent below Oroville", "general"),
    ("Shelter in place: chemical fire at the plant", "industrial"),
    ("Gas leak on Main Street", "gas"),
    ("Boil water notice for the old town", "water-quality"),
    ("Do not evacuate, stay upstairs", "general"),
    ("Power outage affecting 400 homes", "power"),
    ("All-Clear - Danger of falling trees", "general"),
    ("Wind warning is over", "general"),
    ("Strong monsoon signal was cancelled at 2025-04-13 06:00.", "general"),
    ("Yerong Creek Structure Fire", "general"),
    ("Missing child: Leo, 6", "missing"),
    ("Bridge closed after collision", "road"),
    # German
    ("Amtliche WARNUNG vor STARKREGEN", "rain-flood"),
    ("Amtliche UNWETTERWARNUNG vor SCHWEREM GEWITTER mit HAGEL", "storm"),
    ("Warnung vor Hochwasser an der Fulda", "flood"),
    ("Entwarnung: Hochwasser an der Fulda", "general"),
    ("Gefahrstoffaustritt nach Verkehrsunfall", "industrial"),
    ("Großbrand mit Rauchentwicklung, Fenster und Türen schließen", "smoke"),
    ("Verunreinigung des Trinkwassers: bitte abkochen", "water-quality"),
    ("Großflächiger Stromausfall", "power"),
    ("Bombenfund: Evakuierung ab 9 Uhr", "evacuation"),
    ("Waldbrandgefahr Stufe 5", "forest-fire"),
    ("Erdrutsch auf der B 27", "general"),
    ("Brücke gesperrt", "road"),
]


@pytest.mark.parametrize(("headline", "hazard"), HEADLINES)
@pytest.mark.parametrize("category", [Category.SAFETY, Category.INFRA])
def test_what_real_headlines_become(headline: str, hazard: str, category: Category) -> None:
    found = hazard_of(Info("Alerte", headline=headline, categories=(category,)))
    assert found == hazard


def test_the_samples_of_feeds_are_about_what_they_say() -> None:
    """Nothing of the real feeds is taken for works, an evacuation or a shelter order that it isn't."""
    found = {}
    for path in sorted(shared("feeds/cap").glob("*.xml")):
        for info in etree.parse(path).iter("{*}info"):
            said = [(info.findtext(f"{{*}}{name}") or "").strip() for name in ("event", "headline")]
            found[said[0]] = str(hazard_of(Info(said[0], headline=said[1], categories=(Category.MET,))))
    assert not {"works", "evacuation", "shelter", "industrial", "gas", "smoke"} & set(found.values())
    assert found["STARKREGEN"] == found["heavy rain"] == found["fortes pluies"] == "rain-flood"
    assert found["Earthquake"] == "quake"
    assert found["Tsunami Warning"] == "coastal"
    assert found["STRONG MONSOON SIGNAL"] == "general"
    assert found["Vigilance jaune orages"] == found["orages"] == "storm"
    assert found["Small Craft"] == "general"
