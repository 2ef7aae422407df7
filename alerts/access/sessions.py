"""Visitors at the gate, their proofs, and the gate's answers.

A request is a `Visit`; somebody with a session is a `Visitor`. The gate (`gate.py`) answers a step of a sign-in with
`Entered` (and the session's new cookie) or `SignInRefused` (with a `Refusal`). The proof is a session's cookie, a
program's token, a form's claim or a chat's code. Only the digest of a cookie or a token is stored, so a reader of the
database can't sign in with it. Each step of a sign-in opens a new session (`opened`) with a new cookie.

A claim names the owner of a form, and is valid when the session is long over: on a shared browser, one person's words
mustn't become another's. The token of a form's session carries the name and a seal that only this desk can make: its
key is the account's password hash, which never leaves the database, so no key has to be kept anywhere. A new password
invalidates it.

The time of a session's or token's last use is written separately from the request (`Touches`), which hardly waits for
it and never fails with it: an unwritable database can still be read.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import same, seal_of
from alerts.model.errors import DatabaseRefused
from alerts.model.person import Account, Actor, Chained, Origin, Session, Stage, Token
from alerts.model.town import Secret, Town

# How long a sign-in may take, with an authenticator app to be installed meanwhile.
_ON_THE_WAY = timedelta(minutes=30)
# A session ends after so many times its idle time, however busy.
_LIVES = 7
TOUCHED = timedelta(minutes=1)
"""The resolution of the last use of a session or a token: frequent requests aren't written each time."""
# 256 bits: nobody guesses them, so their digest needs no salt and no slow hash.
_BYTES = 32
PREFIX = "tocsin_"
"""The prefix of a token, so that a leaked one is recognised."""
CODES = "?codes"
"""The opener of a session that was opened by a one-time code: no passkey's id."""
LONGEST_CLAIM = 600
"""Characters of a claim: more than any name needs."""
# A linking code is typed from one screen into another, so minutes are enough.
_CODE_LASTS = timedelta(minutes=10)
_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another
_CODE_LENGTH = 10
RECORD_EVERY = timedelta(minutes=1)
"""How often the log says that the times can't be kept."""
SOON = 0.5
"""Seconds that a page waits at most for a background write: enough unless the database is locked by another."""
KNOWN_FOR = 90
"""How many days a browser or an address stays known for an account after a good sign-in."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request came from: the network address (behind a proxy, what that says) and the browser's own name.

    `device` is the value that a complete sign-in gave this browser to be known by (`Entered.device`), if it has one.
    """

    address: str
    agent: str = ""
    device: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a session: signed in where its stage is `full`, else on the way."""

    account: Account
    session: Session
    visit: Visit

    @property
    def actor(self) -> Actor:
        """As the desk sees them."""
        return Actor(self.account.name, self.account.role, Origin.CONSOLE, self.visit.address)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where the browser believes to be: what a passkey is bound to.

    `origin` is scheme, host and port (`https://desk.example`), `party` the relying party's id: the host alone.
    """

    origin: str
    party: str


class Refusal(StrEnum):
    """The reason why a sign-in or a change is refused: sentences in English; pages translate them.

    None reveals if an account exists.
    """

    WRONG = "The name or the password is wrong."
    WAIT = "Too many failed attempts: wait a moment, then try again."
    BUSY = "Too many people are signing in at this moment: try again in a few seconds."
    OVER = "This sign-in has ended: sign in again."
    CODE = "This code is wrong, too old or already used: enter the next one."
    PASSKEY = "This passkey was not accepted: try again, or use another one."
    SECOND_ONLY = "This passkey is a second factor: sign in with your password, then use it."
    OLD_PASSWORD = "The current password is wrong."  # noqa: S105 a sentence about one
    SHORT = "A password needs at least 12 characters."
    LONG = "A password has at most 200 characters."
    NAMED = "A password must be more than your name or the town’s."
    USUAL = "This password is among the first that attackers try (known words, sequences, repeats): choose another one."
    SAME = "The new password must differ from the current one."
    LAST_FACTOR = "This is your only second factor: add another one before you remove it."


