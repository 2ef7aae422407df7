"""What people say, the questions that it comes to, what is answered, and how each ear does.

An utterance is known by its channel and the platform's id, so that the same one, told twice or by two ways, is one row.
What must not be heard again is known by a digest of that id alone (`forgotten`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, func, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.model.incident import AlertState
from alerts.model.listening import HeardPost, Kind, QuestionState, Utterance, UtteranceState
from alerts.model.post import PostState
from alerts.model.reason import kept_reason, read_reason
from alerts.store.ears import EarRows
from alerts.store.questions import Questions
from alerts.store.schema import (
    ASKING,
    UNHANDLED,
    WORDS,
    alert,
    answer,
    attempt,
    forgotten,
    listening_secret,
    moderation,
    post,
    question,
    utterance,
)
from alerts.store.statement import Statement, insert_into, moment, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

LONGEST_WORDS = 300
"""Characters of a question's own words."""
RECORDS_KEPT = timedelta(days=365)
"""How long it is kept what was done about utterances; a decision can be appealed against for two months."""
DIGESTS_KEPT = timedelta(days=400)
"""More than any platform lists a post's comments by itself, and any ear looks back."""
_SEVERAL = 6
_LAST_CHARACTER = "\U0010ffff"

_ADD = insert_into(utterance)
_SET = Statement(
    update(utterance)
    .where(utterance.c.id == bindparam("key"))
    .values({c.name: bindparam(c.name) for c in utterance.columns if c.name not in ("seq", "id")})
)
_OF_REMARK = Statement(
    select(utterance).where(
        utterance.c.channel == bindparam("channel"), utterance.c.remote_id == bindparam("remote_id")
    )
)
_SAID_TO_BOT = Statement(
    select(utterance)
    .where(utterance.c.channel == bindparam("channel"), utterance.c.private.is_(True), utterance.c.text.is_not(None))
    .where(utterance.c.remote_id.startswith(bindparam("beginning", type_=Text)))
    .order_by(utterance.c.seq)
)
_BY_ID = Statement(select(utterance).where(utterance.c.id == bindparam("id")))
_UNREAD = Statement(
    select(utterance)
    .where(text(f"utterance.{UNHANDLED}"), utterance.c.seq > bindparam("after"))
    .order_by(utterance.c.raised.desc(), utterance.c.seq)
    .limit(bindparam("most"))
)
_BESIDE = (
    select(utterance)
    .outerjoin(question, question.c.id == utterance.c.question)
    .where(text(f"utterance.{UNHANDLED}"), ~utterance.c.raised)
    .where(or_(question.c.id.is_(None), question.c.state != QuestionState.OPEN.value))
    .where(utterance.c.seq > bindparam("after"))
)
_UNREAD_BESIDE = Statement(_BESIDE.order_by(utterance.c.seq).limit(bindparam("most")))
_BESIDE_COUNT = Statement(_BESIDE.with_only_columns(func.count().label("unread")))
_BARE = Statement(
    select(utterance)
    .where(text(f"utterance.{UNHANDLED}"), utterance.c.text.is_not(None), utterance.c.vector.is_(None))
    .where(utterance.c.question.is_(None), ~utterance.c.exercise, utterance.c.seq > bindparam("after"))
    .order_by(utterance.c.seq)
    .limit(bindparam("most"))
)
_CALLS = Statement(
    select(utterance)
    .where(text(f"utterance.{UNHANDLED}"), utterance.c.raised, ~utterance.c.exercise)
    .order_by(utterance.c.seq.desc())
    .limit(bindparam("most"))
)
_CALLS_TOLD = Statement(
    update(utterance)
    .where(text(UNHANDLED), utterance.c.raised, utterance.c.told_at.is_(None))
    .values(told_at=bindparam("at", type_=BigInteger))
)
_ALL = Statement(
    select(utterance)
    .where(or_(bindparam("incident", type_=Text).is_(None), utterance.c.incident == bindparam("incident")))
    .where(utterance.c.seq < bindparam("before"))
    .order_by(utterance.c.seq.desc())
    .limit(bindparam("most"))
)
_ASKING = Statement(
    select(utterance)
    .where(text(f"utterance.{ASKING}"), utterance.c.question == bindparam("question"))
    .order_by(utterance.c.seq)
)
_BEGINNING = {
    table.name: Statement(
        select(table.c.id)
        .where(table.c.id >= bindparam("prefix"), table.c.id <= bindparam("last"))
        .order_by(table.c.id)
        .limit(_SEVERAL)
    )
    for table in (utterance, question, answer, moderation)
}
# What may be a call for help only a person sees to, one by one.
_SEE_TO = Statement(
    update(utterance)
    .where(utterance.c.question == bindparam("key"), utterance.c.state == UtteranceState.UNREAD.value)
    .where(utterance.c.raised.is_(False))
    .values(state=UtteranceState.HANDLED.value)
)
_ATTRIBUTE = Statement(
    update(utterance)
    .where(utterance.c.question == bindparam("key"))
    .values(incident=bindparam("about"), suggested=False)
)
_ASKED = Statement(
    select(utterance.c.channel, func.count().label("asked"))
    .where(text(f"utterance.{ASKING}"), utterance.c.question == bindparam("question"))
    .group_by(utterance.c.channel)
    .order_by(utterance.c.channel)
)
_OPEN_COUNTS = Statement(
    select(utterance.c.kind, utterance.c.raised, func.count().label("unread"))
    .where(text(f"utterance.{UNHANDLED}"))
    .group_by(utterance.c.kind, utterance.c.raised)
)
_SAMPLES = Statement(
    select(utterance)
    .where(text(f"utterance.{ASKING}"), utterance.c.question == bindparam("question"), utterance.c.text.is_not(None))
    .order_by(utterance.c.seq)
    .limit(bindparam("most"))
)
_IS_FORGOTTEN = Statement(
    select(forgotten.c.at).where(forgotten.c.channel == bindparam("channel"), forgotten.c.digest == bindparam("digest"))
)
_NEVER_AGAIN = upsert_into(forgotten)
_SECRET = Statement(select(listening_secret.c.value).where(listening_secret.c.month == bindparam("month")))
_NEW_SECRET = Statement(
    insert(listening_secret)
    .values(month=bindparam("month"), value=bindparam("value"))
    .on_conflict_do_nothing(index_elements=["month"])
)
_INCIDENT_OF_POST = Statement(
    select(alert.c.incident)
    .select_from(attempt.join(post, post.c.id == attempt.c.post_id).join(alert, alert.c.id == post.c.alert_id))
    .where(attempt.c.channel == bindparam("channel"), attempt.c.remote_id == bindparam("remote_id"))
    .limit(1)
)
_SPOKEN = Statement(
    select(post.c.remote_id, post.c.url, post.c.sent_at, alert.c.incident, alert.c.closed_at, alert.c.expires)
    .join(alert, alert.c.id == post.c.alert_id)
    .where(post.c.channel == bindparam("channel"), post.c.sent_at >= bindparam("since"))
    .where(post.c.state == PostState.SENT.value, post.c.remote_id.is_not(None), post.c.answer.is_(None))
    .order_by(post.c.sent_at.desc())
    .limit(bindparam("most"))
)
_BEYOND = 2**62
# When the incident of an utterance was over; an utterance of none is as old as its hearing.
_ENDED = (
    select(func.max(func.coalesce(alert.c.closed_at, alert.c.expires)))
    .where(alert.c.incident == utterance.c.incident, alert.c.state == AlertState.ACCEPTED.value)
    .scalar_subquery()
)
_PAST = Statement(
    select(utterance)
    .where(text(f"utterance.{WORDS}"), utterance.c.heard_at < bindparam("before"))
    .where(func.coalesce(_ENDED, utterance.c.heard_at) < bindparam("before"))
    .order_by(utterance.c.heard_at)
    .limit(bindparam("most"))
)
_SAID_BY = Statement(
    select(utterance)
    .where(text(f"utterance.{WORDS}"), utterance.c.channel == bindparam("channel"))
    .where(utterance.c.sealed == bindparam("sealed"))
    .order_by(utterance.c.seq)
)
_MEMBER = (utterance.c.question == bindparam("key"), utterance.c.text.is_not(None))
_ITS_WORDS = func.substr(utterance.c.text, 1, LONGEST_WORDS)
# No copy that lasts: unless an officer worded it, a question says what one of those who ask it says now.
_RETAKE = Statement(
    update(question)
    .where(question.c.id == bindparam("key"), question.c.worded_by.is_(None))
    .where(~select(utterance.c.id).where(*_MEMBER, question.c.words == _ITS_WORDS).exists())
    .values(
        words=func.coalesce(select(_ITS_WORDS).where(*_MEMBER).order_by(utterance.c.seq).limit(1).scalar_subquery(), "")
    )
)
_BLANK_VECTOR = Statement(update(question).where(question.c.id == bindparam("key")).values(centroid=null()))
# The posts by which this very remark was answered: in a private chat the platform's ids are the chat's.
_ITS_ANSWERS = (
    post.c.answer.is_not(None),
    or_(
        post.c.incident == bindparam("key"),
        and_(
            post.c.answer.in_(select(answer.c.id).where(answer.c.question == bindparam("question", type_=Text))),
            post.c.in_reply_to == bindparam("remark"),
        ),
    ),
)
_BLANK_ATTEMPTS = Statement(
    update(attempt).where(attempt.c.post_id.in_(select(post.c.id).where(*_ITS_ANSWERS))).values(remote_id=null())
)
_BLANK_POSTS = Statement(update(post).where(*_ITS_ANSWERS).values(in_reply_to=null(), remote_id=null(), url=null()))
_SECRETS_OF = Statement(delete(listening_secret).where(listening_secret.c.month < bindparam("month")))
_OLD_RECORDS = Statement(delete(moderation).where(moderation.c.at < bindparam("before")))
_OLD_DIGESTS = Statement(delete(forgotten).where(forgotten.c.at < bindparam("before")))
_OLDEST_WORDS = Statement(select(func.min(utterance.c.said_at).label("at")).where(text(f"utterance.{WORDS}")))


