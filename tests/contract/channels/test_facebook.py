"""What is Facebook's own: codes under HTTP 400, links and pictures beside the words, comments, the token's proof."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from alerts.model.errors import BadCredential, Duplicate, InDoubt, Rejected, Retry
from alerts.model.post import PostImage
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform
from tests.walls import in_one_test

LINK = "https://alertes.example/alerts/42"
SCRIPT = {"Content-Type": "text/javascript; charset=UTF-8"}


async def test_the_link_stands_beside_the_words(stage):
    channel = await stage.open("facebook")
    await channel.publish(message("Alerte", link=LINK))
    [post] = await stage.timeline("facebook")
    assert (post["text"], post["link"]) == ("Alerte", LINK)


@pytest.mark.parametrize("subcode", [1609005, 2061006, 1609008, None])
async def test_a_link_that_is_refused_goes_into_the_words(stage, subcode):
    channel = await stage.open("facebook")
    await stage.fault("facebook", "code", code=100, subcode=subcode, times=1)
    since = stage.clock.now()
    receipt = await channel.publish(message("Alerte", link=LINK))
    [post] = await stage.timeline("facebook")
    assert (post["text"], post["link"]) == (f"Alerte\n\n{LINK}", None)
    assert (await channel.find(message("Alerte", link=LINK), since, None, frozenset())).remote_id == receipt.remote_id


async def test_words_alone_that_are_refused_are_not_sent_again(stage):
    channel = await stage.open("facebook")
    await stage.fault("facebook", "code", code=100)
    with pytest.raises(Rejected):
        await channel.publish(message("Alerte"))
    assert len(await stage.requests("facebook")) == 1


async def test_a_picture_is_staged_and_then_the_link_is_in_the_words(stage, picture):
    channel = await stage.open("facebook")
    receipt = await channel.publish(message("Carte", link=LINK, image=PostImage(picture, "La zone inondable")))
    [post] = await stage.timeline("facebook")
    assert (post["id"], post["text"], post["link"]) == (receipt.remote_id, f"Carte\n\n{LINK}", None)
    assert len(post["media"]) == 1
    await channel.edit(receipt.remote_id, message("Carte 2", link=LINK, image=PostImage(picture, "La zone inondable")))
    assert (await stage.timeline("facebook"))[0]["text"] == f"Carte 2\n\n{LINK}"


async def test_a_picture_goes_along_with_its_alternative_and_unpublished(stage, picture):
    async with platform(b'{"id": "9"}', b'{"id": "1_2"}') as server:
        channel = await stage.open("facebook", api_url=server.url)
        await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
        staging, publishing = server.asked
    assert staging.path == "/v25.0/1234567890/photos"
    assert b'name="published"\r\n\r\nfalse' in staging.body.replace(b"Content-Type: text/plain; charset=utf-8\r\n", b"")
    assert b"La zone inondable" in staging.body
    assert json.loads(parse_qs(publishing.body.decode())["attached_media[0]"][0]) == {"media_fbid": "9"}


@pytest.mark.parametrize("fault", ["error_html", "revoked", "cut_before"])
async def test_a_picture_that_fails_holds_up_no_words(stage, picture, fault):
    channel = await stage.open("facebook")
    await stage.fault("facebook", fault, route="photos")
    await channel.publish(message("Carte", link=LINK, image=PostImage(picture, "La zone inondable")))
    [post] = await stage.timeline("facebook")
    assert (post["text"], post["link"], post["media"]) == ("Carte", LINK, [])


async def test_the_same_words_again_are_a_duplicate_and_found(stage):
    channel = await stage.open("facebook")
    first = await channel.publish(message("Essai des sirènes"))
    with pytest.raises(Duplicate):
        await channel.publish(message("Essai des sirènes"))
    found = await channel.find(message("Essai des sirènes"), stage.clock.now(), None, frozenset())
    assert found.remote_id == first.remote_id


async def test_a_blocked_page_waits_an_hour(stage):
    channel = await stage.open("facebook")
    await stage.fault("facebook", "code", code=368, subcode=1390008)
    with pytest.raises(Retry) as caught:
        await channel.publish(message())
    assert (caught.value.whole_channel, caught.value.after) == (True, stage.clock.now() + timedelta(hours=1))


async def test_a_limit_without_a_time_is_15_minutes(stage):
    channel = await stage.open("facebook")
    await stage.fault("facebook", "rate_limit")
    with pytest.raises(Retry) as caught:
        await channel.publish(message())
    assert caught.value.after == stage.clock.now() + timedelta(minutes=15)


async def test_usage_near_its_end_is_a_quota_until_access_is_regained(stage):
    usage = json.dumps({"1234567890": [{"type": "pages", "call_count": 93, "estimated_time_to_regain_access": 19}]})
    answer = (200, b'{"id": "1_2"}', {**SCRIPT, "X-Business-Use-Case-Usage": usage})
    async with platform(answer, (200, b'{"id": "1_3"}', SCRIPT)) as server:
        channel = await stage.open("facebook", api_url=server.url)
        await channel.publish(message("Un"))
        [quota] = channel.quotas()
        assert (quota.remaining, quota.reset) == (0, stage.clock.now() + timedelta(minutes=19))
        await channel.publish(message("Deux"))
        assert channel.quotas() == []  # the header is absent while usage is low


async def test_the_token_goes_by_header_alone_with_the_app_s_proof(stage, monkeypatch):
    monkeypatch.setenv("FACEBOOK_APP", "sandbox-app-secret")
    async with platform(b'{"id": "1_2"}', b'{"data": []}', b'{"success": true}') as server:
        channel = await stage.open("facebook", api_url=server.url, app_secret={"env": "FACEBOOK_APP"})
        await channel.publish(message())
        await channel.find(message(), stage.clock.now(), None, frozenset())
        await channel.delete("1_2")
        asked = server.asked
    proof = hmac.new(b"sandbox-app-secret", b"sandbox-page-token", hashlib.sha256).hexdigest()
    assert parse_qs(asked[0].body.decode())["appsecret_proof"] == [proof]
    assert asked[1].query["appsecret_proof"] == asked[2].query["appsecret_proof"] == proof
    for request in asked:
        assert request.headers["Authorization"] == "Bearer sandbox-page-token"
        assert "sandbox-page-token" not in f"{request.path}{request.query}{request.body!r}"


async def test_the_app_s_proof_is_accepted_by_the_sandbox(stage, monkeypatch):
    monkeypatch.setenv("FACEBOOK_APP", "sandbox-app-secret")
    channel = await stage.open("facebook", app_secret={"env": "FACEBOOK_APP"})
    assert (await channel.publish(message())).remote_id


TROUBLE = (500, b'{"error": {"code": 2}}')


async def test_a_comment_in_doubt_is_looked_for_under_its_parent(stage):
    made = {"id": "2_7", "message": "Suite", "created_time": "2026-11-25T12:00:00+0000"}
    async with platform(TROUBLE, b'{"data": []}', json.dumps({"data": [made]}).encode()) as server:
        channel = await stage.open("facebook", api_url=server.url)
        with pytest.raises(InDoubt):
            await channel.publish(message("Suite"), "1_2")
        found = await channel.find(message("Suite"), stage.clock.now(), None, frozenset(), "1_2")
        assert [asked.path for asked in server.asked[1:]] == [
            "/v25.0/1234567890/published_posts",
            "/v25.0/1_2/comments",
        ]
    assert found.remote_id == "2_7"


async def test_a_comment_of_a_process_that_was_killed_is_found_under_its_parent(stage):
    before = await stage.open("facebook")
    parent = await before.publish(message("Alerte"))
    comment = await before.publish(message("Suite"), parent.remote_id)
    after = await stage.open("facebook")
    found = await after.find(message("Suite"), stage.clock.now(), None, frozenset(), parent.remote_id)
    assert found.remote_id == comment.remote_id


async def test_the_look_at_comments_asks_for_all_levels_and_reads_every_page_in_any_order(stage):
    def comments(*words, after=None):
        data = [{"id": f"2_{each}", "message": each, "created_time": "2026-11-25T12:00:00+0000"} for each in words]
        paging = {"cursors": {"after": after}, "next": f"https://evil.example/?after={after}"} if after else {}
        return json.dumps({"data": data, "paging": paging}).encode()

    pages = [comments("9", "1", after="a"), comments("8", "2", after="b"), comments("Suite")]
    async with platform(b'{"data": []}', *pages) as server:
        channel = await stage.open("facebook", api_url=server.url)
        found = await channel.find(message("Suite"), stage.clock.now(), None, frozenset(), "1_2")
        looks = [asked.query for asked in server.asked[1:]]
    assert [look["filter"] for look in looks] == ["stream"] * 3
    assert [look.get("after") for look in looks] == [None, "a", "b"]
    assert found.remote_id == "2_Suite"


async def test_a_list_without_an_end_is_no_answer(stage):
    def page(number):
        return json.dumps({"data": [], "paging": {"cursors": {"after": f"c{number}"}, "next": "x"}}).encode()

    async with platform(*map(page, range(60))) as server:
        channel = await stage.open("facebook", api_url=server.url)
        with pytest.raises(InDoubt, match="50 pages"):
            await channel.find(message("Suite"), stage.clock.now(), None, frozenset())


async def test_a_comment_among_hundreds_is_found_and_no_reply_to_another_is_taken_for_it(stage):
    channel = await stage.open("facebook")
    post = await channel.publish(message("Alerte"))
    others = [await channel.publish(message(f"Avis {number}"), post.remote_id) for number in range(110)]
    await channel.publish(message("Suite"), others[3].remote_id)
    sought = (message("Suite"), stage.clock.now(), None, frozenset(), post.remote_id)
    assert await channel.find(*sought) is None
    answer = await channel.publish(message("Suite"), post.remote_id)
    assert (await channel.find(*sought)).remote_id == answer.remote_id


async def test_comments_that_may_not_be_read_stop_no_lane(stage):
    refused = (403, b'{"error": {"code": 10, "message": "pages_read_user_content is missing"}}')
    async with platform(TROUBLE, b'{"data": []}', refused) as server:
        channel = await stage.open("facebook", api_url=server.url)
        with pytest.raises(InDoubt):
            await channel.publish(message("Suite"), "1_2")
        with pytest.raises(InDoubt, match="comments"):
            await channel.find(message("Suite"), stage.clock.now(), None, frozenset(), "1_2")


async def test_a_found_post_has_the_page_s_own_address(stage):
    channel = await stage.open("facebook")
    receipt = await channel.publish(message("Alerte"))
    assert receipt.url == f"https://www.facebook.com/{receipt.remote_id}"
    found = await channel.find(message("Alerte"), stage.clock.now(), None, frozenset())
    assert found.url == (await stage.timeline("facebook"))[0]["url"]


async def test_a_token_of_something_else_than_the_page_is_told(stage, monkeypatch):
    monkeypatch.setenv("FACEBOOK_TOKEN", "sandbox-user-token")
    channel = await stage.open("facebook")
    with pytest.raises(BadCredential, match="not of the Page 1234567890"):
        await channel.probe()


async def test_an_edit_that_is_not_confirmed_is_no_edit(stage):
    async with platform((200, b'{"success": false}', SCRIPT)) as server:
        channel = await stage.open("facebook", api_url=server.url)
        with pytest.raises(Rejected):
            await channel.edit("1_2", message())


@in_one_test
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"id": ""}', b"<html></html>", b'{"id": "1'])
async def test_a_success_without_an_id_is_in_doubt(stage, body):
    async with platform((200, body)) as server:
        channel = await stage.open("facebook", api_url=server.url)
        with pytest.raises(InDoubt):
            await channel.publish(message())
