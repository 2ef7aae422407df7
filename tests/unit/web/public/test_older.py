"""Pages of long ago, and of addresses that lead nowhere, and from when what waited is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from alerts.desk.approve import approve
from alerts.model.alert import Area, Named
from tests.unit.desk.conftest import NOW, an_alert, following
from tests.unit.web.public.house import a_house


async def test_a_crowd_with_addresses_that_lead_nowhere_stands_before_nobody_in_the_line(tmp_path):
    """The lanes read by the same thread: one question at a time is in their way, however many ask."""
    async with a_house(tmp_path) as house:
        old = await house.hear(an_alert())
        house.clock.set(NOW + timedelta(days=9))
        await house.publisher.make()
        ask, asking, most = house.service.ask, 0, 0

        async def counted(question):
            nonlocal asking, most
            asking += 1
            most = max(most, asking)
            try:
                return await ask(question)
            finally:
                asking -= 1

        house.service.ask = counted
        paths = [f"/alerts/nobody{number}" for number in range(20)]
        answers = await asyncio.gather(*(house.get(path) for path in (*paths, f"/alerts/{old.incident_id}")))

    assert [status for status, _ in answers] == [404] * 20 + [200]
    assert most == 1


async def test_what_waited_to_be_taken_away_is_over_from_when_that_was_let_out(tmp_path):
    async with a_house(tmp_path, publish="approve") as house:
        first = await house.hear(alert := an_alert())
        await house.service.act(lambda unit: approve(unit.alerts, first.id, "anne", unit.now))
        moved = following(alert, areas=(Area("Autreville", geocodes=(Named("INSEE", "99999"),)),))
        leaving = await house.hear(moved)
        house.clock.set(NOW + timedelta(hours=2))
        await house.publisher.make()
        before = (await house.get("/feed.atom"))[1]
        await house.service.act(lambda unit: approve(unit.alerts, leaving.id, "anne", unit.now))
        await house.publisher.make()
        after = (await house.get("/feed.atom"))[1]

    assert (leaving.state, leaving.incident_id) == ("waiting", first.incident_id)
    assert "Alerte retirée" not in before
    assert "Alerte retirée" in after
    assert "<updated>2026-11-25T14:00:00+00:00</updated>" in after
