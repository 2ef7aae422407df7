"""Additions to the alert itself: a frequent question that it doesn't answer, and the verdict on a rumour.

The desk proposes and a person decides: `proposals` finds questions that ten people asked within a quarter of an hour,
`BecomeSentence` makes an update of the alert with one more sentence, and `JudgeRumour` makes one with the fact, in
words that never repeat the rumour. The askers are answered with the same sentence, as by any answer. If an officer's
alerts wait for a second person, so does the answer.

The sentence suggested to an officer (`suggest`) is one of the alert or an earlier answer. It is only a draft, so it is
chosen by words alone (`WordLikeness`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.desk.unit import DeskUnit
from alerts.desk.versions import current_answer
from alerts.listening.answering import newest_alert
from alerts.listening.likeness import WordLikeness
from alerts.listening.questions import ALERT
from alerts.model.alert import Alert, Info
from alerts.model.listening import Question, QuestionState

MANY = 10
"""If at least so many people ask the same question, the alert itself should answer it."""
# So many people within this time show that the alert lacks something; as many over a day mean less.
WITHIN = timedelta(minutes=15)
# Bounds of one proposal, which is computed for a page that somebody waits for.
MOST_QUESTIONS = 200
MOST_CANDIDATES = 200
_ALIKE = 0.5
"""Minimum likeness of a suggestion to the question, by words alone."""
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that may answer a question. `source` is `alert`, or the id of the earlier answer that it is.

    `about` is the text that is compared with the question: the sentence itself, or the question that it answered.
    """

    text: str
    source: str
    about: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal of the desk: so many `askers` asked this lately, and the alert doesn't answer it.

    `sentence` is an earlier answer to a question like it, as a draft; empty: there is none, and an officer writes it.
    """

    question: Question
    askers: int
    alert: str
    sentence: str


def candidates(unit: DeskUnit, question: Question) -> Sequence[Sentence]:
    """Return the sentences that an officer may be offered: the alert's, its place and time, and earlier answers."""
    found: list[Sentence] = []
    if question.incident is not None:
        alert = newest_alert(unit, question.incident).alert
        found += [Sentence(text, ALERT, text) for text in _sentences(unit, alert)] if alert is not None else []
    for other in unit.listening.questions(MOST_QUESTIONS):
        answer = current_answer(unit, other.id) if other.id != question.id and other.state in _ANSWERED else None
        if answer is not None:
            found.append(Sentence(answer.text, answer.id, other.words))
    return found[:MOST_CANDIDATES]


_ANSWERED = (QuestionState.ANSWERED, QuestionState.BECAME)


def suggest(unit: DeskUnit, question: Question) -> Sentence | None:
    """Return the candidate that is most like the question; None if none is like enough."""
    found, likeness = candidates(unit, question), WordLikeness()
    asked, *about = likeness.vectors([question.words, *(each.about for each in found)])
    scored = [(likeness.alike(asked, each), -at) for at, each in enumerate(about)]
    score, at = max(scored, default=(0.0, 0))
    return found[-at] if score >= _ALIKE else None


def proposals(unit: DeskUnit) -> Sequence[Proposal]:
    """Return the frequent questions that a current alert doesn't answer, the most asked first."""
    found = []
    for question in unit.listening.questions(MOST_QUESTIONS, state=QuestionState.OPEN):
        if question.asked < MANY or question.incident is None:
            continue
        lately = [each for each in unit.listening.asking(question.id) if each.heard_at >= unit.now - WITHIN]
        askers = len({each.author or each.id for each in lately})
        suggested = suggest(unit, question) if askers >= MANY else None
        if askers < MANY or (suggested is not None and suggested.source == ALERT):
            continue
        alert = newest_alert(unit, question.incident)
        if alert.alert is not None and alert.alert.ends > unit.now:
            found.append(Proposal(question, askers, alert.id, suggested.text if suggested is not None else ""))
    return sorted(found, key=lambda each: (-each.askers, each.question.id))


def _sentences(unit: DeskUnit, alert: Alert) -> Iterator[str]:
    info = alert.info_for(unit.desk.station.language) or Info("")
    for text in (info.instruction, info.description):
        yield from (each for found in _SENTENCE.findall(text or "") if (each := found.strip()))
    yield from unit.desk.where_and_when(alert)
