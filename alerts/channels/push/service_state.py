"""The state of one push service, from its answers: pure decisions, and no subscriber's answers decide for others.

Endpoints are given by strangers, and one that answers 403 or 429 for ever costs nothing. So a refusal is first of all
its subscriber's own: that one rests, and everybody else is tried. The key counts as refused only if no message was
accepted since: not by the subscribers who had accepted one under this key (a few are remembered, over restarts, by
anonymous marks), or, if there are none, by anybody for half a minute. A whole service rests if so many distinct
subscribers were asked to wait, and no message was accepted in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.channels.push.services import PushService
from alerts.model.bounds import table

AGAIN = timedelta(seconds=30)
"""After this, what got no answer is sent again."""
KEY_SURE = timedelta(seconds=30)
"""After this, one who was refused is tried again; where nobody was ever taken, the key is refused by then."""
KEY_AGAIN = timedelta(minutes=10)
"""After this, subscribers whose service refuses the key are tried again."""
KEY_PROBED_EVERY = timedelta(minutes=1)
"""How often one of them is tried meanwhile: it may be taken by then."""
SILENT = 3
"""So many without an answer, and none with one: that service rests. So many who had taken the key: it is refused."""
TAKERS = 8
"""Subscribers of a service who took a message under the key, that are remembered."""
WAITERS = 50
"""Distinct subscribers asked to wait, with none accepted between: then the whole service rests."""
# A silent service rests for twice as long each time, within these bounds.
FIRST_REST, LONGEST_REST = timedelta(seconds=1), timedelta(minutes=1)
NOWHERE_FOR = timedelta(minutes=15)
"""A name that failed to resolve is tried again after this; the second time its messages are given up."""
# Subscribers with a state of their own; beyond, the oldest are tried again early, which is harmless.
_KEPT = 20_000


@dataclass(slots=True)
class PushServiceState:
    """The state of one service, under one key of the town's at a time. `chat` is a subscriber's number.

    `refuses` is the key that it refuses, `took` the one under which it accepted a message in this process.
    """

    service: PushService
    until: datetime | None = None
    silent: int = 0
    rest: timedelta = FIRST_REST
    refuses: str | None = None
    took: str | None = None
    addresses: list[str] | None = None
    looked_up: datetime | None = None
    nowhere: int = 0
    key: str = ""
    takers: dict[str, None] = field(default_factory=dict)
    _learned: int = 0
    _took_at: datetime | None = None
    _refused: dict[int, datetime] = field(default_factory=dict)
    _refused_since: datetime | None = None
    _takers_refused: set[str] = field(default_factory=set)
    _probe_at: datetime | None = None
    _probing: int | None = None
    _waits: dict[int, datetime] = field(default_factory=dict)
    _waiters: set[int] = field(default_factory=set)

    @property
    def may_be_made_up(self) -> bool:
        """True if its name was never resolved, and is allowed only by a wildcard."""
        return self.looked_up is None and self.service.pattern.startswith("*.")

    def is_given_up(self, now: datetime) -> bool:
        """True if its name failed to resolve twice, lately."""
        return self.nowhere > 1 and self.until is not None and self.until > now

    def leads_nowhere(self, now: datetime) -> None:
        """Its name isn't found; of those that ask at the same time one counts."""
        if self.until is None or self.until <= now:
            self.nowhere, self.until = self.nowhere + 1, now + NOWHERE_FOR

    def use(self, key: str, takers: Iterable[str]) -> None:
        """From now on messages go under this key. What was refused under another one says nothing of it."""
        if self.key != key:
            self.key, self.takers, self._learned, self._took_at = key, dict.fromkeys(takers), 0, None
            self._refused, self._refused_since, self._takers_refused = {}, None, set()

    def waits_until(self, now: datetime, chat: int) -> datetime | None:
        """Until when nothing goes to that subscriber; None: it may go now."""
        if self.until is not None and self.until > now:
            return self.until
        if (until := self._waits.get(chat)) is not None and until > now:
            return until
        if self.refuses != self.key or chat not in self._refused or self._is_taker(chat) or chat == self._probing:
            return None
        if self._probe_at is None or self._probe_at <= now:
            self._probe_at, self._probing = now + KEY_PROBED_EVERY, chat
            return None
        return now + KEY_AGAIN

    def answered(self, now: datetime, chat: int) -> bool:
        """It took a message of that subscriber's; whether that is news of who takes the key."""
        self.until, self.silent, self.rest, self.refuses, self.took = None, 0, FIRST_REST, None, self.key
        self._took_at, self._refused_since = now, None
        self._takers_refused.clear()
        self._waiters.clear()
        self._waits.pop(chat, None)
        if self._learned >= TAKERS or self._is_taker(chat):
            return False
        # Of each life some: those of an earlier one may have left since, and others take their place.
        self._learned += 1
        self.takers[self._mark(chat)] = None
        while len(self.takers) > TAKERS:
            del self.takers[next(iter(self.takers))]
        return True

    def left(self, chat: int) -> None:
        """Forget a subscriber who is gone."""
        self.takers.pop(self._mark(chat), None)

    def says_nothing(self, now: datetime) -> datetime:
        """It gave no answer, or none that helps; when to try that message again."""
        self.silent += 1
        if self.silent >= SILENT:
            self._rest(now)
        return max(now + AGAIN, self.until or now)

    def asks_to_wait(self, now: datetime, chat: int, until: datetime) -> datetime:
        """Record that it asked this subscriber to wait; returns until when."""
        _keep(self._waits, chat, until)
        self._waiters.add(chat)
        if len(self._waiters) >= WAITERS:
            self._waiters.clear()
            self._rest(now)
        return until

    def refuses_key(self, now: datetime, chat: int) -> datetime | None:
        """It refused the key for that subscriber: when to try again. None: it took it from others since, so never."""
        self._probing = None
        since = self._refused.get(chat)
        if since is None:
            _keep(self._refused, chat, since := now)
        if self._took_at is not None and self._took_at > since:
            return None
        self._refused_since = self._refused_since or now
        if self._is_taker(chat):
            self._takers_refused.add(self._mark(chat))
        if self._is_refused_by_all(now):
            self.refuses = self.key
        return now + (KEY_AGAIN if self.refuses == self.key else KEY_SURE)

    def _is_refused_by_all(self, now: datetime) -> bool:
        """True if every subscriber tried under this key since the last accepted message was refused."""
        if self.takers:
            return len(self._takers_refused) >= min(SILENT, len(self.takers))
        return self._refused_since is not None and now - self._refused_since >= KEY_SURE

    def _rest(self, now: datetime) -> None:
        if self.until is None or self.until <= now:
            self.until, self.rest = now + self.rest, min(self.rest * 2, LONGEST_REST)

    def _is_taker(self, chat: int) -> bool:
        return self._mark(chat) in self.takers

    def _mark(self, chat: int) -> str:
        return hashlib.blake2s(f"{self.key} {chat}".encode(), digest_size=4).hexdigest()


def _keep(known: dict[int, datetime], chat: int, at: datetime) -> None:
    """The newest of them: strangers may come in any number, and memory has an end."""
    known.pop(chat, None)
    known[chat] = at
    if len(known) > _KEPT:
        del known[next(iter(known))]


def takers_of(kept: object, origin: str, key: str) -> Sequence[str]:
    """Return the stored subscribers who accepted a message under that key at a service."""
    known = table(table(kept).get(origin))
    return known["by"] if known.get("key") == key else ()
