"""`/sw.js`: the town's service worker, one file put together of its sections. It stands at the root, for all pages.

A section is a script of its own in `static/`; each listens for its own events, and none knows of another. Who answers a
request first has answered it: so the pages' section, which answers for every file, stands before that of the form for
reports. A browser asks for the file again at each visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from alerts.model.town import PUSH, Town

WORKER = "/sw.js"
WORKER_HEADERS = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'"}
_HERE = Path(__file__).with_name("static")


def worker_of(town: Town) -> str:
    """The script, with the sections that this town needs."""
    push = ("worker_push.js",) if PUSH in town.channels else ()
    report = ("worker_report.js",) if town.reports is not None else ()
    return _spelled((*push, "worker_page.js", *report))


@cache
def _spelled(sections: Sequence[str]) -> str:
    # Each in a block of its own: a name in one is none in another.
    return "".join(f"{{\n{(_HERE / name).read_text(encoding='utf-8')}}}\n" for name in sections)
