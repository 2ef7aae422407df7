"""One town lives through its plan: two daemons on one database, one at work and one standing by, killed in turn."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.model.alert import Alert, Severity
from alerts.model.cap import write
from campaign.audit import Breach, Promised, audit
from campaign.feed import Feed
from campaign.ledger import Ledger, keep, read_timeline
from campaign.marks import alert_of
from campaign.running import Running
from campaign.schedule import HELD_AT_MOST, PLATFORMS, WRITES, Life, Told, Trouble
from campaign.town import PAGE, PLATFORM, TELEGRAM, Town, X

T = TypeVar("T")

TAKEOVER = 120.0
"""Seconds after which a lane that nobody took stops the campaign; a busy machine is slow to start a daemon."""
QUIET_WITHIN = 150.0
"""Seconds that the last daemons have to bring everything to its end."""
PAUSED_FOR = 7.0
"""Seconds a stopped daemon stands still: longer than its lease."""
HELD_WITHIN = 2.0
HANDED_OVER_WITHIN = 0.3
"""Seconds from the start of a command, by which it has handed its message over or is about to."""
PACE = {"twitter": 0.15, "facebook": 0.1, "telegram": 0.05}
"""How long each platform takes for a post, so that some are always under way."""
WIDE = 'limits = ["1000/1s"]\nreserve = 0\ntimeout = "3s"\n'
WAYS = (
    {"x": ("reply", "reply"), "page": ("edit", "edit"), "telegram": ("reply", "reply")},
    {"x": ("reply", "delete"), "page": ("reply", "edit"), "telegram": ("edit", "edit")},
    {"x": ("edit", "edit"), "page": ("reply", "reply"), "telegram": ("reply", "delete")},
)
"""How updates and ends appear (`on_update`, `on_end`), town by town."""
FEED = '[sources.feed]\nkind = "cap"\nurl = "{url}"\nevery = "1s"\narea = "any"\nallow_private = true\n'
WARM_UP = Told(0, 1, "alert", "control", Severity.MODERATE, lasts=6 * 3600.0, after=0.0)
_LOOK = 0.05


@dataclass(slots=True)
class Outcome:
    """What came of one town's plan.

    `crossed` are kills while a command handed over; `takeovers` are seconds from a kill to the next daemon's lease.
    """

    alerts: int = 0
    kills: int = 0
    held: int = 0
    pauses: int = 0
    crossed: int = 0
    takeovers: list[float] = field(default_factory=list)
    excused: int = 0
    breaches: list[Breach] = field(default_factory=list)


class Play:
    """The processes of one town, and what was promised to it."""

    def __init__(self, number: int, folder: Path) -> None:
        self.town = Town(folder)
        self.town.environment["TOCSIN_LOG"] = "info"
        self.outcome = Outcome()
        self._folder = folder
        self._feed = Feed()
        self._ways = WAYS[number % len(WAYS)]
        self._ledger = Ledger(self.town.place)
        self._daemons: list[Running] = []
        self._promised: list[Promised] = []
        self._last: dict[int, Alert] = {}
        self._served: set[str] = set()
        self._killed_at: float | None = None

    def run(self, lives: Sequence[Life]) -> Outcome:
        """Live through the plan, let everything come to its end, and hold it against what was promised."""
        try:
            self._begin()
            for life in lives:
                self._live(life)
            self._settle()
            self._audit()
        finally:
            self.town.end()
            self._feed.stop()
        return self.outcome

    def _begin(self) -> None:
        """A first post on each channel: Telegram is searched from the last known one on."""
        self.town.start_sandbox("--no-limits")
        channels = "".join(
            f'{section}{WIDE}on_update = "{self._ways[name][0]}"\non_end = "{self._ways[name][1]}"\n'
            for name, section in (("x", X), ("page", PAGE), ("telegram", TELEGRAM))
        )
        self.town.configure(channels, sources=FEED.format(url=self._feed.url))
        self.town.tocsin("db", "upgrade")  # by a process of its own: alembic isn't made for several at once in one
        self._control = Control(load_config(self.town.config))
        self._tell(WARM_UP)
        self._start_daemon()
        self._await(lambda: self._ledger.open_posts() == 0, TAKEOVER, "the first post went out")
        self._start_daemon()

    @property
    def done(self) -> int:
        """How many daemons were killed until now."""
        return self.outcome.kills

    def _live(self, life: Life) -> None:
        self._break(life.troubles)
        for told in life.told[: life.backlog]:
            self._tell(told)
        at_work = self._await_owner()
        if self._killed_at is not None:
            self.outcome.takeovers.append(time.monotonic() - self._killed_at)
        held = self._hold(life.held)
        began = time.monotonic()
        later = life.told[life.backlog :]
        for told in later[: len(later) - life.crossed]:
            time.sleep(max(began + told.after - time.monotonic(), 0.0))
            self._tell(told)
        if life.crossed:
            self._cross(later[-1], at_work, life.delay * HANDED_OVER_WITHIN)
            return
        if held is not None:
            _wait_until(lambda: self.town.met(held), HELD_WITHIN)
        time.sleep(life.delay)
        if life.end == "pause":
            self._pause(at_work)
        self._kill(at_work)
        self.outcome.held += held is not None

    def _tell(self, told: Told) -> None:
        """Promised is what the door answered for; a feed's message, from when it stands in the index."""
        self.outcome.alerts += told is not WARM_UP
        alert = alert_of(told, now(), self._last.get(told.incident))
        self._last[told.incident] = alert
        if told.door == "feed":
            self._feed.tell(alert)
            self._served.add(alert.identifier)
        elif told.door == "control":
            self._control.act(lambda unit: unit.desk.post(unit.alerts, alert))
        elif not self._command(alert):
            return
        ends = alert.ends.timestamp()
        cancels = told.kind == "cancel"
        self._promised.append(Promised(str(told.incident), told.place, time.time(), ends, cancels))

    def _command(self, alert: Alert) -> bool:
        """`tocsin post`; False where the alert was over before the machine came to it, and so isn't promised."""
        done = self.town.tocsin("post", "--cap", "-", "--again", stdin=write(alert).decode())
        if done.returncode == 0:
            return True
        if alert.ends > now() + timedelta(seconds=1):  # CAP has whole seconds: it may be over a little earlier
            raise AssertionError(f"{alert.identifier} wasn't posted: {done.stderr}")
        return False

    def _cross(self, told: Told, daemon: Running, after: float) -> None:
        """Kill the daemon while a command hands its message over, to it or to the one that stands by."""
        with ThreadPoolExecutor(1) as threads:
            command = threads.submit(self._tell, told)
            time.sleep(after)
            self._kill(daemon)
            command.result()
        self.outcome.crossed += 1

    def _break(self, troubles: Sequence[Trouble]) -> None:
        self.town.mend()
        for platform in PLATFORMS:
            self.town.fault(platform, "latency", route=WRITES, seconds=PACE[platform])
        for trouble in troubles:
            self.town.fault(trouble.platform, trouble.kind, **trouble.settings)

    def _hold(self, held: Trouble | None) -> str | None:
        return None if held is None else self.town.fault(held.platform, held.kind, **held.settings)

    def _kill(self, daemon: Running) -> None:
        """`kill -9`, and another one starts: it stands by until the lease of the dead one is over."""
        daemon.stop(signal.SIGKILL)
        self.outcome.kills += 1
        self._killed_at = time.monotonic()
        self._daemons.remove(daemon)
        self._start_daemon()

    def _pause(self, daemon: Running) -> None:
        """Stand still for longer than the lease lasts, then go on: whatever it had begun is no longer its own."""
        daemon.send(signal.SIGSTOP)
        time.sleep(PAUSED_FOR)
        daemon.send(signal.SIGCONT)
        time.sleep(1.0)
        self.outcome.pauses += 1

    def _start_daemon(self) -> None:
        self._daemons.append(self.town.start("run", log=self._folder / "daemons.log"))

    def _await_owner(self) -> Running:
        """The daemon that works the lanes; waits until one does."""

        def owner() -> Running | None:
            owners = self._ledger.owners(time.time())
            if len(owners) < len(PLATFORM):
                return None
            return next((each for each in self._daemons if each.pid == owners[0] and each.alive), None)

        found = _wait_until(owner, TAKEOVER)
        if found is None:
            raise AssertionError(f"nobody took the lanes within {TAKEOVER} s: see {self._folder}/daemons.log")
        return found

    def _settle(self) -> None:
        """No more trouble: everything that something will still become of comes to its end."""
        self.town.mend()
        self._await(lambda: self._served <= self._ledger.identifiers(), QUIET_WITHIN, "the feed was read")
        _wait_until(lambda: self._ledger.open_posts() == 0, QUIET_WITHIN)

    def _audit(self) -> None:
        timelines = self.town.timelines()
        keep(self._folder, timelines)
        looked_at = time.time()
        for channel, platform in PLATFORM.items():
            seen = list(read_timeline(timelines[platform]))
            entries = self._ledger.entries(channel)
            self.outcome.excused += sum(entry.excused for entry in entries)
            self.outcome.breaches += audit(
                channel, self._promised, seen, entries, looked_at=looked_at, slack=HELD_AT_MOST
            )

    def _await(self, what: Callable[[], object], patience: float, name: str) -> None:
        if not _wait_until(what, patience):
            raise AssertionError(f"not within {patience} s: {name}; see {self._folder}")


def _wait_until(what: Callable[[], T], patience: float) -> T | None:
    """Ask again until the answer is true, and return it; None when that takes too long."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(_LOOK)
    return None