class Listening(Questions, EarRows):
    """What was said, asked and answered, and the ears."""

    # --- utterances

    def utterance_of(self, channel: str, remote_id: str) -> Utterance | None:
        """The one that the platform knows under that id."""
        row = _OF_REMARK.row(self._db, channel=channel, remote_id=remote_id)
        return utterance_from(row) if row else None

    def utterance(self, identity: str) -> Utterance | None:
        """The one of that id."""
        row = _BY_ID.row(self._db, id=identity)
        return utterance_from(row) if row else None

    def add(self, new: Utterance) -> None:
        """Keep one that wasn't heard before."""
        _ADD.run(self._db, id=new.id, **_values(new))

    def put(self, changed: Utterance) -> None:
        """Replace what was kept of it; a question that said what it said before says that no more."""
        _SET.run(self._db, key=changed.id, **_values(changed))
        if changed.question is not None:
            self.retake_words(changed.question)

    def retake_words(self, question_id: str) -> None:
        """Have a question that no officer worded say what one of those who ask it says now, if any does."""
        _RETAKE.run(self._db, key=question_id)

    def said_to_bot(self, channel: str, chat: int) -> Sequence[Utterance]:
        """What somebody asked in their private chat with the bot, oldest first, while its words are kept."""
        return [utterance_from(row) for row in _SAID_TO_BOT.rows(self._db, channel=channel, beginning=f"{chat}:")]

    def unread(self, most: int, after: int = 0) -> Sequence[Utterance]:
        """What nobody saw to: what may be a call for help first, then the oldest first."""
        return [utterance_from(row) for row in _UNREAD.rows(self._db, most=most, after=after)]

    def unread_beside(self, most: int, after: int = 0) -> Sequence[Utterance]:
        """What nobody saw to beside open questions and what may be a call for help, the oldest first."""
        return [utterance_from(row) for row in _UNREAD_BESIDE.rows(self._db, most=most, after=after)]

    def beside_count(self, after: int = 0) -> int:
        """How many these are after that one."""
        row = _BESIDE_COUNT.row(self._db, after=after)
        return int(row["unread"]) if row else 0

    def bare(self, most: int, after: int) -> Sequence[Utterance]:
        """What was kept in a hurry, without its vector and its question, from behind the one of that number."""
        return [utterance_from(row) for row in _BARE.rows(self._db, most=most, after=after)]

    def calls(self, most: int) -> Sequence[Utterance]:
        """What may be a call for help and nobody saw to, newest first; exercises aside."""
        return [utterance_from(row) for row in _CALLS.rows(self._db, most=most)]

    def calls_told(self, now: datetime) -> None:
        """Keep that those on call heard of all of them."""
        _CALLS_TOLD.run(self._db, at=stamp(now))

    def unread_counts(self) -> Mapping[tuple[Kind, bool], int]:
        """How many nobody saw to, by their kind and whether they may be a call for help."""
        return {(Kind(row["kind"]), bool(row["raised"])): int(row["unread"]) for row in _OPEN_COUNTS.rows(self._db)}

    def heard(self, most: int, incident: str | None = None, before: int = _BEYOND) -> Sequence[Utterance]:
        """What was heard, newest first, whatever became of it; of one incident, or of all."""
        return [utterance_from(row) for row in _ALL.rows(self._db, incident=incident, before=before, most=most)]

    def asking(self, question_id: str) -> Sequence[Utterance]:
        """The utterances of a question, in the order in which they were heard."""
        return [utterance_from(row) for row in _ASKING.rows(self._db, question=question_id)]

    def samples(self, question_id: str, most: int) -> Sequence[Utterance]:
        """The first utterances of a question that still have their words."""
        return [utterance_from(row) for row in _SAMPLES.rows(self._db, question=question_id, most=most)]

    def asked_on(self, question_id: str) -> Mapping[str, int]:
        """How many of them were said on each channel."""
        return {row["channel"]: row["asked"] for row in _ASKED.rows(self._db, question=question_id)}

    def named(self, table: str, prefix: str) -> Sequence[str]:
        """The ids in that table (`utterance`, `question`, `answer`, `moderation`) that begin so; some, of many."""
        if not prefix:
            return []
        rows = _BEGINNING[table].rows(self._db, prefix=prefix, last=prefix + _LAST_CHARACTER)
        found = [str(row["id"]) for row in rows]
        return [prefix] if prefix in found else found

    def see_to_askers(self, question_id: str) -> None:
        """Let all who asked it count as seen to, but for what may be a call for help."""
        _SEE_TO.run(self._db, key=question_id)

    def attribute_askers(self, question_id: str, incident: str) -> None:
        """Let all that was said of it be about that incident."""
        _ATTRIBUTE.run(self._db, key=question_id, about=incident)

    # --- where it is heard

    def incident_of_post(self, channel: str, remote_id: str) -> str | None:
        """The incident of our post that the platform knows under that id; None: it is none of ours."""
        row = _INCIDENT_OF_POST.row(self._db, channel=channel, remote_id=remote_id)
        return row["incident"] if row else None

    def spoken(self, channel: str, since: datetime, now: datetime, most: int) -> Sequence[HeardPost]:
        """Our posts there that went out since, newest first, with when their incident was over."""
        rows = _SPOKEN.rows(self._db, channel=channel, since=stamp(since), most=most)
        over: dict[str, int] = {}
        for row in rows:
            ends = row["closed_at"] or row["expires"] or 0
            over[row["incident"]] = max(over.get(row["incident"], 0), ends)
        at = stamp(now) or 0
        return [
            HeardPost(
                row["remote_id"],
                moment(row["sent_at"]),
                row["incident"],
                row["url"],
                time_of(over[row["incident"]]) if over[row["incident"]] <= at else None,
            )
            for row in rows
        ]

    # --- what is forgotten, and under what authors are hashed

    def is_forgotten(self, channel: str, remote_id: str) -> bool:
        """Whether it was asked that this be heard no more."""
        return _IS_FORGOTTEN.row(self._db, channel=channel, digest=digest_of_remark(channel, remote_id)) is not None

    def never_again(self, channel: str, remote_id: str, now: datetime) -> None:
        """Keep that this must not be heard again; its id itself is not kept."""
        _NEVER_AGAIN.run(self._db, channel=channel, digest=digest_of_remark(channel, remote_id), at=stamp(now))

    def past(self, before: datetime, most: int) -> Sequence[Utterance]:
        """What still has words and whose incident was over before then (of none: heard before then), oldest first."""
        return [utterance_from(row) for row in _PAST.rows(self._db, before=stamp(before), most=most)]

    def said_by(self, channel: str, sealed: str) -> Sequence[Utterance]:
        """What the platform's account of that id said there and isn't forgotten."""
        return [utterance_from(row) for row in _SAID_BY.rows(self._db, channel=channel, sealed=sealed)]

    def forget(self, kept: Utterance, now: datetime) -> None:
        """Leave no word of it and nothing that leads to who said it; it isn't heard again by a later look.

        Where it was said, of what kind it was and when stay, to be counted.
        """
        self.never_again(kept.channel, kept.remote_id, now)
        values = {"key": kept.id, "question": kept.question, "remark": kept.remote_id}
        _BLANK_ATTEMPTS.run(self._db, **values)
        _BLANK_POSTS.run(self._db, **values)
        if kept.question is not None:
            _BLANK_VECTOR.run(self._db, key=kept.question)
        bare = forget_words(kept, UtteranceState.FORGOTTEN)
        self.put(replace(bare, remote_id=f"~{digest_of_remark(kept.channel, kept.remote_id)}", parent=None))

    def throw_away(self, now: datetime) -> None:
        """Remove what is of no use any more: secrets of months without words, records of more than a year."""
        row = _OLDEST_WORDS.row(self._db)
        oldest = time_of(row["at"]) if row else None
        _SECRETS_OF.run(self._db, month=f"{min(oldest or now, now):%Y-%m}")
        _OLD_RECORDS.run(self._db, before=stamp(now - RECORDS_KEPT))
        _OLD_DIGESTS.run(self._db, before=stamp(now - DIGESTS_KEPT))

    def secret(self, month: str, fresh: str) -> str:
        """What authors are hashed under in that month; `fresh` becomes it where there is none yet."""
        _NEW_SECRET.run(self._db, month=month, value=fresh)
        row = _SECRET.row(self._db, month=month)
        return str(row["value"]) if row else fresh


