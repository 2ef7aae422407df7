"""Asking on an alert's page: what was answered first, then noted once, for nobody known, at a pace."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from lxml import html

from alerts.listening.ears import Intake
from alerts.listening.hearing import understand_nothing
from alerts.model.events import RemarkHeard
from alerts.model.listening import Kind
from alerts.web.public.asking import A_FEW, A_NETWORK, ALL_NETWORKS, QuestionField, QuestionPace
from alerts.web.public.publisher import public_routes
from tests.unit.desk.conftest import NOW, an_alert, cancelling
from tests.unit.french import visible, wrong_in
from tests.unit.web.public.house import a_house
from tests.unit.web.public.test_what_is_heard import LISTENS, answer, asked


@pytest.fixture
async def house(tmp_path):
    async with a_house(tmp_path, channel="hears = true", **LISTENS) as house:
        intake = Intake(house.service, house.events, house.clock, understand_nothing)
        app = web.Application()
        app.add_routes(QuestionField(house.publisher, intake).routes())
        app.add_routes(public_routes(house.publisher))
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house


async def press(house, path, **fields):
    headers = fields.pop("headers", {})
    async with house.client.post(path, data=fields, headers=headers) as told:
        return told.status, await told.text()


async def form_of(house, path, question="Et l’école ?"):
    """The page after the first step, and the form that it holds."""
    status, page = await press(house, path, question=question)
    assert status == 200
    return page, html.document_fromstring(page).xpath("//input[@name='form']/@value")[0]


BAD_KINDS = {
    "application/x-www-form-urlencoded; charset=nope": b"question=1&why=1&option=1",
    "application/x-www-form-urlencoded; charset=unicode_escape": b"question=\\ud800&why=1&option=1",
    "multipart/form-data": b"--y\r\nContent-Disposition: form-data; name=why\r\n\r\n1\r\n--y--\r\n",
    "multipart/form-data; boundary=x": b"\n\n--x\r\nContent-Disposition: form-data; name=why\r\n\r\n1\r\n--x--\r\n",
    "multipart/form-data; boundary=y": b"--y\r\nno head\r\n\r\n1\r\n--y--\r\n",
}
"""What no browser sends of a form."""


async def noted(house):
    return await house.service.ask(lambda unit: unit.listening.heard(50))


async def test_what_was_answered_is_shown_before_anything_is_sent(house):
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path = f"/alerts/{stored.incident_id}"
    await answer(house, await asked(house, stored), "Oui, bouillie.")
    page = (await house.get(path))[1]
    assert f'action="{path}/ask"' in page
    assert "112" in page
    before = len(await noted(house))

    page, _ = await form_of(house, f"{path}/ask", "On peut la boire ? <b>")
    assert "Oui, bouillie." in page
    assert "On peut la boire ? &lt;b&gt;" in page
    assert "112" in page
    assert "19\u00a0h" in page or "7pm" in page
    assert wrong_in(visible(page)) == []
    assert len(await noted(house)) == before


async def test_it_is_noted_once_for_nobody_known(house):
    told = []
    house.events.subscribe(RemarkHeard, told.append)
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path = f"/alerts/{stored.incident_id}/ask"
    _, form = await form_of(house, path)
    house.clock.set(house.clock.now() + timedelta(seconds=5))
    for _ in range(2):
        status, page = await press(house, path, question="Et l’école ?", form=form)
        assert (status, "Votre question est notée" in page) == (200, True)
    [said] = await noted(house)
    assert (said.text, said.channel, said.incident) == ("Et l’école ?", "web", stored.incident_id)
    assert (said.author, said.sealed, said.name) == (None, None, None)
    assert said.question is not None
    assert said.kind is Kind.OTHER
    assert len(told) == 1


@pytest.mark.parametrize(
    ("fields", "wait", "told"),
    [
        ({"website": "x"}, timedelta(seconds=9), "notée"),
        ({}, timedelta(seconds=0), "notée"),
        ({}, timedelta(hours=25), "trop ancien"),
        ({"form": "1.2.3"}, timedelta(seconds=9), "trop ancien"),
        ({"form": "é.x"}, timedelta(seconds=9), "trop ancien"),
    ],
)
async def test_what_a_program_sends_is_dropped(house, fields, wait, told):
    stored = await house.post(an_alert(headline="Coupure d’eau", expires=NOW + timedelta(days=3)))
    path = f"/alerts/{stored.incident_id}/ask"
    _, form = await form_of(house, path)
    house.clock.set(house.clock.now() + wait)
    status, page = await press(house, path, **{"question": "Et l’école ?", "form": form, **fields})
    assert (status, told in page) == (200, True)
    assert await noted(house) == []


async def test_a_form_of_one_alert_is_none_of_another_and_no_other_site_sends_it(house):
    one, two = await house.post(an_alert(headline="Eau")), await house.post(an_alert(headline="Gaz"))
    _, form = await form_of(house, f"/alerts/{one.incident_id}/ask")
    house.clock.set(house.clock.now() + timedelta(seconds=9))
    _, page = await press(house, f"/alerts/{two.incident_id}/ask", question="Et l’école ?", form=form)
    assert "trop ancien" in page
    foreign = {"Sec-Fetch-Site": "cross-site"}
    status, _ = await press(house, f"/alerts/{one.incident_id}/ask", question="?", form=form, headers=foreign)
    assert status == 403
    assert await noted(house) == []


async def test_there_is_nothing_to_ask_about_what_is_over_or_unknown(house):
    stored = await house.hear(alert := an_alert(headline="Eau"))
    await house.hear(cancelling(alert))
    for incident in (stored.incident_id, "none"):
        assert (await press(house, f"/alerts/{incident}/ask", question="?"))[0] == 404
    assert "/ask" not in (await house.get(f"/alerts/{stored.incident_id}"))[1]


async def test_one_network_asks_so_often_and_no_more(house):
    stored = await house.post(an_alert(headline="Eau"))
    path = f"/alerts/{stored.incident_id}/ask"
    _, form = await form_of(house, path)
    house.clock.set(house.clock.now() + timedelta(seconds=9))
    states = [(await press(house, path, question=f"Et {n} ?", form=form))[0] for n in range(A_NETWORK + 1)]
    assert states == [*[200] * A_NETWORK, 429]


def test_the_pace_counts_networks_and_forgets_them():
    pace = QuestionPace()
    assert [pace.takes(f"192.0.2.{n}", NOW) for n in range(A_NETWORK + 1)] == [*[True] * A_NETWORK, False]
    assert pace.takes("192.0.3.1", NOW)
    assert pace.takes("192.0.2.9", NOW + timedelta(minutes=11))
    for n in range(ALL_NETWORKS):
        pace.takes(f"10.{n}.0.1", NOW + timedelta(minutes=11))
    assert not pace.takes("198.51.100.1", NOW + timedelta(minutes=11))
    assert len(pace._asked) <= 4 * ALL_NETWORKS + 1
    assert not any("192.0.2" in key for key in (*pace._asked._free_at, *pace._today))
    assert pace.takes("192.0.2.1", NOW + timedelta(days=1))


def test_a_broker_s_networks_and_those_that_asked_before_leave_room_for_who_comes_first():
    pace = QuestionPace()
    given_away = [pace.takes(f"2001:db8:1:{n:x}00::1", NOW) for n in range(200)]
    assert sum(given_away) == A_FEW * A_NETWORK
    for n in range(ALL_NETWORKS):
        for _ in range(A_NETWORK):
            pace.takes(f"10.{n % 30}.0.1", NOW)
    assert ALL_NETWORKS * 2 // 3 <= len(pace._asked.taken("", NOW.timestamp())) < ALL_NETWORKS
    assert not pace.takes("10.1.0.1", NOW)
    assert pace.takes("203.0.113.1", NOW)


@pytest.mark.parametrize("kind", BAD_KINDS)
async def test_what_is_no_form_is_refused_as_such(house, kind):
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path, before = f"/alerts/{stored.incident_id}/ask", len(await noted(house))
    async with house.client.post(path, data=BAD_KINDS[kind], headers={"Content-Type": kind}) as answer:
        assert answer.status == 400
    assert len(await noted(house)) == before


async def test_half_a_character_is_asked_as_one_that_is_unknown(house):
    stored = await house.post(an_alert(headline="Coupure d’eau"))
    path, part = f"/alerts/{stored.incident_id}/ask", 'Content-Disposition: form-data; name="question"'
    body = f"--y\r\n{part}\r\nContent-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800 ?\r\n--y--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=y"}
    async with house.client.post(path, data=body.encode(), headers=headers) as answer:
        assert answer.status == 200
