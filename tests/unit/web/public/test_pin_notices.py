"""What is said against a report that everybody sees: noted once, decided by a person, told to both sides."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from lxml import html

from alerts.model.events import ReportsChanged
from alerts.model.reports import ReportState
from alerts.reports.steps import decide_notice
from alerts.web.public.asking import A_NETWORK
from alerts.web.public.pin_notices import LONGEST_WHY, MOST_OPEN, NoticePages
from tests.unit.french import visible, wrong_in
from tests.unit.web.public.reported import a_reported_town
from tests.unit.web.public.test_asking import BAD_KINDS

WHY = "Mon nom y est <b>écrit</b>."


@pytest.fixture
async def house(tmp_path):
    async with a_reported_town(tmp_path, lambda house: NoticePages(house.pins, house.service).routes()) as house:
        house.told = []
        house.service.events.subscribe(ReportsChanged, house.told.append)
        yield house


async def form_of(house, report, below=""):
    status, page, headers = await house.get(f"{below}/reports/{report.number}/notice")
    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    house.clock.set(house.clock.now() + timedelta(seconds=10))
    return html.document_fromstring(page).xpath("//input[@name='form']/@value")[0]


async def send(house, report, form, below="", headers=None, **fields):
    fields = {"why": WHY, "form": form, **fields}
    path = f"{below}/reports/{report.number}/notice"
    async with house.client.post(path, data=fields, headers=headers, allow_redirects=False) as told:
        return told.status, told.headers.get("Location", ""), await told.text()


async def kept(house):
    return await house.service.ask(lambda unit: unit.reports.notices(100))


async def test_it_is_noted_once_however_often_it_is_sent_and_has_a_receipt(house):
    report = await house.accepted(text="Chez M. Untel")
    form = await form_of(house, report)
    sent = [await send(house, report, form, name=" Anne\n Durand ", email="anne@example.org") for _ in range(3)]
    [notice] = await kept(house)
    assert {(status, location) for status, location, _ in sent} == {
        (303, f"/reports/{report.number}/notice/{notice.id}")
    }
    assert (notice.report, notice.why, notice.state) == (report.id, WHY, "open")
    assert (notice.name, notice.email) == ("Anne Durand", "anne@example.org")
    assert re.fullmatch("[0-9a-f]{26}", notice.id)
    assert house.told == [ReportsChanged((report.number,))] * 2, "that it came, and the one notice"
    status, page, headers = await house.get(sent[0][1])
    assert (status, headers["Cache-Control"], headers["X-Robots-Tag"]) == (200, "no-store", "noindex")
    assert "C’est noté" in page
    assert "&lt;b&gt;écrit" in page
    assert wrong_in(visible(page)) == []


@pytest.mark.parametrize("upheld", [True, False])
async def test_the_decision_is_told_under_the_private_address_and_to_who_reported(house, upheld):
    report = await house.accepted(text="Chez M. Untel")
    _, location, _ = await send(house, report, await form_of(house, report))
    [notice] = await kept(house)
    await house.officer(decide_notice, notice.id, upheld=upheld, answer="Un nom y était.")
    page = (await house.get(location))[1]
    assert "Un nom y était." in page
    assert ("Le contenu a été retiré" in page) is upheld
    assert "Anne" not in page, "no officer's name"
    assert wrong_in(visible(page)) == []
    steps = await house.service.ask(lambda unit: unit.reports.steps(report.id))
    assert ("Un nom y était." in [step.said for step in steps]) is upheld
    house.wait()
    assert ("Chez M. Untel" in (await house.get(f"/reports/{report.number}"))[1]) is not upheld


async def test_in_english_too_and_the_receipt_is_in_the_same_language(house):
    report = await house.accepted()
    status, location, _ = await send(house, report, await form_of(house, report, "/en"), "/en")
    assert (status, location.startswith(f"/en/reports/{report.number}/notice/")) == (303, True)
    assert "It has been noted" in (await house.get(location))[1]


async def test_what_is_lacking_is_said_and_what_was_typed_stays(house):
    report, other = await house.accepted(), await house.accepted("tree")
    form = await form_of(house, report)
    status, _, page = await send(house, report, form, why=" \u200b ", name="Anne")
    assert (status, "Dites ce qui ne va pas" in page, 'value="Anne"' in page) == (400, True, True)
    for wrong in ("", "x", "é.1.2", await form_of(house, other), f"{form[:-1]}g"):
        status, _, page = await send(house, report, wrong)
        assert (status, "trop ancien" in page, "&lt;b&gt;" in page) == (400, True, True), wrong
    house.clock.set(house.clock.now() + timedelta(hours=25))
    assert (await send(house, report, form))[0] == 400
    assert await kept(house) == []


async def test_a_program_is_dropped_and_who_is_quick_sends_it_once_more(house):
    report = await house.accepted()
    form = await form_of(house, report)
    assert (await send(house, report, form, website="x"))[0] == 303
    page = (await house.get(f"/reports/{report.number}/notice"))[1]
    hasty = html.document_fromstring(page).xpath("//input[@name='form']/@value")[0]
    status, _, page = await send(house, report, hasty)
    assert (status, f'value="{hasty}"' in page, "très rapide" in page) == (400, True, True)
    assert await kept(house) == []
    house.clock.set(house.clock.now() + timedelta(seconds=5))
    assert (await send(house, report, hasty))[0] == 303
    assert len(await kept(house)) == 1


async def test_it_comes_from_our_own_pages_at_a_pace_and_within_bounds(house):
    report = await house.accepted()
    form = await form_of(house, report)
    assert (await send(house, report, form, headers={"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await send(house, report, form, why="a" * 40_000))[0] == 413
    assert (await send(house, report, form, why="a" * 20_000))[0] == 303
    assert len((await kept(house))[0].why) == LONGEST_WHY
    sent = [(await send(house, report, await form_of(house, report)))[0] for _ in range(A_NETWORK + 1)]
    assert sent == [303] * (A_NETWORK - 1) + [429] * 2
    assert len(await kept(house)) == A_NETWORK


async def test_so_many_wait_against_one_report_and_no_more(house):
    report = await house.accepted()
    for _ in range(MOST_OPEN + 1):
        last = await send(house, report, await form_of(house, report))
        house.clock.set(house.clock.now() + timedelta(minutes=5))
    assert last[0] == 429
    assert len(await kept(house)) == MOST_OPEN


async def test_an_address_that_nobody_was_given_opens_nothing(house):
    report, other = await house.accepted(), await house.accepted("tree")
    _, location, _ = await send(house, report, await form_of(house, report))
    assert (await house.get(location))[0] == 200
    assert (await house.get(location.replace(report.number, other.number)))[0] == 404
    assert (await house.get(f"/reports/{report.number}/notice/{'0' * 26}"))[0] == 404


async def test_there_is_none_against_what_nobody_sees_and_the_receipt_outlives_it(house):
    report = await house.accepted()
    form = await form_of(house, report)
    _, location, _ = await send(house, report, form)
    await house.become(report, state=ReportState.SET_ASIDE, accepted_at=None)
    house.wait()
    assert (await house.get(f"/reports/{report.number}/notice"))[0] == 404
    assert (await send(house, report, form))[0] == 404
    assert (await house.get(location))[0] == 200


async def test_a_daemon_that_begins_anew_takes_the_forms_of_the_one_before(house):
    report = await house.accepted()
    form = await form_of(house, report)
    again = NoticePages(house.pins, house.service)
    assert (await again._read(form, report.number))[1] is not None


@pytest.mark.parametrize("kind", BAD_KINDS)
async def test_what_is_no_form_is_refused_as_such(house, kind):
    report = await house.accepted()
    path = f"/reports/{report.number}/notice"
    async with house.client.post(path, data=BAD_KINDS[kind], headers={"Content-Type": kind}) as answer:
        assert answer.status == 400
    assert await kept(house) == []


async def test_a_form_is_as_old_as_it_is_to_the_millisecond(house):
    report = await house.accepted()
    house.clock.set(house.clock.now().replace(microsecond=600_000))
    page = (await house.get(f"/reports/{report.number}/notice"))[1]
    form = html.document_fromstring(page).xpath("//input[@name='form']/@value")[0]
    house.clock.set(house.clock.now() + timedelta(seconds=3.1))
    assert (await send(house, report, form))[0] == 303
