"""People's remarks, the questions they form, the answers, and the state of each ear.

An utterance is identified by its channel and the platform's id, so that one received twice or by two ways is one row. A
remark that must not be stored again is known by a digest of that id alone (`forgotten`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.model.listening import EarStatus, HeardPost, Kind, Utterance, UtteranceState
from alerts.store.conditions import ASKING, UNHANDLED, WORDS
from alerts.store.mapper import Mapper
from alerts.store.questions import Questions
from alerts.store.statement import Statement, insert_into, moment, stamp, time_of, upsert_into

LONGEST_WORDS = 300
"""Characters of a question's own words."""
RECORDS_KEPT = timedelta(days=365)
"""How long it is kept what was done about utterances; a decision can be appealed against for two months."""
DIGESTS_KEPT = timedelta(days=400)
"""Longer than any platform lists a post's comments by itself, and than any ear reads back."""
# Matches of a prefix that are read: enough to know that it is ambiguous, and to list some.
_SEVERAL = 6
_LAST_CHARACTER = "\U0010ffff"

_ROW = Mapper(Utterance, without=("seq",))
_ADD = insert_into("utterance")
_SETS = ", ".join(f'"{name}" = :{name}' for name in _ROW.columns if name != "id")
_SET = Statement(f"UPDATE utterance SET {_SETS} WHERE id = :id")
_OF_REMARK = Statement("SELECT * FROM utterance WHERE channel = :channel AND remote_id = :remote_id")
_SAID_TO_BOT = Statement("""
    SELECT * FROM utterance
    WHERE channel = :channel AND private = TRUE AND text IS NOT NULL AND remote_id LIKE :beginning || '%'
    ORDER BY seq
""")
_BY_ID = Statement("SELECT * FROM utterance WHERE id = :id")
_UNREAD = Statement(f"""
    SELECT * FROM utterance WHERE {UNHANDLED} AND seq > :after ORDER BY raised DESC, seq LIMIT :most
""")
_BESIDE = f"""
    FROM utterance LEFT JOIN question ON question.id = utterance.question
    WHERE utterance.{UNHANDLED} AND utterance.raised = FALSE AND (question.id IS NULL OR question.state <> 'open')
    AND utterance.seq > :after"""
