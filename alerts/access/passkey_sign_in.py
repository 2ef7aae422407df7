"""A passkey alone signs in: without a name, without a password, whoever it is that the passkey belongs to.

The challenge is made before anybody is known, so nothing is kept of it: it carries the time when it was given out, and
a seal that only the town's daemons can make. A million of them cost a million digests and not one row. It holds for
`LASTS`. Each passkey keeps the time of the challenge that it answered last (`Passkey.asked_at`), and answers later ones
alone: so no answer is taken twice, in whatever order the two come, and though nothing is kept of the challenge.

The passkey says by its user handle whose it is; that must be the account that the key was kept for. It must have looked
who holds it, by a finger, a face or a PIN (user verification): it is something one has and something one is or knows,
so it stands for both factors. One that was registered without that, or before passkeys signed in alone, is a second
factor and no more (`Passkey.alone`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from webauthn.helpers import base64url_to_bytes

from alerts.access.factors import FOUL, Chance, ask_to_prove, identity_of, proven
from alerts.access.sessions import RelyingParty
from alerts.desk.service import DeskUnit
from alerts.model.person import Account, Passkey

LASTS = timedelta(minutes=10)
"""How long a challenge holds. A page that stands open asks for another one in half that time (`passkey.js`)."""
# A clock beside ours may be a little ahead: of two daemons of a town each takes the other's challenges.
_AHEAD = timedelta(seconds=30)
_NONCE, _TIME = 16, 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
KEY = "passkeys"
"""The name of the town's secret under which challenges are sealed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer says of itself: which passkey gave it, whose it is, and what it was asked, and when."""

    identity: str
    handle: str
    challenge: str
    asked_at: datetime

    def passkey(self, unit: DeskUnit) -> Passkey | None:
        """The passkey of that name, if it hasn't answered this challenge or a later one."""
        key = unit.accounts.passkey(self.identity)
        return key if key and (key.asked_at is None or key.asked_at < self.asked_at) else None

    def owner(self, unit: DeskUnit, key: Passkey) -> Account | None:
        """Whose passkey it is, where the answer says the same; None for an account that is shut."""
        account = unit.accounts.account(key.account)
        if account is None or account.handle is None or account.disabled_at is not None:
            return None
        return account if hmac.compare_digest(account.handle.encode(), self.handle.encode()) else None

    def count(self, key: Passkey, answer: Mapping[str, Any], site: RelyingParty) -> int | None:
        """The new count of signatures, where the answer is good and its holder was verified.

        Works out a signature: not for the database.
        """
        return proven(key, answer, self.challenge, site, verified=True)

    def answered(self, key: Passkey, count: int, now: datetime) -> Passkey:
        """The passkey as it is kept from now on."""
        return replace(key, sign_count=count, used_at=now, asked_at=self.asked_at)


class Challenges:
    """Makes challenges for whoever comes, and knows them again. `secret` is the town's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def ask(self, site: RelyingParty, now: datetime, chance: Chance) -> dict[str, Any]:
        """The options of `navigator.credentials.get`: any passkey of this site will do, that verifies who holds it."""
        body = ((now - _EPOCH) // _MICROSECOND).to_bytes(_TIME, "big") + chance(_NONCE)
        return ask_to_prove((), body + self._seal(body), site, verified=True)

    def claim(self, answer: Mapping[str, Any], now: datetime) -> Claim | None:
        """What an answer says of itself; None where it isn't one to a challenge of ours that holds still."""
        try:
            response = answer["response"]
            said = json.loads(base64url_to_bytes(response["clientDataJSON"]))
            identity, handle, challenge = identity_of(answer), response["userHandle"], said["challenge"]
            asked_at = self._asked_at(base64url_to_bytes(challenge))
        # A stranger's JSON: it may be anything.
        except (*FOUL, RecursionError):
            return None
        if asked_at is None or not now - LASTS <= asked_at <= now + _AHEAD:
            return None
        if identity is None or not isinstance(handle, str) or not handle.isascii():
            return None
        return Claim(identity, handle, challenge, asked_at)

    def _asked_at(self, challenge: bytes) -> datetime | None:
        body, seal = challenge[: _TIME + _NONCE], challenge[_TIME + _NONCE :]
        if not hmac.compare_digest(seal, self._seal(body)):
            return None
        return _EPOCH + int.from_bytes(body[:_TIME], "big") * _MICROSECOND

    def _seal(self, body: bytes) -> bytes:
        return hmac.new(self._secret, body, hashlib.sha256).digest()
