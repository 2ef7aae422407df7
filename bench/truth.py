"""For how long an open page of an alert says what isn't so: `python -m bench.truth [--acts 200] [--daemons 2]`.

How it works: officers publish, update and validate by the API while pages of the alert are opened in a real browser, at
random moments before and after each act, in turn at each of the daemons that share the database. A script of ours in
each page notes what its head says, whenever that changes. Beside it the database is read 20 times a second, and tells
by the desk's own rules what is so. A page is wrong from the moment at which the database has said otherwise ever since,
and only where it went on listening: `worst` is the longest such time of a page, in seconds, from its first words on.
It ends with 1 where a page was wrong for more than `--allowed` seconds (2).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from alerts.desk.routing import Reach, reach_of
from alerts.model.post import PostKind, PostState
from alerts.store.unit import asking
from campaign.running import Running
from tests.browser.chromium import started
from tests.browser.officer import Desk, People, Person
from tests.browser.town import CHANNELS, STATION, DeskTown

ALLOWED = 2.0
SETTLED = 2.5
"""Seconds for which a page is watched after the last of its posts came to rest."""
LONGEST = 60.0
PAGES = 3
"""How many pages are open at once: a browser keeps six connections with one host, and each page listens on one."""
LOOK_EVERY = 0.05
_NOTE = """(() => {
  window.said = [];
  let last = null;
  const note = () => {
    const words = document.querySelector("#standing")?.textContent;
    if (words && words !== last) window.said.push([Date.now() / 1000, last = words]);
  };
  new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true });
  addEventListener("DOMContentLoaded", note);
})()"""
_NUMBERS = {
    "coming": re.compile(r"(\d+) under way"),
    "waiting": re.compile(r"(\d+) waiting"),
    "update waits": re.compile(r"its update is waiting \((\d+)"),
    "update comes": re.compile(r"its update is under way \((\d+)"),
}
_LIVE = re.compile(r"isible to the public on (\d+) channels? of")
Said = dict[str, int]
"""How many channels are in which state; those with none are left out."""


def said_by(words: str) -> Said:
    """What the head of an alert's page says."""
    found = {name: int(match[1]) for name, pattern in _NUMBERS.items() if (match := pattern.search(words))}
    return {**found, "live": int(match[1])} if (match := _LIVE.search(words)) else found


def said_of(reach: Reach) -> Said:
    """The same of what the database says."""
    updates = [post.state for post in reach.then if post.kind is PostKind.UPDATE]
    waits = updates.count(PostState.WAITING)
    counts = {
        "live": len(reach.live),
        "coming": len(reach.coming) + len(reach.doubtful),
        "waiting": len(reach.waiting),
        "update waits": waits,
        "update comes": len(updates) - waits,
    }
    return {name: count for name, count in counts.items() if count}


