"""What the acts on people's remarks and questions share (`question_acts`, `remark_acts`): how an answer is given.

An answer is published by the rules of `answering`; with `answers = "approve"` only once somebody other than its author
validated it. The same words again are no second version, and no second post.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.approve import find_alert
from alerts.desk.dedupe import end_reason
from alerts.desk.handing_in import drafted, hand_in, only_named
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.desk.versions import current_answer, newest
from alerts.listening.answering import newest_alert, spread, worded
from alerts.listening.grouping import Group
from alerts.listening.hearing import take
from alerts.model.errors import Misuse
from alerts.model.incident import AlertState
from alerts.model.listening import (
    AnswerState,
    GivenAnswer,
    Question,
    QuestionState,
    Remark,
    Understood,
    Utterance,
)
from alerts.model.person import Act
from alerts.model.post import Post
from alerts.model.reason import because

ELSEWHERE = "elsewhere"
"""The channel of what an officer heard where no ear is: at the counter, by telephone, in a closed group."""
LONGEST_ANSWER = 2000
"""Characters of an answer: it is cut where a platform takes less, so more would be read by nobody."""
ALERT = "alert"
"""The source of an answer that is part of the alert by now."""
# A question is a line in a list; the rest of a remark is on its own page.
LONGEST_WORDING = 300
# Questions closed in one transaction; the next round closes the others.
MOST_CLOSED = 200
ASKED_AFTER_ITS_END = timedelta(hours=48)
"""As long as people are listened to after the end of an incident."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of answering: the question, the answer, and the posts stored for it now."""

    question: Question
    answer: GivenAnswer
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """A new answer. `source` is the origin of its words: `officer`, `alert`, or an earlier answer's id.

    `waits`: it waits for a second person whatever the town's mode of answers, as the whole it belongs to does.
    `is_another`: it is a version of its own though its words are the same, since further people get it.
    """

    text: str
    everywhere: bool = False
    source: str = "officer"
    waits: bool = False
    is_another: bool = False


def add(
    officer: Officer,
    text: str,
    understood: Understood,
    *,
    incident: str | None = None,
    place: str | None = None,
    group: Group | None = None,
) -> Utterance:
    """Keep what an officer heard where no ear is; `place` is where.

    Raises Misuse where there is nothing in it, or the town doesn't listen to people.
    """
    officer.must(Act.TEND)
    if not officer.unit.desk.station.listens:
        raise Misuse(because("not_listening"))
    if not text.strip():
        raise Misuse(because("utterance_empty"))
    unit = officer.unit
    about = find_alert(unit.alerts, incident).incident_id if incident is not None else None
    remark = Remark(unit.new_id(), text.strip(), unit.now)
    taken = take(
        unit, ELSEWHERE, [(remark, understood)], group, by=officer.actor.name, place=place or None, about=about
    )
    officer.write(Act.TEND, taken.utterances[0].id, f"heard {place or ''}")
    return taken.utterances[0]


def said_anew(officer: Officer, changed: Question, *, reach: bool = False) -> Answered | None:
    """Give the answer again, to the question as it will be: a version like any. Returns None without an answer.

    A waiting one continues to wait. `reach`: further people get it, so it is another version in any case.
    """
    last = newest(officer.unit, changed.id)
    if last is None:
        return None
    draft = AnswerDraft(
        last.text, last.everywhere, last.source, waits=last.state is AnswerState.WAITING, is_another=reach
    )
    return give(officer, changed, draft)


