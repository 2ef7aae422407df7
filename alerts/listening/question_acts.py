"""Acts on a question: answer, reword, merge, split, dismiss or attribute it, judge it, and change what answers it.

A repeated act, as by a double tap, is done once: there is no second line in the audit log, no second version of an
answer, no second post.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from alerts.desk.act import Line, Lines, Name, Named, OfficerAct
from alerts.desk.approve import find_alert
from alerts.desk.handing_in import let_go
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import current_answer, newest
from alerts.listening.answering import newest_alert, take_back
from alerts.listening.out import QuestionOut
from alerts.listening.questions import (
    ALERT,
    LONGEST_ANSWER,
    LONGEST_WORDING,
    AnswerDraft,
    Answered,
    find_question,
    find_utterance,
    give,
    said_anew,
    wording,
)
from alerts.model.alert import Status
from alerts.model.errors import Conflict, Misuse, Refused
from alerts.model.events import RemarkHeard
from alerts.model.incident import AlertState
from alerts.model.listening import AnswerState, Kind, Question, QuestionState
from alerts.model.person import Act
from alerts.model.post import Post
from alerts.model.reason import Reason, because

VERDICTS = ("true", "false", "unclear")
# Newest lines of a question's audit log that are searched for another one merged into it.
_MOST_LINES = 200
Answer = Annotated[Lines, StringConstraints(max_length=LONGEST_ANSWER)]
Sentence = Annotated[Answer, Field(description="What is so, in one sentence: the alert's update says it.")]


def _question_of(done: Question | Answered) -> Question:
    return done.question if isinstance(done, Answered) else done


def channels_of(posts: Sequence[Post]) -> Sequence[str]:
    """The channels of these posts, each once."""
    return tuple(dict.fromkeys(post.channel for post in posts))


@dataclass(frozen=True)
class HeardAct(OfficerAct):
    """The base of acts on what people say: the act's `id` is one of `table`. Only in a town that listens."""

    permission: ClassVar[Act] = Act.TEND
    listens = True
    table: ClassVar[str]

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return the reason if nothing in `table` has exactly this id; None if something has."""
        is_there = list(unit.listening.named(self.table, self.id)) == [self.id]
        return None if is_there else because("nothing_heard_so", name=self.id[:60])

    def events(self, unit: DeskUnit, done: Any) -> Sequence[object]:  # noqa: ARG002 one for all
        """Return the event that the list of what people say has changed."""
        return (RemarkHeard(),)


@dataclass(frozen=True)
class QuestionAct(HeardAct):
    """The base of the acts on a question. Each returns the question as it is afterwards."""

    of, place, group, answers = "questions", "/heard/questions", "question", (QuestionOut,)
    names: ClassVar[str] = "A question's id, or the start of one."
    metavar: ClassVar[str] = "QUESTION"
    table = "question"

    def account(self, unit: DeskUnit, done: Question | Answered) -> QuestionOut:
        """The question as it is after the act."""
        return QuestionOut.of(unit, find_question(unit, _question_of(done).id))

    def before(self, unit: DeskUnit) -> QuestionOut:
        """The question as it is now."""
        return QuestionOut.of(unit, find_question(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """Return the question's words."""
        return find_question(unit, self.id).words

    def values(self, done: Question | Answered) -> Mapping[str, Any]:
        """The answer's id, and its channels, each once; nothing if no answer was given."""
        return {"answer": done.answer.id, "channels": channels_of(done.posts)} if isinstance(done, Answered) else {}

    def page(self, unit: DeskUnit, done: Question | Answered) -> str:  # noqa: ARG002 it has its id
        """Return the path of the question's page, which then says that the act was done."""
        return f"{self.place}/{_question_of(done).id}?done=questions-{self.verb}"


