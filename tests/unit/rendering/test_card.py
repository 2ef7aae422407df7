"""The card of an alert: its words, and the picture of them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from alerts.model.alert import Severity, Status
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason, PostKind, TextFormat
from alerts.model.town import ChannelConfig, Town
from alerts.rendering import card
from alerts.rendering.card import Card, card_alt, card_of, draw_card, in_short
from alerts.rendering.matter import Context
from tests.unit.desk.conftest import NOW, an_alert, renderer_of
from tests.walls import in_one_test

CARD = Card(Severity.SEVERE, "Danger grave", "Tempête", "Saint-Martin", "Jusqu’à ce soir", "Ville de Saint-Martin")
PAPER = 250
"""The darkest that still is the ground: the palette rounds."""
FACE = ChannelConfig("page", "page", TextFormat(limit=1000), "never", "fr-FR")


def said(alert):
    shared = renderer_of(
        Town("Ville de Saint-Martin", language="fr-FR", public_url="https://alertes.saint-martin.example")
    )
    return shared.tell(alert, PostKind.PUBLISH, FACE, context=Context("one", NOW))


def picture(card: Card) -> Image.Image:
    return Image.open(io.BytesIO(draw_card(card))).convert("RGB")


def test_a_card_says_how_grave_what_where_and_until_when():
    alert = an_alert(severity=Severity.SEVERE)

    assert card_of(said(alert), alert.severity) == Card(
        Severity.SEVERE,
        "Danger grave",
        "Coup de vent",
        "Saint-Martin",
        "Jusqu’à 19\u00a0h ce soir, mercredi 25 novembre",
        "Source\u00a0: meteo@example, via Ville de Saint-Martin",
        do="Rentrez le mobilier de jardin.",
        hazard=Hazard.WIND,
    )
    assert card_alt(said(alert)) == (
        "Danger grave – Coup de vent. Rentrez le mobilier de jardin. Saint-Martin. "
        "Jusqu’à 19\u00a0h ce soir, mercredi 25 novembre. "
        "Source\u00a0: meteo@example, via Ville de Saint-Martin."
    )


def test_what_to_do_is_on_the_card_where_there_is_room():
    alert = an_alert(severity=Severity.SEVERE, instruction="Rentrez le mobilier. " * 40)
    card = card_of(said(alert), alert.severity)
    lines = picture(card).crop((64, 400, 1136, 530))

    assert lines.getcolors(9999) != picture(replace(card, do="")).crop((64, 400, 1136, 530)).getcolors(9999)
    assert card.do.endswith("mobilier."), "whole sentences"
    assert len(card.do) <= 230
    assert card.do in card_alt(said(alert))


def test_the_card_of_an_end_says_how_it_ended_and_what_to_mind():
    alert = an_alert(event="Évacuation", severity=Severity.EXTREME)
    shared = renderer_of(Town("Ville de Saint-Martin", language="fr-FR"))
    ends = {
        reason: card_of(
            shared.tell(alert, PostKind.END, FACE, context=Context("one", NOW, reason, alert)), alert.severity
        )
        for reason in EndReason
    }
    assert {reason: card.label for reason, card in ends.items()} == {
        EndReason.ALL_CLEAR: "Terminé",
        EndReason.EXPIRED: "Fin prévue",
        EndReason.CANCELLED: "Retiré",
        EndReason.CORRECTED: "Rectificatif",
    }
    assert ends[EndReason.EXPIRED].do == "La durée annoncée est passée. Ne rentrez qu’avec l’accord des secours."
    assert ends[EndReason.CORRECTED].heading.startswith("Notre message de")
    assert all(card.do and card.severity is None for card in ends.values())


@pytest.mark.parametrize("told", ["Une rue.", "Le marché est annulé ; il aura lieu dimanche.", "Une. Deux. Trois."])
def test_what_is_short_enough_is_said_to_its_last_sentence(told):
    facts = said(
        an_alert(event="Marché", headline="Marché annulé", severity=Severity.MINOR, description=told, instruction=None)
    )
    assert not facts["instruction"]
    assert " ".join(told.split()) in in_short(facts).replace("\u00a0", " ")


def test_an_exercise_is_one_on_the_card_and_in_its_alternative():
    drill = replace(an_alert(), status=Status.EXERCISE)

    assert card_of(said(drill), drill.severity).exercise == "EXERCICE"
    assert card_alt(said(drill)).startswith("EXERCICE – ")


def test_it_is_of_the_size_that_platforms_show_whole_and_the_same_for_the_same_words():
    assert picture(CARD).size == (1200, 630)
    assert draw_card(CARD) == draw_card(replace(CARD))
    assert len(draw_card(CARD)) < 60_000


@in_one_test
@pytest.mark.parametrize("severity", Severity)
def test_each_severity_has_a_shape_of_its_own_and_white_on_it_can_be_read(severity):
    drawn = picture(replace(CARD, severity=severity))
    shapes = {
        other: picture(replace(CARD, severity=other)).convert("1").crop((64, 36, 124, 96)).tobytes()
        for other in Severity
    }

    assert len(set(shapes.values())) == len(shapes)
    assert contrast(drawn.getpixel((5, 5)), (255, 255, 255)) >= 4.5


def contrast(one, two):
    def light(colour):
        parts = (value / 255 for value in colour)
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    brighter, darker = sorted((light(one), light(two)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def heading_height(card: Card) -> int:
    """Of the first line below the band, from its highest pixel to its lowest."""
    below = picture(card).convert("L").crop((64, 140, 1136, 520))
    inked = [min(below.crop((0, y, below.width, y + 1)).tobytes()) < 128 for y in range(below.height)]
    begins = inked.index(True)
    return inked.index(False, begins) - begins


def test_the_shorter_the_heading_the_larger_its_letters():
    long = "Tempête et forte houle attendues la nuit prochaine sur toute la côte, digues fermées"

    heights = [heading_height(replace(CARD, heading=each)) for each in ("Tempête", long[:43], long)]

    assert heights[0] > heights[1] > heights[2]


def test_all_calm_is_green_and_has_a_sign_that_nothing_else_has():
    over = Card(None, "Retiré", "Alerte retirée", "", "", "Ville de Saint-Martin")
    calm = replace(over, is_calm=True)

    red, green, blue = picture(calm).getpixel((5, 5))
    assert green > red
    assert green > blue
    assert max(picture(calm).crop((64, 36, 124, 96)).convert("L").tobytes()) > PAPER


def test_an_exercise_has_a_band_below_that_says_so():
    drill, real = picture(replace(CARD, exercise="EXERCICE")), picture(CARD)

    assert drill.getpixel((600, 620)) != real.getpixel((600, 620))
    assert min(real.getpixel((600, 620))) >= PAPER
    assert drill.crop((900, 540, 1150, 625)).getcolors(9999) != real.crop((900, 540, 1150, 625)).getcolors(9999)


@in_one_test
@pytest.mark.parametrize("exercise", ["", "EXERCICE"])
@pytest.mark.parametrize("words", ["Orages violents attendus " * 12, "X" * 400, "👾 " * 50, "م" * 90])
@pytest.mark.parametrize("short", [True, False])
def test_whatever_is_said_stays_on_the_card(words, exercise, short):
    heading = words[:20] if short else words
    long = Card(Severity.EXTREME, words, heading, words, words, words, exercise, words)
    drawn = picture(long)

    right = [drawn.getpixel((1180, y)) for y in range(140, 530)]
    rows = (528, 532) if exercise else (528, 532, 545, 556)
    between = [drawn.getpixel((x, y)) for x in range(0, 1200, 3) for y in rows]
    assert min(map(min, right)) >= PAPER
    assert min(map(min, between)) >= PAPER


def test_a_word_without_an_end_holds_up_nobody():
    """Each try to cut it measures all that is left: a feed's twenty thousand letters took most of a minute."""

    class Counted:
        letters = 0

        def getlength(self, text: str) -> float:
            self.letters += len(text)
            return len(text) * 10.0

    font = Counted()

    assert card._short("X" * 20_000, font, 1000) == "X" * 99 + "…"
    assert card._short("X" * 100, font, 1000) == "X" * 100
    assert card._short("…" * 200, font, 1000) == "…"
    assert font.letters < 5 * 20_000
