"""What officers do about what people say, each checked against their role, done and written down in one transaction.

What is done twice, as by a double tap, is done once: there is no second line in the audit log, no second version of an
answer, no second post. An answer goes out as `answering` lays down; with `answers = "approve"` only once somebody else
than its author validated it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.desk.approve import SHORTEST, find_alert
from alerts.desk.dedupe import end_reason
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening.answering import newest_alert, spread, standing, take_back
from alerts.listening.grouping import Group
from alerts.listening.hearing import take
from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.incident import AlertState
from alerts.model.listening import (
    AnswerState,
    Kind,
    Question,
    QuestionAnswer,
    QuestionState,
    Remark,
    Understood,
    Utterance,
    UtteranceState,
)
from alerts.model.person import Act, fold_name
from alerts.model.post import Post
from alerts.model.reason import because

ELSEWHERE = "elsewhere"
"""The channel of what an officer heard where no ear is: at the counter, by telephone, in a closed group."""
LONGEST_ANSWER = 2000
"""Characters of an answer: it is cut where a platform takes less, so more would be read by nobody."""
ALERT = "alert"
"""The source of an answer that is part of the alert by now."""
LONGEST_WORDING = 300
MOST_CLOSED = 200
ASKED_AFTER_ITS_END = timedelta(hours=48)
"""As long as people are listened to after the end of an incident."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer: its question, the answer, and the posts that were stored for it now."""

    question: Question
    answer: QuestionAnswer
    posts: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """An answer to be given. `source` is where its words are from: `officer`, `alert`, or an earlier answer's id.

    `waits`: it waits for a second person whatever the town says of answers, as what it is part of does.
    """

    text: str
    everywhere: bool = False
    source: str = "officer"
    waits: bool = False


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
    """Say which incident an utterance, or a question with all that was said of it, is about, by any of its alerts."""
    officer.must(Act.TEND)
    unit = officer.unit
    about = find_alert(unit.alerts, incident).incident_id
    if unit.listening.named("question", name):
        question = find_question(unit, name)
        if question.incident != about:
            unit.listening.put_question(replace(question, incident=about, changed_at=unit.now))
        unit.listening.attribute_askers(question.id, about)
    else:
        unit.listening.put(replace(find_utterance(unit, name), incident=about, suggested=False))
    officer.write(Act.TEND, name, f"about {about}")


# --- questions


def merge(officer: Officer, question: str, into: str) -> Question:
    """Let the first question go up in the second. Raises Misuse where it was answered: its answer is out."""
    officer.must(Act.TEND)
    unit, listening = officer.unit, officer.unit.listening
    if not listening.named("question", question) and listening.named("question", into):
        # A double tap: it went up in the other one already.
        return find_question(unit, into)
    gone, kept = find_question(unit, question), find_question(unit, into)
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
    return merged


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
    listening.put_question(replace(asked, asked=max(asked.asked - len(named), 0), changed_at=unit.now, centroid=None))
    officer.write(Act.TEND, asked.id, f"split off {own.id}")
    return own


