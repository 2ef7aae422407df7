"""What is particular to a Mastodon server: its key, its pictures, its polls, its words in any language, its threads."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from alerts.apart.pool import POOL
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, Gone, InDoubt, Rejected, Retry
from alerts.model.listening import HeardPost
from alerts.model.poll import Counting, PollCount
from alerts.model.post import About, PollForm, PostImage, PostKind, Receipt
from tests.contract.channels.conftest import message
from tests.contract.channels.platform import platform
from tests.townsfolk import Townsfolk


def about(post: str) -> About:
    return About(post, "alert", "incident", "here", PostKind.PUBLISH, Severity.SEVERE)


@pytest.fixture
async def channel(stage):
    return await stage.open("mastodon", hears=True)


@pytest.fixture
def people(stage):
    return Townsfolk(stage.session, stage.sandbox.url)


async def wound(stage, sending):
    task = asyncio.ensure_future(sending)
    while not task.done():
        await stage.clock.advance(1.0)
    return await task


async def posts(stage):
    return await stage.timeline("mastodon")


@pytest.mark.parametrize("fault", ["cut_after", "half", "error_after"])
async def test_a_repeat_within_the_hour_is_the_same_post_even_where_the_list_lags(stage, channel, fault):
    said = message("Crue", about=about("p1"))
    await stage.fault("mastodon", fault, times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said)
    await stage.fault("mastodon", "read_lag", seconds=3600)
    assert await channel.find(said, stage.clock.now(), None, frozenset()) is None
    await stage.clock.advance(50 * 60)
    again = await channel.publish(said)
    assert [post["id"] for post in await posts(stage)] == [again.remote_id]


async def test_a_post_in_doubt_is_not_repeated_while_the_server_may_still_be_at_it(stage, channel):
    said = message("Crue", about=about("p1"))
    await stage.fault("mastodon", "cut_before", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said)
    asked = len(await stage.requests("mastodon"))
    with pytest.raises(Retry) as waits:
        await channel.publish(said)
    assert (waits.value.after, waits.value.sent) == (stage.clock.now() + timedelta(seconds=30), False)
    assert len(await stage.requests("mastodon")) == asked
    assert await channel.publish(message("Autre", about=about("p2")))
    await stage.clock.advance(30)
    assert await channel.publish(said)


async def test_two_posts_in_the_same_words_are_two(stage, channel):
    for name in ("p1", "p2"):
        await channel.publish(message("Crue", about=about(name)))
    assert len(await posts(stage)) == 2


async def test_a_lost_reply_is_found_under_its_own_parent_alone(stage, channel):
    first, second = [(await channel.publish(message(words))).remote_id for words in ("Crue", "Orages")]
    since = stage.clock.now()
    reply = await channel.publish(message("Fin"), first)
    assert await channel.find(message("Fin"), since, None, frozenset(), second) is None
    assert await channel.find(message("Fin"), since, None, frozenset(), None) is None
    assert (await channel.find(message("Fin"), since, None, frozenset(), first)).remote_id == reply.remote_id


async def test_more_statuses_than_a_page_are_searched(stage, channel):
    first = await channel.publish(message("Crue", about=about("p")))
    for number in range(45):
        await channel.publish(message("Crue suite", about=about(f"p{number}")))
    found = await channel.find(message("Crue"), stage.clock.now(), None, frozenset())
    assert found.remote_id == first.remote_id
    assert len(await channel.listed(stage.clock.now(), None)) == 46


@pytest.mark.parametrize("answered", ["no_such", "deleted"])
async def test_a_reply_to_what_is_gone_is_told_so(stage, channel, answered):
    parent = "1"
    if answered == "deleted":
        parent = (await channel.publish(message("Crue"))).remote_id
        await channel.delete(parent)
    with pytest.raises(Gone):
        await channel.publish(message("Fin"), parent)
    with pytest.raises(Gone):
        await channel.edit(parent, message("Fin"))


@pytest.mark.parametrize(
    ("parent", "expected"), [((404, b'{"error":"Record not found"}'), Gone), ((200, b'{"id":"1"}'), Rejected)]
)
async def test_a_refused_reply_asks_whether_what_it_answers_is_there(stage, parent, expected):
    async with platform((422, '{"error":"検証に失敗しました"}'.encode()), parent) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        with pytest.raises(expected):
            await channel.publish(message("Fin"), "1")
    assert [each.path for each in there.asked] == ["/api/v1/statuses", "/api/v1/statuses/1"]


@pytest.mark.parametrize(
    "words", ["検証に失敗しました: 投稿できる最大文字数を超えています", "Überschreitet das Limit", "over the limit"]
)
async def test_a_refusal_is_understood_in_any_language(stage, words):
    async with platform((422, json.dumps({"error": words}).encode())) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        with pytest.raises(Rejected) as told:
            await channel.publish(message("Crue"))
    assert words in str(told.value.reason)
    assert there.asked[0].headers["Accept-Language"] == "en"


async def test_a_redirect_is_followed_nowhere_and_told(stage):
    async with platform((301, b"", {"Location": "http://elsewhere.example/"})) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        with pytest.raises(BadCredential):
            await channel.publish(message("Crue"))


async def test_words_go_in_their_language_and_a_picture_with_its_alternative(stage, channel, picture, people):
    await people.rules(mastodon_converts=2)
    await wound(stage, channel.publish(message("Crue", image=PostImage(picture, "Une carte"))))
    [post] = await posts(stage)
    assert (post["language"], len(post["media"])) == ("fr", 1)
    asked = [each["path"] for each in await stage.requests("mastodon")]
    assert asked[0] == "/api/v2/instance"
    assert 1 <= sum(each.startswith("/api/v1/media/") for each in asked) <= 2


async def test_a_picture_that_is_converted_for_too_long_stays_behind(stage, channel, picture, people):
    await people.rules(mastodon_converts=10**9)
    await wound(stage, channel.publish(message("Crue", image=PostImage(picture, "Une carte"))))
    [post] = await posts(stage)
    assert post["media"] == []


async def test_an_edit_replaces_words_and_keeps_the_picture_that_it_names(stage, channel, picture):
    receipt = await channel.publish(message("Crue", image=PostImage(picture, "Une carte")))
    await channel.edit(receipt.remote_id, message("Crue forte", image=PostImage(picture, "Une carte")))
    [post] = await posts(stage)
    assert (post["text"], post["edits"], len(post["media"])) == ("Crue forte", ["Crue"], 1)


async def test_a_rehearsal_is_seen_by_nobody(stage, channel):
    receipt = await channel.rehearse(message("Essai"))
    [post] = await posts(stage)
    assert (post["id"], post["kind"]) == (receipt.remote_id, "hidden")
    assert receipt == Receipt(receipt.remote_id, post["url"])


async def test_the_probe_tells_of_a_server_that_takes_fewer_characters(stage):
    channel = await stage.open("mastodon", characters=5000)
    probe = await channel.probe()
    assert [each.code for each in probe.warnings] == ["fewer_characters"]
    assert (probe.account, probe.followers) == ("@tocsin_sandbox", 96)


def window(left: int, stage, limit: int = 300) -> dict[str, str]:
    reset = (stage.clock.now() + timedelta(minutes=4)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": reset}


async def test_what_the_server_says_of_its_limits_is_believed_until_they_are_over(stage):
    refused = (429, b'{"error":"Zu viele Anfragen"}', window(0, stage))
    async with platform((200, b'{"id":"1"}', window(7, stage)), refused) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        await channel.publish(message("Crue"))
        [quota] = channel.quotas()
        assert (quota.remaining, quota.reset) == (7, stage.clock.now() + timedelta(minutes=4))
        with pytest.raises(Retry) as waits:
            await channel.publish(message("Encore"))
    assert (waits.value.whole_channel, waits.value.after) == (True, quota.reset)
    await stage.clock.advance(241)
    assert not channel.quotas()


async def test_a_limit_is_told_in_seconds_since_1970_with_a_fraction_too(stage):
    reset = (stage.clock.now() + timedelta(minutes=4)).timestamp() + 0.5
    async with platform((429, b'{"error":"later"}', {"X-RateLimit-Reset": f"{reset:.3f}"})) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        with pytest.raises(Retry) as waits:
            await channel.publish(message("Crue"))
    assert waits.value.after == stage.clock.now() + timedelta(minutes=4, seconds=0.5)


@pytest.mark.parametrize("reset", ["2199-12-31T00:00:00Z", "99999999999", "4102444800"])
async def test_a_server_with_a_wrong_clock_silences_the_channel_for_a_day_at_the_most(stage, reset):
    told = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    async with platform((200, b'{"id":"1"}', told), (429, b'{"error":"later"}', told)) as there:
        channel = await stage.open("mastodon", api_url=there.url)
        await channel.publish(message("Crue"))
        with pytest.raises(Retry) as waits:
            await channel.publish(message("Encore"))
        tomorrow = stage.clock.now() + timedelta(days=1)
        assert all(quota.reset <= tomorrow for quota in channel.quotas())
    assert waits.value.after <= tomorrow


# --- polls


async def test_a_poll_is_asked_and_counted_when_the_server_closed_it(stage, channel, people):
    poll = PollForm("Fermer la place ?", ("Oui", "Non"), stage.clock.now() + timedelta(minutes=10))
    receipt = await channel.publish(message("Fermer la place ?", poll=poll))
    await people.vote("mastodon", receipt.remote_id, "Non", 3)
    with pytest.raises(Retry) as waits:
        await channel.close_poll(receipt.remote_id, poll)
    assert waits.value.after == poll.closes_at + timedelta(seconds=2)
    await stage.clock.advance(601)
    assert await channel.close_poll(receipt.remote_id, poll) == PollCount((0, 3))
    with pytest.raises(AssertionError, match="409"):
        await people.vote("mastodon", receipt.remote_id, "Oui")


async def test_a_poll_that_is_closed_long_before_its_end_has_the_numbers_of_now(stage, channel, people):
    poll = PollForm("Fermer ?", ("Oui", "Non"), stage.clock.now() + timedelta(hours=10))
    receipt = await channel.publish(message("Fermer ?", poll=poll))
    await people.vote("mastodon", receipt.remote_id, "Oui", 2)
    early = PollForm("Fermer ?", ("Oui", "Non"), stage.clock.now())
    assert await channel.close_poll(receipt.remote_id, early) == PollCount((2, 0), Counting.EARLY)


async def test_a_poll_that_was_deleted_is_gone(stage, channel):
    poll = PollForm("Fermer ?", ("Oui", "Non"), stage.clock.now() + timedelta(minutes=10))
    receipt = await channel.publish(message("Fermer ?", poll=poll))
    await channel.delete(receipt.remote_id)
    with pytest.raises(Gone):
        await channel.close_poll(receipt.remote_id, poll)


# --- listening


async def hear(stage, channel, memory, *ids, seconds=60.0):
    await stage.clock.advance(seconds)
    since = stage.clock.now() - timedelta(seconds=seconds)
    reading = await channel.hear([HeardPost(id_, since, "incident") for id_ in ids], memory, stage.clock.now())
    memory.clear()
    memory.update(json.loads(json.dumps(reading.memory)))
    return {each.remote_id: each for each in reading.remarks}


async def test_replies_are_heard_once_in_words_as_they_were_written(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    [asked] = (await people.say("mastodon", "Et l’école <Haute> ?\nMerci", under=post, name="Nadia"))["ids"]
    [idem] = (await people.say("mastodon", "Idem", under=asked))["ids"]
    await people.say("mastodon", "Entre nous", under=post, hidden=True)
    await channel.publish(message("Elle est ouverte"), asked)
    heard = await hear(stage, channel, memory, post)
    assert set(heard) == {asked, idem}
    first = heard[asked]
    assert (first.text, first.name, first.root, first.parent) == ("Et l’école <Haute> ?\nMerci", "Nadia", post, None)
    assert (heard[idem].parent, first.language) == (asked, "fr")
    assert first.url == f"{stage.sandbox.url}/@nadia@elsewhere.example/{asked}"
    assert await hear(stage, channel, memory, post) == {}


async def test_what_is_said_under_an_update_counts_there_once(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    update = (await channel.publish(message("Crue forte"), post)).remote_id
    [id_] = (await people.say("mastodon", "Où ?", under=update))["ids"]
    heard = await hear(stage, channel, memory, post, update)
    assert {key: each.root for key, each in heard.items()} == {id_: update}


async def test_an_edit_and_a_removal_are_heard(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    [id_] = (await people.say("mastodon", "Avant", under=post))["ids"]
    await hear(stage, channel, memory, post)
    await people.edit("mastodon", id_, "Après")
    now = stage.clock.now()
    heard = await hear(stage, channel, memory, post)
    assert (heard[id_].text, heard[id_].edited_at) == ("Après", now)
    await people.delete("mastodon", id_)
    heard = await hear(stage, channel, memory, post)
    assert (heard[id_].gone, heard[id_].text) == (True, None)


async def test_a_reply_that_the_server_lists_late_is_not_gone(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    [id_] = (await people.say("mastodon", "Où ?", under=post))["ids"]
    await hear(stage, channel, memory, post)
    await people.rules(mastodon_lag=3600)
    assert await hear(stage, channel, memory, post) == {}
    assert id_ in memory["posts"][post]["prints"]


async def test_an_author_is_blocked_and_a_reply_can_not_be_hidden(stage, channel, people):
    post = (await channel.publish(message("Crue"))).remote_id
    said = await people.say("mastodon", "Insulte", under=post)
    for _ in range(2):
        await channel.block(said["authors"][0])
    assert (await people.standing())["mastodon"]["blocked"] == said["authors"]
    with pytest.raises(Rejected):
        await channel.hide(said["ids"][0])


async def test_half_of_the_window_is_left_for_posts(stage):
    who, thread = (200, b'{"id":"9"}'), b'{"descendants":[]}'
    answers = [(200, thread, window(left, stage)) for left in range(155, 100, -1)]
    async with platform(who, *answers) as there:
        channel = await stage.open("mastodon", api_url=there.url, hears=True)
        await hear(stage, channel, {}, *map(str, range(40)))
    assert len(there.asked) == 7


async def test_an_entity_of_thousands_of_digits_keeps_no_other_reply_from_being_heard(stage):
    said = {"<p>&#65;</p>": "A", f"&#{'9' * 5000};": f"&#{'9' * 3998}", "Et l&#39;école ?": "Et l'école ?"}
    now = stage.clock.now().isoformat()
    replies = [
        {"id": str(at), "in_reply_to_id": "1", "created_at": now, "content": each} for at, each in enumerate(said)
    ]
    who, thread = (200, b'{"id":"9"}'), (200, json.dumps({"descendants": replies}).encode())
    async with platform(who, thread) as there:
        channel = await stage.open("mastodon", api_url=there.url, hears=True)
        heard = await hear(stage, channel, {}, "1")
    assert [each.text for each in heard.values()] == list(said.values())


@pytest.mark.parametrize("filling", [{"content": "<b>x</b> &lt; " * 1500}, {"a": [{}] * 10_000}])
async def test_a_thread_that_strangers_filled_is_read_in_a_process_of_its_own(stage, filling):
    reply = {"in_reply_to_id": "1", "created_at": stage.clock.now().isoformat(), **filling}
    thread = json.dumps({"descendants": [{**reply, "id": str(at)} for at in range(10)]}).encode()
    read = POOL.counts["thread on Mastodon", "read"]
    async with platform((200, b'{"id":"9"}'), (200, thread)) as there:
        channel = await stage.open("mastodon", api_url=there.url, hears=True)
        assert len(await hear(stage, channel, {}, "1")) == 10
    assert POOL.counts["thread on Mastodon", "read"] == read + 1
