"""A fleet: N towns with three channels each in one process, idle and in a storm from one shared feed.

`python -m bench fleet --towns 1000`. The fleet and the sandbox are processes. Each goal is a figure of its own, so the
floor of a row is that figure. Ready: from the start of the process, with databases that are there, until `/readyz`
says 200. Idle: the CPU that the process takes in a minute, the polls of its feeds among it, and its memory beside that
of a fleet of one. The storm: the feed brings two alerts, each to every town; what counts is the time from a post's
storing to its first call, which every town's own journal tells.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.measure import Row
from bench.process import cpu_of, resident
from tests.process.town import Running, Town, town_in
from tocsin_sandbox.settings import TELEGRAM_TOKEN, WEBHOOK_SECRET

TOWNS = 100
READY_WITHIN, IDLE_CPU, IDLE_MEMORY, CALLED_WITHIN = 60.0, 0.15, 2.0, 5.0
"""Seconds; of a core; MB a town; seconds (p99). The first is for 1,000 towns, as are the others."""
SETTLES, IDLES = 75.0, 60.0
"""Seconds until every source was looked at, and over which an idle fleet is measured."""
BETWEEN = 150.0
"""Seconds between the storm's two alerts."""
PATIENCE = 600.0
CHANNELS = 3
_TOWN = """
[station]
name = "Ville {number}"
sender = "alertes@ville{number}.example"
areas = ["NUTS3:FR714"]

[web]
languages = ["en"]

[sources.meteo]
kind = "cap"
url = "{feed}/atom"

[channels.telegram]
kind = "telegram"
api_url = "{sandbox}"
chat = "-100{number:07}1"
token = {{ file = "token" }}

[channels.quartiers]
kind = "telegram"
api_url = "{sandbox}"
chat = "-100{number:07}2"
token = {{ file = "token" }}

[channels.panneaux]
kind = "webhook"
url = "{sandbox}/webhook/{number}"
secret = {{ file = "secret" }}
"""
_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>storm-{number}</identifier><sender>meteo@feed.example</sender><sent>{sent}</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>fr-FR</language><category>Met</category><event>{event}</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty><expires>{expires}</expires>
<senderName>Météo</senderName><headline>{event} sur tout le département</headline>
<description>Les rafales atteindront 110 km/h sur les crêtes et 90 km/h en vallée.</description>
<instruction>Rentrez le mobilier de jardin. Ne marchez pas sous les arbres.</instruction>
<area><areaDesc>Département</areaDesc><geocode><valueName>NUTS3</valueName><value>FR714</value></geocode></area>
</info></alert>"""
_ENTRY = """<entry><id>storm-{number}</id><title>{event}</title><updated>{sent}</updated>
<link rel="alternate" type="application/cap+xml" href="{feed}/cap/{number}.xml"/></entry>"""
_INDEX = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:feed</id><title>Vigilance</title><updated>{sent}</updated>
{entries}</feed>"""
_EVENTS = ("Vent violent", "Inondation")


@dataclass
class Feed:
    """What the towns read: an index that has an alert more each time that `tell` is called. `asked` counts requests."""

    url: str = ""
    asked: int = 0
    _entries: list[dict[str, str]] = field(default_factory=list)

    def tell(self) -> None:
        """One more alert stands in the index."""
        now = datetime.now(UTC).replace(microsecond=0)
        number = len(self._entries)
        entry = {"number": str(number), "event": _EVENTS[number % len(_EVENTS)], "feed": self.url}
        self._entries.append(entry | {"sent": _spelled(now), "expires": _spelled(now + timedelta(hours=6))})

    def answer(self, path: str) -> str:
        """The index, or one of its messages."""
        self.asked += 1
        if path.startswith("/cap/"):
            return _MESSAGE.format(**self._entries[int(path.removeprefix("/cap/").removesuffix(".xml"))])
        entries = "\n".join(_ENTRY.format(**each) for each in self._entries)
        sent = self._entries[-1]["sent"] if self._entries else "2026-01-01T00:00:00+00:00"
        return _INDEX.format(sent=sent, entries=entries)


def _spelled(moment: datetime) -> str:
    return moment.isoformat()


