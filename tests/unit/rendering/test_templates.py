from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.model.alert import Alert, Area, Info, MsgType, NamedValue, Severity, Status
from alerts.model.errors import ConfigurationError
from alerts.model.hazard import HAZARD_PARAMETER
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.model.town import ChannelConfig, District, Town
from alerts.rendering.library import shipped_folder
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from tests.release import at_release
from tests.unit.rendering.sample_alerts import (
    CHANNELS,
    ENGLISH,
    FACEBOOK,
    FRENCH,
    LINK,
    NOW,
    OTHER,
    TELEGRAM,
    X,
    an_alert,
    an_info,
    render,
)
from tests.walls import in_one_test

HOSTILE = "<b>\"A\" & 'B'</b><script>x</script> <i>{{ 7 * 7 }}</i> &lt;u&gt; a < b"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path = path.with_name(path.name + ".j2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


# --- the text -------------------------------------------------------------------------------------------------------


def test_a_post_on_x_says_what_where_when_what_to_do_who_and_where_to_learn_more() -> None:
    rendered = render(an_alert())
    assert rendered.message.text.replace("\u00a0", " ") == (
        "Danger grave – Coup de vent sur la vallée\n"
        "Où : Isère, Savoie\n"
        "Rentrez le mobilier de jardin.\n"
        "Jusqu’à mercredi 25, 19 h\n"
        "Les rafales atteindront 110 km/h.\n"
        "Source : Météo locale\n"
        f"{LINK}"
    )
    assert (rendered.message.link, rendered.message.language) == (LINK, "fr-FR")
    assert (rendered.message.plain, rendered.cut, rendered.warnings) == (rendered.message.text, (), ())
    assert (rendered.count, rendered.limit) == (len(rendered.message.text) - len(LINK) + 23, 280)


def test_on_telegram_the_headline_is_bold_and_the_plain_text_is_what_is_seen() -> None:
    message = render(an_alert(), channel=TELEGRAM).message
    assert message.text.startswith(
        "<b>Danger grave – Coup de vent sur la vallée</b>\n<b>Où\u00a0:</b> Isère, Savoie\n\n<b>Rentrez"
    )
    assert message.plain.startswith("Danger grave – Coup de vent sur la vallée\nOù\u00a0: Isère, Savoie\n")


def test_on_facebook_the_link_stands_beside_the_text() -> None:
    message = render(an_alert(), channel=FACEBOOK).message
    assert message.link == LINK
    assert "http" not in message.text


def test_a_headline_that_says_the_colour_needs_no_severity_before_it() -> None:
    colour = (NamedValue("awareness_level", "3; orange; Severe"),)
    said = an_info(headline="Vigilance orange orages", parameters=colour)
    assert render(an_alert(said)).message.text.startswith("Vigilance orange orages\n")
    other = an_info(headline="Des orages arrivent", parameters=colour)
    assert render(an_alert(other)).message.text.startswith("Vigilance orange – Des orages arrivent\n")


def test_the_prepared_instruction_follows_the_colour_rather_than_the_severity() -> None:
    info = an_info(
        instruction=None, severity=Severity.MINOR, parameters=(NamedValue("awareness_level", "4; red; Minor"),)
    )
    assert "Restez chez vous, volets et fenêtres fermés." in render(an_alert(info)).message.text


def test_an_alert_without_a_headline_is_called_by_its_hazard() -> None:
    assert render(an_alert(an_info(headline=None))).message.text.startswith("Danger grave – vent violent\n")


def test_a_planned_notice_shows_its_whole_window() -> None:
    info = an_info(
        event="Travaux",
        headline="Rue Pasteur barrée",
        severity=Severity.MINOR,
        onset=NOW - timedelta(days=1),
        expires=NOW + timedelta(days=2),
    )
    text = render(an_alert(info)).message.text.replace("\u00a0", " ")
    assert "Travaux – Rue Pasteur barrée\n" in text
    assert "Du mardi 24 à 13 h au vendredi 27 à 13 h\n" in text


def test_the_station_s_names_of_the_areas_stand_first() -> None:
    areas = tuple(Area(name) for name in ("ISERE", "Savoie", "Drôme", "Ain"))
    text = render(an_alert(an_info(areas=areas)), area_names=("Isère", "Les Quais")).message.text
    assert ": Isère, Les Quais, Savoie, Drôme, Ain\n" in text.replace("\u00a0", " ")


def test_areas_of_every_info_in_the_language_count() -> None:
    alert = an_alert(an_info(), an_info(areas=(Area("Drôme"),)), an_info(language="de", areas=(Area("Genf"),)))
    assert "\nOù\u00a0: Isère, Savoie, Drôme\n" in render(alert).message.text


def test_infos_of_one_language_share_one_window() -> None:
    first = an_info(onset=NOW + timedelta(hours=2), expires=NOW + timedelta(hours=3))
    second = an_info(onset=NOW + timedelta(hours=1), expires=NOW + timedelta(hours=5))
    text = render(an_alert(first, second)).message.text.replace("\u00a0", " ")
    assert "Mercredi 25, de 14 h à 18 h\n" in text
    assert "à partir du" in render(an_alert(first, replace(second, expires=None))).message.text.lower()


def test_an_area_that_the_station_knows_is_spelled_its_way_and_comes_first() -> None:
    renderer = Renderer(replace(FRENCH, districts=(District("1", "Les Quais", {}), District("2", "Centre", {}))))
    alert = an_alert(an_info(areas=(Area("Isère"), Area("LES QUAIS"))))
    assert "\nOù\u00a0: Les Quais, Isère\n" in render(alert, renderer=renderer).message.text


@in_one_test
@pytest.mark.parametrize("name", ["", "polygonal event area", "Polygon", "None", "Unknown", "the affected area", "N/A"])
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_where_no_area_is_told_none_is_said(name: str, channel: ChannelConfig) -> None:
    text = render(an_alert(an_info(areas=(Area(name),) if name else ())), channel=channel).message.plain
    assert "Où" not in text
    assert not name or name not in text


def test_a_sender_without_a_name_is_its_address_and_never_the_town() -> None:
    alert = replace(an_alert(an_info(sender_name=None)), sender="w-nws.webmaster@noaa.gov")
    renderer = Renderer(replace(FRENCH, sender="alertes@saint-martin.example"))
    for channel in CHANNELS:
        text = render(alert, channel=channel, renderer=renderer).message.plain
        assert "Source\u00a0: w-nws.webmaster@noaa.gov" in text
    own = replace(alert, sender="alertes@saint-martin.example")
    assert "Source" not in render(own, channel=OTHER, renderer=renderer).message.plain
    titled = Context("7x3k", NOW, source="Préfecture")
    text = renderer.render(alert, PostKind.PUBLISH, TELEGRAM, context=titled).message.plain
    assert "Source\u00a0: Préfecture\n" in text
    assert "noaa" not in text


def test_what_the_station_typed_is_set_as_french_is_set() -> None:
    info = an_info(
        headline="Fuite d'eau: évitez la rue!", instruction='Partez à 14h30 "sans courir".', sender_name=FRENCH.name
    )
    text = render(an_alert(info)).message.text
    assert "Fuite d’eau\u00a0: évitez la rue\u00a0!" in text
    assert "Partez à 14\u00a0h\u00a030 «\u00a0sans courir\u00a0»." in text
    others = render(an_alert(replace(info, sender_name="Veolia"))).message.text
    assert "Fuite d’eau\u00a0: évitez la rue\u00a0!" in others, "readers don't mind who typed it"


def test_meteo_france_s_fixed_sentences_get_their_accents_back() -> None:
    said = "Soyez attentifs; si vous pratiquez des activites sensibles au risque meteorologique."
    text = render(an_alert(an_info(instruction=said)), channel=FACEBOOK).message.text
    assert "Soyez attentifs si vous pratiquez des activités sensibles au risque météorologique." in text


def test_too_many_areas_are_counted() -> None:
    areas = tuple(Area(f"Département numéro {number}") for number in range(40))
    rendered = render(an_alert(an_info(areas=areas)), area_names=("Isère",))
    assert "\nOù\u00a0: Isère, Département numéro 0 +39\n" in rendered.message.text
    assert "area" not in rendered.cut


def test_areas_that_a_feed_puts_into_one_are_told_apart() -> None:
    rendered = render(an_alert(an_info(areas=(Area("Isère; Savoie ;Drôme; "),))))
    assert "\nOù\u00a0: Isère, Savoie, Drôme\n" in rendered.message.text


@in_one_test
@pytest.mark.parametrize("nothing", ["Not Applicable", "N/A", "None.", "sans objet", " - "])
def test_an_instruction_that_says_that_there_is_none_is_none(nothing: str) -> None:
    rendered = render(an_alert(an_info(instruction=nothing)))
    assert "Limitez vos déplacements." in rendered.message.text
    assert "the alert has no instruction" in str(rendered.warnings[0])


def test_a_contact_is_told_where_it_is_another_than_the_sender() -> None:
    told = render(an_alert(an_info(contact="04 76 00 00 00")), channel=TELEGRAM).message.plain
    same = render(an_alert(an_info(contact="MÉTÉO LOCALE")), channel=TELEGRAM).message.plain
    assert "\n04 76 00 00 00\n" in told
    assert "MÉTÉO" not in same


def test_an_english_headline_that_says_the_colour_needs_no_more() -> None:
    colour = (NamedValue("awareness_level", "2; yellow; Moderate"),)
    info = an_info(language="en", headline="Yellow Thunderstorm", parameters=colour)
    assert render(an_alert(info), renderer=Renderer(ENGLISH)).message.text.startswith("Yellow Thunderstorm\n")


def test_a_window_with_no_end_shows_none() -> None:
    assert "fin non précisée" in render(an_alert(an_info(expires=None))).message.text


# --- updates and ends -----------------------------------------------------------------------------------------------


def test_an_update_says_what_changes_in_sentences_with_what_was() -> None:
    now = an_info(severity=Severity.EXTREME, expires=NOW + timedelta(hours=9), areas=(Area("Isère"), Area("Drôme")))
    text = render(an_alert(now), PostKind.UPDATE, TELEGRAM, previous=an_alert()).message.plain.replace("\u00a0", " ")
    assert text.startswith("Danger extrême – Coup de vent sur la vallée (mise à jour)\n")
    assert (
        "Le danger passe de grave à extrême. Prolongé jusqu’à mercredi 25 novembre à 22 h (était : mercredi 25 "
        "novembre à 19 h). Nouveau secteur concerné : Drôme. Fin d’alerte pour Savoie." in text
    )


def test_a_freed_district_stays_with_as_much_of_the_other_changes_as_there_is_room_for() -> None:
    now = an_info(severity=Severity.MODERATE, expires=NOW + timedelta(hours=9), areas=(Area("Isère"),))
    before = an_info(severity=Severity.EXTREME)
    text = render(an_alert(now), PostKind.UPDATE, X, previous=an_alert(before)).message.plain.replace("\u00a0", " ")
    assert "Le danger passe d’extrême à modéré. Fin d’alerte pour Savoie." in text


def test_a_freed_district_is_told_however_short_the_room() -> None:
    now = an_info(
        severity=Severity.EXTREME, areas=(Area("Isère"),), instruction="Rentrez tout ce que vous pouvez. " * 60
    )
    text = render(an_alert(now), PostKind.UPDATE, X, previous=an_alert()).message.plain.replace("\u00a0", " ")
    assert "Fin d’alerte pour Savoie." in text


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("Les Coteaux", "toute la commune", "Toute la commune est maintenant concernée."),
        ("toute la commune", "Les Coteaux", "Un seul secteur reste concerné\u00a0: Les Coteaux."),
        ("Les Coteaux", FRENCH.name, "Toute la commune est maintenant concernée."),
        (FRENCH.name, "Les Coteaux", "Un seul secteur reste concerné\u00a0: Les Coteaux."),
        (FRENCH.name, "toute la commune", "(mise à jour)\n"),
    ],
)
def test_an_update_for_the_whole_town_frees_nobody(before: str, now: str, told: str) -> None:
    was, new = (an_alert(an_info(areas=(Area(name),), sender_name=FRENCH.name)) for name in (before, now))
    text = render(new, PostKind.UPDATE, TELEGRAM, previous=was).message.plain
    assert told in text
    assert not re.search("Fin d’alerte pour|Nouveau secteur|Ville de", text)


