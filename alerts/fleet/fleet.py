"""Begins and ends the daemons of a fleet's towns, as their folders come, change and go.

`look` compares what is in the folder with what it was, every few seconds and at SIGHUP. A town that is new is begun.
One whose files changed is read, and only where they are right is the old one ended and a new one begun. One that is
gone is ended. A file that is wrong costs its own town alone: where that town runs, it goes on with what its file said
before. What couldn't be begun is tried again each minute, since the reason may lie outside of its files.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from alerts.app import Daemon, build
from alerts.daemon.environment import DaemonEnvironment
from alerts.daemon.serving import Entrance
from alerts.delivery.worker import Guarded, Workers
from alerts.fleet.entrance import TownPlace, TownRouter
from alerts.fleet.folder import CONFIG, find_towns
from alerts.fleet.hosts import HostNames
from alerts.fleet.towns import LEADS_OUT, FilesBeside, Mark, Settled, mark, settle
from alerts.model.errors import ConfigurationError, TocsinError
from alerts.model.ports import Clock
from alerts.model.reason import Reason, because
from alerts.model.town import FleetSection, Town, WebSection
from alerts.store.identity import claim
from alerts.web.listener import Refused

LOOKED_AT_EVERY = 5.0
"""Seconds between two looks at the folder."""
TRIED_AGAIN_AFTER = 60.0
"""Seconds after which a town that couldn't be begun is tried again, though its files are the same."""
AT_ONCE = 4
"""Towns that are begun or ended at the same time: beginning one is mostly work for the processor."""

log = structlog.get_logger()


@dataclass(slots=True)
class Member:
    """A town of the fleet. `daemon` is None where it doesn't run; `wrong` is what its files are refused for.

    Both may be: its newest files are wrong, and it goes on with what they said before.
    """

    name: str
    folder: Path
    mark: Mark = ()
    tried_at: float = 0.0
    hosts: frozenset[str] = frozenset()
    store: str = ""
    daemon: Daemon | None = None
    wrong: tuple[Reason, ...] = ()
    language: str = "en"
    made_of: FilesBeside = field(default_factory=FilesBeside)
    watched: Town | None = None
    """What its files said when they could last be read; `made_of` are those beside channels.toml."""


