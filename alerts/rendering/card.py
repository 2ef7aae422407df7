"""The card of an alert: its picture, for a shared link and for posts that carry one, and the same words as text.

`card_of` takes the words from what a template is given; `draw_card` draws them: what it is, how grave by word, shape
and colour, where, until when, and what to do as far as there is room, in the largest letters in which all of it fits.
An exercise has the word for it in a band of its own, above and below: a picture is shown without its post's words.
`card_alt` is the picture's alternative, `in_short` the two lines of a list, a link's preview or a notification.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alerts.model.alert import Alert, Severity
from alerts.model.hazard import Hazard
from alerts.rendering.fit import at_sentences, partly
from alerts.rendering.library import as_sentences, capital
from alerts.rendering.pictograms import pictogram

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

_MOST = 230
"""Letters of what to do: two to four lines of the picture, and no burden in its alternative."""
# No cut is behind `_MOST`: what comes long after it changes nothing, and a stranger's text may be long.
_LOOKED_AT = 4 * _MOST


@dataclass(frozen=True, slots=True)
class Card:
    """The words of a card. `severity` gives it shape and colour, None: it is over, or all `is_calm`.

    `exercise` is the mark of one. `do` are the first sentences of the instruction, drawn as far as there is room. The
    pictogram of `hazard` is drawn with them.
    """

    severity: Severity | None
    label: str
    heading: str
    area: str
    when: str
    station: str
    exercise: str = ""
    do: str = ""
    hazard: Hazard | None = None
    is_calm: bool = False


@dataclass(frozen=True, slots=True)
class LinkCard:
    """A page's description of itself for shared links: title, two lines, and the words of its picture."""

    title: str
    summary: str
    card: Card


def link_card_of(said: Mapping[str, Any], alert: Alert) -> LinkCard:
    """Return the link card for the facts of a page (`Renderer.tell`)."""
    return LinkCard(str(said["lead"]), in_short(said), card_of(said, alert.severity))


def card_of(said: Mapping[str, Any], severity: Severity) -> Card:
    """Return the card for the facts of a template (`Renderer.tell`).

    An end's card says how it ended, with its caution.
    """
    # An end says how it ended, not how grave it was: a red card of what is over would alarm again.
    over = bool(said["reason"])
    label = str(said["stamp"] if over else said["label"]) or capital(str(said["name"]))
    return Card(
        severity=None if over else severity,
        label=label,
        heading=_heading(str(said["lead"] if over else said["title"]), label, said),
        area=str(said["area"]),
        when=capital(str(said["when"])),
        station=str(said["source"]),
        exercise=str(said["words"]["exercise"]) if said["exercise"] else "",
        do=_first_words(said),
        hazard=None if over else Hazard(said["hazard"]),
    )


def _heading(title: str, label: str, said: Mapping[str, Any]) -> str:
    """Return the title without its label, such as "Correction – …" or "Vigilance orange vent violent"."""
    bare = title.removeprefix(f"{label} – ")
    if label in said["words"]["levels"].values() and title.startswith(f"{label} "):
        bare = title.removeprefix(f"{label} ")
    is_news = said["heading"] != said["lead"]
    return capital(str(said["words"]["updated"]).format(lead=bare) if is_news else bare)


def in_short(said: Mapping[str, Any]) -> str:
    """Return two lines for a list, a link's preview or a notification: the event, what to do, the place and the time.

    The place precedes the instruction if both fit into the part that is seen first; an update's change follows them. A
    missing person is described first: without the description nobody can act.
    """
    description = str(said["description"] or "")
    first = as_sentences(description.splitlines()) if said["hazard"] == Hazard.MISSING and not said["reason"] else ""
    do = [str(part) for part in (said["instruction"], said.get("after")) if part]
    if not do and not said["reason"]:
        do = [_beginning(description)]
    where = [str(said["area"])]
    order = [*where, *do] if said["place_first"] else [*do, *where]
    source = "" if said["own"] else str(said["source_short"])
    parts = (said["heading"], first, *order, str(said.get("change_short") or ""), str(said["when"]), source)
    return as_sentences(capital(" ".join(str(part).splitlines())) for part in parts if part)


def _first_words(said: Mapping[str, Any]) -> str:
    """Return the whole sentences of the instruction that a card may hold: the rest is behind the link.

    An update's change follows them.
    """
    parts = (said["instruction"], said.get("after"), said.get("change_short"))
    do = " ".join(str(part) for part in parts if part)
    return _beginning(do)


def _beginning(text: str) -> str:
    """All of it where it is short enough; else whole sentences, or a part of the first one."""
    return text if _fits(text) else _cut(text[:_LOOKED_AT])


# The public pages ask for the same words of each alert that is on with every change of any of them.
@lru_cache(maxsize=1024)
def _cut(text: str) -> str:
    return at_sentences(text, _fits, markup=False) or partly(text, _fits, markup=False)


