"""Mastodon: each reply counts under the nearest of our posts, however long the thread or whatever its shape."""

from __future__ import annotations

import pytest

from alerts.channels.mastodon import _remark, _roots

OURS = frozenset(("p", "q"))


class Counted(dict):
    """A status that counts how often it is looked at."""

    looked = 0

    def get(self, *key):
        Counted.looked += 1
        return super().get(*key)


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
def test_each_counts_under_the_nearest_post_of_ours(parents, roots):
    assert _roots(below(**parents), OURS) == roots


def test_a_chain_of_thousands_is_walked_once():
    chain = {str(each): Counted(in_reply_to_id=str(each - 1) if each else "p") for each in range(4096)}
    Counted.looked = 0
    assert set(_roots(dict(reversed(chain.items())), OURS).values()) == {"p"}
    assert Counted.looked == 4096


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<p>@town @anne@x.example L’eau est coupée ?</p>", "L’eau est coupée ?"),
        ("<p>Demandez à @anne@x.example demain</p>", "Demandez à @anne@x.example demain"),
    ],
)
def test_who_is_answered_is_no_part_of_the_words_and_who_is_named_in_them_is(content, words):
    reply = {"content": content, "created_at": "2026-11-25T12:00:00Z", "account": {"id": "7", "acct": "a"}}

    assert _remark("2", reply, "1", "https://mastodon.example").text == words
