"""Talking with the bot as a citizen: what is typed and tapped is an update, and stands on the page."""

from __future__ import annotations

import base64

import pytest
from lxml import html

from tests.pictures import a_png
from tests.walls import in_one_test
from tocsin_sandbox.page import MOST, MOST_MESSAGES
from tocsin_sandbox.settings import TELEGRAM_TOKEN

KEYS = {"inline_keyboard": [[{"text": "Toute la commune", "callback_data": "town"}], [{"text": "Non", "url": "x"}]]}


async def talk(world, chat=4711, **what):
    return await world.ask("POST", "/sandbox/telegram/talk", json={"chat": chat, **what})


async def updates(world):
    return (await world.tg("getUpdates", offset=0)).result


async def conversations(world, path="/?lang=en"):
    tree = html.fromstring((await world.ask("GET", path)).body.decode())
    return tree, {each.xpath("./h3")[0].text: each for each in tree.xpath("//section[@class='talk']")}


def lines(conversation):
    return [" ".join(each.text_content().split()) for each in conversation.xpath(".//li")]


async def test_what_is_typed_is_an_update_and_stands_in_the_chat(world):
    assert (await talk(world, text="/start")).status == 201
    [update] = await updates(world)
    message = update["message"]
    assert (message["text"], message["chat"]["id"], message["chat"]["type"]) == ("/start", 4711, "private")
    assert (message["from"]["language_code"], message["from"]["is_bot"]) == ("fr", False)

    told = (await world.say("Bonjour", chat="4711")).result
    assert told["message_id"] == message["message_id"] + 1
    _, shown = await conversations(world)
    assert [line.rpartition("UTC ")[2] for line in lines(shown["Chat 4711"])] == ["/start", "Bonjour"]
    assert [each.get("class") for each in shown["Chat 4711"].xpath(".//li")] == ["mine", "bots"]


@pytest.mark.parametrize("press", ["Toute la commune", "town"])
async def test_a_button_is_tapped_by_its_words_or_its_data(world, press):
    first = (await world.say("Où ?", chat="4711", reply_markup=KEYS)).result["message_id"]
    last = (await world.say("Où encore ?", chat="4711", reply_markup=KEYS)).result["message_id"]
    await talk(world, press=press)
    await talk(world, press=press, message=first)
    pressed = [each["callback_query"] for each in await updates(world)]
    assert [each["message"]["message_id"] for each in pressed] == [last, first]
    assert {each["data"] for each in pressed} == {"town"}
    assert pressed[0]["id"] != pressed[1]["id"]


async def test_a_place_is_sent(world):
    await talk(world, location={"latitude": 45.19, "longitude": 5.72})
    [update] = await updates(world)
    assert update["message"]["location"] == {"latitude": 45.19, "longitude": 5.72}


@in_one_test
@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"press": "Partout"}, 404),
        ({"press": "Non"}, 404),
        ({"press": "town", "message": 99}, 404),
        ({}, 400),
        ({"text": "/now", "press": "town"}, 400),
        ({"text": ""}, 400),
        ({"text": "/now", "chat": -5}, 400),
        ({"text": "/now", "chat": "@saintmartin"}, 400),
        ({"location": {"latitude": 95, "longitude": 0}}, 400),
    ],
)
async def test_what_nobody_can_do_is_refused_in_words(world, what, status):
    await world.say("Où ?", chat="4711", reply_markup=KEYS)
    answer = await talk(world, **what)
    assert (answer.status, bool(answer.json["error"])) == (status, True)
    assert await updates(world) == []
    if what == {"press": "Partout"}:
        assert "Toute la commune" in answer.json["error"]


async def test_a_form_of_another_site_talks_to_nobody(world):
    answer = await world.ask("POST", "/sandbox/telegram/talk", data='{"chat": 1, "text": "/forget"}')
    assert answer.status == 415
    assert await updates(world) == []


async def test_a_whole_town_makes_no_endless_page(open_world):
    world = await open_world(limits=False)
    await world.say("Crue", chat="@saintmartin")
    await talk(world, 5, text="/start")
    for chat in range(100, 130):
        await world.say("Crue", chat=str(chat))
    for number in range(20):
        await world.say(f"Suite {number}", chat="5")
    tree, shown = await conversations(world)
    assert list(shown) == ["Chat 5", *(f"Chat {chat}" for chat in range(129, 129 - MOST + 1, -1))]
    assert f"{31 - MOST} other chats are not shown" in tree.text_content()
    assert len(shown["Chat 5"].xpath(".//li")) == MOST_MESSAGES + 1
    assert "9 earlier messages" in lines(shown["Chat 5"])[0]
    assert len(tree.xpath("//section[contains(@class, 'telegram')]/article")) == 1, "what goes to people isn't there"


async def test_the_timelines_are_bounded_too_and_say_so(open_world):
    world = await open_world(limits=False)
    for number in range(45):
        await world.say(f"Crue {number}", chat=f"@saintmartin{number % 9}")
    tree, _ = await conversations(world)
    assert len(tree.xpath("//section[contains(@class, 'telegram')]/article")) == 40
    assert "5 earlier posts are not shown" in tree.text_content()


async def test_who_spoke_stands_first_after_a_restart_too(open_world, tmp_path):
    world = await open_world(state_dir=tmp_path)
    await talk(world, 5, text="/start")
    for chat in (6, 7):
        await world.say("Crue", chat=str(chat))
    await world.sandbox.stop()
    _, shown = await conversations(await open_world(state_dir=tmp_path))
    assert list(shown) == ["Chat 5", "Chat 7", "Chat 6"]


async def test_no_words_break_out_of_a_conversation(world):
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    await talk(world, text=attack)
    keys = {"inline_keyboard": [[{"text": attack, "callback_data": attack}], "nonsense", [7, {"text": 1}]]}
    await world.say("Où ?", chat="4711", reply_markup=keys)
    tree, shown = await conversations(world)
    assert len(tree.xpath("//script")) == 1
    assert not tree.xpath("//*[@onerror]")
    [key] = shown["Chat 4711"].xpath(".//button[@data-press]")
    assert (key.text, key.get("data-press")) == (attack, attack)
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(tree.xpath("//@aria-labelledby")) <= set(ids)


@pytest.mark.parametrize(("content", "kind"), [(a_png(3, 2), "photo"), (b"ftypheic no picture here", "document")])
async def test_a_photo_is_sent_and_can_be_had_by_its_address(world, content, kind):
    sent = base64.b64encode(content).decode()
    assert (await talk(world, photo=sent, caption="Un arbre")).status == 201
    message = (await updates(world))[-1]["message"]
    told = message["photo"][-1] if kind == "photo" else message["document"]
    assert (message["caption"], told["file_size"]) == ("Un arbre", len(content))
    found = (await world.tg("getFile", file_id=told["file_id"])).result
    assert found["file_size"] == len(content)
    for token, status in ((TELEGRAM_TOKEN, 200), ("1234567:other", 404)):
        answer = await world.ask("GET", f"/file/bot{token}/{found['file_path']}")
        assert answer.status == status
    assert (await world.ask("GET", f"/file/bot{TELEGRAM_TOKEN}/{found['file_path']}")).body == content
    assert (await world.ask("GET", f"/file/bot{TELEGRAM_TOKEN}/../../etc/passwd")).status == 404
    assert (await world.tg("getFile", file_id="nothing")).status == 400
