"""One run: a seed decides a town's days, the real daemon lives through them, and the audit reads what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from alerts.app import Daemon, build
from alerts.channels.push.channel import Push
from alerts.daemon.environment import DaemonEnvironment, Looks, open_source
from alerts.delivery.limiter import RateLimits
from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.model import town as model
from alerts.model.errors import DatabaseRefused
from alerts.model.events import PostsStored
from alerts.model.incident import StoredAlert
from alerts.model.ports import Channel, Resources, Source, Surroundings
from alerts.model.post import Means
from alerts.model.reports import ReportsSection
from alerts.model.town import PUSH
from alerts.reports.addresses import places_of
from alerts.sources.shared import SharedReader
from alerts.store.database import Database
from alerts.store.outbox import Outbox
from alerts.store.views import Views
from simulation.agenda import BEGINNING, Agenda, Trace
from simulation.audit import Breach, Promised, Rules, Seen, audit
from simulation.broker import Panels, SimulatedBroker, stands_what_is_on
from simulation.bugs import BUGS
from simulation.channel import channel_over
from simulation.crowd import KINDS, Crowd, counted, drafts_wait, none_lost_none_twice, one_draft_each
from simulation.disk import Cabinet, Disk
from simulation.feed import Feed, FeedSource
from simulation.life import Life, VirtualClock
from simulation.loop import PowerCut
from simulation.neighbourly import audit_neighbours
from simulation.neighbours import Neighbours, SimulatedReader
from simulation.newsstand import STANDS, Newsstand
from simulation.officer import Officer
from simulation.platform import Platform
from simulation.promises import (
    all_taken_in,
    each_for_itself,
    ended,
    next_end,
    nobody_silenced,
    open_posts,
    promises,
    untold,
)
from simulation.relay import SimulatedList, letters_kept_their_names
from simulation.sandboxed import (
    SandboxedPlatform,
    channel_in,
    counts_every_write,
    nothing_repeated,
    secrets_of_the_sandbox,
)
from simulation.station import blank_database, channels_of, shared_renderer, shared_settings
from simulation.subscribers import SimulatedPush, audit_push, keep, messages_sent, push_of, subscribed
from simulation.town import Power, Town, World
from tocsin_sandbox.state import ALWAYS as _KNOWN_BY_HEART
from tocsin_sandbox.state import PLATFORMS

DAY = 86_400.0
QUIET = 1800.0
"""Seconds without any weather ahead that are worth switching the daemon off for: a month costs what its storms do."""
SHOWN_WITHIN = 2400.0
"""Seconds after the last day within which everything that services show is told."""
LONGEST_END = 3 * 3600.0
"""Seconds after the last day in which whatever is still open has to come to an end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    seed: int
    days: float
    digest: str
    lives: int
    alerts: int
    posts: int
    requests: int
    ended_at: datetime
    reports: int = 0
    drafts: int = 0
    sent: int = 0
    breaches: list[Breach] = field(default_factory=list)


def _memory_folder() -> str | None:
    shm = Path("/dev/shm")  # noqa: S108 a folder of its own is made in it
    return str(shm) if shm.is_dir() else None


def simulate(
    seed: int,
    days: float,
    *,
    bug: str | None = None,
    say: Callable[[str], None] | None = None,
    crowds: bool = False,
    subscribers: bool = False,
    wide: bool = False,
    others: bool = False,
) -> Outcome:
    """Live through `days` as this seed has them, with one of BUGS where one is named.

    With `crowds`, people report; with `subscribers`, some chose push or e-mail; a `wide` town has a broker, a list, a
    Vigilance and a site's feed besides, one of the `others` a channel and a source of every kind that isn't there.
    """
    with TemporaryDirectory(prefix="tocsin-", dir=_memory_folder()) as folder:
        outbox = BUGS[bug] if bug else Outbox
        run = Run(
            seed, days, Path(folder), outbox, say, crowds=crowds, subscribers=subscribers, wide=wide, others=others
        )
        with secrets_of_the_sandbox():
            return run.go()


