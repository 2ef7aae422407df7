"""Acts on an officer's own words that wait: answers to questions and to reports, outcomes of polls (`versions`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from alerts.desk.act import SEEN_BODY, Line, Named, Seen
from alerts.desk.handing_in import find_answer, is_by, must_wait, validate
from alerts.desk.officer import Officer
from alerts.desk.out import VersionOut
from alerts.desk.unit import DeskUnit
from alerts.listening import outcomes, questions
from alerts.listening.out import QuestionOut
from alerts.listening.question_acts import HeardAct, channels_of
from alerts.listening.questions import find_question
from alerts.model.errors import Conflict
from alerts.model.events import ReportsChanged
from alerts.model.listening import AnswerState, AnswerTo, GivenAnswer, QuestionState
from alerts.model.person import Act
from alerts.model.post import Post
from alerts.model.reason import because
from alerts.reports import steps

Done: TypeAlias = tuple[GivenAnswer, Sequence[Post]]
"""The words, and the posts that say them."""


@dataclass(frozen=True)
class WordsAct(HeardAct):
    """The base of them. An answer to a question returns the question, other words return themselves."""

    of, place, group, answers = "answers", "/words", "words", (QuestionOut, VersionOut)
    names: ClassVar[str] = "The id of words that wait, or the start of one."
    decides, listens, table = True, False, "answer"

    def found(self, unit: DeskUnit) -> str | None:
        """The id of the words."""
        named = unit.listening.named("answer", self.id)
        return find_answer(unit, self.id).id if named else None

    def account(self, unit: DeskUnit, done: Done) -> QuestionOut | VersionOut:
        """The question that they answer, or the words."""
        words = done[0]
        if words.to is AnswerTo.QUESTION:
            return QuestionOut.of(unit, find_question(unit, words.subject))
        return VersionOut.of(words)

    def before(self, unit: DeskUnit) -> VersionOut:
        """The words, with all that a validation lets out by them."""
        return VersionOut.of(find_answer(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """The words."""
        return find_answer(unit, self.id).text

    def values(self, done: Done) -> Mapping[str, Any]:
        """The id of the words, and the channels that say them."""
        return {"alert": done[0].id, "channels": channels_of(done[1])}

    def page(self, unit: DeskUnit, done: Done) -> str:
        """The page of what they answer."""
        match done[0]:
            case GivenAnswer(to=AnswerTo.POLL, subject=poll):
                return f"/polls/{poll}"
            case GivenAnswer(to=AnswerTo.REPORT):
                return f"/reports/{_number(unit, done[0])}"
            case GivenAnswer(subject=question):
                return f"/heard/questions/{question}?done=answers-{self.verb}"

    def events(self, unit: DeskUnit, done: Done) -> Sequence[object]:
        """The report has changed, or the list of what people say."""
        if done[0].to is AnswerTo.REPORT:
            return (ReportsChanged((_number(unit, done[0]),)),)
        return super().events(unit, done)


def _number(unit: DeskUnit, words: GivenAnswer) -> str:
    report = unit.reports.by_id(words.subject)
    return report.number if report is not None else words.subject


@dataclass(frozen=True)
class ApproveAnswer(WordsAct):
    """Let a waiting answer go out."""

    verb, permission, body = "approve", Act.VALIDATE_ANSWER, SEEN_BODY
    details = "Never by its author. 409 where it isn't what was `seen`. An answer to a question tells the question."

    confirmation = "the answer goes out on %(channels)s"

    seen: Seen = None

    def carry_out(self, officer: Officer) -> Done:
        """Let it out, as it was shown. Raises Forbidden for its own author, Conflict where somebody was faster."""
        unit, words = officer.unit, validate(officer, self.id, self.seen)
        match words.to:
            case AnswerTo.POLL:
                outcomes.let_out(unit, words)
            case AnswerTo.REPORT:
                steps.let_out(unit, words)
            case _:
                asked = find_question(unit, words.subject)
                if asked.state is QuestionState.DISMISSED:  # nobody is to be answered any more
                    raise Conflict(because("question_settled", question=asked.id, state=asked.state))
                return words, questions.let_out(unit, words).posts
        return words, ()


@dataclass(frozen=True)
class RejectAnswer(WordsAct):
    """Keep a waiting answer from going out."""

    verb, permission = "reject", Act.ANSWER
    body = ("AnswerReason", "Why an answer doesn't go out.")
    details = "An author may reject what they wrote themselves; the rest takes an approver."
    confirmation = "%(alert)s doesn't go out"

    reason: Annotated[Line | None, Field(description="For the audit log."), Named(help="Why.")] = None

    def carry_out(self, officer: Officer) -> Done:
        """Keep it; its own author may. Raises Conflict where somebody was faster."""
        unit, found = officer.unit, must_wait(officer.unit, self.id)
        officer.must(Act.ANSWER if is_by(officer, found) else Act.VALIDATE_ANSWER)
        if not unit.listening.decide_answer(found, AnswerState.REJECTED, officer.actor.name, unit.now):
            raise Conflict(because("answer_settled", answer=found.id, state=found.state))
        officer.write(Act.VALIDATE_ANSWER, found.subject, f"{found.id} rejected: {self.reason or ''}")
        return replace(found, state=AnswerState.REJECTED), ()
