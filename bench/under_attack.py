"""The time from storing an Extreme alert to its request while strangers attack, against the same without them.

Daemon, sandbox and attackers are processes. In each round some Extremes are stored one after the other without the
attack, then as many while it goes on; a round's figure is its median. What is called is a Facebook page that takes
nothing but what is Extreme: its requests arrive in the order of storing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.config.kinds import channel_kinds
from alerts.daemon.desk import Control, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.alert import Severity, Urgency
from alerts.model.incident import new_id
from alerts.store.alerts import AlertRepository
from alerts.store.connection import notify, opened
from alerts.store.unit import transaction
from bench import history
from bench.attackers import APP_SECRET
from bench.measure import Row
from bench.process import cpu_of
from bench.reported import PROGRAMS, hold_against, page_seconds, places
from bench.signups import check_sent, hold_pushed, hold_written
from tests.contract.channels.conftest import SECRETS, SETTINGS, WITHOUT_HTTP
from tests.mail_relay import Relay, running
from tests.process.town import PAGE, STATION, TELEGRAM, Running, Town, town_in
from tests.process.visiting import FIRST, Browser

EXTREMES, ROUNDS, GOAL = 12, 3, 3
OPENED, DESK_WITHIN = 5, 1.0
"""Times that a page of the desk is opened in a round of an attack, and the seconds that it may take."""
MAP = 4_000_000
"""Bytes of the town's map, which the daemon hands on and doesn't read."""
PAUSE = 0.08
"""Seconds from one Extreme's answer to the next: the attack is met at different moments."""
POSTS = history.POSTS
SHORTEST = 2.0
"""Seconds that an attack goes on before the first Extreme: a feed that is looked at each second has come by twice."""
SETTLED_WITHIN, IDLE = 30.0, 0.1
"""Seconds to wait for an idle daemon, and the CPU seconds that one takes in a second at the most."""
UNPACED = 'limits = ["100000/1m"]\nreserve = 0\n'
HEARS = 'hears = true\napp_secret = {{ env = "APP_SECRET" }}\nverify_token = {{ env = "APP_SECRET" }}\n'
TOWN = (
    PAGE + UNPACED + HEARS + 'severity = "Extreme"\n' + TELEGRAM + UNPACED + "subscriptions = true\n"
    """
[channels.panneaux]
kind = "webhook"
url = "{outside}/hook"
secret = {{ env = "HOOK" }}
severity = "Extreme"
"""
    + UNPACED
    + """
[push]
key = {{ file = "push.pem" }}
subject = "mailto:a@b.example"
services = ["HOST"]

[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = RELAY
tls = "none"
sender = "alertes@saint-martin.example"
subscriptions = true
severity = "Extreme"

[channels.panneaux_lumineux]
kind = "mqtt"
host = "127.0.0.1"
port = BROKER
tls = "none"
timeout = "2s"
severity = "Extreme"
"""
    + UNPACED
)
SOURCES = """
[listening]
every = "6h"

[reports]

[desk]
second_factor = "optional"

[sources.meteo]
kind = "cap"
url = "{outside}/index"
every = "1s"
area = "any"
severity = "Moderate"
publish = "auto"
allow_private = true

[sources.travaux]
kind = "ical"
url = "{outside}/works.ics"
every = "1s"

[sources.mairie]
kind = "rss"
url = "{outside}/rss"
every = "1s"
allow_private = true

[sources.vigilance]
kind = "vigilance"
api_url = "{outside}"
department = "38"
key = { env = "HOOK" }
every = "1s"
severity = "Moderate"
publish = "auto"
allow_private = true

[sources.crues]
kind = "vigicrues"
api_url = "{outside}"
sections = ["GA6", "TL3"]
every = "1s"
publish = "auto"
allow_private = true

[sources.air]
kind = "atmo"
api_url = "{outside}/air"
user = "town"
password = { env = "HOOK" }
department = "38"
every = "1s"
publish = "auto"
allow_private = true

[sources.boite]
kind = "mailbox"
host = "127.0.0.1"
port = MAILBOX
tls = "none"
user = "alertes-recues@saint-martin.example"
password = { env = "HOOK" }
senders = ["@eaux.example"]
verified_by = "mx.saint-martin.example"
every = "1s"

[sources.bus]
kind = "gtfs_rt"
url = "{outside}/transit"
every = "1s"
allow_private = true

[sources.routes]
kind = "roads"
url = "{outside}/roads"
box = [45.0, 5.0, 46.0, 6.0]
every = "1s"
allow_private = true
"""
HEARD_EVERY = "1s"
ACCOUNTS = """
[channels.mastodon]
kind = "mastodon"
api_url = "{outside}"
token = {{ env = "HOOK" }}
hears = true

[channels.bluesky]
kind = "bluesky"
api_url = "{outside}"
handle = "town.example"
password = {{ env = "HOOK" }}
hears = true

[channels.astreinte]
kind = "matrix"
api_url = "{outside}"
room = "!room:x"
public = true
token = {{ env = "HOOK" }}
"""
"""Accounts under whose posts people reply, and a room: in the rows that say so (`accounts`), heard each second."""
PLATFORMS = tuple(kind for kind in channel_kinds() if kind not in WITHOUT_HTTP)
"""All kinds of channel that ask a platform by HTTP; mail and MQTT have servers of their own here."""


