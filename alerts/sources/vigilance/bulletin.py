"""The two documents of Météo-France's Vigilance, of which one department is read: the map's colours, and the words.

The map (`cartevigilance`) has today's and tomorrow's colours of each phenomenon, hour by hour; the coast is a domain of
its own. The words (`textesvigilance`) are there for departments that are orange or red, and for few others. Only
what is needed is checked: what is wrong with another department is none of ours. Numbers come as texts now and then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alerts.apart.parser import parser
from alerts.model.bounds import read_long_json, table
from alerts.model.errors import Unreadable
from alerts.model.hazard import fold
from alerts.model.reason import because
from alerts.rendering.text import clean, clean_line
from alerts.sources.editions import Colour

MAP, TEXTS = "map of the Vigilance", "bulletin of the Vigilance"
COAST = "10"
"""Behind a department's code: its coast, which has colours of its own for waves."""
MOST_WINDOWS = 2000
"""Of all phenomena of a department together: there are a hundred or two, and each is held against each."""
_WINDOW_BYTES = 300
# Headings under which a bulletin says what to do, as they begin.
_ADVICE = ("conseil", "consigne", "que faire")
# A heading whose section only lists departments.
_NO_HEADING_OF_OURS = ("departements en vigilance",)
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ColourWindow:
    """From when until when a phenomenon has a colour."""

    begin: datetime
    end: datetime
    colour: Colour


@dataclass(frozen=True, slots=True)
class ColourMap:
    """One edition of the map, as one department sees it.

    `until` is the end of its forecast; `windows` are the colours of each phenomenon that isn't green throughout, in
    order, no two of them at the same time.
    """

    updated: datetime
    until: datetime
    windows: Mapping[str, tuple[ColourWindow, ...]]

    def size(self) -> int:
        """About how many bytes it takes."""
        return _WINDOW_BYTES * (1 + sum(map(len, self.windows.values())))


@dataclass(frozen=True, slots=True)
class Bulletin:
    """The forecasters' texts for each phenomenon: its course, and the advice."""

    updated: datetime
    descriptions: Mapping[str, str]
    instructions: Mapping[str, str]

    def size(self) -> int:
        """About how many bytes it takes."""
        return 500 + 2 * sum(map(len, (*self.descriptions.values(), *self.instructions.values())))


class _Published(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True, hide_input_in_errors=True)


class _Lapse(_Published):
    begin_time: AwareDatetime
    end_time: AwareDatetime
    color_id: Colour


class _Phenomenon(_Published):
    phenomenon_id: str
    phenomenon_max_color_id: Colour
    timelaps_items: tuple[_Lapse, ...] = ()


class _Domain(_Published):
    phenomenon_items: tuple[_Phenomenon, ...]


class _Named(_Published):
    model_config = ConfigDict(extra="allow")

    domain_id: str


class _Lapses(_Published):
    domain_ids: tuple[_Named, ...]


class _Period(_Published):
    begin_validity_time: AwareDatetime
    end_validity_time: AwareDatetime
    timelaps: _Lapses


class _MapProduct(_Published):
    update_time: AwareDatetime
    periods: tuple[_Period, ...] = Field(min_length=1, max_length=10)


class _BulletinSection(_Published):
    bold_text: str | None = None
    text: tuple[str | None, ...] = ()


class _Term(_Published):
    subdivision_text: tuple[_BulletinSection, ...] = ()


class _Text(_Published):
    hazard_code: str | None = None
    term_items: tuple[_Term, ...] = ()


class _Item(_Published):
    text_items: tuple[_Text, ...] = ()


class _Bloc(_Published):
    bloc_items: tuple[_Item, ...] = ()


class _TextProduct(_Published):
    update_time: AwareDatetime
    text_bloc_items: tuple[_Named, ...]


