"""The channels over real sockets, each against its face of the sandbox, by one clock that a test winds.

Mail and MQTT have no face there, for the sandbox speaks HTTP: they are handed to a real relay and a real broker of the
tests' own.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from alerts.config.kinds import channel_kind
from alerts.model.ports import Resources
from alerts.model.post import Message, PostImage
from tests.fakes import FakeClock, FakePace
from tests.mail_relay import LIST, USER, Relay
from tests.mqtt_broker import USER as BROKER_USER
from tests.mqtt_broker import Broker
from tocsin_sandbox.server import RunningSandbox, serve
from tocsin_sandbox.settings import SandboxSettings

SECRETS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-access-token",
    "X_ACCESS_TOKEN_SECRET": "sandbox-access-token-secret",
    "FACEBOOK_TOKEN": "sandbox-page-token",
    "INSTAGRAM_TOKEN": "sandbox-instagram-token",
    "TELEGRAM_TOKEN": "1234567:sandbox-telegram-token",
    "MASTODON_TOKEN": "sandbox-mastodon-token",
    "BLUESKY_PASSWORD": "sandbox-bluesky-password",
    "MATRIX_TOKEN": "sandbox-matrix-token",
    "NTFY_TOKEN": "sandbox-ntfy-token",
    "OVH_KEY": "sandbox-ovh-key",
    "OVH_SECRET": "sandbox-ovh-secret",
    "OVH_CONSUMER_KEY": "sandbox-ovh-consumer",
    "OCTOPUSH_KEY": "sandbox-octopush-key",
    "SMSMODE_KEY": "sandbox-smsmode-key",
    "WEBHOOK_SECRET": "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1vZi1ub2JvZHk=",
    "MAIL_PASSWORD": "sandbox-mail-password",
    "AGGLO_KEY": "sandbox-open311-key",
    "MQTT_PASSWORD": "sandbox-broker-password",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "twitter": {
        "consumer_key": {"env": "X_CONSUMER_KEY"},
        "consumer_secret": {"env": "X_CONSUMER_SECRET"},
        "access_token": {"env": "X_ACCESS_TOKEN"},
        "access_token_secret": {"env": "X_ACCESS_TOKEN_SECRET"},
    },
    "facebook": {"page_id": "1234567890", "token": {"env": "FACEBOOK_TOKEN"}},
    "instagram": {"account_id": "17841400000000001", "token": {"env": "INSTAGRAM_TOKEN"}},
    "telegram": {"chat": "-1001234567890", "token": {"env": "TELEGRAM_TOKEN"}},
    "mastodon": {"token": {"env": "MASTODON_TOKEN"}},
    "bluesky": {"handle": "saint-martin.sandbox.example", "password": {"env": "BLUESKY_PASSWORD"}},
    "matrix": {"room": "!permanence:sandbox.example", "token": {"env": "MATRIX_TOKEN"}},
    "ntfy": {"topic": "ntfy-permanence", "token": {"env": "NTFY_TOKEN"}},
    "sms": {
        "provider": "ovh",
        "key": {"env": "OVH_KEY"},
        "secret": {"env": "OVH_SECRET"},
        "consumer_key": {"env": "OVH_CONSUMER_KEY"},
        "service": "sms-ab12345-1",
        "contacts": "1234",
        "sender": "STMARTIN",
        "price": 0.07,
        "parts": 4,
        "daily_budget": 1000,
        "monthly_budget": 5000,
    },
    "webhook": {"url": "https://town.example/webhook/alerts", "secret": {"env": "WEBHOOK_SECRET"}},
    "mail": {"user": USER, "password": {"env": "MAIL_PASSWORD"}, "sender": USER, "to": LIST},
    "mqtt": {"user": BROKER_USER, "password": {"env": "MQTT_PASSWORD"}},
}
WITHOUT_NETWORK: frozenset[str] = frozenset()
"""Kinds that ask nobody, such as one that writes a file: they have no face, and the contract says nothing of them."""
REPEATABLE = frozenset({"webhook", "mqtt"})
"""Kinds whose receiver drops repeats: what is unclear is sent again, nothing is ever looked for."""
WITHOUT_HTTP = frozenset({"mail", "mqtt"})
"""Kinds that speak another protocol: a refusal for now is certain there and names no time, a post has no address."""
ALONE = frozenset({"ntfy", "sms"})
"""Kinds whose posts have neither an address nor a place under another one."""
NO_THREADS = ALONE | {"instagram"}
"""Kinds where what answers a post is one of its own."""
PICTURES = frozenset({"instagram"})
"""Kinds that take no words without a picture: a message of the tests gets one."""
NOT_YET = {"instagram": r"^(?!POST \S+/media$|GET \S+/1799\d+$)"}
"""The requests that may be in doubt, of kinds whose first step publishes nothing."""
LOOKS_FIRST = frozenset({"bluesky"})
"""Kinds that ask for the post that a reply answers before they write: trouble meets that, and nothing is in doubt."""
WITHOUT_LIMITS = frozenset({"mqtt"})
"""Kinds that never ask us to wait."""
BROKEN = {"revoked": "refuse", "error_html": "busy", "error_json": "busy", "drip": "hang"} | dict.fromkeys(
    ("half", "error_after"), "cut_after"
)
"""The sandbox's faults, as a broker has them; the others it calls by the same names."""
FAULTS: dict[str, dict[str, Any]] = {
    "revoked": {"says": {"AUTH": "535"}},
    "rate_limit": {"says": {"MAIL": "450 4.7.1 too many letters, come again"}},
    "error_html": {"says": {"MAIL": "451 4.3.0 this relay is in trouble"}},
    "error_json": {"says": {"MAIL": "451 4.3.0 this relay is in trouble"}},
}
"""The sandbox's faults, as a mail relay has them; the others it calls by the same names."""
PAGES = "https://alertes.saint-martin.example"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def told_by(error: BaseException) -> str:
    """Everything that a log could print of an error: its text, its repr and its traceback with all contexts."""
    return "".join([str(error), repr(error), *traceback.format_exception(error), repr(error.__context__)])