@dataclass(frozen=True)
class AnswerQuestion(QuestionAct):
    """Answer a question once, wherever it was asked."""

    verb, permission, group = "answer", Act.ANSWER, "tocsin"
    help = "Answer a question once, wherever it was asked; an answer that is out is put right where it is."
    body = ("AnswerWish", "An answer to a question.")
    details = (
        "On an answered question it puts other words in the answer's place, wherever that is. With "
        '`answers = "approve"` it waits: `waiting` is its id. What is asked, `next` and `everywhere` are part of it.'
    )

    text: Annotated[
        Answer,
        Field(description="As everybody shall read it."),
        Named(help="The answer, as everybody shall read it."),
    ]
    next_ones: Annotated[
        bool, Field(description="Answer those too who ask it later, where it is surely the same."), Named("next")
    ] = False
    everywhere: Annotated[bool, Field(description="Say it on the alert's other channels too.")] = False
    words: Annotated[
        Line | None,
        Field(description="What is asked, in one's own words."),
        Named(help="What is asked, in your own words."),
    ] = None
    source: Annotated[
        Name,
        Field(description="Whose words they are: `officer`, `alert`, or the id of an earlier answer."),
        Named(by_form=True),
    ] = "officer"

    def carry_out(self, officer: Officer) -> Answered:
        """Answer it, or replace its answer; the same words again change nothing.

        Raises Misuse if the answer is empty or too long, or if the question belongs to no incident yet: an answer is
        published on an incident's page.
        """
        said = self.text.strip()
        if not said or len(said) > LONGEST_ANSWER:
            raise Misuse(because("answer_length", most=LONGEST_ANSWER))
        question = replace(find_question(officer.unit, self.id), next_ones=self.next_ones)
        if self.words:
            question = replace(question, words=wording(self.words), worded_by=officer.actor.name)
        return give(officer, question, AnswerDraft(said, everywhere=self.everywhere, source=self.source))

    def says(self, done: Answered) -> str:
        """Return the message to the officer: on which channels it goes out, or that it waits."""
        waits = "%(answer)s waits for a second person: `tocsin approve %(answer)s`"
        return waits if done.answer.state is AnswerState.WAITING else "the answer goes out on %(channels)s"


@dataclass(frozen=True)
class WithdrawAnswer(QuestionAct):
    """Take an answer back wherever it is."""

    verb, permission, group, listens = "withdraw", Act.ANSWER, "tocsin", False
    help = "Take an answer back wherever it is; its question is open again."
    body = ("WithdrawWish", "Why an answer is taken back.")
    details = "It waits for nobody: it takes words away and adds none. The question is open again."
    confirmation = "the answer is taken back on %(channels)s"

    reason: Annotated[Line | None, Field(description="For the audit log."), Named(help="Why, for the audit log.")] = (
        None
    )

    def carry_out(self, officer: Officer) -> Answered:
        """Take it back, even in a town that no longer listens. Raises Conflict if there is no answer.

        An author may do it alone: like a correction it waits for nobody, since it removes words and adds none.
        """
        unit = officer.unit
        question = find_question(unit, self.id)
        current = current_answer(unit, question.id)
        if current is None:
            raise Conflict(because("no_answer_stands", question=question.id))
        posts = take_back(unit, question, current)
        for each in unit.listening.answers(question.id):
            if each.state is AnswerState.ACCEPTED:
                unit.listening.decide_answer(each, AnswerState.WITHDRAWN, each.validated_by, unit.now)
        opened = replace(question, state=QuestionState.OPEN, next_ones=False, changed_at=unit.now)
        unit.listening.put_question(opened)
        officer.write(Act.ANSWER, question.id, f"{current.id} withdrawn: {self.reason or ''}")
        return Answered(opened, replace(current, state=AnswerState.WITHDRAWN), posts)


