from __future__ import annotations

import pytest

from alerts.store.files import migrate
from tests.unit.delivery.lane_house import LaneHouse


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An empty database that is up to date: made once, copied for each test."""
    file = tmp_path_factory.mktemp("template") / "tocsin.db"
    migrate(file)
    return file


@pytest.fixture
async def house(template, tmp_path):
    house = await LaneHouse.open(template, tmp_path)
    yield house
    await house.close()