def platforms(outside: str) -> str:
    """Return a channel of each kind, at a platform that says what it likes (`every_kind`)."""
    sections = []
    for kind in PLATFORMS:
        told = {
            "kind": kind,
            "api_url": f"{outside}/platform/{kind}",
            "severity": "Extreme",
            "timeout": "5s",
            **SETTINGS[kind],
        }
        if kind == "sms":
            told |= {"daily_budget": 1_000_000, "monthly_budget": 1_000_000}
        if kind == "webhook":
            told["url"] = told.pop("api_url")
        lines = [f"{name} = {_as_toml(value)}" for name, value in told.items()]
        sections.append("\n".join([f"[channels.every_{kind}]", *lines, UNPACED]))
    return "\n".join(sections)


def _as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_as_toml(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)


TRAP = "{% for i in range(90000) %}{% for j in range(90000) %}{% set x = i * j %}{% endfor %}{% endfor %}"
"""A town's own template, for an event that only the feed tells of."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A row: what `bench.attackers` does, in so many processes, or what the feed and the receiver answer meanwhile.

    `page` is one of the desk that an officer opens meanwhile: a row of its own. With `before`, what it does at first is
    done before the rounds, for what it leaves behind is there without the attack, too. `accounts`: the town has
    accounts on Mastodon, Bluesky and Matrix as well; `every_kind`: a channel of each kind that asks by HTTP.
    """

    what: str
    name: str = ""
    processes: int = 1
    mode: str = "calm"
    long_history: bool = False
    goal: float = GOAL
    page: str | None = None
    before: bool = False
    accounts: bool = False
    every_kind: bool = False


