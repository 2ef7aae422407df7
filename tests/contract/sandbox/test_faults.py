"""Every kind of fault: what the client sees, and whether the post was taken all the same."""

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web

from tests.walls import in_one_test
from tocsin_sandbox import RunningSandbox, SandboxSettings, create_app, serve

PLATFORMS = ("twitter", "facebook", "telegram")
CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientOSError)


def publish(world, platform, text="Crue"):
    return {"twitter": world.tweet, "facebook": world.page_post, "telegram": world.say}[platform](text)


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


async def test_cut_before_the_post_is_not_taken(world, platform):
    await world.fault(platform, "cut_before")
    with pytest.raises(CUT):
        await publish(world, platform)
    assert await world.posts(platform) == []
    assert [line["status"] for line in await world.requests()] == [None]


async def test_cut_after_the_post_was_taken(world, platform):
    await world.fault(platform, "cut_after")
    with pytest.raises(CUT):
        await publish(world, platform)
    assert len(await world.posts(platform)) == 1
    assert [line["status"] for line in await world.requests()] == [None]


async def test_half_an_answer_to_a_post_that_was_taken(world, platform):
    await world.fault(platform, "half")
    with pytest.raises(aiohttp.ClientPayloadError):
        await publish(world, platform)
    assert len(await world.posts(platform)) == 1


async def test_json_errors_have_the_platforms_shape(world, platform):
    await world.fault(platform, "error_json")
    said = await publish(world, platform)
    assert said.status == {"twitter": 503, "facebook": 500, "telegram": 500}[platform]
    shape = {
        "twitter": {"title", "type", "status", "detail"},
        "facebook": {"error"},
        "telegram": {"ok", "error_code", "description"},
    }
    assert set(said.json) == shape[platform]
    assert await world.posts(platform) == []


