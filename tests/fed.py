"""Forty messages as feeds send them: some as the samples have them, some as bad as they may come."""

from __future__ import annotations

from datetime import timedelta

from alerts.model.alert import Area, Category, Certainty, Info, NamedValue, ResponseType, Severity, Urgency
from tests.unit.rendering.sample_alerts import NOW

_MF = "Météo-France"
FED: tuple[tuple[str, Info], ...] = (
    (
        "vigilance@meteo.fr",
        Info(
            "Vigilance jaune orages",
            headline="Vigilance jaune orages",
            language="fr-FR",
            severity=Severity.MODERATE,
            sender_name=_MF,
            description="Orages localement violents.",
            instruction="Soyez attentifs; si vous pratiquez des activites sensibles au risque meteorologique.",
            areas=(Area("Isère"),),
            parameters=(
                NamedValue("awareness_level", "2; yellow; Moderate"),
                NamedValue("awareness_type", "3; Thunderstorm"),
            ),
        ),
    ),
    (
        "vigilance@meteo.fr",
        Info(
            "Vigilance orange vent violent",
            headline="Vigilance orange vent violent",
            language="fr-FR",
            severity=Severity.SEVERE,
            sender_name=_MF,
            areas=(Area("Isère"), Area("Savoie")),
            parameters=(NamedValue("awareness_level", "3; orange; Severe"), NamedValue("awareness_type", "1; Wind")),
        ),
    ),
    (
        "vigilance@meteo.fr",
        Info(
            "Vigilance rouge crues",
            headline="Vigilance rouge crues",
            language="fr-FR",
            severity=Severity.EXTREME,
            sender_name=_MF,
            description="Crue exceptionnelle.",
            areas=(Area("Isère"),),
            parameters=(NamedValue("awareness_level", "4; red; Extreme"), NamedValue("awareness_type", "12; Flooding")),
        ),
    ),
    (
        "vigilance@meteo.fr",
        Info(
            "Vigilance rouge feux de forêt",
            language="fr-FR",
            severity=Severity.EXTREME,
            sender_name=_MF,
            areas=(Area("Isère"),),
            parameters=(
                NamedValue("awareness_level", "4; red; Extreme"),
                NamedValue("awareness_type", "8; Forest-fire"),
            ),
        ),
    ),
    (
        "opendata@dwd.de",
        Info(
            "STARKREGEN",
            headline="Amtliche WARNUNG vor STARKREGEN",
            language="de-DE",
            severity=Severity.MODERATE,
            sender_name="Deutscher Wetterdienst",
            description="Es tritt Starkregen auf. Dabei werden Mengen zwischen 15 l/m² und 25 l/m² erwartet.",
            instruction="ACHTUNG! Hinweis auf mögliche Gefahren: Während des Platzregens sind Staus möglich.",
            areas=(Area("polygonal event area"),),
        ),
    ),
    (
        "opendata@dwd.de",
        Info(
            "heavy rain",
            headline="Official WARNING of HEAVY RAIN",
            language="en",
            severity=Severity.MODERATE,
            sender_name="Deutscher Wetterdienst",
            description="There is a risk of heavy rain.",
            areas=(Area("polygonal event area"),),
        ),
    ),
    (
        "gdacs@gdacs.org",
        Info(
            "Earthquake",
            headline="Green earthquake alert (Magnitude 5M, Depth:596km) in [unknown] 01/03/2025, No people affected.",
            severity=Severity.MODERATE,
            areas=(Area("Polygon"),),
        ),
    ),
    (
        "w-nws.webmaster@noaa.gov",
        Info(
            "Flash Flood Watch",
            headline="Flash Flood Watch issued August 30 at 4:07AM MDT expiring August 30 by NWS GreatFalls",
            severity=Severity.SEVERE,
            areas=(Area("Blaine; Chouteau; Fergus"),),
            instruction="A FLASH FLOOD WATCH MEANS THAT CONDITIONS MAY DEVELOP. THIS IS DANGEROUS.",
        ),
    ),
    (
        "rfs@nsw.gov.au",
        Info(
            "Fire",
            headline="Yerong Creek Structure Fire",
            severity=Severity.MINOR,
            instruction="Not Applicable",
            areas=(Area("None"),),
            sender_name="None",
        ),
    ),
    (
        "nina@bund.de",
        Info(
            "Gefahreninformation",
            headline="Großbrand in Melsungen: Fenster und Türen schließen",
            language="de-DE",
            severity=Severity.SEVERE,
            sender_name="Leitstelle Schwalm-Eder",
            areas=(Area("Melsungen"),),
        ),
    ),
    (
        "nina@bund.de",
        Info(
            "Gefahrstoffaustritt",
            headline="Gefahrstoffaustritt nach Verkehrsunfall",
            language="de-DE",
            severity=Severity.EXTREME,
            categories=(Category.TRANSPORT, Category.CBRNE),
            sender_name="Leitstelle Kassel",
            areas=(Area("Kassel-Mitte"),),
        ),
    ),
    (
        "cod@isere.gouv.fr",
        Info(
            "Accident TMD",
            headline="Wagon de chlore déraillé en gare",
            language="fr-FR",
            severity=Severity.EXTREME,
            categories=(Category.INFRA, Category.TRANSPORT),
            sender_name="Préfecture de l’Isère",
            areas=(Area("Les Tanneries"),),
        ),
    ),
    (
        "cod@isere.gouv.fr",
        Info(
            "Rupture de barrage",
            headline="Rupture du barrage de Monteynard",
            language="fr-FR",
            severity=Severity.EXTREME,
            categories=(Category.INFRA,),
            sender_name="Préfecture de l’Isère",
            instruction="Gagnez immédiatement les hauteurs à pied.",
            areas=(Area("Les Tanneries"),),
        ),
    ),
    (
        "cod@isere.gouv.fr",
        Info(
            "Pont effondré",
            headline="Pont de la Citadelle effondré",
            language="fr-FR",
            severity=Severity.SEVERE,
            categories=(Category.TRANSPORT,),
            sender_name="Préfecture de l’Isère",
        ),
    ),
    (
        "cod@isere.gouv.fr",
        Info(
            "Alerte chimique",
            language="fr-FR",
            severity=Severity.EXTREME,
            categories=(Category.INFRA,),
            areas=(Area("Unknown"),),
            sender_name="Préfecture de l’Isère",
        ),
    ),
    (
        "ars@ars.fr",
        Info(
            "Eau non potable",
            headline="Eau non potable à Saint-Martin",
            language="fr-FR",
            severity=Severity.SEVERE,
            sender_name="ARS Auvergne-Rhône-Alpes",
            areas=(Area("Saint-Martin"),),
        ),
    ),
    (
        "ars@ars.fr",
        Info(
            "Baignade interdite : pollution",
            language="fr-FR",
            severity=Severity.MODERATE,
            sender_name="ARS Auvergne-Rhône-Alpes",
        ),
    ),
    (
        "atmo@atmo.fr",
        Info(
            "Épisode de pollution aux particules",
            language="fr-FR",
            severity=Severity.MODERATE,
            sender_name="Atmo",
            areas=(Area("Bassin grenoblois"),),
        ),
    ),
    (
        "isere@dir.fr",
        Info(
            "Travaux",
            headline="Travaux sur l’A480 : fermeture de nuit",
            language="fr-FR",
            severity=Severity.MINOR,
            categories=(Category.TRANSPORT,),
            sender_name="DIR Centre-Est",
            areas=(Area("A480"),),
        ),
    ),
    (
        "ep@enedis.fr",
        Info(
            "Coupure",
            headline="Coupure d’électricité rue Haute",
            language="fr-FR",
            severity=Severity.MODERATE,
            categories=(Category.INFRA,),
            sender_name="Enedis",
            areas=(Area("Vieille-Ville"),),
        ),
    ),
    (
        "ep@eaux.fr",
        Info(
            "Coupure d’eau",
            headline="Coupure d’eau rue Haute",
            language="fr-FR",
            severity=Severity.MINOR,
            categories=(Category.INFRA,),
            sender_name="Régie des eaux",
            onset=NOW + timedelta(days=2),
            expires=NOW + timedelta(days=2, hours=4),
            areas=(Area("rue Haute"),),
        ),
    ),
    (
        "gn@gendarmerie.fr",
        Info(
            "Disparition inquiétante",
            headline="Disparition inquiétante de Léa, 14 ans",
            language="fr-FR",
            severity=Severity.SEVERE,
            sender_name="Gendarmerie de l’Isère",
            description="1,60 m, manteau rouge.",
        ),
    ),
    (
        "tsunami@noaa.gov",
        Info(
            "Tsunami Warning",
            headline="The tsunami Warning continues in effect",
            severity=Severity.EXTREME,
            sender_name="NTWC",
            areas=(Area("Coastal areas of Alaska"),),
        ),
    ),
    (
        "met@met.ie",
        Info(
            "Small Craft",
            headline="Small Craft warning from Fair Head to Strangford Lough to Howth Head",
            language="en-GB",
            severity=Severity.MODERATE,
            sender_name="Met Éireann",
            description="Southwest winds force 6 at times.",
            areas=(Area("Fair Head; Strangford Lough"),),
        ),
    ),
    (
        "rhmz@hidmet.rs",
        Info(
            "Thunderstorm yellow",
            headline="Thunderstorm Sumadija yellow",
            language="en-GB",
            severity=Severity.MODERATE,
            areas=(Area("Šumadija"),),
            parameters=(
                NamedValue("awareness_level", "2; yellow; Moderate"),
                NamedValue("awareness_type", "3; Thunderstorm"),
            ),
        ),
    ),
    (
        "ec@ec.gc.ca",
        Info(
            "orages",
            headline="veille d'orages violents",
            language="fr-CA",
            severity=Severity.MINOR,
            sender_name="Environnement Canada",
            instruction="Surveiller les conditions locales et prendre les précautions nécessaires.",
            areas=(Area("Ottawa"),),
        ),
    ),
    (
        "ch@alertswiss.ch",
        Info(
            "Other incident",
            headline="All-Clear - Danger of falling trees",
            language="en",
            severity=Severity.MINOR,
            areas=(Area("Genève"),),
        ),
    ),
    (
        "smg@smg.gov.mo",
        Info(
            "STRONG MONSOON SIGNAL",
            headline="Strong monsoon signal(Black ball) was cancelled at 2025-04-13 06:00.",
            severity=Severity.MODERATE,
            areas=(Area("Macao"),),
        ),
    ),
    (
        "jma@jma.go.jp",
        Info(
            "大雨警報",
            headline="大雨警報が発表されました" * 12,
            language="ja",
            severity=Severity.SEVERE,
            sender_name="気象庁" * 30,
            description="土砂災害に警戒してください" * 40,
            instruction="高いところへ避難してください" * 30,
            areas=(Area("東京地方" * 60),),
        ),
    ),
    (
        "emoji@example.org",
        Info(
            "⚠️", headline="⚠️🌊" * 90, severity=Severity.MODERATE, description="👩‍👩‍👧‍👦" * 200, areas=(Area("🇫🇷" * 80),)
        ),
    ),
    (
        "long@example.org",
        Info(
            "A" * 900,
            headline="Z" * 900,
            severity=Severity.SEVERE,
            instruction="B" * 3000,
            web="https://example.org/" + "a" * 3000,
            contact="C" * 800,
            areas=(Area("D" * 900),),
        ),
    ),
    (
        "spc@example.org",
        Info(
            "Vent",
            headline="Vent &lt;b&gt;fort&lt;/b&gt;",
            language="fr-FR",
            severity=Severity.MODERATE,
            description="Rafales < 90 km/h.<br/>Restez prudents",
            sender_name="Météo locale",
            areas=(Area("event area"),),
        ),
    ),
    (
        "evac@example.org",
        Info(
            "Evacuation",
            headline="Évacuation du camping des Pins",
            language="fr-FR",
            severity=Severity.EXTREME,
            response_types=(ResponseType.EVACUATE,),
            sender_name="SDIS 38",
            areas=(Area("Camping des Pins"),),
        ),
    ),
    (
        "evac@example.org",
        Info(
            "Consigne",
            headline="N’évacuez pas, restez à l’étage",
            language="fr-FR",
            severity=Severity.EXTREME,
            sender_name="SDIS 38",
            areas=(Area("Les Tanneries"),),
        ),
    ),
    (
        "shelter@example.org",
        Info(
            "Attack",
            headline="Shelter in place",
            severity=Severity.EXTREME,
            response_types=(ResponseType.SHELTER,),
            sender_name="Police",
            areas=(Area("Old town"),),
        ),
    ),
    (
        "gas@example.org",
        Info(
            "Gas leak",
            headline="Gas leak on Main Street",
            severity=Severity.SEVERE,
            sender_name="Fire service",
            areas=(Area("Main Street"),),
        ),
    ),
    (
        "heat@example.org",
        Info(
            "Heat Advisory",
            headline="Heat Advisory until Friday",
            severity=Severity.MODERATE,
            urgency=Urgency.EXPECTED,
            certainty=Certainty.LIKELY,
            sender_name="NWS",
            areas=(Area("Valley"),),
        ),
    ),
    (
        "snow@example.org",
        Info(
            "snowfall",
            headline="snowfall warning",
            language="en-CA",
            severity=Severity.MODERATE,
            instruction='"Please monitor for further updates to this alert."',
            sender_name="Environment Canada",
            areas=(Area("Ottawa"),),
        ),
    ),
    (
        "school@example.org",
        Info(
            "Information",
            headline="École Jules-Ferry fermée lundi",
            language="fr-FR",
            severity=Severity.MINOR,
            sender_name="Académie de Grenoble",
        ),
    ),
    (
        "quake@example.org",
        Info(
            "Séisme",
            headline="Séisme de magnitude 4,8 ressenti",
            language="fr-FR",
            severity=Severity.SEVERE,
            sender_name="RéNaSS",
            areas=(Area("Isère"),),
        ),
    ),
)
