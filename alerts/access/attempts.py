"""Attempts to sign in, within a unit: who has to wait, what failed, and what is told of it.

An attempt is written down as failed before the password is looked at, and forgotten if it was right: of a thousand
that come at once, none finds that nothing has failed yet. How long one waits is computed from those failures
(`throttle.py`). Failures in a row (`Burst`) are written into the audit log once, and those on call are warned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.access.answers import KNOWN_FOR, Failures, Held, Refusal, Visit
from alerts.access.audit import AuditEvent, write_failing
from alerts.access.throttle import (
    BURST_FOR_NAME,
    BURST_FROM_ADDRESS,
    CODE,
    LATELY,
    PASSWORD,
    REMEMBERED,
    Backoffs,
    held_until,
    last_burst,
    neighbourhood,
    own_clock,
)
from alerts.desk.service import DeskUnit
from alerts.model.person import Account, fold_name

_LONG_AGO = timedelta(days=KNOWN_FOR)
FACTOR_OF = "?code "
"""Before an account's name: what failures of its second factor are counted under."""
DEVICE = "device "
"""Before a browser's digest, where others have an address."""
# How far back the audit log is looked through for a burst that was told already.
_LINES = 50


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
    return _attempt(unit, account, FACTOR_OF + account.name, visit, CODE)


def held(unit: DeskUnit, attempt: Attempt) -> Held | None:
    """What to answer to a try that comes too early."""
    until = next_try(unit, attempt)
    return Held(Refusal.WAIT, until) if until else None


def next_try(unit: DeskUnit, attempt: Attempt) -> datetime | None:
    """When one may try again; None: now."""
    return held_until(
        unit.now,
        attempt.paces,
        _failures(unit, name=attempt.name),
        _failures(unit, name=attempt.name if attempt.known else None, address=attempt.address),
        known=attempt.known,
        own=own_clock(attempt.address, unit.accounts.failed_from(unit.now - LATELY, unit.now, attempt.name)),
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
    """It was wrong. Returns of whom the audit log now tells that sign-ins fail: once a burst, not at each try."""
    told = []
    if attempt.account is not None:
        times = _failures(unit, name=attempt.name)
        if _tell(unit, attempt.account.name, attempt.visit, last_burst(times), BURST_FOR_NAME):
            told.append(attempt.account.name)
    if not attempt.address.startswith(DEVICE):
        times = _failures(unit, address=attempt.address)
        if _tell(unit, attempt.address, attempt.visit, last_burst(times), BURST_FROM_ADDRESS):
            told.append(attempt.address)
    return told


def complete(unit: DeskUnit, account: Account, visit: Visit, device: str) -> Failures | None:
    """Somebody is in: what failed before is told and forgotten, and this browser and address are known from now on."""
    times = sorted(_failures(unit, name=account.name) + _failures(unit, name=FACTOR_OF + account.name))
    # Kept for the address and for the browser: either alone lets the owner past what others tried elsewhere.
    for address in (neighbourhood(visit.address), _device(device)):
        unit.accounts.attempted(unit.now, account.name, address, good=True)
    unit.accounts.attempted(unit.now, FACTOR_OF + account.name, neighbourhood(visit.address), good=True)
    unit.accounts.sweep(unit.now, unit.now - REMEMBERED, unit.now - _LONG_AGO)
    return Failures(len(times), times[0]) if times else None


def is_device(unit: DeskUnit, device: str) -> bool:
    """Whether the gate gave this value to a browser."""
    return bool(device) and unit.accounts.came_in(unit.now - _LONG_AGO, _device(device))


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
    return DEVICE + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Burst:
    """Failed attempts in a row; `subject` is an account, or an address where many names were tried from one place."""

    subject: str
    count: int
    first: datetime
    last: datetime


def bursts(unit: DeskUnit, since: datetime) -> Sequence[Burst]:
    """What failed often enough since to be told: accounts first (until their owner signs in), then addresses."""
    known = unit.accounts
    of_accounts = [
        _burst(account.name, _failures_of(unit, account.name, since), BURST_FOR_NAME) for account in known.accounts()
    ]
    from_addresses = [
        _burst(address, known.failures(since, address=address), BURST_FROM_ADDRESS)
        for address in known.failing_addresses(since, BURST_FROM_ADDRESS)
        if not address.startswith(DEVICE)
    ]
    return [burst for burst in (*of_accounts, *from_addresses) if burst is not None]


def _failures_of(unit: DeskUnit, name: str, since: datetime) -> Sequence[datetime]:
    failures = unit.accounts.failures
    return sorted([*failures(since, name=name), *failures(since, name=FACTOR_OF + name)])


def _burst(subject: str, times: Sequence[datetime], least: int) -> Burst | None:
    row = last_burst(times)
    return Burst(subject, len(row), row[0], row[-1]) if len(row) >= least else None
