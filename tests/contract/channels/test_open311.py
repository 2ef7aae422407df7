"""Handing reports to a server of Open311, over real sockets against its stand-in, whatever becomes of the answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from alerts.channels import open311
from alerts.channels.open311 import Open311
from alerts.config.sections import ReportForwardSettings
from alerts.daemon.reports import addresses_for
from alerts.model.errors import BadCredential, InDoubt, Rejected, Retry
from alerts.model.reports import Handover, ReportForward
from tocsin_sandbox.settings import OPEN311_KEY

REPORT = Handover(
    "SM-26-0417", "FLOOD", 45.19034, 5.71077, "De l’eau & <b>encore</b>\n\nSaint-Martin, SM-26-0417", "Rue"
)
POSTS, READS = "POST .*/requests", "GET "


@pytest.fixture
def server(stage, monkeypatch):
    """The channel to the stand-in; `stage` runs it."""
    monkeypatch.setattr(open311, "TIMEOUT", timedelta(seconds=0.5))
    return make(stage)


def make(stage, url=None, **more):
    told = {"url": url or f"{stage.sandbox.url}/open311/v2", "kinds": {"flooding": "FLOOD"}, "allow_private": True}
    section = ReportForwardSettings.model_validate({**told, "key": {"env": "AGGLO_KEY"}, **more})
    forward = ReportForward("agglo", section.url, section.kinds, settings=section)
    parts = {"session": stage.session, "clock": stage.clock, "folder": stage.folder}
    return Open311(forward, section.key, addresses=addresses_for(forward), **parts)


async def control(stage, method, path, **body):
    async with stage.session.request(method, f"{stage.sandbox.url}/sandbox/{path}", json=body or None) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json(content_type=None)


async def given(stage):
    return await control(stage, "GET", "open311.json")


async def fault(stage, kind, route=POSTS, **more):
    await control(stage, "POST", "faults", platform="open311", kind=kind, route=route, **more)


async def around(stage, server):
    now = stage.clock.now()
    return await server.look("FLOOD", now - timedelta(minutes=10), now + timedelta(minutes=10))


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_report_is_handed_over_found_and_asked_after(stage, server, wrapped):
    await control(stage, "POST", "rules", open311_wrapped=wrapped)
    made = await server.hand_over(REPORT)
    [there] = await given(stage)
    assert (made.remote_id, made.token) == (there["service_request_id"], None)
    assert (there["description"], there["lat"], there["address"]) == (REPORT.words, REPORT.lat, "Rue")
    assert set(there["fields"]) == {"service_code", "lat", "long", "description", "address_string", "api_key"}
    [found] = await around(stage, server)
    assert REPORT.number in found.words
    assert not found.is_closed
    await control(stage, "POST", "open311/close", request=made.remote_id, notes="Pompé\nce matin")
    [closed] = await server.statuses([made.remote_id, "77"])
    assert (closed.is_closed, closed.said) == (True, "Pompé ce matin")


async def test_a_token_is_asked_for_its_id_until_there_is_one(stage, server):
    await control(stage, "POST", "rules", open311_tokens=True, open311_lag=30)
    made = await server.hand_over(REPORT)
    assert made.remote_id is None
    assert await server.id_of_token(made.token) is None
    assert await around(stage, server) == []
    await stage.clock.advance(31)
    assert await server.id_of_token(made.token) == (await given(stage))[0]["service_request_id"]
    assert await server.id_of_token("t/../9") is None


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ({"kind": "cut_after"}, InDoubt, 1),
        ({"kind": "error_after", "status": 502}, InDoubt, 1),
        ({"kind": "half"}, InDoubt, 1),
        ({"kind": "hang"}, InDoubt, 0),
        ({"kind": "drip", "seconds": 30}, InDoubt, 1),
        ({"kind": "cut_before"}, InDoubt, 0),
        ({"kind": "error_json", "status": 500}, InDoubt, 0),
        ({"kind": "error_html"}, InDoubt, 0),
        ({"kind": "error_json", "status": 400, "message": "hors zone"}, Rejected, 0),
        ({"kind": "rate_limit", "retry_after": 120}, Retry, 0),
        ({"kind": "revoked"}, BadCredential, 0),
    ],
)
async def test_each_way_of_an_answer_to_be_lost(stage, server, kind, error, made):
    await fault(stage, times=1, **kind)
    with pytest.raises(error) as raised:
        await server.hand_over(REPORT)
    assert len(await given(stage)) == made
    assert OPEN311_KEY not in f"{raised.value!r} {raised.value}"
    if error is Retry:
        assert raised.value.after == stage.clock.now() + timedelta(seconds=120)
    # Whatever it was, what was made is found by our number, and the next one goes over.
    assert len(await around(stage, server)) == made
    await server.hand_over(REPORT)


@pytest.mark.parametrize("kind", ["error_json", "error_html", "half", "hang", "rate_limit", "revoked"])
async def test_a_question_may_be_asked_again_whatever_became_of_it(stage, server, kind):
    await server.hand_over(REPORT)
    await fault(stage, kind, READS, times=1)
    with pytest.raises((Retry, BadCredential)):
        await around(stage, server)
    assert len(await around(stage, server)) == 1


async def test_nobody_who_answers_for_ever_is_waited_for(stage, server):
    await fault(stage, "hang")
    began = asyncio.get_running_loop().time()
    with pytest.raises(InDoubt):
        await server.hand_over(REPORT)
    assert asyncio.get_running_loop().time() - began < 60


async def test_a_wrong_key_is_a_credential_s_trouble(stage, server, monkeypatch):
    monkeypatch.setenv("AGGLO_KEY", "wrong")
    with pytest.raises(BadCredential) as raised:
        await server.hand_over(REPORT)
    assert raised.value.reason.code == "forward_key_refused"


async def test_a_server_in_the_town_s_own_network_is_asked_where_that_is_allowed_alone(stage, server):
    await make(stage).hand_over(REPORT)
    host = stage.sandbox.url.replace("127.0.0.1", "localhost")
    for url in (None, f"{host}/open311/v2"):
        with pytest.raises(BadCredential) as raised:
            await make(stage, url, allow_private=False).hand_over(REPORT)
        assert raised.value.reason.code == "forward_private"
    assert len(await given(stage)) == 1


async def test_a_server_that_isn_t_there_was_given_nothing(stage, server):
    with pytest.raises(Retry) as raised:
        await make(stage, "http://127.0.0.1:9/open311/v2").hand_over(REPORT)
    assert not raised.value.sent


async def test_a_redirect_is_followed_nowhere(stage, server):
    async def away(_):
        raise aiohttp.web.HTTPFound(f"{stage.sandbox.url}/open311/v2/requests.json")

    app = aiohttp.web.Application()
    app.router.add_route("*", "/{tail:.*}", away)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        with pytest.raises(BadCredential):
            await make(stage, f"http://{host}:{port}/v2").hand_over(REPORT)
    finally:
        await runner.cleanup()
    assert await given(stage) == []