class Run:
    """The world of one seed, and the daemon's lives in it."""

    def __init__(
        self,
        seed: int,
        days: float,
        folder: Path,
        outbox: Callable[[Database], Outbox],
        say: Callable[[str], None] | None,
        *,
        crowds: bool = False,
        subscribers: bool = False,
        wide: bool = False,
        others: bool = False,
    ) -> None:
        self.seed = seed
        self.days = days
        self._outbox = outbox
        self._renderer = shared_renderer(wide=wide, others=others)
        push = {PUSH: push_of(folder)} if subscribers else {}
        self.config = replace(
            shared_settings(wide=wide, others=others),
            file=folder / "channels.toml",
            channels=channels_of(self._dice("settings"), brief=days < 1, wide=wide, others=others) | push,
            reports=ReportsSection(KINDS) if crowds else None,
        )
        self.config.beside.write_bytes(blank_database())
        # Read by a thread of its own, which has no place in virtual time.
        asyncio.run(places_of(self.config)) if crowds else None
        self.agenda = Agenda()
        self.trace = Trace(self.agenda, say)
        self.breaches: list[Breach] = []
        self.disk = Disk(self._dice("disk"))
        self.cabinet = Cabinet(self.disk)
        self._peril = 0.0
        self._off_until = 0.0
        self._ids = self._dice("ids")
        self.feeds = {
            name: Feed(name, self._dice(name))
            for name, source in self.config.sources.items()
            if source.kind == "cap" and name not in STANDS
        }
        self.platforms = {
            name: SandboxedPlatform(name, settings.kind, self._dice(name), self.agenda)
            if settings.kind in PLATFORMS and settings.kind not in _KNOWN_BY_HEART
            else Platform(name, settings.kind, self._dice(name))
            for name, settings in self.config.channels.items()
        }
        self.audience = subscribed(self._dice("subscribers"))
        desk = self._build_desk(self.config, lambda: self.agenda.now, self._new_id)
        self.officer = Officer(self.config.beside, desk, self.agenda, self.trace, self._dice("officer"))
        if subscribers:
            keep(self.officer.db, self.audience)
        self.neighbours = (
            Neighbours(self.agenda, self.trace, self._dice("neighbours"), self.officer.db) if wide else None
        )
        self.newsstand = (
            Newsstand(self.agenda, self.trace, self._dice("newsstand"), self.officer.db) if others else None
        )
        self.panels = Panels()
        power = Power(self._cut, self._stop, self._wake, self._imperil)
        world = World(self.agenda, self.trace, self.feeds, self.platforms, self.disk, self.officer)
        self.town = Town(world, power, self._dice("town"), tempo=1.0 if days >= 1 else 0.1)
        self.life: Life | None = None
        self.daemon: Daemon | None = None
        self.crowd = Crowd(self.agenda, self.trace, self._dice("crowd"), lambda: self.life, lambda: self.daemon)
        self.lives = 0
        self.over = False
        self._stopped: asyncio.Event | None = None
        self._pauses = self._dice("pauses")

    def go(self) -> Outcome:
        """Live, and audit."""
        self._write_the_calendar()
        with self._listening():
            try:
                while not self.over:
                    self._live()
                    if not self.over:
                        self._rest()
            finally:
                self.officer.db.close()
        return self.outcome

    # --- the calendar -----------------------------------------------------------------------------------------------

    def _write_the_calendar(self) -> None:
        dice = self._dice("calendar")
        length = self.days * DAY
        if length < DAY:
            self.town.storm(5.0, length, dice.uniform(5, 60))
        else:
            for day in range(int(self.days)):
                self.town.works(day * DAY + dice.uniform(0, DAY / 2))
                if dice.random() < 0.3:
                    storm = day * DAY + dice.uniform(0, DAY / 2)
                    self.town.storm(storm, dice.uniform(1, 3) * 3600, dice.uniform(30, 300))
            self.agenda.at(QUIET, self._look_whether_quiet)
        if self.config.reports is not None:
            for day in range(max(1, int(self.days))):
                self.crowd.gather(day * DAY + 5.0, min(length, DAY) / 2)
        if self.neighbours is not None:
            self.neighbours.begin(5.0, length)
        if self.newsstand is not None:
            self.newsstand.begin(5.0, length)
        self.agenda.at(length + 1, self._end_begins)

    def _look_whether_quiet(self) -> None:
        """Switch the daemon off while nothing waits, nothing ends and nothing is coming."""
        self.agenda.after(QUIET / 4, self._look_whether_quiet)
        coming = min(self.town.quiet_until(self.agenda.seconds), self.days * DAY)
        if self.daemon is None or coming < self.agenda.seconds + QUIET:
            return
        self.officer.look_round()
        ends = next_end(self.officer.db, self.agenda.now)
        until = min(coming, (ends - BEGINNING).total_seconds()) if ends else coming
        if until < self.agenda.seconds + QUIET or open_posts(self.officer.db) or untold(self.officer.db, self.feeds):
            return
        self.trace("quiet", until=until)
        self._off_until = until - 60
        self._stop()

    def _end_begins(self) -> None:
        self.town.calm_down()
        if self.neighbours is not None:
            self.neighbours.calm_down()
        if self.newsstand is not None:
            self.newsstand.calm_down()
        self._look_whether_over(self.agenda.seconds + LONGEST_END)

    def _look_whether_over(self, latest: float) -> None:
        """Asked again and again: whether everything that was promised came to its end."""
        self.officer.look_round()
        still = open_posts(self.officer.db)
        unread = untold(self.officer.db, self.feeds) or (self.neighbours is not None and self.neighbours.unread())
        # What is told wrongly stays so: it isn't waited for as long as what is still to be sent.
        patient = self.newsstand is not None and latest - self.agenda.seconds > LONGEST_END - SHOWN_WITHIN
        unread = unread or (patient and self.newsstand is not None and self.newsstand.unread())
        if self.daemon is not None and (
            (still == 0 and not unread and not self.crowd.waits) or self.agenda.seconds >= latest
        ):
            self.over = True
            self.outcome = self._audit()
            self._stop()
            return
        self.agenda.after(60.0, lambda: self._look_whether_over(latest))

    # --- the daemon's lives ------------------------------------------------------------------------------------------

    def _live(self) -> None:
        self.lives += 1
        self.trace("life", number=self.lives)
        self.life = life = Life(self.agenda, self.trace, self._dice(f"life {self.lives}"))
        life.peril = self._peril
        life.loop.set_exception_handler(self._complained)
        try:
            life.loop.run_until_complete(self._run_daemon(life))
        except PowerCut:
            self.trace("dead")
            self.audience.died(self.lives, self.officer.db)
        except (sqlite3.OperationalError, DatabaseRefused) as error:
            self.trace("cannot.start", why=str(error))
        finally:
            self.life = self.daemon = self._stopped = None
            life.bury()
            self.cabinet.close()

    async def _run_daemon(self, life: Life) -> None:
        self._stopped = stopped = asyncio.Event()
        self.daemon = daemon = await build(self.config, self._outside(life))
        await daemon.start()
        self.trace("started")
        await stopped.wait()
        await daemon.stop()
        if daemon.database.trouble is not None:
            # Stopped in order, and it could write down nothing: the next life knows no more than after a power cut.
            self.audience.died(self.lives, self.officer.db)
        self.trace("stopped")

    def _rest(self) -> None:
        """The daemon is down: for a moment, or for hours."""
        pause = self._pauses.choice((0.5, self._pauses.uniform(1, 30), self._pauses.uniform(1, 30)))
        if self._pauses.random() < 0.05:
            pause = self._pauses.uniform(600, 5400)
        self.agenda.pass_until(max(self.agenda.seconds + pause, self._off_until))

    def _outside(self, life: Life) -> DaemonEnvironment:
        async def session() -> _NoSession:
            return _NoSession()

        return DaemonEnvironment(
            clock=VirtualClock(self.agenda),
            chance=self._dice(f"chance {self.lives}").random,
            new_id=self._new_id,
            open_session=session,
            open_database=self.cabinet.opener(life),
            open_channel=partial(self._open_channel, life),
            open_bulk=lambda name, _, __: SimulatedPush(self.platforms[name], self.audience, life, self.lives),
            open_source=partial(self._open_source, life),
            build_desk=self._build_desk,
            outbox=self._outbox,
            looks=Looks(file=timedelta(seconds=60)),
            doors=False,
            feeds=self._reader(life),
        )

    def _reader(self, life: Life) -> SharedReader | None:
        shown = self.neighbours or self.newsstand
        return SimulatedReader(shown.found, VirtualClock(self.agenda), life) if shown is not None else None

    def _open_channel(self, life: Life, name: str, settings: Any, resources: Resources) -> Channel:
        if name == PUSH:
            return Push(name, settings, resources)
        platform = self.platforms[name]
        if isinstance(platform, SandboxedPlatform):
            return channel_in(platform, life, name, settings, resources)
        match platform.kind:
            case "mqtt":
                return SimulatedBroker(name, settings, resources, platform, self.panels, life)
            case "mail":
                return SimulatedList(name, settings, resources, platform, life)
            case _:
                return channel_over(platform, life)

    def _open_source(self, life: Life, name: str, settings: Any, around: Surroundings) -> Source | None:
        if name in self.feeds:
            return FeedSource(self.feeds[name], life)
        if self.newsstand is not None:
            return self.newsstand.open(name, settings, around, life)
        return open_source(name, settings, around)

    def _build_desk(self, town: model.Town, now: Callable[[], datetime], new_id: Callable[[], str]) -> Desk:
        return Desk(town, PostWriter(town, self._renderer, new_id, card_file=lambda _: "card.jpg"), new_id, now)

    # --- what the town does to it -----------------------------------------------------------------------------------

    def _cut(self, where: str, steps: int) -> None:
        if self.life is not None:
            self.life.cut(where, steps)
            if not steps:
                raise PowerCut

    def _stop(self) -> None:
        if self._stopped is not None:
            self._stopped.set()

    def _wake(self) -> None:
        if self.daemon is not None:
            self.daemon.events.publish(PostsStored())

    def _imperil(self, peril: float) -> None:
        self._peril = peril
        if self.life is not None:
            self.life.peril = peril

    # --- what is learned --------------------------------------------------------------------------------------------

    def _audit(self) -> Outcome:
        db = self.officer.db
        posts = promises(db)
        seen = [each for platform in self.platforms.values() for each in platform.timeline.seen]
        found = audit(posts, seen, self._rules(), self.agenda.now)
        found += all_taken_in(db, self.officer.accepted, self.feeds)
        telling = {name for name, settings in self.config.channels.items() if settings.on_end is not Means.NONE}
        messages = Views(db).everything()
        found += ended(messages, [p for p in posts if p.channel in telling], self.agenda.now)
        found += nobody_silenced(messages)
        found += each_for_itself(db, messages, posts)
        found += none_lost_none_twice(db, self.crowd.people, self.agenda.now)
        found += drafts_wait(db, self.officer.approved, self.agenda.now)
        found += one_draft_each(db, self.config)
        found += audit_push(db, self.audience, self.agenda.now)
        found += self._audit_wide(db, messages, posts, seen)
        if self.newsstand is not None:
            found += self.newsstand.audit()
            over_http = {name: each for name, each in self.platforms.items() if isinstance(each, SandboxedPlatform)}
            found += nothing_repeated(db, over_http, posts, seen)
        alerts = db.execute("SELECT COUNT(*) FROM alert").fetchone()[0]
        reports, drafts = counted(db)
        return Outcome(
            seed=self.seed,
            days=self.days,
            digest=self.trace.digest,
            lives=self.lives,
            alerts=alerts,
            posts=len(posts),
            requests=len(seen),
            ended_at=self.agenda.now,
            reports=reports,
            drafts=drafts,
            sent=messages_sent(self.audience),
            breaches=self.breaches + found,
        )

    def _audit_wide(
        self, db: sqlite3.Connection, messages: Sequence[StoredAlert], posts: Sequence[Promised], seen: Sequence[Seen]
    ) -> Iterator[Breach]:
        if self.neighbours is None:
            return
        now = self.agenda.now
        yield from audit_neighbours(db, self.neighbours, messages, posts, self.officer.approved, now)
        headlines = {
            each.id: each.alert.infos[0].headline or "" for each in messages if each.alert and each.alert.infos
        }
        for name, platform in self.platforms.items():
            if platform.kind == "mqtt":
                yield from stands_what_is_on(self.panels, posts, name, headlines, now)
            if platform.kind == "mail":
                yield from letters_kept_their_names(db, posts, seen, name, now)

    def _rules(self) -> dict[str, Rules]:
        return {
            name: Rules(
                RateLimits(settings.limits, settings.kept_back), settings.exercise, counts_every_write(settings.kind)
            )
            for name, settings in self.config.channels.items()
            if name != PUSH  # nothing is sent for a post of push itself
        }

    def _complained(self, _: object, context: dict[str, Any]) -> None:
        self._breach("nothing unforeseen", f"{context.get('message')}: {context.get('exception')!r}")

    def _breach(self, promise: str, what: str) -> None:
        self.trace("breach", promise=promise, what=what)
        self.breaches.append(Breach(promise, what, self.agenda.now))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear what the daemon logs: a failure of its own code that the disk doesn't explain is a breach."""
        before = structlog.get_config()
        structlog.configure(processors=[self._heard], wrapper_class=structlog.make_filtering_bound_logger("warning"))
        try:
            yield
        finally:
            structlog.configure(**before)

    def _heard(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if self.life is None:
            raise structlog.DropEvent  # the process is dead: its tasks are let go of in no order
        what = str(event.pop("event"))
        error = sys.exc_info()[1] or event.get("exc_info")
        self.trace(f"log {what}", **{name: value for name, value in event.items() if name != "exc_info"})
        # Where the code itself failed, its traceback is asked for; what was foreseen is told without one.
        if "exc_info" in event and not isinstance(error, DatabaseRefused):
            self._breach("nothing unforeseen", f"{what}: {error!r}")
        raise structlog.DropEvent

    def _dice(self, what: str) -> Random:
        return Random(f"{self.seed}/{what}")

    def _new_id(self) -> str:
        return f"{self._ids.getrandbits(60):012x}"[:12]


class _NoSession:
    """Nothing goes over HTTP here."""

    async def close(self) -> None:
        """Nothing to end."""
