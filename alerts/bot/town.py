"""The town as the bot speaks of it, and what is on there: never a bare "nothing", but how old that knowledge is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from alerts.bot.reply import LONGEST_TEXT, length_of, link, safe, words_of
from alerts.desk.territory import District
from alerts.rendering.i18n import Words

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True)
class On:
    """What is on, in one language: its title, what to know in two lines, and its page (None: there is none)."""

    title: str
    summary: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A source, when it was last read well, and whether that is too long ago."""

    title: str
    last_ok: datetime | None
    stale: bool = False


@dataclass(frozen=True)
class Town:
    """All that the conversation knows: the station, its districts, what is on, and how fresh that knowledge is.

    `language` is the station's tag; `on` has a list for each language. `page` is the town's own page.
    """

    name: str
    language: str = "fr-FR"
    zone: tzinfo = UTC
    districts: tuple[District, ...] = ()
    on: Mapping[str, Sequence[On]] = field(default_factory=dict)
    sources: Sequence[Fresh] = ()
    page: str | None = None

    def district(self, key: str) -> District | None:
        """The district of that `key_of`; None where the boundary file has none any more."""
        return next((each for each in self.districts if key_of(each.code) == key), None)

    def around(self, latitude: float, longitude: float) -> District | None:
        """The district on whose ground a place lies."""
        # shapely takes 60 ms to import: only who sends a place pays.
        from shapely.geometry import Point  # noqa: PLC0415

        place = Point(longitude, latitude)
        return next((each for each in self.districts if _ground(each).covers(place)), None)

    def names(self, codes: frozenset[str]) -> list[str]:
        """The names of districts in the order of the boundary file; of one that is gone, its code."""
        known = {each.code: each.name for each in self.districts}
        there = [name for code, name in known.items() if code in codes]
        return there + sorted(codes - known.keys())


@lru_cache(maxsize=2048)
def _ground(district: District) -> BaseGeometry:
    """Its outline, made ready once: a hundred detailed ones take a second, for which everything else would wait."""
    from shapely import make_valid, prepare  # noqa: PLC0415
    from shapely.geometry import shape  # noqa: PLC0415

    ground = make_valid(shape(dict(district.outline)))
    prepare(ground)
    return ground


def key_of(code: str) -> str:
    """A district's code as short as a button's data must be, whatever its length."""
    return hashlib.sha256(code.encode()).hexdigest()[:10]


MOST = 10
"""Incidents that one message tells of; the town's page has them all."""
_LONGEST_TITLE = 150
_LONGEST_SUMMARY = 200
_LONGEST_NAME = 80
# Units left for the word that there are more.
_SPARE = 100


def tell_now(town: Town, language: str, now: datetime, foot: str = "") -> str:
    """What is on in the town, worst first, then how fresh each source is; `foot` is said at the end."""
    words = words_of(language)
    on = town.on.get(language) or next(iter(town.on.values()), ())
    clock = f"{now.astimezone(town.zone):%H:%M}"
    rest = [_freshness(each, town, words) for each in town.sources[:MOST]]
    below = ["\n".join(rest)] if rest else []
    if town.page:
        below.append(link(words.gettext("The town's page"), town.page))
    if foot:
        below.append(foot)
    if not on:
        lines = [words.gettext("Nothing is on in <b>%(town)s</b> (%(time)s).", town=safe(town.name), time=clock)]
    else:
        lines = [words.gettext("<b>%(town)s</b>, now (%(time)s):", town=safe(town.name), time=clock)]
        told = _fitting([_line(each) for each in on[:MOST]], beside=[*lines, *below])
        lines += told
        if len(on) > len(told):
            lines.append(words.ngettext("and %(n)s more", "and %(n)s more", len(on) - len(told)))
    return "\n\n".join([*lines, *below])


def _fitting(told: Sequence[str], beside: Sequence[str]) -> list[str]:
    """As many, from the first on, as one message holds with what else it says."""
    # What is worst stands first, so what doesn't fit is what matters least; the page has all of it.
    room, fitting = LONGEST_TEXT - _SPARE - sum(length_of(each) + 2 for each in beside), []
    for each in told:
        room -= length_of(each) + 2
        if room < 0:
            break
        fitting.append(each)
    return fitting


def _line(on: On) -> str:
    title = safe(_short(on.title, _LONGEST_TITLE))
    named = f"<b>{title}</b>" if on.url is None else f"<b>{link(_short(on.title, _LONGEST_TITLE), on.url)}</b>"
    return f"• {named}\n{safe(_short(on.summary, _LONGEST_SUMMARY))}".rstrip()


def _freshness(source: Fresh, town: Town, words: Words) -> str:
    name = safe(_short(source.title, _LONGEST_NAME))
    if source.last_ok is None:
        return words.gettext("⚠ %(source)s: not read yet", source=name)
    clock = f"{source.last_ok.astimezone(town.zone):%d/%m %H:%M}"
    if source.stale:
        return words.gettext("⚠ %(source)s: not read since %(time)s, there may be more", source=name, time=clock)
    return words.gettext("%(source)s: read %(time)s", source=name, time=clock)


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
