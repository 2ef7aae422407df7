"""The checks of each minute: look at every cycle, credential and source, tell those on call what is wrong, then beat.

    observer ──▶ monitor: troubles, notices ──▶ messages in the outbox of the [notify] channels ──▶ heartbeat

What was told is read from the database, in the transaction that tells. That this transaction succeeds is half of what
is checked: a database that refuses silences the heartbeat, and is itself told on the channels without being stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, Gauge

from alerts.delivery.lane import Lane
from alerts.health.monitor import (
    AGAIN_AFTER,
    HealthNotice,
    MonitorMemory,
    Phase,
    Seen,
    ToldTrouble,
    Trouble,
    What,
    news_of,
    told_after,
)
from alerts.health.notices import OnCallNotices, compose
from alerts.health.observer import CredentialProbes, Observer, Remember
from alerts.health.restored import put_back
from alerts.health.words import word
from alerts.model.errors import DatabaseRefused
from alerts.model.events import AttemptFinished, Events, PostsStored
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.web.ops import Cycle

WATCH, STORE = "watch", "store"
STORE_LOOKED_AT_EVERY = 2.0
HEARTBEAT_TIMEOUT = 10.0
MISSED_ROUNDS = 3
FIRST_AFTER = 3.0
"""Seconds from the start to the first round: until then the lanes are taken and their channels open."""
_LATE = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one round came to: the news, the channels that carry them, and what those on call know of now."""

    news: list[HealthNotice]
    channels: list[str]
    told: dict[str, ToldTrouble]


