"""Sign-ins that fail again and again: what those on duty are warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.access.attempts import DEVICE, FACTOR_OF
from alerts.access.throttle import BURST_FOR_NAME, BURST_FROM_ADDRESS, last_burst
from alerts.desk.service import DeskUnit


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