def test_a_colour_that_changes_is_told_as_the_colour() -> None:
    orange, red = ((NamedValue("awareness_level", f"3; {colour}; x"),) for colour in ("orange", "red"))
    before = an_alert(an_info(parameters=orange))
    text = render(an_alert(an_info(parameters=red)), PostKind.UPDATE, TELEGRAM, previous=before).message.plain
    assert "La vigilance passe d’orange à rouge." in text


@in_one_test
@pytest.mark.parametrize(
    ("language", "reason", "lead", "over"),
    [
        ("fr-FR", EndReason.CANCELLED, "Fin de la vigilance orange – orages", "La vigilance est levée."),
        ("fr-FR", EndReason.EXPIRED, "Fin prévue de la vigilance orange – orages", "La durée annoncée est"),
        ("en-GB", EndReason.CANCELLED, "Orange warning over – thunderstorms", "The warning has been lifted."),
        ("en-GB", EndReason.EXPIRED, "Planned end of the orange warning – thunderstorms", "The announced period is"),
    ],
)
def test_a_warning_of_a_colour_ends_as_one_and_is_no_alert_that_anybody_withdraws(
    language: str, reason: EndReason, lead: str, over: str
) -> None:
    orange = (NamedValue("awareness_level", "3; orange; Severe"), NamedValue("awareness_type", "3; Thunderstorm"))
    before = an_alert(an_info(event="Orages", language=language, parameters=orange))

    bare = replace(an_alert(), infos=(), msg_type=MsgType.CANCEL)
    channel = replace(OTHER, language=language)
    said = render(bare, PostKind.END, channel, previous=before, reason=reason).message.plain

    assert (said.partition("\n")[0], over in said) == (lead, True)


