"""Passkeys, from setting one up to what a forger would try."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP
from webauthn import base64url_to_bytes

from alerts.access import factors, throttle
from alerts.access.factors import proven, registered
from alerts.access.sessions import Entered, Refusal, RelyingParty, SignInRefused
from alerts.model.person import Passkey, Stage
from alerts.model.town import DeskSection
from tests.unit.access.authenticator import Authenticator, b64
from tests.unit.access.town import AWAY, FIRST, FOE, HOME, OWN, SITE
from tests.unit.desk.conftest import a_town


async def enrolled(town, authenticator, name="Anne"):
    """An account whose second factor is a passkey, signed in with it set up."""
    await town.add(name)
    first = await town.enter(name, FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    options = await town.gate.begin_enrol_passkey(own.cookie, SITE)
    return await town.gate.finish_enrol_passkey(own.cookie, authenticator.create(options), " my  phone ", SITE)


async def asked(town, visit=HOME, name="Anne"):
    halfway = await town.enter(name, visit=visit)
    return halfway, await town.gate.begin_passkey(halfway.cookie, SITE)


async def test_a_passkey_round_trip(town, authenticator):
    entered = await enrolled(town, authenticator)
    assert entered.visitor.session.stage is Stage.FULL
    [key] = await town.gate.passkeys(entered.cookie)
    assert (key.label, key.used_at) == ("my phone", None)

    halfway, options = await asked(town)
    assert halfway.visitor.session.stage is Stage.PASSWORD
    assert json.loads(json.dumps(options)) == options
    assert (options["userVerification"], options["rpId"]) == ("preferred", "desk.example")
    assert [each["id"] for each in options["allowCredentials"]] == [b64(authenticator.identity)]
    entered = await town.gate.prove_by_passkey(halfway.cookie, authenticator.get(options), SITE, HOME)

    assert entered.visitor.session.stage is Stage.FULL
    [key] = await town.gate.passkeys(entered.cookie)
    assert (key.sign_count, key.used_at) == (1, town.clock.now())
    assert (await town.lines())[-1] == ("signed in", "Anne", "by passkey my phone")


async def test_the_same_answer_again_is_refused(town, authenticator):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    answer = authenticator.get(options)
    assert isinstance(await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME), Entered)

    other, _ = await asked(town, FOE)
    assert (await town.gate.prove_by_passkey(other.cookie, answer, SITE, FOE)).reason is Refusal.PASSKEY


async def test_a_challenge_is_good_for_one_try(town, authenticator):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    forged = Authenticator()
    forged.identity = authenticator.identity
    assert (await town.gate.prove_by_passkey(halfway.cookie, forged.get(options), SITE, HOME)).reason is Refusal.PASSKEY
    answer = authenticator.get(options)
    assert (await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME)).reason is Refusal.PASSKEY


async def test_an_answer_for_another_site_is_refused(town, authenticator):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    answer = authenticator.get(options, origin="https://desk.example.evil.example")
    assert (await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME)).reason is Refusal.PASSKEY


async def test_a_copied_key_shows_by_its_count(town, authenticator):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    authenticator.count = 7
    await town.gate.prove_by_passkey(halfway.cookie, authenticator.get(options), SITE, HOME)

    halfway, options = await asked(town)
    authenticator.count = 3
    answer = authenticator.get(options)
    assert (await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME)).reason is Refusal.PASSKEY


async def test_a_passkey_that_was_used_meanwhile_has_to_be_asked_again(town, authenticator, rules):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    proof = await town.service.ask(
        lambda unit: factors.looked_up(unit, halfway.cookie, authenticator.get(options), rules)
    )
    attempt = await town.service.ask(lambda unit: throttle.factor_attempt(unit, halfway.visitor.account, HOME))
    town.raw("UPDATE passkey SET sign_count = 5")
    late = await town.service.act(lambda unit: town.gate._by_passkey(unit, halfway.cookie, proof, 1, attempt))
    assert late is None


async def test_somebody_elses_passkey_proves_nothing(town, authenticator):
    theirs = Authenticator()
    await enrolled(town, authenticator)
    await enrolled(town, theirs, "Bruno")
    halfway, options = await asked(town)
    answer = theirs.get(options)
    assert (await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME)).reason is Refusal.PASSKEY


@pytest.mark.parametrize("identity", ["\udcff", "\x00", "", "eA==", "é", "A" * 1365, 7, None, ["eA"]])
async def test_what_could_be_no_passkeys_id_is_no_question_for_the_database(town, authenticator, identity):
    await enrolled(town, authenticator)
    halfway, options = await asked(town)
    answer = authenticator.get(options) | {"id": identity}
    assert (await town.gate.prove_by_passkey(halfway.cookie, answer, SITE, HOME)).reason is Refusal.PASSKEY
    alone = authenticator.get(await town.gate.ask_any_passkey(SITE)) | {"id": identity}
    assert await town.gate.sign_in_by_passkey(alone, SITE, HOME) == SignInRefused(Refusal.OVER)


async def test_a_passkey_is_registered_once(town, authenticator):
    await enrolled(town, authenticator)
    await town.add("Bruno")
    first = await town.enter("Bruno", FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    options = await town.gate.begin_enrol_passkey(own.cookie, SITE)
    again = await town.gate.finish_enrol_passkey(own.cookie, authenticator.create(options), "", SITE)
    assert again == SignInRefused(Refusal.PASSKEY)


async def test_who_tries_a_passkey_in_vain_may_still_type_the_code_of_the_same_page(town, authenticator):
    await town.add()
    first = await town.enter(password=FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    enrolment = await town.gate.begin_code(own.cookie)
    options = await town.gate.begin_enrol_passkey(own.cookie, SITE)
    wrong = authenticator.create(options, origin="https://evil.example")
    assert await town.gate.finish_enrol_passkey(own.cookie, wrong, "", SITE) == SignInRefused(Refusal.PASSKEY)

    assert (await town.gate.begin_code(own.cookie)).uri == enrolment.uri
    code = town.code(TOTP(enrolment.seed.reveal()))
    assert (await town.gate.confirm_code(own.cookie, code)).visitor.session.stage is Stage.FULL


async def test_what_was_not_asked_is_not_answered(town, authenticator):
    await town.add()
    first = await town.enter(password=FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    stranger = {"rp": {"id": SITE.party}, "challenge": b64(bytes(32))}
    assert await town.gate.finish_enrol_passkey(own.cookie, authenticator.create(stranger), "", SITE) == SignInRefused(
        Refusal.OVER
    )
    assert await town.gate.confirm_code(own.cookie, "123456") == SignInRefused(Refusal.OVER)


async def test_who_is_on_the_way_without_the_new_factor_begins_again(town, authenticator):
    """A sign-in by somebody else who knows the first password doesn't slip past the factor that was set up since."""
    await town.add()
    mine, theirs = await town.enter(password=FIRST), await town.enter(password=FIRST, visit=FOE)
    own = await town.gate.change_password(mine.cookie, None, OWN, HOME)
    assert await town.gate.visitor(theirs.cookie, FOE) is None

    options = await town.gate.begin_enrol_passkey(own.cookie, SITE)
    late = await town.enter(visit=FOE)
    await town.gate.finish_enrol_passkey(own.cookie, authenticator.create(options), "", SITE)
    assert await town.gate.begin_code(late.cookie) == SignInRefused(Refusal.OVER)


