"""The JSON objects of remarks and questions, as the API answers them and `--json` prints them.

Times are in the station's zone. No object names who said it, neither by a name nor by an id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from alerts.desk.out import Out, ReasonCode, VersionOut, spelled, worded
from alerts.desk.service import DeskUnit
from alerts.desk.versions import standing, waiting
from alerts.model.incident import PastEvent
from alerts.model.listening import Kind, Question, QuestionState, Utterance, UtteranceState
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.unit import Unit

MOST_HEARD = 2000
"""Utterances of one list: the rest is a page further on."""
MOST_QUESTIONS = 500
_SHOWN = 200


@dataclass(frozen=True)
class UtteranceOut(Out):
    """One thing that somebody said."""

    utterance: str
    channel: str
    incident: str | None
    text: Annotated[str | None, Field(description="Null once it was forgotten, or is gone on its platform.")]
    at: str
    kind: Kind
    question: str | None
    state: UtteranceState
    raised: Annotated[bool, Field(description="It may be a call for help.")]
    url: str | None
    reason: Annotated[str | None, Field(description="Why it seems to be of this kind, in the station's language.")]
    reason_code: ReasonCode

    @classmethod
    def of(cls, town: Town, said: Utterance) -> Self:
        """One utterance."""
        return cls(
            utterance=said.id,
            channel=said.channel,
            incident=said.incident,
            text=said.text,
            at=spelled(town, said.said_at),
            kind=said.kind,
            question=said.question,
            state=said.state,
            raised=said.raised,
            url=said.url,
            **worded(town, said.kind_reason),
        )


@dataclass(frozen=True)
class QuestionOut(Out):
    """What several people want to know. `answer` is what stands or waits as its answer; null: nothing."""

    question: str
    words: str
    count: int
    channels: Mapping[str, int]
    incident: str | None
    state: QuestionState
    answer: str | None
    answer_id: str | None
    waiting: Annotated[str | None, Field(description="The id of the answer that waits for a second person.")]
    waits: Annotated[VersionOut | None, Field(description="That answer, with all that a validation lets out by it.")]

    @classmethod
    def of(cls, unit: Unit, question: Question) -> Self:
        """One question, with how many asked it on which channel."""
        waits = VersionOut.waiting(unit, question.id)
        answer = standing(unit, question.id) or waiting(unit, question.id)
        return cls(
            question=question.id,
            words=question.words,
            count=question.asked,
            channels=unit.listening.asked_on(question.id),
            incident=question.incident,
            state=question.state,
            answer=answer.text if answer is not None else None,
            answer_id=answer.id if answer is not None else None,
            waiting=waits.answer if waits is not None else None,
            waits=waits,
        )


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


@dataclass(frozen=True)
class InSight(Out):
    """How much nobody saw to, how much of it may be a call for help, and how many questions are open."""

    heard: int
    raised: int
    questions: int
    waiting: int

    @classmethod
    def of(cls, unit: DeskUnit) -> Self:
        """Counted now."""
        counts = unit.listening.unread_counts()
        return cls(
            heard=sum(counts.values()),
            raised=sum(count for (_, raised), count in counts.items() if raised),
            questions=len(unit.listening.questions(MOST_QUESTIONS, state=QuestionState.OPEN)),
            waiting=len(unit.listening.waiting_answers()),
        )
