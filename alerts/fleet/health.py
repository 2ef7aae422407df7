"""The health of every town of a fleet, in memory: a page that shows it queries no town's database.

    daemon.vitals.cycles(), daemon.troubles() ──┐
    events: "something changed" ──▶ one query, at a pace ──┴▶ TownHealth ──▶ `/desk/`, `/fleet.json`

The state of a lane, a source or a check is read from the daemon's memory every `LOOKED_AT_EVERY` seconds. Current and
waiting alerts are in the database: a town's database is queried once when its daemon starts and after each change
event, at most once every `ASKED_EVERY` seconds, and never by a page. An idle town isn't queried, except once a minute
while it has an alert announced for later, which begins by the clock alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

import structlog

from alerts.app import Daemon
from alerts.delivery.worker import Cycle, Guarded, Work
from alerts.desk.publicity import is_to_come
from alerts.desk.unit import DeskUnit
from alerts.fleet.fleet import Fleet, Member
from alerts.health.monitor import Trouble, What
from alerts.model.alert import Severity
from alerts.model.errors import DatabaseRefused
from alerts.model.events import AttemptFinished, IncidentChanged
from alerts.model.post import PostState
from alerts.model.reason import Reason, because

LOOKED_AT_EVERY = 10.0
"""Seconds between two readings of the daemons' memory."""
# Towns read in a row, before the process's other tasks get a turn.
_AT_A_STRETCH = 20
ASKED_EVERY = 5.0
"""Minimum seconds between two queries of one town's database, however much changes there."""
PLANNED_ASKED_EVERY = 60.0
"""Minimum seconds between two queries of a town where nothing changes, but an announced alert is still to begin."""
AT_ONCE = 2
"""Towns that are queried at the same time: few, since lanes and people use the databases too."""
MOST_ON = 20
"""Alerts of one town that are kept here at most; the town's own pages have them all."""

log = structlog.get_logger()


class Condition(StrEnum):
    """How well a town is doing, the worst first."""

    REFUSED = "refused"
    TROUBLED = "troubled"
    OUTDATED = "outdated"
    STARTING = "starting"
    WELL = "well"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Condition).index(self)


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong with a town, since when, and why: a `trouble`, or only a `reason`.

    `what` is `configuration` or a value of `alerts.health.monitor.What`. `name` is the channel, source, cycle or
    database; of a fault in the configuration, its number.
    """

    what: str
    name: str
    reason: Reason | None
    since: datetime | None = None
    trouble: Trouble | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Its identity across readings."""
        return self.what, self.name


