"""Telegram's rules, one by one."""

import json

import pytest

from tests.walls import in_one_test
from tocsin_sandbox.settings import TELEGRAM_TOKEN as TOKEN

CHANNEL = "-1001234567890"
NOT_MODIFIED = "Bad Request: message is not modified"


async def test_a_message_is_taken_and_answered(world):
    said = await world.say("Crue")
    assert said.json["ok"] is True
    assert said.result["message_id"] == 1
    assert said.result["text"] == "Crue"
    assert said.result["chat"]["type"] == "channel"
    assert said.result["chat"]["username"] == "saintmartin"
    (post,) = await world.posts("telegram")
    assert (post["channel"], post["id"], post["text"], post["created_at"]) == (
        "@saintmartin",
        "1",
        "Crue",
        world.clock.now,
    )
    assert post["url"] == "https://t.me/saintmartin/1"


async def test_a_chat_by_number_has_a_members_address(world):
    await world.say("Crue", chat=CHANNEL)
    assert (await world.posts("telegram"))[0]["url"] == "https://t.me/c/1234567890/1"


async def test_a_name_and_its_number_are_one_chat(world):
    chat = (await world.say("Un")).result["chat"]["id"]
    second = await world.say("Deux", chat=chat)
    assert second.result["message_id"] == 2
    assert {post["channel"] for post in await world.posts("telegram")} == {"@saintmartin"}
    assert (await world.tg("getChat", chat_id="@saintmartin")).result["id"] == chat


async def test_ids_run_on_by_one_in_each_chat(world):
    for expected in (1, 2, 3):
        for chat in ("@chat_a", "@chat_b"):
            assert (await world.say(f"Post {expected}", chat=chat)).result["message_id"] == expected


async def test_json_form_multipart_and_query_are_the_same(world, form):
    path = f"/bot{TOKEN}/sendMessage"
    fields = {"chat_id": CHANNEL, "text": "<b>Crue</b>", "parse_mode": "HTML"}
    calls = [
        ("POST", {"json": fields}),
        ("POST", {"data": fields}),
        ("POST", {"data": form(**fields)}),
        ("GET", {"params": fields}),
    ]
    for method, how in calls:
        said = await world.ask(method, path, **how)
        assert said.result["entities"] == [{"offset": 0, "length": 4, "type": "bold"}]


async def test_tokens_and_methods_that_are_none(world):
    assert (await world.ask("GET", "/bot1234567:another/getMe")).json == {
        "ok": False,
        "error_code": 401,
        "description": "Unauthorized",
    }
    assert (await world.ask("GET", "/botnonsense/getMe")).status == 404
    assert (await world.tg("sendTelegram")).json["description"] == "Not Found"
    headers = {"Content-Type": "application/json"}
    broken = await world.ask("POST", f"/bot{TOKEN}/sendMessage", data=b"{", headers=headers)
    assert broken.status == 400


async def test_the_bot_and_its_rights(world):
    me = (await world.tg("getMe")).result
    assert (me["id"], me["username"]) == (1_234_567, "tocsin_sandbox_bot")
    member = (await world.tg("getChatMember", chat_id=CHANNEL, user_id=me["id"])).result
    assert member["status"] == "administrator"
    assert member["can_post_messages"] is member["can_edit_messages"] is member["can_delete_messages"] is True
    assert (await world.tg("getChatMember", chat_id=CHANNEL, user_id=5)).status == 400


