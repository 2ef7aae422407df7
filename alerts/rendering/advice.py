"""What to do, in the words that are prepared for a hazard: the short instruction, and the longer advice beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from alerts.model.alert import Info
from alerts.model.hazard import Hazard, fold
from alerts.rendering.changes import gravity
from alerts.rendering.library import Words

_SENTENCE_END = re.compile(r"[.!?…\n]+")
_WORD = re.compile(r"\w+")
_ENOUGH_WORDS = 3
_MOST_SENTENCES = 200
"""Sentences of an instruction that are compared: nobody reads as many."""


def prepared(info: Info, hazard: Hazard, words: Words) -> str:
    """Return the hazard's own short instruction: the severity's where it has one, else the usual one.

    A general alert may be of any kind, so nothing is prepared that could stand for its sender's own words.
    """
    if hazard is Hazard.GENERAL and info.instruction:
        return ""
    by_severity: Mapping[str, str] = words["instruction"]
    return by_severity.get(gravity(info).value) or by_severity["default"]


def advice_beside(instruction: str, advice: Sequence[str]) -> list[str]:
    """Return the lines of `advice` that don't say again what `instruction` says.

    A line repeats where a sentence of the one is contained in the other, whatever the case, accents and punctuation;
    a sentence of one or two words is too little to tell.
    """
    sentences = _SENTENCE_END.split(instruction)[:_MOST_SENTENCES]
    said = [words for sentence in sentences if (words := _folded(sentence))]
    folded = [(line, _folded(line)) for line in advice]
    return [line for line, words in folded if not any(_repeats(words, each) for each in said)]


def _repeats(line: str, sentence: str) -> bool:
    shorter, longer = sorted((line, sentence), key=len)
    return shorter.count(" ") >= _ENOUGH_WORDS - 1 and f" {shorter} " in f" {longer} "


def _folded(text: str) -> str:
    return " ".join(_WORD.findall(fold(text)))
