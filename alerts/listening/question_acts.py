"""Acts on a question: answer it, take its answer back, say what it is and what it is about, or dismiss it.

What is done twice, as by a double tap, is done once (`alerts.listening.acts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from alerts.desk.act import Line, Lines, Name, Named, OfficerAct
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.listening import acts, proposals
from alerts.listening.acts import LONGEST_ANSWER, Answered, find_question
from alerts.listening.out import QuestionOut
from alerts.model.errors import Misuse
from alerts.model.events import RemarkHeard
from alerts.model.listening import AnswerState, Question
from alerts.model.person import Act
from alerts.model.post import Post
from alerts.model.reason import Reason, because

Answer = Annotated[Lines, StringConstraints(max_length=LONGEST_ANSWER)]
Sentence = Annotated[Answer, Field(description="What is so, in one sentence: the alert's update says it.")]


def _asked(done: Question | Answered) -> Question:
    return done.question if isinstance(done, Answered) else done


def channels_of(posts: Sequence[Post]) -> Sequence[str]:
    """The channels of these posts, each once."""
    return tuple(dict.fromkeys(post.channel for post in posts))


def must_listen(unit: DeskUnit) -> None:
    """Raise Misuse where the town listens to nothing."""
    if not unit.desk.station.listens:
        raise Misuse(because("not_listening"))


@dataclass(frozen=True)
class QuestionAct(OfficerAct):
    """The base of them. Each answers with the question as it is then."""

    of, place, group, answers = "questions", "/heard/questions", "question", (QuestionOut,)
    names: ClassVar[str] = "A question's id, or the start of one."
    metavar: ClassVar[str] = "QUESTION"
    permission: ClassVar[Act] = Act.TEND

    def missing(self, unit: DeskUnit) -> Reason | None:
        """Why no question has this id."""
        is_there = list(unit.listening.named("question", self.id)) == [self.id]
        return None if is_there else because("nothing_heard_so", name=self.id[:60])

    def account(self, unit: DeskUnit, done: Question | Answered) -> QuestionOut:
        """The question."""
        return QuestionOut.of(unit, find_question(unit, _asked(done).id))

    def before(self, unit: DeskUnit) -> QuestionOut:
        """The question as it is now."""
        return QuestionOut.of(unit, find_question(unit, self.id))

    def title(self, unit: DeskUnit) -> str:
        """Return the question's words."""
        return find_question(unit, self.id).words

    def page(self, unit: DeskUnit, done: Question | Answered) -> str:  # noqa: ARG002 it has its id
        """The question's page, which says that it was done."""
        return f"{self.place}/{_asked(done).id}?done=questions-{self.verb}"

    def events(self, unit: DeskUnit, done: Question) -> Sequence[object]:  # noqa: ARG002 one for all
        """The list of what people say has changed."""
        return (RemarkHeard(),)


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
        """Answer it. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        return acts.answer(
            officer,
            self.id,
            self.text,
            next_ones=self.next_ones,
            everywhere=self.everywhere,
            words=self.words,
            source=self.source,
        )

    def says(self, unit: DeskUnit, done: Answered) -> tuple[str, Mapping[str, Any]]:  # noqa: ARG002 it says where
        """Where it goes out, or that it waits."""
        if done.answer.state is AnswerState.WAITING:
            return "%(answer)s waits for a second person: `tocsin approve %(answer)s`", {"answer": done.answer.id}
        return "the answer goes out on %(channels)s", {"channels": channels_of(done.posts)}


@dataclass(frozen=True)
class WithdrawAnswer(QuestionAct):
    """Take an answer back wherever it is."""

    verb, permission, group = "withdraw", Act.ANSWER, "tocsin"
    help = "Take an answer back wherever it is; its question is open again."
    body = ("WithdrawWish", "Why an answer is taken back.")
    details = "It waits for nobody: it takes words away and adds none. The question is open again."

    reason: Annotated[Line | None, Field(description="For the audit log."), Named(help="Why, for the audit log.")] = (
        None
    )

    def carry_out(self, officer: Officer) -> Answered:
        """Take it back, also in a town that listens no more. Raises Forbidden, Conflict."""
        return acts.withdraw(officer, self.id, self.reason)

    def says(self, unit: DeskUnit, done: Answered) -> tuple[str, Mapping[str, Any]]:  # noqa: ARG002 it says where
        """Where it is taken back."""
        return "the answer is taken back on %(channels)s", {"channels": channels_of(done.posts)}


@dataclass(frozen=True)
class RewordQuestion(QuestionAct):
    """Say what is asked in one's own words."""

    verb, body = "reword", ("Wording", "What is asked.")
    details = "The town's page shows it so. With an answer it is a version of that, and waits like one."

    words: Annotated[Line, Field(description="What is asked, in one's own words.")]

    def carry_out(self, officer: Officer) -> Question:
        """Word it. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        return acts.reword(officer, self.id, self.words)


@dataclass(frozen=True)
class MergeQuestion(QuestionAct):
    """Let a question go up in another one that asks the same."""

    verb, body = "merge", ("Merging", "The question that stays.")
    details = "422 where something was said to it already. The answer is the question that stays."

    into: Annotated[Name, Field(description="The id of the question that stays.")]

    def carry_out(self, officer: Officer) -> Question:
        """Merge them. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        return acts.merge(officer, self.id, self.into)

    def missing(self, unit: DeskUnit) -> Reason | None:
        """A double tap finds it gone up in the other one already, which says so."""
        return None if acts.went_up_in(unit, self.id, self.into) else super().missing(unit)


