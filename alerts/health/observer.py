"""The watch's view at each round: the channels with their credentials, the sources, the database and the cycles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from alerts.delivery.lane import Lane
from alerts.delivery.worker import Cycle, Guarded
from alerts.desk.unit import deferred_by_limits
from alerts.health.monitor import (
    LIMITED_FOR,
    STUCK_AFTER,
    ChannelSeen,
    Habit,
    Seen,
    SourceSeen,
    StuckPosts,
    habit_after,
    habit_without,
    quiet_since,
    see,
)
from alerts.model.delivery import ChannelStatus
from alerts.model.errors import BadCredential, DeliveryError
from alerts.model.events import AttemptFinished
from alerts.model.incident import Undrafted
from alerts.model.lease import LeaseLost
from alerts.model.ports import Clock
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.store.connection import lack_of_room
from alerts.store.database import Database
from alerts.store.monitor import Pile, SourceRow
from alerts.store.unit import Unit

AWAY = timedelta(minutes=10)
"""After a stop of this length, a feed's silence meanwhile isn't held against it."""
_LAST_ROUND = "last round"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of the last probe: no fault, or its reason."""

    refused: Reason | None = None
    unreachable: Reason | None = None
    rights: tuple[Reason, ...] = ()

    @property
    def good(self) -> bool:
        """True if no early retry is needed."""
        return self.refused is None and self.unreachable is None


Remember = Callable[[str, str, str], Awaitable[None]]
"""Keeps a fact of a channel: its name, the fact's, and what it is."""
FOLLOWERS = "followers"


class CredentialProbes:
    """Probes every credential each `every`, unless it was used successfully since; a failing one in every round.

    It changes nothing: a lane continues sending whatever a probe finds, and meets failures itself.
    """

    def __init__(
        self, lanes: Mapping[str, Lane], clock: Clock, every: timedelta, remember: Remember | None = None
    ) -> None:
        self._lanes = lanes
        self._remember = remember
        self._followers: dict[str, int] = {}
        self._clock = clock
        self._every = every.total_seconds()
        self._good_at: dict[str, float] = {}
        self._last: dict[str, ProbeResult] = {}

    def note_attempt(self, event: AttemptFinished) -> None:
        """A post went out: the credential works, unless the channel sends nothing for a post itself."""
        channel = event.post.channel
        if event.verdict.state is PostState.SENT and not self._proves_nothing(channel):
            self._good_at[channel] = self._clock.monotonic()
            last = self._last.get(channel, ProbeResult())
            self._last[channel] = ProbeResult(rights=last.rights)

    def _proves_nothing(self, channel: str) -> bool:
        lane = self._lanes.get(channel)
        return lane is not None and lane.proves_nothing

    async def take(self, may: Callable[[str], bool]) -> Mapping[str, ProbeResult]:
        """Try those that are due and that one `may` ask; returns what is known of each that was ever asked."""
        # A platform may charge for each request (X does), so a credential that sent a post isn't probed.
        due = [name for name in self._lanes if may(name) and self._is_due(name)]
        # Side by side: a platform that hangs keeps nobody else's credential untried.
        await asyncio.gather(*(self._probe(name) for name in due))
        return dict(self._last)

    def forget(self, name: str) -> None:
        """Forget the last result: the lane itself met something worse."""
        self._last.pop(name, None)
        self._good_at.pop(name, None)

    def _is_due(self, name: str) -> bool:
        last, good_at = self._last.get(name), self._good_at.get(name)
        fresh = good_at is not None and self._clock.monotonic() - good_at < self._every
        return last is None or not last.good or not fresh or self._lanes[name].probes_at_home

    async def _probe(self, name: str) -> None:
        began = self._clock.monotonic()
        probe = None
        try:
            # Another package's channel must not end the watch over the others.
            with Guarded("probe.failed", but=(DeliveryError,), channel=name) as part:
                probe = await self._lanes[name].probe()
        except BadCredential as error:
            self._last[name] = ProbeResult(refused=error.reason)
        except DeliveryError as error:
            self._last[name] = ProbeResult(unreachable=error.reason)
        if part.error is not None:
            self._last[name] = ProbeResult(unreachable=because("channel_stumbled", error=type(part.error).__name__))
        elif probe is not None:
            self._last[name] = ProbeResult(rights=probe.warnings)
            self._good_at[name] = began
            await self._count(name, probe.followers)

    async def _count(self, name: str, followers: int | None) -> None:
        """Keep how many follow the channel, when it changed. That it can't be kept stops no watch."""
        if followers is None or self._remember is None or self._followers.get(name) == followers:
            return
        # A full disk or a locked file: the number comes again.
        with suppress(LeaseLost), Guarded("followers.not_kept", channel=name):
            await self._remember(name, FOLLOWERS, str(followers))
            self._followers[name] = followers


@dataclass(frozen=True, slots=True)
class _Found:
    """The database's data of one round."""

    statuses: Mapping[str, ChannelStatus]
    stuck: Mapping[str, Pile | None]
    undecided: Mapping[str, Pile | None]
    limited: Mapping[str, StuckPosts]
    sources: Mapping[str, SourceRow] = field(default_factory=dict)
    undrafted: Mapping[str, Sequence[Undrafted]] = field(default_factory=dict)


