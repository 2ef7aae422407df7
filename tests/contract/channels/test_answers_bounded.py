"""Whatever a platform or a receiver answers is read, unpacked and kept within bounds: attacks by the one we asked."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import timedelta

import pytest

from alerts.apart.pool import POOL
from alerts.channels.answer import (
    LARGEST,
    LONGEST_ADDRESS,
    LONGEST_ID,
    Answer,
    RequestPurpose,
    ask,
    condensed,
    id_of,
    quote,
    wait_of,
)
from alerts.channels.facebook.answers import refusal
from alerts.channels.graph import limits
from alerts.channels.telegram.answers import complaint_of, outcome
from alerts.channels.telegram.client import TelegramClient
from alerts.channels.webhook import place_of
from alerts.model.bounds import READ_HERE, VALUES_HERE
from alerts.model.errors import DeliveryError, InDoubt, Retry
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform
from tests.fakes import FakeClock, FakePace
from tests.walls import in_one_test

NOW = FakeClock().now()
GZIP = {"Content-Encoding": "gzip"}


def bomb(size):
    """So many blanks within an object that says that all is well, and a long id."""
    return gzip.compress(b'{"id": "' + b"9" * size + b'"}')


async def sent(stage, kind, *answers, **more):
    async with platform(*answers) as there:
        channel = await stage.open(kind, api_url=there.url, **more)
        return await channel.publish(message()), there


async def test_a_webhooks_bomb_costs_nothing_and_its_id_is_ours(stage):
    packed = bomb(100_000_000)
    tracemalloc.start()
    receipt, there = await sent(stage, "webhook", (200, packed, GZIP))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30_000_000
    assert len(receipt.remote_id) <= LONGEST_ID
    assert receipt.url is None
    assert len(there.asked) == 1


@pytest.mark.parametrize("kind", ["twitter", "facebook", "telegram"])
async def test_a_platforms_bomb_leaves_the_post_in_doubt(stage, kind):
    packed = bomb(100_000_000)
    tracemalloc.start()
    with pytest.raises(InDoubt):
        await sent(stage, kind, (200, packed, GZIP))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 30_000_000


async def test_an_answer_is_packed_or_not_and_means_the_same(stage):
    told = json.dumps({"id": "r-7", "url": "https://bornes.example/r-7"}).encode()
    for answer in ((200, told), (200, gzip.compress(told), GZIP)):
        receipt, there = await sent(stage, "webhook", answer)
        assert (receipt.remote_id, receipt.url) == ("r-7", "https://bornes.example/r-7")
        assert there.asked[0].headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("packing", ["br", "gzip", "compress, gzip"])
async def test_what_was_not_asked_for_or_is_broken_cannot_be_read(stage, packing):
    receipt, _ = await sent(stage, "webhook", (200, b"no gzip at all", {"Content-Encoding": packing}))
    assert len(receipt.remote_id) <= LONGEST_ID


async def test_a_body_without_an_end_is_left_where_it_is(stage):
    async with platform((200, b" " * (LARGEST + 1))) as there:
        answer = await ask(
            stage.session,
            "GET",
            there.url,
            platform="it",
            act=RequestPurpose.READ,
            timeout=timedelta(seconds=60),
            largest=LARGEST,
        )
    assert (answer.status, answer.body, answer.read()) == (200, b"", None)


LISTED = {
    "twitter": ({"data": {"id": "1", "username": "ville"}}, lambda at: {"data": [{"id": "7", "created_at": at}]}),
    "facebook": (None, lambda at: {"data": [{"id": "7", "created_time": at}]}),
    "mastodon": ({"id": "1"}, lambda at: [{"id": "7", "created_at": at}]),
    "bluesky": (
        {"did": "did:plc:1", "handle": "ville.example", "accessJwt": "a", "refreshJwt": "b"},
        lambda at: {"records": [{"uri": "at://did:plc:1/app.bsky.feed.post/7", "value": {"createdAt": at}}]},
    ),
}
"""By kind: what is asked for before a list of our own posts, and such a list."""


@pytest.mark.parametrize("kind", LISTED)
async def test_a_long_list_of_our_own_posts_is_read_in_a_process_of_its_own(stage, kind):
    before, listed = LISTED[kind]
    told = listed(stage.clock.now().isoformat())
    [post] = told if isinstance(told, list) else next(iter(told.values()))
    post["filling"] = "x" * LARGEST
    read = POOL.counts["long list of a platform", "read"]
    async with platform(*(json.dumps(each).encode() for each in (before, told, []) if each is not None)) as there:
        channel = await stage.open(kind, api_url=there.url)
        found = await channel.listed(stage.clock.now(), None)
    assert {each.remote_id.rpartition("/")[2] for each in found} == {"7"}
    assert POOL.counts["long list of a platform", "read"] > read


MANY = {
    "small objects": b"{},",
    "lists": b"[],",
    "keys": b'{"a": {"b": 1}},',
    "digits": b"1" * 4000 + b",",
    "nested": b"[" * 200 + b"]" * 200 + b",",
}


@pytest.mark.parametrize("unit", MANY)
@pytest.mark.parametrize("kind", [*LISTED, "telegram"])
async def test_a_hostile_list_of_8_mb_costs_the_loop_a_few_values(stage, kind, unit, monkeypatch):
    body = b'{"ok": true, "result": [], "data": [' + MANY[unit] * (8_000_000 // len(MANY[unit])) + b"1]}"
    before, _ = LISTED.get(kind, (None, None))
    read, loads = [], json.loads

    def counted(text, **how):
        read.append(text.encode() if isinstance(text, str) else text)
        return loads(text, **how)

    monkeypatch.setattr(json, "loads", counted)
    answers = [json.dumps(before).encode()] if before is not None else []
    async with platform(*answers, body) as there:
        channel = await stage.open(kind, api_url=there.url)
        bot = TelegramClient(channel._settings, stage.resources(), FakePace()) if kind == "telegram" else None
        with pytest.raises(DeliveryError):
            await (bot.updates(0, 0) if bot is not None else channel.listed(stage.clock.now(), None))
    assert len(there.asked) == len(answers) + 1
    long = [each for each in read if len(each) > READ_HERE]
    most = max((each.count(b",") + each.count(b"[") + each.count(b"{") for each in long), default=0)
    assert most <= VALUES_HERE


async def test_others_long_words_in_a_room_keep_no_post_of_ours_from_being_found(stage):
    """Each of a hundred events has up to 64 kB of somebody's words: all that are read here are a part of them."""
    event = {"sender": "@ville:example", "origin_server_ts": int(stage.clock.now().timestamp() * 1000)}
    others = [event | {"event_id": f"${at}", "content": {"body": "x" * 60_000}} for at in range(60)]
    room = {"chunk": [*others, event | {"event_id": "$ours", "content": {"body": "Crue"}}]}
    answers = [json.dumps(each).encode() for each in ({"user_id": "@ville:example"}, room)]
    async with platform(*answers) as there:
        channel = await stage.open("matrix", api_url=there.url)
        found = await channel.find(message("Crue"), stage.clock.now(), None, frozenset())
    assert found.remote_id == "$ours"
    assert len(condensed(answers[1], "Matrix")) < len(answers[1])


