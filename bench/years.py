"""What a million finished posts change: two towns alike, one that has posted for years and one that is new.

Daemons and sandboxes are processes, and whatever is done is done to both in turn, so that what is on is the same in
both. Of a post the daemon's CPU is measured, in all its threads and with the pages that it changes; of what is looked
at, the time until it is answered; of the public pages also the CPU of making all of them anew, in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from alerts.cli.handing import hand_over
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.daemon.environment import open_database
from alerts.daemon.serving import build_publisher
from alerts.desk.actions import Filed
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.events import Events
from alerts.model.incident import new_id
from alerts.model.ports import SystemClock
from alerts.store.copying import copy
from bench import history
from bench.measure import Row, in_turn, skipped
from bench.process import cpu_of
from bench.storm import CHANNELS, Program
from campaign.postgresql import MISSING, PostgreSQL, find_binaries
from tests.process.town import Town, town_in
from tests.process.visiting import FIRST, Browser

POSTS, ROUNDS, LOOKS, EDITIONS = 10, 5, 10, 5
DESK = '\n[desk]\nsecond_factor = "optional"\n'
SETTLED = 0.5
"""Seconds after the last post until its pages are made."""


def measure() -> Iterator[Row]:
    """Rows of a town with a million finished posts, by those of one with none; on PostgreSQL, too, where it is."""
    yield from _rows("", None)
    if find_binaries() is None:
        skipped("years on PostgreSQL", MISSING)
        return
    # As a station that was moved there: the copy has what the file has, and the planner is told what that is.
    with PostgreSQL(durable=True, settings={"autovacuum": "on"}) as server:
        yield from _rows("PostgreSQL, ", server)


def _rows(where: str, server: PostgreSQL | None) -> Iterator[Row]:
    with ExitStack() as stack:
        new, old = (Side.begun(stack, posts, server) for posts in (0, history.POSTS))
        posted = in_turn(new.post, old.post, ROUNDS)
        yield Row(f"{where}CPU of a post, 1,000,000 finished posts; none", *posted, "s", goal=1.2)
        yield Row(f"{where}posted to called, the same", new.medians(), old.medians(), "s", goal=1.2)
        yield Row(f"{where}`tocsin status`, the same", *in_turn(new.status, old.status, ROUNDS), "s", goal=1.2)
        desk = in_turn(lambda: new.look("/desk/"), lambda: old.look("/desk/"), ROUNDS)
        yield Row(f"{where}the desk's first page, the same", *desk, "s", goal=1.5)
        page = in_turn(lambda: new.look("/"), lambda: old.look("/"), ROUNDS)
        yield Row(f"{where}the public page, the same", *page, "s", goal=1.5)
        made = in_turn(new.make, old.make, EDITIONS)
        yield Row(f"{where}the public pages after a change, the same", *made, "s", goal=1.5)


@dataclass
class Side:
    """A town that runs, and who works with it."""

    town: Town
    daemon: int
    browser: Browser
    program: Program
    posted: int = 0
    called: list[list[float]] = field(default_factory=list)

    @classmethod
    def begun(cls, stack: ExitStack, posts: int, server: PostgreSQL | None = None) -> Side:
        """One with so many finished posts, in a file or at a server."""
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-"))
        town = stack.enter_context(contextlib.contextmanager(town_in)(Path(folder)))
        town.start_sandbox("--no-limits")
        if posts:
            history.copy_to(town.database, posts)
        if server is not None:
            town.store = server.url()
            if posts:
                copy(town.database, town.place, SystemClock().now(), keep=True)
                town.database.unlink()
        town.configure("".join(CHANNELS), DESK)
        done = town.tocsin("user", "add", "Anne", "--role", "administrator", "--password-stdin", stdin=FIRST)
        assert done.returncode == 0, done.stderr
        [token] = town.objects("token", "add", "capteur", "--role", "author")
        daemon = town.start_daemon()
        program = stack.enter_context(contextlib.closing(Program(daemon.url, token["token"])))
        return cls(town, daemon.pid, Browser(daemon.url).sign_in("Anne"), program)

    def post(self) -> float:
        """The daemon's CPU seconds for one post, over `POSTS`."""
        took, asked = cpu_of(self.daemon), []
        for _ in range(POSTS):
            self.posted += 1
            asked.append(time.time())
            wish = {"headline": f"Coupure d’eau {self.posted}", "event": f"Coupure d’eau {self.posted}"}
            self.program.ask("/alerts", wish)
            self.town.until(lambda: len(self._calls()) >= self.posted)
        time.sleep(SETTLED)
        took = cpu_of(self.daemon) - took
        self.called.append([at - since for since, at in zip(asked, self._calls()[-POSTS:], strict=True)])
        return took / POSTS

    def medians(self) -> list[float]:
        """Of the seconds from posted to called, in each round but the first, which isn't counted."""
        return [statistics.median(each) for each in self.called[1:]]

    def _calls(self) -> list[float]:
        return sorted(each["at"] for each in self.town.requests("facebook") if each["path"].endswith("/feed"))

    def status(self) -> float:
        """Seconds until `tocsin status` has the daemon's answer, over `LOOKS`, without Python's own start."""
        began = time.perf_counter()
        for _ in range(LOOKS):
            with contextlib.redirect_stdout(io.StringIO()) as said:
                assert hand_over(["--config", str(self.town.config), "status"]) == 0
            assert said.getvalue()
        return (time.perf_counter() - began) / LOOKS

    def look(self, path: str) -> float:
        """Seconds until a page is answered, over `LOOKS`."""
        began = time.perf_counter()
        for _ in range(LOOKS):
            page = self.browser.look(path)
            assert page.status == 200, (path, page.status, page.location)
        return (time.perf_counter() - began) / LOOKS

    def make(self) -> float:
        """CPU seconds of the public pages after one more alert, with the town's page for who asks for it."""
        return asyncio.run(self._make())

    async def _make(self) -> float:
        config, clock = load_config(self.town.config), SystemClock()
        database = await open_database(config.database)
        desk = build_desk(config, clock.now)
        service = DeskService(
            town=config, database=database, desk=desk, clock=clock, new_id=new_id, events=Events(), for_pages=True
        )

        def file(unit: DeskUnit) -> Filed:
            draft = Draft("Coupure d’eau", event=f"Coupure d’eau {unit.new_id()}")
            return unit.desk.post(unit.alerts, draft_alert(draft, desk.station, unit.now, unit.new_id()), again=True)

        try:
            publisher = build_publisher(config, service, clock)
            await publisher.make()
            await service.act(file)
            began = time.process_time()
            await publisher.make()
            assert await publisher.find("/") is not None
            return time.process_time() - began
        finally:
            await database.close()
