"""What everybody may see of reports, and what is told to who is about to report the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.model.alert import Area, Circle
from alerts.model.reason import because
from alerts.model.reports import Closing, ReportPhoto, ReportState
from alerts.reports.places import Address, Places, coarse, metres
from alerts.reports.public import GONE_AFTER, MOST_PINS, may_show, nearby, one_pin, pins
from tests.unit.desk.conftest import an_alert
from tests.unit.reports.conftest import HERE, METRES, north
from tests.walls import in_one_test

WHERE = Places(streets=("Rue Pasteur",), addresses=(Address(0, "12", HERE),))
ACCEPTED = {"state": ReportState.ACCEPTED}


async def become(reports, taken, **changes):
    """What an officer, or time, made of it."""
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))
    if changes.get("state") is ReportState.ACCEPTED:
        changes = {"accepted_at": reports.clock.now(), **changes}
    changed = replace(kept, **changes)
    await reports.service.keep(lambda unit: unit.reports.put(changed))
    return changed


async def shown(reports, **more):
    now = reports.clock.now()
    return await reports.ask(lambda unit: pins(unit, reports.town, WHERE, now, **more))


async def near(reports, kind="flooding", place=HERE):
    now = reports.clock.now()
    return await reports.ask(lambda unit: nearby(unit, reports.town, WHERE, kind, *place, now))


async def with_photo(reports, taken, released):
    at = reports.clock.now()
    photo = ReportPhoto(taken.report.id, b"jpeg", "0" * 16, at, at if released else None)
    await reports.service.keep(lambda unit: unit.reports.put_photo(photo))


async def test_a_pin_tells_a_square_a_street_and_a_day(reports):
    taken = await reports.report(text="Devant chez moi, au 12")
    assert await shown(reports) == []
    await become(reports, taken, **ACCEPTED, answer="Nous arrivons.")
    [pin] = await shown(reports)
    assert (pin.lat, pin.lon) == coarse(*HERE) != HERE
    assert metres((pin.lat, pin.lon), HERE) < 75
    assert (pin.place, pin.day, pin.state) == ("Rue Pasteur", date(2026, 11, 25), ReportState.ACCEPTED)
    assert (pin.text, pin.answer, pin.number) == ("Devant chez moi, au 12", "Nous arrivons.", taken.report.number)


async def test_a_day_is_the_towns(reports):
    reports.clock.set(reports.clock.now().replace(hour=23, minute=30))
    await become(reports, await reports.report(), **ACCEPTED)
    [pin] = await shown(reports)
    assert pin.day == date(2026, 11, 26)


async def test_words_and_photo_are_shown_once_accepted_and_not_while_withheld(reports):
    taken = await reports.report(text="Un trou")
    await become(reports, taken, **ACCEPTED, has_photo=True)
    await with_photo(reports, taken, released=False)
    assert [(each.text, each.has_photo) for each in await shown(reports)] == [("Un trou", False)]
    await with_photo(reports, taken, released=True)
    assert [(each.text, each.has_photo) for each in await shown(reports)] == [("Un trou", True)]
    await become(reports, taken, **ACCEPTED, withheld="Un nom y est.")
    assert [(each.text, each.has_photo) for each in await shown(reports)] == [(None, False)]


@pytest.mark.parametrize(
    ("changes", "is_shown"), [({}, True), ({"text": "Au secours"}, False), ({"has_photo": True}, False)]
)
async def test_without_words_and_photo_two_who_agree_are_enough(reports, changes, is_shown):
    first = await reports.report()
    assert await shown(reports) == []
    assert await reports.intake.agree(first.report.id, "net 198.51.100.0/24")
    await become(reports, first, **changes)
    found = await shown(reports)
    assert [each.agreed for each in found] == [1] * is_shown


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"state": ReportState.HELD, "held": because("reports_too_many")},
        {"state": ReportState.SET_ASIDE, "accepted_at": None},
        {"closing": Closing.ERASED, "state": ReportState.CLOSED},
        {"lat": None, "lon": None},
        {"kind": "noise"},
        {"kind": "no longer taken"},
    ],
)
async def test_what_nobody_may_see(reports, changes):
    taken = await reports.report()
    accepted = await become(reports, taken, **ACCEPTED)
    assert may_show(accepted, reports.town, reports.clock.now())
    await become(reports, taken, **{**ACCEPTED, **changes})
    assert await shown(reports) == []
    now = reports.clock.now()
    assert await reports.ask(lambda unit: one_pin(unit, reports.town, WHERE, taken.report.number, now)) is None


async def test_a_closed_one_is_gone_after_fourteen_days(reports):
    taken, now = await reports.report(), reports.clock.now()
    await become(
        reports, taken, state=ReportState.CLOSED, closing=Closing.DONE, closed_at=now, accepted_at=now, answer="Réparé."
    )
    reports.clock.set(now + GONE_AFTER - timedelta(seconds=1))
    assert [(each.closing, each.answer) for each in await shown(reports)] == [(Closing.DONE, "Réparé.")]
    reports.clock.set(now + GONE_AFTER)
    assert await shown(reports) == []


async def test_a_duplicate_is_no_pin_of_its_own_but_has_its_page(reports):
    taken, now = await reports.report(), reports.clock.now()
    closed = {"state": ReportState.CLOSED, "closing": Closing.DUPLICATE, "closed_at": now, "accepted_at": now}
    await become(reports, taken, **closed)
    assert await shown(reports) == []
    number = f" {taken.report.number.lower()} "
    assert (
        await reports.ask(lambda unit: one_pin(unit, reports.town, WHERE, number, now))
    ).closing is Closing.DUPLICATE


async def test_in_a_flood_what_nobody_looked_at_is_shown_of_clusters_alone(reports):
    lone = [await reports.report("road", north(800)), await reports.report("road", north(800))]
    crowd = [await reports.report(place=north(90 * n)) for n in range(5)]
    accepted = await reports.report("tree", north(700))
    await become(reports, accepted, **ACCEPTED)
    assert {each.id for each in await shown(reports)} >= {each.report.id for each in lone}
    flooded = {each.kind for each in await shown(reports, flooded=True)}
    assert flooded == {"flooding", "tree"}
    assert {each.id for each in await shown(reports, flooded=True)} <= {each.report.id for each in [*crowd, accepted]}


async def test_pins_are_bounded_and_the_newest_first(reports, monkeypatch):
    monkeypatch.setattr("alerts.reports.public.MOST_PINS", 3)
    for _ in range(5):
        await become(reports, await reports.report(), **ACCEPTED)
    found = [each.number for each in await shown(reports)]
    assert found == ["SM-26-0005", "SM-26-0004", "SM-26-0003"]
    assert MOST_PINS == 2000


async def test_what_is_near_is_told_bare_until_it_may_be_shown(reports):
    taken = await reports.report(text="Chez Mme Durand", place=north(50))
    await reports.report(text="Trop loin", place=north(160))
    await reports.report("road", text="Autre chose")
    found = await near(reports)
    assert found.incident is None
    [pin] = found.reports
    assert (pin.id, pin.text, pin.answer, pin.has_photo) == (taken.report.id, None, None, False)
    assert (pin.lat, pin.lon) == coarse(*north(50))
    await become(reports, taken, **ACCEPTED, answer="Vu.")
    [pin] = (await near(reports)).reports
    assert (pin.text, pin.answer) == ("Chez Mme Durand", "Vu.")


async def test_the_three_nearest_are_told_and_none_that_is_held_closed_or_private(reports):
    taken = [await reports.report("road", north(metres)) for metres in (120, 10, 60, 90, 30)]
    await become(reports, taken[4], state=ReportState.HELD, held=because("reports_too_many"))
    found = (await near(reports, "road")).reports
    assert {each.id for each in found} == {taken[n].report.id for n in (1, 2, 3)}
    await become(reports, taken[1], state=ReportState.CLOSED, closed_at=reports.clock.now())
    assert len((await near(reports, "road")).reports) == 3
    await reports.report("noise")
    assert (await near(reports, "noise")).reports == ()
    assert (await near(reports, "nothing")).reports == ()


async def test_where_a_report_is_can_be_asked_from_everywhere_and_no_answer_is_finer_than_its_square(reports):
    rows, columns = range(-300, 325, 25), range(-250, 250, 25)
    asked = [(north(up)[0], HERE[1] + aside / METRES) for up in rows for aside in columns]
    square = coarse(*HERE)
    spots = [HERE, square, (square[0] + 0.0003, square[1] + 0.0004), (square[0] - 0.0003, square[1] - 0.0004)]
    assert len({coarse(*each) for each in spots}) == 1
    told = []
    for spot in spots:
        taken = await reports.report(place=spot)
        found = [(await near(reports, place=each)).reports for each in asked]
        told.append([[pin.id == taken.report.id for pin in each] for each in found])
        await become(reports, taken, state=ReportState.SET_ASIDE)

    assert len(asked) == 500
    assert any(any(each) for each in told[0])
    assert all(each == told[0] for each in told)
    by_square = {coarse(*each): answer for each, answer in zip(asked, told[0], strict=True)}
    assert [by_square[coarse(*each)] for each in asked] == told[0], "one answer in each square that is asked about"


async def test_who_reports_step_by_step_finds_no_edge_of_agreement_within_a_square(reports):
    first = await reports.report()
    square = coarse(*north(150))
    for aside in (-0.0004, 0.0, 0.0004):
        await reports.report(place=(square[0] + aside, square[1]), source="net 192.0.2.0/24")
    kept = await reports.ask(lambda unit: unit.reports.by_id(first.report.id))
    agreed = {each.agreed for each in await reports.ask(lambda unit: unit.reports.listed(9))}
    assert agreed == {kept.agreed}, "all of a square agree, or none of it"


async def test_the_alert_that_is_on_there_is_told(reports):
    area = Area("Centre-Bourg", circles=(Circle(HERE, 2.0),))
    alert = an_alert(event="Inondation", headline="Inondation", expires=None, areas=(area,))
    filed = await reports.service.act(lambda unit: unit.desk.file(unit.alerts, alert, "meteo"))
    found = await near(reports)
    assert found.incident is not None
    assert found.incident.incident_id == filed.stored.incident_id
    assert (await near(reports, place=north(5000))).incident is None
    assert (await near(reports, "lighting")).incident is None
