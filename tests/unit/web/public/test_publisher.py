"""What keeps the public side true, over the house's own service, and what is asked of it over HTTP."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta

import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs
from yarl import URL

from alerts.desk.approve import approve
from alerts.model.alert import Area, NamedValue
from alerts.model.errors import Busy
from alerts.model.ports import SystemClock
from alerts.rendering.card import draw_card
from alerts.store import views
from alerts.store.alerts import stored_alert_of
from alerts.store.channel_statuses import ChannelStatuses
from alerts.web.public import publisher, site
from alerts.web.public.page import Pages
from alerts.web.public.publisher import AT_LEAST_EVERY, freshness_of
from alerts.web.public.snapshot import PolledSource, tell
from tests.unit.desk.conftest import LATER, NOW, an_alert, cancelling, following
from tests.unit.web.public.house import a_house, next_data
from tests.walls import in_one_test


@pytest.fixture
async def house(tmp_path):
    async with a_house(tmp_path) as house:
        yield house


async def test_the_page_is_there_from_the_first_question_on(house):
    stored = await house.hear(an_alert(headline="Coup de vent"))

    status, text = await house.get("/")
    assert status == 200
    assert "Coup de vent" in text
    assert (await house.get(f"/alerts/{stored.incident_id}"))[0] == 200
    assert (await house.get(f"/cap/{stored.id}.xml"))[0] == 200


@pytest.mark.parametrize(
    "path", ["/nowhere", "/alerts/none", "/alerts/../etc", "/cap/none.xml", "/fr/alerts/none", "/alerts/"]
)
async def test_what_is_not_there_is_404(house, path):
    assert (await house.get(path))[0] == 404


async def test_what_waits_is_404_until_it_is_let_out(tmp_path):
    async with a_house(tmp_path, publish="approve") as house:
        stored = await house.hear(an_alert())
        paths = (f"/alerts/{stored.incident_id}", f"/cap/{stored.id}.xml", f"/alerts/{stored.incident_id}.geojson")

        assert [(await house.get(path))[0] for path in paths] == [404, 404, 404]


async def test_an_incident_of_long_ago_still_has_its_page(house):
    stored = await house.hear(an_alert())
    house.clock.set(NOW.replace(month=12))
    await house.publisher.make()

    status, text = await house.get(f"/alerts/{stored.incident_id}")
    assert status == 200
    assert "Fin prévue de l’alerte" in text
    assert (await house.get(f"/cap/{stored.id}.xml"))[0] == 200
    assert "Coup de vent" not in (await house.get("/"))[1]


async def test_who_has_the_page_is_told_so(house):
    await house.hear(an_alert())
    async with house.client.get("/") as answer:
        tag = answer.headers["ETag"]

    assert (await house.get("/", **{"If-None-Match": tag}))[0] == 304


async def test_a_page_is_at_hand_until_a_newer_one_is_due(house):
    def ready(method="GET", path="/"):
        return house.publisher.ready(make_mocked_request(method, path))

    assert ready() is None
    await house.get("/", **{"Accept-Encoding": "identity"})
    assert ready() is ready() is not None
    assert [ready("HEAD"), ready(path="/?a=b"), ready(path="/nowhere"), ready(path="/en/")] == [None] * 4
    running = house.run()
    await house.clock.settle()
    await house.hear(an_alert())
    await house.clock.settle()
    assert ready() is not None, "a burst of changes is one edition"
    await house.clock.advance(publisher.LONGEST_REST)
    await running.close()
    assert ready() is None


async def test_a_change_makes_an_edition_and_tells_those_who_listen(tmp_path):
    async with a_house(tmp_path, clock=SystemClock()) as house:
        now = house.clock.now().replace(microsecond=0) - timedelta(minutes=2)
        running = house.run()
        async with house.client.get("/events") as stream:
            first = await next_data(stream)
            stored = await house.hear(alert := an_alert(sent=now, expires=now + timedelta(hours=1)))
            told = await next_data(stream)
            page = (await house.get("/"))[1]
            await house.hear(cancelling(alert))
            over = await next_data(stream)
        await running.close()

    assert b'"on": []' in first
    assert stored.incident_id.encode() in told
    assert "Coup de vent" in page
    assert b'"on": []' in over


async def test_time_alone_asks_for_an_edition(house):
    made, make = [], house.publisher.make
    await make()
    house.publisher.make = lambda: made.append(house.clock.monotonic()) or make()
    with house.publisher.listen():
        running = house.run()
        await house.clock.advance(AT_LEAST_EVERY + 1)
        await running.close()
    assert made == [AT_LEAST_EVERY]


async def test_a_wrong_last_stroke_leads_to_the_page_and_nothing_else_does(house):
    stored = await house.hear(an_alert())
    found = {}
    for path in (
        "/en",
        f"/alerts/{stored.incident_id}/",
        "/%2F%2Fevil.example/",
        "/%2e%2e/etc/passwd",
        "/%00",
        "/%ff%fe",
    ):
        async with house.client.get(URL(path, encoded=True), allow_redirects=False) as answer:
            found[path] = (answer.status, answer.headers.get("Location"))

    assert found.pop("/en") == (308, "/en/")
    assert found.pop(f"/alerts/{stored.incident_id}/") == (308, f"/alerts/{stored.incident_id}")
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
    stored = await house.hear(an_alert())
    for path in ("/", "/en/", f"/alerts/{stored.incident_id}", "/embed", "/feed.atom", "/robots.txt", "/nowhere"):
        async with house.client.get(path) as answer:
            assert "Set-Cookie" not in answer.headers, path
            kept = "stale-if-error=86400" in answer.headers["Cache-Control"]
            assert kept is (answer.status == 200), "what isn't there may be in a second, and we gone in two"


ALL_OF_THEM = ("/", "/en/", "/embed", "/en/embed.html", "/feed.atom", "/calendar.ics", "/alerts.geojson")


async def test_an_edition_costs_what_changed_however_many_incidents_the_day_has(house, monkeypatch):
    """Questions to the database, messages read from it, incidents put into words, pieces of HTML made of them."""
    count, share, look = Counter(), Pages.share, house.publisher._look
    monkeypatch.setattr(views, "stored_alert_of", lambda row: count.update(["read"]) or stored_alert_of(row))
    monkeypatch.setattr(site, "tell", lambda *given: count.update(["told"]) or tell(*given))
    monkeypatch.setattr(Pages, "share", lambda *given: count.update(["shares"]) or share(*given))

    def traced(unit):
        unit.views._db.set_trace_callback(lambda _: count.update(["asked"]))
        try:
            return look(unit)
        finally:
            unit.views._db.set_trace_callback(None)

    async def cost_of(alert) -> dict[str, int]:
        await house.hear(alert)
        count.clear()
        edition = await house.publisher.make()
        for path in ALL_OF_THEM:
            assert (await house.get(path))[0] == 200
        assert len(edition.snapshot.situation.on) == on
        return dict(count)

    house.publisher._look = traced
    on = 2
    await house.hear(an_alert(event="Crue", headline="Crue"))
    await cost_of(an_alert(headline="0"))
    on = 3
    for_few = await cost_of(an_alert(event="Gel", headline="Verglas"))
    for number in range(1, 100):
        await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
    on = 103
    await cost_of(an_alert(event="Neige", headline="Neige"))
    on = 104

    assert await cost_of(an_alert(event="Orage", headline="Orage")) == for_few
    assert for_few == {"asked": for_few["asked"], "read": 1, "told": 2, "shares": 2}


async def test_a_town_that_nobody_looks_at_asks_nothing_and_makes_nothing(house):
    asked = []
    ask = house.service.ask
    house.service.ask = lambda question: asked.append(question) or ask(question)
    running = house.run()
    await house.clock.advance(3600)
    for number in range(20):
        await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
        await house.clock.advance(1)
    in_a_storm, cycled = len(asked), next(each for each in running.cycles() if each.name == "pages")
    page = (await house.get("/"))[1]
    await running.close()

    assert in_a_storm == 0
    assert not cycled.stands
    assert "20 alertes en cours" in page, "whoever looks sees what holds"
    assert len(asked) == 1


async def test_changes_that_nobody_looks_at_are_caught_up_with_a_few_at_a_time(house):
    asked = []
    await house.publisher.make()
    ask = house.service.ask
    house.service.ask = lambda question: asked.append(question) or ask(question)
    running = house.run()
    for number in range(30):
        await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
        await house.clock.advance(1)
    await running.close()

    assert 30 / publisher.AT_LEAST_EVERY <= len(asked) <= 30 / publisher.CATCHES_UP


async def test_who_asks_after_a_change_sees_it_at_once(house):
    await house.publisher.make()
    running = house.run()
    await house.clock.advance(publisher.LONGEST_REST)
    await house.hear(an_alert(headline="Coup de vent"))
    await house.clock.settle()
    page = (await house.get("/"))[1]
    await running.close()

    assert "Coup de vent" in page


async def test_who_asks_later_sees_what_time_alone_ended(house):
    await house.hear(an_alert(headline="Coup de vent"))
    first = (await house.get("/"))[1]
    await house.clock.advance((LATER - NOW).total_seconds())
    second = (await house.get("/"))[1]

    assert "1 alerte en cours" in first
    assert "Fin prévue de l’alerte" in second


async def test_a_database_that_does_not_answer_costs_the_pages_their_news_alone(house, monkeypatch):
    await house.publisher.make()
    monkeypatch.setattr(publisher, "PATIENCE", 0.01)
    never, asked = asyncio.Event(), []

    async def ask(question):
        asked.append(question)
        await never.wait()
        raise Busy("that took too long")

    house.service.ask = ask
    await house.clock.advance(AT_LEAST_EVERY)
    pages = [await house.get("/") for _ in range(3)]
    never.set()
    with capture_logs() as logs:
        await house.clock.settle()
        monkeypatch.setattr(publisher, "PATIENCE", 60)
        await house.clock.advance(AT_LEAST_EVERY)
        never.clear()
        pages.append(await house.get("/"))
        never.set()
        await house.clock.settle()

    assert [status for status, _ in pages] == [200] * 4
    assert len(asked) == 1, "one question for all who wait, and none of them asks or waits once it failed"
    assert [line["event"] for line in logs] == ["pages.failed"]


async def test_an_edition_that_can_not_be_made_is_tried_ever_more_rarely_and_made_once_it_can(house):
    edition, tried = house.publisher._site.edition, []
    await house.publisher.make()

    def fails(*given):
        tried.append(house.clock.monotonic())
        raise ValueError("words that can't be set")

    house.publisher._site.edition = fails
    with house.publisher.listen() as told:
        running = house.run()
        await house.hear(an_alert(headline="Crue", event="Crue"))
        for _ in range(60):
            await house.clock.advance(1)
            await house.get("/")
        house.publisher._site.edition = edition
        while not told.is_set():
            await house.clock.advance(1)
    await running.close()

    assert 3 < len(tried) < 9, "after a second, then after twice as long each time"


@in_one_test
@pytest.mark.parametrize(("spent", "open_pages", "rest"), [(0.0, 0, 0.2), (0.05, 0, 0.45), (3, 0, 1), (0, 2000, 0.8)])
async def test_the_more_an_edition_cost_the_longer_it_stays_but_never_long(house, spent, open_pages, rest):
    house.publisher._spent = spent
    house.publisher._listeners = {asyncio.Event() for _ in range(open_pages)}

    assert house.publisher._rest() == pytest.approx(rest)


async def test_a_storm_of_changes_is_one_edition(house):
    made = []
    edition = house.publisher._site.edition
    house.publisher._site.edition = lambda *rest: made.append(rest) or edition(*rest)
    with house.publisher.listen() as told:
        running = house.run()
        await told.wait()
        told.clear()
        for number in range(30):
            await house.hear(an_alert(headline=str(number), event=f"Vent {number}"))
        during = len(made)
        await house.clock.advance(publisher.LONGEST_REST)
        await told.wait()
        await running.close()

    assert during == 1, "lanes need the reader and the processor too"
    assert len(made) == 2
    assert len((await house.publisher.edition()).snapshot.situation.on) == 30


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
    stored = await house.hear(an_alert())
    house.clock.set(NOW.replace(month=12))
    edition = await house.publisher.make()
    made = []
    lasting = house.publisher._site.rendered
    house.publisher._site.rendered = lambda *rest: made.append(rest) or lasting(*rest)
    paths = [f"/alerts/{stored.incident_id}", f"/cap/{stored.id}.xml", f"/alerts/{stored.incident_id}.geojson"]
    answers = await asyncio.gather(*(house.get(path) for path in paths * 4))

    assert stored.incident_id not in edition.incidents
    assert {status for status, _ in answers} == {200}
    assert len(made) == 1


async def test_a_card_is_drawn_when_it_is_asked_for_once_for_the_same_words(house, monkeypatch):
    drawn = []
    monkeypatch.setattr(site, "draw_card", lambda card: drawn.append(card.heading) or draw_card(card))
    stored = await house.hear(alert := an_alert())
    path = f"/alerts/{stored.incident_id}/card.png"
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
    assert drawn == ["Coup de vent", "Tempête (mise à jour)"]
    assert (await house.get("/alerts/none/card.png"))[0] == 404


async def test_an_old_page_whose_incident_goes_on_is_made_anew(house):
    stored = await house.hear(alert := an_alert())
    house.clock.set(NOW.replace(month=12))
    await house.publisher.make()
    before = (await house.get(f"/alerts/{stored.incident_id}"))[1]
    later = house.clock.now()
    await house.hear(following(alert, headline="Encore", sent=later, expires=later + timedelta(hours=1)))
    await house.publisher.make()
    house.clock.set(NOW.replace(year=2027))
    await house.publisher.make()

    assert "Encore" not in before
    assert "Encore" in (await house.get(f"/alerts/{stored.incident_id}"))[1]


async def test_the_bot_is_named_once_it_is_known_on_every_page_and_as_a_file(tmp_path):
    async with a_house(tmp_path, export=tmp_path / "site", bots=("telegram", "silent", "odd")) as house:
        facts = ChannelStatuses(house.database)
        old = await house.hear(an_alert(event="Crue", headline="Crue"))
        house.clock.set(NOW.replace(month=12))
        now = house.clock.now()
        new = await house.hear(an_alert(sent=now, expires=now + timedelta(hours=1)))
        paths = [f"{tongue}{rest}" for tongue in ("/", "/en/") for rest in ("", f"alerts/{new.incident_id}")]

        async def pages() -> list[str]:
            await house.publisher.make()
            await house.publisher.export()
            files = [(tmp_path / "site" / path[1:] / "index.html").read_text(encoding="utf-8") for path in paths]
            return [*files, *[(await house.get(path))[1] for path in (*paths, f"/alerts/{old.incident_id}")]]

        before = await pages()
        await facts.remember("odd", "bot", '@"><script>')
        await facts.remember("telegram", "bot", "@saintmartin_bot")
        after = await pages()
        await facts.remember("telegram", "bot", "@another_bot")
        renamed = await pages()

    named = [re.findall(r'<a href="https://t\.me/([^"]*)"', page) for page in (*before, *after, *renamed)]
    assert named == [[]] * 9 + [["saintmartin_bot"]] * 9 + [["another_bot"]] * 9
    assert "Sur Telegram, écrivez à : <a" in after[0].replace("\u00a0", " ")
    assert "On Telegram, write to: <a" in after[2]


async def test_a_source_that_was_read_in_a_time_to_come_is_not_held_to_be_fresh(house):
    """The clock was wrong when it was read: a reader that died since would seem to be well until that day."""
    house.clock.set(NOW + timedelta(days=2))
    await house.read_source()
    house.clock.set(NOW)
    await house.publisher.make()

    assert "Aucune alerte connue" in (await house.get("/"))[1]


async def test_who_listens_is_let_go_when_nothing_more_is_told(house):
    async with house.client.get("/events") as stream:
        await next_data(stream)
        house.publisher.close()
        assert await stream.content.read() in (b"", b"\n")
    async with house.client.get("/events") as late:
        assert late.status == 503


async def test_a_source_is_behind_its_time_by_its_own_measure(house):
    async def stale(minutes, **failing):
        await house.read_source(**failing)
        house.clock.set(house.clock.now() + timedelta(minutes=minutes))
        return (await house.publisher.make()).snapshot.sources[0].stale

    assert (await house.publisher.make()).snapshot.sources[0].stale, "it was never read"
    assert not await stale(10)
    assert await stale(11)
    assert await stale(1, reason="HTTP 500")


async def test_a_source_that_warns_of_nothing_is_never_held_to_be_late(house):
    source = PolledSource("site", "Le site", warns=False)
    made = await house.service.ask(lambda unit: freshness_of(source, None, unit))
    assert (made.title, made.last_ok, made.stale) == ("Le site", None, False)


async def test_what_waited_is_told_from_when_it_was_let_out(tmp_path):
    """Whoever reads the feed asks for what is new since they last looked; nobody was told anything before."""
    async with a_house(tmp_path, publish="approve") as house:
        stored = await house.hear(an_alert())
        house.clock.set(NOW + timedelta(hours=2))
        await house.service.act(lambda unit: approve(unit.alerts, stored.id, "anne", unit.now))
        await house.publisher.make()
        path = f"/alerts/{stored.incident_id}"
        told = [(await house.get(each))[1] for each in ("/", path, "/feed.atom")]
        house.clock.set(NOW.replace(month=12))
        await house.publisher.make()
        told.append((await house.get(path))[1])

    assert all("2026-11-25T14:00:00+00:00" in each and "2026-11-25T12:00" not in each for each in told)


async def test_an_open_page_hears_that_a_source_was_read_for_the_first_time(house):
    pages = [await house.get("/")]
    with house.publisher.listen() as told:
        await house.read_source()
        await house.publisher.make()
        pages.append(await house.get("/"))

        assert told.is_set()
    assert ["pas encore de lecture" in page for _, page in pages] == [True, False]


async def test_many_open_pages_are_told_a_few_at_a_time_and_all_of_them(house):
    with ExitStack() as stack:
        told = [stack.enter_context(house.publisher.listen()) for _ in range(3 * publisher.NOTIFIED_AT_ONCE)]
        await house.hear(an_alert())
        await house.publisher.make()

        assert sum(each.is_set() for each in told) == publisher.NOTIFIED_AT_ONCE, "lanes get their turn in between"
        async with asyncio.timeout(60):
            for each in told:
                await each.wait()


async def test_a_crowd_with_addresses_that_lead_nowhere_stands_before_nobody_in_the_line(tmp_path):
    """The lanes read by the same thread: one question at a time is in their way, however many ask."""
    async with a_house(tmp_path) as house:
        old = await house.hear(an_alert())
        house.clock.set(NOW + timedelta(days=9))
        await house.publisher.make()
        ask, asking, most = house.service.ask, 0, 0

        async def counted(question):
            nonlocal asking, most
            asking += 1
            most = max(most, asking)
            try:
                return await ask(question)
            finally:
                asking -= 1

        house.service.ask = counted
        paths = [f"/alerts/nobody{number}" for number in range(20)]
        answers = await asyncio.gather(*(house.get(path) for path in (*paths, f"/alerts/{old.incident_id}")))

    assert [status for status, _ in answers] == [404] * 20 + [200]
    assert most == 1


async def test_what_waited_to_be_taken_away_is_over_from_when_that_was_let_out(tmp_path):
    async with a_house(tmp_path, publish="approve") as house:
        first = await house.hear(alert := an_alert())
        await house.service.act(lambda unit: approve(unit.alerts, first.id, "anne", unit.now))
        moved = following(alert, areas=(Area("Autreville", geocodes=(NamedValue("INSEE", "99999"),)),))
        leaving = await house.hear(moved)
        house.clock.set(NOW + timedelta(hours=2))
        await house.publisher.make()
        before = (await house.get("/feed.atom"))[1]
        await house.service.act(lambda unit: approve(unit.alerts, leaving.id, "anne", unit.now))
        await house.publisher.make()
        after = (await house.get("/feed.atom"))[1]

    assert (leaving.state, leaving.incident_id) == ("waiting", first.incident_id)
    assert "Alerte retirée" not in before
    assert "Alerte retirée" in after
    assert "<updated>2026-11-25T14:00:00+00:00</updated>" in after
