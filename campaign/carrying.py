"""An alert that an earlier version has begun to tell, and that this one goes on with after an upgrade that is killed.

The earlier version's code comes out of the repository's history. It subscribes the crowd, and tells an alert until some
have it, some are under way, some wait for the end of their quiet hours and the others aren't begun; then it is killed.
Upgrades of its database are killed while they write, and begun again. This version then tells the rest and the end, or
the end at once. It is held against the same promises as any crowd, for one kill: upgrades tell nobody anything.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from campaign.crowding import Crowded, Crowding, Phase, audience
from campaign.filling import OTHERS
from campaign.play import TAKEOVER
from campaign.running import PATIENCE, Running

_ROOT = Path(__file__).parent.parent
_ZONE = ZoneInfo("Europe/Paris")
_QUIET_FOR = timedelta(minutes=6)
"""How long the quiet hours still last when the crowd subscribes: the earlier version has to come to them before."""
_WRITES_FOR = 0.2
"""Seconds from an upgrade's first lock within which it is killed; most kills come early, for it may be quick."""
_LOOK = 0.001


@dataclass(frozen=True, slots=True)
class Carry:
    """How much of the audience (0 to 1) has the alert when the earlier version is killed, and what comes then.

    `kills` are seconds from the lock of each upgrade to its kill. With `at_once` the end is told before anything else.
    """

    reached: float
    kills: tuple[float, ...]
    at_once: bool


def carry(seed: str, kills: int) -> Carry:
    """The same seed, the same plan."""
    chance = random.Random(seed)
    moments = tuple(round(_WRITES_FOR * chance.random() ** 4, 5) for _ in range(kills))
    return Carry(round(chance.uniform(0.1, 0.7), 3), moments, chance.random() < 0.5)


class Carrying(Crowding):
    """The processes of both versions, and all who are told. `since` names the earlier version's commit."""

    def __init__(self, number: int, folder: Path, *, since: str, recipients: int, server: bool = False) -> None:
        super().__init__(number, folder, recipients=recipients, server=server)
        self._since = since
        self._former = folder / "former"
        self.amid = 0
        """How many upgrades were killed before they were through."""

    def carry_over(self, plan: Carry) -> Crowded:
        """Live through the plan, and hold what came against what people chose."""
        phases = (Phase("alert", (), plan.reached if plan.at_once else 1.0), Phase("end", (), 1.0))
        self.outcome.kinds = ("alert", "end")
        try:
            self._tell_by_former(plan.reached)
            began = time.monotonic()
            for delay in plan.kills:
                self._kill_upgrade(delay)
            if not plan.at_once:
                self._tell_rest()
            self._tell_one("end")
            self._start_missing()
            self._await_moments(1, phases[1])
            self.outcome.lasted = time.monotonic() - began
            self._audit_crowd(phases)
            self.outcome.delayed = self.amid
        finally:
            self.close()
            self._receivers.stop()
        return self.outcome

    def _tell_by_former(self, reached: float) -> None:
        """Subscribe all and tell them of the alert, until it is killed."""
        self._unpack()
        now = datetime.now(_ZONE)
        self._ends = now + _QUIET_FOR
        self._configure((f"{now - timedelta(hours=1):%H:%M}", f"{self._ends:%H:%M}"))
        self._run_former("-m", "alerts.cli", "db", "upgrade")
        self._run_former("-m", "campaign.filling", str(self.town.config), given=json.dumps(asdict(self._crowd)))
        self.stood = self._ledger.version()
        log = self._folder / "former.log"
        daemon = Running(("run",), self.town.folder, self._environment, log)
        try:
            alert = ("post", "--headline", "Coup de vent", "--severity", "Moderate", "--json")
            self._incident = json.loads(self._run_former("-m", "alerts.cli", *alert).splitlines()[0])["incident"]
            self.outcome.alerts += 1
            self._await_progress(0, round(reached * self._most))
        finally:
            daemon.stop(signal.SIGKILL)
        self.outcome.kills += 1

    def _unpack(self) -> None:
        archive = (shutil.which("git") or "git", "archive", self._since, "alerts", "templates")
        packed = subprocess.run(archive, cwd=_ROOT, stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as tree:
            tree.extractall(self._former, filter="data")

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.town.environment, "PYTHONPATH": os.pathsep.join((str(self._former), str(_ROOT)))}

    def _run_former(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.town.folder,
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout

    @property
    def _most(self) -> int:
        return sum(len(audience(0, each, self._chose, self.outcome.kinds)) for each in self._heard.values())

    def _kill_upgrade(self, delay: float) -> None:
        """Begin an upgrade, and kill it so many seconds after it began to write."""
        if self._ledger.version() != self.stood:
            return
        self._await(lambda: not self._ledger.is_written, TAKEOVER, "nobody wrote any more")
        upgrade = self.town.start("db", "upgrade", log=self._folder / "upgrade.log")
        while upgrade.alive and not self._ledger.is_written:
            time.sleep(_LOOK)
        time.sleep(delay)
        upgrade.stop(signal.SIGKILL)
        self.amid += self._ledger.version() == self.stood

    def _tell_rest(self) -> None:
        """Everybody who chose the alert gets it, those who wanted quiet at its end."""
        self._start_missing()
        self._await_owners()
        self._await_progress(0, self._most - 2 * (self._crowd.people // OTHERS))
        left = (self._ends - datetime.now(_ZONE)).total_seconds() - self.town.ahead
        self.town.wind(max(left, 0.0) + 60.0)
        self._await_progress(0, self._most)
        self._settle()


def carrying_table(plans: Sequence[Carry], outcomes: Sequence[Crowded]) -> str:
    """What was carried over, before what came of it."""
    return "\n".join(
        f"killed at {plan.reached:.0%}, {each.delayed} upgrades killed amid, "
        f"{'the end at once' if plan.at_once else 'then the rest and the end'}"
        for plan, each in zip(plans, outcomes, strict=True)
    )
