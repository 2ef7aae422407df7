"""What is Telegram's own: markup, moved chats, captions, ids that run on, and what python-telegram-bot would tell."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alerts.channels.telegram.search import LOOKS
from alerts.model.errors import BadCredential, Gone, InDoubt, ReaderGone, Rejected, Retry
from alerts.model.post import PostImage
from tests.contract.channels.conftest import SECRETS, message, told_by
from tests.contract.channels.platform import platform
from tests.fakes import FakePace
from tests.walls import in_one_test

SENT = b'{"ok": true, "result": {"message_id": 7, "date": 1, "chat": {"id": -1001, "type": "channel", "title": "T"}}}'
DONE = b'{"ok": true, "result": true}'


async def test_words_keep_their_markup(stage):
    channel = await stage.open("telegram")
    await channel.publish(message("Crue & vent", html="<b>Crue</b> &amp; vent"))
    [post] = await stage.timeline("telegram")
    assert post["text"] == "Crue & vent"
    assert [entity["type"] for entity in post["entities"]] == ["bold"]


async def test_markup_that_is_refused_goes_out_as_plain_words_at_once(stage):
    channel = await stage.open("telegram")
    first = await channel.publish(message("Crue & vent", html="<b>Crue</i> & vent"))
    await channel.edit(first.remote_id, message("Crue, vent", html="<b>Crue</i>, vent"))
    [post] = await stage.timeline("telegram")
    assert (post["text"], post["edits"]) == ("Crue, vent", ["Crue & vent"])


async def test_a_chat_that_moved_is_followed_at_once_and_for_good(stage):
    channel = await stage.open("telegram", chat="-4242")
    before = await channel.publish(message("Avant"))
    await stage.control("telegram/migrate", **{"from": "-4242", "to": -1009})
    after = await channel.publish(message("Après"))
    await channel.publish(message("Suite d’avant"), before.remote_id)
    assert after.remote_id == "-1009:1"
    assert after.url == "https://t.me/c/9/1"
    again = await stage.open("telegram", chat="-4242")  # the next start
    later = await again.publish(message("Plus tard"), after.remote_id)
    posts = {(post["channel"], post["text"]): post for post in await stage.timeline("telegram")}
    assert posts["-1009", "Plus tard"]["reply_to"] == "1"
    assert posts["-1009", "Suite d’avant"]["reply_to"] is None  # its parent, "1" too, is in the chat as it was
    await again.edit(later.remote_id, message("Corrigé"))
    await again.delete(later.remote_id)
    tried = [line["path"] for line in await stage.requests("telegram")].count("/bot<token>/sendMessage")
    assert tried == 5  # one was refused, and only one


async def test_a_post_of_the_chat_as_it_was_is_gone(stage):
    channel = await stage.open("telegram", chat="-4242")
    before = await channel.publish(message("Avant"))
    await stage.control("telegram/migrate", **{"from": "-4242", "to": -1009})
    await channel.publish(message("Après"))
    with pytest.raises(Gone):
        await channel.edit(before.remote_id, message("Corrigé"))
    await channel.delete(before.remote_id)
    with pytest.raises(InDoubt, match="moved"):
        await channel.find(message("Après"), stage.clock.now(), before.remote_id, frozenset())
    assert [post["deleted"] for post in await stage.timeline("telegram")] == [False, False]


async def test_a_reply_to_what_is_gone_stands_alone(stage):
    channel = await stage.open("telegram")
    parent = await channel.publish(message("Alerte"))
    await channel.delete(parent.remote_id)
    await channel.publish(message("Suite"), parent.remote_id)
    assert (await stage.timeline("telegram"))[-1]["reply_to"] is None


async def test_a_post_older_than_48_hours_is_not_said_to_be_deleted(stage):
    channel = await stage.open("telegram")
    receipt = await channel.publish(message("Alerte"))
    await stage.clock.advance(timedelta(hours=48).total_seconds())
    with pytest.raises(Rejected):
        await channel.delete(receipt.remote_id)


async def test_editing_what_is_gone_is_told(stage):
    channel = await stage.open("telegram")
    with pytest.raises(Gone):
        await channel.edit("99", message())


async def test_a_limit_that_the_sandbox_itself_enforces_is_believed(make_stage):
    stage = await make_stage(limits=True)
    channel = await stage.open("telegram")
    for number in range(4):
        await channel.publish(message(f"Numéro {number}"))
    with pytest.raises(Retry) as caught:
        await channel.publish(message("Numéro 5"))
    assert caught.value.whole_channel
    assert caught.value.after == stage.clock.now() + timedelta(seconds=1)


async def test_looking_needs_a_post_known_before(stage):
    channel = await stage.open("telegram")
    with pytest.raises(InDoubt, match="can't be searched"):
        await channel.find(message(), stage.clock.now(), None, frozenset())


async def test_looking_passes_over_others_posts_deleted_ones_and_those_known(stage):
    channel = await stage.open("telegram")
    known = await channel.publish(message("Avant"))
    await stage.control("telegram/foreign", chat="-1001234567890", text="Bonjour")
    gone = await channel.publish(message("Autre"))
    await channel.delete(gone.remote_id)
    await channel.publish(message("D’une autre tentative, dont le reçu est connu"))
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Alerte"))
    found = await channel.find(message("Alerte"), stage.clock.now(), known.remote_id, frozenset())
    assert found.remote_id == "5"
    assert await channel.find(message("Alerte"), stage.clock.now(), known.remote_id, frozenset()) is None


async def test_looking_changes_nothing_and_ends(stage):
    channel = await stage.open("telegram")
    known = await channel.publish(message("Avant"))
    await stage.heal()
    assert await channel.find(message(), stage.clock.now(), known.remote_id, frozenset()) is None
    asked = [line["path"] for line in await stage.requests("telegram")]
    assert asked.count("/bot<token>/editMessageReplyMarkup") == 5
    assert (await stage.timeline("telegram"))[0]["edits"] == []


async def test_a_picture_goes_along_with_the_words_as_its_caption_and_is_edited(stage, picture):
    channel = await stage.open("telegram")
    receipt = await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
    await channel.edit(receipt.remote_id, message("Carte & texte", html="<b>Carte</b> &amp; texte"))
    [post] = await stage.timeline("telegram")
    assert (len(post["media"]), post["text"], post["edits"]) == (1, "Carte & texte", ["Carte"])


async def test_words_too_long_for_a_caption_go_out_without_the_picture(stage, picture):
    channel = await stage.open("telegram")
    await channel.publish(message("é" * 1025, image=PostImage(picture, "La zone inondable")))
    [post] = await stage.timeline("telegram")
    assert (post["media"], len(post["text"])) == ([], 1025)
    assert len(await stage.requests("telegram")) == 1


@pytest.mark.parametrize("fault", [{"kind": "code", "message": "Bad Request: PHOTO_INVALID_DIMENSIONS"}])
async def test_a_picture_that_is_refused_holds_up_no_words(stage, picture, fault):
    channel = await stage.open("telegram")
    await stage.fault("telegram", route="sendPhoto", **fault)
    await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
    [post] = await stage.timeline("telegram")
    assert (post["media"], post["text"]) == ([], "Carte")


async def test_too_large_a_picture_s_page_of_html_holds_up_no_words(stage, picture):
    async with platform((413, b"<html>413</html>"), SENT) as server:
        channel = await stage.open("telegram", api_url=server.url)
        receipt = await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
    assert receipt.remote_id == "7"


async def test_a_picture_whose_answer_never_came_is_in_doubt(stage, picture):
    channel = await stage.open("telegram")
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Carte", image=PostImage(picture, "La zone inondable")))
    assert len(await stage.timeline("telegram")) == 1


async def test_a_message_is_one_request_with_native_json(stage):
    async with platform(SENT) as server:
        channel = await stage.open("telegram", api_url=server.url, chat="@town_alerts")
        receipt = await channel.publish(message("Vent", link="https://alertes.example/a"), "5")
        [asked] = server.asked
    assert asked.path == f"/bot{SECRETS['TELEGRAM_TOKEN']}/sendMessage"
    body = json.loads(asked.body)
    assert body.pop("link_preview_options")["url"] == "https://alertes.example/a"
    assert body == {
        "chat_id": "@town_alerts",
        "text": "Vent",
        "parse_mode": "HTML",
        "reply_parameters": {"message_id": 5, "allow_sending_without_reply": True},
    }
    assert receipt.url == "https://t.me/town_alerts/7"


async def test_no_preview_is_made_of_an_address_that_a_feed_mentions(stage):
    async with platform(SENT) as server:
        channel = await stage.open("telegram", api_url=server.url)
        await channel.publish(message("Voir https://ailleurs.example"))
        assert json.loads(server.asked[0].body)["link_preview_options"] == {"is_disabled": True}


@in_one_test
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"ok": true}', b'{"ok": true, "result": {}}', DONE, SENT[:40]])
async def test_a_success_that_can_not_be_read_is_in_doubt(stage, body):
    async with platform(body) as server:
        channel = await stage.open("telegram", api_url=server.url)
        with pytest.raises(InDoubt) as caught:
            await channel.publish(message())
    assert SECRETS["TELEGRAM_TOKEN"] not in told_by(caught.value)


async def test_a_token_that_is_refused_stands_in_no_text(stage):
    await stage.fault("telegram", "revoked")
    channel = await stage.open("telegram")
    with pytest.raises(BadCredential) as caught:
        await channel.probe()
    assert "sandbox-telegram-token" not in told_by(caught.value)


async def test_the_library_s_object_does_not_know_the_token(stage):
    channel = await stage.open("telegram")
    assert "sandbox-telegram-token" not in repr(vars(channel))
    assert "sandbox-telegram-token" not in f"{channel._bot!r} {channel._bot.token} {channel._bot.base_url}"


def rights(status: str, **granted: bool) -> bytes:
    names = (
        "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
        "can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories"
    )
    user = {"id": 1234567, "is_bot": True, "first_name": "T", "username": "town_bot"}
    member = {"status": status, "user": user, **dict.fromkeys(names.split(), True), **granted}
    return json.dumps({"ok": True, "result": member}).encode()


ME = b'{"ok": true, "result": {"id": 1234567, "is_bot": true, "first_name": "T", "username": "town_bot"}}'


async def test_rights_that_are_missing_are_warned_of(stage):
    member = rights("administrator", can_post_messages=True, can_edit_messages=False, can_delete_messages=False)
    async with platform(ME, member) as server:
        channel = await stage.open("telegram", api_url=server.url)
        probe = await channel.probe()
    assert probe.account == "@town_bot"
    assert [str(warning).split(";")[0] for warning in probe.warnings] == [
        "@town_bot may not edit messages",
        "@town_bot may not delete messages",
    ]


async def test_a_bot_that_is_no_administrator_is_told(stage):
    async with platform(ME, rights("member")) as server:
        channel = await stage.open("telegram", api_url=server.url)
        with pytest.raises(BadCredential, match="no administrator"):
            await channel.probe()


async def test_two_posts_in_doubt_are_told_apart_by_their_words(stage):
    channel = await stage.open("telegram")
    known = await channel.publish(message("Avant"))
    await stage.fault("telegram", "cut_before", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Jamais arrivée"))
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Bien arrivée"))

    later = await stage.open("telegram")  # as after a restart
    assert await later.find(message("Jamais arrivée"), stage.clock.now(), known.remote_id, frozenset()) is None
    found = await later.find(message("Bien arrivée"), stage.clock.now(), known.remote_id, frozenset())

    assert found.remote_id == "2"


async def test_a_look_leaves_no_button_behind_even_after_one_that_was_cut_short(stage):
    channel = await stage.open("telegram")
    known = await channel.publish(message("Avant"))
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Alerte"))
    # Of each look the first request is answered, and the second, which sets the button, isn't.
    await stage.fault("telegram", "latency", seconds=0, times=1, route="editMessageReplyMarkup")
    await stage.fault("telegram", "cut_after", times=1, route="editMessageReplyMarkup")
    with pytest.raises(Retry):
        await channel.find(message("Alerte"), stage.clock.now(), known.remote_id, frozenset())

    assert await channel.find(message("Alerte"), stage.clock.now(), known.remote_id, frozenset())
    assert [post["buttons"] for post in await stage.timeline("telegram")] == [None, None]


async def test_where_telegram_shows_no_words_the_place_among_the_ids_decides(stage):
    refused = (400, b'{"ok": false, "error_code": 400, "description": "Bad Request: message is not modified"}')
    async with platform(refused) as server:
        channel = await stage.open("telegram", api_url=server.url)
        assert (await channel.find(message("Alerte"), stage.clock.now(), "7", frozenset())).remote_id == "8"


async def test_looking_passes_over_however_many_known_posts(stage):
    channel = await stage.open("telegram")
    first = await channel.publish(message("Avant"))
    known = [await channel.publish(message(f"Numéro {number}")) for number in range(30)]
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Alerte"))

    later = await stage.open("telegram")
    ids = frozenset({first.remote_id, *(receipt.remote_id for receipt in known)})
    found = await later.find(message("Alerte"), stage.clock.now(), first.remote_id, ids)

    assert found.remote_id == "32"


async def test_where_the_bot_also_talks_to_subscribers_a_post_takes_its_turn_among_what_it_says(stage):
    stage.pace = FakePace()
    channel = await stage.open("telegram")
    await channel.probe()
    assert stage.pace.taken == 0
    receipt = await channel.publish(message())
    await channel.edit(receipt.remote_id, message("Corrigé"))
    assert stage.pace.taken == 2


async def test_a_bot_that_was_asked_to_wait_posts_nothing_meanwhile(stage):
    stage.pace = FakePace()
    channel = await stage.open("telegram")
    await stage.fault("telegram", "rate_limit", retry_after=9)
    with pytest.raises(Retry):
        await channel.publish(message())
    assert stage.pace.halted == [9.0]
    await stage.heal()
    asked = len(await stage.requests("telegram"))
    with pytest.raises(Retry, match="9 s are left") as refused:
        await channel.publish(message())
    assert refused.value.after == stage.clock.now() + timedelta(seconds=9)
    assert len(await stage.requests("telegram")) == asked


async def test_looking_goes_on_behind_what_was_read_before(stage):
    """After a restore the posts of hours are unknown: more than one look reads."""
    channel = await stage.open("telegram")
    first = await channel.publish(message("Avant"))
    for number in range(LOOKS + 5):
        await channel.publish(message(f"Numéro {number}"))
    there = await channel.publish(message("Alerte"))

    later = await stage.open("telegram")
    finds = [await later.find(message("Alerte"), stage.clock.now(), first.remote_id, frozenset()) for _ in range(2)]

    assert [found and found.remote_id for found in finds] == [None, there.remote_id]
    found = await later.find(message("Numéro 3"), stage.clock.now(), first.remote_id, frozenset())
    assert found.remote_id == "5", "of what was read before nothing is asked again"


# What is said elsewhere: an answer in the group or in private, and what others said there.

GROUP, PERSON = "-1009990000001", "4711"


async def test_an_answer_is_said_in_the_chat_of_what_it_answers_and_changed_and_taken_back_there(stage):
    channel = await stage.open("telegram")
    for chat in (GROUP, PERSON):
        await stage.control("telegram/foreign", chat=chat, text="L’eau est potable ?")
        answer = await channel.publish(message("Oui."), f"{chat}:1")
        assert answer.remote_id == f"{chat}:2"
        changed = await channel.edit(answer.remote_id, message("Oui, partout."))
        assert (changed.remote_id, changed.url) == (answer.remote_id, answer.url)
    posts = [post for post in await stage.timeline("telegram") if post["text"] == "Oui, partout."]
    assert [(post["channel"], post["reply_to"]) for post in posts] == [(GROUP, "1"), (PERSON, "1")]
    await channel.delete(f"{GROUP}:2")
    assert [post["deleted"] for post in await stage.timeline("telegram") if post["channel"] == GROUP] == [False, True]


async def test_what_another_chat_refuses_is_that_answer_s_own_failure(stage):
    channel = await stage.open("telegram")
    for words in ("Forbidden: bot was blocked by the user", "Bad Request: not enough rights to send text messages"):
        await stage.fault("telegram", "code", code=400 if words.startswith("Bad") else 403, message=words, times=1)
        with pytest.raises(ReaderGone) as refused:
            await channel.publish(message(), f"{PERSON}:1")
        assert PERSON not in told_by(refused.value)
    await stage.fault("telegram", "revoked", times=1)
    with pytest.raises(BadCredential):
        await channel.publish(message(), f"{PERSON}:1")


async def test_a_pause_for_one_chat_holds_up_no_other_and_not_the_channel(stage):
    stage.pace = FakePace()
    channel = await stage.open("telegram")
    await stage.fault("telegram", "rate_limit", retry_after=9, times=1)
    with pytest.raises(Retry) as refused:
        await channel.publish(message(), f"{GROUP}:1")
    assert (refused.value.whole_channel, stage.pace.halted) == (False, [])
    asked = len(await stage.requests("telegram"))
    for act in (channel.publish(message(), f"{GROUP}:1"), channel.edit(f"{GROUP}:2", message())):
        with pytest.raises(Retry) as refused:
            await act
        assert (refused.value.sent, refused.value.after) == (False, stage.clock.now() + timedelta(seconds=9))
    assert len(await stage.requests("telegram")) == asked
    await channel.publish(message("Alerte"))
    await stage.clock.advance(9)
    await channel.publish(message("Oui."), f"{GROUP}:1")


async def test_a_group_that_moved_takes_no_channel_along(stage):
    channel = await stage.open("telegram")
    await stage.control("telegram/migrate", **{"from": "-42", "to": -100_42})
    with pytest.raises(Rejected):
        await channel.publish(message(), "-42:1")
    assert (await channel.publish(message("Alerte"))).remote_id == "1"


async def test_a_lost_answer_is_found_in_the_group_among_what_others_said(stage):
    channel = await stage.open("telegram")
    for number in range(LOOKS + 5):
        await stage.control("telegram/foreign", chat=GROUP, text=f"Remarque {number}")
    await stage.fault("telegram", "cut_after", times=1)
    with pytest.raises(InDoubt):
        await channel.publish(message("Oui."), f"{GROUP}:1")

    later = await stage.open("telegram")
    look = later.find, (message("Oui."), stage.clock.now(), None, frozenset(), f"{GROUP}:1")
    with pytest.raises(Retry) as more:
        await look[0](*look[1])
    assert more.value.after > stage.clock.now()
    assert (await look[0](*look[1])).remote_id == f"{GROUP}:{LOOKS + 6}"
    assert await later.find(message("Non."), stage.clock.now(), None, frozenset(), f"{GROUP}:{LOOKS}") is None


async def test_in_a_private_chat_and_too_far_behind_a_lost_answer_is_somebody_s_to_decide(stage):
    channel = await stage.open("telegram")
    with pytest.raises(InDoubt):
        await channel.find(message(), stage.clock.now(), "7", frozenset(), f"{PERSON}:1")
    forbidden = (400, b'{"ok": false, "error_code": 400, "description": "Bad Request: message can\'t be edited"}')
    async with platform(forbidden) as server:
        channel = await stage.open("telegram", api_url=server.url)
        for _ in range(20):
            with pytest.raises(Retry):
                await channel.find(message(), stage.clock.now(), None, frozenset(), f"{GROUP}:1")
        with pytest.raises(InDoubt):
            await channel.find(message(), stage.clock.now(), None, frozenset(), f"{GROUP}:1")


async def test_an_answer_elsewhere_is_no_place_to_look_for_a_post_from(stage):
    channel = await stage.open("telegram")
    for look in (channel.find(message(), stage.clock.now(), f"{GROUP}:7", frozenset()), channel.listed(None, "-100:7")):
        with pytest.raises(InDoubt):
            await look
    assert await stage.requests("telegram") == []


async def test_who_is_blocked_is_banned_from_the_group_of_the_channel(stage):
    linked = json.dumps({"ok": True, "result": {"id": -1001, "type": "channel", "linked_chat_id": int(GROUP)}}).encode()
    async with platform(linked, ME, rights("administrator"), DONE) as server:
        channel = await stage.open("telegram", api_url=server.url)
        await channel.block(PERSON)
        banned = server.asked[-1]
        with pytest.raises(Rejected):
            await channel.block("@somebody")
    assert banned.path.endswith("/banChatMember")
    assert json.loads(banned.body) == {"chat_id": int(GROUP), "user_id": int(PERSON)}
