"""Clusters: by examples, and over crowds made by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.model.reports import ClusterRule, Telling
from alerts.reports.clusters import box_around, cluster_of, cluster_with, persons
from alerts.reports.places import metres
from tests.unit.reports.conftest import HERE, METRES

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RULE = ClusterRule()


def told(number: int, source: str, north: float = 0.0, minutes: float = 0.0, before: str | None = None) -> Telling:
    at = START + timedelta(minutes=minutes)
    return Telling(f"r{number}", HERE[0] + north / METRES, HERE[1], at, source, before)


def arriving(crowd, rule=RULE):
    """The cluster that the crowd makes as it comes, one after the other; None where it never does."""
    there = []
    for each in crowd:
        there.append(each)
        if found := cluster_with(each, there, rule):
            return found
    return None


def test_five_sources_make_a_cluster_within_480_metres_and_59_minutes():
    crowd = [told(n, f"s{n}", north=120 * n, minutes=59 / 4 * n) for n in range(5)]
    found = arriving(crowd)
    assert found.sources == 5
    assert found.reports == ("r0", "r1", "r2", "r3", "r4")
    assert (found.since, found.until) == (crowd[0].at, crowd[-1].at)
    assert arriving(crowd[:4]) is None


def test_one_source_is_one_however_often_it_tells():
    assert arriving([told(n, "s") for n in range(5)]) is None
    assert arriving([*[told(n, f"s{n}") for n in range(4)], told(5, "s3")]) is None


def test_a_street_is_no_cluster():
    assert arriving([told(n, f"s{n}", north=600 * n) for n in range(6)]) is None
    # Neither where each is near the next one: what is counted is what is near one of them.
    assert arriving([told(n, f"s{n}", north=300 * n) for n in range(11)]) is None


def test_a_minute_too_long_is_no_cluster():
    assert arriving([told(n, f"s{n}", minutes=61 / 4 * n) for n in range(5)]) is None


def test_never_of_fewer_than_three_sources():
    rule = ClusterRule(count=1)
    assert arriving([told(1, "a"), told(2, "b")], rule) is None
    assert arriving([told(1, "a"), told(2, "b"), told(3, "c")], rule).sources == 3


def test_midnight_makes_nobody_two():
    """Yesterday's digest of one is the second one of today."""
    evening = [told(n, f"mon{n}", minutes=n) for n in range(4)]
    assert arriving([*evening, told(9, "tue3", minutes=10, before="mon3")]) is None
    assert arriving([*evening, told(9, "tue4", minutes=10, before="mon4")]).sources == 5


def test_what_an_officer_said_no_to_counts_no_more():
    crowd = [told(n, f"s{n}") for n in range(5)]
    others = [told(n, f"t{n}") for n in range(5)]
    again = [told(10 + n, f"s{n}", minutes=5) for n in range(5)]
    assert cluster_with(again[-1], again, RULE, crowd) is None
    assert cluster_with(others[-1], [*again, *others], RULE, crowd).sources == 5


def test_a_box_holds_what_is_near():
    for place in (HERE, (-21.1, 55.5), (69.6, 18.9)):
        south, west, north, east = box_around(place, 500)
        for lat, lon in ((south, place[1]), (north, place[1]), (place[0], west), (place[0], east)):
            assert metres(place, (lat, lon)) > 500


_TELLINGS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(-900, 900), st.integers(-900, 900), st.integers(0, 130)),
    min_size=1,
    max_size=25,
)


def crowd_of(drawn) -> list[Telling]:
    return [
        Telling(
            f"r{n}",
            HERE[0] + north / METRES,
            HERE[1] + east / METRES,
            START + timedelta(minutes=minutes),
            f"s{source}",
        )
        for n, (source, north, east, minutes) in enumerate(drawn)
    ]


def by_the_rule(crowd, rule) -> bool:
    """Whether the crowd has a cluster, as the rule is written: no more than what it says, looked at from each."""
    for centre in crowd:
        near = {
            each.source
            for each in crowd
            if centre.at - rule.span <= each.at <= centre.at
            and metres((centre.lat, centre.lon), (each.lat, each.lon)) <= rule.radius
        }
        if len(near) >= max(rule.count, 3):
            return True
    return False


@given(_TELLINGS, st.randoms(use_true_random=False), st.integers(3, 6))
def test_whether_there_is_one_depends_on_the_crowd_alone(drawn, chance, count):
    rule, crowd = ClusterRule(count=count), crowd_of(drawn)
    expected = by_the_rule(crowd, rule)
    chance.shuffle(crowd)
    found = arriving(crowd, rule)
    assert (found is not None) == expected
    assert (arriving(sorted(crowd, key=lambda each: each.at), rule) is not None) == expected
    if found is not None:
        members = [each for each in crowd if each.report in found.reports]
        assert len({each.source for each in members}) >= count
        assert all(metres(found.centre, (each.lat, each.lon)) <= rule.radius for each in members)
        assert max(each.at for each in members) - min(each.at for each in members) <= rule.span


@given(_TELLINGS, st.integers(0, 130))
def test_midnight_changes_nothing(drawn, midnight):
    """Digests change with the day; whose they are doesn't."""
    plain = crowd_of(drawn)
    turned = []
    for each in plain:
        day = 0 if each.at < START + timedelta(minutes=midnight) else 1
        source, before = f"{each.source} day {day}", f"{each.source} day {day - 1}"
        turned.append(Telling(each.report, each.lat, each.lon, each.at, source, before))
    one, other = arriving(plain), arriving(turned)
    assert one == other
    assert len(set(persons(turned).values())) == len({each.source for each in plain})


def test_one_that_is_not_there_is_no_centre():
    assert cluster_of(told(9, "s9", north=2000), [told(n, f"s{n}") for n in range(5)], RULE) is None