_UNREAD_BESIDE = Statement(f"SELECT utterance.* {_BESIDE} ORDER BY utterance.seq LIMIT :most")
_BESIDE_COUNT = Statement(f"SELECT count(*) AS unread {_BESIDE}")
_BARE = Statement(f"""
    SELECT * FROM utterance
    WHERE {UNHANDLED} AND text IS NOT NULL AND vector IS NULL AND question IS NULL AND exercise = FALSE AND seq > :after
    ORDER BY seq LIMIT :most
""")
_CALLS = Statement(f"""
    SELECT * FROM utterance WHERE {UNHANDLED} AND raised = TRUE AND exercise = FALSE ORDER BY seq DESC LIMIT :most
""")
_MARK_CALLS = Statement(f"UPDATE utterance SET told_at = :at WHERE {UNHANDLED} AND raised = TRUE AND told_at IS NULL")
_ALL = Statement("""
    SELECT * FROM utterance WHERE (CAST(:incident AS text) IS NULL OR incident = :incident) AND seq < :before
    ORDER BY seq DESC LIMIT :most
""")
_ASKING = Statement(f"SELECT * FROM utterance WHERE {ASKING} AND question = :question ORDER BY seq")
_BEGINNING = {
    name: Statement(f"SELECT id FROM {name} WHERE id >= :prefix AND id <= :last ORDER BY id LIMIT {_SEVERAL}")
    for name in ("utterance", "question", "answer", "moderation")
}
# What may be a call for help only a person sees to, one by one.
_SEE_TO = Statement("""
    UPDATE utterance SET state = 'handled' WHERE question = :key AND state = 'unread' AND raised = FALSE
""")
_ATTRIBUTE = Statement("UPDATE utterance SET incident = :about, suggested = FALSE WHERE question = :key")
_ASKED = Statement(f"""
    SELECT channel, count(*) AS asked FROM utterance WHERE {ASKING} AND question = :question
    GROUP BY channel ORDER BY channel
""")
_OPEN_COUNTS = Statement(f"""
    SELECT kind, raised, count(*) AS unread FROM utterance WHERE {UNHANDLED} GROUP BY kind, raised
""")
_SAMPLES = Statement(f"""
    SELECT * FROM utterance WHERE {ASKING} AND question = :question AND text IS NOT NULL ORDER BY seq LIMIT :most
""")
_IS_FORGOTTEN = Statement("SELECT at FROM forgotten WHERE channel = :channel AND digest = :digest")
_NEVER_AGAIN = upsert_into("forgotten", "channel", "digest")
_SECRET = Statement("SELECT value FROM listening_secret WHERE month = :month")
_NEW_SECRET = Statement("""
    INSERT INTO listening_secret (month, value) VALUES (:month, :value) ON CONFLICT (month) DO NOTHING
""")
_INCIDENT_OF_POST = Statement("""
    SELECT alert.incident
    FROM attempt JOIN post ON post.id = attempt.post_id JOIN alert ON alert.id = post.alert_id
    WHERE attempt.channel = :channel AND attempt.remote_id = :remote_id LIMIT 1
""")
_SPOKEN = Statement("""
    SELECT post.remote_id, post.url, post.sent_at, alert.incident, alert.closed_at, alert.expires
    FROM post JOIN alert ON alert.id = post.alert_id
    WHERE post.channel = :channel AND post.sent_at >= :since
    AND post.state = 'sent' AND post.remote_id IS NOT NULL AND post.answer IS NULL
    ORDER BY post.sent_at DESC LIMIT :most
""")
# Above every row's number.
_BEYOND = 2**62
# When the incident of an utterance was over; an utterance of none is as old as its hearing.
_PAST = Statement(f"""
    SELECT * FROM utterance
    WHERE {WORDS} AND heard_at < :before
    AND coalesce((SELECT max(coalesce(alert.closed_at, alert.expires)) FROM alert
                  WHERE alert.incident = utterance.incident AND alert.state = 'accepted'), heard_at) < :before
    ORDER BY heard_at LIMIT :most
""")
_SAID_BY = Statement(f"SELECT * FROM utterance WHERE {WORDS} AND channel = :channel AND sealed = :sealed ORDER BY seq")
_ITS_WORDS = f"substr(utterance.text, 1, {LONGEST_WORDS})"
_MEMBERS = "FROM utterance WHERE utterance.question = :key AND utterance.text IS NOT NULL"
# No copy that lasts: unless an officer worded it, a question says what one of those who ask it says now.
_RETAKE = Statement(f"""
    UPDATE question SET words = coalesce((SELECT {_ITS_WORDS} {_MEMBERS} ORDER BY utterance.seq LIMIT 1), '')
    WHERE id = :key AND worded_by IS NULL AND NOT EXISTS (SELECT 1 {_MEMBERS} AND question.words = {_ITS_WORDS})
""")
_BLANK_VECTOR = Statement("UPDATE question SET centroid = NULL WHERE id = :key")
# The posts by which this very remark was answered: in a private chat the platform's ids are the chat's.
_IS_ITS_ANSWER = """
    post.answer IS NOT NULL
    AND (post.incident = :key
         OR (post.answer IN (SELECT id FROM answer WHERE question = CAST(:question AS text))
             AND post.in_reply_to = :remark))"""
