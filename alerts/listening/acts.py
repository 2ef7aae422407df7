"""Officers' acts on people's remarks, each checked against their role and done and recorded in one transaction.

A repeated act, as by a double tap, is done once: there is no second line in the audit log, no second version of an
answer, no second post. An answer is published by the rules of `answering`; with `answers = "approve"` only once
somebody other than its author validated it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.approve import find_alert
from alerts.desk.dedupe import end_reason
from alerts.desk.handing_in import drafted, hand_in, let_go, only_named, validate
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.desk.versions import newest, standing
from alerts.listening.answering import newest_alert, spread, take_back, worded
from alerts.listening.grouping import Group
from alerts.listening.hearing import take
from alerts.model.alert import Status
from alerts.model.errors import Conflict, Misuse, Refused
from alerts.model.incident import AlertState
from alerts.model.listening import (
    AnswerState,
    GivenAnswer,
    Kind,
    Question,
    QuestionState,
    Remark,
    Understood,
    Utterance,
    UtteranceState,
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
# Lines of the audit log about one question in which it is looked up if it took another one up.
_MOST_LINES = 200
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


# --- what was said


def add(
    officer: Officer,
    text: str,
    understood: Understood,
    *,
    incident: str | None = None,
    place: str | None = None,
    group: Group | None = None,
) -> Utterance:
    """Keep what an officer heard where no ear is; `place` is where. Raises Misuse where there is nothing in it."""
    officer.must(Act.TEND)
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


def handled(officer: Officer, utterance: str) -> Utterance:
    """Note that somebody saw to it."""
    officer.must(Act.TEND)
    said = find_utterance(officer.unit, utterance)
    if said.state is not UtteranceState.UNREAD:
        return said
    done = replace(said, state=UtteranceState.HANDLED)
    officer.unit.listening.put(done)
    officer.write(Act.TEND, said.id, "handled")
    return done


def set_kind(officer: Officer, utterance: str, kind: Kind) -> Utterance:
    """Say what it is: a person's word alone takes back that it may be a call for help."""
    officer.must(Act.TEND)
    said = find_utterance(officer.unit, utterance)
    changed = replace(said, kind=kind, kind_reason=None, raised=kind is Kind.HELP)
    if changed != said:
        officer.unit.listening.put(changed)
        officer.write(Act.TEND, said.id, f"kind {kind}")
    return changed


def attribute(officer: Officer, name: str, incident: str) -> None:
    """Say which incident an utterance, or a question with all that was said of it, is about, by any of its alerts.

    Of a question with an answer that is a version of the answer: it moves once that is let out.
    """
    officer.must(Act.TEND)
    unit = officer.unit
    about = find_alert(unit.alerts, incident).incident_id
    if unit.listening.named("question", name):
        question = find_question(unit, name)
        if question.incident != about:
            _must_stay_of_its_kind(unit, question, about)
            if _said_anew(officer, replace(question, incident=about)) is None:
                unit.listening.put_question(replace(question, incident=about, changed_at=unit.now))
        if newest(unit, question.id) is None:
            unit.listening.attribute_askers(question.id, about)
    else:
        unit.listening.put(replace(find_utterance(unit, name), incident=about, suggested=False))
    officer.write(Act.TEND, name, f"about {about}")


def _must_stay_of_its_kind(unit: DeskUnit, question: Question, about: str) -> None:
    """Raise Refused if an exercise's answer would join a real incident, or the other way round."""
    if question.incident is None or newest(unit, question.id) is None:
        return
    alerts = [newest_alert(unit, each).alert for each in (question.incident, about)]
    if len({each.status is Status.ACTUAL for each in alerts if each is not None}) > 1:
        raise Refused(because("question_of_exercise", question=question.id))


# --- questions


