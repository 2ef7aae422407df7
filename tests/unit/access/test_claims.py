"""A form tells whose it was, and only the desk can say so."""

from __future__ import annotations

import pytest

from alerts.access.sessions import LONGEST_CLAIM, claim_of, claimed_in


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
