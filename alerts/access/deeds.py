"""What is written into the record about those who come in."""

from __future__ import annotations

from enum import StrEnum

from alerts.access.visitor import Visit
from alerts.desk.officer import Officer
from alerts.desk.sitting import Sitting
from alerts.model.actor import Actor, Origin
from alerts.model.person import Account, Entry


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


NOBODY = "-"
"""Who did what nobody stands for: a sign-in that failed."""


def write_own(sitting: Sitting, account: Account, visit: Visit, deed: Deed, detail: str = "") -> None:
    """Write down what a person did to their own account, in the browser."""
    actor = Actor(account.name, account.role, Origin.CONSOLE, visit.address)
    Officer(sitting, actor).write(deed, account.name, detail)


def write_failing(sitting: Sitting, subject: str, visit: Visit, detail: str) -> None:
    """Write down that sign-ins to an account, or from an address, fail."""
    sitting.ledger.write(
        Entry(sitting.now, NOBODY, "", Origin.CONSOLE, visit.address, Deed.FAILING, subject, " ".join(detail.split()))
    )
