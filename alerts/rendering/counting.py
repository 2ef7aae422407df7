"""How long a text is, in the units of the platform that will print it, and what X takes for a link in it.

Bluesky counts graphemes (Unicode's UAX 29), what a reader takes for one character. Mastodon counts them too, an address
with its protocol as 23, and of `@name@host` the `@name` alone (its `StatusLengthValidator`). SMS count septets
(`alerts.model.gsm`), of the text as it is spelled for them.

Facebook counts code points and Telegram UTF-16 units of what is left when tags and entities are read. X weighs
(twitter-text, configuration version 3): in NFC every code point weighs 2, or 1 where it is in a range of Latin, Greek,
Cyrillic, Arabic, most spaces and dashes; an emoji weighs 2 however many code points it takes; a link weighs 23 whatever
its length. So « and ’ weigh 1, but € and … weigh 2.

A link makes a post on X cost thirteen times as much, so it must be known beforehand. It is an address with http(s)://
or without, whose host ends in a known top-level domain: `mairie.paris` and `M.Dupont` are links, `x.example` is not.
twitter-text's conformance cases (`extract.yml`, `weighted`) are the tests.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from alerts.model.bounds import normal, utf16_units, visible
from alerts.model.domains import is_tld
from alerts.model.gsm import room_in, size_of, spelled
from alerts.model.post import TextFormat

# X's configuration v3 of twitter-text: t.co links and emoji have fixed weights.
LINK_WEIGHT = 23
EMOJI_WEIGHT = 2
_LONGEST_SMS = 2 * room_in(8)
"""Characters of a text that is more than eight SMS however it is spelled: a quotation mark's space is left out."""
# Characters that count twice.
_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
# What makes several code points one emoji. Without any of these, emoji need no counting of their own: each weighs 2.
_SEQUENCE = re.compile("[\u200d\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_INVALID = re.compile("[\ufffe\ufeff\uffff]")
# Any character that may be one grapheme with the one before it; most texts hold none.
_MAY_JOIN = re.compile("[^\u0000-\u02ff\u2010-\u203b\u2070-\u20cf]")
# The joiner, the selector of an emoji's form, and the one that keeps letters apart.
_JOINS = frozenset("\u200c\u200d\ufe0e\ufe0f\u20e3")
# Extended_Pictographic (emoji-data.txt), in whole blocks: what a joiner joins.
_PICTURE = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
# Mastodon's Account::MENTION_RE: a name there, and the host behind it.
_MENTION = re.compile(r"(?<![=/\w])(@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)@\w+(?:[.-]+\w+)*", re.IGNORECASE)


def count(text: str, fmt: TextFormat) -> int:
    """Return the length of `text`, written in the markup of `fmt`, as the platform of `fmt` counts it.

    `fmt.count` is `weighted` (X), `utf16` (Telegram), `graphemes` (Bluesky), `mastodon`, `bytes` (of UTF-8: ntfy),
    `gsm` (SMS) or `characters` (Facebook); any other raises ValueError.
    """
    seen = visible(text) if fmt.markup == "html" else text
    match fmt.count:
        case "characters":
            return len(seen)
        case "utf16":
            return utf16_units(seen)
        case "weighted":
            return weighted(seen)
        case "graphemes":
            return graphemes(seen)
        case "mastodon":
            return on_mastodon(seen)
        case "bytes":
            return len(seen.encode(errors="replace"))
        case "gsm":
            # Beyond what any SMS holds nothing is spelled: a feed's text is counted a hundred times while it is cut.
            return size_of(spelled(seen)).used if len(seen) <= _LONGEST_SMS else len(seen)
        case _:
            known = "characters, utf16, weighted, graphemes, mastodon, bytes or gsm"
            raise ValueError(f"a text is counted as {known}, not as {fmt.count!r}")


def spelled_for(text: str, fmt: TextFormat) -> str:
    """Return `text` in the characters of its platform: for SMS those of the alphabet that is cheap."""
    return spelled(text) if fmt.count == "gsm" else text


def weighted(text: str) -> int:
    """Return how much of X's 280 units `text` takes."""
    text = normal("NFC", text)
    total = weight = _weigh(text)
    found = spans(text)
    for start, end in found:
        total += LINK_WEIGHT - _weigh(text[start:end])
    # No emoji without a character that weighs 2: most posts are done here.
    if weight > len(text) and _SEQUENCE.search(text):
        total += _emoji_discount(text, found)
    return total


def graphemes(text: str) -> int:
    """Return how many graphemes `text` has: what a reader takes for one character, of however many code points."""
    if not _MAY_JOIN.search(text):
        return len(text)
    total = flags = 0
    for place, character in enumerate(text):
        total += not (place and goes_on(text, place, flags))
        flags = flags + 1 if is_flag(character) else 0
    return total


def on_mastodon(text: str) -> int:
    """Return how much of a Mastodon server's characters `text` takes."""
    if "://" in text:
        links = [(start, end) for start, end in spans(text) if text[start:end].lower().startswith(("http:", "https:"))]
        for start, end in reversed(links):
            text = f"{text[:start]}{'x' * LINK_WEIGHT}{text[end:]}"
    return graphemes(_MENTION.sub(r"\1", text) if "@" in text else text)


def goes_on(text: str, place: int, flags: int) -> bool:
    """True if the grapheme before `place` continues with the character there (Unicode's UAX 29, as far as texts need).

    `flags` is the number of consecutive flag letters before it, of which each two form one flag.
    """
    before, after = text[place - 1], text[place]
    if after in _JOINS or unicodedata.category(after)[0] == "M" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if before == "\u200d":
        return _PICTURE.match(after) is not None
    if "\U000e0020" <= after <= "\U000e007f":
        return True
    if flags and is_flag(after):
        return flags % 2 == 1
    return ("\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff") or (
        "\uac00" <= before <= "\ud7a3" and "\u11a8" <= after <= "\u11ff"
    )


def is_flag(character: str) -> bool:
    """True if it is one of the letters of which two form a country's flag."""
    return len(character) == 1 and "\U0001f1e6" <= character <= "\U0001f1ff"


def is_valid(text: str, limit: int = 280) -> bool:
    """True if X would accept `text`: not empty, not over `limit`, none of the three characters that it refuses."""
    return bool(text) and not _INVALID.search(text) and weighted(text) <= limit


def _weigh(text: str) -> int:
    return len(text) if text.isascii() else len(text) + len(_HEAVY.findall(text))


def _emoji_discount(text: str, links: list[tuple[int, int]]) -> int:
    from emoji import emoji_list  # noqa: PLC0415 - its table costs 20 ms, and few posts hold a sequence

    found = (match for match in emoji_list(text) if len(match["emoji"]) > 1)
    outside = (match for match in found if not any(start <= match["match_start"] < end for start, end in links))
    return sum(EMOJI_WEIGHT - _weigh(match["emoji"]) for match in outside)


# --- links --------------------------------------------------------------------------------------------------------

# Latin letters with accents, as twitter-text lists them. A bare host is made of these; after http:// any script is.
_ACCENTED = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    "\u02bb\u1e00-\u1eff"
)
_PLAIN = f"A-Za-z0-9{_ACCENTED}"
_NO_HOST = r"\s\x00-\x2c\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f\u200e\u200f\u2028-\u202f\u2066-\u2069\ufeff\ufffe\uffff"
_DOT = re.compile(r"\.(?=[^\s.\d/,;:!?)])")
_COLON = re.compile(r":(?=//)")
_TOKEN = re.compile(r"\S+")
_PROTOCOLS = ("https", "http")
_BARE_CHAR = re.compile(rf"[{_PLAIN}._-]")
_BARE_RUN = re.compile(rf"[{_PLAIN}._-]+")
_HOST_RUN = re.compile(rf"[^{_NO_HOST}]+")
# In ASCII a top-level domain ends with the letters; in other scripts all lengths are tried.
_ASCII_TLD = re.compile(r"xn--[-0-9a-z]+|[a-z]+", re.IGNORECASE)
_OTHER_TLD = re.compile(r"[^\x00-\x7f\s]{1,24}")
# A top-level domain must not continue as a word.
_NO_BOUNDARY = re.compile(r"[0-9A-Za-z@+-]")
_NO_START = re.compile(r"[A-Za-z0-9@＠$#＃\ufeff\ufffe\uffff]")
_NO_BARE_START = re.compile(r"[A-Za-z0-9@＠$#＃/\ufeff\ufffe\uffff]")
_CHAR = rf"[A-Za-z0-9\u0400-\u04ff{_ACCENTED}!*';:=+,.$/%#\[\]\u2013_~@|&-]"
# Parentheses belong to a path if they are balanced, one level deep.
_PARENS = rf"\({_CHAR}*(?:\({_CHAR}+\){_CHAR}*)?\)"
_PORT = re.compile(r":\d+")
_PATH = re.compile(rf"/(?:{_CHAR}|{_PARENS})*")
_QUERY = re.compile(r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]_.,~|-]+")
# Punctuation at the end belongs to the sentence, not to the address.
_NO_PATH_END = "!*';:,.$%[]\u2013~@|&"
_NO_QUERY_END = "!?*'@();:+$%[].,~|"
_SHORTENER = re.compile(r"https?://t\.co/([A-Za-z0-9]+)(\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]_.,~|-]+)?", re.IGNORECASE)
# The longest slug of a t.co link.
_SHORTENED_MAX = 40
_ADDRESS_MAX = 4096
"""twitter-text's longest address."""
# Bytes of a label of a host name (RFC 1035, 2.3.4).
_LABEL_MAX = 63
_LABELS_MAX = 127
"""RFC 1035, section 3.1: a name has 255 octets at the most, so it has no more labels than this."""


