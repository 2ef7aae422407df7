"""What a report begins with that is made of somebody's words: the kind, the street they name, or nothing."""

from __future__ import annotations

import pytest

from alerts.model.reports import shipped_kinds
from alerts.reports.addresses import kind_in, place_in
from alerts.reports.places import Address, Places

KINDS = shipped_kinds("fr")
PLACES = Places(
    streets=("Rue Pasteur", "Quai des Moulins", "Place de l’Église"),
    addresses=(Address(0, "12", (45.19, 5.71)), Address(0, "14", (45.191, 5.71)), Address(1, "3", (45.2, 5.7)),
               Address(2, "1", (45.18, 5.7))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Le lampadaire devant chez moi clignote", "lighting"),
        ("Tout est inondé au bout de la rue", "flooding"),
        ("Le quartier est sous l’eau !", "flooding"),
        ("Une grosse branche est tombée", "tree"),
        ("Un nid-de-poule énorme", "road"),
        ("Encore un dépôt d’ordures", "waste"),
        ("Plus d’eau depuis ce matin", "water"),
        ("There is flooding in the street", "flooding"),
        ("Merci beaucoup", None),
        ("", None),
    ],
)
def test_the_kind_is_what_the_words_are_most_about(said, kind):
    found = kind_in(said, KINDS)
    assert (found.code if found else None) == kind


def test_what_a_telephone_call_is_for_is_no_report():
    assert kind_in("Ça sent le gaz, odeur de gaz !", KINDS) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("La rue Pasteur est sous l’eau", "Rue Pasteur"),
        ("au 12 rue Pasteur, une voiture est bloquée", "12 Rue Pasteur"),
        ("L’eau monte quai des Moulins depuis midi", "Quai des Moulins"),
        ("place de l'eglise plus de lumiere", "Place de l’Église"),
        ("La rue de nulle part est fermée", None),
        ("Bonjour", None),
    ],
)
def test_the_street_is_the_one_that_is_named_if_the_town_has_it(said, words):
    spot = place_in(said, PLACES)
    assert (spot.words if spot else None) == words


def test_a_town_without_addresses_guesses_no_street():
    assert place_in("La rue Pasteur est sous l’eau", Places()) is None
