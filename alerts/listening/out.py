"""The JSON objects of remarks, questions and polls, as the API answers them and `--json` prints them.

Times are in the station's zone. No object names who said it, neither by a name nor by an id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field

from alerts.desk.out import Out, PostOut, ReasonCode, ReasonWords, Versioned, VersionOut, spelled, worded
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import current_answer, waiting
from alerts.listening.polls import fingerprint_of, shown_of
from alerts.model.incident import PastEvent
from alerts.model.listening import Kind, Question, QuestionState, Utterance, UtteranceState
from alerts.model.poll import Counting, Poll, PollState, Way
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.counting import count, weighted
from alerts.rendering.polling import address_of, question_on
from alerts.store.unit import Unit

MOST_HEARD = 2000
"""Utterances of one list: the rest is a page further on."""
MOST_QUESTIONS = 500
_SHOWN = 200


@dataclass(frozen=True)
class UtteranceOut(Versioned):
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
class QuestionOut(Versioned):
    """A question of several people. `answer` is its current answer, or the one that waits; null: there is none."""

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
        answer = current_answer(unit, question.id) or waiting(unit, question.id)
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
    """Return possible calls for help, then unhandled remarks, oldest first; `everything`: also the handled ones."""
    if not everything:
        return unit.listening.unread(MOST_HEARD)
    heard = unit.listening.heard(MOST_HEARD)
    return sorted(heard, key=lambda each: (not (each.raised and each.state is UtteranceState.UNREAD), each.seq))


def questions(unit: DeskUnit, *, everything: bool) -> Sequence[Question]:
    """Return the questions, the last changed first; without `everything` no dismissed ones."""
    found = unit.listening.questions(MOST_QUESTIONS)
    return [each for each in found if everything or each.state is not QuestionState.DISMISSED]


def heard_about(unit: DeskUnit, incident: str) -> list[PastEvent]:
    """Return an incident's remarks, questions and answers as events of its history, in the order of time.

    The words are read now: forgotten ones are missing.
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


@dataclass(frozen=True)
class PollOut(Out):
    """A poll; no number of it."""

    poll: str
    state: Annotated[str, Field(description="`waiting`, `open`, `closed` or `rejected`")]
    question: str
    options: tuple[str, ...]
    opens: str
    until: str
    channels: tuple[str, ...]
    author: str
    approved_by: str | None
    fingerprint: Annotated[str, Field(description="What a validation is bound to: give it as `seen`.")]
    exercise: bool
    published: str | None
    url: Annotated[str | None, Field(description="Its page, where the town has a public address.")]
    reason: ReasonWords
    reason_code: ReasonCode
    posts: tuple[PostOut, ...]

    @classmethod
    def of(cls, unit: DeskUnit, poll: Poll) -> Self:
        """A poll with its posts."""
        town = unit.desk.station
        return cls(
            poll=poll.id,
            state=poll.state,
            question=poll.question,
            options=poll.options,
            opens=spelled(town, poll.opens_at),
            until=spelled(town, poll.closes_at),
            channels=poll.channels,
            author=poll.author,
            approved_by=poll.approved_by,
            fingerprint=shown_of(poll),
            exercise=poll.exercise,
            published=spelled(town, poll.published_at),
            url=address_of(town, poll),
            **worded(town, poll.reason),
            posts=tuple(PostOut.of(town, post) for post in unit.alerts.thread(poll.id)),
        )


@dataclass(frozen=True)
class PolledOption(Out):
    """An answer, and how long it is as X counts."""

    option: str
    count: int


@dataclass(frozen=True)
class PolledChannel(Out):
    """A channel's post of a poll that isn't stored; `way` is `poll` (the platform's own) or `link`."""

    channel: str
    way: str
    text: str
    link: str | None
    count: int
    limit: int
    options: tuple[PolledOption, ...]


@dataclass(frozen=True)
class PollRehearsal(Out):
    """Each channel's post of a poll; nothing was stored."""

    question: str
    channels: tuple[PolledChannel, ...]

    @classmethod
    def of(cls, town: Town, poll: Poll) -> Self:
        """Each channel's text with its count; and the options, as X counts them, where the channel asks."""
        return cls(poll.question, tuple(_polled(town, poll, town.channels[name]) for name in poll.channels))


def _polled(town: Town, poll: Poll, channel: ChannelConfig) -> PolledChannel:
    message = question_on(town, channel, poll)
    return PolledChannel(
        channel=channel.name,
        way=Way.POLL if channel.asks else Way.LINK,
        text=message.plain,
        link=message.link,
        count=count(message.text, channel.text),
        limit=channel.text.limit,
        options=tuple(PolledOption(each, weighted(each)) for each in poll.options) if channel.asks else (),
    )


@dataclass(frozen=True)
class PollNote(Out):
    """Which numbers are early or missing, and why."""

    channel: str
    how: str
    reason: str | None
    reason_code: str | None


@dataclass(frozen=True)
class PollSpike(Out):
    """Many answers of one place within one minute."""

    channel: str
    at: str
    votes: int


@dataclass(frozen=True)
class PollResult(Out):
    """A poll's result. Before it is closed there are the first three alone."""

    poll: str
    state: str
    turnout: Annotated[int, Field(description="Before the end that of the page and the bots.")]
    question: str | None = None
    channels: Annotated[
        Mapping[str, Mapping[str, int]] | None, Field(description="By channel, `web` and `bot`, and by answer.")
    ] = None
    not_counted: tuple[str, ...] | None = None
    notes: tuple[PollNote, ...] | None = None
    spikes: tuple[PollSpike, ...] | None = None
    closed: str | None = None
    published: str | None = None
    outcome: str | None = None
    waits: Annotated[
        VersionOut | None, Field(description="What came of it, as far as that waits for a second person.")
    ] = None
    fingerprint: Annotated[str | None, Field(description="Of these numbers; a publication may be bound to it.")] = None

    @classmethod
    def of(cls, unit: DeskUnit, poll: Poll) -> Self:
        """The numbers by channel, once it is closed."""
        town, tally = unit.desk.station, unit.polls.tally(poll)
        if poll.state is not PollState.CLOSED:
            return cls(poll.id, poll.state, tally.turnout)
        return cls(
            poll=poll.id,
            state=poll.state,
            turnout=tally.turnout,
            question=poll.question,
            channels=tally.channels,
            not_counted=tuple(place.name for place in tally.uncounted),
            notes=tuple(
                PollNote(place.name, place.count.how, **worded(town, place.reason))
                for place in tally.places
                if place.count is not None and (place.count.how is not Counting.FINAL or place.reason is not None)
            ),
            spikes=tuple(
                PollSpike(place.name, spelled(town, spike.at), spike.votes)
                for place in tally.places
                for spike in place.spikes
            ),
            closed=spelled(town, poll.closed_at),
            published=spelled(town, poll.published_at),
            outcome=poll.outcome,
            waits=VersionOut.waiting(unit, poll.id),
            fingerprint=fingerprint_of(tally),
        )

    def as_json(self) -> dict[str, Any]:
        """The object for `json.dumps`; before the end no key has a name from which a number could be expected."""
        values = super().as_json()
        return values if self.closed else {name: values[name] for name in ("poll", "state", "turnout")}
