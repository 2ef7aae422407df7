"""What programs read, held against its standard: Atom, CAP, GeoJSON, iCalendar."""

from __future__ import annotations

import json
from datetime import timedelta

import icalendar
import pytest
from lxml import etree
from shapely.geometry import shape

from alerts.model.alert import Area, Circle, Severity
from tests.samples import shared
from tests.unit.desk.conftest import HERE, NOW, an_alert, cancelling, following
from tests.unit.web.public.atom import faults

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
    assert faults(edition.answers[path].body) == []


def test_what_xml_cannot_hold_breaks_no_feed(town, make_paper):
    paper = make_paper(station="Saint-Martin \u0000\u000b & <Coteaux>")
    assert faults(paper.print(town.hear(an_alert())).answers["/feed.atom"].body) == []


def test_a_feed_without_entries_and_one_without_an_address_are_too(town, make_paper):
    assert faults(make_paper().print().answers["/feed.atom"].body) == []
    nameless = make_paper(public_url="").print(town.hear(an_alert()))
    assert faults(nameless.answers["/feed.atom"].body) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("<updated>2026", "<updated>26"),
        ("+00:00</updated>", "</updated>"),
        ("<author><name>Ville de Saint-Martin</name></author>", ""),
        ("<title>", "<title type='bold'>"),
        ('rel="self"', 'rel="other"'),
        ("<id>https:", "<id>"),
        ("<summary>", "<subtitle>x</subtitle><summary>"),
        ("<entry>", "<entry><id>https://other.example/</id>"),
        ('type="application/cap+xml"', 'type="cap"'),
    ],
)
def test_what_is_no_feed_is_found_out(edition, good, bad):
    text = edition.answers["/feed.atom"].body.decode()
    assert good in text
    assert faults(text.replace(good, bad).encode()) != []


@pytest.mark.parametrize("name", ["CAP-v1.2.xsd", "cap12-google.xsd"])
def test_every_message_is_valid_cap(edition, name):
    schema = etree.XMLSchema(etree.parse(shared(f"feeds/schema/{name}")))
    messages = {path: answer.body for path, answer in edition.answers.items() if path.startswith("/cap/")}

    assert len(messages) == 6
    for path, body in messages.items():
        schema.assertValid(etree.fromstring(body)), path


def test_the_map_data_is_geojson(edition):
    for path in [path for path in edition.answers if path.endswith(".geojson")]:
        data = json.loads(edition.answers[path].body)
        assert data["type"] == "FeatureCollection", path
        for feature in data["features"]:
            assert feature["type"] == "Feature"
            assert feature["geometry"] is None or shape(feature["geometry"]).is_valid
    assert edition.answers["/alerts.geojson"].headers["Access-Control-Allow-Origin"] == "*"


def test_the_calendar_is_icalendar(edition):
    text = edition.answers["/calendar.ics"].body
    calendar = icalendar.Calendar.from_ical(text)

    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert not [error for event in calendar.walk("VEVENT") for error in event.errors]
    assert all(event[name] for event in calendar.walk("VEVENT") for name in ("UID", "DTSTAMP", "DTSTART", "DTEND"))
