"""A town on this machine: channels.toml, sandbox and daemons as real processes, commands as a user types them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from alerts.model.town import Secret, Server
from campaign.forks import ForkServer
from campaign.running import PATIENCE, Running
from campaign.winding import Dial

T = TypeVar("T")

SECRETS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-access-token",
    "X_ACCESS_TOKEN_SECRET": "sandbox-access-token-secret",
    "FACEBOOK_TOKEN": "sandbox-page-token",
    "TELEGRAM_TOKEN": "1234567:sandbox-telegram-token",
    "MASTODON_TOKEN": "sandbox-mastodon-token",
    "BLUESKY_PASSWORD": "sandbox-bluesky-password",
    "MATRIX_TOKEN": "sandbox-matrix-token",
    "NTFY_TOKEN": "sandbox-ntfy-token",
    "WEBHOOK_SECRET": "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1vZi1ub2JvZHk=",
    "INSTAGRAM_TOKEN": "sandbox-instagram-token",
    "OVH_KEY": "sandbox-ovh-key",
    "OVH_SECRET": "sandbox-ovh-secret",
    "OVH_CONSUMER": "sandbox-ovh-consumer",
    "OCTOPUSH_KEY": "sandbox-octopush-key",
    "SMSMODE_KEY": "sandbox-smsmode-key",
    "MAILBOX_PASSWORD": "sandbox-mailbox-password",
    "SMS_NUMBERS": "+33612345678 +33712345678",
    "FACEBOOK_APP_SECRET": "sandbox-app-secret",
    "FACEBOOK_VERIFY_TOKEN": "entre-nous",
    "LISTENER_CONSUMER_KEY": "sandbox-listener-consumer-key",
    "LISTENER_CONSUMER_SECRET": "sandbox-listener-consumer-secret",
    "LISTENER_TOKEN": "sandbox-listener-access-token",
    "LISTENER_TOKEN_SECRET": "sandbox-listener-access-token-secret",
}
FILE = "sqlite:///tocsin.db"
STATION = f"""
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[store]
url = "{FILE}"

[web]
listen = "127.0.0.1:0"
"""
X = """
[channels.x]
kind = "twitter"
api_url = "{sandbox}"
consumer_key = {{ env = "X_CONSUMER_KEY" }}
consumer_secret = {{ env = "X_CONSUMER_SECRET" }}
access_token = {{ env = "X_ACCESS_TOKEN" }}
access_token_secret = {{ env = "X_ACCESS_TOKEN_SECRET" }}
"""
PAGE = """
[channels.page]
kind = "facebook"
api_url = "{sandbox}"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}
"""
TELEGRAM = """
[channels.telegram]
kind = "telegram"
api_url = "{sandbox}"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""
MASTODON = """
[channels.mastodon]
kind = "mastodon"
api_url = "{sandbox}"
token = {{ env = "MASTODON_TOKEN" }}
"""
BLUESKY = """
[channels.bluesky]
kind = "bluesky"
api_url = "{sandbox}"
handle = "saint-martin.sandbox.example"
password = {{ env = "BLUESKY_PASSWORD" }}
"""
MATRIX = """
[channels.matrix]
kind = "matrix"
api_url = "{sandbox}"
room = "!permanence:sandbox.example"
token = {{ env = "MATRIX_TOKEN" }}
public = true
"""
NTFY = """
[channels.ntfy]
kind = "ntfy"
api_url = "{sandbox}"
topic = "ntfy-permanence"
token = {{ env = "NTFY_TOKEN" }}
public = true
"""
WEBHOOK = """
[channels.webhook]
kind = "webhook"
url = "{sandbox}/webhook"
secret = {{ env = "WEBHOOK_SECRET" }}
"""
INSTAGRAM = """
[channels.instagram]
kind = "instagram"
api_url = "{sandbox}"
account_id = "17841400000000001"
token = {{ env = "INSTAGRAM_TOKEN" }}
severity = "Minor"
"""
SMS = """
[channels.{name}]
kind = "sms"
api_url = "{{sandbox}}"
severity = "Minor"
sender = "STMARTIN"
price = 0.06
daily_budget = 1_000_000
monthly_budget = 1_000_000
provider = "{name}"
{more}
"""
OVH = SMS.format(
    name="ovh",
    more="""key = {{ env = "OVH_KEY" }}
secret = {{ env = "OVH_SECRET" }}
consumer_key = {{ env = "OVH_CONSUMER" }}
service = "sms-ab12345-1"
contacts = "1234"
""",
)
OCTOPUSH = SMS.format(
    name="octopush",
    more="""key = {{ env = "OCTOPUSH_KEY" }}
login = "mairie@saint-martin.example"
contacts = "1234"
""",
)
SMSMODE = SMS.format(name="smsmode", more='key = {{ env = "SMSMODE_KEY" }}\nnumbers = {{ env = "SMS_NUMBERS" }}')
ALL_THREE = X + PAGE + TELEGRAM
X_HEARS = """hears = true
approved = 2026-01-01
budget = 1000.00
listen.consumer_key = {{ env = "LISTENER_CONSUMER_KEY" }}
listen.consumer_secret = {{ env = "LISTENER_CONSUMER_SECRET" }}
listen.access_token = {{ env = "LISTENER_TOKEN" }}
listen.access_token_secret = {{ env = "LISTENER_TOKEN_SECRET" }}
"""
PAGE_HEARS = """hears = true
app_secret = {{ env = "FACEBOOK_APP_SECRET" }}
verify_token = {{ env = "FACEBOOK_VERIFY_TOKEN" }}
"""
TELEGRAM_HEARS = "hears = true\n"
HEARING = X + X_HEARS + PAGE + PAGE_HEARS + TELEGRAM + TELEGRAM_HEARS
"""The same three, where the town hears what people say."""
PLATFORM = {"x": "twitter", "page": "facebook", "telegram": "telegram"}
"""Which platform each channel of `ALL_THREE` speaks to."""
SECTIONS = {
    "x": X,
    "page": PAGE,
    "telegram": TELEGRAM,
    "mastodon": MASTODON,
    "bluesky": BLUESKY,
    "matrix": MATRIX,
    "ntfy": NTFY,
    "webhook": WEBHOOK,
    "instagram": INSTAGRAM,
    "ovh": OVH,
    "octopush": OCTOPUSH,
    "smsmode": SMSMODE,
}
"""Every channel that a campaign knows."""
PROVIDERS = frozenset({"ovh", "octopush", "smsmode"})
"""Channels of SMS, which have one timeline in the sandbox: a campaign is of one of them."""


