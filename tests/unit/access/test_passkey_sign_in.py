"""A passkey alone: who comes in by it, and what somebody would try whose passkey it isn't."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from webauthn import base64url_to_bytes

from alerts.access.accounts import enable, reset
from alerts.access.factors import LASTS, Challenges
from alerts.access.sessions import Entered, Refusal, RelyingParty, SignInRefused, Visit
from alerts.desk.officer import Officer
from alerts.model.person import Stage
from alerts.model.town import DeskSection
from tests.unit.access.authenticator import Authenticator, b64
from tests.unit.access.test_passkeys import enrolled, field_names, json_values
from tests.unit.access.town import AWAY, FIRST, FOE, HOME, OWN, ROOT, SITE
from tests.unit.desk.conftest import a_town

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
async def anne(town, authenticator):
    """Anne has a passkey that verifies who holds it."""
    await enrolled(town, authenticator)
    await town.clock.advance(60)
    return authenticator


async def answered(town, key, **more):
    """What the passkey says to a question that anybody may ask; no two are asked at one moment."""
    await town.clock.advance(0.001)
    return key.get(await town.gate.ask_any_passkey(SITE), **more)


async def comes(town, answer, visit=HOME):
    return await town.gate.sign_in_by_passkey(answer, SITE, visit)


async def refused(town, answer, visit=HOME):
    held = await comes(town, answer, visit)
    assert isinstance(held, SignInRefused), held
    return held.reason


async def test_a_passkey_alone_comes_in(town, anne):
    options = await town.gate.ask_any_passkey(SITE)
    assert json.loads(json.dumps(options)) == options
    assert (options["userVerification"], options["rpId"], options.get("allowCredentials")) == (
        "required",
        "desk.example",
        [],
    )
    entered = await comes(town, anne.get(options), AWAY)

    assert entered.visitor.session.stage is Stage.FULL
    assert entered.visitor.account.name == "Anne"
    [key] = await town.gate.passkeys(entered.cookie)
    assert (key.alone, key.sign_count, key.used_at) == (True, 1, town.clock.now())
    assert (await town.lines())[-1] == ("signed in", "Anne", "by a passkey alone: my phone")
    assert entered.device, "this browser is known from now on"


async def test_the_handle_is_one_for_an_account_and_tells_nothing_of_it(town, anne):
    account = await town.account()
    assert anne.handle == account.handle
    assert len(base64url_to_bytes(account.handle)) == 32
    other = Authenticator()
    await enrolled(town, other, "Bruno")
    assert other.handle != anne.handle

    entered = await comes(town, await answered(town, anne))
    again = await town.gate.begin_enrol_passkey(entered.cookie, SITE, Stage.FULL)
    assert again["user"]["id"] == anne.handle
    assert again["authenticatorSelection"]["residentKey"] == "preferred"


async def test_a_browser_is_told_the_town_where_several_share_a_host(town):
    gate = town.a_gate(a_town(mount="/t/crolles"))
    await town.add()
    first = await gate.sign_in("Anne", FIRST, HOME)
    own = await gate.change_password(first.cookie, None, OWN, HOME)
    options = await gate.begin_enrol_passkey(own.cookie, SITE)
    assert options["user"]["name"] == "Anne (Ville de Saint-Martin)"


async def test_what_asks_for_a_challenge_leaves_nothing_behind(town):
    await town.gate.ask_any_passkey(SITE)
    before = town.raw("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM sign_in), total_changes()")
    asked = {(await town.gate.ask_any_passkey(SITE))["challenge"] for _ in range(1000)}
    assert len(asked) == 1000
    assert town.raw("SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM sign_in), total_changes()") == before


async def test_the_daemons_of_a_town_take_each_others_challenges(town, anne, rules):
    other = town.a_gate(rules)
    assert isinstance(await other.sign_in_by_passkey(await answered(town, anne), SITE, HOME), Entered)


async def test_the_same_answer_again_is_refused(town, anne):
    answer = await answered(town, anne)
    entered = await comes(town, answer)
    await town.gate.sign_out(entered.cookie)
    assert await refused(town, answer, FOE) is Refusal.PASSKEY


async def test_a_passkey_that_counts_nothing_is_replayed_in_vain_too(town, anne):
    """Passkeys that are kept in step between devices count no signatures: the challenge isn't taken twice."""
    earlier, answer = await answered(town, anne), await answered(town, anne)
    for said in (earlier, answer):
        anne.count = -1  # what is signed says 0
        said.update(anne.get({"rpId": SITE.party, "challenge": _challenge(said)}))
    assert isinstance(await comes(town, answer), Entered)
    assert await refused(town, answer, FOE) is Refusal.PASSKEY
    assert await refused(town, earlier, FOE) is Refusal.PASSKEY, "asked before, so answered before"
    anne.count = -1
    assert isinstance(await comes(town, await answered(town, anne)), Entered)