async def test_the_last_passkey_stays_and_one_of_two_goes(town, authenticator):
    entered = await enrolled(town, authenticator)
    [key] = await town.gate.passkeys(entered.cookie)
    confirmed = await town.confirmed(entered)
    assert await town.gate.drop_passkey(entered.cookie, key.id, confirmed) == SignInRefused(Refusal.LAST_FACTOR)

    options = await town.gate.begin_enrol_passkey(entered.cookie, SITE, Stage.FULL)
    assert [each["id"] for each in options["excludeCredentials"]] == [key.id]
    other = Authenticator().create(options)
    assert await town.gate.finish_enrol_passkey(entered.cookie, other, "", SITE) == SignInRefused(Refusal.OVER)
    entered = await town.gate.finish_enrol_passkey(entered.cookie, other, "", SITE, confirmed)
    entered = await town.gate.drop_passkey(entered.cookie, key.id, await town.confirmed(entered))
    assert key.id not in [each.id for each in await town.gate.passkeys(entered.cookie)]
    assert (await town.lines())[-1] == ("passkey removed", "Anne", "my phone")


@pytest.mark.parametrize("alone", [True, False])
async def test_a_passkey_that_is_removed_ends_the_sessions_that_it_opened(town, authenticator, alone):
    """The telephone that was lost is in with it."""
    codes = await town.settled()
    here = await town.full(codes)
    asked = await town.gate.begin_enrol_passkey(here.cookie, SITE, Stage.FULL)
    made = authenticator.create(asked)
    here = await town.gate.finish_enrol_passkey(here.cookie, made, "Phone", SITE, await town.confirmed(here))
    other = await town.full(codes)
    await town.clock.advance(60)
    if alone:
        asked = await town.gate.ask_any_passkey(SITE)
        lost = await town.gate.sign_in_by_passkey(authenticator.get(asked), SITE, AWAY)
    else:
        halfway = await town.enter(visit=AWAY)
        asked = await town.gate.begin_passkey(halfway.cookie, SITE)
        lost = await town.gate.prove_by_passkey(halfway.cookie, authenticator.get(asked), SITE, AWAY)
    lost = await town.gate.renew(lost.cookie)
    assert await town.gate.visitor(lost.cookie, AWAY) is not None

    here = await town.gate.drop_passkey(here.cookie, b64(authenticator.identity), await town.confirmed(here))
    seen = [await town.gate.visitor(each.cookie, HOME) is not None for each in (here, other, lost)]
    assert seen == [True, True, False]
    assert ("signed out", "Anne", "Safari") in await town.lines()


