"""The steps of a sign-in, within a unit: from stage to stage, with a new cookie at each."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alerts.access import factors
from alerts.access import throttle as attempts
from alerts.access.audit import AuditEvent, changes_of, write_own
from alerts.access.factors import (
    ChallengeFor,
    NewKey,
    Proof,
    challenge_of,
    drop_code,
    drop_passkey,
    enrolling,
    has_factor,
    pending_seed,
)
from alerts.access.sessions import (
    Confirmed,
    Entered,
    Failures,
    GateRules,
    Held,
    Live,
    Refusal,
    Visit,
    live,
    opened,
    spelled,
)
from alerts.desk.service import DeskUnit
from alerts.model.person import Account, Chained, Passkey, Stage

_LABEL = 60
_SET_UP = "a factor that was set up"


@dataclass(frozen=True, slots=True)
class Right:
    """A password that was right for the account as it was read; `stronger` is its hash by today's parameters."""

    attempt: attempts.Attempt
    account: Account
    stronger: str | None


class Steps:
    """Takes the steps that the gate has seen to be due, looking again at what may have changed meanwhile."""

    def __init__(self, rules: GateRules, chance: Callable[[int], bytes]) -> None:
        self._rules = rules
        self._chance = chance

    def after_password(self, unit: DeskUnit, right: Right) -> Entered | Held:
        """The password was right: on to what is missing."""
        account = unit.accounts.account(right.account.name)
        if account is None or account.disabled_at is not None or account.password != right.account.password:
            return Held(Refusal.WRONG)
        attempts.passed(unit, right.attempt)
        if right.stronger is not None:
            account = replace(account, password=right.stronger)
            unit.accounts.put_account(account)
        return self._enter(unit, account, right.attempt.visit, "password", proven=False)

    def by_code(self, unit: DeskUnit, cookie: str, code: str, attempt: attempts.Attempt) -> Entered | None:
        """The second factor was a one-time code; None where it isn't one."""
        found = live(unit, cookie, self._rules, Stage.PASSWORD)
        if found is None or found.account.totp is None:
            return None
        step = factors.step_of(found.account.totp, code, unit.now, found.account.totp_step)
        if step is None:
            return None
        attempts.passed(unit, attempt)
        account = replace(found.account, totp_step=step)
        unit.accounts.put_account(account)
        return self._rise(unit, found, account, attempt.visit, "code")

    def by_passkey(
        self, unit: DeskUnit, cookie: str, proof: Proof, count: int, attempt: attempts.Attempt
    ) -> Entered | None:
        """The second factor was a passkey; None where somebody was faster with the same answer."""
        found = live(unit, cookie, self._rules, Stage.PASSWORD)
        key = unit.accounts.passkey(proof.key.id)
        if found is None or challenge_of(found, ChallengeFor.PROVE) != proof.challenge or key != proof.key:
            return None
        attempts.passed(unit, attempt)
        unit.accounts.put_passkey(replace(key, sign_count=count, used_at=unit.now))
        return self._rise(unit, found, found.account, attempt.visit, f"passkey {key.label}")

    def change(self, unit: DeskUnit, cookie: str, seen: Live, kept: str, visit: Visit) -> Entered | None:
        """A new password was chosen; None where the session ended or the password changed meanwhile."""
        found = live(unit, cookie, self._rules, Stage.NEW_PASSWORD, Stage.FULL)
        if found is None or found.account.password != seen.account.password:
            return None
        account = replace(found.account, password=kept, must_change=False)
        unit.accounts.put_account(account)
        # Whoever knew the old password may be in with it.
        unit.accounts.drop_sessions(account.name, but=found.session.digest)
        write_own(unit, account, visit, AuditEvent.PASSWORD_CHANGED)
        return self._rise(unit, found, account, visit, "password")

    def confirm_code(self, unit: DeskUnit, cookie: str, code: str, shown: str | None) -> Entered | Held:
        """The app shows what it should: codes are asked for from now on.

        Who is in says with `shown` which seed they were shown: only who gave the password has seen it.
        """
        found = live(unit, cookie, self._rules, Stage.ENROL if shown is None else Stage.FULL)
        seed = pending_seed(found) if found else None
        if found is None or seed is None or not (shown is None or _same(seed.reveal(), shown)):
            return Held(Refusal.OVER)
        step = factors.step_of(seed, code, unit.now, 0)
        if step is None:
            return Held(Refusal.CODE)
        account = replace(found.account, totp=seed, totp_step=step)
        unit.accounts.put_account(account)
        return self._enrolled(unit, found, account, AuditEvent.CODES_ADDED)

    def enrol(
        self, unit: DeskUnit, cookie: str, challenge: str, new: NewKey, *, label: str, confirmed: Confirmed | None
    ) -> Entered | Held:
        """A new passkey is kept."""
        found = enrolling(unit, cookie, self._rules, confirmed)
        if found is None or challenge_of(found, ChallengeFor.ENROL) != challenge:
            return Held(Refusal.OVER)
        if unit.accounts.passkey(new.id) is not None:
            return Held(Refusal.PASSKEY)
        word = " ".join(label.split())[:_LABEL] or f"{unit.now:%Y-%m-%d}"
        unit.accounts.put_passkey(Passkey(new.id, found.account.name, new.public_key, new.sign_count, word, unit.now))
        return self._enrolled(unit, found, found.account, AuditEvent.PASSKEY_ADDED, word)

    def drop_code(self, unit: DeskUnit, cookie: str, confirmed: Confirmed) -> Entered | Held:
        """One-time codes are asked for no more."""
        found = enrolling(unit, cookie, self._rules, confirmed)
        if found is None:
            return Held(Refusal.OVER)
        if found.account.totp is not None and (held := drop_code(unit, found, self._rules)):
            return held
        return self._rise(unit, found, replace(found.account, totp=None), found.visit, "")

    def drop_passkey(self, unit: DeskUnit, cookie: str, identity: str, confirmed: Confirmed) -> Entered | Held:
        """A passkey is taken no more."""
        found = enrolling(unit, cookie, self._rules, confirmed)
        if found is None:
            return Held(Refusal.OVER)
        known = unit.accounts.passkeys(found.account.name)
        key = next((key for key in known if key.id == identity), None)
        if key is not None and (held := drop_passkey(unit, found, key, self._rules)):
            return held
        return self._rise(unit, found, found.account, found.visit, "")

    def acknowledge(self, unit: DeskUnit, cookie: str) -> Entered | Held:
        """Whoever is in has read what was changed: from now on only what comes later is told in this browser."""
        found = live(unit, cookie, self._rules, Stage.FULL)
        return self._rise(unit, found, found.account, found.visit, "") if found else Held(Refusal.OVER)

    def _enrolled(self, unit: DeskUnit, found: Live, account: Account, deed: AuditEvent, word: str = "") -> Entered:
        """Sign-ins that are on their way without the new factor begin again."""
        for session in unit.accounts.sessions(account.name):
            if session.stage is not Stage.FULL and session.digest != found.session.digest:
                unit.accounts.drop_session(session.digest)
        write_own(unit, account, found.visit, deed, word)
        return self._rise(unit, found, account, found.visit, _SET_UP)

    def _rise(self, unit: DeskUnit, found: Live, account: Account, visit: Visit, how: str) -> Entered:
        """On to the next stage; the cookie before is worth nothing."""
        unit.accounts.drop_session(found.session.digest)
        if found.session.stage is not Stage.FULL:
            return self._enter(unit, account, visit, how, proven=True)
        cookie, again = opened(unit, account, Stage.FULL, visit, self._rules, chance=self._chance)
        # A new cookie is no new sign-in: the session ends when it would have ended.
        session = replace(again.session, expires_at=found.session.expires_at)
        unit.accounts.put_session(session)
        return Entered(cookie, Live(session, account).visitor(visit))

    def _enter(self, unit: DeskUnit, account: Account, visit: Visit, how: str, *, proven: bool) -> Entered:
        stage = self._stage(unit, account, proven=proven)
        failures, device = None, None
        changes: Sequence[Chained] = ()
        if stage is Stage.FULL:
            changes = self._changes(unit, account, how)
            device = visit.device if attempts.is_device(unit, visit.device) else spelled(self._chance(16))
            failures = attempts.complete(unit, account, visit, device)
            account = replace(account, signed_in_at=unit.now)
            unit.accounts.put_account(account)
            write_own(unit, account, visit, AuditEvent.SIGNED_IN, f"by {how}{_after(failures)}")
        cookie, entered = opened(unit, account, stage, visit, self._rules, chance=self._chance)
        return Entered(cookie, entered.visitor(visit), failures, device, changes)

    @staticmethod
    def _changes(unit: DeskUnit, account: Account, how: str) -> Sequence[Chained]:
        """What others may have changed since the sign-in before; not what this one set up on its way."""
        if account.signed_in_at is None or how == _SET_UP:
            return ()
        return [each for each in changes_of(unit, account.name, account.signed_in_at) if each.entry.at < unit.now]

    def _stage(self, unit: DeskUnit, account: Account, *, proven: bool) -> Stage:
        """What is missing. Who comes past `password` has proved the second factor, or there was none."""
        has = has_factor(unit, account)
        if has and not proven:
            return Stage.PASSWORD
        if account.must_change:
            return Stage.NEW_PASSWORD
        if not has and self._rules.second_factor == "required":
            return Stage.ENROL
        return Stage.FULL


def _same(kept: str, said: str) -> bool:
    return hmac.compare_digest(kept.encode(), said.encode("utf-8", "replace"))


def _after(failures: Failures | None) -> str:
    return f", after {failures.count} failed attempts since {failures.since:%Y-%m-%d %H:%M:%S} UTC" if failures else ""
