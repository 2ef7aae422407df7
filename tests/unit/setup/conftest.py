"""The pages of setting up over real sockets, beside a sandbox."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.unit.setup.visiting import CODE, SECRETS, Visitor, opened
from tocsin_sandbox.server import serve
from tocsin_sandbox.settings import SandboxSettings


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def sandbox():
    running = await serve(SandboxSettings(limits=False), "127.0.0.1", 0)
    yield running
    await running.stop()


@pytest.fixture
async def make_visitor(tmp_path):
    clients = []

    async def make() -> Visitor:
        hosts: set[str] = set()
        client = TestClient(TestServer(opened(tmp_path, hosts)))
        await client.start_server()
        clients.append(client)
        hosts.add(f"127.0.0.1:{client.server.port}")
        return Visitor(client)

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def visitor(make_visitor):
    visitor = await make_visitor()
    await visitor.get(f"/desk/setup?code={CODE}")
    assert visitor.status == 200
    return visitor
