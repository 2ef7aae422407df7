"""A pictogram for each hazard: the same lines on pages, as SVG, on cards, drawn by Pillow, and on notifications.

A pictogram is strokes and filled shapes on a square of 24 by 24 units, y downwards, drawn for this project. Strokes are
two units wide with round ends, so that all of them look alike and are told apart at 24 pixels. None says anything
alone: beside each stands what it is about, in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from alerts.model.hazard import Hazard

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 24
"""Units of the square that a pictogram is drawn in."""
STROKE = 2.0
"""Units that a stroke is wide."""
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pictogram:
    """Strokes through points, and filled outlines."""

    strokes: Sequence[Sequence[_Point]]
    filled: Sequence[Sequence[_Point]] = ()

    @property
    def paths(self) -> tuple[str, str]:
        """Its strokes and its filled outlines as SVG spells paths; a browser's canvas draws them, too."""
        strokes = "".join(_path(points) for points in self.strokes)
        return strokes, "".join(f"{_path(points)}z" for points in self.filled)

    @property
    def svg(self) -> str:
        """What stands in an `svg` element of 24 by 24 units: its colour is the text's (`currentColor`)."""
        strokes, filled = self.paths
        lines = f'<path d="{strokes}" fill="none" stroke="currentColor" stroke-width="{STROKE:g}" '
        drawn = f'{lines}stroke-linecap="round" stroke-linejoin="round"/>' if strokes else ""
        return f'{drawn}<path d="{filled}" fill="currentColor"/>' if filled else drawn

    def draw(self, pen: ImageDraw.ImageDraw, left: float, top: float, side: float, ink: str) -> None:
        """Draw it into a picture, `side` pixels high, with its corner there."""
        scale = side / SIDE
        width = max(1, round(STROKE * scale))
        for points in self.strokes:
            placed = [(left + x * scale, top + y * scale) for x, y in points]
            pen.line(placed, fill=ink, width=width, joint="curve")
            # Round ends, which Pillow's lines don't have.
            for x, y in (placed[0], placed[-1]):
                pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=ink)
        for points in self.filled:
            pen.polygon([(left + x * scale, top + y * scale) for x, y in points], fill=ink)


@cache
def pictogram(hazard: Hazard) -> Pictogram:
    """The hazard's own, else that of anything."""
    return _DRAWN.get(hazard, _DRAWN[Hazard.GENERAL])


def _path(points: Sequence[_Point]) -> str:
    return "M" + "L".join(f"{round(x, 1):g} {round(y, 1):g}" for x, y in points)


# --- what they are made of -----------------------------------------------------------------------------------------


def _lines(text: str) -> list[list[_Point]]:
    """Strokes as they are written down: `x,y x,y / x,y x,y`."""
    strokes = (stroke.split() for stroke in text.split("/"))
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in each)] for each in strokes]


def _arc(x: float, y: float, radius: float, begins: float, ends: float) -> list[_Point]:
    """Points of a circle, by degrees: 0 is to the right, 90 below."""
    # A corner every twenty degrees isn't seen at the sizes at which it is shown.
    steps = max(4, round(abs(ends - begins) / 20))
    angles = (math.radians(begins + (ends - begins) * step / steps) for step in range(steps + 1))
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _circle(x: float, y: float, radius: float) -> list[_Point]:
    return _arc(x, y, radius, 0, 360)


def _wave(y: float, left: float = 2, right: float = 22) -> list[_Point]:
    steps = round(right - left)
    xs = (left + (right - left) * step / steps for step in range(steps + 1))
    return [(x, y + 1.3 * math.sin((x - left) / 5 * math.pi)) for x in xs]


def _cloud(y: float) -> list[_Point]:
    puffs = [*_arc(7, 8 + y, 4, 90, 245), *_arc(12.2, 5.5 + y, 4.5, 195, 350), *_arc(17.5, 8.7 + y, 3.3, 270, 450)]
    return [*puffs, (7, 12 + y)]


def _flame(x: float, y: float, size: float) -> list[_Point]:
    outline = [(0, -9), (3, -4.5), (4.6, -5.6), (6, 0), (5, 4), (2, 6.5), (-2, 6.5), (-5, 4), (-6, 0), (-4.5, -3.5)]
    closed = [*outline, (-2.5, -2.5), (0, -9)]
    return [(x + across * size, y + down * size) for across, down in closed]