ATTACKS = (
    Attack("signing in with names of combining marks", "names"),
    Attack("45 sign-ins of nobody a second, from 200 networks", "nobody", goal=2),
    Attack("half-open connections", "half_open"),
    Attack("2,000 streams of events", "streams"),
    Attack("1,200 at once who ask for the map and read nothing", "map_crowd", goal=2),
    Attack("forms of 100,000 fields", "forms"),
    Attack("a feed's event of combining marks", mode="marks"),
    Attack("a feed's polygon of 300,000 points", mode="polygon"),
    Attack("a feed that is a gzip bomb", mode="gzip"),
    Attack("a calendar of rules that are never met", mode="calendar"),
    Attack("a site's feed of 9,000 entries, attributes, marks, nesting", mode="rss"),
    Attack("a feed of 60 kB of blank lines, an author, a style, blanks", mode="endless", goal=2),
    Attack("a calendar whose zone changes each second", mode="zones", goal=2),
    Attack("two photos a second of 80 kB of fill bytes", "photos", goal=2),
    Attack("two photos a second of 1 × 12,900,000 pixels", "tall_photos", goal=2),
    Attack("a Vigilance that is deep, wide, torn, ever other", mode="vigilance"),
    Attack("a Vigicrues and an Atmo France of the same kinds", mode="editions"),
    Attack("a mailbox: 10,000 mails at each look, one of 50 MB", mode="mailbox"),
    Attack("public transport: 50,001 alerts, marks, periods without end", mode="transit"),
    Attack("a country’s works, 100 MB of DATEX II, again and again", mode="roads"),
    Attack("a receiver that answers with a gzip bomb", mode="webhook"),
    Attack("a broker that acknowledges nothing, or floods", mode="broker"),
    Attack("storms of replies on Mastodon, Bluesky, Matrix", mode="replies", goal=2, accounts=True),
    Attack("every platform and feed: huge, slow, cut, an error, a year", mode="answers", goal=1.5, every_kind=True),
    Attack("a template that never ends", mode="template"),
    Attack("100 messages a second to the bot", "bot"),
    Attack("100 requests a second to the API", "api"),
    Attack("2,000 utterances in five minutes", "people", goal=1.5),
    Attack("50 subscriptions and changes a second, after 11,000", "browsers", before=True),
    Attack("80 endpoints that refuse the key, first of 280", "endpoints", goal=2.0, before=True),
    Attack("1,000 sign-ups of others' addresses", "letters"),
    Attack("four forms that begin with empty lines", "preambles", goal=2),
    Attack("15 misspelt addresses a second, in 3,000 streets", "misspelt", goal=2),
    Attack("ten unproven reports a second", "unproven", goal=2),
    Attack("18 half-sent deliveries of Facebook’s", "half_hooks", goal=2),
    Attack("10,000 reports of crowds, from 400 networks", "crowds", page="/desk/reports"),
    Attack("two who search, 1,000,000 posts", "search", 2, long_history=True),
    Attack("two scrapes of /metrics, 1,000,000 posts", "metrics", 2, long_history=True),
    Attack("an export, 1,000,000 posts", "export", long_history=True),
)


HOLDS: Mapping[str, Callable[[Scene], str]] = {
    "browsers": lambda scene: f", {hold_pushed(scene.town)}",
    "half_hooks": lambda scene: f", {_delivered(scene.town)} whole ones kept",
    "mailbox": lambda scene: f", {_heard(scene.town, 'boite')} told",
    "replies": lambda scene: f", {_delivered(scene.town)} heard",
    "endpoints": lambda scene: f", {check_sent(scene.town)}",
    "letters": lambda scene: f", {hold_written(scene.town, scene.relay)}",
}
"""What an attack must not have come to, and what it came to."""


def measure() -> Iterator[Row]:
    """A row for each attack."""
    for long_history in (False, True):
        only = set(os.environ.get("ATTACKS", "").split())
        attacks = [
            each
            for each in ATTACKS
            if each.long_history is long_history and (not only or only & {each.name, each.mode})
        ]
        if not attacks:
            continue
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder, ExitStack() as stack:
            town = stack.enter_context(contextlib.contextmanager(town_in)(Path(folder)))
            scene = _scene(town, stack, POSTS if long_history else 0)
            for attack in attacks:
                if not long_history:
                    _renew(scene, attack)
                yield from _rows(scene, attack)


@dataclass
class Scene:
    """A town that runs, and what its attackers are told."""

    town: Town
    control: Control
    daemon: Running
    mode: Path
    given: dict[str, str]
    relay: Relay
    outside: str
    stored: int = field(default=0)