@dataclass(frozen=True, slots=True)
class Failures:
    """How often others, or the owner, failed to sign in to an account before it went well, and since when."""

    count: int
    since: datetime

    def __str__(self) -> str:
        """As the audit log goes on after how somebody signed in."""
        return f", after {self.count} failed attempts since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Entered:
    """A completed step: `cookie` is the session's new value, and the one before is worthless.

    When a sign-in is complete, `failures` is shown once, and `device` identifies this browser for `KNOWN_FOR` days (a
    cookie of its own): it proves nothing, but isn't delayed by attempts from elsewhere. `changes` are those of the
    owner's credentials since their last sign-in, to be shown too.
    """

    cookie: str = field(repr=False)
    visitor: Visitor
    failures: Failures | None = None
    device: str | None = field(default=None, repr=False)
    changes: Sequence[Chained] = ()


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """It isn't done; `retry_at` is the earliest time at which it makes sense to try again, where waiting helps."""

    reason: Refusal
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Proof that a visitor gave their own password a moment ago: required to change their second factors.

    `Gate.prove_again` makes it. `session` is the digest of the session that gave the password, and valid for it alone.
    """

    session: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The data for an authenticator app: the address in its QR code, and the seed to type without a camera.

    Neither is shown by `repr`.
    """

    uri: str = field(repr=False)
    seed: Secret


@dataclass(frozen=True, slots=True)
class Live:
    """A session that isn't over, and whose it is."""

    session: Session
    account: Account

    def visitor(self, visit: Visit) -> Visitor:
        """As the pages know them."""
        return Visitor(self.account, self.session, visit)

    @property
    def visit(self) -> Visit:
        """Where the session was opened from."""
        return Visit(self.session.address, self.session.agent)


def live(unit: DeskUnit, cookie: str, town: Town, *stages: Stage) -> Live | None:
    """The session of a cookie, if it isn't over, its owner isn't shut out, and it is at one of the `stages`."""
    session = unit.accounts.session(digest(cookie))
    if session is None or not session.seen_at + town.desk.session > unit.now < session.expires_at:
        return None
    account = unit.accounts.account(session.account)
    if account is None or account.disabled_at is not None or session.stage not in stages:
        return None
    return Live(session, account)


def opened(
    unit: DeskUnit,
    account: Account,
    stage: Stage,
    visit: Visit,
    town: Town,
    *,
    chance: Callable[[int], bytes],
    by: str | None,
) -> tuple[str, Live]:
    """A new session, opened `by` a second factor: its cookie, which is kept nowhere, and what is kept."""
    cookie = spelled(chance(_BYTES))
    session = Session(
        digest=digest(cookie),
        account=account.name,
        csrf=f"{spelled(chance(_BYTES))}.{claim_of(account)}",
        stage=stage,
        created_at=unit.now,
        seen_at=unit.now,
        expires_at=unit.now + (town.desk.session * _LIVES if stage is Stage.FULL else _ON_THE_WAY),
        # What a browser says of itself has no end of its own.
        address=visit.address[:100],
        agent=visit.agent[:300],
        opened_by=by,
    )
    unit.accounts.put_session(session)
    return cookie, Live(session, account)


def spelled(chance: bytes) -> str:
    """Random bytes as base64url, without padding."""
    return base64.urlsafe_b64encode(chance).decode().rstrip("=")


def digest(value: str) -> str:
    """Return the stored form of a cookie or a token: 256 random bits need no slow hash."""
    # A stranger's cookie may hold half a character, which is no UTF-8 and nobody's cookie.
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Program:
    """A token that is good, and the person it belongs to, if one."""

    token: Token
    owner: Account | None

    def is_to_be_touched(self, now: datetime) -> bool:
        """True if the time of its last use is worth a write."""
        return self.token.used_at is None or now - self.token.used_at >= TOUCHED

    def actor(self, visit: Visit | None) -> Actor:
        """As the desk sees it: under the name of its person, and never with more than their role."""
        address = visit.address if visit else ""
        if self.owner is None:
            return Actor(self.token.name, self.token.role, Origin.API, address)
        # Their role may have shrunk since the token was made, and a token stays as it was.
        role = self.token.role if self.owner.role.at_least(self.token.role) else self.owner.role
        return Actor(self.owner.name, role, Origin.API, address)


