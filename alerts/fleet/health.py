"""The health of every town of a fleet, in memory: a page that shows it queries no town's database.

    daemon.vitals.cycles(), daemon.troubles() ──┐
    events: "something changed" ──▶ one query, at a pace ──┴▶ TownHealth ──▶ `/desk/`, `/fleet.json`

The state of a lane, a source or a check is in the daemon's memory, and read from there every few seconds. Current and
waiting alerts are in the database: a town's is queried once it was begun and after each change event, never more than
once in `ASKED_EVERY` seconds, and never by a page. An idle town is queried only once a minute while it has an alert
announced for later, which begins by the clock alone.
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
from alerts.desk.service import DeskUnit
from alerts.fleet.fleet import Fleet, Member
from alerts.health.monitor import Trouble, What
from alerts.model.alert import Severity
from alerts.model.errors import DatabaseRefused
from alerts.model.events import AttemptFinished, IncidentChanged
from alerts.model.post import PostState
from alerts.model.reason import Reason, because

LOOKED_AT_EVERY = 10.0
"""Seconds between two readings of the daemons' memory."""
_AT_A_STRETCH = 20
ASKED_EVERY = 5.0
"""Seconds between two questions to one town's database, however much changes there."""
PLANNED_ASKED_EVERY = 60.0
"""Seconds between two questions to a town in which nothing changes, but something planned is still to begin."""
AT_ONCE = 2
"""Towns that are asked at the same time: people and lanes have their databases too."""
MOST_ON = 20
"""Alerts of one town that are kept; the town's own pages have them all."""

log = structlog.get_logger()


class Condition(StrEnum):
    """How a town is, the worst first."""

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
    """One thing that is wrong: what (`trouble`, or only a `reason`), and since when that is known.

    `what` is `configuration`, or what `alerts.health.monitor.What` calls it; `name` the channel, source or cycle.
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
    """An alert that is on."""

    id: str
    headline: str
    severity: Severity
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The database's last data: current alerts, gravest first, how many wait, when each source was last read.

    `planned`: an alert is announced that hasn't begun, or not at this hour.
    """

    on: tuple[AlertOn, ...] = ()
    waiting: int = 0
    read: tuple[tuple[str, datetime | None], ...] = ()
    planned: bool = False


@dataclass(frozen=True, slots=True)
class TownHealth:
    """One town: `name` is its folder, `station` what it calls itself, `url` where its pages are, None if not known.

    `oldest` is the source that was read longest ago, and when (None: not yet).
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
        """Since when something is wrong."""
        return min((each.since for each in self.ailments if each.since), default=None)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in trouble."""
        return tuple(dict.fromkeys(each.name for each in self.ailments if each.what in _OF_CHANNELS))

    @property
    def order(self) -> tuple[object, ...]:
        """The worst first; then who waits for somebody, who has something grave on, and by name."""
        gravest = max((each.severity.rank for each in self.on), default=-1)
        return self.condition.rank, -len(self.ailments), -self.waiting, -gravest, self.name


_OF_CHANNELS = (What.CREDENTIAL, What.PLATFORM, What.LANE, What.RIGHTS, What.UNDECIDED)


