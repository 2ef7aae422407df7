"""One alert to many: a channel's bulks, the most pressing first, a bounded number of messages under way.

A turn is one transaction: what landed is kept, who is next is written down, then their messages leave at the bot's
pace. So a kill loses nobody, and tells nobody twice but those who were under way. A message is under way from when it
leaves until what became of it is kept (`InFlight`): so many at most, for these a kill repeats.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import structlog

from alerts.delivery.bot_pace import Alarm, BotPace, Precedence
from alerts.delivery.in_flight import InFlight, InFlightSend
from alerts.delivery.lease import LeasedWorker, LeaseKeeper
from alerts.delivery.worker import LATE, Guarded, Work, first_of
from alerts.model.delivery import Exchange, ExchangeRequest, SendOutcome, SendResult, Target
from alerts.model.errors import BadCredential, DeliveryError, Retry
from alerts.model.events import BulkEnded, Events, PostsStored, SubscriberReached
from alerts.model.lease import Lease
from alerts.model.ports import Clock, KeepsConnections, Tells
from alerts.model.reason import Reason, because
from alerts.store.bulk import Bulks

UNPACED = 32
"""Where nothing paces the messages, so many times as many as are under way are handed over in one turn."""
LONGEST_IDLE = timedelta(seconds=30)
KEPT_WITHIN = 0.5
"""Seconds within which what landed is kept, where too little lands to fill a batch."""
WARM = 10.0
"""Seconds after which a connection may have been closed, so that the next message has to open one."""
FAILURE_PAUSE = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds to wait where nothing can be reached, at first and at last."""
TOKEN_PAUSE = 30.0
DOUBTS_IN_A_ROW = 10
"""So many messages without a readable answer, and none with one: it is no use to go on at once."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """A channel, how many messages are under way at once, and the zone that quiet hours are told in.

    `ahead` is how many are handed over at once: more than are under way, where nothing paces them.
    """

    channel: str
    in_flight: int
    zone: tzinfo
    ahead: int

    @property
    def lane(self) -> str:
        """The name of the lease."""
        return f"bulk {self.channel}"


class BulkSender:
    """Sends one channel's bulks, as long as this process holds its lease.

    It publishes the end of each message, and of each bulk.
    """

    def __init__(
        self,
        settings: BulkSettings,
        tells: Tells,
        *,
        bulks: Bulks,
        keeper: LeaseKeeper,
        pace: BotPace,
        clock: Clock,
        events: Events,
    ) -> None:
        self.settings = settings
        self._tells = tells
        self._bulks = bulks
        self._keeper = keeper
        self._pace = pace
        self._clock = clock
        self._events = events
        self._hold: LeasedWorker = keeper.join(settings.lane, self.wake)
        self._in_flight = InFlight(settings.in_flight, self._send, bulks.checkpoint)
        self._asked = True
        self._term = 0
        self._low = 0
        self._answered_at = -math.inf
        self._goes: tuple[str | None, bool, frozenset[str]] = (None, False, frozenset())
        self._wake = asyncio.Event()
        self._alarm = Alarm(clock, self.wake)
        self._stopped = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._withdrew = True
        self._doubts = 0
        self._pause = FIRST_PAUSE
        events.subscribe(PostsStored, self._stored)

    def _stored(self, event: PostsStored) -> None:
        if event.concerns(self.settings.channel):
            self.wake()

    def wake(self) -> None:
        """Something was stored that may concern a bulk: a new one, a cancellation, a validation."""
        self._asked = True
        self._wake.set()

    @property
    def work(self) -> Work:
        """Works until stopped."""
        return Work(
            self.settings.lane,
            self._go_round,
            hold=self._hold,
            longest=FAILURE_PAUSE,
            late=LONGEST_IDLE.total_seconds() + LATE,
            ending=self._alarm.off,
            minds=True,
        )

    async def stop(self, within: float) -> None:
        """Begin nothing more, wait `within` seconds for what is away, and keep what landed."""
        self._stopped.set()
        self._wake.set()
        self._withdraw(lambda _: True)
        # What waited for its turn was taken back: at the bot's pace it may last for longer than a stop can wait.
        await first_of(self._all_answered(), self._clock.sleep(within))
        left, away = self._in_flight.tasks, self._in_flight.away
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._end_in_order(away)
        if isinstance(self._tells, KeepsConnections):
            await self._tells.close()

    async def _end_in_order(self, away: frozenset[tuple[str, int]] = frozenset()) -> None:
        """One last turn under our lease: what landed is kept, and who else may have been told.

        Without it the next daemon would tell them again, and take whoever was handed over for perhaps told.
        """
        lease = self._keeper.lease_of(self.settings.lane)
        if lease is not None:
            await self._turn(lease, room=0, last=away)

    async def _hand_over(self) -> None:
        """Begin nothing more, keep what is away, and let another daemon go on from where this one was."""
        self._withdraw(lambda _: True)
        self._in_flight.working, self._asked = None, True
        while tasks := self._in_flight.tasks:
            await first_of(asyncio.wait(tasks), self._clock.sleep(KEPT_WITHIN))
            self._withdraw(lambda _: True)  # one that failed waits for its next turn
        await self._end_in_order()
        self._hold.let_go()

    async def _all_answered(self) -> None:
        await self._at_rest.wait()
        while tasks := self._in_flight.tasks:
            await asyncio.wait(tasks)

    async def _go_round(self) -> None:
        if self._stopped.is_set():
            await asyncio.Event().wait()  # until it is cancelled: nothing more is begun
        self._at_rest.clear()
        is_done = False
        try:
            await self._cycle()
            is_done = True
        finally:
            self._at_rest.set()
            self._asked = self._asked or not is_done  # whatever was asked wasn't done

    async def _cycle(self) -> None:
        if self._hold.is_asked:
            await self._hand_over()
        lease, term = self._hold.lease, self._keeper.term_of(self.settings.lane)
        # Another daemon may have told them meanwhile: what is still written down as handed over is given out anew.
        if lease is None or term != self._term:
            self._withdraw(lambda _: True)
            self._in_flight.working = None
        if lease is None:
            idle = self._clock.sleep(LONGEST_IDLE.total_seconds())
            await first_of(self._hold.wait(), self._stopped.wait(), idle)
            return
        self._term = term
        self._wake.clear()
        if self._is_due():
            await self._work(lease)
        await self._rest()

    def _is_due(self) -> bool:
        """True if a turn is due: somebody asked, an odd result came in, or more are needed."""
        return self._asked or self._in_flight.odd or len(self._in_flight) <= self._low

    async def _work(self, lease: Lease) -> None:
        self._asked = False
        room = self._in_flight.room(self.settings.ahead)
        turn = await self._turn(lease, room)
        if turn is None:
            self._keeper.mark_lost(self.settings.lane)
            self.wake()
            return
        changed = turn.bulk != self._in_flight.working
        self._in_flight.working = turn.bulk
        for bulk in turn.ended:
            self._events.publish(BulkEnded(bulk))
        if (goes := (turn.bulk, turn.urgent, turn.alive)) != self._goes:
            self._goes = goes
            self._withdraw(lambda target: _goes_no_further(target, turn))
        if self._stopped.is_set():
            return
        self._low = 0 if len(turn.targets) < room else self.settings.ahead // 2
        self._in_flight.cold = not self._is_unpaced and self._clock.monotonic() - self._answered_at > WARM
        self._in_flight.take(turn.targets)
        self._set_alarm(turn, changed=changed)

    async def _turn(
        self, lease: Lease, room: int, *, last: frozenset[tuple[str, int]] | None = None
    ) -> Exchange | None:
        flights, withdrew = self._in_flight, self._withdrew
        results = flights.collect()
        ask = ExchangeRequest(
            self._local, room, results, flights.working, flights.keys, withdrew, self._is_unpaced, last
        )
        self._withdrew, turn = False, None
        try:
            turn = await self._bulks.turn(lease, ask)
        finally:
            self._in_flight.kept(results, well=turn is not None)
            self._withdrew = self._withdrew or (withdrew and (turn is None or turn.left))
        return turn

    @property
    def _is_unpaced(self) -> bool:
        return self.settings.ahead > self.settings.in_flight

    @property
    def _local(self) -> datetime:
        return self._clock.now().astimezone(self.settings.zone)

    def _set_alarm(self, turn: Exchange, *, changed: bool) -> None:
        """When the next turn is due though nobody wakes us."""
        now = self._clock.now()
        if (changed and turn.bulk is not None) or (turn.again_at is not None and turn.again_at <= now):
            self.wake()
        seconds = KEPT_WITHIN if self._in_flight or self._in_flight.unkept else LONGEST_IDLE.total_seconds()
        if turn.again_at is not None:
            seconds = min(seconds, (turn.again_at - now).total_seconds())
        self._alarm.within(seconds)

    async def _rest(self) -> None:
        """Until a batch has landed, or somebody wakes us, or it is time."""
        # Waiting for an event that is set gives nobody else a turn, and the requests under way need one.
        if self._wake.is_set():
            await asyncio.sleep(0)
        await self._wake.wait()

    def _withdraw(self, which: Callable[[Target], bool]) -> None:
        self._withdrew = self._in_flight.withdraw(which) or self._withdrew

    async def _send(self, send: InFlightSend) -> None:
        """One message, then the next, as long as one may leave."""
        try:
            goes_on = True
            while goes_on:
                result = await self._until_it_lands(send)
                if result is None:
                    self._withdrew = True
                    break
                self._answered_at = self._clock.monotonic()
                self._in_flight.land(result)
                self._events.publish(SubscriberReached(self.settings.channel, result))
                goes_on = self._in_flight.goes_on(send)
                if self._in_flight.odd or len(self._in_flight) <= self._low:
                    self._wake.set()
        finally:
            self._in_flight.leave(send)
            if self._is_due():
                self._wake.set()

    async def _until_it_lands(self, send: InFlightSend) -> SendResult | None:
        """None: it may not leave any more, since the lease is lost, or was: others may have told them meanwhile."""
        while True:
            departure = None
            if not self._pace.is_open:
                send.waits = True
                departure = await self._pace.leave(Precedence.URGENT if send.target.urgent else Precedence.ROUTINE)
            send.waits = False
            if self._keeper.term_of(self.settings.lane) != self._term:
                return None
            result = await self._sent_or_halted(send.target)
            if departure is not None:
                self._pace.answered(departure)
            if result is not None:
                return result

    async def _sent_or_halted(self, target: Target) -> SendResult | None:
        """One attempt; None: it isn't out, and nothing of the bot leaves for a while."""
        # A fault of ours in the midst of a call says nothing of what was taken.
        result = SendResult(target, SendOutcome.DOUBT)
        try:
            with Guarded("bulk.send_failed", but=(DeliveryError,), channel=self.settings.channel):
                result = await self._tells.tell(target)
        except DeliveryError as error:
            self._back_off(error)
            return None
        if self._doubts or result.outcome is SendOutcome.DOUBT:
            self._mind(result)
        return result

    def _mind(self, result: SendResult) -> None:
        if result.outcome is not SendOutcome.DOUBT:
            self._doubts, self._pause = 0, FIRST_PAUSE
            return
        self._doubts += 1
        if self._doubts >= DOUBTS_IN_A_ROW:
            self._halt(self._pause, because("no_answer", platform=self.settings.channel))

    def _back_off(self, error: DeliveryError) -> None:
        """It isn't out, and won't be at once: nothing of the bot leaves for a while."""
        if isinstance(error, Retry) and error.after is not None:
            wait = (error.after - self._clock.now()).total_seconds()
            self._pace.halt(max(wait, FIRST_PAUSE))
            log.warning("bulk.halted", channel=self.settings.channel, reason=str(error.reason), seconds=wait)
        else:
            self._halt(TOKEN_PAUSE if isinstance(error, BadCredential) else self._pause, error.reason)

    def _halt(self, seconds: float, reason: Reason) -> None:
        """Once for all that fail together; longer each time, until something lands."""
        # Many fail together when a network goes; each would double the pause.
        if self._pace.halted_for > 0:
            return
        self._pace.halt(seconds)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        log.warning("bulk.paused", channel=self.settings.channel, reason=str(reason), seconds=seconds)


def ahead_of(rate: int, in_flight: int) -> int:
    """How many are handed over at once. Where nothing paces them, so many that a turn is rare.

    Paced, who unsubscribes is still told what was handed over: so it is no more than is under way.
    """
    return in_flight if rate else in_flight * UNPACED


def _goes_no_further(target: Target, turn: Exchange) -> bool:
    """True if it was stopped, or gives way to more urgent sends."""
    if turn.urgent and not any(bulk.id == turn.bulk for bulk in target.bulks):
        return True
    return not target.deferred and target.bulks[0].id not in turn.alive
