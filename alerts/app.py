"""The daemon, put together: what happens to a message and to a post, in order, and who does it.

    build(town) ──▶ Daemon.start(): store, channels, lanes, sources, pages, checks ──▶ SIGTERM: the other way round

`MESSAGE` and `POST` are the two ways through the whole program, a line for each step; a test plays an alert from its
feed to its receipt and holds that these functions are called, in this order. A message and its posts are stored in one
transaction, so a crash loses neither; then they are two worlds: nothing that a lane does changes what was decided.

Rooms don't know each other's callbacks: whoever stores, sends or refuses something publishes it on `Daemon.events`
(model/events.py), to which lanes, pages, metrics and the log subscribe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from alerts import __version__
from alerts.daemon.bots import Bots, BulkSenders, bot_paces, holdings, reaching
from alerts.daemon.commands import Handed, take_commands
from alerts.daemon.desk import Control
from alerts.daemon.ears import Ears, ear_holdings
from alerts.daemon.forwarding import build_forwarders, forward_holdings
from alerts.daemon.hooks import hook_routes
from alerts.daemon.intake import Housekeeping, MessageIntake
from alerts.daemon.letters import letter_door
from alerts.daemon.outside import Outside, Session, leave_alone_what_stays, tell_systemd, watchdog_interval
from alerts.daemon.push import PushOfficers, push_door, push_settings
from alerts.daemon.reports import Reports
from alerts.daemon.serving import Entrance, build_app, build_publisher
from alerts.daemon.status import owners_of
from alerts.daemon.telemetry import Metrics, lane_cycle, log_deliveries, pages_cycle, source_cycle, sum_up
from alerts.delivery import retry
from alerts.delivery.attempt import Attempts
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import Departures
from alerts.desk.actions import Desk
from alerts.desk.decide import decide
from alerts.desk.dedupe import seen_before
from alerts.desk.following import in_order
from alerts.desk.posts import PostWriter, draft_posts, withdraw
from alerts.desk.service import DeskService, DeskUnit
from alerts.health.approvals import ApprovalNotices
from alerts.health.checks import STORE, HealthChecks
from alerts.health.desk_events import UnknownPosts, crowds, failing_sign_ins
from alerts.health.monitor import ToldTrouble, Trouble
from alerts.health.notices import build_notices
from alerts.listening.moderating import Moderator
from alerts.model.events import ConnectionRefused, Events, PostsStored, Stopping
from alerts.model.lease import DUTIES, Lease, source_lease
from alerts.model.ports import Resources, Surroundings
from alerts.model.reason import because
from alerts.model.town import PUSH, Town
from alerts.rendering.templates import Renderer
from alerts.sources.poll import Poller
from alerts.sources.shared import SharedReader
from alerts.store.alerts import AlertRepository
from alerts.store.connection import listen, ring_others
from alerts.store.database import Database
from alerts.store.leases import Leases
from alerts.store.memory import ChannelStatuses
from alerts.store.outbox import Outbox
from alerts.store.unit import Unit
from alerts.web.ops import Cycle, Gauges, Owner
from alerts.web.public.publisher import Publisher

LONGEST_HOST = 24
"""Characters of the host's name that a lease's owner begins with."""
FINISHES_WITHIN = 10.0
"""Seconds that a stop waits for the answers to what is under way."""
HANDED_OVER_AFTER = 0.001
"""Seconds after which a thread that computes (pages, a feed's message) hands the interpreter over when another asks.

A post crosses threads six times from stored to called, and Python's own five milliseconds each would add up.
"""

Work = tuple[str, Coroutine[Any, Any, None]]
"""What runs as long as the daemon does, and its name."""

log = structlog.get_logger()

MESSAGE: Final = (
    ("its source is read, every so often", Poller.look),
    ("what is new is put in the order in which it holds", in_order),
    # Outlines are compared before the transaction, in which urgent posts would have to wait for it.
    ("it is found out where it is", Desk.locate),
    # From here to the last post: one transaction. Had it no record of its own, a crash would bring it back.
    ("the desk takes it", Desk.hear),
    ("seen before, it goes no further", seen_before),
    ("it is decided: left out, to be validated, or at once, with the reason; and to which channels", decide),
    ("it is stored with its reason", AlertRepository.add),
    ("what hadn't gone out and holds no more is withdrawn", withdraw),
    ("for each channel it becomes a post", draft_posts),
    ("in that channel's words", PostWriter.write),
    ("fitted to what the platform counts", Renderer.render),
    ("and stored, to be sent", AlertRepository.add_post),
    ("lanes and pages hear of it", Events.publish),
)
"""What happens to a message, in order. A command and an officer's page come in at `Desk.post`, and go on alike."""

POST: Final = (
    ("the lane asks for the most pressing one that may go", Outbox.next_due),
    ("the windows of its platform let it through, or it waits", Departures.wait),
    # Written down before it is made: after a crash it is in doubt, and looked for, not sent again.
    ("the attempt is journalled, under a lease that is checked in the same transaction", Outbox.begin),
    ("it is made", Attempts.send),
    # The process may have stood still since: another one may hold the lane by now.
    ("unless the lease was lost meanwhile", LeaseKeeper.lease_of),
    ("the platform's answer becomes a verdict (else `retry.judge`, by the error)", retry.sent),
    ("which is journalled, with the receipt", Outbox.finish),
    ("log, metrics, pages and probes hear of it", Events.publish),
)
"""What happens to a post, in order. Its channel publishes it just before the answer becomes a verdict."""


class Daemon:
    """A running Tocsin. Whoever subscribes to `events` hears what happens; `url` is where it answers.

    By `service` people's questions are answered and their actions carried out.
    """

    def __init__(self, town: Town, database: Database, session: Session, outside: Outside) -> None:
        self.town = town
        self.database = database
        self.events = Events()
        self._metrics = Metrics(self.events)
        log_deliveries(self.events)
        self.url = ""
        self._session = session
        self._feeds = outside.feeds or SharedReader(session, outside.clock)
        self._outside = outside
        self._clock = clock = outside.clock
        self._statuses = ChannelStatuses(database)
        # A lease is one process's: the same machine may have started this daemon twice.
        self._leases = Leases(database)
        host = socket.gethostname()[: LONGEST_HOST - len(outside.owners)]
        owner = f"{outside.owners}{host}-{os.getpid()}-{outside.new_id()}"
        self._paces = bot_paces(town, clock)
        self._keeper = LeaseKeeper(
            self._leases,
            clock,
            owner,
            [*holdings(town, self._paces), *ear_holdings(town), *forward_holdings(town)],
            outside.lease_term,
            renewed=outside.lease_renewed,
            host=socket.gethostname(),
            version=__version__,
            taken=self._taken,
            standing=lambda: [cycle.name for cycle in self.cycles() if cycle.stands],
        )
        self._bots: Bots | None = None
        self.ears: Ears | None = None
        self.reports: Reports | None = None
        self.lanes: dict[str, Lane] = {}
        self.pollers: dict[str, Poller] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._entrance: Entrance | None = None
        self._end_listening: Callable[[], None] = lambda: None
        self._checks: HealthChecks | None = None
        self._publisher: Publisher | None = None
        self._bulks = self._build_bulks()
        self._desk = outside.build_desk(town, clock.now, outside.new_id)
        self.service = self._service()
        self._intake = MessageIntake(self._desk, database, clock, self.events, self._feeds.turns)
        self._housekeeping = Housekeeping(
            town.store,
            self._intake,
            database=database,
            clock=clock,
            events=self.events,
            file_every=outside.looks.file,
            takes_reports=town.reports is not None,
            ends_every=outside.looks.ends,
            keeper=self._keeper,
        )

    async def start(self) -> None:
        """Bring everything up; what was stored before is being sent when this returns."""
        gap = await self.database.compare(self._clock.now())
        if gap is not None:
            log.warning("database.older", since=str(gap.since), until=str(gap.until))
        if self._outside.owners:
            await self._leases.bury(self._outside.owners, self._clock.now())
        # Before any channel opens: what it kept (an upload's id, who it is there) is asked for without waiting.
        await self._statuses.load()
        self._build_lanes()
        self._build_pollers()
        if self.town.listens:
            self.ears = self._build_ears()
        if self.town.reports is not None:
            forwarders = build_forwarders(
                self.town,
                service=self.service,
                keeper=self._keeper,
                clock=self._clock,
                events=self.events,
                session=self._session,
            )
            self.reports = Reports(
                self.town,
                service=self.service,
                clock=self._clock,
                keeper=self._keeper,
                events=self.events,
                forwarders=forwarders,
            )
        if self._outside.doors:
            self._listen_for_rings()
            await self._serve()
            if not self._outside.owners:  # else the log is many daemons', and summed up by who runs them
                self._spawn(sum_up(self._clock.sleep), "log")
        if self._outside.doors or self.town.notify.channels:
            self._checks = self._build_checks()
        for name, work in (*self._delivering(), *self._watching()):
            self._spawn(work, name)

    def _delivering(self) -> Iterator[Work]:
        yield "leases", self._keeper.run()
        yield from ((f"lane {name}", lane.run()) for name, lane in self.lanes.items())
        yield from ((f"source {name}", poller.run()) for name, poller in self.pollers.items())
        yield from self._bulks.work()
        if self.ears is not None:
            yield from self.ears.work()
        if self.reports is not None:
            yield from self.reports.work()
        if self._bots is not None:
            yield from self._bots.work()
        if self._outside.doors and (push := push_settings(self.town)) is not None:
            tells = self._outside.open_bulk(PUSH, push, self._resources(PUSH))
            officers = PushOfficers(self.town, self.service, self._clock, tells)
            yield "officers push", officers.rounds(partial(self._keeper.join, f"bulk {PUSH}"))

    def _watching(self) -> Iterator[Work]:
        if self.town.listens:
            moderator = Moderator(self.service, self.lanes, self._keeper, self._clock, self.events)
            yield "moderation", moderator.run()
        notices = build_notices(self.town, self._outside.new_id)
        if self._checks is not None:
            yield "watch", self._checks.run()
            yield "store", self._checks.watch_the_store(self._outside.looks.store)
        if self.town.notify.channels:
            every = self._outside.looks.approvals
            approvals = ApprovalNotices(
                self.town, self.database, self._clock, notices, self.events, keeper=self._keeper, every=every
            )
            yield "approvals", approvals.run()
        yield from self._housekeeping.work()
        unknown = UnknownPosts(self.database, self._clock, self.lanes, notices, self.events, keeper=self._keeper)
        yield "unknown posts", unknown.run()

    async def stop(self) -> None:
        """Take nothing more in, finish what is under way, give back the leases, close."""
        # Open pages first: a stream that waits for the next change would hold the listener up for good.
        self.events.publish(Stopping())
        if self._publisher is not None:
            self._publisher.close()
        # No message comes in from here on; what was stored may still be sent, under leases that go on being renewed.
        for task in self._tasks:
            if not task.get_name().startswith(("lane", "leases", "bulk", "pace")):
                task.cancel()
        # Others poll the sources and have the shared duties from now on, while what was begun here is finished.
        with contextlib.suppress(Exception):
            await self._keeper.retire([*map(source_lease, self.pollers), DUTIES])
        stops = [lane.stop(FINISHES_WITHIN) for lane in self.lanes.values()]
        await asyncio.gather(*stops, self._bulks.stop(FINISHES_WITHIN), return_exceptions=True)
        for task in self._tasks:
            # Only now the leases and the bots' paces too: the lanes needed both until their last answer was journalled.
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.ears is not None:
            await self.ears.close()
        # Another daemon takes over at once; where the database refuses it does once the leases have run out.
        with contextlib.suppress(Exception):
            await self._keeper.give_back()
        if self._entrance is not None:
            await self._entrance.close()
        self._end_listening()
        if self._outside.feeds is None:
            await self._feeds.close()
        if not self._outside.lends_session:
            await self._session.close()
        await self.database.close()

    def control(self) -> Control:
        """Where what commands hand over meets this daemon's desk."""
        return Control(self.town, self._clock.now, self._desk)

    def cycles(self) -> list[Cycle]:
        """Every lane and source that is worked here: when it last went round, and whether it should have since."""
        now, away = self._clock.monotonic(), self._keeper.is_elsewhere
        lanes = [lane_cycle(lane, now) for name, lane in self.lanes.items() if not away(name)]
        watch = [self._checks.cycle] if self._checks is not None else []
        pages = [pages_cycle(self._publisher, now)] if self._publisher is not None else []
        bots = self._bots.cycles() if self._bots is not None else []
        ears = self.ears.cycles() if self.ears is not None else []
        polled = [poller for name, poller in self.pollers.items() if not away(source_lease(name))]
        sources = [source_cycle(poller, now) for poller in polled]
        refused = self.database.trouble
        store = Cycle(STORE, None, refused is not None, because("database_said", said=refused) if refused else None)
        return [store, *lanes, *self._bulks.cycles(), *sources, *watch, *pages, *bots, *ears]

    def _all_cycles(self) -> list[Cycle]:
        """Those that are worked here, and each that another daemon works, as that one says."""
        here, there = self.cycles(), self._keeper.standing_elsewhere()
        names = [f"lane {name}" for name in self.lanes] + [f"source {name}" for name in self.pollers]
        names = [*dict.fromkeys([*names, *self._bulks.names(), *there])]
        known = {cycle.name for cycle in here if cycle.stands or cycle.name not in there}
        kept = [cycle for cycle in here if cycle.name in known]
        return kept + [Cycle(name, None, name in there) for name in names if name not in known]

    def ownership(self) -> Mapping[str, Owner]:
        """Who works what, as far as was seen when this was last looked at."""
        return owners_of(self._keeper.found, self.town.zone) if self._keeper.found is not None else {}

    def _has_duties(self) -> bool:
        return self._keeper.lease_of(DUTIES) is not None

    def _taken(self, lease: str, before: Lease | None) -> None:
        """A bot's lane, bulk or listener is ours from now on: whoever had it may have spoken until a moment ago."""
        pace = self._paces.get(lease.rpartition(" ")[2])
        if pace is not None and before is not None and not before.owner:
            pace.rest(self._clock.now() - before.until)

    def troubles(self) -> list[ToldTrouble]:
        """What those on call are warned of now."""
        return self._checks.troubles() if self._checks is not None else []

    async def metrics(self) -> bytes:
        """Everything that is counted, as Prometheus reads it."""
        await self.measure()
        return self._metrics.exposition()

    async def measure(self) -> CollectorRegistry:
        """Bring up to date what is only known when somebody asks; all that is counted."""
        # Asked where people ask: a scrape on the lanes' connection would hold up an alert (docs/adr/0009).
        posts = await self.database.ask(lambda unit: unit.views.post_counts())
        # Of what another daemon works, that one tells: a series must not say two things.
        away = self._keeper.is_elsewhere
        pollers = {name: each for name, each in self.pollers.items() if not away(source_lease(name))}
        lanes = {name: each for name, each in self.lanes.items() if not away(name)}
        well = {("source", name): poller.reason is None for name, poller in pollers.items()}
        well |= {("channel", name): lane.trouble is None for name, lane in lanes.items()}
        well["store", "database"] = self.database.trouble is None
        self._metrics.measure(posts, self.cycles(), well, self._entrance.connections if self._entrance else 0)
        await self._bulks.measure(self._metrics)
        return self._metrics.registry

    def _build_lanes(self) -> None:
        outbox = self._outside.outbox(self.database)
        for name, channel in self.town.channels.items():
            self.lanes[name] = Lane(
                channel,
                self._outside.open_channel(name, channel.settings, self._resources(name)),
                outbox=outbox,
                statuses=self._statuses,
                keeper=self._keeper,
                clock=self._clock,
                chance=self._outside.chance,
                events=self.events,
                longest_idle=self._outside.looks.lanes,
            )

    def _build_bulks(self) -> BulkSenders:
        self._metrics.expect_bots(reaching(self.town))
        return BulkSenders(
            self.town,
            database=self.database,
            keeper=self._keeper,
            clock=self._clock,
            resources=self._resources,
            open_bulk=self._outside.open_bulk,
            events=self.events,
            paces=self._paces,
        )

    def _build_ears(self) -> Ears:
        return Ears(
            self.town,
            service=self.service,
            clock=self._clock,
            keeper=self._keeper,
            chance=self._outside.chance,
            events=self.events,
            resources=self._resources,
            open_ear=self._outside.open_ear,
            around=Surroundings(self._session, self._clock, self.town, self._feeds),
            understanding=self._outside.understanding,
        )

    def _build_checks(self) -> HealthChecks:
        return HealthChecks(
            self.town,
            self.lanes,
            database=self.database,
            clock=self._clock,
            session=self._session,
            events=self.events,
            registry=self._metrics.registry,
            notices=build_notices(self.town, self._outside.new_id),
            holds=lambda name: self._keeper.lease_of(name) is not None,
            lease_of=self._keeper.lease_of,
            cycles=self._all_cycles,
            remember=self._statuses.remember,
            failing=self._failing,
        )

    def _failing(self, unit: Unit) -> list[Trouble]:
        now = self._clock.now()
        return failing_sign_ins(DeskUnit(unit, self._desk, now, self._outside.new_id)) + crowds(unit, self.town, now)

    def _resources(self, channel: str) -> Resources:
        statuses = self._statuses
        return Resources(
            session=self._session,
            clock=self._clock,
            folder=self.town.folder,
            recall=lambda key: statuses.recall(channel, key),
            remember=lambda key, value: statuses.remember(channel, key, value),
            pace=self._paces.get(channel),
            listens_every=self.town.listening.every,
            pages=self.town.public_url,
        )

    def _build_pollers(self) -> None:
        around = Surroundings(self._session, self._clock, self.town, self._feeds)
        for name, rules in self.town.sources.items():
            if rules.every is None:
                continue
            source = self._outside.open_source(name, rules.settings, around)
            if source is not None:
                self.pollers[name] = Poller(
                    name,
                    source,
                    rules.every,
                    database=self.database,
                    clock=self._clock,
                    chance=self._outside.chance,
                    deliver=self._intake.deliver,
                    keeper=self._keeper,
                )

    def _listen_for_rings(self) -> None:
        self._end_listening = listen(self.town.database, self._housekeeping.hear)
        log.debug("doorbell.open", store=self.town.database.name)
        self.events.subscribe(PostsStored, self._wake_others)

    def _wake_others(self, event: PostsStored) -> None:
        """What was stored here may be for a lane, or a page, of another daemon."""
        if not event.elsewhere and event.channels != () and self._keeper.has_others:
            ring_others(self.town.database)

    async def _serve(self) -> None:
        # Each reads on connections of its own: a crowd at the public pages keeps no officer waiting (docs/adr/0009).
        service, for_pages = self.service, self._service(for_pages=True)
        publisher = self._publisher = build_publisher(self.town, for_pages, self._clock, self._has_duties)
        self._spawn(publisher.run(), "pages")
        gauges = Gauges(self.cycles, self.metrics, self.town.language, self._keeper.daemon.name, self.ownership)
        intake = self.ears.intake if self.ears is not None else None
        reported = self.reports.intake if self.reports is not None else None
        app = build_app(
            self.town,
            service,
            for_pages,
            gauges,
            publisher,
            intake=intake,
            reports=reported,
            push=push_door(self.town),
            letters=letter_door(self.town, self._resources),
        )
        self._bots = Bots(
            town=self.town,
            service=service,
            publisher=publisher,
            setting=publisher.setting,
            clock=self._clock,
            keeper=self._keeper,
            resources=self._resources,
            pace=self._paces.__getitem__,
            events=self.events,
            intake=self.ears.intake if self.ears is not None else None,
            reports=reported,
        )
        app.add_routes(self._bots.routes())
        if self.ears is not None:
            app.add_routes(hook_routes(self.town, self.ears.intake))
        self._entrance, self.url = await self._outside.serve(app, self.town.web, self._clock, self._refused)
        self._keeper.tell(url=self.url)

    def _refused(self, reason: str) -> None:
        self.events.publish(ConnectionRefused(reason))

    def _service(self, *, for_pages: bool = False) -> DeskService:
        return DeskService(
            town=self.town,
            database=self.database,
            desk=self._desk,
            clock=self._clock,
            new_id=self._outside.new_id,
            events=self.events,
            for_pages=for_pages,
        )

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))


