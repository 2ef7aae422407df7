"""What programs read, held against its standard: Atom, CAP, GeoJSON, iCalendar."""

from __future__ import annotations

import json
from datetime import timedelta

import icalendar
import pytest
import recurring_ical_events
from lxml import etree
from lxml import html as pages
from shapely.geometry import shape

from alerts.desk.officer import all_clear_of
from alerts.model.alert import Area, Circle, NamedValue, Severity
from alerts.web.public.site import answers_of
from tests.samples import shared
from tests.unit.desk.conftest import HERE, MILL, NOW, an_alert, cancelling, following
from tests.unit.web.public.atom import faults
from tests.walls import in_one_test

OUTLINE = Area("Centre-Bourg", polygons=(((45.18, 5.70), (45.18, 5.72), (45.20, 5.72), (45.18, 5.70)),))
ROUND = Area("Le Moulin", circles=(Circle((45.19, 5.71), 2.0),), geocodes=(HERE,))


@pytest.fixture
def edition(town, paper):
    storm = town.hear(alert := an_alert(headline="Vent & <pluie> \u0000\u000b\ufffe", severity=Severity.SEVERE))
    town.deliver(storm)
    second = town.hear(following(alert, headline="Tempête"))
    town.deliver(second)
    flood = town.hear(an_alert(event="Crue", headline="Crue", areas=(OUTLINE, ROUND)))
    over = town.hear(wrong := an_alert(event="Gel", headline="Verglas"))
    town.deliver(over)
    town.hear(cancelling(wrong))
    work = town.hear(
        an_alert(event="Travaux", headline="Travaux", onset=NOW + timedelta(days=1), expires=NOW + timedelta(days=2))
    )
    return paper.print(storm, flood, over, work)


@pytest.mark.parametrize("path", ["/feed.atom", "/en/feed.atom"])
def test_the_feed_is_what_rfc_4287_says(edition, path):
    assert faults(edition.entry(path).get().body) == []


def test_what_xml_cannot_hold_breaks_no_feed(town, make_paper):
    paper = make_paper(name="Saint-Martin \u0000\u000b & <Coteaux>")
    assert faults(paper.print(town.hear(an_alert())).entry("/feed.atom").get().body) == []


def test_a_feed_without_entries_and_one_without_an_address_are_too(town, make_paper):
    assert faults(make_paper().print().entry("/feed.atom").get().body) == []
    nameless = make_paper(public_url="").print(town.hear(an_alert()))
    assert faults(nameless.entry("/feed.atom").get().body) == []


def test_an_entry_is_signed_by_who_says_it(town, paper):
    own = town.post(an_alert(headline="Chien perdu", sender="alertes@saint-martin.example"))
    edition = paper.print(town.hear(an_alert(sender_name="Météo-France")), own)
    entries = etree.fromstring(edition.entry("/feed.atom").get().body).findall("{*}entry")
    authors = {entry.findtext("{*}title"): entry.findtext("{*}author/{*}name") for entry in entries}
    assert sorted(map(str, authors.values())) == ["Météo-France", "None"], authors


@in_one_test
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("<updated>2026", "<updated>26"),
        ("+00:00</updated>", "</updated>"),
        ("<author><name>Ville de Saint-Martin</name></author>", "<author></author>"),
        ("<title>", "<title type='bold'>"),
        ('rel="self"', 'rel="other"'),
        ("<id>https:", "<id>"),
        ("<summary>", "<subtitle>x</subtitle><summary>"),
        ("<entry>", "<entry><id>https://other.example/</id>"),
        ('type="application/cap+xml"', 'type="cap"'),
    ],
)
def test_what_is_no_feed_is_found_out(edition, good, bad):
    text = edition.entry("/feed.atom").get().body.decode()
    assert good in text
    assert faults(text.replace(good, bad).encode()) != []


@pytest.mark.parametrize("name", ["CAP-v1.2.xsd", "cap12-google.xsd"])
def test_every_message_is_valid_cap(edition, name):
    schema = etree.XMLSchema(etree.parse(shared(f"feeds/schema/{name}")))
    messages = {path: answer.body for path, answer in answers_of(edition).items() if path.startswith("/cap/")}

    assert len(messages) == 6
    for path, body in messages.items():
        schema.assertValid(etree.fromstring(body)), path


def test_the_map_data_is_geojson(edition):
    for path in [path for path in answers_of(edition) if path.endswith(".geojson")]:
        data = json.loads(edition.entry(path).get().body)
        assert data["type"] == "FeatureCollection", path
        for feature in data["features"]:
            assert feature["type"] == "Feature"
            assert feature["geometry"] is None or shape(feature["geometry"]).is_valid
    assert edition.entry("/alerts.geojson").get().headers["Access-Control-Allow-Origin"] == "*"


