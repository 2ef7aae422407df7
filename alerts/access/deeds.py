"""What is written into the record about those who come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.access.visitor import Visit
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.actor import Actor, Origin
from alerts.model.person import Account, Chained, Entry


class Deed(StrEnum):
    """An act of the record: what happened at the gate, or to an account or a token."""

    SIGNED_IN = "signed in"
    FAILING = "sign-in failing"
    SIGNED_OUT = "signed out"
    SIGNED_OUT_EVERYWHERE = "signed out everywhere"
    LANGUAGE_CHANGED = "language changed"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 the name of a deed
    CODES_ADDED = "codes added"
    CODES_REMOVED = "codes removed"
    PASSKEY_ADDED = "passkey added"
    PASSKEY_REMOVED = "passkey removed"
    ACCOUNT_ADDED = "account added"
    ACCOUNT_DISABLED = "account disabled"
    ACCOUNT_ENABLED = "account enabled"
    ACCOUNT_RESET = "account reset"
    ROLE_CHANGED = "role changed"
    TOKEN_ADDED = "token added"  # noqa: S105 the name of a deed
    TOKEN_REVOKED = "token revoked"  # noqa: S105 the name of a deed
    CHAT_LINKED = "chat linked"
    CHAT_UNLINKED = "chat unlinked"


OF_FACTORS = (Deed.CODES_ADDED, Deed.CODES_REMOVED, Deed.PASSKEY_ADDED, Deed.PASSKEY_REMOVED)
"""Changes of the second factor."""
PROVING = (*OF_FACTORS, Deed.PASSWORD_CHANGED, Deed.CHAT_LINKED, Deed.CHAT_UNLINKED)
"""Changes of what proves somebody: their owner is told of each, since somebody else may have made it."""
NEWS_FOR = timedelta(hours=1)
"""For how long a change is told to those who don't know of it: as long as what tells them may have been down."""
_LOOKED_AT = 50
NOBODY = "-"
"""Who did what nobody stands for: a sign-in that failed."""


def write_own(unit: DeskUnit, account: Account, visit: Visit, deed: Deed, detail: str = "") -> None:
    """Write down what a person did to their own account, in the browser."""
    actor = Actor(account.name, account.role, Origin.CONSOLE, visit.address)
    Officer(unit, actor).write(deed, account.name, detail)


def changes_of(unit: DeskUnit, account: str, since: datetime) -> Sequence[Chained]:
    """What was changed after `since` of what proves somebody, oldest first."""
    lines = unit.audit.newest(subject=account, most=_LOOKED_AT)
    return [line for line in reversed(lines) if line.entry.at > since and line.entry.act in PROVING]


def write_failing(unit: DeskUnit, subject: str, visit: Visit, detail: str) -> None:
    """Write down that sign-ins to an account, or from an address, fail."""
    unit.audit.write(
        Entry(unit.now, NOBODY, "", Origin.CONSOLE, visit.address, Deed.FAILING, subject, " ".join(detail.split()))
    )
