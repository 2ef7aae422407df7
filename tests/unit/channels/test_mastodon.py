"""Mastodon: each reply counts under the nearest of our posts, however long the thread or whatever its shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.answer import Answer
from alerts.channels.mastodon import _RepliesEar

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Counted(dict):
    """A status that counts how often it is looked at."""

    looked = 0

    def get(self, *key):
        Counted.looked += 1
        return super().get(*key)


async def nothing(_: str) -> Answer:
    return Answer(200, {}, b"{}")


@pytest.fixture
def ear():
    found = _RepliesEar("1", timedelta(minutes=1), NOW, "https://mastodon.example", nothing)
    found.ours = frozenset(("p", "q"))
    return found


def below(**parents):
    return {status: Counted(in_reply_to_id=parent) for status, parent in parents.items()}


@pytest.mark.parametrize(
    ("parents", "roots"),
    [
        ({"a": "p", "b": "a", "c": "q", "d": "c"}, {"a": "p", "b": "p", "c": "q", "d": "q"}),
        ({"b": "a", "a": "p"}, {"b": "p", "a": "p"}),
        ({"a": "b", "b": "a", "c": "a"}, {"a": None, "b": None, "c": None}),
        ({"a": "elsewhere", "b": None}, {"a": None, "b": None}),
        ({"q": "p", "a": "q"}, {"q": "p", "a": "q"}),
    ],
    ids=["threads", "any order", "a circle", "of others", "an update"],
)
def test_each_counts_under_the_nearest_post_of_ours(ear, parents, roots):
    assert ear._roots(below(**parents)) == roots


def test_a_chain_of_thousands_is_walked_once(ear):
    chain = {str(each): Counted(in_reply_to_id=str(each - 1) if each else "p") for each in range(4096)}
    Counted.looked = 0
    assert set(ear._roots(dict(reversed(chain.items()))).values()) == {"p"}
    assert Counted.looked == 4096
