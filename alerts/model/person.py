"""The people at the desk and their roles; accounts with credentials, sessions and tokens; and the audit log.

An `Actor` is a person or a program that acts under its own name, with the way it came in (`Origin`). `MAY` maps each
act to the lowest role that allows it.

Passwords, tokens and cookies are stored as hashes; the seed of one-time codes, which can't be, is a `Secret`.

Each line of the audit log carries a digest over the line before and its own fields (`digest_of`), so a line that was
changed, removed or inserted later breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from alerts.model.bounds import normal
from alerts.model.town import Secret

REPLIES_KEPT = timedelta(hours=24)
"""How long a reply is stored with its key (`KeptReply`)."""
BEGINNING = "0" * 64
"""The digest that precedes the first line."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `password` is an Argon2 hash; `must_change` is true until they have chosen their own.

    `totp` is the seed of their one-time codes (None: not set up) and `totp_step` the last step that was used, so that
    no code is accepted twice. `disabled_at` is when they were locked out. `handle` identifies them to their passkeys:
    it is random, so it reveals nothing; None until they set a passkey up. `changes_read_at` is the time up to which
    they have seen changes of their credentials; None in rows of an earlier version.
    """

    name: str
    role: Role
    password: str = field(repr=False)
    must_change: bool
    created_at: datetime
    language: str | None = None
    totp: Secret | None = None
    totp_step: int = 0
    disabled_at: datetime | None = None
    signed_in_at: datetime | None = None
    handle: str | None = field(default=None, repr=False)
    changes_read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential of an account; `id` and `public_key` are base64url. `label` is the owner's word for it.

    `alone`: it may sign in by itself; any other is a second factor, after the password. `asked_at` is when the last
    challenge was issued that it answered by itself: it may only answer later ones, so that no answer is accepted twice.
    """

    id: str
    account: str
    public_key: str
    sign_count: int
    label: str
    created_at: datetime
    used_at: datetime | None = None
    alone: bool = False
    asked_at: datetime | None = None


class Stage(StrEnum):
    """How far a sign-in has come."""

    PASSWORD = "password"  # noqa: S105 the name of a stage: the password was right, the second factor is missing
    NEW_PASSWORD = "new_password"  # noqa: S105 as above: the first password must be changed
    ENROL = "enrol"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in or signing in; `digest` is the hash of its cookie, `csrf` the secret of its forms.

    `challenge` has the challenges that a passkey may answer now, as `KIND:VALUE` separated by blanks. `opened_by` is
    the second factor of the sign-in, a passkey's id or `CODES`; None: the password alone, or a session of an earlier
    version.
    """

    digest: str = field(repr=False)
    account: str
    csrf: str = field(repr=False)
    stage: Stage
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str = ""
    agent: str = ""
    challenge: str | None = field(default=None, repr=False)
    opened_by: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A program's bearer token; `digest` is its hash. A token with the name of an account acts for that person."""

    id: str
    name: str
    role: Role
    digest: str = field(repr=False)
    created_at: datetime
    created_by: str
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: `detail` is one line of text, `subject` an alert, a post or a name."""

    at: datetime
    actor: str
    role: str
    origin: str
    address: str
    act: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Chained:
    """A line as it is stored: its number, and the `digest` that binds it to the `previous` line's."""

    seq: int
    entry: AuditEntry
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeptReply:
    """The response to a program's request that has a `key`, so that the same request gets the same response again.

    `token` is the hash of the program's token, `request` that of the request; `body` is the response's JSON.
    """

    token: str
    key: str
    request: str
    status: int
    body: str
    at: datetime


