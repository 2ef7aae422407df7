"""The demo: a weather feed, a works calendar and a manual alert go out on three sandboxes, each printed as it does.

One of them is Severe and also sent to a subscriber of the bot. Under one of the posts people ask a question, which is
answered once; and a poll is opened, answered, closed and counted. Five people report the same at one place: that makes
a draft, which is published once somebody approves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from alerts.access.accounts import add_account, first_password
from alerts.access.passwords import Passwords
from alerts.app import Daemon, build
from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.daemon.desk import now as wall_clock
from alerts.demo import SECRETS, sample, serve_feeds, start_sandbox, talk, times
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity, Urgency
from alerts.model.events import AttemptFinished
from alerts.model.incident import new_id
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import Post, PostState
from alerts.model.subscriber import Subscriber
from tocsin_sandbox.settings import SandboxSettings

Say = Callable[[str], None]
WHO = "demo"
"""The account of the demo's desk."""
EXPECTED = 9
"""Three alerts on three channels."""
# Seconds until the demo gives up and lists the rest.
PATIENCE = 150.0
STREET = "rue des Tanneurs"
HEADLINE = f"Coupure d’eau {STREET} jusqu’à ce soir"


async def run_demo(folder: Path | None, *, once: bool, say: Say) -> int:
    """Run it in `folder` (else a new one); `once`: until all is delivered, then 0, or 1 when it wasn't in time."""
    with contextlib.ExitStack() as cleanup:
        here = folder or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-")))
        here.mkdir(parents=True, exist_ok=True)
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        return await _run_in(here, stopped, once=once, say=say)


async def _run_in(here: Path, stopped: asyncio.Event, *, once: bool, say: Say) -> int:
    now = datetime.now(UTC)
    feeds, feeds_at = await serve_feeds(now)
    sandbox = await start_sandbox(SandboxSettings(state_dir=here / "sandbox"), "127.0.0.1", 8081, tries=200)
    try:
        file = _write_station(here, now, feeds_at, sandbox.url)
        daemon, read = await build(load_config(file)), asyncio.Event()
        reading = asyncio.create_task(_read_along(sandbox.url, read, say))
        try:
            password = await asyncio.to_thread(_add_account, file)
            await asyncio.to_thread(subscribe, file)
            delivered = _listen(daemon, say)
            await daemon.start()
            _welcome(daemon, sandbox.url, here, password, say)
            await _post_by_hand(file)
            complete = asyncio.create_task(_all_is_out(daemon, sandbox.url, delivered, read, say))
            return await _watch(daemon, complete, stopped, once=once, say=say)
        finally:
            reading.cancel()
            await daemon.stop()
    finally:
        await sandbox.stop()
        await feeds.cleanup()


def _write_station(here: Path, now: datetime, feeds: str, sandbox: str) -> Path:
    """Write what an administrator would: channels.toml, the calendar, and the secrets in files of their own."""
    kept = here / "secrets"
    kept.mkdir(exist_ok=True)
    for name, value in SECRETS.items():
        (kept / name).write_text(value)
    (here / "travaux.ics").write_text(sample("travaux.ics").format(**times(now)), encoding="utf-8", newline="\r\n")
    file = here / "channels.toml"
    text = sample("channels.toml").format(port=_free_port(8080), feeds=feeds, sandbox=sandbox)
    file.write_text(text, encoding="utf-8")
    return file


