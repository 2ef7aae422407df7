"""The audit log as far as it is about access: what is written into it, and whether it is whole.

Each event at the gate, or of an account or a token, is one line (`AuditEvent`). Each line's digest covers the one
before, so `verify` follows the chain from its first line and finds the first that was changed, removed or put in. It
can't show by itself that all was written anew by somebody who holds the file: for that, a head (`Head`) that was kept
elsewhere is compared (docs/adr/0004-accounts.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.access.sessions import Visit
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse, Unreadable
from alerts.model.person import BEGINNING, Account, Actor, AuditEntry, Chained, Origin, digest_of
from alerts.model.reason import Reason, because

NEWS_FOR = timedelta(hours=1)
"""How long a change is reported to those who don't know it: as long as the reporting may have been down."""
NOBODY = "-"
"""The actor of an act without a known person: a failed sign-in."""
# The number of the last line, and its SHA-256.
_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


class AuditEvent(StrEnum):
    """An event of the audit log: what happened at the gate, to an account or a token, or to all that is kept."""

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
    CHANGES_KNOWN = "changes known"
    SUBSCRIBERS_EXPORTED = "subscribers exported"
    SUBSCRIBERS_IMPORTED = "subscribers imported"
    REPORTS_EXPORTED = "reports exported"
    DATABASE_EXPORTED = "database exported"
    DATABASE_COPIED = "database copied"
    DATABASE_RESTORED = "database restored"


OF_FACTORS = (AuditEvent.CODES_ADDED, AuditEvent.CODES_REMOVED, AuditEvent.PASSKEY_ADDED, AuditEvent.PASSKEY_REMOVED)
"""Changes of the second factor."""


PROVING = (*OF_FACTORS, AuditEvent.PASSWORD_CHANGED, AuditEvent.CHAT_LINKED, AuditEvent.CHAT_UNLINKED)
"""Changes of credentials: their owner is notified of each, since somebody else may have made it."""


def write_own(unit: DeskUnit, account: Account, visit: Visit, event: AuditEvent, detail: str = "") -> None:
    """Write down what a person did to their own account, in the browser."""
    actor = Actor(account.name, account.role, Origin.CONSOLE, visit.address)
    Officer(unit, actor).write(event, account.name, detail)


def changes_of(unit: DeskUnit, account: str, since: datetime) -> Sequence[Chained]:
    """Return the changes of an account's credentials after `since`, oldest first."""
    return unit.audit.acts_of(account, PROVING, since)


def write_failing(unit: DeskUnit, subject: str, visit: Visit, detail: str) -> None:
    """Write down that sign-ins to an account, or from an address, fail."""
    unit.audit.write(
        AuditEntry(
            unit.now, NOBODY, "", Origin.CONSOLE, visit.address, AuditEvent.FAILING, subject, " ".join(detail.split())
        )
    )


@dataclass(frozen=True, slots=True)
class Head:
    """A line by its number and digest: whoever keeps the newest knows all before it."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"


START = Head(0, BEGINNING)


@dataclass(frozen=True, slots=True)
class Verified:
    """It is whole: so many lines, up to this head."""

    lines: int
    head: Head


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that isn't as it was written, and what shows it."""

    seq: int
    why: Reason


def head_of(text: str) -> Head:
    """Parse the head that `audit verify` printed. Raises Misuse."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise Misuse(because("no_head", text=repr(text)))
    return Head(int(match[1]), match[2])


def verify(
    lines: Iterable[Chained], height: int | None = None, expected: Head | None = None, *, begun: bool = False
) -> Verified | Broken:
    """Follow the chain from its first line.

    `height` is the number of the newest line that was ever written (`AuditLog.height`, asked before the lines are read:
    others go on writing meanwhile) and `expected` a head that was kept elsewhere: either shows that the end was cut
    off, and the second also that all was written anew. `begun`: something is there whose making wrote a line, such as
    an account, so a log without any was emptied, and one without a height lost it.
    """
    # A head that was kept before the first line is met by every chain.
    head, met = START, expected is None or expected == START
    try:
        for line in lines:
            if (why := _fault(line, head)) is not None:
                return Broken(line.seq, why)
            head = Head(line.seq, line.digest)
            if expected is not None and expected.seq == head.seq:
                met = expected == head
                if not met:
                    return Broken(head.seq, because("record_rewritten"))
    # A line that can't be read is a fault of the log, as one that was changed is, and none of the command.
    except Unreadable as error:
        return Broken(head.seq + 1, error.reason)
    if height is not None and head.seq < height:
        return Broken(head.seq + 1, because("record_cut_off", height=height, seq=head.seq))
    if begun and not (head.seq and height != 0):
        return Broken(head.seq + 1, because("record_emptied"))
    if not met:
        return Broken(head.seq + 1, because("record_short", seq=expected.seq if expected else 0))
    return Verified(head.seq, head)


def _fault(line: Chained, before: Head) -> Reason | None:
    # Lines are numbered without gaps, so one that was removed shows here, even where digests were made to fit.
    if line.seq != before.seq + 1:
        return because("record_gap", seq=before.seq)
    if line.previous != before.digest:
        return because("record_unchained")
    if digest_of(line.previous, line.entry) != line.digest:
        return because("record_changed")
    return None
