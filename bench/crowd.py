"""A lane beside a crowd: how long its posts take while a hundred thousand are told by the bot, or by push.

Daemon and sandbox are processes; chats and browsers are a thread of this one (`campaign.receivers`), which stores a
post for the Page alone every quarter of a second, first while nobody is told anything, then while the crowd is. The
clock runs from before its transaction until the sandbox writes its request down. `python -m bench crowd` takes two
minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.alert import Severity
from alerts.model.incident import new_id
from bench.measure import Row
from campaign.crowding import settings_for
from campaign.filling import OTHERS, Crowd, fill
from campaign.receivers import Receivers
from tests.process.town import PAGE, Town, town_in

PEOPLE = 100_000
IDLE = 120
"""Posts that are measured while nobody is told anything."""
EVERY = 0.25
"""Seconds between two posts."""
_UNPACED = 'limits = ["100000/1m"]\nreserve = 0\n'


def measure() -> Iterator[Row]:
    """For the bot and for push: the p50 and the p99 of posts beside the crowd, by those of an idle daemon."""
    receivers = Receivers(PEOPLE + -(-PEOPLE // (OTHERS - 1)))
    receivers.start()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            yield from _measured(town, receivers)
    receivers.stop()


def _measured(town: Town, receivers: Receivers) -> Iterator[Row]:
    town.start_sandbox("--no-limits")
    (town.folder / "push.pem").write_text(new_key())
    town.configure(PAGE + _UNPACED + settings_for(receivers))
    fill(town.config, Crowd(receivers.people, receivers.urls, receivers.keys))
    town.start_daemon()
    control = Control(load_config(town.config))
    print("the crowd has subscribed", file=sys.stderr, flush=True)
    idle = _posted(town, control, lambda stored: stored < IDLE)
    for channel, heard in (("telegram", receivers.chats), ("push", receivers.browsers)):
        began = time.monotonic()
        _store(control, channel, Severity.SEVERE)
        beside = _posted(town, control, lambda _, heard=heard: heard.messages < PEOPLE)  # type: ignore[misc]
        rate = PEOPLE / (time.monotonic() - began)
        what = f"a post beside {PEOPLE:,} by {channel}, {rate:,.0f}/s"
        yield Row(f"{what}, p50; idle", [_late(idle, 50)], [_late(beside, 50)], "s", goal=2)
        yield Row("the same, p99", [_late(idle, 99)], [_late(beside, 99)], "s", goal=2)


def _posted(town: Town, control: Control, goes_on: Callable[[int], bool]) -> list[float]:
    """Seconds of each post, from before it is stored to its request."""
    before = len(_requests(town))
    stored: list[float] = []
    while goes_on(len(stored)):
        time.sleep(EVERY)
        stored.append(_store(control, "page", Severity.MODERATE))
    town.until(lambda: len(_requests(town)) >= before + len(stored))
    return [at - since for since, at in zip(stored, _requests(town)[before:], strict=True)]


def _requests(town: Town) -> list[float]:
    """When each post came, in the order of posting: a lane sends them in it."""
    return sorted(each["at"] for each in town.requests("facebook") if each["path"].endswith("/feed"))


def _store(control: Control, channel: str, severity: Severity) -> float:
    """Store an alert for that channel alone; returns when that began."""
    draft = Draft(headline=f"Vent violent, {new_id()}", instruction="Restez chez vous.", severity=severity)
    alert = draft_alert(draft, control.desk.station, now(), new_id())
    began = time.time()
    control.act(lambda unit: unit.desk.post(unit.alerts, alert, (channel,), again=True))
    return began


def _late(taken: Sequence[float], percent: int) -> float:
    return sorted(taken)[min(len(taken) * percent // 100, len(taken) - 1)]
