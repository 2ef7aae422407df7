"""A browser without scripts before the pages of setting up: it reads each answer as the next form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from alerts.model.ports import SystemClock
from alerts.model.town import Town
from alerts.setup.session import SetupSession, first_app
from alerts.setup.workshop import Workshop
from alerts.web.console.frame import Frame
from tocsin_sandbox.server import RunningSandbox

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    "X_CONSUMER_KEY": "sandbox-consumer-key",
    "X_CONSUMER_SECRET": "sandbox-consumer-secret",
    "X_ACCESS_TOKEN": "sandbox-access-token",
    "X_ACCESS_TOKEN_SECRET": "sandbox-access-token-secret",
    "FACEBOOK_TOKEN": "sandbox-page-token",
    "TELEGRAM_TOKEN": "1234567:sandbox-telegram-token",
    "WEBHOOK_SECRET": "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1vZi1ub2JvZHk=",
}
STATION = {"name": "Ville de Saint-Martin", "sender": "alertes@saint-martin.example", "areas": "INSEE:38185"}
ONLINE = {"public_url": "https://alertes.saint-martin.example", "proxies": "127.0.0.1"}
CODE = "the-code-of-this-test"


@dataclass
class Visitor:
    """A browser without scripts: it knows the last page, and sends its hidden fields along."""

    client: TestClient[Any, Any]
    page: str = ""
    status: int = 0
    lines: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    async def get(self, path: str) -> str:
        async with self.client.get(path, headers={"Accept-Language": self.language}) as answer:
            return await self._read(answer)

    async def send(self, step: str, do: str = "", **typed: str) -> str:
        csrf = re.search(r'name="csrf" value="([^"]*)"', self.page)
        data = {"csrf": csrf[1] if csrf else "", "lines": self.lines, "do": do, **typed}
        path = f"/desk/setup/{step}"
        async with self.client.post(path, data=data, headers={"Accept-Language": self.language}) as answer:
            return await self._read(answer)

    async def _read(self, answer: Any) -> str:
        self.page, self.status, self.headers = await answer.text(), answer.status, dict(answer.headers)
        carried = re.search(r'name="lines" value="([^"]*)"', self.page)
        if carried:
            self.lines = unescape(carried[1])
        return self.page

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.page)).split())


def opened(folder: Path, hosts: set[str]) -> Any:
    frame = Frame(Town("Tocsin"), SystemClock().now)
    return first_app(frame, Workshop(folder / "channels.toml", SystemClock()), SetupSession(CODE, hosts))


def with_address(lines: str, name: str, url: str) -> str:
    """What nobody is asked for in a form: the sandbox's address."""
    return lines.replace(f"[channels.{name}]\n", f'[channels.{name}]\napi_url = "{url}"\n')


async def add(visitor: Visitor, kind: str, sandbox: RunningSandbox, name: str, **typed: str) -> None:
    await visitor.send("channels", "add", kind=kind)
    assert 'id="entry"' in visitor.page
    await visitor.send("channels", "save:", kind=kind, name=name, **{f"key.{key}": told for key, told in typed.items()})
    assert visitor.status == 200, visitor.text
    visitor.lines = with_address(visitor.lines, name, sandbox.url)


async def timeline(sandbox: RunningSandbox, visitor: Visitor, platform: str) -> list[dict[str, Any]]:
    async with visitor.client.session.get(f"{sandbox.url}/sandbox/timelines.json") as answer:
        posts: list[dict[str, Any]] = (await answer.json()).get(platform, [])
        return posts


def storm(folder: Path) -> None:
    """The sample of a warning, as of now."""
    now = datetime.now(UTC)
    sample = (ROOT / "alerts/demo/samples/orages.xml").read_text(encoding="utf-8")
    for name, at in (("{sent}", now - timedelta(hours=1)), ("{expires}", now + timedelta(hours=8)), ("{stamp}", now)):
        sample = sample.replace(name, at.isoformat(timespec="seconds"))
    (folder / "orages.xml").write_text(sample, encoding="utf-8")
