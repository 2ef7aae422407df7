"""Polls, the places of each, and the votes on the page and by the bots until a poll is closed.

A vote is one row: its author (`voter`) and its option (`mark`) are digests under the poll's secret. Nobody can read a
number out of the rows by themselves; `count` alone can, when the poll is closed, and deletes rows and secret with it.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.model.poll import (
    BOT,
    ONE_A_NETWORK,
    WEB,
    Ballot,
    Counting,
    Poll,
    PollCount,
    PollPlace,
    PollState,
    Spike,
    Tally,
    Way,
    spikes_of,
)
from alerts.model.reason import Reason, kept_reason, read_reason
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, insert_into, moment, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

# Matches of a prefix that are read: enough to know that it is ambiguous, and to list some.
AMBIGUOUS = 6
# Without its secret, a poll that was counted has NULL there.
_ROW = Mapper(Poll, writes={"secret": lambda secret: secret or None})
_PUT = upsert_into("poll", "id")
_LAST_CHARACTER = "\U0010ffff"
_ONE = Statement("SELECT * FROM poll WHERE id = :id")
_BEGINNING = Statement(f"SELECT * FROM poll WHERE id >= :prefix AND id <= :last ORDER BY id LIMIT {AMBIGUOUS}")
_NEWEST = Statement("SELECT * FROM poll ORDER BY created_at DESC, id LIMIT :most")
_WAITING = Statement("SELECT * FROM poll WHERE state = 'waiting' AND approved_at IS NULL ORDER BY created_at, id")
_OPEN = Statement("SELECT * FROM poll WHERE state = 'open' ORDER BY opened_at, id")
_DUE = Statement("""
    SELECT * FROM poll
    WHERE (state = 'waiting' AND (closes_at <= :now OR (approved_at IS NOT NULL AND opens_at <= :now)))
    OR (state = 'open' AND closes_at <= :now)
    ORDER BY closes_at, id
""")
NEXT_TIME = """
    SELECT min(CASE WHEN state = 'waiting' AND approved_at IS NOT NULL THEN opens_at ELSE closes_at END)
    FROM poll WHERE state = 'waiting' OR state = 'open'
"""
"""When the next poll is to be opened, closed or given up."""
_PLACES = Statement("SELECT * FROM poll_place WHERE poll = :poll ORDER BY name")
_PUT_PLACE = upsert_into("poll_place", "poll", "name")
_COUNTED = Statement("""
    UPDATE poll_place SET votes = :votes, how = :how, counted_at = :counted_at, reason = :reason
    WHERE poll = :key AND name = :place
""")
_VOTE = insert_into("ballot")
_VOTED = Statement("SELECT voter FROM ballot WHERE poll = :poll AND voter = :voter")
_OF_NETWORK = Statement("SELECT max(minute) AS at FROM ballot WHERE poll = :poll AND network = :network")
# The network of an older vote holds nobody back any more, so it isn't kept.
_FORGET_NETWORKS = Statement("""
    UPDATE ballot SET network = NULL WHERE poll = :key AND network IS NOT NULL AND minute < :before
