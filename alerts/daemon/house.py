"""The whole house: built from settings, started and stopped in order.

config ──▶ build() ──▶ House.run(): store, channels, lanes, sources, pages; SIGTERM ends it in the other order
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from alerts.config import Config, channel_kind
from alerts.config.station import surroundings_of
from alerts.daemon.bots import Bots, Furnishing, bot_lease, bot_settings
from alerts.daemon.bulks import BulkSenders, bot_paces, bulk_leases
from alerts.daemon.commands import Handed, take_commands
from alerts.daemon.counter import Counter
from alerts.daemon.cycles import LATE, cycle_of, cycle_of_pages
from alerts.daemon.intake import TakesIn
from alerts.daemon.live import FileWatch
from alerts.daemon.log_lines import log_deliveries, sum_up
from alerts.daemon.metrics import Metrics
from alerts.daemon.outside import Outside, Session
from alerts.daemon.pages import build_publisher, build_setting
from alerts.daemon.service import HouseService
from alerts.daemon.serving import build_app, serve
from alerts.daemon.systemd import tell_systemd, watchdog_interval
from alerts.delivery.lane import LONGEST_IDLE, Lane, LaneSettings
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import RateLimits
from alerts.desk.service import DeskUnit
from alerts.health.approvals import ApprovalNotices
from alerts.health.checks import STORE, HealthChecks
from alerts.health.desk_events import failing_sign_ins
from alerts.health.notices import build_notices
from alerts.health.restored import UnknownPosts
from alerts.model.errors import DatabaseRefused
from alerts.model.events import ConnectionRefused, Events, IncidentChanged, PostsStored, Stopping
from alerts.model.ports import Resources
from alerts.model.reason import because
from alerts.sources.poll import PollDesk, Poller
from alerts.sources.settings import PolledSettings
from alerts.store.archive import Slice
from alerts.store.database import Database
from alerts.store.outbox import ChannelStatuses, Leases
from alerts.store.sockets import open_doorbell
from alerts.store.unit import Unit
from alerts.web.listener import Listener
from alerts.web.ops import Cycle, Gauges
from alerts.web.public.publisher import Publisher

FINISHES_WITHIN = 10.0
"""Seconds that a stop waits for the answers to what is under way."""
ENDS_LOOKED_FOR_EVERY = 5.0
HANDED_OVER_AFTER = 0.001
"""Seconds after which a thread that computes (pages, a feed's message) hands the interpreter over when another asks.

A post crosses threads six times from stored to called, and Python's own five milliseconds each would add up.
"""
PRUNED_EVERY = 6 * 3600.0
PRUNING_RESTS = 0.2
"""Seconds between two transactions of pruning, each of which takes some milliseconds."""

log = structlog.get_logger()


class House:
    """A running Tocsin. Whoever subscribes to `events` hears what happens; `url` is where it answers."""

    def __init__(self, config: Config, database: Database, session: Session, outside: Outside) -> None:
        self.config = config
        self.database = database
        self.events = Events()
        self._metrics = Metrics(self.events)
        log_deliveries(self.events)
        self.url = ""
        self._session = session
        self._outside = outside
        self._clock = clock = outside.clock
        self._statuses = ChannelStatuses(database)
        owner = f"{socket.gethostname()}-{os.getpid()}-{outside.new_id()}"
        leases = [*config.channels, *map(bot_lease, bot_settings(config)), *bulk_leases(config)]
        self._keeper = LeaseKeeper(Leases(database), clock, owner, leases)
        self._bots: Bots | None = None
        self.lanes: dict[str, Lane] = {}
        self.pollers: dict[str, Poller] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None
        self._doorbell: tuple[socket.socket, Path] | None = None
        self._checks: HealthChecks | None = None
        self._publisher: Publisher | None = None
        self._paces = bot_paces(config, clock)
        self._bulks = self._build_bulks()
        self._desk = outside.furnish(config, clock.now, outside.new_id)
        self._takes_in = TakesIn(self._desk, database, clock, self.events)

    async def start(self) -> None:
        """Bring everything up; what was stored before is being sent when this returns."""
        gap = await self.database.compare(self._clock.now())
        if gap is not None:
            log.warning("database.older", since=str(gap.since), until=str(gap.until))
        await self._statuses.load()
        self._build_lanes()
        self._build_pollers()
        if self._outside.doors:
            self._listen_for_rings()
            await self._serve()
            self._spawn(sum_up(self._clock.sleep), "log")
        self._spawn(self._keeper.run(), "leases")
        for name, lane in self.lanes.items():
            self._spawn(lane.run(), f"lane {name}")
        for name, poller in self.pollers.items():
            self._spawn(poller.run(), f"source {name}")
        for name, work in self._bulks.work():
            self._spawn(work, name)
        for name, work in self._bots.work() if self._bots is not None else ():
            self._spawn(work, name)
        self._spawn(self._watch_the_file(), "file")
        if self._outside.doors or self.config.notify.channels:
            self._checks = self._build_checks()
            self._spawn(self._checks.run(), "watch")
            self._spawn(self._checks.watch_the_store(), "store")
        if self.config.notify.channels:
            warnings = build_notices(self.config, self._outside.new_id)
            awaited = ApprovalNotices(self.config, self.database, self._clock, warnings, self.events)
            self._spawn(awaited.run(), "awaited")
        self._spawn(self._end_what_is_over(), "lifecycle")
        self._spawn(self._prune(), "pruning")
        warnings = build_notices(self.config, self._outside.new_id)
        self._spawn(UnknownPosts(self.database, self._clock, self.lanes, warnings, self.events).run(), "strays")

    async def stop(self) -> None:
        """Take nothing more in, finish what is under way, give back the leases, close."""
        self.events.publish(Stopping())
        if self._publisher is not None:
            self._publisher.close()
        for task in self._tasks:
            if not task.get_name().startswith(("lane", "leases", "bulk", "pace")):
                task.cancel()
        stops = [lane.stop(FINISHES_WITHIN) for lane in self.lanes.values()]
        await asyncio.gather(*stops, self._bulks.stop(FINISHES_WITHIN), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._keeper.give_back()
        if self._listener is not None:
            await self._listener.close()
        if self._doorbell is not None:
            bell, path = self._doorbell
            asyncio.get_running_loop().remove_reader(bell)
            bell.close()
            path.unlink(missing_ok=True)
        await self._session.close()
        await self.database.close()

    def counter(self) -> Counter:
        """Where what commands hand over meets this house's desk."""
        return Counter(self.config, self._clock.now, self._desk)

    def cycles(self) -> list[Cycle]:
        """Every lane and source: when it last went round, and whether it should have since."""
        now = self._clock.monotonic()
        lanes = [
            Cycle(
                f"lane {name}",
                now - lane.cycled_at,
                now - lane.cycled_at > LONGEST_IDLE.total_seconds() + LATE,
                lane.trouble,
            )
            for name, lane in self.lanes.items()
        ]
        watch = [self._checks.cycle] if self._checks is not None else []
        pages = [cycle_of_pages(self._publisher, now)] if self._publisher is not None else []
        bots = self._bots.cycles() if self._bots is not None else []
        sources = [cycle_of(poller, now) for poller in self.pollers.values()]
        refused = self.database.trouble
        store = Cycle(STORE, None, refused is not None, because("database_said", said=refused) if refused else None)
        return [store, *lanes, *self._bulks.cycles(), *sources, *watch, *pages, *bots]

    async def metrics(self) -> bytes:
        """Everything that is counted, as Prometheus reads it."""
        posts = await self.database.ask(lambda unit: unit.views.post_counts())
        well = {("source", name): poller.reason is None for name, poller in self.pollers.items()}
        well |= {("channel", name): lane.trouble is None for name, lane in self.lanes.items()}
        well["store", "database"] = self.database.trouble is None
        self._metrics.measure(posts, self.cycles(), well, self._listener.connections if self._listener else 0)
        await self._bulks.measure(self._metrics)
        return self._metrics.exposition()

    def _build_lanes(self) -> None:
        outbox = self._outside.outbox(self.database)
        for name, settings in self.config.channels.items():
            kind = channel_kind(settings.kind)
            assert kind is not None  # noqa: S101 the configuration was checked
            channel = self._outside.open_channel(name, settings, self._resources(name))
            lane = LaneSettings(
                name,
                RateLimits(settings.limits, settings.kept_back),
                settings.concurrency,
                settings.exercise,
                kind.counts_every_write,
            )
            self.lanes[name] = Lane(
                lane,
                channel,
                outbox=outbox,
                statuses=self._statuses,
                keeper=self._keeper,
                clock=self._clock,
                chance=self._outside.chance,
                events=self.events,
            )

    def _build_bulks(self) -> BulkSenders:
        self._metrics.expect_bots(bot_settings(self.config))
        return BulkSenders(
            self.config,
            database=self.database,
            keeper=self._keeper,
            clock=self._clock,
            resources=self._resources,
            open_bulk=self._outside.open_bulk,
            events=self.events,
            paces=self._paces,
        )

    def _build_checks(self) -> HealthChecks:
        return HealthChecks(
            self.config,
            self.lanes,
            database=self.database,
            clock=self._clock,
            session=self._session,
            events=self.events,
            registry=self._metrics.registry,
            notices=build_notices(self.config, self._outside.new_id),
            holds=lambda lane: self._keeper.lease_of(lane) is not None,
            cycles=self.cycles,
            remember=self._statuses.remember,
            failing=lambda unit: failing_sign_ins(DeskUnit(unit, self._desk, self._clock.now(), self._outside.new_id)),
        )

    def _resources(self, channel: str) -> Resources:
        statuses = self._statuses
        return Resources(
            session=self._session,
            clock=self._clock,
            folder=self.config.folder,
            recall=lambda key: statuses.recall(channel, key),
            remember=lambda key, value: statuses.remember(channel, key, value),
            pace=self._paces.get(channel),
        )

    def _build_pollers(self) -> None:
        desk = PollDesk(self.database, self._clock, self._outside.chance, self._takes_in.deliver)
        around = surroundings_of(self.config, self._session, self._clock)
        for name, settings in self.config.sources.items():
            if not isinstance(settings, PolledSettings):
                continue
            source = self._outside.open_source(name, settings, around)
            if source is not None:
                self.pollers[name] = Poller(name, source, settings.every, desk)

    def _listen_for_rings(self) -> None:
        bell, path = self._doorbell = open_doorbell(self.config.database)

        def rung() -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    bell.recv(16)
            self.events.publish(PostsStored())
            self.events.publish(IncidentChanged())

        asyncio.get_running_loop().add_reader(bell, rung)
        log.debug("doorbell.open", path=str(path))

    async def _serve(self) -> None:
        service, for_pages = self._service(), self._service(for_pages=True)
        publisher = self._publisher = build_publisher(self.config, for_pages, self._clock)
        self._spawn(publisher.run(), "pages")
        gauges = Gauges(self.cycles, self.metrics, self.config.station.language)
        app = build_app(self.config, service, self._desk.station, gauges, publisher)
        self._bots = Bots(
            Furnishing(
                config=self.config,
                service=service,
                publisher=publisher,
                setting=build_setting(self.config),
                clock=self._clock,
                keeper=self._keeper,
                resources=self._resources,
                pace=self._paces.__getitem__,
                events=self.events,
            )
        )
        app.add_routes(self._bots.routes())
        self._listener, self.url = await serve(app, self.config.web, self._clock, self._refused)

    def _refused(self, reason: str) -> None:
        self.events.publish(ConnectionRefused(reason))

    def _service(self, *, for_pages: bool = False) -> HouseService:
        return HouseService(
            config=self.config,
            database=self.database,
            desk=self._desk,
            clock=self._clock,
            new_id=self._outside.new_id,
            events=self.events,
            for_pages=for_pages,
        )

    async def _end_what_is_over(self) -> None:
        while True:
            try:
                await self._takes_in.end_what_is_over()
            except Exception:
                log.exception("lifecycle.stumbled")
            await self._clock.sleep(ENDS_LOOKED_FOR_EVERY)

    async def _prune(self) -> None:
        """Take away what `[store] keep` says may go, a few incidents at a time, with a rest after each few."""
        while True:
            await self._clock.sleep(PRUNED_EVERY)
            try:
                await self.prune()
            except Exception:
                log.exception("pruning.stumbled")

    async def prune(self) -> int:
        """Go once along all that is finished; returns how many incidents went."""
        keep, gone, after, is_last = self.config.store.keep, 0, 0, False
        while await self.database.write_ahead(lambda unit: unit.archive.close_what_nobody_reads(self._clock.now())):
            await self._clock.sleep(PRUNING_RESTS)
        while keep is not None and not is_last:
            now = self._clock.now()
            done = await self.database.write_ahead(partial(_prune, before=now - keep, now=now, after=after))
            gone, after, is_last = gone + done.gone, done.after, done.is_last
            await self._clock.sleep(PRUNING_RESTS)
        if gone:
            log.info("store.pruned", incidents=gone)
        return gone

    async def _watch_the_file(self) -> None:
        watched = FileWatch()
        while True:
            try:
                is_written, changed = await self.database.read(watched.look)
            except DatabaseRefused as error:
                log.error("file.unreadable", error=str(error))  # noqa: TRY400 one line is enough, each second
            else:
                if is_written:
                    self.events.publish(PostsStored())
                for incident in changed:
                    self.events.publish(IncidentChanged(incident))
            await self._clock.sleep(self._outside.rhythm.net_beneath.total_seconds())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))


