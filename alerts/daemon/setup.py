"""`tocsin setup`: the pages of setting up alone, for whoever sits at this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from alerts.config import load_config
from alerts.daemon.serving import serve
from alerts.daemon.workshop import FileWorkshop
from alerts.model.errors import ConfigurationError
from alerts.model.ports import SystemClock
from alerts.model.reason import because
from alerts.model.town import Town, WebSection
from alerts.rendering.i18n import sentence
from alerts.web.console.frame import BASE, Frame
from alerts.web.console.setup.first import Door, first_app, new_code
from alerts.web.listener import Listener

_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "::1", "localhost"})


async def open_setup(file: Path, listen: WebSection, code: str) -> tuple[Listener, str]:
    """Serve the pages; returns what to clean up, and the address that opens them once. Raises TocsinError."""
    clock = SystemClock()
    frame = Frame(Town("Tocsin"), clock.now)
    hosts: set[str] = set()
    door = Door(code, hosts)
    app = first_app(frame, FileWorkshop(file, clock, trusted=True), door)
    listener, url = await serve(app, listen, clock)
    port = url.rpartition(":")[2]
    hosts |= {f"{host}:{port}" for host in ("127.0.0.1", "[::1]", "localhost", listen.host) if host}
    return listener, f"{url}{BASE}/setup?code={code}"


async def run_setup(file: Path, listen: WebSection, say: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listener, url = await open_setup(file, listen, new_code())
    try:
        language = _language_of(file)
        say(f"{sentence(because('setup_address'), language)}\n\n    {url}\n")
        if listen.host not in _LOOPBACK:
            say(sentence(because("setup_from_outside"), language))
        say(sentence(because("setup_writes_nothing"), language))
        await stopped.wait()
    finally:
        await listener.close()
    return 0


def _language_of(file: Path) -> str:
    """The station's language where there is one already, right or wrong; else English."""
    try:
        return load_config(file).language
    except ConfigurationError as error:
        return error.language
