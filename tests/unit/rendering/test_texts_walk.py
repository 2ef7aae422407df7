"""Whatever people may read is printed by `make texts`: each kind, template and sentence is found there by itself."""

from __future__ import annotations

import re

import pytest

from alerts.config.kinds import channel_kinds, source_kinds
from alerts.model.catalogue import read_catalogue
from alerts.rendering.library import LAYOUTS, Library, shipped_folder
from tests import texts_walk
from tests.texts import CHANNELS, PAGE
from tests.texts_elsewhere import LIVES, PUSH, on_each


def test_every_kind_of_channel_and_source_that_is_registered_has_its_texts() -> None:
    assert set(channel_kinds()) <= {channel.kind for channel in CHANNELS}
    assert set(source_kinds()) == LIVES.keys()


def test_every_layout_is_one_of_a_channel_that_is_printed() -> None:
    printed = {channel.kind for channel in (*CHANNELS, PUSH, PAGE)}
    laid_out = {name.split("/")[1] for name in Library([shipped_folder()]).names if name.startswith(f"{LAYOUTS}/")}
    assert laid_out - {"default"} <= printed


def test_every_sentence_that_is_put_into_words_is_printed_in_both_languages() -> None:
    assert list(texts_walk.unasked()) == []


def test_every_catalogue_is_printed_and_each_of_its_sentences_is_said_somewhere() -> None:
    lost = [
        (file.stem, each.sentence)
        for file in texts_walk.CATALOGUES
        for each in read_catalogue(file)
        if each.sentence and not texts_walk.place_of(each.sentence, each.context or None)
    ]
    # These are put together while they are said: from a state, a word of the lexicon, the system's own message.
    assert {file for file, _ in lost} <= {"notices", "reasons", "setting_faults"}, lost


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_text_of_a_template_that_nothing_says_is_listed_with_its_file(language: str) -> None:
    """All of them where nothing was printed, and none where all of them were."""
    everything = texts_walk.words_of(language)
    assert len(list(texts_walk.unsaid(language, ""))) > 500
    assert list(texts_walk.unsaid(language, "\n".join(everything))) == []


def test_words_that_stand_in_the_code_are_found_with_their_other_language() -> None:
    found = list(texts_walk.in_code())
    assert any("Rue inondée ‖ Flooded street" in each for each in found)
    assert any(each.startswith("Trop de connexions") for each in found)


def test_french_in_the_code_is_set_as_french_is() -> None:
    """Curly apostrophes, and no narrow blank, as in the catalogues."""
    ill_set = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])|\u202f")
    said = (each.split(" ‖ ") for each in texts_walk.in_code())
    french = [text for texts in said for text in texts if re.search("[àâçéèêôûÉÀ«\u00a0]| d'| l'|^Coupure", text)]
    assert [text for text in french if ill_set.search(text)] == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", ["mailbox", "rss"])
def test_of_news_that_say_no_time_none_is_said(kind: str, language: str) -> None:
    said = list(on_each(LIVES[kind](language), language))
    assert said
    assert not [text for text in said if re.search("(?i)dès maintenant|from now on", text)]


@pytest.mark.parametrize(
    ("language", "label", "order"), [("fr", "travaux", "Respectez"), ("en", "roadworks", "Follow")]
)
def test_whatever_hinders_a_road_is_told_as_works_in_each_language(language: str, label: str, order: str) -> None:
    said = list(on_each(LIVES["roads"](language), language))
    new = [text for text in said if text.startswith("X ") and not re.search("Commence|Starting", text)]
    assert new
    assert [text for text in new if label not in text.casefold() or order not in text] == []


def test_no_page_says_words_that_nothing_translates() -> None:
    named = {"required", "Tocsin", "CSV", "GeoJSON", "channels.toml"}
    assert [each for each in texts_walk.bare() if each.split(" [")[0] not in named] == []
