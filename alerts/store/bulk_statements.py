"""The statements of bulk sending: who is next, who is under way, what landed, what is held back for a chat's hour."""

from __future__ import annotations

from alerts.store.statement import Statement, insert_into, insert_new, upsert_into

# Bulks that aren't over.
_OPEN = "state IN ('queued', 'sending')"
# Chats have negative ids too (groups), so that the way along them begins at the lowest number there is.
FAR_BELOW = -(2**63) + 1

ADD = insert_into("bulk")
BY_ID = Statement("SELECT * FROM bulk WHERE id = :key")
# With the post of the same id: subscribers are told nothing that waits for a validation, was rejected or dropped.
CANDIDATES = Statement(f"""
    SELECT bulk.id, bulk.seq, bulk.incident, bulk.alert_id, bulk.severity, bulk.exercise, bulk.expires, bulk.cursor,
           bulk.everyone, post.state AS post, post.not_before, post.outcome
    FROM bulk LEFT JOIN post ON post.id = bulk.id WHERE bulk.channel = :of AND bulk.{_OPEN} ORDER BY bulk.seq
""")
STOP = Statement("UPDATE bulk SET state = 'stopped', ended_at = :now, reason = :why WHERE id = :key")
# Who was still to get what is stopped is to get what took its place; the end of it concerns nobody of them.
HAND_ON = Statement("""
    UPDATE bulk SET everyone = TRUE
    WHERE kind = 'update' AND state = 'queued' AND EXISTS (
        SELECT 1 FROM bulk AS stopped
        WHERE stopped.id = :key AND stopped.everyone = TRUE AND stopped.channel = bulk.channel
        AND stopped.incident = bulk.incident AND stopped.seq < bulk.seq)
""")
BEGIN = Statement("UPDATE bulk SET state = 'sending', started_at = :now, total = :everybody WHERE id = :key")
ADVANCE = Statement("UPDATE bulk SET cursor = :at, sent = sent + :out, skipped = skipped + :passed WHERE id = :key")
# Relative, never absolute: two processes may count for one bulk, and none may undo the other's.
COUNT = Statement("""
    UPDATE bulk SET sent = sent + :out, failed = failed + :refused, skipped = skipped + :left WHERE id = :key
""")
# Behind everybody: whoever subscribes from now on is none of those who were to be told.
_LAST = 2**63 - 1
_DEFERRED_COUNT = "(SELECT count(*) FROM held_back WHERE held_back.channel = bulk.channel AND held_back.bulk = bulk.id)"
# Everybody is behind the cursor then, also who lands late; and so many were looked at, whoever came or went.
FINISH = Statement(f"""
    UPDATE bulk SET state = 'done', ended_at = :now, cursor = {_LAST}, skipped = skipped + :off,
                    total = sent + failed + skipped + :off + {_DEFERRED_COUNT}
    WHERE id = :key
""")
REOPEN = Statement("UPDATE bulk SET state = 'sending', ended_at = NULL WHERE id = :key")
SUCCESSOR = Statement("""
    SELECT id, cursor FROM bulk
    WHERE channel = :of AND incident = :about AND seq > :seq AND state IN ('sending', 'done')
    ORDER BY seq DESC LIMIT 1
""")
OTHERS_WENT = Statement("""
    SELECT id FROM bulk
    WHERE channel = :of AND incident <> :about AND started_at IS NOT NULL AND (ended_at IS NULL OR ended_at > :since)
    LIMIT 1
""")

_WHO = """
    subscriber.chat, subscriber.language, subscriber.districts, subscriber.topics, subscriber.severity,
    subscriber.quiet, subscriber.endpoint, received.message_id"""
_HAS_IT = """
    LEFT JOIN received
    ON received.channel = subscriber.channel AND received.chat = subscriber.chat AND received.incident = :about"""


def _as_one(rows: str) -> Statement:
    """The rows as one JSON text: each row that is read gives the interpreter away, and waits for it again."""
    names = ("chat", "language", "districts", "topics", "severity", "quiet", "endpoint", "message_id")
    pairs = ", ".join(f"'{name}', {name}" for name in names)
    return Statement(f"SELECT rows_as_json({pairs}) AS rows FROM (SELECT {_WHO} {rows} LIMIT :most) AS each_row")


EVERYONE = _as_one(f"""
    FROM subscriber {_HAS_IT}
    WHERE subscriber.channel = :of AND subscriber.chat > coalesce(:after, {FAR_BELOW}) AND subscriber.is_on = TRUE
    ORDER BY subscriber.chat
""")
READERS = _as_one(f"""
    FROM received JOIN subscriber ON subscriber.channel = received.channel AND subscriber.chat = received.chat
    WHERE received.channel = :of AND received.incident = :about AND received.chat > coalesce(:after, {FAR_BELOW})
    AND subscriber.is_on = TRUE
    ORDER BY received.chat
""")
# Deferred ones are handed over as that, and stay written down as deferred until they land.
_WAS_DEFERRED = """
    EXISTS (
        SELECT 1 FROM held_back
        WHERE held_back.channel = :of AND held_back.bulk = bulk_flight.bulk AND held_back.chat = bulk_flight.chat)"""
