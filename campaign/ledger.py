"""What a town's database and timelines say, as the audit reads it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alerts.model.town import Server
from campaign.audit import Entry, Seen
from campaign.marks import Mark, read_mark, read_number, read_wording
from campaign.remarks import AnsweredPost, Kept, Reply

_POSTS = """
SELECT id, alert_id, kind, means, state, reason, remote_id, next_try FROM post WHERE channel = ? AND answer IS NULL
"""
_EXCUSED = (
    "SELECT DISTINCT post_id FROM attempt WHERE outcome IN ('sent_again', 'officer')"
    " AND (reason LIKE 'it may be out%' OR reason LIKE '%maybe_out_%')"
)
_OPEN = """
SELECT count(*) AS posts FROM post
WHERE state IN ('waiting', 'queued', 'sending') OR (state = 'in_doubt' AND next_try IS NOT NULL)
"""
_ATTEMPTS = """
SELECT attempt.*, post.plain, post.state FROM attempt JOIN post ON post.id = attempt.post_id ORDER BY attempt.seq
"""
# A channel's name is one of `PLATFORM`; those of all other leases hold a blank.
_OWNERS = "SELECT lane, owner FROM lease WHERE until > ? AND owner <> '' ORDER BY lane"
_KEPT = "SELECT channel, remote_id, root, text, question FROM utterance ORDER BY seq"
_QUESTIONS = "SELECT id, incident, state FROM question WHERE incident IS NOT NULL ORDER BY created_at, id"
# The last post of each place, in the order of their places.
_REPLIES = """
SELECT post.id, post.channel, post.incident, post.state, post.reason, post.remote_id, post.in_reply_to, post.means,
answer.question FROM post JOIN answer ON answer.id = post.answer ORDER BY post.seq
"""
_OUR_POST = """
SELECT post.channel, post.remote_id FROM post JOIN alert ON alert.id = post.alert_id
WHERE ? IN (alert.id, alert.identifier) AND post.kind = 'publish' AND post.state = 'sent'
"""
_TRANSACTIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
_OUTAGE = 60.0
"""Seconds for which a server that is down is waited for."""
_BREATH = 0.05


class Ledger:
    """Reads one town's database, in a file or on a server, while its daemons work on it."""

    def __init__(self, place: Path | Server) -> None:
        self._place = place

    def open_posts(self) -> int:
        """How many posts something will still become of, by itself."""
        return int(self._rows(_OPEN)[0]["posts"])

    def works(self, now: float) -> dict[str, int]:
        """Which process has each lease now: lanes, sources, bots, and what is done once for all."""
        owned = self._rows(_OWNERS, round(now * 1_000_000))
        return {row["lane"]: int(row["owner"].rsplit("-", 2)[1]) for row in owned}

    def version(self) -> str:
        """Up to which migration its tables are."""
        return str(self._rows("SELECT version_num FROM alembic_version")[0]["version_num"])

    @property
    def is_written(self) -> bool:
        """True while somebody's transaction writes, or, on a server, lasts."""
        if isinstance(self._place, Server):
            return bool(self._rows(_TRANSACTIONS))
        with closing(sqlite3.connect(self._place, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            db.execute("ROLLBACK")
            return False

    def identifiers(self) -> set[str]:
        """The CAP identifiers of all that was filed."""
        return {row["identifier"] for row in self._rows("SELECT identifier FROM alert")}

    def attempts(self) -> list[dict[str, Any]]:
        """Every attempt, oldest first: who made it (`owner`), when (`left_at`), for which words (`plain`)."""
        return [dict(row) for row in self._rows(_ATTEMPTS)]

    def departures(self, channel: str) -> list[float]:
        """When each post that counts in the channel's windows left, in seconds since the epoch."""
        return [row["left_at"] / 1_000_000 for row in self.attempts() if row["channel"] == channel and row["counts"]]

    def entries(self, channel: str) -> list[Entry]:
        """What the database says of every post of a channel, and of the messages that led to none there."""
        excused = {row["post_id"] for row in self._rows(_EXCUSED)}
        marks: dict[str, Mark] = {}
        filed: dict[str, Mapping[str, Any]] = {}
        for row in self._rows("SELECT id, identifier, state, reason FROM alert ORDER BY seq"):
            mark = read_mark(row["identifier"] or "")
            if mark is not None:
                marks[row["id"]], filed[row["id"]] = mark, row
        posts = [row for row in self._rows(_POSTS, channel) if row["alert_id"] in marks]
        entries = [_entry(marks[row["alert_id"]], row, excused=row["id"] in excused) for row in posts]
        without = filed.keys() - {row["alert_id"] for row in posts}
        # What led to no post on this channel is as good as left out there, whatever it led to elsewhere.
        return entries + [
            Entry(marks[key].incident, marks[key].place, is_end=False, state="left_out", reason=filed[key]["reason"])
            for key in without
        ]

    def kept(self) -> list[Kept]:
        """What is kept of what people said, in the order in which it was heard."""
        found = self._rows(_KEPT)
        return [Kept(row["channel"], row["remote_id"], row["root"], row["text"], row["question"]) for row in found]

    def questions(self) -> list[tuple[str, str, str]]:
        """What is asked about an alert: each question's id, its incident and its state, oldest first."""
        return [(row["id"], row["incident"], row["state"]) for row in self._rows(_QUESTIONS)]

    def replies(self) -> list[Reply]:
        """What the database says of each place that is answered: of the last post there."""
        excused = {row["post_id"] for row in self._rows(_EXCUSED)}
        threads: dict[tuple[str, str], Reply] = {}
        for row in self._rows(_REPLIES):
            where = (row["incident"], row["channel"])
            is_excused = row["id"] in excused or (where in threads and threads[where].excused)
            place = row["in_reply_to"] or ""
            state, reason, receipt = row["state"], row["reason"], row["remote_id"]
            threads[where] = Reply(row["channel"], row["question"], place, state, reason, receipt, excused=is_excused)
        return list(threads.values())

    def receipts(self, alert: str) -> dict[str, str]:
        """Under which id that alert is out, by channel; it is named by its own id or by CAP's."""
        return {row["channel"]: row["remote_id"] for row in self._rows(_OUR_POST, alert)}

    def _rows(self, question: str, *values: object) -> list[Mapping[str, Any]]:
        if isinstance(self._place, Server):
            return _from_server(self._place, question.replace("?", "%s"), values)
        with closing(sqlite3.connect(f"file:{self._place}?mode=ro", uri=True, timeout=60)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(question, values)]


def _from_server(server: Server, question: str, values: Sequence[object]) -> list[Mapping[str, Any]]:
    """The rows; one that is down or just starting is waited for."""
    ends = time.monotonic() + _OUTAGE
    while True:
        try:
            with psycopg.connect(server.url.reveal(), row_factory=dict_row, autocommit=True) as db:
                db.execute(f'SET search_path = "{server.schema}"'.encode())
                return list(db.execute(question.encode(), values or None))
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(_BREATH)


def _entry(mark: Mark, row: Mapping[str, Any], *, excused: bool) -> Entry:
    is_end = row["kind"] == "end"
    deletes = is_end and row["means"] == "delete"
    return Entry(
        mark.incident,
        mark.place,
        is_end,
        row["state"],
        row["reason"],
        row["remote_id"],
        excused=excused,
        deletes=deletes,
    )


def read_timeline(posts: Sequence[Mapping[str, Any]]) -> Iterator[Seen]:
    """One platform's posts that are the campaign's."""
    for post in posts:
        if post.get("foreign") or post["kind"] == "forward":
            continue
        texts = [*post["edits"], post["text"]]
        said = tuple(wording for text in texts if (wording := read_wording(text)))
        if said:
            ids = (*post["earlier_ids"], post["id"])
            yield Seen(ids, said, post["created_at"], post["edited_at"], post["reply_to"], deleted=post["deleted"])


def read_answers(channel: str, posts: Sequence[Mapping[str, Any]]) -> Iterator[AnsweredPost]:
    """One platform's posts that stand there and answer people."""
    for post in posts:
        numbers = tuple(number for text in (*post["edits"], post["text"]) if (number := read_number(text)))
        if not numbers or post["deleted"] or post.get("foreign"):
            continue
        # In a group of Telegram's, messages are counted for themselves.
        chat = f"{post['channel']}:" if channel == "telegram" else ""
        ids = tuple(f"{chat}{id_}" for id_ in (*post["earlier_ids"], post["id"]))
        yield AnsweredPost(channel, ids, f"{chat}{post['reply_to'] or ''}", numbers)


def keep(folder: Path, timelines: Mapping[str, Any]) -> None:
    """Leave the timelines beside the database, for whoever looks into a breach."""
    (folder / "timelines.json").write_text(json.dumps(timelines, ensure_ascii=False, indent=1), encoding="utf-8")