def links(text: str) -> list[str]:
    """Return the addresses in `text` that X will turn into links, in order."""
    return [text[start:end] for start, end in spans(text)]


def spans(text: str) -> list[tuple[int, int]]:
    """Return the links of `text` as (start, end) indices; quick if it contains nothing like a link."""
    found: list[tuple[int, int]] = []
    place = 0
    while candidate := _next_candidate(text, place):
        if candidate[0] == ":":
            span, place = _with_protocol(text, candidate), candidate.end()
        else:
            run = _run_around(text, candidate.start(), place)
            span, place = _bare(text, run), run[1]
        if span:
            found.append(span)
            place = span[1]
    return found


def _next_candidate(text: str, place: int) -> re.Match[str] | None:
    """Return the next dot within a word or the next protocol's colon, whichever comes first.

    Two patterns that begin with one character are searched several times faster than one that offers a choice.
    """
    dot, colon = _DOT.search(text, place), _COLON.search(text, place)
    return colon if colon and (dot is None or colon.start() < dot.start()) else dot


def _run_around(text: str, dot: int, floor: int) -> tuple[int, int]:
    """Return where the run of a host's characters around `dot` starts, not before `floor`, and ends."""
    start = dot
    while start > floor and _BARE_CHAR.match(text, start - 1):
        start -= 1
    run = _BARE_RUN.match(text, start)
    return start, run.end() if run else dot + 1


