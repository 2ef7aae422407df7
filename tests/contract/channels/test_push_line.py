"""What a Firefox is promised by the sandbox's push service, over the line it holds open (a real one: tests/browser)."""

from __future__ import annotations

import base64

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.channels.push.bulk import topic_of
from alerts.channels.push.encryption import unpadded
from alerts.model.delivery import SendOutcome
from alerts.model.subscriber import PushEndpoint
from tests.contract.channels.test_push import Town
from tocsin_sandbox.push import Browser, opened

SENT, LEFT = SendOutcome.SENT, SendOutcome.LEFT
CHANNEL = "9f1c9a0e-6b36-4a2f-8f43-3a1f7d1b3e55"


class Client:
    """What a Firefox says and hears; its keys are its own."""

    def __init__(self, stage) -> None:
        self.stage = stage
        private = ec.generate_private_key(ec.SECP256R1())
        numbers = private.public_key().public_numbers()
        point = b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
        self.keys = Browser("", private, point, b"sixteen bytes of")
        self.uaid = ""

    async def connect(self) -> None:
        address = f"{self.stage.sandbox.url}/sandbox/push/firefox"
        self.line = await self.stage.session.ws_connect(address, protocols=("push-notification",))
        hello = await self.asks(messageType="hello", use_webpush=True, broadcasts={}, uaid=self.uaid)
        assert (hello["status"], hello["use_webpush"]) == (200, True)
        self.uaid = hello["uaid"]

    async def asks(self, **told) -> dict:
        await self.line.send_json(told)
        return await self.hears()

    async def hears(self) -> dict:
        return await self.line.receive_json(timeout=60)

    async def subscribe(self, key: str | None = None) -> PushEndpoint:
        padded = {} if key is None else {"key": key + "=" * (-len(key) % 4)}
        made = await self.asks(messageType="register", channelID=CHANNEL, **padded)
        assert (made["status"], made["channelID"]) == (200, CHANNEL)
        return PushEndpoint(made["pushEndpoint"], unpadded(self.keys.public), unpadded(self.keys.secret))

    async def acknowledge(self, message: dict, code: int = 100) -> None:
        told = {"channelID": message["channelID"], "version": message["version"], "code": code}
        await self.line.send_json({"messageType": "ack", "updates": [told]})
        assert await self.asks() == {}, "so the line holds, and it was heard"

    def reads(self, message: dict) -> str:
        data = message["data"]
        body = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        return opened(self.keys, body, {"Content-Encoding": message["headers"]["encoding"]})


@pytest.fixture
async def town(stage):
    return Town(stage)


@pytest.fixture
async def client(stage):
    client = Client(stage)
    await client.connect()
    yield client
    await client.line.close()


async def known(town) -> list[dict]:
    async with town.stage.session.get(f"{town.stage.sandbox.url}/sandbox/push/firefoxes.json") as answer:
        return await answer.json()


async def test_it_alone_reads_what_it_is_brought_and_says_that_it_has_it(town, client):
    endpoint = await client.subscribe(town.key)
    assert await client.subscribe(town.key) == endpoint, "asked twice, it is the same"
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SENT
    message = await client.hears()
    assert message["channelID"] == CHANNEL
    assert "Montez à l’étage" in client.reads(message)
    [brought] = await town.brought()
    assert (brought["payload"], brought["topic"], brought["acknowledged"]) == (None, topic_of("i1"), None)
    await client.acknowledge(message)
    assert [each["acknowledged"] for each in await town.brought()] == ["delivered"]
    [told] = await known(town)
    assert (told["id"], told["connected"], told["waiting"]) == (client.uaid, True, 0)


async def test_who_is_away_finds_the_latest_of_each_topic_and_nothing_that_is_over(town, client):
    endpoint = await client.subscribe()
    await client.line.close()
    for incident, headline in (("i1", "Crue"), ("i2", "Gel"), ("i1", "Crue plus haute")):
        await town.bulk.tell(town.target(endpoint, incident=incident, texts={"fr": headline}))
    assert [each["waiting"] for each in await known(town)] == [2]
    await client.connect()
    found = [await client.hears(), await client.hears()]
    assert ["Gel" in client.reads(found[0]), "Crue plus haute" in client.reads(found[1])] == [True, True]
    await client.acknowledge(found[0], 101)
    await client.line.close()
    await town.stage.clock.advance(2 * 3600 + 1)
    await client.connect()
    assert await client.asks() == {}, "what it didn't acknowledge was over"
    assert [each["acknowledged"] for each in await town.brought()] == [None, "unreadable", None]


async def test_who_left_is_gone_and_who_subscribed_under_another_key_takes_nothing(town, client):
    endpoint = await client.subscribe("B" + "A" * 86)
    assert (await town.bulk.tell(town.target(endpoint))).outcome is SendOutcome.LATER
    assert (await client.asks(messageType="unregister", channelID=CHANNEL, code=200))["status"] == 200
    assert (await town.bulk.tell(town.target(endpoint))).outcome is not SENT
    assert [each["browsers"][0]["gone"] for each in await known(town)] == [True]


async def test_a_sandbox_that_forgets_everything_hangs_up_and_gives_another_name(town, client):
    endpoint, before = await client.subscribe(), client.uaid
    async with town.stage.session.delete(f"{town.stage.sandbox.url}/sandbox/timelines"):
        assert (await client.line.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
    await client.connect()
    assert client.uaid != before
    assert (await town.bulk.tell(town.target(endpoint))).outcome is LEFT


async def test_no_page_of_another_site_and_nobody_who_talks_nonsense_holds_a_line(town, client):
    address = f"{town.stage.sandbox.url}/sandbox/push/firefox"
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await town.stage.session.ws_connect(address, origin="https://elsewhere.example")
    await client.line.send_str("what?")
    assert (await client.line.receive(timeout=60)).data == aiohttp.WSCloseCode.INVALID_TEXT
