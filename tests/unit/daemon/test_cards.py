"""Where the cards of posts are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from alerts.daemon import desk as cards
from alerts.daemon.desk import CardFiles
from alerts.model.alert import Severity
from alerts.rendering import card as drawing
from alerts.rendering.card import Card

PATIENCE = 10.0
CARD = Card(Severity.SEVERE, "Danger grave", "Tempête", "Saint-Martin", "Ce soir", "Ville de Saint-Martin")


def test_the_same_words_have_one_file_named_by_its_content(tmp_path):
    kept = CardFiles(tmp_path / "pictures")
    file = Path(kept.path_of(CARD))
    again = CardFiles(tmp_path / "pictures").path_of(replace(CARD))

    assert file.read_bytes().startswith(b"\x89PNG")
    assert (file.is_absolute(), str(file)) == (True, again)
    assert kept.path_of(replace(CARD, when="Demain")) != again


def test_where_a_channel_takes_jpeg_alone_all_cards_are_that(tmp_path):
    file = Path(CardFiles(tmp_path / "pictures", as_jpeg=True).path_of(CARD))

    assert (file.suffix, file.read_bytes()[:3]) == (".jpg", b"\xff\xd8\xff")
    assert file.stat().st_size < 200_000


def test_a_file_that_somebody_removed_is_drawn_again(tmp_path):
    kept = CardFiles(tmp_path / "pictures")
    file = Path(kept.path_of(CARD))
    file.unlink()

    assert kept.path_of(CARD) == str(file)
    assert file.is_file()


def test_no_more_is_remembered_than_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "REMEMBERED", 2)
    kept = CardFiles(tmp_path / "pictures")
    for number in range(4):
        kept.path_of(replace(CARD, when=str(number)))

    assert len(kept._drawn) == 2


def test_who_asks_for_a_drawn_card_waits_for_no_other_to_be_drawn(tmp_path, monkeypatch):
    kept, draw = CardFiles(tmp_path / "pictures"), drawing.draw_card
    file = kept.path_of(CARD)
    with ThreadPoolExecutor(1) as other:

        def asked_meanwhile(card, **how):
            assert other.submit(kept.path_of, CARD).result(PATIENCE) == file
            return draw(card, **how)

        monkeypatch.setattr(drawing, "draw_card", asked_meanwhile)
        assert kept.path_of(replace(CARD, when="Demain")) != file
