"""The operators' desk: who comes in, and how every town is told, without a question to any of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alerts.access.accounts import add_account, add_token
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.model.alert import Severity
from alerts.model.errors import Misuse
from alerts.model.events import IncidentChanged
from alerts.model.hazard import Hazard
from alerts.model.person import Role
from tests.unit.fleet.operators import an_operators_desk
from tests.unit.fleet.towns import CHANNEL, write_town
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.guarding import FIRST, ROOT

BROKEN = "[channels.site]\nkind = 'pigeon'\n"
APPROVE = CHANNEL + '\n[sources.manual]\npublish = "approve"\n'


@pytest.fixture
async def desk(tmp_path):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "meylan", rest=APPROVE)
    write_town(tmp_path, "voreppe", rest=BROKEN)
    async with an_operators_desk(tmp_path) as desk:
        yield desk


def rows(page):
    """Each town's line: its folder's name, and what it says."""
    found = page.tree.xpath("//tr[starts-with(@id, 'town-')]")
    return {row.get("id").removeprefix("town-"): " ".join(row.text_content().split()) for row in found}


async def file(daemon, headline, severity=Severity.SEVERE, **fields):
    def action(unit):
        draft = Draft(headline, instruction="Restez chez vous.", severity=severity, **fields)
        return Officer(unit, ROOT).post(draft_alert(draft, unit.desk.station, unit.now, unit.new_id()))

    return (await daemon.service.act(action)).stored


async def test_the_worst_town_comes_first_with_what_is_wrong_in_words(desk):
    page = await (await desk.operator()).get("/desk/")

    told = rows(page)
    assert list(told) == ["voreppe", "crolles", "meylan"]
    assert "not running" in told["voreppe"]
    assert "pigeon" in told["voreppe"]
    assert "all is well" in told["crolles"]


async def test_what_is_on_and_what_waits_is_told_once_a_town_says_that_it_changed(desk):
    operator = await desk.operator()
    await file(desk.town("crolles"), "Crue de l’Isère")
    await file(desk.town("meylan"), "Vent violent")
    before = rows(await operator.get("/desk/"))
    await desk.look()
    after = rows(await operator.get("/desk/"))

    assert "Crue" not in before["crolles"]
    assert "Severe Crue de l’Isère" in after["crolles"]
    assert "Vent violent" not in after["meylan"]
    assert before["meylan"] != after["meylan"]


async def test_a_town_that_can_not_be_looked_at_costs_no_other_town_its_line(desk):
    await file(desk.town("meylan"), "Vent violent")
    crolles = desk.town("crolles")
    crolles.troubles = crolles.service.ask = lambda *_: {}["unforeseen"]
    await desk.look()

    told = rows(await (await desk.operator()).get("/desk/"))
    assert "its code failed: KeyError" in told["crolles"]
    assert "all is well" in told["meylan"]
    assert desk.desk.health.town("meylan").waiting == 1


async def test_what_is_announced_for_later_is_not_on_until_it_begins(desk):
    operator = await desk.operator()
    begins = desk.clock.now() + timedelta(minutes=5)
    await file(desk.town("crolles"), "Travaux rue Haute", hazard=Hazard.WORKS, onset=begins.isoformat())
    await desk.look()
    before = rows(await operator.get("/desk/"))
    await desk.clock.advance(300)
    await desk.look()
    after = rows(await operator.get("/desk/"))

    assert "Travaux" not in before["crolles"]
    assert "Travaux rue Haute" in after["crolles"]


async def test_no_page_asks_a_town_anything(desk):
    operator, meylan = await desk.operator(), desk.town("meylan")
    await file(meylan, "Vent violent")
    await desk.look()
    # Nobody is told of this: whoever asked would find it.
    await meylan.database.write(lambda unit: unit.execute("UPDATE post SET state = 'rejected'"))

    assert list(rows(await operator.get("/desk/?state=waiting"))) == ["meylan"]

    meylan.events.publish(IncidentChanged())
    await desk.look()
    assert list(rows(await operator.get("/desk/?state=waiting"))) == []


@pytest.mark.parametrize(
    ("query", "towns"),
    [
        ("state=troubled", ["voreppe"]),
        ("state=well", ["crolles", "meylan"]),
        ("state=waiting", []),
        ("words=MEYL", ["meylan"]),
        ("words=ville+de+c&state=well", ["crolles"]),
        ("state=nonsense&page=99999999", ["voreppe", "crolles", "meylan"]),
    ],
)
async def test_the_list_is_narrowed(desk, query, towns):
    assert list(rows(await (await desk.operator()).get(f"/desk/?{query}"))) == towns


async def test_a_trouble_is_told_with_the_time_since_when_it_is_known(desk):
    operator = await desk.operator()
    began = desk.clock.now()
    await desk.look()
    first = json.loads((await operator.get("/fleet.json")).text)["towns"][0]

    assert first["state"] == "refused"
    assert first["troubles"][0]["reason_code"] == "setting_wrong"
    assert first["since"] < began.astimezone(desk.desk.town.zone).isoformat()


async def test_only_an_operator_comes_in(desk):
    stranger = desk.stranger()

    assert (await stranger.get("/desk/")).location == "/desk/sign-in"
    assert (await stranger.get("/fleet.json")).status == 401
    assert (await stranger.get("/fleet.json", Authorization="Bearer nonsense")).status == 401
    assert (await stranger.get("/fleet")).location == "/desk/"


async def test_an_account_of_a_town_opens_nothing_of_the_fleet_and_the_other_way_round(desk):
    kept = desk.passwords.hash_now(FIRST)
    town = desk.town("crolles").service
    await town.act(lambda unit: add_account(Officer(unit, ROOT), "Paul", Role.ADMINISTRATOR, kept))
    await desk.add("Marie")
    stranger = desk.stranger()
    sign_in = await stranger.get("/desk/sign-in")
    there = await stranger.get("/t/crolles/desk/sign-in")

    assert (await stranger.send(sign_in, "/desk/sign-in", name="Paul", password=FIRST)).status == 401
    fields = there.form("/t/crolles/desk/sign-in") | {"name": "Marie", "password": FIRST}
    assert (await stranger.post("/t/crolles/desk/sign-in", fields)).status == 401


async def test_roles_are_of_one_desk_alone(desk):
    kept = desk.passwords.hash_now(FIRST)
    town = desk.town("crolles").service

    with pytest.raises(Misuse, match="role"):
        await town.act(lambda unit: add_account(Officer(unit, ROOT), "Marie", Role.OPERATOR, kept))
    with pytest.raises(Misuse, match="role"):
        await desk.add("Paul", Role.ADMINISTRATOR)
    with pytest.raises(Misuse):
        await town.act(lambda unit: add_account(Officer(unit, ROOT), "Isère / Marie", Role.AUTHOR, kept))


async def test_a_program_reads_it_with_an_operator_s_token(desk):
    def action(unit):
        return add_token(Officer(unit, ROOT), "supervision", Role.OPERATOR, bytes(range(32)))

    _, bearer = await desk.service.act(action)
    answer = await desk.stranger().get("/fleet.json", Authorization=f"Bearer {bearer.reveal()}")

    assert [each["town"] for each in json.loads(answer.text)["towns"]] == ["voreppe", "crolles", "meylan"]


async def test_no_page_says_a_word_of_english_in_french(desk):
    operator = await desk.operator(language="fr")
    await file(desk.town("crolles"), "Crue de l’Isère")
    await desk.look()
    found = {}
    for address in ("/desk/", "/desk/?state=waiting", "/desk/account", "/desk/fragments/towns"):
        if wrong := wrong_in(visible(f"<body>{(await operator.get(address)).text}</body>")):
            found[address] = wrong
    assert found == {}
