"""The daemon: from start to ready, and its memory when nothing is on, against its imports alone.

The floor imports what such a daemon has imported by then, no more and no less, in the same order: it is asked.
Both clocks stop at a line that says that all is there.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import samples
from bench.measure import Row, in_turn
from bench.process import cpu_of, resident
from tests.process.town import PAGE, STATION, TELEGRAM, Running, Town, X, town_in

ROUNDS = 3
IMPORTING = "PYTHONPROFILEIMPORTTIME"
"""With it, Python says each module that it has imported (python(1), `-X importtime`)."""
# What a daemon tries in vain (an optional package) is said, too, and takes its time on both sides.
_IMPORTING = """
import contextlib, importlib
for name in {names}:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
_IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$")
SETTLED = 2.0
"""Seconds after which the first look at every source is long done."""
RESTS = 6.0
"""Seconds of one sample of the CPU that it takes while nothing is on."""
CHANNELS, SOURCES = 10, 20
KINDS = tuple(channel.partition("]\n")[2].replace('api_url = "{sandbox}"\n', "") for channel in (X, PAGE, TELEGRAM))
"""Each platform's keys, without a name."""


def measure() -> Iterator[Row]:
    """Three rows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            _configure(town)
            yield _ready(town)
            yield _memory(town)
            yield _at_rest(town)


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
    imports = _imports(town)

    def ready() -> float:
        began = time.perf_counter()
        daemon = town.start_daemon()
        taken = time.perf_counter() - began
        daemon.stop()
        return taken

    def imported() -> float:
        began = time.perf_counter()
        with _importing(imports):
            return time.perf_counter() - began

    taken = in_turn(imported, ready, ROUNDS)
    return Row("daemon ready, 20 sources and 10 channels; its imports", *taken, "s", goal=2.5)


def _memory(town: Town) -> Row:
    imports = _imports(town, SETTLED)
    taken = in_turn(lambda: _imported(imports), lambda: _idle(town.start_daemon()), 1)
    return Row("memory idle, 20 sources and 10 channels; its imports", *taken, "MB", goal=1.35)


def _imports(town: Town, later: float = 0) -> str:
    """Python that imports what a daemon has imported when it is ready, or some seconds later, in the same order."""
    town.environment[IMPORTING] = "1"
    daemon = town.start_daemon()
    del town.environment[IMPORTING]
    if later:
        time.sleep(later)
        daemon.send(signal.SIGTERM)
        daemon.wait_for("tocsin.stopping")
    daemon.stop()
    names = [found[1] for line in daemon.lines if (found := _IMPORTED.match(line))]
    return _IMPORTING.format(names=names)


def _idle(daemon: Running) -> float:
    time.sleep(SETTLED)
    memory = resident(daemon.pid)
    daemon.stop()
    return memory


def _at_rest(town: Town) -> Row:
    """No floor does nothing, so it is a hundredth of a core."""
    daemon = town.start_daemon()
    time.sleep(SETTLED)
    took = []
    for _ in range(ROUNDS):
        before = cpu_of(daemon.pid)
        time.sleep(RESTS)
        took.append((cpu_of(daemon.pid) - before) / RESTS)
    daemon.stop()
    return Row("CPU a second idle, the same daemon; 1 % of a core", [0.01], took, "s", goal=1)


def _imported(imports: str) -> float:
    """Megabytes of a process that has imported these and waits."""
    with _importing(imports) as process:
        return resident(process)


@contextlib.contextmanager
def _importing(imports: str) -> Iterator[int]:
    """A process that has imported these, and waits until the block ends."""
    code = f"{imports}\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate(b"\n")