def words_of_question(said: str) -> str:
    """A question in the words of who asked it first, as long as nobody words it otherwise."""
    return said[:LONGEST_WORDS]


def digest_of_remark(channel: str, remote_id: str) -> str:
    """What a remark that must not be heard again is known by."""
    return hashlib.sha256(f"{channel}\n{remote_id}".encode()).hexdigest()


def forget_words(kept: Utterance, state: UtteranceState) -> Utterance:
    """The same without anything that somebody said or that leads to who said it."""
    return replace(kept, state=state, text=None, name=None, sealed=None, author=None, url=None, vector=None, place=None)


def utterance_from(row: Row) -> Utterance:
    """A row of `utterance`."""
    return Utterance(
        id=row["id"],
        seq=row["seq"],
        channel=row["channel"],
        remote_id=row["remote_id"],
        root=row["root"],
        parent=row["parent"],
        incident=row["incident"],
        suggested=bool(row["suggested"]),
        author=row["author"],
        sealed=row["sealed"],
        name=row["name"],
        text=row["text"],
        url=row["url"],
        language=row["language"],
        kind=Kind(row["kind"]),
        kind_reason=read_reason(row["kind_reason"]),
        asks=bool(row["asks"]),
        raised=bool(row["raised"]),
        question=row["question"],
        state=UtteranceState(row["state"]),
        said_at=moment(row["said_at"]),
        heard_at=moment(row["heard_at"]),
        edited_at=time_of(row["edited_at"]),
        hidden=bool(row["hidden"]),
        hidden_at=time_of(row["hidden_at"]),
        private=bool(row["private"]),
        exercise=bool(row["exercise"]),
        told_at=time_of(row["told_at"]),
        by=row["by"],
        place=row["place"],
        vector=row["vector"],
    )


def _values(kept: Utterance) -> dict[str, Any]:
    return {
        "channel": kept.channel,
        "remote_id": kept.remote_id,
        "root": kept.root,
        "parent": kept.parent,
        "incident": kept.incident,
        "suggested": kept.suggested,
        "author": kept.author,
        "sealed": kept.sealed,
        "name": kept.name,
        "text": kept.text,
        "url": kept.url,
        "language": kept.language,
        "kind": kept.kind,
        "kind_reason": kept_reason(kept.kind_reason),
        "asks": kept.asks,
        "raised": kept.raised,
        "question": kept.question,
        "state": kept.state,
        "said_at": stamp(kept.said_at),
        "heard_at": stamp(kept.heard_at),
        "edited_at": stamp(kept.edited_at),
        "hidden": kept.hidden,
        "hidden_at": stamp(kept.hidden_at),
        "private": kept.private,
        "exercise": kept.exercise,
        "told_at": stamp(kept.told_at),
        "by": kept.by,
        "place": kept.place,
        "vector": kept.vector,
    }
