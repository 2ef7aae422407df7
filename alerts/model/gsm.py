"""A text as SMS: its alphabet, its length and its parts, as 3GPP TS 23.038 and TS 23.040 count them.

A text of the default alphabet takes a septet for each character, and two for each of the extension table, which comes
after an escape. 160 septets are one message; of a longer text each part has 153, for its header takes seven. A single
character of no table makes the whole text UCS-2: 70 units of UTF-16, or 67 in each part. Neither an escape nor half of
a surrogate pair is parted from what follows it (TS 23.040, 9.2.3.24.1), so a part may stay short of one.

`spelled` writes what another alphabet would cost: apostrophes, quotes and dashes as a typewriter has them, and letters
of no table without their accents ("ê" as "e"; "é", "è", "à" and "ù" are in the alphabet). It changes nothing where that
doesn't save the alphabet, for then it would only spoil the words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from alerts.model.bounds import normal, utf16_units

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet (TS 23.038, 6.2.1), without its escape."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""The characters behind the escape (TS 23.038, 6.2.1.1)."""
ALONE, PART = 160, 153
"""Septets of a single message, and of each part of several."""
ALONE_UCS2, PART_UCS2 = 70, 67
"""Units of UTF-16 of a single message, and of each part of several."""

_ADDRESS = re.compile(r"(https?://\S+)")
_SPELLED = str.maketrans({
    "’": "'", "‘": "'", "ʼ": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "·": "-", "→": ">", "×": "x", "°": "o",
    "œ": "oe", "Œ": "OE", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "№": "No",
})  # fmt: skip
# What a quotation mark is set apart by in French, and a typewriter's isn't.
_QUOTED = re.compile(r"«[ \u00a0\u202f]*|[ \u00a0\u202f]*»")


@dataclass(frozen=True, slots=True)
class SmsSize:
    """How many parts a text takes, and the characters for which it is sent as UCS-2 (none: it isn't).

    `used` is how much it takes of `room_in`: septets, of which a unit of UCS-2 takes its share.
    """

    parts: int
    used: int
    foreign: tuple[str, ...] = ()


def room_in(parts: int) -> int:
    """Return how many septets so many parts have."""
    return ALONE if parts <= 1 else PART * parts


def size_of(text: str) -> SmsSize:
    """Return the size of a text as it is."""
    foreign = tuple(dict.fromkeys(each for each in text if each not in ALPHABET and each not in EXTENSION))
    if not foreign:
        weights = [2 if each in EXTENSION else 1 for each in text]
        parts, last = _packed(weights, sum(weights), ALONE, PART)
        return SmsSize(parts, last if parts == 1 else PART * (parts - 1) + last)
    weights = [1 if each <= "\uffff" else 2 for each in text]
    parts, last = _packed(weights, utf16_units(text), ALONE_UCS2, PART_UCS2)
    units = last if parts == 1 else PART_UCS2 * (parts - 1) + last
    alone, each = (ALONE, ALONE_UCS2) if parts == 1 else (PART, PART_UCS2)
    return SmsSize(parts, -(-units * alone // each), foreign)


def _packed(weights: list[int], total: int, alone: int, each: int) -> tuple[int, int]:
    """Return how many parts these characters fill, none of them torn, and how full the last part is."""
    if total <= alone:
        return 1, total
    parts, filled = 1, 0
    for weight in weights:
        if filled + weight > each:
            parts, filled = parts + 1, 0
        filled += weight
    return parts, filled


def spelled(text: str) -> str:
    """Return the text within the default alphabet and its extension, if it can be; else the text unchanged.

    Addresses stay as they are.
    """
    plain = _plain(text)
    return text if size_of(plain).foreign else plain


def unspellable(text: str) -> tuple[str, ...]:
    """Return the characters for which a text is UCS-2 however it is spelled."""
    return size_of(_plain(text)).foreign


def _plain(text: str) -> str:
    pieces = _ADDRESS.split(text)
    return "".join(piece if place % 2 else _plainly(piece) for place, piece in enumerate(pieces))


def _plainly(text: str) -> str:
    text = _QUOTED.sub('"', normal("NFC", text)).translate(_SPELLED)
    return "".join(each if each in ALPHABET or each in EXTENSION else _bare(each) for each in text)


def _bare(character: str) -> str:
    """Return it without its accents. What isn't of the alphabet then stays as it is."""
    bare = "".join(each for each in normal("NFD", character) if not unicodedata.combining(each))
    return bare if bare and set(bare) <= ALPHABET else character
