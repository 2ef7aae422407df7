"""The daemon, put together: what happens to a message and to a post, in order, and who does it.

    build(town) ──▶ Daemon.start(): store, channels, lanes, sources, pages, checks ──▶ stop(): the other way round

`MESSAGE` and `POST` are the two ways through the whole program, a line for each step; a test plays an alert from its
feed to its receipt and holds that these functions are called, in this order. A message and its posts are stored in one
transaction, so a crash loses neither; then they are two worlds: nothing that a lane does changes what was decided.

Rooms don't know each other's callbacks: whoever stores, sends or refuses something publishes it on `Daemon.events`
(model/events.py), to which lanes, pages, metrics and the log subscribe.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog

from alerts.daemon.bots import Bots, reaching
from alerts.daemon.builder import Builder
from alerts.daemon.desk import Control
from alerts.daemon.ears import Ears
from alerts.daemon.environment import DaemonEnvironment, HttpSession, email_signup, sms_signup
from alerts.daemon.hooks import hook_routes
from alerts.daemon.intake import Housekeeping, MessageIntake
from alerts.daemon.push import PushOfficers, push_enrolment, push_settings
from alerts.daemon.reports import ReportDuties
from alerts.daemon.serving import Entrance, build_app, build_publisher
from alerts.daemon.telemetry import SUMMING_UP, Metrics, log_deliveries, task_troubles
from alerts.daemon.vitals import DaemonStatus
from alerts.delivery import retry
from alerts.delivery.attempt import Attempts
from alerts.delivery.jobs import JobKind, JobLane
from alerts.delivery.lane import Lane
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.limiter import SendLog
from alerts.delivery.worker import Work, Workers
from alerts.desk.actions import Desk
from alerts.desk.decide import decide
from alerts.desk.dedupe import seen_before
from alerts.desk.following import in_order
from alerts.desk.posts import PostWriter, draft_posts, withdraw
from alerts.desk.unit import DeskUnit
from alerts.health.approvals import ApprovalNotices
from alerts.health.checks import HealthChecks
from alerts.health.desk_events import UnknownPosts, budgets, crowds, failing_sign_ins
from alerts.health.monitor import ReportedTrouble, Trouble
from alerts.health.notices import build_notices
from alerts.listening.moderating import ModerationJobs, may
from alerts.model.events import ConnectionRefused, Events, PostsStored, Stopping
from alerts.model.lease import DUTIES, source_lease
from alerts.model.town import PUSH, Town
from alerts.rendering.templates import Renderer
from alerts.sources.poll import Poller
from alerts.store.alerts import AlertRepository
from alerts.store.connection import listen, ring_others
from alerts.store.database import Database
from alerts.store.outbox import Outbox
from alerts.store.unit import Unit
from alerts.web.public.email_signup import EmailSignupPages
from alerts.web.public.publisher import Publisher
from alerts.web.public.sms_signup import SmsSignupPages

FINISHES_WITHIN = 10.0
"""Seconds that a stop waits for the answers to what is under way."""

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
"""The pipeline of a message, in order. Commands and officers' pages enter at `Desk.post`, and share the rest."""

POST: Final = (
    ("the lane asks for the most pressing one that may go", Outbox.next_due),
    ("the windows of its platform let it through, or it waits", SendLog.wait),
    # Written down before it is made: after a crash it is in doubt, and looked for, not sent again.
    ("the attempt is journalled, under a lease that is checked in the same transaction", Outbox.begin),
    ("it is made", Attempts.send),
    # The process may have stood still since: another one may hold the lane by now.
    ("unless the lease was lost meanwhile", LeaseKeeper.lease_of),
    ("the platform's answer becomes a verdict (else `retry.judge`, by the error)", retry.sent),
    ("which is journalled, with the receipt", Outbox.finish),
    ("log, metrics, pages and probes hear of it", Events.publish),
)
"""The pipeline of a post, in order. Its channel publishes it just before the answer becomes a verdict."""


