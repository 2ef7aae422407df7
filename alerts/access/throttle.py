"""Delays of a sign-in after failures: growing, never a lock-out.

Two things are slowed: an account, slightly, so that its owner gets in; and an address, far more. A browser or an
address from which somebody signed in to that account before isn't delayed by attempts from elsewhere. Nor is a network
with hardly any failures, as long as few others try (docs/adr/0004-accounts.md).

The first part is pure: from the times of failures to the time of the next try (`next_try_at`). The second stores those
times, within a unit. An attempt is recorded as failed before the password is checked, and deleted if it was right: of a
thousand simultaneous ones, each counts the others. Consecutive failures (`Burst`) are written into the audit log once,
and those on call are warned.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from alerts.access.audit import AuditEvent, write_failing
from alerts.access.sessions import KNOWN_FOR, Failures, Refusal, SignInRefused, Visit
from alerts.desk.unit import DeskUnit
from alerts.model.backoff import backoff
from alerts.model.person import Account, fold_name

REMEMBERED = timedelta(days=1)
"""How long a failure counts."""
IN_A_ROW = timedelta(minutes=30)
"""Failures with no longer gap than this are one burst: longer than any delay, so that slowing doesn't split it."""
# Consecutive failures for one account that are worth a line in the audit log and a warning.
BURST_FOR_NAME = 5
# A whole town hall may come from one address: more has to fail there before it is told.
_BURST_FROM_ADDRESS = 20
# A known browser or address is forgotten with its cookie.
_LONG_AGO = timedelta(days=KNOWN_FOR)
# Before an account's name: what failures of its second factor are counted under.
_FACTOR_OF = "?code "
# The same of passkeys that are to sign in alone. Apart from passwords: whoever guesses those must not hold up an owner
# who needs none.
_PASSKEY_OF = "?passkey "
# Before a browser's digest, where others have an address.
_DEVICE = "device "
# How far back the audit log is looked through for a burst that was told already.
_LINES = 50


