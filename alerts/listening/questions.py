"""Giving an answer, and the rest that the acts on questions and remarks share (`question_acts`, `remark_acts`).

An answer is published by the rules of `answering`; with `answers = "approve"`, only after somebody other than its
author validated it. The same words given again make neither another version nor another post.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.approve import find_alert
from alerts.desk.dedupe import end_reason
from alerts.desk.handing_in import drafted, hand_in, only_named
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
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
"""The channel of remarks heard by an officer where no ear listens: at the counter, by telephone, in a closed group."""
LONGEST_ANSWER = 2000
"""The maximum of characters in an answer. Platforms that take fewer get it cut, so nobody would read more."""
ALERT = "alert"
"""The `source` of an answer whose words are part of the alert by now."""
# A question is one line in a list; all of a longer remark is on the remark's own page.
LONGEST_WORDING = 300
# Questions closed in one round, in one transaction.
MOST_CLOSED = 200
ASKED_AFTER_ITS_END = timedelta(hours=48)
"""How long a question from after the end of its incident stays open: as long as its posts are listened to."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of answering: the question and the answer as they are now, and the posts just stored for it."""

    question: Question
    answer: GivenAnswer
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """A new answer. `source` is the origin of its words: `officer`, `alert`, or an earlier answer's id.

    `everywhere`: it is also published on channels where nobody asked. `waits`: it waits for a second person even if the
    town's answers don't, since what it belongs to waits. `is_another`: it is a new version even if its words are the
    same, since further people get it.
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
    """Store a remark that an officer heard where no ear listens, at that `place`; it may be about an `incident`.

    Raises Forbidden, and Misuse if it is blank, there is no such incident, or the town doesn't listen to people.
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
    """Give the newest answer again, to the changed question, as a version like any. Returns None if there is no answer.

    If the newest answer waits for a second person, this one does, too. `reach`: further people get it, so it is a new
    version in any case.
    """
    last = newest(officer.unit, changed.id)
    if last is None:
        return None
    draft = AnswerDraft(
        last.text, last.everywhere, last.source, waits=last.state is AnswerState.WAITING, is_another=reach
    )
    return give(officer, changed, draft)


def give(officer: Officer, question: Question, draft: AnswerDraft) -> Answered:
    """Store an answer to the question in the form given here, and release it unless it waits for a second person.

    Until its release the stored question keeps its form, and readers see the version before with what belongs to it.
    The same answer as the newest is not stored again. Raises Misuse if the question is about no published alert.
    """
    unit, rules = officer.unit, officer.unit.desk.station.listening
    newest_alert(unit, question.incident)
    stored, last = find_question(unit, question.id), newest(unit, question.id)
    if last is not None and last.state is AnswerState.ACCEPTED:  # a merge switches that off until the next version
        last = replace(last, next_ones=last.next_ones and stored.next_ones)
    if last is not None and not draft.is_another and _says_the_same(last, question, draft):
        return Answered(stored, last)
    current = current_answer(unit, question.id)
    waits = draft.waits or rules.answers == "approve"
    new = replace(
        drafted(officer, question.id, draft.text),
        source=draft.source,
        everywhere=draft.everywhere or (current is not None and current.everywhere),
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
    """Give the question the form that the accepted version is bound to, and publish the answer.

    The question is answered then, its askers' remarks are handled, and they belong to its incident.
    """
    asked = find_question(unit, accepted.subject)
    is_in_alert = accepted.source == ALERT or asked.state is QuestionState.BECAME
    released = replace(
        _as_accepted(asked, accepted),
        state=QuestionState.BECAME if is_in_alert else QuestionState.ANSWERED,
        changed_at=unit.now,
    )
    unit.listening.put_question(released)
    if released.incident is not None and released.incident != asked.incident:
        unit.listening.attribute_askers(released.id, released.incident)
    unit.listening.see_to_askers(released.id)
    return Answered(released, accepted, spread(unit, released, accepted))


def _as_accepted(asked: Question, accepted: GivenAnswer) -> Question:
    if accepted.incident is None:  # stored by an earlier version of the program: only the question has its incident
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
    """Return open questions whose incident is over: at once if they changed before its end, else two days after it.

    At most `MOST_CLOSED`: the others are found once these are closed.
    """
    found: list[Question] = []
    for incident in unit.listening.asked_about():
        if (over_at := _over_at(unit, incident)) is not None and len(found) < MOST_CLOSED:
            until = unit.now if over_at <= unit.now - ASKED_AFTER_ITS_END else over_at
            found += unit.listening.open_since(incident, until, MOST_CLOSED - len(found))
    return found


def close_over_questions(unit: DeskUnit) -> int:
    """Dismiss these questions; returns how many. Their askers' remarks stay unread until an officer handles them."""
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
    """Return the utterance of that id, or the only one whose id begins so. Raises Misuse if there isn't exactly one."""
    found = unit.listening.utterance(only_named(unit, "utterance", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def find_question(unit: DeskUnit, name: str) -> Question:
    """Return the question of that id, or the only one whose id begins so. Raises Misuse if there isn't exactly one."""
    found = unit.listening.question(only_named(unit, "question", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def wording(words: str) -> str:
    """Return a question's words as they are stored: on one line, cut to a line's length. Raises Misuse if blank."""
    line = " ".join(words.split())
    if not line:
        raise Misuse(because("wording_empty"))
    return line[:LONGEST_WORDING]
