"""How old the knowledge of each ear is, and what it doesn't know, is told as it is of sources."""

from __future__ import annotations

from datetime import timedelta

from alerts.listening.ears import ear_statuses
from alerts.model.listening import EarStatus
from alerts.model.reason import because


async def standings(listening):
    rows = await listening.service.ask(lambda unit: list(ear_statuses(unit, listening.town)))
    return {row["ear"]: row for row in rows}


async def test_an_ear_that_never_listened_is_quiet_and_one_that_cannot_is_failing(listening):
    why = because("no_answer", platform="Facebook")
    await listening.service.act(lambda unit: unit.listening.put_ear(EarStatus("page", failures=1, reason=why)))
    rows = await standings(listening)

    assert (rows["page"]["state"], rows["page"]["reason"]) == ("failing", why)
    assert (rows["telegram"]["state"], rows["telegram"]["last_ok"]) == ("quiet", None)


async def test_one_that_listens_in_time_is_ok_until_it_is_late(listening):
    now = listening.clock.now()
    status = EarStatus("page", last_ok=now, next_try=now + timedelta(minutes=1), cost=0.125, month="2026-11")
    await listening.service.act(lambda unit: unit.listening.put_ear(status))

    seen = []
    for minutes in (1, 5, 1):
        listening.clock.set(listening.clock.now() + timedelta(minutes=minutes))
        seen.append((await standings(listening))["page"]["state"])
    assert seen == ["ok", "ok", "quiet"]


async def test_what_it_cost_counts_for_its_month(listening):
    status = EarStatus("page", cost=0.125, month="2026-11")
    await listening.service.act(lambda unit: unit.listening.put_ear(status))
    assert (await standings(listening))["page"]["cost"] == 0.125

    listening.clock.set(listening.clock.now() + timedelta(days=7))
    assert (await standings(listening))["page"]["cost"] == 0.0
