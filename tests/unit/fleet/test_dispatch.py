"""One alert to several towns: each decides by its own rules, whoever presses twice sends once, a kill loses nothing."""

from __future__ import annotations

import asyncio

import pytest

from alerts.model.dispatch import Outcome
from alerts.model.incident import AlertState
from tests.pictures import a_png
from tests.unit.fleet.operators import an_operators_desk
from tests.unit.fleet.test_desk import APPROVE, BROKEN, rows
from tests.unit.fleet.towns import CHANNEL, write_town
from tests.unit.french import visible, wrong_in

PICKY = CHANNEL.replace('kind = "webhook"', 'kind = "webhook"\nseverity = "Extreme"')
DRAFT = "d" * 20
FORM = {"draft": DRAFT, "revision": "1", "headline": "Crue de l’Isère", "instruction": "Montez à l’étage."}
FORM |= {
    "severity": "Severe",
    "urgency": "Immediate",
    "span": "6h",
    "do": "publish",
    "hazard": "flood",
    "place": "Quais",
}


@pytest.fixture
async def desk(tmp_path):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "meylan", rest=APPROVE)
    write_town(tmp_path, "domene", rest=PICKY)
    write_town(tmp_path, "voreppe", rest=BROKEN)
    async with an_operators_desk(tmp_path) as desk:
        yield desk


async def post(browser, path, **fields):
    """Post a form with the session's token, as the pages have it."""
    token = (await browser.get("/desk/account")).tree.xpath("//input[@name='csrf']/@value")[0]
    return await browser.post(path, fields | {"csrf": token})


async def looked_at(desk, browser, **which):
    """Write, choose the towns, and look; the address of the dispatch, and the page once all towns were looked at."""
    assert (await post(browser, "/desk/compose", **FORM)).location == f"/desk/towns/{DRAFT}"
    address = (await post(browser, f"/desk/towns/{DRAFT}", **(which or {"all": "1"}))).location
    await browser.get(address)
    await asyncio.gather(*desk.desk.dispatcher._looking.values())
    return address, await browser.get(address)


async def finished(desk, address):
    """Have what was sent filed everywhere; what came of it, by town."""
    identity = address.rpartition("/")[2]
    for name in await desk.service.ask(lambda unit: unit.dispatches.unfinished()):
        await desk.desk.dispatcher._send(await desk.desk.dispatcher._read(name))
    return {each.town: each for each in await desk.service.ask(lambda unit: list(unit.dispatches.towns(identity)))}


async def stored(desk, town):
    return await desk.town(town).service.ask(lambda unit: list(unit.views.everything()))


async def test_before_it_is_sent_each_town_says_what_would_come_of_it_and_nothing_is_filed(desk):
    _, page = await looked_at(desk, await desk.operator())

    told = rows(page)
    assert "would go out at once" in told["crolles"]
    assert "would wait to be validated there" in told["meylan"]
    assert "would be refused" in told["domene"]
    assert "the town doesn't run now" in told["voreppe"]
    assert "Send “Crue de l’Isère” to 2 towns" in page.said
    assert [await stored(desk, name) for name in ("crolles", "meylan")] == [[], []]


async def test_each_town_files_it_by_its_own_rules_under_the_operator_s_name(desk):
    operator = await desk.operator()
    address, _ = await looked_at(desk, operator)
    await post(operator, f"{address}/send")
    came = await finished(desk, address)

    assert {name: each.outcome for name, each in came.items()} == {
        "crolles": Outcome.OUT,
        "meylan": Outcome.WAITING,
        "domene": Outcome.REFUSED,
        "voreppe": Outcome.REFUSED,
    }
    [out], [waits] = await stored(desk, "crolles"), await stored(desk, "meylan")
    assert (out.state, waits.state) == (AlertState.ACCEPTED, AlertState.WAITING)
    assert (out.alert.sender, waits.alert.sender) == ("alertes@crolles.example", "alertes@meylan.example")
    assert out.author == "Département de l’Isère / Marie"
    [line] = await desk.town("crolles").service.ask(lambda unit: list(unit.audit.newest(subject=out.id, most=5)))
    assert (line.entry.actor, line.entry.role, line.entry.origin) == (out.author, "operator", "fleet")
    own = await desk.service.ask(lambda unit: unit.audit.newest(most=1)[0].entry)
    assert (own.actor, own.act, own.subject) == ("Marie", "post", address.rpartition("/")[2])
    assert "crolles, domene, meylan, voreppe" in own.detail


async def test_pressed_twice_it_is_sent_once(desk):
    operator = await desk.operator()
    address, _ = await looked_at(desk, operator, town="crolles")
    again = (await post(operator, f"/desk/towns/{DRAFT}", town="crolles")).location
    first, second = await post(operator, f"{address}/send"), await post(operator, f"{address}/send")
    other = await post(operator, f"{again}/send")
    await finished(desk, address)

    assert {first.location, second.location, other.location} == {address}
    assert len(await stored(desk, "crolles")) == 1
    assert await stored(desk, "meylan") == []
    back = await post(operator, "/desk/compose", **FORM)
    assert (await operator.get(back.location)).location == address


async def test_a_process_that_died_in_between_files_it_once(desk):
    operator = await desk.operator()
    address, _ = await looked_at(desk, operator)
    await post(operator, f"{address}/send")
    dispatcher = desk.desk.dispatcher
    [name] = await desk.service.ask(lambda unit: unit.dispatches.unfinished())
    dispatch = await dispatcher._read(name)
    # It is filed in a town, and nothing of that was written down.
    before = await dispatcher._outcome_in(dispatch, "crolles", dispatcher._filed_in)
    await desk.clock.advance(3600)
    came = await finished(desk, address)

    assert len(await stored(desk, "crolles")) == 1
    assert came["crolles"] == before


