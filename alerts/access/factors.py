"""Second factors: one-time codes (TOTP, RFC 6238), passkeys (WebAuthn), and how a session sets them up or removes them.

The first two parts are pure: the request to an authenticator app or a browser, and the check of its answer. User
verification of a passkey is preferred, not required, if it is the second factor: the password was the first. A passkey
that verifies, and that a browser finds without a name, signs in alone too (`Challenges`).

The third part works within a unit. The challenge that a session must answer is stored with it, under its purpose
(`ChallengeFor`): a challenge of one kind is no answer to another. A factor is set up at the end of a sign-in (stage
`enrol`: the password was just given, there is no factor yet), or by somebody who is in and gave their password once
more. A session alone changes nothing: it may be stolen, or left open.

A passkey alone signs in by the last part: without a name, without a password. The challenge is made before anybody is
known, so nothing of it is stored: it carries its time, and a seal that only the town's daemons can make. A million of
them cost a million digests and not one row. It holds for `LASTS`. Each passkey keeps the time of the challenge that it
answered last (`Passkey.asked_at`), and answers later ones alone: so no answer is accepted twice, in whatever order the
two come, and though nothing is stored of the challenge.

The passkey names its owner by its user handle; that must be the account that the key was stored for. It must have
verified its holder, by a finger, a face or a PIN (user verification): it is something one has and something one is or
knows, so it counts as both factors. One that was registered without that, or before passkeys signed in alone, is a
second factor and no more (`Passkey.alone`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pyotp import TOTP
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from alerts.access.audit import AuditEvent, write_own
from alerts.access.changes import end_opened_by
from alerts.access.sessions import (
    Confirmed,
    Enrolment,
    Live,
    Refusal,
    RelyingParty,
    SignInRefused,
    digest,
    live,
    spelled,
)
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import read_json, same
from alerts.model.person import Account, Passkey, Stage, fold_name
from alerts.model.town import Secret, Town

STEP = 30
"""Seconds for which a code is shown: what every authenticator app assumes."""
SEED_BYTES = 20
"""The length that RFC 4226, 4 recommends for SHA-1."""
# A telephone's clock may be off by half a minute either way (RFC 6238, 5.2).
_DRIFT = (-1, 0, 1)
# WebAuthn 2, 13.4.3 asks for at least 16 random bytes.
_CHALLENGE_BYTES = 32
FOUL = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""The library's errors for data that no authenticator sends."""
_HANDLE_BYTES = 32
# At most 1023 bytes, as base64url (WebAuthn 3, 4).
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,1364}")
Chance = Callable[[int], bytes]


def seed_of(chance: bytes) -> Secret:
    """A seed from random bytes, as apps read it."""
    return Secret(base64.b32encode(chance).decode())


def enrolment(seed: Secret, name: str, issuer: str) -> Enrolment:
    """Return the data with which an app shows codes for `name`."""
    return Enrolment(TOTP(seed.reveal(), name=name, issuer=issuer).provisioning_uri(), seed)


def step_of(seed: Secret, code: str, now: datetime, after: int) -> int | None:
    """The step that the code belongs to: this one or a neighbour, but only one past `after`; None: a wrong code.

    A code is taken once: who keeps the answer as `after` refuses a replay (RFC 6238, 5.2).
    """
    typed = "".join(code.split())
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    generator, present, found = TOTP(seed.reveal()), int(now.timestamp()) // STEP, None
    for step in (present + drift for drift in _DRIFT):
        # All are compared, so that the time taken doesn't tell which was near.
        if same(typed, generator.generate_otp(step)) and step > after:
            found = step
    return found


@dataclass(frozen=True, slots=True)
class NewKey:
    """The key of a registration; `id` and `public_key` are base64url."""

    id: str
    public_key: str
    sign_count: int
    alone: bool


