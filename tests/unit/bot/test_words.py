"""Every sentence of the bot is there in French, with the same places to fill, and no sentence is left over."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import alerts.bot

HERE = Path(alerts.bot.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
PLACES = re.compile(r"%\((\w+)\)s")


def said() -> set[str]:
    found = [each for file in HERE.glob("*.py") for each in extract_from_file("python", file, keywords=KEYWORDS)]
    return {message if isinstance(message, str) else message[0] for _, message, _, _ in found}


def translated() -> dict[str, tuple[str, ...]]:
    with (HERE / "locale" / "fr" / "bot.po").open("rb") as lines:
        return {
            each.id if isinstance(each.id, str) else each.id[0]: (each.string,)
            if isinstance(each.string, str)
            else tuple(each.string)
            for each in read_po(lines, locale="fr")
            if each.id
        }


def test_all_is_translated_and_nothing_else():
    known = translated()
    assert said() == known.keys()
    for one, texts in known.items():
        assert all(texts)
        assert all(set(PLACES.findall(text)) == set(PLACES.findall(one)) for text in texts), one


def test_french_is_set_as_french_is():
    for texts in translated().values():
        for text in texts:
            assert not re.search(r"[^\u00a0/:]([:;!?»])(?=\s|$|<)", text), text
            assert "'" not in text
