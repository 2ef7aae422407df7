"""What an officer notes as a report: at the counter, or of what somebody said, in two taps and once."""

from __future__ import annotations

import re

import pytest

from alerts.model.listening import Kind, UtteranceState
from alerts.model.person import Role
from alerts.model.reports import Via
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.reporting import a_reporting_desk, kept
from tests.unit.web.console.test_heard import hear
from tests.unit.web.console.watching import REPORTING, as_role
from tests.walls import in_one_test

ADDRESSES = """id;numero;rep;nom_voie;code_postal;code_insee;nom_commune;lon;lat
1;12;;Rue Pasteur;38400;38421;Saint-Martin;5.71;45.19
"""
TOWN = REPORTING.replace("sender =", 'addresses = "adresses.csv"\nareas = ["INSEE:38421"]\nsender =')


@pytest.fixture
async def desk(tmp_path):
    (tmp_path / "adresses.csv").write_text(ADDRESSES, encoding="utf-8")
    async with a_reporting_desk(tmp_path, town=TOWN) as desk:
        yield desk


def field(page: str, name: str) -> str:
    """What stands in a field of the form."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


async def reports_of(desk):
    return await desk.service.ask(lambda unit: list(unit.reports.listed(50)))


async def test_what_somebody_said_becomes_a_report_in_two_taps(desk):
    said = await hear(desk, "Tout est inondé au 12 rue Pasteur", Kind.OTHER, asks=False)
    board = await desk.text("/heard")
    assert f'href="/desk/reports/new?said={said.id}"' in board  # the first tap
    page = await desk.text(f"/reports/new?said={said.id}")
    assert re.search(r'value="flooding" selected', page)
    assert field(page, "address") == "12 Rue Pasteur"
    status, where, _ = await desk.press(  # the second: nothing has to be typed
        "/reports/new", said=said.id, key=field(page, "key"), kind="flooding", address=field(page, "address"),
        text="Tout est inondé au 12 rue Pasteur",
    )  # fmt: skip
    [one] = await reports_of(desk)
    assert (status, where) == (303, f"/desk/reports/{one.number}?done=new")
    assert (one.via, one.by, one.utterance, one.kind) == (Via.OFFICER, "Anne", said.id, "flooding")
    assert (one.lat, one.lon, one.place) == (45.19, 5.71, "12 Rue Pasteur")
    now = await desk.service.ask(lambda unit: unit.listening.utterance(said.id))
    assert now.state is UtteranceState.HANDLED
    assert f'href="/desk/heard/said/{said.id}"' in await desk.text(where.removeprefix("/desk"))


async def test_an_utterance_is_one_report_whoever_presses_how_often(desk):
    said = await hear(desk, "Inondation rue Pasteur", Kind.OTHER, asks=False)
    form = {"said": said.id, "kind": "flooding", "address": "12 rue Pasteur", "text": "Inondation"}
    first = await desk.press("/reports/new", **form, key="a" * 12)
    as_role(desk, Role.AUTHOR, "Berthe")
    assert await desk.press("/reports/new", **form, key="b" * 12) == first
    assert len(await reports_of(desk)) == 1


async def test_what_is_told_at_the_counter_is_noted_once_for_each_form(desk):
    page = await desk.text("/reports/new")
    form = {"kind": "tree", "lat": "45,19", "lon": "5.71", "text": "Une branche"}
    for key in (field(page, "key"), field(page, "key"), "another-form"):
        assert (await desk.press("/reports/new", **form, key=key.replace("-", "")))[0] == 303
    assert len(await reports_of(desk)) == 2
    assert "Une branche" in await desk.text("/reports")


@in_one_test
@pytest.mark.parametrize(
    "wrong",
    [{"address": "", "lat": "", "lon": ""}, {"lat": "here", "lon": "5"}, {"kind": ""}, {"kind": "gas"},
     {"lat": "99", "lon": "5"}, {"address": "Rue Inconnue"}],
)  # fmt: skip
async def test_what_it_lacks_is_told_beside_what_was_typed(desk, wrong):
    form = {"kind": "tree", "address": "12 rue Pasteur", "text": "Mine <b>", "key": "k" * 12, **wrong}
    status, _, page = await desk.press("/reports/new", **form)
    assert status == 400
    assert 'role="alert"' in page
    assert "Mine &lt;b&gt;" in page
    assert await reports_of(desk) == []


async def test_who_only_looks_notes_nothing(desk):
    said = await hear(desk, "Inondation", Kind.OTHER, asks=False)
    as_role(desk, Role.VIEWER)
    assert "/reports/new" not in await desk.text("/heard") + await desk.text("/reports")
    assert (await desk.press("/reports/new", kind="tree", lat="45", lon="5", key="k" * 12))[0] in (403, 500)
    assert (await desk.press("/reports/new", said=said.id, kind="tree", lat="45", lon="5"))[0] in (403, 500)
    assert await reports_of(desk) == []


async def test_what_was_never_said_is_no_form(desk):
    await desk.text("/reports/new?said=nothing", status=404)


async def test_the_pages_say_no_word_of_english(desk):
    desk.language = "fr"
    said = await hear(desk, "Tout est inondé rue Pasteur", Kind.OTHER, asks=False, name="Zoé")
    pages = [await desk.text("/reports/new"), await desk.text(f"/reports/new?said={said.id}")]
    pages.append((await desk.press("/reports/new", kind="tree", address="Rue Inconnue"))[2])
    pages.append(await desk.text("/heard"))
    assert [wrong for page in pages for wrong in wrong_in(visible(page))] == []


async def test_the_report_leads_back_to_what_was_said(desk):
    said = await hear(desk, "Inondation rue Pasteur", Kind.OTHER, asks=False)
    await desk.press("/reports/new", said=said.id, kind="flooding", address="12 rue Pasteur", text="Inondation")
    [one] = await reports_of(desk)
    assert (await kept(desk, one.number)).utterance == said.id
