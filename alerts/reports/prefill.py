"""What a report begins with that an officer makes of somebody's words: the kind they tell of, and the street they name.

It is a first guess for a person to look at: where nothing is found, nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from alerts.model.alert import Info
from alerts.model.hazard import Hazard, fold, hazard_of
from alerts.model.reports import ReportKind
from alerts.reports.places import Places, Spot, street_key

_LOOKED_AT = 1000
"""Characters of what somebody said that are looked at."""
_STEM = 5
# Words of the kinds' names that are said of any place, or of anything.
_COMMON = frozenset({"street", "route", "other", "autre"})
# What people call it, beside the kind's own names, by the codes of the kinds that ship.
_ALSO: Mapping[str, Sequence[str]] = {
    "road": ("nid de poule", "trou", "chaussee", "trottoir", "pothole"),
    "lighting": ("lampadaire", "reverbere", "lumiere", "eclairage", "lamp"),
    "waste": ("poubelle", "ordure", "depot", "encombrant", "rubbish", "litter"),
    "tree": ("branche", "tronc", "branch"),
    "water": ("fuite", "coupure d eau", "plus d eau", "canalisation", "burst pipe", "no water"),
    "flooding": ("inonde", "sous l eau", "l eau monte", "under water", "flooded"),
    "noise": ("bruit", "vacarme", "tapage"),
}
_STREET = re.compile(
    r"(?:\d{1,4}(?: ?(?:bis|ter|quater))?,? )?\b(?:rue|avenue|av|boulevard|bd|place|pl|quai|chemin|impasse|allee|route|"
    r"square|cours|passage|pont|montee|esplanade|promenade|street|road)\b\.?(?: [\w'-]+){1,6}"
)


def kind_in(text: str, kinds: Iterable[ReportKind]) -> ReportKind | None:
    """The kind that these words are most about; None where they name none. One at which the form ends is none."""
    said = f" {' '.join(re.findall(r'[a-z0-9]+', fold(text[:_LOOKED_AT])))} "
    open_ones = [kind for kind in kinds if kind.stop is None]
    named = {kind.code: _named(kind, said) for kind in open_ones}
    best = max(open_ones, key=lambda kind: named[kind.code], default=None)
    if best is not None and named[best.code]:
        return best
    hazard = hazard_of(Info(text[:_LOOKED_AT]))
    return next((kind for kind in open_ones if kind.hazard is hazard and hazard is not Hazard.GENERAL), None)


def _named(kind: ReportKind, said: str) -> int:
    """How many of its words are said; what people call it counts as its names do."""
    names = [
        word
        for name in kind.names.values()
        for word in re.findall(r"[a-z]+", fold(name))
        if len(word) >= _STEM and word not in _COMMON
    ]
    return sum(f" {word[:_STEM]}" in said for word in {*names}) + sum(
        f" {each}" in said for each in _ALSO.get(kind.code, ())
    )


def place_in(text: str, places: Places) -> Spot | None:
    """The address or the street that these words name, if the town has it."""
    for found in _STREET.finditer(fold(text[:_LOOKED_AT])):
        words = found[0].split()
        # The street's name may be shorter than what was taken for it: "rue Pasteur est sous l'eau".
        for end in range(len(words), 1, -1):
            wanted = " ".join(words[:end])
            # "Rue" alone would be the only street of a village.
            if len(street_key(wanted.lstrip("0123456789 ,"))) > 1 and (spot := places.find(wanted)) is not None:
                return spot
    return None
