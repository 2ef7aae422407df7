"""One town with a broker, a Vigilance and a site's feed, while the daemons that tell and read them are killed.

Each kill is aimed at who speaks to the broker while it holds a post (which it has, or will never have), at who reads
the Vigilance as an edition comes, or at who reads the site as an entry comes or changes. At the end each colour was
told once and in its order, each entry is one draft, and what stands on the broker, a real one, is what is on.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.model.alert import Severity
from alerts.model.lease import source_lease
from alerts.store.unit import asking
from campaign.audit import LOST, TWICE, Breach
from campaign.play import QUIET_WITHIN, TAKEOVER, Outcome, Play, wait_until
from campaign.schedule import Kind, Version
from campaign.town import PAGE
from tests.mqtt_broker import Broker, running
from tests.vigilance_pages import an_edition

Aim = Literal["broker", "vigilance", "site"]
PANELS, VIGILANCE, SITE = "panneaux", "vigilance", "mairie"
AIMS: tuple[Aim, ...] = ("broker", "vigilance", "site")
FAULTS = ("hang", "cut_before", "cut_after", "")
SEVERITIES = {2: Severity.MODERATE, 3: Severity.SEVERE, 4: Severity.EXTREME}
KILLED_WITHIN = {"broker": 0.3, "vigilance": 1.3, "site": 1.3}
"""Seconds from what is told, or shown, within which the kill comes: sources are looked at each second."""
_LASTS = 6 * 3600.0
_MAP = "/vigilance/cartevigilance/encours"
_CHANNELS = f"""
[channels.{PANELS}]
kind = "mqtt"
host = "127.0.0.1"
port = PORT
tls = "none"
timeout = "3s"
"""
_SOURCES = f"""
[sources.{VIGILANCE}]
kind = "vigilance"
api_url = "PLACE/vigilance"
department = "38"
key = {{ env = "HOME" }}
every = "1s"
severity = "Moderate"
publish = "auto"
allow_private = true

[sources.{SITE}]
kind = "rss"
url = "PLACE/site"
every = "1s"
allow_private = true
"""
_OPEN = """
SELECT count(*) AS posts FROM post
WHERE state IN ('queued', 'sending') OR (state = 'in_doubt' AND next_try IS NOT NULL)
"""
_FILED = "SELECT identifier, headline, severity, msg_type FROM alert WHERE source = ? ORDER BY seq"
_SENT = "SELECT remote_id, kind, incident FROM post WHERE channel = 'page' AND state = 'sent'"


@dataclass(frozen=True, slots=True)
class Happening:
    """From one kill to the next: what is aimed at, what the broker does then, and when the kill comes, from 0 to 1.

    `version` is what is posted, `phenomenon` gets `colour`, `entry` is the number and version of what the site shows.
    """

    aim: Aim
    delay: float
    version: Version | None = None
    fault: str = ""
    phenomenon: str = ""
    colour: int = 1
    entry: tuple[int, int] = (0, 0)


def happenings(seed: str, kills: int) -> list[Happening]:
    """The same seed, the same plan."""
    chance, plan = random.Random(seed), list[Happening]()
    incident, place, colours, entries = 0, 0, dict[str, int](), list[int]()
    for number in range(kills):
        aim, delay = AIMS[number % len(AIMS)], round(chance.random(), 3)
        if aim == "broker":
            kind: Kind = chance.choice(("update", "cancel")) if place else "alert"
            incident, place = (incident, place + 1) if place else (incident + 1, 1)
            version = Version(incident, place, kind, "control", Severity.SEVERE, _LASTS, 0.0)
            place = 0 if kind == "cancel" else place
            plan.append(Happening(aim, delay, version, chance.choice(FAULTS)))
        elif aim == "vigilance":
            name = chance.choice("123")
            colour = chance.choice([each for each in (1, 2, 3, 4) if each != colours.get(name, 1)])
            colours[name] = colour
            plan.append(Happening(aim, delay, phenomenon=name, colour=colour))
        else:
            if not entries or chance.random() < 0.5:
                entries.append(0)
            which = len(entries) - 1
            entries[which] += 1
            plan.append(Happening(aim, delay, entry=(which + 1, entries[which])))
    return plan


@dataclass(slots=True)
class Watched(Outcome):
    """What came of one town's plan, with how many colours and entries were told."""

    colours: int = 0
    entries: int = 0
    aimed: Counter[str] = field(default_factory=Counter)