@dataclass(frozen=True, slots=True)
class AlertOn:
    """A current alert of a town."""

    id: str
    headline: str
    severity: Severity
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The last result from a town's database: current alerts, gravest first; how many wait; when sources were read.

    `planned`: an alert is announced that hasn't begun, or isn't on at this hour.
    """

    on: tuple[AlertOn, ...] = ()
    waiting: int = 0
    read: tuple[tuple[str, datetime | None], ...] = ()
    planned: bool = False


@dataclass(frozen=True, slots=True)
class TownHealth:
    """One town: `name` is its folder, `station` its own name, `url` the address of its pages (None: unknown).

    `oldest` is the source that was read longest ago, with the time (None: never); None if it has no source.
    """

    name: str
    station: str
    condition: Condition
    ailments: tuple[Ailment, ...] = ()
    on: tuple[AlertOn, ...] = ()
    waiting: int = 0
    oldest: tuple[str, datetime | None] | None = None
    url: str | None = None

    @property
    def since(self) -> datetime | None:
        """The earliest time since which something is wrong; None if nothing is, or no time is known."""
        return min((each.since for each in self.ailments if each.since), default=None)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in trouble."""
        return tuple(dict.fromkeys(each.name for each in self.ailments if each.what in _OF_CHANNELS))

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key: worst condition, most ailments, most waiting alerts, gravest current alert, then the name."""
        gravest = max((each.severity.rank for each in self.on), default=-1)
        return self.condition.rank, -len(self.ailments), -self.waiting, -gravest, self.name


_OF_CHANNELS = (What.CREDENTIAL, What.PLATFORM, What.LANE, What.RIGHTS, What.UNDECIDED)


@dataclass(slots=True)
class _Watched:
    """A running daemon of a town, with its last query; `changed`: its database must be queried again."""

    daemon: Daemon
    counted: Counted = field(default_factory=Counted)
    changed: bool = True
    asked_at: float = float("-inf")

    @property
    def asked_every(self) -> float:
        """Minimum seconds from one query to the next; infinite if nothing can have changed."""
        if self.changed:
            return ASKED_EVERY
        return PLANNED_ASKED_EVERY if self.counted.planned else float("inf")


class FleetHealth:
    """Every town's health. `changed` is called when any displayed value changed."""

    def __init__(self, fleet: Fleet, changed: Callable[[], None] = lambda: None) -> None:
        self._fleet = fleet
        self._changed = changed
        self._watched: dict[str, _Watched] = {}
        self._since: dict[tuple[str, str, str], datetime] = {}
        self._towns: dict[str, TownHealth] = {}

    def towns(self) -> Sequence[TownHealth]:
        """All towns, the worst first, without the alerts that are over by now."""
        now = self._fleet.outside.clock.now()
        return sorted((_without_what_is_over(each, now) for each in self._towns.values()), key=lambda each: each.order)

    def town(self, name: str) -> TownHealth | None:
        """The town of that name, as it was last read; None if there is none."""
        return self._towns.get(name)

    @property
    def work(self) -> Work:
        """The loop that repeats `look`."""
        return Work("health", self.look, LOOKED_AT_EVERY, longest=LOOKED_AT_EVERY)

    async def look(self) -> None:
        """Read every daemon's memory, and query those towns that changed."""
        self._listen()
        await self._query_those_due()
        towns: dict[str, TownHealth] = {}
        for number, each in enumerate(self._members()):
            towns[each.name] = self._seen(each)
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # lanes have posts to send meanwhile
        before, self._towns = self._towns, towns
        # An ailment that is over is forgotten: if it comes back, it counts from then on.
        ailing = {(each.name, *ailment.key) for each in self._towns.values() for ailment in each.ailments}
        self._since = {key: since for key, since in self._since.items() if key in ailing}
        if before != self._towns:
            self._changed()

    def _members(self) -> list[Member]:
        return list(self._fleet.members.values())

    def _listen(self) -> None:
        """Subscribe to the changes of each new daemon, and drop the daemons that have ended."""
        running = {each.name: each.daemon for each in self._members() if each.daemon is not None}
        self._watched = {name: each for name, each in self._watched.items() if running.get(name) is each.daemon}
        for name, daemon in running.items():
            if name not in self._watched:
                watched = self._watched[name] = _Watched(daemon)
                for kind in (IncidentChanged, AttemptFinished):
                    daemon.events.subscribe(kind, partial(_note, watched))

    async def _query_those_due(self) -> None:
        now = self._fleet.outside.clock.monotonic()
        due = [each for each in self._watched.values() if now - each.asked_at >= each.asked_every]
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(watched: _Watched) -> None:
            async with places:
                # Set before the query: a change during it causes another one.
                watched.changed, watched.asked_at = False, now
                try:
                    # One unreadable row must not keep the other towns from being queried.
                    with Guarded("town.unseen", but=(DatabaseRefused, ValueError), town=watched.daemon.town.name):
                        watched.counted = await watched.daemon.service.ask(_count)
                except (DatabaseRefused, ValueError):  # the daemon itself reports that its database refuses
                    watched.changed = True

        await asyncio.gather(*map(ask, due))

    def _seen(self, member: Member) -> TownHealth:
        """Return the town's health; if it can't be read, that alone is its trouble."""
        with Guarded("town.unseen", town=member.name) as part:
            watched, daemon = self._watched.get(member.name), member.daemon
            ailments = tuple(self._dated(member.name, each) for each in _ailments(member))
            counted = watched.counted if watched is not None else Counted()
            town = daemon.town if daemon is not None else member.watched
            return TownHealth(
                name=member.name,
                station=town.name if town is not None else member.name,
                condition=_condition(member, ailments),
                ailments=ailments,
                on=counted.on,
                waiting=counted.waiting,
                oldest=_oldest(daemon, counted) if daemon is not None else None,
                url=town.public_url if town is not None else None,
            )
        unseen = because("stumbled", error=type(part.error).__name__)
        ailment = self._dated(member.name, Ailment(What.CYCLE, "", unseen))
        return TownHealth(member.name, member.name, Condition.TROUBLED, (ailment,))

    def _dated(self, town: str, ailment: Ailment) -> Ailment:
        """Return it with a `since`: its own, else the time of the reading that first saw it."""
        if ailment.since is not None:
            return ailment
        now = self._fleet.outside.clock.now()
        return replace(ailment, since=self._since.setdefault((town, *ailment.key), now))