def _free_port(first: int) -> int:
    """The first port from `first` on that nobody listens on."""
    for port in range(first, first + 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As the daemon's listener does: a port that the demo before this one left in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    return 0


def _add_account(file: Path) -> str:
    """Give the desk its first account, as `tocsin user add` does; returns the password, new at each start."""
    password = first_password(secrets.token_bytes(16)).reveal()
    kept = Passwords().hash_now(password)

    def action(unit: DeskUnit) -> None:
        officer = Officer(unit, Actor(WHO, Role.ADMINISTRATOR, Origin.COMMAND))
        account = unit.accounts.account(WHO) or add_account(officer, WHO, Role.ADMINISTRATOR, kept)
        unit.accounts.put_account(replace(account, password=kept, must_change=False))

    Control(load_config(file)).act(action)
    return password


def _welcome(daemon: Daemon, sandbox: str, here: Path, password: str, say: Say) -> None:
    say("Tocsin runs, with stand-ins of X, Facebook and Telegram on this machine.")
    say(f"  the three timelines   {sandbox}/")
    say(f"  the town's own page   {daemon.url}/")
    say(f"  the duty desk         {daemon.url}/desk   (name: {WHO}, password: {password})")
    say(f"  the daemon            {daemon.url}/readyz")
    say(f"  its configuration     {here}/channels.toml")
    say("")


def _listen(daemon: Daemon, say: Say) -> asyncio.Queue[Post]:
    """Print each delivery as it happens; the queue holds those that are out."""
    delivered: asyncio.Queue[Post] = asyncio.Queue()

    def report(event: AttemptFinished) -> None:
        post, verdict, seconds = event.post, event.verdict, event.seconds
        first_line = post.message.plain.strip().splitlines()[0]
        if verdict.state is not PostState.SENT:
            say(f"  {post.channel:<9} {verdict.state.replace('_', ' ')}: {verdict.reason}")
            return
        say(f"  {post.channel:<9} {post.kind:<8} {seconds * 1000:4.0f} ms  {first_line[:70]}")
        if verdict.receipt and verdict.receipt.url:
            say(f"            {verdict.receipt.url}")
        delivered.put_nowait(replace(post, receipt=verdict.receipt))

    daemon.events.subscribe(AttemptFinished, report)
    return delivered


async def _post_by_hand(file: Path) -> None:
    """Post as `tocsin post` does, in a thread here instead of a process of its own."""

    def post() -> None:
        control = Control(load_config(file))
        draft = Draft(
            headline=HEADLINE,
            description="Une canalisation s’est rompue. Une citerne d’eau potable est en place devant l’école Pasteur.",
            instruction="Ne buvez pas l’eau du robinet avant qu’elle soit claire ; faites-la couler cinq minutes.",
            event="Coupure d’eau",
            severity=Severity.MODERATE,
            urgency=Urgency.IMMEDIATE,
            expires="6h",
        )
        alert = draft_alert(draft, control.desk.station, wall_clock(), new_id())
        control.act(lambda unit: unit.desk.post(unit.alerts, alert))

    await asyncio.to_thread(post)


async def _read_along(sandbox: str, read: asyncio.Event, say: Say) -> None:
    """Print what the subscriber reads, for as long as the demo runs."""
    async for line in first_lines(sandbox):
        say(f"  {'bot':<9} {'tells':<8}          {line[:70]}")
        say("            somebody who subscribed to what is Severe")
        read.set()


async def _watch(daemon: Daemon, complete: asyncio.Task[None], stopped: asyncio.Event, *, once: bool, say: Say) -> int:
    ending = asyncio.create_task(stopped.wait())
    await asyncio.wait({complete, ending}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    done = complete.done()
    if done:
        # Raises its error, if it failed.
        complete.result()
    complete.cancel()
    if done:
        say("\nAll is delivered: 3 alerts on 3 channels, and what is Severe to a subscriber.")
        say("What three people asked under one of them is answered once: there, and on the alert's own page.")
        say("A poll was asked on Telegram, closed, and counted; nobody saw its numbers before.")
        say("Five people's reports made a draft, which waited until it was let out. More of them: the sandbox's page.")
    elif not stopped.is_set():
        await _say_what_is_missing(daemon, say)
    if not once and not stopped.is_set():
        say("Ctrl-C stops.")
        await ending
    ending.cancel()
    return 0 if done or (not once and stopped.is_set()) else 1


async def _all_is_out(
    daemon: Daemon, sandbox: str, delivered: asyncio.Queue[Post], read: asyncio.Event, say: Say
) -> None:
    out = [await delivered.get() for _ in range(EXPECTED)]
    await read.wait()
    under = next(post for post in out if post.channel == talk.CHANNEL and STREET in post.message.plain)
    assert under.receipt is not None  # noqa: S101 it is out
    await talk.ask(sandbox, under.receipt.remote_id)
    questions = await talk.hear(daemon, under.incident_id)
    say(f"  {talk.CHANNEL:<9} {'hears':<8}          {len(talk.ASKED)} people ask: {talk.ASKED[0]}")
    for _ in await talk.answer(daemon, questions, WHO):
        await delivered.get()
    poll = await talk.open_a_poll(daemon, WHO)
    asked = await delivered.get()
    assert asked.receipt is not None  # noqa: S101 it is out
    await talk.vote(sandbox, asked.receipt.url or "")
    await talk.close_the_poll(daemon, poll, WHO)
    await delivered.get()
    numbers = ", ".join(f"{option} {votes}" for option, votes in (await talk.result(daemon, poll)).items())
    say(f"  {talk.POLLED:<9} {'counts':<8}          {talk.ASKS} {numbers}")
    await _a_crowd_reports(daemon, sandbox, delivered, say)


async def _a_crowd_reports(daemon: Daemon, sandbox: str, delivered: asyncio.Queue[Post], say: Say) -> None:
    draft = await talk.a_crowd_reports(daemon, sandbox, WHO)
    say(f"  {'reports':<9} {'draft':<8}          {talk.CROWD} people report {talk.REPORTED}: {talk.headline_of(draft)}")
    say("            it waits, on no channel, until somebody at the desk lets it out")
    for _ in range(await talk.let_out(daemon, draft, WHO)):
        await delivered.get()


async def _say_what_is_missing(daemon: Daemon, say: Say) -> None:
    alerts = await daemon.database.read(lambda unit: unit.views.on_now(wall_clock()))
    posts = await daemon.database.read(lambda unit: unit.views.posts_by_alert([alert.id for alert in alerts]))
    missing = [post for group in posts.values() for post in group if post.state is not PostState.SENT]
    say(f"\nNot all was delivered within {PATIENCE:g} s:")
    for post in missing:
        say(f"  {post.channel}: {post.state} {post.reason or ''}")
    if not missing:
        say("  the subscriber was told nothing")


# Somebody who subscribed with the demo's bot to what is Severe: their choices, and what they read in their chat.

_BOT_CHANNEL = "telegram"
# A chat of the sandbox.
_SUBSCRIBER = 5_550_001
_LOOKED_AT_EVERY = 0.2


def subscribe(file: Path) -> None:
    """Keep their choices, as the bot does at the end of its questions."""
    chosen = Subscriber(_SUBSCRIBER, severity=Severity.SEVERE)
    Control(load_config(file)).act(lambda unit: unit.subscribers.put(_BOT_CHANNEL, chosen))


async def first_lines(sandbox: str) -> AsyncIterator[str]:
    """Yield the first line of each message that reaches their chat in the sandbox from now on."""
    async with aiohttp.ClientSession() as session:
        seen = len(await _chat(session, sandbox))
        while True:
            for text in (await _chat(session, sandbox))[seen:]:
                seen += 1
                yield text.strip().splitlines()[0]
            await asyncio.sleep(_LOOKED_AT_EVERY)


async def _chat(session: aiohttp.ClientSession, sandbox: str) -> Sequence[str]:
    async with session.get(f"{sandbox}/sandbox/timelines.json") as answer:
        timelines = await answer.json()
    return [str(each["text"]) for each in timelines["telegram"] if each["channel"] == str(_SUBSCRIBER)]
