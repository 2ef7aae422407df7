"""What a post makes of a feed's message: our order where its own is none for these readers, and its words beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.model.alert import Alert, Area, Info, NamedValue, ResponseType, Severity
from alerts.model.post import PostKind
from alerts.rendering.matter import Context
from alerts.rendering.plain import is_filler, says_what_to_do
from alerts.rendering.templates import Renderer
from tests.fed import FED
from tests.texts import FIRST_SEEN, PAGE
from tests.unit.rendering.sample_alerts import ENGLISH, FRENCH, NOW, OTHER, X, an_info
from tests.walls import in_one_test

RAIN = Info(
    "STARKREGEN",
    headline="Amtliche WARNUNG vor STARKREGEN",
    language="de-DE",
    severity=Severity.SEVERE,
    sender_name="Deutscher Wetterdienst",
    description="Es tritt Starkregen auf.",
    instruction="ACHTUNG! Hinweis auf mögliche Gefahren: Während des Platzregens sind Staus möglich.",
    areas=(Area("Kassel"),),
    expires=NOW + timedelta(hours=9),
)


def told(info: Info, station: Any = FRENCH, kind: PostKind = PostKind.PUBLISH) -> dict[str, Any]:
    alert = Alert("f", "feed@example.org", NOW, infos=(info,))
    face = replace(PAGE, language=station.language)
    return Renderer(station).tell(alert, kind, face, context=Context("7x3k", NOW))


def post(info: Info, station: Any = FRENCH, channel: Any = OTHER) -> str:
    alert = Alert("f", "feed@example.org", NOW, infos=(info,))
    return Renderer(station).render(alert, PostKind.PUBLISH, channel, context=Context("7x3k", NOW)).message.plain


@in_one_test
@pytest.mark.parametrize("station", [FRENCH, ENGLISH])
@pytest.mark.parametrize(
    "instruction",
    [
        "Restez vigilants.",
        "Soyez attentifs si vous pratiquez des activités sensibles au risque météorologique.",
        "Surveiller les conditions locales et prendre les précautions nécessaires.",
        '"Please monitor for further updates to this alert."',
        "Stay tuned. Be careful.",
        "NOTE: Be aware of the following possible dangers: The downpours can cause temporary traffic disruption.",
        "A FLASH FLOOD WATCH MEANS THAT CONDITIONS MAY DEVELOP. THIS IS DANGEROUS.",
        "Während des Platzregens sind Staus möglich.",
        "高いところへ避難してください",
        "Vous risquez d’être bloqués. Si vous voyagez, la route sera longue.",
        "Heavy rain and run-off are expected.",
    ],
)
def test_what_is_no_order_for_these_readers_leaves_its_place_to_ours(instruction: str, station: Any) -> None:
    said = told(replace(RAIN, instruction=instruction), station)
    assert said["instruction"] == said["prepared"]
    assert said["instruction"].startswith(("Reportez vos déplacements.", "Put off your journeys."))
    assert str(said["description"]).split("\n")[0] == instruction, "and stands in full beside it"
    assert "Es tritt Starkregen auf." in said["description"]


@in_one_test
@pytest.mark.parametrize(
    ("station", "instruction"),
    [
        (FRENCH, "Montez à l’étage de votre maison."),
        (FRENCH, "Rester à l’étage. Ne pas sortir."),
        (FRENCH, "Vous devez rester chez vous."),
        (ENGLISH, "If you are near the river, move away."),
        (ENGLISH, "MOVE TO HIGHER GROUND NOW!"),
        (FRENCH, "Restez vigilants. N’approchez pas des berges."),
        (ENGLISH, "Move to higher ground."),
        (ENGLISH, "Be careful. Keep away from the river."),
    ],
)
def test_an_order_that_these_readers_understand_stays_its_senders(station: Any, instruction: str) -> None:
    said = told(replace(RAIN, language=station.language, instruction=instruction), station)
    assert said["instruction"] == instruction
    assert instruction not in said["description"]


def test_a_language_that_is_told_wrong_keeps_no_order_from_its_readers() -> None:
    """Feeds that tell no language are English by the standard, whatever they write."""
    said = told(replace(RAIN, language="en-US", instruction="Montez à l’étage."))
    assert said["instruction"] == "Montez à l’étage."


def test_of_what_nobody_recognises_its_sender_has_the_word() -> None:
    dog = replace(RAIN, event="Hund", headline="Bissiger Hund entlaufen", instruction="Bleiben Sie im Haus.")
    assert told(dog)["instruction"] == "Bleiben Sie im Haus."


@in_one_test
@pytest.mark.parametrize(
    ("station", "language", "headline", "lead"),
    [
        (FRENCH, "en", "Landslide on the D12", "Danger grave – glissement de terrain (Landslide on the D12)"),
        (FRENCH, "de", "Bombenfund in der Altstadt", "Danger grave – bombe (Bombenfund in der Altstadt)"),
        (FRENCH, "en", "Tsunami drill on Wednesday", "Danger grave – exercice (Tsunami drill on Wednesday)"),
        (FRENCH, "de", "Bissiger Hund entlaufen", "Danger grave – urgence (Bissiger Hund entlaufen)"),
        (
            ENGLISH,
            "fr",
            "Baignade interdite\u00a0: pollution",
            "Danger – bathing ban (Baignade interdite\u00a0: pollution)",
        ),
        (ENGLISH, "fr", "Effondrement d’un immeuble", "Danger – collapse (Effondrement d’un immeuble)"),
        (ENGLISH, "fr", "N’évacuez pas", "Danger – emergency (N’évacuez pas)"),
        (FRENCH, "fr", "Chien dangereux", "Danger grave – Chien dangereux"),
    ],
)
def test_what_nobody_prepared_and_few_can_read_is_named_in_the_readers_language(
    station: Any, language: str, headline: str, lead: str
) -> None:
    info = replace(RAIN, event="Alert", headline=headline, language=language, instruction=None)
    assert told(info, station)["lead"] == lead
    assert told(info, station)["prepared"] == "", "a name is no order"
    if "urgence" in lead or "emergency" in lead:
        slight = replace(info, severity=Severity.MINOR)
        assert told(slight, station)["title"] == headline, "what is slight is no emergency"


def test_an_attack_that_its_police_have_people_sit_out_is_told_so() -> None:
    shots = replace(RAIN, event="Attack", headline="Active shooter downtown", language="en", instruction=None)
    assert told(shots, ENGLISH)["instruction"].startswith("Get away if you can.")
    for stay in (
        replace(shots, headline="Active shooter: shelter in place"),
        replace(shots, response_types=(ResponseType.SHELTER,)),
    ):
        assert told(stay, ENGLISH)["instruction"].startswith("Lock yourself in")
        assert told(stay)["instruction"].startswith("Enfermez-vous")


def test_an_officer_who_looks_is_told_that_ours_stands_in_the_place_of_theirs() -> None:
    def remarks(info: Info) -> list[str]:
        alert = Alert("f", "feed@example.org", NOW, infos=(info,))
        rendered = Renderer(FRENCH).render(alert, PostKind.PUBLISH, X, context=Context("7x3k", NOW))
        return [str(each) for each in rendered.warnings if "ours is used" in str(each)]

    assert remarks(RAIN) == [
        "its instruction is no order that these readers understand: ours is used, its words follow"
    ]
    assert remarks(replace(RAIN, instruction="Montez à l’étage.")) == []


def test_what_an_officer_wrote_stays_what_to_do() -> None:
    own = an_info(instruction="Rien de particulier.", sender_name=FRENCH.name)
    alert = Alert("t", "tocsin@example", NOW, infos=(own,))
    said = Renderer(FRENCH).tell(alert, PostKind.PUBLISH, PAGE, context=Context("7x3k", NOW))
    assert said["instruction"] == "Rien de particulier."


def test_a_shout_is_not_all_that_is_left_of_a_feeds_words() -> None:
    assert "ACHTUNG" not in post(RAIN, channel=X)
    assert str(told(RAIN)["description"]).startswith("Hinweis auf mögliche Gefahren")


def test_a_gas_leak_is_never_only_to_be_careful() -> None:
    leak = replace(RAIN, event="Fuite de gaz", headline="Fuite de gaz rue Haute", language="fr-FR")
    text = post(replace(leak, severity=Severity.EXTREME, instruction="Soyez prudents."), channel=X)
    assert "Éloignez-vous à pied." in text
    assert "Soyez prudents" in told(replace(leak, instruction="Soyez prudents."))["description"]


def test_the_language_is_named_where_a_foreign_sentence_is_printed_and_only_there() -> None:
    assert "Texte d’origine en allemand." in post(RAIN)
    bare = replace(RAIN, headline=None, description=None, instruction=None)
    assert "Texte d’origine" not in post(bare)


def test_a_foreign_headline_gives_way_where_it_hides_the_place_or_the_order() -> None:
    watch = replace(
        RAIN,
        event="Flash Flood Watch",
        headline="Flash Flood Watch issued August 30 at 4:07AM MDT expiring August 30 at 12:00PM MDT by NWS GreatFalls",
        language="en-US",
        areas=(Area("Blaine; Chouteau; Fergus"),),
    )
    text = post(watch)
    assert text.startswith(
        "Danger grave – pluie-inondation\nOù\u00a0: Blaine, Chouteau, Fergus\n\nReportez vos déplacements."
    )
    assert "Flash Flood Watch issued" in told(watch)["description"]
    short = replace(watch, headline="Flash Flood Watch")
    assert post(short).startswith("Danger grave – pluie-inondation (Flash Flood Watch)\n")
    assert "Flash Flood Watch" not in told(short)["description"]


def test_a_long_headline_in_the_readers_language_hides_no_order_either() -> None:
    quake = replace(
        RAIN,
        event="Earthquake",
        headline="Earthquake of magnitude 5.1 at a depth of 12 km, 14 km north-east of Grenoble, felt by many people",
        language="en-GB",
        instruction=None,
    )
    text = post(quake, ENGLISH)
    assert text.startswith("Danger – earthquake\nWhere: Kassel\n")
    assert "If the building is damaged, leave by the stairs." in text[:FIRST_SEEN]
    assert "14 km north-east of Grenoble" in told(quake, ENGLISH)["description"]


def test_a_long_headline_keeps_no_place_out_of_sight() -> None:
    watch = replace(
        RAIN,
        event="Flash Flood Watch",
        headline="Flash Flood Watch issued August 30 at 4:07AM MDT expiring August 30 by NWS GreatFalls",
        language="en-US",
        areas=(Area("Blaine; Chouteau; Fergus"),),
    )
    assert post(watch, ENGLISH).startswith("Danger – rain and flood risk\nWhere: Blaine, Chouteau, Fergus\n")
    near = replace(watch, headline="Flash flood watch for the valley", areas=(Area("Blaine, all of its outskirts"),))
    assert post(near, ENGLISH).startswith("Danger – Flash flood watch for the valley\n"), "a short one stays"


def test_a_colour_alone_is_no_warning() -> None:
    yellow = (NamedValue("awareness_level", "2; yellow; Moderate"), NamedValue("awareness_type", "3; Thunderstorm"))
    storm = replace(RAIN, headline="Thunderstorm Sumadija yellow", language="en-GB", parameters=yellow)
    assert told(storm, ENGLISH)["lead"] == "Yellow warning – Thunderstorm Sumadija yellow"
    named = replace(storm, headline="Warning: yellow, thunderstorms")
    assert told(named, ENGLISH)["lead"] == "Warning: yellow, thunderstorms"


def test_without_a_headline_the_event_is_the_title_where_readers_understand_it() -> None:
    alarm = replace(RAIN, event="Alerte chimique", headline=None, language="fr-FR", severity=Severity.EXTREME)
    assert told(alarm)["lead"] == "Danger extrême – Alerte chimique"
    assert told(alarm, ENGLISH)["lead"] == "Danger to life – hazardous substance"


@pytest.mark.parametrize(("station", "lead"), [(FRENCH, "Fin d’alerte – "), (ENGLISH, "Alert over – ")])
def test_what_says_that_it_is_over_is_no_alert_in_force(station: Any, lead: str) -> None:
    clear = replace(
        RAIN, event="Other incident", headline="All-Clear - Danger of falling trees", language="en", instruction=None
    )
    text = post(clear, station)
    quoted = "«\u00a0Danger of falling trees\u00a0»" if station is FRENCH else "“Danger of falling trees”"
    assert text.startswith(f"{lead}{quoted}\n"), "said once, and no danger"
    assert "Kassel" in text
    assert not any(word in text for word in ("Quand", "When", "22", "10pm", "Danger grave"))
    signal = replace(clear, headline="Strong monsoon signal was cancelled at 2025-04-13 06:00.")
    assert told(signal, station)["lead"] == f"{lead}Strong monsoon signal was cancelled at 2025-04-13 06:00"


@pytest.mark.parametrize("station", [FRENCH, ENGLISH])
def test_each_message_of_a_feed_that_has_a_prepared_order_shows_one_at_first_sight(station: Any) -> None:
    missed = []
    for sender, info in FED:
        alert = Alert("f", sender, NOW, infos=(replace(info, expires=NOW + timedelta(hours=9)),))
        rendered = Renderer(station).render(alert, PostKind.PUBLISH, X, context=Context("7x3k", NOW))
        said = told(alert.infos[0], station)
        if said["prepared"] and not says_what_to_do(rendered.message.plain[:FIRST_SEEN], station.language):
            missed.append(rendered.message.plain[:FIRST_SEEN])
    assert not missed


def test_what_meteo_france_always_says_is_a_sentence_and_french_feeds_are_set_as_french() -> None:
    fixed = "Soyez attentifs; si vous pratiquez des activites sensibles au risque meteorologique."
    said = told(replace(RAIN, language="fr-FR", instruction=fixed, headline="L'A480 : fermeture"))
    assert "Soyez attentifs si vous pratiquez des activités" in said["description"]
    assert said["title"] == "L’A480\u00a0: fermeture"


def test_filler_is_known_in_quotation_marks_and_in_the_infinitive() -> None:
    assert is_filler("« Restez attentifs. »")
    assert is_filler("Surveiller la situation. Consultez le site de la préfecture.")
    assert not is_filler("Écoutez la radio locale.")
    assert not is_filler("")