def _note(watched: _Watched, _: object) -> None:
    watched.changed = True


def _count(unit: DeskUnit) -> Counted:
    language = unit.desk.station.language
    found, planned = [], False
    for stored in unit.views.on(unit.now, most=MOST_ON):
        if stored.alert and is_to_come(stored.alert, unit.now, unit.desk.station.zone):
            planned = True
            continue
        info = stored.alert.info_for(language) if stored.alert else None
        ends = stored.alert.ends if stored.alert else None
        found.append(AlertOn(stored.id, (info.headline or info.event) if info else "", stored.severity, ends))
    read = tuple((name, status.last_ok) for name, status in unit.views.sources().items())
    return Counted(tuple(found), unit.views.unsettled_counts().get(PostState.WAITING, 0), read, planned)


def _without_what_is_over(town: TownHealth, now: datetime) -> TownHealth:
    on = tuple(each for each in town.on if each.ends is None or each.ends > now)
    return town if len(on) == len(town.on) else replace(town, on=on)


def _condition(member: Member, ailments: Sequence[Ailment]) -> Condition:
    if member.daemon is None:
        return Condition.REFUSED if member.wrong else Condition.STARTING
    if any(each.what != CONFIGURATION for each in ailments):
        return Condition.TROUBLED
    return Condition.OUTDATED if member.wrong else Condition.WELL


CONFIGURATION = "configuration"


def _ailments(member: Member) -> Iterator[Ailment]:
    """Yield what is wrong with a town: each channel and source once, by its most informative trouble."""
    yield from (Ailment(CONFIGURATION, str(number), reason) for number, reason in enumerate(member.wrong))
    if member.daemon is None:
        return
    reported = member.daemon.troubles()
    for each in reported:
        trouble = each.trouble
        yield Ailment(trouble.what, trouble.name, trouble.reason, trouble.since or each.since, trouble)
    # If somebody was warned of it, the warning is used: it says more than the cycle.
    known = {each.trouble.name for each in reported}
    for cycle in member.daemon.vitals.cycles():
        name = cycle.name.partition(" ")[2]
        if (cycle.stands or cycle.reason is not None) and not known & {name, cycle.name}:
            yield _ailment_of(cycle, member.daemon.town.database.name)


def _ailment_of(cycle: Cycle, store: str) -> Ailment:
    """Return what is wrong with a cycle that nobody was warned of yet; a lane or source that runs has only a reason."""
    kind, _, name = cycle.name.partition(" ")
    if kind == "store":
        what, name = What.STORE, store
    else:
        what = What.CYCLE if cycle.stands else {"lane": What.LANE, "source": What.FEED}.get(kind, What.CYCLE)
        name = cycle.name if what is What.CYCLE else name
    trouble = Trouble(what, name, cycle.reason) if what in (What.STORE, What.CYCLE) else None
    return Ailment(what, name, cycle.reason, trouble=trouble)


def _oldest(daemon: Daemon, counted: Counted) -> tuple[str, datetime | None] | None:
    """Return the source that was read longest ago, and when: the later time of the database's and its poller's."""
    read = dict(counted.read)
    known = [
        (name, max((at for at in (poller.read_at, read.get(name)) if at is not None), default=None))
        for name, poller in daemon.pollers.items()
    ]
    return min(known, key=lambda each: (each[1] is not None, each[1]), default=None)
