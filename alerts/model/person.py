"""Those who may come in: accounts with what proves them, their sessions, and programs' tokens; and the audit log.

No secret is kept that can be kept as its hash; what must be kept (the seed of one-time codes) is a `Secret`.

Each line of the audit log carries a digest over the line before and its own fields (`digest_of`), so a line that was
changed, removed or put in later breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from alerts.model.actor import Role
from alerts.model.secret import Secret

REPLIES_KEPT = timedelta(hours=24)
"""How long a reply is kept, and its key with it."""
BEGINNING = "0" * 64
"""What stands for the line before the first."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `password` is an Argon2 hash; `must_change` until they chose their own.

    `totp` is the seed of their one-time codes (None: not set up) and `totp_step` the last step that was used, so that
    no code is taken twice. `disabled_at` is when they were shut out.
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


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential of an account; `id` and `public_key` are base64url. `label` is the owner's word for it."""

    id: str
    account: str
    public_key: str
    sign_count: int
    label: str
    created_at: datetime
    used_at: datetime | None = None


class Stage(StrEnum):
    """How far a sign-in has come."""

    PASSWORD = "password"  # noqa: S105 the name of a stage: the password was right, the second factor is missing
    NEW_PASSWORD = "new_password"  # noqa: S105 as above: the first password must be changed
    ENROL = "enrol"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in, or on its way; `digest` is the hash of its cookie, `csrf` the secret of its forms.

    `challenge` is the one that a passkey has to answer now.
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


@dataclass(frozen=True, slots=True)
class Token:
    """A program's bearer token; `digest` is its hash. One that has the name of an account is that person's."""

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
    """A line as it is kept: its place, and the hash that binds it to the line before."""

    seq: int
    entry: AuditEntry
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What a program was answered under its own key, so that it may ask again and be told the same.

    `token` is the hash of its token, `request` the hash of what it asked; `body` is the answer's JSON.
    """

    token: str
    key: str
    request: str
    status: int
    body: str
    at: datetime


def digest_of(previous: str, entry: AuditEntry) -> str:
    """SHA-256 over the line before and every field of this one, as JSON, so that no two fields can be run together.

    The time is in whole microseconds since 1970, in UTC.
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
    # An address or a detail may hold half a character: it is covered as it stands, not refused.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
