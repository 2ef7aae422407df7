"""Long texts are cut where they always were, and in time that grows with their length alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rendering import shorten
from alerts.rendering.shorten import at_clauses, at_sentences, partly, sayings, well

SPOKEN = [
    "Une phrase.",
    "vent,",
    "et",
    "<b>",
    "</b>",
    '<a href="x. y">',
    "</a>",
    "très",
    "fort.",
    "\n",
    "強い。",
    "<",
    ">",
    "1 2",
]
texts = st.lists(st.sampled_from(SPOKEN), max_size=80).map(" ".join)
ENDS = {at_sentences: shorten._SENTENCE_END, at_clauses: shorten._CLAUSE_END}


def place_by_place(text: str, ends: re.Pattern[str]) -> list[tuple[int, str]]:
    """The same said simply: for each end, all that stands before it is read anew."""
    cuts = []
    for end in ends.finditer(text):
        place, stack = end.start(), []
        for token in shorten._TOKEN.finditer(text, 0, place):
            if token[2] and not token[1]:
                stack.append(token[2])
            elif token[2] and stack and stack[-1] == token[2]:
                stack.pop()
        if text.rfind("<", 0, place) <= text.rfind(">", 0, place):
            cuts.append((place, "".join(f"</{name}>" for name in reversed(stack))))
    return cuts


@given(text=texts, which=st.sampled_from(list(ENDS.values())))
def test_a_text_is_cut_where_reading_each_beginning_would_cut_it(text: str, which: re.Pattern[str]) -> None:
    assert shorten._cuts_at(text, which, markup=True) == place_by_place(text, which)
    assert shorten._cuts_at(text, which, markup=False) == [(end.start(), "") for end in which.finditer(text)]


@pytest.mark.parametrize("cut", [at_sentences, at_clauses, sayings, partly, well])
@pytest.mark.parametrize("said", ["Une phrase, ", "強い。", "a.\n", "<b>Vent.</b> ", "mot "])
def test_no_long_text_is_read_again_and_again(monkeypatch: pytest.MonkeyPatch, cut: shorten.Cut, said: str) -> None:
    read = [0]

    class Counted:
        def finditer(self, text: str, *place: int) -> list[re.Match[str]]:
            found = list(token.finditer(text, *place))
            read[0] += len(found)
            return found

    token = shorten._TOKEN
    monkeypatch.setattr(shorten, "_TOKEN", Counted())
    text = said * (20_000 // len(said))
    cut(text, lambda short: len(short) <= 4096, markup=True)

    assert read[0] <= 3 * len(text)
