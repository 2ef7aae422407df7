"""The turnstile of the gate: the order of tries when many come at the same time.

An attacker with many networks takes every try that an account has left for unknown places, just by asking without a
pause, and the owner of the password has to hit the right moment. So refused networks are remembered for a while
(`WaitingRoom`), and the next try is given to the network that failed least lately, together with those around it, and
among equals to the one that has waited longest (`throttle.is_next`). Each failure moves a network back.

Hashing a password is slow on purpose. Strangers wait for it in a bounded queue; a visitor whose browser or address is
known bypasses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.access import throttle
from alerts.access.passwords import Passwords
from alerts.access.sessions import Refusal, SignInRefused
from alerts.access.throttle import Attempt, Waiter
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.remembered import Newest

WAITS_FOR = timedelta(seconds=90)
"""How long a refused visitor keeps their place: time for a person to read the refusal and type again."""
MOST_WAITING = 10_000
"""Networks that are remembered, for all names together; the one that asked longest ago makes room."""
# The queue of strangers holds some seconds' work, so a retry then may succeed.
_SOON = timedelta(seconds=3)
log = structlog.get_logger()


class WaitingRoom:
    """The networks waiting for a try at a name, in this process: `since` when, and their last request."""

    def __init__(self) -> None:
        self._asked: Newest[tuple[str, str], tuple[datetime, datetime]] = Newest(MOST_WAITING)

    def waiting(self, name: str, now: datetime) -> Sequence[Waiter]:
        """Those who wait for a try at this name, and haven't left."""
        return [
            Waiter(network, since)
            for (wanted, network), (since, asked) in self._asked.items()
            if wanted == name and abs(now - asked) <= WAITS_FOR
        ]

    def ask(self, name: str, network: str, now: datetime) -> None:
        """Record a refused visitor: they keep their place while they ask again in time."""
        since, asked = self._asked.get((name, network), (now, now))
        self._asked.keep((name, network), (since if abs(now - asked) <= WAITS_FOR else now, now))

    def leave(self, name: str, network: str) -> None:
        """Release a place: the try is being checked, and another one waits again."""
        self._asked.pop((name, network), None)


class SignInAttempts:
    """Begins attempts, each in its turn, and writes down what became of them."""

    def __init__(self, service: DeskService, passwords: Passwords) -> None:
        self._service = service
        self._passwords = passwords
        self._room = WaitingRoom()

    async def attempt(self, look: Callable[[DeskUnit], Attempt], *, hashes: bool = False) -> Attempt | SignInRefused:
        """Begin an attempt, unless it comes too early: that is only read, so a flood of them writes nothing.

        One that `hashes` is refused where too many strangers wait for that.
        """
        seen = await self._service.ask(look)
        place, now = throttle.network(seen.address), self._service.now()
        waiting = [] if seen.known else self._room.waiting(seen.name, now)

        def early(unit: DeskUnit) -> SignInRefused | None:
            return throttle.refusal_of(unit, look(unit), waiting)

        def begin(unit: DeskUnit) -> Attempt | SignInRefused:
            return early(unit) or throttle.begun(unit, look(unit))

        refusal = await self._service.ask(early)
        if refusal is None and hashes and not seen.known and self._passwords.is_full:
            return SignInRefused(Refusal.BUSY, now + _SOON)
        begun = await self._service.act(begin) if refusal is None else refusal
        if isinstance(begun, Attempt):
            self._room.leave(seen.name, place)
        elif not seen.known:
            self._room.ask(seen.name, place, now)
        return begun

    async def failed(self, attempt: Attempt, reason: Refusal) -> SignInRefused:
        """The attempt was wrong."""
        for subject in await self._service.act(lambda unit: throttle.failed(unit, attempt)):
            log.warning("sign_in.failing", subject=subject, address=attempt.visit.address)
        return SignInRefused(reason, await self._service.ask(lambda unit: throttle.next_try(unit, attempt)))
