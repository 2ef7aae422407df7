"""The report's part about people's remarks: their number, their questions, and the time to an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.desk.unit import DeskUnit
from alerts.model.listening import AnswerState, GivenAnswer, Question, QuestionState, Utterance

MOST_SHOWN = 5
"""Questions of one report: those that were asked most."""
# A report is made in one transaction, so even a flood of remarks must stay bounded.
_MOST_QUESTIONS, _MOST_HEARD = 500, 20_000
_ANSWERED = (QuestionState.ANSWERED, QuestionState.BECAME)


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """One question: how many asked it, what they were answered (empty: nothing), and how long that took.

    `words` are empty once they are forgotten, where no officer worded it.
    """

    question: str
    words: str
    asked: int
    state: QuestionState
    answer: str
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class ReportHeard:
    """The remarks on the incident, by channel; the questions, and how many of them were answered.

    `first_answer` is from the first question to the first answer. `top` are the most frequent questions, `became` the
    alert's sentences that were added because people asked.
    """

    heard: int
    channels: Mapping[str, int]
    raised: int
    questions: int
    answered: int
    first_answer: timedelta | None
    top: tuple[ReportQuestion, ...]
    became: tuple[str, ...]


def heard_about(unit: DeskUnit, incident: str) -> ReportHeard | None:
    """All of that; None where nothing was heard."""
    said = [each for each in unit.listening.heard(_MOST_HEARD, incident) if not each.exercise]
    if not said:
        return None
    questions = unit.listening.questions(_MOST_QUESTIONS, incident)
    answers = {each.id: _accepted(unit.listening.answers(each.id)) for each in questions}
    answered = [each for each in questions if each.state in _ANSWERED and answers[each.id]]
    top = sorted(questions, key=lambda each: (-each.asked, each.created_at))[:MOST_SHOWN]
    return ReportHeard(
        heard=len(said),
        channels=dict(sorted(Counter(each.channel for each in said).items())),
        raised=sum(each.raised for each in said),
        questions=len(questions),
        answered=len(answered),
        first_answer=_first_answer(answered, answers, said),
        top=tuple(_question(each, answers[each.id], said) for each in top),
        became=tuple(answers[each.id][-1].text for each in answered if each.state is QuestionState.BECAME),
    )


def _accepted(answers: Sequence[GivenAnswer]) -> list[GivenAnswer]:
    return [each for each in answers if each.state is AnswerState.ACCEPTED]


def _first_answer(
    questions: Sequence[Question], answers: Mapping[str, Sequence[GivenAnswer]], said: Sequence[Utterance]
) -> timedelta | None:
    asked = [each.heard_at for each in said if each.question is not None]
    answered = [_when(answers[each.id][0]) for each in questions]
    return max(min(answered) - min(asked), timedelta()) if asked and answered else None


def _question(question: Question, answers: Sequence[GivenAnswer], said: Sequence[Utterance]) -> ReportQuestion:
    asked = [each.heard_at for each in said if each.question == question.id]
    took = max(_when(answers[0]) - min(asked), timedelta()) if answers and asked else None
    answer = answers[-1].text if answers else ""
    return ReportQuestion(question.id, question.words, question.asked, question.state, answer, took)


def _when(answer: GivenAnswer) -> datetime:
    return answer.validated_at or answer.created_at
