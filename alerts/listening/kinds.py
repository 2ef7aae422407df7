"""Which kind an utterance seems to be of, and by what sign: a suggestion that orders what officers read, and decides nothing.

Words alone decide here (`signs.py`), in a tenth of a millisecond; the sentence model may afterwards say more
(`understanding.py`). What may be a call for help goes before all else, because a missed one costs more than many false ones:
nothing that a text also holds, a joke or thanks, takes that back. A rumour goes before anger, and both before a question,
since neither may be answered automatically. `asks` tells of every utterance whether it asks something: an angry one often does.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts.listening.lexicon import plain
from alerts.listening.signs import ANGER, ASKS, ASKS_FIRST, CALM, HARM, HELP, PEOPLE, ROLLING_EYES, RUMOUR, SELF, THANKS
from alerts.model.listening import Kind
from alerts.model.reason import Reason, because


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A kind with its reason, which names signs of ours and never quotes the text; and whether something is asked."""

    kind: Kind
    reason: Reason
    asks: bool


def classify(text: str) -> Suggestion:
    """The kind of an utterance by its words, in French or English; `other` where nothing is recognised. It never fails."""
    words = plain(text)
    asks = "?" in text[:2000] or bool(ASKS.search(words) or ASKS_FIRST.match(words))
    return Suggestion(*_kind(text, words, asks), asks)


def _kind(text: str, words: str, asks: bool) -> tuple[Kind, Reason]:
    found = tuple(dict.fromkeys(sign.name for sign in HELP if sign(words)))
    if found:
        return Kind.HELP, because("utterance_help", signs=found)
    if HARM.search(words) and (PEOPLE.search(words) or SELF.search(words)) and not (asks or CALM.search(words)):
        return Kind.HELP, because("utterance_help", signs=("somebody, and a word of harm",))
    if RUMOUR.search(words):
        return Kind.RUMOUR, because("utterance_rumour")
    if ANGER.search(words) or any(face in text for face in ROLLING_EYES):
        return Kind.ANGER, because("utterance_anger")
    if asks:
        return Kind.QUESTION, because("utterance_question")
    if THANKS.search(words):
        return Kind.THANKS, because("utterance_thanks")
    return Kind.OTHER, because("utterance_other")