def message(text: str = "Crue de l’Isère à Saint-Martin", **more: Any) -> Message:
    return Message(more.pop("html", text), text, **more)


@dataclass
class Facts:
    """What channels keep over a restart: in memory here."""

    known: dict[str, str] = field(default_factory=dict)

    def recall(self, name: str) -> str | None:
        return self.known.get(name)

    async def remember(self, name: str, value: str) -> None:
        self.known[name] = value

    async def look_up(self, name: str) -> str | None:
        return self.known.get(name)

    async def change(self, name: str, change: Callable[[str | None], str]) -> None:
        self.known[name] = change(self.known.get(name))


@dataclass
class Stage:
    """A sandbox that runs, and how a test makes channels and faults for it."""

    sandbox: RunningSandbox
    session: aiohttp.ClientSession
    clock: FakeClock
    facts: Facts
    folder: Path
    relay: Relay
    broker: Broker
    pace: FakePace | None = None

    def resources(self, session: aiohttp.ClientSession | None = None, pages: str = PAGES) -> Resources:
        keeps = self.facts.recall, self.facts.remember
        given = session or self.session, self.clock, self.folder, *keeps, self.pace
        return Resources(*given, pages=pages, look_up=self.facts.look_up, change=self.facts.change)

    async def open(self, kind: str, session: aiohttp.ClientSession | None = None, **settings: Any) -> Any:
        """An open channel of this kind."""
        told = {"kind": kind, **self.place(kind), "timeout": "60s", **SETTINGS[kind], **settings}
        made = _with_picture(channel_kind(kind).load()) if kind in PICTURES else channel_kind(kind).load()
        channel = made("here", channel_kind(kind).settings.model_validate(told), self.resources(session))
        await channel.open()
        return channel

    def place(self, kind: str, port: int | None = None, *, tls: bool = False) -> dict[str, Any]:
        """The keys that say where the platform is, or that it is at that port."""
        if kind in WITHOUT_HTTP:
            own = self.relay.port if kind == "mail" else self.broker.port
            return {"host": "127.0.0.1", "port": port or own, "tls": "implicit" if tls else "none"}
        url = f"http://127.0.0.1:{port}" if port else self.sandbox.url
        return {"api_url": url.replace("http:", "https:") if tls else url}

    async def fault(self, platform: str, kind: str, **more: Any) -> None:
        if platform == "mail":
            self.relay.set(**FAULTS.get(kind, {"does": kind}), times=more.get("times", 0))
            return
        if platform == "mqtt":
            self.broker.set(BROKEN.get(kind, kind), more.get("times", 0))
            return
        route = {"route": NOT_YET[platform]} if platform in NOT_YET else {}
        async with self.session.post(
            f"{self.sandbox.url}/sandbox/faults", json={"platform": platform, "kind": kind, **route, **more}
        ) as answer:
            assert answer.status == 201, await answer.text()

    async def control(self, path: str, **body: Any) -> None:
        async with self.session.post(f"{self.sandbox.url}/sandbox/{path}", json=body) as answer:
            assert answer.ok, await answer.text()

    async def heal(self) -> None:
        async with self.session.delete(f"{self.sandbox.url}/sandbox/faults") as answer:
            assert answer.ok

    async def timeline(self, platform: str) -> list[dict[str, Any]]:
        if platform == "mail":
            return [
                {"id": each.id, "text": each.text().rstrip("\n"), "reply_to": each.reply_to}
                for each in self.relay.taken
            ]
        if platform == "mqtt":
            return _on_the_broker(self.broker)
        async with self.session.get(f"{self.sandbox.url}/sandbox/timelines.json") as answer:
            posts: list[dict[str, Any]] = (await answer.json()).get(platform, [])
            return posts

    async def requests(self, platform: str) -> list[dict[str, Any]]:
        if platform == "mail":
            return [{"platform": "mail"}] * self.relay.connections
        if platform == "mqtt":
            return [{"platform": "mqtt"}] * self.broker.connections
        async with self.session.get(f"{self.sandbox.url}/sandbox/requests.json") as answer:
            return [line for line in await answer.json() if line["platform"] == platform]