async def test_it_is_ended_in_the_towns_that_have_it(desk):
    operator = await desk.operator()
    address, _ = await looked_at(desk, operator)
    await post(operator, f"{address}/send")
    await finished(desk, address)
    first = await post(operator, f"{address}/end", how="over", reason="L’eau est redescendue.")
    second = await post(operator, f"{address}/end", how="over", reason="")
    came = await finished(desk, first.location)

    assert first.location == second.location
    assert sorted(came) == ["crolles", "meylan"]
    assert len(await stored(desk, "crolles")) == 2
    assert (await stored(desk, "crolles"))[-1].alert.infos[0].urgency == "Past"


async def test_what_waits_in_a_town_is_no_operator_s_to_validate(desk):
    from alerts.desk.officer import Officer
    from alerts.model.errors import Forbidden
    from alerts.model.person import operator_of

    operator = await desk.operator()
    address, _ = await looked_at(desk, operator)
    await post(operator, f"{address}/send")
    waits = (await finished(desk, address))["meylan"].alert
    service = desk.town("meylan").service

    with pytest.raises(Forbidden):
        await service.act(lambda unit: Officer(unit, operator_of("Isère", "Marie")).approve(waits))


async def test_a_town_that_was_down_is_tried_again_on_demand(desk, tmp_path):
    operator = await desk.operator()
    address, _ = await looked_at(desk, operator, town="voreppe")
    await post(operator, f"{address}/send")
    assert (await finished(desk, address))["voreppe"].outcome is Outcome.REFUSED
    write_town(tmp_path, "voreppe")
    await desk.fleet.look()
    await post(operator, f"{address}/retry")

    assert (await finished(desk, address))["voreppe"].outcome is Outcome.OUT


async def test_a_town_whose_disk_refuses_holds_up_no_other_town_and_no_other_alert(desk, tmp_path):
    operator = await desk.operator()
    (tmp_path / "crolles/tocsin.db.pictures").write_text("no folder")
    picture = tmp_path / "crue.png"
    picture.write_bytes(a_png())
    draft, name = DRAFT[1:] + "2", await desk.service.keep_picture(picture.read_bytes(), "image/png")
    for which, more in ((DRAFT, {"picture": name, "alt": "Carte"}), (draft, {"severity": "Extreme"})):
        await post(operator, "/desk/compose", **FORM | {"draft": which} | more)
        sent = (await post(operator, f"/desk/towns/{which}", town="crolles" if more.get("alt") else "meylan")).location
        await post(operator, f"{sent}/send")
        if more.get("alt"):
            first = sent
    filed = []
    dispatcher = desk.desk.dispatcher
    taken = dispatcher._filed_in

    async def seen(service, dispatch, actor):
        filed.append(dispatch.fields["severity"])
        return await taken(service, dispatch, actor)

    dispatcher._filed_in = seen
    dispatcher._rung.clear()
    assert await dispatcher._round(), "one is left"

    assert filed == ["Extreme", "Severe"]
    came = {each.town: each for each in await outcomes(desk, first)}
    assert came["crolles"].outcome is Outcome.PENDING
    assert "exists" in str(came["crolles"].reason) or "directory" in str(came["crolles"].reason)
    assert (await outcomes(desk, sent))[0].outcome is Outcome.WAITING

    (tmp_path / "crolles/tocsin.db.pictures").unlink()
    assert not await dispatcher._round()
    assert (await outcomes(desk, first))[0].outcome is Outcome.OUT


async def test_a_dispatch_whose_row_can_not_be_read_holds_up_no_other(desk):
    operator = await desk.operator()
    addresses = []
    for draft in (DRAFT, DRAFT[1:] + "2"):
        await post(operator, "/desk/compose", **FORM | {"draft": draft})
        addresses.append((await post(operator, f"/desk/towns/{draft}", town="meylan")).location)
        await post(operator, f"{addresses[-1]}/send")
    broken = addresses[0].rpartition("/")[2]
    await desk.service.act(lambda unit: unit.execute(f"UPDATE dispatch SET act = 'shout' WHERE id = '{broken}'"))
    desk.desk.dispatcher._rung.clear()

    assert await desk.desk.dispatcher._round(), "it is left, and tried again"
    assert (await outcomes(desk, addresses[1]))[0].outcome is not Outcome.PENDING


async def outcomes(desk, address):
    """What came of a dispatch, by town."""
    identity = address.rpartition("/")[2]
    return await desk.service.ask(lambda unit: list(unit.dispatches.towns(identity)))


async def test_what_a_form_lacks_is_told_before_any_town_is_chosen(desk):
    operator = await desk.operator()
    page = await post(operator, "/desk/compose", **FORM | {"headline": "", "do": "publish"})

    assert page.status == 422
    assert (await post(operator, "/desk/compose", **FORM)).status == 303
    assert (await post(operator, f"/desk/towns/{DRAFT}", town="nowhere")).status == 422


async def test_no_page_says_a_word_of_english_in_french(desk):
    operator = await desk.operator(language="fr")
    address, foreseen = await looked_at(desk, operator)
    choosing = await operator.get(f"/desk/towns/{DRAFT}")
    form = await operator.get(f"/desk/compose?draft={DRAFT}")
    await post(operator, f"{address}/send")
    await finished(desk, address)
    ending = (await post(operator, f"{address}/end", how="over", reason="")).location
    pages = [form, foreseen, choosing, *[await operator.get(each) for each in (address, ending, "/desk/dispatches")]]

    assert [wrong for page in pages if (wrong := wrong_in(visible(page.text)))] == []