def _fits(text: str) -> bool:
    return len(text) <= _MOST


def card_alt(said: Mapping[str, Any]) -> str:
    """The text alternative: the same words as on the card."""
    mark = f"{said['words']['exercise']} – " if said["exercise"] else ""
    parts = (f"{mark}{said['lead']}", _first_words(said), said["area"], said["when"], said["source"])
    return as_sentences(capital(str(part)) for part in parts if part)


# --- drawing -------------------------------------------------------------------------------------------------------

SIZE = (1200, 630)
"""The size of picture that Facebook and X show whole."""
_INK, _PAPER, _SOFT = "#16181d", "#ffffff", "#4a4f5a"
COLOURS = {
    Severity.EXTREME: "#8c1d5c",
    Severity.SEVERE: "#b3261e",
    Severity.MODERATE: "#a85b00",
    Severity.MINOR: "#1d5f9e",
    Severity.UNKNOWN: "#4a4f5a",
}
"""Background colours for white letters, by severity."""
OVER, _CALM = "#4a4f5a", "#1b6b3a"
_TRACK = "#e3e6ec"
_MARGIN = 64
# The place gets two lines if it begins above this.
_LOW = 380
_FOOT = 526
"""The lower limit of the text; the source is written below it."""
# The distance of lines, in font sizes.
_LEADING = 1.18
_SIZES_OF_DO = (56, 48, 40, 34, 28)
_SIZES_OF_HEADINGS = ((84, 1), (72, 2), (62, 3))
"""Sizes of letters, each with the lines that it may take: a short heading is read in a list of small pictures, too."""


def draw_card(card: Card, *, as_jpeg: bool = False) -> bytes:
    """The card as PNG, or as JPEG, 1200 × 630; the same words make the same bytes."""
    picture, pen = _canvas()
    pen.rectangle((0, 0, SIZE[0], 132), fill=_ground(card))
    left = _MARGIN
    if card.severity is not None:
        _shape(pen, card.severity, (_MARGIN, 36, _MARGIN + 60, 96))
        left += 88
    elif card.is_calm:
        pen.line(((_MARGIN, 68), (_MARGIN + 20, 90), (_MARGIN + 58, 42)), fill=_PAPER, width=12, joint="curve")
        left += 88
    label = f"{card.exercise} – {card.label}" if card.exercise else card.label
    font = _font("Bold", 54)
    right = SIZE[0] - _MARGIN
    if card.hazard is not None:
        pictogram(card.hazard).draw(pen, right - 84, 24, 84, _PAPER)
        right -= 108
    pen.text((left, 66), _short(label, font, right - left), fill=_PAPER, font=font, anchor="lm")
    below = _heading_of(pen, card.heading, 168)
    y = _paragraph(pen, card.area, below + 22, _font("Semibold", 42), 2 if below < _LOW else 1)
    y = _paragraph(pen, card.when, y + 10, _font("Regular", 42), 1)
    _what_to_do(pen, card.do, y + 18)
    _foot(pen, card)
    if as_jpeg:
        file = io.BytesIO()
        # Without thinned-out colours, so that letters keep their edges.
        picture.save(file, "JPEG", quality=88, subsampling=0, optimize=True)
        return file.getvalue()
    return _as_png(picture)


def _ground(card: Card) -> str:
    if card.severity is not None:
        return COLOURS[card.severity]
    return _CALM if card.is_calm else OVER


def _heading_of(pen: ImageDraw.ImageDraw, heading: str, y: float) -> float:
    """Draw the heading in the largest letters that fit its lines; returns the y position below it."""
    for size, most in _SIZES_OF_HEADINGS:
        font = _font("Bold", size)
        if size == _SIZES_OF_HEADINGS[-1][0] or _is_whole(heading, font, most):
            return _paragraph(pen, heading, y, font, most)
    return y


def _is_whole(text: str, font: ImageFont.FreeTypeFont, most: int) -> bool:
    """True if the whole text fits into that many lines. Words are compared, since lines lose the text's own breaks."""
    return " ".join(_lines(text, font, SIZE[0] - 2 * _MARGIN, most)) == " ".join(text.split())