@in_one_test
@pytest.mark.parametrize("chat", ["saintmartin", "@ab", "0", "@un nom"])
async def test_a_chat_that_can_not_be_is_not_found(world, chat):
    assert (await world.say("Crue", chat=chat)).json["description"] == "Bad Request: chat not found"


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        ("&lt;b&gt; &amp; &quot;&#233;&#xe9; &eacute;", '<b> & "éé &eacute;', []),
        ("🌊<strong>a</strong>", "🌊a", [("bold", 2, 1)]),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        (
            "<u>a</u><s>b</s><del>c</del><tg-spoiler>d</tg-spoiler>",
            "abcd",
            [("underline", 0, 1), ("strikethrough", 1, 1), ("strikethrough", 2, 1), ("spoiler", 3, 1)],
        ),
        ('<span class="tg-spoiler">a</span>', "a", [("spoiler", 0, 1)]),
        (
            "<blockquote>a</blockquote><blockquote expandable>b</blockquote>",
            "ab",
            [("blockquote", 0, 1), ("expandable_blockquote", 1, 1)],
        ),
        ("<b></b>a", "a", []),
        ("  <b> a </b> b  ", "a  b", [("bold", 0, 2)]),
        ("<B>a</B>", "a", [("bold", 0, 1)]),
    ],
)
async def test_html_is_parsed_to_text_and_entities(world, html, text, entities):
    said = await world.say(html, parse_mode="HTML")
    assert said.result["text"] == text
    got = [(entity["type"], entity["offset"], entity["length"]) for entity in said.result.get("entities", [])]
    assert got == entities


async def test_links_and_languages_are_kept(world):
    html = '<a href="https://a.example/?x=1&amp;y=2">ici</a> <pre><code class="language-xml">z</code></pre>'
    entities = (await world.say(html, parse_mode="HTML")).result["entities"]
    assert entities[0]["url"] == "https://a.example/?x=1&y=2"
    assert entities[1] == {"type": "pre", "offset": 4, "length": 1, "language": "xml"}
    assert "entities" not in (await world.say('<a href="nulle part">ici</a>', parse_mode="HTML")).result


