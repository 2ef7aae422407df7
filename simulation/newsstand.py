"""The services that a town of the other kinds reads, in the world's time: the sources are the daemon's own.

At each something begins, changes and ends, and things go wrong: it is down or slow, a cache answers with an edition of
before, an edition is dated tomorrow, a mailbox is numbered anew, a mail comes twice. What is promised of all of them:
what is on at the end was told, in its last version; what isn't is ended, where its service says so; and nothing is told
twice in a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit

from alerts.config.kinds import source_kind
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.ports import Source, Surroundings
from alerts.sources.atmo import AtmoSource
from alerts.sources.mailbox import Envelope, MailboxSource, MailFolder
from alerts.store.views import Views
from simulation.agenda import Agenda, Trace
from simulation.audit import Breach
from simulation.faces import (
    FACES,
    Difference,
    Edition,
    Face,
    Told,
    deliver,
    next_edition,
    not_as_shown,
    told_of,
    told_twice,
)
from simulation.feed import Feed
from simulation.life import Life
from simulation.neighbours import remembered
from tocsin_sandbox.imap import Mailbox

STANDS = {
    "vigicrues": "vigicrues",
    "atmo": "atmo",
    "bus": "gtfs_rt",
    "routes": "roads",
    "agenda": "ical",
    "nina": "cap",
    "courrier": "mailbox",
}
"""The kind of each source (others.toml)."""
_ANCHOR = 0
"""A number that stays on, so that no file is ever empty."""


@dataclass
class Stand:
    """One service."""

    name: str
    face: Face
    weather: Feed
    editions: list[Edition]
    box: Mailbox = field(default_factory=Mailbox)

    @property
    def now(self) -> Edition:
        """What it says at last."""
        return self.editions[-1]


class Newsstand:
    """All of them, and how they do."""

    def __init__(self, agenda: Agenda, trace: Trace, dice: Random, db: sqlite3.Connection) -> None:
        self._agenda = agenda
        self._trace = trace
        self._dice = dice
        self._db = db
        self._is_calm = False
        first = Edition(self._now, {_ANCHOR: 1}, {_ANCHOR: self._now})
        empty = replace(first, on={})
        self.stands = {
            name: Stand(name, FACES[kind], Feed(name, dice), [first if kind in ("roads", "ical") else empty])
            for name, kind in STANDS.items()
        }

    @property
    def _now(self) -> datetime:
        return self._agenda.now.replace(microsecond=0)

    def begin(self, start: float, length: float) -> None:
        """Editions and troubles within this time."""
        for happening, gap in ((self._edition, 8.0), (self._trouble, 40.0)):
            time = start
            while (time := time + self._dice.expovariate(1 / gap)) < start + length:
                self._agenda.at(time, happening)

    def calm_down(self) -> None:
        """All are well again, and show what is so."""
        self._is_calm = True
        for each in self.stands.values():
            each.weather.down, each.weather.trouble = False, 0.0

    def _edition(self) -> None:
        stand = self._dice.choice(list(self.stands.values()))
        # What lies in a mailbox at the first look isn't told.
        if self._is_calm or (STANDS[stand.name] == "mailbox" and not remembered(self._db, stand.name)):
            return
        last = stand.now
        stand.editions.append(next_edition(last, stand.face, self._dice, self._now))
        if STANDS[stand.name] == "mailbox":
            deliver(stand.box, last, stand.now, self._dice, self._now)
        self._trace("shown", source=stand.name, on=stand.now.on)

    def _trouble(self) -> None:
        if self._is_calm:
            return
        stand = self._dice.choice(list(self.stands.values()))
        stand.weather.down, stand.weather.trouble = self._dice.random() < 0.4, 0.5
        if STANDS[stand.name] == "mailbox" and self._dice.random() < 0.5:
            stand.box.renumber()

        def recover() -> None:
            stand.weather.down, stand.weather.trouble = False, 0.0

        self._agenda.after(self._dice.uniform(1, 120), recover)

    # --- what is answered ------------------------------------------------------------------------------------------

    def found(self, url: str) -> tuple[Feed, Callable[[], bytes]]:
        """How the service at an address does, and what it answers. Raises FailedForGood where there is none."""
        path = urlsplit(url).path
        for stand in self.stands.values():
            if path in stand.face.pages(stand.now, self._now):
                return stand.weather, partial(self._page, stand, path)
        raise FailedForGood("there is no such page")

    def _page(self, stand: Stand, path: str) -> bytes:
        edition, roll = stand.now, self._dice.random()
        if stand.face.dated and not self._is_calm and len(stand.editions) > 1:
            if roll < 0.15:
                edition = stand.editions[-2]
            elif roll < 0.25:
                edition = replace(edition, made=edition.made + timedelta(days=1))
        # What was listed a moment ago may be gone.
        return stand.face.pages(edition, self._now).get(path, b"")

    def open(self, name: str, settings: Any, around: Surroundings, life: Life) -> Source:
        """The source of that name, of its own kind, for one life of the daemon."""
        kind = source_kind(settings.kind)
        assert kind is not None  # noqa: S101 the settings were checked
        own: dict[str, Any] = {"mailbox": SimulatedMailbox, "atmo": SimulatedAtmo}
        source: Source = own.get(settings.kind, kind.load())(name, settings, around)
        if isinstance(source, SimulatedMailbox):
            source.stand, source.life = self.stands[name], life
        return source

    # --- what is promised ------------------------------------------------------------------------------------------

    def unread(self) -> bool:
        """Whether something of what they show at last is still to be told."""
        return any(True for _ in self._differs())

    def audit(self) -> Iterator[Breach]:
        """Every promise about them."""
        for promise, name, how in (*self._differs(), *told_twice(self._told())):
            yield Breach(promise, f"{name}: {how}")

    def _told(self) -> Told:
        return told_of(Views(self._db).everything(), self.stands)

    def _differs(self) -> Iterator[Difference]:
        shown = {name: (each.face, each.now) for name, each in self.stands.items()}
        return not_as_shown(self._told(), shown, self._agenda.now)


class SimulatedAtmo(AtmoSource):
    """Its token is good; what it is exchanged for isn't asked for here."""

    async def _token(self) -> str:
        return "t"


class SimulatedMailbox(MailboxSource):
    """Its server's folder is this world's."""

    stand: Stand
    life: Life

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[MailFolder]:
        stand, life = self.stand, self.life
        await life.passes("before a feed")
        await life.asks(stand.weather.seconds(), lambda: None)
        if stand.weather.fails():
            raise SourceFailed("the mailbox can't be reached")
        yield SimulatedFolder(stand.box)
        await life.passes("after a feed")


class SimulatedFolder(MailFolder):
    """The folder of a mailbox of the sandbox, without a connection."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box
        self.validity, self.next = box.validity, box.next

    def search(self, criterion: str) -> Sequence[int]:
        """All mails within the numbers that are asked for, or all there are."""
        first, last = 0, self.next
        if criterion.startswith("UID "):
            first, last = map(int, criterion.removeprefix("UID ").split(":"))
        return [uid for uid in self._box.mails if first <= uid <= last]

    def fetch(self, uids: Sequence[int], section: str) -> Sequence[Envelope]:  # noqa: ARG002 these are short
        """The mails that are still there."""
        return [Envelope(uid, *self._box.mails[uid]) for uid in uids if uid in self._box.mails]