def give(officer: Officer, question: Question, draft: AnswerDraft) -> Answered:
    """Keep an answer to the question as it is to be asked, and let it out unless it waits for a second person.

    Until it is let out the question stays as it is: readers have the version before, with what belongs to that.
    """
    unit, listens = officer.unit, officer.unit.desk.station.listening
    newest_alert(unit, question.incident)
    last = newest(unit, question.id)
    if last is not None and not draft.is_another and _says_the_same(last, question, draft):
        return Answered(find_question(unit, question.id), last)
    stands = current_answer(unit, question.id)
    waits = draft.waits or listens.answers == "approve"
    new = replace(
        drafted(officer, question.id, draft.text),
        source=draft.source,
        everywhere=draft.everywhere or (stands is not None and stands.everywhere),
        asked=worded(question),
        incident=question.incident,
        next_ones=question.next_ones,
    )
    new = hand_in(officer, new, waits=waits, act=Act.ANSWER)
    if not waits:
        return let_out(unit, new)
    kept = replace(find_question(unit, question.id), changed_at=unit.now)
    unit.listening.put_question(kept)
    return Answered(kept, new)


def let_out(unit: DeskUnit, accepted: GivenAnswer) -> Answered:
    """Make the question what the accepted version says, and publish it."""
    asked = find_question(unit, accepted.subject)
    is_in_alert = accepted.source == ALERT or asked.state is QuestionState.BECAME
    released = replace(
        _as_bound(asked, accepted),
        state=QuestionState.BECAME if is_in_alert else QuestionState.ANSWERED,
        changed_at=unit.now,
    )
    unit.listening.put_question(released)
    if released.incident is not None and released.incident != asked.incident:
        unit.listening.attribute_askers(released.id, released.incident)
    unit.listening.see_to_askers(released.id)
    return Answered(released, accepted, spread(unit, released, accepted))


def _as_bound(asked: Question, accepted: GivenAnswer) -> Question:
    if accepted.incident is None:  # by an earlier version of the program, which kept it with the question alone
        return asked
    bound = replace(asked, incident=accepted.incident, next_ones=accepted.next_ones)
    if accepted.asked is None or accepted.asked == worded(asked):
        return bound
    return replace(bound, words=accepted.asked, worded_by=accepted.author)


def _says_the_same(last: GivenAnswer, question: Question, draft: AnswerDraft) -> bool:
    if last.text != draft.text or (draft.everywhere and not last.everywhere):
        return False
    if last.incident is None:
        return True
    return (last.asked, last.incident, last.next_ones) == (worded(question), question.incident, question.next_ones)


def over_questions(unit: DeskUnit) -> list[Question]:
    """The open questions whose incident is over: those of its time at once, what was asked after it two days later."""
    found = []
    for question in unit.listening.questions(MOST_CLOSED, state=QuestionState.OPEN):
        over_at = _over_at(unit, question.incident) if question.incident is not None else None
        if over_at is not None and (question.changed_at <= over_at or over_at <= unit.now - ASKED_AFTER_ITS_END):
            found.append(question)
    return found


def close_over_questions(unit: DeskUnit) -> int:
    """Close these; how many. Whoever asked stays unread until somebody saw to them, as what may be a call for help."""
    over = over_questions(unit)
    for question in over:
        closed = replace(
            question, state=QuestionState.DISMISSED, reason=because("question_is_over"), changed_at=unit.now
        )
        unit.listening.put_question(closed)
    return len(over)


def _over_at(unit: DeskUnit, incident: str) -> datetime | None:
    accepted = [each for each in unit.alerts.incident(incident) if each.state is AlertState.ACCEPTED and each.alert]
    last = accepted[-1] if accepted else None
    if last is None or last.alert is None:
        return None
    over_at = last.received_at if end_reason(last.alert) is not None else last.alert.ends
    return over_at if over_at <= unit.now else None


# --- names


def find_utterance(unit: DeskUnit, name: str) -> Utterance:
    """The utterance of that id, or of that beginning of one. Raises Misuse."""
    found = unit.listening.utterance(only_named(unit, "utterance", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def find_question(unit: DeskUnit, name: str) -> Question:
    """The question of that id, or of that beginning of one. Raises Misuse."""
    found = unit.listening.question(only_named(unit, "question", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def wording(words: str) -> str:
    """The words of a question as they are kept: one line, cut to its length. Raises Misuse for a blank."""
    said = " ".join(words.split())
    if not said:
        raise Misuse(because("wording_empty"))
    return said[:LONGEST_WORDING]