@in_one_test
@pytest.mark.parametrize(
    ("ring", "outline"),
    [
        (((0, 0), (2, 0), (2, 1), (0, 0)), [[0, 0], [1, 2], [0, 2], [0, 0]]),
        (((0, 0), (0, 1), (2, 1), (0, 0)), [[0, 0], [1, 0], [1, 2], [0, 0]]),
        (((-17, 179), (-18, 179), (-18, -179), (-17, 179)), [[179, -17], [179, -18], [181, -18], [179, -17]]),
        (((-17, -179), (-17, 179), (-18, 179), (-17, -179)), [[-179, -17], [-181, -17], [-181, -18], [-179, -17]]),
        (((80, 0), (80, 120), (80, -120), (80, 0)), [[0, 80], [120, 80], [-120, 80], [0, 80]]),
    ],
)
def test_an_outline_goes_against_the_clock_and_never_around_the_earth(town, paper, ring, outline):
    """RFC 7946, 3.1.6 and 3.1.9."""
    paper.print(town.hear(an_alert(areas=(Area("x", polygons=(ring,), geocodes=(HERE,)),))))

    [feature] = json.loads(paper.text("/alerts.geojson"))["features"]
    assert feature["geometry"]["coordinates"] == [outline]


def test_an_outline_is_told_to_ten_centimetres(town, paper):
    ring = ((45.1812345678, 5.70), (45.18, 5.7212345678), (45.20, 5.72), (45.1812345678, 5.70))
    area = Area("x", polygons=(ring,), circles=(Circle((45.1812345678, 5.7), 2.0),), geocodes=(HERE,))
    paper.print(town.hear(an_alert(areas=(area,))))

    features = json.loads(paper.text("/alerts.geojson"))["features"]
    outline, centre = (feature["geometry"]["coordinates"] for feature in features)
    assert (outline[0][:2], centre) == ([[5.7, 45.181235], [5.721235, 45.18]], [5.7, 45.181235])


def test_the_calendar_is_icalendar(edition):
    text = edition.entry("/calendar.ics").get().body
    calendar = icalendar.Calendar.from_ical(text)

    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert not [error for event in calendar.walk("VEVENT") for error in event.errors]
    assert all(event[name] for event in calendar.walk("VEVENT") for name in ("UID", "DTSTAMP", "DTSTART", "DTEND"))


def test_a_map_of_the_site_is_named_where_it_has_an_address(town, make_paper):
    """Whole addresses are all that the standard takes."""
    said = [make_paper(public_url=each).print().entry("/robots.txt").get().body for each in ("", "https://a.example")]

    assert [b"Sitemap: " in each for each in said] == [False, True]


def test_the_map_data_tell_what_is_everywhere_and_where_a_district_is_that_is_named_alone(town, paper):
    everywhere = town.hear(an_alert(event="Crue", headline="Crue"))
    named = Area("Le Moulin", geocodes=(NamedValue("district", "D2"),))
    district = town.hear(an_alert(event="Eau", headline="Eau", areas=(named,)))
    paper.print(everywhere, district)

    told = {each["properties"]["incident"]: each for each in json.loads(paper.text("/alerts.geojson"))["features"]}
    whole, part = told[everywhere.stored.incident_id], told[district.stored.incident_id]
    assert (whole["geometry"], whole["properties"]["whole"]) == (None, True)
    assert (part["geometry"], part["properties"]["whole"]) == (MILL.outline, False)
    assert pages.fromstring(paper.text(f"/alerts/{district.stored.incident_id}")).xpath("//*[@id='map']")
    [line] = pages.fromstring(paper.text("/")).xpath("//*[@class='whole']")
    assert " ".join(line.text_content().split()) == "Toute la commune : Attention Crue"


def test_works_that_were_done_sooner_did_take_place_and_end_when_they_did(town, paper):
    days = {"onset": NOW + timedelta(days=2), "expires": NOW + timedelta(days=3)}
    work = town.post(an_alert(sender=town.station.sender, event="Travaux", headline="Travaux rue Haute", **days))
    town.deliver(work)
    town.clock.set(NOW + timedelta(days=2, hours=5))
    end = all_clear_of(work.stored, None, town.station, town.clock.now(), "end")
    town.post(end, again=True)
    paper.print(work)

    [event] = icalendar.Calendar.from_ical(paper.text("/calendar.ics")).walk("VEVENT")
    assert (event["STATUS"], event.decoded("DTEND")) == ("CONFIRMED", NOW + timedelta(days=2, hours=5))


def test_a_series_of_works_stands_there_as_one_that_repeats(town, paper):
    series = {"rule": "FREQ=WEEKLY;BYDAY=FR", "opens": "13:00", "length": 7200, "last": "2026-12-18"}
    series |= {"off": ["2026-12-11"], "extra": [], "moved": []}
    told = (
        NamedValue("tocsin:hazard", "works"),
        NamedValue("tocsin:step", "before"),
        NamedValue("tocsin:series", json.dumps(series)),
    )
    days = {"onset": NOW + timedelta(days=2), "expires": NOW + timedelta(days=23, hours=2)}
    work = town.hear(an_alert(event="Travaux", headline="Travaux rue Haute", parameters=told, **days))
    town.deliver(work)
    paper.print(work)

    document = icalendar.Calendar.from_ical(paper.text("/calendar.ics"))
    days = [each["DTSTART"].dt for each in recurring_ical_events.of(document).between(NOW, NOW + timedelta(days=60))]
    assert [f"{each:%m-%d %H:%M}" for each in days] == ["11-27 13:00", "12-04 13:00", "12-18 13:00"]
