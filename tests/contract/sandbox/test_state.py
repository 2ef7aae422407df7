"""What outlives a restart, what the journal tells, and what a reset forgets."""

import io

import pytest

TOKEN = "1234567:sandbox-telegram-token"


@pytest.fixture
def restart(open_world, tmp_path):
    """Stop the sandbox that runs and start another one on the same folder."""
    running = []

    async def again(**settings):
        for world in running:
            await world.sandbox.stop()
        world = await open_world(state_dir=tmp_path, **settings)
        running[:] = [world]
        return world

    return again


async def fill(world, form, png):
    first = (await world.tweet("Crue à 18 h")).data["id"]
    await world.tweet("Crue à 19 h", edit_options={"previous_post_id": first})
    deleted = (await world.page_post("Crue")).json["id"]
    await world.fb("DELETE", deleted)
    await world.page_post("Vent")
    await world.say("<b>Crue</b>", parse_mode="HTML")
    await world.ask("POST", f"/bot{TOKEN}/sendPhoto", data=form(chat_id="@saintmartin", photo=png(), caption="Carte"))
    return first


async def test_everything_is_there_again_after_a_restart(restart, form, png):
    world = await restart()
    first = await fill(world, form, png)
    before = (await world.ask("GET", "/sandbox/timelines.json")).json
    world = await restart()
    after = (await world.ask("GET", "/sandbox/timelines.json")).json
    assert after == before
    assert len(after["twitter"]) == 1
    assert (await world.say("Suite")).result["message_id"] == 3
    assert (await world.tweet("Fin", reply={"in_reply_to_tweet_id": first})).status == 201
    assert (await world.tweet("Crue à 19 h")).status == 403, "a duplicate stays one"
    assert (await world.page_post("Vent")).error["code"] == 506
    medium = after["telegram"][1]["media"][0]
    assert (await world.ask("GET", f"/sandbox/media/{medium}")).body == png()


async def test_a_post_is_on_the_disk_before_it_is_answered(restart, tmp_path):
    world = await restart()
    await world.tweet("Crue")
    assert '"text":"Crue"' in (tmp_path / "sandbox.jsonl").read_text()


async def test_rate_windows_outlive_a_restart(restart):
    world = await restart(twitter_user_day=2)
    await world.tweet("Un")
    await world.tweet("Deux")
    world = await restart(twitter_user_day=2)
    assert (await world.tweet("Trois")).status == 429


async def test_a_line_that_a_crash_cut_short_is_dropped(restart, tmp_path):
    world = await restart()
    await world.tweet("Un")
    await world.sandbox.stop()
    with (tmp_path / "sandbox.jsonl").open("a") as journal:
        journal.write('{"post":{"platform":"twi')
    world = await restart()
    await world.tweet("Deux")
    world = await restart()
    assert [post["text"] for post in await world.posts("twitter")] == ["Un", "Deux"]


async def test_a_chat_that_moved_has_moved_for_good(restart):
    world = await restart()
    await world.say("Avant", chat=-4242)
    await world.ask("POST", "/sandbox/telegram/migrate", json={"from": -4242, "to": -1_009_999_999_999})
    world = await restart()
    assert (await world.say("Après", chat=-4242)).json["parameters"] == {"migrate_to_chat_id": -1_009_999_999_999}


async def test_a_reset_forgets_everything_on_disk_too(restart, form, png, tmp_path):
    world = await restart()
    await fill(world, form, png)
    await world.fault("twitter", "error_json")
    assert (await world.ask("DELETE", "/sandbox/timelines")).status == 204
    assert (await world.ask("GET", "/sandbox/timelines.json")).json == {"twitter": [], "facebook": [], "telegram": []}
    assert await world.requests() == []
    assert list((tmp_path / "media").iterdir()) == []
    said = await world.tweet("Crue à 19 h")
    assert said.headers["x-rate-limit-remaining"] == "99"
    assert (await world.say("Crue")).result["message_id"] == 1
    world = await restart()
    assert [post["text"] for post in await world.posts("twitter")] == ["Crue à 19 h"]


async def test_the_journal_tells_arrival_and_answer_and_no_secret(world):
    await world.tweet("Crue")
    world.clock.advance(5)
    await world.say("Crue")
    await world.fb("GET", "me?access_token=sandbox-page-token", token=None)
    await world.tg("sendNothing")
    assert await world.requests() == [
        {"platform": "twitter", "method": "POST", "path": "/2/tweets", "at": world.clock.now - 5, "status": 201},
        {
            "platform": "telegram",
            "method": "POST",
            "path": "/bot<token>/sendMessage",
            "at": world.clock.now,
            "status": 200,
        },
        {"platform": "facebook", "method": "GET", "path": "/v25.0/me", "at": world.clock.now, "status": 200},
        {
            "platform": "telegram",
            "method": "POST",
            "path": "/bot<token>/sendNothing",
            "at": world.clock.now,
            "status": 404,
        },
    ]


async def test_control_calls_are_no_requests(world):
    await world.posts("twitter")
    assert (await world.ask("GET", "/nowhere")).status == 404
    assert await world.requests() == []


async def test_a_body_too_large_is_413_as_a_page(world):
    body = io.BytesIO(b"x" * (61 * 1024 * 1024))
    said = await world.ask("POST", f"/bot{TOKEN}/sendMessage", data=body)
    assert (said.status, said.headers["Content-Type"]) == (413, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "body"), [("migrate", {"from": "x y", "to": 1}), ("foreign", {"chat": "x"}), ("foreign", {})]
)
async def test_control_calls_say_what_is_wrong(world, path, body):
    said = await world.ask("POST", f"/sandbox/telegram/{path}", json=body)
    assert said.status == 400
    assert said.error
