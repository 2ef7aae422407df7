"""One town with a channel of each kind on the sandbox and a source of each kind that is served, under the same kills.

From one kill to the next something begins, changes or ends at some of the services (`simulation.faces`), while messages
go out as in any campaign. At the end what is on there was told once, in its last version, and what isn't is ended; and
each message stands on each channel as the plan of kills promises.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from alerts.daemon.desk import now
from alerts.store.unit import asking
from alerts.store.views import Views
from campaign.audit import LOST, TWICE, Breach
from campaign.play import QUIET_WITHIN, TAKEOVER, Outcome, Play, wait_until
from campaign.schedule import Life
from campaign.town import PROVIDERS, SECTIONS
from simulation.faces import FACES, Difference, Edition, deliver, next_edition, not_as_shown, told_of, told_twice
from tocsin_sandbox.imap import AUTHORITY, USER, Mailbox, serving

PROVIDER = "ovh"
"""The sandbox has one timeline for SMS: a campaign is of one provider."""
CHANNELS = tuple(name for name in SECTIONS if name not in PROVIDERS - {PROVIDER})
OTHERWISE = {"mqtt": "--watching", "mail": "--subscribers", "rss": "--watching", "vigilance": "--watching"}
"""Kinds that this campaign has no part of, as they aren't spoken to over HTTP or have a plan of kills of their own."""
_FEWEST, _MOST = 1, 3
"""Services where something changes, from one kill to the next."""
_EACH = 'every = "1s"\nallow_private = true\n'
_SETTINGS = {
    "vigicrues": 'api_url = "PLACE"\nsections = ["GA6", "TL3"]\n',
    "atmo": 'api_url = "PLACE"\nuser = "mairie"\npassword = { env = "MAILBOX_PASSWORD" }\ndepartment = "38"\n',
    "gtfs_rt": 'url = "PLACE/alerts.pb"\n',
    "roads": 'url = "PLACE/cifs.xml"\nbox = [45.0, 5.0, 46.0, 6.0]\n',
    "ical": 'url = "PLACE/works.ics"\n',
    "cap": 'url = "PLACE/api31/dashboard/066350000000.json"\narea = "any"\n',
    "mailbox": f'host = "127.0.0.1"\nport = PORT\ntls = "none"\nuser = "{USER}"\n'
    f'password = {{ env = "MAILBOX_PASSWORD" }}\nverified_by = "{AUTHORITY}"\nsenders = ["@eaux.example"]\n',
}
_OPEN = """
SELECT count(*) AS posts FROM post
WHERE state IN ('queued', 'sending') OR (state = 'in_doubt' AND next_try IS NOT NULL)
"""
_READ = "SELECT name FROM source WHERE last_ok IS NOT NULL"


@dataclass(slots=True)
class Everywhere(Outcome):
    """What came of one town's plan, with how often each service said something else."""

    editions: dict[str, int] = field(default_factory=dict)


class Kinds(Play):
    """The processes of one town, and what is on at each service that it reads."""

    def __init__(self, number: int, folder: Path, *, daemons: int = 2, server: bool = False) -> None:
        super().__init__(number, folder, daemons=daemons, server=server, channels=CHANNELS)
        self.outcome: Everywhere = Everywhere()
        self._dice = random.Random(number)
        began = now().replace(microsecond=0)
        # One of each calendar stays on, so that none is ever empty.
        anchored = Edition(began, {0: 1}, {0: began})
        self._editions = {kind: anchored if kind in ("roads", "ical") else replace(anchored, on={}) for kind in FACES}
        self._box = Mailbox()
        # A network's alert is over ten minutes after it was missing: longer than a campaign lasts.
        self._endless = frozenset({"gtfs_rt"})

    def live(self, lives: Sequence[Life]) -> Everywhere:
        """Live through the plan, and hold what came of it against what was told and shown."""
        with _served(self._box):
            for kind in FACES:
                self._show(kind)
            self.run(lives)
        return self.outcome

    def _sources(self) -> str:
        return "".join(
            f'[sources.{kind}]\nkind = "{kind}"\n{settings}{_EACH}'
            + ('publish = "auto"\n' if kind != "mailbox" else "")
            for kind, settings in self._settings().items()
        )

    def _settings(self) -> dict[str, str]:
        place, port = self._feed.place, str(self._box.port)
        return {kind: said.replace("PLACE", place).replace("PORT", port) for kind, said in _SETTINGS.items()}

    def _begin(self) -> None:
        super()._begin()
        # What lies in a mailbox, or a calendar, at the first look isn't told.
        self._await(lambda: len(self._rows(_READ)) > len(FACES), TAKEOVER, "all sources were read")

    def _live(self, life: Life) -> None:
        for kind in self._dice.sample(list(FACES), self._dice.randint(_FEWEST, _MOST)):
            last = self._editions[kind]
            moment = now().replace(microsecond=0)
            ends = kind not in self._endless
            edition = next_edition(last, FACES[kind], self._dice, moment, ends=ends)
            self._editions[kind] = edition
            self.outcome.editions[kind] = self.outcome.editions.get(kind, 0) + 1
            if kind == "mailbox":
                deliver(self._box, last, edition, self._dice, moment)
            self._show(kind)
        super()._live(life)

    def _show(self, kind: str) -> None:
        # What is linked stands there before what links to it.
        for path, body in reversed(list(FACES[kind].pages(self._editions[kind], now()).items())):
            self._feed.show(path, body)

    def _rows(self, question: str) -> list[object]:
        with asking(self.town.place) as unit:
            return list(unit.execute(question).fetchall())

    def _settle(self) -> None:
        self.town.mend()
        self._await(lambda: self._served <= self._ledger.identifiers(), QUIET_WITHIN, "the feed was read")
        wait_until(lambda: not list(self._differs()), QUIET_WITHIN)
        wait_until(self._is_quiet, QUIET_WITHIN)

    def _is_quiet(self) -> bool:
        with asking(self.town.place) as unit:
            return int(unit.execute(_OPEN).fetchone()["posts"]) == 0

    def _differs(self) -> Iterator[Difference]:
        with asking(self.town.place) as unit:
            told = told_of(Views(unit.db).everything(), FACES)
        yield from not_as_shown(told, {kind: (FACES[kind], self._editions[kind]) for kind in FACES}, now())
        yield from told_twice(told)

    def _audit(self) -> None:
        super()._audit()
        for promise, kind, how in self._differs():
            self.outcome.breaches.append(
                Breach(LOST if promise != "what is on is told once" else TWICE, kind, promise, how)
            )


@contextmanager
def _served(box: Mailbox) -> Iterator[None]:
    """Have the mailbox answer in a thread of its own."""
    loop, leaves, serves = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with serving(box):
            serves.set()
            await leaves.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    serves.wait(60)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(leaves.set)
        thread.join(10)
        with contextlib.suppress(RuntimeError):
            loop.close()
