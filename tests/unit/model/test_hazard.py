from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from alerts.model.alert import Area, Category, Info, Named, ResponseType, Severity
from alerts.model.hazard import AWARENESS_TYPES, HAZARD_PARAMETER, Hazard, fold, hazard_of, only_a_risk, says_over
from alerts.model.hazard_words import _NAMES, _NOT_MEANT
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
    ("Rupture de barrage, vague de submersion attendue", "dam"),
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
    ("Alerte au tsunami sur la côte", "tsunami"),
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
    ("The tsunami warning continues in effect for the coastal areas", "tsunami"),
    ("Dam failure imminent below Oroville", "dam"),
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
    ("Bombenfund: Evakuierung ab 9 Uhr", "general"),
    ("Waldbrandgefahr Stufe 5", "forest-fire"),
    ("Erdrutsch auf der B 27", "general"),
    ("Brücke gesperrt", "road"),
]


FOOLED = [
    # What is over, or going to be as it was
    ("Residents may return after evacuation", "general"),
    ("Gas leak repaired", "general"),
    ("Retour autorisé après l’évacuation des Tanneries", "general"),
    ("Evacuation of Old Town completed, residents return", "general"),
    ("Evakuierung beendet", "general"),
    ("Shelter-in-place lifted", "general"),
    ("Fuite de gaz réparée", "general"),
    ("Fausse alerte : pas de fuite de gaz", "general"),
    ("False alarm: no gas leak", "general"),
    ("Boil water notice lifted", "general"),
    ("Tsunami warning over", "general"),
    ("Missing child found safe", "general"),
    ("Léa, 14 ans, a été retrouvée, fin de l’appel à témoins", "general"),
    ("Évacuation levée : les habitants peuvent rentrer", "general"),
    ("Decrue : fin de vigilance orange crues", "general"),
    ("Power restored in Old Town", "general"),
    ("Incendie éteint à l’usine Lubrizol", "general"),
    ("Feu de forêt maîtrisé", "general"),
    ("Tsunami warning cancelled", "general"),
    ("Mise à l’abri levée", "general"),
    ("Bridge reopened after flood", "general"),
    ("Retour à la normale du réseau d’eau", "general"),
    ("Warnung vor Hochwasser aufgehoben", "general"),
    ("Entwarnung: Gefahrstoffaustritt", "general"),
    ("Fin de la coupure d’eau", "general"),
    ("Vigilance orange vent violent levée", "general"),
    ("The evacuation order has been lifted", "general"),
    # What isn't ordered, or not now, or to nobody
    ("Evacuation not necessary", "general"),
    ("Evacuation tomorrow at 9 for bomb disposal", "general"),
    ("Évacuation dimanche : désamorçage d’une bombe", "general"),
    ("Évacuation sanitaire", "general"),
    ("Évacuation de deux personnes par hélicoptère", "general"),
    ("Evacuation warning: be ready to leave", "general"),
    ("Evacuation Watch", "general"),
    ("Électricité rétablie après la panne de courant", "general"),
    ("Pas de risque toxique après l’incendie", "general"),
    ("Rupture d’une canalisation d’hydrocarbures", "general"),
    ("After heavy rain, landslide on the D12", "general"),
    ("Après les pluies, glissement de terrain", "general"),
    ("Water main burst, rue Pasteur", "general"),
    ("Contaminated water at the swimming lake", "general"),
    ("River water contaminated, no bathing", "general"),
    ("Bathing water contaminated", "general"),
    ("Water contaminated with oil in the canal", "general"),
    ("Faut-il évacuer les quartiers bas ?", "general"),
    ("Les pompiers font évacuer un immeuble rue Haute", "general"),
    ("Évacuation d’un squat rue Basse", "general"),
    ("Ne pas évacuer : restez chez vous", "general"),
    ("Evacuation center opens at the gym", "general"),
    ("Evacuation of injured hikers by helicopter", "general"),
    ("Keine Evakuierung notwendig", "general"),
    ("Aucun risque de tsunami après le séisme au large", "general"),
    ("No tsunami threat to the coast", "general"),
    ("Tsunami Information Statement", "general"),
    ("Keine Gefahr durch Hochwasser", "general"),
    ("Eau rétablie rue Haute", "general"),
    ("Risque de rupture du barrage", "general"),
    ("Green earthquake alert (Magnitude 5M, Depth:596km)", "general"),
    ("EQ 6.3 Neiafu, Tonga - PRELIMINARY REPORT", "general"),
    ("Ne buvez pas l’eau de la rivière", "general"),
    ("Prepare to evacuate", "general"),
    ("Be ready to leave", "general"),
    ("Évacuation demain à 9 h aux Tanneries", "general"),
    ("Évacuation possible du camping", "general"),
    ("No smoke hazard after the fire", "general"),
    ("Evacuation ordered in the north, shelter in place in the south", "general"),
    # Drills, questions, talks, figures of speech
    ("Pas d’évacuation nécessaire", "general"),
    ("Confinement des volailles", "general"),
    ("Mise à l’abri des volailles", "general"),
    ("Exercice d’évacuation du tunnel jeudi", "general"),
    ("Evakuierungsübung in der Schule", "general"),
    ("Station de gaz renouvelable : odeurs signalées", "general"),
    ("Gas leak drill at the plant on Tuesday", "general"),
    ("Exercice Seveso à l’usine jeudi", "general"),
    ("Il y a 10 ans, la crue de l’Isère", "general"),
    ("Réunion publique sur le risque d’inondation", "general"),
    ("Que faire en cas d’inondation ?", "general"),
    ("Comment réagir en cas de fuite de gaz", "general"),
    ("Essai des sirènes mercredi : alerte chimique simulée", "general"),
    ("Commémoration des attentats du 13 novembre", "general"),
    ("Vigipirate : niveau urgence attentat", "general"),
    ("Détecteur de fumée obligatoire", "general"),
    ("Barrage routier des agriculteurs sur l’A7", "general"),
    ("Exercice rupture de barrage", "general"),
    ("Mise à l’abri des sans-abri : ouverture d’un gymnase", "general"),
    ("Confinement du réacteur assuré", "general"),
    ("Vigilance verte sur tout le département", "general"),
    ("Nettoyage après la tempête", "general"),
    ("Collecte de dons pour les sinistrés des inondations", "general"),
    ("Gel hydroalcoolique rappelé", "general"),
    ("Avalanche de critiques contre le maire", "general"),
    ("Blanche-Neige au théâtre", "general"),
    ("Terror threat level raised", "general"),
    ("Shark attack at the beach", "general"),
    ("Tireur d’élite honoré", "general"),
    ("This is a test of the emergency alert system: flood warning", "general"),
    ("Chat disparu rue Haute", "general"),
    # The same words where they are meant
    ("Fusillade en centre-ville, police sur place", "attack"),
    ("Active shooter downtown", "attack"),
    ("Geiselnahme in der Innenstadt", "attack"),
    ("Hochwasser: Evakuierung vorbereiten", "flood"),
    ("Evacuation order after levee breach", "evacuation"),
    ("Flood warning: levee failing", "flood"),
    ("Active shooter, take shelter", "general"),
    ("Gunman in the old town: take shelter", "general"),
    ("Attentat en cours : confinez-vous", "general"),
    ("Tireur en ville, mettez-vous à l’abri", "general"),
    ("Prise d’otages, confinement du quartier", "general"),
    ("Rupture d’une canalisation d’ammoniac", "industrial"),
    ("Rupture d’une conduite de chlore", "industrial"),
    ("E. coli in the tap water", "water-quality"),
    ("Bactéries dans l’eau du robinet", "water-quality"),
    ("Pollution du captage d’eau potable", "water-quality"),
    ("Wasser abkochen", "water-quality"),
    ("Evacuation order for over 200 homes", "evacuation"),
    ("Gas leak: do not return home", "gas"),
    ("Évacuation immédiate, jeudi 26 novembre", "evacuation"),
    ("Shelter in place: gas leak not fixed", "shelter"),
    ("Évacuation obligatoire du quartier des Quais", "evacuation"),
    ("Évacuez immédiatement la zone", "evacuation"),
    ("Évacuation préventive des riverains de la Drôme", "evacuation"),
    ("Mandatory evacuation of Zone A", "evacuation"),
    ("Evacuate now: wildfire approaching", "evacuation"),
    ("Evacuation order issued Thursday at 4:07PM", "evacuation"),
    ("Evacuation order remains in effect until Friday", "evacuation"),
    ("Residents told to evacuate immediately", "evacuation"),
    ("Evakuierung der Altstadt läuft", "evacuation"),
    ("Bitte evakuieren Sie sofort das Gebiet", "evacuation"),
    ("Évacuation des eaux usées : travaux", "works"),
    ("Crue de l’Isère : pas d’évacuation prévue", "flood"),
    ("Concert annulé en raison des orages", "storm"),
    ("Marché annulé : vent violent", "wind"),
    ("Coupure d’eau rue Haute : l’eau sera rétablie à 18 h", "water-cut"),
    ("Power outage: supply to be restored by 6pm", "power"),
    ("Incendie à l’usine Lubrizol toujours pas maîtrisé", "industrial"),
    ("Feu de forêt : 200 hectares brûlés, 10% contained", "forest-fire"),
    ("Rupture du barrage de Monteynard", "dam"),
    ("Le barrage de Vinça vient de céder", "dam"),
    ("Raz-de-marée attendu : gagnez les hauteurs", "tsunami"),
    ("Tsunami warning remains in effect", "tsunami"),
    ("Confinement de la population : restez chez vous", "shelter"),
    ("Confinement du quartier des Quais", "shelter"),
    ("Mise à l’abri aux Tanneries", "shelter"),
    ("Shelter in place order in effect", "shelter"),
    ("Épisode de pollution aux particules", "air-quality"),
    ("Pic de pollution à l’ozone", "air-quality"),
    ("Inondations après de fortes pluies", "flood"),
    ("Verglas : circulation difficile", "snow-ice"),
    ("Boil water notice for Lake City", "water-quality"),
    ("Eau non potable, tests en cours", "water-quality"),
    ("Warnung vor Hochwasser noch nicht aufgehoben", "flood"),
    ("Amtliche WARNUNG vor STURMBÖEN", "wind"),
    ("Gasaustritt in der Altstadt, Gebiet meiden", "gas"),
    ("Amoklauf in der Schule", "attack"),
    ("Vigilance orange vent violent prolongée", "wind"),
    ("Fin de vigilance orange vent prévue à 18 h", "wind"),
    ("Évacuation du camping des Pins", "evacuation"),
    ("Evacuation of the Pines campsite", "evacuation"),
    ("This is not a drill: gas leak on Main Street", "gas"),
    ("Smoke from a warehouse fire, close windows", "smoke"),
    ("Chemical fire at the plant: shelter in place", "industrial"),
    ("Vous sentez une odeur de gaz rue Haute ? Éloignez-vous", "gas"),
    ("Quartier privé d’électricité", "power"),
    ("Enfant disparu : appel à témoins", "missing"),
]
"""Headlines that name a hazard and don't mean it, beside others that do in nearly the same words."""