def _scene(town: Town, stack: ExitStack, posts: int) -> Scene:
    town.start_sandbox("--no-limits")
    mode = town.folder / "mode"
    mode.write_text("calm")
    outside = stack.enter_context(_attacking("outside", {"mode": str(mode)}))
    town.environment["HOOK"] = "a-secret-of-the-bench-that-is-long"
    town.environment["APP_SECRET"] = APP_SECRET
    town.environment |= SECRETS
    relay = stack.enter_context(running(Relay()))
    port = stack.enter_context(_attacking("broker", {"mode": str(mode)}))
    (town.folder / "push.pem").write_text(new_key())
    config = TOWN.replace("HOST", town.sandbox.removeprefix("http://")).replace("RELAY", str(relay.port))
    config = config.replace("BROKER", port)
    hook = town.environment["HOOK"]
    mailbox = stack.enter_context(_attacking("mailbox", {"mode": str(mode), "password": hook}))
    sources = SOURCES.replace("{outside}", outside).replace("MAILBOX", mailbox)
    station = STATION.replace("[station]\n", '[station]\nareas = ["INSEE:38185"]\naddresses = "adresses.csv"\n')
    (town.folder / "adresses.csv").write_text(_addresses(), encoding="utf-8")
    town.configure(config.replace("{outside}", outside), sources, station=station)
    if posts:
        history.copy_to(town.database, posts)
    trap = town.folder / "templates" / "fr" / "telegram" / "piege.publish.j2"
    trap.parent.mkdir(parents=True)
    trap.write_text(TRAP, encoding="utf-8")
    done = town.tocsin("user", "add", "Anne", "--role", "administrator", "--password-stdin", stdin=FIRST)
    assert done.returncode == 0, done.stderr
    [token] = town.objects("token", "add", "capteur", "--role", "author")
    # The API paces each program: what crowds report comes by many.
    crowds = [town.objects("token", "add", f"crowd {one}", "--role", "reporter")[0] for one in range(PROGRAMS)]
    daemon = town.start_daemon()
    browser = Browser(daemon.url).sign_in("Anne")
    given = {
        "url": daemon.url,
        "sandbox": town.sandbox,
        "cookie": browser.cookie,
        "csrf": browser.csrf,
        "token": token["token"],
        "crowds": " ".join(each["token"] for each in crowds),
        "filled": "no",
    }
    daemon.stop()
    shutil.copy(town.database, town.folder / "fresh.db") if not posts else None
    daemon = town.start_daemon()
    given["url"] = daemon.url
    scene = Scene(town, Control(load_config(town.config)), daemon, mode, given, relay, outside)
    _extremes(scene, 3)
    return scene


def _addresses(streets: int = 3000) -> str:
    """A town's file of the Base Adresse Nationale, with so many streets of words that are like one another."""
    rows = ["numero;nom_voie;code_insee;lon;lat"]
    for number in range(streets):
        name = f"rue {'bcdfgl'[number % 6]}ra{'lmnrst'[number // 6 % 6]}ole{number % 97} {number} Martin"
        rows.append(f"1;{name};38185;{5.7 + number % 60 / 3000:.6f};{45.18 + number // 60 / 3000:.6f}")
    rows += [f"{number};rue de la Foule;38185;{lon:.6f};{lat:.6f}" for number, (lat, lon) in enumerate(places(), 1)]
    return "\n".join(rows) + "\n"


def _renew(scene: Scene, attack: Attack) -> None:
    """The town as it was at first: pages with all that earlier rows stored are made ever more slowly."""
    scene.daemon.stop()
    plain = scene.town.folder / "plain.toml"
    if not plain.exists():
        shutil.copy(scene.town.config, plain)
    config = plain.read_text(encoding="utf-8")
    if attack.every_kind:
        config += platforms(scene.outside)
    if attack.accounts:
        config = config.replace('every = "6h"', f'every = "{HEARD_EVERY}"')
        config += ACCOUNTS.format(outside=scene.outside)
    scene.town.config.write_text(config, encoding="utf-8")
    scene.control = Control(load_config(scene.town.config))
    for each in scene.town.folder.glob(f"{scene.town.database.name}*"):
        # The channels that are rows of `every_kind` draw cards, and pictures have a folder of their own.
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.copy(scene.town.folder / "fresh.db", scene.town.database)
    scene.daemon = scene.town.start_daemon()
    scene.given |= {"url": scene.daemon.url, "filled": "no"}
    scene.relay.taken.clear()
    _extremes(scene, 3)


