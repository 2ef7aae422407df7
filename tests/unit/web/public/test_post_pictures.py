"""The pictures of posts at the town's address: by the name of their content, and nothing else of that folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from alerts.model.alert import Severity
from alerts.store.pictures import keep_drawing, picture_folder
from alerts.web.public.post_pictures import routes
from alerts.web.public.publisher import public_routes
from tests.unit.desk.conftest import an_alert
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
        app.add_routes([*routes(house.publisher, house.service), *public_routes(house.publisher)])
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house


async def test_a_posts_card_is_a_jpeg_at_its_address(house):
    stored = await house.hear(an_alert(severity=Severity.SEVERE))
    posts = await house.service.ask(lambda unit: list(unit.alerts.posts_of(stored.id)))
    image = next(post.message.image for post in posts if post.channel == "instagram")
    async with house.client.get(f"/pictures/{Path(image.path).name}") as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        picture = Image.open(io.BytesIO(await answer.read()))
    assert (picture.format, picture.size) == ("JPEG", (1200, 630))


async def test_nothing_else_is_there(house):
    png = keep_drawing(picture_folder(house.station.beside), b"\x89PNG\r\n\x1a\n", "image/png")
    for name in (png, f"{'0' * 64}.jpg", "..%2Ftown.db", ""):
        assert (await house.get(f"/pictures/{name}"))[0] == 404
