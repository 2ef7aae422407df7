"""One round's look at everything: what the database says of channels and sources, and what the platforms answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.config import Config
from alerts.health.monitor import (
    STUCK_AFTER,
    ChannelSeen,
    Habit,
    HeldPosts,
    Seen,
    SourceSeen,
    habit_after,
    habit_without,
    quiet_since,
    see,
)
from alerts.health.probe import CredentialProbes, ProbeResult
from alerts.model.delivery import ChannelStatus
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.sources.settings import PolledSettings
from alerts.store.database import Database
from alerts.store.files import lack_of_room
from alerts.store.monitor import Pile, SourceRow
from alerts.store.unit import Unit
from alerts.web.ops import Cycle

AWAY = timedelta(minutes=10)
"""After a stop of this length, a feed's silence meanwhile isn't held against it."""
_LAST_ROUND = "last round"


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database says in one round."""

    standings: Mapping[str, ChannelStatus]
    stuck: Mapping[str, Pile | None]
    undecided: Mapping[str, Pile | None]
    sources: Mapping[str, SourceRow] = field(default_factory=dict)


class Observer:
    """Looks, and learns each source's habit on the way. A channel that another process works is that one's to watch."""

    def __init__(
        self, config: Config, database: Database, clock: Clock, holds: Callable[[str], bool], probes: CredentialProbes
    ) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        self._holds = holds
        self._probes = probes
        self._habits: dict[str, Habit] | None = None

    async def observe(self, cycles: Sequence[Cycle]) -> Seen:
        """Look at everything once. Raises DatabaseRefused where the database can't be read."""
        now = self._clock.now()
        mine = [name for name in self._config.channels if self._holds(name)]
        found = await self._database.read(lambda unit: self._find(unit, mine, now))
        await self._learn(found.sources, now)
        paused = {name for name, stands in found.standings.items() if _is_paused(stands, now, self._grace)}
        for name in paused:
            self._probes.forget(name)
        probed = await self._probes.take(lambda name: name in found.standings and name not in paused)
        channels = [self._channel(name, found, probed.get(name)) for name in mine]
        sources = [self._source(name, found.sources.get(name), now) for name in self._polled()]
        standing_still = {
            cycle.name: (cycle.reason or because("not_told")) if cycle.stands else None for cycle in cycles
        }
        lacks = await asyncio.to_thread(lack_of_room, self._config.database)
        return see(channels, sources, standing_still, now).of_store(
            self._config.database.name, lacks[1] if lacks else None
        )

    def write_down(self, unit: Unit, now: datetime) -> None:
        """Keep what was learned and when; called in the transaction of each round."""
        unit.monitor.remember(_LAST_ROUND, now.isoformat())
        for name, habit in (self._habits or {}).items():
            unit.monitor.remember(f"habit {name}", _spell(habit))

    @property
    def _grace(self) -> timedelta:
        """A pause that ended this lately may begin anew with the next post."""
        return self._config.notify.every * 2

    def _polled(self) -> dict[str, PolledSettings]:
        return {name: each for name, each in self._config.sources.items() if isinstance(each, PolledSettings)}

    def _find(self, unit: Unit, channels: Sequence[str], now: datetime) -> _Found:
        return _Found(
            standings={name: unit.views.standing(name) for name in channels},
            stuck={name: unit.monitor.stuck(name, now - STUCK_AFTER) for name in channels},
            undecided={name: unit.monitor.undecided(name, now) for name in channels},
            sources=unit.monitor.sources_seen(),
        )

    def _channel(self, name: str, found: _Found, probed: ProbeResult | None) -> ChannelSeen:
        stands, now = found.standings[name], self._clock.now()
        refused = stands.reason or because("credential_refused") if stands.state == "blocked" else None
        pauses = stands.state == "failing" and _is_paused(stands, now, self._grace)
        unreachable = stands.reason or because("platform_makes_wait") if pauses else None
        asked = probed or ProbeResult()
        return ChannelSeen(
            name=name,
            refused=refused or asked.refused,
            unreachable=unreachable or asked.unreachable,
            rights=asked.rights,
            stuck=_held(found.stuck[name]),
            undecided=_held(found.undecided[name]),
            known=probed is not None or refused is not None,
        )

    def _source(self, name: str, row: SourceRow | None, now: datetime) -> SourceSeen:
        every = self._polled()[name].every
        if row is None:
            return SourceSeen(name, every)
        quiet = quiet_since((self._habits or {}).get(name), now)
        return SourceSeen(name, every, row.failures, row.reason, row.last_ok, quiet)

    async def _learn(self, sources: Mapping[str, SourceRow], now: datetime) -> None:
        if self._habits is None:
            self._habits = await self._recall(now)
        for name, row in sources.items():
            habit = habit_after(self._habits.get(name), row.mark, now)
            if habit is not None:
                self._habits[name] = habit

    async def _recall(self, now: datetime) -> dict[str, Habit]:
        kept = await self._database.read(lambda unit: unit.monitor.recall())
        away = now - datetime.fromisoformat(kept.get(_LAST_ROUND, now.isoformat()))
        habits = {key.removeprefix("habit "): _read(text) for key, text in kept.items() if key.startswith("habit ")}
        return {name: habit_without(habit, away) if away > AWAY else habit for name, habit in habits.items()}


def _is_paused(stands: ChannelStatus, now: datetime, grace: timedelta) -> bool:
    """Blocked, or told to come again later: the lane tries for itself, and what it meets is in its standing."""
    if stands.state == "blocked":
        return True
    return stands.blocked_until is not None and stands.blocked_until + grace > now


def _held(pile: Pile | None) -> HeldPosts | None:
    return HeldPosts(pile.posts, pile.since, pile.reason) if pile else None


def _spell(habit: Habit) -> str:
    longest = habit.longest.total_seconds()
    kept = {"mark": habit.mark, "changed_at": habit.changed_at.isoformat(), "longest": longest}
    return json.dumps(kept | {"changes": habit.changes})


def _read(text: str) -> Habit:
    kept = json.loads(text)
    changed_at = datetime.fromisoformat(kept["changed_at"])
    return Habit(kept["mark"], changed_at, timedelta(seconds=kept["longest"]), kept["changes"])
