"""The lines that a command writes, and the order that it may be carried out for. It imports next to nothing.

A command that a daemon carries out needs this and no Typer (`alerts.cli.handing`); the others write by it too.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.daemon.control import Order

ORDER: ContextVar[Order | None] = ContextVar("order", default=None)
"""The order carried out here: this process is the daemon that was asked for it, or its successor."""


def put(text: str) -> None:
    """A line on standard output. Raises OSError where it can't be written."""
    # Python has no standard output at all where it was closed before the start (`>&-`).
    if sys.stdout is None:
        raise OSError("standard output is closed")
    # Flushed line by line: a full disk or a closed pipe has to show here, not when Python exits.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def put_error(text: str) -> None:
    """A line on standard error."""
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