""")
_BALLOTS = Statement("SELECT * FROM ballot WHERE poll = :poll")
_TURNOUT = Statement("SELECT count(*) AS votes FROM ballot WHERE poll = :poll")
_DROP_BALLOTS = Statement("DELETE FROM ballot WHERE poll = :poll")


class Polls(UnitPart):
    """The town's polls. Before a poll is closed, nothing here gives its numbers: the turnout alone."""

    def waiting(self) -> Sequence[Poll]:
        """Those that wait for a second person, oldest first."""
        return [_ROW.read(row) for row in _WAITING.rows(self._db)]

    def put(self, one: Poll) -> None:
        """Keep it, or replace what was kept of it."""
        _PUT.run(self._db, **_ROW.values(one))

    def poll(self, identity: str) -> Poll | None:
        """The poll of that id."""
        return _ROW.found(_ONE.row(self._db, id=identity))

    def beginning(self, prefix: str) -> Sequence[Poll]:
        """The polls whose id begins so; of many, a few."""
        rows = _BEGINNING.rows(self._db, prefix=prefix, last=prefix + _LAST_CHARACTER) if prefix else []
        return [_ROW.read(row) for row in rows]

    def newest(self, most: int = 50) -> Sequence[Poll]:
        """The polls, newest first."""
        return [_ROW.read(row) for row in _NEWEST.rows(self._db, most=most)]

    def open(self) -> Sequence[Poll]:
        """The polls that are open, the oldest first."""
        return [_ROW.read(row) for row in _OPEN.rows(self._db)]

    def due(self, now: datetime) -> Sequence[Poll]:
        """Return the polls to open, close, or give up because they were never validated, by now."""
        return [_ROW.read(row) for row in _DUE.rows(self._db, now=stamp(now))]

    def put_place(self, identity: str, place: PollPlace) -> None:
        """Keep where a poll is asked, with what is known of its numbers."""
        count = place.count
        _PUT_PLACE.run(
            self._db,
            poll=identity,
            name=place.name,
            way=place.way,
            votes=json.dumps(count.votes) if count else None,
            how=count.how if count else None,
            counted_at=stamp(place.counted_at),
            spikes=json.dumps([(stamp(each.at), each.votes) for each in place.spikes]) if place.spikes else None,
            reason=kept_reason(place.reason),
        )

    def counted(self, identity: str, place: str, count: PollCount, now: datetime, reason: Reason | None = None) -> None:
        """Store the numbers of a channel; if the platform will never give any, with the reason."""
        _COUNTED.run(
            self._db,
            key=identity,
            place=place,
            votes=json.dumps(count.votes),
            how=count.how,
            counted_at=stamp(now),
            reason=kept_reason(reason),
        )

    def free_at(self, one: Poll, network: str, now: datetime) -> datetime:
        """From when on that network may vote again; the networks of older votes are forgotten on the way."""
        _FORGET_NETWORKS.run(self._db, key=one.id, before=stamp(now - ONE_A_NETWORK))
        row = _OF_NETWORK.row(self._db, poll=one.id, network=network)
        last = time_of(row["at"]) if row else None
        return now if last is None else max(last + ONE_A_NETWORK, now)

    def vote(self, one: Poll, ballot_: Ballot, now: datetime) -> None:
        """Write a vote down, sealed; whose and for what is known to a count alone."""
        # By a nonce of its own no two marks are alike, so who reads the table can't tell who voted the same.
        voter, nonce = ballot_.voter, secrets.token_hex(8)
        _VOTE.run(
            self._db,
            poll=one.id,
            voter=voter,
            place=ballot_.place,
            nonce=nonce,
            mark=one.mark(voter, nonce, ballot_.option),
            minute=stamp(now.replace(second=0, microsecond=0)),
            network=ballot_.network,
        )

    def has_voted(self, identity: str, voter: str) -> bool:
        """True if that voter's vote is stored."""
        return _VOTED.row(self._db, poll=identity, voter=voter) is not None

    def count(self, one: Poll, now: datetime) -> None:
        """Count the votes of the page and of the bots, and take them away; the poll's secret is to go with them."""
        votes: dict[str, Counter[int]] = {WEB: Counter(), BOT: Counter()}
        minutes: dict[str, Counter[datetime]] = {WEB: Counter(), BOT: Counter()}
        for row in _BALLOTS.rows(self._db, poll=one.id):
            option = one.read_mark(row["voter"], row["nonce"], row["mark"])
            # A mark that the secret of this poll doesn't open is no vote of it.
            if option is not None:
                votes[row["place"]][option] += 1
                minutes[row["place"]][moment(row["minute"])] += 1
        for place in self._places(one.id):
            if place.way is Way.OWN:
                counts = tuple(votes[place.name][at] for at in range(len(one.options)))
                spikes = spikes_of(minutes[place.name])
                self.put_place(one.id, PollPlace(place.name, Way.OWN, PollCount(counts), now, spikes))
        # In the transaction of the numbers: a kill leaves the ballots or the result, and never half of both.
        _DROP_BALLOTS.run(self._db, poll=one.id)

    def tally(self, one: Poll) -> Tally:
        """Return the result of a poll: before it is closed no numbers, whatever is stored, but the turnout."""
        if one.state is not PollState.CLOSED:
            row = _TURNOUT.row(self._db, poll=one.id)
            bare = [PollPlace(place.name, place.way) for place in self._places(one.id)]
            return Tally(one, bare, int(row["votes"]) if row else 0)
        places = self._places(one.id)
        counts = (place.count for place in places if place.count is not None)
        return Tally(one, places, sum(sum(count.votes) for count in counts))

    def _places(self, identity: str) -> list[PollPlace]:
        return [_place_of(row) for row in _PLACES.rows(self._db, poll=identity)]


def _place_of(row: Row) -> PollPlace:
    return PollPlace(
        row["name"],
        Way(row["way"]),
        PollCount(tuple(json.loads(row["votes"])), Counting(row["how"])) if row["votes"] else None,
        time_of(row["counted_at"]),
        tuple(Spike(moment(at), votes) for at, votes in json.loads(row["spikes"] or "[]")),
        read_reason(row["reason"]),
    )
