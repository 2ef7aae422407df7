"""The memory that what people send takes: so many bytes over all connections of a listener, until they are answered.

    bytes come ──▶ `Sent.came` ──▶ is there room? ──▶ no: the oldest that still arrives gives way ──▶ `NoRoom`, 503

Counted is what has come, read or unread, and not what a request says will come: half-sent ones hold little. One network
has a third of the room, and small ones have half of what there is: beyond that the oldest small one gives way, else the
oldest that isn't small. So whatever strangers hold, a newcomer has time to prove who they are (`vouch`). Whoever did so
gives way to nobody, and neither does what is all here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain

from aiohttp import web

ROOM = 64_000_000
"""Bytes of all that is here: six photos of the largest size, or as many small forms as there are connections."""
SMALL = 16_000
# In both languages: the listener knows of no station.
_BUSY = (
    "Trop de données arrivent en ce moment\u00a0; réessayez dans une minute.\n"
    "Too much arrives just now; try again in a minute.\n"
)


class NoRoom(web.HTTPServiceUnavailable):
    """A transfer gave way; the rest of it isn't wanted."""

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"}, text=_BUSY)
        self.force_close()


@dataclass(eq=False, slots=True)
class Sent:
    """The data of one request: `reserved` bytes, from `network` (empty: a known client, or a proxy).

    `until` ends its arrival, while somebody waits for it; `dropped` is called when it gave way.
    """

    room: Room
    network: str
    dropped: Callable[[], None]
    reserved: int = 0
    stays: bool = False
    gave_way: bool = False
    until: asyncio.Timeout | None = None

    def came(self, size: int) -> None:
        """Count bytes, and make room for them."""
        if size and not self.gave_way:
            self.room.take(self, size)

    def counts_for(self, network: str) -> None:
        """From now on it is of that network."""
        self.room.leave(self)
        self.network, reserved = network, self.reserved
        self.reserved = 0
        self.came(reserved)

    def is_over(self) -> None:
        """It was answered, and nothing of it is held any more."""
        self.room.leave(self)
        self.reserved = 0

    def is_like_new(self, network: str) -> bool:
        """True if it may count the next request of that network: nobody vouched for it, and it gave way to none."""
        return not self.stays and not self.gave_way and self.network == network

    def give_way(self) -> None:
        """End its arriving."""
        self.is_over()
        self.gave_way = True
        if self.until is not None:
            self.until.reschedule(asyncio.get_running_loop().time())
        self.dropped()


@dataclass(slots=True)
class Room:
    """All of it, in the order in which it began to come, or to be more than small."""

    most: int = ROOM
    reserved: int = 0
    _small: dict[Sent, None] = field(default_factory=dict)
    _large: dict[Sent, None] = field(default_factory=dict)
    _networks: dict[str, int] = field(default_factory=dict)
    # Of the small ones: what each network holds, and (under None) all of them.
    _of_small: dict[str | None, int] = field(default_factory=lambda: {None: 0})

    def of(self, network: str) -> int:
        """Bytes that came from there."""
        return self._networks.get(network, 0)

    def take(self, sent: Sent, size: int) -> None:
        """Give room to `size` bytes more of it."""
        before, network = sent.reserved, sent.network
        sent.reserved = reserved = before + size
        self._count(network, size, size if reserved <= SMALL else -before if before <= SMALL else 0)
        if reserved > SMALL:
            self._small.pop(sent, None)
            self._large.setdefault(sent)
        elif not before:
            self._small[sent] = None
        while network and self.of(network) > self.most // 3 and self._clear(network):
            pass
        while self.reserved > self.most and self._clear():
            pass

    def leave(self, sent: Sent) -> None:
        """Take back the room of it."""
        if reserved := sent.reserved:
            is_small = reserved <= SMALL
            self._count(sent.network, -reserved, -reserved if is_small else 0)
            (self._small if is_small else self._large).pop(sent, None)

    def _count(self, network: str, size: int, small: int) -> None:
        """Count so many bytes more of a network, and so many more of its small ones."""
        # Each request comes here twice, so that a general way to count costs a tenth of a page.
        self.reserved += size
        self._networks[network] = of = self._networks.get(network, 0) + size
        if small:
            self._of_small[None] += small
            self._of_small[network] = self._of_small.get(network, 0) + small
        if not of:
            del self._networks[network]
            self._of_small.pop(network, None)

    def _clear(self, network: str | None = None) -> bool:
        """Have the oldest give way, of one network or of all; whether there was one that can."""
        most = self.most if network is None else self.most // 3
        among = chain(self._small, self._large) if self._of_small.get(network, 0) > most // 2 else self._large
        oldest = next((each for each in among if not each.stays and network in (None, each.network)), None)
        if oldest is not None:
            oldest.give_way()
        return oldest is not None


def vouch(request: web.BaseRequest) -> None:
    """Mark the client as known: it gives way to nobody, and counts for no network."""
    if (sent := _sent_of(request)) is not None:
        sent.stays = True
        sent.counts_for("")


@asynccontextmanager
async def arriving(request: web.BaseRequest) -> AsyncIterator[None]:
    """While its body is received. Raises NoRoom where it gives way to others; once it is whole, it doesn't."""
    sent = _sent_of(request)
    if sent is None:  # it didn't come by a listener of ours
        yield
        return
    if sent.gave_way:
        raise NoRoom
    try:
        async with asyncio.timeout(None) as sent.until:
            yield
    except TimeoutError:
        if not sent.gave_way:
            raise
    finally:
        sent.until = None
    if sent.gave_way:
        raise NoRoom
    sent.stays = True


def _sent_of(request: web.BaseRequest) -> Sent | None:
    sent = getattr(request.protocol, "sent", None)
    return sent if isinstance(sent, Sent) else None
