"""A sandbox on a port of its own, asked from outside with nothing but aiohttp's client."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import dataclass

import aiohttp
import pytest
from oauthlib.oauth1 import Client
from yarl import URL

from tests.townsfolk import Townsfolk
from tocsin_sandbox import SandboxSettings, serve

TOKEN = "1234567:sandbox-telegram-token"
KEY, SECRET = "sandbox-consumer-key", "sandbox-consumer-secret"
START = 1_795_600_000.0


class Clock:
    """Seconds since the epoch that stand still until a test moves them."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


@dataclass
class Said:
    status: int
    headers: object
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]

    @property
    def result(self):
        return self.json["result"]

    @property
    def error(self):
        return self.json["error"]


class World:
    """One running sandbox and the ways to ask it."""

    def __init__(self, sandbox, session, clock):
        self.sandbox = sandbox
        self.session = session
        self.clock = clock
        self.url = sandbox.url
        self.people = Townsfolk(session, sandbox.url)

    async def ask(self, method, path, **how):
        async with self.session.request(
            method, URL(f"{self.url}{path}", encoded=isinstance(path, URL)), **how
        ) as answer:
            return Said(answer.status, answer.headers, await answer.read())

    async def x(self, method, path, **how):
        headers = {"Authorization": "Bearer sandbox-bearer"}
        return await self.ask(method, f"/2/{path}", headers=headers, **how)

    async def tweet(self, text, **more):
        return await self.x("POST", "tweets", json={"text": text, **more})

    async def timeline(self, **query):
        query = {"max_results": "100", "tweet.fields": "created_at,entities", **query}
        return (await self.x("GET", "users/1500000000000000001/tweets", params=query)).json.get("data", [])

    async def signed(self, method, path, *, at=None, sent_path=None, key=KEY, secret=SECRET, **how):
        """Sign `path`, then ask for it (or for `sent_path`)."""
        timestamp = str(int(self.clock.now if at is None else at))
        client = Client(key, secret, "sandbox-access-token", "sandbox-access-token-secret", timestamp=timestamp)
        _, headers, _ = client.sign(f"{self.url}/2/{path}", method)
        return await self.ask(method, URL(f"/2/{sent_path or path}", encoded=True), headers=headers, **how)

    async def fb(self, method, path, *, token="sandbox-page-token", **how):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.ask(method, f"/v25.0/{path}", headers=headers, **how)

    async def page_post(self, message, page="1234567890", **more):
        return await self.fb("POST", f"{page}/feed", data={"message": message, **more})

    async def tg(self, method, **arguments):
        return await self.ask("POST", f"/bot{TOKEN}/{method}", json=arguments)

    async def say(self, text, chat="@saintmartin", **more):
        return await self.tg("sendMessage", chat_id=chat, text=text, **more)

    async def fault(self, platform, kind, **more):
        said = await self.ask("POST", "/sandbox/faults", json={"platform": platform, "kind": kind, **more})
        assert said.status == 201, said.body
        return said.json["id"]

    async def posts(self, platform):
        return (await self.ask("GET", "/sandbox/timelines.json")).json[platform]

    async def requests(self):
        return (await self.ask("GET", "/sandbox/requests.json")).json


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def open_world(clock, session):
    """Start a sandbox with these settings; every one of them is stopped in the end."""
    running = []

    async def start(**settings):
        sandbox = await serve(SandboxSettings(**{"clock": clock, **settings}), "127.0.0.1", 0)
        running.append(sandbox)
        return World(sandbox, session, clock)

    yield start
    for sandbox in running:
        await sandbox.stop()


@pytest.fixture
def make_world():
    """The ways to ask a sandbox that a test started by itself."""
    return World


@pytest.fixture
async def world(open_world):
    return await open_world()


@pytest.fixture
def png():
    """Make a PNG of this size, in one colour."""

    def make(width=40, height=20):
        rows = b"".join(b"\0" + bytes((20, 90, 160)) * width for _ in range(height))
        parts = [
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ]
        chunks = (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in parts
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    return make


@pytest.fixture
def form():
    """Make a multipart form: text fields, and files as bytes."""

    def make(**fields):
        data = aiohttp.FormData()
        for name, value in fields.items():
            if isinstance(value, bytes):
                data.add_field(name, io.BytesIO(value), filename="image.png", content_type="image/png")
            else:
                data.add_field(name, value)
        return data

    return make
