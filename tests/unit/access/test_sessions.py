"""What a session is worth, and until when; and that a form tells whose it was, and only the desk can say so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from alerts.access.sessions import LONGEST_CLAIM, Refusal, SignInRefused, claim_of, claimed_in
from tests.unit.access.town import AWAY, HOME, OWN


async def test_signing_out_makes_the_cookie_useless(town):
    codes = await town.settled()
    entered = await town.full(codes)

    await town.gate.sign_out(entered.cookie)

    assert await town.gate.visitor(entered.cookie, HOME) is None
    assert (await town.gate.change_password(entered.cookie, OWN, "another password", HOME)).reason is Refusal.OVER
    assert await town.gate.begin_code(entered.cookie) == SignInRefused(Refusal.OVER)
    assert (await town.lines())[-1][0] == "signed out"


async def test_signing_out_everywhere_ends_all_of_them(town):
    codes = await town.settled()
    phone, desk = await town.full(codes, visit=AWAY), await town.full(codes)

    await town.gate.sign_out_everywhere(desk.cookie)

    assert await town.gate.visitor(phone.cookie, AWAY) is None
    assert await town.gate.visitor(desk.cookie, HOME) is None


async def test_who_is_idle_is_signed_out_and_who_is_busy_is_not(town):
    codes = await town.settled()
    idle, busy = await town.full(codes), await town.full(codes, visit=AWAY)

    for _ in range(13):
        await town.clock.advance(3600)
        assert await town.gate.visitor(busy.cookie, AWAY)
        await town.gate.touches.done()
    assert await town.gate.visitor(idle.cookie, HOME) is None


async def test_a_session_ends_however_busy(town):
    codes = await town.settled()
    busy = await town.full(codes)
    for _ in range(7):
        await town.clock.advance(timedelta(hours=11.9).total_seconds())
        assert await town.gate.visitor(busy.cookie, HOME)
        await town.gate.touches.done()
    await town.clock.advance(3600)
    assert await town.gate.visitor(busy.cookie, HOME) is None


async def test_a_new_password_does_not_lengthen_a_session(town):
    codes = await town.settled()
    entered = await town.full(codes)
    await town.clock.advance(3600)
    changed = await town.gate.change_password(entered.cookie, OWN, "another password", HOME)
    assert changed.visitor.session.expires_at == entered.visitor.session.expires_at


async def test_a_sign_in_that_is_left_halfway_is_over_after_half_an_hour(town):
    codes = await town.settled()
    halfway = await town.enter()
    await town.clock.advance(30 * 60)
    assert await town.gate.prove_by_code(halfway.cookie, town.code(codes), HOME) == SignInRefused(Refusal.OVER)


async def test_being_seen_is_written_once_a_minute_at_most(town):
    codes = await town.settled()
    entered = await town.full(codes)
    seen = lambda: town.raw("SELECT seen_at FROM session")  # noqa: E731
    before = seen()

    await town.clock.advance(59)
    await town.gate.visitor(entered.cookie, HOME)
    await town.gate.touches.done()
    assert seen() == before
    await town.clock.advance(1)
    await town.gate.visitor(entered.cookie, HOME)
    await town.gate.touches.done()
    assert seen() != before


async def test_what_a_page_fetches_by_itself_keeps_no_session_alive(town, rules):
    entered = await town.full(await town.settled())
    await town.clock.advance(rules.desk.session.total_seconds() - 60)
    assert await town.gate.visitor(entered.cookie, HOME, by_hand=False)
    await town.gate.touches.done()
    await town.clock.advance(60)
    assert await town.gate.visitor(entered.cookie, HOME) is None


async def test_who_is_looked_for_is_found_while_the_database_is_held(town):
    """Neither waited for nor failed: the lock is let go only after the answer was there."""
    entered = await town.full(await town.settled())
    await town.clock.advance(60)
    with closing(sqlite3.connect(town.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = [await town.gate.visitor(entered.cookie, HOME) for _ in range(3)]
        other.execute("ROLLBACK")
    await town.gate.touches.done()
    assert [visitor.account.name for visitor in found] == ["Anne"] * 3


async def test_a_time_that_cannot_be_kept_is_logged_once_a_minute(town):
    entered = await town.full(await town.settled())
    town.raw("CREATE TRIGGER refused BEFORE UPDATE ON session BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    town.raw("CREATE TRIGGER refused_too BEFORE INSERT ON session BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with capture_logs() as logs:
        for seconds in (60, 1, 60):
            await town.clock.advance(seconds)
            assert await town.gate.visitor(entered.cookie, HOME)
            await town.gate.touches.done()
    assert [(line["event"], line["cause"]) for line in logs] == [("session.untouched", "IntegrityError")] * 2


async def test_a_session_s_token_says_whose_it_is_when_the_session_is_over(town):
    entered = await town.full(await town.settled("Ånne-Ligia Ñ"), "Ånne-Ligia Ñ")
    claim = claimed_in(entered.visitor.session.csrf)
    await town.gate.sign_out(entered.cookie)
    assert await town.gate.author(claim) == "Ånne-Ligia Ñ"


async def test_with_another_password_it_is_not_believed(town):
    await town.settled()
    claim = claim_of(await town.account())
    entered = await town.enter()
    assert await town.gate.author(claim) == "Anne"
    assert entered
    town.raw("UPDATE account SET password = 'another'")
    assert await town.gate.author(claim) is None


@pytest.mark.parametrize("claim", ["", ".", "QW5uZQ.", "QW5uZQ.00", "é.x", "%%.x", "/w.x", "QW5uZQ.\udcff", "A" * 999])
async def test_what_is_made_up_is_nobody_s(town, claim):
    await town.add()
    assert await town.gate.author(claim) is None


def test_a_token_without_a_claim_has_none():
    assert [claimed_in(token) for token in ("", "x", "x." + "y" * (LONGEST_CLAIM + 1), "x.y.z")] == ["", "", "", "y.z"]
