"""What an administrator does to accounts and tokens, and what programs may with them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from alerts.access import accounts
from alerts.access.passwords import fault_of
from alerts.access.sessions import Entered, SignInRefused, Visit, digest_of, offer_code
from alerts.desk.officer import Officer
from alerts.model.errors import Forbidden, Misuse, Refused
from alerts.model.person import Actor, Origin, Role, Stage
from alerts.model.subscriber import Linked
from tests.unit.access.town import AWAY, FIRST, HOME, ROOT
from tests.walls import in_one_test

FROM = Visit("192.0.2.50", "a program")


async def act(town, action, *args, by=ROOT):
    return await town.service.act(lambda unit: action(Officer(unit, by), *args))


async def a_token(town, name="meteo", role=Role.AUTHOR, number=0):
    token, bearer = await act(town, accounts.add_token, name, role, number.to_bytes(32, "big"))
    return token, bearer.reveal()


async def test_a_program_acts_under_its_own_name(town):
    token, bearer = await a_token(town)
    assert bearer.startswith("tocsin_")
    assert await town.gate.program(bearer, FROM) == Actor("meteo", Role.AUTHOR, Origin.API, FROM.address)
    assert (await town.lines())[-1] == ("token added", "meteo", f"{token.id} author")
    assert bearer not in repr(token) + str(town.raw("SELECT * FROM token")) + str(await town.lines())


async def test_a_token_of_an_account_acts_as_that_person(town):
    await town.add("Anne", Role.APPROVER)
    _, bearer = await a_token(town, " ANNE ", Role.AUTHOR)
    assert (await town.gate.program(bearer)) == Actor("Anne", Role.AUTHOR, Origin.API, "")


async def test_a_token_may_no_more_than_its_person_also_later(town):
    await town.add("Anne", Role.AUTHOR)
    with pytest.raises(Misuse, match="Anne is author"):
        await a_token(town, "anne", Role.APPROVER)
    _, bearer = await a_token(town, "anne", Role.AUTHOR)
    await act(town, accounts.set_role, "Anne", Role.VIEWER)
    assert (await town.gate.program(bearer)).role is Role.VIEWER


async def test_a_token_of_a_person_who_is_shut_out_is_refused(town):
    await town.add()
    _, bearer = await a_token(town, "Anne")
    await town.disable()
    assert await town.gate.program(bearer) is None
    with pytest.raises(Misuse, match="disabled"):
        await a_token(town, "Anne", number=1)


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_revoked_token_is_refused(town, by_id):
    token, bearer = await a_token(town)
    _, other = await a_token(town, number=1)
    await act(town, accounts.revoke, token.id if by_id else " METEO ")
    assert await town.gate.program(bearer) is None
    assert (await town.gate.program(other) is None) is not by_id
    with pytest.raises(Misuse, match="a valid token"):
        await act(town, accounts.revoke, token.id)


async def test_what_is_no_token_is_refused(town):
    token, bearer = await a_token(town)
    for made_up in ("", "tocsin_", bearer[:-1], bearer + "x", token.digest, token.id, "\udcff"):
        assert await town.gate.program(made_up) is None


async def test_a_token_s_use_is_written_once_a_minute_at_most(town):
    _, bearer = await a_token(town)
    used = lambda: town.raw("SELECT used_at FROM token")  # noqa: E731
    await town.gate.program(bearer)
    await town.gate.touches.done()
    before = used()
    assert before != [(None,)]
    await town.clock.advance(59)
    await town.gate.program(bearer)
    await town.gate.touches.done()
    assert used() == before
    await town.clock.advance(1)
    await town.gate.program(bearer)
    await town.gate.touches.done()
    assert used() != before


async def test_people_and_programs_share_one_name_space(town):
    token, _ = await a_token(town, "meteo")
    with pytest.raises(Misuse, match="name of a token"):
        await town.add("Météo".replace("é", "e"))
    await act(town, accounts.revoke, token.id)
    await town.add("Meteo")
    with pytest.raises(Misuse, match="an account already"):
        await town.add("ｍeteo")


@in_one_test
@pytest.mark.parametrize(
    "name", ["", "  ", "\u200b", "?code anne", "？code anne", "-", "a\nb\x00", "x" * 61, "\u202eenna"]
)
async def test_what_is_no_name(town, name):
    with pytest.raises(Misuse, match="no name"):
        await town.add(name)
    with pytest.raises(Misuse, match="no name"):
        await a_token(town, name)


async def test_a_reset_begins_anew(town):
    codes = await town.settled()
    entered = await town.full(codes)
    again = town.passwords.hash_now("second-first-password")
    await act(town, accounts.reset, "anne", again)

    assert await town.gate.visitor(entered.cookie, HOME) is None
    assert isinstance(await town.gate.sign_in("Anne", FIRST, HOME), SignInRefused)
    entered = await town.gate.sign_in("Anne", "second-first-password", HOME)
    assert entered.visitor.session.stage is Stage.NEW_PASSWORD
    assert (await town.lines("account reset")) == [("account reset", "Anne", "1 second factors removed")]


async def test_a_reset_ends_the_person_s_tokens_and_nobody_else_s(town):
    await town.settled()
    _, mine = await a_token(town, "anne")
    _, theirs = await a_token(town, "meteo-gateway", number=1)
    assert await town.gate.program(mine) is not None
    await act(town, accounts.reset, "Anne", town.passwords.hash_now("second-first-password"))

    assert await town.gate.program(mine) is None
    assert await town.gate.program(theirs) is not None
    assert [subject for _, subject, _ in await town.lines("token revoked")] == ["Anne"]


async def test_a_lost_telephone_decides_nothing_after_a_reset(town):
    await town.settled(role=Role.APPROVER)
    await town.add("Paul", Role.APPROVER)

    def link(unit):
        for chat, name in ((1, "Anne"), (2, "Anne"), (3, "Paul")):
            unit.officer_chats.link(Linked("telegram", chat, name))
        return offer_code(unit, "Anne"), offer_code(unit, "Paul")

    def redeem(unit, code):
        return unit.officer_chats.redeem(digest_of(code), unit.now)

    lost, other = await town.service.act(link)
    await act(town, accounts.reset, "anne", town.passwords.hash_now("second-first-password"))
    left = await town.service.ask(lambda unit: [each.chat for each in unit.officer_chats.all("telegram")])
    assert left == [3]
    assert await town.service.act(lambda unit: redeem(unit, lost)) is None
    assert await town.service.act(lambda unit: redeem(unit, other)) == "paul"
    assert await town.lines("chat unlinked") == [("chat unlinked", "Anne", "")]


async def test_who_is_enabled_again_comes_in_as_before_and_their_tokens_do_not(town):
    codes = await town.settled()
    _, bearer = await act(town, accounts.add_token, "Anne", Role.AUTHOR, bytes(accounts.TOKEN_BYTES))
    await town.disable()
    with pytest.raises(Refused, match="already"):
        await town.disable()
    await act(town, accounts.enable, "Anne")
    with pytest.raises(Refused, match="isn't disabled"):
        await act(town, accounts.enable, "Anne")
    assert (await town.full(codes)).visitor.session.stage is Stage.FULL
    assert await town.gate.program(bearer.reveal()) is None


async def test_a_role_holds_from_the_next_click_on(town):
    codes = await town.settled()
    entered = await town.full(codes)
    await act(town, accounts.set_role, "Anne", Role.VIEWER)
    assert (await town.gate.visitor(entered.cookie, HOME)).actor.role is Role.VIEWER
    assert (await town.lines())[-1] == ("role changed", "Anne", "author to viewer")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.APPROVER])
async def test_only_an_administrator_does(town, role):
    await town.add()
    token, _ = await a_token(town)
    by, before = Actor("Eve", role, Origin.CONSOLE), await town.lines()
    for action, *args in (
        (accounts.add_account, "Eve2", Role.ADMINISTRATOR, "hash"),
        (accounts.set_role, "Anne", Role.ADMINISTRATOR),
        (accounts.disable, "Anne"),
        (accounts.enable, "Anne"),
        (accounts.reset, "Anne", "hash"),
        (accounts.add_token, "Eve", Role.ADMINISTRATOR, bytes(32)),
        (accounts.revoke, token.id),
    ):
        with pytest.raises(Forbidden):
            await act(town, action, *args, by=by)
    assert await town.lines() == before


async def test_a_first_password_can_be_read_aloud(town):
    made = {accounts.first_password(number.to_bytes(32, "big")) for number in (0, 1, 2**255)}
    assert len(made) == 3
    for password in made:
        assert re.fullmatch(r"([2-9a-hjkmnp-tv-z]{4}-){4}[2-9a-hjkmnp-tv-z]{4}", password.reveal())
        assert repr(password) == "***"
    good = accounts.first_password(bytes(range(32))).reveal()
    assert fault_of(good, "Anne") is None
    await act(town, accounts.add_account, "Bruno", Role.VIEWER, town.passwords.hash_now(good))
    assert isinstance(await town.gate.sign_in("Bruno", good, AWAY), Entered)


@pytest.mark.parametrize("name", ["\u0430nne", "Ann\u0435 Martin", "\u0391nne", "Anne\u00b5", "\u0391\u0430"])
async def test_a_name_of_letters_that_look_alike_is_refused(town, name):
    await town.add("Anne")
    with pytest.raises(Misuse, match="letters, of which some look alike; allowed: letters of one script"):
        await town.add(name)
    with pytest.raises(Misuse, match="look alike"):
        await a_token(town, name)


@in_one_test
@pytest.mark.parametrize(
    "name", ["\u0410\u043d\u043d\u0430", "\u0386\u03bd\u03bd\u03b1", "Zo\u00eb \u0141.-7", "\u5b89\u5a1c Ann"]
)
async def test_a_name_of_one_script_is_taken(town, name):
    assert (await town.add(name)).name == name


async def test_a_token_of_an_account_that_was_there_before_is_its_own(town):
    account = await town.add("Anne")
    await town.service.act(lambda unit: unit.accounts.put_account(replace(account, name="\u0430nne")))
    token, _ = await a_token(town, "\u0430nne", Role.AUTHOR)
    assert token.name == "\u0430nne"
