"""The few files beside the pages, each under an address that holds its content's digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from alerts.web.leaflet import leaflet_files
from alerts.web.public.answers import Answer, answer

PREFIX = "/static"
FOR_EVER = 365 * 24 * 3600
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_HERE = Path(__file__).with_name("static")


@cache
def static_files() -> Mapping[str, Path]:
    """Our own files and Leaflet's, by name."""
    own = {file.name: file for file in _HERE.iterdir() if file.suffix in KINDS}
    return own | {name: file for name, file in leaflet_files().items() if file.suffix in KINDS}


@cache
def static_path(name: str) -> str:
    """The path of a file: what Leaflet's style names relatively keeps its name, all else has its digest."""
    if name.startswith("leaflet/"):
        return f"{PREFIX}/{name}"
    digest = hashlib.sha256(static_files()[name].read_bytes()).hexdigest()[:12]
    stem, _, suffix = name.rpartition(".")
    return f"{PREFIX}/{stem}.{digest}.{suffix}"


def _freshness(name: str) -> int:
    """For ever where the address tells the content; an upgrade of Leaflet is seen within the hour."""
    return 3600 if name.startswith("leaflet/") else FOR_EVER


def static_answers() -> dict[str, Answer]:
    """Every file as an answer, by path."""
    answers = {
        static_path(name): answer(file.read_bytes(), KINDS[file.suffix], fresh_for=_freshness(name))
        for name, file in static_files().items()
    }
    icon = answers[static_path("favicon.svg")]
    return answers | {"/favicon.svg": answer(icon.body, icon.kind, fresh_for=24 * 3600)}
