"""The checks of each minute: every cycle, credential and source; notices of trouble; then the heartbeat.

    Observer ──▶ monitor: troubles, notices ──▶ messages in the outbox of the [notify] channels ──▶ heartbeat

`Observer` reads the state of channels and sources from the database; `CredentialProbes` asks the platforms, on a
schedule, so that a credential's defects are known before the next emergency. `monitor`, which is pure, decides which
findings are troubles. The earlier notices are read from the database, in the transaction that files new ones. The
success of this transaction is half of the check: a database that refuses it silences the heartbeat, and is itself
reported on the channels without being stored.

Of several daemons each checks the channels whose lanes it works. The one that has the shared duties checks all the
rest, the cycles of the others included, and sends the heartbeat for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, Gauge

from alerts.delivery.lane import Lane
from alerts.delivery.worker import Cycle, Guarded, Work
from alerts.health.desk_events import put_back
from alerts.health.monitor import (
    AGAIN_AFTER,
    OF_A_CHANNEL,
    HealthNotice,
    MonitorMemory,
    Phase,
    ReportedTrouble,
    Seen,
    Trouble,
    What,
    news_of,
    reported_after,
)
from alerts.health.notices import OnCallNotices, compose
from alerts.health.observer import CredentialProbes, Observer, Remember
from alerts.health.words import word
from alerts.model.events import AttemptFinished, Events, PostsStored
from alerts.model.lease import DUTIES, Lease
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.database import Database
from alerts.store.unit import Unit

WATCH, STORE = "watch", "store"
STORE_LOOKED_AT_EVERY = timedelta(seconds=2)
LOOKS_WITHOUT_LANES = 3
"""After so many checks of a healthy store, a daemon without lanes stops reporting for those it had."""
HEARTBEAT_TIMEOUT = 10.0
MISSED_ROUNDS = 3
FIRST_AFTER = 3.0
"""Seconds from the start to the first round: until then the lanes are taken and their channels open."""
_LATE = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Round:
    """The result of one round: the notices, their channels, and the troubles that those on call know now."""

    news: list[HealthNotice]
    channels: list[str]
    known: dict[str, ReportedTrouble]


@dataclass(eq=False, repr=False)
class HealthChecks:
    """Checks everything each `[notify] every`. If the database refuses, no notice is filed, and no heartbeat sent.

    `holds` is true if this process has a lease, and `lease_of` returns it; `cycles` are all that must run, here or at
    another daemon; `failing` finds troubles known to the database alone: repeatedly failing sign-ins, a flood of
    reports. A notice that can't be stored is published at once, on the lanes that this process works, or worked when
    the trouble began.
    """

    town: Town
    lanes: Mapping[str, Lane]
    _: KW_ONLY
    database: Database
    clock: Clock
    session: Any
    events: Events
    registry: CollectorRegistry
    notices: OnCallNotices
    holds: Callable[[str], bool]
    cycles: Callable[[], Sequence[Cycle]]
    remember: Remember | None = None
    failing: Callable[[Unit], Sequence[Trouble]] = lambda _: ()
    lease_of: Callable[[str], Lease | None] = lambda _: None

    def __post_init__(self) -> None:
        self._every: timedelta = self.town.notify.every
        self._heartbeat = self.town.notify.heartbeat
        self._zone = self.town.zone
        self._store = self.town.database.name
        self._probes = CredentialProbes(self.lanes, self.clock, self.town.notify.probe, self.remember)
        self._observer = Observer(self.town, self.database, self.clock, self.holds, self._probes)
        self._memory = MonitorMemory()
        self._known: dict[str, ReportedTrouble] = {}
        self._troubles = Gauge(
            "tocsin_trouble", "1 while those on call are warned of it", ["what", "name"], registry=self.registry
        )
        self.events.subscribe(AttemptFinished, self._probes.note_attempt)
        # Of the store: whether it refuses, since when, when that was said last and on which lanes; and which are ours.
        self._refused: str | None = None
        self._since = self.clock.now()
        self._said_at: float | None = None
        self._said_on: set[str] = set()
        self._ours: set[str] = set()
        self._without = 0

    def troubles(self) -> list[ReportedTrouble]:
        """Return the troubles that those on call are warned of now."""
        return list(self._known.values())

    def work(self, store_every: timedelta = STORE_LOOKED_AT_EVERY) -> list[Work]:
        """Return the permanent tasks; the store is checked each `store_every`."""
        every, store = self._every.total_seconds(), store_every.total_seconds()
        return [
            Work(WATCH, self.check_all, every, first=min(every, FIRST_AFTER), late=MISSED_ROUNDS * every + _LATE),
            Work("store", self._look_at_the_store, store, first=store),
        ]

    async def check_all(self) -> None:
        """Check everything once, file the notices, and send the heartbeat if all cycles run."""
        has_duties, leases = self.holds(DUTIES), self._leases()
        # Itself it can't judge: that it stands still is told by the heartbeat which doesn't come.
        cycles = [cycle for cycle in self.cycles() if cycle.name != WATCH] if has_duties else []
        # The store's trouble is told by `_look_at_the_store`, beside the outbox: it would be told twice.
        looked_at = [cycle for cycle in cycles if cycle.name != STORE]
        seen = await self._observer.observe(looked_at, has_duties=has_duties)
        before = self._memory
        self._memory = before.note(seen)
        try:
            await self._tell(seen, leases, has_duties=has_duties)
        except BaseException:
            # It is made again within seconds: three such tries are no trouble that lasted for three rounds.
            self._memory = before
            raise
        # The heart beats after the write, so that a database which refuses silences it.
        stalled = [cycle.name for cycle in cycles if cycle.stands]
        if self._heartbeat is not None and has_duties and not stalled:
            await self._beat(self._heartbeat)

    def _leases(self) -> list[Lease]:
        """Return the leases under which this round is made: if one is lost, its notices are another daemon's."""
        return [lease for name in (DUTIES, *self.lanes) if (lease := self.lease_of(name)) is not None]

    async def _look_at_the_store(self) -> None:
        """Check that the database accepts writes, and report if it doesn't.

        No such warning can be stored, so it is sent without: once at each beginning, every six hours while it lasts,
        and once at its end. Of several daemons each sends it on the lanes that it works, or worked until writes failed,
        so that the leases ran out.
        """
        if ours := {name for name in self.lanes if self.holds(name)}:
            self._ours, self._without = ours, 0
        elif self.database.trouble is None:
            self._without += 1
            self._ours = ours if self._without > LOOKS_WITHOUT_LANES else self._ours
        before, now = self._refused, self.clock.monotonic()
        self._refused = refused = self.database.trouble
        if refused is not None and before is None and "full" not in refused:
            return  # locked for a moment, by a backup or another tool: no news unless it lasts
        if refused is None and self._said_at is not None:
            self._said_at = None
            await self._cry(Phase.RESOLVED, None)
        elif refused is not None and (self._said_at is None or now - self._said_at >= AGAIN_AFTER.total_seconds()):
            say = Phase.FIRING if self._said_at is None else Phase.REPEATED
            self._since = self.clock.now() if self._said_at is None else self._since
            self._said_at, self._said_on = now, self._ours
            await self._cry(say, refused)

    async def _cry(self, say: Phase, said: str | None) -> None:
        reason = because("database_said", said=said) if said else None
        notices, news = self.notices, HealthNotice(say, Trouble(What.STORE, self._store, reason), self._since)
        (log.info if say is Phase.RESOLVED else log.error)(f"trouble.{say}", what=str(What.STORE), reason=said)
        self._troubles.labels(str(What.STORE), self._store).set(0 if say is Phase.RESOLVED else 1)
        for channel in notices.channels:
            if channel.name not in self._said_on:
                continue
            # One channel's trouble is its own, and nothing can be kept of it.
            with Guarded("notice.failed", channel=channel.name):
                language = channel.language or notices.station.language
                words = word(news, language, notices.station.zone, notices.station.desk_url)
                await self.lanes[channel.name].send_unjournalled(
                    compose(words, notices.station.name, channel, language)
                )

    async def _tell(self, seen: Seen, leases: Sequence[Lease], *, has_duties: bool) -> None:
        """Decide and store in one transaction, written even without news: that it can be is half the watch."""
        # Together with what was told, so that a second daemon, or this one after a kill, tells none of it again.
        outcome = await self.database.write(partial(self._decide, seen, leases, has_duties=has_duties))
        self._known = outcome.known
        self._memory = self._memory.tell(outcome.news, self.clock.now())
        for news in outcome.news:
            tell = log.info if news.say is Phase.RESOLVED else log.warning
            trouble = news.trouble
            tell(f"trouble.{news.say}", what=str(trouble.what), name=trouble.name, reason=str(trouble.reason or ""))
        # A trouble that ended leaves no series behind: an alert on it would go on for ever.
        self._troubles.clear()
        for reported in self._known.values():
            self._troubles.labels(str(reported.trouble.what), reported.trouble.name).set(1)
        if outcome.channels:
            self.events.publish(PostsStored(outcome.channels))

    def _decide(self, seen: Seen, leases: Sequence[Lease], unit: Unit, *, has_duties: bool) -> _Round:
        """Decide on the notices of a round. Without channels to notify, the log takes their place."""
        now, alerts, notices = self.clock.now(), unit.alerts, self.notices
        for lease in leases:
            unit.leases.check(lease, now)
        known = {key: each for key, each in self._known.items() if self._is_ours(each.trouble, has_duties=has_duties)}
        if has_duties:
            self._observer.write_down(unit, now)
            also = [*self.failing(unit), *put_back(unit, now, self._zone)]
            seen = seen.and_also(also).judging(
                (What.TASK, What.SIGN_INS, What.RESTORED, What.CROWD, What.BUDGET), known
            )
            self._memory = self._memory.note_also(also)
        reported = notices.reported(alerts, seen.judged | known.keys(), now) if notices.channels else known
        news = news_of(seen, reported, self._memory, now)
        channels = notices.file(alerts, news, now) if notices.channels else []
        return _Round(news, channels, reported_after(reported, news, now))

    def _is_ours(self, trouble: Trouble, *, has_duties: bool) -> bool:
        return self.holds(trouble.name) if trouble.what in OF_A_CHANNEL else has_duties

    async def _beat(self, address: str) -> None:
        """Call the watch elsewhere. The address may hold a key, so no line shows it.

        Of its answer the status alone is read, and where it leads elsewhere nobody follows.
        """
        timeout = aiohttp.ClientTimeout(total=HEARTBEAT_TIMEOUT)
        try:
            async with self.session.get(
                address, timeout=timeout, allow_redirects=False, auto_decompress=False
            ) as answer:
                good, why = answer.status < 300, f"status {answer.status}"
        except (aiohttp.ClientError, OSError) as error:
            good, why = False, type(error).__name__
        if not good:
            log.warning("heartbeat.failed", reason=why)
