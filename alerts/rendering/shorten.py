"""Making a text shorter without hurting it: never inside a word, an emoji, an HTML entity or tag.

A cut is made at the end of a sentence, at a blank, or after the full stop of a script without blanks. A text that has
none of these (Chinese, a run of emoji, one endless word) is cut between two graphemes: what a reader takes for one
character stays whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

Fits = Callable[[str], bool]
"""Whether this text, put where it belongs, is short enough."""


class Cut(Protocol):
    """A way to shorten a text until it fits."""

    def __call__(self, text: str, fits: Fits, /, *, markup: bool) -> str:
        """Return the longest beginning that fits, "" where there is none."""
        ...


# A number is one word, however it is written: half a telephone number is worse than none.
_BLANK = r"(?<!\d)[ \n]+|[ \n]+(?![\d \n])"
_TOKEN = re.compile(rf"<(/?)([a-zA-Z0-9-]+)[^<>]*>|{_BLANK}|(?<=[。！？，、])(?=[^\s<])")
_PLAIN_TOKEN = re.compile(rf"{_BLANK}|(?<=[。！？，、])(?=\S)")
# A small letter goes on with the sentence: "le 25 nov. à 18 h".
_SENTENCE_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][»”\")]))[ \n]+(?![a-zà-ÿ])|\n+|(?<=[。！？])(?=\S)")
# Before "and" and "or" a clause may end; before "if" and "except" it may not, for that is what it hangs on.
_CLAUSE_END = re.compile(
    r"[,;:] (?!sauf|si |à moins|except|if |unless)|[ \u00a0][;:–—] | (?=(?:et|ou|puis|and|or|then) )"
)
_DANGLING = " \t\n,:–—-(«“/\u00a0\u202f"
_JOINS = "\u200d\ufe0e\ufe0f\u20e3"
_PLAIN_ATOM = re.compile(r".", re.DOTALL)
_ATOM = re.compile(r"<[^<>]*>|&#?\w{1,12};|.", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]+)[^<>]*>")
_ENDLESS = 60
"""Letters without a blank that are no word any more."""
_LEAST = 20
_LEAST_SHOWN = 40
_WORTH = 0.6


def at_words(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the longest beginning of `text` that fits with "…" after its last whole word; "" where none is worth it.

    With `markup`, tags that are open at the cut are closed. A rest of less than twenty characters is none.
    """
    cuts = _word_cuts(text, markup=markup)
    best = _longest(len(cuts), lambda place: fits(_ellipsis(text, cuts[place])))
    if best is not None and cuts[best][0] >= _LEAST:
        return _ellipsis(text, cuts[best])
    cut = at_graphemes(text, fits, markup=markup) if _is_endless(text, cuts) else ""
    return cut if len(cut) > _LEAST // 2 else ""


