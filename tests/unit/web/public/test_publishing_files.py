"""The public side as files, as the publisher keeps them: what comes in by and by, and what is written anew."""

from __future__ import annotations

import re
from datetime import timedelta

from structlog.testing import capture_logs

from alerts.desk.officer import correction_of
from alerts.model.ports import SystemClock
from alerts.rendering.card import draw_card
from alerts.web.public import publisher, site
from tests.fakes import FakeClock
from tests.unit.desk.conftest import NOW, an_alert
from tests.unit.web.public.house import a_house, next_data


async def test_an_export_has_each_page_with_its_card(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(site, "draw_card", lambda card: drawn.append(card.heading) or draw_card(card))
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        first = await house.hear(an_alert())
        await house.publisher.make()
        await house.publisher.export()
        second = await house.hear(an_alert(event="Crue", headline="Crue"))
        await house.publisher.make()
        await house.publisher.export()

        for stored in (first, second):
            for folder in ("alerts", "en/alerts"):
                card = tmp_path / "site" / folder / stored.incident_id / "card.png"
                assert card.read_bytes().startswith(b"\x89PNG")
        assert len(drawn) == 4, "in two languages, each once"


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
        assert named(tmp_path / "site") == {stored.incident_id for stored in old}
        for stored in old:
            page = tmp_path / "site" / "alerts" / stored.incident_id / "index.html"
            assert "Fin prévue de l’alerte" in page.read_text(encoding="utf-8")
            assert (tmp_path / "site" / "cap" / f"{stored.id}.xml").is_file()


async def test_what_ended_while_nobody_was_there_is_written_anew_however_long_it_took(tmp_path):
    site = tmp_path / "site"
    async with a_house(tmp_path, export=site) as house:
        stored = await house.hear(an_alert())
        await house.publisher.make()
        await house.publisher.export()
    page = site / "alerts" / stored.incident_id / "index.html"
    before = page.read_text(encoding="utf-8")
    async with a_house(tmp_path, export=site, clock=FakeClock(NOW + timedelta(days=9))) as house:
        await house.publisher.make()
        at_first = named(site)
        while await house.publisher.export():
            await house.publisher.make()

    assert "Fin prévue de l’alerte" not in before
    assert at_first == {stored.incident_id}
    assert "Fin prévue de l’alerte" in page.read_text(encoding="utf-8")


async def test_what_is_taken_back_long_after_its_time_is_taken_back_everywhere(tmp_path):
    """A channel that tells no ends still has it; its page, kept in memory and as a file, said that it only ran out."""
    site = tmp_path / "site"
    async with a_house(tmp_path, export=site, channel='on_end = "none"') as house:
        alert = an_alert(headline="Eau non potable", sender="alertes@saint-martin.example")
        wrong = await house.post(alert)
        await house.publisher.make()
        house.clock.set(NOW + timedelta(days=3))
        await house.publisher.make()
        path = f"/alerts/{wrong.incident_id}"
        before = (await house.get(path))[1]
        await house.post(correction_of(wrong, "L’eau était potable.", house.station, house.clock.now(), "right"))
        await house.publisher.make()
        await house.publisher.export()
        after = [(await house.get(path))[1], (site / path[1:] / "index.html").read_text(encoding="utf-8")]
        index = (await house.get("/"))[1]

    assert "L’eau était potable." not in before
    assert all("L’eau était potable." in each and "C’était erroné." in each for each in after)
    assert wrong.incident_id in index, "who read it then is told of it today"


async def test_of_many_cards_the_files_wait_for_the_first_few_and_get_the_others_after_them(tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "CARDS_AT_A_TIME", 4)
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        stored_alerts = [await house.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(5)]
        await house.publisher.make()
        cards = []
        while await house.publisher.export():
            cards.append(len(list((tmp_path / "site").glob("**/alerts/*/card.png"))))
        pages = [tmp_path / "site/alerts" / stored.incident_id for stored in stored_alerts]

        assert cards == [4, 8]
        assert all((page / "index.html").is_file() and (page / "card.png").is_file() for page in pages)


async def test_an_old_page_that_can_not_be_made_keeps_no_other_from_the_files(tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "AT_A_TIME", 1)
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        bad, good = [await house.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(2)]
        house.clock.set(NOW.replace(month=12))
        lasting = house.publisher._site.rendered

        def make(incident, *rest):
            if incident.id == bad.incident_id:
                raise ValueError("an odd one")
            return lasting(incident, *rest)

        house.publisher._site.rendered = make
        await house.publisher.make()
        with capture_logs() as logs:
            for _ in range(3):
                await house.publisher.export()

        assert [line["incident"] for line in logs if line["event"] == "page.failed"] == [bad.incident_id]
        assert (tmp_path / "site/alerts" / good.incident_id / "index.html").is_file()


def named(site):
    """The incidents that the map of the site names; each of them is there."""
    found = set(re.findall(r"alertes\.saint-martin\.example/alerts/(\w+)<", (site / "sitemap.xml").read_text()))
    assert all((site / "alerts" / each / "index.html").is_file() for each in found)
    return found


async def test_a_disk_that_refuses_costs_the_files_alone(tmp_path):
    (tmp_path / "site").mkdir()
    async with a_house(tmp_path, export=tmp_path / "site", clock=SystemClock()) as house:
        now = house.clock.now()
        running = house.run()
        with capture_logs() as logs:
            async with house.client.get("/events") as stream:
                await next_data(stream)
                await house.hear(an_alert(sent=now, expires=now + timedelta(hours=1)))
                await next_data(stream)
            # What is written comes after what open pages are told: the card of a shared link is drawn in between.
            while house.publisher.unexported is None:
                await house.clock.sleep(0.01)
            [pages] = [each for each in running.cycles() if each.name == "pages"]
            await running.close()

        assert "Coup de vent" in (await house.get("/"))[1]
        [said] = [entry for entry in logs if entry["log_level"] == "error"]
        assert (said["event"], "name a new folder" in said["reason"]) == ("pages.not_exported", True)
        assert "name a new folder" in str(pages.reason), "what is on the disk grows old unseen"


async def test_the_export_follows(tmp_path):
    async with a_house(tmp_path, export=tmp_path / "site") as house:
        stored = await house.hear(an_alert(headline="Coup de vent"))
        await house.publisher.make()
        await house.publisher.export()

        page = (tmp_path / "site" / "alerts" / stored.incident_id / "index.html").read_text(encoding="utf-8")
        assert "Coup de vent" in page
        assert (tmp_path / "site" / "index.html").read_text(encoding="utf-8") == (await house.get("/"))[1]
