"""Who may come in, how fast, and what they may do."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from alerts.model.person import MAY, OF_A_TOWN, Act, Role
from alerts.web.api.document import EVERY_OPERATION
from alerts.web.api.guard import PROGRAM, STRANGER, TokenPace, TokenRateLimit
from tests.unit.web.api.bureau import ROLES, open_bureau
from tests.walls import in_one_test

GUARDED = [operation for operation in EVERY_OPERATION if operation.act is not None]


def address_of(operation):
    return operation.path.replace("{id}", "nosuchalert")


def test_a_reporter_may_report_and_nothing_else():
    assert [act for act in Act if Role.REPORTER.may(act)] == [Act.REPORT]
    assert not Role.OPERATOR.may(Act.REPORT)
    assert [role for role in OF_A_TOWN if not role.may(Act.REPORT)] == [Role.VIEWER], "who only looks brings nothing"


@in_one_test
@pytest.mark.parametrize("operation", GUARDED)
async def test_each_operation_asks_for_its_role(bureau, operation):
    body = {"json": {"headline": "Coupure", "dry_run": True}} if operation.name == "postAlert" else {}
    for role in ROLES:
        answer = await bureau.ask(operation.method, address_of(operation), role, **body)
        refused = answer.status == 403

        assert refused is not Role(role).may(operation.act), (operation.name, role)
        if refused:
            assert f"{role} is {role}" in (await answer.json())["detail"]
            assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


def test_whatever_changes_something_takes_more_than_a_viewer():
    changing = [operation for operation in GUARDED if operation.method == "POST" and operation.act is not Act.REPORT]
    assert all(MAY[operation.act].at_least(Role.AUTHOR) for operation in changing)
    assert {operation.name for operation in EVERY_OPERATION if operation.act is None} == {"getDocument"}
    assert next(one for one in GUARDED if one.name == "approveAlert").act is Act.APPROVE
    assert next(one for one in GUARDED if one.name == "getAudit").act is Act.ADMINISTER


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
async def test_nothing_is_told_without_a_token(bureau, operation):
    for header in (
        None,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic YTpi",
        "Bearer token-of-author x",
        "token-of-author",
    ):
        headers = {"Authorization": header} if header else {}
        answer = await bureau.ask(operation.method, address_of(operation), None, headers=headers)

        assert answer.status == 401, header
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="tocsin"')
        assert answer.content_type == "application/problem+json"


async def test_two_tokens_are_none(bureau):
    headers = [("Authorization", "Bearer token-of-author"), ("Authorization", "Bearer token-of-viewer")]

    assert (await bureau.client.get("/api/v1/me", headers=headers)).status == 401


async def test_a_token_that_was_withdrawn_is_none(bureau):
    assert (await bureau.ask("GET", "/me")).status == 200
    await bureau.write("UPDATE token SET revoked_at = 1")

    assert (await bureau.ask("GET", "/me")).status == 401


async def test_a_cookie_is_not_looked_at_and_no_other_site_is_let_in(bureau):
    cookies = {"Cookie": "session=token-of-author; token=token-of-author", "Origin": "https://evil.example"}

    answer = await bureau.ask("GET", "/me", None, headers=cookies)
    before = await bureau.ask("OPTIONS", "/me", None, headers={"Access-Control-Request-Method": "GET", **cookies})

    assert answer.status == 401
    assert before.status == 405
    for each in (answer, before):
        assert not [name for name in each.headers if name.lower().startswith("access-control")]
        assert "Set-Cookie" not in each.headers


async def test_a_program_that_asks_too_fast_is_told_when_to_ask_again(bureau):
    for _ in range(PROGRAM.burst):
        assert (await bureau.ask("GET", "/me")).status == 200

    slow = await bureau.ask("GET", "/me")
    assert slow.status == 429
    assert slow.headers["Retry-After"] == "1"
    assert slow.headers["RateLimit"] == '"token";r=0;t=1'
    assert slow.headers["RateLimit-Policy"] == '"token";q=120;w=12'
    assert (await bureau.ask("GET", "/me", "viewer")).status == 200
    await bureau.clock.advance(1)
    assert (await bureau.ask("GET", "/me")).headers["RateLimit"] == '"token";r=9;t=1'


async def test_wrong_tokens_slow_their_address_and_no_good_token(bureau):
    answers = [(await bureau.ask("GET", "/me", f"guess{number}")).status for number in range(STRANGER.burst + 1)]

    assert answers == [401] * STRANGER.burst + [429]
    assert (await bureau.ask("GET", "/openapi.json", None)).status == 429
    assert (await bureau.ask("GET", "/me")).status == 200


def test_a_bucket_fills_again_and_no_further():
    now = [0.0]
    gate = TokenRateLimit(TokenPace("token", burst=2, each_second=0.5), lambda: now[0])
    assert [gate.ask("a").granted for _ in range(3)] == [True, True, False]
    assert gate.ask("a").headers()["Retry-After"] == "2"
    now[0] = 1.5
    assert not gate.ask("a").granted
    now[0] = 2.0
    assert gate.ask("a").granted
    now[0] = 1000.0
    assert [gate.ask("a").granted for _ in range(3)] == [True, True, False]


async def test_a_clock_that_is_set_back_takes_nothing_away(bureau):
    for _ in range(PROGRAM.burst):
        await bureau.ask("GET", "/me")
    bureau.clock.set(bureau.clock.now() - timedelta(days=1))
    await bureau.clock.advance(1)
    assert (await bureau.ask("GET", "/me")).status == 200


@pytest.mark.parametrize(("proxy", "address"), [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")])
async def test_only_our_own_proxies_are_believed(tmp_path, proxy, address):
    async with open_bureau(tmp_path, proxies=[ip_network(proxy)]) as bureau:
        await bureau.posted(headers={"X-Forwarded-For": "made-up, 203.0.113.9"})

        assert await bureau.rows("SELECT address FROM audit WHERE act = 'post'") == [(address,)]
