"""One alert to many: a channel's bulks, the most pressing first, a bounded number of messages under way.

A turn is one transaction: what landed is kept, who is next is written down, then their messages leave at the bot's
pace. So a kill loses nobody, and tells nobody twice but those who were under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo

import structlog

from alerts.delivery.bot_pace import BotPace, Press
from alerts.delivery.lease import LeaseKeeper
from alerts.delivery.waiting import first_of
from alerts.model.bulk import Bulk
from alerts.model.errors import BadCredential, DeliveryError, Retry
from alerts.model.ports import Clock
from alerts.model.ports.bulking import Ask, Bulks, Fate, Landing, Target, Tells, Turn
from alerts.model.ports.delivering import Lease

OTHERS = 10
"""Of the messages under way, how many places hung ones of another bulk leave to what is more pressing."""
LONGEST_IDLE = timedelta(seconds=30)
KEPT_WITHIN = 0.5
"""Seconds within which what landed is kept, where too little lands to fill a batch."""
STUMBLE_PAUSE = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds to wait where Telegram can't be reached, at first and at last."""
TOKEN_PAUSE = 30.0
DOUBTS_IN_A_ROW = 10
"""So many messages without a readable answer, and none with one: it is no use to go on at once."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """A channel, how many messages are under way at once, and the zone that quiet hours are told in."""

    channel: str
    in_flight: int
    zone: tzinfo

    @property
    def lane(self) -> str:
        """What the lease is of."""
        return f"bulk {self.channel}"


@dataclass(frozen=True, slots=True)
class BulkDesk:
    """What the sender works with. `landed` hears of every message that has an end, `ended` of every bulk."""

    bulks: Bulks
    keeper: LeaseKeeper
    pace: BotPace
    clock: Clock
    landed: Callable[[Landing], None]
    ended: Callable[[Bulk], None]


class _Flight:
    """One message on its way: it waits for its turn (`waits`), then it is away."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.waits = True
        self.task: asyncio.Task[None] | None = None
        self.keys = [(bulk.id, target.chat) for bulk in target.bulks]


