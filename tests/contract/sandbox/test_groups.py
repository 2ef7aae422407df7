"""Telegram's linked groups: what is forwarded, said, edited and silently deleted there, and what the bot may do."""

import aiohttp
import pytest
from aiohttp import web

CHANNEL = "@saintmartin"


async def updates(world, **how):
    return (await world.tg("getUpdates", offset=0, **how)).result


async def last(world, kind):
    found = [each[kind] for each in await updates(world) if kind in each]
    return found[-1]


@pytest.fixture
async def group(world):
    return await world.people.link(CHANNEL)


async def refused(world, act, **body):
    return await world.ask("POST", f"/sandbox/{act}", json=body)


async def test_nothing_is_forwarded_before_somebody_asks(world):
    posted = await world.say("Crue")
    assert await updates(world) == []
    assert "linked_chat_id" not in (await world.tg("getChat", chat_id=CHANNEL)).result
    answer = await refused(world, "telegram/say", text="Où ?", under=f"{CHANNEL}/{posted.result['message_id']}")
    assert (answer.status, "link" in answer.json["error"]) == (409, True)


async def test_a_post_is_forwarded_and_a_comment_leads_back_to_it(world, group):
    await world.say("Bienvenue", chat=str(group))
    posted = (await world.say("Crue")).result
    forward = await last(world, "message")
    assert forward["is_automatic_forward"] is True
    assert (forward["from"]["id"], forward["sender_chat"]["id"]) == (777000, posted["chat"]["id"])
    assert (forward["forward_origin"]["type"], forward["forward_origin"]["message_id"]) == ("channel", 1)
    assert (forward["chat"]["id"], forward["chat"]["type"], forward["message_id"]) == (group, "supergroup", 2)

    said = await world.people.say("telegram", "L’eau est-elle potable ?", under=f"{CHANNEL}/1", name="Nadia")
    comment = await last(world, "message")
    assert (said["ids"], said["chat"]) == (["3"], group)
    assert (comment["message_thread_id"], comment["text"]) == (2, "L’eau est-elle potable ?")
    assert comment["reply_to_message"]["forward_origin"]["message_id"] == 1
    assert (comment["from"]["first_name"], comment["from"]["is_bot"]) == ("Nadia", False)
    assert str(comment["from"]["id"]) == said["authors"][0]

    deeper = await world.people.say("telegram", "Moi aussi", under=f"{group}/3")
    answer = await last(world, "message")
    assert (answer["message_thread_id"], answer["reply_to_message"]["message_id"]) == (2, 3)
    assert (deeper["ids"], "reply_to_message" in answer["reply_to_message"]) == (["4"], False)
    both = [(await world.tg("getChat", chat_id=chat)).result["linked_chat_id"] for chat in (CHANNEL, str(group))]
    assert both == [group, posted["chat"]["id"]]


async def test_an_edit_is_told_a_deletion_is_not(world, group):
    await world.say("Crue")
    [id_] = (await world.people.say("telegram", "Où", under=f"{CHANNEL}/1"))["ids"]
    await world.people.edit("telegram", id_, "Où donc ?", chat=str(group))
    edited = await last(world, "edited_message")
    assert (edited["text"], edited["message_id"]) == ("Où donc ?", int(id_))
    assert edited["edit_date"] >= edited["date"]
    before = len(await updates(world))
    assert (await world.people.delete("telegram", f"{group}/{id_}"))["deleted"] == 1
    assert len(await updates(world)) == before
    answer = await world.tg("sendMessage", chat_id=group, text="Ici", reply_parameters={"message_id": int(id_)})
    assert answer.json["description"] == "Bad Request: message to be replied not found"


async def test_an_edited_post_edits_its_copy(world, group):
    await world.say("Crue")
    await world.tg("editMessageText", chat_id=CHANNEL, message_id=1, text="Crue finie")
    assert (await last(world, "edited_message"))["text"] == "Crue finie"


@pytest.mark.parametrize(("speaks", "account"), [("admin", 1087968824), ("channel", 136817688)])
async def test_who_is_no_person_says_so(world, group, speaks, account):
    await world.say("Crue")
    said = await world.people.say("telegram", "Bonjour", under=f"{CHANNEL}/1", speaks=speaks, name="La voix du village")
    message = await last(world, "message")
    assert message["from"]["id"] == account
    sender = {"admin": group, "channel": int(said["authors"][0])}[speaks]
    assert message["sender_chat"]["id"] == sender
    assert sender < 0


