"""The questions that people's words come to, their answers, and what was done about what people said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Text, bindparam, delete, func, or_, select, text, update

from alerts.model.listening import AnswerState, AnswerTo, GivenAnswer, Kind, Moderation, Question, QuestionState
from alerts.model.post import Post
from alerts.model.reason import kept_reason, read_reason
from alerts.store.alerts import post_of
from alerts.store.schema import ANSWERS, answer, moderation, post, question, utterance
from alerts.store.statement import Statement, UnitPart, insert_into, moment, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

_ANSWER_POSTS = Statement(
    select(post)
    .join(answer, answer.c.id == post.c.answer)
    .where(text(f"post.{ANSWERS}"), answer.c.question == bindparam("question"))
    .order_by(post.c.seq)
)
_MOVE_ASKERS = Statement(
    update(utterance).where(utterance.c.question == bindparam("key")).values(question=bindparam("into"))
)
_DROP_QUESTION = Statement(delete(question).where(question.c.id == bindparam("key")))
_PUT_QUESTION = upsert_into(question)
_QUESTION = Statement(select(question).where(question.c.id == bindparam("id")))
_QUESTIONS = Statement(
    select(question)
    .where(or_(bindparam("incident", type_=Text).is_(None), question.c.incident == bindparam("incident")))
    .where(or_(bindparam("state", type_=Text).is_(None), question.c.state == bindparam("state")))
    .order_by(question.c.changed_at.desc(), question.c.id)
    .limit(bindparam("most"))
)
_ANSWERED_ABOUT = Statement(
    select(question.c.incident)
    .where(question.c.incident.is_not(None))
    .where(
        or_(question.c.state == QuestionState.ANSWERED.value, question.c.state == QuestionState.BECAME.value),
    )
    .group_by(question.c.incident)
    .order_by(func.max(question.c.changed_at).desc())
    .limit(bindparam("most"))
)
_ADD_ANSWER = insert_into(answer)
_SET_ANSWER = Statement(
    update(answer)
    .where(answer.c.id == bindparam("key"), answer.c.state == bindparam("was"))
    .values(
        state=bindparam("state"),
        validated_by=bindparam("by"),
        validated_at=bindparam("at"),
        digest=func.coalesce(bindparam("digest", type_=Text), answer.c.digest),
    )
)
_ANSWER = Statement(select(answer).where(answer.c.id == bindparam("id")))
_ANSWERS = Statement(
    select(answer).where(answer.c.question == bindparam("question")).order_by(answer.c.version, answer.c.seq)
)
_FORGET_ANSWERS = Statement(delete(answer).where(answer.c.question == bindparam("key")))
_WAITING_ANSWERS = Statement(select(answer).where(answer.c.state == AnswerState.WAITING.value).order_by(answer.c.seq))
_MODERATE = insert_into(moderation)
_DECIDE_MODERATION = Statement(
    update(moderation)
    .where(moderation.c.id == bindparam("key"), moderation.c.state == bindparam("was"))
    .values(state=bindparam("state"), second=bindparam("second"), reason=bindparam("reason"))
)
_MODERATION = Statement(select(moderation).where(moderation.c.id == bindparam("id")))
_MODERATIONS_OF = Statement(
    select(moderation).where(moderation.c.utterance == bindparam("utterance")).order_by(moderation.c.seq)
)
_MODERATIONS_IN = Statement(
    select(moderation).where(moderation.c.state == bindparam("state")).order_by(moderation.c.seq)
)
_MODERATED = Statement(select(moderation).order_by(moderation.c.seq.desc()).limit(bindparam("most")))


class Questions(UnitPart):
    """Questions with their answers, and moderation."""

    def move_askers(self, question_id: str, into: str) -> None:
        """Let all who asked the one have asked the other."""
        _MOVE_ASKERS.run(self._db, key=question_id, into=into)

    def drop_question(self, question_id: str) -> None:
        """Keep a question no more, as nobody has asked it."""
        _DROP_QUESTION.run(self._db, key=question_id)

    def put_question(self, kept: Question) -> None:
        """Keep a question, or replace what was kept of it."""
        _PUT_QUESTION.run(
            self._db,
            id=kept.id,
            incident=kept.incident,
            words=kept.words,
            worded_by=kept.worded_by,
            kind=kept.kind,
            state=kept.state,
            asked=kept.asked,
            next_ones=kept.next_ones,
            verdict=kept.verdict,
            reason=kept_reason(kept.reason),
            centroid=kept.centroid,
            created_at=stamp(kept.created_at),
            changed_at=stamp(kept.changed_at),
        )

    def question(self, identity: str) -> Question | None:
        """The one of that id."""
        row = _QUESTION.row(self._db, id=identity)
        return _question(row) if row else None

    def questions(
        self, most: int, incident: str | None = None, state: QuestionState | None = None
    ) -> Sequence[Question]:
        """Questions, the one that changed last first; of one incident or of all, in one state or in any."""
        return [_question(row) for row in _QUESTIONS.rows(self._db, incident=incident, state=state, most=most)]

    def answered_about(self, most: int) -> Sequence[str]:
        """The incidents of questions that were answered, the one that was asked about last first."""
        return [row["incident"] for row in _ANSWERED_ABOUT.rows(self._db, most=most)]

    def add_answer(self, new: GivenAnswer) -> None:
        """Keep a new version of an answer."""
        _ADD_ANSWER.run(
            self._db,
            id=new.id,
            question=new.subject,
            version=new.version,
            text=new.text,
            language=new.language,
            source=new.source,
            author=new.author,
            state=new.state,
            everywhere=new.everywhere,
            created_at=stamp(new.created_at),
            validated_by=new.validated_by,
            validated_at=stamp(new.validated_at),
            given_to=new.to,
            asked=new.asked,
            incident=new.incident,
            next_ones=new.next_ones,
            digest=new.digest,
        )

    def decide_answer(
        self, kept: GivenAnswer, state: AnswerState, by: str | None, at: datetime, digest: str | None = None
    ) -> bool:
        """Change what became of an answer, and what it is bound to if it goes out; False: somebody else was faster."""
        # What it was is in its WHERE: of two people who decide at a time one finds nothing to change.
        done = _SET_ANSWER.run(self._db, key=kept.id, was=kept.state, state=state, by=by, at=stamp(at), digest=digest)
        return done.rowcount == 1

    def answer(self, identity: str) -> GivenAnswer | None:
        """The one of that id."""
        row = _ANSWER.row(self._db, id=identity)
        return _answer(row) if row else None

    def answers(self, subject: str) -> Sequence[GivenAnswer]:
        """All that was said to a question, a poll or a report, oldest first."""
        return [_answer(row) for row in _ANSWERS.rows(self._db, question=subject)]

    def forget_answers(self, subject: str) -> None:
        """Keep nothing of what was said to it."""
        _FORGET_ANSWERS.run(self._db, key=subject)

    def answer_posts(self, question_id: str) -> Sequence[Post]:
        """The posts that carry an answer to it, of all its versions, in the order of storing."""
        return [post_of(row) for row in _ANSWER_POSTS.rows(self._db, question=question_id)]

    def waiting_answers(self) -> Sequence[GivenAnswer]:
        """What waits for a second person, oldest first."""
        return [_answer(row) for row in _WAITING_ANSWERS.rows(self._db)]

    def moderate(self, record: Moderation) -> None:
        """Keep what was done about an utterance."""
        _MODERATE.run(
            self._db,
            id=record.id,
            utterance=record.utterance,
            channel=record.channel,
            act=record.act,
            clause=record.clause,
            author=record.author,
            second=record.second,
            state=record.state,
            reason=kept_reason(record.reason),
            at=stamp(record.at),
        )

    def moderation(self, identity: str) -> Moderation | None:
        """The record of that id."""
        row = _MODERATION.row(self._db, id=identity)
        return _moderation(row) if row else None

    def decide_moderation(self, decided: Moderation, was: str) -> bool:
        """Keep what became of it; False: it wasn't `was` any more."""
        done = _DECIDE_MODERATION.run(
            self._db,
            key=decided.id,
            was=was,
            state=decided.state,
            second=decided.second,
            reason=kept_reason(decided.reason),
        )
        return done.rowcount == 1

    def moderations_of(self, utterance_id: str) -> Sequence[Moderation]:
        """What was done, or is to be done, about one utterance, oldest first."""
        return [_moderation(row) for row in _MODERATIONS_OF.rows(self._db, utterance=utterance_id)]

    def moderations_in(self, state: str) -> Sequence[Moderation]:
        """What is in that state, oldest first."""
        return [_moderation(row) for row in _MODERATIONS_IN.rows(self._db, state=state)]

    def moderated(self, most: int) -> Sequence[Moderation]:
        """What was done, newest first."""
        return [_moderation(row) for row in _MODERATED.rows(self._db, most=most)]