def reword(officer: Officer, question: str, words: str) -> Question:
    """Say what is asked in one's own words, as the town's page shows it."""
    officer.must(Act.TEND)
    asked = find_question(officer.unit, question)
    changed = replace(asked, words=_wording(words), worded_by=officer.actor.name)
    if changed != asked:
        officer.unit.listening.put_question(replace(changed, changed_at=officer.unit.now))
        officer.write(Act.TEND, asked.id, f"worded {changed.words}")
    return changed


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
    """Answer a question, or put other words in the place of its answer; the same words again change nothing.

    `words` is what is asked, in the officer's words. Raises Misuse where there is nothing in it, or where the question
    belongs to no incident yet: an answer stands on the page of one.
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
    """Keep an answer of an officer who may give it, and let it out unless it waits for a second person."""
    unit = officer.unit
    newest_alert(unit, question.incident)
    asked = question
    versions = unit.listening.answers(asked.id)
    if versions and _says_the_same(versions[-1], draft):
        unit.listening.put_question(asked)
        return Answered(asked, versions[-1])
    waits = draft.waits or unit.desk.station.listening.answers == "approve"
    new = QuestionAnswer(
        id=unit.new_id(),
        question=asked.id,
        version=len(versions) + 1,
        text=draft.text,
        language=unit.desk.station.language,
        author=officer.actor.name,
        created_at=unit.now,
        state=AnswerState.WAITING if waits else AnswerState.ACCEPTED,
        source=draft.source,
        everywhere=draft.everywhere or any(each.everywhere and each.state is AnswerState.ACCEPTED for each in versions),
    )
    for each in versions:
        if each.state is AnswerState.WAITING:
            unit.listening.decide_answer(each, AnswerState.REJECTED, officer.actor.name, unit.now)
    unit.listening.add_answer(new)
    officer.write(Act.ANSWER, asked.id, f"{new.id} v{new.version}: {new.text}")
    if waits:
        unit.listening.put_question(replace(asked, changed_at=unit.now))
        return Answered(asked, new)
    return _let_out(unit, asked, new)


def approve_answer(officer: Officer, name: str) -> Answered:
    """Let a waiting answer go out. Raises Forbidden for its own author, Conflict where somebody was faster."""
    officer.must(Act.VALIDATE_ANSWER)
    unit = officer.unit
    waiting = _waiting(unit, name)
    is_own = fold_name(waiting.author) == fold_name(officer.actor.name)
    if is_own and not unit.desk.station.desk.alone:
        raise Forbidden(because("answers_own", answer=waiting.id, author=waiting.author))
    if not unit.listening.decide_answer(waiting, AnswerState.ACCEPTED, officer.actor.name, unit.now):
        raise Conflict(because("answer_settled", answer=waiting.id, state=waiting.state))
    officer.write(Act.VALIDATE_ANSWER, waiting.question, f"{waiting.id}{', alone' if is_own else ''}: {waiting.text}")
    accepted = replace(waiting, state=AnswerState.ACCEPTED, validated_by=officer.actor.name, validated_at=unit.now)
    return _let_out(unit, find_question(unit, waiting.question), accepted)


def reject_answer(officer: Officer, name: str, reason: str | None = None) -> QuestionAnswer:
    """Keep a waiting answer from going out; its own author may. Raises Conflict where somebody was faster."""
    unit = officer.unit
    waiting = _waiting(unit, name)
    is_own = fold_name(waiting.author) == fold_name(officer.actor.name)
    officer.must(Act.ANSWER if is_own else Act.VALIDATE_ANSWER)
    if not unit.listening.decide_answer(waiting, AnswerState.REJECTED, officer.actor.name, unit.now):
        raise Conflict(because("answer_settled", answer=waiting.id, state=waiting.state))
    officer.write(Act.VALIDATE_ANSWER, waiting.question, f"{waiting.id} rejected: {reason or ''}")
    return replace(waiting, state=AnswerState.REJECTED)


def withdraw(officer: Officer, question: str, reason: str | None = None) -> Answered:
    """Take an answer back wherever it is; the question is open again. Raises Conflict where none stands."""
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


def _let_out(unit: DeskUnit, asked: Question, accepted: QuestionAnswer) -> Answered:
    is_in_alert = accepted.source == ALERT or asked.state is QuestionState.BECAME
    state = QuestionState.BECAME if is_in_alert else QuestionState.ANSWERED
    told = replace(asked, state=state, changed_at=unit.now)
    unit.listening.put_question(told)
    unit.listening.see_to_askers(asked.id)
    return Answered(told, accepted, spread(unit, told, accepted))


def _says_the_same(last: QuestionAnswer, draft: AnswerDraft) -> bool:
    is_alive = last.state in (AnswerState.WAITING, AnswerState.ACCEPTED)
    return is_alive and last.text == draft.text and (last.everywhere or not draft.everywhere)


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


def find_answer(unit: DeskUnit, name: str) -> QuestionAnswer:
    """The answer of that id, or of that beginning of one. Raises Misuse."""
    found = unit.listening.answer(only_named(unit, "answer", name))
    assert found is not None  # noqa: S101 its id was just read
    return found


def _waiting(unit: DeskUnit, name: str) -> QuestionAnswer:
    found = find_answer(unit, name)
    if found.state is not AnswerState.WAITING:
        raise Conflict(because("answer_settled", answer=found.id, state=found.state))
    return found


def only_named(unit: DeskUnit, table: str, name: str) -> str:
    """The one id of that table that begins so. Raises Misuse for none and for several."""
    found = unit.listening.named(table, name)
    if len(name) < SHORTEST and name not in found:
        raise Misuse(because("name_too_short", name=name, least=SHORTEST))
    if not found:
        raise Misuse(because("nothing_heard_so", name=name))
    if len(found) > 1:
        raise Misuse(because("name_of_several", name=name, found=list(found[:5])))
    return found[0]


def _wording(words: str) -> str:
    said = " ".join(words.split())
    if not said:
        raise Misuse(because("wording_empty"))
    return said[:LONGEST_WORDING]
