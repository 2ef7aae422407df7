"""What keeps the public side true, over the house's own office, and what is asked of it over HTTP."""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs
from yarl import URL

from alerts.config import load_config
from alerts.daemon.clock import SystemClock
from alerts.daemon.furnish import furnish_desk
from alerts.daemon.live import Live
from alerts.daemon.office import HouseOffice
from alerts.model.ids import new_id
from alerts.model.ports import Heard, Memory
from alerts.rendering.card_picture import draw_card
from alerts.store.database import Database
from alerts.store.journal import StoredJournal, remember
from alerts.store.migrate import migrate
from alerts.web.public import cards, publisher
from alerts.web.public.publisher import AT_LEAST_EVERY, Publisher
from alerts.web.public.routes import public_routes
from tests.fakes import FakeClock
from tests.unit.desk.conftest import NOW, an_alert, cancelling, following
from tests.unit.web.public.conftest import a_setting

CONFIG = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
areas = ["INSEE:38185"]

[sources.meteo]
kind = "cap"
url = "meteo.xml"
publish = "{publish}"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""


class House:
    """The office, a publisher, and a client that asks."""

    def __init__(self, database, config, clock, export=None) -> None:
        self.clock = clock
        self.database = database
        self.office = HouseOffice(
            config=config,
            database=database,
            desk=furnish_desk(config, clock.now),
            clock=clock,
            new_id=new_id,
            live=Live(),
            wake=lambda: None,
        )
        self.publisher = Publisher(self.office, a_setting(), clock, export)
        self.client = None

    async def hear(self, alert, source="meteo"):
        filed = await self.office.act(
            lambda sitting: sitting.desk.hear(sitting.books, Heard(alert.identifier, alert), source)
        )
        return filed.record

    async def read_source(self, reason=None):
        """The source was looked at just now, well or not."""
        now, journal = self.clock.now(), StoredJournal(self.database)
        if reason is None:
            await self.database.write(lambda db: remember(db, "meteo", Memory(), now, now))
        else:
            await journal.failed("meteo", reason, now, now)

    async def get(self, path, **headers):
        async with self.client.get(path, headers=headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def a_house(tmp_path, publish="auto", export=None, clock=None):
    path = tmp_path / "town.db"
    migrate(path)
    file = tmp_path / "channels.toml"
    file.write_text(CONFIG.format(publish=publish), encoding="utf-8")
    database = await Database.open(path)
    house = House(database, load_config(file), clock or FakeClock(NOW), export)
    app = web.Application()
    app.add_routes(public_routes(house.publisher))
    try:
        async with TestClient(TestServer(app)) as client:
            house.client = client
            yield house
    finally:
        await database.close()


@pytest.fixture
async def house(tmp_path):
    async with a_house(tmp_path) as house:
        yield house


async def test_the_page_is_there_from_the_first_question_on(house):
    record = await house.hear(an_alert(headline="Coup de vent"))

    status, text = await house.get("/")
    assert status == 200
    assert "Coup de vent" in text
    assert (await house.get(f"/alerts/{record.incident_id}"))[0] == 200
    assert (await house.get(f"/cap/{record.id}.xml"))[0] == 200


@pytest.mark.parametrize(
    "path", ["/nowhere", "/alerts/none", "/alerts/../etc", "/cap/none.xml", "/fr/alerts/none", "/alerts/"]
)
async def test_what_is_not_there_is_404(house, path):
    assert (await house.get(path))[0] == 404


async def test_what_waits_is_404_until_it_is_let_out(tmp_path):
    async with a_house(tmp_path, publish="approve") as house:
        record = await house.hear(an_alert())
        paths = (f"/alerts/{record.incident_id}", f"/cap/{record.id}.xml", f"/alerts/{record.incident_id}.geojson")

        assert [(await house.get(path))[0] for path in paths] == [404, 404, 404]


async def test_an_incident_of_long_ago_still_has_its_page(house):
    record = await house.hear(an_alert())
    house.clock.set(NOW.replace(month=12))
    await house.publisher.make()

    status, text = await house.get(f"/alerts/{record.incident_id}")
    assert status == 200
    assert "Alerte terminée" in text
    assert (await house.get(f"/cap/{record.id}.xml"))[0] == 200
    assert "Coup de vent" not in (await house.get("/"))[1]


async def test_who_has_the_page_is_told_so(house):
    await house.hear(an_alert())
    async with house.client.get("/") as answer:
        tag = answer.headers["ETag"]

    assert (await house.get("/", **{"If-None-Match": tag}))[0] == 304


async def test_a_change_makes_an_edition_and_tells_those_who_listen(tmp_path):
    async with a_house(tmp_path, clock=SystemClock()) as house:
        now = house.clock.now().replace(microsecond=0) - timedelta(minutes=2)
        running = asyncio.create_task(house.publisher.run())
        async with house.client.get("/events") as stream:
            first = await _next_data(stream)
            record = await house.hear(alert := an_alert(sent=now, expires=now + timedelta(hours=1)))
            told = await _next_data(stream)
            page = (await house.get("/"))[1]
            await house.hear(cancelling(alert))
            over = await _next_data(stream)
        await _end(running)

    assert b'"on": []' in first
    assert record.incident_id.encode() in told
    assert "Coup de vent" in page
    assert b'"on": []' in over


async def test_time_alone_asks_for_an_edition(house):
    waiting = asyncio.create_task(house.publisher._wait())
    await house.clock.advance(AT_LEAST_EVERY - 1)
    assert not waiting.done()
    await house.clock.advance(1)
    assert waiting.done()


async def test_a_wrong_last_stroke_leads_to_the_page_and_nothing_else_does(house):
    record = await house.hear(an_alert())
    found = {}
    for path in (
        "/en",
        f"/alerts/{record.incident_id}/",
        "/%2F%2Fevil.example/",
        "/%2e%2e/etc/passwd",
        "/%00",
        "/%ff%fe",
    ):
        async with house.client.get(URL(path, encoded=True), allow_redirects=False) as answer:
            found[path] = (answer.status, answer.headers.get("Location"))

    assert found.pop("/en") == (308, "/en/")
    assert found.pop(f"/alerts/{record.incident_id}/") == (308, f"/alerts/{record.incident_id}")
    assert set(found.values()) == {(404, None)}


async def test_what_is_not_there_is_told_in_the_language_of_its_address(house):
    for path, said in (("/nowhere", "Page introuvable"), ("/en/alerts/nowhere", "No such page")):
        assert said in (await house.get(path))[1]
    async with house.client.get("/nowhere", headers={"If-None-Match": "*"}) as answer:
        assert answer.status == 404, "that one has it is no reason to say that it is there"


async def test_head_says_what_get_would_and_opens_no_stream(house):
    async with house.client.get("/") as whole, house.client.head("/") as head:
        assert (head.status, head.headers["ETag"], await head.read()) == (200, whole.headers["ETag"], b"")
    async with house.client.head("/events") as answer:
        assert answer.status == 404


async def test_no_answer_sets_a_cookie_nor_names_another_place(house):
    record = await house.hear(an_alert())
    for path in ("/", "/en/", f"/alerts/{record.incident_id}", "/embed", "/feed.atom", "/robots.txt", "/nowhere"):
        async with house.client.get(path) as answer:
            assert "Set-Cookie" not in answer.headers, path
            assert "stale-if-error=86400" in answer.headers["Cache-Control"], path


async def test_five_hundred_incidents_cost_as_many_questions_as_one(house, monkeypatch):
    async def asked() -> int:
        count = 0

        def question(sitting):
            nonlocal count
            sitting.views._db.set_trace_callback(one_more)
            try:
                return house.publisher._look(sitting)
            finally:
                sitting.views._db.set_trace_callback(None)

        def one_more(_):
            nonlocal count
            count += 1

        outlook, _ = await house.office.ask(question)
        assert len(outlook.situation.on) == on
        return count

    on = 1
    await house.hear(an_alert(headline="0"))
    for_one = await asked()
    for number in range(1, 500):
        await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
    on = 500

    assert await asked() == for_one


async def test_a_storm_of_changes_is_one_edition(house):
    made = []
    edition = house.publisher._site.edition
    house.publisher._site.edition = lambda *rest: made.append(rest) or edition(*rest)
    with house.publisher.listen() as told:
        running = asyncio.create_task(house.publisher.run())
        await told.wait()
        told.clear()
        for number in range(30):
            await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
        during = len(made)
        await house.clock.advance(publisher.REST)
        await told.wait()
        await _end(running)

    assert during == 1, "lanes need the reader and the processor too"
    assert len(made) == 2
    assert len((await house.publisher.edition()).outlook.situation.on) == 30


async def test_the_loop_goes_on_while_an_edition_is_made(house):
    """What takes long is made in a thread, so that lanes and answers wait for none of it."""
    threads = set()
    edition = house.publisher._site.edition

    def made(*arguments):
        threads.add(threading.current_thread())
        return edition(*arguments)

    house.publisher._site.edition = made
    await house.hear(an_alert())
    await house.publisher.make()

    assert threads
    assert threading.main_thread() not in threads


async def test_of_many_who_ask_for_an_old_page_one_has_it_made(house):
    record = await house.hear(an_alert())
    house.clock.set(NOW.replace(month=12))
    edition = await house.publisher.make()
    made = []
    lasting = house.publisher._site.lasting
    house.publisher._site.lasting = lambda *rest: made.append(rest) or lasting(*rest)
    paths = [f"/alerts/{record.incident_id}", f"/cap/{record.id}.xml", f"/alerts/{record.incident_id}.geojson"]
    answers = await asyncio.gather(*(house.get(path) for path in paths * 4))

    assert record.incident_id not in edition.incidents
    assert {status for status, _ in answers} == {200}
    assert len(made) == 1


async def test_a_card_is_drawn_when_it_is_asked_for_once_for_the_same_words(house, monkeypatch):
    drawn = []
    monkeypatch.setattr(cards, "draw_card", lambda card: drawn.append(card.heading) or draw_card(card))
    record = await house.hear(alert := an_alert())
    path = f"/alerts/{record.incident_id}/card.png"
    await house.publisher.make()
    at_first = list(drawn)

    async def ask() -> bytes:
        async with house.client.get(path) as answer:
            assert answer.content_type == "image/png"
            return await answer.read()

    first = await asyncio.gather(*(ask() for _ in range(5)))
    house.clock.set(NOW + timedelta(minutes=1))
    await house.hear(following(alert, headline="Tempête"))
    await house.publisher.make()
    after = await ask()

    assert at_first == []
    assert len(set(first)) == 1
    assert first[0] != after
    assert drawn == ["Coup de vent", "Tempête"]
    assert (await house.get("/alerts/none/card.png"))[0] == 404


async def test_an_export_has_each_page_with_its_card(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(cards, "draw_card", lambda card: drawn.append(card.heading) or draw_card(card))
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        first = await house.hear(an_alert())
        await house.publisher.make()
        await house.publisher.export()
        second = await house.hear(an_alert(event="Crue", headline="Crue"))
        await house.publisher.make()
        await house.publisher.export()

        for record in (first, second):
            for folder in ("alerts", "en/alerts"):
                card = tmp_path / "site" / folder / record.incident_id / "card.png"
                assert card.read_bytes().startswith(b"\x89PNG")
        assert len(drawn) == 4, "in two languages, each once"


async def test_an_old_page_whose_incident_goes_on_is_made_anew(house):
    record = await house.hear(alert := an_alert())
    house.clock.set(NOW.replace(month=12))
    await house.publisher.make()
    before = (await house.get(f"/alerts/{record.incident_id}"))[1]
    later = house.clock.now()
    await house.hear(following(alert, headline="Encore", sent=later, expires=later + timedelta(hours=1)))
    await house.publisher.make()
    house.clock.set(NOW.replace(year=2027))
    await house.publisher.make()

    assert "Encore" not in before
    assert "Encore" in (await house.get(f"/alerts/{record.incident_id}"))[1]


async def test_an_export_gets_the_pages_of_long_ago_too_and_names_those_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "AT_A_TIME", 2)
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        old = [await house.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(5)]
        house.clock.set(NOW.replace(month=12))
        rounds = []
        await house.publisher.make()
        while await house.publisher.export():
            rounds.append(named(tmp_path / "site"))
            await house.publisher.make()
        await house.publisher.export()

        assert rounds[0] == set(), "what isn't there yet is named by no map of the site"
        assert len(rounds) == 3
        assert named(tmp_path / "site") == {record.incident_id for record in old}
        for record in old:
            page = tmp_path / "site" / "alerts" / record.incident_id / "index.html"
            assert "Alerte terminée" in page.read_text(encoding="utf-8")
            assert (tmp_path / "site" / "cap" / f"{record.id}.xml").is_file()


def named(site):
    """The incidents that the map of the site names; each of them is there."""
    found = set(re.findall(r"alertes\.saint-martin\.example/alerts/(\w+)<", (site / "sitemap.xml").read_text()))
    assert all((site / "alerts" / each / "index.html").is_file() for each in found)
    return found


async def test_a_disk_that_refuses_costs_the_files_alone(tmp_path):
    (tmp_path / "site").mkdir()
    async with a_house(tmp_path, export=tmp_path / "site", clock=SystemClock()) as house:
        now = house.clock.now()
        running = asyncio.create_task(house.publisher.run())
        with capture_logs() as logs:
            async with house.client.get("/events") as stream:
                await _next_data(stream)
                await house.hear(an_alert(sent=now, expires=now + timedelta(hours=1)))
                await _next_data(stream)
            await _end(running)

        assert "Coup de vent" in (await house.get("/"))[1]
        assert {entry["event"] for entry in logs if entry["log_level"] == "error"} == {"pages.not_exported"}


async def test_who_listens_is_let_go_when_nothing_more_is_told(house):
    async with house.client.get("/events") as stream:
        await _next_data(stream)
        house.publisher.close()
        assert await stream.content.read() in (b"", b"\n")
    async with house.client.get("/events") as late:
        assert late.status == 503


async def test_a_source_is_behind_its_time_by_its_own_measure(house):
    async def stale(minutes, **failing):
        await house.read_source(**failing)
        house.clock.set(house.clock.now() + timedelta(minutes=minutes))
        return (await house.publisher.make()).outlook.sources[0].stale

    assert (await house.publisher.make()).outlook.sources[0].stale, "it was never read"
    assert not await stale(10)
    assert await stale(11)
    assert await stale(1, reason="HTTP 500")


async def test_the_export_follows(tmp_path):
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        record = await house.hear(an_alert(headline="Coup de vent"))
        await house.publisher.make()
        await house.publisher.export()

        page = (tmp_path / "site" / "alerts" / record.incident_id / "index.html").read_text(encoding="utf-8")
        assert "Coup de vent" in page
        assert (tmp_path / "site" / "index.html").read_text(encoding="utf-8") == (await house.get("/"))[1]


async def _next_data(stream):
    while True:
        line = await stream.content.readline()
        if line.startswith(b"data:"):
            return line


async def _end(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
