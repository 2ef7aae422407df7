"""What is said against public reports: decided once and with a reason; and where reports are cited."""

from __future__ import annotations

import re

import pytest

from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import ContentNotice
from alerts.reports.report_acts import AttachReport
from alerts.web.console.words import detail_in_words, words_of
from tests.unit.acting import by
from tests.unit.french import visible, wrong_in
from tests.unit.web.console.reporting import a_reporting_desk, kept, report
from tests.unit.web.console.test_watch_pages import HOSTILE
from tests.unit.web.console.watching import as_role
from tests.walls import in_one_test

PAUL = Actor("Paul", Role.AUTHOR, Origin.CONSOLE)


@pytest.fixture
async def french_desk(tmp_path):
    async with a_reporting_desk(tmp_path, language="fr-FR", publish="approve") as desk:
        desk.language = "fr"
        yield desk


@pytest.fixture
async def desk(tmp_path):
    async with a_reporting_desk(tmp_path, publish="approve") as desk:
        yield desk


async def against(desk, why="On reconnaît mon voisin", name="Zoé"):
    """Somebody gives notice against a report; it."""
    one = await report(desk)
    notice = ContentNotice("n1", one.id, why, desk.clock.now(), name=name, email="zoe@example.org")
    await desk.service.keep(lambda unit: unit.reports.put_notice(notice))
    return one


async def notice(desk):
    return await desk.service.ask(lambda unit: unit.reports.notice("n1"))


async def test_a_notice_stands_with_its_report_and_is_counted(desk):
    one = await against(desk)
    page = await desk.text("/reports/notices")
    assert "On reconnaît mon voisin" in page
    assert f'href="/desk/reports/{one.number}"' in page
    assert "zoe@example.org" in page
    assert re.search(r'href="/desk/reports/notices"[^>]*>[^<]*<span class="count">1<', await desk.text("/reports"))
    assert "/desk/reports/notices#n-n1" in await desk.text(f"/reports/{one.number}")


@in_one_test
@pytest.mark.parametrize(
    ("fields", "state", "withheld"),
    [
        ({"do": "uphold", "answer": "Nomme quelqu’un"}, "upheld", "Nomme quelqu’un"),
        ({"do": "dismiss", "answer": "Utile à tous"}, "dismissed", None),
        ({"prepared": "shows-somebody"}, "upheld", "Somebody can be recognised in it."),
        ({"prepared": "allowed"}, "dismissed", None),
    ],
)
async def test_it_is_decided_with_a_reason_and_upheld_it_is_public_no_more(desk, fields, state, withheld):
    one = await against(desk)
    status, where, _ = await desk.press("/reports/notices/n1", **fields)
    assert (status, where) == (303, f"/desk/reports/notices?done={state}")
    now = await notice(desk)
    assert (now.state, now.by) == (state, "Anne")
    assert (await kept(desk, one.number)).withheld == withheld
    page = await desk.text("/reports/notices")
    assert "Decided" in page
    assert 'action="/desk/reports/notices/n1"' not in page


async def test_without_a_reason_nothing_is_decided_and_a_second_decision_is_none(desk):
    await against(desk)
    for fields in ({"do": "uphold", "answer": " "}, {"prepared": "nonsense"}):
        status, _, page = await desk.press("/reports/notices/n1", **fields)
        assert status == 400
        assert 'role="alert"' in page
        assert (await notice(desk)).state == "open"
    assert (await desk.press("/reports/notices/none", do="uphold", answer="x"))[0] == 400
    await desk.press("/reports/notices/n1", do="uphold", answer="Oui")
    assert (await desk.press("/reports/notices/n1", do="dismiss", answer="Non"))[0] == 409


async def test_who_only_looks_decides_nothing(desk):
    await against(desk)
    as_role(desk, Role.VIEWER)
    assert 'action="/desk/reports/notices' not in await desk.text("/reports/notices")
    assert (await desk.press("/reports/notices/n1", do="uphold", answer="x"))[0] == 403
    assert (await notice(desk)).state == "open"


async def test_what_a_stranger_says_is_text_and_nothing_else(desk):
    await against(desk, HOSTILE, HOSTILE)
    page = await desk.text("/reports/notices")
    assert "<script>alert" not in page
    assert "<img src=x" not in page


async def test_the_page_says_no_word_of_english(french_desk):
    desk = french_desk
    await against(desk)
    pages = [await desk.text("/reports/notices"), (await desk.press("/reports/notices/n1", do="uphold"))[2]]
    await desk.press("/reports/notices/n1", prepared="allowed")
    pages += [await desk.text(f"/reports/notices?done={state}") for state in ("upheld", "dismissed")]
    assert [wrong for page in pages for wrong in wrong_in(visible(page))] == []


async def test_a_draft_that_reports_made_names_them_where_it_is_validated_and_on_its_incident(french_desk):
    desk = french_desk
    here = [await report(desk, "De l’eau", kind="flooding", metres=50 * place) for place in range(5)]
    [draft] = {(await kept(desk, each.number)).draft for each in here}
    for address in (f"/waiting/{draft}", f"/alerts/{draft}"):
        page = await desk.text(address)
        assert [f'href="/desk/reports/{each.number}"' in page for each in here] == [True] * 5
        assert f"/desk/reports?state=all&amp;draft={draft}" in page
        assert wrong_in(visible(page)) == []


async def test_an_incident_names_the_open_reports_about_it(desk):
    alert = await desk.post("Panne de courant", channels=("x",))
    one = await report(desk)
    await desk.service.act(by(PAUL, AttachReport, one.number, alert.id))
    page = await desk.text(f"/alerts/{alert.id}")
    assert f'href="/desk/reports/{one.number}"' in page
    assert f"/desk/reports?state=all&amp;incident={alert.incident_id}" in page


@pytest.mark.parametrize(
    ("kept_so", "read"),
    [
        ("report accepted", "signalement pris en charge"),
        ("report accepted: On arrive", "signalement pris en charge : On arrive"),
        ("report assigned to Service voirie", "signalement confié à Service voirie"),
        ("report closed, not ours: Oui", "signalement clos, ne relève pas de la commune : Oui"),
        ("report closed, done", "signalement clos, fait"),
        ("report duplicates SM-26-0001", "signalement identique à SM-26-0001"),
        ("report about id00000001", "signalement rattaché à id00000001"),
        ("report set aside: Sans lieu", "signalement écarté : Sans lieu"),
        ("report's photo released", "photo du signalement montrée"),
        ("report erased", "signalement effacé"),
        ("notice upheld: Nomme", "réclamation admise : Nomme"),
        ("handed on again: metropole", "transmis de nouveau à metropole"),
    ],
)  # fmt: skip
def test_the_audit_log_tells_in_french_what_was_done(kept_so, read):
    assert detail_in_words(kept_so, words_of("fr")).replace("\u00a0", " ").replace("\u202f", " ") == read
    assert detail_in_words(kept_so, words_of("en"))
