"""The common parts of the desk's pages and the public ones: their words, and Leaflet's files.

A page is written in English, and read in the language that its reader requests: `alerts.rendering.i18n` reads the
catalogues of `locale/<language>/*.po`, `best_of` chooses. Every value in a page passes `in_sight`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from alerts.model.bounds import shown
from alerts.rendering.i18n import SOURCE


def languages_in(folder: Path) -> tuple[str, ...]:
    """Return the languages of pages with the sentences of `folder`."""
    return (SOURCE, *sorted(each.name for each in folder.iterdir() if each.is_dir()))


def best_of(known: Sequence[str], accepted: str | None, station: str) -> str:
    """The first language of an `Accept-Language` header that there is, else the station's, else English."""
    # Of equals the first wins: a reader's own language stands first in what browsers send.
    ranked = sorted((_ranked(part, place) for place, part in enumerate((accepted or "").split(","))), reverse=True)
    wanted = [language for quality, _, language in ranked if quality > 0]
    return next((one for one in [*wanted, station.split("-", maxsplit=1)[0].lower()] if one in known), SOURCE)


def _ranked(part: str, place: int) -> tuple[float, int, str]:
    """Its quality (RFC 9110, 12.5.4), then its place, then its primary subtag."""
    tag, _, quality = part.partition(";q=")
    try:
        weight = float(quality) if quality else 1.0
    except ValueError:
        weight = 0.0
    return weight, -place, tag.strip().split("-")[0].lower()


def in_sight(value: Any) -> Any:
    """Return a page's value with invisible characters written out: Jinja's `finalize` for every page.

    A bidirectional control in somebody's text would reorder the words around it, ours too, and a zero-width blank makes
    two names appear equal: the reader sees that it is there, and no browser obeys it.
    """
    if not isinstance(value, str):
        return value
    safe = shown(str(value))
    if safe == value:
        return value
    return Markup(safe) if isinstance(value, Markup) else safe  # noqa: S704 it was markup before, and is no other now


# An attribute with a path from the root; `//` would be another host.
_LEADS = r'(\b(?:href|src|action|formaction|data-[a-z-]+)=")(?=/(?!/))'


def below(mount: str, page: str) -> str:
    """Return a page of ours with its links below `mount`, a fleet's path for this town.

    It is empty for a town with a host of its own. Pages are written as if at the server's root, and every link in them
    is an attribute that begins with a slash: so none can be forgotten, and no template knows of it. A whole address
    written without a host (`Setting.address`) is below it already.
    """
    return re.sub(rf"{_LEADS}(?!{re.escape(mount)}/)", rf"\g<1>{mount}", page) if mount else page


@cache
def leaflet_files() -> Mapping[str, Path]:
    """Return Leaflet's script, style and pictures by their name below `leaflet/`, and the code for a town's own map.

    They come from the package that includes them: a page that fetched its map from elsewhere would reveal its readers.
    """
    marker = "leaflet/data/"
    ours = {"leaflet/pmtiles.js": Path(__file__).with_name("pmtiles.js")}
    return ours | {
        f"leaflet/{path.as_posix().split(marker, 1)[1]}": Path(str(path.locate()))
        for path in files("xstatic-leaflet") or ()
        if marker in path.as_posix() and path.suffix in (".js", ".css", ".png") and "-src" not in path.name
    }
