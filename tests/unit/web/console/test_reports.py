"""What citizens report, as the desk shows it: the list whole, filtered, a page at a time; each deed in one tap."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace

import pytest
from lxml import html

from alerts.daemon.intake import FileWatch
from alerts.model.events import REPORTED, IncidentChanged, ReportsChanged
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import Closing, Forwarding, ForwardState, ReportState, Via
from alerts.reports.report_acts import (
    AcceptReport,
    AssignReport,
    AttachReport,
    CloseReport,
    DuplicateReport,
    EraseReport,
    WithholdReport,
)
from alerts.reports.taking import ReportDraft, take
from alerts.store.database import Database
from alerts.web.console import reports_view
from tests.unit.acting import by
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.guarding import Browser, open_town
from tests.unit.web.console.reporting import HERE, a_reporting_desk, kept, report, steps_of
from tests.unit.web.console.test_frame import faults_of
from tests.unit.web.console.test_watch_pages import HOSTILE
from tests.unit.web.console.watching import REPORTING, a_desk, as_role
from tests.walls import in_one_test

PAUL = Actor("Paul", Role.AUTHOR, Origin.CONSOLE)


@pytest.fixture
async def desk(tmp_path):
    async with a_reporting_desk(tmp_path) as desk:
        yield desk


def numbers_in(page: str) -> list[str]:
    return re.findall(r'id="open-([A-Z]+-\d\d-\d+)"', page)


async def act(desk, deed, *values, **named):
    return await desk.service.act(by(PAUL, deed, *values, **named))


async def test_a_town_that_takes_no_reports_has_no_such_page(tmp_path):
    async with a_desk(tmp_path) as desk:
        await desk.text("/reports", status=404)
        assert "/desk/reports" not in await desk.text("/")


async def test_all_that_is_open_is_listed_what_waits_first(desk):
    first = await report(desk, "First")
    second = await report(desk, "Second", metres=900)
    over = await report(desk, "Over", metres=1800)
    await act(desk, AcceptReport, second.number)
    await act(desk, CloseReport, over.number, "Fait.", Closing.DONE)
    page = await desk.text("/reports")
    assert numbers_in(page) == [first.number, second.number]
    assert 'href="/desk/reports"' in page
    assert numbers_in(await desk.text("/reports?state=all")) == [first.number, second.number, over.number]
    assert numbers_in(await desk.text("/fragments/reports?state=closed")) == [over.number]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=lighting", [0]),
        ("kind=tree", [1]),
        ("words=BRANCHE", [1]),
        ("words=100%25", []),
        ("state=waiting", [1, 0]),
        ("state=assigned", []),
        ("state=nonsense&kind=nonsense&since=nonsense&after=nonsense", [1, 0]),
        ("since=1h", [1]),
        ("incident=nothing", []),
        ("draft=nothing&state=all", []),
    ],
)
async def test_a_filter_finds_what_it_asks_for(desk, query, found):
    here = [await report(desk, "Un lampadaire")]
    await desk.clock.advance(7200)
    here.append(await report(desk, "Une branche", kind="tree", metres=900))
    assert numbers_in(await desk.text(f"/reports?{query}")) == [here[place].number for place in found]


async def test_the_list_goes_on_where_it_ended_and_keeps_its_filter(desk, monkeypatch):
    monkeypatch.setattr(reports_view, "A_PAGE", 2)
    here = [await report(desk, f"Lamp {place}", metres=900 * place) for place in range(3)]
    newest = await desk.text("/reports?kind=lighting")
    assert numbers_in(newest) == [here[2].number, here[1].number]
    assert "3 reports" in newest
    [onward] = re.findall(r'href="/desk/(reports\?kind=lighting&amp;after=[^"]+)"', newest)
    assert numbers_in(await desk.text("/" + onward.replace("&amp;", "&"))) == [here[0].number]


async def test_of_a_crowd_only_a_page_is_read_and_the_count_is_bounded(desk, monkeypatch):
    monkeypatch.setattr(reports_view, "MOST_COUNTED", 3)
    monkeypatch.setattr("alerts.web.console.reports.MOST_COUNTED", 3)
    for place in range(5):
        await report(desk, f"Lamp {place}", metres=900 * place)
    assert "More than 2 reports" in await desk.text("/reports")


DEEDS = {
    "accept": ({}, ReportState.ACCEPTED, None),
    "assign": ({"to": "Voirie"}, ReportState.ASSIGNED, None),
    "close": ({"prepared": "mended"}, ReportState.CLOSED, "C’est réparé. Merci de nous l’avoir signalé."),
    "set-aside": ({"prepared": "joke"}, ReportState.SET_ASIDE, "Il ne semble pas sérieux."),
}


@in_one_test
@pytest.mark.parametrize("name", DEEDS)
@pytest.mark.parametrize("role", ["viewer", "author"])
async def test_each_deed_is_one_tap_from_the_page_of_a_report_for_who_may(desk, name, role):
    fields, state, said = DEEDS[name]
    one, may = await report(desk), role == "author"
    as_role(desk, role)
    page = await desk.text(f"/reports/{one.number}")
    assert (f'action="/desk/reports/{one.number}/{name}"' in page) is may
    status, where, _ = await desk.press(f"/reports/{one.number}/{name}", was="received", back="kind=lighting", **fields)
    assert status == (303 if may else 403)
    now = await kept(desk, one.number)
    assert now.state is (state if may else ReportState.RECEIVED)
    if may:
        assert where == f"/desk/reports?kind=lighting&done={name}&report={one.number}"
        assert one.number in await desk.text(where.removeprefix("/desk"))
        # Who reported is told in their own language, whatever the officer reads.
        assert (await steps_of(desk, one))[-1].said == said


async def test_the_prepared_answer_is_read_in_the_officers_language_and_told_in_the_reporters(desk):
    one = await report(desk, language="en-GB")
    desk.language = "fr"
    assert "C’est réparé" in await desk.text(f"/reports/{one.number}")
    await desk.press(f"/reports/{one.number}/close", prepared="mended", was="received")
    assert (await kept(desk, one.number)).answer == "It has been repaired. Thank you for telling us."


async def test_who_was_slower_is_told_and_nothing_is_done(desk):
    one = await report(desk)
    await act(desk, AssignReport, one.number, "Voirie")
    status, _, page = await desk.press(f"/reports/{one.number}/close", answer="My <b>answer", was="received")
    assert status == 409
    assert "somebody was faster" in page
    assert "My &lt;b&gt;answer" in page
    assert (await kept(desk, one.number)).state is ReportState.ASSIGNED


async def test_a_second_tap_does_nothing_more(desk):
    one = await report(desk)
    for _ in range(2):
        status, _, _ = await desk.press(f"/reports/{one.number}/accept", was="received")
        assert status == 303
    assert [step.state for step in await steps_of(desk, one)] == [ReportState.RECEIVED, ReportState.ACCEPTED]


@in_one_test
@pytest.mark.parametrize(
    ("name", "fields"),
    [("close", {"prepared": "nonsense"}), ("close", {"closing": "erased"}), ("set-aside", {}), ("assign", {}),
     ("duplicate", {"other": "SM-26-9999"}), ("about", {"about": "nothing"}), ("tell", {"said": " "}),
     ("withhold", {}), ("forward-again", {})],
)  # fmt: skip
async def test_what_a_deed_lacks_is_told_on_the_page(desk, name, fields):
    one = await report(desk)
    status, _, page = await desk.press(f"/reports/{one.number}/{name}", was="received", **fields)
    assert status in (400, 422)
    assert 'role="alert"' in page
    assert (await kept(desk, one.number)).state is ReportState.RECEIVED


async def test_one_near_it_is_offered_as_the_same_and_alerts_that_are_on_as_its_own(desk):
    alert = await desk.post("Power cut", channels=("x",))
    first, far = await report(desk), await report(desk, metres=4000)
    one = await report(desk, metres=120)
    page = await desk.text(f"/reports/{one.number}")
    assert f'value="{first.number}"' in page
    assert "120 m" in page
    assert f'value="{far.number}"' not in page
    assert f'name="incident" value="{alert.incident_id}"' in page
    status, _, _ = await desk.press(f"/reports/{one.number}/duplicate", of=first.number, was="received")
    assert status == 303
    assert (await kept(desk, one.number)).duplicate_of == first.id
    status, _, _ = await desk.press(f"/reports/{first.number}/about", incident=alert.incident_id, was="received")
    assert status == 303
    assert (await kept(desk, first.number)).incident == alert.incident_id
    assert numbers_in(await desk.text(f"/reports?incident={alert.incident_id}")) == [first.number]


async def test_it_is_assigned_to_an_account_or_to_a_service_that_has_others(desk):
    first, second = await report(desk), await report(desk, metres=900)
    await act(desk, AssignReport, first.number, "Service voirie")
    page = await desk.text(f"/reports/{second.number}")
    assert re.findall(r'name="to" value="([^"]+)"', page) == ["Service voirie", "Anne"]


async def test_what_is_withheld_is_shown_again_and_what_is_erased_is_gone(desk):
    one = await report(desk)
    here = f"/reports/{one.number}"
    assert (await desk.press(f"{here}/withhold", why="Nomme un voisin"))[1] == f"/desk{here}?done=withhold"
    assert "Nomme un voisin" in await desk.text(here)
    await desk.press(f"{here}/show-again")
    assert (await kept(desk, one.number)).withheld is None
    await desk.press(f"{here}/erase")
    page = await desk.text(f"{here}?done=erase")
    assert "lampadaire" not in page
    assert f'action="/desk{here}' not in page


async def test_what_is_in_doubt_elsewhere_is_sent_again_by_an_officer(desk):
    one = await report(desk)
    doubt = Forwarding(one.id, "metropole", ForwardState.IN_DOUBT)
    await desk.service.keep(lambda unit: unit.reports.put_forwarding(doubt))
    assert "perhaps handed on" in await desk.text("/reports")
    here = f"/reports/{one.number}"
    assert f'action="/desk{here}/forward-again"' in await desk.text(here)
    assert (await desk.press(f"{here}/forward-again", server="metropole"))[0] == 303
    [now] = await desk.service.ask(lambda unit: unit.reports.forwardings(one.id))
    assert now.state is ForwardState.WAITING


async def test_what_is_stuck_elsewhere_stands_above_the_list_wherever_it_is_in_it(tmp_path):
    forward = """
