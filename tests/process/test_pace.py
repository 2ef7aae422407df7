"""A channel's windows, priorities and reserve, seen from the platform's side."""

from __future__ import annotations

import signal

import pytest

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.desk.draft import Draft, draft_alert
from alerts.model.incident import new_id
from campaign.audit import rushed
from campaign.ledger import Ledger
from tests.process.town import X

pytestmark = pytest.mark.process
SPAN = 1.0
SLOW = X + f'limits = ["1/{SPAN:g}s"]\nreserve = 0\n'


def post_many(town, count: int) -> None:
    """What `tocsin post` does, `count` times in one process."""
    control = Control(load_config(town.folder / "channels.toml"))
    for number in range(count):
        alert = draft_alert(Draft(headline=f"Travaux n° {number}"), control.desk.station, now(), new_id())
        control.act(lambda unit, alert=alert: unit.desk.post(unit.alerts, alert))


def departures(town) -> list[float]:
    """When each left: on a machine that does other things too, two may arrive closer to each other than that."""
    return Ledger(town.place).departures("x")


def test_an_extreme_alert_overtakes_forty_routine_ones_and_the_window_holds_over_a_kill(town):
    town.configure(SLOW)
    daemon = town.start_daemon()
    post_many(town, 40)
    town.until(lambda: len(town.timelines()["twitter"]) >= 2)

    town.post("Évacuez le quartier du Pont", "--severity", "Extreme", "--urgency", "Immediate")
    before = len(town.timelines()["twitter"])
    town.until(lambda: len(town.timelines()["twitter"]) > before + 1)
    texts = [post["text"] for post in sorted(town.timelines()["twitter"], key=lambda post: post["created_at"])]
    place = next(number for number, text in enumerate(texts) if "Évacuez le quartier du Pont" in text)
    assert place <= before + 1, "it was the next, or the one after a post that had left already"

    daemon.stop(signal.SIGKILL)
    town.start_daemon()
    killed_after = len(departures(town))
    town.until(lambda: len(departures(town)) >= killed_after + 2)

    assert rushed("x", departures(town), 1, SPAN) == []
    assert len(set(texts)) == len(texts), "nothing went out twice"
