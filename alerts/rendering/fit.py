"""Fitting a post's parts to the platform's limit.

The order, which `docs/templates.md` describes to the authors of templates:

1. Everything fits: nothing is changed.
2. The kept parts come first (link, exercise mark, instruction, time, area, headline). If they alone are too long, the
   short forms the template offers are used: the headline's, the time's, the area's ("Isère, Savoie +3").
3. If even that is too long, the headline is shortened at a word, then the area. The time, the link and the exercise
   mark never are.
4. The instruction is shortened last, since a reader acts on its words: as many of its whole sentences as fit, among
   them the one with the number to call.
   The short form, which is the one prepared for the hazard, is used only if not even the first sentence fits; and
   if there is none, the sentence ends at a clause or a word.
5. The remaining room goes to the long forms again and then to the other parts, the most important first: whole, else
   its short form, else shortened. In a short text (X), a sentence is whole or absent; a name or a contact is left out
   rather than shortened.
6. A text that is still too long (a feed's sender of two thousand letters, a place in a script without blanks) is cut
   between two characters, the least important first: no post ever fails for its length.

A cut never goes through a word, an emoji, an HTML entity or a tag. It is made at the end of a sentence, at a blank, or
after the full stop of a script without blanks. A text that has none of these (Chinese, a run of emoji, one endless
word) is cut between two graphemes, so that a reader's character stays whole.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from alerts.model.post import TextFormat
from alerts.rendering.counting import count, goes_on, is_flag
from alerts.rendering.library import Part, Piece, lay_out

SHORT_FORMS = ("headline", "time", "area")
"""The order in which kept parts take their short forms: the one that loses least comes first."""

LAST_RESORT = ("headline", "area", "instruction")
"""The kept parts that are shortened when the short forms didn't do, in order; other `keep=true` parts come before."""

WHOLE = frozenset(
    ("exercise", "link", "caution", "mark", "time", "sender", "change", "severity", "language", "contact")
)
"""The parts that are said whole or not at all."""

_UNTOUCHED = frozenset(("exercise", "link"))
# Up to this limit a sentence is whole or absent.
_SHORT = 600
# Units of the shortest form to which a part is cut before the next one must give way.
_STUB = 60
# Leaving the short form must gain at least so many characters.
_MORE = 20


@dataclass(frozen=True, slots=True)
class Fitted:
    """The text, its count, the names of the parts that were cut, and of those in their short form."""

    text: str
    count: int
    cut: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


def fit(pieces: Sequence[Piece], fmt: TextFormat) -> Fitted:
    """Fit `pieces` to `fmt.limit`, losing the least important first. Longer than the limit only if nothing can go."""
    return _Fitting(pieces, fmt).done()


