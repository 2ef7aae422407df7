"""Changes of credentials: how long their owner is notified, and who may acknowledge them.

Each change is shown at every sign-in until somebody who was there before it acknowledges it. An intruder signs in after
the change they made, and so mustn't remove the notice: a session counts that was opened by a second factor older than
every shown change, or in a browser that signed in to the account a day before the first of them. A change that nobody
acknowledges is shown for `SHOWN_FOR` (docs/adr/0044-who-acknowledges-a-change.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.access.audit import AuditEvent, changes_of, write_own
from alerts.access.sessions import CODES, Live, Visit
from alerts.access.throttle import knew_device
from alerts.desk.unit import DeskUnit
from alerts.model.person import Account, Chained

SHOWN_FOR = timedelta(days=30)
"""How long an unacknowledged change is shown at each sign-in."""
BEFORE = timedelta(days=1)
"""How long before a change a browser must have been signed in from: a thief has several windows at once."""


def pending(unit: DeskUnit, account: Account) -> Sequence[Chained]:
    """Return the changes still to be shown, oldest first."""
    known = account.changes_read_at or account.signed_in_at or account.created_at
    return changes_of(unit, account.name, max(known, unit.now - SHOWN_FOR))


def made_on_the_way(unit: DeskUnit, account: Account) -> Account:
    """Return the account after a change that a sign-in itself demanded: its owner knows it, unless others are pending.

    Call it before the change is written.
    """
    return account if pending(unit, account) else replace(account, changes_read_at=unit.now)


def changes_at_sign_in(unit: DeskUnit, account: Account) -> tuple[Account, Sequence[Chained]]:
    """Return the changes to show at a sign-in, and the account with the time from which they are shown."""
    shown = [each for each in pending(unit, account) if each.entry.at < unit.now]
    # From here on the time of the last sign-in says nothing of it: it is told at the next one too.
    since = account.changes_read_at or account.signed_in_at or account.created_at
    return replace(account, changes_read_at=since), shown


def acknowledged(unit: DeskUnit, found: Live, visit: Visit) -> bool:
    """Acknowledge the shown changes, if this visitor was there before them; returns True if they were."""
    shown = pending(unit, found.account)
    if not shown:
        return True
    if not _was_there(unit, found, visit, shown):
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


def _was_there(unit: DeskUnit, found: Live, visit: Visit, shown: Sequence[Chained]) -> bool:
    first, proof = shown[0].entry.at, found.session.opened_by
    if knew_device(unit, found.account, visit, first - BEFORE):
        return True
    if proof == CODES:
        return all(each.entry.act != AuditEvent.CODES_ADDED for each in shown)
    key = unit.accounts.passkey(proof) if proof else None
    return key is not None and key.created_at < first
