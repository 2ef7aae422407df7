"""What strangers write, kept within bounds before anything reads it: its length, its marks, what nobody sees of it.

Three things that a text can do to its reader, each met once, here:

- be long: `bounded` cuts it before anything folds, compares or keeps it;
- pile up combining marks: normalising (Unicode Standard Annex #15) sorts each pile, in time as the square of its
  height, and holds the interpreter meanwhile. No pile is higher than 30 in any language (UAX #15, section 13, "Stream-
  Safe Text Format"), so `normal` cuts higher ones first and is the one place where anything is normalised;
- hide: bidirectional controls turn what a reader sees around ("Trojan Source", UTR #36), invisible characters make two
  different names look alike. `shown` writes them out, so that a page tells of them and obeys none; `seen` drops them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

HIGHEST_PILE = 30
"""Combining marks in a row that are kept (UAX #15, section 13, D3)."""
# Letters of width that become marks when they are normalised (the voiced marks of half-width katakana).
_OPENS_A_MARK = frozenset("\uff9e\uff9f")

_UNSEEN = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
)
UNSEEN = re.compile(
    rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{_UNSEEN}\ud800-\udfff]"
    # The tags of an emoji flag (🏴 and two to six of them, then the last) are part of a picture.
    r"|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e007f]+"
)
"""What shows nothing and can deceive: controls but tab and line breaks, bidirectional marks, embeddings, overrides and
isolates, soft hyphens, blanks without a width, fillers, halves of characters. Joiners and variation selectors stay:
emoji, Persian and the scripts of India need them."""

_TAG = re.compile(r"<[^<>]*>")


def utf16_units(text: str) -> int:
    """How many UTF-16 units a text has: what Telegram's limits count (Bot API, "MessageEntity")."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible(markup: str) -> str:
    """What a reader sees of text in Telegram's HTML that we wrote ourselves: no tags, entities read.

    A stranger's HTML needs more than that (`rendering.text.clean`).
    """
    bare = _TAG.sub("", markup) if "<" in markup else markup
    return html.unescape(bare) if "&" in bare else bare


def bounded(text: str, most: int) -> str:
    """The first `most` characters of `text`, no mark of it on a pile higher than 30."""
    return stream_safe(text[:most])


def stream_safe(text: str) -> str:
    """`text` without the marks beyond the thirtieth in a row: the same text, in every language there is."""
    if text.isascii() or not any(map(unicodedata.combining, text)):
        return text if text.isascii() or _OPENS_A_MARK.isdisjoint(text) else _cut_piles(text)
    return _cut_piles(text)


def normal(form: Form, text: str) -> str:
    """`text` in a normal form, in time as its length, whatever it holds."""
    return text if text.isascii() else unicodedata.normalize(form, stream_safe(text))


def shown(text: str) -> str:
    """`text` with everything that can't be seen written out, as in "‹U+202E›": a page tells of it and obeys nothing."""
    return text if text.isascii() and text.isprintable() else UNSEEN.sub(_written_out, text)


def seen(text: str) -> str:
    """`text` without what can't be seen in it."""
    return text if text.isascii() and text.isprintable() else UNSEEN.sub("", text)


def _cut_piles(text: str) -> str:
    kept: list[str] = []
    pile = 0
    for character in text:
        pile = pile + 1 if unicodedata.combining(character) or character in _OPENS_A_MARK else 0
        if pile <= HIGHEST_PILE:
            kept.append(character)
    return "".join(kept) if len(kept) < len(text) else text


def _written_out(match: re.Match[str]) -> str:
    return "".join(f"‹U+{ord(character):04X}›" for character in match[0])
