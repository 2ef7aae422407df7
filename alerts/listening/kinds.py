"""The apparent kind of an utterance, and the sign for it: a suggestion that orders the officers' reading.

Words alone decide here (`words.toml`), in a tenth of a millisecond; the sentence model may refine it afterwards
(`understanding.py`). A possible call for help has precedence over all else, because a missed one costs more than many
false ones: nothing else in a text, a joke or thanks, cancels such a sign. A rumour precedes anger, and both precede a
question, since neither may be answered automatically. `asks` is true if an utterance asks something, whatever its kind:
an angry one often does.

Calls for help are also learnt from examples (`examples.txt`): which words occur in them more than elsewhere. It is
naive Bayes over the beginnings of words, of pairs of words, and over the lists of `words.toml` that a text matches. It
is trained in a few milliseconds. Its result is a sum of logarithms, above zero for a likely call. It finds calls
without any sign of the lists, such as "the floor gave way and my uncle fell through".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log
from pathlib import Path

from alerts.listening.lexicon import LONGEST, lexicon, plain
from alerts.model.listening import Kind
from alerts.model.reason import Reason, because

EXAMPLES = Path(__file__).with_name("examples.txt")
# The lists of words.toml that also count as features of a call for help.
_FLAGS = ("people", "self", "harm", "asks", "calm", "thanks", "anger")
_UNSEEN = 0.5
"""The pseudo-count of each word, so that a word of one example proves little."""
# Signs of anger that replace words.
_FACES = ("🙄", "😡", "🤬", "😠", "🤦", "🤡", "💩")
_ASKS_FIRST = re.compile(
    r"^(?:(?:bonjour|bonsoir|bjr|bsr|salut|hello|hi|et|mais|svp|mairie|excusez moi|pardon) )*"
    r"(?:quand|quels|quelles|ou|ouu|comment|combien|pourquoi|qui|que faire|quid|lequel|laquelle|"
    r"y a t|a t on|y a til|il y a til|"
    r"quel(?:le)?(?! (?:dommage|bonheur|chance|horreur|galere|nuit|tristesse|plaisir|courage|honte|alarme|beau|belle))|"
    r"on peut|on pourra|what|when|where|which|how|who|why|is|are|will|can|could|do|does|should)\b"
)
"""A question that begins as one does, with or without its mark; `quelle chance` is none."""
_ASKS_LAST = re.compile(r"\b(?:ouu|ou|quand|quoi|combien|comment)(?: (?:svp|stp|ca|maintenant|deja|merci|du coup))*$")
"""One that ends as people speak: `ça rouvre quand`."""

_ASKS = (_ASKS_FIRST, _ASKS_LAST)

_PROBABLY = 6.0
"""How much like the calls among the examples a text is that is taken for one by nothing else."""


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
    samples = list(examples())
    for kind, text in samples:
        (calls if kind is Kind.HELP else others).update(_traits(text))
    total = sum(kind is Kind.HELP for kind, _ in samples)
    rest = len(samples) - total
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


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A kind with its reason, which names signs of ours and never quotes the text; and whether something is asked.

    `like_a_call` is how much rather its words are a call for help than another remark.
    """

    kind: Kind
    reason: Reason
    asks: bool
    like_a_call: float


def classify(text: str) -> Suggestion:
    """The kind of an utterance by its words, in French or English; `other` where nothing is recognised."""
    words, known = plain(text), lexicon()
    asks = "?" in text[:LONGEST] or known.has("asks", words) or any(each.search(words) for each in _ASKS)
    weight = like_a_call(text)
    return Suggestion(*_kind(text, words, asks, weight), asks, weight)


def _kind(text: str, words: str, asks: bool, weight: float) -> tuple[Kind, Reason]:
    known = lexicon()
    if signs := tuple(dict.fromkeys(_signs(words, asks, weight))):
        return Kind.HELP, because("utterance_help", signs=signs)
    if known.has("rumour", words):
        return Kind.RUMOUR, because("utterance_rumour")
    if known.has("anger", words) or any(face in text for face in _FACES):
        return Kind.ANGER, because("utterance_anger")
    if asks:
        return Kind.QUESTION, because("utterance_question")
    if known.has("thanks", words):
        return Kind.THANKS, because("utterance_thanks")
    return Kind.OTHER, because("utterance_other")


def _signs(words: str, asks: bool, weight: float) -> list[str]:
    """Return the names of the signs of a call for help."""
    known = lexicon()
    found = [sign.name for sign in known.help if sign.shows(words)]
    somebody = known.has("people", words) or known.has("self", words)
    if not found and somebody and known.has("harm", words) and not (asks or known.has("calm", words)):
        found.append("somebody, and a word of harm")
    if not found and weight > _PROBABLY:
        found.append("words like those of other calls")
    return found