def test_an_update_says_that_what_to_do_has_changed() -> None:
    now = an_info(instruction="Restez chez vous.")
    text = render(an_alert(now), PostKind.UPDATE, TELEGRAM, previous=an_alert()).message.plain
    assert "La consigne change." in text
    same = an_info(instruction="rentrez le  mobilier\nde jardin.")
    assert "change" not in render(an_alert(same), PostKind.UPDATE, TELEGRAM, previous=an_alert()).message.plain


def test_an_english_update_says_in_plain_words_where_it_is_now() -> None:
    before, now = an_alert(an_info(language="en")), an_alert(an_info(language="en", areas=(Area("Drôme"),)))
    text = render(now, PostKind.UPDATE, TELEGRAM, Renderer(ENGLISH), previous=before).message.plain
    assert "Newly affected: Drôme. No longer affected: Isère and Savoie. Branches may still fall." in text


def test_an_end_without_words_of_its_own_is_named_after_what_is_over() -> None:
    cancel = an_alert(msg_type=MsgType.CANCEL)
    cancel = replace(cancel, infos=())
    rendered = render(cancel, PostKind.END, reason=EndReason.CANCELLED, previous=an_alert())
    assert rendered.message.text.startswith(
        "Alerte retirée – vent violent\nOù\u00a0: Isère, Savoie\n"
        "L’alerte ne s’applique plus. Des branches peuvent encore tomber.\nRetirée le mercredi"
    )
    assert rendered.warnings == ()


def test_an_end_that_repeats_the_alarm_does_not_sound_it_again() -> None:
    rendered = render(an_alert(), PostKind.END, TELEGRAM, reason=EndReason.ALL_CLEAR, previous=an_alert())
    assert "110 km/h" not in rendered.message.plain
    assert "Rentrez" not in rendered.message.plain
    assert "Des branches peuvent encore tomber." in rendered.message.plain


def test_an_end_may_bring_words_of_its_own() -> None:
    ending = an_alert(an_info(description="Le vent est tombé à 12 h."), note="Erreur de saisie")
    text = render(ending, PostKind.END, TELEGRAM, reason=EndReason.CORRECTED, previous=an_alert()).message.plain
    assert "Le vent est tombé à 12 h." in text
    assert "Erreur de saisie" in text


def test_an_expired_alert_tells_when_it_ended_and_not_when_we_noticed() -> None:
    alert = an_alert(an_info(expires=NOW - timedelta(hours=2)))
    text = render(alert, PostKind.END, reason=EndReason.EXPIRED).message.text.replace("\u00a0", " ")
    assert "Fin prévue le mercredi 25 à 11 h" in text


def test_an_evacuation_that_expired_calls_nobody_home() -> None:
    alert = an_alert(an_info(event="Évacuation"))
    expired = render(alert, PostKind.END, reason=EndReason.EXPIRED).message.text
    cleared = render(alert, PostKind.END, reason=EndReason.ALL_CLEAR, previous=alert).message.text
    assert "Ne rentrez qu’avec l’accord des secours." in expired
    assert "Vous pouvez rentrer." in cleared


def an_end(
    hazard: str, reason: EndReason, *, begun: bool = True, note: str | None = None, channel: ChannelConfig = TELEGRAM
) -> str:
    own = (NamedValue(HAZARD_PARAMETER, hazard),)
    info = an_info(headline="Rue Haute", parameters=own, onset=NOW if begun else NOW + timedelta(minutes=1))
    alert = an_alert(info)
    return render(replace(alert, note=note), PostKind.END, channel, reason=reason, previous=alert).message.plain


@pytest.mark.parametrize("hazard", ["works", "water-cut"])
def test_a_cancellation_of_what_is_under_way_does_not_say_that_it_will_not_be(hazard: str) -> None:
    begun, ahead = (an_end(hazard, EndReason.CANCELLED, begun=begun) for begun in (True, False))
    assert re.search("n’auront pas lieu|n’aura pas lieu", ahead)
    assert not re.search("n’auront pas lieu|n’aura pas lieu", begun)
    assert re.match("Annonce (de travaux )?retirée – ", begun)


def test_a_cancellation_of_what_tells_no_start_is_one_of_what_is_under_way() -> None:
    alert = an_alert(an_info(event="Coupure d’eau", onset=None))
    text = render(alert, PostKind.END, reason=EndReason.CANCELLED, previous=alert).message.text
    assert "pas lieu" not in text


def test_a_danger_that_was_there_is_not_said_to_be_no_longer_expected() -> None:
    assert "plus attendu" in an_end("wind", EndReason.CANCELLED, begun=False)
    assert "plus attendu" not in an_end("wind", EndReason.CANCELLED)
    assert "ne rentrez qu’avec l’accord des secours." in an_end("evacuation", EndReason.CANCELLED)


