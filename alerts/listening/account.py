"""What was heard and what was answered, as JSON objects: of the command line and of the API.

Times are in the station's zone. Nothing of who said it is told: neither a name nor an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from alerts.desk.service import DeskUnit
from alerts.desk.versions import digest_of, standing, waiting
from alerts.model.incident import PastEvent
from alerts.model.listening import GivenAnswer, Question, QuestionState, Utterance, UtteranceState
from alerts.model.reason import because
from alerts.rendering.i18n import told

MOST_HEARD = 2000
"""Utterances of one list: the rest is a page further on."""
MOST_QUESTIONS = 500
_SHOWN = 200


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
    waits = waiting(unit, question.id)
    answer = standing(unit, question.id) or waits
    return {
        "question": question.id,
        "words": question.words,
        "count": question.asked,
        "channels": dict(unit.listening.asked_on(question.id)),
        "incident": question.incident,
        "state": str(question.state),
        "answer": answer.text if answer is not None else None,
        "answer_id": answer.id if answer is not None else None,
        "waiting": waits.id if waits is not None else None,
        "waits": version_account(waits) if waits is not None else None,
    }


def version_account(version: GivenAnswer) -> dict[str, Any]:
    """A version that waits, with all that a validation lets out by it; `fingerprint` is what that is bound to."""
    return {
        "answer": version.id,
        "to": str(version.to),
        "subject": version.subject,
        "text": version.text,
        "author": version.author,
        "asked": version.asked,
        "incident": version.incident,
        "next": version.next_ones,
        "everywhere": version.everywhere,
        "fingerprint": digest_of(version),
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


def heard_about(unit: DeskUnit, incident: str) -> list[PastEvent]:
    """What was said, asked and answered about an incident, as its history tells it, in the order of time.

    The words are read now: of what is forgotten there are none.
    """
    alert = next((stored.id for stored in unit.alerts.incident(incident)), incident)
    events = []
    for said in unit.listening.heard(MOST_HEARD, incident):
        why = because("heard_said", utterance=said.id, kind=said.kind, text=(said.text or "")[:_SHOWN])
        events.append(PastEvent(said.heard_at, alert, said.channel, None, "heard", why))
    for question in unit.listening.questions(MOST_QUESTIONS, incident):
        why = because("heard_question", question=question.id, count=question.asked, text=question.words[:_SHOWN])
        events.append(PastEvent(question.created_at, alert, None, None, "asked", why))
        for answer in unit.listening.answers(question.id):
            why = because(
                "heard_answer", answer=answer.id, question=question.id, state=answer.state, text=answer.text[:_SHOWN]
            )
            events.append(PastEvent(answer.created_at, alert, None, None, "answer", why))
    return sorted(events, key=lambda event: event.at)


def with_what_was_heard(unit: DeskUnit, incident: str, events: Sequence[PastEvent]) -> list[PastEvent]:
    """An incident's history with all of that, where the town listens."""
    if not unit.desk.station.listens:
        return list(events)
    return sorted([*events, *heard_about(unit, incident)], key=lambda event: event.at)


def in_sight(unit: DeskUnit) -> dict[str, Any]:
    """How much nobody saw to, how much of it may be a call for help, and how many questions are open."""
    counts = unit.listening.unread_counts()
    return {
        "heard": sum(counts.values()),
        "raised": sum(count for (_, raised), count in counts.items() if raised),
        "questions": len(unit.listening.questions(MOST_QUESTIONS, state=QuestionState.OPEN)),
        "waiting": len(unit.listening.waiting_answers()),
    }
