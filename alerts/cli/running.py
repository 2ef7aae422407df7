"""A daemon in its own process: from its start until SIGTERM, with commands' orders and notifications to systemd."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import structlog

from alerts.app import build
from alerts.daemon.commands import Handed, take_commands
from alerts.daemon.environment import HANDED_OVER_AFTER, leave_alone_what_stays, tell_systemd, watchdog_interval
from alerts.model.town import Town

log = structlog.get_logger()


async def run_daemon(town: Town, handed: Handed | None = None) -> None:
    """Run until SIGTERM or SIGINT, and do what commands hand over. Raises TocsinError when it can't start."""
    sys.setswitchinterval(HANDED_OVER_AFTER)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    # A terminal that was closed, or who believes that it reads its file anew by this, must not end it.
    loop.add_signal_handler(signal.SIGHUP, log.warning, "tocsin.not_reloaded")
    daemon, commands = await build(town), None
    try:
        await daemon.start()
        leave_alone_what_stays()
        commands = take_commands(daemon.control, town, handed) if handed is not None else None
        log.info("tocsin.running", station=town.name, channels=list(daemon.lanes), sources=list(daemon.pollers))
        # Not before: systemd starts what comes after us when it hears this (sd_notify(3)).
        tell_systemd("READY=1")
        await _until(stopped, watchdog_interval())
    finally:
        tell_systemd("STOPPING=1")
        log.info("tocsin.stopping")
        if commands is not None:
            # It waits for orders under way, five seconds at most: in a thread, since the event loop has to go on.
            await asyncio.to_thread(commands.close)
        await daemon.stop()


async def _until(stopped: asyncio.Event, watchdog: float | None) -> None:
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), watchdog)
        # From the event loop itself: one that hangs falls silent, and systemd starts us anew (`WatchdogSec`).
        if watchdog is not None:
            tell_systemd("WATCHDOG=1")