_BLANK_ATTEMPTS = Statement(f"""
    UPDATE attempt SET remote_id = NULL WHERE post_id IN (SELECT id FROM post WHERE {_IS_ITS_ANSWER})
""")
_BLANK_POSTS = Statement(f"UPDATE post SET in_reply_to = NULL, remote_id = NULL, url = NULL WHERE {_IS_ITS_ANSWER}")
_SECRETS_OF = Statement("DELETE FROM listening_secret WHERE month < :month")
_OLD_RECORDS = Statement("DELETE FROM moderation WHERE at < :before")
_OLD_DIGESTS = Statement("DELETE FROM forgotten WHERE at < :before")
_OLDEST_WORDS = Statement(f"SELECT min(said_at) AS at FROM utterance WHERE {WORDS}")
# Sums of money are stored as whole numbers.
MILLIONTHS = 1_000_000
# In whole millionths: what is added up each minute of a month must not drift.
_EAR_ROW = Mapper(
    EarStatus,
    reads={"cost": lambda kept: kept / MILLIONTHS},
    writes={"cost": lambda cost: round(cost * MILLIONTHS)},
)
_EAR = Statement("SELECT * FROM ear WHERE name = :name")
_EARS = Statement("SELECT * FROM ear ORDER BY name")
_PUT_EAR = upsert_into("ear", "name")


