from __future__ import annotations

import pytest

from tests.unit.web.api.bureau import open_bureau


@pytest.fixture
async def bureau(tmp_path):
    async with open_bureau(tmp_path) as opened:
        yield opened