def _challenge(answer):
    return json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))["challenge"]


async def test_of_two_that_come_at_once_with_one_answer_one_is_in(town, anne):
    answer = await answered(town, anne)
    came = await asyncio.gather(comes(town, answer), comes(town, answer, AWAY), comes(town, answer, FOE))
    assert sorted(type(each).__name__ for each in came) == ["Entered", "SignInRefused", "SignInRefused"]


async def test_a_challenge_holds_for_ten_minutes(town, anne):
    answer, late = await answered(town, anne), await answered(town, anne)
    await town.clock.advance(LASTS.total_seconds() - 0.002)
    assert isinstance(await comes(town, answer), Entered)
    await town.clock.advance(1)
    assert await refused(town, late) is Refusal.OVER


async def test_a_challenge_of_ones_own_making_is_none(town, anne):
    forged = {"rpId": SITE.party, "challenge": b64(bytes(56))}
    before = town.raw("SELECT count(*) FROM sign_in")
    assert await refused(town, anne.get(forged)) is Refusal.OVER
    asked = await town.gate.ask_any_passkey(SITE)
    challenge = bytearray(base64url_to_bytes(asked["challenge"]))
    for place in range(len(challenge)):
        changed = bytes([*challenge[:place], challenge[place] ^ 1, *challenge[place + 1 :]])
        assert await refused(town, anne.get({**asked, "challenge": b64(changed)})) is Refusal.OVER
    assert town.raw("SELECT count(*) FROM sign_in") == before, "it was no try"


async def test_the_challenge_of_a_second_factor_is_none_of_a_passkey_alone(town, anne):
    halfway = await town.enter()
    options = await town.gate.begin_passkey(halfway.cookie, SITE)
    assert await refused(town, anne.get(options)) is Refusal.OVER
    alone = await answered(town, anne)
    options = await town.gate.begin_passkey(halfway.cookie, SITE)
    assert (await town.gate.prove_by_passkey(halfway.cookie, alone, SITE, HOME)).reason is Refusal.PASSKEY


async def test_who_holds_it_has_to_be_verified(town, anne):
    anne.verifies = False
    assert await refused(town, await answered(town, anne)) is Refusal.PASSKEY
    anne.verifies = True
    assert isinstance(await comes(town, await answered(town, anne)), Entered)


@pytest.mark.parametrize(
    ("verifies", "told"),
    [(False, {}), (True, {"credProps": {"rk": False}})],
    ids=["it verified nobody when it was set up", "no browser finds it by itself"],
)
async def test_a_second_factor_stays_one_and_says_so(town, verifies, told):
    key = Authenticator(verifies=verifies)
    await town.add()
    first = await town.enter(password=FIRST)
    own = await town.gate.change_password(first.cookie, None, OWN, HOME)
    options = await town.gate.begin_enrol_passkey(own.cookie, SITE)
    assert options["extensions"] == {"credProps": True}
    answer = key.create(options) | {"clientExtensionResults": told}
    entered = await town.gate.finish_enrol_passkey(own.cookie, answer, "old key", SITE)
    [kept] = await town.gate.passkeys(entered.cookie)
    assert not kept.alone

    key.verifies = True
    assert await refused(town, await answered(town, key)) is Refusal.SECOND_ONLY
    halfway = await town.enter()
    options = await town.gate.begin_passkey(halfway.cookie, SITE)
    assert isinstance(await town.gate.prove_by_passkey(halfway.cookie, key.get(options), SITE, HOME), Entered)
    # The same device may be set up once more, to be more than that.
    again = await town.gate.begin_enrol_passkey(entered.cookie, SITE, Stage.FULL)
    assert again.get("excludeCredentials", []) == []