@dataclass(slots=True)
class _Watched:
    """A town's daemon, as it is listened to; `changed`: it is to be asked again."""

    daemon: Daemon
    counted: Counted = field(default_factory=Counted)
    changed: bool = True
    asked_at: float = float("-inf")

    @property
    def asked_every(self) -> float:
        """Seconds from one question to the next."""
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
        """All towns, the worst first; what is over by now is left out."""
        now = self._fleet.outside.clock.now()
        return sorted((_without_what_is_over(each, now) for each in self._towns.values()), key=lambda each: each.order)

    def town(self, name: str) -> TownHealth | None:
        """The town of that name."""
        return self._towns.get(name)

    @property
    def work(self) -> Work:
        """Looks for ever."""
        return Work("health", self.look, LOOKED_AT_EVERY, longest=LOOKED_AT_EVERY)

    async def look(self) -> None:
        """Read every daemon's memory, and query those towns that changed."""
        self._listen()
        await self._ask_those_that_changed()
        towns: dict[str, TownHealth] = {}
        for number, each in enumerate(self._members()):
            towns[each.name] = self._seen(each)
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # lanes have posts to send meanwhile
        before, self._towns = self._towns, towns
        # What is over is forgotten: should it come again, it is known from then on.
        ailing = {(each.name, *ailment.key) for each in self._towns.values() for ailment in each.ailments}
        self._since = {key: since for key, since in self._since.items() if key in ailing}
        if before != self._towns:
            self._changed()

    def _members(self) -> list[Member]:
        return list(self._fleet.members.values())

    def _listen(self) -> None:
        """Hear of changes in each daemon that is new; one that ended says nothing any more, and is let go."""
        running = {each.name: each.daemon for each in self._members() if each.daemon is not None}
        self._watched = {name: each for name, each in self._watched.items() if running.get(name) is each.daemon}
        for name, daemon in running.items():
            if name not in self._watched:
                watched = self._watched[name] = _Watched(daemon)
                for kind in (IncidentChanged, AttemptFinished):
                    daemon.events.subscribe(kind, partial(_note, watched))

    async def _ask_those_that_changed(self) -> None:
        now = self._fleet.outside.clock.monotonic()
        due = [each for each in self._watched.values() if now - each.asked_at >= each.asked_every]
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(watched: _Watched) -> None:
            async with places:
                # Before the question: what changes while it is answered asks once more.
                watched.changed, watched.asked_at = False, now
                try:
                    # A row that can't be read: the other towns are asked all the same.
                    with Guarded("town.unseen", but=(DatabaseRefused, ValueError), town=watched.daemon.town.name):
                        watched.counted = await watched.daemon.service.ask(_count)
                except (DatabaseRefused, ValueError):  # that it refuses is a trouble which the daemon itself knows of
                    watched.changed = True

        await asyncio.gather(*map(ask, due))

    def _seen(self, member: Member) -> TownHealth:
        """Return the town's health; if it can't be read, that alone is its trouble."""
        with Guarded("town.unseen", town=member.name) as part:
            return self._health_of(member)
        unseen = because("stumbled", error=type(part.error).__name__)
        ailment = self._dated(member.name, Ailment(What.CYCLE, "", unseen))
        return TownHealth(member.name, member.name, Condition.TROUBLED, (ailment,))

    def _health_of(self, member: Member) -> TownHealth:
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

    def _dated(self, town: str, ailment: Ailment) -> Ailment:
        """Return it with its beginning: its own time, else that of the reading which saw it first."""
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
    """Yield the troubles of a town: each channel and source once, by the most informative one."""
    yield from (Ailment(CONFIGURATION, str(number), reason) for number, reason in enumerate(member.wrong))
    if member.daemon is None:
        return
    reported = member.daemon.troubles()
    for each in reported:
        trouble = each.trouble
        yield Ailment(trouble.what, trouble.name, trouble.reason, trouble.since or each.since, trouble)
    # What somebody was warned of is told by that warning, which says more than a cycle does.
    known = {each.trouble.name for each in reported}
    for cycle in member.daemon.vitals.cycles():
        name = cycle.name.partition(" ")[2]
        if (cycle.stands or cycle.reason is not None) and not known & {name, cycle.name}:
            yield _ailment_of(cycle, member.daemon.town.database.name)


def _ailment_of(cycle: Cycle, store: str) -> Ailment:
    """Return the trouble of a cycle without a warning yet: a lane's or a source's is in its reason alone."""
    kind, _, name = cycle.name.partition(" ")
    if kind == "store":
        what, name = What.STORE, store
    else:
        what = What.CYCLE if cycle.stands else {"lane": What.LANE, "source": What.FEED}.get(kind, What.CYCLE)
        name = cycle.name if what is What.CYCLE else name
    trouble = Trouble(what, name, cycle.reason) if what in (What.STORE, What.CYCLE) else None
    return Ailment(what, name, cycle.reason, trouble=trouble)


def _oldest(daemon: Daemon, counted: Counted) -> tuple[str, datetime | None] | None:
    """Return the source that was read longest ago: by the database, or by its poller, which may know better."""
    read = dict(counted.read)
    known = [
        (name, max((at for at in (poller.read_at, read.get(name)) if at is not None), default=None))
        for name, poller in daemon.pollers.items()
    ]
    return min(known, key=lambda each: (each[1] is not None, each[1]), default=None)