async def test_nobody_removes_anothers_passkey(town, authenticator):
    await enrolled(town, authenticator)
    bruno = await enrolled(town, Authenticator(), "Bruno")
    lenient = town.a_gate(a_town(desk=DeskSection(second_factor="optional")))
    await lenient.drop_passkey(bruno.cookie, b64(authenticator.identity), await town.confirmed(bruno))
    assert town.raw("SELECT account FROM passkey ORDER BY account") == [("anne",), ("bruno",)]


async def test_who_has_no_passkey_is_asked_for_none(town):
    await town.settled()
    halfway = await town.enter(visit=AWAY)
    assert await town.gate.begin_passkey(halfway.cookie, SITE) == SignInRefused(Refusal.OVER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(b64),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)
field_names = st.sampled_from(
    ["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
)


@given(st.dictionaries(field_names, json_values), st.dictionaries(field_names, json_values))
def test_whatever_a_stranger_sends_is_an_answer_or_none(outer, inner):
    answer = {**outer, "response": inner}
    key = Passkey("eA", "anne", "eA", 0, "", None)
    assert registered(answer, "eA", SITE) is None
    assert proven(key, answer, "eA", SITE) is None


@given(
    st.sampled_from(["authenticatorData", "clientDataJSON", "signature"]), st.integers(0, 1 << 16), st.integers(0, 7)
)
def test_no_bit_of_an_answer_may_be_changed(field, place, bit):
    authenticator = Authenticator()
    options = {"rp": {"id": "desk.example"}, "rpId": "desk.example", "challenge": b64(b"c" * 32)}
    site, challenge = RelyingParty("https://desk.example", "desk.example"), options["challenge"]
    new = registered(authenticator.create(options), challenge, site)
    key = Passkey(new.id, "anne", new.public_key, new.sign_count, "", None)
    answer = authenticator.get(options)
    assert proven(key, answer, challenge, site) == 1

    raw = bytearray(base64url_to_bytes(answer["response"][field]))
    raw[place % len(raw)] ^= 1 << bit
    answer["response"][field] = b64(bytes(raw))
    assert proven(key, answer, challenge, site) is None


@pytest.mark.parametrize(
    "site", [RelyingParty("https://evil.example", "desk.example"), RelyingParty(SITE.origin, "evil.example")]
)
def test_a_registration_is_bound_to_its_site(authenticator, site):
    options = {"rp": {"id": "desk.example"}, "challenge": b64(b"c" * 32)}
    assert registered(authenticator.create(options), options["challenge"], site) is None