def digest_of(previous: str, entry: AuditEntry) -> str:
    """Return the SHA-256 of the previous line's digest and every field of this line.

    The fields are a list in JSON, so that no part of one can be moved to the next; the time is in whole microseconds
    since 1970, in UTC.
    """
    fields = [
        previous,
        (entry.at - _EPOCH) // _MICROSECOND,
        entry.actor,
        entry.role,
        entry.origin,
        entry.address,
        entry.act,
        entry.subject,
        entry.detail,
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    # An address or a detail may contain a lone surrogate: that is hashed as it is, not refused.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


LONGEST_NAME = 60
"""The maximum of characters in a person's or a program's name."""
# The maximum of characters that are folded: no name or password is as long.
_LONGEST_FOLDED = 256


class Role(StrEnum):
    """A set of permissions. Each role of a town includes the ones before it; an operator is none of these.

    A reporter is a program that submits people's reports and may read nothing.
    """

    REPORTER = "reporter"
    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"

    def at_least(self, other: Role) -> bool:
        """True if this role includes all rights of `other`. An operator and a town's role never include each other."""
        if Role.OPERATOR in (self, other):
            return self is other
        return OF_PROGRAMS.index(self) >= OF_PROGRAMS.index(other)

    def may(self, act: Act) -> bool:
        """True if the role allows the act."""
        if self is Role.OPERATOR:
            return act in OPERATES
        # Of the roles above a reporter's only a viewer's may not report: it changes nothing.
        return self.at_least(MAY[act]) and not (act is Act.REPORT and self is Role.VIEWER)


OF_A_TOWN = (Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.ADMINISTRATOR)
"""The roles that an account of a town may have, lowest first. The accounts of a fleet's own desk are all operators."""
OF_PROGRAMS = (Role.REPORTER, *OF_A_TOWN)
"""The roles that a town's token may have. Everybody who signs in may view the desk, so no account is a reporter."""


class Act(StrEnum):
    """An act at the desk; `MAY` has the lowest role for each."""

    REPORT = "report"
    VIEW = "view"
    POST = "post"
    UPDATE = "update"
    CANCEL = "cancel"
    CORRECT = "correct"
    RETRY = "retry"
    DROP = "drop"
    APPROVE = "approve"
    REJECT = "reject"
    SEND_BACK = "send back"
    FORGET = "forget"
    CONSULT = "consult"
    TEND = "tend"
    ANSWER = "answer"
    VALIDATE_ANSWER = "validate answer"
    MODERATE = "moderate"
    LIFT_CEILING = "lift ceiling"
    ADMINISTER = "administer"
    OPERATE = "operate"


MAY: Mapping[Act, Role] = MappingProxyType(
    {
        Act.REPORT: Role.REPORTER,
        Act.VIEW: Role.VIEWER,
        Act.POST: Role.AUTHOR,
        Act.UPDATE: Role.AUTHOR,
        Act.CANCEL: Role.AUTHOR,
        Act.CORRECT: Role.AUTHOR,
        Act.RETRY: Role.AUTHOR,
        Act.DROP: Role.AUTHOR,
        Act.APPROVE: Role.APPROVER,
        Act.REJECT: Role.APPROVER,
        Act.SEND_BACK: Role.APPROVER,
        Act.FORGET: Role.APPROVER,
        Act.CONSULT: Role.AUTHOR,
        Act.TEND: Role.AUTHOR,
        Act.ANSWER: Role.AUTHOR,
        Act.VALIDATE_ANSWER: Role.APPROVER,
        Act.MODERATE: Role.AUTHOR,
        Act.LIFT_CEILING: Role.ADMINISTRATOR,
        Act.ADMINISTER: Role.ADMINISTRATOR,
        Act.OPERATE: Role.OPERATOR,
    }
)
OPERATES = frozenset((Act.OPERATE, Act.VIEW, Act.POST, Act.UPDATE, Act.CANCEL, Act.CORRECT))
"""The acts of an operator: view the fleet, and post to its towns. Only a town itself decides on its waiting alerts."""


class Origin(StrEnum):
    """The way by which somebody signed in or acted."""

    CONSOLE = "console"
    API = "api"
    COMMAND = "command"
    BOT = "bot"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or program that acts.

    Where two people must agree, actors of one `name`, such as an account and its token, count as one person. `address`
    is where they act from: a network address, or the login on this machine.
    """

    name: str
    role: Role
    origin: Origin
    address: str = ""

    def may(self, act: Act) -> bool:
        """True if the actor's role allows the act."""
        return self.role.may(act)


FLEET_MARK = " / "
"""Separates a fleet's name from its operator's in the towns' records; no account name contains it."""


def operator_of(fleet: str, name: str, address: str = "") -> Actor:
    """Return an operator as a town's records name them: by a name that no account of the town can have."""
    return Actor(f"{fleet}{FLEET_MARK}{name}", Role.OPERATOR, Origin.FLEET, address)


def fold_name(name: str) -> str:
    """Fold the spellings of a name into one: `Anne`, `anne` and `ANNE ` are one person.

    Compatibility forms are replaced, invisible characters removed and blanks made single, so that nobody becomes two
    people by a lookalike. A text far longer than any name becomes a digest after a question mark, like no name.
    """
    if len(name) > _LONGEST_FOLDED:
        return "?" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    # The short way: nearly all names are like this, and each request folds its account's name several times.
    if name.isascii() and name.isprintable():
        return " ".join(name.lower().split())
    # Folding the case can undo the normal form, so the text is normalised again.
    composed = normal("NFKC", normal("NFKC", name).casefold())
    return " ".join("".join(c for c in composed if not _is_unseen(c)).split())


# Letters and marks that are invisible, whatever their category (Unicode's Default_Ignorable_Code_Point, and a blank
# of Braille).
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Variation selectors, which are invisible.
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def _is_unseen(character: str) -> bool:
    if character in _BLANK_LETTERS or any(ord(character) in selectors for selectors in _SELECTORS):
        return True
    return unicodedata.category(character) in ("Cf", "Cc") and not character.isspace()
