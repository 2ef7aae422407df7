"""Fitting a post's parts to what the platform counts.

The order, which `docs/templates.md` tells the authors of templates:

1. Everything fits: nothing is touched.
2. What is kept comes first (link, exercise mark, instruction, time, area, headline). Where that alone is too long, the
   short forms the template offers are used: the headline's, the time's, the area's ("Isère, Savoie +3").
3. Where even that is too long, the headline is shortened at a word, then the area. The time, the link and the exercise
   mark never are.
4. At last the instruction, since its words are what a reader acts on: as many of its whole sentences as fit, with "…".
   The short form, which is the one prepared for the hazard, stands only where not even the first sentence fits; and
   where there is none, the sentence ends at a clause or a word.
5. What room is left goes to the long forms again and then to the other parts, the most important first: whole, else
   its short form, else shortened. Where room is short (X), a sentence is said whole or not at all; a name or a contact
   is left out rather than shortened.
6. What is too long even then (a feed's sender of two thousand letters, a place in a script without blanks) is cut
   between two characters, the least important first: no post ever fails for its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.model.post import TextFormat
from alerts.rendering.count import count
from alerts.rendering.parts import Part, Piece, lay_out
from alerts.rendering.shorten import Cut, at_graphemes, at_sentences, at_words, partly, sayings, well

SHORT_FORMS = ("headline", "time", "area")
"""The order in which kept parts take their short forms: the one that loses least comes first."""

LAST_RESORT = ("headline", "area", "instruction")
"""The kept parts that are shortened when the short forms didn't do, in order; other `keep=true` parts come before."""

WHOLE = frozenset(("exercise", "link", "time", "sender", "change", "severity", "language", "contact"))
"""The parts that are said whole or not at all."""

_UNTOUCHED = frozenset(("exercise", "link"))
_SHORT = 600
_STUB = 60
_MORE = 20


@dataclass(frozen=True, slots=True)
class Fitted:
    """The text, its count, the names of the parts that were cut, and of those that stand in their short form."""

    text: str
    count: int
    cut: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


def fit(pieces: Sequence[Piece], fmt: TextFormat) -> Fitted:
    """Fit `pieces` to `fmt.limit`, losing the least important first. Longer than the limit only if nothing can go."""
    texts = [piece if isinstance(piece, str) else piece.text or piece.short for piece in pieces]
    text = lay_out(texts, pieces)
    units = count(text, fmt)
    return Fitted(text, units) if units <= fmt.limit else _Fitting(pieces, texts, fmt).done()


class _Fitting:
    """One fitting under way: what each piece says by now, and what each line was counted."""

    def __init__(self, pieces: Sequence[Piece], texts: Sequence[str], fmt: TextFormat) -> None:
        self._lines: dict[str, int] = {}
        self._pieces = pieces
        self._full = list(texts)
        self._texts = list(texts)
        self._fmt = fmt
        self._markup = fmt.markup == "html"
        parts = [(place, piece) for place, piece in enumerate(pieces) if isinstance(piece, Part) and texts[place]]
        self._parts = sorted(parts, key=lambda entry: entry[1].importance)

    def done(self) -> Fitted:
        kept = [(place, part) for place, part in self._parts if part.keep]
        for place, part in self._parts:
            self._texts[place] = self._full[place] if part.keep else ""
        if not self._fits():
            self._use_short_forms(kept)
            self._cut_kept(kept)
        self._force()
        self._grow()
        text = lay_out(self._texts, self._pieces)
        return Fitted(text, count(text, self._fmt), *self._losses())

    def _use_short_forms(self, kept: list[tuple[int, Part]]) -> None:
        for place, part in sorted(kept, key=lambda entry: _order(SHORT_FORMS, entry[1].name)):
            if part.short and part.name != "instruction" and not self._fits():
                self._texts[place] = part.short

    def _cut_kept(self, kept: list[tuple[int, Part]]) -> None:
        for place, part in sorted(kept, key=lambda entry: _order(LAST_RESORT, entry[1].name)):
            if self._fits():
                return
            if part.name == "instruction":
                self._texts[place] = self._own_words(place, part)
            elif part.name not in WHOLE:
                self._texts[place] = self._cut_to_room(at_words, place) or self._shortest(place)

    def _force(self) -> None:
        """Cut what is still too long, whatever it is, but for the link and the mark of an exercise."""
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
            elif part.name == "headline":
                self._texts[place] = self._longer(place, said, part.short)
            elif part.name == "change":
                self._texts[place] = self._more_sentences(place, said)

    def _longer(self, place: int, said: str, short: str) -> str:
        """Return the longest beginning of the whole that there is room for now, else what is `said`.

        A short form is whole: it goes only for a beginning that says clearly more.
        """
        self._texts[place] = self._full[place]
        words = self._cut_to_room(at_words, place)
        return words if len(words) > len(said) + (_MORE if said == short else 0) else said

    def _more_sentences(self, place: int, said: str) -> str:
        """Return as many whole sentences of what is new as there is room for now, if they are more than is `said`."""
        self._texts[place] = self._full[place]
        sentences = self._cut_to_room(at_sentences, place)
        return sentences if len(sentences) > len(said) else said

    def _shortened(self, place: int, part: Part) -> str:
        if part.name in WHOLE:
            return ""
        self._texts[place] = self._full[place]
        whole = part.name == "advice" or self._fmt.limit <= _SHORT
        return self._cut_to_room(at_sentences if whole else well, place)

    def _cut_to_room(self, cut: Cut, place: int) -> str:
        """Return what stands at `place` cut to the room left: measured on it alone, then on the whole.

        A part's units can change beside its neighbours: a link may go on into the next word.
        """
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
        """Count the whole as it stands, or as it would with `text` at `place`.

        Line by line, and each line once: no link, emoji, accent or tag goes on beyond the end of a line.
        """
        texts = self._texts
        if place is not None:
            texts = [*texts[:place], text, *texts[place + 1 :]]
        lines = lay_out(texts, self._pieces).split("\n")
        for line in lines:
            if line not in self._lines:
                self._lines[line] = count(line, self._fmt)
        return sum(map(self._lines.__getitem__, lines)) + len(lines) - 1


def _order(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else -1
