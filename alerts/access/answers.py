"""What the gate is asked and what it answers: who asks and from where, and what came of it.

`Gate` (`gate.py`) takes a `Visit`, and answers `Entered` (with the session's new cookie) or `Held` (with a `Refusal`).
Whoever has a session is a `Visitor`. `GateRules` is what channels.toml says about letting people in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from alerts.model.person import Account, Actor, Chained, Origin, Session
from alerts.model.setting_values import Secret

KNOWN_FOR = 90
"""How many days a browser or an address stays known for an account after a good sign-in."""


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
class GateRules:
    """How people are let in.

    `session` is how long one may be idle; `issuer` is what an authenticator app and a passkey call the desk.
    """

    second_factor: Literal["required", "optional"] = "required"
    session: timedelta = timedelta(hours=12)
    issuer: str = "Tocsin"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where the browser believes to be: what a passkey is bound to.

    `origin` is scheme, host and port (`https://desk.example`), `party` the relying party's id: the host alone.
    """

    origin: str
    party: str


class Refusal(StrEnum):
    """Why somebody isn't let in, or a change isn't made: sentences for them, in English; pages translate them.

    None tells whether an account exists.
    """

    WRONG = "The name or the password is wrong."
    WAIT = "Too many failed attempts: wait a moment, then try again."
    OVER = "This sign-in is over: sign in again."
    CODE = "This code is wrong, too old or was used already: enter the next one."
    PASSKEY = "This passkey was not accepted: try again, or use another one."
    OLD_PASSWORD = "The present password is wrong."  # noqa: S105 a sentence about one
    SHORT = "A password needs at least 12 characters."
    LONG = "A password has at most 200 characters."
    NAMED = "A password must be more than your name or the town’s."
    USUAL = "This password is among the first that are tried (known words, sequences, repeats): choose another one."
    SAME = "The new password must differ from the present one."
    LAST_FACTOR = "This is your only second factor: add another one before you remove it."


@dataclass(frozen=True, slots=True)
class Failures:
    """How often others, or the owner, failed to sign in to an account before it went well, and since when."""

    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    """A step was taken: `cookie` is the session's new value, and the one before is worth nothing any more.

    When a sign-in is complete, `failures` is told, once, and `device` is what this browser shall be known by for
    `KNOWN_FOR` days (a cookie of its own): it proves nothing, but isn't held up by what others tried elsewhere.
    `changes` are those of what proves the owner since they signed in last, to be told too.
    """

    cookie: str = field(repr=False)
    visitor: Visitor
    failures: Failures | None = None
    device: str | None = field(default=None, repr=False)
    changes: Sequence[Chained] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """It isn't done; `retry_at` is the earliest time at which it makes sense to try again, where waiting helps."""

    reason: Refusal
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Whoever is in gave their own password a moment ago: what changes their second factors takes this.

    `Gate.prove_again` makes it. `session` is the digest of the session that gave the password, and good for it alone.
    """

    session: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: the address in its QR code, and the seed to be typed where there is no camera.

    Neither is shown by `repr`.
    """

    uri: str = field(repr=False)
    seed: Secret