def _question(row: Row) -> Question:
    return Question(
        id=row["id"],
        incident=row["incident"],
        words=row["words"],
        worded_by=row["worded_by"],
        kind=Kind(row["kind"]),
        state=QuestionState(row["state"]),
        asked=row["asked"],
        next_ones=bool(row["next_ones"]),
        verdict=row["verdict"],
        reason=read_reason(row["reason"]),
        centroid=row["centroid"],
        created_at=moment(row["created_at"]),
        changed_at=moment(row["changed_at"]),
    )


def _answer(row: Row) -> GivenAnswer:
    return GivenAnswer(
        id=row["id"],
        subject=row["question"],
        version=row["version"],
        text=row["text"],
        language=row["language"],
        source=row["source"],
        author=row["author"],
        state=AnswerState(row["state"]),
        everywhere=bool(row["everywhere"]),
        created_at=moment(row["created_at"]),
        validated_by=row["validated_by"],
        validated_at=time_of(row["validated_at"]),
        to=AnswerTo(row["given_to"] or AnswerTo.QUESTION),
        asked=row["asked"],
        incident=row["incident"],
        next_ones=bool(row["next_ones"]),
        digest=row["digest"],
        seq=row["seq"],
    )


def _moderation(row: Row) -> Moderation:
    return Moderation(
        id=row["id"],
        utterance=row["utterance"],
        channel=row["channel"],
        act=row["act"],
        clause=row["clause"],
        author=row["author"],
        at=moment(row["at"]),
        second=row["second"],
        state=row["state"],
        reason=read_reason(row["reason"]),
    )
