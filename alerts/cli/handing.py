"""A command line handed over to a running daemon, which carries it out by the same function as the command would.

Before anything large is imported, `hand_over` checks the words of the line. A `post` or `status` that needs no terminal
and no file but a CAP message goes to the daemon (`alerts.daemon.control`) as it is, with the message's bytes; the
daemon reads its options, and refuses them, as the command would have done. Its output comes back. If no daemon takes
it, or one breaks off, the command carries the line out by itself: `ORDER` then holds the standard input that was read
already, and the key under which the daemon may have stored its alert.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.cli.streams import ORDER, put, put_error
from alerts.daemon.control import LARGEST_BODY, Order, Unanswered, ask, place_of

if TYPE_CHECKING:
    from alerts.daemon.commands import Caller

# Options of lines that the command always carries out itself.
#
# Typer prints help by itself, the daemon may lack the right to read a picture, and listing everything that was ever
# stored would take memory and time from its lanes.
_STAYS = ("-h", "--help", "--image", "--all")


def hand_over(given: Sequence[str]) -> int | None:
    """Have a daemon carry the line out; returns its exit status. None: the command must carry it out itself."""
    ORDER.set(None)
    file, line = settings_and_line(given)
    heard = _Heard()
    try:
        return _hand_over(file, line, heard)
    except KeyboardInterrupt:
        # Ctrl-C ends the command but not the daemon, which may have stored the alert: the output says so.
        return _stopped(file, heard)


def _hand_over(file: Path, line: Sequence[str], heard: _Heard) -> int | None:
    order = _order_of(line)
    place = place_of(file) if order is not None else None
    if order is None or place is None:
        return None
    try:
        heard.may_be_stored = line[0] == "post"
        status = ask(place, order, heard)
    except Unanswered:
        ORDER.set(order)  # with its key: what the daemon stored of it is found
        return None
    if status is None:
        # Turned away, so nothing was stored and no key is needed; but standard input was read, and can't be read again.
        ORDER.set(Order(order.line, "", body=order.body))
        return None
    try:
        heard.show()
    except OSError as error:
        return _unshown(file, heard.stored, error)
    return status


def settings_and_line(given: Sequence[str]) -> tuple[Path, Sequence[str]]:
    """Return the configuration that the options before the command name, and the rest of the line."""
    # Parsed by hand: loading Typer alone takes half the time of a whole handed-over command (docs/adr/0014).
    named, line = os.environ.get("TOCSIN_CONFIG") or "channels.toml", list(given)
    while line and line[0].partition("=")[0] == "--config":
        option = line.pop(0)
        named = option.partition("=")[2] if "=" in option else line.pop(0) if line else named
    return Path(named), line


def _order_of(line: Sequence[str]) -> Order | None:
    """Return the order for a line that a daemon can carry out; the daemon parses the words. None: it can't."""
    options = [word.partition("=")[0] for word in line]
    if not _may_go(line):
        return None
    if any("\ud800" <= character <= "\udfff" for word in line for character in word):
        return None
    body = None
    if line[0] == "post":
        if ("--headline" in options) is ("--cap" in options):
            return None  # the command asks its questions, or refuses the combination
        if "--cap" in options and (body := _message(line, options)) is None:
            return None
    # The daemon can't see this terminal, so the order describes it.
    is_plain = bool(os.environ.get("NO_COLOR")) or sys.stdout is None or not sys.stdout.isatty()
    is_unicode = "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    return Order(list(line), os.urandom(16).hex(), not is_plain, is_unicode, body)


def _may_go(line: Sequence[str]) -> bool:
    return list(line[:1]) in (["post"], ["status"]) and not any(word.partition("=")[0] in _STAYS for word in line)


def _message(line: Sequence[str], options: Sequence[str]) -> bytes | None:
    """Return the CAP message of a line. Returns None if it can't be read: the reader of the line reports that."""
    # If an option is given twice, Typer takes the last.
    place = len(options) - 1 - options[::-1].index("--cap")
    file = line[place].partition("=")[2] if "=" in line[place] else "".join(line[place + 1 : place + 2])
    try:
        if file == "-":
            body = sys.stdin.buffer.read(LARGEST_BODY + 1) if sys.stdin is not None else b""
            ORDER.set(Order(list(line), "", body=body))  # it can't be read again
        else:
            with Path(file).open("rb") as stream:
                body = stream.read(LARGEST_BODY + 1)
    except (OSError, ValueError):
        return None
    return body if len(body) <= LARGEST_BODY else None


class _Heard:
    """The daemon's output: its progress is shown at once, and everything from the first line of the result at the end.

    So if it breaks off, nothing of a result was shown, and the command can begin it again.
    """

    def __init__(self) -> None:
        self.stored: str | None = None
        self.may_be_stored = False
        self._kept: list[tuple[str, str]] = []

    def __call__(self, kind: str, what: object) -> None:
        if kind == "stored":
            self.stored = str(what)
        elif kind == "show" or (kind == "say" and self._kept):
            self._kept.append((kind, str(what)))
        elif kind == "say":
            put_error(str(what))

    def show(self) -> None:
        """Show what was kept. Raises OSError."""
        for kind, text in self._kept:
            (put if kind == "show" else put_error)(text)


def _stopped(file: Path, heard: _Heard) -> int:
    from alerts.cli import screen
    from alerts.cli.screen import tell

    screen.address(file)
    if heard.stored is not None:
        said = tell("stopped; %(alert)s is stored", alert=heard.stored)
    elif heard.may_be_stored:
        said = tell("stopped; `tocsin status` tells whether it was stored")
    else:
        said = tell("stopped; nothing was stored")
    screen.say(f"tocsin: {said}")
    return 1


def _unshown(file: Path, stored: str | None, error: OSError) -> int:
    from alerts.cli import screen
    from alerts.cli.app import exit_status
    from alerts.cli.filing import say_unwritten

    def fail() -> int:
        raise error

    screen.address(file)
    return exit_status(fail) if stored is None else say_unwritten(stored, error)


def carry_out(order: Order, caller: Caller) -> int:
    """In the daemon: carry out a line as the command that handed it over would; returns its exit status."""
    from alerts.cli import screen
    from alerts.cli.app import carry_out as carry_out_line

    # The client of the socket may be another program: no other commands are carried out for it.
    if not _may_go(order.line):
        raise ValueError("another command than those that are handed over")
    # Pydantic, which Typer loads, must not read plug-ins by an environment that all threads share.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    ORDER.set(order)
    screen.CALLER.set(caller)
    return carry_out_line(order.line, caller.file)
