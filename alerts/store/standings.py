"""Who works each lane, and how each channel stands with its platform."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects.sqlite import insert

from alerts.model.ports import ChannelStatus, Lease
from alerts.model.reason import kept_reason
from alerts.store.database import Database
from alerts.store.schema import channel as channels
from alerts.store.schema import fact, lease, stamp
from alerts.store.statement import Statement, upsert_into
from alerts.store.unit import Unit

_FAR = timedelta(minutes=1)
_INSERT_LEASE = insert(lease).values({c.name: bindparam(c.name) for c in lease.columns})
_TAKE = Statement(
    _INSERT_LEASE.on_conflict_do_update(
        index_elements=["lane"],
        set_={"owner": _INSERT_LEASE.excluded.owner, "until": _INSERT_LEASE.excluded.until},
        where=or_(
            lease.c.owner == bindparam("owner"),
            lease.c.until <= bindparam("now"),
            lease.c.until > bindparam("far"),
        ),
    )
)
_GIVE_BACK = Statement(delete(lease).where(lease.c.owner == bindparam("owner")))
_STAND = upsert_into(channels)
_FACTS = Statement(select(fact.c.channel, fact.c.key, fact.c.value))
_REMEMBER = upsert_into(fact)


class Leases:
    """Who works which lane. Every write is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, lanes: Sequence[str], owner: str, now: datetime, until: datetime) -> Sequence[Lease]:
        """Take or renew the leases of these lanes; those that another owner holds are missing from the answer.

        A lease of more than a minute was taken before the clock was set back: it holds nobody up.
        """
        times = {"now": stamp(now), "until": stamp(until), "far": stamp(until + _FAR)}

        def work(unit: Unit) -> list[Lease]:
            taken = [lane for lane in lanes if _TAKE.run(unit.db, lane=lane, owner=owner, **times).rowcount == 1]
            return [Lease(lane, owner, until) for lane in taken]

        return await self._database.write(work)

    async def give_back(self, owner: str) -> None:
        """End all that this owner holds."""
        await self._database.write(lambda unit: _GIVE_BACK.run(unit.db, owner=owner).rowcount)


class ChannelStatuses:
    """What each channel's platform said of its limits and of our credential, and the channels' own facts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[tuple[str, str], str] = {}

    async def load(self) -> None:
        """Read the channels' facts, which are few, so that `recall` needs no wait."""
        rows = await self._database.read(lambda unit: _FACTS.rows(unit.db))
        self._facts = {(row["channel"], row["key"]): row["value"] for row in rows}

    def recall(self, channel: str, key: str) -> str | None:
        """A fact the channel kept."""
        return self._facts.get((channel, key))

    async def remember(self, channel: str, key: str, value: str) -> None:
        """Keep a fact across restarts."""
        self._facts[channel, key] = value
        await self._database.write(lambda unit: _REMEMBER.run(unit.db, channel=channel, key=key, value=value).rowcount)

    async def standing(self, channel: str) -> ChannelStatus:
        """How the channel stood when it was last written down."""
        return await self._database.read(lambda unit: unit.views.standing(channel))

    async def stand(self, channel: str, standing: ChannelStatus) -> None:
        """Write down how the channel stands."""
        quotas = [
            {"remaining": q.remaining, "reset": stamp(q.reset), "limit": q.limit, "name": q.name}
            for q in standing.quotas
        ]
        values = {
            "name": channel,
            "state": standing.state,
            "reason": kept_reason(standing.reason),
            "blocked_until": stamp(standing.blocked_until),
            "quotas": json.dumps(quotas),
        }
        await self._database.write(lambda unit: _STAND.run(unit.db, **values).rowcount)