@dataclass(frozen=True)
class RewordQuestion(QuestionAct):
    """Say what is asked in one's own words."""

    verb, body = "reword", ("Wording", "What is asked.")
    details = "The town's page shows it so. With an answer it is a version of that, and waits like one."

    words: Annotated[Line, Field(description="What is asked, in one's own words.")]

    def carry_out(self, officer: Officer) -> Question:
        """Reword it; with an answer, that is a new version of the answer, and waits like one. Raises Misuse."""
        unit, question = officer.unit, find_question(officer.unit, self.id)
        changed = replace(question, words=wording(self.words), worded_by=officer.actor.name)
        if (changed.words, changed.worded_by) == (question.words, question.worded_by):
            return question
        if (answered := said_anew(officer, changed)) is not None:
            return answered.question
        unit.listening.put_question(replace(changed, changed_at=unit.now))
        officer.write(Act.TEND, question.id, f"worded {changed.words}")
        return changed


@dataclass(frozen=True)
class MergeQuestion(QuestionAct):
    """Let a question go up in another one that asks the same."""

    verb, body = "merge", ("Merging", "The question that stays.")
    details = "422 where something was said to it already. The answer is the question that stays."

    into: Annotated[Name, Field(description="The id of the question that stays.")]

    def carry_out(self, officer: Officer) -> Question:
        """Merge this question into the other one, and return that. Raises Misuse if this one has an answer.

        If the other one has an answer, it is published again, so that those who asked this one get it too. Until then
        nobody is answered automatically.
        """
        unit, listening = officer.unit, officer.unit.listening
        kept = find_question(unit, self.into)
        if self._is_merged(unit, kept.id):  # a double tap
            return kept
        gone = find_question(unit, self.id)
        if gone.id == kept.id:
            return kept
        if listening.answers(gone.id):
            raise Misuse(because("question_answered", question=gone.id))
        listening.move_askers(gone.id, kept.id)
        listening.drop_question(gone.id)
        # The vector is later computed again from its members': their mean isn't known here.
        merged = replace(kept, asked=kept.asked + gone.asked, changed_at=unit.now, centroid=None)
        # Later askers are compared with these too: none is answered automatically before that is released as well.
        listening.put_question(replace(merged, next_ones=False))
        officer.write(Act.TEND, kept.id, f"took up {gone.id}")
        answered = said_anew(officer, merged, reach=True)
        return answered.question if answered is not None else merged

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return None also if it was merged into the other one already, by the first of two taps."""
        return None if self._is_merged(unit, self.into) else super().missing(unit)

    def _is_merged(self, unit: DeskUnit, kept: str) -> bool:
        """True if it was merged into that one: only the audit log still knows of it."""
        lines = unit.audit.newest(subject=kept, most=_MOST_LINES)
        return any(each.entry.detail == f"took up {self.id}" for each in lines)


@dataclass(frozen=True)
class SplitQuestion(QuestionAct):
    """Make some of those who asked a question of their own."""

    verb, body = "split", ("Splitting", "Who asked something else.")
    details = "The answer is the new question."

    said: Annotated[
        tuple[Name, ...], Field(max_length=100, description="The ids of what they said: some, and not all of it.")
    ]

    def carry_out(self, officer: Officer) -> Question:
        """Split it. Raises Misuse if `said` has none of its utterances, all of them, or one that isn't its own."""
        unit, listening = officer.unit, officer.unit.listening
        question = find_question(unit, self.id)
        members = {each.id: each for each in listening.asking(question.id)}
        named = [find_utterance(unit, name) for name in dict.fromkeys(self.said)]
        if not named or len(named) >= len(members) or any(each.id not in members for each in named):
            raise Misuse(because("question_not_split", question=question.id))
        first = named[0]
        own = Question(
            id=unit.new_id(),
            words=(first.text or "")[:LONGEST_WORDING],
            kind=first.kind,
            state=QuestionState.OPEN,
            created_at=unit.now,
            changed_at=unit.now,
            incident=first.incident or question.incident,
            asked=len(named),
        )
        listening.put_question(own)
        for each in named:
            listening.put(replace(each, question=own.id))
        # Its mean vector still included those that were split off.
        rest = max(question.asked - len(named), 0)
        listening.put_question(replace(question, asked=rest, changed_at=unit.now, centroid=None))
        listening.retake_words(question.id)
        officer.write(Act.TEND, question.id, f"split off {own.id}")
        return own