class Daemon:
    """A running Tocsin. Subscribers of `events` get everything that happens; `url` is its address.

    `service` answers people's questions and carries out their acts. `publisher` has the public pages, and
    `email_signup` takes subscriptions, once it serves them and if it does.
    """

    def __init__(self, town: Town, database: Database, session: HttpSession, outside: DaemonEnvironment) -> None:
        self.town = town
        self.database = database
        self.events = Events()
        self.url = ""
        self._outside = outside
        self._clock = clock = outside.clock
        self._metrics = Metrics(self.events)
        log_deliveries(self.events)
        stalled = lambda: self.vitals.stalled()  # noqa: E731, PLW0108 asked once it runs: by then there are vitals
        self._builder = Builder(town, database, session, outside, events=self.events, stalled=stalled)
        self._keeper = self._builder.keeper
        self.service = self._builder.service
        self._metrics.expect_bots(reaching(town))
        self._bulks = self._builder.build_bulks()
        self.workers = Workers(clock, self.events.publish)
        self.vitals: DaemonStatus = DaemonStatus(
            town,
            database=database,
            keeper=self._keeper,
            metrics=self._metrics,
            bulks=self._bulks,
            workers=self.workers,
            clock=clock,
        )
        self.lanes: dict[str, Lane] = self.vitals.lanes
        self.pollers: dict[str, Poller] = self.vitals.pollers
        self.ears: Ears | None = None
        self.reports: ReportDuties | None = None
        self._jobs: list[JobLane[DeskUnit, Any, Any]] = []
        self._bots: Bots | None = None
        self._checks: HealthChecks | None = None
        self.publisher: Publisher | None = None
        self.email_signup: EmailSignupPages | None = None
        self._entrance: Entrance | None = None
        self._end_listening: Callable[[], None] = lambda: None
        self._intake = MessageIntake(self._builder.desk, database, clock, self.events, self._builder.feeds.turns)
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
        """Start everything; earlier stored posts are being sent when this returns."""
        gap = await self.database.compare(self._clock.now())
        if gap is not None:
            log.warning("database.older", since=str(gap.since), until=str(gap.until))
        if self._outside.owners:
            await self._builder.leases.release_dead(self._outside.owners, self._clock.now())
        # Before any channel opens: what it kept (an upload's id, who it is there) is asked for without waiting.
        await self._builder.statuses.load()
        self.lanes.update(self._builder.build_lanes())
        self.pollers.update(self._builder.build_pollers(self._intake))
        self.ears = self._builder.build_ears()
        self.reports = self._builder.build_reports()
        if self.reports is not None:
            self._do(*self.reports.jobs)
        self._do(*(ModerationJobs(lane, self.service) for name, lane in self.lanes.items() if may(self.town, name)))
        if self._outside.doors:
            self._listen_for_rings()
            await self._serve()
            if not self._outside.owners:  # else the log is many daemons', and summed up by who runs them
                self._begin(SUMMING_UP)
        if self._outside.doors or self.town.notify.channels:
            self._checks = self._build_checks()
        for work in (*self._delivering(), *self._watching()):
            self._begin(work)

    def _delivering(self) -> Iterator[Work]:
        yield self._keeper.work
        yield from (lane.work for lane in self.lanes.values())
        yield from (poller.work for poller in self.pollers.values())
        yield from self._bulks.work()
        yield from (jobs.work for jobs in self._jobs)
        if self.ears is not None:
            yield from self.ears.work()
        if self.reports is not None:
            yield from self.reports.work()
        if self._bots is not None:
            yield from self._bots.work()

    def _watching(self) -> Iterator[Work]:
        notices = build_notices(self.town, self._outside.new_id)
        if self._checks is not None:
            yield from self._checks.work(self._outside.looks.store)
        if self.town.notify.channels:
            every = self._outside.looks.approvals
            approvals = ApprovalNotices(
                self.town, self.database, self._clock, notices, self.events, keeper=self._keeper, every=every
            )
            yield approvals.work
        yield from self._housekeeping.work()
        yield UnknownPosts(self.database, self._clock, self.lanes, notices, self.events, keeper=self._keeper).work

    async def stop(self) -> None:
        """Take nothing more in, finish what is under way, give back the leases, close."""
        # Open pages first: a stream that waits for the next change would hold the listener up for good.
        self.events.publish(Stopping())
        if self.publisher is not None:
            self.publisher.close()
        # No message comes in from here on; what was stored may still be sent, under leases that go on being renewed.
        self.workers.retire(but=("lane", "jobs", "leases", "bulk", "pace"))
        # Others poll the sources and have the shared duties from now on, while what was begun here is finished.
        with contextlib.suppress(Exception):
            await self._keeper.retire([*map(source_lease, self.pollers), DUTIES])
        stops = [lane.stop(FINISHES_WITHIN) for lane in self.lanes.values()]
        stops += [jobs.stop(FINISHES_WITHIN) for jobs in self._jobs]
        await asyncio.gather(*stops, self._bulks.stop(FINISHES_WITHIN), return_exceptions=True)
        # Only now the leases and the bots' paces too: the lanes needed both until their last answer was journalled.
        await self.workers.close()
        if self.ears is not None:
            await self.ears.close()
        # Another daemon takes over at once; where the database refuses it does once the leases have run out.
        with contextlib.suppress(Exception):
            await self._keeper.give_back()
        if self._entrance is not None:
            await self._entrance.close()
        self._end_listening()
        if self._outside.feeds is None:
            await self._builder.feeds.close()
        if not self._outside.lends_session:
            await self._builder.session.close()
        await self.database.close()

    def control(self) -> Control:
        """Where what commands hand over meets this daemon's desk."""
        return Control(self.town, self._clock.now, self._builder.desk)

    def troubles(self) -> list[ReportedTrouble]:
        """Return the troubles that those on call are warned of now."""
        return self._checks.troubles() if self._checks is not None else []

    def _build_checks(self) -> HealthChecks:
        return HealthChecks(
            self.town,
            self.lanes,
            database=self.database,
            clock=self._clock,
            session=self._builder.session,
            events=self.events,
            registry=self._metrics.registry,
            notices=build_notices(self.town, self._outside.new_id),
            holds=lambda name: self._keeper.lease_of(name) is not None,
            lease_of=self._keeper.lease_of,
            cycles=self.vitals.all_cycles,
            remember=self._builder.statuses.remember,
            failing=self._failing,
        )

    def _failing(self, unit: Unit) -> list[Trouble]:
        now, desk = self._clock.now(), self._builder.desk
        found = failing_sign_ins(DeskUnit(unit, desk, now, self._outside.new_id)) + crowds(unit, self.town, now)
        found += budgets(unit, self.town, now)
        return [*found, *task_troubles(self.workers)]

    def _listen_for_rings(self) -> None:
        self._end_listening = listen(self.town.database, self._housekeeping.hear, asyncio.get_running_loop())
        log.debug("doorbell.open", store=self.town.database.name)
        self.events.subscribe(PostsStored, self._wake_others)

    def _wake_others(self, event: PostsStored) -> None:
        """Ring other daemons: a stored post may be for a lane, or a page, of theirs."""
        if not event.elsewhere and self._keeper.has_others:
            ring_others(self.town.database)

    async def _serve(self) -> None:
        # Each reads on connections of its own: a crowd at the public pages keeps no officer waiting (docs/adr/0009).
        service, for_pages = self.service, self._builder.build_service(for_pages=True)
        publisher = self.publisher = build_publisher(
            self.town, for_pages, self._clock, lambda: self._keeper.lease_of(DUTIES) is not None
        )
        for work in publisher.work():
            self._begin(work)
        intake = self.ears.intake if self.ears is not None else None
        reported = self.reports.intake if self.reports is not None else None
        signup = email_signup(self.town, self._builder.resources)
        self.email_signup = EmailSignupPages(publisher, service, signup) if signup is not None else None
        texting = sms_signup(self.town, self._builder.resources)
        signups = [self.email_signup, SmsSignupPages(publisher, service, texting) if texting is not None else None]
        app = build_app(
            self.town,
            service,
            for_pages,
            # Of a fleet's towns the fleet tells, at its own door.
            None if self._outside.owners else self.vitals.gauges(),
            publisher,
            intake=intake,
            reports=reported,
            push=push_enrolment(self.town),
            signups=[each for each in signups if each is not None],
        )
        self._bots = self._build_bots(publisher)
        self._do(*self._bots.jobs)
        if (push := push_settings(self.town)) is not None:
            tells = self._outside.open_bulk(PUSH, push, self._builder.resources(PUSH))
            self._do(PushOfficers(self.town, self.service, self._clock, tells).jobs())
        app.add_routes(self._bots.routes())
        if self.ears is not None:
            app.add_routes(hook_routes(self.town, self.ears.intake))
        entrance, self.url = await self._outside.serve(app, self.town.web, self._clock, self._refused)
        self._entrance, self.vitals.connections = entrance, lambda: entrance.connections
        self._keeper.tell(url=self.url)

    def _build_bots(self, publisher: Publisher) -> Bots:
        return Bots(
            town=self.town,
            service=self.service,
            publisher=publisher,
            setting=publisher.setting,
            clock=self._clock,
            keeper=self._keeper,
            resources=self._builder.resources,
            pace=self._builder.paces.__getitem__,
            events=self.events,
            intake=self.ears.intake if self.ears is not None else None,
            reports=self.reports.intake if self.reports is not None else None,
        )

    def _do(self, *kinds: JobKind[DeskUnit, Any, Any]) -> None:
        given = self.service, self._keeper, self._clock, self.events
        self._jobs += [JobLane(kind, *given) for kind in kinds]

    def _refused(self, reason: str) -> None:
        self.events.publish(ConnectionRefused(reason))

    def _begin(self, work: Work) -> None:
        self._metrics.expect_task(work.name)
        self.workers.begin(work)


async def build(town: Town, outside: DaemonEnvironment | None = None) -> Daemon:
    """Return a daemon ready to start: its database upgraded and opened, one HTTP session for everything."""
    outside = outside or DaemonEnvironment()
    database = await outside.open_database(town.database)
    return Daemon(town, database, await outside.open_session(), outside)
