"""A fetched document, and what was made of it: once for all who want it, whoever asks first.

What depends on a document's bytes alone (the entries of an index, the alert in a message, a calendar's days) is made in
a thread the first time that somebody wants it, kept with the document, and handed to all as the same object; so it must
be immutable. A `Shelf` keeps documents for those who come later, within a number of bytes and a time; whoever still
holds one that left the shelf goes on with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

from alerts.apart.parser import Parser
from alerts.apart.pool import OF_THIS_MACHINE
from alerts.model.errors import FailedForGood, SourceFailed, Unreadable
from alerts.model.reason import because
from alerts.sources.fetch import show
from alerts.sources.spool import SpooledBody

T = TypeVar("T")

KEPT_FOR = 600.0
"""Seconds that a document nobody asked for stays on the shelf: towns that take their time find it there."""

MOST_BYTES = 32 * 1_048_576
"""Of all documents on the shelf, with an estimate of what was made of them."""

# Threads of their own: strangers' documents that take long must not hold up what else this process does in threads.
_READERS = ThreadPoolExecutor(4, thread_name_prefix="documents")
# A separate pool, so that long documents delay only one another.
_SLOW_READERS = ThreadPoolExecutor(2, thread_name_prefix="slow documents")


class FetchedDocument:
    """The content of an address at one time: `body` is unpacked, `url` is its final address.

    `digest` differs from that of other versions. A large one has its body in a `file`. `weight` is the approximate
    number of bytes it takes, including the results derived from it.
    """

    __slots__ = ("__weakref__", "_made", "_making", "body", "content_type", "digest", "file", "url", "weight")

    def __init__(self, url: str, body: bytes, content_type: str | None = None, file: SpooledBody | None = None) -> None:
        self.url = url
        self.body = body
        self.content_type = content_type
        self.file = file
        self.digest = file.digest if file is not None else hashlib.sha256(body).hexdigest()
        self.weight = len(body)
        self._made: dict[Hashable, Any] = {}
        self._making: dict[Hashable, asyncio.Future[Any]] = {}

    def made(self, key: Hashable) -> Any | None:
        """Return the result stored under this key. Returns None if there is none."""
        return self._made.get(key)

    async def once(
        self,
        key: Hashable,
        make: Callable[[], T],
        size: Callable[[T], int] | None = None,
        *,
        slow: bool = False,
        by: Executor | None = None,
    ) -> T:
        """Return the result of `make`, called in a thread for the first caller with this key; others get the same one.

        `size` returns the bytes it takes. With `slow` it waits for other slow ones, and they for it; a result that is
        read apart waits `by` its owner's turns. An error of `make` is raised to all who wait for it, and the next
        caller tries again.
        """
        if key in self._made:
            made: T = self._made[key]
            return made
        if key not in self._making:
            making = asyncio.get_running_loop().run_in_executor(by or (_SLOW_READERS if slow else _READERS), make)
            self._making[key] = making
            making.add_done_callback(lambda done: self._keep(key, done, size))
        # Shielded: whoever stops waiting leaves it to the others.
        new: T = await asyncio.shield(self._making[key])
        return new

    async def parsed(self, parser: Parser[..., T], *given: Hashable, size: Callable[[T], int]) -> T:
        """Return what `parser` reads apart from the body and what else it is `given`, once for all who want that.

        Raises FailedForGood, with the address, for what it can't read, and SourceFailed where this machine is to blame.
        """

        def read() -> T:
            return parser.in_subprocess(self.body, *given)

        try:
            return await self.once((parser.name, *given), read, size, by=parser.turns_of(self.url))
        except Unreadable as error:
            failed = SourceFailed if error.reason.code in OF_THIS_MACHINE else FailedForGood
            raise failed(because("at_address", address=show(self.url), why=error.reason)) from error

    def forget(self, key: Hashable) -> None:
        """Make it anew for the next who asks."""
        self._made.pop(key, None)

    def _keep(self, key: Hashable, done: asyncio.Future[Any], size: Callable[[Any], int] | None) -> None:
        self._making.pop(key, None)
        if not done.cancelled() and done.exception() is None:
            self._made[key] = done.result()
            self.weight += size(done.result()) if size else 0


class Shelf:
    """The documents that are kept for others who may come for them, those asked for last at the end."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._asked: dict[FetchedDocument, tuple[float, int]] = {}
        self._weight = 0

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, document: FetchedDocument) -> bool:
        return document in self._asked

    def keep(self, document: FetchedDocument, now: float) -> None:
        """Keep it a while from now on; what wasn't asked for longest makes room. `now` is by the steady clock."""
        self._take_off(document)
        self._asked[document] = now, document.weight
        self._weight += document.weight
        self.tidy(now)

    def tidy(self, now: float) -> None:
        """Take away what nobody asked for lately, and what is too much."""
        while self._asked:
            document, (asked, _) = next(iter(self._asked.items()))
            if self._weight <= self._most and now - asked <= KEPT_FOR:
                break
            self._take_off(document)

    def _take_off(self, document: FetchedDocument) -> None:
        # As much as it weighed when it was put there: since then more may have been made of it.
        _, weight = self._asked.pop(document, (0.0, 0))
        self._weight -= weight