async def test_one_that_an_earlier_version_kept_is_a_second_factor(town, anne):
    town.raw("UPDATE passkey SET alone = NULL, asked_at = NULL")
    assert await refused(town, await answered(town, anne)) is Refusal.SECOND_ONLY


async def test_whose_it_is_has_to_be_what_it_says(town, anne):
    await enrolled(town, other := Authenticator(), "Bruno")
    mine, anne.handle = anne.handle, other.handle
    assert await refused(town, await answered(town, anne)) is Refusal.PASSKEY
    anne.handle = None
    assert await refused(town, await answered(town, anne)) is Refusal.OVER, "the browser must say whose it is"
    anne.handle = mine
    assert (await comes(town, await answered(town, anne))).visitor.account.name == "Anne"
    assert (await comes(town, await answered(town, other))).visitor.account.name == "Bruno"


@pytest.mark.parametrize(
    "site", [RelyingParty("https://evil.example", "desk.example"), RelyingParty(SITE.origin, "evil.example")]
)
async def test_an_answer_for_another_site_is_refused(town, anne, site):
    options = await town.gate.ask_any_passkey(SITE)
    answer = anne.get(options | {"rpId": site.party}, origin=site.origin)
    assert await refused(town, answer) is Refusal.PASSKEY


async def test_who_is_shut_out_stays_out(town, anne):
    await town.disable()
    assert await refused(town, await answered(town, anne)) is Refusal.PASSKEY
    await town.service.act(lambda unit: enable(Officer(unit, ROOT), "Anne"))
    assert isinstance(await comes(town, await answered(town, anne)), Entered)


async def test_who_is_shut_out_while_the_signature_is_worked_out_isnt_let_in(town, anne):
    answer = await answered(town, anne)
    claim = (await town.gate._asking()).claim(answer, town.clock.now())
    key = await town.service.ask(claim.passkey)
    await town.disable()
    assert await town.service.act(lambda unit: claim.owner(unit, key)) is None


async def test_a_lost_telephone_opens_nothing_once_its_owner_began_anew(town, anne):
    kept = town.passwords.hash_now(FIRST)
    await town.service.act(lambda unit: reset(Officer(unit, ROOT), "Anne", kept))
    assert (await town.account()).handle is None
    assert await refused(town, await answered(town, anne)) is Refusal.PASSKEY


async def test_a_passkey_that_was_removed_is_nobodys(town, anne):
    entered = await comes(town, await answered(town, anne))
    other = Authenticator()
    options = await town.gate.begin_enrol_passkey(entered.cookie, SITE, Stage.FULL)
    confirmed = await town.confirmed(entered)
    entered = await town.gate.finish_enrol_passkey(entered.cookie, other.create(options), "", SITE, confirmed)
    await town.gate.drop_passkey(entered.cookie, b64(anne.identity), await town.confirmed(entered))
    assert await refused(town, await answered(town, anne)) is Refusal.PASSKEY
    assert isinstance(await comes(town, await answered(town, other)), Entered)


async def test_where_two_factors_are_required_it_is_both_and_changes_nothing_of_who_comes_in(town, anne):
    """`second_factor = "required"` is the town's rule here: no other is asked for, and the last may not be removed."""
    entered = await comes(town, await answered(town, anne))
    assert (await town.gate.prove_again(entered.cookie, "not it", HOME)).reason is Refusal.OLD_PASSWORD
    [key] = await town.gate.passkeys(entered.cookie)
    assert await town.gate.drop_passkey(entered.cookie, key.id, await town.confirmed(entered)) == SignInRefused(
        Refusal.LAST_FACTOR
    )
    lenient = town.a_gate(a_town(desk=DeskSection(second_factor="optional")))
    assert isinstance(await lenient.sign_in_by_passkey(await answered(town, anne), SITE, HOME), Entered)


