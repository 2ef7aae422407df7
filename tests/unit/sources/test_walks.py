"""Vigicrues and Atmo France for weeks: whatever is absent, unreadable, late or read twice, each is told once.

A walk of editions by a seed: sections and days change, are missing or say nonsense; editions come out of a cache, from
a clock that is wrong, or not for days; and now and then what was read is lost before it was stored, and read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest

from alerts.apart.parser import HERE
from alerts.model.alert import Alert, MsgType
from alerts.model.errors import SourceFailed
from alerts.sources.atmo import AirThreshold, PollutedDay, PublishedEpisode
from alerts.sources.vigicrues import PublishedFlood
from tests.air_pages import ALERTED, FREE, INFORMED
from tests.flood_pages import WORDS, a_geojson, entry, feed_of
from tests.unit.sources.test_atmo import Air, air, at_server  # noqa: F401 fixtures
from tests.unit.sources.test_vigicrues import HOUR, River
from tests.vigilance_pages import MORNING

STEPS = 80
SECTIONS = ("GA6", "TL3", "GA1")


@pytest.fixture(autouse=True)
def _here():
    token = HERE.set(True)
    yield
    HERE.reset(token)


def goes_on(told: list[Alert]) -> Iterator[str]:
    """What is wrong with messages that were stored in this order."""
    known = dict[str, Alert]()
    for alert in told:
        if alert.identifier in known:
            yield f"{alert.identifier} was told twice"
        if any(each.identifier not in known for each in alert.references):
            yield f"{alert.identifier} goes on from what was told to nobody"
        if (alert.msg_type is MsgType.ALERT) == bool(alert.references):
            yield f"{alert.identifier} is {alert.msg_type}, and refers to {len(alert.references)}"
        known[alert.identifier] = alert
    for before, after in pairwise(told):
        if after.sent < before.sent:
            yield f"{after.identifier} is older than the one before"
        if MsgType.CANCEL is before.msg_type is after.msg_type:
            yield f"{after.identifier} ends what is over"


def an_edition(dice: Random, levels: dict[str, int | None], at) -> bytes:
    if dice.random() < 0.5:
        return a_geojson(levels, at, old=dice.random() < 0.3)
    return feed_of(*(entry(code, WORDS.get(level, "gris"), at) for code, level in levels.items()))


@pytest.mark.parametrize("seed", range(2))
async def test_weeks_of_editions_of_vigicrues(seed):
    dice, river, told = Random(f"rivers {seed}"), River(*SECTIONS), []
    colours = dict.fromkeys(SECTIONS, 1)
    stands: dict[str, int] = {}
    hours, last = 0.0, -1.0
    for _ in range(STEPS):
        hours += dice.choice((0.1, 0.5, 2, 6, 6, 18))
        for code in SECTIONS:
            if dice.random() < 0.3:
                colours[code] = dice.choice((1, 1, 2, 3, 4))
        said = {code: dice.choice((level, level, level, level, None)) for code, level in colours.items()}
        said = {code: level for code, level in said.items() if dice.random() < 0.85} or {"GA6": colours["GA6"]}
        # Whole hours, as the reference of an edition has them: one that is late, of before, or of now.
        issued = float(int(hours - dice.choice((0, 0, 0, 0, 3, 30))))
        memory, body = river.memory, an_edition(dice, said, MORNING + issued * HOUR)
        if told and told[-1].msg_type is not MsgType.CANCEL and told[-1].expires <= MORNING + hours * HOUR:
            stands = {}
        try:
            heard = await river.serves(body, hours)
        except SourceFailed:
            continue
        if dice.random() < 0.2:
            river.memory, before = memory, heard
            heard = await river.serves(body, hours)
            assert [each.identifier for each in heard] == [each.identifier for each in before]
        told += heard
        if issued < last:
            assert heard == [], "an edition of before"
            continue
        last = issued
        kept = {code: level for code, level in stands.items() if said.get(code) is None}
        stands = kept | {code: level for code, level in said.items() if level not in (None, 1)}
        state = river.memory.state["told"]
        published = {each.code: int(each.colour) for each in PublishedFlood.of(state).sections} if state else {}
        assert published == stands
        assert (told[-1].msg_type is not MsgType.CANCEL if told else False) == bool(stands)
    assert list(goes_on(told)) == []
    assert len(told) > STEPS / 4


def a_row(dice: Random, pollutant: str, day: date, over: int):
    """Declared, or so that it can't be read: then it stands as it was."""
    state = (FREE, INFORMED, ALERTED)[over]
    return (pollutant, day.isoformat(), state) if dice.random() < 0.85 else (pollutant, day.isoformat(), "en cours")


@pytest.mark.parametrize("seed", range(2))
async def test_weeks_of_episodes(seed, air: Air):  # noqa: F811
    dice, told = Random(f"air {seed}"), []
    stands: dict[tuple[str, str], int] = {}
    for _ in range(STEPS):
        await air.clock.advance(dice.choice((600, 600, 600, 3600, 9 * 3600, 30 * 3600)))
        today = (air.clock.now() + timedelta(seconds=60)).astimezone(air.source._around.town.zone).date()
        days = [today + timedelta(days=each) for each in (-1, 0, 1)]
        worst = dice.choice((0, 2))
        declared = {(name, day): min(worst, dice.choice((0, 0, 1, 2))) for name in ("O3", "PM10") for day in days}
        rows = [a_row(dice, name, day, over) for (name, day), over in declared.items() if dice.random() < 0.8]
        memory = air.memory
        heard = await air.says(*rows)
        if dice.random() < 0.2:
            air.memory, before = memory, heard
            heard = await air.look(after=-60 / 3600)
            assert [each.identifier for each in heard] == [each.identifier for each in before]
        told += heard
        read = {(name.lower(), day): (FREE, INFORMED, ALERTED).index(s) for name, day, s in rows if s != "en cours"}
        stands = {key: over for key, over in (stands | read).items() if over and key[1] >= today.isoformat()}
        state = air.memory.state["told"]
        published = PublishedEpisode.of(state, today).days if state else ()
        assert set(published) == {PollutedDay(*key, AirThreshold(over)) for key, over in stands.items()}
    assert list(goes_on(told)) == []
    assert len(told) > STEPS / 4
