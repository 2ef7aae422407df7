"""Clusters on their way to a draft: each source once, the fuller circle first, nothing that an alert cites already."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.model.reports import ClusterRule, Telling
from alerts.reports.clusters import growing, growing_now
from tests.unit.reports.conftest import START, north

RULE = ClusterRule(count=5, radius=500.0, span=timedelta(minutes=60))


def telling(number: int, metres: float, source: str | None = None) -> Telling:
    lat, lon = north(metres)
    return Telling(f"r{number}", lat, lon, START - timedelta(minutes=number), source or f"s{number}")


def test_it_counts_each_source_once_and_says_since_when():
    [found] = growing("flooding", [telling(0, 0), telling(1, 100), telling(2, 200, "s1"), telling(3, 400)], RULE)
    assert (found.sources, found.count, found.radius) == (3, 5, 500.0)
    assert found.reports == ("r0", "r1", "r2", "r3")
    assert found.since == START - timedelta(minutes=3)


@pytest.mark.parametrize("tellings", [[], [telling(0, 0)], [telling(0, 0, "s"), telling(1, 10, "s")]])
def test_what_one_alone_told_is_none(tellings):
    assert growing("flooding", tellings, RULE) == []


def test_those_far_from_one_another_are_apart_the_fuller_first():
    near = [telling(0, 0), telling(1, 100)]
    far = [telling(2, 5000), telling(3, 5100), telling(4, 5200)]
    found = growing("flooding", [*near, *far], RULE)
    assert [each.reports for each in found] == [("r2", "r3", "r4"), ("r0", "r1")]


def test_no_telling_counts_in_two():
    found = growing("flooding", [telling(number, 300.0 * number) for number in range(6)], RULE)
    told = [name for each in found for name in each.reports]
    assert len(told) == len(set(told))


async def test_what_a_draft_cites_grows_no_more(reports):
    kinds = reports.town.reports.kinds
    for number in range(4):
        await reports.report(place=north(50 * number))
    [found] = await reports.ask(lambda unit: growing_now(unit, kinds, unit.now))
    assert (found.kind, found.sources) == ("flooding", 4)
    await reports.report(place=north(250))
    assert await reports.ask(lambda unit: growing_now(unit, kinds, unit.now)) == []


async def test_what_alerts_cite_takes_no_room_from_what_grows(reports):
    kinds = reports.town.reports.kinds
    for number in range(2):
        await reports.report(place=north(1000 + 50 * number))
    await reports.clock.advance(60)
    for number in range(8):
        await reports.report(place=north(50 * number - 700))
    [older] = await reports.ask(lambda unit: growing_now(unit, kinds, unit.now, most=6))
    assert older.sources == 2