class Watching(Play):
    """The processes of one town, its broker, and what the two sources show."""

    def __init__(self, number: int, folder: Path, *, daemons: int = 2, server: bool = False) -> None:
        super().__init__(number, folder, daemons=daemons, server=server)
        self.outcome: Watched = Watched()
        self._leases = frozenset({"page", PANELS, source_lease(VIGILANCE), source_lease(SITE)})
        self._broker = Broker("")
        self._ask: Callable[[Coroutine[Any, Any, Any]], Any] = lambda _: None
        self._colours: dict[str, tuple[datetime, datetime, int]] = {}
        self._turned: list[tuple[str, Severity | None]] = []
        self._entries: dict[int, int] = {}
        self._titles: list[str] = []
        self._updated = now().replace(microsecond=0)
        self._current: dict[int, Version] = {}

    def watch(self, plan: Sequence[Happening]) -> Watched:
        """Live through the plan, and hold what came of it against what was told and shown."""
        with ExitStack() as stack:
            stack.callback(self.close)
            self._ask = stack.enter_context(running(self._broker))
            self._begin()
            for each in plan:
                self._happen_killed(each)
            self._settle()
            self._audit_watched()
        return self.outcome

    def _begin(self) -> None:
        self._open()
        self._show_map()
        self._show_site()
        sources = _SOURCES.replace("PLACE", self._feed.place)
        self.town.configure(PAGE + _CHANNELS.replace("PORT", str(self._broker.port)), sources)
        self.town.tocsin("db", "upgrade")
        self._control = Control(load_config(self.town.config))
        self._start_missing()
        # What a feed shows when it is read first is known already, and isn't told.
        self._await(lambda: len(self._read()) == len((VIGILANCE, SITE)), TAKEOVER, "both sources were read")

    def _happen_killed(self, each: Happening) -> None:
        self._await_owners()
        if self._killed_at is not None:
            self.outcome.takeovers.append(time.monotonic() - self._killed_at)
        self._await(self._is_settled, QUIET_WITHIN, "what was told before went out")
        met = self._broker.connections
        if each.version is not None:
            self._broker.set(each.fault, times=1)
            self._current[each.version.incident] = each.version
            self._tell(each.version)
            self._await(lambda: self._broker.connections > met, TAKEOVER, "the broker was spoken to")
        elif each.aim == "vigilance":
            self._turn(each.phenomenon, each.colour)
        else:
            self._write(*each.entry)
        time.sleep(each.delay * KILLED_WITHIN[each.aim])
        lease = {"broker": PANELS, "vigilance": source_lease(VIGILANCE), "site": source_lease(SITE)}[each.aim]
        owner = self._ledger.works(time.time()).get(lease)
        victims = [daemon for daemon in self._daemons if daemon.pid == owner and daemon.alive]
        self._kill(victims[0] if victims else self._daemons[0])
        self.outcome.aimed[each.aim] += 1
        self._broker.set()
        # What is shown next would take the place of what nobody has read yet.
        self._await(self._is_read, QUIET_WITHIN, "what is shown was read")

    def _turn(self, name: str, colour: int) -> None:
        self._updated = max(now().replace(microsecond=0), self._updated + timedelta(seconds=1))
        self._colours.pop(name, None)
        if colour > 1:
            # An end of its own tells one word from another.
            ends = self._updated + timedelta(hours=6, minutes=len(self._turned))
            self._colours[name] = (self._updated - timedelta(minutes=1), ends, colour)
        self._turned.append((name, SEVERITIES.get(colour)))
        self._show_map()

    def _show_map(self) -> None:
        windows = {name: [window] for name, window in self._colours.items()}
        self._feed.show(_MAP, an_edition(windows, self._updated, self._updated + timedelta(days=2)))

    def _write(self, number: int, version: int) -> None:
        self._entries[number] = version
        self._titles.append(_title(number, version))
        self._show_site()

    def _show_site(self) -> None:
        items = "".join(
            f"<item><guid>avis-{number}</guid><title>{_title(number, version)}</title></item>"
            for number, version in reversed(self._entries.items())
        )
        self._feed.show("/site", f'<rss version="2.0"><channel><title>Mairie</title>{items}</channel></rss>'.encode())

    def _read(self) -> set[str]:
        return {row["name"] for row in self._rows("SELECT name FROM source WHERE last_ok IS NOT NULL")}

    def _is_read(self) -> bool:
        filed = len(self._rows(_FILED, VIGILANCE)), len(self._rows(_FILED, SITE))
        return filed[0] >= len(self._turned) and filed[1] >= len(self._titles)

    def _is_settled(self) -> bool:
        return int(self._rows(_OPEN)[0]["posts"]) == 0

    def _rows(self, question: str, *values: str) -> list[Mapping[str, Any]]:
        with asking(self.town.place) as unit:
            return list(unit.execute(question, values).fetchall())

    def _settle(self) -> None:
        if not wait_until(self._is_settled, QUIET_WITHIN):
            self.outcome.breaches.append(Breach(LOST, PANELS, "", "posts stand still at the end"))

    def _audit_watched(self) -> None:
        colours = self._rows(_FILED, VIGILANCE)
        filed = [(row["identifier"].split("-")[2], _severity(row)) for row in colours]
        titles = [str(row["headline"]) for row in self._rows(_FILED, SITE)]
        self.outcome.colours, self.outcome.entries = len(filed), len(titles)
        self.outcome.breaches += each_once(VIGILANCE, self._turned, filed)
        self.outcome.breaches += each_once(SITE, self._titles, titles)
        self.outcome.breaches += list(self._posted_once())
        self.outcome.breaches += list(self._what_stands())

    def _posted_once(self) -> Iterator[Breach]:
        """What stands on the Page is what the database has a receipt of, and an end for each that is over."""
        sent = self._rows(_SENT)
        known = {row["remote_id"] for row in sent}
        for post in self.town.timelines()["facebook"]:
            if not post.get("foreign") and not known & {post["id"], *post["earlier_ids"]}:
                yield Breach(TWICE, "page", "", f"{post['text'][:60]!r} has no receipt")
        ends = sum(row["kind"] == "end" for row in sent)
        over = sum(severity is None for _, severity in self._turned)
        over += sum(each.kind == "cancel" for each in self._current.values())
        if ends != over:
            yield Breach(LOST, "page", "", f"{over} are over, {ends} ends were told")

    def _what_stands(self) -> Iterator[Breach]:
        """What a panel is told that is switched on now."""
        there = Counter(each["headline"] for each in self._ask(self._broker.standing("tocsin/all/+")).values())
        on = Counter(f"Repère {t.incident}.{t.place}" for t in self._current.values() if t.kind != "cancel")
        warnings = Counter(severity for _, severity in dict(self._turned).items() if severity is not None)
        for headline in on - there:
            yield Breach(LOST, PANELS, headline, "is on, and doesn't stand on the broker")
        others = there - on
        if others.total() != warnings.total() or any("Vigilance" not in each for each in others):
            yield Breach(TWICE, PANELS, "", f"{dict(others)} stand on the broker, {dict(warnings)} are on")


def each_once(source: str, shown: Sequence[object], published: Sequence[object]) -> Iterator[Breach]:
    """What was shown was told, each once and in its order."""
    lost, more = Counter(shown) - Counter(published), Counter(published) - Counter(shown)
    if lost:
        yield Breach(LOST, source, "", f"was never told: {list(lost)}")
    if more:
        yield Breach(TWICE, source, "", f"was told beside what was shown: {list(more)}")
    if not lost and not more and list(shown) != list(published):
        yield Breach("out of order", source, "", f"was told as {list(published)}")


def _severity(row: Mapping[str, Any]) -> Severity | None:
    return None if str(row["msg_type"]).lower() == "cancel" else Severity(row["severity"])


def _title(number: int, version: int) -> str:
    return f"Avis {number}, version {version}"


def watching_table(outcomes: Sequence[Watched]) -> str:
    """What came of each town, a line each."""
    return "\n".join(
        f"town {number}: {each.kills} kills {dict(each.aimed)}, {each.alerts} alerts, {each.colours} colours, "
        f"{each.entries} entries, {len(each.breaches)} breaches, takeover {max(each.takeovers, default=0.0):.1f} s"
        for number, each in enumerate(outcomes, 1)
    )
