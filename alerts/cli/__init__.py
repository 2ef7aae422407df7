"""The command line: arguments to one action or query, and an exit status. No logic.

0: done. 1: it failed, and why on one line. 2: wrong use or configuration: what, where, what is allowed.
Results go to standard output, progress and errors to standard error. What a running daemon can do faster is handed over
to it (`handing`), before anything large is imported; the rest is carried out here (`app`).
"""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Sequence

from alerts import leave_out_colours
from alerts.cli.handing import hand_over

COLLECTED_AFTER = 100_000
"""Objects after which the garbage collector looks for any that may go: a command makes so many, and keeps most."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The `tocsin` command: runs it and exits with its status."""
    leave_out_colours()
    gc.set_threshold(COLLECTED_AFTER)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal can't show is spelled out: an error here would hide that the alert is stored.
            stream.reconfigure(errors="backslashreplace")
    status = hand_over(given)
    if status is not None:
        return status
    # Only here, where no daemon did the work: it loads Typer, and with the first option Pydantic (docs/adr/0014).
    from alerts.cli.app import carry_out

    return carry_out(given)
