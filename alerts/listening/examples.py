"""What calls for help are like, learnt from examples (`examples.txt`): which words stand in them more than elsewhere.

It is naive Bayes over the beginnings of words, of pairs of words, and over which lists of `words.toml` a text has
something of. A few milliseconds teach it. What it says is a sum of logarithms, above zero for what is rather a call. It
finds calls in which no sign of the lists stands, such as "the floor gave way and my uncle fell through".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from math import log
from pathlib import Path

from alerts.listening.lexicon import lexicon, plain
from alerts.model.listening import Kind

EXAMPLES = Path(__file__).with_name("examples.txt")
_FLAGS = ("people", "self", "harm", "asks", "calm", "thanks", "anger")
_UNSEEN = 0.5
"""What is added to each count, so that a word of one example proves little."""


def examples() -> Iterator[tuple[Kind, str]]:
    """Kind and words of each example."""
    for line in EXAMPLES.read_text(encoding="utf-8").splitlines():
        kind, bar, words = line.partition(" | ")
        if bar and not line.startswith("#"):
            yield Kind(kind.strip()), words.strip()


def like_a_call(text: str) -> float:
    """How much rather a text is a call for help than another remark, by its words: above 0 rather, above 6 probably."""
    weights = _weights()
    return sum(weights.get(each, 0.0) for each in _traits(text))


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    calls, others = Counter[str](), Counter[str]()
    told = list(examples())
    for kind, text in told:
        (calls if kind is Kind.HELP else others).update(_traits(text))
    total = sum(kind is Kind.HELP for kind, _ in told)
    rest = len(told) - total
    return {
        each: log((calls[each] + _UNSEEN) / (total + 2 * _UNSEEN))
        - log((others[each] + _UNSEEN) / (rest + 2 * _UNSEEN))
        for each in calls | others
    }


def _traits(text: str) -> set[str]:
    words = plain(text)
    begun = [word[:5] for word in words.split()]
    flags = {f"<{name}>" for name in _FLAGS if lexicon().has(name, words)}
    return {*begun, *map(" ".join, pairwise(begun)), *flags, *({"?"} if "?" in text else ())}
