"""Second factors, within a unit: setting them up, asking for them, removing them.

What a session waits for an answer to is kept with it, under what it was asked for: a challenge of one kind is no
answer to another.

A factor is set up at the end of a sign-in (stage `enrol`: the password was just given, there is no factor yet), or by
somebody who is in and gave their password once more. A session alone changes nothing: it may be stolen, or left open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from alerts.access import codes, passkeys
from alerts.access.answers import Confirmed, Enrolment, GateRules, Held, Reason, Site
from alerts.access.deeds import Deed, write_own
from alerts.access.sessions import Live, digest, live, spelled
from alerts.desk.service import DeskUnit
from alerts.model.actor import fold_name
from alerts.model.person import Account, Passkey, Stage
from alerts.model.secret import Secret

Chance = Callable[[int], bytes]


class Asked(StrEnum):
    """What a session's challenge is for."""

    CODES = "codes"
    ENROL = "enrol"
    PROVE = "prove"


@dataclass(frozen=True, slots=True)
class Proof:
    """A passkey that is said to have answered, and what it was asked."""

    key: Passkey
    challenge: str

    def count(self, answer: Mapping[str, Any], site: Site) -> int | None:
        """The new count of signatures, where the answer is good. Works out a signature: not for the database."""
        return passkeys.proven(self.key, answer, self.challenge, site)


def has_factor(unit: DeskUnit, account: Account) -> bool:
    """Whether a second factor is set up."""
    return account.totp is not None or bool(unit.accounts.passkeys(account.name))


def challenge_of(found: Live, asked: Asked) -> str | None:
    """What the session was asked of that kind, and hasn't answered."""
    return _challenges(found).get(asked)


def enrolling(unit: DeskUnit, cookie: str, rules: GateRules, confirmed: Confirmed | None) -> Live | None:
    """The session that may set up a factor: one on its way in, or with `confirmed` the one whose owner was asked."""
    if confirmed is None:
        return live(unit, cookie, rules, Stage.ENROL)
    return live(unit, cookie, rules, Stage.FULL) if confirmed.session == digest(cookie) else None


def begin_code(
    unit: DeskUnit, cookie: str, rules: GateRules, chance: Chance, confirmed: Confirmed | None = None
) -> Enrolment | None:
    """A seed for the session to confirm; the one it has, so that a page that is loaded again shows the same."""
    found = enrolling(unit, cookie, rules, confirmed)
    if found is None:
        return None
    seed = pending_seed(found) or codes.seed_of(chance(codes.SEED_BYTES))
    _ask(unit, found, Asked.CODES, seed.reveal())
    return codes.enrolment(seed, found.account.name, rules.issuer)


def pending_seed(found: Live) -> Secret | None:
    """The seed that the session hasn't confirmed yet."""
    value = challenge_of(found, Asked.CODES)
    return Secret(value) if value else None


def begin_enrol(
    unit: DeskUnit, cookie: str, site: Site, rules: GateRules, chance: Chance, *, stage: Stage
) -> dict[str, Any] | None:
    """Ask for a new passkey. The challenge is no secret: the password is asked for with the answer."""
    found = live(unit, cookie, rules, stage)
    if found is None:
        return None
    challenge = chance(passkeys.CHALLENGE_BYTES)
    _ask(unit, found, Asked.ENROL, spelled(challenge))
    known = unit.accounts.passkeys(found.account.name)
    return passkeys.ask_to_register(found.account.name, rules.issuer, known, challenge, site)


def asked_to_enrol(unit: DeskUnit, cookie: str, rules: GateRules, confirmed: Confirmed | None) -> str | None:
    """The challenge that a new passkey has to answer."""
    found = enrolling(unit, cookie, rules, confirmed)
    return challenge_of(found, Asked.ENROL) if found else None


def begin_proof(unit: DeskUnit, cookie: str, site: Site, rules: GateRules, chance: Chance) -> dict[str, Any] | None:
    """Ask one of the account's passkeys."""
    found = live(unit, cookie, rules, Stage.PASSWORD)
    known = unit.accounts.passkeys(found.account.name) if found else ()
    if found is None or not known:
        return None
    challenge = chance(passkeys.CHALLENGE_BYTES)
    _ask(unit, found, Asked.PROVE, spelled(challenge))
    return passkeys.ask_to_prove(known, challenge, site)


def looked_up(unit: DeskUnit, cookie: str, answer: Mapping[str, Any], rules: GateRules) -> Proof | None:
    """The passkey that an answer names, if it is this account's and was asked."""
    found = live(unit, cookie, rules, Stage.PASSWORD)
    challenge = challenge_of(found, Asked.PROVE) if found else None
    identity = answer.get("id")
    key = unit.accounts.passkey(identity) if isinstance(identity, str) else None
    if found is None or challenge is None or key is None or fold_name(key.account) != fold_name(found.account.name):
        return None
    return Proof(key, challenge)


def challenge_is_used(unit: DeskUnit, cookie: str, rules: GateRules) -> None:
    """A challenge is good for one try."""
    if found := live(unit, cookie, rules, Stage.PASSWORD):
        unit.accounts.put_session(replace(found.session, challenge=None))


def drop_code(unit: DeskUnit, found: Live, rules: GateRules) -> Held | None:
    """Remove one-time codes, unless nothing else is left where something must be."""
    if rules.second_factor == "required" and not unit.accounts.passkeys(found.account.name):
        return Held(Reason.LAST_FACTOR)
    unit.accounts.put_account(replace(found.account, totp=None))
    write_own(unit, found.account, found.visit, Deed.CODES_REMOVED)
    return None


def drop_passkey(unit: DeskUnit, found: Live, key: Passkey, rules: GateRules) -> Held | None:
    """Remove a passkey of the account's own, unless nothing else is left where something must be."""
    last = len(unit.accounts.passkeys(found.account.name)) == 1 and found.account.totp is None
    if rules.second_factor == "required" and last:
        return Held(Reason.LAST_FACTOR)
    unit.accounts.drop_passkey(key.id)
    write_own(unit, found.account, found.visit, Deed.PASSKEY_REMOVED, key.label)
    return None


def _challenges(found: Live) -> dict[str, str]:
    each = (word.partition(":") for word in (found.session.challenge or "").split())
    return {kind: value for kind, _, value in each}


def _ask(unit: DeskUnit, found: Live, asked: Asked, value: str) -> None:
    """Each kind stands beside the others: who tries a passkey in vain may still type the code of the same page."""
    challenges = {**_challenges(found), asked.value: value}
    words = " ".join(f"{kind}:{value}" for kind, value in challenges.items())
    unit.accounts.put_session(replace(found.session, challenge=words))
