"""What X takes for a link in a post, and how it counts a text.

A link is an address with a scheme, or a bare name under a top-level domain that exists. Both are after twitter-text's
published behaviour (its conformance cases and its version 3 configuration), written apart from the rendering's own
finder and counter so that the two check each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import emoji
from publicsuffixlist import PublicSuffixList

LONGEST = 4096
_LONGEST_LABEL = 63
_LATIN = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_HOST = re.compile(
    # With a scheme a name may hold any letter; without one, only Latin ones up to its top-level domain.
    r"(?P<scheme>https?://)(?P<wide>[^\s\x00-,/:-@\[-^`{-\x7f\u00a0-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f]+)"
    rf"|(?P<bare>[{_LATIN}_-]+(?:\.[{_LATIN}_-]+)*\.(?:[{_LATIN}-]+|[^\W\d_a-zA-Z]+))",
    re.IGNORECASE,
)
_PATH = re.compile(
    rf"(?::\d+)?(?:/[{_LATIN}\u0400-\u04ff!*';:=+,.$/%#\[\]_~@|&()\u2013-]*)?(?:\?[\w!?*'();:&=+$/%#\[\].,~|@-]*)?"
)
_QUERY = re.compile(r"(?:\?[\w!?*'();:&=+$/%#\[\].,~|@-]*)?")
_SENTENCE_END = re.compile(rf"[^{_LATIN}\u0400-\u04ff+=_#/&-]+$")
_BEFORE = re.compile(rf"[{_LATIN}@＠$#＃]")
_BEFORE_BARE = re.compile(rf"[{_LATIN}@＠$#＃_./-]")
_ADDRESS_OF_MAIL = re.compile(r"[\w.+-]*[@＠]")
_SHORTENED = re.compile(r"https?://t\.co/([A-Za-z0-9]*)", re.IGNORECASE)
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text: from `start` up to `end`, in code points, and the address it leads to."""

    start: int
    end: int
    address: str


def find_links(text: str) -> list[Link]:
    """Every link of the text, in order."""
    return list(_links(text)) if "." in text else []


def load_domains() -> None:
    """Read the list of domains now, so that the first post isn't the one that waits for it."""
    _domains()


def _links(text: str) -> Iterator[Link]:
    at = 0
    while match := _HOST.search(text, at):
        end = _end_of(text, match)
        if end is None:
            at = match.end("scheme") if match["scheme"] else match.end()
            continue
        found = text[match.start() : end]
        yield Link(match.start(), end, found if match["scheme"] else f"http://{found}")
        at = end


def _end_of(text: str, match: re.Match[str]) -> int | None:
    """Where the link that starts here ends; None when it is none."""
    name = "wide" if match["scheme"] else "bare"
    before = _BEFORE if match["scheme"] else _BEFORE_BARE
    if match.start() and before.match(text[match.start() - 1]):
        return None
    length = _domain_length(match[name])
    host_end = match.start(name) + length
    if not length or _ADDRESS_OF_MAIL.match(text, host_end):
        return None
    return _with_path(text, match.start(), host_end)


def _with_path(text: str, start: int, host_end: int) -> int | None:
    """The link's end with its path, less the stop or bracket that belongs to the sentence; None if it is too long."""
    shortened = _SHORTENED.match(text, start)
    if shortened and len(shortened[1]) > _LONGEST_SLUG:
        return None
    path = _QUERY.match(text, shortened.end()) if shortened else _PATH.match(text, host_end)
    whole = text[start : path.end() if path else host_end]
    kept = _SENTENCE_END.sub("", whole)
    if whole[len(kept) :].startswith(")") and kept.count("(") > kept.count(")"):
        kept += ")"
    end = max(host_end, start + len(kept))
    return end if end - start <= LONGEST else None


@lru_cache(maxsize=4096)
def _domain_length(host: str) -> int:
    """How much of `host` is a name that could exist, up to its last known top-level domain; 0 when nothing is."""
    labels = host.split(".")
    for place in range(len(labels) - 1, 0, -1):
        top = _top_level(labels[place])
        if top and _is_registrable(labels[place - 1]) and all(_is_label(label) for label in labels[:place]):
            return len(".".join(labels[:place])) + 1 + top
    return 0


def _top_level(label: str) -> int:
    """How many first characters of the label are a top-level domain that a letter or digit doesn't continue."""
    for length in range(len(label), 1, -1):
        continued = re.match(r"[0-9A-Za-z-]", label[length:])
        if not continued and _exists(label[:length].lower()):
            return length
    return 0


@lru_cache(maxsize=4096)
def _exists(top: str) -> bool:
    # "za" itself is no suffix on the list, only names such as "org.za" are.
    domains = _domains()
    return any(domains.publicsuffix(name) is not None for name in (top, f"org.{top}"))


def _is_registrable(label: str) -> bool:
    return "_" not in label


def _is_label(label: str) -> bool:
    if not label.isascii() and label.startswith("xn--"):
        return False
    encoded = label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
    return 0 < len(encoded) <= _LONGEST_LABEL and label.strip("-_") == label


@lru_cache(maxsize=1)
def _domains() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


# How X counts a post, from twitter-text's published version 3 configuration.
#
# NFC first; a link is 23 whatever its length, an emoji sequence 2, a character 1 in the four light ranges and 2 else.

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
