"""A dataclass becomes a row and comes back as it was; what an earlier version left empty is the field's default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from alerts.model.reason import Reason, because
from alerts.model.town import Secret
from alerts.store.mapper import Mapper
from tests.unit.store.conftest import NOW


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Kept:
    name: str
    at: datetime
    colour: Colour
    ended_at: datetime | None = None
    why: Reason | None = None
    seed: Secret | None = None
    places: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    memory: Mapping[str, int] = field(default_factory=dict)
    is_on: bool = False
    count: int = 1
    seq: int = 0


MAPPER = Mapper(
    Kept,
    columns={"name": "called"},
    without=("seq",),
    reads={"count": lambda kept: kept // 10},
    writes={"count": lambda count: count * 10},
    folded=lambda kept: kept.name.casefold(),
)


def test_what_is_written_is_read_as_it_was():
    seed, why = Secret("shh"), because("nobody_vetoed")
    kept = Kept("Ada", NOW, Colour.BLUE, NOW, why, seed, ("é", "b"), frozenset({"t"}), {"n": 2}, is_on=True, count=3)
    row = MAPPER.values(kept)

    assert (row["called"], row["folded"], row["count"], row["seed"], row["places"]) == (
        "Ada", "ada", 30, "shh", '["é", "b"]',
    )  # fmt: skip
    assert "seq" not in row
    read = MAPPER.read({**row, "is_on": 1, "seq": 7})
    assert read.seed.reveal() == "shh"
    assert replace(read, seed=seed) == replace(kept, seq=7)


def test_a_column_that_an_earlier_version_left_empty_has_the_default():
    row = MAPPER.values(Kept("Ada", NOW, Colour.RED))
    emptied = dict.fromkeys(("ended_at", "why", "seed", "places", "topics", "memory", "is_on", "count", "seq"))

    assert MAPPER.read({**row, **emptied}) == Kept("Ada", NOW, Colour.RED)
