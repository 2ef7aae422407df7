"""The town's places, without asking anybody: the street of a point, the point of an address, its district.

The addresses are the town's own rows of a file of the Base Adresse Nationale (`addresses.py` reads it); without one
there are the districts alone. Points are stored by squares of `_REACH`, so the nearest address is searched in nine of
them. Words are compared without case, accents, little words and people's abbreviations ("av. du Gal de Gaulle").
Distances are measured on a plane that touches the earth between the two points, which is exact to a metre within a
town.

The public never gets an exact place but the middle of a square of the grid (`coarse`): the grid is the same for
everybody at all times, so many reports of one place reveal no more about it than one.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property

from alerts.desk.territory import district_at, ground_of
from alerts.model.alert import Point
from alerts.model.hazard import fold
from alerts.model.reason import Reason
from alerts.model.town import District

CELL = 100.0
"""Metres of a side of the grid's squares."""
_METRES = 111_320.0  # of a degree of latitude
# Metres within which an address names the street of a point.
_REACH = 75.0
# Metres around an address that count as the town, without districts.
_AROUND = 500.0
# Metres by which a telephone's position may err.
_BORDER = 100.0
_LONGEST_ASKED = 200
_MOST_WORDS = 10
# Of what is misspelt: words of an address, letters of a word, words that share three letters with it, words that are
# then compared letter by letter, streets that have a word, and words that are remembered with what they are like.
_MOST_COMPARED, _LONGEST_COMPARED, _MOST_LOOKED_AT, _MOST_MEASURED = 3, 24, 1000, 6
# Streets that share a word too common to distinguish them, and words whose likest are cached.
_MOST_HAVING, _MOST_REMEMBERED = 200, 2000


def metres(one: Point, other: Point) -> float:
    """How far apart two points are, (latitude, longitude) in degrees."""
    north = (other[0] - one[0]) * _METRES
    east = (other[1] - one[1]) * _METRES * math.cos(math.radians((one[0] + other[0]) / 2))
    return math.hypot(north, east)


def coarse(lat: float, lon: float) -> Point:
    """The middle of the square of the grid that a point lies in, to 5 decimals: its place as everybody may see it.

    Squares have `CELL` metres a side: rows begin at the equator, and in each row columns at longitude 0.
    """
    row, column, wide = _square(lat, lon, CELL)
    return round((row + 0.5) * CELL / _METRES, 5), round((column + 0.5) * wide, 5)


