"""How X counts a post, from twitter-text's published version 3 configuration.

NFC first; a link is 23 whatever its length, an emoji sequence 2, a character 1 in the four light ranges and 2 else.
"""

from __future__ import annotations

import re
import unicodedata

import emoji

from tocsin_sandbox.twitter.links import find_links

LIMIT = 280
LINK_WEIGHT = 23
INVALID = re.compile("[\ufeff\ufffe\uffff]")
"""Characters that no post may hold."""

_LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))


def weigh(text: str) -> int:
    """The weight of a text that X holds against 280."""
    text = unicodedata.normalize("NFC", text)
    weight, at = 0, 0
    for link in find_links(text):
        weight += _weigh_plain(text[at : link.start]) + LINK_WEIGHT
        at = link.end
    return weight + _weigh_plain(text[at:])


def _weigh_plain(text: str) -> int:
    if text.isascii():
        return len(text)
    weight, at = 0, 0
    for found in emoji.emoji_list(text):
        weight += _weigh_characters(text[at : found["match_start"]]) + 2
        at = found["match_end"]
    return weight + _weigh_characters(text[at:])


def _weigh_characters(text: str) -> int:
    return sum(1 if any(low <= ord(char) <= high for low, high in _LIGHT) else 2 for char in text)
