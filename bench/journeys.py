"""How many files of `alerts` the journey of an alert or of an officer enters: `python -m bench.journeys [--files]`.

How it works: the daemon runs in this process against the sandbox, with a profile function in every thread that begins
from then on. A journey starts when nothing is going on. Until it ends, the file of each called function is noted. Code
that runs at import isn't counted. What the daemon does by itself meanwhile (leases, looks at the database) is counted,
since some of it lies on the way, too; the last column says how many of the files an idle daemon enters as well. "With
the page" ends when the town's page has been made anew, as after each change.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

import alerts
from alerts.access.accounts import add_account
from alerts.access.passwords import Passwords
from alerts.app import Daemon, build
from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.daemon.environment import DaemonEnvironment
from alerts.daemon.telemetry import set_up_log
from alerts.demo import SECRETS, sample, start_sandbox, times
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.events import AttemptFinished
from alerts.model.person import Actor, Origin, Role
from tests.process.visiting import Browser
from tests.unit.web.console.composing import form_of
from tocsin_sandbox.settings import SandboxSettings

HERE = Path(alerts.__file__).parent
BEFORE: Mapping[str, int] = {"alert": 92, "alert, with the page": 122, "publish": 122, "approve": 122, "/start": 52}
"""What commit 305e67e had."""
GOALS: Mapping[str, int] = {"alert": 45, "alert, with the page": 60, "publish": 60, "approve": 60, "/start": 30}
PATIENCE = 30.0
AT_REST = 5.0
"""Seconds after which the daemon has looked at everything for the first time, and waits."""
PASSWORD = "seize chevaux traversent le pont"
TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"
areas = ["INSEE:38185", "NUTS3:FR714"]
[store]
url = "sqlite:///tocsin.db"
[web]
listen = "127.0.0.1:0"
[desk]
second_factor = "optional"
[sources.manual]
kind = "manual"
publish = "{publish}"
[sources.meteo]
kind = "cap"
url = "{feed}/index.atom"
every = "{every}"
[channels.telegram]
kind = "telegram"
api_url = "{sandbox}"
chat = "@saintmartin_alertes"
token = {{ file = "telegram-token" }}
subscriptions = {bot}
"""


class Entered:
    """The files whose functions were called since `begin`."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """As a profile function."""
        if event == "call":
            self._seen.add(frame.f_code)

    def begin(self) -> None:
        """From here on."""
        self._seen = set()

    def files(self) -> list[str]:
        """By their names within the package. The body of a module or of a class is no function."""
        codes = {code for code in tuple(self._seen) if code.co_flags & CO_OPTIMIZED}
        found = {Path(code.co_filename) for code in codes}
        return sorted(str(path.relative_to(HERE)) for path in found if path.is_relative_to(HERE))


@contextlib.contextmanager
def profiled(entered: Entered) -> Iterator[None]:
    """Note every call, in this thread and in those that begin within."""
    threading.setprofile(entered)
    sys.setprofile(entered)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


class Feed:
    """A weather feed that says nothing until it is told to."""

    def __init__(self) -> None:
        self.speaks = False
        self.url = ""
        self._words = times(datetime.now(UTC))
        self._samples = {name: sample(name) for name in ("index.atom", "orages.xml")}

    async def answer(self, request: web.Request) -> web.Response:
        """Its index, or its one message."""
        body = self._samples[request.match_info["name"]].format(host=request.host, **self._words)
        if not self.speaks:
            body = body[: body.index("<entry>")] + body[body.index("</entry>") + len("</entry>") :]
        return web.Response(text=body, content_type="application/xml")

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[Feed]:
        """On a free port."""
        app = web.Application()
        app.router.add_get("/meteo/{name:index.atom|orages.xml}", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/meteo"
        try:
            yield self
        finally:
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Journey:
    """The files that were entered, and those that the daemon had entered just before while nothing happened."""

    files: Sequence[str]
    idle: frozenset[str]

    @property
    def shared(self) -> int:
        """How many of its files an idle daemon enters, too."""
        return len(self.idle.intersection(self.files))


class Walk:
    """A daemon at rest, and what is entered while one thing happens. `sent` counts the posts that are out."""

    def __init__(self, daemon: Daemon, entered: Entered, feed: Feed, sandbox: str) -> None:
        self.daemon = daemon
        self.feed = feed
        self.sandbox = sandbox
        self._entered = entered
        self._sent = asyncio.Event()
        daemon.events.subscribe(AttemptFinished, lambda _: self._sent.set())

    async def of(self, journey: Callable[[], Awaitable[object]], over: Callable[[], Awaitable[object]]) -> Journey:
        """The files entered from the beginning of a journey until it is over."""
        self._sent.clear()
        self._entered.begin()
        await asyncio.sleep(AT_REST)
        idle = frozenset(self._entered.files())
        self._entered.begin()
        await journey()
        async with asyncio.timeout(PATIENCE):
            await over()
        return Journey(self._entered.files(), idle)

    async def until_sent(self) -> None:
        """Until an attempt came to its end."""
        await self._sent.wait()

    async def until_shown(self) -> None:
        """Until then, and until the town's page had its turn, too."""
        await self._sent.wait()
        since = time.monotonic()
        while True:
            ages = [each.age for each in self.daemon.vitals.cycles() if each.name == "pages"]
            if ages and ages[0] is not None and ages[0] < time.monotonic() - since:
                return
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def walking(
    publish: str = "auto", *, doors: bool = True, every: str = "1h", bot: str = "false"
) -> AsyncIterator[Walk]:
    """A town in a folder of its own, with two people at its desk."""
    entered, feed = Entered(), Feed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sandbox = await start_sandbox(SandboxSettings(), "127.0.0.1", 8281, tries=200)
        async with feed.served():
            (folder / "telegram-token").write_text(SECRETS["telegram-token"])
            text = TOWN.format(publish=publish, feed=feed.url, sandbox=sandbox.url, every=every, bot=bot)
            (folder / "channels.toml").write_text(text, encoding="utf-8")
            config = load_config(folder / "channels.toml")
            with profiled(entered):
                await asyncio.to_thread(lambda: Control(config).act(let_in))
                daemon = await build(config, DaemonEnvironment(doors=doors))
                await daemon.start()
                await asyncio.sleep(AT_REST)
                try:
                    yield Walk(daemon, entered, feed, sandbox.url)
                finally:
                    await daemon.stop()
                    await sandbox.stop()


