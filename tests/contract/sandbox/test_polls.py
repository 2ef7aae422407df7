"""Polls: what each platform takes for one, how votes come in, and how it ends."""

import pytest

from tests.walls import in_one_test

CHANNEL = "@saintmartin"
OPTIONS = ["Samedi", "Dimanche"]


async def send(world, chat=CHANNEL, **more):
    return await world.tg("sendPoll", chat_id=chat, question="Quel jour ?", options=OPTIONS, **more)


async def polls_told(world):
    return [each["poll"] for each in (await world.tg("getUpdates", offset=0)).result if "poll" in each]


def votes(poll):
    return [option["voter_count"] for option in poll["options"]]


async def test_votes_are_told_and_the_stopped_poll_holds_them_all(world):
    sent = (await send(world)).result
    key = f"{CHANNEL}/{sent['message_id']}"
    assert (votes(sent["poll"]), sent["poll"]["is_closed"], sent["poll"]["is_anonymous"]) == ([0, 0], False, True)
    assert await world.people.vote("telegram", key, "Dimanche", 3) == [0, 3]
    assert await world.people.vote("telegram", key, 1, 2) == [2, 3]
    assert [votes(poll) for poll in await polls_told(world)] == [[0, 3], [2, 3]]
    final = (await world.tg("stopPoll", chat_id=CHANNEL, message_id=sent["message_id"])).result
    assert (final["id"], votes(final), final["total_voter_count"]) == (sent["poll"]["id"], [2, 3], 5)
    assert final["is_closed"] is True
    again = await world.tg("stopPoll", chat_id=CHANNEL, message_id=sent["message_id"])
    assert again.json["description"] == "Bad Request: poll has already been closed"
    late = await world.ask("POST", "/sandbox/telegram/vote", json={"post": key, "option": "Samedi"})
    assert late.status == 409


async def test_who_votes_under_the_copy_votes_in_the_poll(world):
    group = await world.people.link(CHANNEL)
    sent = (await send(world)).result
    assert await world.people.vote("telegram", f"{group}/1", "Samedi") == [1, 0]
    [forward] = [each["message"] for each in (await world.tg("getUpdates")).result if "message" in each]
    assert forward["poll"]["id"] == sent["poll"]["id"]


async def test_what_is_no_poll_of_the_bots_is_not_stopped(world):
    group = await world.people.link(CHANNEL)
    said = (await world.say("Crue")).result["message_id"]
    await send(world)
    for chat, id_, words in (
        (CHANNEL, said, "message is not a poll"),
        (CHANNEL, 99, "message with poll to stop not found"),
        (group, 2, "poll can't be stopped"),
    ):
        answer = await world.tg("stopPoll", chat_id=chat, message_id=id_)
        assert answer.json["description"] == f"Bad Request: {words}"


async def test_a_poll_with_a_term_closes_by_itself(world, clock):
    sent = (await send(world, open_period=600)).result
    clock.advance(599)
    key = f"{CHANNEL}/{sent['message_id']}"
    await world.people.vote("telegram", key, "Samedi")
    clock.advance(1)
    assert (await world.ask("POST", "/sandbox/telegram/vote", json={"post": key, "option": "Samedi"})).status == 409
    [first, closed] = await polls_told(world)
    assert (first["is_closed"], closed["is_closed"], votes(closed)) == (False, True, [1, 0])


@in_one_test
@pytest.mark.parametrize(
    "wrong",
    [
        {"question": ""},
        {"question": "?" * 301},
        {"options": []},
        {"options": ["x"] * 13},
        {"options": ["x" * 101]},
        {"open_period": 4},
        {"open_period": 2_628_001},
        {"is_anonymous": False},
    ],
)
async def test_what_telegram_takes_for_no_poll(world, wrong):
    asked = {"chat_id": CHANNEL, "question": "Quel jour ?", "options": OPTIONS, **wrong}
    assert (await world.tg("sendPoll", **asked)).status == 400
    assert await world.posts("telegram") == []


async def test_a_poll_on_x_tells_its_votes_until_its_end_and_after(world, clock):
    poll = {"options": OPTIONS, "duration_minutes": 5}
    id_ = (await world.tweet("Quel jour ?", poll=poll)).data["id"]
    assert await world.people.vote("x", id_, "Dimanche", 4) == [0, 4]
    query = {"expansions": "attachments.poll_ids", "poll.fields": "voting_status,end_datetime,duration_minutes"}

    async def read():
        said = (await world.x("GET", f"tweets/{id_}", params=query)).json
        [shown] = said["includes"]["polls"]
        assert said["data"]["attachments"]["poll_ids"] == [shown["id"]]
        return shown

    shown = await read()
    assert [(each["position"], each["label"], each["votes"]) for each in shown["options"]] == [
        (1, "Samedi", 0),
        (2, "Dimanche", 4),
    ]
    assert (shown["voting_status"], shown["duration_minutes"]) == ("open", 5)
    clock.advance(300)
    assert (await read())["voting_status"] == "closed"
    assert (await world.ask("POST", "/sandbox/x/vote", json={"post": id_, "option": "Samedi"})).status == 409
    edited = await world.tweet("Quel autre jour ?", edit_options={"previous_post_id": id_})
    assert edited.status == 403, "a post with a poll stays as it is"


@in_one_test
@pytest.mark.parametrize(
    "wrong",
    [
        {"options": ["Samedi"], "duration_minutes": 60},
        {"options": ["Samedi"] * 5, "duration_minutes": 60},
        {"options": ["Samedi", "x" * 26], "duration_minutes": 60},
        {"options": ["Samedi", ""], "duration_minutes": 60},
        {"options": OPTIONS, "duration_minutes": 4},
        {"options": OPTIONS, "duration_minutes": 10_081},
        {"options": OPTIONS},
        "?",
    ],
)
async def test_what_x_takes_for_no_poll(world, wrong):
    assert (await world.tweet("Quel jour ?", poll=wrong)).status == 400


async def test_nobody_votes_where_there_is_no_poll(world):
    tweet = (await world.tweet("Crue")).data["id"]
    await world.say("Crue")
    page = (await world.page_post("Crue")).json["id"]
    sent = (await send(world)).result["message_id"]
    for platform, body, status in (
        ("x", {"post": tweet, "option": "Samedi"}, 404),
        ("x", {"post": "7", "option": "Samedi"}, 404),
        ("telegram", {"post": f"{CHANNEL}/1", "option": "Samedi"}, 404),
        ("telegram", {"post": f"{CHANNEL}/{sent}", "option": "Jeudi"}, 404),
        ("telegram", {"post": f"{CHANNEL}/{sent}", "option": 3}, 404),
        ("facebook", {"post": page, "option": "Samedi"}, 400),
    ):
        answer = await world.ask("POST", f"/sandbox/{platform}/vote", json=body)
        assert (answer.status, bool(answer.json["error"])) == (status, True)