@dataclass(frozen=True)
class DismissQuestion(QuestionAct):
    """Answer a question to nobody, for a reason."""

    verb, body = "dismiss", ("Dismissal", "Why nobody is answered.")
    details = "Who asked counts as seen to, and an answer that waits never goes out."

    reason: Annotated[Line, Field(description="Why nobody is answered.")]

    def carry_out(self, officer: Officer) -> Question:
        """Dismiss it; its askers count as seen to. Raises Conflict if it isn't open, Misuse without a reason."""
        if not self.reason.strip():
            raise Misuse(because("dismissal_without_reason"))
        unit = officer.unit
        question = find_question(unit, self.id)
        if question.state is QuestionState.DISMISSED:
            return question
        if question.state is not QuestionState.OPEN:
            raise Conflict(because("question_settled", question=question.id, state=question.state))
        why = because("dismissed_by", who=officer.actor.name, why=self.reason.strip())
        dismissed = replace(question, state=QuestionState.DISMISSED, reason=why, changed_at=unit.now)
        unit.listening.put_question(dismissed)
        unit.listening.see_to_askers(question.id)
        let_go(officer, question.id, Act.TEND)
        officer.write(Act.TEND, question.id, f"dismissed: {self.reason}")
        return dismissed

    def page(self, unit: DeskUnit, done: Question | Answered) -> str:  # noqa: ARG002 it isn't on the list any more
        """Return the page of the other remarks."""
        return "/heard?done=questions-dismiss"


@dataclass(frozen=True)
class AttributeQuestion(QuestionAct):
    """Say which alert a question is about."""

    verb, body = "attribute", ("Attribution", "What it is about.")
    details = "With all that was said of it. With an answer it is a version of that, and moves once that is let out."

    about: Annotated[Name, Field(description="The id of the alert or incident that it is about.")]

    def carry_out(self, officer: Officer) -> Question:
        """Attribute it, with all its utterances, to the incident that `about` or one of its alerts names.

        If it has an answer, that becomes a new version of the answer, and the question moves once that is let out.
        Raises Misuse, Refused.
        """
        unit, question = officer.unit, find_question(officer.unit, self.id)
        about = find_alert(unit.alerts, self.about).incident_id
        if question.incident != about:
            _must_stay_of_its_kind(unit, question, about)
            if said_anew(officer, replace(question, incident=about)) is None:
                unit.listening.put_question(replace(question, incident=about, changed_at=unit.now))
        if newest(unit, question.id) is None:
            unit.listening.attribute_askers(question.id, about)
        officer.write(Act.TEND, question.id, f"about {about}")
        return find_question(unit, question.id)


def _must_stay_of_its_kind(unit: DeskUnit, question: Question, about: str) -> None:
    """Raise Refused if an exercise's answer would join a real incident, or the other way round."""
    if question.incident is None or newest(unit, question.id) is None:
        return
    alerts = [newest_alert(unit, each).alert for each in (question.incident, about)]
    if len({each.status is Status.ACTUAL for each in alerts if each is not None}) > 1:
        raise Refused(because("question_of_exercise", question=question.id))


@dataclass(frozen=True)
class BecomeSentence(QuestionAct):
    """Update the alert with a sentence, and answer who asked with it."""

    verb, permission, body = "become", Act.ANSWER, ("Sentence", "What the alert doesn't say.")
    details = (
        "One update reaches more people than many answers. It waits as any officer's alert does; the "
        "answer waits where the update does, or where answers do."
    )

    sentence: Sentence

    def carry_out(self, officer: Officer) -> Question:
        """Update and answer; a double tap is one update. Raises as `Officer.update` does."""
        return _become(officer, find_question(officer.unit, self.id), self.sentence)


