"""The public side as a whole: every address, its words, and what is made anew."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import icalendar
from lxml import etree
from lxml import html as pages
from structlog.testing import capture_logs

from alerts.desk.officer import correction_of
from alerts.model.alert import Area, Circle, NamedValue, Resource, Severity
from alerts.model.bounds import UNSEEN
from alerts.sources.cap.message import read_message
from alerts.web.public import site
from alerts.web.public.site import answers_of
from alerts.web.public.snapshot import Freshness, tell
from tests.unit.desk.conftest import NOW, an_alert, cancelling, following

ATOM = {"a": "http://www.w3.org/2005/Atom"}
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
HERE = NamedValue("INSEE", "38185")
WITH_OUTLINE = Area("Centre-Bourg", polygons=(((45.18, 5.70), (45.18, 5.72), (45.20, 5.72), (45.18, 5.70)),))


def tree(paper, path):
    return pages.document_fromstring(paper.text(path))


def words(paper, path):
    return " ".join(tree(paper, path).text_content().split())


def a_work(**changes):
    return an_alert(
        headline="Travaux rue Haute",
        event="Travaux",
        severity=Severity.MINOR,
        onset=NOW + timedelta(days=2),
        expires=NOW + timedelta(days=3),
        **changes,
    )


def test_the_worst_comes_first_with_where_when_and_what_to_do(town, paper):
    mild = town.hear(an_alert(event="Gel", headline="Verglas", severity=Severity.MINOR))
    grave = town.hear(an_alert(event="Crue", headline="Crue de la Vive", severity=Severity.EXTREME))
    paper.print(mild, grave)

    titles = [title.text_content().strip() for title in tree(paper, "/").xpath("//ol[@id='on']//h3")]
    assert titles == ["Crue de la Vive", "Verglas"]
    assert "Rentrez le mobilier de jardin." in words(paper, "/")
    assert "Danger extrême" in words(paper, "/")
    assert "2 alertes en cours" in words(paper, "/")
    assert "2 current alerts" in words(paper, "/en/")


def test_nothing_is_never_bare(town, paper):
    paper.print()

    said = words(paper, "/")
    assert "Aucune alerte en cours" in said
    assert "Météo : dernière lecture mercredi 25 novembre à 12 h 58" in said.replace("\u00a0", " ").replace(
        "\u202f", " "
    )


def test_a_lasting_page_tells_the_versions_in_order_and_the_end(town, paper):
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    second = town.hear(following(alert, headline="Tempête", severity=Severity.SEVERE))
    town.deliver(second)
    path = f"/alerts/{first.stored.incident_id}"
    paper.print(first)
    before = words(paper, path)
    town.hear(cancelling(alert))
    paper.print(first)
    after = words(paper, path)

    assert before.index("Coup de vent") < before.rindex("Tempête")
    assert "Annulée" not in before
    assert "Alerte retirée – vent violent" in after
    assert "Que faire" not in after, "what was to be done is over"


def test_a_correction_takes_everything_wrong_off_the_page(town, paper):
    wrong = town.post(an_alert(headline="Eau non potable", event="Eau", instruction="Ne buvez pas."))
    town.deliver(wrong)
    right = correction_of(wrong.stored, "L’eau est potable.", town.station, NOW, "right")
    town.post(right, again=True)
    paper.print(wrong)

    said = words(paper, f"/alerts/{wrong.stored.incident_id}")
    assert "L’eau est potable." in said
    assert "Ne buvez pas." not in said
    assert "C’était erroné." in said


def test_nothing_on_a_public_page_or_in_its_data_turns_the_words_around(town, paper):
    turned = "Route \u202eouverte\u2066\u200f\u200b\u00ad"
    filed = town.hear(
        an_alert(
            headline=turned, description=turned, instruction=turned, sender_name=turned, contact=turned,
            areas=(Area(turned, geocodes=(HERE,)),), web="https://meteo.example/\u202ea",
        )
    )  # fmt: skip
    paper.print(filed)

    for path, answer in answers_of(paper.edition).items():
        if not path.startswith("/cap/") and answer.kind.startswith(("text/", "application/")):
            assert not UNSEEN.search(answer.body.decode()), path
            assert "202e" not in answer.body.decode().lower(), path


def test_a_feeds_words_are_words_and_no_markup(town, paper):
    hostile = '</script><script>alert(1)</script><b onclick="x">'
    filed = town.hear(
        an_alert(headline=hostile, description=hostile, instruction=hostile, areas=(Area(hostile, geocodes=(HERE,)),))
    )
    paper.print(filed)

    for path, answer in answers_of(paper.edition).items():
        if answer.kind.startswith("text/html"):
            page = pages.document_fromstring(answer.body.decode())
            assert not page.xpath("//b | //*[@onclick]"), path
            scripts = page.xpath("//script[not(@src)]")
            assert all(script.get("type") == "application/ld+json" for script in scripts), path
            assert all(json.loads(script.text)["@type"] == "SpecialAnnouncement" for script in scripts), path


def test_no_page_shows_words_unescaped():
    pages_of_all = Path("alerts").rglob("*.html")
    marked = {each for file in pages_of_all for each in re.findall(r"(\w+)\s*\|\s*safe\b", file.read_text("utf-8"))}
    assert marked == {"json_ld", "faq_ld"}, "JSON, in which no < stands"


def test_a_shared_link_has_a_card_and_linked_data(town, paper):
    filed = town.hear(an_alert(severity=Severity.SEVERE, areas=(WITH_OUTLINE,)))
    paper.print(filed)
    path = f"/alerts/{filed.stored.incident_id}"
    page = tree(paper, path)

    def meta(name):
        return page.xpath(f"//meta[@property='{name}']/@content")[0]

    assert meta("og:title") == "Danger grave – Coup de vent"
    assert meta("og:url") == f"https://alertes.saint-martin.example{path}"
    assert meta("og:image") == f"https://alertes.saint-martin.example{path}/card.png"
    assert meta("og:image:alt").startswith("Danger grave – Coup de vent. ")
    card = paper.card(path)
    assert (card.kind, card.body[:8], card.body[16:24]) == (
        "image/png",
        b"\x89PNG\r\n\x1a\n",
        (1200).to_bytes(4) + (630).to_bytes(4),
    )
    [data] = [json.loads(script.text) for script in page.xpath("//script[@type='application/ld+json']")]
    assert data["@type"] == "SpecialAnnouncement"
    assert (data["datePosted"], data["expires"]) == ("2026-11-25T13:00:00+01:00", "2026-11-25T19:00:00+01:00")
    assert data["spatialCoverage"][0]["name"] == "Centre-Bourg"


def test_the_feed_has_an_entry_for_each_with_its_cap_messages(town, paper):
    filed = town.hear(alert := an_alert(headline="Vent & pluie <fort>"))
    town.deliver(filed)
    town.hear(following(alert, headline="Tempête"))
    paper.print(filed)

    feed = etree.fromstring(paper.edition.entry("/feed.atom").get().body)
    [entry] = feed.findall("a:entry", ATOM)
    links = [link.get("href") for link in entry.findall("a:link[@rel='related']", ATOM)]
    for element in (feed, entry):
        assert element.findtext("a:id", None, ATOM)
        assert element.findtext("a:title", None, ATOM)
        assert datetime.fromisoformat(element.findtext("a:updated", None, ATOM)).tzinfo
    assert len(links) == 2
    for link in links:
        body = paper.edition.entry(link.removeprefix("https://alertes.saint-martin.example")).get().body
        message, notes = read_message(body, zone=town.station.zone)
        assert message.infos
        assert notes == ()


def test_a_file_of_this_machine_is_in_no_public_message(town, paper):
    picture = Resource("Plan", "image/png", uri="file:///srv/plan.png")
    filed = town.post(an_alert(resources=(picture,)))
    paper.print(filed)

    assert not any(b"file:" in answer.body for answer in answers_of(paper.edition).values())


def test_the_map_data_has_outlines_and_circles(town, paper):
    area = replace(WITH_OUTLINE, circles=(Circle((45.19, 5.71), 2.0),), geocodes=(HERE,))
    filed = town.hear(an_alert(areas=(area,)))
    paper.print(filed)

    outline, circle = json.loads(paper.text("/alerts.geojson"))["features"]
    assert outline["geometry"]["coordinates"][0][0] == [5.70, 45.18], "longitude first"
    assert (circle["geometry"]["type"], circle["properties"]["radius"]) == ("Point", 2000)
    assert outline["properties"]["url"].endswith(f"/alerts/{filed.stored.incident_id}")


def test_the_calendar_has_the_works_and_nothing_else(town, paper):
    work, storm = town.hear(a_work()), town.hear(an_alert())
    paper.print(work, storm)

    calendar = icalendar.Calendar.from_ical(paper.text("/calendar.ics"))
    [event] = calendar.walk("VEVENT")
    assert event["SUMMARY"] == "Travaux rue Haute"
    assert event.decoded("DTSTART") == NOW + timedelta(days=2)
    assert event["STATUS"] == "CONFIRMED"
    assert event["UID"] == f"{work.stored.incident_id}@saint-martin.example"


def test_works_that_were_called_off_stay_in_the_calendar_cancelled(town, paper):
    work = town.hear(alert := a_work())
    town.deliver(work)
    town.hear(cancelling(alert))
    paper.print(work)

    [event] = icalendar.Calendar.from_ical(paper.text("/calendar.ics")).walk("VEVENT")
    assert event["STATUS"] == "CANCELLED"


def test_every_link_of_every_page_is_answered(town, paper):
    filed = town.hear(an_alert(areas=(WITH_OUTLINE,)))
    paper.print(filed)
    answers = answers_of(paper.edition)

    for path, answer in answers.items():
        if not answer.kind.startswith("text/html"):
            continue
        page = pages.document_fromstring(answer.body.decode())
        named = page.xpath("//@href | //@src | //@data-areas | //@data-districts")
        own = [link.removeprefix("https://alertes.saint-martin.example") for link in named]
        missing = [link for link in own if link.startswith("/") and link not in answers]
        assert missing == [], path


def test_no_page_has_the_address_of_another_room(town, make_paper):
    """One whose bytes are at hand is answered before the request is routed."""
    routes = Path("tests/golden/routes.txt").read_text("utf-8").split("\n# ")[0]
    others = [re.sub(r"{\w+}", "[^/]+", each[4:]) for each in routes.splitlines() if each.startswith("GET /")]
    others.remove("/[^/]+")
    edition = make_paper(bots=("telegram",)).print(town.hear(an_alert()))

    assert "/reports" in others
    assert [path for path in edition.paths for other in others if re.fullmatch(other, path)] == []


def test_each_language_links_to_the_other_and_says_which_it_is(town, paper):
    filed = town.hear(an_alert())
    paper.print(filed)
    incident = filed.stored.incident_id

    for path, language in ((f"/alerts/{incident}", "fr"), (f"/en/alerts/{incident}", "en")):
        page = tree(paper, path)
        assert page.get("lang") == language
        others = dict(zip(page.xpath("//link/@hreflang"), page.xpath("//link[@hreflang]/@href"), strict=True))
        assert {tag: re.sub(r"^https://[^/]+", "", address) for tag, address in others.items()} == {
            "fr": f"/alerts/{incident}",
            "en": f"/en/alerts/{incident}",
        }


def test_a_page_whose_incident_did_not_change_is_the_same_answer(town, paper):
    one, two = town.hear(alert := an_alert()), town.hear(an_alert(event="Crue", headline="Crue"))
    town.deliver(one)
    before = answers_of(paper.print(one, two))
    town.clock.set(NOW + timedelta(minutes=1))
    town.hear(following(alert, headline="Tempête"))
    after = answers_of(paper.print(one, two))

    changed = f"/alerts/{one.stored.incident_id}"
    same = f"/alerts/{two.stored.incident_id}"
    assert after[same] is before[same]
    assert after[changed].etag != before[changed].etag


def test_a_long_incident_is_told_the_same_step_by_step_as_at_once(town, paper, make_paper):
    filed, alert = None, an_alert()
    for hour in range(30, 34):
        town.clock.set(NOW + timedelta(hours=hour - 30))
        filed = town.hear(alert if hour == 30 else following(alert, headline=f"Vent de {hour * 3} km/h"))
        alert = filed.stored.alert
        before = paper.edition
        answers_of(paper.print(filed))

    [now], [earlier] = paper.edition.incidents.values(), before.incidents.values()
    assert [step is old for step, old in zip(now.text("fr").steps, earlier.text("fr").steps, strict=False)] == [
        True,
        True,
        False,  # it was the newest, told from then
    ]
    caps = [path for path in earlier.paths if path.startswith("/cap/")]
    assert caps
    assert all(now.entry(path).get() is earlier.entry(path).get() for path in caps), "a message never changes"
    at_once = make_paper().print(filed)
    same = f"/alerts/{filed.stored.incident_id}"
    assert paper.edition.entry(same).get().body == at_once.entry(same).get().body


def test_what_cannot_be_made_costs_no_other_page(town, paper):
    good = town.hear(an_alert())
    bad = town.hear(an_alert(event="Crue", headline="Crue"))
    outlook = paper.snapshot([good.stored.incident_id, bad.stored.incident_id])
    wordless = replace(outlook.situation.on[1], versions=())
    broken = replace(outlook, situation=replace(outlook.situation, on=(outlook.situation.on[0], wordless)))
    paper.edition = paper.site.edition(broken)

    assert paper.edition.entry(f"/alerts/{outlook.situation.on[0].id}").get() is not None
    assert paper.edition.entry(f"/alerts/{wordless.id}").get() is None
    assert "1 alerte en cours" in words(paper, "/")


def test_the_map_of_the_site_names_what_is_on_and_what_was(town, paper):
    filed = town.hear(an_alert())
    outlook = paper.snapshot([filed.stored.incident_id])
    edition = paper.site.edition(outlook, None, [("older1", NOW - timedelta(days=30))])

    sitemap = etree.fromstring(edition.entry("/sitemap.xml").get().body)
    places = [place.text for place in sitemap.findall("s:url/s:loc", SITEMAP)]
    assert "https://alertes.saint-martin.example/en/alerts/older1" in places
    assert f"https://alertes.saint-martin.example/alerts/{filed.stored.incident_id}" in places
    assert b"Disallow: /desk" in edition.entry("/robots.txt").get().body


def test_only_the_small_page_may_be_framed_and_only_where_it_is_said(town, make_paper):
    paper = make_paper(embed=("https://www.saint-martin.example",), tiles="https://tiles.example/{z}/{x}/{y}.png")
    paper.print(town.hear(an_alert()))

    def policy(path):
        return paper.edition.entry(path).get().headers["Content-Security-Policy"]

    assert "frame-ancestors https://www.saint-martin.example" in policy("/embed")
    assert "frame-ancestors 'none'" in policy("/")
    assert "img-src 'self' data: https://tiles.example;" in policy("/")
    assert "unsafe" not in policy("/")


def test_the_fragment_for_the_towns_own_site_has_no_script_and_whole_addresses(town, paper):
    filed = town.hear(an_alert())
    paper.print(filed)

    fragment = pages.fragment_fromstring(paper.text("/embed.html"))
    assert not fragment.xpath("//script | //link")
    assert all(link.startswith("https://") for link in fragment.xpath("//a/@href"))
    assert fragment.xpath("//li/a/text()") == ["Attention – Coup de vent"]


def test_a_source_that_fails_says_how_old_it_is_and_that_something_may_be_missing(town, paper):
    paper.freshness = Freshness("Météo", NOW - timedelta(hours=3), stale=True)
    paper.print()

    for path in ("/", "/embed.html", "/embed"):
        said = words(paper, path).replace("\u00a0", " ").replace("\u202f", " ")
        assert "Aucune alerte connue" in said, "nobody knows that none is on"
        assert "Météo : dernière lecture mercredi 25 novembre à 10 h 00 – sans nouvelles depuis 3 heures" in said
    assert "no news from it for 3 hours" in words(paper, "/en/")
    [clock] = tree(paper, "/").xpath("//li[@class='stale']//time")
    assert "data-ago" not in clock.attrib, "a script would tell the age a second time"


def test_a_source_that_was_never_read_is_told_of(town, paper):
    paper.freshness = Freshness("Météo", None, stale=True)
    paper.print()

    assert "pas encore de lecture" in words(paper, "/")
    assert "Aucune alerte en cours" not in words(paper, "/")


def test_a_lasting_page_says_today_of_no_day_that_is_gone(town, paper):
    filed = town.hear(alert := an_alert())
    town.deliver(filed)
    paper.print(filed)
    path = f"/alerts/{filed.stored.incident_id}"
    while_on = words(paper, path)
    town.hear(cancelling(alert))
    paper.print(filed)

    assert "ce soir" in while_on
    assert "aujourd’hui" not in words(paper, path)
    assert "25 novembre 2026" in words(paper, path), "who reads it may do so in years"


def test_what_would_say_the_same_is_not_made_anew(town, paper):
    filed = town.hear(an_alert())
    first = paper.print(filed)
    town.pass_(seconds=20)
    second = paper.print(filed)
    town.pass_(minutes=1)
    third = paper.print(filed)

    assert second is first
    assert third.entry("/").made_of != first.entry("/").made_of, "it says when it was made"
    feed = f"/alerts/{filed.stored.incident_id}"
    assert third.entry(feed).get() is first.entry(feed).get(), "nothing is new about it"
    for path in ("/feed.atom", "/en/feed.atom", "/calendar.ics", "/alerts.geojson", "/sitemap.xml"):
        assert third.entry(path).get() is first.entry(path).get(), "compressing is what takes longest"


def test_a_page_that_nobody_asked_for_is_not_made(town, paper, monkeypatch):
    told = []
    monkeypatch.setattr(site, "tell", lambda *given: told.append(given[2]) or tell(*given))
    filed = town.hear(an_alert())
    edition = paper.print(filed)
    at_first = list(told)
    paths = ("/en/", f"/en/alerts/{filed.stored.incident_id}", "/en/feed.atom")
    once = [edition.entry(path).get().body for path in paths]

    assert at_first == []
    assert told == ["en"]
    assert all(b"Coup de vent" in body for body in once)


def test_a_piece_that_cannot_be_made_is_told_as_it_was_and_tried_once(town, paper, monkeypatch):
    filed = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(filed)
    path = f"/alerts/{filed.stored.incident_id}"
    assert "Coup de vent" in answers_of(paper.print(filed))[path].body.decode()
    monkeypatch.setattr(site, "tell", lambda *_: 1 / 0)
    town.hear(following(alert, headline="Tempête"))
    with capture_logs() as logs:
        paper.print(filed)
        found = [paper.text(each) for each in ("/", path, "/", path, "/feed.atom")]

    assert all("Coup de vent" in each and "Tempête" not in each for each in found)
    assert len([line for line in logs if line["event"] == "page.failed"]) == 1


def test_a_page_links_to_no_script_of_a_feed(town, paper):
    hostile = town.hear(an_alert(web="javascript:alert(1)"))
    good = town.hear(an_alert(event="Crue", headline="Crue", web="https://meteo.example/crue"))
    paper.print(hostile, good)

    assert "javascript:" not in paper.text(f"/alerts/{hostile.stored.incident_id}")
    assert "https://meteo.example/crue" in paper.text(f"/alerts/{good.stored.incident_id}")


def test_nobodys_name_and_no_reason_of_the_desk_is_on_any_page(town, paper):
    alert = an_alert(headline="Rue barrée")
    filed = town.act(lambda alerts: town.desk.post(alerts, alert, author="anne.officer"))
    paper.print(filed)

    for path, answer in answers_of(paper.edition).items():
        assert b"anne.officer" not in answer.body, path
        assert b"publish =" not in answer.body, path


def test_every_page_has_our_own_icon(town, paper):
    paper.print(town.hear(an_alert()))

    assert paper.edition.entry("/favicon.svg").get().kind == "image/svg+xml"
    for path in ("/embed", "/404.html"):
        assert tree(paper, path).xpath("//link[@rel='icon']/@href") == ["/favicon.svg"], path


def test_the_calendar_tells_times_that_need_no_zone_of_their_own(town, paper):
    paper.print(town.hear(a_work()))

    assert "DTSTART:20261127T120000Z" in paper.text("/calendar.ics")
    assert "TZID" not in paper.text("/calendar.ics")
