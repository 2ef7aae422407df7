"""The page on which citizens report: whole without script, once however often it is sent, bounded."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from datetime import timedelta

import pytest
from lxml import html
from PIL import Image
from yarl import URL

from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import ReportState, shipped_kinds
from alerts.reports.places import Places
from alerts.reports.report_acts import AcceptReport, CloseReport
from alerts.web.public import report_form
from alerts.web.public.report_form import MOST_BYTES, SMALL
from alerts.web.public.reporting import PrivatePages
from alerts.web.room import Sent
from tests.unit.acting import by
from tests.unit.french import visible, wrong_in
from tests.unit.web.public.house import a_door, a_house
from tests.unit.web.public.reporting_house import HERE, a_street, in_one_line, solved
from tests.walls import in_one_test

ANNE = Actor("Anne", Role.AUTHOR, Origin.COMMAND)


@pytest.fixture
async def street(tmp_path):
    async with a_street(tmp_path) as street:
        yield street


def a_photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, "JPEG")
    return out.getvalue()


async def test_the_form_is_whole_in_one_page_and_names_whom_to_call_first(street):
    shown = await street.get("/report")
    assert shown.status == 200
    names = [" ".join(each.text_content().split()) for each in shown.page.xpath("//label[@class='kind']")]
    assert names == [kind.name("fr") for kind in shipped_kinds("fr")]
    text = in_one_line(visible(shown.text))
    assert text.index("112") < text.index("114") < text.index("Route, trottoir")
    assert wrong_in(visible(shown.text)) == []
    [form] = shown.page.xpath("//form[@id='report']")
    assert (form.get("method"), form.get("action"), form.get("enctype")) == ("post", "/report", "multipart/form-data")
    fields = {each.get("name") for each in form.xpath(".//input | .//textarea | .//button") if each.get("name")}
    assert fields == {"kind", "lat", "lon", "address", "text", "photo", "key", "form", "altcha", "website", "look"}
    english = await street.get("/en/report")
    assert "What is it?" in english.text
    assert "Flooding" in english.text


async def test_the_other_name_leads_to_it_and_a_town_without_reports_has_none_of_it(street, tmp_path):
    async with street.person() as client:
        for path, to in (("/signaler", "/report"), ("/en/signaler", "/en/report")):
            async with client.get(path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (301, to)
        home = await (await client.get("/")).text()
    assert 'href="/report"' in home
    (tmp_path / "other").mkdir()
    async with a_house(tmp_path / "other") as house:
        assert (await house.get("/report"))[0] == 404
        assert "/report" not in (await house.get("/"))[1]


async def test_a_report_answers_with_its_number_and_a_page_of_its_own(street):
    sent = await street.report(text="  De l’eau\r\npartout <b> ")
    assert (sent.status, sent.number) == (200, "SM-26-0001")
    [kept] = await street.stored()
    assert (kept.state, kept.text, kept.language, kept.has_photo) == (
        ReportState.RECEIVED,
        "De l’eau\npartout <b>",
        "fr",
        False,
    )
    assert "SM-26-0001" in sent.text
    assert "partout &lt;b&gt;" in sent.text
    assert wrong_in(visible(sent.text)) == []
    english = await street.report(path="/en/report", network=2)
    assert english.path.startswith("/en/report/SM-26-0002/")
    assert "Your private page" in english.text


async def test_what_is_sent_twice_is_one_report(street):
    opened = await street.open()
    fields = {"kind": "road", **HERE, "key": opened.value("key"), "form": opened.value("form")}
    first, again = await asyncio.gather(street.post("/report", fields), street.post("/report", fields))
    later = await street.post("/report", fields, network=9)
    assert len({first.path, again.path, later.path}) == 1
    assert len(await street.stored()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"website": "x"}, "report_form_trap"),
        ({"form": "1.2.3"}, "report_form_unknown"),
        ({"form": "é.x"}, "report_form_unknown"),
        ({"altcha": ""}, "proof_missing"),
        ({"altcha": "bm90aGluZw=="}, "proof_wrong"),
    ],
)
async def test_what_no_hand_sends_is_held_and_not_refused(street, changes, code):
    sent = await street.report(**changes)
    assert sent.status == 200
    assert "vérifie d’abord" in sent.text
    [kept] = await street.stored()
    assert (kept.state, kept.held.code) == (ReportState.HELD, code)


@pytest.mark.parametrize(("wait", "code"), [(2, "report_form_hasty"), (86_401, "report_form_old")])
async def test_a_form_sent_too_soon_or_too_late_is_held(street, wait, code):
    opened = await street.get("/report")
    street.clock.set(street.clock.now() + timedelta(seconds=wait))
    fields = {"kind": "road", **HERE, "key": opened.value("key"), "form": opened.value("form")}
    assert (await street.post("/report", fields)).status == 200
    [kept] = await street.stored()
    assert kept.held.code == code


async def test_a_form_that_was_kept_gets_a_new_seal(street):
    seal = (await street.get("/report/fresh")).text.split('"')[3]
    street.clock.set(street.clock.now() + timedelta(seconds=4))
    assert await street.report(form=seal)
    [kept] = await street.stored()
    assert kept.state is ReportState.RECEIVED


@in_one_test
@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"kind": "dragons"}, "kind", "De quoi s’agit-il"),
        ({"lat": "", "lon": ""}, "place", "Où est-ce"),
        ({"lat": "99", "lon": "5"}, "place", "globe"),
        ({"lat": "", "lon": "", "address": "rue de Nulle Part"}, "place", "adresse"),
        ({"text": "x" * 501}, "text", "501"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(street, changes, field, says):
    sent = await street.report(**{"text": "Un arbre", **changes})
    assert sent.status == 422
    assert says in sent.wrong(field)
    assert sent.page.xpath("//*[@id='summary'][@role='alert']")
    assert sent.value("text") == changes.get("text", "Un arbre")
    assert sent.value("address") == changes.get("address", "")
    assert sent.page.xpath("//title")[0].text.startswith("Erreur")
    assert wrong_in(visible(sent.text)) == []
    assert await street.stored() == []
    if field != "kind":
        assert sent.page.xpath("//input[@checked]/@value") == ["flooding"]


async def test_a_photo_is_kept_and_one_that_is_none_or_too_large_is_said_beside_it(street):
    assert (await street.report(photo=a_photo())).status == 200
    [kept] = await street.stored()
    assert kept.has_photo
    broken = await street.report(photo=b"<svg/>", text="Voir photo", network=2)
    assert (broken.status, broken.value("text")) == (422, "Voir photo")
    assert "JPEG" in broken.wrong("photo")
    large = await street.report(photo=b"\xff\xd8\xff" + bytes(MOST_BYTES), text="Voir photo", network=3)
    assert (large.status, large.value("text")) == (413, "Voir photo")
    assert "10" in large.wrong("photo")
    assert len(await street.stored()) == 1


async def test_at_a_stop_the_form_ends_with_the_number_to_call(street):
    sent = await street.report(kind="gas")
    assert sent.status == 200
    assert "appelez le 18" in sent.text
    assert sent.page.xpath("//a[@href='tel:18']")
    assert not sent.page.xpath("//form")
    assert await street.stored() == []


async def test_what_is_known_there_is_told_before_anything_is_sent_and_me_too_counts_once(street):
    first = await street.report(text="Secret", network=1)
    looked = await street.post("/report", {"look": "1", "kind": "flooding", **HERE}, network=2)
    known = in_one_line(looked.page.xpath("//*[@id='known']")[0].text_content())
    assert "Déjà signalé ici" in known
    assert "Secret" not in looked.text
    [button] = looked.page.xpath("//button[@name='agree']/@value")
    fields = {"agree": button, "form": (await street.open()).value("form")}
    for _ in range(2):
        assert "compté" in (await street.post("/report", fields, network=2)).text
    again = await street.post("/report", {"look": "1", "kind": "flooding", **HERE}, network=3)
    assert "1 personne de plus le dit" in in_one_line(again.text)
    assert (await street.stored())[0].number == first.number
    hasty = {"agree": button, "form": (await street.get("/report")).value("form")}
    await street.post("/report", hasty, network=4)
    again = await street.post("/report", {"look": "1", "kind": "flooding", **HERE}, network=3)
    assert "1 personne" in in_one_line(again.text), "what a program sends doesn't count"


async def test_nothing_is_known_of_what_is_not_public_or_elsewhere(street):
    await street.report(kind="noise")
    await street.report(network=2)
    for place in ({"kind": "noise", **HERE}, {"kind": "flooding", "lat": "45.2", "lon": "5.71"}):
        looked = await street.post("/report", {"look": "1", **place}, network=3)
        assert "SM-26" not in looked.text
        assert "Rien de tel" in looked.text
    outside = await street.post("/report", {"look": "1", "kind": "road", "lat": "48", "lon": "2"})
    assert "hors de la commune" in outside.text


async def test_no_other_site_sends_the_form(street):
    foreign = {"Sec-Fetch-Site": "cross-site"}
    sent = await street.post("/report", {"kind": "road", **HERE}, headers=foreign)
    assert sent.status == 403
    assert await street.stored() == []


async def test_what_is_no_form_is_refused_with_a_sentence(street):
    async with street.person() as client:
        head = b"--y\r\nContent-Disposition: form-data; name="
        parts, form = "multipart/form-data; boundary=y", "application/x-www-form-urlencoded"
        for body, kind in (
            (b"{}", "application/json"),
            (b"--x\r\nnothing", parts),
            (head + b'"' + b"x" * 9000 + b'"\r\n\r\n1\r\n--y--\r\n', parts),
            (head + b'"_charset_"\r\n\r\n' + b"x" * 40 + b"\r\n--y--\r\n", parts),
            (b"--y\r\nno head\r\n\r\n1\r\n--y--\r\n", parts),
            (b"--y\r\n" + b"X-A: 1\r\n" * 1000 + b"\r\n1\r\n--y--\r\n", parts),
            (b"kind=road", f"{form}; charset=nope"),
        ):
            async with client.post("/report", data=body, headers={"Content-Type": kind}) as answer:
                assert answer.status in (400, 422)
                assert 'id="summary"' in await answer.text()
        many = {f"f{n}": "x" for n in range(30)}
    assert (await street.post("/report", many)).status == 400
    assert (await street.post("/report", {"kind": "road", **HERE, "text": "x" * 9000})).status == 400
    assert await street.stored() == []


async def test_the_list_of_streets_is_made_once_for_each_version_of_its_file(tmp_path):
    file = tmp_path / "adresses.csv"

    def write(*streets):
        rows = (f"1;{name};38185;5.71;45.19" for name in streets)
        file.write_text("\n".join(("numero;nom_voie;code_insee;lon;lat", *rows)) + "\n", encoding="utf-8")

    async def asked(**headers):
        async with street.person() as client, client.get("/report/streets.json", headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers["ETag"]

    write("Rue Haute", "Quai Bas")
    async with a_street(tmp_path, addresses=str(file)) as street:
        status, told, tag = await asked()
        kept = street.pages._streets
        assert (status, json.loads(told)) == (200, ["Quai Bas", "Rue Haute"])
        assert await asked(**{"If-None-Match": tag}) == (304, "", tag)
        assert street.pages._streets is kept, "nothing was sorted anew"

        write("Rue Haute", "Quai Bas", "Rue Neuve")
        assert json.loads((await asked(**{"If-None-Match": tag}))[1]) == ["Quai Bas", "Rue Haute", "Rue Neuve"]


async def test_a_form_that_never_ends_is_given_up(street, monkeypatch):
    monkeypatch.setattr(report_form, "PATIENCE", 0.05)
    url = URL(street.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST /report HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 5000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n'.encode()
    )
    answer = await asyncio.wait_for(reader.read(20), 60)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408")


SOME = 300_000


@pytest.fixture
async def little_room(tmp_path):
    async with a_street(tmp_path, SOME) as street:
        yield street


async def half_sent(street, network, size=0):
    """A form that began to arrive, as another connection sends it, without an end."""
    url, before = URL(street.url), set(street.listener._connections)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST /report HTTP/1.1\r\nHost: {url.host}\r\nX-Forwarded-For: 198.51.{network}.1\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = b"--x\r\n" + b" " * size
    writer.write(f"{head}{len(body):x}\r\n".encode() + body + b"\r\n")
    while not [each for each in set(street.listener._connections) - before if each.sent.reserved > size]:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return reader, writer


async def test_forms_that_are_half_sent_keep_no_photo_out(little_room):
    """They take the room of what has come of them, and not of what a form may have at the most."""
    held = [await half_sent(little_room, network) for network in range(60, 72)]
    assert (await asyncio.wait_for(little_room.report(photo=a_photo() + bytes(SMALL)), 60)).status == 200
    for _, writer in held:
        writer.close()


async def test_where_there_is_no_room_left_the_oldest_that_is_half_sent_gives_way(little_room):
    (first, one), (_, two), (_, three) = [await half_sent(little_room, n, 90_000) for n in (60, 61, 62)]
    assert (await little_room.report(photo=a_photo() + bytes(SMALL))).status == 200
    told = await asyncio.wait_for(first.read(), 60)
    assert told.startswith(b"HTTP/1.1 503")
    assert "trop de photos" in told.decode().lower()

    _, four = await half_sent(little_room, 61, 90_000)
    async with asyncio.timeout(60):
        while little_room.listener.room.reserved > 200_000:  # noqa: ASYNC110 of a network that has too much, its own oldest
            await asyncio.sleep(0)
    for writer in (one, two, three, four):
        writer.close()


async def test_where_too_much_is_dealt_with_a_photo_is_told_so_and_what_has_none_is_taken(little_room):
    dealt_with = Sent(little_room.listener.room, "", lambda: None, stays=True)
    dealt_with.came(SOME)
    many = await little_room.report(photo=a_photo() + bytes(SMALL))
    assert many.status == 503
    assert "trop de photos" in many.text.lower()
    assert (await little_room.report(network=2)).status == 200


# --- the private page


async def test_the_private_page_tells_how_far_it_is_and_what_the_town_answered(street):
    sent = await street.report()
    for act in (AcceptReport, CloseReport):
        await street.house.service.act(by(ANNE, act, sent.number, "On <s>vient</s>."))
    page = await street.get(sent.path)
    assert "&lt;s&gt;vient" in page.text
    assert page.page.xpath("//ol[@class='steps']//strong/text()") == ["Reçu", "Pris en charge par la mairie", "Fait"]
    assert "Anne" not in page.text
    assert wrong_in(visible(page.text)) == []
    assert "noindex" in page.text
    assert (await street.get(f"/en{sent.path}")).text.count("Done") == 2


async def test_no_other_address_shows_it_and_none_tells_whether_it_is_there(street):
    sent = await street.report()
    token = sent.path.rpartition("/")[2]
    other = token[:-1] + ("0" if token[-1] != "0" else "1")
    answers = [
        await street.get(f"/report/{number}/{one}")
        for number, one in ((sent.number, other), ("SM-26-0999", token), (sent.number, "0" * 32))
    ]
    assert [each.status for each in answers] == [404] * 3
    assert len({each.text for each in answers}) == 1


async def test_who_reported_erases_it_for_good(street):
    sent = await street.report(text="À moi", photo=a_photo())
    assert (await street.post(f"{sent.path}/erase", {}, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    gone = await street.post(f"{sent.path}/erase", {"sure": "1"})
    assert (gone.status, "effacé" in gone.text) == (200, True)
    [kept] = await street.stored()
    assert (kept.text, kept.lat, kept.has_photo, kept.token) == (None, None, False, "")
    assert (await street.get(sent.path)).status == 404
    assert (await street.post(f"{sent.path}/erase", {"sure": "1"})).status == 404


async def test_no_address_is_looked_up_on_the_thread_of_everything_else(street, monkeypatch):
    threads, find = set(), Places.find

    def watched(places, text):
        threads.add(threading.current_thread())
        return find(places, text)

    monkeypatch.setattr(Places, "find", watched)
    for more in ({"look": "1"}, {}):
        await street.post("/report", {"kind": "road", "address": "rue Pasteurr", **more})
    assert threads
    assert threading.main_thread() not in threads


async def test_no_page_of_it_is_kept_by_anybody_or_says_where_it_leads(street):
    sent = await street.report()
    async with street.person() as client:
        for path in ("/report", sent.path, "/report/fresh", "/report/challenge"):
            async with client.get(path) as answer:
                assert answer.headers["Cache-Control"] == "no-store", path
        async with client.get(sent.path) as answer:
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        async with client.get("/sw.js") as answer:
            assert answer.content_type == "text/javascript"
            assert "report-form" in await answer.text()


async def test_the_empty_form_alone_may_be_found_and_comes_packed(street):
    async with street.person() as client:
        async with client.get("/report", headers={"Accept-Encoding": "br"}) as answer:
            assert answer.headers["Content-Encoding"] == "br"
            assert "X-Robots-Tag" not in answer.headers
        async with client.get("/report?kind=road", headers={"Accept-Encoding": "br"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_in_a_fleet_every_link_of_it_leads_below_the_town(tmp_path):
    async with a_street(tmp_path, mount="/t/martin") as street:
        opened = await street.open()
        [form] = opened.page.xpath("//form[@id='report']")
        asked = [form.get(name) for name in ("action", "data-fresh", "data-proof", "data-worker", "data-keeping")]
        assert all(each.startswith("/t/martin/") for each in asked), asked
        fields = {"kind": "road", **HERE, "key": opened.value("key"), "form": opened.value("form")}
        private = PrivatePages(street.house.publisher, street.house.service, street.house.service)
        async with a_door([*street.pages.routes(), *private.routes()]) as client:
            answer = await client.post("/t/martin/report", data=fields, allow_redirects=False)
            leads = answer.headers["Location"]
            assert leads.startswith("/t/martin/report/SM-26-0001/")
            page = html.document_fromstring(await (await client.get(leads)).text())
            other = await client.get("/t/martin/signaler", allow_redirects=False)
        assert page.xpath("//form/@action")[0].startswith("/t/martin/report/SM-26-0001/")
        assert other.headers["Location"] == "/t/martin/report"


async def test_without_a_proof_a_broker_s_networks_are_one_and_with_one_a_household_is(street):
    for number, proven in enumerate([False, False, False, True, True]):
        opened = await street.open()
        fields = {"kind": "flooding", **HERE, "key": opened.value("key"), "form": opened.value("form")}
        if proven:
            fields["altcha"] = solved((await street.get("/report/challenge")).text)
        sent = await street.post("/report", fields, headers={"X-Forwarded-For": f"2001:db8:1:{number}00::7"})
        assert sent.status == 200
    sources = {each.state: set() for each in await street.stored()}
    for each in await street.stored():
        sources[each.state].add(each.source)
    assert {state: len(each) for state, each in sources.items()} == {ReportState.HELD: 1, ReportState.RECEIVED: 2}