def test_an_officer_s_all_clear_has_the_words_of_its_hazard_and_its_own() -> None:
    text = an_end("water-cut", EndReason.ALL_CLEAR, note="La fuite est réparée.")
    assert text.startswith("L’eau est rétablie\n")
    assert "Laissez-la couler jusqu’à ce qu’elle soit claire." in text
    assert "\nLa fuite est réparée.\n" in text
    assert "L’eau du robinet est de nouveau potable" in an_end("water-quality", EndReason.ALL_CLEAR)
    assert "secours" not in an_end("general", EndReason.ALL_CLEAR)


def test_unsafe_water_does_not_become_safe_by_the_clock() -> None:
    assert "Ne buvez l’eau que si la mairie la dit potable." in an_end("water-quality", EndReason.EXPIRED)


def test_an_officer_s_own_words_stand_in_the_place_of_the_machine_s() -> None:
    alert = an_alert(an_info(sender_name=FRENCH.name))
    ending = replace(alert, note="Le vent est tombé. Rouvrez vos volets.")
    text = render(ending, PostKind.END, TELEGRAM, reason=EndReason.ALL_CLEAR, previous=alert).message.plain
    assert "Le vent est tombé. Rouvrez vos volets." in text
    assert "L’alerte est levée." not in text


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_correction_has_what_is_right_as_its_title(channel: ChannelConfig) -> None:
    note = "Rien à évacuer rue Haute. Restez chez vous."
    text = an_end("evacuation", EndReason.CORRECTED, note=note, channel=channel)
    first, second = [line for line in text.split("\n") if line][:2]
    assert first == "Rectificatif – Rien à évacuer rue Haute"
    assert second.startswith("Notre message de 13\u00a0h (évacuation, Isère, Savoie) était faux. Restez chez vous.")
    assert "Où" not in text, "the place was that of the wrong message"
    assert "«\u00a0Rue Haute\u00a0»" not in text


def test_a_correction_that_has_no_room_keeps_what_is_right_and_which_message_was_wrong() -> None:
    right = "Rien à évacuer rue Haute, restez chez vous. " * 4
    text = an_end("evacuation", EndReason.CORRECTED, note=right, channel=X)
    assert text.startswith("Rectificatif – Rien à évacuer rue Haute, restez chez vous\n")
    assert "(évacuation, Isère, Savoie) était faux. Rien à évacuer rue Haute, restez chez vous." in text


def test_a_correction_frees_nobody_unless_its_words_do() -> None:
    caution = "En cas de doute, suivez les secours sur place."
    assert caution in an_end("evacuation", EndReason.CORRECTED)
    assert caution in an_end("evacuation", EndReason.CORRECTED, note="Seule la rue Basse est concernée.")
    assert caution not in an_end("evacuation", EndReason.CORRECTED, note="Exercice. Vous pouvez rentrer chez vous.")


def test_a_correction_without_words_says_which_message_was_wrong() -> None:
    lines = [line for line in an_end("wind", EndReason.CORRECTED).replace("\u00a0", " ").split("\n") if line]
    assert lines[0] == "Rectificatif – notre message de 13 h (vent violent, Isère, Savoie) était faux"
    assert lines[1] == "N’en tenez pas compte."


@pytest.mark.parametrize("reason", [EndReason.CORRECTED, EndReason.ALL_CLEAR])
def test_the_end_of_foreign_works_names_them_once_and_closes_every_bracket(reason: EndReason) -> None:
    info = an_info(
        event="Travaux", headline="Rue Basse fermée à la circulation", language="fr-FR", sender_name=ENGLISH.name
    )
    ends = replace(an_alert(info), msg_type=MsgType.CANCEL, note="La rue est ouverte.")
    text = render(
        ends,
        PostKind.END,
        replace(X, language="en-GB"),
        reason=reason,
        previous=an_alert(info),
        renderer=Renderer(ENGLISH),
    ).message.text
    assert text.count("(") == text.count(")"), text
    assert "(road closure, Rue Basse)" in text or text.startswith("Road open again – Rue Basse\n"), text


# --- languages ------------------------------------------------------------------------------------------------------


def test_what_the_station_says_itself_is_said_in_one_language() -> None:
    info = an_info(language="fr-FR", sender_name=ENGLISH.name)
    renderer = Renderer(ENGLISH)
    message = render(an_alert(info), renderer=renderer).message
    assert message.text.startswith("Danger grave – Coup de vent")
    assert message.language == "fr-FR"
    insisted = render(an_alert(info), channel=replace(X, language="en-GB"), renderer=renderer).message
    assert insisted.text.startswith("Danger – ")
    assert "Original text in French." in insisted.text
    relayed = render(an_alert(), renderer=renderer).message.text
    assert relayed.startswith("Danger – ")
    unknown = render(an_alert(replace(info, language="de-DE")), renderer=renderer).message
    assert unknown.language == "en-GB"


def test_the_mark_of_a_foreign_text_stands_apart_from_the_advice() -> None:
    text = render(an_alert(), channel=FACEBOOK, renderer=Renderer(ENGLISH)).message.text
    assert "\n\nOriginal text in French.\n\nStay safe:\n" in text


# --- link -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "kind", "first", "carried"),
    [
        ("always", PostKind.UPDATE, None, True),
        ("first", PostKind.PUBLISH, None, True),
        ("first", PostKind.UPDATE, None, False),
        ("first", PostKind.UPDATE, True, True),
        ("first", PostKind.PUBLISH, False, False),
        ("never", PostKind.PUBLISH, None, False),
    ],
)
def test_the_link_policy(policy: str, kind: PostKind, first: bool | None, carried: bool) -> None:
    message = render(an_alert(), kind, replace(X, link=policy), first=first).message
    assert ("https://" in message.text) is carried
    assert message.link == (LINK if carried else None)


def test_without_a_public_page_the_link_is_the_alert_s_own() -> None:
    renderer = Renderer(replace(FRENCH, public_url=None))
    alert = an_alert(an_info(web="https://meteo.example/a?b=1&c=2"))
    assert render(alert, renderer=renderer).message.text.endswith("\nhttps://meteo.example/a?b=1&c=2")
    assert "a?b=1&amp;c=2" in render(alert, channel=TELEGRAM, renderer=renderer).message.text
    assert render(an_alert(an_info(web="javascript:x")), renderer=renderer).message.link is None


