"""Changes of what proves somebody: how long their owner is told of them, and who may say that they are known.

Each change stays to be told, at every sign-in, until somebody acknowledged it who was there before it. Whoever took an
account over signs in after the change they made, and so mustn't take the notice away: a session counts that was opened
by a second factor older than every change that is told, or in a browser from which the account was signed in to a day
before the first of them. What nobody acknowledged is told for `TOLD_FOR` (docs/adr/0044-who-acknowledges-a-change.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.access.audit import AuditEvent, changes_of, write_own
from alerts.access.sessions import CODES, Live, Visit
from alerts.access.throttle import knew_device
from alerts.desk.service import DeskUnit
from alerts.model.person import Account, Chained

TOLD_FOR = timedelta(days=30)
"""For how long a change that nobody acknowledged is told at each sign-in."""
BEFORE = timedelta(days=1)
"""How long before a change a browser must have been signed in from: a thief has several windows at once."""


def pending(unit: DeskUnit, account: Account) -> Sequence[Chained]:
    """What is still to be told, oldest first."""
    known = account.changes_read_at or account.signed_in_at or account.created_at
    return changes_of(unit, account.name, max(known, unit.now - TOLD_FOR))


def made_on_the_way(unit: DeskUnit, account: Account) -> Account:
    """The account where a sign-in itself asks for a change: its owner knows that, unless something else is to be told.

    Asked before the change is written down.
    """
    return account if pending(unit, account) else replace(account, changes_read_at=unit.now)


def told_at_sign_in(unit: DeskUnit, account: Account) -> tuple[Account, Sequence[Chained]]:
    """What to tell whoever has just come in, and the account that keeps from when on it is told."""
    told = [each for each in pending(unit, account) if each.entry.at < unit.now]
    # From here on the time of the last sign-in says nothing of it: it is told at the next one too.
    since = account.changes_read_at or account.signed_in_at or account.created_at
    return replace(account, changes_read_at=since), told


def acknowledged(unit: DeskUnit, found: Live, visit: Visit) -> bool:
    """Tell no more of what was changed, if whoever says so was there before it; whether they were."""
    told = pending(unit, found.account)
    if not told:
        return True
    if not _was_there(unit, found, visit, told):
        return False
    unit.accounts.put_account(replace(found.account, changes_read_at=unit.now))
    write_own(unit, found.account, visit, AuditEvent.CHANGES_KNOWN)
    return True


def end_opened_by(unit: DeskUnit, found: Live, passkey: str) -> None:
    """End the sessions that a passkey opened, but the one that gave the password to say so."""
    for session in unit.accounts.sessions(found.account.name):
        if session.opened_by == passkey and session.digest != found.session.digest:
            unit.accounts.drop_session(session.digest)
            write_own(unit, found.account, found.visit, AuditEvent.SIGNED_OUT, session.agent)


def _was_there(unit: DeskUnit, found: Live, visit: Visit, told: Sequence[Chained]) -> bool:
    first, proof = told[0].entry.at, found.session.opened_by
    if knew_device(unit, found.account, visit, first - BEFORE):
        return True
    if proof == CODES:
        return all(each.entry.act != AuditEvent.CODES_ADDED for each in told)
    key = unit.accounts.passkey(proof) if proof else None
    return key is not None and key.created_at < first