async def build(town: Town, outside: Outside | None = None) -> Daemon:
    """A daemon ready to start: the database brought up to date and opened, one HTTP session for everything."""
    outside = outside or Outside()
    database = await outside.open_database(town.database)
    return Daemon(town, database, await outside.open_session(), outside)


async def run(town: Town, handed: Handed | None = None, ready: Callable[[Daemon], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT, and do what commands hand over. Raises TocsinError when it can't start."""
    sys.setswitchinterval(HANDED_OVER_AFTER)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    daemon, commands = await build(town), None
    try:
        await daemon.start()
        leave_alone_what_stays()
        commands = take_commands(daemon.control, town, handed) if handed is not None else None
        log.info("tocsin.running", station=town.name, channels=list(daemon.lanes), sources=list(daemon.pollers))
        # Not before: systemd starts what comes after us when it hears this (sd_notify(3)).
        tell_systemd("READY=1")
        if ready is not None:
            ready(daemon)
        await _until(stopped, watchdog_interval())
    finally:
        tell_systemd("STOPPING=1")
        log.info("tocsin.stopping")
        if commands is not None:
            # It waits for orders under way, five seconds at most: in a thread, since the event loop has to go on.
            await asyncio.to_thread(commands.close)
        await daemon.stop()


async def _until(stopped: asyncio.Event, watchdog: float | None) -> None:
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), watchdog)
        # From the event loop itself: one that hangs falls silent, and systemd starts us anew (`WatchdogSec`).
        if watchdog is not None:
            tell_systemd("WATCHDOG=1")