def _rows(scene: Scene, attack: Attack) -> Iterator[Row]:
    quiet, attacked, pages = [], [], list[float]()
    if attack.before:
        with _attacking(attack.name, scene.given):
            scene.given["filled"] = "yes"
    for _ in range(ROUNDS):
        _settle(scene)
        quiet.append(statistics.median(_extremes(scene)))
        with ExitStack() as stack:
            for _ in range(attack.processes if attack.name else 0):
                stack.enter_context(_export(scene) if attack.name == "export" else _attacking(attack.name, scene.given))
            scene.mode.write_text(attack.mode)
            time.sleep(SHORTEST)
            attacked.append(statistics.median(_extremes(scene)))
            pages += [page_seconds(scene.given, attack.page) for _ in range(OPENED)] if attack.page else []
            scene.mode.write_text("calm")
            scene.given["filled"] = "yes"
        assert scene.daemon.alive, scene.daemon.lines[-20:]
    holds = HOLDS.get(attack.name or attack.mode)
    check = holds(scene) if holds is not None else ""
    yield Row(f"{attack.what}{check}", quiet, attacked, "s", goal=attack.goal)
    if attack.page is not None:
        # What an officer waits for is a goal of its own: without the crowd the list is empty.
        yield Row(f"{attack.page} meanwhile, {hold_against(scene.town)}", [DESK_WITHIN], pages, "s", goal=1.0)


def _delivered(town: Town) -> int:
    with opened(town.database) as db:
        return int(db.execute("SELECT count(*) FROM utterance").fetchone()[0])


def _heard(town: Town, source: str) -> int:
    with opened(town.database) as db:
        return int(db.execute("SELECT count(*) FROM heard WHERE source = ?", (source,)).fetchone()[0])


def _settle(scene: Scene) -> None:
    """Wait until what an attack left behind (queued messages, closed connections) takes nothing any more."""
    until = time.monotonic() + SETTLED_WITHIN
    while time.monotonic() < until:
        before = cpu_of(scene.daemon.pid)
        time.sleep(1)
        if cpu_of(scene.daemon.pid) - before < IDLE:
            return


def _extremes(scene: Scene, many: int = EXTREMES) -> list[float]:
    """Seconds from stored to called of so many Extremes, one after the other."""
    before = scene.stored
    stored = [_store(scene) for _ in range(many)]
    called = sorted(each["at"] for each in scene.town.requests("facebook"))[before:]
    assert len(called) == many, f"{many} Extremes were stored, {len(called)} called"
    return [at - since for since, at in zip(stored, called, strict=True)]


def _store(scene: Scene) -> float:
    """What `tocsin post` does, in this process, and wait until it is out; returns when its commit was done."""
    control, scene.stored = scene.control, scene.stored + 1
    draft = Draft(
        headline=f"Rupture de digue n° {scene.stored}",
        instruction="Montez à l’étage.",
        severity=Severity.EXTREME,
        urgency=Urgency.IMMEDIATE,
    )
    alert = draft_alert(draft, control.desk.station, now(), new_id())
    with opened(control.town.database) as db:
        with transaction(db):
            filed = control.desk.post(AlertRepository(db), alert, again=True)
        stored = time.time()
        notify(control.town.database, now())
        query = "SELECT count(*) FROM post WHERE alert_id = ? AND channel = 'page' AND state = 'sent'"
        deadline = time.monotonic() + 120
        while not db.execute(query, (filed.stored.id,)).fetchone()[0]:
            assert time.monotonic() < deadline, "an Extreme wasn't sent within two minutes"
            time.sleep(PAUSE / 20)
    time.sleep(PAUSE)
    return stored


@contextlib.contextmanager
def _attacking(name: str, given: dict[str, str]) -> Iterator[str]:
    """An attacker until the block ends; what it said first."""
    command = [sys.executable, "-m", "bench.attackers", name, json.dumps(given)]
    with _until_the_end(command) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@contextlib.contextmanager
def _export(scene: Scene) -> Iterator[str]:
    """Exports, one after the other."""
    script = f"while true; do {sys.executable} -m alerts.cli db export >/dev/null; done"
    with _until_the_end(["sh", "-c", script], cwd=scene.town.folder, end=True):
        yield "ready"


@contextlib.contextmanager
def _until_the_end(
    command: Sequence[str], cwd: Path | None = None, *, end: bool = False
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=end
    )
    try:
        yield process
    finally:
        if end:
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
