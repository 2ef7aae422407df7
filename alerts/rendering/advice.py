"""What to do, in the words that are prepared for a hazard: the short instruction, and the longer advice beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from alerts.model.alert import Info, Severity
from alerts.model.hazard import Hazard, fold
from alerts.rendering.changes import gravity
from alerts.rendering.library import Words

_SENTENCE_END = re.compile(r"[.!?…\n]+")
_WORD = re.compile(r"\w+")
_ENOUGH_WORDS = 3
_MOST_OF_IT = 0.7
"""The part of a line that a sentence must be to say the same."""
_MOST_SENTENCES = 200
"""Sentences of an instruction that are compared: nobody reads as many."""
_BY_GRAVITY = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)


def prepared(info: Info, hazard: Hazard, words: Words) -> str:
    """Return the hazard's own short instruction: that of the severity, else of the next slighter one, else the usual.

    A general alert may be of any kind, so nothing is prepared that could stand for its sender's own words.
    """
    if hazard is Hazard.GENERAL and info.instruction:
        return ""
    return str(_said_at(info, words["instruction"], str(words.get("kind", ""))))


def advice(info: Info, words: Words, said: Sequence[str | None], *, begun: bool, before: str) -> list[str]:
    """Return the longer advice for this severity, without what `said` (instruction, description) says already.

    What begins with the word for "before" is for before it begins: it goes once that has `begun`.
    """
    lines: Sequence[str] = words["advice"]
    if isinstance(lines, Mapping):
        lines = _said_at(info, lines, str(words.get("kind", "")))
    fitting = [line for line in lines if not (begun and before and line.startswith(before))]
    return advice_beside("\n".join(text for text in said if text), fitting)


def advice_beside(instruction: str, advice: Sequence[str]) -> list[str]:
    """Return the lines of `advice` that don't say again what `instruction` says.

    A line repeats where all of it is contained in a sentence, or a sentence is most of the line, whatever the case,
    accents and punctuation; a sentence of one or two words is too little to tell. A short one that is only part of a
    line doesn't: "call 112" must not take "never touch a fallen cable: call 112" away.
    """
    sentences = _SENTENCE_END.split(instruction)[:_MOST_SENTENCES]
    said = [words for sentence in sentences if (words := _folded(sentence))]
    folded = [(line, _folded(line)) for line in advice]
    return [line for line, words in folded if not any(_repeats(words, each) for each in said)]


def _said_at(info: Info, by_severity: Mapping[str, Any], kind: str) -> Any:
    """Return what is said at the severity of `info`; what is said of its `kind` ("risk", "collapse") at all of them."""
    if kind in by_severity:
        return by_severity[kind]
    grave = gravity(info)
    at_most = _BY_GRAVITY[_BY_GRAVITY.index(grave) :] if grave in _BY_GRAVITY else ()
    found = next((by_severity[each.value] for each in at_most if by_severity.get(each.value)), None)
    return found if found is not None else by_severity.get("default", "")


def _repeats(line: str, sentence: str) -> bool:
    shorter, longer = sorted((line, sentence), key=len)
    if shorter.count(" ") < _ENOUGH_WORDS - 1 or f" {shorter} " not in f" {longer} ":
        return False
    return shorter == line or len(sentence) >= _MOST_OF_IT * len(line)


@lru_cache(maxsize=512)
def _folded(text: str) -> str:
    return " ".join(_WORD.findall(fold(text)))
