"""Which bots are listened for, and what moves with them: with subscribers, with people who are heard, or with both."""

from __future__ import annotations

import pytest

from alerts.config import load_config
from alerts.daemon.bots import bot_paces, bot_settings, conversing, holdings
from tests.fakes import FakeClock
from tests.walls import in_one_test

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"

[channels.mute]
kind = "telegram"
chat = "@mute"
token = { env = "FIRST" }

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "SECOND" }
"""


@in_one_test
@pytest.mark.parametrize(
    ("keys", "moves"),
    [
        ("", ("telegram",)),
        ("hears = true", ("bot telegram", "telegram")),
        ("subscriptions = true", ("bot telegram", "bulk telegram", "telegram")),
        ("hears = true\nsubscriptions = true", ("bot telegram", "bulk telegram", "telegram")),
    ],
)
def test_what_a_bot_does_moves_together_and_goes_at_one_pace(tmp_path, keys, moves):
    (tmp_path / "channels.toml").write_text(CONFIG + keys)
    town = load_config(tmp_path / "channels.toml")
    paces = bot_paces(town, FakeClock())
    together = [each.leases for each in holdings(town, paces) if "telegram" in each.leases]
    assert together == [moves]
    assert list(paces) == list(conversing(town)) == (["telegram"] if keys else [])
    assert list(bot_settings(town)) == (["telegram"] if "subscriptions" in keys else [])
