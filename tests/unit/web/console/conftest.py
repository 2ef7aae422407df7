"""The desk behind its guard for each test of this folder: a town, a browser at it, and another one."""

from __future__ import annotations

import pytest

from tests.unit.web.console.guarding import Browser, open_town


@pytest.fixture
async def town(tmp_path):
    async with open_town(tmp_path) as town:
        yield town


@pytest.fixture
async def browser(town):
    browser = Browser(town)
    yield browser
    await browser.client.close()


@pytest.fixture
async def other(town):
    browser = Browser(town)
    yield browser
    await browser.client.close()