def test_a_template_that_forgets_the_link_carries_it_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, fr__telegram__publish="Vent & pluie")
    message = render(an_alert(), channel=TELEGRAM, renderer=Renderer(FRENCH, [tmp_path])).message
    assert message.text == f"Vent & pluie\n{LINK}"


# --- exercises ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
@pytest.mark.parametrize("kind", list(PostKind))
def test_an_exercise_begins_and_ends_as_one_and_has_no_public_page(channel: ChannelConfig, kind: PostKind) -> None:
    exercise = an_alert(status=Status.EXERCISE)
    message = render(exercise, kind, channel, previous=exercise).message
    assert message.plain.startswith("EXERCICE\n")
    assert message.plain.endswith("\nEXERCICE")
    assert message.link is None


def test_an_endless_exercise_is_still_marked_at_both_ends(tmp_path: Path) -> None:
    write(tmp_path, fr__twitter__publish='{% part "headline" %}{{ description }}{% endpart %}')
    alert = an_alert(an_info(description="mot " * 500))
    rendered = render(alert, renderer=Renderer(FRENCH, [tmp_path]), exercise=True)
    assert rendered.message.text.startswith("EXERCICE\nmot")
    assert rendered.message.text.endswith("…\nEXERCICE")
    assert rendered.count <= 280


def test_an_english_exercise() -> None:
    alert = an_alert(an_info(language="en-GB"), status=Status.TEST)
    text = render(alert, renderer=Renderer(ENGLISH)).message.text
    assert text.startswith("EXERCISE\n")
    assert text.endswith("\nEXERCISE")


# --- languages ------------------------------------------------------------------------------------------------------


def test_the_info_of_the_station_s_language_is_used() -> None:
    alert = an_alert(an_info(language="de", headline="Sturm"), an_info())
    assert "Coup de vent" in render(alert).message.text
    assert "Texte d’origine" not in render(alert, channel=TELEGRAM).message.text


def test_a_foreign_text_is_introduced_in_ours_and_its_language_is_said() -> None:
    alert = an_alert(an_info(language="en-GB", headline="Gales in the valley", instruction="Stay in."))
    text = render(alert, channel=TELEGRAM).message.plain
    assert text.startswith("Danger grave – vent violent (Gales in the valley)\n")
    assert "Stay in." in text
    assert "Texte d’origine en anglais." in text


def test_a_channel_may_speak_another_language_than_the_station() -> None:
    alert = an_alert(an_info(), an_info(language="en", headline="Gales in the valley"))
    message = render(alert, channel=replace(X, language="en-GB")).message
    assert message.text.startswith("Danger – Gales in the valley\n")
    assert message.language == "en-GB"


def test_a_language_without_templates_is_served_in_english() -> None:
    message = render(an_alert(), renderer=Renderer(replace(FRENCH, language="pl-PL"))).message
    assert message.text.startswith("Danger – strong wind (Coup de vent")
    assert message.language == "en"


# --- escaping -------------------------------------------------------------------------------------------------------


def hostile_info() -> Info:
    return an_info(
        event=HOSTILE,
        headline=HOSTILE,
        description=HOSTILE,
        instruction=HOSTILE,
        sender_name=HOSTILE,
        contact=HOSTILE,
        areas=(Area(HOSTILE),),
        parameters=(NamedValue(HAZARD_PARAMETER, "wind"),),
    )


@pytest.mark.parametrize("kind", list(PostKind))
def test_nothing_a_feed_says_is_markup_or_template(kind: PostKind) -> None:
    alert = an_alert(hostile_info(), note=HOSTILE)
    text = render(alert, kind, TELEGRAM, previous=alert, area_names=(HOSTILE,)).message.text
    for ours in ("<b>", "</b>", "<i>", "</i>"):
        text = text.replace(ours, "")
    assert "<" not in text
    assert ">" not in text
    assert "{{ 7 * 7 }}" in text
    assert "49" not in text
    assert "a &lt; b" in text


def test_on_plain_channels_nothing_is_escaped() -> None:
    text = render(an_alert(an_info(headline="Vent & pluie < 50 km/h"))).message.text
    assert "Vent & pluie < 50 km/h" in text


def test_a_feed_cannot_write_a_part_of_its_own() -> None:
    forged = "\x1clink\x1d\x1dhttps://evil.fr\x1f\x1e"
    text = render(an_alert(an_info(headline=forged, description=forged))).message.text
    assert "\x1c" not in text
    assert "linkhttps://evil.fr" in text


# --- folders, lookup, faults ----------------------------------------------------------------------------------------

MINIMAL = '{% part "headline" %}{{ lead }}{% endpart %}'


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"fr__twitter__publish": "a"}, "a"),
        ({"fr__twitter__publish": "a", "fr__twitter__wind_DOT_publish": "b"}, "b"),
        ({"fr__twitter__wind_DOT_publish": "b", "fr__twitter__coup-de-vent_DOT_publish": "c"}, "c"),
        ({"fr__twitter__publish": "a", "fr-FR__twitter__publish": "d"}, "d"),
        ({"fr-FR__default__publish": "e", "fr__twitter__publish": "a"}, "e"),
        ({"fr__twitter__update": "f"}, "Danger grave"),
        ({"fr__default__publish": "g"}, "Danger grave"),
    ],
)
def test_the_nearest_template_wins(tmp_path: Path, files: dict[str, str], said: str) -> None:
    alert = an_alert(an_info(event="Coup de vent"))
    renderer = Renderer(FRENCH, [write(tmp_path, **files)])
    assert render(alert, renderer=renderer).message.text.startswith(said)


def test_an_unknown_kind_of_channel_uses_the_default_folder() -> None:
    rendered = render(an_alert(), channel=OTHER)
    assert "Plus d’informations\u00a0: https" in rendered.message.text
    assert rendered.warnings == ()


def test_the_first_folder_has_the_last_word(tmp_path: Path) -> None:
    own, other = (
        write(tmp_path / "own", fr__twitter__publish="own"),
        write(tmp_path / "other", fr__twitter__publish="other"),
    )
    renderer = Renderer(FRENCH, [own, other])
    assert render(an_alert(), renderer=renderer).message.text.startswith("own")