@dataclass(frozen=True)
class SplitQuestion(QuestionAct):
    """Make some of those who asked a question of their own."""

    verb, body = "split", ("Splitting", "Who asked something else.")
    details = "The answer is the new question."

    said: Annotated[
        tuple[Name, ...], Field(max_length=100, description="The ids of what they said: some, and not all of it.")
    ]

    def carry_out(self, officer: Officer) -> Question:
        """Split it. Raises Forbidden, Misuse."""
        must_listen(officer.unit)
        return acts.split(officer, self.id, self.said)


@dataclass(frozen=True)
class DismissQuestion(QuestionAct):
    """Answer a question to nobody, for a reason."""

    verb, body = "dismiss", ("Dismissal", "Why nobody is answered.")
    details = "Who asked counts as seen to, and an answer that waits never goes out."

    reason: Annotated[Line, Field(description="Why nobody is answered.")]

    def carry_out(self, officer: Officer) -> Question:
        """Dismiss it. Raises Forbidden, Conflict, Misuse."""
        must_listen(officer.unit)
        return acts.dismiss(officer, self.id, self.reason)

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
        """Attribute it. Raises Forbidden, Misuse, Refused."""
        must_listen(officer.unit)
        asked = find_question(officer.unit, self.id)
        acts.attribute(officer, asked.id, self.about)
        return find_question(officer.unit, asked.id)


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
        """Update and answer. Raises as `Officer.update` does."""
        must_listen(officer.unit)
        return proposals.become(officer, self.id, self.sentence).answered.question


@dataclass(frozen=True)
class JudgeRumour(QuestionAct):
    """Say of a rumour whether it is so, as an update of the alert."""

    verb, permission, body = "verdict", Act.ANSWER, ("Verdict", "What is so.")
    details = "The update begins with what is so; the rumour itself is never in the headline."

    verdict: Annotated[Name, Field(description="`true`, `false` or `unclear`.")]
    sentence: Sentence

    def carry_out(self, officer: Officer) -> Question:
        """Judge it. Raises as `Officer.update` does."""
        must_listen(officer.unit)
        return proposals.verdict(officer, self.id, self.verdict, self.sentence).answered.question


@dataclass(frozen=True)
class _AnswerPostAct(QuestionAct):
    """The base of acts on a post that carries an answer."""

    post: Annotated[Name, Field(description="The id of the post with the answer.")]

    def _own(self, unit: DeskUnit) -> str:
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
        """Queue it. Raises Forbidden, Misuse, Refused."""
        officer.retry(self._own(officer.unit))
        return find_question(officer.unit, self.id)


@dataclass(frozen=True)
class DropAnswer(_AnswerPostAct):
    """Give a question's answer up where it failed or is in doubt."""

    verb, permission, body = "drop", Act.DROP, ("AnswerPost", "Which post of an answer is meant.")

    def carry_out(self, officer: Officer) -> Question:
        """Drop it. Raises Forbidden, Misuse, Refused."""
        officer.drop(self._own(officer.unit))
        return find_question(officer.unit, self.id)
