"""A pictogram for each hazard: the same lines on pages, as SVG, on cards, drawn by Pillow, and on notifications.

A pictogram is strokes and filled shapes on a square of 24 by 24 units, y downwards, drawn for this project: a file of
`drawings`, named after its hazard, of straight lines alone (`M`, `L`, and `z` for filled shapes). Strokes are two units
wide with round ends, so that all have one style and differ at 24 pixels. None is used alone: each is accompanied by its
hazard in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.hazard import Hazard

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE = 24
"""Units of the square that a pictogram is drawn in."""
STROKE = 2.0
"""Units that a stroke is wide."""
_Point = tuple[float, float]
_DRAWINGS = Path(__file__).with_name("drawings")
_PATH = re.compile(r'<path d="([^"]*)" fill="([^"]*)"')


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
        """The content of an `svg` element of 24 by 24 units: its colour is the text's (`currentColor`)."""
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
    """Return the hazard's own, else that of anything."""
    file = _DRAWINGS / f"{hazard.value}.svg"
    return _read(file if file.is_file() else _DRAWINGS / f"{Hazard.GENERAL.value}.svg")


def _path(points: Sequence[_Point]) -> str:
    return "M" + "L".join(f"{round(x, 1):g} {round(y, 1):g}" for x, y in points)


def _read(file: Path) -> Pictogram:
    strokes: list[list[_Point]] = []
    filled: list[list[_Point]] = []
    for path, fill in _PATH.findall(file.read_text(encoding="utf-8")):
        lines = strokes if fill == "none" else filled
        lines += [[_point(each) for each in line.rstrip("z").split("L")] for line in path.split("M")[1:]]
    return Pictogram(strokes, filled)


def _point(text: str) -> _Point:
    x, y = text.split()
    return float(x), float(y)