PAIRS = [
    ("Evacuation", "Residents may return home", "general"),
    ("Évacuation", "Retour des habitants autorisé", "general"),
    ("Evacuation", "Be ready to leave", "general"),
    ("Evacuation", "Évacuation du camping des Pins", "evacuation"),
    ("Alert", "Evacuation warning: be ready to leave", "general"),
    ("Attack", "Shelter in place", "general"),
    ("Shelter in place", "Active shooter downtown", "general"),
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


@pytest.mark.parametrize(("headline", "hazard"), HEADLINES + FOOLED)
@pytest.mark.parametrize("category", [Category.SAFETY, Category.INFRA])
def test_what_real_headlines_become(headline: str, hazard: str, category: Category) -> None:
    found = hazard_of(Info("Alerte", headline=headline, categories=(category,)))
    assert found == hazard


@pytest.mark.parametrize(("event", "headline", "hazard"), PAIRS)
def test_event_and_headline_are_read_together(event: str, headline: str, hazard: str) -> None:
    assert hazard_of(Info(event, headline=headline or None, severity=Severity.SEVERE)) == hazard


def test_an_attack_and_its_order_to_stay_in_get_nobodys_order_but_its_senders() -> None:
    info = Info("Attack", headline="Shelter in place", severity=Severity.EXTREME)
    assert hazard_of(replace(info, response_types=(ResponseType.SHELTER,))) is Hazard.GENERAL


def test_an_evacuation_that_is_only_prepared_is_none_whatever_its_response_type() -> None:
    evacuate = Info("Alert", severity=Severity.SEVERE, response_types=(ResponseType.EVACUATE,))
    assert hazard_of(replace(evacuate, headline="Be ready to leave")) is Hazard.GENERAL
    assert hazard_of(replace(evacuate, headline="Leave now")) is Hazard.EVACUATION


def test_a_code_is_no_danger_any_more_where_the_words_say_that_it_is_over() -> None:
    gale = Info("Vent", headline="Fin de vigilance orange vent", parameters=(Named("awareness_type", "1; Wind"),))
    assert hazard_of(gale) is Hazard.GENERAL
    assert hazard_of(replace(gale, headline="Vigilance orange vent prolongée")) is Hazard.WIND
    drill = Info("Tsunami Warning", headline="Tsunami exercise", event_codes=(Named("SAME", "TSW"),))
    assert hazard_of(drill) is Hazard.GENERAL


def test_an_earthquake_is_one_where_somebody_says_where() -> None:
    info = Info("Earthquake", headline="M 5.1 earthquake", severity=Severity.SEVERE)
    assert hazard_of(info) is Hazard.GENERAL
    assert hazard_of(replace(info, areas=(Area("Isère"),))) is Hazard.QUAKE
    assert hazard_of(replace(info, headline="Earthquake felt in Grenoble")) is Hazard.QUAKE
    green = "Green earthquake alert (Magnitude 5M, Depth:12km), No people affected."
    assert hazard_of(replace(info, headline=green, areas=(Area("Isère"),))) is Hazard.GENERAL


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
    officers = (Named(HAZARD_PARAMETER, "general"),)
    assert not says_over(Info("Alert", headline=headline, parameters=officers)), "who wrote it chose what it is"


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