def _drop(x: float, y: float, radius: float) -> list[_Point]:
    return [(x, y - 2.2 * radius), *_arc(x, y, radius, -30, 210), (x, y - 2.2 * radius)]


def _turned(points: Sequence[_Point], degrees: float) -> list[_Point]:
    """Those points around the middle of the square."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return [(12 + x * cos - y * sin, 12 + x * sin + y * cos) for x, y in points]


def _person(x: float, y: float, size: float = 1) -> tuple[list[_Point], list[_Point]]:
    """Shoulders as a stroke, and a head to be filled."""
    shoulders = [
        (x - 4 * size, y + 9 * size),
        *_arc(x, y + 7.5 * size, 4 * size, 180, 360),
        (x + 4 * size, y + 9 * size),
    ]
    return shoulders, _circle(x, y, 2.4 * size)


_ROOF, _WALLS = [(2.5, 11.5), (12, 3.5), (21.5, 11.5)], [(5.5, 10), (5.5, 20.5), (18.5, 20.5), (18.5, 10)]
_SLASH = [(3, 21), (21, 3)]
_BOLT = [(13.5, 2), (6, 13.5), (11, 13.5), (10, 22), (18, 10), (12.5, 10)]
_POINT = _circle(12, 17, 1.3)
_TAP = (
    [(3, 7.5), (3, 15.5)],
    [(3, 9.5), (14.5, 9.5), (18, 10.5), (19.5, 13), (19.5, 15.5), (15, 15.5), (14, 13.5), (3, 13.5)],
    [(9, 9.5), (9, 4.5)],
    [(5.5, 4.5), (12.5, 4.5)],
)
_FLAKE = ([(0, -10), (0, 10)], [(-2.8, -9), (0, -6.2), (2.8, -9)], [(-2.8, 9), (0, 6.2), (2.8, 9)])
_OCTAGON = [_turned([(0, -10.5)], 22.5 + 45 * corner)[0] for corner in range(9)]

_TUBE = [*_arc(8, 17, 3.6, -50, 230), (5.7, 5), *_arc(8, 5, 2.3, 180, 360), (10.3, 14.2)]
_BREAKER = [(2, 14), (5, 13), (9, 8), (13.5, 5.5), *_arc(15.8, 9, 4.2, -110, 120)]
_SWELL = [(2, 19), (5, 17), (8, 10), (13, 6.5), *_arc(14, 10, 3.5, -90, 90)]
_SMOKE = [[(x + 1.8 * math.sin((y - 3) / 5.5 * math.pi), y) for y in range(3, 19)] for x in (6.5, 12, 17.5)]
_BARRIER = "2.5,8 21.5,8 21.5,14.5 2.5,14.5 2.5,8 / 6,14.5 6,20.5 / 18,14.5 18,20.5"

_DRAWN: Mapping[Hazard, Pictogram] = {
    Hazard.WIND: Pictogram(
        (
            [(2, 8.5), (10, 8.5), *_arc(10, 5.8, 2.7, 90, -150)],
            [(2, 12.5), (17.5, 12.5), *_arc(17.5, 9.2, 3.3, 90, -150)],
            [(2, 16.5), (12.5, 16.5), *_arc(12.5, 19.2, 2.7, -90, 150)],
        )
    ),
    Hazard.RAIN_FLOOD: Pictogram(
        (_cloud(0.5), *([(x, 14.6), (x - 1.2, 17.4)] for x in (8, 12.6, 17.2)), _wave(21.2)),
    ),
    Hazard.FLOOD: Pictogram(
        (*_lines("3.5,10.5 12,3.5 20.5,10.5 / 6.5,8.5 6.5,14 / 17.5,8.5 17.5,14"), _wave(17), _wave(21)),
    ),
    Hazard.STORM: Pictogram(
        (_cloud(0.5),), (*_lines("13,11 7.5,18 11.2,18 9.8,23.5 16.5,15.5 12.6,15.5"),)
    ),
    Hazard.SNOW_ICE: Pictogram(tuple(_turned(line, turn) for turn in (0, 60, 120) for line in _FLAKE)),
    Hazard.HEAT: Pictogram(
        (_circle(12, 12, 4.2), *(_turned(_lines("0,-7.6 0,-10.4")[0], 45 * ray) for ray in range(8))),
    ),
    Hazard.COLD: Pictogram(
        (_TUBE, *_lines("14,7 21,7 / 14,11 18,11")),
        (_circle(8, 17, 1.8),),
    ),
    Hazard.AVALANCHE: Pictogram(
        (*_lines("2,20.5 10,4 14,11.5 16.5,8.5 22,20.5 2,20.5"),),
        (_circle(9, 11.5, 1.5), _circle(12.6, 15, 1.8), _circle(8.5, 17, 1.3)),
    ),
    Hazard.COASTAL: Pictogram(
        (_BREAKER, *_lines("14,5.3 11.5,10 12,14 15,16"), _wave(20.5)),
    ),
    Hazard.TSUNAMI: Pictogram(
        (_SWELL, *_lines("17.5,15 20,12.8 22.5,15 / 18.2,15 18.2,19 21.8,19 21.8,15 / 2,22 22,22")),
    ),
    Hazard.DAM: Pictogram(
        (_wave(8, 2, 12), _wave(12.5, 2, 12), _wave(17, 2, 12), *_lines("2,21.5 22,21.5")),
        (*_lines("13,4 16.5,4 20.5,20.5 13,20.5"),),
    ),
    Hazard.FOREST_FIRE: Pictogram(
        (*_lines("7.5,21.5 7.5,18 / 2.5,18 7.5,4 12.5,18 2.5,18"), _flame(17.5, 15.5, 0.85)),
    ),
    Hazard.EVACUATION: Pictogram(
        _lines("13,3.5 4,3.5 4,20.5 13,20.5 / 9.5,12 21,12 / 16.5,7.5 21,12 16.5,16.5"),
    ),
    Hazard.SHELTER: Pictogram((_ROOF, _WALLS, _person(12, 11.5, 0.75)[0]), (_person(12, 11.5, 0.75)[1],)),
    Hazard.INDUSTRIAL: Pictogram(
        _lines("3,20.5 3,10 8.5,13.5 8.5,10 14,13.5 14,4 17.5,4 17.5,20.5 3,20.5 / 20.5,6 20.5,3 / 7,17 14,17"),
    ),
    Hazard.SMOKE: Pictogram(
        (*_SMOKE, *_lines("3,21.5 21,21.5")),
    ),
    Hazard.GAS: Pictogram((_flame(12, 12.5, 1.15), *_lines("12,12 14,15.5 12,18 10,15.5 12,12"))),
    Hazard.QUAKE: Pictogram(
        (*_lines("1.5,12 5.5,12 7.5,6 10.5,19.5 13.5,3.5 16,16 17.8,12 22.5,12"),),
    ),
    Hazard.ATTACK: Pictogram((_OCTAGON, *_lines("12,6.5 12,13")), (_POINT,)),
    Hazard.AIR_QUALITY: Pictogram(
        (_cloud(1),), tuple(_circle(x, y, 1.2) for x, y in ((7, 17), (12, 17), (17, 17), (9.5, 21), (14.5, 21)))
    ),
    Hazard.WATER_QUALITY: Pictogram((_drop(12, 14.8, 6.3), *_lines("9.6,12.6 14.4,17.4 / 14.4,12.6 9.6,17.4"))),
    Hazard.WATER_CUT: Pictogram((*_TAP, _SLASH)),
    Hazard.WATER_CUT_PLANNED: Pictogram((*_TAP, *_lines("19.5,19 19.5,21.5"))),
    Hazard.POWER: Pictogram((), (_BOLT,)),
    Hazard.WORKS: Pictogram(
        _lines("3,20.5 21,20.5 / 6.5,20 11,3.5 13,3.5 17.5,20 / 9.5,9.5 14.5,9.5 / 8,15 16,15"),
    ),
    Hazard.ROAD: Pictogram(
        _lines(f"{_BARRIER} / 5.5,14.3 10,8.2 / 11,14.3 15.5,8.2 / 16.5,14.3 20.5,9"),
    ),
    Hazard.SCHOOL: Pictogram(
        _lines("1.5,9.5 12,4.5 22.5,9.5 12,14.5 1.5,9.5 / 6,12 6,17 12,19.5 18,17 18,12 / 22,10 22,16"),
    ),
    Hazard.MISSING: Pictogram(
        (_person(9, 6.5)[0], *_lines("9,15.5 5,15.5 / 19.2,18.2 22,21"), _circle(16.5, 15.5, 3.6)),
        (_person(9, 6.5)[1],),
    ),
    Hazard.GENERAL: Pictogram((_circle(12, 12, 9.5), *_lines("12,11.5 12,17")), (_circle(12, 7.5, 1.4),)),
}  # fmt: skip
