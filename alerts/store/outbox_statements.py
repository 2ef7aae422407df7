"""The statements of the outbox: what is due on a lane, what holds it back, and what each attempt writes."""

from __future__ import annotations

from alerts.store.leases import HOLDS
from alerts.store.statement import Statement

# One incident, one channel, one post at a time: an update that overtook its alert would be read as the first word.
# A doubt without a next look doesn't count: it waits for an officer, and what is newer must not wait with it.
_UNDER_WAY = """EXISTS (
    SELECT 1 FROM post AS earlier
    WHERE earlier.incident = post.incident AND earlier.channel = post.channel AND earlier.seq < post.seq
    AND (earlier.state IN ('waiting', 'queued', 'sending')
         OR (earlier.state = 'in_doubt' AND earlier.next_try IS NOT NULL)))"""

NEXT_DUE = Statement(f"""
    SELECT * FROM post
    WHERE channel = :channel AND state = 'queued' AND (next_try IS NULL OR next_try <= :now)
    AND (expires IS NULL OR expires > :now) AND NOT {_UNDER_WAY}
    AND (:urgent_only = 0 OR severity IN ('Extreme', 'Severe'))
    ORDER BY priority DESC, seq LIMIT :most
""")
NEXT_LOOK = Statement("""
    SELECT * FROM post WHERE channel = :channel AND state = 'in_doubt' AND next_try <= :now
    ORDER BY priority DESC, next_try, seq LIMIT 1
""")
# Of what is unsent or in doubt: all but the posts that are still looked for.
_MAY_EXPIRE = "(state IN ('queued', 'waiting') OR next_try IS NULL)"
# What only trying or looking would change counts from now on; what `settle` changes, however long it is overdue.
NEXT_TIME = Statement(f"""
    SELECT min(CASE WHEN next_try > :now THEN next_try END) AS next_try,
           min(CASE WHEN state = 'waiting' THEN not_before END) AS not_before,
           min(CASE WHEN {_MAY_EXPIRE} THEN expires END) AS expires,
           count(CASE WHEN state = 'in_doubt' AND next_try <= :now THEN 1 END) AS doubtful, count(*) AS open
    FROM post WHERE channel = :channel AND state IN ('queued', 'waiting', 'in_doubt')
""")
# `was` is checked in the same statement that changes it: two lanes, or a lane and an officer, can't both win.
CLAIM = Statement(f"""
    UPDATE post SET state = 'sending', attempted_at = :now, tries = tries + 1
    WHERE id = :key AND state = :was AND EXISTS ({HOLDS})
""")
IN_DOUBT = Statement("SELECT 1 FROM post WHERE id = :key AND state = 'in_doubt'")
# With it the newest alert, for the height: another process may have stored it.
BEGIN = Statement("""
    INSERT INTO attempt (post_id, channel, action, owner, counts, left_at)
    VALUES (:post_id, :channel, :action, :owner, :counts, :left_at)
    RETURNING seq, (SELECT max(seq) FROM alert) AS newest
""")
END = Statement("""
    UPDATE attempt SET ended_at = :ended_at, outcome = :outcome, remote_id = :remote_id, reason = :reason,
                       counts = :counts, left_at = :left_at
    WHERE seq = :key
""")
# What goes on after an end, as the words of a correction do, belongs to what was ended.
THREAD = Statement("""
    SELECT remote_id, url FROM post
    WHERE incident = :incident AND channel = :channel AND seq < :seq AND state = 'sent' AND remote_id IS NOT NULL
    AND (NOT EXISTS (
             SELECT 1 FROM post AS ended
             WHERE ended.incident = post.incident AND ended.channel = post.channel AND ended.kind = 'end'
             AND ended.state = 'sent' AND ended.seq >= post.seq AND ended.seq < :seq)
         OR (:goes_on = 1 AND NOT EXISTS (
             SELECT 1 FROM post AS begun
             WHERE begun.incident = post.incident AND begun.channel = post.channel AND begun.kind = 'publish'
             AND begun.seq > post.seq AND begun.seq < :seq)))
    ORDER BY seq
""")
# What is out is out, whoever looked and whatever was wished meanwhile.
SETTLE = Statement("""
    UPDATE post SET state = :state, reason = :reason, next_try = :next_try, looks = :looks, remote_id = :remote_id,
                    url = :url, sent_at = :sent_at, means = :means, outcome = :outcome
    WHERE id = :key AND (
        (CAST(:remote_id AS text) IS NOT NULL AND state IN ('sending', 'in_doubt', 'queued'))
        OR (state = :was AND NOT EXISTS (SELECT 1 FROM attempt WHERE post_id = :key AND seq > :attempt)))
""")
# Two hundred reach further back than a lane looks for a post in doubt.
KNOWN_IDS = Statement("""
    SELECT remote_id FROM post WHERE channel = :channel AND remote_id IS NOT NULL ORDER BY sent_at DESC LIMIT 200
""")
DOUBTS = Statement("""
    SELECT count(*) AS count FROM attempt WHERE post_id = :key AND action = 'send' AND outcome = 'in_doubt'
""")
# Also those of this very machine's last process: each process has an owner's name of its own.
ORPHANS = Statement("""
    SELECT seq, post_id, action FROM attempt WHERE channel = :channel AND ended_at IS NULL AND owner <> :owner
""")
# It left some time after it was begun, and under its lease: for the windows, at the latest that it can have.
ABANDON = Statement("""
    UPDATE attempt SET ended_at = :now, outcome = 'in_doubt', reason = :reason, left_at = least(left_at + :term, :now)
    WHERE seq = :key
""")
DOUBT = Statement("""
    UPDATE post SET state = 'in_doubt', reason = :reason, next_try = :now, looks = 0, outcome = 'in_doubt'
    WHERE id = :key AND state = 'sending'
""")
# From the journal, whose index of departures has it at its end, once for those that count and once for the others.
NEWEST_ATTEMPT = Statement("""
    SELECT nullif(greatest(
        coalesce((SELECT max(left_at) FROM attempt WHERE channel = :channel AND counts = TRUE), 0),
        coalesce((SELECT max(left_at) FROM attempt WHERE channel = :channel AND counts = FALSE), 0)), 0) AS at
""")
# Waits that were computed by a clock that ran ahead; by the right clock they would last for days.
CAP_TRIES = Statement("""
    UPDATE post SET next_try = :latest
    WHERE channel = :channel AND state IN ('queued', 'in_doubt') AND next_try > :latest
""")
CAP_PAUSE = Statement("UPDATE channel SET blocked_until = :latest WHERE name = :channel AND blocked_until > :latest")
# The states once more, as one list: that is what lets SQLite look only at what is open, of fifty thousand.
EXPIRE = Statement(f"""
    UPDATE post SET state = 'expired', reason = :reason
    WHERE channel = :channel AND state IN ('queued', 'waiting', 'in_doubt') AND expires <= :now AND {_MAY_EXPIRE}
    RETURNING alert_id, id
""")
RELEASE = Statement("""
    UPDATE post SET state = 'queued', reason = NULL
    WHERE channel = :channel AND state = 'waiting' AND not_before <= :now
    RETURNING alert_id, id
""")
# An alert is left out only once no channel waits for it any more: each post may end at another time.
OVERTAKEN_BY_TIME = Statement("""
    UPDATE alert SET state = 'left_out', reason = :reason
    WHERE state = 'waiting' AND id = :key
    AND NOT EXISTS (SELECT 1 FROM post WHERE alert_id = :key AND state = 'waiting')
""")
ACCEPT_RELEASED = Statement("UPDATE alert SET state = 'accepted', reason = NULL WHERE state = 'waiting' AND id = :key")
# What is waiting behind a post in its thread: it says more, and was kept back only until this one had its end.
SUCCESSOR = Statement("""
    SELECT * FROM post WHERE incident = :incident AND channel = :channel AND seq > :seq AND state = 'queued'
    ORDER BY seq LIMIT 1
""")
