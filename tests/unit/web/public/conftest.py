"""A town's page over the real desk, store and templates."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.settings import TELEGRAM_TEXT
from alerts.desk.publicity import public_incident, situation
from alerts.model.town import ChannelConfig, SourceRules, WebSection
from alerts.web.public.site import Site, card_answer
from alerts.web.public.snapshot import Freshness, Setting, Snapshot
from tests.unit.desk.conftest import TownDesk, a_town, by_name, renderer_of

ADDRESS = "https://alertes.saint-martin.example"


def a_setting(*, embed=(), tiles=None, bots=(), **changes) -> Setting:
    """Saint-Martin on its pages, in French and English."""
    web = WebSection(languages=("en",), embed=embed, tiles=tiles)
    channels = by_name(*(ChannelConfig(name, "telegram", TELEGRAM_TEXT, subscriptions=True) for name in bots))
    town = a_town(sources={"meteo": SourceRules(title="Météo")}, web=web)
    return Setting(replace(town, **{"channels": {**town.channels, **channels}, **changes}), renderer_of(a_town()))


class Paper:
    """Editions of what a town's database holds."""

    def __init__(self, town: TownDesk, setting: Setting) -> None:
        self.town = town
        self.site = Site(setting)
        self.edition = None
        self.freshness = Freshness("Météo", town.clock.now() - timedelta(minutes=2), stale=False)

    def snapshot(self, incidents) -> Snapshot:
        now = self.town.clock.now()
        with self.town.alerts() as alerts:
            shown = [public_incident(alerts.incident(each), alerts.thread(each), now) for each in incidents]
        return Snapshot(situation([each for each in shown if each], now, self.town.station.zone), (self.freshness,))

    def print(self, *filed):
        """An edition that tells of these."""
        outlook = self.snapshot(dict.fromkeys(each.stored.incident_id for each in filed))
        self.edition = self.site.edition(outlook, self.edition)
        return self.edition

    def card(self, path: str):
        """The card of the page at this path."""
        return next(
            card_answer(told)
            for each in self.edition.incidents.values()
            for told in map(each.text, self.site.setting.languages)
            if told.path == path
        )

    def text(self, path: str) -> str:
        return self.edition.entry(path).get().body.decode()


@pytest.fixture
def town(tmp_path):
    town = TownDesk(tmp_path / "town.db", a_town())
    yield town
    town.db.close()


@pytest.fixture
def paper(town):
    return Paper(town, a_setting())


@pytest.fixture
def make_paper(town):
    return lambda **changes: Paper(town, a_setting(**changes))