@dataclass(slots=True)
class Fleet:
    """The towns of a folder, by name, in one process. `outside` is the world that all their daemons share."""

    folder: Path
    section: FleetSection
    listen: WebSection
    outside: DaemonEnvironment
    router: TownRouter = field(default_factory=TownRouter)
    members: dict[str, Member] = field(default_factory=dict)
    looked_at: float | None = None
    """When the last look was over, by the clock; None: the first one isn't yet."""
    names: HostNames = field(init=False)
    workers: Workers = field(init=False)
    """The loops of the process itself; each town has its own."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.names = HostNames.of(self.folder, self.section.hosts)
        self.workers = Workers(self.outside.clock)

    async def look(self) -> None:
        """Take over what changed in the folder. One town's trouble is told and kept with it; nothing is raised."""
        async with self._turn:
            try:
                found = await asyncio.to_thread(find_towns, self.folder)
                changed = await asyncio.to_thread(lambda: [each for each in found if self._is_news(each)])
            except OSError as error:
                log.error("fleet.unreadable", folder=str(self.folder), error=str(error))  # noqa: TRY400
                return
            gone = [each for each in self.members if each not in found]
            # Those that go first: one of those that come may have taken over a host name.
            await self._at_once(map(self._part_with, gone))
            # All that are there, before the first claims a name: each keeps what it had.
            self.members |= {name: Member(name, found[name]) for name in changed if name not in self.members}
            settled = [each for name in changed if (each := await self._settle(name, found[name])) is not None]
            # Before any answers under its name: what was given out is given out for good.
            await asyncio.to_thread(self.names.keep)
            await self._at_once(self._begin(*each) for each in settled)
            self.looked_at = self.outside.clock.monotonic()

    async def stop(self) -> None:
        """End every town: nothing more is taken in, and what is under way is finished."""
        async with self._turn:
            await asyncio.gather(*(self._end(each) for each in self.members.values()))
            if self.outside.feeds is not None:
                await self.outside.feeds.close()

    async def _at_once(self, works: Iterable[Coroutine[Any, Any, None]]) -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def in_its_place(work: Coroutine[Any, Any, None]) -> None:
            async with places:
                await work

        await asyncio.gather(*map(in_its_place, works))

    def _is_news(self, name: str) -> bool:
        """True if a town must be read: it is new, its files have changed, or it is to be tried again."""
        member = self.members.get(name)
        if member is None:
            return True
        if member.daemon is None and self.outside.clock.monotonic() - member.tried_at >= TRIED_AGAIN_AFTER:
            return True
        return (*mark(member.folder / CONFIG), *member.made_of.mark()) != member.mark

    async def _settle(self, name: str, folder: Path) -> tuple[Member, Settled] | None:
        member = self.members[name]
        member.tried_at = self.outside.clock.monotonic()
        # Whatever is wrong now: the same files aren't read again before they change, or their time has come.
        member.mark = (*mark(folder / CONFIG), *member.made_of.mark())
        try:
            with Guarded("town.failed", but=(ConfigurationError,), town=name) as part:
                settled = await asyncio.to_thread(settle, name, folder, self.section, self.listen)
                self._claim(member, settled)
                member.mark, member.made_of, member.watched = settled.mark, settled.made_of, settled.town
                return member, settled
        except ConfigurationError as error:
            if any(LEADS_OUT in each.codes() for each in error.problems):
                await self._end(member)
            self._refuse(member, error.problems, error.language)
        if part.error is not None:
            self._refuse(member, [_stumbled(part.error)])
        return None

    def _claim(self, member: Member, settled: Settled) -> None:
        """Give the town its host names. Raises ConfigurationError where another one has one of them."""
        wrong = [
            because("setting_wrong", file=CONFIG, key="station.public_url", what=what)
            for what in self.names.claim(member.name, settled.hosts, self.members)
        ]
        store = str(settled.town.database)
        stores = {each.store: each.name for each in self.members.values() if each is not member}
        if store in stores:
            what = because("store_taken", store=store, other=stores[store])
            wrong.append(because("setting_wrong", file=CONFIG, key="store.url", what=what))
        if wrong:
            raise ConfigurationError(wrong, settled.town.language)
        member.hosts, member.store = settled.hosts, store

    def _refuse(self, member: Member, problems: Iterable[Reason], language: str = "en") -> None:
        member.wrong, member.language = tuple(problems), language
        for each in member.wrong:
            log.error("town.refused", town=member.name, goes_on=member.daemon is not None, reason=str(each))

    async def _begin(self, member: Member, settled: Settled) -> None:
        """The town as its files say now, in the place of the one that runs, if one does."""
        # In a task of its own, so that whatever is logged by all that is begun here names the town.
        structlog.contextvars.bind_contextvars(town=member.name)
        await self._end(member)
        member.wrong, member.language = (), settled.town.language
        daemon = None
        try:
            await asyncio.to_thread(claim, settled.town.database, member.name, frozenset(self.members))
            daemon = await build(settled.town, replace(self.outside, serve=partial(self._serve, member)))
            await daemon.start()
        except BaseException as error:
            if daemon is not None:
                with contextlib.suppress(Exception):
                    await daemon.stop()
            if not isinstance(error, Exception):  # the whole process is being stopped
                raise
            if not isinstance(error, TocsinError):
                log.exception("town.failed")
            self._refuse(member, [error.reason if isinstance(error, TocsinError) else _stumbled(error)])
        else:
            member.daemon = daemon
            log.info("town.running", station=settled.town.name, hosts=sorted(settled.hosts), mount=settled.town.mount)

    async def _end(self, member: Member) -> None:
        if (daemon := member.daemon) is None:
            return
        member.daemon = None
        # Its folder may be gone. The others go on; its leases run out.
        with Guarded("town.failed", town=member.name):
            await daemon.stop()
        log.info("town.stopped", town=member.name)

    async def _part_with(self, name: str) -> None:
        await self._end(self.members[name])
        del self.members[name]

    async def _serve(
        self, member: Member, app: web.Application, _: WebSection, __: Clock, ___: Refused | None
    ) -> tuple[Entrance, str]:
        place = await self.router.put(member.name, app, member.hosts)
        return _TownEntrance(self.router, place), ""


@dataclass(frozen=True, slots=True)
class _TownEntrance:
    """A town's place at the fleet's door; connections are the door's."""

    router: TownRouter
    place: TownPlace

    @property
    def connections(self) -> int:
        return 0

    async def close(self) -> None:
        await self.router.take_away(self.place)


def _stumbled(error: Exception) -> Reason:
    return because("town_stumbled", error=f"{type(error).__name__}: {error}")
