"""How many people follow a channel: asked of its platform by the running daemon."""

from __future__ import annotations

import asyncio

import pytest

from alerts.app import build
from alerts.config import load_config
from tocsin_sandbox.server import serve
from tocsin_sandbox.settings import SandboxSettings

LINES = """[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"

[web]
listen = "127.0.0.1:0"

[notify]
every = "1s"

[channels.page]
kind = "facebook"
api_url = "{sandbox}"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}
"""


@pytest.fixture
async def daemon(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEBOOK_TOKEN", "sandbox-page-token")
    sandbox = await serve(SandboxSettings(limits=False), "127.0.0.1", 0)
    (tmp_path / "channels.toml").write_text(LINES.format(sandbox=sandbox.url))
    daemon = await build(load_config(tmp_path / "channels.toml"))
    await daemon.start()
    yield daemon
    await daemon.stop()
    await sandbox.stop()


async def test_followers_are_known_soon_after_the_start(daemon):
    known: dict[str, str] = {}
    async with asyncio.timeout(60):
        while "followers" not in known:
            known = await daemon.database.read(lambda db: dict(db.execute("select key, value from fact").fetchall()))

    assert known["followers"] == "2140"
