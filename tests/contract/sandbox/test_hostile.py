"""Whatever a client sends, the platform answers in its own words: no request makes the sandbox stumble."""

import itertools

import pytest

from tests.walls import in_one_test

TOKEN = "1234567:sandbox-telegram-token"
ROUTES = [
    "/2/tweets",
    "/2/media/upload",
    "/2/media/metadata",
    "/2/oauth2/token",
    "/v25.0/1234567890/feed",
    "/v25.0/1234567890/photos",
    "/v25.0/1234567890_1/comments",
    "/v25.0/1234567890_1",
    *(f"/bot{TOKEN}/{name}" for name in ("sendMessage", "sendPhoto", "editMessageText", "deleteMessage", "setWebhook")),
]
VALUES = [None, True, 3, -1.5, "", "x", "{", [], [1], {}, {"a": 1}]
NAMES = [
    "text",
    "media",
    "reply",
    "edit_options",
    "metadata",
    "id",
    "message",
    "link",
    "attached_media",
    "attached_media[0]",
    "chat_id",
    "message_id",
    "entities",
    "reply_parameters",
    "photo",
    "url",
]
HEADERS = {"twitter": "Bearer sandbox-bearer", "facebook": "Bearer sandbox-page-token", "telegram": ""}


def authorization(path):
    return {"2": HEADERS["twitter"], "v": HEADERS["facebook"]}.get(path[1], "")


@pytest.mark.parametrize("path", ROUTES)
async def test_any_json_is_answered(open_world, path):
    world = await open_world(limits=False)
    headers = {"Authorization": authorization(path)}
    whole = [*VALUES, {"text": "x", "chat_id": "@saintmartin", "message": "x"}]
    odd = [{"text": f"x{n}", "chat_id": "@saintmartin", "message": f"x{n}"} for n in range(len(NAMES) * len(VALUES))]
    for body, (name, value) in zip(odd, itertools.product(NAMES, VALUES), strict=True):
        body[name] = value
    for body in [*whole, *odd]:
        said = await world.ask("POST", path, json=body, headers=headers)
        assert said.status < 500, body


@in_one_test
@pytest.mark.parametrize(
    "entity", [1, {}, {"type": "bold", "offset": "x", "length": 1}, {"type": "bold", "offset": -5, "length": 99}]
)
async def test_any_entity_is_answered_and_shown(world, entity):
    said = await world.say("Crue", entities=[entity])
    assert said.status in {200, 400}
    assert (await world.ask("GET", "/")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/2/users/1500000000000000001/tweets?since_id=x&pagination_token=y&tweet.fields=%00",
        "/2/users/1500000000000000001/tweets?start_time=0000-00-00",
        "/2/tweets?ids=,,",
        "/v25.0/1234567890/published_posts?after=%00&fields=%F0%9F%8C%8A&until=-1",
        "/v25.0/me?access_token=%00",
        f"/bot{TOKEN}/getUpdates?timeout=-1",
        "/bot/",
        "/bot%00/x",
    ],
)
async def test_any_query_is_answered(world, path):
    said = await world.ask("GET", path, headers={"Authorization": authorization(path)})
    assert said.status < 500


async def test_broken_multipart_is_answered(world):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    said = await world.ask("POST", f"/bot{TOKEN}/sendPhoto", data=b"--y\r\nnonsense", headers=headers)
    assert said.status == 400
    headers = {"Content-Type": "multipart/form-data"}
    said = await world.ask("POST", f"/bot{TOKEN}/sendPhoto", data=b"nonsense", headers=headers)
    assert said.status == 400