def test_a_station_may_change_one_word_and_keep_the_others(tmp_path: Path) -> None:
    write(tmp_path, fr__hazards__wind='{% set name = "mistral" %}')
    text = render(
        an_alert(an_info(headline=None, instruction=None)), renderer=Renderer(FRENCH, [tmp_path])
    ).message.text
    assert "Danger grave – mistral\n" in text
    assert "Limitez vos déplacements." in text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("a\n{{ headlin }}", "publish.j2:2: 'headlin' is undefined"),
        ("a\nb {% if %}", "publish.j2:2: Expected an expression"),
        ("{{ 1 // 0 }}", "publish.j2:1: ZeroDivisionError"),
        ("{{ info.__class__.__mro__ }}", "publish.j2:1: access to attribute '__class__'"),
        ("{{ areas[99] + 1 }}", "publish.j2:1: "),
        ("{% include 'nowhere.j2' %}", "publish.j2:1: 'nowhere.j2' not found"),
        ("{% for x in range(10 ** 9) %}{% endfor %}", "publish.j2:1: its range has 1,000,000,000 turns"),
    ],
)
def test_a_template_that_fails_holds_up_nothing(tmp_path: Path, template: str, said: str) -> None:
    write(tmp_path, fr__telegram__publish=template)
    alert = an_alert(an_info(headline="Vent & pluie"))
    rendered = render(alert, channel=TELEGRAM, renderer=Renderer(FRENCH, [tmp_path]))
    assert rendered.message.text.split("\n") == [
        "Danger grave – Vent &amp; pluie",
        "Rentrez le mobilier de jardin.",
        "Isère, Savoie",
        "jusqu’à 19\u00a0h ce soir, mercredi 25 novembre",
        "Les rafales atteindront 110 km/h.",
        "Source\u00a0: Météo locale",
        LINK,
    ]
    assert len(rendered.warnings) == 1
    assert said in str(rendered.warnings[0])
    assert "the plain built-in text is used" in str(rendered.warnings[0])


@in_one_test
@pytest.mark.parametrize(
    "words",
    ["{% set name = %}", "{{ unknown }}", '{% set instruction = "no dictionary" %}', "{% set name = 3 / 0 %}"],
)
def test_words_that_fail_are_replaced_by_those_that_ship(tmp_path: Path, words: str) -> None:
    write(tmp_path, fr__hazards__wind=words)
    rendered = render(an_alert(an_info(instruction=None)), renderer=Renderer(FRENCH, [tmp_path]))
    assert "Limitez vos déplacements." in rendered.message.text
    assert any("the words that ship are used" in str(warning) for warning in rendered.warnings)


def test_what_an_alert_does_not_tell_is_silence_and_not_the_word_none(tmp_path: Path) -> None:
    write(tmp_path, fr__twitter__publish="[{{ contact }}{{ info.audience }}]")
    assert render(an_alert(), renderer=Renderer(FRENCH, [tmp_path])).message.text.startswith("[]")


# --- warnings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instruction": None}, "the alert has no instruction"),
        ({"areas": ()}, "the alert has no area"),
        ({"expires": None}, "the alert has no expiry"),
        ({"headline": "Ceci est un TEST"}, "the text says “TEST” but its status is Actual"),
        ({"description": "Voir mairie.paris"}, "X makes a link of “mairie.paris”"),
        ({"description": "M.Dupont est joignable"}, "X makes a link of “M.Dupont”"),
        ({"instruction": "Rentrez. " * 99}, "the instruction is too long here: it is cut"),
    ],
)
def test_what_the_officer_should_look_at(changes: dict[str, object], said: str) -> None:
    warnings = render(an_alert(an_info(**changes))).warnings
    assert len([warning for warning in warnings if said in str(warning)]) == 1


def test_an_exercise_may_say_that_it_is_one() -> None:
    rendered = render(an_alert(an_info(headline="Exercice crue"), status=Status.EXERCISE))
    assert not [warning for warning in rendered.warnings if "Actual" in str(warning)]


@pytest.mark.parametrize(
    "said", ["Please exercise caution.", "Exercise extreme care.", "Les testaments", "Latest news"]
)
def test_care_is_no_exercise(said: str) -> None:
    assert render(an_alert(an_info(description=said))).warnings == ()


def test_only_x_makes_links_of_bare_domains() -> None:
    assert render(an_alert(an_info(description="Voir mairie.paris")), channel=TELEGRAM).warnings == ()


def test_an_alert_that_says_nothing_at_all_is_told() -> None:
    empty = replace(an_alert(), infos=())
    rendered = render(empty, PostKind.END, reason=EndReason.CANCELLED)
    assert rendered.message.text.startswith("Annonce retirée\n")
    assert "says nothing in any language" in str(rendered.warnings[0])


ENDLESS = "Rentrez tout ce que le vent pourrait emporter, " * 60
LONG = "Rentrez tout ce que vous pouvez. " * 60


def test_an_instruction_is_prepared_only_where_not_a_sentence_of_the_sender_s_fits() -> None:
    own, ours = (render(an_alert(an_info(instruction=said))) for said in (LONG, ENDLESS))
    assert "Rentrez tout ce que vous pouvez.\n" in own.message.text
    assert "\nLimitez vos déplacements. Éloignez-vous des arbres, et des câbles tombés à terre.\n" in ours.message.text
    assert max(own.count, ours.count) <= 280


@pytest.mark.parametrize(
    ("said", "linked", "warning"),
    [
        (LONG, True, "the instruction is too long here: it is cut, the whole is behind the link"),
        (LONG, False, "the instruction is too long here: it is cut, no link leads to the whole, so shorten it"),
        (ENDLESS, True, "not even the first sentence of the instruction fits here: the prepared one is used instead"),
        (ENDLESS, False, "no link leads to the whole, so shorten it"),
    ],
)
def test_what_became_of_a_long_instruction_is_told(said: str, linked: bool, warning: str) -> None:
    station = FRENCH if linked else replace(FRENCH, public_url=None)
    assert warning in str(render(an_alert(an_info(instruction=said)), renderer=Renderer(station)).warnings[0])


OUTAGE = (
    "Débranchez les appareils sensibles, gardez le congélateur fermé, prévenez les voisins dépendants d’un appareil "
    "médical et rapprochez-vous du CCAS au 04 76 00 00 00 si vous avez besoin d’aide. Ne rouvrez pas le disjoncteur."
)


def outage(headline: str, instruction: str | None = OUTAGE, severity: Severity = Severity.MODERATE) -> Alert:
    info = an_info(
        event="Alerte",
        headline=headline,
        description=None,
        instruction=instruction,
        severity=severity,
        sender_name=FRENCH.name,
        areas=(Area("Les Coteaux"),),
    )
    return an_alert(info)


