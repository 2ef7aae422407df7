"""A town on this machine: channels.toml, sandbox and daemon as real processes, commands as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

SECRETS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-access-token",
    "X_ACCESS_TOKEN_SECRET": "sandbox-access-token-secret",
    "FACEBOOK_TOKEN": "sandbox-page-token",
    "TELEGRAM_TOKEN": "1234567:sandbox-telegram-token",
}
STATION = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"

[store]
url = "sqlite:///tocsin.db"

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
ALL_THREE = X + PAGE + TELEGRAM
PATIENCE = 20.0


class Running:
    """A process whose standard error is read as it comes."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alerts.cli", *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream) -> None:
        with stream:
            for line in stream:
                self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """The next line that the pattern is found in."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._queue.get(timeout=left)
            except Empty:
                break
            if line is None:
                continue
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line with {pattern!r} within {patience} s; it said:\n" + "\n".join(self.lines[-40:]))

    def stop(self, number: int = signal.SIGTERM, patience: float = PATIENCE) -> int:
        """Send the signal and wait for the end; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(patience)


class Town:
    """One folder, one sandbox, and daemons that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, **SECRETS, "PYTHONUNBUFFERED": "1"}
        self.sandbox = ""
        self._running: list[Running] = []

    def configure(self, channels: str = ALL_THREE, sources: str = "", station: str = STATION) -> None:
        """Write channels.toml."""
        text = station + sources + channels.format(sandbox=self.sandbox)
        (self.folder / "channels.toml").write_text(text, encoding="utf-8")

    def start(self, *arguments: str) -> Running:
        running = Running(list(arguments), self.folder, self.environment)
        self._running.append(running)
        return running

    def start_sandbox(self, *options: str) -> Running:
        running = self.start("sandbox", "--listen", "127.0.0.1:0", *options)
        self.sandbox = running.wait_for(r"http://\S+")[0]
        return running

    def start_daemon(self) -> Running:
        running = self.start("run")
        running.url = running.wait_for(r'"url": "(http://[^"]+)", "event": "web.listening"')[1]
        running.wait_for("tocsin.running")
        return running

    def tocsin(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "alerts.cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=90,
            check=False,
        )

    def objects(self, *arguments: str) -> list[dict]:
        """What a command with --json prints."""
        done = self.tocsin(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def post(self, headline: str, *options: str) -> dict:
        done = self.tocsin("post", "--headline", headline, "--json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def timelines(self) -> dict[str, list[dict]]:
        return self.ask("/sandbox/timelines.json")

    def requests(self, platform: str, method: str = "POST") -> list[dict]:
        """The requests that a platform's stand-in got, oldest first."""
        journal = self.ask("/sandbox/requests.json")
        return [each for each in journal if each["platform"] == platform and each["method"] == method]

    def fault(self, platform: str, kind: str, **settings: object) -> str:
        return str(self.ask("/sandbox/faults", {"platform": platform, "kind": kind, **settings})["id"])

    def mend(self) -> None:
        self.ask("/sandbox/faults", method="DELETE")

    def ask(self, path: str, body: object = None, method: str | None = None, base: str | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.sandbox) + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def until(self, what: Callable[[], object], patience: float = PATIENCE):
        """Ask again until the answer is true; the answer."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if answer := what():
                return answer
            threading.Event().wait(0.05)
        raise AssertionError(f"not within {patience} s; the timelines: {json.dumps(self.timelines())[:2000]}")

    def end(self) -> None:
        for running in self._running:
            running.stop(signal.SIGKILL)


def town_in(folder: Path) -> Iterator[Town]:
    """A town that is cleaned up at the end of the test."""
    town = Town(folder)
    try:
        yield town
    finally:
        town.end()