@in_one_test
@pytest.mark.parametrize(
    ("html", "error"),
    [
        ("é<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é<script>a</script>", 'Unsupported start tag "script" at byte offset 2'),
        ("vent < 90", 'Unsupported start tag "" at byte offset 5'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ('<a ="x">a</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
async def test_what_can_not_be_parsed_is_told_in_telegrams_words(world, html, error):
    said = await world.say(html, parse_mode="HTML")
    assert said.status == 400
    assert said.json == {"ok": False, "error_code": 400, "description": f"Bad Request: can't parse entities: {error}"}
    assert await world.posts("telegram") == []


@in_one_test
@pytest.mark.parametrize(
    ("text", "more", "error"),
    [
        ("é" * 4096, {}, None),
        ("é" * 4097, {}, "message is too long"),
        ("🌊" * 2048, {}, None),
        ("🌊" * 2048 + "x", {}, "message is too long"),
        ("<b>" + "x" * 4096 + "</b>", {"parse_mode": "HTML"}, None),
        ("&lt;" * 4096, {"parse_mode": "HTML"}, None),
        ("  \n ", {}, "message text is empty"),
        ("<b> </b>", {"parse_mode": "HTML"}, "message text is empty"),
        ("*a*", {"parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
    ],
)
async def test_4096_utf16_units_after_parsing(world, text, more, error):
    said = await world.say(text, **more)
    assert (said.status == 200) is (error is None)
    if error:
        assert said.json["description"] == f"Bad Request: {error}"


async def test_a_reply_needs_its_parent_unless_told_otherwise(world):
    await world.say("Crue")
    under = await world.say("Suite", reply_parameters={"message_id": 1})
    assert under.result["reply_to_message"]["message_id"] == 1
    assert (await world.posts("telegram"))[1]["reply_to"] == "1"
    lost = await world.say("Perdu", reply_parameters=json.dumps({"message_id": 9}))
    assert lost.json["description"] == "Bad Request: message to be replied not found"
    lenient = await world.say("Perdu", reply_parameters={"message_id": 9, "allow_sending_without_reply": True})
    assert lenient.status == 200
    assert "reply_to_message" not in lenient.result


async def test_a_photo_with_its_caption(world, form, png):
    path = f"/bot{TOKEN}/sendPhoto"
    said = await world.ask(
        "POST", path, data=form(chat_id=CHANNEL, caption="<b>Carte</b>", parse_mode="HTML", photo=png(60, 30))
    )
    assert said.result["caption"] == "Carte"
    assert said.result["caption_entities"][0]["type"] == "bold"
    size = said.result["photo"][0]
    assert (size["width"], size["height"]) == (60, 30)
    attached = await world.ask("POST", path, data=form(chat_id=CHANNEL, photo="attach://carte", carte=png()))
    assert attached.status == 200
    again = await world.tg("sendPhoto", chat_id=CHANNEL, photo=size["file_id"])
    assert again.result["photo"][0]["file_id"] == size["file_id"]
    assert (await world.tg("sendPhoto", chat_id=CHANNEL, photo="https://a.example/carte.png")).status == 200


@pytest.mark.parametrize(
    ("size", "error"),
    [((8000, 2001), "PHOTO_INVALID_DIMENSIONS"), ((2100, 100), "PHOTO_INVALID_DIMENSIONS"), ((2000, 100), None)],
)
async def test_a_photos_sides_have_limits(world, form, png, size, error):
    said = await world.ask("POST", f"/bot{TOKEN}/sendPhoto", data=form(chat_id=CHANNEL, photo=png(*size)))
    assert said.json.get("description") == (f"Bad Request: {error}" if error else None)


async def test_what_is_no_photo_is_refused(world, form, png):
    path = f"/bot{TOKEN}/sendPhoto"
    cases = [
        (form(chat_id=CHANNEL), "there is no photo in the request"),
        (form(chat_id=CHANNEL, photo="nonsense"), "wrong file identifier/HTTP URL specified"),
        (form(chat_id=CHANNEL, photo=b"%PDF"), "IMAGE_PROCESS_FAILED"),
        (form(chat_id=CHANNEL, photo=png() + b"\0" * 10 * 1024 * 1024), "file is too big"),
        (form(chat_id=CHANNEL, photo=png(), caption="x" * 1025), "message caption is too long"),
    ]
    for data, error in cases:
        said = await world.ask("POST", path, data=data)
        assert said.json["description"] == f"Bad Request: {error}"
    assert await world.posts("telegram") == []


async def test_an_edit_replaces_the_text(world):
    await world.say("Crue à 18 h")
    edited = await world.tg(
        "editMessageText", chat_id="@saintmartin", message_id=1, text="Crue à <b>19 h</b>", parse_mode="HTML"
    )
    assert edited.result["text"] == "Crue à 19 h"
    assert edited.result["edit_date"] == int(world.clock.now)
    (post,) = await world.posts("telegram")
    assert (post["text"], post["edits"], post["html"]) == ("Crue à 19 h", ["Crue à 18 h"], "Crue à <b>19 h</b>")


async def test_edits_that_can_not_be(world, form, png):
    await world.say("Crue")
    await world.ask("POST", f"/bot{TOKEN}/sendPhoto", data=form(chat_id="@saintmartin", photo=png()))
    calls = [
        ("editMessageText", 1, {"text": "Crue"}, NOT_MODIFIED),
        ("editMessageText", 9, {"text": "Crue"}, "Bad Request: message to edit not found"),
        ("editMessageText", 2, {"text": "Crue"}, "Bad Request: there is no text in the message to edit"),
        ("editMessageCaption", 1, {"caption": "Crue"}, "Bad Request: there is no caption in the message to edit"),
        ("editMessageText", 1, {"text": ""}, "Bad Request: message text is empty"),
        ("editMessageText", 1, {"text": "x" * 4097}, "Bad Request: message is too long"),
        ("editMessageCaption", 2, {"caption": "x" * 1025}, "Bad Request: message caption is too long"),
    ]
    for method, id_, more, error in calls:
        said = await world.tg(method, chat_id="@saintmartin", message_id=id_, **more)
        assert said.status == 400
        assert said.json["description"].startswith(error), method
    assert (await world.tg("editMessageCaption", chat_id="@saintmartin", message_id=2, caption="Carte")).status == 200


async def test_probing_tells_ours_from_a_strangers_from_none(world):
    await world.say("Crue")
    stranger = await world.ask("POST", "/sandbox/telegram/foreign", json={"chat": "@saintmartin", "text": "Merci"})
    assert stranger.json["message_id"] == 2
    expected = {1: NOT_MODIFIED, 2: "Bad Request: message can't be edited", 3: "Bad Request: message to edit not found"}
    for id_, words in expected.items():
        said = await world.tg("editMessageReplyMarkup", chat_id="@saintmartin", message_id=id_)
        assert said.json["description"].startswith(words)
    assert (await world.say("Suite")).result["message_id"] == 3


async def test_a_message_is_deleted_within_48_hours_only(world):
    await world.say("Un")
    await world.say("Deux")
    world.clock.advance(48 * 3600 - 1)
    assert (await world.tg("deleteMessage", chat_id="@saintmartin", message_id=1)).result is True
    assert (await world.posts("telegram"))[0]["deleted"] is True
    gone = await world.tg("deleteMessage", chat_id="@saintmartin", message_id=1)
    assert gone.json["description"] == "Bad Request: message to delete not found"
    world.clock.advance(1)
    late = await world.tg("deleteMessage", chat_id="@saintmartin", message_id=2)
    assert late.json["description"].startswith("Bad Request: message can't be deleted")


async def test_a_chat_takes_a_short_burst_then_one_a_second(world):
    burst = [(await world.say(f"Post {number}")).status for number in range(5)]
    assert burst == [200, 200, 200, 200, 429]
    limited = await world.say("Encore")
    assert limited.json == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    assert limited.headers["Retry-After"] == "1"
    assert (await world.say("Ailleurs", chat="@ailleurs")).status == 200
    world.clock.advance(1)
    assert (await world.say("Encore")).status == 200
    assert (await world.say("Trop tôt")).status == 429


async def test_a_chat_takes_20_a_minute(world):
    for number in range(20):
        assert (await world.say(f"Post {number}")).status == 200
        world.clock.advance(1)
    limited = await world.say("Le 21e")
    assert (limited.status, limited.json["parameters"]["retry_after"]) == (429, 40)
    world.clock.advance(40)
    assert (await world.say("Le 21e")).status == 200


async def test_30_a_second_in_all(world):
    for number in range(30):
        assert (await world.say("Bonjour", chat=1000 + number)).status == 200
    assert (await world.say("Bonjour", chat=2000)).status == 429
    world.clock.advance(1)
    assert (await world.say("Bonjour", chat=2000)).status == 200


async def test_without_limits_there_is_no_pace(open_world):
    world = await open_world(limits=False)
    assert {(await world.say(f"Post {number}")).status for number in range(40)} == {200}


async def test_a_chat_that_moved_says_where_to(world):
    await world.ask("POST", "/sandbox/telegram/migrate", json={"from": "-4242", "to": -1_009_999_999_999})
    said = await world.say("Crue", chat=-4242)
    assert said.status == 400
    assert said.json["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert said.json["parameters"] == {"migrate_to_chat_id": -1_009_999_999_999}
    assert (await world.say("Crue", chat=-1_009_999_999_999)).status == 200


async def test_updates_are_empty_and_conflict_with_a_webhook(world):
    assert (await world.tg("getUpdates", timeout=0)).result == []
    assert (await world.tg("setWebhook", url="https://a.example/hook")).result is True
    assert (await world.tg("getWebhookInfo")).result["url"] == "https://a.example/hook"
    conflict = await world.tg("getUpdates")
    assert (conflict.status, conflict.json["error_code"]) == (409, 409)
    await world.tg("deleteWebhook")
    assert (await world.tg("getUpdates")).status == 200
