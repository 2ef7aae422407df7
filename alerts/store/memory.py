"""The memory of sources across restarts, each under its name in channels.toml.

A source's memory (the entries it gave, the point where it stopped reading) is written in the transaction that stores
those entries: a kill loses both or none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.model.incident import Undrafted
from alerts.model.ports import Memory
from alerts.model.reason import Reason, kept_reason
from alerts.store.facts import UNDRAFTED, facts, keep_fact
from alerts.store.statement import Statement, UnitPart, moment, stamp, upsert_into

# More than a year, so that what a feed still lists from last year is not told as new.
_KEEP_HEARD = timedelta(days=400)
_MEMORY = Statement("SELECT * FROM source WHERE name = :name")
_KNOWN = Statement("SELECT key FROM heard WHERE source = :source AND key IN (SELECT value FROM items(:keys))")
_HEAR = upsert_into("heard", "source", "key")
_FORGET = Statement("DELETE FROM heard WHERE source = :source AND at < :before")
# All columns at once: what a source remembers belongs to the reading that stored it, never to half of it.
_REMEMBER = upsert_into("source", "name")
_READ_WELL = Statement("UPDATE source SET last_ok = :at, last_try = :at WHERE name = :source AND failures = 0")
_MOST_UNDRAFTED = 250
"""Of one source and gravity: the first ones are drafted in time. A feed that goes on for ever fills no table."""


class SourceMemory(UnitPart):
    """The memory and health of each source, by its key in channels.toml."""

    def hear(self, name: str, keys: Iterable[str], now: datetime) -> None:
        """Record that the source gave these entries."""
        for key in keys:
            _HEAR.run(self._db, source=name, key=key, at=stamp(now))

    def remember(
        self,
        name: str,
        memory: Memory,
        now: datetime,
        next_try: datetime,
        *,
        trouble: Reason | None = None,
    ) -> int:
        """Keep what the source remembers after a reading; returns how many in a row had a `trouble`.

        One that wasn't read whole wasn't read well: when it last was stays as it is.
        """
        row = _MEMORY.row(self._db, name=name) if trouble is not None else None
        failures = (row["failures"] if row else 0) + 1 if trouble is not None else 0
        _FORGET.run(self._db, source=name, before=stamp(now - _KEEP_HEARD))
        _REMEMBER.run(
            self._db,
            name=name,
            etag=memory.etag,
            last_modified=memory.last_modified,
            digest=memory.digest,
            memory=json.dumps(dict(memory.state), ensure_ascii=False),
            last_try=stamp(now),
            last_ok=stamp(now) if trouble is None else row["last_ok"] if row else None,
            failures=failures,
            next_try=stamp(next_try),
            reason=kept_reason(trouble),
        )
        return failures

    def memory(self, name: str) -> Memory:
        """Return the source's memory."""
        row = _MEMORY.row(self._db, name=name)
        return Memory(row["etag"], row["last_modified"], row["digest"], json.loads(row["memory"])) if row else Memory()

    def known(self, name: str, keys: Sequence[str]) -> set[str]:
        """Return the `keys` that the source gave before, or that were accepted."""
        return {row["key"] for row in _KNOWN.rows(self._db, source=name, keys=json.dumps(list(keys)))}

    def failed(self, name: str, reason: Reason, next_try: datetime, now: datetime) -> int:
        """Write down that it couldn't be read; returns how many times in a row. What it remembers stays."""
        row = _MEMORY.row(self._db, name=name)
        kept = (
            dict(row) if row else {"etag": None, "last_modified": None, "digest": None, "memory": "{}", "last_ok": None}
        )
        failures = (row["failures"] if row else 0) + 1
        kept |= {
            "name": name,
            "failures": failures,
            "reason": reason.kept(),
            "last_try": stamp(now),
            "next_try": stamp(next_try),
        }
        _REMEMBER.run(self._db, **kept)
        return failures

    def read_well(self, name: str, at: datetime) -> None:
        """Write down that a source which is well was read then, and said nothing new."""
        _READ_WELL.run(self._db, source=name, at=stamp(at))

    def undrafted(self) -> Mapping[str, Sequence[Undrafted]]:
        """Return each source's alerts that found no place among its drafts, oldest first."""
        return {
            source: [Undrafted(alert, bool(grave), moment(until)) for alert, grave, until in stored]
            for source, value in facts(self._db, UNDRAFTED).items()
            if (stored := json.loads(value))
        }

    def put_off(self, name: str, new: Iterable[Undrafted]) -> None:
        """Keep that these wait for a place, as far as there is room to remember them."""
        known = list(self.undrafted().get(name, ()))
        for each in new:
            if sum(one.is_grave is each.is_grave for one in known) < _MOST_UNDRAFTED:
                known.append(each)
        self._keep_undrafted(name, known)

    def put_off_no_more(self, name: str, alerts: Collection[str]) -> None:
        """These were drafted, or never will be."""
        known = self.undrafted().get(name, ())
        self._keep_undrafted(name, [each for each in known if each.alert not in alerts])

    def _keep_undrafted(self, name: str, known: Sequence[Undrafted]) -> None:
        stored = [[each.alert, int(each.is_grave), stamp(each.until)] for each in known]
        keep_fact(self._db, UNDRAFTED, name, json.dumps(stored, separators=(",", ":")))

    def gone_from(self, name: str) -> tuple[str, int] | None:
        """Return the entries that vanished from the source at once, still to be accepted: their key and their number.

        The source keeps them in its memory as `gone`.
        """
        row = _MEMORY.row(self._db, name=name)
        gone = json.loads(row["memory"]).get("gone") if row and row["failures"] else None
        if gone is None or self.known(name, [gone["key"]]):
            return None
        return str(gone["key"]), int(gone["entries"])
