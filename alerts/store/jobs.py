"""The journal of jobs: a row from before the first attempt until the outcome is stored with the subject's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from alerts.model.job import Job
from alerts.model.post import PostState
from alerts.model.reason import Reason
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, stamp, upsert_into

_ROW = Mapper(Job)
_KINDS = "kind IN (SELECT value FROM items(:kinds))"
_ONE = "channel = :channel AND kind = :kind AND about = :about AND chat = :chat"
_OF = Statement(f"SELECT * FROM job WHERE channel = :of AND {_KINDS}")
_PUT = upsert_into("job", "channel", "kind", "about", "chat")
_STILL = Statement(f"""
    SELECT 1 FROM job WHERE {_ONE} AND state = :state AND owner = :owner AND tries = :tries
""")
_END = Statement(f"DELETE FROM job WHERE {_ONE}")
_INTERRUPTED = Statement(f"""
    UPDATE job SET state = 'in_doubt', next_try = :at, looks = 0, reason = :reason
    WHERE channel = :of AND {_KINDS} AND state = 'sending'
    RETURNING *
""")
_COUNTS = Statement("SELECT channel, kind, state, count(*) AS jobs FROM job GROUP BY channel, kind, state")


class Jobs(UnitPart):
    """The rows, in one transaction. A new job is none before its first attempt."""

    def of(self, channel: str, kinds: Collection[str]) -> Mapping[tuple[str, str, int], Job]:
        """Return the jobs of these kinds on a channel, by their keys."""
        rows = _OF.rows(self._db, of=channel, kinds=json.dumps(list(kinds)))
        return {job.key: job for job in map(_ROW.read, rows)}

    def put(self, job: Job) -> None:
        """Keep a job, in place of what was kept of it, until it is sent, has failed, or is an officer's."""
        is_theirs = job.state is PostState.IN_DOUBT and job.next_try is None
        if is_theirs or job.state in (PostState.SENT, PostState.FAILED):
            self.end([job])
        else:
            _PUT.run(self._db, **_ROW.values(job))

    def is_still(self, begun: Job) -> bool:
        """True if the journal has the job as it was begun: nobody else has gone on with it."""
        values = {**_key(begun), "state": begun.state, "owner": begun.owner, "tries": begun.tries}
        return _STILL.row(self._db, **values) is not None

    def end(self, jobs: Sequence[Job]) -> None:
        """Strike out what is done, or wanted no more."""
        for job in jobs:
            _END.run(self._db, **_key(job))

    def interrupt(self, channel: str, kinds: Collection[str], at: datetime, reason: Reason) -> Sequence[Job]:
        """Put in doubt, until then, what was under way when the lease changed hands; returns these jobs."""
        values = {"of": channel, "kinds": json.dumps(list(kinds)), "at": stamp(at), "reason": reason.kept()}
        return [_ROW.read(row) for row in _INTERRUPTED.rows(self._db, **values)]

    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many were tried and aren't through, by channel, kind and state."""
        return {(row["channel"], row["kind"], row["state"]): int(row["jobs"]) for row in _COUNTS.rows(self._db)}


def _key(job: Job) -> dict[str, object]:
    return {"channel": job.channel, "kind": job.kind, "about": job.about, "chat": job.chat}