def _with_protocol(text: str, colon: re.Match[str]) -> tuple[int, int] | None:
    before = text[max(0, colon.start() - 5) : colon.start()].lower()
    protocol = next((name for name in _PROTOCOLS if before.endswith(name)), None)
    if protocol is None:
        return None
    start = colon.start() - len(protocol)
    if start and _NO_START.match(text, start - 1):
        return None
    token = _TOKEN.match(text, start, start + _ADDRESS_MAX)
    length = _address_length(token[0]) if token else 0
    return (start, start + length) if length else None


@lru_cache(maxsize=256)
def _address_length(token: str) -> int:
    """Return how much of `token`, which begins with a protocol, is its address: 0 where none is.

    Remembered, since a post is counted several times while it is fitted, and its own link stays the same.
    """
    if shortened := _SHORTENER.match(token):
        fits = len(shortened[1]) <= _SHORTENED_MAX
        return len(shortened[0].rstrip(_NO_QUERY_END)) if fits else 0
    end = _host_end(token, token.index("//") + len("//"), _HOST_RUN)
    return _rest_end(token, end) if end else 0


def _bare(text: str, run: tuple[int, int]) -> tuple[int, int] | None:
    start = run[0]
    if text[start] in "._-" or (start and _NO_BARE_START.match(text, start - 1)):
        return None
    end = _host_end(text, start, _BARE_RUN)
    if end is None:
        return None
    return start + text[start:end].rfind("_") + 1, _rest_end(text, end)


def _host_end(text: str, start: int, chars: re.Pattern[str]) -> int | None:
    """Return where the longest host from `start` ends: labels, a known top-level domain, a boundary."""
    run = chars.match(text, start)
    if run is None:
        return None
    # From the longest host down: "a.fr.example" is no link, but "a.fr" before it is.
    labels = run[0].split(".")
    if len(labels) > _LABELS_MAX:
        return None
    dot = run.end() - len(labels[-1]) - 1
    for last in range(len(labels) - 1, 0, -1):
        end = _tld_end(text, dot + 1)
        # The last label before the domain has no "_", though those in front of it may.
        if end and "_" not in labels[last - 1] and all(map(_is_label, labels[:last])):
            return end
        dot -= len(labels[last - 1]) + 1
    return None


def _is_label(label: str) -> bool:
    if not 0 < len(label) <= _LABEL_MAX or label[0] in "-_" or label[-1] in "-_":
        return False
    if label.isascii():
        return True
    # A host in another script is sent in ASCII, and its length there is what counts (RFC 5890).
    return not label.startswith("xn--") and len(label.encode("punycode", "replace")) + len("xn--") <= _LABEL_MAX


def _tld_end(text: str, start: int) -> int | None:
    if name := _ASCII_TLD.match(text, start):
        known = not _NO_BOUNDARY.match(text, name.end()) and is_tld(name[0].lower())
        return name.end() if known else None
    other = _OTHER_TLD.match(text, start)
    for end in range(other.end() if other else start, start, -1):
        if not _NO_BOUNDARY.match(text, end) and is_tld(text[start:end]):
            return end
    return None


def _rest_end(text: str, end: int) -> int:
    """Return where the address ends whose host ends at `end`: a port, a path and a query may follow."""
    if port := _PORT.match(text, end):
        end = port.end()
    if path := _PATH.match(text, end):
        end += max(1, len(path[0].rstrip(_NO_PATH_END)))
    if (query := _QUERY.match(text, end)) and (kept := query[0].rstrip(_NO_QUERY_END)):
        end += len(kept)
    return end