async def test_html_errors_are_a_proxys_page(world, platform):
    await world.fault(platform, "error_html")
    said = await publish(world, platform)
    assert (said.status, said.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert said.body.startswith(b"<html>")
    await world.ask("DELETE", "/sandbox/faults")
    await world.fault(platform, "error_html", status=503)
    assert (await publish(world, platform)).status == 503
    assert await world.posts(platform) == []


async def test_an_error_after_the_post_was_taken(world, platform):
    await world.fault(platform, "error_after", times=1)
    said = await publish(world, platform)
    assert said.status >= 500
    assert len(await world.posts(platform)) == 1
    if platform == "facebook":
        assert (said.status, said.error["code"], said.error["is_transient"]) == (500, 2, True)


async def test_a_rate_limit_with_a_time(world, platform):
    await world.fault(platform, "rate_limit", retry_after=90)
    said = await publish(world, platform)
    if platform == "twitter":
        assert said.status == 429
        assert (said.headers["x-rate-limit-remaining"], int(said.headers["x-rate-limit-reset"])) == (
            "0",
            world.clock.now + 90,
        )
    elif platform == "facebook":
        assert (said.status, said.error["code"]) == (400, 4)
        usage = json.loads(said.headers["X-Business-Use-Case-Usage"])["1234567890"][0]
        assert usage["estimated_time_to_regain_access"] == 2
    else:
        assert (said.status, said.json["parameters"], said.headers["Retry-After"]) == (429, {"retry_after": 90}, "90")
    assert await world.posts(platform) == []


async def test_a_rate_limit_is_told_of_the_page_whose_comment_it_is(world):
    post = (await world.fb("POST", "1234567890/feed", data={"message": "Crue"})).json["id"]
    comment = (await world.fb("POST", f"{post}/comments", data={"message": "Décrue"})).json["id"]
    await world.fault("facebook", "rate_limit", retry_after=90)
    said = await world.fb("POST", comment, data={"message": "Décrue lente"})
    assert list(json.loads(said.headers["X-Business-Use-Case-Usage"])) == ["1234567890"]


async def test_a_rate_limit_without_a_time(world):
    await world.fault("twitter", "rate_limit")
    await world.fault("facebook", "rate_limit", code=32)
    said = await world.tweet("Crue")
    assert said.status == 429
    assert not [name for name in said.headers if name.startswith("x-rate-limit")]
    said = await world.page_post("Crue")
    assert (said.status, said.error["code"]) == (400, 32)
    assert "X-Business-Use-Case-Usage" not in said.headers


async def test_a_revoked_credential(world, platform):
    await world.fault(platform, "revoked")
    said = await publish(world, platform)
    assert said.status == {"twitter": 401, "facebook": 400, "telegram": 401}[platform]
    if platform == "facebook":
        assert said.error["code"] == 190
    assert await world.posts(platform) == []


@pytest.mark.parametrize("subcode", [460, 463, 492])
async def test_a_page_token_that_died_says_how(world, subcode):
    await world.fault("facebook", "revoked", subcode=subcode)
    assert (await world.page_post("Crue")).error["error_subcode"] == subcode
    told = await world.fb("GET", "debug_token?input_token=sandbox-page-token", token="sandbox-app|sandbox-app-secret")
    assert told.status == 200
    assert (told.data["is_valid"], told.data["error"]["subcode"]) == (False, subcode)


async def test_any_answer_can_be_had_by_its_code(world):
    await world.fault("twitter", "code", status=402, times=1)
    await world.fault("twitter", "code", status=403, message="You are suspended.")
    await world.fault("facebook", "code", code=368, subcode=1_390_008, message="Trop vite")
    await world.fault("telegram", "code", code=403, message="Forbidden: bot was kicked from the channel chat")
    assert (await world.tweet("Crue")).json["title"] == "CreditsDepleted"
    assert (await world.tweet("Crue")).json["detail"] == "You are suspended."
    error = (await world.page_post("Crue")).error
    assert (error["code"], error["error_subcode"], error["message"]) == (368, 1_390_008, "Trop vite")
    said = await world.say("Crue")
    assert (said.status, said.json["description"]) == (403, "Forbidden: bot was kicked from the channel chat")


async def test_latency_delays_and_the_post_is_taken(world, platform):
    await world.fault(platform, "latency", seconds=0.2)
    started = asyncio.get_running_loop().time()
    assert (await publish(world, platform)).status < 300
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_a_delayed_post_is_of_the_time_when_it_was_taken(world):
    await world.fault("twitter", "latency", seconds=2)
    arrival = world.clock.now
    posting = asyncio.ensure_future(world.tweet("Crue"))
    while not await world.requests():
        continue
    world.clock.advance(10)
    await posting
    assert (await world.posts("twitter"))[0]["created_at"] == arrival + 10
    assert (await world.requests())[0]["at"] == arrival


async def given_up(world, asking):
    """Ask, and leave as soon as the platform has the request."""
    request = asyncio.ensure_future(asking)
    while not await world.requests():
        continue
    request.cancel()
    await asyncio.wait({request})
    assert request.cancelled()


async def test_a_client_that_gave_up_waiting_was_posted_all_the_same(world):
    await world.fault("twitter", "latency", seconds=2)
    await given_up(world, world.tweet("Crue"))
    assert await world.posts("twitter") == []
    async with asyncio.timeout(60):
        while not await world.posts("twitter"):
            continue


async def test_hanging_lasts_until_the_client_leaves(world, platform):
    await world.fault(platform, "hang", times=1)
    await given_up(world, publish(world, platform))
    assert await world.posts(platform) == []
    assert (await publish(world, platform)).status < 300


async def test_nothing_is_left_of_a_hanging_request_once_the_client_has_left(world):
    await world.fault("twitter", "hang")
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as leaving:
        await given_up(world, leaving.get(f"{world.url}/2/users/me"))
    async with asyncio.timeout(60):
        while asyncio.all_tasks() - before:
            await world.requests()


async def test_what_hangs_or_waits_stops_with_the_sandbox(clock, session, make_world):
    app = create_app(SandboxSettings(clock=clock))
    runner = web.AppRunner(app, shutdown_timeout=60)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world = make_world(RunningSandbox(f"http://127.0.0.1:{runner.addresses[0][1]}", runner), session, clock)
    await world.fault("telegram", "hang", route="sendMessage")
    hanging = asyncio.ensure_future(world.say("Crue"))
    polling = asyncio.ensure_future(world.tg("getUpdates", timeout=50))
    async with asyncio.timeout(60):
        while len(await world.requests()) < 2:
            continue
        await world.sandbox.stop()
        with pytest.raises(CUT):
            await hanging
        assert (await polling).result == []


async def test_dripping_takes_its_time_and_is_whole(world, platform):
    await world.fault(platform, "drip", seconds=0.2)
    started = asyncio.get_running_loop().time()
    said = await publish(world, platform)
    assert said.json
    assert asyncio.get_running_loop().time() - started >= 0.2
    assert len(await world.posts(platform)) == 1


async def test_the_read_side_lags(world):
    await world.fault("twitter", "read_lag", seconds=5)
    await world.fault("facebook", "read_lag", seconds=5)
    tweet = (await world.tweet("Crue")).data["id"]
    post = (await world.page_post("Crue")).json["id"]
    world.clock.advance(4)
    assert await world.timeline() == []
    assert "data" not in (await world.x("GET", f"tweets/{tweet}")).json
    assert (await world.fb("GET", "1234567890/published_posts")).data == []
    assert (await world.fb("GET", post)).status == 400
    world.clock.advance(1)
    assert [each["id"] for each in await world.timeline()] == [tweet]
    assert [each["id"] for each in (await world.fb("GET", "1234567890/published_posts")).data] == [post]


async def test_only_reading_uses_up_a_lag(world):
    await world.fault("twitter", "read_lag", seconds=5, times=1)
    await world.tweet("Crue")
    assert await world.timeline() == []
    assert len(await world.timeline()) == 1


async def test_a_fault_meets_its_route_only(world):
    await world.fault("telegram", "error_json", route=r"POST /bot<token>/send")
    assert (await world.tg("getMe")).status == 200
    assert (await world.say("Crue")).status == 500
    await world.fault("facebook", "error_json", route="GET .*published_posts")
    assert (await world.page_post("Crue")).status == 200
    assert (await world.fb("GET", "1234567890/published_posts")).status == 500


async def test_a_fault_lasts_as_often_as_it_was_asked_for(world):
    await world.fault("twitter", "error_json", times=2)
    assert [(await world.tweet(f"Post {number}")).status for number in range(3)] == [503, 503, 201]


async def test_a_fault_lasts_as_long_as_it_was_asked_for(world):
    await world.fault("twitter", "error_json", seconds=60)
    world.clock.advance(59)
    assert (await world.tweet("Un")).status == 503
    world.clock.advance(1)
    assert (await world.tweet("Un")).status == 201


async def test_faults_follow_one_another_and_a_latency_comes_on_top(world):
    await world.fault("twitter", "cut_after", times=1)
    await world.fault("twitter", "error_json", times=1)
    await world.fault("twitter", "latency", seconds=0.1, times=1)
    started = asyncio.get_running_loop().time()
    with pytest.raises(CUT):
        await world.tweet("Un")
    assert asyncio.get_running_loop().time() - started >= 0.1
    assert (await world.tweet("Deux")).status == 503
    assert (await world.tweet("Trois")).status == 201


async def test_faults_are_listed_and_cleared(world):
    first = await world.fault("twitter", "error_json", times=3)
    second = await world.fault("telegram", "hang", route="send")
    await world.tweet("Un")
    listed = (await world.ask("GET", "/sandbox/faults")).json
    assert [(fault["id"], fault["kind"], fault["left"]) for fault in listed] == [
        (first, "error_json", 2),
        (second, "hang", None),
    ]
    assert (await world.ask("DELETE", f"/sandbox/faults/{first}")).status == 204
    assert (await world.tweet("Deux")).status == 201
    assert (await world.ask("DELETE", f"/sandbox/faults/{first}")).status == 404
    assert (await world.ask("DELETE", "/sandbox/faults")).status == 204
    assert (await world.say("Crue")).status == 200


@in_one_test
@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"platform": "minitel", "kind": "hang"}, "platform"),
        ({"platform": "twitter", "kind": "explode"}, "kind"),
        ({"platform": "twitter", "kind": "hang", "times": 0}, "times"),
        ({"platform": "twitter", "kind": "hang", "route": "("}, "regular expression"),
        ({"platform": "twitter", "kind": "hang", "tims": 1}, "tims"),
    ],
)
async def test_a_fault_that_is_none_is_refused_by_name(world, body, word):
    said = await world.ask("POST", "/sandbox/faults", json=body)
    assert said.status == 400
    assert word in said.error


async def test_a_form_of_another_site_sets_no_fault(world):
    headers = {"Content-Type": "text/plain"}
    body = json.dumps({"platform": "twitter", "kind": "hang"})
    assert (await world.ask("POST", "/sandbox/faults", data=body, headers=headers)).status == 415
    assert (await world.ask("GET", "/sandbox/faults")).json == []


async def test_a_port_that_is_taken_is_an_error(world):
    port = int(world.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await serve(SandboxSettings(), "127.0.0.1", port)
