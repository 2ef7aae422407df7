"""Prints where the suite's seconds go, by folder, file and test, and who waits: `make test DURATIONS=1`.

How it works: at the end of each test its process notes how much it and all processes beneath it have computed, by
`/proc`, how long its event loop stood still for want of something to do, and how long each sleep lasted. The difference
to the end of the test before is the test's, with what pytest needs for it. A process that is left by its parent isn't
seen any more. `build/durations.tsv` has a line for each test.
"""

from __future__ import annotations

import asyncio
import os
import resource
import selectors
import sys
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ROOT / "build" / "durations.tsv"
SHORT = 0.2
"""Seconds; sleeps below are not listed."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Waits:
    """How long this process waited: its loops and naps since it began, and each sleep since the last test's end."""

    idle = 0.0
    slept: ClassVar[Counter[str]] = Counter()


class Cost(NamedTuple):
    """Seconds: computed here, computed by processes beneath, passed, and passed while the loop had nothing to do."""

    own: float = 0
    beneath: float = 0
    wall: float = 0
    idle: float = 0

    @property
    def computed(self):
        return self.own + self.beneath

    def plus(self, other):
        return Cost(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other):
        return Cost(*(a - b for a, b in zip(self, other, strict=True)))


def _beneath():
    """Seconds of all processes beneath this one: those that run, and those that they and we have buried."""
    parents, computed = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(said[1])
        computed[int(stat.parent.name)] = sum(map(int, said[11:15])) / _TICKS
    ours, grown = {os.getpid()}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        ours |= more
        grown = bool(more)
    buried = resource.getrusage(resource.RUSAGE_CHILDREN)
    return buried.ru_utime + buried.ru_stime + sum(computed.get(pid, 0) for pid in ours - {os.getpid()})


class Noting:
    """What a process of tests notes, and hands on with each test's last report."""

    def __init__(self):
        self.before = Cost()

    def now(self, beneath=None):
        own = resource.getrusage(resource.RUSAGE_SELF)
        beneath = _beneath() if beneath is None else beneath
        return Cost(own.ru_utime + own.ru_stime, beneath, time.monotonic(), Waits.idle)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self):
        started = self.before
        self.before = self.now()
        if not started.wall:
            self.collected = self.before._replace(wall=0.0, idle=0.0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if call.when == "teardown":
            # Other folders start so few processes that they are looked at only at the end of each file.
            takes_long = item.path.relative_to(ROOT).parts[1] in ("process", "browser", "contract")
            last = self.last_of_its_file(item)
            now = self.now(None if takes_long or last else self.before.beneath)
            cost = map(partial(max, 0.0), now.minus(self.before))  # a process that was left takes its past with it
            report.user_properties.append(("cost", (*cost, dict(Waits.slept))))
            Waits.slept.clear()
            self.before = now
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        self.nextitem = nextitem
        return (yield)

    def last_of_its_file(self, item):
        return self.nextitem is None or self.nextitem.path != item.path

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["collected"] = (*self.collected,)


class Telling:
    """Adds up what was noted, and prints it at the end."""

    def __init__(self, noting):
        self.costs, self.slept, self.noting, self.collected = {}, {}, noting, []

    def pytest_runtest_logreport(self, report):
        for name, told in report.user_properties:
            if name == "cost" and report.when == "teardown":
                *cost, slept = told
                self.costs[report.nodeid] = Cost(*cost)
                self.slept[report.nodeid] = slept

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self.collected.append(Cost(*getattr(node, "workeroutput", {}).get("collected", Cost())))

    def pytest_terminal_summary(self, terminalreporter):
        out = terminalreporter
        folders, files = defaultdict(Cost), defaultdict(Cost)
        counted, whole = Counter(), Cost()
        for test, cost in self.costs.items():
            file = test.partition("::")[0]
            folder = "/".join(file.split("/")[:3]).removesuffix(".py") if "/unit/" in file else str(Path(file).parent)
            for kept, name in ((folders, folder), (files, file)):
                kept[name] = kept[name].plus(cost)
                counted[name] += 1
            whole = whole.plus(cost)
        for each in self.collected or [self.noting.collected]:
            out.write_line(f"{each.computed:9.1f} s to import and collect")
        self._table(out, "folder", {**folders, "all": whole}, counted, 200)
        self._table(out, "file", files, counted, 60)
        self._table(out, "test", self.costs, counted, 60)
        out.section("sleeps of more than 0.2 s: together, longest first")
        asked = [(seconds, test, where) for test, slept in self.slept.items() for where, seconds in slept.items()]
        for seconds, test, where in sorted(asked, reverse=True)[:100]:
            out.write_line(f"{seconds:9.1f} {where} {test}")
        WRITTEN.parent.mkdir(exist_ok=True)
        lines = ("\t".join([f"{each:.3f}" for each in cost] + [test]) for test, cost in self.costs.items())
        WRITTEN.write_text("\n".join(["own\tbeneath\twall\tidle\ttest", *lines, ""]))

    @staticmethod
    def _table(out, kind, costs, counted, longest):
        out.section(f"seconds by {kind}")
        out.write_line(" computed   itself  beneath   passed     idle   tests")
        for name, cost in sorted(costs.items(), key=lambda each: -each[1].computed)[:longest]:
            figures = f"{cost.computed:9.1f}{cost.own:9.1f}{cost.beneath:9.1f}{cost.wall:9.1f}{cost.idle:9.1f}"
            out.write_line(f"{figures}{counted[name] or '':>8} {name}")


def _watch_waits():
    """Note how long loops stand still, and each sleep."""
    select, sleep, nap = selectors.EpollSelector.select, asyncio.sleep, time.sleep

    def selecting(self, timeout=None):
        if timeout is not None and timeout <= 0:
            return select(self, timeout)
        began = time.monotonic()
        try:
            return select(self, timeout)
        finally:
            Waits.idle += time.monotonic() - began

    def where():
        frame = sys._getframe(2)
        file = frame.f_code.co_filename
        return f"{file.removeprefix(f'{ROOT}/')}:{frame.f_lineno}"

    def noted(caller, began):
        lasted = time.monotonic() - began
        if lasted > SHORT:
            Waits.slept[caller] += lasted

    async def sleeping(delay, result=None):
        caller, began = where() if delay > 0 else "", time.monotonic()
        try:
            return await sleep(delay, result)
        finally:
            if caller:
                noted(caller, began)

    def napping(seconds):
        began = time.monotonic()
        nap(seconds)
        Waits.idle += time.monotonic() - began
        noted(where(), began)

    selectors.EpollSelector.select = selecting
    vars(asyncio)["sleep"] = vars(asyncio.tasks)["sleep"] = sleeping
    vars(time)["sleep"] = napping


def pytest_configure(config):
    noting = Noting()
    if os.environ.get("PYTEST_XDIST_WORKER") or not config.getoption("numprocesses", None):
        _watch_waits()
        config.pluginmanager.register(noting)
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        config.pluginmanager.register(Telling(noting))