@contextlib.contextmanager
def _feed() -> Iterator[Feed]:
    feed = Feed()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer one request."""
            body = feed.answer(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    feed.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield feed
    finally:
        server.shutdown()


def measure(towns: int = TOWNS) -> Iterator[Row]:
    """Ready, CPU and memory while idle, and the storm."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        for town in town_in(Path(folder)):
            with _feed() as feed:
                yield from _measured(town, feed, towns)


def _measured(town: Town, feed: Feed, towns: int) -> Iterator[Row]:
    town.start_sandbox("--no-limits")
    alone = _alone(town, feed)
    folder = _folder(town, feed, towns)
    first = _start(town, folder)  # makes the databases
    first.stop()
    began = time.monotonic()
    fleet = _start(town, folder)
    yield Row(f"{towns} towns ready", [READY_WITHIN], [time.monotonic() - began], "s", goal=1)
    time.sleep(SETTLES)
    used = cpu_of(fleet.pid)
    time.sleep(IDLES)
    used = cpu_of(fleet.pid) - used
    yield Row(f"{towns} towns idle, of a core", [IDLE_CPU], [used / IDLES], "", goal=1)
    memory = (resident(fleet.pid) - alone) / max(towns - 1, 1)
    yield Row(f"{towns} towns idle, MB a town", [IDLE_MEMORY], [memory], "MB", goal=1)
    used, asked = cpu_of(fleet.pid), feed.asked
    called, lost = _storm(folder, feed, towns)
    used = cpu_of(fleet.pid) - used
    p50, p99 = statistics.median(called), statistics.quantiles(called, n=100)[-1]
    print(
        f"  the storm: {len(called)} posts, {lost} of {towns * CHANNELS * 2} not called; stored to called "
        f"p50 {p50:.3f} s, p99 {p99:.3f} s, longest {max(called):.2f} s; {used:.0f} s of CPU; "
        f"the feed was asked {feed.asked - asked} times"
    )
    yield Row(f"{towns} towns in a storm, stored to called, p99", [CALLED_WITHIN], [p99], "s", goal=1)
    yield Row(f"{towns} towns in a storm, posts lost", [1.0], [1.0 + lost], "", goal=1)
    fleet.stop()


def _folder(town: Town, feed: Feed, towns: int) -> Path:
    folder = town.folder / f"{towns}"
    for number in range(towns):
        place = folder / f"ville{number}"
        place.mkdir(parents=True)
        text = _TOWN.format(number=number, feed=feed.url, sandbox=town.sandbox)
        (place / "channels.toml").write_text(text, encoding="utf-8")
        (place / "token").write_text(TELEGRAM_TOKEN)
        (place / "secret").write_text(WEBHOOK_SECRET)
    (folder / "fleet.toml").write_text('[web]\nlisten = "127.0.0.1:0"\n')
    return folder


def _start(town: Town, folder: Path) -> Running:
    town.environment["TOCSIN_LOG"] = "info"
    log = town.folder / f"{folder.name}.log"
    log.write_text("")
    fleet = town.start("run", "--stations", str(folder), log=log)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        logged = log.read_text()
        if '"event": "fleet.running"' in logged:
            return fleet
        time.sleep(0.1)
    raise AssertionError(logged[-2000:])


def _alone(town: Town, feed: Feed) -> float:
    """Megabytes of a fleet of one."""
    fleet = _start(town, _folder(town, feed, 1))
    time.sleep(5)
    memory = resident(fleet.pid)
    fleet.stop()
    return memory


def _storm(folder: Path, feed: Feed, towns: int) -> tuple[list[float], int]:
    """Seconds from storing to the first call, of each post; and how many there should be besides."""
    began = time.monotonic()
    for number in range(2):
        feed.tell()
        wanted = towns * CHANNELS * (number + 1)
        until = time.monotonic() + PATIENCE
        while len(called := _called(folder)) < wanted and time.monotonic() < until:
            time.sleep(5)
        time.sleep(max(began + BETWEEN - time.monotonic(), 0) if number == 0 else 0)
    return called, wanted - len(called)


def _called(folder: Path) -> list[float]:
    found: list[float] = []
    for path in folder.glob("*/var/tocsin.db"):
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as db:
            found += [
                float(row[0]) / 1e6
                for row in db.execute(
                    "SELECT min(attempt.left_at) - post.stored_at FROM post JOIN attempt ON attempt.post_id = post.id "
                    "WHERE post.state = 'sent' GROUP BY post.id"
                )
            ]
    return found
