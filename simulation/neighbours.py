"""Whom a town reads besides feeds of CAP: the department's Vigilance and a site's feed, with what goes wrong there.

The sources are the daemon's own; what they ask for is answered here, in the world's time. An edition of the Vigilance
is newer or the same again, now and then an older one out of some cache; entries of the site come, change and go.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import escape
from random import Random
from typing import Any

from alerts.model.errors import SourceFailed
from alerts.model.ports import Clock, Surroundings
from alerts.sources.address import Where
from alerts.sources.document import FetchedDocument
from alerts.sources.shared import SharedReader, SourceShare
from simulation.agenda import Agenda, Trace
from simulation.feed import Feed
from simulation.life import Life
from tests.vigilance_pages import an_edition

VIGILANCE, SITE = "vigilance", "mairie"
PHENOMENA = "12356789"
GREEN, YELLOW, ORANGE, RED = 1, 2, 3, 4
LOOKS_FAR = timedelta(days=2)
SHOWN = 6
"""Entries that the site's feed holds; older ones leave it."""
_MEMORY = "SELECT memory FROM source WHERE name = ?"
Window = tuple[datetime, datetime, int]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the map: when it was made, and the colour of each phenomenon that isn't green."""

    updated: datetime
    windows: Mapping[str, Window]

    def body(self) -> bytes:
        """The document."""
        windows = {name: [window] for name, window in self.windows.items()}
        return an_edition(windows, self.updated, self.updated + LOOKS_FAR)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the site in one version."""

    number: int
    version: int
    published: datetime

    @property
    def title(self) -> str:
        """Words that no other version of any entry has."""
        return f"Avis {self.number}, version {self.version}"

    def as_item(self) -> str:
        """As the feed has it."""
        at = self.published.strftime("%a, %d %b %Y %H:%M:%S +0000")
        words = escape(f"Coupure d’eau rue {self.number}, information {self.version}.")
        link = f"<link>https://mairie.example/{self.number}</link><pubDate>{at}</pubDate>"
        content = f"<guid>avis-{self.number}</guid><title>{self.title}</title><description>{words}</description>"
        return f"<item>{content}{link}</item>"


@dataclass
class Neighbours:
    """What the two say now and said before, and how they do."""

    agenda: Agenda
    trace: Trace
    dice: Random
    db: sqlite3.Connection
    editions: list[Edition] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    is_calm: bool = False

    def __post_init__(self) -> None:
        self.weather = {name: Feed(name, self.dice) for name in (VIGILANCE, SITE)}
        self._ends: set[datetime] = set()
        self._numbers = 0

    def begin(self, start: float, length: float) -> None:
        """Editions, entries and troubles within this time."""
        self.editions.append(Edition(self._now, {}))
        for happening, gap in ((self._edition, 25.0), (self._entry, 30.0), (self._trouble, 60.0)):
            time = start
            while (time := time + self.dice.expovariate(1 / gap)) < start + length:
                self.agenda.at(time, happening)

    def calm_down(self) -> None:
        """Both are well again, and show what is so."""
        self.is_calm = True
        for each in self.weather.values():
            each.down, each.trouble = False, 0.0

    @property
    def _now(self) -> datetime:
        return self.agenda.now.replace(microsecond=0)

    # --- the Vigilance ---------------------------------------------------------------------------------------------

    def _edition(self) -> None:
        if self.is_calm:
            return
        last = self.editions[-1]
        windows = {name: each for name, each in last.windows.items() if each[1] > self._now}
        updated = max(self._now, last.updated + timedelta(seconds=1))
        if self.dice.random() < 0.85:  # else the words alone are new
            self._change(windows)
        self.editions.append(Edition(updated, windows))
        self.trace("edition", updated=updated, windows={name: each[2] for name, each in windows.items()})

    def _change(self, windows: dict[str, Window]) -> None:
        name = self.dice.choice(PHENOMENA)
        before = windows.pop(name, None)
        if before is None or self.dice.random() < 0.7:
            colour = self.dice.choice((YELLOW, ORANGE, RED))
            begin = before[0] if before else self._now + timedelta(minutes=self.dice.choice((0, 0, 3)))
            windows[name] = (begin, self._end_after(begin), colour)

    def _end_after(self, begin: datetime) -> datetime:
        """A minute at which nothing else ends: the audit knows posts by their words."""
        end = begin.replace(second=0) + timedelta(minutes=self.dice.randint(2, 40))
        while end in self._ends:
            end += timedelta(minutes=1)
        self._ends.add(end)
        return end

    def map_now(self) -> bytes:
        """What is answered: now and then an edition of before."""
        is_old = not self.is_calm and len(self.editions) > 1 and self.dice.random() < 0.15
        return self.editions[-2 if is_old else -1].body()

    # --- the site ----------------------------------------------------------------------------------------------------

    def _entry(self) -> None:
        # What stands in a feed when it is read first isn't told: a feed that was read is what this is about.
        if self.is_calm or "entries" not in remembered(self.db, SITE):
            return
        roll, current = self.dice.random(), [each for each in self.entries if each.number not in self.gone]
        if not current or roll < 0.5:
            self._numbers += 1
            self.entries.insert(0, Entry(self._numbers, 1, self._now))
        elif roll < 0.8:
            one = self.dice.choice(current)
            self.entries[self.entries.index(one)] = replace(one, version=one.version + 1)
        else:
            one = self.dice.choice(self.entries)
            self.gone ^= {one.number}  # one that is gone comes back
        self.trace("site", shown=[each.title for each in self.shown()])

    def shown(self) -> list[Entry]:
        """The entries in the feed now."""
        return [each for each in self.entries if each.number not in self.gone][:SHOWN]

    def feed_now(self) -> bytes:
        """The document."""
        items = "".join(each.as_item() for each in self.shown())
        return f'<rss version="2.0"><channel><title>Mairie</title>{items}</channel></rss>'.encode()

    # --- both --------------------------------------------------------------------------------------------------------

    def _trouble(self) -> None:
        if self.is_calm:
            return
        each = self.weather[self.dice.choice((VIGILANCE, SITE))]
        each.down, each.trouble = self.dice.random() < 0.4, 0.5
        self.agenda.after(self.dice.uniform(1, 120), lambda: _recover(each))

    def unread(self) -> bool:
        """Whether what they show at last is still to be read."""
        updated = remembered(self.db, VIGILANCE).get("updated")
        stored = {row[0] for row in self.db.execute("SELECT headline FROM alert WHERE source = ?", (SITE,))}
        is_map_read = updated is not None and datetime.fromisoformat(updated) >= self.editions[-1].updated
        return not is_map_read or any(each.title not in stored for each in self.shown())

    def found(self, url: str) -> tuple[Feed, Callable[[], bytes]]:
        """How the place at an address does, and what it answers: the Vigilance, its words, or the site."""
        if url.endswith("cartevigilance/encours"):
            return self.weather[VIGILANCE], self.map_now
        # Of its words there are none.
        return (
            (self.weather[VIGILANCE], lambda: b"{}")
            if "vigilance" in url.lower()
            else (
                self.weather[SITE],
                self.feed_now,
            )
        )


def _recover(feed: Feed) -> None:
    feed.down, feed.trouble = False, 0.0


def remembered(db: sqlite3.Connection, source: str) -> Mapping[str, Any]:
    """What the source remembers in the database."""
    row = db.execute(_MEMORY, (source,)).fetchone()
    state: Mapping[str, Any] = json.loads(row[0]) if row else {}
    return state


class SimulatedReader(SharedReader):
    """Addresses of this world: `found` is how the place at one does, and what it answers."""

    def __init__(self, found: Callable[[str], tuple[Feed, Callable[[], bytes]]], clock: Clock, life: Life) -> None:
        super().__init__(None, clock)
        self.found = found
        self.life = life

    def share_of(self, where: Where, every: timedelta, around: Surroundings) -> SourceShare:  # noqa: ARG002
        """A share of what stands there."""
        return SimulatedShare(self, where, every.total_seconds(), "Saint-Martin", "alertes@saint-martin.example")


class SimulatedShare(SourceShare):
    """One source's part in such an address."""

    _reader: SimulatedReader

    async def linked(self, url: str, version: str) -> FetchedDocument:  # noqa: ARG002 each version stands at its own
        """What a document there links to."""
        return await self._answered(url)

    async def look(self, digest: str | None) -> FetchedDocument | None:
        """What is answered, unless it can't be reached."""
        document = await self._answered(self._where.url)
        return document if document.digest != digest else None

    async def _answered(self, url: str) -> FetchedDocument:
        weather, answer = self._reader.found(url)
        life = self._reader.life
        await life.passes("before a feed")
        body = await life.asks(weather.seconds(), answer)
        await life.passes("after a feed")
        if weather.fails():
            raise SourceFailed("it can't be reached")
        return FetchedDocument(url, body)
