"""A bulk's sends under way: current recipients, and results that aren't stored yet."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from alerts.model.delivery import SendResult, Target

OTHERS = 10
"""Of the messages under way, how many places hung ones of another bulk leave to what is more pressing."""


class InFlightSend:
    """One message that left the queue: it waits for its turn at the bot's pace (`waits`), then it is away."""

    __slots__ = ("target", "task", "waits")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.waits = True
        self.task: asyncio.Task[None] | None = None


class InFlight:
    """The messages between being handed over and being kept, of which at most `most` are under way at once.

    `send` sends one to its end. `checkpoint` keeps some that landed, at once, where that can be.
    """

    def __init__(
        self,
        most: int,
        send: Callable[[InFlightSend], Coroutine[Any, Any, None]],
        checkpoint: Callable[[Sequence[SendResult]], bool],
    ) -> None:
        self._most = most
        # A quarter: kept sooner it would take more transactions, kept later a kill would repeat more.
        self._batch = max(most // 4, 1)
        self._send = send
        self._checkpoint = checkpoint
        self._ready: deque[Target] = deque()
        self._away: set[InFlightSend] = set()
        self._of: Counter[str | None] = Counter()
        self._plain: list[SendResult] = []
        self._odd: list[SendResult] = []
        self._keeping = 0
        self.working: str | None = None
        """The bulk that is worked at: what hangs of others doesn't hold it up."""
        self.cold = False
        """Only one leaves until it has landed: the connection is opened, and doesn't make a crowd of those after it."""

    def __len__(self) -> int:
        return len(self._ready) + len(self._away)

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Those that run."""
        return [send.task for send in self._away if send.task is not None]

    @property
    def odd(self) -> bool:
        """True if a result landed that only a turn can store."""
        return bool(self._odd)

    @property
    def unkept(self) -> bool:
        """True if a result isn't stored yet."""
        return bool(self._odd or self._plain)

    @property
    def keys(self) -> frozenset[tuple[str, int]]:
        """Each bulk and chat that is handed over and has no end."""
        return frozenset([(bulk.id, target.chat) for target in self._ready for bulk in target.bulks]) | self.away

    @property
    def away(self) -> frozenset[tuple[str, int]]:
        """Those of them that may have left."""
        targets = [send.target for send in self._away]
        return frozenset([(bulk.id, target.chat) for target in targets for bulk in target.bulks])

    def room(self, ahead: int) -> int:
        """How many more may be handed over."""
        return max(ahead - len(self._ready) - self._taken(), 0)

    def take(self, targets: Iterable[Target]) -> None:
        """These are handed over; as many as may leave do."""
        self._ready.extend(targets)
        self.begin()

    def begin(self) -> None:
        """As many as may leave."""
        for _ in range(min(self._free(), len(self._ready))):
            send = InFlightSend(self._ready.popleft())
            self._board(send, send.target)
            send.task = asyncio.create_task(self._send(send))

    def land(self, result: SendResult) -> None:
        """One has an end."""
        self.cold = False
        (self._plain if result.is_plain else self._odd).append(result)
        # While a turn keeps what landed before, these wait for it: two writers would only wait for one another.
        if len(self._plain) >= self._batch and not self._keeping and self._checkpoint(self._plain):
            self._plain = []

    def goes_on(self, send: InFlightSend) -> bool:
        """Let a finished send continue with the next recipient; returns True if so.

        As many tasks as places are enough.
        """
        if not self._ready or (free := self._free()) < 0:
            return False
        # The task goes on with the next one: a new task for each of thousands would take longer than many an answer.
        target = self._ready.popleft()
        if target.bulks[0].id != send.target.bulks[0].id:
            self.leave(send)
            self._board(send, target)
        send.target = target
        if free:
            self.begin()
        return True

    def leave(self, send: InFlightSend) -> None:
        """It is over, or was taken back."""
        if send in self._away:
            self._away.discard(send)
            self._of[send.target.bulks[0].id] -= 1

    def collect(self) -> tuple[SendResult, ...]:
        """Return the results to store now; `kept` reports the outcome."""
        results = (*self._odd, *self._plain)
        self._odd, self._plain, self._keeping = [], [], max(len(results), 1)
        return results

    def kept(self, results: Sequence[SendResult], *, well: bool) -> None:
        """It is kept, or is to be kept later."""
        self._keeping = 0
        if not well:
            # In front: these landed before what has landed since.
            self._odd = [*results, *self._odd]
        if self._plain and self._checkpoint(self._plain):
            self._plain = []

    def withdraw(self, which: Callable[[Target], bool]) -> bool:
        """Take back what hasn't left; whether there was any.

        It stays written down, and is handed over again if its bulk goes on.
        """
        stay = deque(target for target in self._ready if not which(target))
        # What has left for the platform can't be called back; what waits for the bot's pace can.
        back = [send for send in self._away if send.waits and which(send.target)]
        withdrew = bool(back) or len(stay) < len(self._ready)
        self._ready = stay
        for send in back:
            self.leave(send)
            if send.task is not None:
                send.task.cancel()
        return withdrew

    def _free(self) -> int:
        """How many more may leave: those that landed and aren't kept count, for a kill would repeat them too."""
        if self.cold:
            return 1 - self._of[self.working]
        # What a batch holds before it is full counts from the start, so that the number under way doesn't swing.
        unkept = len(self._plain) + len(self._odd) + self._keeping
        return self._most - max(unkept, self._batch - 1) - self._taken()

    def _taken(self) -> int:
        """How many places those that are away take: hung ones of another bulk leave some to what is worked at."""
        own = self._of[self.working]
        return own + min(len(self._away) - own, max(self._most - OTHERS, 0))

    def _board(self, send: InFlightSend, target: Target) -> None:
        self._away.add(send)
        self._of[target.bulks[0].id] += 1
