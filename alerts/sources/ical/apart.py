"""A calendar that takes long, read in a process of its own, so that it holds up nothing else in this one.

Nearly every calendar is read in a thread of the daemon within milliseconds. But a thread that computes keeps the event
loop from its turns: while a calendar of hostile rules was being read for its ten seconds, an Extreme took three to four
times its usual time. So a reading has a second here. What isn't done by then is begun anew by `python -m` this module,
which has all the seconds of a calendar, nothing of the daemon's environment, and is killed when it doesn't answer. The
next version of that calendar goes there at once. Why not every calendar does:
docs/adr/0017-a-calendar-that-takes-long.md.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog

from alerts.model.errors import Unreadable
from alerts.sources.ical.agenda import WorksAgenda, read_agenda
from alerts.sources.ical.recurrence import MOST_SECONDS, Window

log = structlog.get_logger(__name__)

SECONDS_HERE = 1.0
"""How long a calendar is read in this process: two hundred events that repeat take a tenth of it."""

LONGEST_WAIT = MOST_SECONDS + 5
"""After so many seconds the other process is killed; its start is within them."""

_COMMAND = (sys.executable, "-m", __name__)


def read_calendar(
    body: bytes, window: Window, home: ZoneInfo, monotonic: Callable[[], float], *, apart: bool = False
) -> tuple[WorksAgenda, bool]:
    """As `read_agenda`, at once in another process where `apart`; and whether the next version should be read so too.

    Where that process can't be had, the agenda is what could be read here: it tells what it lacks.
    """
    began = monotonic()
    if apart and (agenda := _read_apart(body, window, home)):
        return agenda, monotonic() - began > SECONDS_HERE
    agenda = read_agenda(body, window, home, monotonic, SECONDS_HERE)
    if not agenda.out_of_time:
        return agenda, False
    # Where the other process was tried already, it won't do better now.
    return (None if apart else _read_apart(body, window, home)) or agenda, True


def _read_apart(body: bytes, window: Window, home: ZoneInfo) -> WorksAgenda | None:
    """The agenda as another process reads it; None where it doesn't, for whatever reason: here it will be found."""
    try:
        done = subprocess.run(  # noqa: S603 this very interpreter, and nothing that a stranger wrote in the command
            _COMMAND,
            input=pickle.dumps((body, window, home)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # What is read is a stranger's: none of the town's credentials are where it is read.
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=LONGEST_WAIT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("calendar.not_read_apart", error=type(error).__name__)
        return None
    agenda: WorksAgenda | None = pickle.loads(done.stdout)  # noqa: S301 as above
    return agenda


def _main() -> None:
    # The lanes come first. A service manager may forbid it (systemd's ~@resources): then it is as any other process.
    with contextlib.suppress(OSError):
        os.nice(10)
    body, window, home = pickle.load(sys.stdin.buffer)  # noqa: S301 as above
    agenda = None
    with contextlib.suppress(Unreadable):
        agenda = read_agenda(body, window, home)
    sys.stdout.buffer.write(pickle.dumps(agenda))


if __name__ == "__main__":
    _main()
