"""What the desk's pages and the public ones share: their words, and Leaflet's files.

A page is written in English, and read in the language that its reader asks for: `alerts.rendering.i18n` reads the
catalogues of `locale/<language>/*.po`, `best_of` chooses. Whatever goes into a page goes through `in_sight`.
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
    """What pages with the sentences of `folder` can be read in."""
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
    """A value on its way into a page, what can't be seen in it written out: Jinja's `finalize` for every page.

    A bidirectional control in somebody's text would turn the words around it, ours too, and a blank without a width
    makes two names look like one: whoever reads the page sees that it is there, and no browser obeys it.
    """
    if not isinstance(value, str):
        return value
    told = shown(str(value))
    if told == value:
        return value
    return Markup(told) if isinstance(value, Markup) else told  # noqa: S704 it was markup before, and is no other now


_LEADS = r'(\b(?:href|src|action|formaction|data-[a-z-]+)=")(?=/(?!/))'


def below(mount: str, page: str) -> str:
    """A page of ours whose links lead below `mount`, where a fleet has this town (empty: it has a host of its own).

    Pages are written as if they stood at the server's root, and every link in them is an attribute that begins with a
    slash: so none can be forgotten, and no template knows of it. A whole address that had to be told without a host
    (`Setting.address`) is below it already.
    """
    return re.sub(rf"{_LEADS}(?!{re.escape(mount)}/)", rf"\g<1>{mount}", page) if mount else page


@cache
def leaflet_files() -> Mapping[str, Path]:
    """Leaflet's script, style and pictures by their name below `leaflet/`, and what draws a town's own map below it.

    From the package that carries them: a page that fetched its map from elsewhere would tell that server who reads it.
    """
    marker = "leaflet/data/"
    ours = {"leaflet/pmtiles.js": Path(__file__).with_name("pmtiles.js")}
    return ours | {
        f"leaflet/{path.as_posix().split(marker, 1)[1]}": Path(str(path.locate()))
        for path in files("xstatic-leaflet") or ()
        if marker in path.as_posix() and path.suffix in (".js", ".css", ".png") and "-src" not in path.name
    }
