"""How like one another utterances are, on both sides: groups, merges, splits, and automatic answers."""

import itertools
import tomllib

import pytest

from alerts.listening.lexicon import LISTS, any_of, plain
from alerts.listening.likeness import MOST_FEATURES, Side, WordLikeness, match, nearest
from tests.unit.listening.measure import the_model

WATER = ["L'eau est potable ?", "on peut boire l'eau du robinet", "elle est bonne à boire, l'eau ?"]
SCHOOL = ["l'école est ouverte demain ?", "ecole ouverte ou pas"]


@pytest.fixture(scope="module", params=list(Side))
def likeness(request):
    return WordLikeness() if request.param is Side.WORDS else the_model()


def test_it_tells_which_side_it_is(likeness, request):
    assert likeness.side in request.node.name


def test_the_same_in_other_words_is_nearer_than_something_else(likeness):
    water, school = likeness.vectors(WATER), likeness.vectors(SCHOOL)
    for one, other in itertools.product(water, repeat=2):
        assert all(likeness.alike(one, other) > likeness.alike(one, each) for each in school)
    assert likeness.alike(water[0], water[0]) == pytest.approx(1)


def test_the_same_text_has_the_same_vector(likeness):
    """Beside whatever it was computed: only the last of its digits may differ, which no threshold feels."""
    for one, alone in zip(likeness.vectors(WATER), [likeness.vectors([text])[0] for text in WATER], strict=True):
        assert likeness.alike(one, alone) == pytest.approx(1, abs=1e-4)


def test_a_vector_is_small_and_shows_no_words(likeness):
    (vector,) = likeness.vectors(["Madame Roussel demande si l'eau est potable " * 90])
    assert len(vector) < 1_300
    assert b"rouss" not in vector.lower()


def test_nothing_is_like_nothing(likeness):
    empty, water = likeness.vectors(["", WATER[0]])
    assert -0.1 <= likeness.alike(empty, water) < likeness.joins
    assert likeness.vectors([]) == []
    assert likeness.alike(likeness.together([]), water) == 0


def test_what_another_side_made_is_not_read(likeness):
    other = the_model() if likeness.side is Side.WORDS else WordLikeness()
    (foreign,) = other.vectors(WATER[:1])
    (own,) = likeness.vectors(WATER[:1])
    assert (likeness.reads(own), likeness.reads(foreign)) == (True, False)
    assert likeness.alike(own, foreign) == 0
    assert likeness.together([own, foreign]) == likeness.together([own])


class TestGroups:
    def test_an_utterance_joins_its_group_or_begins_one(self, likeness):
        water, school = likeness.vectors(WATER), likeness.vectors(SCHOOL)
        assert nearest(likeness, water[0], {}) is None
        assert nearest(likeness, school[0], {"water": water[0]}) is None
        groups = {"water": likeness.together(water), "school": likeness.together(school)}
        assert [nearest(likeness, each, groups)[0] for each in (*water, *school)] == ["water"] * 3 + ["school"] * 2

    def test_a_group_is_the_same_in_whatever_order_it_grew(self, likeness):
        vectors = likeness.vectors(WATER)
        probe = likeness.vectors(["peut-on boire au robinet ?"])[0]
        scores = set()
        for order in itertools.permutations(vectors):
            grown = order[0]
            for each in order[1:]:
                grown = likeness.together([grown, each])
            scores.add(round(likeness.alike(grown, probe), 4))
        assert scores == {round(likeness.alike(likeness.together(vectors), probe), 4)}

    def test_merging_and_splitting_are_sums(self, likeness):
        one, two, three = likeness.vectors(WATER)
        merged = likeness.together([likeness.together([one, two]), likeness.together([three])])
        assert likeness.alike(merged, likeness.together([one, two, three])) == pytest.approx(1, abs=1e-3)
        left = likeness.together([one, two])
        assert likeness.alike(left, three) < likeness.alike(merged, three)

    def test_a_group_of_thousands_stays_small(self, likeness):
        many = likeness.vectors([f"mot{at} chose{at} truc{at}" for at in range(600)])
        assert len(likeness.together(many)) < 2_100 + 8 * MOST_FEATURES

    def test_of_two_equally_near_the_first_one_counts(self, likeness):
        (vector,) = likeness.vectors(WATER[:1])
        assert nearest(likeness, vector, {"a": vector, "b": vector})[0] == "a"


class TestAnswers:
    def test_one_who_asks_the_same_is_matched(self, likeness):
        asked = {"water": likeness.vectors(WATER), "school": likeness.vectors(SCHOOL)}
        found = match(likeness, likeness.vectors(["Bonjour, l'eau du robinet est potable ?"])[0], asked)
        assert (found.question, found.score > likeness.answers.score) == ("water", True)
        assert found.margin >= likeness.answers.margin

    def test_one_who_asks_something_else_is_not(self, likeness):
        asked = {"water": likeness.vectors(WATER), "school": likeness.vectors(SCHOOL)}
        (other,) = likeness.vectors(["Le marché de samedi est maintenu ?"])
        assert match(likeness, other, asked) is None
        assert match(likeness, other, {}) is None
        assert match(likeness, other, {"empty": []}) is None

    def test_between_two_questions_a_person_decides(self, likeness):
        vectors = likeness.vectors(WATER)
        assert match(likeness, vectors[0], {"one": vectors}) is not None
        assert match(likeness, vectors[0], {"one": vectors, "the same again": vectors}) is None


def test_every_list_finds_each_of_its_own_entries():
    told = tomllib.loads(LISTS.read_text(encoding="utf-8"))
    lists = [
        entries for part in ("topics", "wanted", "lists") for name, entries in told[part].items() if name != "empty"
    ]
    lists += [each for sign in told["help"] for each in (*sign["needs"], sign.get("unless", "mort de rire"))]
    for entries in lists:
        for entry in entries.replace("\n", " ").split(","):
            words = entry.strip().removesuffix(".")
            assert words == plain(words), "else nothing that `plain` made could hold it"
            assert any_of(entries).search(words), words
