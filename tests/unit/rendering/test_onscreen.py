"""What is coloured in a post's words, and where a screen folds them away."""

from __future__ import annotations

import pytest

from alerts.rendering.onscreen import FACEBOOK, LOCK_BODY, LOCK_TITLE, Fold, StyledText, folded, pieces, short_link
from tests.walls import in_one_test

LONG = (
    "Coupure d’eau rue Haute\n\n"
    "Pas d’eau de 8 h à 12 h, rue Haute et place du Marché, pour travaux sur le réseau. #Eau\n"
    "Faites des réserves.\nOù : Centre-Bourg."
)


def test_what_fits_is_not_folded():
    assert folded("Rue Basse fermée", FACEBOOK) == ("Rue Basse fermée", "")
    assert folded("", FACEBOOK) == ("", "")


@in_one_test
@pytest.mark.parametrize("fold", [FACEBOOK, LOCK_BODY, LOCK_TITLE, Fold(2, 10)])
def test_nothing_is_lost_at_the_fold(fold):
    for text in (LONG, LONG * 30, "a" * 500, "\n" * 9 + "x", "un\u00a0mot\u202f! " * 40, "word-with-hyphens " * 20):
        seen, rest = folded(text, fold)
        assert "".join(seen.split()) + "".join(rest.split()) == "".join(text.split())
        assert rest
        assert len(seen) <= fold.lines * (fold.width + 1)


def test_a_line_that_is_wrapped_counts_as_several_and_is_cut_at_a_word():
    seen, rest = folded(LONG, LOCK_BODY)
    assert seen.splitlines()[0] == "Coupure d’eau rue Haute"
    assert seen.endswith("place du Marché, pour")
    assert rest.startswith("travaux sur")


def test_links_and_tags_are_told_apart_and_bold_words_stay_bold():
    text = "<b>Crue &amp; vent</b>\nhttps://mairie.fr/a #Crue2026 R#2 #12 mairie.paris &lt;b&gt;"
    assert pieces(text, "html") == (
        StyledText("strong", "Crue & vent"),
        StyledText("plain", "\n"),
        StyledText("link", "https://mairie.fr/a"),
        StyledText("plain", " "),
        StyledText("tag", "#Crue2026"),
        StyledText("plain", " R#2 #12 "),
        StyledText("link", "mairie.paris"),
        StyledText("plain", " <b>"),
    )
    assert pieces("<b>#1</b> https://mairie.fr/#Crue")[-1] == StyledText("link", "https://mairie.fr/#Crue")


def test_the_post_s_own_address_is_a_link_whatever_its_domain():
    assert pieces("Voir http://localhost/alerts/1", link="http://localhost/alerts/1") == (
        StyledText("plain", "Voir "),
        StyledText("link", "http://localhost/alerts/1"),
    )


def test_x_shows_the_beginning_of_an_address():
    assert short_link("https://www.mairie.fr/eau") == "mairie.fr/eau"
    assert short_link("https://alertes.saint-martin.example/alerts/abc") == "alertes.saint-martin.example/…"