FLIGHTS = Statement(f"""
    SELECT {_WHO}
    FROM bulk_flight JOIN subscriber ON subscriber.channel = :of AND subscriber.chat = bulk_flight.chat {_HAS_IT}
    WHERE bulk_flight.bulk = :key AND bulk_flight.doubt = :in_doubt AND subscriber.is_on = TRUE AND NOT {_WAS_DEFERRED}
    ORDER BY bulk_flight.chat LIMIT :most
""")
ONE = Statement(f"""
    SELECT {_WHO} FROM subscriber {_HAS_IT}
    WHERE subscriber.channel = :of AND subscriber.chat = :who AND subscriber.is_on = TRUE
""")
HOW_MANY = Statement("SELECT count(*) FROM subscriber WHERE channel = :of AND is_on = TRUE")
HOW_MANY_READ = Statement("SELECT count(*) FROM received WHERE channel = :of AND incident = :about")
LAST_RECEIVED = Statement("SELECT max(at) FROM received WHERE channel = :of AND chat = :who")
MISSED = Statement("SELECT missed_at FROM subscriber WHERE channel = :of AND chat = :who")
MISS = Statement("UPDATE subscriber SET missed_at = :now WHERE channel = :of AND chat = :who")
HAS_GOT = Statement("SELECT message_id FROM received WHERE channel = :of AND chat = :who AND incident = :about")
SHARED = Statement("""
    SELECT incident FROM received
    WHERE channel = :of AND chat = :who AND message_id = :message AND incident <> :about LIMIT 1
""")

# The WHERE keeps SQLite from taking the ON for a join's (sqlite.org/lang_upsert.html#parsing_ambiguity).
TAKE_OFF_ALL = Statement("""
    INSERT INTO bulk_flight (bulk, chat, doubt)
    SELECT CAST(:key AS text), CAST(value AS bigint), FALSE FROM items(:chats) WHERE TRUE
    ON CONFLICT DO NOTHING
""")
CHECKPOINT = Statement("INSERT INTO bulk_landed (bulk, got) VALUES (:key, :got)")
TO_FILE = Statement("""
    SELECT id, seq, kind, incident FROM bulk
    WHERE id IN (SELECT DISTINCT bulk FROM bulk_landed) AND channel = :of ORDER BY seq
""")
_CHAT, _MESSAGE = "CAST(pair.value ->> 0 AS bigint)", "CAST(pair.value ->> 1 AS bigint)"
_RESULTS = "FROM bulk_landed JOIN pairs(bulk_landed.got) ON TRUE WHERE bulk_landed.bulk = :key"
# Only of who is still under way: another process may have told them meanwhile, or they had themselves forgotten.
_STILL_UNDER_WAY = f"""
    EXISTS (SELECT 1 FROM bulk_flight WHERE bulk_flight.bulk = :key AND bulk_flight.chat = {_CHAT})"""
RESULTS_OF = Statement(f"SELECT {_CHAT} AS chat, {_MESSAGE} AS message_id {_RESULTS} AND {_STILL_UNDER_WAY}")
# A chat stands there once for each process that told it: in one statement a row may be replaced once.
RECEIVE_RESULTS = Statement(f"""
    INSERT INTO received (channel, chat, incident, message_id, at)
    SELECT CAST(:of AS text), {_CHAT}, CAST(:about AS text), max({_MESSAGE}), CAST(:now AS bigint)
    {_RESULTS} AND {_STILL_UNDER_WAY} GROUP BY {_CHAT}
    ON CONFLICT (channel, chat, incident) DO UPDATE SET message_id = excluded.message_id, at = excluded.at
""")
NO_MORE_RESULTS = Statement(f"""
    DELETE FROM received WHERE channel = :of AND incident = :about AND chat IN (SELECT {_CHAT} {_RESULTS})
""")
LAND_THESE = Statement(f"DELETE FROM bulk_flight WHERE bulk = :key AND chat IN (SELECT {_CHAT} {_RESULTS})")
FILED = Statement("DELETE FROM bulk_landed WHERE bulk = :key")
TAKE_OFF = insert_new("bulk_flight", "bulk", "chat")
LAND = Statement("DELETE FROM bulk_flight WHERE bulk = :key AND chat = :who")
LAND_ALL = Statement("DELETE FROM bulk_flight WHERE bulk = :key")
# Something newer may have taken the place of what was deferred; all others of a bulk that is done have landed.
DEFERRED_FLIGHTS = Statement(f"""
    SELECT bulk_flight.bulk, bulk_flight.chat FROM bulk_flight JOIN bulk ON bulk.id = bulk_flight.bulk
    WHERE bulk.channel = :of AND (bulk.state = 'done' OR {_WAS_DEFERRED})
""")
# What was stopped keeps whom it was on its way to, so that who has it hears of the end; a day is long enough.
SWEEP = Statement("""
    DELETE FROM bulk_flight
    WHERE bulk IN (SELECT id FROM bulk WHERE channel = :of AND state = 'stopped' AND ended_at < :since)
""")
DOUBT = Statement("UPDATE bulk_flight SET doubt = TRUE WHERE bulk = :key AND chat = :who AND doubt = FALSE")
# Only of who is still there: whoever had themselves forgotten while it was under way stays forgotten.
RECEIVE = Statement("""
    INSERT INTO received (channel, chat, incident, message_id, at)
    SELECT CAST(:channel AS text), CAST(:chat AS bigint), CAST(:incident AS text), CAST(:message_id AS bigint),
           CAST(:at AS bigint)
    WHERE EXISTS (SELECT 1 FROM subscriber WHERE channel = :channel AND chat = :chat)
    ON CONFLICT (channel, chat, incident) DO UPDATE SET message_id = excluded.message_id, at = excluded.at
""")
NO_MORE = Statement("DELETE FROM received WHERE channel = :of AND chat = :who AND incident = :about")