def program_of(unit: DeskUnit, bearer: str) -> Program | None:
    """Return the token's program. Returns None if it is unknown or revoked, or its person is disabled."""
    token = unit.accounts.token(digest(bearer))
    if token is None or token.revoked_at is not None:
        return None
    owner = unit.accounts.account(token.name)
    if owner is not None and owner.disabled_at is not None:
        return None
    return Program(token, owner)


def touch_session(unit: DeskUnit, session: Session) -> None:
    """Keep when it was used, unless it ended meanwhile."""
    if kept := unit.accounts.session(session.digest):
        unit.accounts.put_session(replace(kept, seen_at=unit.now))


def touch_token(unit: DeskUnit, bearer: str) -> None:
    """Keep when it was used."""
    if found := program_of(unit, bearer):
        unit.accounts.put_token(replace(found.token, used_at=unit.now))


def claim_of(account: Account) -> str:
    """Return the claim in the forms of an account's sessions."""
    name = base64.urlsafe_b64encode(account.name.encode()).decode().rstrip("=")
    return f"{name}.{_seal(account)}"


def claimed_in(token: str) -> str:
    """The claim that a form's token carries; empty where none."""
    claim = token.partition(".")[2]
    return claim if len(claim) <= LONGEST_CLAIM else ""


def claimed(unit: DeskUnit, claim: str) -> Account | None:
    """Return the owner of a claim. Returns None if the desk didn't make it, or not with today's password."""
    name, _, sealed = claim.partition(".")
    if len(claim) > LONGEST_CLAIM or not claim.isascii():
        return None
    try:
        account = unit.accounts.account(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode())
    except ValueError:
        return None
    return account if account and same(sealed, _seal(account)) else None


def _seal(account: Account) -> str:
    # What it seals is named in it, so that no other seal by this key could pass for one.
    return seal_of(account.password, f"typed by {account.name}")


def offer_code(unit: DeskUnit, account: str) -> str:
    """A fresh code for an account; one that was shown before is void."""
    code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    unit.officer_chats.offer(digest_of(code), account, unit.now + _CODE_LASTS)
    return code


def digest_of(code: str) -> str:
    """Return the stored form of a code: it is recognised however it was typed."""
    typed = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(f"tocsin link {typed}".encode()).hexdigest()


class Touches:
    """Keeps what is good to know and nothing hangs on, through a service; one at a time for each `whose`."""

    def __init__(self, service: DeskService) -> None:
        self._service = service
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._recorded_at: datetime | None = None

    async def soon(self, whose: str, touch: Callable[[DeskUnit], None]) -> None:
        """Keep it, and go on as soon as it is kept, or at `SOON`; nothing where the same is under way already."""
        if whose in self._under_way:
            return
        task = asyncio.create_task(self._keep(touch), name="touch")
        self._under_way[whose] = task
        task.add_done_callback(lambda _: self._under_way.pop(whose, None))
        # `wait` leaves the task running at the timeout; `wait_for` would cancel what is being written.
        await asyncio.wait([task], timeout=SOON)

    async def done(self) -> None:
        """Wait for those under way."""
        await asyncio.gather(*self._under_way.values())

    async def _keep(self, touch: Callable[[DeskUnit], None]) -> None:
        try:
            await self._service.keep(touch)
        except Exception as error:  # noqa: BLE001 nothing hangs on it, and nobody may be waiting any more: it is told
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        now = self._service.now()
        if self._recorded_at is None or abs(now - self._recorded_at) >= RECORD_EVERY:
            self._recorded_at = now
            fault = None if isinstance(error, DatabaseRefused) else error
            log.warning("session.untouched", cause=str(error), exc_info=fault)
