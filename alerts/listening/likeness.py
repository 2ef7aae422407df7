"""How like one another two utterances are, so that one question in many wordings is answered once.

A text becomes a *vector*: bytes that the store keeps beside it and forgets with it. Two vectors are alike from 0
(nothing in common) to 1 (the same). There are two sides behind one protocol. `WordLikeness`, always there, counts
what a text is about and what it wants to know (`lexicon.py`) and the beginnings of its other words. The sentence
model (`sentence_model.py`), where it is installed, also knows that other words mean the same. A vector of one side
says nothing to the other: `reads` tells.

A group's vector is the sum of its members', whose direction is their middle. So a group grows by adding one, two
groups are merged by adding both, and what is left after a split is summed anew: in any order, the same members make
the same group.

Thresholds are measured: `docs/listening.md` has the figures, and `tests/unit/listening/measure.py` makes them.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from alerts.listening.lexicon import lexicon, plain, stems

MOST_FEATURES = 256
"""Words that a group's vector keeps: the heaviest. A group of thousands of remarks would else grow without end."""
_FEATURE = struct.Struct("<If")

Features = Mapping[int, float]


class Side(StrEnum):
    """By what utterances are compared."""

    WORDS = "words"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a match has to reach: its likeness, and how far the second-best question has to be behind it."""

    score: float
    margin: float


@dataclass(frozen=True, slots=True)
class Match:
    """The question that an utterance asks, surely enough to be answered automatically."""

    question: str
    score: float
    margin: float


class Likeness(Protocol):
    """One side. Everything but `vectors` is quick; `vectors` of the sentence model takes a millisecond a text."""

    side: Side
    joins: float
    """How like a group's middle an utterance must be to join it."""
    answers: Threshold

    def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """A vector of each text. Only its first 2,000 characters count."""
        ...

    def reads(self, vector: bytes) -> bool:
        """Whether this side made the vector."""
        ...

    def alike(self, one: bytes, other: bytes) -> float:
        """From -1 to 1; 0 for vectors that this side can't read."""
        ...

    def together(self, vectors: Iterable[bytes]) -> bytes:
        """The vector of a group of them; those that this side can't read are left out."""
        ...

    def calls(self, vector: bytes, by_words: float) -> bool:
        """Whether a text may be a call for help, which its words (`like_a_call`) didn't show; False: it can't tell."""
        ...


def nearest(likeness: Likeness, vector: bytes, groups: Mapping[str, bytes]) -> tuple[str, float] | None:
    """The group that the utterance joins, with how like it is; None: it begins a group of its own.

    Of two that are equally near, the one that comes first.
    """
    best = max(((likeness.alike(vector, each), name) for name, each in groups.items()), key=itemgetter(0), default=None)
    return (best[1], best[0]) if best is not None and best[0] >= likeness.joins else None


def match(likeness: Likeness, vector: bytes, questions: Mapping[str, Iterable[bytes]]) -> Match | None:
    """The question that an utterance surely asks, of those with an answer; None where a person has to look.

    A question is as near as the nearest of its wordings. Beside its score the margin to the second-best *question*
    counts: a remark about nothing of the kind is a little like everything.
    """
    scores = sorted(
        (
            (max((likeness.alike(vector, each) for each in wordings), default=0.0), name)
            for name, wordings in questions.items()
        ),
        key=itemgetter(0),
        reverse=True,
    )
    if not scores:
        return None
    (score, name), second = scores[0], scores[1][0] if len(scores) > 1 else 0.0
    margin = score - max(second, 0.0)
    bar = likeness.answers
    return Match(name, score, margin) if score >= bar.score and margin >= bar.margin else None


class WordLikeness:
    """Likeness by words alone: what is asked about, what is wanted of it, and the words that remain."""

    side = Side.WORDS
    joins = 0.39
    answers = Threshold(0.6, 0.25)
    _MADE = b"w1"

    def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """What a text is about is kept as numbers, so that nobody reads words in the database."""
        return [self._MADE + packed(features(text)) for text in texts]

    def reads(self, vector: bytes) -> bool:
        """By its first two bytes, which tell what made it."""
        return vector.startswith(self._MADE)

    def alike(self, one: bytes, other: bytes) -> float:
        """The cosine of both."""
        if not (self.reads(one) and self.reads(other)):
            return 0.0
        return cosine(unpacked(one[2:]), unpacked(other[2:]))

    def together(self, vectors: Iterable[bytes]) -> bytes:
        """The sum, of which the heaviest words are kept."""
        return self._MADE + packed(added(unpacked(each[2:]) for each in vectors if self.reads(each)))

    def calls(self, _vector: bytes, _by_words: float) -> bool:
        """Never: what words can tell was told already."""
        return False


def features(text: str) -> dict[int, float]:
    """What a text is about, by number, with how much that weighs: its topics, what is wanted, the words that remain."""
    words, known = plain(text), lexicon()
    about = {name: 1.5 for name, topic in known.topics.items() if topic.search(words)}
    wanted = {f"{name}?": 1.2 for name, asked in known.wanted.items() if asked.search(words)} or {"is it?": 0.8}
    if words.startswith("ou ") or " c est ou" in words:  # `où` without its accent, where no `or` can stand
        wanted["where?"] = 1.2
    rest = {word: 1.0 for word in stems(words) if not any(topic.match(word) for topic in known.topics.values())}
    found = {**about, **wanted, **rest, **({"open": 0.6} if known.has("open", words) else {})}
    return {zlib.crc32(name.encode()): weight for name, weight in found.items()}


@lru_cache(maxsize=1)
def _topics() -> frozenset[int]:
    return frozenset(zlib.crc32(name.encode()) for name in lexicon().topics)


def knows(told: Features) -> bool:
    """Whether it is about one of the topics of the lists."""
    return not _topics().isdisjoint(told)


def packed(told: Features) -> bytes:
    """Features as bytes: the heaviest, in the order of their numbers."""
    kept = sorted(sorted(told.items(), key=lambda each: -each[1])[:MOST_FEATURES])
    return b"".join(_FEATURE.pack(number, weight) for number, weight in kept)


@lru_cache(maxsize=4096)
def unpacked(kept: bytes) -> Features:
    """What `packed` made; a piece that was cut off is left out."""
    return dict(_FEATURE.iter_unpack(kept[: len(kept) // _FEATURE.size * _FEATURE.size]))


def added(several: Iterable[Features]) -> dict[int, float]:
    """The sum of all."""
    total: dict[int, float] = {}
    for each in several:
        for number, weight in each.items():
            total[number] = total.get(number, 0.0) + weight
    return total


def cosine(one: Features, other: Features) -> float:
    """How far two go in the same direction: 1 the same, 0 nothing in common."""
    shared = sum(weight * other.get(number, 0.0) for number, weight in one.items())
    sizes = sum(weight * weight for weight in one.values()) * sum(weight * weight for weight in other.values())
    return shared / math.sqrt(sizes) if sizes else 0.0
