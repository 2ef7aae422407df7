"""The statements behind the lists of the desk: each walks an index from its end and stops when the page is full."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alerts.model.incident import OWN_NOTICES, AlertState, Wanted
from alerts.model.poll import POLLS
from alerts.model.post import TO_BE_SEEN_TO
from alerts.store.conditions import NAMED, NOT_ACCEPTED, NOT_CLOSED, OPEN
from alerts.store.dialect import phrase
from alerts.store.files import FOLDED
from alerts.store.statement import Statement, literals

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

_NOTICES = f"('{OWN_NOTICES}', '{POLLS}')"
NO_NOTICE = f"alert.source NOT IN {_NOTICES}"
"""A message that isn't the town's own notice to its officers, nor a poll."""
_OF_NO_NOTICE = f"""
    NOT EXISTS (SELECT 1 FROM alert AS notice WHERE notice.id = post.alert_id AND notice.source IN {_NOTICES})"""
_COMING = "('queued', 'sending', 'in_doubt', 'sent')"
ON = Statement(f"""
    SELECT * FROM alert
    WHERE {NOT_CLOSED} AND severity = :severity AND expires > :now AND {NO_NOTICE}
    AND NOT EXISTS (
        SELECT 1 FROM alert AS later
        WHERE later.incident = alert.incident AND later.seq > alert.seq AND later.state = 'accepted')
    AND EXISTS (
        SELECT 1 FROM post
        WHERE post.incident = alert.incident AND (post.state IN {_COMING} OR post.outcome = 'in_doubt')
        AND post.kind <> 'end'
        AND NOT EXISTS (
            SELECT 1 FROM post AS ending
            WHERE ending.incident = post.incident AND ending.channel = post.channel AND ending.seq > post.seq
            AND ending.kind = 'end' AND ending.state IN {_COMING}))
    ORDER BY expires LIMIT :most
""")
"""The newest message of each incident that is on for its readers (`routing.is_on`), of one severity."""
# Each state is asked for by itself, so that a partial index serves it in order.
POSTS_IN = Statement(f"""
    SELECT * FROM post WHERE state = :state AND {OPEN} AND {_OF_NO_NOTICE} ORDER BY priority DESC, seq DESC LIMIT :most
""")
WAITING = Statement(f"""
    SELECT alert_id FROM post WHERE state = 'waiting' AND {OPEN} GROUP BY alert_id
    ORDER BY min(not_before) IS NULL, min(not_before), max(priority) DESC, min(seq) LIMIT :most OFFSET :skip
""")
"""Waiting alerts: the first to go out by itself, then the gravest, then the oldest. It reads all waiting posts."""
UNSETTLED_COUNTS = Statement(f"""
    SELECT state, count(DISTINCT alert_id) AS alerts FROM post
    WHERE state IN ('waiting', 'failed', 'in_doubt') AND {OPEN} AND {_OF_NO_NOTICE} GROUP BY state
""")
RECORDS = Statement("SELECT * FROM alert WHERE id IN (SELECT value FROM items(:alerts))")
THREADS = Statement("SELECT * FROM post WHERE incident IN (SELECT value FROM items(:incidents)) ORDER BY seq")
SENT_BETWEEN = Statement(f"""
    SELECT * FROM post WHERE sent_at >= :start AND sent_at < :end AND {_OF_NO_NOTICE} ORDER BY sent_at DESC LIMIT :most
""")
TOUCHING = Statement(f"""
    SELECT * FROM alert
    WHERE state <> 'left_out' AND state <> 'rejected' AND expires > :start AND sent < :end AND {NO_NOTICE}
    ORDER BY expires LIMIT :most
""")


@cache
def page_of(*given: str) -> Statement:
    """Return the statement of a page of messages, newest first, with the conditions of the `given` parameters.

    A statement for each combination: one that asks "or is it not given?" could use no index.
    """
    # FTS5 hands out what it finds by number, newest first, so that it stops where the page is full.
    by_words = "phrase" in given
    tables = "alert_words JOIN alert ON alert.seq = alert_words.rowid" if by_words else "alert"
    conditions = [_CONDITIONS[name] for name in given if name in _CONDITIONS]
    if "source" not in given:
        conditions.append(NO_NOTICE)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    newest = "alert_words.rowid" if by_words else "alert.seq"
    return Statement(f"SELECT alert.* FROM {tables} {where} ORDER BY {newest} DESC LIMIT :most")


SHORTEST = 3
"""Letters that the index of words needs: with fewer, the messages are walked through from the newest."""
# As the triggers fold what they index; to FTS5 a NUL would be the end of the phrase.
_FOLDED = str.maketrans({character: plain for plain, letters in FOLDED.items() for character in letters} | {"\0": " "})


def spellings(db: Connection, words: str) -> dict[str, str]:
    """Return a search as a phrase of the index of words, or, if it is too short for it, in both cases.

    SQLite's `lower` knows ASCII alone, so other letters are searched in both cases.
    """
    folded = words.translate(_FOLDED).strip()
    if len(folded) >= SHORTEST:
        return {"phrase": phrase(db, folded)}
    small = words.lower()
    return {
        "words": small,
        "Words": "".join(character if character.isascii() else character.upper() for character in small),
    }


_TEXT = "lower(coalesce(headline, '') || '\n' || alert.id || '\n' || coalesce(identifier, ''))"
_OTHERS = literals(state for state in AlertState if state is not AlertState.ACCEPTED)
_CONDITIONS = {
    "before": "alert.seq < (SELECT marker.seq FROM alert AS marker WHERE marker.id = :before)",
    # Said by what it isn't, so that the walk from the newest serves it: that many are taken in, an index has to sort.
    "taken_in": f"alert.state NOT IN ({_OTHERS})",
    "held": f"alert.state = :held AND {NOT_ACCEPTED}",
    "source": f"source = :source AND {NAMED}",
    "open": f"alert.id IN (SELECT alert_id FROM post WHERE state = :open AND {OPEN})",
    "ended": "EXISTS (SELECT 1 FROM post WHERE post.alert_id = alert.id AND post.state = :ended)",
    "phrase": "has_words(:phrase)",
    "words": f"(strpos({_TEXT}, :words) > 0 OR strpos({_TEXT}, :Words) > 0)",
}


def conditions_of(db: Connection, wanted: Wanted, before: str | None) -> dict[str, str]:
    """Return the parameters of `page_of` for a filter.

    A rare state is found by its index, any other soon by the scan.
    """
    given: dict[str, str | None] = {
        "before": before,
        "taken_in" if wanted.state is AlertState.ACCEPTED else "held": wanted.state,
        "source": wanted.source,
        "open" if wanted.post_state in TO_BE_SEEN_TO else "ended": wanted.post_state,
    }
    words = spellings(db, wanted.words) if wanted.words else {}
    return {name: value for name, value in given.items() if value is not None} | words
