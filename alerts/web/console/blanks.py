"""The blanks of a prepared text as fields of the form: `{lieu}`, `{itinéraire}`, `{n°}`.

The text keeps its blanks and can be edited as before. The value of one is a field of its own, `blank:` and its name,
below its text. When the words are read, `form.told` combines the two; so it works without scripts, and a text of
another severity finds the values that were typed already.

An officer is offered the town's own choices (`[station.blanks]`, and `numbers` for a number to call), then those of its
last alerts of the hazard. A number to call is filled in from the start, and so is a single choice of the town. A value
of the last alert is offered but never filled in: nobody may be sent to a place that was safe then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.model.incident import Typed
from alerts.model.town import Town
from alerts.rendering.plain import blanks, name_of
from alerts.web.console.form import BLANK, WITH_BLANKS, Fields, text

# Names of blanks for telephone numbers.
_NUMBERS = frozenset(("n°", "numéro", "number"))
MOST_OFFERED = 12


@dataclass(frozen=True, slots=True)
class Blank:
    """One blank: its text, its number on the page, its name, its value and the choices.

    Each choice has the words to recognise it, and its values by the blanks' names: an alert's place comes with its
    route. `is_number` selects a telephone's numeric keys.
    """

    within: str
    number: int
    name: str
    value: str
    offers: Sequence[tuple[str, Mapping[str, str]]] = ()
    is_number: bool = False


def blanks_in(fields: Fields) -> dict[str, str]:
    """The names of the blanks, in the order of typing, and the text that each is in first."""
    found: dict[str, str] = {}
    for within in WITH_BLANKS:
        for blank in blanks(text(fields, within)):
            found.setdefault(name_of(blank), within)
    return found


def form_blanks(fields: Fields, town: Town, last: Sequence[Mapping[str, str]] = ()) -> tuple[Blank, ...]:
    """The fields of the form's blanks; `last` is what alerts of the same hazard had, newest first."""
    return tuple(
        Blank(within, number, name, text(fields, BLANK + name), _offers(name, town, last), name.lower() in _NUMBERS)
        for number, (name, within) in enumerate(blanks_in(fields).items(), start=1)
    )


def with_usual(fields: Fields, town: Town) -> dict[str, Typed]:
    """The form with what is sure in the blanks that nobody came by yet; one that was emptied stays empty."""
    sure = {
        BLANK + name: given[0] for name in blanks_in(fields) if (given := _given(name, town)) and _is_sure(name, given)
    }
    return {**sure, **fields}


def left_in(fields: Fields) -> int:
    """The number of the first blank that nothing is typed for; 0 where there is none."""
    return next((each.number for each in form_blanks(fields, Town("")) if not each.value), 0)


def _is_sure(name: str, given: Sequence[str]) -> bool:
    return len(given) == 1 or name.lower() in _NUMBERS


def _given(name: str, town: Town) -> Sequence[str]:
    own = (town.blanks or {}).get(name, ())
    if own or name.lower() not in _NUMBERS:
        return own
    return [each.rpartition(":")[2].strip() for each in town.numbers]


def _offers(name: str, town: Town, last: Sequence[Mapping[str, str]]) -> Sequence[tuple[str, Mapping[str, str]]]:
    offered: dict[str, Mapping[str, str]] = {each: {name: each} for each in _given(name, town)}
    for filling in last:
        if filling.get(name):
            offered.setdefault(filling[name], filling)
    return list(offered.items())[:MOST_OFFERED]
