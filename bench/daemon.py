"""The daemon: from start to ready, and its memory when nothing is on, against its imports alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import samples
from bench.measure import Row, in_turn
from bench.process import resident, run_time
from tests.process.town import PAGE, STATION, TELEGRAM, Running, Town, X, town_in

ROUNDS = 3
MODULES = ["cli", "app", "daemon.telemetry", "sources.cap.source", "sources.ical.source"]
MODULES += ["channels.twitter", "channels.facebook", "channels.telegram"]
IMPORTS = "\n".join(f"import alerts.{module}" for module in MODULES)
"""What a daemon with every kind of source and channel imports."""
SETTLED = 2.0
"""Seconds after which the first look at every source is long done."""
CHANNELS, SOURCES = 10, 20
KINDS = tuple(channel.partition("]\n")[2].replace('api_url = "{sandbox}"\n', "") for channel in (X, PAGE, TELEGRAM))
"""Each platform's keys, without a name."""


def measure() -> Iterator[Row]:
    """Two rows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            _configure(town)
            yield _ready(town)
            yield _memory(town)


def _configure(town: Town) -> None:
    (town.folder / "feed.atom").write_bytes(samples.index(0))
    (town.folder / "works.ics").write_bytes(samples.calendar(200))
    urls = (("cap", "feed.atom"), ("ical", "works.ics"))
    sources = [(f"source{n}", *urls[n % 2]) for n in range(SOURCES)]
    channels = [f'[channels.channel{n}]\napi_url = "{{sandbox}}"\n{KINDS[n % 3]}' for n in range(CHANNELS)]
    town.sandbox = "http://127.0.0.1:9"
    town.configure(
        "\n".join(channels),
        "\n".join(f'[sources.{name}]\nkind = "{kind}"\nurl = "{url}"\n' for name, kind, url in sources),
        STATION,
    )


def _ready(town: Town) -> Row:
    town.tocsin("db", "upgrade")

    def ready() -> float:
        began = time.perf_counter()
        daemon = town.start_daemon()
        taken = time.perf_counter() - began
        daemon.stop()
        return taken

    def imported() -> float:
        began = time.perf_counter()
        run_time(["-c", IMPORTS], town.folder)
        return time.perf_counter() - began

    taken = in_turn(imported, ready, ROUNDS)
    return Row("daemon ready, 20 sources and 10 channels; its imports", *taken, "s", goal=2.5)


def _memory(town: Town) -> Row:
    taken = in_turn(_imported, lambda: _idle(town.start_daemon()), 1)
    return Row("memory idle, 20 sources and 10 channels; its imports", *taken, "MB", goal=1.35)


def _idle(daemon: Running) -> float:
    time.sleep(SETTLED)
    held = resident(daemon.process.pid)
    daemon.stop()
    return held


def _imported() -> float:
    """Megabytes of a process that has imported the same and waits."""
    code = f"{IMPORTS}\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        held = resident(process.pid)
        process.communicate(b"\n")
    return held