def platform_of(channel: str) -> str:
    """Which platform a channel speaks to."""
    return "sms" if channel in PROVIDERS else PLATFORM.get(channel, channel)


def demanded(headline: str, options: Sequence[str]) -> list[str]:
    """What an officer has to say besides: what to do where it is grave, and for whom an order is."""
    said: list[str] = []
    if "--instruction" not in options and {"Severe", "Extreme"} & set(options):
        said += ["--instruction", "Restez chez vous."]
    if "--area" not in options and re.search("vacuation|vacuez|uite de gaz", headline):
        said += ["--area", "Centre-Bourg"]
    return said


class Town:
    """One folder, one sandbox, and daemons that come and go.

    `hurry` is how many seconds of the town's time pass at once whenever somebody has waited in vain for something; with
    0 its time is this machine's. `store` is the URL of its database: a file, or on a server.
    """

    forks: ForkServer | None = None
    """What commands are forked from, for all towns of a process; None: each is started anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, **SECRETS, "PYTHONUNBUFFERED": "1"}
        self.sandbox = ""
        self.store = FILE
        self.hurry = 0.0
        self._dial: Dial | None = Dial(folder / "dial") if self.forks is not None else None
        self._running: list[Running] = []

    @property
    def config(self) -> Path:
        """Its channels.toml."""
        return self.folder / "channels.toml"

    @property
    def database(self) -> Path:
        """The file that its daemons share, where its store is one."""
        return self.folder / "tocsin.db"

    @property
    def place(self) -> Path | Server:
        """Where its store is: the file, or the schema on the server."""
        return self.database if self.store == FILE else Server(Secret(self.store), "tocsin", self.folder / "var/tocsin")

    def configure(self, channels: str = ALL_THREE, sources: str = "", station: str = STATION) -> None:
        """Write channels.toml."""
        text = station.replace(FILE, self.store) + sources + channels.format(sandbox=self.sandbox)
        self.config.write_text(text, encoding="utf-8")

    def start(self, *arguments: str, log: Path | None = None, files: int | None = None) -> Running:
        """Start a command that goes on by itself; `end` kills it."""
        running = Running(arguments, self.folder, self.environment, log, files=files, forks=self.forks, dial=self._dial)
        running.meanwhile = self._hurry
        self._running.append(running)
        return running

    def start_sandbox(self, *options: str) -> Running:
        """Start the stand-ins, and wait until they answer."""
        running = self.start("sandbox", "--listen", "127.0.0.1:0", *options)
        self.sandbox = running.wait_for(r"http://\S+")[0]
        return running

    def start_daemon(self, files: int | None = None) -> Running:
        """Start a daemon (that may have so many files open), and wait until it runs."""
        running = self.start("run", files=files)
        running.url = running.wait_for(r'"url": "(http://[^"]+)", "event": "web.listening"')[1]
        running.wait_for("tocsin.running")
        return running

    def tocsin(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        if self.forks is not None:
            meanwhile = self._hurry if self.hurry else None
            return self.forks.run(arguments, self.folder, self.environment, stdin, dial=self._dial, meanwhile=meanwhile)
        return subprocess.run(
            [sys.executable, "-m", "alerts.cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=PATIENCE,
            check=False,
        )

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command with --json prints."""
        done = self.tocsin(*arguments, "--json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def post(self, headline: str, *options: str) -> dict[str, Any]:
        """`tocsin post`, with what the desk asks for where the test doesn't say it, and the alert that it tells of."""
        return self.objects("post", "--headline", headline, *options, *demanded(headline, options))[0]

    def timelines(self) -> dict[str, list[dict[str, Any]]]:
        """What each platform holds, by the platform's name."""
        timelines: dict[str, list[dict[str, Any]]] = self.ask("/sandbox/timelines.json")
        return timelines

    def requests(self, platform: str, method: str = "POST") -> list[dict[str, Any]]:
        """The requests that a platform's stand-in got, oldest first."""
        journal = self.ask("/sandbox/requests.json")
        return [each for each in journal if each["platform"] == platform and each["method"] == method]

    def fault(self, platform: str, kind: str, **settings: object) -> str:
        """Set a fault; returns its id."""
        return str(self.ask("/sandbox/faults", {"platform": platform, "kind": kind, **settings})["id"])

    def met(self, fault: str) -> bool:
        """Whether a fault that was set for so many requests has met them all."""
        return any(each["id"] == fault and each["left"] == 0 for each in self.ask("/sandbox/faults"))

    def mend(self) -> None:
        """Take every fault away."""
        self.ask("/sandbox/faults", method="DELETE")

    def ask(
        self,
        path: str,
        body: object = None,
        method: str | None = None,
        base: str | None = None,
        patience: float = PATIENCE,
    ) -> Any:
        """What the sandbox (or `base`) answers, as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.sandbox) + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=patience) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def until(self, what: Callable[[], T], patience: float = PATIENCE) -> T:
        """Ask again until the answer is true; the answer."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if answer := what():
                return answer
            threading.Event().wait(0.05)
            self._hurry()
        raise AssertionError(f"not within {patience} s; the timelines: {json.dumps(self.timelines())[:2000]}")

    def stop_between_transactions(self, daemon: Running) -> None:
        """Have it stand still where it holds no lock of the file: nobody could write until it goes on.

        A server lets go of its lock by itself.
        """
        while True:
            daemon.stand_still()
            if isinstance(self.place, Server):
                return
            with contextlib.closing(sqlite3.connect(self.database, timeout=0, isolation_level=None)) as db:
                try:
                    db.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    daemon.send(signal.SIGCONT)
                    time.sleep(0.01)
                else:
                    return

    @property
    def ahead(self) -> float:
        """By how many seconds its time is ahead of this machine's."""
        return self._dial.ahead if self._dial is not None else 0.0

    def wind(self, seconds: float) -> None:
        """Let so many seconds pass for all its processes. Only forks can be wound."""
        if self._dial is None:
            raise AssertionError("a town whose commands are started anew goes by this machine's time")
        self._dial.wind(seconds, lambda: [each.seat for each in self._running if each.seat is not None])

    def _hurry(self) -> None:
        if self.hurry:
            self.wind(self.hurry)

    def end(self) -> None:
        """Kill what still runs."""
        for running in self._running:
            running.send(signal.SIGCONT)
            running.stop(signal.SIGKILL)


def town_in(folder: Path) -> Iterator[Town]:
    """A town that is cleaned up at the end of the test."""
    town = Town(folder)
    try:
        yield town
    finally:
        town.end()
