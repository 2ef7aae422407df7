"""The command line: arguments to one action or query, and an exit status. No logic.

0: done. 1: it failed, and why on one line. 2: wrong use or configuration: what, where, what is allowed.
Results go to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import typer

from alerts.cli import screen
from alerts.cli.app import app
from alerts.model.errors import ConfigurationError, Misuse, TocsinError, Unreadable

__all__ = ["app", "main"]

FAILED, WRONG_USE = 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """The `tocsin` command: runs it and exits with its status."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for place, argument in enumerate(given, start=1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            return _say(f"argument {place} is not UTF-8 text", WRONG_USE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return _run(given)


def _run(given: Sequence[str]) -> int:
    try:
        status = app(args=_spell_out(given), prog_name="tocsin", standalone_mode=False)
    except (ConfigurationError, Misuse, Unreadable) as error:
        return _say(str(error), WRONG_USE)
    except TocsinError as error:
        return _say(str(error), FAILED)
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.Abort:
        return _say("stopped; nothing was stored", FAILED)
    except typer.TyperException as error:
        return _say(error.format_message(), WRONG_USE)
    except BrokenPipeError:
        # Whoever read us has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _say(f"the answer can't be written: {error.strerror or error}", FAILED)
    return status if isinstance(status, int) else 0


def _spell_out(arguments: Sequence[str]) -> list[str]:
    """`--wait=30s` as the two options that Typer can read: it has none whose value may be left out."""
    spelled: list[str] = []
    for argument in arguments:
        name, sign, span = argument.partition("=")
        spelled += ["--wait", f"--wait-for={span}"] if name == "--wait" and sign else [argument]
    return spelled


def _say(text: str, status: int) -> int:
    for line in text.splitlines():
        screen.say(f"tocsin: {line}")
    return status
