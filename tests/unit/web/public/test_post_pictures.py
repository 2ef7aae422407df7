"""The pictures of posts at the town's address: of what goes out, for a day; no draft's, and no others."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from alerts.model.alert import Severity
from alerts.model.delivery import Verdict
from alerts.model.post import PostState
from alerts.store.outbox import Outbox
from alerts.store.pictures import keep_drawing, picture_folder
from alerts.web.public.post_pictures import post_picture_routes
from alerts.web.public.publisher import public_routes
from tests.unit.desk.conftest import an_alert
from tests.unit.leases import take as take_leases
from tests.unit.web.public.house import a_house

ADDRESS = 'public_url = "https://alertes.saint-martin.example"'
INSTAGRAM = """
[channels.instagram]
kind = "instagram"
api_url = "http://127.0.0.1:9"
account_id = "17841400000000001"
token = { env = "INSTAGRAM_TOKEN" }
"""


@pytest.fixture
async def house(tmp_path):
    async with a_house(tmp_path, channel=INSTAGRAM, station=ADDRESS) as house:
        app = web.Application()
        pictures = post_picture_routes(house.station, house.publisher, house.service)
        app.add_routes([*pictures, *public_routes(house.publisher)])
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house


async def drafted(house):
    """The address of the card of an alert that isn't on its way yet."""
    stored = await house.hear(an_alert(severity=Severity.SEVERE))
    posts = await house.service.ask(lambda unit: list(unit.alerts.posts_of(stored.id)))
    return next(f"/pictures/{Path(post.message.image.path).name}" for post in posts if post.channel == "instagram")


async def attempted(house, state=PostState.SENT):
    """Its post's attempt begins, and ends so."""
    outbox, now = Outbox(house.database), house.clock.now()
    [lease] = await take_leases(house.database, ["instagram"], "us", now, now + timedelta(minutes=1))
    [post] = (await outbox.next_due("instagram", now, urgent_only=False)).posts
    begun = await outbox.begin(post, lease, now, action="send", counts=True)
    if state is not PostState.SENDING:
        await outbox.finish(post, begun, Verdict(state, state.value), now, now)


@pytest.mark.parametrize("state", [PostState.SENDING, PostState.QUEUED, PostState.IN_DOUBT, PostState.FAILED])
async def test_the_card_of_a_post_on_its_way_is_a_jpeg_at_its_address(house, state):
    address = await drafted(house)
    await attempted(house, state)
    async with house.client.get(address) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert answer.headers["X-Robots-Tag"] == "noindex"
        picture = Image.open(io.BytesIO(await answer.read()))
    assert (picture.format, picture.size) == ("JPEG", (1200, 630))


async def test_whoever_guesses_the_words_of_a_draft_does_not_learn_that_there_is_one(house):
    address = await drafted(house)
    assert (await house.get(address))[0] == 404
    # At once: who asked in vain before is no reason to have Instagram wait.
    await attempted(house)
    async with house.client.get(address) as answer:
        assert answer.status == 200


async def test_a_day_after_its_last_attempt_it_is_there_no_more(house):
    address = await drafted(house)
    await attempted(house)
    await house.clock.advance(timedelta(hours=25).total_seconds())
    assert (await house.get(address))[0] == 404


async def test_nothing_else_that_the_town_keeps_is_there(house):
    await drafted(house)
    await attempted(house)
    folder = picture_folder(house.station.beside)
    photo = keep_drawing(folder, b"\xff\xd8\xff", "image/jpeg")
    png = keep_drawing(folder, b"\x89PNG\r\n\x1a\n", "image/png")
    for name in (photo, png, f"{'0' * 64}.jpg", "%" * 64 + ".jpg", "..%2Ftown.db", ""):
        assert (await house.get(f"/pictures/{name}"))[0] == 404


async def test_a_crowd_that_asks_for_one_costs_one_reading(house):
    address = await drafted(house)
    await attempted(house)
    asked, ask = [], house.service.ask
    house.service.ask = lambda question: asked.append(question) or ask(question)
    for _ in range(100):
        async with house.client.get(address) as answer:
            assert answer.status == 200
    assert len(asked) == 1


async def test_a_town_whose_posts_are_words_has_no_such_address(tmp_path):
    async with a_house(tmp_path) as house:
        assert post_picture_routes(house.station, house.publisher, house.service) == []