def _with_picture(kind: type[Any]) -> type[Any]:
    class Pictured(kind):
        async def publish(self, message: Message, reply_to: str | None = None) -> Any:
            image = message.image or PostImage("pictures/carte.jpg", "Crue de l’Isère")
            return await super().publish(replace(message, image=image), reply_to)

    return Pictured


def _on_the_broker(broker: Broker) -> list[dict[str, Any]]:
    """What stood under each name that is for everywhere, one after the other."""
    posts: dict[str, dict[str, Any]] = {}
    for said in broker.taken:
        name, told = said.topic.rpartition("/")[2], said.told
        post = posts.setdefault(name, {"id": name, "text": None, "edits": [], "deleted": False})
        if not told:
            post["deleted"] = True
            continue
        if post["text"] not in (None, told["text"]):
            post["edits"].append(post["text"])
        post |= {"text": told["text"], "reply_to": told["reply_to"]}
        posts[name] = post
    return list(posts.values())


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def nothing_secret_is_told(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], str]]:
    """Every test here runs with every logger at DEBUG, and fails where a credential is told."""
    caplog.set_level(logging.DEBUG)
    yield lambda: caplog.text
    out, err = capfd.readouterr()
    told = caplog.text + out + err
    assert not [secret for secret in SECRETS.values() if secret in told]


@pytest.fixture
async def make_stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Any]]:
    """Starts a sandbox with settings of the test's own; a broker, which takes its time, only where it is spoken to."""
    running: list[Stage] = []

    async def make(**settings: Any) -> Stage:
        clock = FakeClock()
        told = {"limits": False, "clock": lambda: clock.now().timestamp(), **settings}
        sandbox = await serve(SandboxSettings(**told), "127.0.0.1", 0)
        relay = await Relay(SECRETS["MAIL_PASSWORD"]).start()
        broker = Broker(SECRETS["MQTT_PASSWORD"])
        if "mqtt" in request.node.nodeid:
            await broker.start()
        stage = Stage(sandbox, aiohttp.ClientSession(), clock, Facts(), tmp_path, relay, broker)
        running.append(stage)
        return stage

    yield make
    for stage in running:
        await stage.session.close()
        await stage.sandbox.stop()
        await stage.relay.stop()
        await stage.broker.stop()


@pytest.fixture
async def stage(make_stage: Callable[..., Any]) -> Stage:
    made: Stage = await make_stage()
    return made


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """The name of a small real picture in the channel's folder."""
    (tmp_path / "map.png").write_bytes(PNG)
    return "map.png"
