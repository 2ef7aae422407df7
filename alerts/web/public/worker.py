"""The town's service worker, `/sw.js`: one file combined from its sections. It is at the root, for all pages.

A section is a script of its own in `static/`; each listens for its own events, and none knows of another, but for
`self.nothingSeen`, the answer of last resort. The first section to answer a request wins: so the pages' section, which
answers for every file, precedes that of the form for reports. A browser requests the file again at each visit.

The section of push includes the hazards' pictograms, as paths, with the cards' colours: a notification's picture is
drawn by the telephone. If it was fetched, every alert would send all telephones to the town's server at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from alerts.model.hazard import Hazard
from alerts.model.town import PUSH, Town
from alerts.rendering.card import COLOURS, OVER
from alerts.rendering.pictograms import SIDE, STROKE, pictogram

WORKER = "/sw.js"
WORKER_HEADERS = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self' data:"}
_PUSH = "worker_push.js"
_HERE = Path(__file__).with_name("static")


def worker_of(town: Town) -> str:
    """The script, with the sections that this town needs."""
    push = (_PUSH,) if PUSH in town.channels else ()
    report = ("worker_report.js",) if town.reports is not None else ()
    return _spelled((*push, "worker_page.js", *report))


@cache
def _spelled(sections: Sequence[str]) -> str:
    # Each in a block of its own: a name in one is none in another.
    return "".join(f"{{\n{_section(name)}}}\n" for name in sections)


def _section(name: str) -> str:
    text = (_HERE / name).read_text(encoding="utf-8")
    return f"const SIGNS = {json.dumps(_signs(), separators=(',', ':'))};\n{text}" if name == _PUSH else text


def _signs() -> dict[str, object]:
    """All that a picture is drawn of: each hazard's strokes and filled outlines, and the ground by how grave it is."""
    return {
        "side": SIDE,
        "stroke": STROKE,
        "grounds": {str(severity): colour for severity, colour in COLOURS.items()},
        "over": OVER,
        "drawn": {str(hazard): pictogram(hazard).paths for hazard in Hazard},
    }
