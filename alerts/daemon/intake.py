"""The daemon's own filing, and the upkeep of its database.

`MessageIntake` files the entries of a source together with its memory, in few and short transactions: a stored reading
is never filed again, and one entry that can't be filed costs itself alone. `Housekeeping` has the loops apart from
lanes and pollers: it ends expired alerts, deletes old data, and polls the file. An error doesn't end a loop: it is
logged, and the loop continues. The file is polled because a command's ring may get lost: then the lanes find its posts
a second later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.worker import Guarded, Work
from alerts.desk.actions import Desk, Filed
from alerts.desk.decide import MOST_WAITING, NO_PLACE, is_grave
from alerts.desk.ending import GRACE
from alerts.desk.following import in_order
from alerts.desk.posts import DraftPost
from alerts.desk.unit import DeskUnit
from alerts.listening.polls import due
from alerts.model.events import Events, IncidentChanged, MessageFiled, PostsStored, ReportsChanged
from alerts.model.incident import StoredAlert, Undrafted
from alerts.model.lease import DUTIES, Lease
from alerts.model.poll import Poll
from alerts.model.ports import Clock, Heard, SourceReading
from alerts.model.reason import because
from alerts.model.town import StoreSection
from alerts.sources.fetch_slots import FetchSlots
from alerts.store.archive import Slice
from alerts.store.batches import AT_ONCE, Pace, in_batches
from alerts.store.database import Database
from alerts.store.unit import Unit
from alerts.store.views import Watermark

LOOKED_FOR_UNDRAFTED_EVERY = 60.0
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(eq=False, repr=False)
class MessageIntake:
    """Files readings at the desk, and wakes the lanes that have something to do by it.

    Each transaction waits for one of `turns`, which all towns of the process share.
    """

    desk: Desk
    database: Database
    clock: Clock
    events: Events
    turns: FetchSlots | None = None

    def __post_init__(self) -> None:
        self._turns = self.turns or FetchSlots()
        self._read: set[str] = set()
        self._undrafted = True
        self._looked_at = 0.0

    async def deliver(self, source: str, reading: SourceReading, look_again: datetime, lease: Lease | None) -> int:
        """Store everything a source said, and with the last of it what it remembers; what was stored isn't filed again.

        Returns how many readings in a row had a trouble. Raises LeaseLost where another daemon may poll the source by
        now (`lease` None: nobody else does); what was stored before stays.

        That a source was read for the first time is news by itself: till then pages said that something may be missing.
        """
        entries = list(enumerate(in_order(reading.heard)))
        last, are_grave = len(entries) - 1, [_is_grave(heard) for _, heard in entries]
        # What goes on about one event again and again takes ever longer to file.
        pace = Pace(self.clock)

        def remember(unit: Unit) -> int:
            now = self.clock.now()
            unit.leases.check(lease, now)
            return unit.sources.remember(source, reading.memory, now, look_again, trouble=reading.trouble)

        async def file(few: Sequence[tuple[int, Heard]], *, with_memory: bool) -> tuple[list[Filed], int | None]:
            first, batch = few[0][0], [heard for _, heard in few]

            def work(unit: Unit) -> tuple[list[Filed], int | None]:
                return self._file(source, batch, lease, unit), remember(unit) if with_memory else None

            # What stands before something grave is as pressing, for it is filed first.
            async with self._turns.turn(urgent=any(are_grave[first:]), place=first // AT_ONCE):
                # Outlines are compared beside the transaction, by a reader: the territory remembers the outcome.
                await self.database.read(lambda _: self.desk.locate(batch, source))
                with pace:
                    return await self.database.write(work)

        async def blame(entry: tuple[int, Heard], _: Exception) -> tuple[list[Filed], int | None]:
            key = entry[1].key
            problem = [Heard(key, problem=because("desk_stumbled", key=key))]
            return await self.database.write(partial(self._file, source, problem, lease)), None

        failures: int | None = None
        # The memory comes with the last: after a kill in between, a source that tells changes by what it remembers
        # would tell a change as something new. What was filed before is known by its key.
        async for filed, failed in in_batches(
            entries,
            lambda few: file(few, with_memory=few[-1][0] == last),
            alone=lambda one: file(one, with_memory=False),
            blame=blame,
            pace=pace,
            event="desk.failed",
            source=source,
        ):
            failures = failed
            self._tell(source, filed)
        if failures is None:
            failures = await self.database.write(remember)
        # Pages say that something may be missing until every source was read once.
        if source not in self._read and reading.trouble is None:
            self._read.add(source)
            self.events.publish(PostsStored(()))
            self.events.publish(IncidentChanged())
        return failures

    async def end_what_is_over(self, lease: Lease | None = None) -> int:
        """File the end of expired incidents; returns how many posts that makes.

        Raises LeaseLost if that is another daemon's duty by now.
        """
        # Read first, for nearly always there is nothing to end, and each write wakes every process at the file.
        ended = await self.database.read(lambda unit: unit.alerts.over(self.clock.now() - GRACE))
        if not ended:
            return 0

        def end(unit: Unit, only: Collection[str]) -> Sequence[DraftPost]:
            unit.leases.check(lease, self.clock.now())
            return self.desk.end_what_is_over(unit.alerts, only)

        drafts = await self._carry_out(end, [stored.id for stored in ended], "ends")
        for made in drafts:
            log.info("alert.over", alert=made.post.alert_id, incident=made.post.incident_id, channel=made.post.channel)
        self._publish(sorted({made.post.channel for made in drafts}))
        return len(drafts)

    async def draft_what_found_no_place(self, lease: Lease | None = None) -> int:
        """Draft alerts that sources sent while their places were taken, as far as some are free now; returns how many.

        There is almost never one, and then it is checked once a minute: another daemon may file one. Raises LeaseLost
        if that is another daemon's duty by now.
        """
        if not self._undrafted and self.clock.monotonic() - self._looked_at < LOOKED_FOR_UNDRAFTED_EVERY:
            return 0
        self._looked_at = self.clock.monotonic()
        due = await self.database.read(self._due)
        return sum([await self._draft_late(source, names, lease) for source, names in due.items()])

    async def _draft_late(self, source: str, names: list[str], lease: Lease | None) -> int:
        async def draft(few: Sequence[str]) -> list[Filed]:
            return await self.database.write(partial(self._file_late, source, few, lease))

        async def give_up(name: str, _: Exception) -> list[Filed]:
            # Tried again it would be in the way of all others for ever.
            await self.database.write(partial(_give_up, source, [name], lease, self.clock.now()))
            return []

        drafted = 0
        async for filed in in_batches(names, draft, blame=give_up, event="desk.failed", source=source):
            self._tell(source, filed)
            drafted += len(filed)
        return drafted

    def _due(self, unit: Unit) -> dict[str, list[str]]:
        """By source, what is over, and what there is a place for; what is to be drafted is located here, beforehand."""
        found: dict[str, list[str]] = {}
        known = unit.sources.undrafted()
        self._undrafted = bool(known)
        for source, undrafted in known.items():
            waiting, now = [is_grave(each) for each in unit.alerts.waiting_of(source)], self.clock.now()
            names = [each.alert for each in undrafted if each.until <= now or source not in self.desk.station.sources]
            for grave in (True, False):
                there = [each.alert for each in undrafted if each.is_grave is grave and each.alert not in names]
                names += there[: min(max(MOST_WAITING - waiting.count(grave), 0), AT_ONCE)]
            stored = [each for name in names for each in unit.alerts.by_id(name)]
            self.desk.locate([Heard(each.id, each.alert) for each in stored if each.alert is not None], source)
            if names:
                found[source] = names
        return found

    def _file_late(self, source: str, names: Sequence[str], lease: Lease | None, unit: Unit) -> list[Filed]:
        unit.leases.check(lease, self.clock.now())
        stored = [each for name in names for each in unit.alerts.by_id(name) if each.id == name]
        if source not in self.desk.station.sources:
            stored = []
        filed = {each.id: self.desk.file_late(unit.alerts, each) for each in stored}
        left = {name for name, each in filed.items() if each is None}
        unit.sources.put_off_no_more(source, set(names) - left)
        return [each for each in filed.values() if each is not None and each.fresh]

    async def see_to_polls(self, lease: Lease | None = None) -> int:
        """Open and close the polls whose time has come; returns how many. Raises LeaseLost as `end_what_is_over`."""
        now = self.clock.now()

        def act(unit: Unit, only: Collection[str]) -> Sequence[Poll]:
            unit.leases.check(lease, now)
            return due(DeskUnit(unit, self.desk, now, self.desk.new_id), self.desk.station, now, only)

        there = await self.database.read(lambda unit: unit.polls.due(now))
        polls = await self._carry_out(act, [poll.id for poll in there], "polls")
        for poll in polls:
            log.info("poll.due", poll=poll.id, state=poll.state, reason=str(poll.reason or ""))
        self._publish(sorted({name for poll in polls for name in poll.channels}))
        return len(polls)

    async def _carry_out(
        self, act: Callable[[Unit, Collection[str]], Sequence[T]], names: list[str], what: str
    ) -> Sequence[T]:
        """Act for all of these, a few in each transaction; one that can't be seen to is left for the next look."""

        async def some(few: Sequence[str]) -> Sequence[T]:
            return await self.database.write(lambda unit: act(unit, few))

        async def leave(name: str, error: Exception) -> Sequence[T]:
            log.error("lifecycle.failed", what=what, name=name, error=type(error).__name__)
            return ()

        done = in_batches(names, some, blame=leave, event="lifecycle.failed", what=what)
        return [each async for few in done for each in few]

    def _file(self, source: str, batch: Sequence[Heard], lease: Lease | None, unit: Unit) -> list[Filed]:
        unit.leases.check(lease, self.clock.now())
        # The keys stand in the same transaction: a kill between alert and key would file the entry twice.
        filed = [self.desk.hear(unit.alerts, heard, source) for heard in batch]
        unit.sources.hear(source, [heard.key for heard in batch], self.clock.now())
        if late := [undrafted_of(each.stored) for each in filed if each.fresh and _found_no_place(each)]:
            unit.sources.put_off(source, late)
            self._undrafted = True
        return filed

    def _tell(self, source: str, filed: Sequence[Filed]) -> None:
        for each in filed:
            stored = each.stored
            if not each.fresh:
                continue
            self.events.publish(MessageFiled(source, stored.state, stored.reason))
            event = f"alert.{stored.state}"
            log.info(
                event,
                source=source,
                alert=stored.id,
                incident=stored.incident_id,
                reason=str(stored.reason or ""),
            )
        if any(each.drafts for each in filed):
            self._publish(sorted(set().union(*(each.channels for each in filed))))

    def _publish(self, channels: Sequence[str]) -> None:
        self.events.publish(PostsStored(channels))
        self.events.publish(IncidentChanged())


