"""The messages of one reading are filed in the order in which they refer to one another, then by their times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from alerts.desk.following import in_order
from alerts.model.alert import Alert, Reference
from alerts.model.ports import Heard
from alerts.model.reason import in_words

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def message(name: str, minute: int, *references: str) -> Heard:
    sent = NOW + timedelta(minutes=minute)
    named = tuple(Reference("s", each, NOW) for each in references)
    return Heard(name, Alert(name, "s", sent, references=named))


def keys(heard) -> list[str]:
    return [each.key for each in in_order(heard)]


def test_by_time_where_nothing_refers_to_anything():
    assert keys([message("b", 2), message("a", 1), message("c", 3)]) == ["a", "b", "c"]


def test_by_reference_whatever_the_times_say():
    chain = [message("alert", 5), message("update", 3, "alert"), message("cancel", 1, "update")]

    for shuffled in permutations(chain):
        assert keys(shuffled) == ["alert", "update", "cancel"]


def test_those_at_one_time_stay_as_they_stood():
    assert keys([message("b", 1), message("a", 1), message("c", 1)]) == ["b", "a", "c"]


def test_versions_of_one_identifier_by_their_times():
    old, new = message("one", 1), replace(message("one", 2), key="one/2")

    assert keys([message("later", 0, "one"), new, old]) == ["one", "one/2", "later"]


def test_what_refers_to_something_that_is_not_there_stands_by_its_time():
    assert keys([message("b", 2, "elsewhere"), message("a", 1)]) == ["a", "b"]


def test_a_circle_is_cut_and_loses_nobody():
    circle = [message("a", 1, "c"), message("b", 2, "a"), message("c", 3, "b"), message("self", 4, "self")]

    assert sorted(keys(circle)) == ["a", "b", "c", "self"]


def test_what_can_not_be_read_is_kept():
    assert keys([message("a", 1), Heard("broken", problem=in_words("no CAP"))]) == ["broken", "a"]


def test_a_chain_of_thousands_is_no_trouble():
    chain = [message(str(n), 5000 - n, *([str(n - 1)] if n else [])) for n in range(5000)]

    assert keys(reversed(chain)) == [str(n) for n in range(5000)]


@given(st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 7), max_size=3)), max_size=8), st.randoms())
def test_everybody_comes_once_and_after_what_it_refers_to(drawn, random):
    heard = [
        message(str(place), minute, *(str(each) for each in references if each < place))
        for place, (minute, references) in enumerate(drawn)
    ]
    random.shuffle(heard)
    ordered = in_order(heard)
    place = {each.key: n for n, each in enumerate(ordered)}

    assert sorted(place) == sorted(each.key for each in heard)
    assert all(place[r.identifier] < place[each.key] for each in ordered for r in each.alert.references)