def _prune(unit: Unit, before: datetime, now: datetime, after: int) -> Slice:
    return unit.archive.prune(before, now, after)


async def build(config: Config, outside: Outside | None = None) -> House:
    """A house ready to start: the database brought up to date and opened, one HTTP session for everything."""
    outside = outside or Outside()
    database = await outside.open_database(config.database)
    return House(config, database, await outside.open_session(), outside)


async def run(config: Config, handed: Handed | None = None, ready: Callable[[House], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT, and do what commands hand over. Raises TocsinError when it can't start."""
    sys.setswitchinterval(HANDED_OVER_AFTER)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    house, commands = await build(config), None
    try:
        await house.start()
        commands = take_commands(house.counter, config, handed) if handed is not None else None
        log.info("tocsin.running", station=config.station.name, channels=list(house.lanes), sources=list(house.pollers))
        tell_systemd("READY=1")
        if ready is not None:
            ready(house)
        await _until(stopped, watchdog_interval())
    finally:
        tell_systemd("STOPPING=1")
        log.info("tocsin.stopping")
        if commands is not None:
            await asyncio.to_thread(commands.close)
        await house.stop()


async def _until(stopped: asyncio.Event, watchdog: float | None) -> None:
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), watchdog)
        if watchdog is not None:
            tell_systemd("WATCHDOG=1")