class Observer:
    """Observes everything, and learns each source's habit on the way.

    A channel that another process works is observed there; sources and the disk by the owner of the shared duties.
    """

    def __init__(
        self, town: Town, database: Database, clock: Clock, holds: Callable[[str], bool], probes: CredentialProbes
    ) -> None:
        self._town = town
        self._database = database
        self._clock = clock
        self._holds = holds
        self._probes = probes
        self._habits: dict[str, Habit] | None = None

    async def observe(self, cycles: Sequence[Cycle], *, has_duties: bool) -> Seen:
        """Observe everything once. Raises DatabaseRefused if the database can't be read."""
        now = self._clock.now()
        mine = [name for name in self._town.channels if self._holds(name)]
        found = await self._database.read(lambda unit: self._find(unit, mine, now))
        if has_duties:
            await self._learn(found.sources, now)
        else:
            self._habits = None  # another daemon learns them: they are read anew once that is this one's again
        paused = {name for name, stands in found.statuses.items() if _is_paused(stands, now, self._grace)}
        # A lane that pauses knows more than an older probe: what that found must not stand beside it.
        for name in paused:
            self._probes.forget(name)
        probed = await self._probes.take(lambda name: name in found.statuses and name not in paused)
        channels = [self._channel(name, found, probed.get(name)) for name in mine]
        polled = self._polled() if has_duties else ()
        sources = [self._source(name, found, now) for name in polled]
        stalled = {cycle.name: (cycle.reason or because("not_told")) if cycle.stands else None for cycle in cycles}
        seen = see(channels, sources, stalled, now)
        if not has_duties:
            return seen
        # In a thread, for a disk of the network may hang.
        lacks = await asyncio.to_thread(lack_of_room, self._town.database)
        return seen.of_store(self._town.database.name, lacks[1] if lacks else None)

    def write_down(self, unit: Unit, now: datetime) -> None:
        """Keep what was learned and when; called in the transaction of each round."""
        unit.monitor.remember(_LAST_ROUND, now.isoformat())
        for name, habit in (self._habits or {}).items():
            unit.monitor.remember(f"habit {name}", _spell(habit))

    @property
    def _grace(self) -> timedelta:
        """A pause that ended this lately may begin anew with the next post."""
        return self._town.notify.every * 2

    def _polled(self) -> dict[str, timedelta]:
        return {name: each.every for name, each in self._town.sources.items() if each.every is not None}

    def _find(self, unit: Unit, channels: Sequence[str], now: datetime) -> _Found:
        return _Found(
            statuses={name: unit.views.channel_status(name) for name in channels},
            stuck={name: unit.monitor.stuck(name, now - STUCK_AFTER) for name in channels},
            undecided={name: unit.monitor.undecided(name, now) for name in channels},
            limited=self._limited(unit, now),
            sources=unit.monitor.sources_seen(),
            undrafted=unit.sources.undrafted(),
        )

    def _limited(self, unit: Unit, now: datetime) -> Mapping[str, StuckPosts]:
        """Return each channel's grave posts that its limits defer for long; the first gives the time."""
        piles: dict[str, StuckPosts] = {}
        for each in deferred_by_limits(unit.views, self._town, now):
            post = each.post
            if post.urgent and not post.exercise and each.leaves - now > LIMITED_FOR:
                known = piles.get(post.channel)
                reason = known.reason if known else each.reason
                since = min(known.since, post.stored_at) if known else post.stored_at
                piles[post.channel] = StuckPosts((known.posts if known else 0) + 1, since, reason)
        return piles

    def _channel(self, name: str, found: _Found, probed: ProbeResult | None) -> ChannelSeen:
        stands, now = found.statuses[name], self._clock.now()
        refused = stands.reason or because("credential_refused") if stands.state == "blocked" else None
        pauses = stands.state == "failing" and _is_paused(stands, now, self._grace)
        unreachable = stands.reason or because("platform_makes_wait") if pauses else None
        asked = probed or ProbeResult()
        return ChannelSeen(
            name=name,
            refused=refused or asked.refused,
            unreachable=unreachable or asked.unreachable,
            rights=asked.rights,
            stuck=_stuck(found.stuck[name]),
            undecided=_stuck(found.undecided[name]),
            limited=found.limited.get(name),
            known=probed is not None or refused is not None,
        )

    def _source(self, name: str, found: _Found, now: datetime) -> SourceSeen:
        every, row = self._polled()[name], found.sources.get(name)
        if row is None:
            return SourceSeen(name, every)
        quiet = quiet_since((self._habits or {}).get(name), now)
        return SourceSeen(name, every, row.failures, row.reason, row.last_ok, quiet, len(found.undrafted.get(name, ())))

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
    """True if the lane is blocked, or was asked to wait: it tries by itself, and its status has the result."""
    if stands.state == "blocked":
        return True
    return stands.blocked_until is not None and stands.blocked_until + grace > now


def _stuck(pile: Pile | None) -> StuckPosts | None:
    return StuckPosts(pile.posts, pile.since, pile.reason) if pile else None


def _spell(habit: Habit) -> str:
    longest = habit.longest.total_seconds()
    kept = {"mark": habit.mark, "changed_at": habit.changed_at.isoformat(), "longest": longest}
    return json.dumps(kept | {"changes": habit.changes})


def _read(text: str) -> Habit:
    kept = json.loads(text)
    changed_at = datetime.fromisoformat(kept["changed_at"])
    return Habit(kept["mark"], changed_at, timedelta(seconds=kept["longest"]), kept["changes"])