class Listening(Questions):
    """Remarks, questions, answers, and the ears."""

    # --- utterances

    def utterance_of(self, channel: str, remote_id: str) -> Utterance | None:
        """The one that the platform knows under that id."""
        return _ROW.found(_OF_REMARK.row(self._db, channel=channel, remote_id=remote_id))

    def utterance(self, identity: str) -> Utterance | None:
        """The one of that id."""
        return _ROW.found(_BY_ID.row(self._db, id=identity))

    def add(self, new: Utterance) -> None:
        """Keep one that wasn't heard before."""
        _ADD.run(self._db, **_ROW.values(new))

    def put(self, changed: Utterance) -> None:
        """Replace what was kept of it; a question that said what it said before says that no more."""
        _SET.run(self._db, **_ROW.values(changed))
        if changed.question is not None:
            self.retake_words(changed.question)

    def retake_words(self, question_id: str) -> None:
        """Have a question that no officer worded say what one of those who ask it says now, if any does."""
        _RETAKE.run(self._db, key=question_id)

    def said_to_bot(self, channel: str, chat: int) -> Sequence[Utterance]:
        """Return somebody's questions in their private chat with the bot, oldest first, while their words are kept."""
        return [_ROW.read(row) for row in _SAID_TO_BOT.rows(self._db, channel=channel, beginning=f"{chat}:")]

    def unread(self, most: int, after: int = 0) -> Sequence[Utterance]:
        """Return the remarks that nobody has handled: possible calls for help first, then the oldest first."""
        return [_ROW.read(row) for row in _UNREAD.rows(self._db, most=most, after=after)]

    def unread_beside(self, most: int, after: int = 0) -> Sequence[Utterance]:
        """Return unhandled remarks outside of open questions and possible calls for help, oldest first."""
        return [_ROW.read(row) for row in _UNREAD_BESIDE.rows(self._db, most=most, after=after)]

    def beside_count(self, after: int = 0) -> int:
        """How many these are after that one."""
        row = _BESIDE_COUNT.row(self._db, after=after)
        return int(row["unread"]) if row else 0

    def bare(self, most: int, after: int) -> Sequence[Utterance]:
        """Return the remarks stored in a hurry, without vector and question, following the one of that number."""
        return [_ROW.read(row) for row in _BARE.rows(self._db, most=most, after=after)]

    def calls(self, most: int) -> Sequence[Utterance]:
        """Return possible calls for help that nobody has handled, newest first; exercises aside."""
        return [_ROW.read(row) for row in _CALLS.rows(self._db, most=most)]

    def mark_calls(self, now: datetime) -> None:
        """Keep that those on call heard of all of them."""
        _MARK_CALLS.run(self._db, at=stamp(now))

    def unread_counts(self) -> Mapping[tuple[Kind, bool], int]:
        """How many nobody saw to, by their kind and whether they may be a call for help."""
        return {(Kind(row["kind"]), bool(row["raised"])): int(row["unread"]) for row in _OPEN_COUNTS.rows(self._db)}

    def heard(self, most: int, incident: str | None = None, before: int = _BEYOND) -> Sequence[Utterance]:
        """Return remarks in any state, newest first; of one incident, or of all."""
        return [_ROW.read(row) for row in _ALL.rows(self._db, incident=incident, before=before, most=most)]

    def asking(self, question_id: str) -> Sequence[Utterance]:
        """The utterances of a question, in the order in which they were heard."""
        return [_ROW.read(row) for row in _ASKING.rows(self._db, question=question_id)]

    def samples(self, question_id: str, most: int) -> Sequence[Utterance]:
        """The first utterances of a question that still have their words."""
        return [_ROW.read(row) for row in _SAMPLES.rows(self._db, question=question_id, most=most)]

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
        """True if somebody asked that this remark never be stored again."""
        return _IS_FORGOTTEN.row(self._db, channel=channel, digest=digest_of_remark(channel, remote_id)) is not None

    def never_again(self, channel: str, remote_id: str, now: datetime) -> None:
        """Keep that this must not be heard again; its id itself is not kept."""
        _NEVER_AGAIN.run(self._db, channel=channel, digest=digest_of_remark(channel, remote_id), at=stamp(now))

    def past(self, before: datetime, most: int) -> Sequence[Utterance]:
        """Return remarks with words whose incident was over before then (without one: heard before), oldest first."""
        return [_ROW.read(row) for row in _PAST.rows(self._db, before=stamp(before), most=most)]

    def said_by(self, channel: str, sealed: str) -> Sequence[Utterance]:
        """Return the remarks of a platform's account there that aren't forgotten."""
        return [_ROW.read(row) for row in _SAID_BY.rows(self._db, channel=channel, sealed=sealed)]

    def forget(self, kept: Utterance, now: datetime) -> None:
        """Erase its words and everything that leads to its author; a later poll doesn't store it again.

        Its place, kind and time stay, to be counted.
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
        """Return the key that authors are hashed with in that month; `fresh` becomes it if there is none yet."""
        _NEW_SECRET.run(self._db, month=month, value=fresh)
        row = _SECRET.row(self._db, month=month)
        return str(row["value"]) if row else fresh

    # --- ears

    def ear(self, name: str) -> EarStatus:
        """Return the stored state of an ear; a new one if it never listened."""
        row = _EAR.row(self._db, name=name)
        return _EAR_ROW.read(row) if row else EarStatus(name)

    def ears(self) -> Mapping[str, EarStatus]:
        """All that ever listened, by name."""
        return {row["name"]: _EAR_ROW.read(row) for row in _EARS.rows(self._db)}

    def reactions(self, name: str, remote_id: str) -> Mapping[str, int]:
        """Return the count of each reaction to our post of that id, if the ear gets them (Telegram's does)."""
        reactions = self.ear(name).memory.get("reactions", {})
        return dict(reactions.get(remote_id, {}))

    def put_ear(self, status: EarStatus) -> None:
        """Write down how an ear does."""
        _PUT_EAR.run(self._db, **_EAR_ROW.values(status))


def words_of_question(said: str) -> str:
    """A question in the words of who asked it first, as long as nobody words it otherwise."""
    return said[:LONGEST_WORDS]


def digest_of_remark(channel: str, remote_id: str) -> str:
    """Return the digest of a remark that must not be stored again."""
    return hashlib.sha256(f"{channel}\n{remote_id}".encode()).hexdigest()


def forget_words(kept: Utterance, state: UtteranceState) -> Utterance:
    """The same without anything that somebody said or that leads to who said it."""
    return replace(kept, state=state, text=None, name=None, sealed=None, author=None, url=None, vector=None, place=None)
