"""What is usual in a town: the hazards that its officers take most, and an alert that begins as the last one did."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from alerts.model.hazard import Hazard
from alerts.web.console.drafts import FAVOURITES, LAST, usual_of
from tests.unit.web.console.composing import a_form, form_of, open_bench, posted, with_fields


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path) as opened:
        yield opened


async def write(bench, hazard: str, headline: str, **more):
    """An alert of an officer, past the double tap's ten minutes."""
    bench.clock.set(bench.clock.now() + timedelta(minutes=11))
    form = await a_form(bench, hazard, headline=headline, severity="Minor", do="publish", **more)
    return (await bench.post("/compose", form)).rpartition("/")[2]


async def usual(bench, *, exercise: bool = False):
    return await bench.service.ask(lambda unit: usual_of(unit, exercise=exercise))


async def test_a_town_that_wrote_nothing_yet_is_offered_every_hazard_once(bench):
    page = await bench.get("/compose")

    assert "Most often here" not in page
    assert "As last time" not in page
    assert page.count('class="pictogram"') == len(set(Hazard))


async def test_what_was_taken_most_stands_first_and_what_was_taken_once_does_not(bench):
    for hazard, times in (("road", 3), ("water-cut", 2), ("power", 1)):
        for count in range(times):
            await write(bench, hazard, f"{hazard} {count}")

    found = await usual(bench)
    assert list(found.hazards) == [Hazard.ROAD, Hazard.WATER_CUT]
    page = await bench.get("/compose")
    first = page[page.index('id="often"') : page.index('id="last-time"')]
    assert re.findall(r"hazard=([a-z-]+)&", first) == ["road", "water-cut"]


async def test_the_lists_are_short_and_tell_each_headline_once(bench):
    for hazard in ("road", "water-cut", "power", "school", "works"):
        for count in (1, 2):
            await write(bench, hazard, f"{hazard} {count}")
    await write(bench, "road", "ROAD 1")

    found = await usual(bench)
    assert len(found.hazards) == FAVOURITES
    assert [each.alert.infos[0].headline for each in found.last] == ["ROAD 1", "works 2", "works 1", "school 2"]
    assert len(found.last) == LAST


async def test_as_last_time_is_a_new_alert_that_says_the_same_and_lasts_as_long_from_now_on(bench):
    first = await write(bench, "water-cut", "Eau coupée rue Haute", area=["SM-01"], span="3h", description="Fuite.")
    bench.clock.set(bench.clock.now() + timedelta(days=20))

    page = await bench.get(f"/compose?like={first}")
    assert "Check the place" in page
    form = dict(form_of(page))
    assert (form["headline"], form["description"], form["area"]) == ("Eau coupée rue Haute", "Fuite.", "SM-01")
    assert (form["span"], form["expires"], form["onset"], form["about"]) == ("3h", "", "", "")
    await bench.post("/compose", with_fields(form_of(page), do="publish"))

    [before] = [each for each in await bench.stored_alerts() if each.id == first]
    [again] = [each for each in await bench.stored_alerts() if each.id != first]
    assert again.incident_id != before.incident_id
    lasts = again.alert.infos[0].expires - bench.clock.now()
    assert timedelta(hours=3) <= lasts < timedelta(hours=3, minutes=5)
    assert again.alert.references == ()


async def test_a_length_that_is_no_choice_is_typed(bench):
    first = await write(bench, "road", "Rue barrée", span="other", expires="90m")

    form = dict(form_of(await bench.get(f"/compose?like={first}")))
    assert (form["span"], form["expires"]) == ("other", "90m")


async def test_an_exercise_has_lists_of_its_own_and_stays_one(bench):
    drill = await posted(bench, hazard="road", headline="Jeu", severity="Minor", exercise="1")
    real = await write(bench, "road", "Rue barrée")

    assert [each.id for each in (await usual(bench)).last] == [real]
    assert [each.id for each in (await usual(bench, exercise=True)).last] == [drill]
    assert dict(form_of(await bench.get(f"/compose?like={real}&exercise=1")))["exercise"] == "1"
    assert dict(form_of(await bench.get(f"/compose?like={drill}")))["exercise"] == ""


async def test_updates_and_ends_are_nothing_to_begin_with(bench):
    first = await write(bench, "road", "Rue barrée")
    form = form_of(await bench.get(f"/compose?update={first}"))
    await bench.post("/compose", with_fields(form, headline="Rue toujours barrée", do="publish"))

    assert [each.id for each in (await usual(bench)).last] == [first]


async def test_a_draft_that_is_kept_comes_before_what_is_as_last_time(bench):
    first = await write(bench, "road", "Rue barrée")
    form = await a_form(bench, "power", headline="Panne", do="save")
    await bench.post("/compose", form, 200)
    draft = dict(form)["draft"]

    kept = dict(form_of(await bench.get(f"/compose?like={first}&draft={draft}")))
    assert kept["headline"] == "Panne"
