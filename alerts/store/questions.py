"""The questions that people's words come to, their answers, and what was done about what people said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.model.listening import AnswerState, GivenAnswer, Moderation, Question, QuestionState
from alerts.model.post import Post
from alerts.model.reason import kept_reason
from alerts.store.alerts import post_of
from alerts.store.conditions import ANSWERS
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, insert_into, stamp, upsert_into

_QUESTION_ROW = Mapper(Question)
_ANSWER_ROW = Mapper(GivenAnswer, columns={"subject": "question", "to": "given_to"}, without=("seq",))
_MODERATION_ROW = Mapper(Moderation)
_ANSWER_POSTS = Statement(f"""
    SELECT post.* FROM post JOIN answer ON answer.id = post.answer
    WHERE post.{ANSWERS} AND answer.question = :question ORDER BY post.seq
""")
_MOVE_ASKERS = Statement("UPDATE utterance SET question = :into WHERE question = :key")
_DROP_QUESTION = Statement("DELETE FROM question WHERE id = :key")
_PUT_QUESTION = upsert_into("question", "id")
_QUESTION = Statement("SELECT * FROM question WHERE id = :id")
_QUESTIONS = Statement("""
    SELECT * FROM question
    WHERE (CAST(:incident AS text) IS NULL OR incident = :incident)
    AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY changed_at DESC, id LIMIT :most
""")
_ASKED_ABOUT = Statement("SELECT DISTINCT incident FROM question WHERE incident IS NOT NULL AND state = 'open'")
_OPEN_SINCE = Statement("""
    SELECT * FROM question WHERE incident = :incident AND state = 'open' AND changed_at <= :until
    ORDER BY changed_at, id LIMIT :most
""")
_ANSWERED_ABOUT = Statement("""
    SELECT incident FROM question WHERE incident IS NOT NULL AND (state = 'answered' OR state = 'became')
    GROUP BY incident ORDER BY max(changed_at) DESC LIMIT :most
""")
_ADD_ANSWER = insert_into("answer")
_SET_ANSWER = Statement("""
    UPDATE answer SET state = :state, validated_by = :by, validated_at = :at, digest = coalesce(:digest, digest)
    WHERE id = :key AND state = :was
""")
_ANSWER = Statement("SELECT * FROM answer WHERE id = :id")
_ANSWERS = Statement("SELECT * FROM answer WHERE question = :question ORDER BY version, seq")
_FORGET_ANSWERS = Statement("DELETE FROM answer WHERE question = :key")
_WAITING_ANSWERS = Statement("SELECT * FROM answer WHERE state = 'waiting' ORDER BY seq")
_MODERATE = insert_into("moderation")
_DECIDE_MODERATION = Statement("""
    UPDATE moderation SET state = :state, second = :second, reason = :reason WHERE id = :key AND state = :was
""")
_MODERATION = Statement("SELECT * FROM moderation WHERE id = :id")
_MODERATIONS_OF = Statement("SELECT * FROM moderation WHERE utterance = :utterance ORDER BY seq")
_MODERATIONS_IN = Statement("SELECT * FROM moderation WHERE state = :state ORDER BY seq")
_MODERATED = Statement("SELECT * FROM moderation ORDER BY seq DESC LIMIT :most")


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
        _PUT_QUESTION.run(self._db, **_QUESTION_ROW.values(kept))

    def question(self, identity: str) -> Question | None:
        """The one of that id."""
        return _QUESTION_ROW.found(_QUESTION.row(self._db, id=identity))

    def questions(
        self, most: int, incident: str | None = None, state: QuestionState | None = None
    ) -> Sequence[Question]:
        """Questions, the one that changed last first; of one incident or of all, in one state or in any."""
        return [_QUESTION_ROW.read(row) for row in _QUESTIONS.rows(self._db, incident=incident, state=state, most=most)]

    def asked_about(self) -> Sequence[str]:
        """The incidents of open questions."""
        return [row["incident"] for row in _ASKED_ABOUT.rows(self._db)]

    def open_since(self, incident: str, until: datetime, most: int) -> Sequence[Question]:
        """An incident's open questions that haven't changed after `until`, the oldest first."""
        rows = _OPEN_SINCE.rows(self._db, incident=incident, until=stamp(until), most=most)
        return [_QUESTION_ROW.read(row) for row in rows]

    def answered_about(self, most: int) -> Sequence[str]:
        """The incidents of questions that were answered, the one that was asked about last first."""
        return [row["incident"] for row in _ANSWERED_ABOUT.rows(self._db, most=most)]

    def add_answer(self, new: GivenAnswer) -> None:
        """Keep a new version of an answer."""
        _ADD_ANSWER.run(self._db, **_ANSWER_ROW.values(new))

    def decide_answer(
        self, kept: GivenAnswer, state: AnswerState, by: str | None, at: datetime, digest: str | None = None
    ) -> bool:
        """Change what became of an answer, and what it is bound to if it goes out; False: somebody else was faster."""
        # What it was is in its WHERE: of two people who decide at a time one finds nothing to change.
        done = _SET_ANSWER.run(self._db, key=kept.id, was=kept.state, state=state, by=by, at=stamp(at), digest=digest)
        return done.rowcount == 1

    def answer(self, identity: str) -> GivenAnswer | None:
        """The one of that id."""
        return _ANSWER_ROW.found(_ANSWER.row(self._db, id=identity))

    def answers(self, subject: str) -> Sequence[GivenAnswer]:
        """All that was said to a question, a poll or a report, oldest first."""
        return [_ANSWER_ROW.read(row) for row in _ANSWERS.rows(self._db, question=subject)]

    def forget_answers(self, subject: str) -> None:
        """Keep nothing of what was said to it."""
        _FORGET_ANSWERS.run(self._db, key=subject)

    def answer_posts(self, question_id: str) -> Sequence[Post]:
        """The posts that carry an answer to it, of all its versions, in the order of storing."""
        return [post_of(row) for row in _ANSWER_POSTS.rows(self._db, question=question_id)]

    def waiting_answers(self) -> Sequence[GivenAnswer]:
        """Return the answers that wait for a second person, oldest first."""
        return [_ANSWER_ROW.read(row) for row in _WAITING_ANSWERS.rows(self._db)]

    def moderate(self, record: Moderation) -> None:
        """Keep what was done about an utterance."""
        _MODERATE.run(self._db, **_MODERATION_ROW.values(record))

    def moderation(self, identity: str) -> Moderation | None:
        """The record of that id."""
        return _MODERATION_ROW.found(_MODERATION.row(self._db, id=identity))

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
        """Return the actions on one utterance, done or planned, oldest first."""
        return [_MODERATION_ROW.read(row) for row in _MODERATIONS_OF.rows(self._db, utterance=utterance_id)]

    def moderations_in(self, state: str) -> Sequence[Moderation]:
        """Return the moderation in that state, oldest first."""
        return [_MODERATION_ROW.read(row) for row in _MODERATIONS_IN.rows(self._db, state=state)]

    def moderated(self, most: int) -> Sequence[Moderation]:
        """Return the moderation done, newest first."""
        return [_MODERATION_ROW.read(row) for row in _MODERATED.rows(self._db, most=most)]
