"""The time until an alert's request arrives at the platform, as people post: by a program, and by the command line.

Daemon, sandbox and the floor's service are real processes, each of which rests before it is asked. All ways are taken
in turn, and all clocks stop where the sandbox writes the request down. They begin with the call, and in the first row
later: ours when another process has committed the post and rung, the floor's before its one commit, which stands for
the attempt that is journalled before it is made.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from alerts.cli.handing import hand_over
from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.incident import new_id
from alerts.store.alerts import AlertRepository
from alerts.store.connection import notify, opened
from alerts.store.unit import transaction
from bench.bare import service
from bench.measure import Row
from bench.storm import Program, token_of
from tests.process.town import SECRETS, TELEGRAM, Town, town_in

ROUNDS, POSTS = 5, 30
"""A p50 is of one round's posts, the p99 of all."""
PAUSE = 0.03
"""Seconds between one post's end and the next: everybody has gone back to rest."""
UNPACED = TELEGRAM + 'limits = ["100000/1m"]\nreserve = 0\n'


def measure() -> Iterator[Row]:
    """Four rows from one run: the p50 of each way against the floor's, and the p99 of what is stored."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            called, committed, stored, by_program, by_command = _taken(town)
    yield Row("stored to request leaves, p50; commit + request", _medians(committed), _medians(stored), "s", goal=2.2)
    half, late = statistics.median(stored), statistics.quantiles(stored, n=100)[-1]
    yield Row("the same, p99; that p50", [half], [late], "s", goal=10)
    floor = _medians(called)
    yield Row("API call to request leaves, p50; a bare service's", floor, _medians(by_program), "s", goal=4)
    yield Row("`tocsin post`, handed over, the same", floor, _medians(by_command), "s", goal=5)


def _medians(taken: list[float]) -> list[float]:
    """Of each round."""
    return [statistics.median(taken[first : first + POSTS]) for first in range(0, len(taken), POSTS)]


def _taken(town: Town) -> list[list[float]]:
    """Seconds of each post: the floor's from its call and from its commit, then ours by the three ways."""
    town.start_sandbox("--no-limits")
    town.configure(UNPACED)
    token = token_of(town, "capteur", "author")
    daemon, control = town.start_daemon(), Control(load_config(town.config))
    url = f"{town.sandbox}/bot{SECRETS['TELEGRAM_TOKEN']}/sendMessage"
    with service(town.folder / "floor.db", url) as port, contextlib.ExitStack() as stack:
        program = stack.enter_context(contextlib.closing(Program(daemon.url, token)))
        bare = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)))
        ways: list[Callable[[str], float]] = [partial(_store, control), partial(_call, program), partial(_type, town)]
        began: list[tuple[float, ...]] = []
        for number in range(ROUNDS * POSTS + 1):
            began.append(_bare(bare))
            for way in ways:
                began.append((way(f"Vent violent n° {number}, {len(began)}"),))
                _rest(town)
    # Each is out before the next is posted, so they arrive in the order of posting. The first of each warms up.
    arrived = sorted(each["at"] for each in town.requests("telegram") if each["path"].endswith("sendMessage"))
    taken = [[at - since for since in each] for each, at in zip(began, arrived, strict=True)][4:]
    return [list(side) for way in range(4) for side in zip(*taken[way::4], strict=True)]


def _bare(connection: http.client.HTTPConnection) -> tuple[float, float]:
    """The floor: returns when it was called, and when it began to commit."""
    called = time.time()
    connection.request("POST", "/", "{}")
    committed = float(json.loads(connection.getresponse().read()))
    time.sleep(PAUSE)
    return called, committed


def _store(control: Control, headline: str) -> float:
    """What `tocsin post` does where no daemon takes its line; returns when its commit was done."""
    alert = draft_alert(Draft(headline=headline), control.desk.station, now(), new_id())
    with opened(control.town.database) as db, transaction(db):
        control.desk.post(AlertRepository(db), alert, again=True)
    stored = time.time()
    notify(control.town.database, now())
    return stored


def _call(program: Program, headline: str) -> float:
    called = time.time()
    program.ask("/alerts", {"headline": headline})
    return called


def _type(town: Town, headline: str) -> float:
    """A command without its interpreter's start, which the subject `command` measures."""
    called = time.time()
    with contextlib.redirect_stdout(io.StringIO()):
        assert hand_over(["--config", str(town.config), "post", "--headline", headline, "--again"]) == 0
    return called


def _rest(town: Town) -> None:
    """Until it is out, and everybody rests again."""
    with opened(town.database) as db:
        while db.execute("SELECT count(*) FROM post WHERE state != 'sent'").fetchone()[0]:
            time.sleep(PAUSE / 10)
    time.sleep(PAUSE)
