"""The blanks of a prepared text over HTTP: fields below it, filled from what the town gave, scripts or not."""

from __future__ import annotations

import re

import pytest

from tests.unit.web.console.composing import form_of, open_bench, with_fields

GIVES = """numbers = ["Mairie: 04 76 00 00 00", "Police: 04 76 11 11 11"]
[station.blanks]
"lieu" = ["le gymnase Pagnol", "la salle des fêtes"]
"itinéraire" = ["la rue Haute"]
"""
CONFIRM = 'class="confirm-form"'


@pytest.fixture
async def bench(tmp_path):
    async with open_bench(tmp_path, station=GIVES) as opened:
        yield opened


async def prepared(bench):
    return with_fields(form_of(await bench.get("/compose?hazard=evacuation")), area=["SM-01"])


async def seen(bench, fields, blanks):
    return await bench.json("/compose/preview", {"draft": "draft0001", "fields": fields, "blanks": blanks})


async def test_place_route_and_number_are_fields_and_what_is_sure_stands_there(bench):
    page = await bench.get("/compose?hazard=evacuation")
    form = form_of(page)

    assert [name for name in dict(form) if name.startswith("blank:")] == ["blank:lieu", "blank:itinéraire", "blank:n°"]
    assert dict(form)["blank:lieu"] == "", "of two places an officer says which"
    assert (dict(form)["blank:itinéraire"], dict(form)["blank:n°"]) == ("la rue Haute", "04 76 00 00 00")
    assert '<option value="la salle des fêtes">' in page


async def test_what_was_filled_in_is_what_is_read_and_sent_and_the_text_keeps_its_blanks(bench):
    form = with_fields(await prepared(bench), **{"blank:lieu": " le  gymnase Pagnol"})
    confirmation = await bench.post("/compose", with_fields(form, do="publish"), 200)
    await bench.post("/compose/confirm", form_of(confirmation, CONFIRM))

    order = "Partez maintenant vers le gymnase Pagnol, par la rue Haute. Aide : 04 76 00 00 00 ou 112."
    assert order in re.sub(r"\s", " ", confirmation)
    [stored] = await bench.stored_alerts()
    assert re.sub(r"\s", " ", stored.alert.infos[0].instruction) == order
    [kept] = await bench.service.ask(lambda unit: [unit.drafts.draft(dict(form)["draft"])])
    assert "{lieu}" in kept.fields["instruction"]


async def test_a_blank_that_is_left_is_told_at_its_own_field(bench):
    form = with_fields(await prepared(bench), do="publish")
    refused = await bench.post("/compose", form, 422)

    assert 'href="#f-blank-1"' in refused
    assert 'id="f-blank-1-error"' in refused
    assert 'id="f-blank-2-error"' not in refused


async def test_a_blank_that_was_typed_in_double_braces_is_one_like_any_other(bench):
    form = with_fields(await prepared(bench), instruction="Partez vers {{lieu}}.", **{"blank:lieu": "le gymnase"})
    confirmation = await bench.post("/compose", with_fields(form, do="publish"), 200)

    assert "Partez vers le gymnase." in re.sub(r"\s", " ", confirmation)


async def test_the_last_alert_s_place_is_offered_with_its_route_and_never_filled_in(bench):
    said = {"blank:lieu": "l’école Jules-Ferry", "blank:itinéraire": "le quai"}
    form = with_fields(await prepared(bench), **said)
    confirmation = await bench.post("/compose", with_fields(form, do="publish"), 200)
    await bench.post("/compose/confirm", form_of(confirmation, CONFIRM))

    page = await bench.get("/compose?hazard=evacuation")
    assert dict(form_of(page))["blank:lieu"] == ""
    offer = re.search(r"data-of=\"lieu\" data-fill='([^']*Jules-Ferry[^']*)'", page)[1]
    assert "le quai" in offer


async def test_what_was_only_played_is_offered_to_exercises_alone(bench):
    said = {"blank:lieu": "l’école Jules-Ferry", "blank:itinéraire": "le quai", "exercise": "1"}
    form = with_fields(await prepared(bench), **said)
    confirmation = await bench.post("/compose", with_fields(form, do="publish"), 200)
    await bench.post("/compose/confirm", form_of(confirmation, CONFIRM))
    [stored] = await bench.stored_alerts()
    assert stored.alert.status == "Exercise"

    assert "Jules-Ferry" not in await bench.get("/compose?hazard=evacuation")
    assert "Jules-Ferry" in await bench.get("/compose?hazard=evacuation&exercise=1")


async def test_a_text_with_other_blanks_brings_their_fields(bench):
    fields = {
        "hazard": "road",
        "headline": "Rue Haute fermée",
        "instruction": "Déviation par {itinéraire}, puis {lieu}.",
    }
    other = await seen(bench, fields, ["itinéraire"])
    assert 'name="blank:lieu"' in other["blanks"]["instruction"]
    again = await seen(bench, fields | {"blank:itinéraire": "a", "blank:lieu": "b"}, ["itinéraire", "lieu"])
    assert "blanks" not in again, "whoever types in one isn't disturbed"
    assert "Déviation par a, puis b." in again["html"]