def at_graphemes(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the longest beginning of `text` that fits with "…" after a whole grapheme, "" where not even one does."""
    cuts = _grapheme_cuts(text, markup=markup)
    best = _longest(len(cuts), lambda place: fits(_ellipsis(text, cuts[place])))
    return _ellipsis(text, cuts[best]) if best is not None else ""


def shortened(text: str, most: int) -> str:
    """Return a name of at most so many units (a wide character takes two), cut at a word where it is longer."""

    def fits(said: str) -> bool:
        return sum(2 if letter > "\u10ff" else 1 for letter in said) <= most

    if len(text) * 2 <= most or fits(text):
        return text
    return at_words(text, fits, markup=False) or at_graphemes(text, fits, markup=False)


def at_sentences(text: str, fits: Fits, *, markup: bool) -> str:
    """Return as many whole sentences (or lines) of `text` as fit, "" where not even the first does."""
    ends = _cuts_at(text, _SENTENCE_END, markup=markup)
    best = _longest(len(ends), lambda place: fits(text[: ends[place][0]] + ends[place][1]))
    return text[: ends[best][0]] + ends[best][1] if best is not None else ""


def at_clauses(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the longest beginning of `text` that fits with "…" after a whole clause: at a comma, an "and"."""
    cuts = [cut for cut in _cuts_at(text, _CLAUSE_END, markup=markup) if cut[0] >= _LEAST]
    best = _longest(len(cuts), lambda place: fits(_ellipsis(text, cuts[place])))
    return _ellipsis(text, cuts[best]) if best is not None else ""


def sayings(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the whole sentences of an instruction that fit and " …", for there is more to do; "" where none does."""
    sentences = at_sentences(text, lambda said: fits(f"{said} …"), markup=markup)
    return f"{sentences} …" if sentences else ""


def partly(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the beginning of a sentence that is too long: whole clauses where they are most of it, else words."""
    words = at_words(text, fits, markup=markup)
    clauses = at_clauses(text, fits, markup=markup)
    return clauses if len(clauses) >= _WORTH * len(words) else words


def well(text: str, fits: Fits, *, markup: bool) -> str:
    """Return whole sentences where they are most of what could be said, else whole words and "…".

    A rest of less than forty characters tells a reader nothing: then "".
    """
    words = at_words(text, fits, markup=markup)
    about = len(words) + len("…") + 1
    sentences = at_sentences(text, lambda said: len(said) <= about and fits(said), markup=markup)
    if len(sentences) >= max(_LEAST, _WORTH * len(words)):
        return sentences
    return words if len(words) >= _LEAST_SHOWN else ""


_Place = tuple[int, str]
"""Where a text may be cut, and the closing tags it then needs."""


def _word_cuts(text: str, *, markup: bool) -> list[_Place]:
    if not markup:
        return [(blank.start(), "") for blank in _PLAIN_TOKEN.finditer(text)]
    cuts: list[_Place] = []
    stack: list[str] = []
    for token in _TOKEN.finditer(text):
        if token[2] is None:
            cuts.append((token.start(), _closing(stack)))
        else:
            _pass(stack, token)
    return cuts


def _is_endless(text: str, cuts: Sequence[_Place]) -> bool:
    """Whether no blank parts the beginning of `text`, or the first one comes where nothing is said yet."""
    places = [place for place, _ in cuts[:2]]
    ends = [*places, len(text)]
    return any(end - start > _ENDLESS for start, end in zip([0, *places], ends, strict=True))


def _grapheme_cuts(text: str, *, markup: bool) -> list[_Place]:
    """Return where a grapheme ends, outside of tags and entities."""
    cuts: list[_Place] = []
    stack: list[str] = []
    place = flags = 0
    for atom in (_ATOM if markup else _PLAIN_ATOM).finditer(text):
        if place and not _goes_on(text, place, flags):
            cuts.append((place, _closing(stack)))
        flags = flags + 1 if _is_flag(atom[0]) else 0
        if markup and (tag := _TAG.fullmatch(atom[0])):
            _pass(stack, tag)
        place = atom.end()
    return cuts


def _goes_on(text: str, place: int, flags: int) -> bool:
    """Whether the grapheme before `place` goes on with the character there (Unicode's UAX 29, as far as texts need).

    `flags` is how many letters of flags stand before it in a row, of which each two are one.
    """
    before, after = text[place - 1], text[place]
    if (
        after in _JOINS
        or before == "\u200d"
        or unicodedata.category(after)[0] == "M"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    ):
        return True
    if "\U000e0020" <= after <= "\U000e007f":
        return True
    if flags and _is_flag(after):
        return flags % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"


def _is_flag(letter: str) -> bool:
    return len(letter) == 1 and "\U0001f1e6" <= letter <= "\U0001f1ff"


def _cuts_at(text: str, ends: re.Pattern[str], *, markup: bool) -> list[_Place]:
    """Return where `ends` are found outside of tags. Tags are read once: a text may have thousands of ends."""
    places = [end.start() for end in ends.finditer(text)]
    if not markup:
        return [(place, "") for place in places]
    cuts: list[_Place] = []
    stack: list[str] = []
    tags = deque(token for token in _TOKEN.finditer(text) if token[2])
    before, opened, closed = 0, -1, -1
    for place in places:
        while tags and tags[0].end() <= place:
            _pass(stack, tags.popleft())
        opened = max(opened, text.rfind("<", before, place))
        closed = max(closed, text.rfind(">", before, place))
        before = place
        if opened <= closed:
            cuts.append((place, _closing(stack)))
    return cuts


def _pass(stack: list[str], tag: re.Match[str]) -> None:
    if tag[1]:
        _close(stack, tag[2])
    else:
        stack.append(tag[2])


def _close(stack: list[str], name: str) -> None:
    if stack and stack[-1] == name:
        stack.pop()


def _closing(stack: Sequence[str]) -> str:
    return "".join(f"</{name}>" for name in reversed(stack))


def _ellipsis(text: str, cut: _Place) -> str:
    place, closing = cut
    kept = text[:place].rstrip(_DANGLING)
    is_link = "://" in kept[max(kept.rfind(" "), kept.rfind("\n")) + 1 :]
    return f"{kept}{' ' if is_link else ''}…{closing}"


def _longest(size: int, fits: Callable[[int], bool]) -> int | None:
    """Return the last place that fits, given that a longer text never fits where a shorter one doesn't."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            low = middle + 1
        else:
            high = middle
    return low - 1 if low else None
