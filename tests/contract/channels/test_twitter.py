"""What is X's own: its limits, replies, edits, pictures, and what tweepy would do wrong."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alerts.model.errors import BadCredential, Duplicate, Gone, InDoubt, Rejected, Retry
from alerts.model.post import PostImage
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform
from tests.walls import in_one_test


async def test_the_limits_are_known_after_a_success(make_stage):
    stage = await make_stage(limits=True)
    channel = await stage.open("twitter")
    assert channel.quotas() == []
    await channel.publish(message("Un"))
    await channel.publish(message("Deux"))
    told = {quota.name: (quota.remaining, quota.limit) for quota in channel.quotas()}
    assert told["15m"] == (98, 100)
    assert set(told) == {"15m", "user-24h", "app-24h"}
    await stage.clock.advance(16 * 60)
    assert "15m" not in {quota.name for quota in channel.quotas()}


async def test_the_limits_of_another_call_say_nothing_of_publishing(make_stage):
    stage = await make_stage(limits=True)
    channel = await stage.open("twitter")
    await channel.probe()
    await channel.find(message(), stage.clock.now(), None, frozenset())
    assert channel.quotas() == []


async def test_the_24_hours_hold_longer_than_the_15_minutes(make_stage):
    stage = await make_stage(limits=True, twitter_user_day=1)
    channel = await stage.open("twitter")
    await channel.publish(message("Un"))
    with pytest.raises(Retry) as caught:
        await channel.publish(message("Deux"))
    assert caught.value.whole_channel
    assert caught.value.after == stage.clock.now() + timedelta(hours=24)


async def test_the_same_words_again_are_a_duplicate_and_found(stage):
    channel = await stage.open("twitter")
    first = await channel.publish(message("Essai des sirènes"))
    with pytest.raises(Duplicate):
        await channel.publish(message("Essai des sirènes"))
    found = await channel.find(message("Essai des sirènes"), stage.clock.now(), None, frozenset())
    assert found.remote_id == first.remote_id


async def test_an_edit_in_doubt_is_found_under_its_new_id(stage):
    channel = await stage.open("twitter")
    first = await channel.publish(message("Alerte"))
    await stage.clock.advance(600)
    await stage.fault("twitter", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.edit(first.remote_id, message("Alerte corrigée"))
    known = frozenset({first.remote_id})
    found = await channel.find(message("Alerte corrigée"), stage.clock.now(), first.remote_id, known)
    assert found.remote_id == (await stage.timeline("twitter"))[0]["id"] != first.remote_id


async def test_a_parent_that_is_gone_is_told(stage):
    channel = await stage.open("twitter")
    parent = await channel.publish(message("Alerte"))
    await channel.delete(parent.remote_id)
    with pytest.raises(Gone):
        await channel.publish(message("Suite"), parent.remote_id)
    assert len(await stage.timeline("twitter")) == 1


async def test_an_account_that_may_not_reply_is_told_as_a_parent_that_is_gone(make_stage):
    stage = await make_stage(twitter_own_replies=False)
    channel = await stage.open("twitter")
    parent = await channel.publish(message("Alerte"))
    with pytest.raises(Gone):
        await channel.publish(message("Suite"), parent.remote_id)


async def test_an_account_that_may_not_edit_is_refused(make_stage):
    stage = await make_stage(twitter_edits=False)
    channel = await stage.open("twitter")
    first = await channel.publish(message("Alerte"))
    with pytest.raises(Rejected):
        await channel.edit(first.remote_id, message("Alerte corrigée"))


async def test_credits_that_are_used_up_hold_the_channel_for_an_hour(make_stage):
    stage = await make_stage(twitter_credits=0.0)
    channel = await stage.open("twitter")
    with pytest.raises(Retry) as caught:
        await channel.publish(message())
    assert (caught.value.whole_channel, caught.value.after) == (True, stage.clock.now() + timedelta(hours=1))


async def test_the_read_side_may_lag(stage):
    channel = await stage.open("twitter")
    since = stage.clock.now()
    receipt = await channel.publish(message("Alerte"))
    await stage.fault("twitter", "read_lag", seconds=10)
    assert await channel.find(message("Alerte"), since, None, frozenset()) is None
    await stage.clock.advance(11)
    found = await channel.find(message("Alerte"), since, None, frozenset())
    assert found.remote_id == receipt.remote_id


async def test_a_post_dated_up_to_a_minute_before_the_attempt_is_ours(stage):
    channel = await stage.open("twitter")
    receipt = await channel.publish(message("Alerte"))
    found = await channel.find(message("Alerte"), stage.clock.now() + timedelta(seconds=59), None, frozenset())
    assert found.remote_id == receipt.remote_id
    assert await channel.find(message("Alerte"), stage.clock.now() + timedelta(seconds=61), None, frozenset()) is None


async def test_the_account_s_id_is_asked_once_and_kept(stage):
    for _ in range(2):  # the second channel is the one of the next start
        channel = await stage.open("twitter")
        await channel.find(message(), stage.clock.now(), None, frozenset())
    paths = [line["path"] for line in await stage.requests("twitter")]
    assert paths.count("/2/users/me") == 1
    assert (await channel.publish(message())).url.startswith("https://x.com/tocsin_sandbox/status/")


async def test_another_account_s_id_is_never_taken(stage, monkeypatch):
    channel = await stage.open("twitter")
    await channel.find(message(), stage.clock.now(), None, frozenset())
    monkeypatch.setenv("X_ACCESS_TOKEN", "of-another-account")
    with pytest.raises(BadCredential):
        await (await stage.open("twitter")).find(message(), stage.clock.now(), None, frozenset())
    assert (await stage.requests("twitter"))[-1]["path"] == "/2/users/me"


async def test_a_picture_goes_along_with_its_alternative(stage, picture):
    channel = await stage.open("twitter")
    await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable, au sud du pont")))
    [post] = await stage.timeline("twitter")
    assert len(post["media"]) == 1
    paths = [line["path"] for line in await stage.requests("twitter")]
    assert paths == ["/2/media/upload", "/2/media/metadata", "/2/tweets"]


@pytest.mark.parametrize("route", ["upload", "metadata"])
@pytest.mark.parametrize("fault", ["error_html", "revoked", "cut_before"])
async def test_a_picture_that_fails_holds_up_no_words(stage, picture, route, fault):
    channel = await stage.open("twitter")
    await stage.fault("twitter", fault, route=route)
    await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
    [post] = await stage.timeline("twitter")
    assert (post["text"], post["media"]) == ("Carte", [])


@pytest.mark.parametrize("name", ["missing.png", "text.png"])
async def test_a_picture_that_is_none_holds_up_no_words(stage, tmp_path, name):
    (tmp_path / "text.png").write_text("not a picture")
    channel = await stage.open("twitter")
    await channel.publish(message("Carte", image=PostImage(name, "La zone inondable")))
    assert [line["path"] for line in await stage.requests("twitter")] == ["/2/tweets"]


async def test_keys_that_only_read_are_told_by_the_probe(stage):
    user = b'{"data": {"id": "42", "name": "Town", "username": "town"}}'
    async with platform((200, user, {"x-access-level": "read"})) as server:
        channel = await stage.open("twitter", api_url=server.url)
        with pytest.raises(BadCredential, match="Read and write"):
            await channel.probe()


@in_one_test
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"data": {}}', b'{"data": []}', b"<html></html>"])
async def test_a_success_without_an_id_is_in_doubt(stage, body):
    async with platform((201, body)) as server:
        channel = await stage.open("twitter", api_url=server.url)
        with pytest.raises(InDoubt):
            await channel.publish(message())


async def test_a_redirect_is_not_followed_with_our_signature(stage):
    async with platform(b"{}") as elsewhere, platform((307, b"", {"Location": elsewhere.url})) as server:
        channel = await stage.open("twitter", api_url=server.url)
        with pytest.raises(InDoubt):
            await channel.publish(message())
        assert elsewhere.asked == []


async def test_a_post_is_one_signed_request_with_the_text_as_it_is(stage):
    async with platform((201, b'{"data": {"id": "7", "text": "x"}}')) as server:
        channel = await stage.open("twitter", api_url=server.url)
        receipt = await channel.publish(message("R&D < été"), "5")
        [asked] = server.asked
    assert receipt.url == "https://x.com/i/web/status/7"
    assert (asked.method, asked.path) == ("POST", "/2/tweets")
    assert json.loads(asked.body) == {"text": "R&D < été", "reply": {"in_reply_to_tweet_id": "5"}}
    assert asked.headers["Authorization"].startswith("OAuth ")
    assert asked.headers["Content-Type"] == "application/json"


async def test_a_deletion_that_x_does_not_confirm_is_no_deletion(stage):
    async with platform((200, b'{"data": {"deleted": false}}')) as server:
        channel = await stage.open("twitter", api_url=server.url)
        with pytest.raises(Rejected):
            await channel.delete("7")


async def test_a_post_is_found_behind_a_hundred_newer_ones(stage):
    channel = await stage.open("twitter")
    since = stage.clock.now()
    receipt = await channel.publish(message("Alerte"))
    for number in range(101):
        await channel.publish(message(f"Numéro {number}"))

    found = await channel.find(message("Alerte"), since, None, frozenset())

    assert found.remote_id == receipt.remote_id
