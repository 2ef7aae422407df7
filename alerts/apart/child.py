"""A process that reads strangers' bytes: one message after the other, each within its limits, until nothing more comes.

It is begun by `pool` with a socket as its standard input, nothing of the daemon's environment, and a lower priority.
The system ends it where it computes too long, gives it no more memory than it may have, and lets it write no file and
begin no process. It ends by itself after a rest, after many messages, and when the daemon is gone.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import socket
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from alerts import leave_out_colours
from alerts.apart import wire
from alerts.apart.wire import LARGEST_QUESTION, Limits

IDLE = 60.0
"""Seconds without a question after which it ends."""
MOST_QUESTIONS = 500
"""After so many it makes room for a fresh one: whatever libraries keep for themselves goes with it."""
LONGEST_LIFE = 900
"""Seconds of computing after which the system ends it in any case."""
LARGEST = 1536 * 1_048_576
"""Bytes of address space that no question may go beyond."""


def _limit_for_good() -> None:
    # The lanes come first. A service manager may forbid it (systemd's ~@resources): then it is as any other process.
    with contextlib.suppress(OSError):
        os.nice(10)
    # Where memory runs out, this is what the machine is to end, not the daemon.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, most in (
        (resource.RLIMIT_AS, LARGEST),
        (resource.RLIMIT_CPU, LONGEST_LIFE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        _, allowed = resource.getrlimit(kind)
        # A hard limit that is lower already can't be raised.
        least = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (least, least))


def _limit(limits: Limits) -> None:
    """The system's own limits for the next question: of a second of computing more, it is ended (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + limits.seconds)
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, limits.memory * 1_048_576)):
        allowed = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (min(most, allowed), allowed))


def _lift_limits() -> None:
    """Take back what `_limit` set: the next question is received and shaped within what holds for good."""
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        allowed = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (allowed, allowed))


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of reading for the daemon: a `value`, a `refused` reason, or the error in `stumbled`."""
    from alerts.apart.parser import PARSERS  # noqa: PLC0415 it imports what this process begins with
    from alerts.model.errors import TocsinError  # noqa: PLC0415
    from alerts.model.plain import shaped  # noqa: PLC0415

    name = question["read"]
    import_module(name.partition(":")[0])
    parser = PARSERS[name]
    types = list(parser.types().values())
    given = [shaped(kind)(each) for kind, each in zip(types, question["given"], strict=False)]
    # Only now, so that the imports don't count against the question's time.
    _limit(Limits(**question["limits"]))
    try:
        return {"value": parser(*given)}
    except TocsinError as error:
        return {"refused": error.reason}
    except MemoryError:
        return {"memory": True}
    except Exception as error:  # noqa: BLE001 told, with where it was
        return {"stumbled": f"{type(error).__name__} {_place(error)}"}


def _place(error: BaseException) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step is not None else ""


def main() -> None:
    """Answer until there is nothing more to answer."""
    _limit_for_good()
    leave_out_colours()
    # Without questions for a while, or without its daemon, the process has nothing to do.
    with socket.socket(fileno=0) as line, contextlib.suppress(TimeoutError, BrokenPipeError):
        for _ in range(MOST_QUESTIONS):
            line.settimeout(IDLE)
            question = wire.received(line.recv_into, LARGEST_QUESTION)
            if question is None:
                break
            reply = answer(question)
            line.settimeout(None)
            line.sendall(wire.packed(reply))
            _lift_limits()
            # A process that ran out of memory may be in any state.
            if "memory" in reply:
                break


if __name__ == "__main__":
    main()