def _become(officer: Officer, question: Question, sentence: str) -> Question:
    """Update the alert with that sentence, and answer the askers with it; the same sentence again changes nothing.

    Raises Misuse without a sentence, and what `Officer.update` and `give` raise.
    """
    unit, said = officer.unit, " ".join(sentence.split())
    if not said or len(said) > LONGEST_ANSWER:
        raise Misuse(because("answer_length", most=LONGEST_ANSWER))
    versions = unit.listening.answers(question.id)
    if versions and versions[-1].source == ALERT and versions[-1].text == said:
        return question
    stored = newest_alert(unit, question.incident)
    before = stored.alert.info_for(unit.desk.station.language) if stored.alert is not None else None
    description = "\n".join(filter(None, (before.description if before is not None else None, said)))
    filed = officer.update(stored.id, {"description": description})
    waits = filed.stored.state is AlertState.WAITING
    return give(officer, question, AnswerDraft(said, source=ALERT, waits=waits)).question


@dataclass(frozen=True)
class JudgeRumour(QuestionAct):
    """Say of a rumour whether it is so, as an update of the alert."""

    verb, permission, body = "verdict", Act.ANSWER, ("Verdict", "What is so.")
    details = "The update begins with what is so; the rumour itself is never in the headline."

    verdict: Annotated[Name, Field(description="`true`, `false` or `unclear`.")]
    sentence: Sentence

    def carry_out(self, officer: Officer) -> Question:
        """Judge it. Raises Misuse for an unknown verdict or without a sentence, and as `Officer.update` does."""
        if self.verdict not in VERDICTS:
            raise Misuse(because("no_such_verdict", text=repr(self.verdict), allowed=list(VERDICTS)))
        unit, sentence = officer.unit, " ".join(self.sentence.split())
        question = find_question(unit, self.id)
        rumour = replace(question, kind=Kind.RUMOUR, verdict=self.verdict, changed_at=unit.now)
        unit.listening.put_question(rumour)
        if not sentence:
            raise Misuse(because("answer_length", most=LONGEST_ANSWER))
        return _become(officer, rumour, unit.desk.renderer.verdict(self.verdict, sentence))


@dataclass(frozen=True)
class _AnswerPostAct(QuestionAct):
    """The base of acts on a post that carries an answer."""

    listens = False
    post: Annotated[Name, Field(description="The id of the post with the answer.")]

    def _checked_post(self, unit: DeskUnit) -> str:
        """Return the post's id. Raises Misuse if it carries no answer to this question."""
        posts: Sequence[Post] = unit.listening.answer_posts(find_question(unit, self.id).id)
        if all(post.id != self.post for post in posts):
            raise Misuse(because("no_such_post", name=self.post[:40], alert=self.id))
        return self.post


@dataclass(frozen=True)
class RetryAnswer(_AnswerPostAct):
    """Send a question's answer again where it failed or is in doubt."""

    verb, permission, body = "retry", Act.RETRY, ("AnswerPost", "Which post of an answer is meant.")
    details = "What was in doubt may then be out twice."

    def carry_out(self, officer: Officer) -> Question:
        """Queue the post again. Raises Forbidden, Misuse, Refused."""
        officer.retry(self._checked_post(officer.unit))
        return find_question(officer.unit, self.id)


@dataclass(frozen=True)
class DropAnswer(_AnswerPostAct):
    """Give a question's answer up where it failed or is in doubt."""

    verb, permission, body = "drop", Act.DROP, ("AnswerPost", "Which post of an answer is meant.")

    def carry_out(self, officer: Officer) -> Question:
        """Drop the post. Raises Forbidden, Misuse, Refused."""
        officer.drop(self._checked_post(officer.unit))
        return find_question(officer.unit, self.id)