class HealthChecks:
    """Looks at everything each `[notify] every`. Where the database refuses, nothing is told, and no heart beats.

    `holds` tells whether this process works a lane; `cycles` is all that must go round; `failing` finds the sign-ins
    that fail again and again. What can't be stored is published on the lanes at once.
    """

    def __init__(
        self,
        config: Town,
        lanes: Mapping[str, Lane],
        *,
        database: Database,
        clock: Clock,
        session: Any,
        events: Events,
        registry: CollectorRegistry,
        notices: OnCallNotices,
        holds: Callable[[str], bool],
        cycles: Callable[[], Sequence[Cycle]],
        remember: Remember | None = None,
        failing: Callable[[Unit], Sequence[Trouble]] = lambda _: (),
    ) -> None:
        self._every: timedelta = config.notify.every
        self._heartbeat = config.notify.heartbeat
        self._zone = config.zone
        self._store = config.database.name
        self._lanes = lanes
        self._database = database
        self._clock = clock
        self._session = session
        self._events = events
        self._notices = notices
        self._cycles = cycles
        self._failing = failing
        self._probes = CredentialProbes(lanes, clock, config.notify.probe, remember)
        self._observer = Observer(config, database, clock, holds, self._probes)
        self._memory = MonitorMemory()
        self._known: dict[str, ToldTrouble] = {}
        self._troubles = Gauge(
            "tocsin_trouble", "1 while those on call are warned of it", ["what", "name"], registry=registry
        )
        events.subscribe(AttemptFinished, self._probes.note_attempt)
        self._cycled_at = clock.monotonic()

    @property
    def cycle(self) -> Cycle:
        """The watch itself, as one more cycle: it stands still where the database can't be written."""
        age = self._clock.monotonic() - self._cycled_at
        return Cycle(WATCH, age, age > MISSED_ROUNDS * self._every.total_seconds() + _LATE)

    async def run(self) -> None:
        """Go round until cancelled. A round that can't be finished is logged, and the next one comes."""
        await self._clock.sleep(min(self._every.total_seconds(), FIRST_AFTER))
        while True:
            try:
                await self.check_all()
            except (DatabaseRefused, ValueError) as error:  # closed or refused: one line a round is enough
                log.error("watch.refused", error=str(error))  # noqa: TRY400
            except Exception:
                log.exception("watch.stumbled")
            await self._clock.sleep(self._every.total_seconds())

    async def check_all(self) -> None:
        """Look at everything once, tell the news, and let the heart beat if all is going round."""
        # Itself it can't judge: that it stands still is told by the heartbeat which doesn't come.
        cycles = [cycle for cycle in self._cycles() if cycle.name != WATCH]
        seen = await self._observer.observe([cycle for cycle in cycles if cycle.name != STORE])
        self._memory = self._memory.note(seen)
        await self._tell(seen)
        self._cycled_at = self._clock.monotonic()
        standing = [cycle.name for cycle in cycles if cycle.stands]
        if self._heartbeat is not None and not standing:
            await self._beat(self._heartbeat)

    async def watch_the_store(self) -> None:
        """Look all the time whether the database takes what is written, until cancelled; that it doesn't is said.

        No such warning can be stored, so it goes out without: once at each beginning, every six hours while it lasts,
        and once at its end.
        """
        said_at: float | None = None
        since = self._clock.now()
        refused: str | None = None
        while True:
            await self._clock.sleep(STORE_LOOKED_AT_EVERY)
            before, refused, now = refused, self._database.trouble, self._clock.monotonic()
            if refused is not None and before is None and "full" not in refused:
                continue  # locked for a moment, by a backup or another tool: no news unless it lasts
            if refused is None and said_at is not None:
                said_at = None
                await self._cry(Phase.RESOLVED, None, since)
            elif refused is not None and (said_at is None or now - said_at >= AGAIN_AFTER.total_seconds()):
                say = Phase.FIRING if said_at is None else Phase.REPEATED
                since = self._clock.now() if said_at is None else since
                said_at = now
                await self._cry(say, refused, since)

    async def _cry(self, say: Phase, said: str | None, since: datetime) -> None:
        reason = because("database_said", said=said) if said else None
        notices, news = self._notices, HealthNotice(say, Trouble(What.STORE, self._store, reason), since)
        (log.info if say is Phase.RESOLVED else log.error)(f"trouble.{say}", what=str(What.STORE), reason=said)
        self._troubles.labels(str(What.STORE), self._store).set(0 if say is Phase.RESOLVED else 1)
        for outlet in notices.outlets:
            language = outlet.language or notices.station.language
            words = word(news, language, notices.station.zone)
            try:
                await self._lanes[outlet.name].say_at_once(compose(words, notices.station.name, outlet, language))
            except Exception as error:  # noqa: BLE001 one channel's trouble is its own, and nothing can be kept of it
                log.warning("notice.failed", channel=outlet.name, error=str(error))

    async def _tell(self, seen: Seen) -> None:
        """Decide and store in one transaction, written even without news: that it can be is half the watch."""
        # Together with what was told, so that a second daemon, or this one after a kill, tells none of it again.
        outcome = await self._database.write(lambda unit: self._decide(unit, seen))
        self._known = outcome.told
        self._memory = self._memory.tell(outcome.news, self._clock.now())
        for news in outcome.news:
            tell = log.info if news.say is Phase.RESOLVED else log.warning
            trouble = news.trouble
            tell(f"trouble.{news.say}", what=str(trouble.what), name=trouble.name, reason=str(trouble.reason or ""))
        # A trouble that ended leaves no series behind: an alert on it would go on for ever.
        self._troubles.clear()
        for told in self._known.values():
            self._troubles.labels(str(told.trouble.what), told.trouble.name).set(1)
        if outcome.channels:
            self._events.publish(PostsStored(outcome.channels))

    def _decide(self, unit: Unit, seen: Seen) -> _Outcome:
        """Where there is nobody to tell, what was told is what stands in the log."""
        now, alerts, notices = self._clock.now(), unit.alerts, self._notices
        self._observer.write_down(unit, now)
        also = [*self._failing(unit), *put_back(unit, now, self._zone)]
        seen = seen.and_also(also).judging(What.SIGN_INS, self._known).judging(What.RESTORED, self._known)
        self._memory = self._memory.note_also(also)
        told = notices.told(alerts, seen.judged | self._known.keys(), now) if notices.outlets else self._known
        news = news_of(seen, told, self._memory, now)
        channels = notices.file(alerts, news, now) if notices.outlets else []
        return _Outcome(news, channels, told_after(told, news, now))

    async def _beat(self, address: str) -> None:
        """Call the watch elsewhere. The address may hold a key, so no line shows it.

        Of its answer the status alone is read, and where it leads elsewhere nobody follows.
        """
        timeout = aiohttp.ClientTimeout(total=HEARTBEAT_TIMEOUT)
        try:
            async with self._session.get(
                address, timeout=timeout, allow_redirects=False, auto_decompress=False
            ) as answer:
                good, why = answer.status < 300, f"status {answer.status}"
        except (aiohttp.ClientError, OSError) as error:
            good, why = False, type(error).__name__
        if not good:
            log.warning("heartbeat.failed", reason=why)