@dataclass
class Truth:
    """What the database has said of one incident: each change with the moment from which it was so, at the latest."""

    town: DeskTown
    incident: str = ""
    changes: list[tuple[float, Said]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def followed(self, incident: str) -> Iterator[None]:
        """Look all the while."""
        self.incident, self.changes = incident, []
        self._stop.clear()
        looking = threading.Thread(target=self._follow)
        looking.start()
        try:
            yield
        finally:
            self._stop.set()
            looking.join()

    def _follow(self) -> None:
        with asking(self.town.place) as unit:
            while not self._stop.wait(LOOK_EVERY):
                said = said_of(reach_of(unit.alerts.thread(self.incident)))
                if not self.changes or self.changes[-1][1] != said:
                    self.changes.append((time.time(), said))

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way, and has not been for a while."""
        if not self.changes or time.time() - self.changes[-1][0] < SETTLED:
            return False
        return not {"coming", "update comes"} & self.changes[-1][1].keys()

    def wrong_for(self, said: Sequence[tuple[float, str]], until: float) -> float:
        """For how long at the most, on end, a page said what the database didn't."""
        worst, ends = 0.0, [at for at, _ in said[1:]] + [until]
        overs = [at for at, _ in self.changes[1:]] + [until]
        for (begun, words), end in zip(said, ends, strict=True):
            claim, since = said_by(words), begun
            for (_, so), over in zip(self.changes, overs, strict=True):
                if over <= begun:
                    continue
                if so == claim:
                    since = min(over, end)
                worst = max(worst, min(over, end) - since)
        return worst


class Officers:
    """An author and an approver, by the API."""

    def __init__(self, town: DeskTown) -> None:
        self._address = town.desk.removesuffix("/desk") + "/api/v1"
        names = {"anne": "author", "berthe": "approver"}
        self._tokens = {
            name: town.objects("token", "add", name, "--role", role)[0]["token"] for name, role in names.items()
        }

    def ask(self, who: str, path: str, **words: Any) -> dict[str, Any]:
        """Do it; the alert as it is then."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, json.dumps(words).encode(), headers)
        with urllib.request.urlopen(request, timeout=LONGEST) as answer:
            answered: dict[str, Any] = json.load(answer)
            return answered


class Watch:
    """The pages that are open, and how long each was wrong."""

    def __init__(self, person: Person, desks: Sequence[str], truth: Truth, seed: int) -> None:
        self.worst: list[float] = []
        self.seen: list[str] = []
        self._person, self._desks, self._truth = person, desks, truth
        self._chance = random.Random(seed)
        self._pages: list[Page] = []

    def act(self, alert: str, doing: threading.Thread) -> None:
        """Let it be done, and open a page at some moment around it; then wait until all came to rest."""
        moment = self._chance.uniform(-0.5, 1.0)
        if moment > 0:
            doing.start()
        time.sleep(max(moment, 0))
        page = self._person.context.new_page()
        page.add_init_script(_NOTE)
        page.goto(f"{self._desks[len(self.worst) % len(self._desks)]}/alerts/{alert}", wait_until="commit")
        self._pages.append(page)
        if moment <= 0:
            page.wait_for_timeout(-1000 * moment)
            doing.start()
        # Playwright's own loop has to go on meanwhile: it is by it that pages are opened and closed.
        longest = time.monotonic() + LONGEST
        while time.monotonic() < longest and (doing.is_alive() or not self._truth.is_at_rest):
            page.wait_for_timeout(100)
        until = time.time()
        spans = [self._truth.wrong_for(page.evaluate("window.said"), until) for page in self._pages]
        self.worst.append(max(spans))
        if max(spans) > ALLOWED:
            said = self._pages[spans.index(max(spans))].evaluate("window.said")
            self.seen.append(f"{max(spans):.1f} s: {said} while {self._truth.changes}")
        while len(self._pages) >= PAGES:
            self._pages.pop(0).close()

    def forget(self) -> None:
        """Close all pages."""
        while self._pages:
            self._pages.pop().close()


_UNLIMITED = re.sub(r'(kind = "\w+")', r'\1\nlimits = ["100000/1m"]', CHANNELS)


class _UnlimitedTown(DeskTown):
    """A town whose platforms and channels have no limit: what waits for one says so, and for minutes."""

    def start_sandbox(self, *options: str) -> Running:
        return super().start_sandbox("--no-limits", *options)


def watched(acts: int, daemons: int, seed: int) -> Watch:
    """Three acts on each incident: it is validated and so published, updated, and the update validated."""
    with tempfile.TemporaryDirectory() as folder, started() as browser:
        town = _UnlimitedTown(Path(folder))
        town.port = 0
        try:
            town.open(channels=_UNLIMITED, station=STATION)
            others = [town.start_daemon() for _ in range(daemons - 1)]
            ports = [_port(each) for each in (town.daemon, *others) if each is not None]
            town.port = ports[0]
            desk = Desk(browser, People(town))
            person, truth = desk.person("camille", "viewer"), Truth(town)
            watch = Watch(person, [f"http://localhost:{port}/desk" for port in ports], truth, seed)
            officers = Officers(town)
            for number in range(-(-acts // 3)):
                _tell(officers, watch, truth, number)
            return watch
        finally:
            town.end()


def _port(daemon: Running) -> int:
    return int(daemon.url.rsplit(":", 1)[1])


def _tell(officers: Officers, watch: Watch, truth: Truth, number: int) -> None:
    posted = officers.ask("anne", "/alerts", headline=f"Route coupée {number}", severity="Moderate")
    alert, incident = posted["alert"], posted["incident"]

    def doing(who: str, act: str, **words: Any) -> threading.Thread:
        return threading.Thread(target=lambda: officers.ask(who, f"/alerts/{_newest(truth, alert)}/{act}", **words))

    with truth.followed(incident):
        watch.act(alert, doing("berthe", "approve"))
        watch.act(alert, doing("anne", "update", headline=f"Route coupée {number}, déviation"))
        watch.act(alert, doing("berthe", "approve"))
    watch.forget()


def _newest(truth: Truth, alert: str) -> str:
    with asking(truth.town.place) as unit:
        return unit.alerts.incident(unit.alerts.by_id(alert)[0].incident_id)[-1].id


def main() -> int:
    """Watch, print how long pages were wrong; 1 where one was so for too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.truth", description="How long open pages are behind.")
    parser.add_argument("--acts", type=int, default=200, metavar="N")
    parser.add_argument("--daemons", type=int, default=1, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--allowed", type=float, default=ALLOWED, metavar="SECONDS")
    asked = parser.parse_args()
    watch = watched(asked.acts, asked.daemons, asked.seed)
    worst, middle = max(watch.worst), statistics.median(watch.worst)
    late = sum(each > asked.allowed for each in watch.worst)
    print("\n".join(watch.seen))
    print(
        f"{len(watch.worst)} acts, {asked.daemons} daemons: worst {worst:.2f} s, median {middle:.2f} s; {late} too long"
    )
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