class BulkSender:
    """Sends one channel's bulks, as long as this process holds its lease."""

    def __init__(self, settings: BulkSettings, tells: Tells, desk: BulkDesk) -> None:
        self.settings = settings
        self._tells = tells
        self._bulks = desk.bulks
        self._keeper = desk.keeper
        self._pace = desk.pace
        self._clock = desk.clock
        self._told = desk.landed
        self._ended = desk.ended
        self._flights: set[_Flight] = set()
        self._landed: list[Landing] = []
        self._working: str | None = None
        self._batch = max(settings.in_flight // 2, 1)
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._withdrew = True
        self._doubts = 0
        self._pause = FIRST_PAUSE
        self.cycled_at = desk.clock.monotonic()

    def wake(self) -> None:
        """Something was stored that may concern a bulk: a new one, a cancellation, a validation."""
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped. An error that nobody foresaw is logged and the sender goes on."""
        self._at_rest.clear()
        try:
            while not self._stopped.is_set():
                await self._go_round()
        finally:
            self._at_rest.set()

    async def stop(self, within: float) -> None:
        """Begin nothing more, wait `within` seconds for what is away, and keep what landed."""
        self._stopped.set()
        self._wake.set()
        self._withdraw(lambda _: True)
        await first_of(self._all_landed(), self._clock.sleep(within))
        left = [flight.task for flight in self._flights if flight.task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        lease = self._keeper.lease_of(self.settings.lane)
        if self._landed and lease is not None:
            await self._bulks.turn(lease, self._ask(room=0))

    async def _all_landed(self) -> None:
        await self._at_rest.wait()
        while tasks := [flight.task for flight in self._flights if flight.task is not None]:
            await asyncio.wait(tasks)

    async def _go_round(self) -> None:
        try:
            await self._cycle()
        except Exception:
            log.exception("bulk.stumbled", channel=self.settings.channel)
            await first_of(self._stopped.wait(), self._clock.sleep(STUMBLE_PAUSE))
        else:
            self.cycled_at = self._clock.monotonic()

    async def _cycle(self) -> None:
        lease = self._keeper.lease_of(self.settings.lane)
        if lease is None:
            self._withdraw(lambda _: True)
            self._working = None
            idle = self._clock.sleep(LONGEST_IDLE.total_seconds())
            await first_of(self._keeper.wait_for(self.settings.lane), self._stopped.wait(), idle)
            return
        self._wake.clear()
        turn = await self._turn(lease)
        if turn is None:
            self._keeper.doubt(self.settings.lane)
            return
        changed = turn.bulk != self._working
        self._working = turn.bulk
        for bulk in turn.ended:
            self._ended(bulk)
        self._withdraw(lambda target: _goes_no_further(target, turn))
        if self._stopped.is_set():
            return
        for target in turn.targets:
            self._launch(target)
        await self._rest(turn, changed=changed)

    async def _turn(self, lease: Lease) -> Turn | None:
        ask = self._ask(self._room)
        self._landed, self._withdrew = [], False
        try:
            turn = await self._bulks.turn(lease, ask)
        except BaseException:
            self._landed, self._withdrew = [*ask.landings, *self._landed], True
            raise
        if turn is None:
            self._landed = [*ask.landings, *self._landed]
        return turn

    def _ask(self, room: int) -> Ask:
        return Ask(
            local=self._clock.now().astimezone(self.settings.zone),
            room=room,
            landings=tuple(self._landed),
            working=self._working,
            flying=frozenset([key for flight in self._flights for key in flight.keys]),
            withdrew=self._withdrew,
        )

    @property
    def _room(self) -> int:
        """How many more may be handed over. What hangs of other bulks doesn't hold up the one that is worked at."""
        own = sum(flight.target.bulks[0].id == self._working for flight in self._flights)
        most = self.settings.in_flight
        others = min(len(self._flights) - own, max(most - OTHERS, 0))
        return max(most - own - others, 0)

    async def _rest(self, turn: Turn, *, changed: bool) -> None:
        """Until a batch has landed, or somebody wakes us, or it is time."""
        now = self._clock.now()
        if (changed and turn.bulk is not None) or (turn.again_at is not None and turn.again_at <= now):
            await asyncio.sleep(0)
            return
        seconds = KEPT_WITHIN if self._flights or self._landed else LONGEST_IDLE.total_seconds()
        if turn.again_at is not None:
            seconds = min(seconds, (turn.again_at - now).total_seconds())
        if not self._wake.is_set():
            await first_of(self._wake.wait(), self._clock.sleep(seconds))

    def _launch(self, target: Target) -> None:
        flight = _Flight(target)
        flight.task = asyncio.create_task(self._fly(flight))
        self._flights.add(flight)

    def _withdraw(self, which: Callable[[Target], bool]) -> None:
        """Take back what hasn't left. It stays written down, and is handed over again if its bulk goes on."""
        for flight in [each for each in self._flights if each.waits and which(each.target)]:
            self._flights.discard(flight)
            self._withdrew = True
            if flight.task is not None:
                flight.task.cancel()

    async def _fly(self, flight: _Flight) -> None:
        try:
            landing = await self._until_it_lands(flight)
        except Exception:
            log.exception("bulk.flight_stumbled", channel=self.settings.channel)
            landing = Landing(flight.target, Fate.DOUBT)
        finally:
            self._flights.discard(flight)
        if landing is not None:
            self._landed.append(landing)
            self._told(landing)
        if len(self._landed) >= self._batch or not self._flights:
            self._wake.set()

    async def _until_it_lands(self, flight: _Flight) -> Landing | None:
        """None: it may not leave any more, since the lease is lost."""
        press = Press.URGENT if flight.target.urgent else Press.ROUTINE
        while True:
            flight.waits = True
            await self._pace.leave(press)
            flight.waits = False
            if self._keeper.lease_of(self.settings.lane) is None:
                return None
            try:
                landing = await self._tells.tell(flight.target)
            except DeliveryError as error:
                self._back_off(error)
                continue
            self._mind(landing)
            return landing

    def _mind(self, landing: Landing) -> None:
        if landing.fate is not Fate.DOUBT:
            self._doubts, self._pause = 0, FIRST_PAUSE
            return
        self._doubts += 1
        if self._doubts >= DOUBTS_IN_A_ROW:
            self._halt(self._pause, "Telegram gives no answer")

    def _back_off(self, error: DeliveryError) -> None:
        """It isn't out, and won't be at once: nothing of the bot leaves for a while."""
        if isinstance(error, Retry) and error.after is not None:
            wait = (error.after - self._clock.now()).total_seconds()
            self._pace.halt(max(wait, FIRST_PAUSE))
            log.warning("bulk.halted", channel=self.settings.channel, reason=error.reason, seconds=wait)
        else:
            self._halt(TOKEN_PAUSE if isinstance(error, BadCredential) else self._pause, error.reason)

    def _halt(self, seconds: float, reason: str) -> None:
        """Once for all that fail together; longer each time, until something lands."""
        if self._pace.halted_for > 0:
            return
        self._pace.halt(seconds)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        log.warning("bulk.paused", channel=self.settings.channel, reason=reason, seconds=seconds)


def _goes_no_further(target: Target, turn: Turn) -> bool:
    """Whether it was stopped, or gives way to what is ahead of everything."""
    if turn.urgent and not any(bulk.id == turn.bulk for bulk in target.bulks):
        return True
    return not target.held and target.bulks[0].id not in turn.alive