async def test_many_speak_at_once_each_as_somebody_else(world, group):
    await world.say("Crue")
    said = await world.people.say("telegram", ["Où ?", "Quand ?"], under=f"{CHANNEL}/1", count=3)
    assert len(set(said["authors"])) == len(said["ids"]) == 6
    texts = [each["message"]["text"] for each in await updates(world)][1:]
    assert texts == ["Où ?"] * 3 + ["Quand ?"] * 3


async def test_the_bot_answers_in_the_thread_and_can_change_its_answer(world, group):
    await world.say("Crue")
    [id_] = (await world.people.say("telegram", "Où ?", under=f"{CHANNEL}/1"))["ids"]
    under = (await world.say("Quai Sud", chat=str(group), reply_parameters={"message_id": int(id_)})).result
    assert (under["message_thread_id"], under["reply_to_message"]["message_id"]) == (1, int(id_))
    assert under["from"]["is_bot"] is True
    alone = (await world.say("À tous", chat=str(group), message_thread_id=1)).result
    assert (alone["message_thread_id"], alone["reply_to_message"]["message_id"]) == (1, 1)
    lost = await world.say("Perdu", chat=str(group), message_thread_id=99)
    assert lost.json["description"] == "Bad Request: message thread not found"
    more = await world.tg("editMessageText", chat_id=group, message_id=under["message_id"], text="Quai Sud et Nord")
    assert more.result["text"] == "Quai Sud et Nord"
    foreign = await world.tg("editMessageText", chat_id=group, message_id=id_, text="?")
    assert foreign.json["description"] == "Bad Request: message can't be edited"


async def test_twenty_answers_a_minute_to_one_group(world, clock, group):
    for number in range(20):
        assert (await world.say(f"Réponse {number}", chat=str(group))).status == 200
        clock.advance(2)
    assert (await world.say("Une de trop", chat=str(group))).status == 429
    clock.advance(21)
    assert (await world.say("Une de trop", chat=str(group))).status == 200


async def test_others_messages_are_deleted_and_their_authors_banned(world, clock, group):
    await world.say("Crue")
    said = await world.people.say("telegram", "Insulte", under=f"{CHANNEL}/1", name="Zoé")
    assert (await world.tg("deleteMessage", chat_id=group, message_id=said["ids"][0])).result is True
    who = {"chat_id": group, "user_id": said["authors"][0]}
    until = int(clock.now) + 60
    for ban, unban in (
        (("banChatMember", {}), ("unbanChatMember", {})),
        (
            ("restrictChatMember", {"permissions": {}}),
            ("restrictChatMember", {"permissions": {"can_send_messages": True}}),
        ),
    ):
        assert (await world.tg(ban[0], **who, **ban[1])).result is True
        answer = await refused(world, "telegram/say", text="Encore", under=f"{CHANNEL}/1", name="Zoé")
        assert answer.status == 403
        await world.tg(unban[0], **who, **unban[1])
        await world.people.say("telegram", "Encore", under=f"{CHANNEL}/1", name="Zoé")
    await world.tg("banChatMember", **who, until_date=until)
    clock.advance(61)
    await world.people.say("telegram", "Encore", under=f"{CHANNEL}/1", name="Zoé")
    outside = await world.tg("banChatMember", chat_id=CHANNEL, user_id=5)
    assert outside.status == 400


async def test_a_mere_member_hears_and_may_little(world, group):
    await world.people.rules(telegram_administrator=False)
    await world.say("Crue")
    own = (await world.say("Posez vos questions", chat=str(group))).result["message_id"]
    stranger = (await world.people.say("telegram", "Bonjour", chat=str(group)))["ids"][0]
    assert await updates(world) == []
    await world.people.say("telegram", "/now", chat=str(group))
    await world.people.say("telegram", "Où ?", under=f"{group}/{own}")
    assert [each["message"]["text"] for each in await updates(world)] == ["/now", "Où ?"]
    member = await world.tg("getChatMember", chat_id=group, user_id=1234567)
    assert member.result["status"] == "member"
    assert (await world.tg("deleteMessage", chat_id=group, message_id=stranger)).status == 400
    assert (await world.tg("banChatMember", chat_id=group, user_id=5)).status == 400