PROGRESS = Statement(f"""
    SELECT bulk.*, coalesce(held.chats, 0) AS held, post.state AS post
    FROM bulk LEFT JOIN (SELECT bulk, count(*) AS chats FROM held_back GROUP BY bulk) AS held ON held.bulk = bulk.id
    LEFT JOIN post ON post.id = bulk.id
    WHERE bulk.{_OPEN} OR bulk.ended_at > :since OR held.chats > 0 ORDER BY bulk.seq
""")
REACHED_CHANNELS = Statement("""
    SELECT DISTINCT channel FROM bulk
    WHERE incident = :about AND kind <> 'end' AND started_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM bulk AS ended
        WHERE ended.incident = bulk.incident AND ended.channel = bulk.channel AND ended.kind = 'end'
        AND ended.seq > bulk.seq)
""")

# What is held back for a chat's hour.

HOLD = upsert_into("held_back", "channel", "chat", "bulk")
LET_GO = Statement("DELETE FROM held_back WHERE channel = :of AND chat = :who AND bulk = :key")
IS_DEFERRED = Statement("SELECT until FROM held_back WHERE channel = :of AND chat = :who AND bulk = :key")
LET_GO_ALL = Statement("""
    DELETE FROM held_back
    WHERE channel = :of AND bulk = :key AND chat IN (SELECT CAST(value AS bigint) FROM items(:chats))
""")
# Only what has passed them: what is still on its way to them will see whether it is their hour.
_PASSED_BY = f"""
    NOT EXISTS (
        SELECT 1 FROM bulk
        WHERE bulk.id = held_back.bulk AND bulk.{_OPEN} AND coalesce(bulk.cursor, {FAR_BELOW}) < held_back.chat)"""
DUE = Statement(f"""
    SELECT DISTINCT chat FROM held_back WHERE channel = :of AND until <= :now AND {_PASSED_BY} LIMIT :most
""")
DEFERRED_FOR = Statement(f"""
    SELECT bulk FROM held_back WHERE channel = :of AND chat = :who AND until <= :now AND {_PASSED_BY} ORDER BY bulk
""")
NEXT_DUE = Statement("SELECT min(until) AS at FROM held_back WHERE channel = :of")
_OLDER = "SELECT id FROM bulk WHERE channel = :of AND incident = :about AND seq < :seq"
# What this takes the place of goes by `DROP_DEFERRED`.
INHERIT = Statement(f"""
    INSERT INTO held_back (channel, chat, bulk, until)
    SELECT channel, chat, CAST(:key AS text), max(until) FROM held_back
    WHERE channel = :of AND bulk IN ({_OLDER}) GROUP BY channel, chat
    ON CONFLICT (channel, chat, bulk) DO UPDATE SET until = excluded.until
""")
PASS_ON = Statement(
    f"UPDATE bulk SET skipped = skipped + {_DEFERRED_COUNT} WHERE id IN ({_OLDER}) AND {_DEFERRED_COUNT} > 0"
)
DROP_DEFERRED = Statement(f"DELETE FROM held_back WHERE channel = :of AND bulk IN ({_OLDER})")
DROP_DEFERRED_READERS = Statement(f"""
    DELETE FROM held_back
    WHERE channel = :of AND bulk IN ({_OLDER}) AND EXISTS (
        SELECT 1 FROM received
        WHERE received.channel = held_back.channel AND received.chat = held_back.chat AND received.incident = :about)
""")