def test_the_words_of_a_general_alert_are_never_replaced() -> None:
    renderer = Renderer(replace(FRENCH, public_url=None))
    text = render(outage("Panne d’électricité aux Coteaux"), renderer=renderer).message.text
    assert "04\u00a076\u00a000\u00a000\u00a000 si vous avez besoin d’aide.\n" in text
    for severity in Severity:
        endless = outage("Panne", ENDLESS, severity)
        assert "Rentrez tout ce que le vent pourrait emporter, Rentrez" in render(endless).message.text


@pytest.mark.parametrize(
    "headline",
    [
        "Panne d’électricité dans le quartier des Coteaux après un incident sur le chantier de travaux du boulevard",
        "Coupure totale d’électricité mardi dans tout le quartier, Enedis annonce des travaux de renforcement",
    ],
)
def test_a_headline_is_not_replaced_by_what_it_only_mentions(headline: str) -> None:
    text = render(outage(headline)).message.text
    assert text.startswith((headline[:30], f"Attention – {headline[:30]}"))
    assert "déviation" not in text
    wind = outage(f"{headline}, sous un vent violent", "Rentrez chez vous. " * 30, Severity.SEVERE)
    wind = replace(wind, infos=(replace(wind.infos[0], parameters=(NamedValue(HAZARD_PARAMETER, "wind"),)),))
    assert render(wind).message.text.startswith(f"Danger grave – {headline[:30]}")


def test_a_headline_that_begins_with_its_hazard_may_be_only_that() -> None:
    long = "Travaux de renforcement du réseau, rue de la République, avenue de la Gare et place du Marché " * 2
    alert = outage(long, "Suivez la déviation par la rue Basse et par le pont Neuf. " * 4)
    text = render(alert).message.text
    assert text.startswith("Travaux")
    assert text.count("pont Neuf.") == 3


@pytest.mark.parametrize("severity", [Severity.MINOR, Severity.MODERATE, Severity.UNKNOWN])
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
@pytest.mark.parametrize("kind", [PostKind.PUBLISH, PostKind.UPDATE])
def test_a_general_alert_says_nothing_its_sender_did_not(
    severity: Severity, channel: ChannelConfig, kind: PostKind
) -> None:
    for headline in ("Fermeture de la mairie le 24 décembre", "Chien errant"):
        text = render(outage(headline, None, severity), kind, channel).message.plain
        assert not re.search("Que faire|réflexes|consignes|secours|112", text)


def test_a_grave_general_alert_has_no_filler_for_an_instruction() -> None:
    said = render(outage("Chien dangereux", None, Severity.EXTREME), channel=FACEBOOK).message.text
    assert not re.search("Restez attentifs|réflexes|secours|abri", said)


def test_what_a_general_alert_lacks_is_told_where_it_may_matter() -> None:
    assert render(outage("Mairie fermée", None, Severity.MINOR)).warnings == ()
    assert "none is prepared" in str(render(outage("Chien dangereux", None)).warnings[0])
    assert "ours is used" in str(render(outage("Fuite de gaz", None, Severity.SEVERE)).warnings[0])


def test_unsafe_water_is_no_water_cut() -> None:
    text = render(outage("Eau non potable aux Coteaux", None), channel=FACEBOOK).message.text
    assert "\nNe buvez pas l’eau du robinet, même filtrée. Utilisez de l’eau en bouteille." in text
    assert "Biberons" in text
    assert not re.search("réserve|Fermez les robinets|claire", text)


@pytest.mark.parametrize("channel", [X, FACEBOOK, TELEGRAM, OTHER])
def test_no_place_stands_where_the_officer_told_none(channel: ChannelConfig) -> None:
    info = replace(outage("Panne", "Rentrez.").infos[0], areas=(Area(FRENCH.name),), sender_name=FRENCH.name)
    text = render(an_alert(info), channel=channel).message.plain
    assert "Où" not in text
    assert "commune" not in text


def test_the_town_stands_once_on_x_and_the_place_has_a_label() -> None:
    info = replace(outage("Panne", "Rentrez.").infos[0], areas=(Area("The whole town"),), sender_name=FRENCH.name)
    text = render(an_alert(info)).message.text
    assert "\nOù\u00a0: toute la commune\n" in text
    assert FRENCH.name not in text, "the account says who speaks"
    relayed = render(an_alert(replace(info, areas=(Area(FRENCH.name),), sender_name="Enedis"))).message.text
    assert "\nOù\u00a0: toute la commune\n" in relayed
    assert "\nSource\u00a0: Enedis\n" in relayed


def test_advice_repeats_neither_the_instruction_nor_the_description() -> None:
    info = an_info(event="Coupure d’eau", instruction="ARRÊTEZ lave-linge, lave-vaisselle et chauffe-eau !")
    info = replace(info, instruction="Arretez lave-linge, lave-vaisselle, chauffe-eau !", description=None)
    text = render(an_alert(info), channel=FACEBOOK).message.text
    assert "• Arrêtez lave-linge" not in text
    assert "• Au retour de l’eau" in text
    other = render(an_alert(replace(info, instruction="Patientez.")), channel=FACEBOOK).message.text
    assert "• Arrêtez lave-linge" in other
    told = replace(info, instruction="Patientez.", description="Arrêtez lave-linge, lave-vaisselle, chauffe-eau.")
    assert "• Arrêtez lave-linge" not in render(an_alert(told), channel=FACEBOOK).message.text


def test_what_is_for_before_goes_once_it_has_begun() -> None:
    ahead, begun = (an_info(onset=NOW + timedelta(hours=hours)) for hours in (2, -2))
    assert "• Avant le vent" in render(an_alert(ahead), channel=FACEBOOK).message.text
    assert "• Avant le vent" not in render(an_alert(begun), channel=FACEBOOK).message.text


def test_a_fire_that_is_only_feared_sends_nobody_indoors() -> None:
    red = (NamedValue("awareness_level", "4; red; Extreme"), NamedValue("awareness_type", "8; Forest-fire"))
    feared = an_info(event="Vigilance rouge", instruction=None, severity=Severity.EXTREME, parameters=red)
    burning = an_info(event="Feu de forêt", headline=None, instruction=None, severity=Severity.EXTREME)
    assert "N’allez pas en forêt. Ni feu, ni mégot" in render(an_alert(feared)).message.text
    assert "Entrez dans un bâtiment en dur" in render(an_alert(burning)).message.text


