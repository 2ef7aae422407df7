"""What is particular to Bluesky: its keys, sessions, links by bytes, cards, threads by digests, and its people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, Gone, InDoubt
from alerts.model.listening import HeardPost
from alerts.model.post import About, PostImage, PostKind
from tests.contract.channels.conftest import SECRETS, message
from tests.contract.channels.platform import platform
from tests.townsfolk import Townsfolk

LINK = "https://alertes.saint-martin.fr/alerts/7x3k9"
READY = datetime(2026, 11, 25, 11, 59, 30, 123456, tzinfo=UTC)


def about(post: str) -> About:
    return About(post, "alert", "incident", "here", PostKind.PUBLISH, Severity.SEVERE, ready_at=READY)


@pytest.fixture
async def channel(stage):
    return await stage.open("bluesky", hears=True)


@pytest.fixture
def people(stage):
    return Townsfolk(stage.session, stage.sandbox.url)


async def posts(stage):
    return await stage.timeline("bluesky")


async def asked(stage, method):
    return sum(method in each["path"] for each in await stage.requests("bluesky"))


@pytest.mark.parametrize("fault", ["cut_after", "half", "error_after"])
async def test_a_repeat_is_the_same_post_days_later_and_from_another_process(stage, channel, fault, picture):
    said = message("Crue", about=about("p1"), link=LINK, image=PostImage(picture, "Une carte"))
    await stage.fault("bluesky", fault, route="putRecord", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(said)
    await stage.clock.advance(3 * 86_400)
    again = await (await stage.open("bluesky")).publish(said)
    [post] = await posts(stage)
    assert (post["id"], post["edits"]) == (again.remote_id, [])


async def test_a_post_in_doubt_is_looked_for_by_its_key_alone(stage, channel):
    said, other = message("Crue", about=about("p1")), message("Crue", about=about("p2"))
    await channel.publish(other)
    await stage.clock.advance(86_400)
    assert await channel.find(said, stage.clock.now(), None, frozenset()) is None
    receipt = await channel.publish(said)
    assert await channel.find(said, stage.clock.now(), None, frozenset()) == receipt


async def test_posts_of_one_moment_have_keys_of_their_own(stage, channel):
    receipts = [await channel.publish(message("Crue", about=about(f"p{number}"))) for number in range(20)]
    assert len({each.remote_id for each in receipts}) == len(await posts(stage)) == 20


async def test_a_thread_names_its_root_and_its_parent(stage, channel):
    first = await channel.publish(message("Crue"))
    second = await channel.publish(message("Crue forte"), first.remote_id)
    third = await channel.publish(message("Fin"), second.remote_id)
    above = {post["id"]: post["reply_to"] for post in await posts(stage)}
    assert above == {first.remote_id: None, second.remote_id: first.remote_id, third.remote_id: second.remote_id}


async def test_a_reply_to_what_is_gone_is_told_before_anything_is_written(stage, channel):
    first = await channel.publish(message("Crue"))
    await channel.delete(first.remote_id)
    with pytest.raises(Gone):
        await channel.publish(message("Fin"), first.remote_id)
    assert await asked(stage, "putRecord") == 1


async def test_the_address_is_a_card_and_takes_no_room(stage, channel):
    await channel.publish(message("é" * 300, link=LINK))
    [post] = await posts(stage)
    assert (post["text"], post["link"], post["entities"]) == ("é" * 300, LINK, [])


async def test_with_a_picture_the_first_line_leads_there(stage, channel, picture):
    await channel.publish(message("Crue de l’Isère\nVoir mairie.fr", link=LINK, image=PostImage(picture, "Une carte")))
    [post] = await posts(stage)
    links = {each["features"][0]["uri"]: each["index"] for each in post["entities"]}
    assert links == {
        LINK: {"byteStart": 0, "byteEnd": 18},
        "https://mairie.fr": {"byteStart": 24, "byteEnd": 33},
    }
    assert (len(post["media"]), post["link"]) == (1, None)


async def test_a_picture_that_is_not_taken_holds_up_no_words(stage, channel, picture):
    await stage.fault("bluesky", "error_json", route="uploadBlob")
    await channel.publish(message("Crue", link=LINK, image=PostImage(picture, "Une carte")))
    [post] = await posts(stage)
    assert (post["media"], post["link"]) == ([], LINK)


# --- sessions


async def test_one_session_is_opened_and_renewed_when_its_token_is_over(stage, channel):
    for number in range(6):
        await channel.publish(message(f"Crue {number}"))
        await stage.clock.advance(3600)
    await channel.probe()
    assert (await asked(stage, "createSession"), await asked(stage, "refreshSession")) == (1, 3)
    assert len(await posts(stage)) == 6


async def test_a_session_that_can_not_be_renewed_is_opened_anew(stage, channel):
    await channel.publish(message("Crue"))
    await stage.clock.advance(7200)
    await stage.fault("bluesky", "revoked", route="refreshSession")
    await channel.publish(message("Fin"))
    assert await asked(stage, "createSession") == 2


async def test_a_refused_password_is_not_tried_again_for_ten_minutes_but_another_is(stage, monkeypatch):
    monkeypatch.setenv("BLUESKY_PASSWORD", "wrong")
    channel = await stage.open("bluesky")
    for _ in range(20):
        with pytest.raises(BadCredential):
            await channel.probe()
        await stage.clock.advance(30)
    assert await asked(stage, "createSession") == 1
    await stage.clock.advance(60)
    with pytest.raises(BadCredential):
        await channel.publish(message("Crue"))
    assert await asked(stage, "createSession") == 2
    monkeypatch.setenv("BLUESKY_PASSWORD", SECRETS["BLUESKY_PASSWORD"])
    assert (await channel.probe()).followers == 74


# --- listening


async def hear(stage, channel, memory, *ids):
    await stage.clock.advance(60)
    since = stage.clock.now() - timedelta(seconds=60)
    reading = await channel.hear([HeardPost(id_, since, "incident") for id_ in ids], memory, stage.clock.now())
    memory.clear()
    memory.update(json.loads(json.dumps(reading.memory)))
    return {each.remote_id: each for each in reading.remarks}


async def test_replies_are_heard_once_and_removals_too(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    update = (await channel.publish(message("Crue forte"), post)).remote_id
    said = await people.say("bluesky", "Et l’école ?", under=post, name="Nadia")
    [first] = said["ids"]
    [second] = (await people.say("bluesky", "Idem", under=first))["ids"]
    [other] = (await people.say("bluesky", "Où ?", under=update))["ids"]
    heard = await hear(stage, channel, memory, post, update)
    told = {key: (each.text, each.root, each.parent) for key, each in heard.items()}
    assert told == {
        first: ("Et l’école ?", post, None),
        second: ("Idem", post, first),
        other: ("Où ?", update, None),
    }
    assert (heard[first].author, heard[first].name, heard[first].language) == (said["authors"][0], "Nadia", "fr")
    assert await hear(stage, channel, memory, post, update) == {}
    await people.delete("bluesky", second)
    heard = await hear(stage, channel, memory, post, update)
    assert {key: each.gone for key, each in heard.items()} == {second: True}


async def test_a_reply_that_apps_see_late_is_not_gone(stage, channel, people):
    post, memory = (await channel.publish(message("Crue"))).remote_id, {}
    [id_] = (await people.say("bluesky", "Où ?", under=post))["ids"]
    await hear(stage, channel, memory, post)
    await people.rules(bluesky_lag=3600)
    assert await hear(stage, channel, memory, post) == {}
    assert id_ in memory["posts"][post]["prints"]


async def test_a_reply_of_another_shape_keeps_no_other_from_being_heard(stage):
    """Strangers write their records on servers of their own."""
    strange = {"post": {"uri": "at://did:plc:a/app.bsky.feed.post/1", "indexedAt": "2026-11-25T12:00:00Z"}}
    strange["post"]["record"] = {"text": "Où ?", "langs": 5}
    thread = {"thread": {"replies": [{**strange, "replies": 7}]}}
    opened = {"did": "did:plc:us", "accessJwt": "a", "refreshJwt": "b"}
    async with platform(json.dumps(opened).encode(), json.dumps(thread).encode()) as there:
        channel = await stage.open("bluesky", api_url=there.url, hears=True)
        heard = await hear(stage, channel, {}, "at://did:plc:us/app.bsky.feed.post/0")
    assert [(each.text, each.language) for each in heard.values()] == [("Où ?", None)]
