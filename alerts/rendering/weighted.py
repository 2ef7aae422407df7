"""X's count: twitter-text, configuration version 3.

In NFC, every code point weighs 2, or 1 where it is in a range below (Latin, Greek, Cyrillic, Arabic, most spaces and
dashes); an emoji weighs 2 however many code points it takes; a link weighs 23. So « and ’ weigh 1, but € and … weigh 2.
"""

from __future__ import annotations

import re

from alerts.model.characters import normal
from alerts.rendering.links import spans

LINK_WEIGHT = 23
EMOJI_WEIGHT = 2
_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
# What makes several code points one emoji. Without any of these, emoji need no counting of their own: each weighs 2.
_SEQUENCE = re.compile("[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_INVALID = re.compile("[\ufffe\ufeff\uffff]")


def weighted(text: str) -> int:
    """Return how much of X's 280 units `text` takes."""
    text = normal("NFC", text)
    total = weight = _weigh(text)
    found = spans(text)
    for start, end in found:
        total += LINK_WEIGHT - _weigh(text[start:end])
    if weight > len(text) and _SEQUENCE.search(text):
        total += _emoji_discount(text, found)
    return total


def is_valid(text: str, limit: int = 280) -> bool:
    """Tell whether X would take `text`: not empty, not over `limit`, none of the three characters that it refuses."""
    return bool(text) and not _INVALID.search(text) and weighted(text) <= limit


def _weigh(text: str) -> int:
    return len(text) if text.isascii() else len(text) + len(_HEAVY.findall(text))


def _emoji_discount(text: str, links: list[tuple[int, int]]) -> int:
    from emoji import emoji_list  # noqa: PLC0415 - its table costs 20 ms, and few posts hold a sequence

    found = (match for match in emoji_list(text) if len(match["emoji"]) > 1)
    outside = (match for match in found if not any(start <= match["match_start"] < end for start, end in links))
    return sum(EMOJI_WEIGHT - _weigh(match["emoji"]) for match in outside)
