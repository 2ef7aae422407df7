"""A gate in a service of its own, over a real file."""

from __future__ import annotations

import itertools

import pytest

from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.service import DeskService
from alerts.model.events import Events
from alerts.store.database import Database
from alerts.store.files import migrate
from tests.fakes import FakeClock
from tests.unit.access.authenticator import Authenticator
from tests.unit.access.town import CHANNELS, Town
from tests.unit.desk.conftest import a_town


@pytest.fixture
def rules():
    return a_town()


@pytest.fixture
async def town(tmp_path, rules):
    (tmp_path / "channels.toml").write_text(CHANNELS)
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    clock, ids = FakeClock(), itertools.count(1)
    service = DeskService(
        town=config,
        database=database,
        desk=build_desk(config, clock.now),
        clock=clock,
        new_id=lambda: f"id{next(ids):010}",
        events=Events(),
    )
    yield Town(service, clock, config.database, rules)
    await database.close()


@pytest.fixture
def authenticator():
    return Authenticator()