def test_a_red_forest_fire_warning_begins_with_the_woods_and_a_yellow_one_forbids_less() -> None:
    colours = (
        ("2; yellow; Moderate", "Pas de feu"),
        ("3; orange; Severe", "Évitez"),
        ("4; red; Extreme", "N’allez pas"),
    )
    for colour, order in colours:
        marks = (NamedValue("awareness_level", colour), NamedValue("awareness_type", "8; Forest-fire"))
        info = an_info(event="Vigilance feux de forêt", headline=None, instruction=None, parameters=marks)
        assert f"\n{order}" in render(an_alert(info)).message.text


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"event": "Accident nucléaire"},
        {"event": "Nuclear Power Plant Warning", "event_codes": (NamedValue("SAME", "NUW"),)},
        {"event": "Alerte", "event_codes": (NamedValue("SAME", "RHW"),)},
        {
            "event": "Accident industriel",
            "headline": "Accident à la centrale du Bugey",
            "parameters": (NamedValue(HAZARD_PARAMETER, "industrial"),),
        },
    ],
)
def test_a_nuclear_accident_has_its_own_order_and_iodine_only_when_the_prefect_says_so(changes: dict[str, Any]) -> None:
    info = an_info(**{"headline": None, "instruction": None, "severity": Severity.EXTREME, **changes})
    text = render(an_alert(info), channel=FACEBOOK).message.text
    assert "Entrez dans un bâtiment en dur, fermez tout, coupez la ventilation. Ne sortez pas." in text
    assert "Comprimés d’iode\u00a0: seulement quand le préfet le demande" in text
    assert "répandu" not in text


def test_a_planned_power_cut_says_what_to_do_before_it_and_one_that_is_there_what_not_to_touch() -> None:
    info = an_info(event="Coupure d’électricité", headline=None, instruction=None)
    ahead = replace(info, onset=NOW + timedelta(hours=20), expires=NOW + timedelta(hours=24))
    assert "Chargez vos téléphones avant." in render(an_alert(ahead)).message.text
    assert "Ne touchez aucun câble tombé." in render(an_alert(info)).message.text


def test_all_districts_ticked_are_the_whole_town() -> None:
    station = replace(FRENCH, districts=tuple(District(name, name, {}) for name in ("Les Quais", "Centre")))
    every = an_alert(an_info(areas=(Area("Les Quais"), Area("Centre")), sender_name=FRENCH.name))
    one, all_of_it = (
        an_alert(an_info(areas=(Area(name),), sender_name=FRENCH.name)) for name in ("Centre", FRENCH.name)
    )

    def told(before: Alert, now: Alert) -> str:
        return render(now, PostKind.UPDATE, TELEGRAM, Renderer(station), previous=before).message.plain

    assert "Toute la commune est maintenant concernée." in told(one, every)
    assert "Un seul secteur reste concerné\u00a0: Centre." in told(every, one)
    assert "concerné" not in told(every, all_of_it)


def test_a_letter_s_subject_names_the_place() -> None:
    mail = ChannelConfig("mail", "mail", TextFormat(20_000, markup="html"))
    lines = [render(an_alert(), kind, mail, previous=an_alert()).message.plain.split("\n")[0] for kind in PostKind]
    assert lines[:2] == [
        "Danger grave – Coup de vent sur la vallée (Isère, Savoie)",
        "Danger grave – Coup de vent sur la vallée (mise à jour) – Isère, Savoie",
    ]


def test_a_water_cut_says_what_fits_before_and_during_it() -> None:
    info = an_info(event="Coupure d’eau", headline=None, instruction=None)
    ahead = replace(info, onset=NOW + timedelta(hours=2))
    assert "Faites une réserve d’eau." in render(an_alert(ahead)).message.text
    assert "Fermez vos robinets." in render(an_alert(info)).message.text


# --- texts without blanks -------------------------------------------------------------------------------------------

ENDLESS_TEXTS = [
    "👩‍👩‍👧‍👦🇫🇷⚠️" * 400,
    "https://example.org/" + "a" * 5000,
    *at_release(["高いところへ避難してください" * 90, "Z" * 5000, "e\u0301" * 3000]),
]


@pytest.mark.parametrize("endless", ENDLESS_TEXTS, ids=["emoji", "address", "cjk", "word", "accents"])
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
@pytest.mark.parametrize("kind", list(PostKind))
def test_no_post_ever_fails_for_its_length(endless: str, channel: ChannelConfig, kind: PostKind) -> None:
    info = an_info(
        event=endless,
        headline=endless,
        description=endless,
        instruction=endless,
        sender_name=endless,
        contact=endless,
        web=f"https://example.org/{'a' * 5000}",
        areas=(Area(endless), Area(endless + "b")),
    )
    alert = an_alert(info, note=endless)
    for station in (FRENCH, replace(FRENCH, public_url=None))[: 2 if kind is PostKind.PUBLISH else 1]:
        rendered = render(alert, kind, channel, Renderer(station), previous=alert)
        assert rendered.count <= rendered.limit
        assert "Source" in rendered.message.plain
        assert not re.search("\u200d…|(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]…", rendered.message.plain)


# --- the house ------------------------------------------------------------------------------------------------------


def test_the_shipped_folder_is_where_the_templates_are() -> None:
    assert (shipped_folder() / "layouts" / "twitter" / "publish.j2").is_file()


def test_a_usual_post_loads_neither_the_emoji_nor_the_list_of_domains() -> None:
    code = (
        "import sys; from tests.unit.rendering.sample_alerts import *;"
        "[render(an_alert(), kind, channel) for kind in PostKind for channel in CHANNELS];"
        "print([name for name in ('emoji', 'publicsuffixlist', 'aiohttp', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_zone_is_an_error_at_once() -> None:
    with pytest.raises(ConfigurationError, match="Europe/Atlantis"):
        Renderer(Town("x", timezone="Europe/Atlantis"))


def test_a_limit_of_a_caption_is_kept() -> None:
    caption = replace(TELEGRAM, text=TextFormat(1024, "utf16", "html"))
    rendered = render(an_alert(an_info(description="Le vent souffle fort. " * 100)), channel=caption)
    assert rendered.count <= 1024
    assert "description" in rendered.cut or "advice" in rendered.cut
