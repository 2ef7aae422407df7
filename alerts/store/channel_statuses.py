"""The health of channels and the few facts that each keeps, under its name in channels.toml.

Health is written when it changes; facts are read once, so that recalling one needs no wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from alerts.model.delivery import ChannelStatus
from alerts.model.lease import Lease
from alerts.model.reason import kept_reason
from alerts.store.database import Database
from alerts.store.facts import fact, keep_fact
from alerts.store.statement import Statement, stamp, upsert_into
from alerts.store.unit import Unit

_PUT_STATUS = upsert_into("channel", "name")
_FACTS = Statement("SELECT channel, key, value FROM fact")


class ChannelStatuses:
    """Each platform's state of its limits and of our credential, and the channels' own facts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[tuple[str, str], str] = {}
        self._kept: dict[tuple[str, str], str] = {}

    async def load(self) -> None:
        """Read the channels' facts, which are few, so that `recall` needs no wait.

        Another daemon may have written some while it worked a channel: whoever takes a lease over reads them anew.
        """
        self._kept = {}
        rows = await self._database.read(lambda unit: _FACTS.rows(unit.db))
        # What was kept while it was read is newer than what was read.
        self._facts = {(row["channel"], row["key"]): row["value"] for row in rows} | self._kept

    def recall(self, channel: str, key: str) -> str | None:
        """A fact the channel kept."""
        return self._facts.get((channel, key))

    async def look_up(self, channel: str, key: str) -> str | None:
        """Read a fact from the database: another process may have kept it."""
        return await self._database.read(lambda unit: fact(unit.db, channel, key))

    async def remember(self, channel: str, key: str, value: str) -> None:
        """Keep a fact across restarts."""
        self._facts[channel, key] = self._kept[channel, key] = value
        await self._database.write(lambda unit: keep_fact(unit.db, channel, key, value))

    async def change(self, channel: str, key: str, change: Callable[[str | None], str]) -> None:
        """Change a fact in one transaction, from how the database has it: another process may have changed it, too.

        What `change` raises leaves it as it was, and is raised here.
        """

        def work(unit: Unit) -> str:
            value = change(fact(unit.db, channel, key))
            keep_fact(unit.db, channel, key, value)
            return value

        self._facts[channel, key] = self._kept[channel, key] = await self._database.write(work)

    async def status(self, channel: str) -> ChannelStatus:
        """Return the channel's stored health."""
        return await self._database.read(lambda unit: unit.views.channel_status(channel))

    async def keep(self, channel: str, status: ChannelStatus, lease: Lease | None, now: datetime) -> None:
        """Store the channel's health, by its lane under its lease (None: under none). Raises LeaseLost."""
        # Times as numbers, like every other time of the database.
        quotas = [
            {"remaining": q.remaining, "reset": stamp(q.reset), "limit": q.limit, "name": q.name} for q in status.quotas
        ]
        values = {
            "name": channel,
            "state": status.state,
            "reason": kept_reason(status.reason),
            "blocked_until": stamp(status.blocked_until),
            "quotas": json.dumps(quotas),
        }

        def work(unit: Unit) -> None:
            unit.leases.check(lease, now)
            _PUT_STATUS.run(unit.db, **values)

        await self._database.write(work)