async def test_failures_are_counted_slowed_told_once_and_forgiven(town, anne):
    with capture_logs() as logs:
        for _ in range(4):
            anne.verifies = False
            assert await refused(town, await answered(town, anne), FOE) is Refusal.PASSKEY
        held = await comes(town, await answered(town, anne), FOE)
        assert (held.reason, held.retry_at - town.clock.now()) == (Refusal.PASSKEY, timedelta(seconds=1))
        assert await refused(town, await answered(town, anne), FOE) is Refusal.WAIT
    assert [(each["event"], each["subject"]) for each in logs] == [("sign_in.failing", "Anne")]
    [(_, subject, detail)] = await town.lines("sign-in failing")
    assert (subject, detail.split(" since")[0]) == ("Anne", "5 failed attempts")
    assert isinstance(await town.gate.sign_in("Anne", OWN, AWAY), Entered), "the password isn't held up by it"

    anne.verifies = True
    entered = await comes(town, await answered(town, anne))
    assert entered.failures.count == 5
    assert (await comes(town, await answered(town, anne), FOE)).failures is None


async def test_who_guesses_passwords_holds_up_no_passkey(town, anne):
    for number in range(12):
        await town.fails(visit=Visit(f"203.0.{number}.66"))
    assert (await town.gate.sign_in("Anne", OWN, AWAY)).reason is Refusal.WAIT
    entered = await comes(town, await answered(town, anne), AWAY)
    assert entered.failures.count >= 4


async def test_a_passkey_that_is_nobodys_is_answered_and_slowed_alike(town, anne):
    for _ in range(9):
        assert await refused(town, await answered(town, one_like(anne)), FOE) is Refusal.PASSKEY
    stranger = await comes(town, await answered(town, one_like(anne)), FOE)
    assert stranger.reason is Refusal.PASSKEY
    assert stranger.retry_at
    rows = town.raw("SELECT folded FROM sign_in WHERE NOT good")
    assert all(folded.startswith("?") and "anne" not in folded for (folded,) in rows)


def one_like(anne):
    other = Authenticator()
    other.handle = anne.handle
    return other


@given(st.dictionaries(field_names, json_values), st.dictionaries(field_names, json_values), json_values)
def test_whatever_a_stranger_sends_claims_nothing(outer, inner, client):
    challenges = Challenges(bytes(32))
    said = {**inner, "clientDataJSON": b64(json.dumps(client).encode())}
    assert challenges.claim({**outer, "response": inner}, NOW) is None
    assert challenges.claim({**outer, "response": said}, NOW) is None


@given(st.binary(max_size=80))
def test_only_the_town_makes_challenges(challenge):
    client = json.dumps({"type": "webauthn.get", "challenge": b64(challenge)}).encode()
    answer = {"id": "eA", "response": {"clientDataJSON": b64(client), "userHandle": "eA"}}
    assert Challenges(b"k" * 32).claim(answer, NOW) is None


async def test_a_town_may_want_a_password_of_everybody(town, anne):
    """`passwordless = false`: a passkey that signed in alone is a second factor from then on, and no more."""
    strict = town.a_gate(a_town(desk=DeskSection(passwordless=False)))
    held = await strict.sign_in_by_passkey(await answered(town, anne), SITE, HOME)
    assert held == SignInRefused(Refusal.SECOND_ONLY)

    first = await strict.sign_in("Anne", OWN, HOME)
    assert first.visitor.session.stage is Stage.PASSWORD
    asked = await strict.begin_passkey(first.cookie, SITE)
    entered = await strict.prove_by_passkey(first.cookie, anne.get(asked), SITE, HOME)
    assert entered.visitor.session.stage is Stage.FULL