def undrafted_of(stored: StoredAlert) -> Undrafted:
    """Return the record of a message that found no place among the drafts of its source."""
    return Undrafted(stored.id, is_grave(stored.severity), stored.alert.ends if stored.alert else stored.received_at)


def _found_no_place(filed: Filed) -> bool:
    return filed.stored.reason is not None and filed.stored.reason.code == NO_PLACE


def _give_up(source: str, names: Sequence[str], lease: Lease | None, now: datetime, unit: Unit) -> None:
    unit.leases.check(lease, now)
    unit.sources.put_off_no_more(source, set(names))


def _is_grave(heard: Heard) -> bool:
    return heard.alert is not None and any(is_grave(info.severity) for info in heard.alert.infos)


ENDS_LOOKED_FOR_EVERY = timedelta(seconds=5)
SHORTEST_REST = timedelta(seconds=0.2)
LOOKS_REST = 0.02
"""Seconds between two checks for another process's writes."""
PRUNED_EVERY = 6 * 3600.0
PRUNING_RESTS = 0.2
"""Seconds between two transactions of pruning, each of which takes some milliseconds."""


@dataclass(eq=False, repr=False)
class Housekeeping:
    """The loops. `file_every` is the interval of polling the file, `ends_every` that of ending alerts.

    The daemon with the shared duties ends expired alerts and deletes old data.
    """

    store: StoreSection
    intake: MessageIntake
    _: KW_ONLY
    database: Database
    clock: Clock
    events: Events
    keeper: LeaseKeeper
    file_every: timedelta
    ends_every: timedelta = ENDS_LOOKED_FOR_EVERY
    takes_reports: bool = False

    def __post_init__(self) -> None:
        self._rung = asyncio.Event()
        self._is_rung = False
        self._watched = FileWatch(reports=self.takes_reports)

    def work(self) -> list[Work]:
        """Return the loops that run as long as the daemon, by name."""
        duties = self.keeper.hold(DUTIES)
        return [
            Work("lifecycle", self._end_what_is_over, self._rest, duties),
            Work("pruning", self.prune, PRUNED_EVERY, duties, first=PRUNED_EVERY),
            Work("file", self._look_at_the_file, self.file_every.total_seconds(), woken=self._rung),
        ]

    async def _end_what_is_over(self, lease: Lease) -> None:
        # Each by itself: what one of them meets keeps none of the others.
        for see_to in (self.intake.end_what_is_over, self.intake.draft_what_found_no_place, self._see_to_polls):
            with Guarded("lifecycle.failed"):
                await see_to(lease)

    async def _see_to_polls(self, lease: Lease) -> int:
        if (at := self._watched.poll_at) is None or at > self.clock.now():
            return 0
        done = await self.intake.see_to_polls(lease)
        # What it has seen is from before; that a new time is known takes a look at the file.
        self._watched.poll_at = None
        self._rung.set()
        return done

    def _rest(self) -> float:
        """Seconds until it is looked again, but no longer than a poll's time is away: it closes in the same second."""
        at = self._watched.poll_at
        until = at - self.clock.now() if at is not None else self.ends_every
        return min(max(until, SHORTEST_REST), self.ends_every).total_seconds()

    async def prune(self, lease: Lease | None = None) -> int:
        """Take away what `[store] keep` says may go, a few incidents at a time, with a rest after each few.

        Returns how many incidents went. Raises LeaseLost.
        """
        keep, gone, after, is_last = self.store.keep, 0, 0, False
        # Written ahead, here and below: a power failure may undo it, and then it is done again.
        while await self.database.write_ahead(lambda unit: _close(unit, self.clock.now(), lease)):
            await self.clock.sleep(PRUNING_RESTS)
        while keep is not None and not is_last:
            now = self.clock.now()
            done = await self.database.write_ahead(
                partial(_prune, before=now - keep, now=now, after=after, lease=lease)
            )
            gone, after, is_last = gone + done.gone, done.after, done.is_last
            await self.clock.sleep(PRUNING_RESTS)
        if gone:
            log.info("store.pruned", incidents=gone)
        return gone

    def hear(self, *, is_stored: bool) -> None:
        """React to another process's write: check what changed; `is_stored`: it may be a post, so lanes check, too."""
        if is_stored:
            self.events.publish(PostsStored(elsewhere=True))
        self._is_rung = True
        self._rung.set()

    async def _look_at_the_file(self) -> None:
        if self._is_rung:
            # Whoever works at a server tells of each step: what comes within a moment is one look.
            await self.clock.sleep(LOOKS_REST)
            self._is_rung = False
            self._rung.clear()
        is_written, changed = await self.database.read(self._watched.look)
        if is_written:
            self.events.publish(PostsStored(elsewhere=True))
        for incident in changed:
            self.events.publish(IncidentChanged(incident))
        if self._watched.has_reports:
            self.events.publish(ReportsChanged())


