"""From settings to the town's own page."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alerts.app import build
from alerts.config import load_config
from alerts.daemon.desk import build_renderer
from alerts.daemon.environment import DaemonEnvironment
from alerts.model.lease import DUTIES
from alerts.store.files import migrate
from alerts.store.unit import acting
from alerts.web.public.snapshot import PolledSource, Setting
from tests.fakes import FakeClock, PlainChannel
from tests.walls import in_one_test

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "{language}"

[web]
languages = {languages}

[sources.meteo]
kind = "cap"
url = "meteo.xml"
title = "Météo-France"

[sources.travaux]
kind = "cap"
url = "travaux.xml"
every = "1h"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
language = "{channel}"

[channels.equipe]
kind = "telegram"
chat = "@equipe"
token = {{ env = "TELEGRAM_TOKEN" }}
public = false
language = "en"
subscriptions = true

[channels.exercices]
kind = "telegram"
chat = "@exercices"
token = {{ env = "ANOTHER_TOKEN" }}
exercise = true
subscriptions = true

[channels.alertes]
kind = "telegram"
api_url = "http://127.0.0.1:8081"
chat = "@alertes"
token = {{ env = "A_THIRD_TOKEN" }}
subscriptions = true
"""


@pytest.fixture
def setting(tmp_path):
    def furnish(language="fr-FR", channel="fr-FR", languages="[]"):
        file = tmp_path / "channels.toml"
        file.write_text(CONFIG.format(language=language, channel=channel, languages=languages), encoding="utf-8")
        town = load_config(file)
        return Setting(town, build_renderer(town))

    return furnish


def test_a_source_is_called_as_it_spells_itself_and_is_old_by_its_own_measure(setting):
    assert setting().sources == (
        PolledSource("meteo", "Météo-France", timedelta(minutes=10)),
        PolledSource("travaux", "Travaux", timedelta(hours=3)),
    )


def test_works_and_news_of_a_site_are_no_warnings_and_hold_nothing_up_from_being_calm(tmp_path):
    (tmp_path / "channels.toml").write_text(
        CONFIG.format(language="fr-FR", channel="fr-FR", languages="[]")
        + '[sources.chantiers]\nkind = "ical"\nurl = "https://www.example.org/works.ics"\n'
        + '[sources.site]\nkind = "rss"\nurl = "https://www.example.org/feed"\n',
        encoding="utf-8",
    )
    town = load_config(tmp_path / "channels.toml")
    assert {each.name: each.warns for each in Setting(town, build_renderer(town)).sources} == {
        "meteo": True,
        "travaux": True,
        "chantiers": False,
        "site": False,
    }


@in_one_test
@pytest.mark.parametrize(
    ("given", "spoken"),
    [
        ({}, ("fr",)),
        ({"channel": "en"}, ("fr", "en")),
        ({"languages": '["en", "fr"]'}, ("fr", "en")),
        ({"language": "en-GB"}, ("en", "fr")),
        ({"language": "br-FR", "channel": "br-FR"}, ("en",)),
    ],
)
def test_the_pages_are_in_what_the_station_and_its_public_channels_speak(setting, given, spoken):
    assert setting(**given).languages == spoken


def test_the_bots_that_the_pages_name_are_those_of_live_channels_that_the_public_reads(setting):
    assert setting().bots == ("alertes",)


def test_a_path_tells_its_language(setting):
    found = setting(channel="en")
    assert [found.language_of(path) for path in ("/", "/en/", "/en/alerts/x", "/english", "/fr/")] == [
        "fr",
        "en",
        "en",
        "fr",
        "fr",
    ]


EXPORTS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"

[store]
url = "sqlite:///tocsin.db"

[web]
listen = "127.0.0.1:0"
export = "site"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
HOLD = "INSERT INTO lease (lane, owner, until) VALUES (:lane, 'another-daemon', :until)"


async def test_of_several_daemons_the_one_that_has_the_shared_duties_writes_the_files(tmp_path):
    (tmp_path / "channels.toml").write_text(EXPORTS, encoding="utf-8")
    town, clock = load_config(tmp_path / "channels.toml"), FakeClock()
    migrate(town.database)
    with acting(town.database) as unit:
        unit.execute(HOLD, {"lane": DUTIES, "until": int((clock.now().timestamp() + 30) * 1e6)})
    daemon = await build(town, DaemonEnvironment(clock=clock, open_channel=lambda *_: PlainChannel(clock)))
    await daemon.start()
    try:
        async with asyncio.timeout(60):
            while daemon._keeper.found is None:  # noqa: ASYNC110 nothing tells of it
                await asyncio.sleep(0.001)
            while_another_has_them = daemon.publisher._may_export()
            while not (tmp_path / "site").exists():
                await clock.advance(1)
                await asyncio.sleep(0.001)
    finally:
        stopping = asyncio.create_task(daemon.stop())
        while not stopping.done():
            await clock.advance(1)
        await stopping
    assert not while_another_has_them
