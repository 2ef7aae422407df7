"""The intake: many works written in few and short transactions, where one that can't be written costs itself alone.

Feeds' entries, incidents to end, remarks and citizens' reports all come in by it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from alerts.model.errors import DatabaseRefused, Unstorable
from alerts.model.lease import LeaseLost
from alerts.model.ports import Clock

W = TypeVar("W")
R = TypeVar("R")

AT_ONCE = 20
"""Works in one transaction: more would hold up an urgent post's journal."""
LONGEST = 0.1
"""Seconds of a transaction beyond which the next one has half as many works: an officer's alert waits for it to end."""
RESTS = 0.02
"""Seconds between two transactions, in which an urgent post is stored or journalled."""
log = structlog.get_logger()


class Pace:
    """How many works fit into a transaction, by how long the last one took: `AT_ONCE` at the most, one at the least.

    The transaction stands within a `with` of it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self.size = AT_ONCE

    def __enter__(self) -> None:
        self._began = self._clock.monotonic()

    def __exit__(self, *_: object) -> None:
        took = self._clock.monotonic() - self._began
        if took > LONGEST:
            self.size = max(self.size // 2, 1)
        elif took < LONGEST / 4:
            self.size = min(self.size * 2, AT_ONCE)


async def in_batches(
    works: list[W],
    write: Callable[[Sequence[W]], Awaitable[R]],
    *,
    event: str,
    alone: Callable[[Sequence[W]], Awaitable[R]] | None = None,
    blame: Callable[[W, Exception], Awaitable[R]] | None = None,
    size: int = AT_ONCE,
    pace: Pace | None = None,
    clock: Clock | None = None,
    **about: object,
) -> AsyncIterator[R]:
    """Write `works`, `size` of them at a time, and yield the result of each transaction; with a `clock`, rest between.

    With a `pace`, which `write` keeps, they are as many as it says.

    The list is emptied on the way, and may grow meanwhile. Where a few can't be written together, each is written by
    itself (by `alone`, if that is given), and one that can't be written even so goes to `blame`, which gives the result
    instead. Without `blame` the first such error is raised once everything else is written. Each failure is logged as
    `event`, with what it is `about`.

    Raises DatabaseRefused (but for `Unstorable`) and LeaseLost, for which no work is to blame; what was written before
    stays.
    """
    unblamed: Exception | None = None
    is_first = True
    while works:
        if clock is not None and not is_first:
            await clock.sleep(RESTS)
        is_first = False
        # After the rest: what came meanwhile is in the same transaction, and a rest that is cancelled loses nothing.
        few = works[: pace.size if pace is not None else size]
        del works[: len(few)]
        tries: list[Sequence[W]] = [few]
        for some in tries:
            try:
                result = await (write if alone is None or some is few else alone)(some)
            except Exception as error:
                is_unstorable = isinstance(error, Unstorable)
                if isinstance(error, DatabaseRefused | LeaseLost) and not is_unstorable:
                    raise
                # The database's own words, which a traceback has, may hold what somebody stored.
                log.exception(event, works=len(some), error=str(error), exc_info=not is_unstorable, **about)
                # One of them may be to blame: each is tried alone.
                if len(some) > 1:
                    tries += [[work] for work in some]
                    continue
                if blame is None:
                    unblamed = unblamed or error
                    continue
                result = await blame(some[0], error)
            yield result
    if unblamed is not None:
        raise unblamed
