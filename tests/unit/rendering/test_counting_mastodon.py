"""How a Mastodon server counts: graphemes, an address as 23, and of a name on another server its host not at all."""

from __future__ import annotations

import pytest

from alerts.model.post import TextFormat
from alerts.rendering.counting import count, graphemes
from tocsin_sandbox import mastodon

FORMAT = TextFormat(limit=500, count="mastodon")
TEXTS = [
    ("", 0),
    ("Crue", 4),
    ("Crue de l’Isère : évitez les berges", 35),
    ("« Restez chez vous » – jusqu’à 18 h", 35),
    ("Prix : 5 €…", 11),
    ("e\u0301vacuez", 7),
    ("éve\u0301nement", 9),
    ("🌊", 1),
    ("⚠️ Danger", 8),
    ("👨‍👩‍👧‍👧", 1),
    ("👩🏽‍🚒 sur place", 11),
    ("🇫🇷", 1),
    ("🇫🇷🇪🇺", 2),
    ("🇫🇷🇪", 2),
    ("1️⃣ 2️⃣", 3),
    ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 1),
    ("👍🏿👍", 2),
    ("❤️‍🔥", 1),
    ("a\u200db", 2),
    ("警報", 2),
    ("경보", 2),
    ("\u1112\u1161\u11ab", 1),
    ("नमस्ते", 4),
    ("שָׁלוֹם", 4),
    ("https://mairie.fr", 23),
    ("http://mairie.fr/alertes/7x3k9?a=1&b=2#ici", 23),
    ("https://mairie.fr/" + "a" * 400, 23),
    ("Voir https://mairie.fr/a.", 29),
    ("(https://mairie.fr/a)", 25),
    ("https://a.fr https://b.fr", 47),
    ("mairie.fr", 9),
    ("https://mairie.example/x", 24),
    ("https://élus.fr/é", 23),
    ("@mairie", 7),
    ("@mairie@social.example", 7),
    ("Merci à @mairie@social.example et @sdis38@france.example !", 28),
    ("alertes@saint-martin.example", 28),
    ("https://social.fr/@mairie@social.example", 23),
    ("#Crue #Isère", 12),
    ("Deux\nlignes\n\net une autre", 25),
    ("🌊 https://mairie.fr/x @mairie@social.example 🇫🇷", 35),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=range(len(TEXTS)))
def test_a_text_counts_as_on_a_mastodon_server(text, expected):
    assert count(text, FORMAT) == expected


@pytest.mark.parametrize("text", [text for text, _ in TEXTS if not set(text) & set("\u1161ते\u05c1")])
def test_the_stand_in_counts_no_less_than_we_do_nor_more(text):
    """It has a way of its own, for what people write here; scripts of marks it knows less well."""
    assert mastodon.count(text) == count(text, FORMAT)


@pytest.mark.parametrize("text", ["Crue de l’Isère", "⚠️" * 100, "e\u0301" * 100, "👨‍👩‍👧‍👧🇫🇷" * 50])
def test_a_text_cut_anywhere_never_counts_more_than_the_whole(text):
    whole = graphemes(text)
    assert all(graphemes(text[:end]) <= whole for end in range(len(text)))
