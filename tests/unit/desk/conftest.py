"""A town: the real desk over the real store and the real templates, with a clock to wind and ids that count."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from alerts.channels.settings import FACEBOOK_TEXT, TELEGRAM_TEXT, TWITTER_TEXT
from alerts.desk.actions import Desk, Filed
from alerts.desk.posts import PostWriter
from alerts.model.alert import Alert, Area, Info, MsgType, NamedValue, Reference, Severity, Urgency
from alerts.model.incident import StoredAlert
from alerts.model.ports import Heard
from alerts.model.post import Means, Post, PostState
from alerts.model.reason import read_reason
from alerts.model.town import ChannelConfig, District, SourceRules, Town
from alerts.rendering.templates import Renderer
from alerts.store.alerts import AlertRepository
from alerts.store.files import connect, migrate
from alerts.store.unit import transaction
from tests.fakes import FakeClock

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=6)
SENDER = "alertes@saint-martin.example"
HERE = NamedValue("INSEE", "38185")


def square(west: float, south: float, side: float = 0.02) -> dict:
    """A district's outline: a square of about two kilometres, longitude first as GeoJSON has it."""
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


CENTRE = District("D1", "Centre-Bourg", square(5.70, 45.18))
MILL = District("D2", "Le Moulin d’Élise", square(5.72, 45.18))

X = ChannelConfig("x", "twitter", TWITTER_TEXT, severity=Severity.MODERATE, link="first")
PAGE = ChannelConfig("page", "facebook", FACEBOOK_TEXT, on_update=Means.EDIT, on_end=Means.EDIT)
TELEGRAM = ChannelConfig("telegram", "telegram", TELEGRAM_TEXT)
TEAM = ChannelConfig("equipe", "telegram", TELEGRAM_TEXT, public=False)
DRILLS = ChannelConfig("exercices", "telegram", TELEGRAM_TEXT, exercise=True)


@cache
def _renderer(name: str, language: str, address: str | None, sender: str) -> Renderer:
    return Renderer(Town(name, sender, language, public_url=address))


def renderer_of(town: Town) -> Renderer:
    """Templates are compiled once for all towns that speak alike."""
    return _renderer(town.name, town.language, town.public_url, town.sender)


def by_name(*channels: ChannelConfig) -> dict[str, ChannelConfig]:
    """As a town has them."""
    return {each.name: each for each in channels}


def a_town(channels=(X, PAGE, TELEGRAM, TEAM, DRILLS), **changes) -> Town:
    """Saint-Martin, or what the changes make of it."""
    town = Town(
        name="Ville de Saint-Martin",
        sender=SENDER,
        public_url="https://alertes.saint-martin.example",
        areas=("INSEE:38185",),
        districts=(CENTRE, MILL),
        channels=by_name(*channels),
        sources={"meteo": SourceRules(severity=Severity.MINOR)},
    )
    return replace(town, **changes)


def an_info(**changes) -> Info:
    info = Info(
        "Vent violent",
        severity=Severity.MODERATE,
        urgency=Urgency.EXPECTED,
        language="fr-FR",
        headline="Coup de vent",
        description="Rafales à 110 km/h.",
        instruction="Rentrez le mobilier de jardin.",
        expires=LATER,
        areas=(Area("Saint-Martin", geocodes=(HERE,)),),
    )
    return replace(info, **changes)


_numbers = itertools.count(1)


def an_alert(**changes) -> Alert:
    """A warning of a feed; what belongs to the info goes into it."""
    fields = set(Info.__dataclass_fields__)
    info = an_info(**{name: value for name, value in changes.items() if name in fields})
    rest = {name: value for name, value in changes.items() if name not in fields}
    alert = Alert(f"urn-{next(_numbers)}", "meteo@example", NOW, infos=(info,))
    return replace(alert, **rest)


def following(earlier: Alert, **changes) -> Alert:
    """An update of `earlier`, a minute later."""
    reference = Reference(earlier.sender, earlier.identifier, earlier.sent)
    changes = {"msg_type": MsgType.UPDATE, "sent": earlier.sent + timedelta(minutes=1), **changes}
    return an_alert(references=(reference,), **changes)


def cancelling(earlier: Alert, **changes) -> Alert:
    """A Cancel of `earlier` without any words, as most are."""
    return replace(following(earlier, msg_type=MsgType.CANCEL, **changes), infos=())


class TownDesk:
    """Saint-Martin with its desk; each call is one transaction."""

    def __init__(self, path, station: Town) -> None:
        migrate(path)
        self.db = connect(path)
        self.clock = FakeClock(NOW)
        self.station = station
        self._numbers = itertools.count(1)
        self.writer = PostWriter(station, renderer_of(station), self._new_id)
        self.desk = Desk(station, self.writer, self._new_id, self.clock.now)

    def _new_id(self) -> str:
        return f"id{next(self._numbers):04}"

    def pass_(self, **span: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**span))

    def act(self, action: Callable[[AlertRepository], object]):
        with transaction(self.db):
            return action(AlertRepository(self.db))

    @contextmanager
    def alerts(self):
        with transaction(self.db):
            yield AlertRepository(self.db)

    def hear(self, alert: Alert, source: str = "meteo") -> Filed:
        return self.act(lambda alerts: self.desk.hear(alerts, Heard(alert.identifier, alert), source))

    def post(self, alert: Alert, *channels: str, again: bool = False) -> Filed:
        return self.act(lambda alerts: self.desk.post(alerts, alert, channels, again=again))

    def stored(self, filed: Filed) -> StoredAlert:
        """How the message stands now."""
        [found] = AlertRepository(self.db).by_id(filed.stored.id)
        return found

    def posts(self, filed: Filed) -> dict[str, Post]:
        """The posts of a message as they stand now, by channel."""
        return {post.channel: post for post in AlertRepository(self.db).posts_of(filed.stored.id)}

    def states(self, filed: Filed) -> dict[str, str]:
        return {name: str(post.state) for name, post in self.posts(filed).items()}

    def kinds(self, filed: Filed) -> dict[str, str]:
        return {name: str(post.kind) for name, post in self.posts(filed).items()}

    def deliver(self, filed: Filed, state: PostState = PostState.SENT, *channels: str) -> None:
        """What lanes do, in one stroke."""
        for post in self.posts(filed).values():
            if not channels or post.channel in channels:
                with transaction(self.db):
                    self.db.execute("UPDATE post SET state = ? WHERE id = ?", (state, post.id))

    def decisions(self, filed: Filed) -> list[tuple[str, str]]:
        rows = self.db.execute("SELECT what, reason FROM decision WHERE alert_id = ? ORDER BY seq", (filed.stored.id,))
        return [(row["what"], str(read_reason(row["reason"]) or "")) for row in rows]

    def count(self, table: str) -> int:
        return self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.fixture
def make_town(tmp_path):
    towns = []

    def make(**changes) -> TownDesk:
        towns.append(TownDesk(tmp_path / f"town{len(towns)}.db", a_town(**changes)))
        return towns[-1]

    yield make
    for town in towns:
        town.db.close()


@pytest.fixture
def town(make_town):
    return make_town()
