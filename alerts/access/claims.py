"""Whose form it was: said by the form itself, so that it is known when the session is long over.

On a browser that several share, what one had typed mustn't become another's. The token of a form's session carries the
name and a seal that only this desk can make: its key is the account's password hash, which never leaves the database,
so no key has to be kept anywhere. Who chose a new password meanwhile isn't recognised.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from alerts.desk.service import DeskUnit
from alerts.model.person import Account

MOST = 600
"""Characters of a claim: more than any name needs."""


def claim_of(account: Account) -> str:
    """What the forms of an account's sessions say."""
    name = base64.urlsafe_b64encode(account.name.encode()).decode().rstrip("=")
    return f"{name}.{_seal(account)}"


def claimed_in(token: str) -> str:
    """The claim that a form's token carries; empty where none."""
    claim = token.partition(".")[2]
    return claim if len(claim) <= MOST else ""


def claimed(unit: DeskUnit, claim: str) -> Account | None:
    """Whose claim it is; None where the desk didn't make it, or not with today's password."""
    name, _, sealed = claim.partition(".")
    if len(claim) > MOST or not claim.isascii():
        return None
    try:
        account = unit.accounts.account(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode())
    except ValueError:
        return None
    return account if account and hmac.compare_digest(sealed, _seal(account)) else None


def _seal(account: Account) -> str:
    return hmac.new(account.password.encode(), b"typed by " + account.name.encode(), hashlib.sha256).hexdigest()