def an_answer(told, status=200, **headers):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Answer(status, headers, body)


def test_ids_and_addresses_have_an_end():
    told = {"id": "x" * 300_000, "url": "https://a.example/" + "y" * 300_000}
    assert place_of(an_answer(told), "ours") == ("ours", None)
    assert place_of(an_answer({"id": "a\u202eb", "url": "https://a.example/ b"}), "ours") == ("ours", None)
    longest = "https://a.example/".ljust(LONGEST_ADDRESS, "y")
    assert place_of(an_answer({"id": 12, "url": longest}), "ours") == ("12", longest)
    assert [id_of(told) for told in (True, None, "", [], 10**300, -5)] == [None, None, None, None, None, "-5"]


def test_an_answer_nested_without_end_is_none():
    assert an_answer(b"[" * 200_000).read() is None
    assert an_answer(b'{"a":' * 100_000).read() is None


@in_one_test
@pytest.mark.parametrize("seconds", ["1e999", "9" * 400, "Infinity", "NaN", "-5", "600"])
def test_a_wait_is_a_day_at_most(seconds):
    body = f'{{"ok": false, "description": "Too Many Requests", "parameters": {{"retry_after": {seconds}}}}}'.encode()
    meant = outcome(complaint_of(Answer(429, {}, body)), RequestPurpose.PUBLISH, NOW)
    assert isinstance(meant, Retry)
    assert 0 <= (meant.after - NOW).total_seconds() <= 86_400


def test_facebooks_usage_may_say_anything():
    for minutes in ("1e400", "NaN", "9e99", "-1", "30"):
        usage = (
            f'{{"1": [{{"call_count": 100, "estimated_time_to_regain_access": {minutes}, "type": "{"t" * 5000}"}}]}}'
        )
        headers = {"X-Business-Use-Case-Usage": usage}
        assert all(quota.reset > NOW and len(quota.name) <= 200 for quota in limits(headers, "1", NOW))
        error = refusal(Answer(400, headers, b'{"error": {"code": 32}}'), RequestPurpose.PUBLISH, "1", NOW)
        assert isinstance(error, DeliveryError)


def test_what_is_quoted_is_short_and_can_be_seen():
    assert len(quote("x" * 10**6)) < 300
    assert quote("no\u202e way\u2066") == "no way"
    assert wait_of("soon") is None