def merge(officer: Officer, question: str, into: str) -> Question:
    """Merge the first question into the second. Raises Misuse if the first has an answer.

    If the second has one, it is published again, for the askers of the first get it too.
    """
    officer.must(Act.TEND)
    unit, listening = officer.unit, officer.unit.listening
    kept = find_question(unit, into)
    if went_up_in(unit, question, kept.id):  # a double tap
        return kept
    gone = find_question(unit, question)
    if gone.id == kept.id:
        return kept
    if listening.answers(gone.id):
        raise Misuse(because("question_answered", question=gone.id))
    listening.move_askers(gone.id, kept.id)
    listening.drop_question(gone.id)
    # The vector is made anew from its members': their mean is nobody's to guess here.
    merged = replace(kept, asked=kept.asked + gone.asked, changed_at=unit.now, centroid=None)
    listening.put_question(merged)
    officer.write(Act.TEND, kept.id, f"took up {gone.id}")
    answered = _said_anew(officer, merged, reach=True)
    return answered.question if answered is not None else merged


def went_up_in(unit: DeskUnit, question: str, kept: str) -> bool:
    """True if the question of that id was merged into the other one: the audit log alone still knows of it."""
    lines = unit.audit.newest(subject=kept, most=_MOST_LINES)
    return any(each.entry.detail == f"took up {question}" for each in lines)


def split(officer: Officer, question: str, utterances: Sequence[str]) -> Question:
    """Make some of those who asked a question of their own. Raises Misuse where that leaves nobody, or names none."""
    officer.must(Act.TEND)
    unit, listening = officer.unit, officer.unit.listening
    asked = find_question(unit, question)
    members = {each.id: each for each in listening.asking(asked.id)}
    named = [find_utterance(unit, name) for name in dict.fromkeys(utterances)]
    if not named or len(named) >= len(members) or any(each.id not in members for each in named):
        raise Misuse(because("question_not_split", question=asked.id))
    first = named[0]
    own = Question(
        id=unit.new_id(),
        words=(first.text or "")[:LONGEST_WORDING],
        kind=first.kind,
        state=QuestionState.OPEN,
        created_at=unit.now,
        changed_at=unit.now,
        incident=first.incident or asked.incident,
        asked=len(named),
    )
    listening.put_question(own)
    for each in named:
        listening.put(replace(each, question=own.id))
    # Its mean vector included those that left.
    listening.put_question(replace(asked, asked=max(asked.asked - len(named), 0), changed_at=unit.now, centroid=None))
    listening.retake_words(asked.id)
    officer.write(Act.TEND, asked.id, f"split off {own.id}")
    return own


def reword(officer: Officer, question: str, words: str) -> Question:
    """Say what is asked in one's own words, as the town's page shows it. With an answer it is a version of that."""
    officer.must(Act.TEND)
    unit, asked = officer.unit, find_question(officer.unit, question)
    changed = replace(asked, words=_wording(words), worded_by=officer.actor.name)
    if (changed.words, changed.worded_by) == (asked.words, asked.worded_by):
        return asked
    if (answered := _said_anew(officer, changed)) is not None:
        return answered.question
    unit.listening.put_question(replace(changed, changed_at=unit.now))
    officer.write(Act.TEND, asked.id, f"worded {changed.words}")
    return changed


def _said_anew(officer: Officer, changed: Question, *, reach: bool = False) -> Answered | None:
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


def dismiss(officer: Officer, question: str, reason: str) -> Question:
    """Answer it to nobody, for that reason; who asked counts as seen to. Raises Misuse without a reason."""
    officer.must(Act.TEND)
    if not reason.strip():
        raise Misuse(because("dismissal_without_reason"))
    unit = officer.unit
    asked = find_question(unit, question)
    if asked.state is QuestionState.DISMISSED:
        return asked
    if asked.state is not QuestionState.OPEN:
        raise Conflict(because("question_settled", question=asked.id, state=asked.state))
    why = because("dismissed_by", who=officer.actor.name, why=reason.strip())
    dismissed = replace(asked, state=QuestionState.DISMISSED, reason=why, changed_at=unit.now)
    unit.listening.put_question(dismissed)
    unit.listening.see_to_askers(asked.id)
    let_go(officer, asked.id, Act.TEND)
    officer.write(Act.TEND, asked.id, f"dismissed: {reason}")
    return dismissed


# --- answers