@dataclass(frozen=True, slots=True)
class Backoff:
    """`free` failures cost nothing; the next costs a second, and each further one twice as much, up to `cap`."""

    free: int
    cap: timedelta

    def delay(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next try may come."""
        over = failures - self.free
        return backoff(over, timedelta(seconds=1), self.cap) if over > 0 else timedelta()


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


# Who comes after others may ask again in a moment.
_MEANWHILE = timedelta(seconds=5)
# What is looked at to tell a network from which hardly anything failed.
_LATELY = timedelta(hours=1)
NEWCOMERS = 8
"""How many other networks may fail lately before clocks of their own are over: more than that is a crowd."""
NEWCOMER_TRIES = 4
"""How many tries a network has by its own clock."""

PASSWORD = Backoffs(
    Backoff(4, timedelta(seconds=30)), Backoff(9, timedelta(seconds=30)), Backoff(0, timedelta(seconds=4))
)
CODE = Backoffs(Backoff(4, timedelta(minutes=15)), Backoff(9, timedelta(minutes=5)))
"""Of the second factor: who gets so far knows the password, and a code has but a million values."""


def next_try_at(
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


# A second clock beside the one that all unknown places share. Without it, two programs that ask without a pause take
# each of that clock's tries, one in half a minute, and a duty officer with a new telephone at a new place never comes
# in: a lock-out by another name, which an attack on the desk showed. It costs one question to the database, and gives
# guessers 36 tries an hour more. A crowd would get tries for each of its networks, so in a crowd nobody has it.
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
    """Return the range that counts as one address: for IPv6 the /64, which one house controls as a whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


@lru_cache(4096)
def network(address: str) -> str:
    """Return the range in which one attacker easily has many addresses: for IPv4 the /24, for IPv6 the /48."""
    return _wider(address, 24, 48)


@lru_cache(4096)
def surroundings(network: str) -> str:
    """Return the range in which one provider easily has many such networks: for IPv4 the /16, for IPv6 the /32."""
    return _wider(network, 16, 32)


def _wider(address: str, v4: int, v6: int) -> str:
    try:
        parsed = ipaddress.ip_network(address)
    except ValueError:
        return address
    return str(parsed.supernet(new_prefix=v4 if parsed.version == 4 else v6))


def _opens(now: datetime, failures: Sequence[datetime], pace: Backoff) -> datetime:
    # A clock that was set back leaves failures in the future: they are nobody's of today, and hold nobody up.
    past = [at for at in failures if at <= now]
    return (past[-1] if past else now) + pace.delay(len(past))


def _later_than(now: datetime, times: Sequence[datetime]) -> datetime | None:
    latest = max(times)
    return latest if latest > now else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that isn't decided yet; `number` is None until it was written down.

    `name` is what it is counted under: no account's name begins with a question mark. `address` is the browser, or
    what counts as one network address; `known` if the account was signed in to from there.
    """

    account: Account | None
    visit: Visit
    name: str
    address: str
    paces: Backoffs
    known: bool
    number: int | None = None


def password_attempt(unit: DeskUnit, name: str, visit: Visit) -> Attempt:
    """A try at a password; a name that is nobody's is slowed like one that is."""
    account = unit.accounts.account(name)
    return _attempt(unit, account, account.name if account else _nobody(name), visit, PASSWORD)


def factor_attempt(unit: DeskUnit, account: Account, visit: Visit) -> Attempt:
    """A try at a second factor."""
    return _attempt(unit, account, _FACTOR_OF + account.name, visit, CODE)


def passkey_attempt(unit: DeskUnit, identity: str, visit: Visit) -> Attempt:
    """A try to sign in by a passkey alone; one that is nobody's is slowed like one that is."""
    key = unit.accounts.passkey(identity)
    account = unit.accounts.account(key.account) if key else None
    return _attempt(unit, account, _PASSKEY_OF + account.name if account else _nobody(identity), visit, PASSWORD)


@dataclass(frozen=True, slots=True)
class Waiter:
    """A network that waits for a try at a name, and since when."""

    network: str
    since: datetime


def refusal_of(unit: DeskUnit, attempt: Attempt, waiting: Sequence[Waiter] = ()) -> SignInRefused | None:
    """Return the refusal of a try that comes too early, or before others that wait longer.

    Returns None if it may go.
    """
    until = next_try(unit, attempt)
    if until is None and waiting and not attempt.known:
        failed = unit.accounts.failed_from(unit.now - _LATELY, unit.now, attempt.name)
        # A network with a clock of its own waits for nobody.
        shares = attempt.paces.newcomer is None or own_clock(attempt.address, failed) is None
        if shares and not is_next(network(attempt.address), failed, waiting, unit.now):
            until = unit.now + _MEANWHILE
    return SignInRefused(Refusal.WAIT, until) if until else None


def is_next(mine: str, failed: Sequence[tuple[datetime, str]], waiting: Sequence[Waiter], now: datetime) -> bool:
    """True if a network is next: it failed least, counted with its surroundings, and has waited longest of those.

    Counted by surroundings first: the owner of one address at a provider easily has networks by the thousand there.
    """
    around = Counter(surroundings(network(place)) for _, place in failed)
    by_network = Counter(network(place) for _, place in failed)

    def rank(waiter: Waiter) -> tuple[int, int, datetime]:
        return around[surroundings(waiter.network)], by_network[waiter.network], waiter.since

    me = next((each for each in waiting if each.network == mine), Waiter(mine, now))
    return all(rank(me) <= rank(each) for each in waiting)


def next_try(unit: DeskUnit, attempt: Attempt) -> datetime | None:
    """When one may try again; None: now."""
    return next_try_at(
        unit.now,
        attempt.paces,
        _failures(unit, name=attempt.name),
        _failures(unit, name=attempt.name if attempt.known else None, address=attempt.address),
        known=attempt.known,
        own=own_clock(attempt.address, unit.accounts.failed_from(unit.now - _LATELY, unit.now, attempt.name)),
    )


def begun(unit: DeskUnit, attempt: Attempt) -> Attempt:
    """Write an attempt down as failed, until it is known."""
    number = unit.accounts.attempted(unit.now, attempt.name, attempt.address, good=False)
    return replace(attempt, number=number)


def passed(unit: DeskUnit, attempt: Attempt) -> None:
    """It was right, as far as it went."""
    if attempt.number is not None:
        unit.accounts.forget_attempt(attempt.number)


def failed(unit: DeskUnit, attempt: Attempt) -> Sequence[str]:
    """Record a failure; returns the subjects that the audit log now reports: once a burst, not at each try."""
    reported = []
    if attempt.account is not None:
        times = _failures(unit, name=attempt.name)
        if _tell(unit, attempt.account.name, attempt.visit, last_burst(times), BURST_FOR_NAME):
            reported.append(attempt.account.name)
    if not attempt.address.startswith(_DEVICE):
        times = _failures(unit, address=attempt.address)
        if _tell(unit, attempt.address, attempt.visit, last_burst(times), _BURST_FROM_ADDRESS):
            reported.append(attempt.address)
    return reported


def complete(unit: DeskUnit, account: Account, visit: Visit, device: str) -> Failures | None:
    """Complete a sign-in: return and forget earlier failures, and remember this browser and address."""
    times = _failures_of(unit, account.name, unit.now - REMEMBERED)
    # Kept for the address and for the browser: either alone lets the owner past what others tried elsewhere.
    for address in (neighbourhood(visit.address), _device(device)):
        unit.accounts.attempted(unit.now, account.name, address, good=True)
    for kind in (_FACTOR_OF, _PASSKEY_OF):
        unit.accounts.attempted(unit.now, kind + account.name, neighbourhood(visit.address), good=True)
    unit.accounts.sweep(unit.now, unit.now - REMEMBERED, unit.now - _LONG_AGO)
    return Failures(len(times), times[0]) if times else None


def is_device(unit: DeskUnit, device: str) -> bool:
    """True if the gate gave this value to a browser."""
    return bool(device) and unit.accounts.came_in(unit.now - _LONG_AGO, _device(device))


def knew_device(unit: DeskUnit, account: Account, visit: Visit, until: datetime) -> bool:
    """True if this browser signed in to the account at that time or before, as far as that is remembered."""
    since, place = unit.now - _LONG_AGO, _device(visit.device)
    return bool(visit.device) and unit.accounts.came_in(since, place, name=account.name, until=until)


def _attempt(unit: DeskUnit, account: Account | None, name: str, visit: Visit, paces: Backoffs) -> Attempt:
    since, accounts = unit.now - _LONG_AGO, unit.accounts
    places = [*([_device(visit.device)] if visit.device else []), neighbourhood(visit.address)]
    known = next((place for place in places if account and accounts.came_in(since, place, name=account.name)), None)
    return Attempt(account, visit, name, known or places[-1], paces, known is not None)


def _failures(unit: DeskUnit, *, name: str | None = None, address: str | None = None) -> list[datetime]:
    return list(unit.accounts.failures(unit.now - REMEMBERED, name=name, address=address))


def _tell(unit: DeskUnit, subject: str, visit: Visit, burst: Sequence[datetime], least: int) -> bool:
    if len(burst) < least:
        return False
    lines = unit.audit.newest(subject=subject, most=_LINES)
    if any(line.entry.act == AuditEvent.FAILING and line.entry.at >= burst[0] for line in lines):
        return False
    write_failing(unit, subject, visit, f"{len(burst)} failed attempts since {burst[0]:%Y-%m-%d %H:%M:%S} UTC")
    return True


def _nobody(name: str) -> str:
    # A hash: people type their password into the field for the name.
    return "?" + hashlib.sha256(fold_name(name).encode("utf-8", "replace")).hexdigest()[:32]


def _device(value: str) -> str:
    return _DEVICE + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Burst:
    """Failed attempts in a row; `subject` is an account, or an address where many names were tried from one place."""

    subject: str
    count: int
    first: datetime
    last: datetime


def bursts(unit: DeskUnit, since: datetime) -> Sequence[Burst]:
    """Return the bursts of failures since then: accounts first (until their owner signs in), then addresses."""
    known = unit.accounts
    of_accounts = [
        _burst(account.name, _failures_of(unit, account.name, since), BURST_FOR_NAME) for account in known.accounts()
    ]
    from_addresses = [
        _burst(address, known.failures(since, address=address), _BURST_FROM_ADDRESS)
        for address in known.failing_addresses(since, _BURST_FROM_ADDRESS)
        if not address.startswith(_DEVICE)
    ]
    return [burst for burst in (*of_accounts, *from_addresses) if burst is not None]


def _failures_of(unit: DeskUnit, name: str, since: datetime) -> Sequence[datetime]:
    """When somebody failed to sign in to an account, at whatever step."""
    names = (name, _FACTOR_OF + name, _PASSKEY_OF + name)
    return sorted(at for each in names for at in unit.accounts.failures(since, name=each))


def _burst(subject: str, times: Sequence[datetime], least: int) -> Burst | None:
    row = last_burst(times)
    return Burst(subject, len(row), row[0], row[-1]) if len(row) >= least else None
