"""The gate of the desk: identifies and authenticates visitors.

A sign-in rises by stages (`alerts.model.person.Stage`): the password; a second factor; a password of one's own; a
second factor to be set up; in. At each rise the cookie is a new one, so that the old one is worthless to anybody who
knew or planted it. Argon2 and signatures are computed between two transactions, and the second checks again.

The steps of a sign-in accept only a session that is on its way. A visitor who is in and wants to change their
credentials gives their password once more (`prove_again`): each such change takes the resulting `Confirmed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from secrets import token_bytes
from typing import Any

import structlog

from alerts.access import factors, throttle
from alerts.access.attempts import SignInAttempts
from alerts.access.audit import AuditEvent, changes_of, write_own
from alerts.access.changes import acknowledged, changes_at_sign_in, made_on_the_way
from alerts.access.factors import KEY, Challenges, Claim
from alerts.access.passwords import Passwords, fault_of
from alerts.access.sessions import (
    CODES,
    TOUCHED,
    Confirmed,
    Enrolment,
    Entered,
    Live,
    Refusal,
    RelyingParty,
    SignInRefused,
    Touches,
    Visit,
    Visitor,
    claimed,
    live,
    opened,
    program_of,
    spelled,
    touch_session,
    touch_token,
)
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import same
from alerts.model.person import Account, Actor, Chained, Passkey, Stage
from alerts.model.town import Town

OVER = SignInRefused(Refusal.OVER)
# Characters of a passkey's label; without one it is named after the day.
_LABEL = 60
# How a sign-in was completed, for the audit log.
_SET_UP = "a factor that was set up"
log = structlog.get_logger()


class Gate:
    """Lets people and programs in. `secrets` is where chance comes from, `passwords` what hashes."""

    def __init__(
        self,
        service: DeskService,
        town: Town,
        secrets: Callable[[int], bytes] = token_bytes,
        passwords: Passwords | None = None,
    ) -> None:
        self._service = service
        self._town = town
        self.passwords = passwords or Passwords()
        self._attempts = SignInAttempts(service, self.passwords)
        self._secrets = secrets
        self._challenges: Challenges | None = None
        self.passwordless = town.desk.passwordless
        self.touches = Touches(service)

    async def sign_in(self, name: str, password: str, visit: Visit) -> Entered | SignInRefused:
        """Begin with a name and a password. A name that is nobody's is answered alike, and takes as long."""
        attempt = await self._attempts.attempt(lambda unit: throttle.password_attempt(unit, name, visit), hashes=True)
        if isinstance(attempt, SignInRefused):
            return attempt
        account = attempt.account
        kept = account.password if account else None
        verdict = await self.passwords.verify(kept, password, ahead=attempt.known)
        # The password is verified for an unknown name too, so that the answer takes as long and says as little.
        if account is None or account.disabled_at is not None or not verdict.right:
            return await self._attempts.failed(attempt, Refusal.WRONG)
        return await self._service.act(lambda unit: self._after_password(unit, attempt, account, verdict.stronger))

    async def prove_by_code(self, cookie: str, code: str, visit: Visit) -> Entered | SignInRefused:
        """Go on with a one-time code; each is taken once."""
        attempt = await self._second(cookie, visit)
        if isinstance(attempt, SignInRefused):
            return attempt

        def action(unit: DeskUnit) -> Entered | None:
            found = live(unit, cookie, self._town, Stage.PASSWORD)
            if found is None or found.account.totp is None:
                return None
            step = factors.step_of(found.account.totp, code, unit.now, found.account.totp_step)
            if step is None:
                return None
            throttle.passed(unit, attempt)
            # The step is stored, so that the same code isn't accepted twice.
            account = replace(found.account, totp_step=step)
            unit.accounts.put_account(account)
            return self._rise(unit, found, account, visit, "code", by=CODES)

        return await self._service.act(action) or await self._attempts.failed(attempt, Refusal.CODE)

    async def begin_passkey(self, cookie: str, site: RelyingParty) -> dict[str, Any] | SignInRefused:
        """Return the browser's request to a passkey, for `navigator.credentials.get`."""
        town, chance = self._town, self._secrets
        return await self._service.act(lambda unit: factors.begin_proof(unit, cookie, site, town, chance)) or OVER

    async def prove_by_passkey(
        self, cookie: str, answer: Mapping[str, Any], site: RelyingParty, visit: Visit
    ) -> Entered | SignInRefused:
        """Go on with what a passkey answered to the challenge of `begin_passkey`; it is good for one try."""
        attempt = await self._second(cookie, visit)
        if isinstance(attempt, SignInRefused):
            return attempt
        proof = await self._service.ask(lambda unit: factors.looked_up(unit, cookie, answer, self._town))
        # Outside of a transaction: a signature takes milliseconds, in which nobody else could write.
        count = proof.count(answer, site) if proof else None
        if proof is None or count is None:
            await self._service.act(lambda unit: factors.challenge_is_used(unit, cookie, self._town))
            return await self._attempts.failed(attempt, Refusal.PASSKEY)
        entered = await self._service.act(lambda unit: self._by_passkey(unit, cookie, proof, count, attempt))
        return entered or await self._attempts.failed(attempt, Refusal.PASSKEY)

    async def ask_any_passkey(self, site: RelyingParty) -> dict[str, Any]:
        """Return the browser's request to any passkey, before a name is known; nothing of it is stored."""
        return (await self._asking()).ask(site, self._service.now(), self._secrets)

    async def sign_in_by_passkey(
        self, answer: Mapping[str, Any], site: RelyingParty, visit: Visit
    ) -> Entered | SignInRefused:
        """Sign in by a passkey alone, with its answer to a challenge of `ask_any_passkey`.

        If the town demands a password of everybody, such an answer is ignored: it counts as no attempt.
        """
        if not self.passwordless:
            return SignInRefused(Refusal.SECOND_ONLY)
        claim = (await self._asking()).claim(answer, self._service.now())
        if claim is None:
            # No try at anything: whatever it says, it could not have come in. So nothing is read nor written.
            return OVER
        attempt = await self._attempts.attempt(lambda unit: throttle.passkey_attempt(unit, claim.identity, visit))
        if isinstance(attempt, SignInRefused):
            return attempt
        key = await self._service.ask(claim.passkey)
        count = claim.count(key, answer, site) if key else None
        if key is None or count is None:
            return await self._attempts.failed(attempt, Refusal.PASSKEY)
        if not key.alone:
            return await self._attempts.failed(attempt, Refusal.SECOND_ONLY)
        entered = await self._service.act(lambda unit: self._by_passkey_alone(unit, claim, key, count, attempt))
        return entered or await self._attempts.failed(attempt, Refusal.PASSKEY)

    async def change_password(self, cookie: str, old: str | None, new: str, visit: Visit) -> Entered | SignInRefused:
        """Choose a new password; every other session of the account ends.

        `old` may be None where the first password, just given, has to be changed (stage `new_password`).
        """
        stage = Stage.NEW_PASSWORD if old is None else Stage.FULL
        found = await self._service.ask(lambda unit: live(unit, cookie, self._town, stage))
        if found is None:
            return OVER
        if (fault := fault_of(new, found.account.name, self._town.name)) is not None:
            return SignInRefused(fault)
        if old is not None and (refusal := await self._old(found, old, visit)):
            return refusal
        if (await self.passwords.verify(found.account.password, new, ahead=True)).right:
            return SignInRefused(Refusal.SAME)
        kept = await self.passwords.hash(new)
        changed = await self._service.act(lambda unit: self._change(unit, cookie, found, kept, visit))
        return changed or OVER

    async def prove_again(self, cookie: str, password: str, visit: Visit) -> Confirmed | SignInRefused:
        """Somebody who is in gives their own password, before what weighs."""
        found = await self._service.ask(lambda unit: live(unit, cookie, self._town, Stage.FULL))
        if found is None:
            return OVER
        return await self._old(found, password, visit) or Confirmed(found.session.digest)

    async def begin_code(self, cookie: str, confirmed: Confirmed | None = None) -> Enrolment | SignInRefused:
        """Set up one-time codes: what the app needs. Asked again before it is confirmed, the same.

        For a sign-in under way; for who is in with what `prove_again` answered.
        """
        town, chance = self._town, self._secrets
        return await self._service.act(lambda unit: factors.begin_code(unit, cookie, town, chance, confirmed)) or OVER

    async def confirm_code(self, cookie: str, code: str, shown: str | None = None) -> Entered | SignInRefused:
        """Finish with a code that the app shows; who is in, also with the seed that `begin_code` gave (`shown`)."""

        def action(unit: DeskUnit) -> Entered | SignInRefused:
            found = live(unit, cookie, self._town, Stage.ENROL if shown is None else Stage.FULL)
            seed = factors.pending_seed(found) if found else None
            if found is None or seed is None or not (shown is None or same(shown, seed.reveal())):
                return OVER
            step = factors.step_of(seed, code, unit.now, 0)
            if step is None:
                return SignInRefused(Refusal.CODE)
            account = replace(found.account, totp=seed, totp_step=step)
            return self._enrolled(unit, found, account, AuditEvent.CODES_ADDED, by=CODES)

        return await self._service.act(action)

    async def begin_enrol_passkey(
        self, cookie: str, site: RelyingParty, stage: Stage = Stage.ENROL
    ) -> dict[str, Any] | SignInRefused:
        """Return the browser's request to a new passkey, for `navigator.credentials.create`."""
        town, chance = self._town, self._secrets
        return (
            await self._service.act(lambda unit: factors.begin_enrol(unit, cookie, site, town, chance, stage=stage))
            or OVER
        )

    async def finish_enrol_passkey(
        self, cookie: str, answer: Mapping[str, Any], label: str, site: RelyingParty, confirmed: Confirmed | None = None
    ) -> Entered | SignInRefused:
        """Keep what the new passkey answered, under the owner's word for it; who is in was `confirmed` before."""
        asked = await self._service.ask(lambda unit: factors.asked_to_enrol(unit, cookie, self._town, confirmed))
        new = factors.registered(answer, asked, site) if asked else None
        if asked is None or new is None:
            return OVER if asked is None else SignInRefused(Refusal.PASSKEY)

        def action(unit: DeskUnit) -> Entered | SignInRefused:
            found = factors.enrolling(unit, cookie, self._town, confirmed)
            # The signature was worked out outside of a transaction: the browser may have been asked anew meanwhile.
            if found is None or factors.challenge_of(found, factors.ChallengeFor.ENROL) != asked:
                return OVER
            if unit.accounts.passkey(new.id) is not None:
                return SignInRefused(Refusal.PASSKEY)
            account, word = found.account, " ".join(label.split())[:_LABEL] or f"{unit.now:%Y-%m-%d}"
            key = Passkey(new.id, account.name, new.public_key, new.sign_count, word, unit.now, alone=new.alone)
            unit.accounts.put_passkey(key)
            return self._enrolled(unit, found, account, AuditEvent.PASSKEY_ADDED, word, by=new.id)

        return await self._service.act(action)

    async def passkeys(self, cookie: str) -> Sequence[Passkey]:
        """The passkeys of whoever is signed in; none for anybody else."""

        def question(unit: DeskUnit) -> Sequence[Passkey]:
            found = live(unit, cookie, self._town, Stage.FULL)
            return unit.accounts.passkeys(found.account.name) if found else ()

        return await self._service.ask(question)

    async def drop_passkey(self, cookie: str, identity: str, confirmed: Confirmed) -> Entered | SignInRefused:
        """Remove a passkey of one's own, unless it is the last second factor and one is required."""

        def action(unit: DeskUnit) -> Entered | SignInRefused:
            found = factors.enrolling(unit, cookie, self._town, confirmed)
            if found is None:
                return OVER
            known = unit.accounts.passkeys(found.account.name)
            key = next((key for key in known if key.id == identity), None)
            refusal = factors.drop_passkey(unit, found, key, self._town) if key is not None else None
            return refusal or self._rise(unit, found, found.account, found.visit, "")

        return await self._service.act(action)

    async def drop_code(self, cookie: str, confirmed: Confirmed) -> Entered | SignInRefused:
        """Remove one-time codes, unless they are the last second factor and one is required."""

        def action(unit: DeskUnit) -> Entered | SignInRefused:
            found = factors.enrolling(unit, cookie, self._town, confirmed)
            if found is None:
                return OVER
            refusal = factors.drop_code(unit, found, self._town) if found.account.totp is not None else None
            return refusal or self._rise(unit, found, replace(found.account, totp=None), found.visit, "")

        return await self._service.act(action)

    async def changes(self, visitor: Visitor) -> Sequence[Chained]:
        """Return the changes of the visitor's credentials since this session began, by another browser or a command."""
        account, since = visitor.account, visitor.session.created_at
        known = max(since, account.changes_read_at or since)
        return await self._service.ask(lambda unit: changes_of(unit, account.name, known))

    async def acknowledge(self, cookie: str, visit: Visit) -> tuple[Entered | SignInRefused, bool]:
        """Acknowledge the account's changes.

        This session isn't shown them again. The second result is True if nobody else is either: a visitor who came only
        after a change can't vouch for it.
        """

        def say(unit: DeskUnit) -> bool:
            found = live(unit, cookie, self._town, Stage.FULL)
            return found is not None and acknowledged(unit, found, visit)

        is_known = await self._service.act(say)
        return await self.renew(cookie), is_known

    async def renew(self, cookie: str) -> Entered | SignInRefused:
        """Give whoever just changed something of the account another cookie: they know of it."""

        def action(unit: DeskUnit) -> Entered | SignInRefused:
            found = live(unit, cookie, self._town, Stage.FULL)
            return self._rise(unit, found, found.account, found.visit, "") if found else OVER

        return await self._service.act(action)

    async def sign_out(self, cookie: str) -> None:
        """End the session; its cookie is worth nothing from now on."""

        def action(unit: DeskUnit) -> None:
            if found := live(unit, cookie, self._town, *Stage):
                unit.accounts.drop_session(found.session.digest)
                write_own(unit, found.account, found.visit, AuditEvent.SIGNED_OUT)

        await self._service.act(action)

    async def sign_out_everywhere(self, cookie: str) -> None:
        """End all sessions of whoever is signed in, this one included."""

        def action(unit: DeskUnit) -> None:
            if found := live(unit, cookie, self._town, Stage.FULL):
                unit.accounts.drop_sessions(found.account.name)
                write_own(unit, found.account, found.visit, AuditEvent.SIGNED_OUT_EVERYWHERE)

        await self._service.act(action)

    async def visitor(self, cookie: str, visit: Visit, *, by_hand: bool = True) -> Visitor | None:
        """Return the visitor, at whatever stage. Returns None if the cookie is no session's, or one's that is over.

        Automatic requests of a page keep no session alive.
        """
        found = await self._service.ask(lambda unit: live(unit, cookie, self._town, *Stage))
        if found is None:
            return None
        if by_hand and self._service.now() - found.session.seen_at >= TOUCHED:
            await self.touches.soon(found.session.digest, lambda unit: touch_session(unit, found.session))
        return found.visitor(visit)

    async def author(self, claim: str) -> str | None:
        """The name of whoever typed a form, by what it says; None where that isn't believed."""
        found = await self._service.ask(lambda unit: claimed(unit, claim))
        return found.name if found else None

    async def program(self, bearer: str, visit: Visit | None = None) -> Actor | None:
        """The program whose token it is, under the name of the person it belongs to, if one; None: not let in."""
        found = await self._service.ask(lambda unit: program_of(unit, bearer))
        if found is None:
            return None
        if found.is_to_be_touched(self._service.now()):
            await self.touches.soon(found.token.digest, lambda unit: touch_token(unit, bearer))
        return found.actor(visit)

    async def _asking(self) -> Challenges:
        """Return the maker of challenges.

        Its secret is in the database, so that a town's daemons accept each other's.
        """
        if self._challenges is None:
            fresh = self._secrets(32).hex()
            kept = await self._service.keep(lambda unit: unit.reports.secret(KEY, fresh, unit.now))
            self._challenges = Challenges(bytes.fromhex(kept))
        return self._challenges

    async def _second(self, cookie: str, visit: Visit) -> throttle.Attempt | SignInRefused:
        found = await self._service.ask(lambda unit: live(unit, cookie, self._town, Stage.PASSWORD))
        if found is None:
            return OVER
        return await self._attempts.attempt(lambda unit: throttle.factor_attempt(unit, found.account, visit))

    async def _old(self, found: Live, old: str | None, visit: Visit) -> SignInRefused | None:
        """Check the present password, with the same delays as a sign-in. Returns None if it is right."""
        # A session that was left open is no place to guess in: wrong ones count as failed sign-ins.
        attempt = await self._attempts.attempt(lambda unit: throttle.password_attempt(unit, found.account.name, visit))
        if isinstance(attempt, SignInRefused):
            return attempt
        if not (await self.passwords.verify(found.account.password, old or "", ahead=True)).right:
            return await self._attempts.failed(attempt, Refusal.OLD_PASSWORD)
        await self._service.act(lambda unit: throttle.passed(unit, attempt))
        return None

    def _after_password(
        self, unit: DeskUnit, attempt: throttle.Attempt, seen: Account, stronger: str | None
    ) -> Entered | SignInRefused:
        """The password was right for the account as it was `seen`; `stronger` is its hash by today's parameters."""
        account = unit.accounts.account(seen.name)
        if account is None or account.disabled_at is not None or account.password != seen.password:
            return SignInRefused(Refusal.WRONG)
        throttle.passed(unit, attempt)
        if stronger is not None:
            account = replace(account, password=stronger)
            unit.accounts.put_account(account)
        return self._enter(unit, account, attempt.visit, "password", proven=False)

    def _by_passkey(
        self, unit: DeskUnit, cookie: str, proof: factors.Proof, count: int, attempt: throttle.Attempt
    ) -> Entered | None:
        """The second factor was a passkey; None where somebody was faster with the same answer."""
        found = live(unit, cookie, self._town, Stage.PASSWORD)
        key = unit.accounts.passkey(proof.key.id)
        challenge = factors.challenge_of(found, factors.ChallengeFor.PROVE) if found else None
        # The whole key is compared: one whose count of signatures grew meanwhile answered somebody else's request.
        if found is None or challenge != proof.challenge or key != proof.key:
            return None
        throttle.passed(unit, attempt)
        unit.accounts.put_passkey(replace(key, sign_count=count, used_at=unit.now))
        return self._rise(unit, found, found.account, attempt.visit, f"passkey {key.label}", by=key.id)

    def _by_passkey_alone(
        self, unit: DeskUnit, claim: Claim, seen: Passkey, count: int, attempt: throttle.Attempt
    ) -> Entered | None:
        """The signature was good for the passkey as it was `seen`; None where it is another one's, or changed since."""
        key = claim.passkey(unit)
        account = claim.owner(unit, seen)
        if key != seen or account is None:
            return None
        throttle.passed(unit, attempt)
        unit.accounts.put_passkey(claim.answered(seen, count, unit.now))
        return self._enter(unit, account, attempt.visit, f"a passkey alone: {seen.label}", proven=True, by=key.id)

    def _change(self, unit: DeskUnit, cookie: str, seen: Live, kept: str, visit: Visit) -> Entered | None:
        """A new password was chosen; None where the session ended or the password changed meanwhile."""
        found = live(unit, cookie, self._town, Stage.NEW_PASSWORD, Stage.FULL)
        if found is None or found.account.password != seen.account.password:
            return None
        account = replace(found.account, password=kept, must_change=False)
        if found.session.stage is not Stage.FULL:
            account = made_on_the_way(unit, account)
        unit.accounts.put_account(account)
        # Whoever knew the old password may be in with it.
        unit.accounts.drop_sessions(account.name, but=found.session.digest)
        write_own(unit, account, visit, AuditEvent.PASSWORD_CHANGED)
        return self._rise(unit, found, account, visit, "password")

    def _enrolled(
        self, unit: DeskUnit, found: Live, account: Account, event: AuditEvent, word: str = "", *, by: str
    ) -> Entered:
        """Keep the account with its new factor; sign-ins that are on their way without it begin again."""
        if found.session.stage is not Stage.FULL:
            account = made_on_the_way(unit, account)
        unit.accounts.put_account(account)
        for session in unit.accounts.sessions(account.name):
            if session.stage is not Stage.FULL and session.digest != found.session.digest:
                unit.accounts.drop_session(session.digest)
        write_own(unit, account, found.visit, event, word)
        return self._rise(unit, found, account, found.visit, _SET_UP, by=by)

    def _rise(
        self, unit: DeskUnit, found: Live, account: Account, visit: Visit, how: str, *, by: str | None = None
    ) -> Entered:
        """On to the next stage, with the second factor that was given; the cookie before is worth nothing."""
        unit.accounts.drop_session(found.session.digest)
        if found.session.stage is not Stage.FULL:
            return self._enter(unit, account, visit, how, proven=True, by=by or found.session.opened_by)
        by = found.session.opened_by
        cookie, again = opened(unit, account, Stage.FULL, visit, self._town, chance=self._secrets, by=by)
        # A new cookie is no new sign-in: the session ends when it would have ended.
        session = replace(again.session, expires_at=found.session.expires_at)
        unit.accounts.put_session(session)
        return Entered(cookie, Live(session, account).visitor(visit))

    def _enter(
        self, unit: DeskUnit, account: Account, visit: Visit, how: str, *, proven: bool, by: str | None = None
    ) -> Entered:
        """Open the session of the next stage; where nothing is missing, that is a sign-in, which is written down."""
        stage = self._stage(unit, account, proven=proven)
        failures, device = None, None
        changes: Sequence[Chained] = ()
        if stage is Stage.FULL:
            # Before this sign-in is written down: changes are told from the sign-in before it.
            account, changes = changes_at_sign_in(unit, account)
            device = visit.device if throttle.is_device(unit, visit.device) else spelled(self._secrets(16))
            failures = throttle.complete(unit, account, visit, device)
            account = replace(account, signed_in_at=unit.now)
            unit.accounts.put_account(account)
            write_own(unit, account, visit, AuditEvent.SIGNED_IN, f"by {how}{failures or ''}")
        cookie, entered = opened(unit, account, stage, visit, self._town, chance=self._secrets, by=by)
        return Entered(cookie, entered.visitor(visit), failures, device, changes)

    def _stage(self, unit: DeskUnit, account: Account, *, proven: bool) -> Stage:
        """Return the missing stage. A visitor past `password` has proved the second factor, or there was none."""
        has = factors.has_factor(unit, account)
        if has and not proven:
            return Stage.PASSWORD
        if account.must_change:
            return Stage.NEW_PASSWORD
        if not has and self._town.desk.second_factor == "required":
            return Stage.ENROL
        return Stage.FULL
