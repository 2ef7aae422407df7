"""Once, however often it is asked."""

from __future__ import annotations

import asyncio

import pytest

from alerts.model.errors import DatabaseRefused
from alerts.model.person import REPLIES_KEPT, KeptReply
from tests.walls import in_one_test

WORDS = {"headline": "Coupure d’eau", "severity": "Minor"}
KEY = {"Idempotency-Key": "un-1"}


async def count(bureau, table="alert"):
    [(number,)] = await bureau.rows(f"SELECT count(*) FROM {table}")
    return number


async def test_the_same_key_is_answered_the_same_without_acting_again(bureau):
    first = await bureau.ask("POST", "/alerts", json={**WORDS, "again": True}, headers=KEY)
    second = await bureau.ask("POST", "/alerts", json={"again": True, **WORDS}, headers=KEY)

    assert first.status == second.status == 201
    assert await first.read() == await second.read()
    assert second.headers["Idempotent-Replayed"] == "true"
    for name in ("Location", "ETag"):
        assert first.headers[name] == second.headers[name]
    assert await count(bureau) == 1


@pytest.mark.parametrize("change", [{"headline": "Autre"}, {"again": True}])
async def test_another_request_under_the_same_key_is_refused(bureau, change):
    await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=201)

    problem = await bureau.told("POST", "/alerts", json={**WORDS, **change}, headers=KEY, status=422)

    assert problem["type"] == "urn:problem-type:tocsin:key-reused"
    assert await count(bureau) == 1


async def test_another_address_under_the_same_key_is_another_request(bureau):
    one = await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=201)
    key = {"Idempotency-Key": "deux"}
    await bureau.told("POST", f"/alerts/{one['alert']}/reject", "approver", headers=key)

    assert (await bureau.ask("POST", f"/alerts/{one['alert']}/drop", "approver", headers=key)).status == 422


async def test_each_token_has_its_own_keys(bureau):
    await bureau.give("author", "author", "second-token")
    first = await bureau.told("POST", "/alerts", json={**WORDS, "again": True}, headers=KEY, status=201)
    other = await bureau.told("POST", "/alerts", "second-token", json={**WORDS, "again": True}, headers=KEY, status=201)

    assert first["alert"] != other["alert"]


async def test_two_at_once_act_once(bureau):
    asked = [bureau.ask("POST", "/alerts", json={**WORDS, "again": True}, headers=KEY) for _ in range(6)]

    answers = await asyncio.gather(*asked)

    assert {answer.status for answer in answers} <= {201, 409}
    assert 201 in {answer.status for answer in answers}
    assert await count(bureau) == 1


async def test_while_one_is_under_way_another_is_told_to_ask_again(bureau):
    await bureau.told("GET", "/me")  # that the token was used is kept now: the next write is the alert's
    release, entered, act = asyncio.Event(), asyncio.Event(), bureau.service.act

    async def slow(action):
        bureau.service.act = act  # only the first one waits
        entered.set()
        await release.wait()
        return await act(action)

    bureau.service.act = slow
    first = asyncio.create_task(bureau.ask("POST", "/alerts", json=WORDS, headers=KEY))
    await entered.wait()
    second = await bureau.ask("POST", "/alerts", json=WORDS, headers=KEY)
    release.set()

    assert (await first).status == 201
    assert (second.status, (await second.json())["type"]) == (409, "urn:problem-type:tocsin:under-way")
    assert bureau.api.under_way == set()


async def test_the_answer_is_kept_with_the_act_or_neither_is(bureau):
    """What stops the program between acting and keeping the answer undoes both, and the key may be tried again."""
    await bureau.write("CREATE TRIGGER pulled BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'power'); END")
    problem = await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=503)
    assert (await count(bureau), await count(bureau, "post"), await count(bureau, "audit")) == (0, 0, 0)
    assert "power" not in problem["detail"]

    await bureau.write("DROP TRIGGER pulled")
    await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=201)
    assert await count(bureau) == 1


async def test_an_error_is_not_kept(bureau):
    body = {"headline": "Essai", "exercise": True, "channels": ["page"]}
    await bureau.told("POST", "/alerts", json=body, headers=KEY, status=409)
    assert await count(bureau, "idempotency") == 0

    await bureau.told("POST", "/alerts", json={**body, "channels": ["exercices"]}, headers=KEY, status=201)


async def test_a_key_is_forgotten_after_a_day(bureau):
    await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=201)
    await bureau.clock.advance(REPLIES_KEPT.total_seconds() + 1)

    await bureau.told("POST", "/alerts", json={**WORDS, "headline": "Autre"}, headers=KEY, status=201)

    assert await count(bureau, "idempotency") == 1


async def test_a_dry_run_takes_no_key(bureau):
    await bureau.told("POST", "/alerts", json={**WORDS, "dry_run": True}, headers=KEY)

    await bureau.told("POST", "/alerts", json=WORDS, headers=KEY, status=201)


@in_one_test
@pytest.mark.parametrize("key", ["", "x" * 256, "é", " "])
async def test_a_key_that_is_none_is_told(bureau, key):
    assert (await bureau.ask("POST", "/alerts", json=WORDS, headers={"Idempotency-Key": key})).status == 400


async def test_a_decision_is_told_again_too(bureau):
    told = await bureau.posted()
    path = f"/alerts/{told['alert']}/approve"
    first = await bureau.told("POST", path, "approver", headers=KEY)

    assert await bureau.told("POST", path, "approver", headers=KEY) == first
    assert (await bureau.ask("POST", path, "approver")).status == 409


async def test_a_role_that_was_taken_away_is_told_nothing(bureau):
    await bureau.give("bob", "author", "bobs")
    await bureau.told("POST", "/alerts", "bobs", json=WORDS, headers=KEY, status=201)
    await bureau.give("bob", "viewer", "bobs")

    assert (await bureau.ask("POST", "/alerts", "bobs", json=WORDS, headers=KEY)).status == 403


async def test_nothing_kept_is_written_while_asked(bureau):
    reply = KeptReply("t", "k", "r", 200, "{}", bureau.clock.now())
    await bureau.service.act(lambda unit: unit.replies.keep(reply))

    assert await bureau.service.ask(lambda unit: unit.replies.reply("t", "k")) == reply
    assert await bureau.service.ask(lambda unit: unit.replies.reply("t", "other")) is None
    with pytest.raises(DatabaseRefused):
        await bureau.service.ask(lambda unit: unit.replies.keep(reply))