[reports.forward.metropole]
url = "https://metropole.example/v2"
key = { env = "TELEGRAM_TOKEN" }
kinds = { lighting = "7" }
"""
    town = REPORTING + forward.replace("{", "{{").replace("}", "}}")
    async with a_reporting_desk(tmp_path, town=town) as desk:
        one, other = await report(desk), await report(desk, metres=900)
        for each, state in ((one, ForwardState.IN_DOUBT), (other, ForwardState.SENT)):
            await desk.service.keep(
                lambda unit, each=each, state=state: unit.reports.put_forwarding(
                    Forwarding(each.id, "metropole", state)
                )
            )
        page = await desk.text("/reports?kind=tree")
        [told] = re.findall(r'id="stuck">(.*?)</div>', page, re.DOTALL)
        assert f'href="/desk/reports/{one.number}"' in told
        assert other.number not in told


async def test_the_header_of_every_page_counts_what_waits(tmp_path):
    async with open_town(tmp_path, '\n[reports]\nprefix = "SM"\n') as town:
        browser = Browser(town)
        await browser.settle()
        for count in ("", " 1"):
            page = await browser.get("/desk/account")
            [way] = page.tree.xpath("//nav//a[@href='/desk/reports']")
            assert " ".join(way.text_content().split()) == f"Reports{count}"
            await town.service.act(lambda unit: take(unit, ReportDraft("tree", Via.PAGE, "net 10.0.0.0/24", *HERE)))
        await browser.client.close()


async def test_every_page_is_sound_for_a_keyboard_and_a_screen_reader(desk):
    one = await report(desk)
    await act(desk, AssignReport, one.number, "Voirie")
    for address in ("/reports", f"/reports/{one.number}", "/reports/new", "/reports/notices"):
        text = await desk.text(address)
        tree = html.fromstring(text)
        assert faults_of(SimpleNamespace(tree=tree, text=text, said=tree.text_content())) == [], address


async def test_clusters_that_grow_and_drafts_that_wait_stand_above_the_list(desk):
    for metres in (0, 50, 100):
        await report(desk, "De l’eau", kind="flooding", metres=metres)
    page = " ".join((await desk.text("/reports")).split())
    assert "3 of 5" in page
    for metres in (150, 200):
        await report(desk, "De l’eau", kind="flooding", metres=metres)
    page = " ".join((await desk.text("/reports")).split())
    assert "3 of 5" not in page
    assert "A draft alert is waiting:" in page
    [draft] = re.findall(r'href="/desk/waiting/([^"]+)"', page)
    assert page.count('class="report-line"') == 5, "those of a draft stand in a line each, below it"
    assert 'class="plain report-list"' not in page
    assert len(numbers_in(await desk.text(f"/reports?state=all&draft={draft}"))) == 5


async def test_the_stream_tells_of_reports_and_the_public_pages_are_not_told(desk):
    with desk.service.watch(heard=True) as pages, desk.service.watch() as public:
        desk.events.publish(ReportsChanged(("SM-26-0001",)))
        assert await asyncio.wait_for(anext(pages), 60) == REPORTED
        desk.events.publish(IncidentChanged("one"))
        assert await asyncio.wait_for(anext(public), 60) == "one"


async def test_what_another_process_did_to_a_report_is_found_in_the_file(desk):
    watch, elsewhere = FileWatch(reports=True), await Database.open(desk.config.database)
    try:
        await elsewhere.read(watch.look)
        one = await report(desk)
        assert ((await elsewhere.read(watch.look))[0], watch.has_reports) == (True, True)
        assert ((await elsewhere.read(watch.look))[0], watch.has_reports) == (False, False)
        await desk.post("Power cut", channels=("x",))
        assert ((await elsewhere.read(watch.look))[0], watch.has_reports) == (True, False)
        await act(desk, AcceptReport, one.number)
        assert ((await elsewhere.read(watch.look))[0], watch.has_reports) == (True, True)
    finally:
        await elsewhere.close()


async def test_what_an_officer_does_is_told_to_open_pages(desk):
    one, told = await report(desk), []
    desk.events.subscribe(ReportsChanged, lambda event: told.extend(event.numbers))
    await desk.press(f"/reports/{one.number.lower()}/accept")
    assert told == [one.number]


async def test_what_a_stranger_says_is_text_and_nothing_else(desk):
    one = await report(desk, HOSTILE, address=HOSTILE)
    await act(desk, AssignReport, one.number, HOSTILE[:90])
    for address in ("/reports", f"/reports/{one.number}", f"/reports?words={HOSTILE[:20]}"):
        page = await desk.text(address)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_no_page_of_it_says_a_word_of_english(tmp_path):
    async with a_reporting_desk(tmp_path, language="fr-FR", publish="approve") as desk:
        desk.language = "fr"
        alert = await desk.post("Panne de courant", channels=("x",))
        here = [await report(desk, f"De l’eau {place}", kind="flooding", metres=50 * place) for place in range(6)]
        await act(desk, AttachReport, here[0].number, alert.id)
        await act(desk, AssignReport, here[1].number, "Voirie")
        await act(desk, CloseReport, here[2].number, "Voyez la métropole.", Closing.NOT_OURS)
        await act(desk, DuplicateReport, here[3].number, here[1].number)
        await act(desk, WithholdReport, here[4].number, "Nomme un voisin")
        anne = Actor("Anne", Role.APPROVER, Origin.CONSOLE)
        await desk.service.act(by(anne, EraseReport, here[5].number))
        doubt = Forwarding(here[1].id, "metropole", ForwardState.IN_DOUBT)
        await desk.service.keep(lambda unit: unit.reports.put_forwarding(doubt))
        pages = [await desk.text(f"/reports/{each.number}") for each in here]
        pages += [await desk.text(f"/reports?state=all&done={name}&report=SM-26-1") for name in DEEDS]
        pages += [(await desk.press(f"/reports/{here[0].number}/set-aside"))[2]]
        assert [wrong for page in pages for wrong in wrong_in(visible(page))] == []
