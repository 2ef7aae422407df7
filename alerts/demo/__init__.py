"""All of Tocsin on one machine, for a first impression: sandboxes of the platforms, sample feeds, and the daemon.

This module has the sandboxes with their fake credentials, and a server of the sample feeds; `show` adds the daemon.
They are separate so that `tocsin sandbox` starts without importing a daemon.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from alerts.model.errors import Misuse, TocsinError
from alerts.model.reason import because
from tocsin_sandbox import settings as fake
from tocsin_sandbox.server import RunningSandbox, serve

SECRETS: Mapping[str, str] = {
    "x-consumer-key": fake.TWITTER_CONSUMER_KEY,
    "x-consumer-secret": fake.TWITTER_CONSUMER_SECRET,
    "x-access-token": fake.TWITTER_ACCESS_TOKEN,
    "x-access-token-secret": fake.TWITTER_ACCESS_TOKEN_SECRET,
    "facebook-token": fake.FACEBOOK_PAGE_TOKEN,
    "telegram-token": fake.TELEGRAM_TOKEN,
}
"""The secrets that the sandbox accepts, by the demo's file name. None of them opens anything else."""


def sample(name: str) -> str:
    """A sample file that ships, with its places for times and addresses still open."""
    return (files("alerts.demo") / "samples" / name).read_text(encoding="utf-8")


def times(now: datetime) -> dict[str, str]:
    """The samples' times, as if they had been written just now."""
    paris = ZoneInfo("Europe/Paris")
    begins = now + timedelta(hours=2)  # a first reading announces nothing that began before it
    return {
        "stamp": f"{now:%Y%m%d%H%M%S}",
        "sent": now.astimezone(paris).isoformat(timespec="seconds"),
        "expires": (now + timedelta(hours=6)).astimezone(paris).isoformat(timespec="seconds"),
        "utc": f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "begins": f"{begins.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "ends": f"{now + timedelta(days=2):%Y%m%dT%H%M%SZ}",
    }


async def serve_feeds(now: datetime) -> tuple[web.AppRunner, str]:
    """Serve the weather feed on a free port of this machine; returns the runner to clean up, and `host:port`."""
    words = times(now)

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = sample(name).format(host=request.host, **words)
        return web.Response(text=body, content_type="application/xml", headers={"ETag": f'"{words["stamp"]}"'})

    app = web.Application()
    app.router.add_get("/meteo/{name:index.atom|orages.xml}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"{host}:{port}"


async def start_sandbox(settings: fake.SandboxSettings, host: str, port: int, tries: int = 1) -> RunningSandbox:
    """A sandbox on that port, or on one of the `tries` after it. Raises TocsinError where none is free."""
    for candidate in range(port, port + tries):
        try:
            return await serve(settings, host, candidate)
        except OSError as error:
            # What asyncio says holds the address once more, in English.
            trouble = os.strerror(error.errno) if error.errno else error
    raise TocsinError(because("listen_refused", address=f"{host}:{port}", said=trouble))


async def run_sandbox(listen: str, state: Path | None, *, limits: bool, say: Callable[[str], None]) -> int:
    """Run a sandbox until SIGTERM or Ctrl-C."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise Misuse(because("no_place_to_listen", text=f"--listen {listen!r}", example="127.0.0.1:8081"))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = await start_sandbox(fake.SandboxSettings(state_dir=state, limits=limits), host, int(port))
    say(f"The platforms' stand-ins answer at {running.url} (Ctrl-C stops)")
    say(f"A Firefox takes push from here once its dom.push.serverURL is {running.push_line}")
    try:
        await stopped.wait()
    finally:
        await running.stop()
    return 0
