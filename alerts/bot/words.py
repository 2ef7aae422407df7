"""What the bot says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alerts.rendering.words import Words, read_words

SPOKEN = {"fr": "Français", "en": "English"}
"""The languages of the bot, each by its own name."""
_LOCALE = Path(__file__).parent / "locale"


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(_LOCALE, language)


def language_for(told: str | None, station: str) -> str:
    """What to speak with somebody whose app says `told`: that if the bot knows it, else the station's, else English."""
    asked = [tag.split("-", 1)[0].lower() for tag in (told or "", station)]
    return next((each for each in asked if each in SPOKEN), "en")


def commands(language: str) -> Mapping[str, str]:
    """What the bot's commands do, by their names, in a language."""
    _ = words_of(language).gettext
    return {
        "start": _("Subscribe"),
        "now": _("What is on"),
        "settings": _("Your choices"),
        "language": _("The language"),
        "test": _("A test message"),
        "stop": _("No more alerts"),
        "mydata": _("What is kept"),
        "forget": _("Remove everything"),
    }
