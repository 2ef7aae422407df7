"""What was heard and what was answered, as JSON objects: of the command line and of the API.

Times are in the station's zone. Nothing of who said it is told: neither a name nor an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from alerts.desk.service import DeskUnit
from alerts.listening.answering import standing
from alerts.model.listening import AnswerState, Question, QuestionState, Utterance, UtteranceState
from alerts.rendering.i18n import told

MOST_HEARD = 2000
"""Utterances of one list: the rest is a page further on."""
MOST_QUESTIONS = 500


def utterance_account(said: Utterance, zone: tzinfo, language: str) -> dict[str, Any]:
    """One utterance. `text` is null once it was forgotten, or is gone on its platform."""
    return {
        "utterance": said.id,
        "channel": said.channel,
        "incident": said.incident,
        "text": said.text,
        "at": said.said_at.astimezone(zone).isoformat(timespec="seconds"),
        "kind": str(said.kind),
        "question": said.question,
        "state": str(said.state),
        "raised": said.raised,
        "url": said.url,
        **told(said.kind_reason, language, zone),
    }


def question_account(unit: DeskUnit, question: Question) -> dict[str, Any]:
    """One question, how many asked it on which channel, and what stands or waits as its answer (null: nothing)."""
    versions = unit.listening.answers(question.id)
    waiting = next((each for each in reversed(versions) if each.state is AnswerState.WAITING), None)
    answer = standing(unit, question.id) or waiting
    return {
        "question": question.id,
        "words": question.words,
        "count": question.asked,
        "channels": dict(unit.listening.asked_on(question.id)),
        "incident": question.incident,
        "state": str(question.state),
        "answer": answer.text if answer is not None else None,
        "answer_id": answer.id if answer is not None else None,
        "waiting": waiting.id if waiting is not None else None,
    }


def utterances(unit: DeskUnit, *, everything: bool) -> Sequence[Utterance]:
    """What may be a call for help first, then what nobody saw to, oldest first; `everything`: also what was seen to."""
    if not everything:
        return unit.listening.unread(MOST_HEARD)
    heard = unit.listening.heard(MOST_HEARD)
    return sorted(heard, key=lambda each: (not (each.raised and each.state is UtteranceState.UNREAD), each.seq))


def questions(unit: DeskUnit, *, everything: bool) -> Sequence[Question]:
    """What is asked, the one that changed last first; without `everything` none that was dismissed."""
    found = unit.listening.questions(MOST_QUESTIONS)
    return [each for each in found if everything or each.state is not QuestionState.DISMISSED]
