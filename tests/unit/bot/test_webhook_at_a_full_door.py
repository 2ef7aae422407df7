"""Telegram at a door that strangers hold: what it brings is done once, or is to come again."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web

from alerts.bot.updates import SECRET_HEADER, WebhookListening
from alerts.daemon.bots import received_of_known
from tests.unit.bot.test_updates import scene  # noqa: F401 a fixture
from tests.unit.web.test_listener import HALF, WHOLE, hall

SECRET = "right"
PLACES = 4


def delivery(update: dict) -> bytes:
    body = json.dumps(update).encode()
    head = f"POST /telegram HTTP/1.1\r\nHost: town\r\n{SECRET_HEADER}: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def door(scene, **limits):  # noqa: F811 the fixture
    listening = WebhookListening(
        scene.bot, scene.reception, scene.join, "https://x.example/", lambda: SECRET, receive=received_of_known
    )
    async with hall(web.post("/telegram", listening.take), **{"connections": PLACES, **limits}) as town:
        yield town


async def test_it_is_taken_while_strangers_hold_every_place_with_half_requests(scene):  # noqa: F811
    async with door(scene) as town:
        for number in range(20):
            for place in range(PLACES):
                await town.call(f"127.0.{number + 1}.{place}", HALF)
            assert await town.ask("127.0.0.5", delivery(scene.command(number + 1, "/now"))) == 200
    assert sorted(chat for chat, _ in scene.line.said) == list(range(1, 21))


async def test_it_is_asked_to_come_again_while_every_place_is_being_answered_and_is_done_once(scene):  # noqa: F811
    async with door(scene) as town:
        for place in range(PLACES):
            await town.call(f"127.0.1.{place}", WHOLE.replace(b"/ ", b"/hang "))
        await town.held(PLACES)
        brought = delivery(scene.command(1, "/now"))
        assert [await town.ask("127.0.0.5", brought) for _ in range(10)] == [503] * 10
        assert (scene.line.said, town.refused["full"]) == ([], 10)
        town.open.set()
        assert {await town.ask("127.0.0.5", brought) for _ in range(5)} == {200}
    assert len(scene.line.said) == 1


async def test_one_that_gives_way_amid_its_body_is_done_when_it_comes_again(scene):  # noqa: F811
    async with door(scene) as town:
        for number in range(1, 11):
            brought = delivery(scene.command(number, "/now"))
            cut = await town.call("127.0.0.5", brought[:-1])
            for place in range(PLACES):
                await town.call(f"127.0.{number}.{place}", HALF)
            assert await cut.is_closed()
            assert await town.ask("127.0.0.5", brought) == 200
    assert sorted(chat for chat, _ in scene.line.said) == list(range(1, 11))


async def test_it_gives_way_to_no_stranger_s_bytes_once_its_secret_is_seen(scene):  # noqa: F811
    strangers = b"POST / HTTP/1.1\r\nHost: town\r\nContent-Length: 9000\r\n\r\n" + b"x" * 6000
    async with door(scene, room=60_000, connections=400) as town:
        for number in range(1, 6):
            brought = delivery(scene.command(number, "/now", filler="x" * 12_000))
            slow = await town.call("127.0.0.5", brought[:-1])
            await town.holds(len(brought) - 300)
            for place in range(30):
                await town.call(f"127.{number}.{place}.1", strangers)
                await asyncio.sleep(0)
            await town.pass_time(0)
            await slow.send(brought[-1:])
            assert await slow.status() == 200
    assert len(scene.line.said) == 5
