"""A bot's conversations over a real socket: what each answer of the Bot API is taken for, and that no chat is told."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta

import pytest

from alerts.channels.settings import TelegramSettings
from alerts.channels.telegram.client import TelegramClient
from alerts.model.errors import BadCredential, ChatMoved, InDoubt, Occupied, ReaderGone, Rejected, Retry
from tests.contract.channels.conftest import PNG, SETTINGS, told_by
from tests.contract.channels.platform import platform
from tests.fakes import FakePace
from tests.walls import in_one_test
from tocsin_sandbox.settings import TELEGRAM_TOKEN

CHAT = 5_550_009_999
KEYS = {"inline_keyboard": [[{"text": "Oui", "callback_data": "f:yes"}]]}
HELLO = {"message": {"message_id": 1, "date": 1, "chat": {"id": CHAT, "type": "private"}, "text": "/start"}}


@pytest.fixture
async def stage(make_stage):
    return await make_stage()


@pytest.fixture
def turns():
    return FakePace()


@pytest.fixture
def talk(stage, turns):
    told = {"kind": "telegram", "api_url": stage.sandbox.url, "timeout": "60s", **SETTINGS["telegram"]}
    return TelegramClient(TelegramSettings.model_validate(told), stage.resources(), turns)


async def newest(stage) -> dict:
    return (await stage.timeline("telegram"))[-1]


async def test_it_says_and_changes_what_it_said_each_in_its_turn(stage, talk, turns):
    number = await talk.say(CHAT, "<b>Bonjour</b> &amp; bienvenue", KEYS)
    assert "Oui" in (await newest(stage))["buttons"]
    assert await talk.say(CHAT, "Fait.", {"inline_keyboard": []}, edit=number) == number
    said = await newest(stage)
    assert (said["text"], said["buttons"], said["edits"]) == ("Fait.", None, ["Bonjour & bienvenue"])
    assert await talk.say(CHAT, "Fait.", edit=number) == number
    assert turns.taken == 3


async def test_what_can_not_be_changed_any_more_is_said_anew(stage, talk):
    await talk.say(CHAT, "Un")
    assert await talk.say(CHAT, "Deux", KEYS, edit=99) == 2
    assert len(await stage.timeline("telegram")) == 2


async def test_a_picture_is_shown_with_its_words(stage, talk, tmp_path):
    file = tmp_path / "card.png"
    file.write_bytes(PNG)
    assert await talk.show(CHAT, str(file), "Carte <du> quartier") == 1
    said = await newest(stage)
    assert (said["text"], len(said["media"])) == ("Carte <du> quartier", 1)
    with pytest.raises(Rejected):
        await talk.show(CHAT, str(tmp_path / "missing.png"), "Carte")


async def test_it_knows_itself_and_who_may_speak_for_a_group(stage, talk):
    assert await talk.me() == "tocsin_sandbox_bot"
    await stage.control("telegram/readers", chat="-42", admin="7")
    assert await talk.is_admin(-42, 7)
    assert not await talk.is_admin(-42, 8)


async def test_what_is_said_comes_at_once_and_again_until_it_was_handled(stage, talk):
    asking = asyncio.create_task(talk.updates(0, 20))
    await stage.session.get(stage.sandbox.url + "/sandbox/requests.json")
    await stage.control("telegram/updates", update=HELLO)
    [update] = await asking
    assert update["message"]["text"] == "/start"
    assert await talk.updates(0, 0) == [update]
    assert await talk.updates(update["update_id"] + 1, 0) == []
    assert await talk.updates(0, 0) == []


async def test_a_second_one_that_asks_is_no_trouble_of_sending(stage, talk):
    await talk.listen_at("http://127.0.0.1:9/telegram/here", "secret")
    with pytest.raises(Occupied):
        await talk.updates(0, 0)
    assert await talk.say(CHAT, "Bonjour")
    await talk.listen_by_asking()
    assert await talk.updates(0, 0) == []


async def test_a_press_is_answered(stage, talk):
    await talk.answer_press("press-1", "é" * 300)
    async with stage.session.get(stage.sandbox.url + "/sandbox/telegram/toasts.json") as answer:
        assert await answer.json() == [{"id": "press-1", "text": "é" * 200}]


@in_one_test
@pytest.mark.parametrize(
    "words",
    [
        "Forbidden: bot was blocked by the user",
        "Forbidden: user is deactivated",
        "Forbidden: bot was kicked from the supergroup chat",
        "Bad Request: chat not found",
        "Bad Request: group chat was deactivated",
    ],
)
async def test_who_left_is_gone_and_nobody_is_named(stage, talk, words):
    await stage.fault("telegram", "code", code=400 if words.startswith("Bad") else 403, message=words)
    with pytest.raises(ReaderGone) as caught:
        await talk.say(CHAT, "Bonjour")
    assert str(CHAT) not in told_by(caught.value)


async def test_a_group_that_moved_tells_where_to(stage, talk):
    await stage.control("telegram/migrate", **{"from": "-42", "to": -100_42})
    with pytest.raises(ChatMoved) as caught:
        await talk.say(-42, "Bonjour")
    assert caught.value.to == -100_42


async def test_a_limit_halts_the_whole_bot(stage, talk, turns):
    await stage.fault("telegram", "rate_limit", retry_after=7)
    with pytest.raises(Retry) as caught:
        await talk.say(CHAT, "Bonjour")
    assert caught.value.after == stage.clock.now() + timedelta(seconds=7)
    assert turns.halted == [7.0]


@pytest.mark.parametrize(
    ("kind", "error"), [("revoked", BadCredential), ("cut_after", InDoubt), ("error_html", InDoubt)]
)
async def test_other_trouble_is_what_it_is_for_any_post(stage, talk, kind, error):
    await stage.fault("telegram", kind)
    with pytest.raises(error) as caught:
        await talk.say(CHAT, "Bonjour")
    assert str(CHAT) not in told_by(caught.value)


async def test_a_token_that_is_refused_is_read_anew(stage, turns, tmp_path):
    file = tmp_path / "token"
    file.write_text("1234567:revoked")
    told = {"kind": "telegram", "api_url": stage.sandbox.url, "chat": "@here", "token": {"file": str(file)}}
    talk = TelegramClient(TelegramSettings.model_validate(told), stage.resources(), turns)
    with pytest.raises(BadCredential):
        await talk.say(CHAT, "Bonjour")
    file.write_text(TELEGRAM_TOKEN)

    assert await talk.say(CHAT, "Bonjour")


# The group where people answer: which it is, and what the bot lacks to hear them there.

CHANNEL, GROUP = -1001234567890, -1009990000001


def told(result) -> bytes:
    return json.dumps({"ok": True, "result": result}).encode()


def bot(**more) -> bytes:
    return told({"id": 1234567, "is_bot": True, "username": "town_bot", **more})


LINKED = told({"id": CHANNEL, "type": "channel", "linked_chat_id": GROUP})
ADMIN = {"status": "administrator", "can_delete_messages": True, "can_restrict_members": True}
NO_MEMBER = (403, b'{"ok": false, "error_code": 403, "description": "Forbidden: bot is not a member of the chat"}')


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([LINKED, bot(), told(ADMIN)], (GROUP, None, [])),
        ([LINKED, bot(), told({"status": "creator"})], (GROUP, None, [])),
        ([LINKED, bot(), told({**ADMIN, "can_delete_messages": False})], (GROUP, None, ["may_not_moderate"])),
        (
            [LINKED, bot(can_read_all_group_messages=True), told({"status": "member"})],
            (GROUP, None, ["may_not_moderate"]),
        ),
        ([LINKED, bot(), told({"status": "member"})], (GROUP, "privacy_mode", ["privacy_mode"])),
        ([LINKED, bot(), told({"status": "left"})], (None, "not_in_discussion", ["not_in_discussion"])),
        ([LINKED, bot(), NO_MEMBER], (None, "not_in_discussion", ["not_in_discussion"])),
        ([told({"id": CHANNEL, "type": "channel"})], (None, "no_discussion", ["no_discussion"])),
        ([told({"id": GROUP, "type": "supergroup", "linked_chat_id": CHANNEL}), bot(), told(ADMIN)], (GROUP, None, [])),
    ],
)
async def test_the_group_where_people_answer_and_what_the_bot_lacks_there(stage, turns, answers, found):
    async with platform(*answers) as server:
        settings = {"kind": "telegram", "api_url": server.url, **SETTINGS["telegram"]}
        line = TelegramClient(TelegramSettings.model_validate(settings), stage.resources(), turns)
        there = await line.discussion("@saintmartin")
        asked = json.loads(server.asked[0].body)
    codes = [each.code.removeprefix("telegram_") for each in (*filter(None, [there.deaf]), *there.warnings)]
    group, deaf, warnings = found
    assert (there.group, codes) == (group, [*filter(None, [deaf]), *warnings])
    assert there.channel == json.loads(answers[0])["result"]["id"]
    assert asked == {"chat_id": "@saintmartin"}


async def test_a_file_that_somebody_sent_is_had_within_its_bound(stage, talk):
    body = {"chat": CHAT, "photo": base64.b64encode(PNG).decode()}
    async with stage.session.post(f"{stage.sandbox.url}/sandbox/telegram/talk", json=body) as answer:
        assert answer.status == 201
    [update] = await talk.updates(0, 0)
    file = update["message"]["photo"][-1]["file_id"]
    assert await talk.fetch(file, len(PNG)) == PNG
    for name, most in ((file, len(PNG) - 1), ("AgACnothing", 100)):
        with pytest.raises(Rejected):
            await talk.fetch(name, most)
    assert TELEGRAM_TOKEN not in json.dumps(await stage.requests("telegram"))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/var/lib/telegram-bot-api/photo", b"x"),
        ("../../secret", b"x"),
        ("photos/a?b=c", b"x"),
        (None, b"x"),
        ("photos/a", b"x" * 101),
        ("photos/a", (404, b"")),
    ],
)
async def test_a_file_elsewhere_or_larger_than_was_told_is_refused(stage, path, content):
    told = json.dumps({"ok": True, "result": {"file_id": "f", "file_path": path}}).encode()
    async with platform(told, content) as there:
        settings = {"kind": "telegram", "api_url": there.url, "timeout": "60s", **SETTINGS["telegram"]}
        client = TelegramClient(TelegramSettings.model_validate(settings), stage.resources(), FakePace())
        with pytest.raises(Rejected) as refused:
            await client.fetch("f", 100)
        assert TELEGRAM_TOKEN not in told_by(refused.value)
        assert all(each.path.startswith(("/bot", "/file/bot")) for each in there.asked)
