"""Those on call hear that the money runs out before a ceiling holds anything up, once, and that it is over."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alerts.channels.sms.settings import codes_on
from alerts.config import load_config
from alerts.health.desk_events import budgets
from alerts.model.spending import LIFTED, SPENT
from alerts.model.subscriber import Subscriber, Telephone
from alerts.store.database import Database
from alerts.store.facts import keep_fact
from alerts.store.files import migrate
from tests.unit.desk.conftest import NOW
from tests.unit.web.public.house import CONFIG
from tests.unit.web.walking import SMS

MORE = "subscriptions = true\ncodes = 10\n"


class Money:
    def __init__(self, config, database) -> None:
        self.config, self.database = config, database
        self.today = NOW.astimezone(config.zone).date()

    async def spend(self, **posts):
        """Euros of posts of today; a name that ends in `_before` was paid three days ago."""
        days = {name: self.today - timedelta(days=3 * name.endswith("_before")) for name in posts}
        kept = json.dumps({name: [days[name].isoformat(), euros] for name, euros in posts.items()})
        await self.database.write(lambda unit: keep_fact(unit.db, "sms", SPENT, kept))

    async def told(self):
        found = await self.database.read(lambda unit: budgets(unit, self.config, NOW))
        return [(each.name, each.reason.code) for each in found]


@pytest.fixture
async def money(tmp_path):
    station = 'public_url = "https://a.example"'
    text = CONFIG.format(station=station, publish="auto", channel="") + SMS + MORE
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    yield Money(config, database)
    await database.close()


async def test_nothing_spent_is_no_news(money):
    assert await money.told() == []


async def test_a_ceiling_is_told_before_it_is_reached(money):
    settings = money.config.channels["sms"].settings
    bound = settings.daily_budget * (1 - settings.urgent_share)
    await money.spend(p1=bound * 0.79)
    assert await money.told() == []
    await money.spend(p1=bound * 0.8)
    assert await money.told() == [("sms", "budget_nearly_spent")]
    await money.database.write(lambda unit: keep_fact(unit.db, "sms", LIFTED, money.today.isoformat()))
    assert await money.told() == [], "whoever lifted it knows"


async def test_too_little_for_one_sms_to_each_subscriber_is_told(money):
    settings = money.config.channels["sms"].settings
    people = int(settings.daily_budget / settings.price) + 1

    def put(unit):
        for number in range(people):
            telephone = Telephone(f"+336{number:08}", f"{number:012}")
            unit.subscribers.put("sms", Subscriber(telephone.number, endpoint=telephone, token=telephone.token))

    await money.database.write(put)
    assert await money.told() == [("sms", "budget_below_all")]


async def test_the_day_s_codes_are_told_before_they_are_used_up(money):
    price = money.config.channels["sms"].settings.price
    await money.spend(**{codes_on(money.today): 8 * price})
    assert await money.told() == [("sms", "codes_nearly_spent")]