@parser("vigilance map", seconds=10)
def read_map(body: bytes, department: str) -> ColourMap:
    """The map as a department sees it. Raises Unreadable for what is none, and where the department isn't on it."""
    product = _checked(_MapProduct, _product(body, MAP), MAP)
    here = [(period, each) for period in product.periods for each in period.timelaps.domain_ids]
    if not any(each.domain_id == department for _, each in here):
        # A department that isn't there isn't green: nobody may be told that it is over.
        raise Unreadable(because("vigilance_without", department=department))
    found: dict[str, list[ColourWindow]] = {}
    for period, each in here:
        if each.domain_id in (department, department + COAST):
            for phenomenon in _checked(_Domain, each.model_dump(), MAP).phenomenon_items:
                found.setdefault(phenomenon.phenomenon_id, []).extend(_windows(phenomenon, period))
    if sum(map(len, found.values())) > MOST_WINDOWS:
        raise Unreadable(because("vigilance_misshapen", what=MAP, place="timelaps_items"))
    windows = {name: joined for name, all_of_it in found.items() if (joined := tuple(_joined(all_of_it)))}
    return ColourMap(product.update_time, max(each.end_validity_time for each in product.periods), windows)


def _windows(phenomenon: _Phenomenon, period: _Period) -> list[ColourWindow]:
    windows = [ColourWindow(each.begin_time, each.end_time, each.color_id) for each in phenomenon.timelaps_items]
    highest = phenomenon.phenomenon_max_color_id
    if max((each.colour for each in windows), default=Colour.GREEN) >= highest:
        return windows
    # Floods have no hours: the whole period has the colour.
    return [ColourWindow(period.begin_validity_time, period.end_validity_time, highest)]


def _joined(windows: Sequence[ColourWindow]) -> Iterator[ColourWindow]:
    """The worst colour at each time, without what is green; what goes on in the same colour is one."""
    times = sorted({time for each in windows for time in (each.begin, each.end)})
    last: ColourWindow | None = None
    # Between two times that are neighbours nothing changes: each such piece has one worst colour.
    for begin, end in pairwise(times):
        colour = max((each.colour for each in windows if each.begin <= begin and end <= each.end), default=Colour.GREEN)
        if last is not None and last.end == begin and last.colour is colour:
            last = ColourWindow(last.begin, end, colour)
            continue
        if last is not None and last.colour > Colour.GREEN:
            yield last
        last = ColourWindow(begin, end, colour)
    if last is not None and last.colour > Colour.GREEN:
        yield last


@parser("vigilance bulletin", seconds=10)
def read_bulletin(body: bytes, department: str) -> Bulletin:
    """Return the texts for a department. Raises Unreadable for a document that is no bulletin."""
    product = _checked(_TextProduct, _product(body, TEXTS), TEXTS)
    descriptions: dict[str, list[str]] = {}
    instructions: dict[str, list[str]] = {}
    for each in product.text_bloc_items:
        if each.domain_id != department:
            continue
        for phenomenon, section in _sections(_checked(_Bloc, each.model_dump(), TEXTS)):
            heading = clean_line(section.bold_text or "").rstrip(" :")
            text = clean("\n".join(line or "" for line in section.text))
            if not text or fold(heading).startswith(_NO_HEADING_OF_OURS):
                continue
            is_advice = fold(heading).startswith(_ADVICE)
            into = (instructions if is_advice else descriptions).setdefault(phenomenon, [])
            paragraph = text if is_advice or not heading else f"{heading}\u00a0: {text}"
            if paragraph not in into:
                into.append(paragraph)
    return Bulletin(product.update_time, _together(descriptions), _together(instructions))


def _sections(bloc: _Bloc) -> Iterator[tuple[str, _BulletinSection]]:
    for item in bloc.bloc_items:
        for text in item.text_items:
            if text.hazard_code:
                yield from (
                    (text.hazard_code, section) for term in text.term_items for section in term.subdivision_text
                )


def _together(paragraphs: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {name: "\n\n".join(each) for name, each in paragraphs.items()}


def _product(body: bytes, what: str) -> Any:
    if (document := read_long_json(body)) is None:
        raise Unreadable(because("vigilance_no_json", what=what))
    return table(document).get("product")


def _checked(model: type[M], value: Any, what: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        place = ".".join(str(each) for each in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise Unreadable(because("vigilance_misshapen", what=what, place=place or "product")) from None
