"""One town lives through its plan: some daemons on one database, of those at work one is killed after the other."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.model.alert import Alert, Severity
from alerts.model.cap import write
from alerts.store.files import StoreError
from campaign.audit import Breach, Promised, audit, rushed
from campaign.feed import Feed
from campaign.ledger import Ledger, keep, read_timeline
from campaign.marks import alert_of
from campaign.postgresql import PostgreSQL
from campaign.running import Running
from campaign.schedule import LONGEST_DELAY, WRITES, Life, Outage, Trouble, Version
from campaign.town import PLATFORM, PROVIDERS, SECTIONS, Town, platform_of

T = TypeVar("T")

TAKEOVER = 120.0
"""Seconds after which a lane that nobody took stops the campaign; a busy machine is slow to start a daemon."""
QUIET_WITHIN = 150.0
"""Seconds that the last daemons have to bring everything to its end."""
PAUSED_FOR = 7.0
"""Seconds a stopped daemon stands still: longer than its lease."""
DELAYED_WITHIN = 2.0
HANDED_OVER_WITHIN = 0.3
"""Seconds from the start of a command, by which it has handed its message over or is about to."""
PACE = {
    "twitter": 0.15,
    "facebook": 0.1,
    "telegram": 0.05,
    "mastodon": 0.1,
    "bluesky": 0.1,
    "matrix": 0.1,
    "ntfy": 0.1,
    "webhook": 0.1,
    "instagram": 0.1,
    "sms": 0.1,
}
"""How long each platform takes for a post, so that some are always under way."""
COUNT, SPAN = 5, 3.0
"""So many posts a channel takes in so many seconds: what waits after a takeover fills the window."""
ARRIVE_WITHIN = LONGEST_DELAY
"""Seconds that a post may take from its departure until it stands on the platform."""
PACED = f'limits = ["{COUNT}/{SPAN:g}s"]\nreserve = 0\ntimeout = "3s"\n'
ANSWERED_WITHIN = 60.0
"""Seconds for which somebody who gets no answer tries again: a server that was killed is back long before."""
WAYS = (
    {
        "x": ("reply", "reply"),
        "page": ("edit", "edit"),
        "telegram": ("reply", "reply"),
        "mastodon": ("reply", "edit"),
        "bluesky": ("reply", "reply"),
        "matrix": ("reply", "edit"),
    },
    {
        "x": ("reply", "delete"),
        "page": ("reply", "edit"),
        "telegram": ("edit", "edit"),
        "mastodon": ("edit", "reply"),
        "bluesky": ("reply", "delete"),
        "matrix": ("edit", "delete"),
    },
    {
        "x": ("edit", "edit"),
        "page": ("reply", "reply"),
        "telegram": ("reply", "delete"),
        "mastodon": ("reply", "delete"),
        "bluesky": ("edit", "edit"),
        "matrix": ("reply", "reply"),
    },
)
"""How updates and ends appear (`on_update`, `on_end`), town by town; on others than these by posts of their own."""
FEED = '[sources.feed]\nkind = "cap"\nurl = "{url}"\nevery = "1s"\narea = "any"\nallow_private = true\n'
WARM_UP = Version(0, 1, "alert", "control", Severity.MODERATE, lasts=6 * 3600.0, after=0.0)
_LOOK = 0.05
_URL = re.compile(r'"url": "(http://[^"]+)", "event": "web.listening"')


@dataclass(slots=True)
class Outcome:
    """What came of one town's plan.

    `crossed` are kills while a command handed over, `stops` daemons that were stopped in order, `outages` kills of the
    database's server; `takeovers` are seconds from a kill until all lanes are held again.
    """

    alerts: int = 0
    kills: int = 0
    delayed: int = 0
    pauses: int = 0
    crossed: int = 0
    stops: int = 0
    outages: int = 0
    takeovers: list[float] = field(default_factory=list)
    excused: int = 0
    breaches: list[Breach] = field(default_factory=list)


class Play:
    """The processes of one town, and what was promised to it."""

    def __init__(
        self,
        number: int,
        folder: Path,
        *,
        daemons: int = 2,
        server: bool = False,
        channels: Sequence[str] = tuple(PLATFORM),
    ) -> None:
        self._channels = channels
        self.town = Town(folder)
        self.town.environment["TOCSIN_LOG"] = "info"
        self.outcome = Outcome()
        self._folder = folder
        self._feed = Feed()
        self._ways = WAYS[number % len(WAYS)]
        self._ledger = Ledger(self.town.place)
        self._count = daemons
        self._on_server = server
        self._server: PostgreSQL | None = None
        self._daemons: list[Running] = []
        self._resumed: list[float] = []
        self._promised: list[Promised] = []
        self._last: dict[int, Alert] = {}
        self._served: set[str] = set()
        self._killed_at: float | None = None
        self._leases = frozenset(channels)
        self._logs: dict[int, Path] = {}

    def run(self, lives: Sequence[Life]) -> Outcome:
        """Live through the plan, let everything come to its end, and hold it against what was promised."""
        try:
            self._begin()
            for life in lives:
                self._live(life)
            self._settle()
            self._audit()
        finally:
            self.close()
        return self.outcome

    def close(self) -> None:
        """End all its processes."""
        self.town.end()
        self._feed.stop()
        if self._server is not None:
            self._server.close()

    def _open(self) -> None:
        """Start the server, if there is one, and the sandbox."""
        self._open_store()
        self.town.start_sandbox("--no-limits")

    def _open_store(self) -> None:
        if self._on_server:
            self._server = PostgreSQL(durable=True)
            self.town.store = self._server.url()
            self._ledger = Ledger(self.town.place)

    def _begin(self) -> None:
        """A first post on each channel: Telegram is searched from the last known one on."""
        self._open()
        channels = "".join(
            f'{SECTIONS[name]}{PACED}on_update = "{on_update}"\non_end = "{on_end}"\n'
            for name in self._channels
            for on_update, on_end in (self._ways.get(name, ("new", "new")),)
        )
        self.town.configure(channels, sources=FEED.format(url=self._feed.url) + self._sources())
        self.town.tocsin("db", "upgrade")  # by a process of its own: alembic isn't made for several at once in one
        self._control = Control(load_config(self.town.config))
        self._tell(WARM_UP)
        self._start_daemon()
        self._await(lambda: self._ledger.open_posts() == 0, TAKEOVER, "the first post went out")
        self._start_missing()

    def _sources(self) -> str:
        """What the town reads besides."""
        return ""

    @property
    def done(self) -> int:
        """How many daemons were killed until now."""
        return self.outcome.kills

    def _live(self, life: Life) -> None:
        self._break(life.troubles)
        with ThreadPoolExecutor(1) as threads:
            backlog = threads.submit(self._tell_all, life.versions[: life.backlog])
            at_work = self._await_owners()
            if self._killed_at is not None:
                self.outcome.takeovers.append(time.monotonic() - self._killed_at)
            backlog.result()
        victim = at_work[life.victim % len(at_work)]
        with ThreadPoolExecutor(2) as threads:
            meanwhile: list[Future[None]] = []
            if life.outage is not None:
                meanwhile.append(threads.submit(self._go_down, life.outage))
            if life.stops and (others := [each for each in self._daemons if each is not victim]):
                meanwhile.append(threads.submit(self._stop, others[life.victim % len(others)]))
            self._tell_until_killed(life, victim)
            for each in meanwhile:
                each.result()
        self._start_missing()

    def _tell_all(self, messages: Sequence[Version]) -> None:
        for version in messages:
            self._tell(version)

    def _tell_until_killed(self, life: Life, victim: Running) -> None:
        trouble = self._hold(life.trouble)
        began = time.monotonic()
        later = life.versions[life.backlog :]
        for version in later[: len(later) - life.crossed]:
            time.sleep(max(began + version.after - time.monotonic(), 0.0))
            self._tell(version)
        if life.crossed:
            self._cross(later[-1], victim, life.delay * HANDED_OVER_WITHIN)
            return
        if trouble is not None:
            wait_until(lambda: self.town.met(trouble), DELAYED_WITHIN)
        time.sleep(life.delay)
        if life.end == "pause":
            self._pause(victim)
        self._kill(victim)
        self.outcome.delayed += trouble is not None

    def _go_down(self, outage: Outage) -> None:
        """The database's server is killed, and started again after a while."""
        if self._server is None:
            return
        time.sleep(outage.after)
        self._server.stop_hard()
        time.sleep(outage.down)
        self._server.start()
        self.outcome.outages += 1

    def _stop(self, daemon: Running) -> None:
        """Stop a daemon in order: it hands over what it has."""
        daemon.stop(signal.SIGTERM)
        self.outcome.stops += 1

    def _tell(self, version: Version) -> None:
        """Promised is what the door answered for; a feed's message, from when it stands in the index."""
        self.outcome.alerts += version is not WARM_UP
        alert = alert_of(version, now(), self._last.get(version.incident))
        self._last[version.incident] = alert
        if version.way_in == "feed":
            self._feed.tell(alert)
            self._served.add(alert.identifier)
        elif not self._answered(alert, self._by_control if version.way_in == "control" else self._by_command):
            return
        ends = alert.ends.timestamp()
        cancels = version.kind == "cancel"
        self._promised.append(Promised(str(version.incident), version.place, time.time(), ends, cancels))

    def _answered(self, alert: Alert, tell: Callable[[Alert], str | None]) -> bool:
        """Tell it, again and again while the database is down; False where it was over before it was answered for.

        Such an alert isn't promised.
        """
        ends = time.monotonic() + ANSWERED_WITHIN
        while (refusal := tell(alert)) is not None:
            if alert.ends <= now() + timedelta(seconds=1):  # CAP has whole seconds: it may be over a little earlier
                return False
            if self._server is None or time.monotonic() > ends:
                raise AssertionError(f"{alert.identifier} wasn't posted: {refusal}")
            time.sleep(_LOOK)
        return True

    def _by_control(self, alert: Alert) -> str | None:
        """The desk's own door: why it took nothing, or None."""
        try:
            self._control.act(lambda unit: unit.desk.post(unit.alerts, alert))
        except StoreError as error:
            return str(error)
        return None

    def _by_command(self, alert: Alert) -> str | None:
        """`tocsin post`, which has a daemon do it, or does it by itself."""
        done = self.town.tocsin("post", "--cap", "-", "--again", stdin=write(alert).decode())
        return None if done.returncode == 0 else done.stderr

    def _cross(self, version: Version, daemon: Running, after: float) -> None:
        """Kill the daemon while a command hands its message over, to it or to another."""
        with ThreadPoolExecutor(1) as threads:
            command = threads.submit(self._tell, version)
            time.sleep(after)
            self._kill(daemon)
            command.result()
        self.outcome.crossed += 1

    def _break(self, troubles: Sequence[Trouble]) -> None:
        self.town.mend()
        for platform in map(platform_of, self._channels):
            self.town.fault(platform, "latency", route=WRITES, seconds=PACE[platform])
        for trouble in troubles:
            self.town.fault(trouble.platform, trouble.kind, **trouble.settings)

    def _hold(self, trouble: Trouble | None) -> str | None:
        return None if trouble is None else self.town.fault(trouble.platform, trouble.kind, **trouble.settings)

    def _kill(self, daemon: Running) -> None:
        """`kill -9`, and another one starts."""
        daemon.stop(signal.SIGKILL)
        self.outcome.kills += 1
        self._killed_at = time.monotonic()
        self._start_missing()

    def _pause(self, daemon: Running) -> None:
        """Stand still for longer than the lease lasts, then go on: whatever it had begun is no longer its own."""
        daemon.send(signal.SIGSTOP)
        time.sleep(PAUSED_FOR)
        daemon.send(signal.SIGCONT)
        self._resumed.append(time.time())
        time.sleep(1.0)
        self.outcome.pauses += 1

    def _start_daemon(self) -> None:
        log = self._folder / f"daemon-{len(self._logs) + 1}.log"
        daemon = self.town.start("run", log=log)
        self._logs[daemon.pid] = log
        self._daemons.append(daemon)

    def _address_of(self, daemon: Running) -> str | None:
        """Where a daemon answers, as its log tells; None where it doesn't yet."""
        log = self._logs[daemon.pid]
        found = _URL.search(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else None
        return found[1] if found else None

    def _start_missing(self) -> None:
        self._daemons = [each for each in self._daemons if each.alive]
        for _ in range(self._count - len(self._daemons)):
            self._start_daemon()

    def _await_owners(self) -> list[Running]:
        """The daemons that work what there is to be worked; waits until all of it has one."""

        def at_work() -> list[Running] | None:
            self._start_missing()  # one that was started while the server was down has ended, and said why
            works = self._ledger.works(time.time())
            owners = {works[name] for name in self._leases if name in works}
            found = [each for each in self._daemons if each.pid in owners and each.alive]
            return found if works.keys() >= self._leases and owners == {each.pid for each in found} else None

        found = wait_until(at_work, TAKEOVER)
        if found is None:
            raise AssertionError(f"nobody took the lanes within {TAKEOVER} s: see the logs in {self._folder}")
        return found

    def _settle(self) -> None:
        """No more trouble: everything that something will still become of comes to its end."""
        self.town.mend()
        self._await(lambda: self._served <= self._ledger.identifiers(), QUIET_WITHIN, "the feed was read")
        wait_until(lambda: self._ledger.open_posts() == 0, QUIET_WITHIN)

    def _audit(self) -> None:
        # The database first: daemons still run, and an alert may just be over. What is said to be out must be there.
        looked_at = time.time()
        said = {channel: list(self._ledger.entries(channel)) for channel in self._channels}
        timelines = self.town.timelines()
        keep(self._folder, timelines)
        for channel in self._channels:
            platform = platform_of(channel)
            seen, entries = list(read_timeline(timelines.get(platform, []))), said[channel]
            self.outcome.excused += sum(entry.excused for entry in entries)
            self.outcome.breaches += audit(
                channel,
                self._promised,
                seen,
                entries,
                looked_at=looked_at,
                slack=LONGEST_DELAY,
                repeats=channel not in PROVIDERS,
            )
            self.outcome.breaches += rushed(channel, self._ledger.departures(channel), COUNT, SPAN)
            arrivals = [at for post in timelines.get(platform, []) if not self._was_delayed(at := post["created_at"])]
            self.outcome.breaches += rushed(channel, arrivals, COUNT, SPAN - ARRIVE_WITHIN)

    def _was_delayed(self, at: float) -> bool:
        """Whether it had left before a daemon was stopped, and arrived when that went on."""
        return any(0 <= at - resumed < ARRIVE_WITHIN for resumed in self._resumed)

    def _await(self, what: Callable[[], object], patience: float, name: str) -> None:
        if not wait_until(what, patience):
            raise AssertionError(f"not within {patience} s: {name}; see {self._folder}")


def wait_until(what: Callable[[], T], patience: float) -> T | None:
    """Ask again until the answer is true, and return it; None when that takes too long."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(_LOOK)
    return None
