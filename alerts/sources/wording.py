"""The wording of transport feeds for one alert: titles with the lines that they name, sentences, and credits.

A network writes the same of each line: "Ligne 3 : rue Haute barrée", "Ligne 12 : rue Haute barrée". `joined` makes one
title of them, and adds to the first text what another says beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alerts.model.hazard import fold

_MOST_SENTENCES = 12
_LINE = r"(?:lignes?|lines?|bus|tram(?:way)?)"
# "Lignes 3 et 12 : rue Haute barrée", "Tram A - arrêt déplacé": the lines, and what is said of them.
_TITLE = re.compile(_LINE + r"\s+([^:–—]{1,40}?)\s*(?::|\s[–—-]\s)\s*(\S.*)", re.IGNORECASE)
_NAME = r"(?:\d{1,4}[a-z]?|[a-z]{1,2}\d{0,3})\b"
_LINES = re.compile(rf"\b{_LINE}\s+{_NAME}(?:\s*(?:,|\bet\b|\band\b|&)\s*{_NAME})*")
_AND = re.compile(r"\s*(?:,|&|\bet\b|\band\b)\s*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_FRENCH: Mapping[str, str] = {"lines": "Lignes ", "colon": "\u00a0: ", "data": "Données\u00a0: {who}, {licence}."}
_ENGLISH: Mapping[str, str] = {"lines": "Lines ", "colon": ": ", "data": "Data: {who}, {licence}."}


def is_french(language: str) -> bool:
    """True if words of ours are French in that language; they are English in all others."""
    return language.lower().startswith("fr")


def colon(language: str) -> str:
    """Return a colon as the language sets it."""
    return _words(language)["colon"]


def credited(text: str | None, who: str, licence: str | None, language: str) -> str | None:
    """Return the text with a last paragraph that names the data's source and licence, if that has to be named."""
    credit = _words(language)["data"].format(who=who, licence=licence) if licence else ""
    return "\n\n".join(part for part in (text, credit) if part) or None


def without_lines(text: str) -> str:
    """Return the text folded, without the names of lines: equal for what is said of several lines."""
    return " ".join(_LINES.sub(" ", fold(text)).split())


def joined(said: Sequence[tuple[str, str]], language: str) -> tuple[str, str]:
    """Return one title with all the lines, and the first text with what the others say beyond it."""
    found = [_TITLE.fullmatch(title) for title, _ in said]
    titles = {without_lines(match[2] if match else title) for match, (title, _) in zip(found, said, strict=True)}
    title, text = said[0]
    lines = {line for match in found if match for line in _AND.split(match[1]) if line}
    known = {without_lines(sentence) for sentence in (title, *_SENTENCE.split(text))}
    if len(titles) == 1 and found[0] and len(lines) > 1:
        names = ", ".join(sorted(lines, key=lambda line: (len(line), line)))
        title = f"{_words(language)['lines']}{names}{colon(language)}{found[0][2]}"
    more = []
    for other, its_text in said[1:]:
        for sentence in (*([other] if len(titles) > 1 else []), *_SENTENCE.split(its_text)):
            if sentence and without_lines(sentence) not in known:
                known.add(without_lines(sentence))
                more.append(sentence)
    return title, "\n\n".join(part for part in (text, "\n".join(more[:_MOST_SENTENCES])) if part)


def _words(language: str) -> Mapping[str, str]:
    return _FRENCH if is_french(language) else _ENGLISH