def answer(
    officer: Officer,
    question: str,
    text: str,
    *,
    next_ones: bool = False,
    everywhere: bool = False,
    words: str | None = None,
    source: str = "officer",
) -> Answered:
    """Answer a question, or replace its answer; the same words again change nothing.

    `words` is the question in the officer's words. Raises Misuse if the answer is empty, or if the question belongs to
    no incident yet: an answer is published on an incident's page.
    """
    officer.must(Act.ANSWER)
    said = text.strip()
    if not said or len(said) > LONGEST_ANSWER:
        raise Misuse(because("answer_length", most=LONGEST_ANSWER))
    asked = find_question(officer.unit, question)
    asked = replace(asked, next_ones=next_ones)
    if words:
        asked = replace(asked, words=_wording(words), worded_by=officer.actor.name)
    return give(officer, asked, AnswerDraft(said, everywhere=everywhere, source=source))


def give(officer: Officer, question: Question, draft: AnswerDraft) -> Answered:
    """Keep an answer to the question as it is to be asked, and let it out unless it waits for a second person.

    Until it is let out the question stays as it is: readers have the version before, with what belongs to that.
    """
    unit, listens = officer.unit, officer.unit.desk.station.listening
    newest_alert(unit, question.incident)
    last = newest(unit, question.id)
    if last is not None and not draft.is_another and _says_the_same(last, question, draft):
        return Answered(find_question(unit, question.id), last)
    stands = standing(unit, question.id)
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
        return _let_out(unit, new)
    kept = replace(find_question(unit, question.id), changed_at=unit.now)
    unit.listening.put_question(kept)
    return Answered(kept, new)


def approve_answer(officer: Officer, name: str, seen: str | None = None) -> Answered:
    """Let a waiting answer to a question go out, as it was shown. Raises as `versions.validate`.

    Raises Conflict too where the question was dismissed meanwhile: nobody is to be answered any more.
    """
    accepted = validate(officer, name, seen)
    asked = find_question(officer.unit, accepted.subject)
    if asked.state is QuestionState.DISMISSED:
        raise Conflict(because("question_settled", question=asked.id, state=asked.state))
    return _let_out(officer.unit, accepted)


def withdraw(officer: Officer, question: str, reason: str | None = None) -> Answered:
    """Withdraw an answer wherever it is; the question is open again. Raises Conflict if there is none.

    An author may do it alone, since, like a correction, it waits for nobody: it removes words and adds none.
    """
    officer.must(Act.ANSWER)
    unit = officer.unit
    asked = find_question(unit, question)
    stands = standing(unit, asked.id)
    if stands is None:
        raise Conflict(because("no_answer_stands", question=asked.id))
    posts = take_back(unit, asked, stands)
    for each in unit.listening.answers(asked.id):
        if each.state is AnswerState.ACCEPTED:
            unit.listening.decide_answer(each, AnswerState.WITHDRAWN, each.validated_by, unit.now)
    opened = replace(asked, state=QuestionState.OPEN, next_ones=False, changed_at=unit.now)
    unit.listening.put_question(opened)
    officer.write(Act.ANSWER, asked.id, f"{stands.id} withdrawn: {reason or ''}")
    return Answered(opened, replace(stands, state=AnswerState.WITHDRAWN), posts)


def _let_out(unit: DeskUnit, accepted: GivenAnswer) -> Answered:
    """Make the question what the accepted version says, and publish it."""
    asked = find_question(unit, accepted.subject)
    is_in_alert = accepted.source == ALERT or asked.state is QuestionState.BECAME
    told = replace(
        _as_bound(asked, accepted),
        state=QuestionState.BECAME if is_in_alert else QuestionState.ANSWERED,
        changed_at=unit.now,
    )
    unit.listening.put_question(told)
    if told.incident is not None and told.incident != asked.incident:
        unit.listening.attribute_askers(told.id, told.incident)
    unit.listening.see_to_askers(told.id)
    return Answered(told, accepted, spread(unit, told, accepted))


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
    told = [each for each in unit.alerts.incident(incident) if each.state is AlertState.ACCEPTED and each.alert]
    last = told[-1] if told else None
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


def _wording(words: str) -> str:
    said = " ".join(words.split())
    if not said:
        raise Misuse(because("wording_empty"))
    return said[:LONGEST_WORDING]