def let_in(unit: DeskUnit) -> None:
    """Accounts of two people who approve, with a password of their own each."""
    kept = Passwords().hash_now(PASSWORD)
    for name in ("Anne", "Paul"):
        account = add_account(
            Officer(unit, Actor("bench", Role.ADMINISTRATOR, Origin.COMMAND)), name, Role.APPROVER, kept
        )
        unit.accounts.put_account(replace(account, must_change=False))


async def alert(*, doors: bool) -> Journey:
    """A message of a feed, from the look at which it is new to its receipt."""
    async with walking(doors=doors, every="1s") as walk:

        async def speak() -> None:
            walk.feed.speaks = True

        return await walk.of(speak, walk.until_shown if doors else walk.until_sent)


async def publish() -> Journey:
    """An officer opens the form of a prepared hazard, and publishes."""
    async with walking() as walk:
        anne = await signed_in(walk, "Anne")
        return await walk.of(lambda: asyncio.to_thread(compose, anne), walk.until_shown)


async def approve() -> Journey:
    """Another officer opens what waits, and approves."""
    async with walking("approve") as walk:
        anne, paul = await signed_in(walk, "Anne"), await signed_in(walk, "Paul")
        waiting = await asyncio.to_thread(compose, anne)
        await asyncio.sleep(AT_REST)

        def approving() -> None:
            page = paul.look(f"/desk/waiting/{waiting}")
            done = paul.press(f"/desk/waiting/{waiting}/approve", seen=page.hidden("seen"))
            assert done.status == 303, done.text

        return await walk.of(lambda: asyncio.to_thread(approving), walk.until_shown)


async def start() -> Journey:
    """Somebody writes `/start` to the bot, and is answered."""
    async with walking(bot="true") as walk, aiohttp.ClientSession() as session:
        who = {"id": 5_550_001_234, "is_bot": False, "first_name": "Anne", "language_code": "fr"}
        chat = {"id": who["id"], "type": "private", "first_name": "Anne"}
        message = {"message_id": 1001, "from": who, "chat": chat, "date": 1, "text": "/start"}

        async def say() -> None:
            update = {"update": {"message": message}}
            async with session.post(f"{walk.sandbox}/sandbox/telegram/updates", json=update) as answer:
                assert answer.status < 300, await answer.text()

        async def answered() -> None:
            while True:
                async with session.get(f"{walk.sandbox}/sandbox/timelines.json") as answer:
                    if str(who["id"]) in await answer.text():
                        return
                await asyncio.sleep(0.05)

        return await walk.of(say, answered)


async def signed_in(walk: Walk, name: str) -> Browser:
    """A browser that has signed in."""
    browser = Browser(walk.daemon.url)

    def sign_in() -> None:
        browser.press("/desk/sign-in", name=name, password=PASSWORD)
        assert browser.look("/desk/").status == 200

    await asyncio.to_thread(sign_in)
    return browser


def compose(browser: Browser) -> str:
    """Fill in the prepared form and send it; the alert's id."""
    page = browser.look("/desk/compose?hazard=water-cut")
    assert page.status == 200, page.text
    form = [(name, value.replace("{", "").replace("}", "")) for name, value in form_of(page.html)]
    filled = [*((name, value) for name, value in form if name != "do"), ("do", "publish")]
    done = browser.send("/desk/compose", urlencode(filled))
    assert done.status == 303, done.text
    return done.location.rpartition("/")[2]


def journeys() -> Iterator[tuple[str, Journey]]:
    """Each journey with the files that were entered."""
    yield "alert", asyncio.run(alert(doors=False))
    yield "alert, with the page", asyncio.run(alert(doors=True))
    yield "publish", asyncio.run(publish())
    yield "approve", asyncio.run(approve())
    yield "/start", asyncio.run(start())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.journeys", description=__doc__)
    parser.add_argument("--files", action="store_true", help="name the files")
    asked = parser.parse_args()
    set_up_log("error")
    print("| journey | files entered at 305e67e | goal | now | of them idle, too |\n|---|---|---|---|---|")
    for name, journey in journeys():
        print(f"| {name} | {BEFORE[name]} | < {GOALS[name]} | {len(journey.files)} | {journey.shared} |", flush=True)
        if asked.files:
            print("\n".join(journey.files))


if __name__ == "__main__":
    main()
