"""The gate, stage by stage, and what somebody would try who isn't let in."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from pyotp import TOTP

from alerts.access.gate import Gate
from alerts.access.passwords import MOST_WAITING, Passwords
from alerts.access.sessions import Confirmed, Entered, Refusal, SignInRefused, Visit
from alerts.model.person import Origin, Role, Stage
from alerts.model.town import DeskSection
from tests.unit.access.town import AWAY, FIRST, FOE, HOME, OWN, SITE
from tests.unit.desk.conftest import a_town


async def test_a_first_sign_in_goes_from_stage_to_stage(town):
    await town.add()

    first = await town.enter(password=FIRST)
    assert first.visitor.session.stage is Stage.NEW_PASSWORD
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    assert own.visitor.session.stage is Stage.ENROL
    enrolment = await town.gate.begin_code(own.cookie)
    assert enrolment.uri.startswith("otpauth://totp/Ville%20de%20Saint-Martin:Anne?")

    entered = await town.gate.confirm_code(own.cookie, town.code(TOTP(enrolment.seed.reveal())))
    assert entered.visitor.session.stage is Stage.FULL
    visitor = await town.gate.visitor(entered.cookie, HOME)
    assert visitor.actor.name == "Anne"
    assert (visitor.actor.role, visitor.actor.origin, visitor.actor.address) == (
        Role.AUTHOR,
        Origin.CONSOLE,
        HOME.address,
    )
    assert [act for act, *_ in await town.lines()] == ["account added", "password changed", "codes added", "signed in"]


async def test_after_that_a_password_and_a_code_are_asked_for(town):
    codes = await town.settled()

    halfway = await town.enter("  ANNE ")
    assert halfway.visitor.session.stage is Stage.PASSWORD
    entered = await town.gate.prove_by_code(halfway.cookie, f" {town.code(codes)} ", HOME)

    assert entered.visitor.session.stage is Stage.FULL
    assert (await town.account()).signed_in_at == town.clock.now()


async def test_a_second_factor_may_be_left_to_people(town):
    gate = town.a_gate(a_town(desk=DeskSection(second_factor="optional")))
    await town.add()
    first = await gate.sign_in("Anne", FIRST, HOME)

    entered = await gate.change_password(first.cookie, None, OWN, HOME)
    assert entered.visitor.session.stage is Stage.FULL
    assert (await gate.sign_in("Anne", OWN, HOME)).visitor.session.stage is Stage.FULL


async def test_each_rise_gives_a_new_cookie_and_the_old_one_is_worth_nothing(town):
    """Session fixation: who planted or saw a cookie before has nothing after."""
    codes = await town.settled()
    halfway = await town.enter()
    entered = await town.gate.prove_by_code(halfway.cookie, town.code(codes), HOME)

    assert halfway.cookie != entered.cookie
    assert await town.gate.visitor(halfway.cookie, FOE) is None
    assert halfway.visitor.session.csrf != entered.visitor.session.csrf


async def test_a_cookie_of_one_s_own_making_opens_nothing(town):
    await town.settled()
    for made_up in ("", "x", "é" * 5000, "\udcff", "0" * 43):
        assert await town.gate.visitor(made_up, FOE) is None


@pytest.mark.parametrize("stage", ["first", "own", "halfway"])
async def test_whoever_is_on_the_way_can_only_go_the_way(town, stage):
    await town.add()
    entered = await town.enter(password=FIRST)
    if stage != "first":
        entered = await town.gate.change_password(entered.cookie, None, OWN, HOME)
    if stage == "halfway":
        enrolment = await town.gate.begin_code(entered.cookie)
        await town.gate.confirm_code(entered.cookie, town.code(TOTP(enrolment.seed.reveal())))
        entered = await town.enter()

    over = SignInRefused(Refusal.OVER)
    if stage != "halfway":
        assert await town.gate.prove_by_code(entered.cookie, "123456", HOME) == over
    if stage != "own":
        assert await town.gate.begin_code(entered.cookie) == over
        assert await town.gate.confirm_code(entered.cookie, "123456") == over
    if stage != "first":
        assert await town.gate.change_password(entered.cookie, None, "another password", HOME) == over
    assert await town.gate.prove_again(entered.cookie, OWN, HOME) == over
    forged = Confirmed(entered.visitor.session.digest)
    assert await town.gate.begin_code(entered.cookie, forged) == over
    assert await town.gate.drop_code(entered.cookie, forged) == over
    assert await town.gate.drop_passkey(entered.cookie, "x", forged) == over
    assert await town.gate.passkeys(entered.cookie) == ()


async def test_a_code_is_taken_once_also_from_another_browser(town):
    codes = await town.settled()
    code = town.code(codes)
    mine, theirs = await town.enter(), await town.enter(visit=FOE)

    assert isinstance(await town.gate.prove_by_code(mine.cookie, code, HOME), Entered)
    assert (await town.gate.prove_by_code(theirs.cookie, code, FOE)).reason is Refusal.CODE


async def test_the_code_that_set_it_up_is_not_taken_again(town):
    await town.add()
    first = await town.enter(password=FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    enrolment = await town.gate.begin_code(own.cookie)
    code = town.code(TOTP(enrolment.seed.reveal()))
    await town.gate.confirm_code(own.cookie, code)
    halfway = await town.enter()

    assert (await town.gate.prove_by_code(halfway.cookie, code, HOME)).reason is Refusal.CODE


async def test_the_page_that_sets_codes_up_may_be_loaded_again(town):
    await town.add()
    first = await town.enter(password=FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)

    once, again = await town.gate.begin_code(own.cookie), await town.gate.begin_code(own.cookie)
    assert once.uri == again.uri
    assert (await town.gate.confirm_code(own.cookie, "000000")).reason is Refusal.CODE


async def test_who_is_disabled_is_out_at_once_and_told_nothing(town):
    codes = await town.settled()
    entered, halfway = await town.full(codes), await town.enter(visit=AWAY)
    wrong = await town.fails()

    await town.disable()

    assert await town.gate.visitor(entered.cookie, HOME) is None
    assert isinstance(await town.gate.prove_by_code(halfway.cookie, town.code(codes, 1), AWAY), SignInRefused)
    assert await town.gate.sign_in("Anne", OWN, HOME) == replace(wrong, retry_at=None)


async def test_a_session_that_outlived_the_disabling_is_worth_nothing(town):
    codes = await town.settled()
    entered = await town.full(codes)
    town.raw("UPDATE account SET disabled_at = 1")
    assert await town.gate.visitor(entered.cookie, HOME) is None
    assert await town.gate.begin_code(entered.cookie) == SignInRefused(Refusal.OVER)


async def test_who_is_disabled_while_the_password_is_looked_at_stays_out(town):
    """A disabling that comes between the two transactions of a sign-in."""
    await town.settled()

    class Meanwhile(Passwords):
        async def verify(self, kept, password, *, ahead=False):
            await town.disable()
            return await town.passwords.verify(kept, password)

    gate = Gate(town.service, a_town(), passwords=Meanwhile())
    assert (await gate.sign_in("Anne", OWN, HOME)).reason is Refusal.WRONG


class Meanwhile(Passwords):
    """Somebody changes the password between the two transactions of whoever is having one looked at."""

    def __init__(self, town) -> None:
        super().__init__()
        self._town = town

    async def verify(self, kept, password, *, ahead=False):
        verdict = await self._town.passwords.verify(kept, password)
        other = self._town.passwords.hash_now("somebody else's choice")
        self._town.raw("UPDATE account SET password = ?", other)
        return verdict


async def test_a_password_that_was_changed_while_it_was_looked_at_opens_nothing(town):
    await town.settled()
    gate = Gate(town.service, a_town(), passwords=Meanwhile(town))
    assert (await gate.sign_in("Anne", OWN, HOME)).reason is Refusal.WRONG


async def test_of_two_changes_of_a_password_the_first_holds(town):
    codes = await town.settled()
    entered = await town.full(codes)
    gate = Gate(town.service, a_town(), passwords=Meanwhile(town))
    assert (await gate.change_password(entered.cookie, OWN, "another password", HOME)).reason is Refusal.OVER
    await town.enter(password="somebody else's choice")


async def test_nobody_learns_which_names_are_accounts(town):
    await town.settled()
    known = [await town.fails("Anne", FOE) for _ in range(8)]
    unknown = [await town.fails("Nobody", AWAY) for _ in range(8)]
    assert known == unknown


async def test_a_name_that_is_nobodys_costs_as_much(town):
    await town.settled()

    class Counting(PasswordHasher):
        asked: list[str] = []  # noqa: RUF012

        def verify(self, kept, password):
            self.asked.append(kept)
            return super().verify(kept, password)

    town.passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    gate = town.a_gate(a_town())
    await gate.sign_in("Nobody", "wrong", FOE)
    await gate.sign_in("Anne", "wrong", FOE)
    nobodys, annes = Counting.asked
    assert nobodys.split("$")[:4] == annes.split("$")[:4]


async def test_a_password_in_the_field_of_the_name_is_kept_nowhere(town):
    await town.settled()
    await town.fails(OWN)
    assert OWN not in "".join(str(row) for row in town.raw("SELECT * FROM sign_in"))
    assert OWN.encode() not in town.path.read_bytes()


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("elevenchars", Refusal.SHORT),
        ("x" * 201, Refusal.LONG),
        ("password1234", Refusal.USUAL),
        ("aaaaaaaaaaaa", Refusal.USUAL),
        ("Anne anne ANNE1", Refusal.NAMED),
        (OWN, Refusal.SAME),
    ],
)
async def test_what_is_no_new_password(town, new, reason):
    codes = await town.settled()
    entered = await town.full(codes)
    assert await town.gate.change_password(entered.cookie, OWN, new, HOME) == SignInRefused(reason)


async def test_a_new_password_takes_the_present_one_and_ends_the_other_sessions(town):
    codes = await town.settled()
    phone, desk = await town.full(codes, visit=AWAY), await town.full(codes)

    assert (
        await town.gate.change_password(desk.cookie, "wrong", "another password", HOME)
    ).reason is Refusal.OLD_PASSWORD
    assert (await town.gate.change_password(desk.cookie, None, "another password", HOME)).reason is Refusal.OVER
    assert await town.gate.visitor(phone.cookie, AWAY)
    changed = await town.gate.change_password(desk.cookie, OWN, "another password", HOME)

    assert await town.gate.visitor(phone.cookie, AWAY) is None
    assert await town.gate.visitor(desk.cookie, HOME) is None
    assert await town.gate.visitor(changed.cookie, HOME)
    assert (await town.fails(password=OWN, visit=AWAY)).reason is Refusal.WRONG
    await town.enter(password="another password")


async def test_the_last_second_factor_stays(town):
    codes = await town.settled()
    entered = await town.full(codes)

    confirmed = await town.confirmed(entered)
    assert await town.gate.drop_code(entered.cookie, confirmed) == SignInRefused(Refusal.LAST_FACTOR)
    lenient = town.a_gate(a_town(desk=DeskSection(second_factor="optional")))
    assert isinstance(await lenient.drop_code(entered.cookie, confirmed), Entered)
    assert (await town.account()).totp is None
    assert (await town.lines())[-1][0] == "codes removed"


async def test_a_session_alone_changes_nothing_of_what_proves_its_owner(town):
    """It may be stolen, or a browser that was left open: only the password opens these."""
    codes = await town.settled()
    stolen, other = await town.full(codes), await town.full(codes)
    of_another = await town.confirmed(other)
    over = SignInRefused(Refusal.OVER)

    assert await town.gate.begin_code(stolen.cookie) == over
    assert await town.gate.begin_code(stolen.cookie, of_another) == over
    assert await town.gate.begin_enrol_passkey(stolen.cookie, SITE) == over
    assert await town.gate.confirm_code(stolen.cookie, "123456") == over
    assert await town.gate.confirm_code(stolen.cookie, town.code(codes), codes.secret) == over
    assert await town.gate.drop_code(stolen.cookie, of_another) == over
    assert (await town.gate.change_password(stolen.cookie, None, "another password", FOE)) == over
    assert (await town.gate.prove_again(stolen.cookie, "wrong", FOE)).reason is Refusal.OLD_PASSWORD
    assert (await town.account()).totp.reveal() == codes.secret


async def test_codes_of_another_app_take_the_seed_that_was_shown_after_the_password(town):
    codes = await town.settled()
    entered = await town.full(codes)
    enrolment = await town.gate.begin_code(entered.cookie, await town.confirmed(entered))
    other, seed = TOTP(enrolment.seed.reveal()), enrolment.seed.reveal()

    assert await town.gate.confirm_code(entered.cookie, town.code(other), codes.secret) == SignInRefused(Refusal.OVER)
    assert (await town.gate.confirm_code(entered.cookie, "000000", seed)).reason is Refusal.CODE
    changed = await town.gate.confirm_code(entered.cookie, town.code(other), seed)
    assert await town.gate.visitor(entered.cookie, HOME) is None
    assert (await town.gate.visitor(changed.cookie, HOME)).session.stage is Stage.FULL
    assert (await town.account()).totp.reveal() == seed != codes.secret


async def test_a_hash_of_weaker_parameters_is_made_anew(town):
    await town.settled()
    before = (await town.account()).password
    town.passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    gate = town.a_gate(a_town())
    assert isinstance(await gate.sign_in("Anne", OWN, HOME), Entered)

    after = (await town.account()).password
    assert after != before
    assert "m=16,t=2" in after
    assert isinstance(await gate.sign_in("Anne", OWN, HOME), Entered)


async def test_nothing_that_is_answered_shows_a_secret(town):
    codes = await town.settled()
    entered = await town.full(codes)
    visitor = await town.gate.visitor(entered.cookie, Visit("192.0.2.1", device=entered.device))
    shown = (
        repr(entered) + repr(visitor) + repr(await town.gate.begin_code(entered.cookie, await town.confirmed(entered)))
    )
    session, account = visitor.session, visitor.account

    secrets = [entered.cookie, entered.device, session.csrf, session.digest, account.password, account.totp.reveal()]
    assert not [secret for secret in secrets if secret in shown]
    record = str(await town.lines())
    assert not [secret for secret in [*secrets, OWN, FIRST] if secret in record]


async def test_guessers_of_many_networks_keep_nobody_out_who_has_the_password(town):
    """They ask without a pause and take each try that comes free; whoever failed least is next all the same."""
    codes = await town.settled()
    crowd = [Visit(f"203.{number}.113.5", "curl") for number in range(14)]
    hotel = Visit("198.51.100.7", "Safari")
    for _ in range(100):
        for each in crowd:
            await town.gate.sign_in("Anne", "wrong", each)
        await town.clock.advance(3)
    answers = []
    while len(answers) < 12 and not any(isinstance(each, Entered) for each in answers):
        for each in crowd:
            await town.gate.sign_in("Anne", "wrong", each)
        answers.append(await town.gate.sign_in("Anne", OWN, hotel))
        await town.clock.advance(3)
    entered = answers[-1]
    assert isinstance(entered, Entered), "within half a minute, and what is left of the one before"
    assert isinstance(await town.gate.prove_by_code(entered.cookie, town.code(codes), hotel), Entered)


async def test_strangers_wait_in_a_line_that_is_bounded_and_who_is_known_goes_past_it(town):
    await town.settled()
    busy, hasher = threading.Event(), PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

    class Slow(Passwords):
        def _verify(self, kept, password):
            if kept is None:
                busy.wait(20)
            return super()._verify(kept, password)

    town.passwords = Slow(hasher)
    gate = town.a_gate(a_town())
    places = [Visit(f"203.0.{number}.5", "curl") for number in range(MOST_WAITING)]
    line = [asyncio.ensure_future(gate.sign_in(f"nobody {each.address}", "wrong", each)) for each in places]
    while not town.passwords.is_full:  # noqa: ASYNC110 each turn of the loop brings one on
        await asyncio.sleep(0)
    refused = await gate.sign_in("Anne", OWN, AWAY)
    known = asyncio.ensure_future(gate.sign_in("Anne", OWN, HOME))
    busy.set()
    assert refused.reason is Refusal.BUSY
    assert isinstance(await known, Entered)
    assert not all(each.done() for each in line), "behind one stranger at most"
    assert {held.reason for held in await asyncio.gather(*line)} == {Refusal.WRONG}
