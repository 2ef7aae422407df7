"""How long a sign-in has to wait after others failed: growing delays, never a lock-out.

Two things are slowed: an account, by little, so that its owner gets in; and an address, by far more. A browser or an
address from which somebody signed in to that account before isn't held up by what others did from elsewhere. Nor is a
network from which hardly anything failed, as long as few others try: or else two who never pause would keep the owner
out who comes from a new place.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

REMEMBERED = timedelta(days=1)
"""How long a failure counts."""
IN_A_ROW = timedelta(minutes=30)
"""Failures with no longer gap than this are one burst: longer than any delay, so that slowing doesn't split it."""
BURST_FOR_NAME = 5
# A whole town hall may come from one address: more has to fail there before it is told.
BURST_FROM_ADDRESS = 20
_V4 = 4


@dataclass(frozen=True, slots=True)
class Backoff:
    """`free` failures cost nothing; the next costs a second, and each further one twice as much, up to `cap`."""

    free: int
    cap: timedelta

    def delay(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next try may come."""
        over = failures - self.free
        if over <= 0:
            return timedelta()
        # The exponent is bounded: a flood of failures must not make a number that no timedelta holds.
        return min(self.cap, timedelta(seconds=2 ** min(over - 1, 20)))


ADDRESS_PACE = Backoff(9, timedelta(minutes=15))
"""Of one address, all accounts together; a town hall's people may share one."""


@dataclass(frozen=True, slots=True)
class Backoffs:
    """Of one account: from `anywhere` together, and from a place that is `known` for it, which is slowed apart.

    `newcomer` is the pace of a network with a clock of its own (`own_clock`); None: there are no such clocks.
    """

    anywhere: Backoff
    known: Backoff
    newcomer: Backoff | None = None


LATELY = timedelta(hours=1)
"""What is looked at to tell a network from which hardly anything failed."""
NEWCOMERS = 8
"""How many other networks may fail lately before clocks of their own are over: more than that is a crowd."""
NEWCOMER_TRIES = 4
"""How many tries a network has by its own clock."""

PASSWORD = Backoffs(
    Backoff(4, timedelta(seconds=30)), Backoff(9, timedelta(seconds=30)), Backoff(0, timedelta(seconds=4))
)
CODE = Backoffs(Backoff(4, timedelta(minutes=15)), Backoff(9, timedelta(minutes=5)))
"""Of the second factor: who gets so far knows the password, and a code has but a million values."""


def held_until(
    now: datetime,
    paces: Backoffs,
    for_name: Sequence[datetime],
    from_place: Sequence[datetime],
    *,
    known: bool,
    own: Sequence[datetime] | None = None,
) -> datetime | None:
    """When the next try may be made; None: now. All lists hold the times of failures, oldest first.

    From a known place only what failed there counts. `own` are the failures of a network with its own clock.
    """
    if known:
        return _later_than(now, [_opens(now, from_place, paces.known)])
    opens = _opens(now, for_name, paces.anywhere)
    if own is not None and paces.newcomer is not None:
        opens = min(opens, _opens(now, own, paces.newcomer))
    return _later_than(now, [opens, _opens(now, from_place, ADDRESS_PACE)])


def own_clock(address: str, failed: Sequence[tuple[datetime, str]]) -> Sequence[datetime] | None:
    """The failures of an address's network, if it tries by a clock of its own; `failed` is when and from where lately.

    None: it shares the clock of everybody, having failed often itself, or as one of a crowd.
    """
    mine = network(address)
    own = [at for at, place in failed if network(place) == mine]
    others = {network(place) for _, place in failed} - {mine}
    return own if len(own) < NEWCOMER_TRIES and len(others) <= NEWCOMERS else None


def last_burst(failures: Sequence[datetime]) -> Sequence[datetime]:
    """The newest failures that follow one another without a longer pause than `IN_A_ROW`; times are oldest first."""
    first = len(failures) - 1
    while first > 0 and failures[first] - failures[first - 1] <= IN_A_ROW:
        first -= 1
    return failures[max(first, 0) :]


def neighbourhood(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one house commands as a whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def network(address: str) -> str:
    """What one attacker easily has many addresses of: of IPv4 the /24, of IPv6 the /48."""
    try:
        parsed = ipaddress.ip_network(address)
    except ValueError:
        return address
    return str(parsed.supernet(new_prefix=24 if parsed.version == _V4 else 48))


def _opens(now: datetime, failures: Sequence[datetime], pace: Backoff) -> datetime:
    # A clock that was set back leaves failures in the future: they are nobody's of today, and hold nobody up.
    past = [at for at in failures if at <= now]
    return (past[-1] if past else now) + pace.delay(len(past))


def _later_than(now: datetime, times: Sequence[datetime]) -> datetime | None:
    latest = max(times)
    return latest if latest > now else None