def _close(unit: Unit, now: datetime, lease: Lease | None) -> int:
    unit.leases.check(lease, now)
    return unit.archive.close_what_nobody_reads(now)


def _prune(unit: Unit, before: datetime, now: datetime, after: int, lease: Lease | None) -> Slice:
    unit.leases.check(lease, now)
    return unit.archive.prune(before, now, after)


class FileWatch:
    """Detects changes in the database's file by anybody: this process, a command, another daemon.

    `reports`: the town takes citizens' reports, so those are checked, too.
    """

    def __init__(self, *, reports: bool = False) -> None:
        self._takes_reports = reports
        self.poll_at: datetime | None = None
        """When the next poll is to be opened or closed, as of the last check."""
        self.has_reports = False
        """True if a citizen's report came or changed before the last check."""
        self._version: int | None = None
        self._mark = Watermark()
        self._step = 0

    def look(self, unit: Unit) -> tuple[bool, frozenset[str]]:
        """Return True if anything was written since the last check, and its incidents; nothing the first time.

        Leases and sessions are written every second: watchers are notified of visible changes alone.
        """
        version = unit.views.version()
        before, self._version = self._version, version
        self.has_reports = False
        # What was there at the start is no change; whoever opens a page reads it anyway.
        if before is None:
            self._keep(unit.views.watermark())
            self._step = self._last_step(unit)
        if before in (None, version):
            return False, frozenset()
        changed, mark = unit.views.changed_since(self._mark)
        self._keep(mark)
        step, self._step = self._step, self._last_step(unit)
        self.has_reports = self._step != step
        return True, changed

    def _last_step(self, unit: Unit) -> int:
        return unit.report_lists.last_step() if self._takes_reports else 0

    def _keep(self, mark: Watermark) -> None:
        self._mark, self.poll_at = mark, mark.next_poll
