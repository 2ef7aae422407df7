"""What the desk's pages say."""

from __future__ import annotations

from pathlib import Path

from alerts.web.pages import Words, best_of, languages_in, read_words

__all__ = ["Words", "best_language", "languages", "words_of"]

FOLDER = Path(__file__).with_name("locale")


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(FOLDER, language)


def languages() -> tuple[str, ...]:
    """What the desk can be read in."""
    return languages_in(FOLDER)


def best_language(accepted: str | None, station: str) -> str:
    """The language for a browser that accepts these."""
    return best_of(languages(), accepted, station)