class _Fitting:
    """One fitting under way: what each piece says by now, and what each line was counted."""

    def __init__(self, pieces: Sequence[Piece], fmt: TextFormat) -> None:
        self._lines: dict[str, int] = {}
        self._laid_out: dict[tuple[str, ...], tuple[str, int]] = {}
        self._pieces = pieces
        self._full = [piece if isinstance(piece, str) else piece.text or piece.short for piece in pieces]
        self._texts = list(self._full)
        self._fmt = fmt
        self._markup = fmt.markup == "html"
        parts = [(place, piece) for place, piece in enumerate(pieces) if isinstance(piece, Part) and self._full[place]]
        self._parts = sorted(parts, key=lambda entry: entry[1].importance)

    def done(self) -> Fitted:
        whole = self._whole(self._texts)
        if whole[1] <= self._fmt.limit:
            return Fitted(*whole)
        kept = [(place, part) for place, part in self._parts if part.keep]
        for place, part in self._parts:
            self._texts[place] = self._full[place] if part.keep else ""
        # With what is kept alone: if that fits, nothing of it is touched, and the room left is shared out below.
        if not self._fits():
            self._use_short_forms(kept)
            self._cut_kept(kept)
        self._force()
        self._grow()
        return Fitted(*self._whole(self._texts), *self._losses())

    def _use_short_forms(self, kept: list[tuple[int, Part]]) -> None:
        for place, part in sorted(kept, key=lambda entry: _order(SHORT_FORMS, entry[1].name)):
            if part.short and part.name != "instruction" and not self._fits():
                self._texts[place] = part.short

    def _cut_kept(self, kept: list[tuple[int, Part]]) -> None:
        # Who is free, that it is worse and why it ends weigh more than the hour.
        weighty = any(part.name in ("change", "reason") for _, part in kept)
        resorts = ("time", "reason", *LAST_RESORT) if weighty else LAST_RESORT
        for place, part in sorted(kept, key=lambda entry: _order(resorts, entry[1].name)):
            if self._fits():
                return
            if part.name == "time" and weighty:
                self._texts[place] = ""
            elif part.name == "reason":
                self._texts[place] = self._reason(place) or self._shortest(place)
            elif part.name == "instruction":
                self._texts[place] = self._own_words(place, part)
            elif part.name not in WHOLE:
                self._texts[place] = self._cut_to_room(at_words, place) or self._shortest(place)

    def _force(self) -> None:
        """Cut what is still too long, whatever it is, but for the link and the mark of an exercise."""
        # From the least important up: nothing that matters more goes while something that matters less is there.
        for place, part in reversed(self._parts):
            if self._fits():
                return
            if part.name not in _UNTOUCHED and self._texts[place]:
                self._texts[place] = self._cut_to_room(at_graphemes, place)

    def _own_words(self, place: int, part: Part) -> str:
        """Return as much of an instruction as fits; the short form only where not even its first sentence does.

        Unless the short form is how it begins anyway: then what it leaves out is no part of it.
        """
        if part.short and self._full[place].startswith(part.short) and self._fits(place, part.short):
            return part.short
        if sentences := self._cut_to_room(sayings, place):
            return sentences
        if part.short and self._fits(place, part.short):
            return part.short
        return self._cut_to_room(partly, place) or self._shortest(place)

    def _shortest(self, place: int) -> str:
        """Return the least that can be said here when it isn't enough: the next part must give way too."""
        text = self._texts[place]
        if count(text, self._fmt) <= _STUB:
            return text

        def fits(said: str) -> bool:
            return count(said, self._fmt) <= _STUB

        return at_words(text, fits, markup=self._markup) or at_graphemes(text, fits, markup=self._markup) or text

    def _grow(self) -> None:
        for place, part in self._parts:
            said = self._texts[place]
            if said == self._full[place]:
                continue
            if self._fits(place, self._full[place]):
                self._texts[place] = self._full[place]
            elif not part.keep and part.name == "change":
                self._texts[place] = self._more_sentences(place, "")
            elif not part.keep:
                fits = part.short and self._fits(place, part.short)
                self._texts[place] = part.short if fits else self._shortened(place, part)
            # Of what is kept, only these two gain by more of their words; a place or an order is said or it isn't.
            elif part.name == "headline":
                self._texts[place] = self._longer(place, said, part.short)
            elif part.name in ("change", "reason"):
                self._texts[place] = self._more_sentences(place, said)

    def _longer(self, place: int, said: str, short: str) -> str:
        """Return the longest beginning of the whole that there is room for now, else what is `said`.

        A short form is whole: it goes only for a beginning that says clearly more.
        """
        self._texts[place] = self._full[place]
        words = self._cut_to_room(at_words, place)
        return words if len(words) > len(said) + (_MORE if said == short else 0) else said

    def _reason(self, place: int) -> str:
        """Return as much of an officer's words as there is room for."""
        return self._cut_to_room(at_sentences, place) or self._cut_to_room(partly, place)

    def _more_sentences(self, place: int, said: str) -> str:
        """Return as many whole sentences of the change as there is room for now, if they are more than `said`.

        The last sentences of `said` stay: they free somebody. What those still have to mind, which is behind them in
        the whole, matters more than what is before them, which the rest of the post says too.
        """
        self._texts[place] = self._full[place]
        begins = (0, *(found.end() for found in _SENTENCE_END.finditer(said)))
        begin = next((each for each in begins if said[each:] in self._full[place]), len(said))
        cut: Cut = partial(_sentences_around, said[:begin], said[begin:]) if said[begin:] else at_sentences
        sentences = self._cut_to_room(cut, place)
        return sentences if len(sentences) > len(said) else said

    def _shortened(self, place: int, part: Part) -> str:
        if part.name in WHOLE:
            return ""
        self._texts[place] = self._full[place]
        whole = part.name == "advice" or self._fmt.limit <= _SHORT
        return self._cut_to_room(at_sentences if whole else well, place)

    def _cut_to_room(self, cut: Cut, place: int) -> str:
        """Return the text at `place` cut to the room left: measured on it alone, then on the whole.

        A part's units can change next to its neighbours: a link may continue into the next word.
        """
        # "x" stands in for the part, or its line would go as one that holds nothing.
        text, room = self._texts[place], self._fmt.limit - self._units(place, "x") + 1
        short = cut(text, lambda said: count(said, self._fmt) <= room, markup=self._markup)
        if short and not self._fits(place, short):
            return cut(text, lambda said: self._fits(place, said), markup=self._markup)
        return short

    def _losses(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        said = [(part, self._texts[place], self._full[place]) for place, part in reversed(self._parts)]
        lost = [(part, text) for part, text, full in said if text != full]
        short = (part.name for part, text in lost if text and text == part.short)
        cut = (part.name for part, text in lost if not text or text != part.short)
        return tuple(dict.fromkeys(cut)), tuple(dict.fromkeys(short))

    def _fits(self, place: int | None = None, text: str = "") -> bool:
        return self._units(place, text) <= self._fmt.limit

    def _units(self, place: int | None = None, text: str = "") -> int:
        """Count the whole, or the whole with `text` at `place`."""
        texts = self._texts
        if place is not None:
            texts = [*texts[:place], text, *texts[place + 1 :]]
        return self._whole(texts)[1]

    def _whole(self, texts: Sequence[str]) -> tuple[str, int]:
        """Return the whole and its count. The same texts are tried more than once: all, and those that are kept."""
        known = tuple(texts)
        if known not in self._laid_out:
            text = lay_out(texts, self._pieces)
            self._laid_out[known] = text, self._count(text)
        return self._laid_out[known]

    def _count(self, text: str) -> int:
        """Each distinct line is counted once: no link, emoji, accent or tag continues beyond the end of a line."""
        # One letter decides of the alphabet of the whole, and what is over one SMS has less room in each.
        if self._fmt.count == "gsm":
            return count(text, self._fmt)
        lines = text.split("\n")
        for line in lines:
            if line not in self._lines:
                self._lines[line] = count(line, self._fmt)
        return sum(map(self._lines.__getitem__, lines)) + len(lines) - 1


def _order(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else -1


# --- cutting one text ----------------------------------------------------------------------------------------------

Fits = Callable[[str], bool]
"""True if this text, inserted in its place, is short enough."""


class Cut(Protocol):
    """A way to shorten a text until it fits."""

    def __call__(self, text: str, fits: Fits, /, *, markup: bool) -> str:
        """Return the longest beginning that fits, "" where there is none."""
        ...


# A number is one word, however it is written: half a telephone number is worse than none.
_BLANK = r"(?<!\d)[ \n]+|[ \n]+(?![\d \n])"
# Tags, blanks, and the ends of sentences in scripts without blanks.
_TOKEN = re.compile(rf"<(/?)([a-zA-Z0-9-]+)[^<>]*>|{_BLANK}|(?<=[。！？，、])(?=[^\s<])")
_PLAIN_TOKEN = re.compile(rf"{_BLANK}|(?<=[。！？，、])(?=\S)")
# A small letter goes on with the sentence: "le 25 nov. à 18 h".
# It begins with what it may begin with: a pattern that begins by looking back is tried at every letter.
_SENTENCE_END = re.compile(
    r"[ \n](?:(?:(?<=[.!?…].)|(?<=[.!?…][»”\")].))[ \n]*(?![a-zà-ÿ])|(?<=\n)\n*)|(?<=[。！？])(?=\S)", re.DOTALL
)
# Before "and" and "or" a clause may end; before "if" and "except" it may not, for that is what it hangs on.
_CLAUSE_END = re.compile(
    r"[,;:] (?!sauf|si |à moins|except|if |unless)|[ \u00a0][;:–—] | (?=(?:et|ou|puis|and|or|then) )"
)
# A sentence with a number to call.
_CALLS = re.compile(r"(?i)\b(?:appelez|aide|call|help|text)\b[^.!?]*\d")
# Characters that mustn't end a cut text.
_DANGLING = " \t\n,:–—-(«“/\u00a0\u202f"
_PLAIN_ATOM = re.compile(r".", re.DOTALL)
_ATOM = re.compile(r"<[^<>]*>|&#?\w{1,12};|.", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]++)[^<>]*+>")
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
        return sum(2 if character > "\u10ff" else 1 for character in said) <= most

    if len(text) * 2 <= most or fits(text):
        return text
    return at_words(text, fits, markup=False) or at_graphemes(text, fits, markup=False)


def at_sentences(text: str, fits: Fits, *, markup: bool) -> str:
    """Return as many whole sentences (or lines) of `text` as fit, "" where not even the first does."""
    # A question's answer is behind it.
    ends = [end for end in _cuts_at(text, _SENTENCE_END, markup=markup) if text[end[0] - 1 : end[0]] != "?"]
    best = _longest(len(ends), lambda place: fits(text[: ends[place][0]] + ends[place][1]))
    return text[: ends[best][0]] + ends[best][1] if best is not None else ""


def _sentences_around(brief: str, kept: str, text: str, fits: Fits, *, markup: bool) -> str:
    """Return `kept`, which is within `text`, with as much of what follows as fits, then of what `text` begins with.

    `brief` stands for that beginning where none of its sentences fits.
    """
    at = text.index(kept)
    rest = text[at:]
    end = rest if fits(brief + rest) else at_sentences(rest, lambda said: fits(brief + said), markup=markup)
    end = end if len(end) > len(kept) else kept
    first = at_sentences(text[:at], lambda said: fits(f"{said.rstrip()} {end}"), markup=markup).rstrip()
    return f"{first} {end}" if first else brief + end


def at_clauses(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the longest beginning of `text` that fits with "…" after a whole clause: at a comma, an "and"."""
    cuts = [cut for cut in _cuts_at(text, _CLAUSE_END, markup=markup) if cut[0] >= _LEAST]
    best = _longest(len(cuts), lambda place: fits(_ellipsis(text, cuts[place])))
    return _ellipsis(text, cuts[best]) if best is not None else ""


def sayings(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the whole sentences of an instruction that fit, "" if not even the first does.

    They are the first ones, except that the one with the number to call replaces those right before it.
    """
    first = at_sentences(text, fits, markup=markup)
    rest = text[len(first) :]
    call = next((each.strip() for each in _SENTENCE_END.split(rest) if _CALLS.search(each)), "") if first else ""
    if not call or markup:
        return first
    ends = [found.start() for found in _SENTENCE_END.finditer(text[: len(first) + 1])]
    best = _longest(len(ends), lambda place: fits(f"{text[: ends[place]]} {call}"))
    return f"{text[: ends[best]]} {call}" if best is not None else first


def partly(text: str, fits: Fits, *, markup: bool) -> str:
    """Return the beginning of a sentence that is too long: whole clauses where they are most of it, else words."""
    words = at_words(text, fits, markup=markup)
    clauses = at_clauses(text, fits, markup=markup)
    return clauses if len(clauses) >= _WORTH * len(words) else words


def well(text: str, fits: Fits, *, markup: bool) -> str:
    """Return whole sentences if they make up most of the possible text, else whole words and "…".

    Returns "" for a rest of less than forty characters, which is useless to a reader.
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
    """True if no blank divides the beginning of `text`, or the first one comes before any word."""
    places = [place for place, _ in cuts[:2]]
    ends = [*places, len(text)]
    return any(end - start > _ENDLESS for start, end in zip([0, *places], ends, strict=True))


def whole_graphemes(text: str, most: int) -> str:
    """Return the longest beginning of at most `most` characters that ends with a whole grapheme, "" where none does."""
    # A letter more tells whether what fits just so goes on.
    places = [place for place, _ in _grapheme_cuts(text[: most + 1], markup=False)]
    return text[: max((place for place in places if place <= most), default=0)] if len(text) > most else text


def _grapheme_cuts(text: str, *, markup: bool) -> list[_Place]:
    """Return where a grapheme ends, outside of tags and entities."""
    cuts: list[_Place] = []
    stack: list[str] = []
    place = flags = 0
    for atom in (_ATOM if markup else _PLAIN_ATOM).finditer(text):
        if place and not goes_on(text, place, flags):
            cuts.append((place, _closing(stack)))
        flags = flags + 1 if is_flag(atom[0]) else 0
        if markup and (tag := _TAG.fullmatch(atom[0])):
            _pass(stack, tag)
        place = atom.end()
    return cuts


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
        # Between "<" and ">" is the inside of a tag.
        if opened <= closed:
            cuts.append((place, _closing(stack)))
    return cuts


def _pass(stack: list[str], tag: re.Match[str]) -> None:
    """Note that a tag is open from here on, or isn't any more; one that closes what isn't open closes nothing."""
    if not tag[1]:
        stack.append(tag[2])
    elif stack and stack[-1] == tag[2]:
        stack.pop()


def _closing(stack: Sequence[str]) -> str:
    return "".join(f"</{name}>" for name in reversed(stack))


def _ellipsis(text: str, cut: _Place) -> str:
    place, closing = cut
    kept = text[:place].rstrip(_DANGLING)
    # An "…" right behind an address would become a part of it.
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