async def test_reactions_are_counted_for_who_asked_before(world, group):
    await world.say("Crue")
    await world.people.react("telegram", f"{CHANNEL}/1", count=3)
    assert [kind for each in await updates(world) for kind in each if "reaction" in kind] == []
    await updates(world, allowed_updates=["message", "message_reaction_count"])
    await world.people.react("telegram", f"{CHANNEL}/1", emoji="😢", count=2)
    counted = await last(world, "message_reaction_count")
    told = {each["type"]["emoji"]: each["total_count"] for each in counted["reactions"]}
    assert (told, counted["message_id"]) == ({"👍": 3, "😢": 2}, 1)
    await world.people.react("telegram", f"{group}/1", count=2)
    assert not [each for each in await updates(world) if "message_reaction" in each], "personal, and not asked for"
    await updates(world, allowed_updates=["message_reaction"])
    await world.people.react("telegram", f"{group}/1", count=2)
    assert len([each for each in await updates(world) if "message_reaction" in each]) == 2


async def test_only_what_was_asked_for_arises(world, group):
    await updates(world, allowed_updates=["poll"])
    await world.say("Crue")
    await world.people.say("telegram", "Où ?", under=f"{CHANNEL}/1")
    assert await updates(world) == []
    assert (await world.people.standing())["telegram"]["allowed_updates"] == ["poll"]
    await updates(world, allowed_updates=[])
    await world.people.say("telegram", "Quand ?", under=f"{CHANNEL}/1")
    assert [each["message"]["text"] for each in await updates(world)] == ["Quand ?"]


async def test_an_update_is_lost_after_a_day(world, clock, group):
    await world.say("Crue")
    clock.advance(86_399)
    await world.people.say("telegram", "Où ?", under=f"{CHANNEL}/1")
    assert len(await updates(world)) == 2
    clock.advance(1)
    assert [each["message"]["text"] for each in await updates(world)] == ["Où ?"]


async def test_what_a_channels_other_administrator_posts_is_heard(world, group):
    await world.people.say("telegram", "Marché annulé", chat=CHANNEL)
    kinds = [next(kind for kind in each if kind != "update_id") for each in await updates(world)]
    assert sorted(kinds) == ["channel_post", "message"]


async def test_comments_come_by_webhook_too(world, group):
    got = []

    async def take(request):
        got.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        await world.tg("setWebhook", url=f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
        await world.say("Crue")
        said = await world.people.say("telegram", "Où ?", under=f"{CHANNEL}/1")
    finally:
        await runner.cleanup()
    assert said["told"][-1] == 200
    assert [each["message"]["text"] for each in got] == ["Crue", "Où ?"]


async def test_who_answers_nowhere_is_told_so(world, group):
    for body, status in (
        ({"text": "Où ?"}, 400),
        ({"text": "Où ?", "under": f"{CHANNEL}/7"}, 404),
        ({"text": "Où ?", "chat": "no chat"}, 400),
        ({"text": ["Où ?"] * 1500, "count": 2, "chat": CHANNEL}, 400),
        ({"text": "", "chat": CHANNEL}, 400),
    ):
        answer = await refused(world, "telegram/say", **body)
        assert (answer.status, bool(answer.json["error"])) == (status, True), body
    await world.say("Crue")
    for act in ("edit", "delete"):
        body = {"post": f"{CHANNEL}/1", **({"text": "?"} if act == "edit" else {})}
        assert (await refused(world, f"telegram/{act}", **body)).status == 403, "it is the account's own"
    form = aiohttp.FormData({"text": "Où ?", "chat": CHANNEL})
    assert (await world.ask("POST", "/sandbox/telegram/say", data=form)).status == 415


async def test_a_link_outlives_a_restart_and_ends(open_world, tmp_path):
    world = await open_world(state_dir=tmp_path)
    group = await world.people.link(CHANNEL, -1001234567890)
    await world.say("Crue")
    await world.people.say("telegram", "Où ?", under=f"{CHANNEL}/1")
    await world.sandbox.stop()
    world = await open_world(state_dir=tmp_path)
    assert (await world.people.standing())["telegram"]["links"] == {CHANNEL: group}
    assert (await world.people.say("telegram", "Quand ?", under=f"{CHANNEL}/1"))["ids"] == ["3"]
    await world.people.link(CHANNEL, linked=False)
    await world.say("Vent")
    assert len([post for post in await world.posts("telegram") if post["kind"] == "forward"]) == 1