def _what_to_do(pen: ImageDraw.ImageDraw, do: str, y: float) -> None:
    """Draw the instruction in the largest letters in which all of it fits."""
    for size in _SIZES_OF_DO:
        font = _font("Bold", size)
        most = int((_FOOT - y) // (font.size * _LEADING))
        if most < 1:
            continue
        if size == _SIZES_OF_DO[-1] or _is_whole(do, font, most):
            _paragraph(pen, do, y, font, most)
            return


def _foot(pen: ImageDraw.ImageDraw, card: Card) -> None:
    """Draw the source at the foot; below an exercise, also its mark."""
    font = _font("Semibold", 34)
    if card.exercise:
        pen.rectangle((0, SIZE[1] - 96, *SIZE), fill=OVER)
        pen.text((SIZE[0] - _MARGIN, SIZE[1] - 48), card.exercise, fill=_PAPER, font=_font("Bold", 54), anchor="rm")
    ink = _PAPER if card.exercise else _SOFT
    pen.text((_MARGIN, SIZE[1] - 48), _short(card.station, font, 700), fill=ink, font=font, anchor="lm")


def _shape(pen: ImageDraw.ImageDraw, severity: Severity, box: tuple[int, int, int, int]) -> None:
    """The same shapes as on the pages: octagon with its sign, triangle, diamond, circle, square."""
    left, top, right, bottom = box
    middle, centre = (left + right) // 2, (top + bottom) // 2
    third = (right - left) * 3 // 10
    if severity is Severity.MINOR:
        pen.ellipse(box, fill=_PAPER)
        return
    corners = {
        Severity.EXTREME: (
            (left + third, top),
            (right - third, top),
            (right, top + third),
            (right, bottom - third),
            (right - third, bottom),
            (left + third, bottom),
            (left, bottom - third),
            (left, top + third),
        ),
        Severity.SEVERE: ((middle, top), (right, bottom), (left, bottom)),
        Severity.MODERATE: ((middle, top), (right, centre), (middle, bottom), (left, centre)),
    }.get(severity, ((left, top), (right, top), (right, bottom), (left, bottom)))
    pen.polygon(corners, fill=_PAPER)
    if severity is Severity.EXTREME:
        # In a small picture a bare octagon looks like the circle of what is minor.
        for upper, lower in ((top + 11, top + 35), (top + 41, top + 49)):
            pen.rectangle((middle - 4, upper, middle + 4, lower), fill=COLOURS[severity])


def _paragraph(pen: ImageDraw.ImageDraw, text: str, y: float, font: ImageFont.FreeTypeFont, most: int) -> float:
    """Draw at most so many lines, the last one cut at a word; returns the y position below them."""
    if most < 1:
        return y
    for line in _lines(text, font, SIZE[0] - 2 * _MARGIN, most):
        pen.text((_MARGIN, y), line, fill=_INK, font=font)
        y += font.size * _LEADING
    return y


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(_short(word, font, width))
        else:
            lines[-1] = _short(f"{lines[-1]} …", font, width)
            break
    return lines


def _short(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """As much of the text as fits: halved again and again, for a feed may send a word of twenty thousand letters."""
    if font.getlength(text) <= width:
        return text
    whole = text.rstrip("…")

    def width_of(length: int) -> float:
        return font.getlength(f"{whole[:length]}…")

    # A longer beginning is never narrower, so half of what is left is enough to look at each time.
    fits = bisect_right(range(len(whole)), float(width), lo=1, key=width_of) - 1
    return f"{whole[:fits].rstrip('…')}…"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture: the label above it, its length, and its composition."""

    label: str
    value: int
    parts: str


def draw_bars(heading: str, bars: Sequence[Bar], foot: str) -> bytes:
    """Some bars below one another as PNG, 1200 × 630, the longest as wide as there is room."""
    picture, pen = _canvas()
    top = _paragraph(pen, heading, 36, _font("Bold", 46), 2) + 8
    room, longest = SIZE[0] - 2 * _MARGIN, max(*(bar.value for bar in bars), 1)
    height = (SIZE[1] - 72 - top) / len(bars)
    large, small = _font("Semibold", 32), _font("Regular", 24)
    for place, bar in enumerate(bars):
        y = top + place * height
        pen.text((_MARGIN, y), bar.label, fill=_INK, font=large)
        pen.rectangle((_MARGIN, y + 42, SIZE[0] - _MARGIN, y + 60), fill=_TRACK)
        pen.rectangle((_MARGIN, y + 42, _MARGIN + room * bar.value // longest, y + 60), fill=COLOURS[Severity.MINOR])
        pen.text((_MARGIN, y + 64), _short(bar.parts, small, room), fill=_SOFT, font=small)
    pen.text((_MARGIN, SIZE[1] - 36), _short(foot, small, room), fill=_SOFT, font=small, anchor="lm")
    return _as_png(picture)


# Pillow is imported by what draws: a command that stores an alert needs the words of a card only.


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    from PIL import Image, ImageDraw  # noqa: PLC0415

    picture = Image.new("RGB", SIZE, _PAPER)
    return picture, ImageDraw.Draw(picture)


def _as_png(picture: Image.Image) -> bytes:
    from PIL.Image import Quantize  # noqa: PLC0415

    file = io.BytesIO()
    # 64 colours are enough for flat areas and text, and make the file small.
    picture.quantize(64, method=Quantize.FASTOCTREE).save(file, "PNG")
    return file.getvalue()


@cache
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415

    with (files("font_source_sans_pro") / "files" / f"SourceSansPro-{weight}.ttf").open("rb") as file:
        return ImageFont.truetype(io.BytesIO(file.read()), size)