def _square(lat: float, lon: float, side: float) -> tuple[int, int, float]:
    """Row and column of a point's square, and how many degrees wide the squares of that row are."""
    row = math.floor(lat * _METRES / side)
    middle = math.radians((row + 0.5) * side / _METRES)
    # At a pole a degree has no length: the columns are kept finite there.
    wide = side / (_METRES * max(math.cos(middle), 0.001))
    return row, math.floor(lon / wide), wide


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that was found, and how it is called: an address, or a street alone."""

    words: str
    point: Point


@dataclass(frozen=True, slots=True)
class Address:
    """An address: the place of its street in the list, and its number with what follows it, "12 bis" (may be empty)."""

    street: int
    number: str
    point: Point


@dataclass
class Places:
    """The places of a town. `trouble` is why its file of addresses couldn't be read: then it is as without one."""

    districts: Sequence[District] = ()
    streets: Sequence[str] = ()
    addresses: Sequence[Address] = ()
    trouble: Reason | None = None
    _found: Mapping[tuple[str, ...], int] = field(init=False, repr=False)
    _squares: Mapping[tuple[int, int], Sequence[int]] = field(init=False, repr=False)
    _compared: dict[str, list[str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        # Reversed, so that of equal keys the first street counts.
        self._found = {street_key(name): place for place, name in reversed(list(enumerate(self.streets)))}
        squares: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, address in enumerate(self.addresses):
            squares[_square(*address.point, _REACH)[:2]].append(place)
        self._squares = dict(squares)

    def nearest(self, lat: float, lon: float) -> str | None:
        """The address within 75 m that is nearest, "12 bis rue Pasteur": for those on duty."""
        address = self._nearest((lat, lon))
        return self._called(address) if address else None

    def street(self, lat: float, lon: float) -> str | None:
        """Return the street of the nearest address within 75 m: it reveals no house."""
        address = self._nearest((lat, lon))
        return self.streets[address.street] if address else None

    def _nearest(self, point: Point) -> Address | None:
        return min(self._within(point, _REACH), key=lambda address: metres(address.point, point), default=None)

    def _within(self, point: Point, reach: float) -> Iterator[Address]:
        far = math.ceil(reach / _REACH)
        row, _, _ = _square(*point, _REACH)
        for each in range(row - far, row + far + 1):
            # The squares of another row are a little wider or narrower, so its columns begin elsewhere.
            wide = _square((each + 0.5) * _REACH / _METRES, 0.0, _REACH)[2]
            column = math.floor(point[1] / wide)
            for beside in range(column - far, column + far + 1):
                addresses = (self.addresses[place] for place in self._squares.get((each, beside), ()))
                yield from (address for address in addresses if metres(address.point, point) <= reach)

    def _called(self, address: Address) -> str:
        return f"{address.number} {self.streets[address.street]}".strip()

    # --- by words ---------------------------------------------------------------------------------------------------

    def find(self, text: str) -> Spot | None:
        """The place that somebody means: an address where its number is known, else the middle of the street.

        Where a street has no address of that number the one next to it gives the point, and the words are the street's.
        """
        number, words = _asked(text)
        street = self._street(words)
        if street is None:
            return None
        addresses = self._of_street[street]
        if number and (exact := _numbered_so(addresses, number)):
            return Spot(self._called(exact), exact.point)
        return Spot(self.streets[street], (_beside(addresses, number) or _middle(addresses)).point)

    def suggestions(self, text: str, most: int = 5) -> tuple[str, ...]:
        """Streets that somebody may have meant who isn't understood, the likeliest first."""
        _, words = _asked(text)
        unknown = sorted((word for word in words if word not in self._words), key=len, reverse=True)
        near = (near for word in unknown[:_MOST_COMPARED] for near in self._like(word))
        wanted = {*words, *near}
        counts: dict[int, int] = defaultdict(int)
        for word in wanted:
            having = self._words.get(word, ())
            # What hundreds of streets have, as "rue", tells of none.
            for street in having if len(having) <= _MOST_HAVING else ():
                counts[street] += 1
        best = sorted(counts, key=lambda street: (-counts[street], len(self.streets[street]), street))
        return tuple(dict.fromkeys(self.streets[street] for street in best[:most]))

    def _like(self, word: str) -> list[str]:
        """Return the town's two street words most similar to an unknown one; none if none is similar.

        Of an index by three letters so little is read, whatever the word is, that a form costs a millisecond.
        """
        found = self._compared.get(word)
        if found is None:
            shared: dict[str, int] = defaultdict(int)
            looked_at = 0
            # What few words have tells most, and what all have would take the longest.
            for three in sorted(_threes(word[:_LONGEST_COMPARED]), key=lambda each: len(self._having.get(each, ()))):
                having = self._having.get(three, ())
                looked_at += len(having)
                if looked_at > _MOST_LOOKED_AT:
                    break
                for known in having:
                    shared[known] += 1
            likest = sorted(shared, key=lambda known: (-shared[known], abs(len(known) - len(word)), known))
            found = get_close_matches(word[:_LONGEST_COMPARED], likest[:_MOST_MEASURED], 2, 0.75)
            if len(self._compared) >= _MOST_REMEMBERED:
                self._compared.clear()
            self._compared[word] = found
        return found

    @cached_property
    def _having(self) -> Mapping[str, Sequence[str]]:
        """The words of the streets' names that have three letters in a row, by these."""
        words: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            for three in _threes(word):
                words[three].append(word)
        return dict(words)

    def _street(self, words: tuple[str, ...]) -> int | None:
        """The street of exactly these words, else the only one that has them all, as in "pasteur"."""
        if not words:
            return None
        if (exact := self._found.get(words)) is not None:
            return exact
        having = [set(self._words.get(word, ())) for word in words]
        among = set.intersection(*having)
        return among.pop() if len(among) == 1 else None

    @cached_property
    def _of_street(self) -> Mapping[int, Sequence[Address]]:
        addresses: dict[int, list[Address]] = defaultdict(list)
        for address in self.addresses:
            addresses[address.street].append(address)
        return dict(addresses)

    @cached_property
    def _words(self) -> Mapping[str, Sequence[int]]:
        """The streets that have a word in their names."""
        streets: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self.streets):
            for word in dict.fromkeys(street_key(name)):
                streets[word].append(place)
        return dict(streets)

    # --- the town's ground ------------------------------------------------------------------------------------------

    def district_of(self, lat: float, lon: float) -> District | None:
        """The district on whose ground a point lies; on a border, the first of the two in the file."""
        return district_at(self.districts, lat, lon)

    def is_here(self, lat: float, lon: float) -> bool:
        """True if a point is the town's: up to 100 m outside its districts, where telephones err.

        Of a town without districts: up to 500 m from one of its addresses; without those either, everywhere is.
        """
        if self.districts:
            return self.district_of(lat, lon) is not None or any(
                _distance(district, lat, lon) <= _BORDER for district in self.districts
            )
        return not self.addresses or next(self._within((lat, lon), _AROUND), None) is not None


def _distance(district: District, lat: float, lon: float) -> float:
    """Metres from a point to a district's ground, which is near."""
    return metres(ground_of(district).nearest(lat, lon), (lat, lon))


# --- words ---------------------------------------------------------------------------------------------------------

# A house number with its French suffix.
_NUMBER = re.compile(r"(\d{1,5}) ?(bis|ter|quater|[a-fqt](?![a-z']))?(?![a-z0-9])[ ,]*")
# "12 rue Pasteur, 38420 Saint-Martin": the town follows its code, and is left out.
_TOWN = re.compile(r"[ ,]+\d{5}\b.*")
_SHORT = {
    "all": "allee",
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "bvd": "boulevard",
    "boul": "boulevard",
    "ch": "chemin",
    "che": "chemin",
    "chem": "chemin",
    "dr": "docteur",
    "fbg": "faubourg",
    "fg": "faubourg",
    "gal": "general",
    "gen": "general",
    "imp": "impasse",
    "mal": "marechal",
    "pl": "place",
    "prof": "professeur",
    "pt": "pont",
    "qu": "quai",
    "r": "rue",
    "res": "residence",
    "rte": "route",
    "sq": "square",
    "st": "saint",
    "ste": "sainte",
}
_AFTER = {"b": "bis", "t": "ter", "q": "quater"}
# Words that people leave out of a street's name.
_LITTLE = frozenset({"a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "sur", "the"})


def street_key(name: str) -> tuple[str, ...]:
    """The words that a street is known by, in their order; of what is longer than any name, the first ones."""
    words = [_SHORT.get(word, word) for word in re.findall(r"\w+", fold(name))]
    return tuple(word for word in words if word not in _LITTLE)[:_MOST_WORDS] or tuple(words[:_MOST_WORDS])


def _asked(text: str) -> tuple[str, tuple[str, ...]]:
    """The number that somebody typed, and the words of the street."""
    plain = _TOWN.sub("", fold(" ".join(text[:_LONGEST_ASKED].split())))
    number = _NUMBER.match(plain)
    if number is None:
        return "", street_key(plain.partition(",")[0])
    rest = plain[number.end() :].partition(",")[0]
    return " ".join(part for part in number.groups() if part), street_key(rest)


def _threes(word: str) -> frozenset[str]:
    """Return the trigrams of a word; its beginning and its end count as letters."""
    padded = f" {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _numbered_so(addresses: Sequence[Address], number: str) -> Address | None:
    """The address of that number; "12 b" is also 12 bis, where there is no 12 B."""
    # Reversed, so that of equal numbers the first address counts.
    known = {fold(address.number): address for address in reversed(addresses)}
    figure, _, after = number.partition(" ")
    return known.get(number) or known.get(f"{figure} {_AFTER.get(after, after)}")


def _figure(number: str) -> int:
    return int(number.partition(" ")[0] or 0)


def _beside(addresses: Sequence[Address], number: str) -> Address | None:
    """The address whose number is next to that one, on the same side of the street if it can be."""
    if not number:
        return None
    wanted = _figure(number)
    # Two addresses on its own side stand nearer than the next one across the street.
    distances = {address: abs(_figure(address.number) - wanted) for address in addresses if address.number}
    return min(distances, key=lambda address: distances[address] + 3 * (distances[address] % 2), default=None)


def _middle(addresses: Sequence[Address]) -> Address:
    """The address next to the middle of all: a street that bends has no middle of its own on it."""
    middle = (
        sum(address.point[0] for address in addresses) / len(addresses),
        sum(address.point[1] for address in addresses) / len(addresses),
    )
    return min(addresses, key=lambda address: metres(address.point, middle))
