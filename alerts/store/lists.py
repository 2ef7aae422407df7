"""The statements behind the lists of the desk: each walks an index from its end and stops when the page is full."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    TextClause,
    and_,
    bindparam,
    column,
    exists,
    func,
    or_,
    select,
    table,
    text,
)

from alerts.model.incident import OWN_NOTICES, AlertState, Wanted
from alerts.model.poll import POLLS
from alerts.model.post import TO_BE_SEEN_TO, PostKind, PostState
from alerts.store.dialect import has_words, phrase, position
from alerts.store.files import FOLDED
from alerts.store.schema import HELD, NAMED, NOT_CLOSED, OPEN, alert, post
from alerts.store.statement import Statement, any_of, one_of

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

alert_words = table("alert_words", column("rowid", Integer), column("words", Text))
"""SQLite's FTS5 (sqlite.org/fts5.html), or a view with an index of trigrams: Core knows nothing but these names."""
_S = PostState
_NO_NOTICE = and_(alert.c.source != OWN_NOTICES, alert.c.source != POLLS)
_notice = alert.alias("notice")
_OF_NO_NOTICE = ~exists().where(_notice.c.id == post.c.alert_id, any_of(_notice.c.source, [OWN_NOTICES, POLLS]))
_OPEN, _HELD, _NAMED = text(f"post.{OPEN}"), text(f"alert.{HELD}"), text(f"alert.{NAMED}")
_NOT_CLOSED = text(" AND ".join(f"alert.{term}" for term in NOT_CLOSED.split(" AND ")))
_COMING = [_S.QUEUED.value, _S.SENDING.value, _S.IN_DOUBT.value, _S.SENT.value]
_marker, _later, _end = alert.alias("marker"), alert.alias("later"), post.alias("ending")
_HAS_READERS = exists().where(
    post.c.incident == alert.c.incident,
    or_(any_of(post.c.state, _COMING), post.c.outcome == _S.IN_DOUBT.value),
    post.c.kind != PostKind.END.value,
    ~exists().where(
        _end.c.incident == post.c.incident,
        _end.c.channel == post.c.channel,
        _end.c.seq > post.c.seq,
        _end.c.kind == PostKind.END.value,
        any_of(_end.c.state, _COMING),
    ),
)
ON = Statement(
    select(alert)
    .where(_NOT_CLOSED, alert.c.severity == bindparam("severity"), alert.c.expires > bindparam("now"))
    .where(_NO_NOTICE)
    .where(
        ~exists().where(
            _later.c.incident == alert.c.incident,
            _later.c.seq > alert.c.seq,
            _later.c.state == AlertState.ACCEPTED.value,
        )
    )
    .where(_HAS_READERS)
    .order_by(alert.c.expires)
    .limit(bindparam("most"))
)
"""The newest message of each incident that is on for its readers (`routing.is_on`), of one severity."""
# Each state is asked for by itself, so that a partial index serves it in order.
POSTS_IN = Statement(
    select(post)
    .where(post.c.state == bindparam("state"), _OPEN, _OF_NO_NOTICE)
    .order_by(post.c.priority.desc(), post.c.seq.desc())
    .limit(bindparam("most"))
)
WAITING = Statement(
    select(post.c.alert_id)
    .where(post.c.state == _S.WAITING.value, _OPEN)
    .group_by(post.c.alert_id)
    .order_by(
        func.min(post.c.not_before).is_(None),
        func.min(post.c.not_before),
        func.max(post.c.priority).desc(),
        func.min(post.c.seq),
    )
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
"""What waits: the first to go out by itself, then the gravest, then the oldest. It has to look at all that waits."""
HELD_COUNTS = Statement(
    select(post.c.state, func.count(post.c.alert_id.distinct()).label("alerts"))
    .where(any_of(post.c.state, [_S.WAITING.value, _S.FAILED.value, _S.IN_DOUBT.value]), _OPEN, _OF_NO_NOTICE)
    .group_by(post.c.state)
)
RECORDS = Statement(select(alert).where(one_of(alert.c.id, "alerts")))
THREADS = Statement(select(post).where(one_of(post.c.incident, "incidents")).order_by(post.c.seq))
SENT_BETWEEN = Statement(
    select(post)
    .where(post.c.sent_at >= bindparam("start"), post.c.sent_at < bindparam("end"), _OF_NO_NOTICE)
    .order_by(post.c.sent_at.desc())
    .limit(bindparam("most"))
)
TOUCHING = Statement(
    select(alert)
    .where(alert.c.state != AlertState.LEFT_OUT.value, alert.c.state != AlertState.REJECTED.value)
    .where(and_(alert.c.expires > bindparam("start"), alert.c.sent < bindparam("end")), _NO_NOTICE)
    .order_by(alert.c.expires)
    .limit(bindparam("most"))
)


@cache
def page_of(*given: str) -> Statement:
    """A page of messages, newest first, with the conditions that the `given` parameters stand for.

    A statement for each combination: one that asks "or is it not given?" could use no index.
    """
    statement: Select[Any] = select(alert)
    newest: ColumnElement[int] = alert.c.seq
    if "phrase" in given:
        # FTS5 hands out what it finds by number, newest first, so that it stops where the page is full.
        newest = alert_words.c.rowid
        statement = statement.select_from(alert_words.join(alert, alert.c.seq == newest))
    if "source" not in given:
        statement = statement.where(_NO_NOTICE)
    for name in given:
        if name in _CONDITIONS:
            statement = statement.where(_CONDITIONS[name])
    return Statement(statement.order_by(newest.desc()).limit(bindparam("most")))


SHORTEST = 3
"""Letters that the index of words needs: with fewer, the messages are walked through from the newest."""
# As the triggers fold what they index; to FTS5 a NUL would be the end of the phrase.
_FOLDED = str.maketrans({letter: plain for plain, letters in FOLDED.items() for letter in letters} | {"\0": " "})


def spellings(db: Connection, words: str) -> dict[str, str]:
    """What to look for: as a phrase of the index of words; or, for what is too short for it, in both cases.

    SQLite's `lower` knows ASCII alone, so what isn't is looked for in both.
    """
    folded = words.translate(_FOLDED).strip()
    if len(folded) >= SHORTEST:
        return {"phrase": phrase(db, folded)}
    small = words.lower()
    return {"words": small, "Words": "".join(letter if letter.isascii() else letter.upper() for letter in small)}


_TEXT = func.lower(
    func.coalesce(alert.c.headline, "") + "\n" + alert.c.id + "\n" + func.coalesce(alert.c.identifier, "")
)
_CONDITIONS: dict[str, ColumnElement[bool] | TextClause] = {
    "before": alert.c.seq < select(_marker.c.seq).where(_marker.c.id == bindparam("before")).scalar_subquery(),
    # Said by what it isn't, so that the walk from the newest serves it: that many are taken in, an index has to sort.
    "taken_in": and_(*(alert.c.state != state.value for state in AlertState if state is not AlertState.ACCEPTED)),
    "held": and_(alert.c.state == bindparam("held"), _HELD),
    "source": and_(alert.c.source == bindparam("source"), _NAMED),
    "open": alert.c.id.in_(select(post.c.alert_id).where(post.c.state == bindparam("open"), _OPEN)),
    "ended": exists().where(post.c.alert_id == alert.c.id, post.c.state == bindparam("ended")),
    "phrase": has_words(alert_words.c.words, bindparam("phrase")),
    "words": or_(position(_TEXT, bindparam("words")) > 0, position(_TEXT, bindparam("Words")) > 0),
}


def conditions_of(db: Connection, wanted: Wanted, before: str | None) -> dict[str, str]:
    """What `page_of` is given for a wish. A state that few are in is met by its index, any other soon by the walk."""
    given: dict[str, str | None] = {
        "before": before,
        "taken_in" if wanted.state is AlertState.ACCEPTED else "held": wanted.state,
        "source": wanted.source,
        "open" if wanted.post_state in TO_BE_SEEN_TO else "ended": wanted.post_state,
    }
    words = spellings(db, wanted.words) if wanted.words else {}
    return {name: value for name, value in given.items() if value is not None} | words