def ask_to_register(
    account: Account, town: Town, known: Sequence[Passkey], challenge: bytes, site: RelyingParty
) -> dict[str, Any]:
    """The options of `navigator.credentials.create`, as JSON can hold them.

    What is `known` and signs in alone isn't registered again; a second factor may become one that does.
    """
    # Towns that share a host share what a browser offers at the sign-in: there it has to say which town.
    name = f"{account.name} ({town.name})" if town.mount else account.name
    options = generate_registration_options(
        rp_id=site.party,
        rp_name=town.name,
        user_name=name,
        # The authenticator keeps this handle, and tells it to who has the telephone in hand: so it is chance alone, and
        # neither the name nor what could be worked out from it (WebAuthn 3, 14.6.1).
        user_id=base64url_to_bytes(account.handle or ""),
        challenge=challenge,
        exclude_credentials=_described([key for key in known if key.alone]),
        authenticator_selection=AuthenticatorSelectionCriteria(
            # Not required: a security key that is full, or without a PIN, is a good second factor.
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    # The browser then says whether it will find the key without being told a name (WebAuthn 3, 10.1.3).
    return {**options_to_json_dict(options), "extensions": {"credProps": True}}


def registered(answer: Mapping[str, Any], challenge: str, site: RelyingParty) -> NewKey | None:
    """Return the key in the browser's answer. Returns None if the answer isn't one to this challenge and site."""
    try:
        new = verify_registration_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.party,
            expected_origin=site.origin,
        )
    except FOUL:
        return None
    identity, key = bytes_to_base64url(new.credential_id), bytes_to_base64url(new.credential_public_key)
    return NewKey(identity, key, new.sign_count, alone=new.user_verified and _is_found(answer))


def _is_found(answer: Mapping[str, Any]) -> bool:
    """True if the browser finds the key by itself. It is assumed so unless denied, for some browsers don't say."""
    found: Any = answer
    for name in ("clientExtensionResults", "credProps", "rk"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not False


def ask_to_prove(
    known: Sequence[Passkey], challenge: bytes, site: RelyingParty, *, verified: bool = False
) -> dict[str, Any]:
    """The options of `navigator.credentials.get`, as JSON can hold them; of no `known` key, any of the site."""
    need = UserVerificationRequirement
    options = generate_authentication_options(
        rp_id=site.party,
        challenge=challenge,
        allow_credentials=_described(known),
        user_verification=need.REQUIRED if verified else need.PREFERRED,
    )
    return options_to_json_dict(options)


def proven(
    key: Passkey, answer: Mapping[str, Any], challenge: str, site: RelyingParty, *, verified: bool = False
) -> int | None:
    """Return the new count of signatures if the key signed this challenge for this site, else None.

    With `verified` it must have verified its holder. A count that didn't grow is a copied key's, or a replay: refused
    (WebAuthn 2, 7.2, step 21).
    """
    try:
        proof = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.party,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=verified,
        )
    except FOUL:
        return None
    return proof.new_sign_count


def identity_of(answer: Mapping[str, Any]) -> str | None:
    """The id of the passkey that an answer names; None where that could be no passkey's."""
    # A stranger's JSON: it may be anything, half a character or a zero byte too, which databases refuse.
    identity = answer.get("id")
    return identity if isinstance(identity, str) and _IDENTITY.fullmatch(identity) else None


def _described(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in known]


class ChallengeFor(StrEnum):
    """The purpose of a session's challenge."""

    CODES = "codes"
    ENROL = "enrol"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Proof:
    """A passkey that is said to have answered, and what it was asked."""

    key: Passkey
    challenge: str

    def count(self, answer: Mapping[str, Any], site: RelyingParty) -> int | None:
        """The new count of signatures, where the answer is good. Works out a signature: not for the database."""
        return proven(self.key, answer, self.challenge, site)


def has_factor(unit: DeskUnit, account: Account) -> bool:
    """True if a second factor is set up."""
    return account.totp is not None or bool(unit.accounts.passkeys(account.name))


def challenge_of(found: Live, asked: ChallengeFor) -> str | None:
    """Return the session's open challenge of that kind. Returns None if there is none."""
    return _challenges(found).get(asked)


def enrolling(unit: DeskUnit, cookie: str, town: Town, confirmed: Confirmed | None) -> Live | None:
    """The session that may set up a factor: one on its way in, or with `confirmed` the one whose owner was asked."""
    if confirmed is None:
        return live(unit, cookie, town, Stage.ENROL)
    return live(unit, cookie, town, Stage.FULL) if confirmed.session == digest(cookie) else None


def begin_code(
    unit: DeskUnit, cookie: str, town: Town, chance: Chance, confirmed: Confirmed | None = None
) -> Enrolment | None:
    """A seed for the session to confirm; the one it has, so that a page that is loaded again shows the same."""
    found = enrolling(unit, cookie, town, confirmed)
    if found is None:
        return None
    seed = pending_seed(found) or seed_of(chance(SEED_BYTES))
    _ask(unit, found, ChallengeFor.CODES, seed.reveal())
    return enrolment(seed, found.account.name, town.name)


def pending_seed(found: Live) -> Secret | None:
    """The seed that the session hasn't confirmed yet."""
    value = challenge_of(found, ChallengeFor.CODES)
    return Secret(value) if value else None


def begin_enrol(
    unit: DeskUnit, cookie: str, site: RelyingParty, town: Town, chance: Chance, *, stage: Stage
) -> dict[str, Any] | None:
    """Ask for a new passkey. The challenge is no secret: the password is asked for with the answer."""
    found = live(unit, cookie, town, stage)
    if found is None:
        return None
    challenge, account = chance(_CHALLENGE_BYTES), found.account
    if account.handle is None:
        account = replace(account, handle=spelled(chance(_HANDLE_BYTES)))
        unit.accounts.put_account(account)
    _ask(unit, found, ChallengeFor.ENROL, spelled(challenge))
    return ask_to_register(account, town, unit.accounts.passkeys(account.name), challenge, site)


def asked_to_enrol(unit: DeskUnit, cookie: str, town: Town, confirmed: Confirmed | None) -> str | None:
    """The challenge that a new passkey has to answer."""
    found = enrolling(unit, cookie, town, confirmed)
    return challenge_of(found, ChallengeFor.ENROL) if found else None


def begin_proof(unit: DeskUnit, cookie: str, site: RelyingParty, town: Town, chance: Chance) -> dict[str, Any] | None:
    """Ask one of the account's passkeys."""
    found = live(unit, cookie, town, Stage.PASSWORD)
    known = unit.accounts.passkeys(found.account.name) if found else ()
    if found is None or not known:
        return None
    challenge = chance(_CHALLENGE_BYTES)
    _ask(unit, found, ChallengeFor.PROVE, spelled(challenge))
    return ask_to_prove(known, challenge, site)


def looked_up(unit: DeskUnit, cookie: str, answer: Mapping[str, Any], town: Town) -> Proof | None:
    """The passkey that an answer names, if it is this account's and was asked."""
    found = live(unit, cookie, town, Stage.PASSWORD)
    challenge = challenge_of(found, ChallengeFor.PROVE) if found else None
    identity = identity_of(answer)
    key = unit.accounts.passkey(identity) if identity else None
    if found is None or challenge is None or key is None or fold_name(key.account) != fold_name(found.account.name):
        return None
    return Proof(key, challenge)


def challenge_is_used(unit: DeskUnit, cookie: str, town: Town) -> None:
    """A challenge is good for one try."""
    if found := live(unit, cookie, town, Stage.PASSWORD):
        unit.accounts.put_session(replace(found.session, challenge=None))


def drop_code(unit: DeskUnit, found: Live, town: Town) -> SignInRefused | None:
    """Remove one-time codes, unless nothing else is left where something must be."""
    if town.desk.second_factor == "required" and not unit.accounts.passkeys(found.account.name):
        return SignInRefused(Refusal.LAST_FACTOR)
    unit.accounts.put_account(replace(found.account, totp=None))
    write_own(unit, found.account, found.visit, AuditEvent.CODES_REMOVED)
    return None


def drop_passkey(unit: DeskUnit, found: Live, key: Passkey, town: Town) -> SignInRefused | None:
    """Remove a passkey of the account's own, unless nothing else is left where something must be."""
    last = len(unit.accounts.passkeys(found.account.name)) == 1 and found.account.totp is None
    if town.desk.second_factor == "required" and last:
        return SignInRefused(Refusal.LAST_FACTOR)
    unit.accounts.drop_passkey(key.id)
    # Whoever has the telephone that was lost may be in with it.
    end_opened_by(unit, found, key.id)
    write_own(unit, found.account, found.visit, AuditEvent.PASSKEY_REMOVED, key.label)
    return None


def _challenges(found: Live) -> dict[str, str]:
    each = (word.partition(":") for word in (found.session.challenge or "").split())
    return {kind: value for kind, _, value in each}


def _ask(unit: DeskUnit, found: Live, asked: ChallengeFor, value: str) -> None:
    """Store a challenge without replacing other kinds.

    After a failed passkey, the code of the same page still works.
    """
    challenges = {**_challenges(found), asked.value: value}
    words = " ".join(f"{kind}:{value}" for kind, value in challenges.items())
    unit.accounts.put_session(replace(found.session, challenge=words))


LASTS = timedelta(minutes=10)
"""How long a challenge holds. An open page requests another one in half that time (`passkey.js`)."""
# A clock beside ours may be a little ahead: of two daemons of a town each takes the other's challenges.
_AHEAD = timedelta(seconds=30)
# The bytes of a stateless challenge, in front of its seal: microseconds since 1970, then randomness.
_NONCE, _TIME = 16, 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
KEY = "passkeys"
"""The name of the town's secret under which challenges are sealed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An answer's own claims: its passkey, the owner, the challenge and its time."""

    identity: str
    handle: str
    challenge: str
    asked_at: datetime

    def passkey(self, unit: DeskUnit) -> Passkey | None:
        """The passkey of that name, if it hasn't answered this challenge or a later one."""
        key = unit.accounts.passkey(self.identity)
        return key if key and (key.asked_at is None or key.asked_at < self.asked_at) else None

    def owner(self, unit: DeskUnit, key: Passkey) -> Account | None:
        """Return the passkey's owner if the answer names the same. Returns None for a disabled account."""
        account = unit.accounts.account(key.account)
        if account is None or account.handle is None or account.disabled_at is not None:
            return None
        return account if same(self.handle, account.handle) else None

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
        """Return an answer's claims. Returns None unless it answers a current challenge of ours."""
        try:
            response = answer["response"]
            said = read_json(base64url_to_bytes(response["clientDataJSON"]))
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
        if not same(seal, self._seal(body)):
            return None
        return _EPOCH + int.from_bytes(body[:_TIME], "big") * _MICROSECOND

    def _seal(self, body: bytes) -> bytes:
        return hmac.new(self._secret, body, hashlib.sha256).digest()
