"""What strangers send is bounded before anything reads it: each of these once held the daemon for seconds and more."""

from __future__ import annotations

import itertools
import json
import math
import time
import tracemalloc
import unicodedata
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.access.sessions import Refusal, Visit
from alerts.bot.chat import buttons, pieces, read_update, safe
from alerts.cli.posting import _read_cap
from alerts.cli.subscribers import read_lines
from alerts.desk.changes import Mark, word_runs
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.outlines import read_districts
from alerts.desk.territory import Territory
from alerts.model.alert import Alert, Area, Info
from alerts.model.bounds import (
    HIGHEST_PILE,
    MOST_CORNERS,
    MOST_SHOWN,
    TOLERANCE,
    UNSEEN,
    bounded,
    box,
    normal,
    seen,
    shown,
    simplified,
    stream_safe,
    together,
)
from alerts.model.errors import Misuse, SourceFailed
from alerts.model.hazard import fold, hazard_of
from alerts.model.person import fold_name
from alerts.model.ports import Surroundings
from alerts.model.post import PostKind, TextFormat
from alerts.model.reason import because
from alerts.model.town import ChannelConfig, District, Town
from alerts.rendering.counting import weighted
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from alerts.rendering.text import clean
from alerts.setup.lines import with_table
from alerts.sources.cap.index import read_index
from alerts.sources.cap.message import read_json, read_message
from alerts.sources.ical.agenda import decode, read_calendars
from alerts.sources.place import FilePlace
from alerts.sources.settings import IcalSettings
from alerts.web.api.app import parse_json
from alerts.web.api.problems import Problem
from alerts.web.console.form import typed
from alerts.web.console.maps import outline_of
from alerts.web.public.machine import outlines
from tests.cap_messages import alert_xml, info_xml
from tests.fakes import FakeClock
from tests.unit.web.console.guarding import Browser, open_town
from tests.walls import in_one_test

MARKS = "\u0316\u0301"
"""Two combining marks of different classes: each pile of them has to be sorted."""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _calendar(file):
    settings = IcalSettings(kind="ical", url=str(file))
    return FilePlace(Path(file), settings, Surroundings(None, FakeClock(), Town("Town"))).read(None)


@contextmanager
def at_once(seconds=10.0):
    """Generous: what is bounded takes milliseconds, what isn't takes the time of a coffee, or of a night.

    Of the processor, not of the clock: others may be at work on this machine.
    """
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def ring_of(points, radius=0.1):
    turns = (2 * math.pi * k / points for k in range(points))
    ring = [(45 + radius * math.sin(turn), 5 + radius * math.cos(turn)) for turn in turns]
    return (*ring, ring[0])


def area_xml(ring):
    return f"<area><areaDesc>Ici</areaDesc><polygon>{spelled(ring)}</polygon></area>"


def spelled(ring):
    return " ".join(f"{lat:.7f},{lon:.7f}" for lat, lon in ring)


# --- characters ---------------------------------------------------------------------------------------------------


def test_one_place_normalises():
    callers = [file for file in Path("alerts").rglob("*.py") if "unicodedata.normalize(" in file.read_text("utf-8")]
    assert callers == [Path("alerts/model/bounds.py")]


@pytest.mark.parametrize("pile", [MARKS, "\uff9e\u0316", "\u0344\u0316", "\u0345\u0301"])
@pytest.mark.parametrize("read", [fold_name, fold, clean, weighted, lambda text: normal("NFKC", text)])
def test_half_a_million_marks_cost_as_much_as_letters(pile, read):
    with at_once():
        read("a" + pile * 120_000)


@given(st.text(alphabet=st.sampled_from("aé\u0301\u0316\uff9e\u0345\u0f73 가"), max_size=200))
def test_what_is_written_in_any_language_stays_as_it_is(text):
    safe = stream_safe(text)
    piles = "".join("m" if unicodedata.combining(c) or c in "\uff9e\uff9f" else " " for c in safe).split()
    assert all(len(pile) <= HIGHEST_PILE for pile in piles)
    if "m" * (HIGHEST_PILE + 1) not in "".join("m" if unicodedata.combining(c) or c == "\uff9e" else " " for c in text):
        assert safe is text
        assert normal("NFKC", text) == unicodedata.normalize("NFKC", text)


def test_a_name_that_is_far_too_long_is_nobodys():
    assert fold_name("ANNE\u200b ") == "anne"
    assert fold_name("anne" + " " * 500) != "anne"
    assert fold_name("x" * 10_000) != fold_name("x" * 10_001)


def test_what_cannot_be_seen_is_shown_or_gone():
    said = "Fermé\u202e!\u200f \u2066x\u2069 a\u00adb\x07"
    assert shown(said) == "Fermé‹U+202E›!‹U+200F› ‹U+2066›x‹U+2069› a‹U+00AD›b‹U+0007›"
    assert seen(said) == "Fermé! x ab"
    assert not UNSEEN.search(shown(said))
    for whole in ("👩‍👩‍👧 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤️", "می‌خواهم", "a\tb\nc"):
        assert shown(whole) == seen(whole) == whole
    assert seen("a\U000e0041\U000e0042") == "a"


def test_bounded_cuts_before_it_looks():
    assert bounded("x" * 10**6, 10) == "x" * 10
    assert len(bounded("a" + MARKS * 10**6, 1000)) == HIGHEST_PILE + 1


# --- the way in -----------------------------------------------------------------------------------------------------


async def test_a_name_of_half_a_megabyte_of_marks_holds_up_nobody(tmp_path):
    async with open_town(tmp_path) as town:
        browser = Browser(town)
        await town.add()
        with at_once():
            page = await browser.post("/desk/sign-in", {"name": "a" + MARKS * 40_000, "password": "x"})
            assert page.status == 413
            page = await browser.post("/desk/sign-in", {"name": "a" + MARKS * 9_000, "password": "x"})
        assert page.status == 401
        assert len(page.form("/desk/sign-in")["name"]) <= 61
        await browser.client.close()


async def test_nor_does_one_that_the_gate_is_given_straight(tmp_path):
    async with open_town(tmp_path) as town:
        with at_once():
            held = await town.gate.sign_in("a" + MARKS * 120_000, "x", Visit("192.0.2.1", "Firefox", ""))
        assert held.reason is Refusal.WRONG


# --- forms and bodies -----------------------------------------------------------------------------------------------


def test_a_long_row_of_blanks_in_the_setup_costs_nothing():
    rows = "[station]\nname = 'x'\n" + "\n".join("[" + " " * 3400 + "x" for _ in range(1))
    broken = "[a" + " " * 3500 + "\n"
    with at_once():
        assert with_table(broken, "station", {"name": "y"}) == broken
        with_table(rows, "station", {"name": "y"})
        odd = "text = '''\n[" + " " * 3400 + "b c [\n'''\n[ station ] # ours\nname = 'x'\n"
        said = with_table(odd, "station", {"name": "y"})
    assert said.endswith('[ station ] # ours\nname = "y"\n')


def test_an_object_of_very_many_keys_is_refused_before_each_is_told():
    body = json.dumps({f"key{n}": 0 for n in range(20_000)})
    twice = body[:-1] + ', "key19999": 1}'
    with at_once():
        for each in (body, twice):
            with pytest.raises(Problem, match="keys"):
                parse_json(each.encode())


@in_one_test
@pytest.mark.parametrize(
    ("name", "option"),
    [("headline", "--headline"), ("description", "--description"), ("place", "--place"), ("web", "--web")],
)
def test_what_is_longer_than_any_alert_is_refused_whichever_way_it_came(name, option):
    said = {"headline": "Crue", name: "https://a.example/" + "x" * 30_000}
    with pytest.raises(Misuse, match=f"{option} has 30,018 characters"):
        draft_alert(Draft(**said), Town("Ville", "s@example.org", "fr", "UTC"), NOW, "1")


def test_a_district_is_looked_for_by_so_much_of_a_name_as_one_has():
    territory = Territory((), (District("C", "Centre", {"type": "Polygon", "coordinates": []}),))
    with at_once(), pytest.raises(Misuse) as refused:
        territory.district("Z" + MARKS * 200_000)
    assert len(str(refused.value)) < 1000


# --- a feed's messages ----------------------------------------------------------------------------------------------


def test_marks_in_a_feeds_event_are_cut_before_they_are_compared():
    xml = alert_xml(
        info_xml(event=f"<event>a{MARKS * 200_000}</event>", headline=f"<headline>b{MARKS * 200_000}</headline>")
    ).encode()
    with at_once():
        alert, notes = read_message(xml, zone=UTC)
        hazard_of(alert.infos[0])
    assert len(alert.infos[0].event) == HIGHEST_PILE + 1
    assert because("field_too_long", name="event", most=1000) in notes


def test_every_field_of_a_message_has_an_end_and_so_has_the_message():
    long = "x" * 100_000
    document = {
        "identifier": long, "sender": "s" + long, "sent": "2026-11-25T12:00:00+01:00", "note": long, "source": long,
        "references": long, "code": [long] * 50,
        "info": [
            {
                "event": long, "headline": long, "description": long, "instruction": long, "senderName": long,
                "contact": long, "web": long, "parameter": [{"valueName": long, "value": long}] * 300,
                "area": [{"areaDesc": long, "geocode": [{"valueName": long, "value": long}]}] * 3,
            }
        ] * 40,
    }  # fmt: skip
    alert, notes = read_json(document, zone=UTC)
    assert len(repr(alert)) < 1_500_000
    assert because("message_too_long") in notes
    info = alert.infos[0]
    assert [len(said or "") for said in (info.event, info.headline, info.description, info.web)] == [
        1000,
        1000,
        20_000,
        2000,
    ]
    other, _ = read_json(document | {"identifier": long + "y"}, zone=UTC)
    assert other.identifier != alert.identifier
    assert len(alert.identifier) < 200


def test_very_many_fields_are_no_more_than_some():
    document = {"identifier": "i", "sender": "s", "sent": "2026-11-25T12:00:00Z", "info": [{"event": "e"}] * 100_000}
    alert, notes = read_json(document, zone=UTC)
    assert len(alert.infos) <= 20_000
    assert because("message_too_long") in notes
    pairs = "<parameter><valueName>a</valueName><value>b</value></parameter>" * 20_001
    alert, notes = read_message(alert_xml(info_xml(event=f"<event>Flood</event>{pairs}")).encode(), zone=UTC)
    assert [info.event for info in alert.infos] == ["Flood"]
    assert because("message_too_long") in notes


def test_outlines_however_many_take_no_room_from_the_words_behind_them():
    ring = "44.9,4.9 45.1,4.9 45.1,5.1 44.9,4.9 " * 27
    area = "<area><areaDesc>Aval</areaDesc>" + f"<polygon>{ring}</polygon>" * 400 + "</area>"
    words = f"<event>Pluie</event><description>{'mot ' * 300}</description>"
    infos = info_xml(event="<event>Flood</event>", area=area) + info_xml(event=words)
    alert, notes = read_message(alert_xml(infos).encode(), zone=UTC)
    assert [info.event for info in alert.infos] == ["Flood", "Pluie"]
    assert len(alert.infos[1].description or "") > 1000
    assert because("message_too_long") not in notes


def test_a_calendars_lines_have_an_end():
    long = "a" + MARKS * 200_000
    words = "".join(f"{name}:{long}\r\n" for name in ("UID", "SUMMARY", "LOCATION", "CATEGORIES"))
    body = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{words}DTSTART:20261125T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    with at_once():
        [calendar] = read_calendars(decode(body.encode()))
    [event] = calendar.events
    assert max(map(len, event.lines)) < 2100


# --- outlines -------------------------------------------------------------------------------------------------------


def test_an_outline_of_300_000_points_is_read_in_no_time_and_kept_small():
    xml = alert_xml(info_xml(area=area_xml(ring_of(300_000)))).encode()
    tracemalloc.start()
    with at_once():
        alert, notes = read_message(xml, zone=UTC)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    [ring] = alert.infos[0].areas[0].polygons
    assert len(ring) <= MOST_CORNERS
    assert most < 60 * 2**20
    assert because("polygon_many_points", most=20_000) in notes
    assert sum(len(shape["coordinates"][0]) for shape in outlines(alert)) <= MOST_SHOWN


@in_one_test
@pytest.mark.parametrize("points", [8, 90, 700, 7000, 20_000])
def test_an_outline_stays_where_it_is(points):
    from shapely import Polygon

    ring = ring_of(points)
    kept = simplified(ring)
    assert kept[0] == kept[-1] == ring[0]
    assert Polygon(kept).hausdorff_distance(Polygon(ring)) * 111_320 < 2 * TOLERANCE
    assert simplified(kept) == kept


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-360, 360)), min_size=4, max_size=300), st.integers(10, 100))
def test_any_ring_becomes_one_of_few_corners(points, most):
    ring = (*points, points[0])
    kept = simplified(ring, most)
    assert 4 <= len(kept) <= max(most, 5)
    assert kept[0] == kept[-1]
    west, east = min(p[1] for p in ring), max(p[1] for p in ring)
    assert all(west <= lon <= east for _, lon in kept)


def test_what_a_page_or_a_map_carries_has_500_points_whatever_was_sent():
    many = tuple(ring_of(2000, 0.01 * size) for size in range(1, 10)) + tuple(ring_of(60, 1e-6) for _ in range(300))
    alert = Alert("i", "s", NOW, infos=(Info("e", areas=(Area("A", polygons=many), Area("B", polygons=many[:2]))),))
    assert 4 <= sum(len(shape["coordinates"][0]) for shape in outlines(alert)) <= MOST_SHOWN
    shown_there = outline_of(alert)
    assert sum(len(ring) for each in shown_there["features"] for ring in each["geometry"]["coordinates"]) <= MOST_SHOWN
    assert together([ring_of(50)]) == [ring_of(50)]


def test_a_message_of_very_many_outlines_keeps_their_boxes():
    areas = "".join(area_xml(ring_of(99, 1 + n / 1000)) for n in range(400))
    alert, _ = read_message(alert_xml(info_xml(area=areas)).encode(), zone=UTC)
    rings = [ring for area in alert.infos[0].areas for ring in area.polygons]
    assert len(rings) == 400
    assert sum(map(len, rings)) < 22_000
    assert len(rings[0]) == 100
    assert rings[-1] == box(ring_of(99, 1.399)) or len(rings[-1]) == 5


# --- files and the heart --------------------------------------------------------------------------------------------


def test_a_file_of_subscribers_has_an_end():
    lines = ['{"chat": 1, "districts": ["' + "x" * 10_000 + '"]}', '{"chat": 1, "language": "' + "x" * 15_000 + '"}']
    for line in lines:
        with pytest.raises(Misuse) as refused:
            list(read_lines([line], "telegram", ["telegram"], {}))
        assert len(str(refused.value)) < 500
    with pytest.raises(Misuse, match="line 1 has more than 20,000 characters"):
        list(read_lines(["x" * 10**6], "telegram", ["telegram"], {}))
    with pytest.raises(Misuse, match="more than 1,000,000 lines"):
        list(read_lines(("\n" for _ in itertools.count()), "telegram", ["telegram"], {}))
    with pytest.raises(Misuse, match="981 more"):
        list(read_lines(("x\n" for _ in itertools.count()), "telegram", ["telegram"], {}))


@pytest.mark.parametrize("read", [lambda file: _read_cap(file, None, given=False), _calendar])
def test_a_file_that_never_ends_is_not_read_to_its_end(read):
    with pytest.raises((Misuse, SourceFailed), match="larger than 8 MB"):
        read("/dev/zero")


# --- patterns -------------------------------------------------------------------------------------------------------

UNITS = (
    "'",
    "d'",
    "'' ",
    "<",
    "<a ",
    "<!--",
    "&#",
    "a?",
    "1.",
    "a.",
    "http://",
    "http://\u65e5",
    "a\x0b",
    "\U0001f1eb",
)


@in_one_test
@pytest.mark.parametrize("unit", UNITS)
def test_no_pattern_tries_a_strangers_text_over_and_over(unit):
    text = (unit * 20_000)[:20_000]
    info = Info(text[:1000], headline=text[:1000], description=text, instruction=text, language="fr")
    alert = Alert("i", "s", NOW, infos=(info,))
    renderer = Renderer(Town("Ville de Saint-Martin"))
    with at_once():
        hazard_of(Info(text, headline=text))
        for face in (
            ChannelConfig("x", "twitter", TextFormat(280)),
            ChannelConfig("t", "telegram", TextFormat(4096, markup="html")),
        ):
            renderer.render(alert, PostKind.PUBLISH, face, context=Context("1", NOW, None, None))


# --- what can't be seen ---------------------------------------------------------------------------------------------

TURNED = "Route \u202eouverte\u2066\u200f\u200b\u00ad"


def test_an_authors_words_have_nothing_in_them_that_cannot_be_seen():
    said = Draft(TURNED, description=TURNED, instruction=TURNED, event=TURNED)
    info = draft_alert(said, Town("Ville", "s@example.org", "fr", "UTC"), NOW, "1").infos[0]
    assert {info.headline, info.description, info.instruction, info.event} == {"Route ouverte"}
    assert typed([("headline", TURNED), ("area", TURNED)]) == {"headline": "Route ouverte", "area": ("Route ouverte",)}
    with pytest.raises(Misuse, match="control character"):
        draft_alert(Draft("a\x07b"), Town("Ville", "s@example.org", "fr", "UTC"), NOW, "1")


def test_the_bot_obeys_nothing_either():
    assert not UNSEEN.search(safe(TURNED))
    assert "‹U+202E›" in safe(TURNED)
    assert buttons([(TURNED, "x")])["inline_keyboard"][0][0]["text"] == "Route ouverte"
    assert not UNSEEN.search("".join(pieces(TURNED, 100)))


def test_a_districts_name_is_what_is_seen(tmp_path):
    ring = [[5, 45], [5, 46], [6, 46], [5, 45]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"code": "C", "name": TURNED}, "geometry": shape}
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert [each.name for each in read_districts(tmp_path / "areas.geojson")] == ["Route ouverte"]


# --- citizens -------------------------------------------------------------------------------------------------------


def test_what_a_citizen_writes_has_an_end():
    chat = {"id": 5, "type": "private"}
    sender = {"id": 5, "language_code": "x" * 10**6}
    with at_once():
        said = read_update({"message": {"chat": chat, "from": sender, "text": "a" + MARKS * 200_000}}, "bot")
        told = read_update({"message": {"chat": chat, "from": sender, "text": "/link " + "x" * 10**6}}, "bot")
    assert len(said.what.text) == HIGHEST_PILE + 1
    assert len(said.language) < 300
    assert len(told.what.argument) < 4096
    for odd in (10**400, True, 2**53):
        assert read_update({"message": {"chat": chat | {"id": odd}, "from": sender, "text": "x"}}, "bot") is None


@in_one_test
@pytest.mark.parametrize("unit", ["a b ", "a. ", "\u00e9", " "])
def test_two_versions_of_a_long_text_are_compared_in_a_moment(unit):
    before, after = (unit * 20_000)[:12_000], "x" + (unit * 20_000)[:11_000]
    with at_once():
        runs = word_runs(before, after)
    assert "".join(run.text for run in runs if run.mark is not Mark.NEW) == before
    assert "".join(run.text for run in runs if run.mark is not Mark.GONE) == after


def test_messages_within_messages_are_no_more_than_the_outermost():
    deep = 120
    body = b"<EDXLDistribution>" + b"<alert>" * deep + b"<note>" + b"x" * 100_000 + b"</note>" + b"</alert>" * deep
    entries = read_index(body + b"</EDXLDistribution>", None, "https://feeds.example/", zone=UTC)
    assert sum(len(entry.message) for entry in entries) < 200_000


def test_areas_and_references_have_a_number():
    area, reference = {"areaDesc": "A"}, "s,i,2026-11-25T12:00:00Z"
    document = {
        "identifier": "i", "sender": "s", "sent": "2026-11-25T12:00:00Z",
        "references": " ".join(f"s,i{n},2026-11-25T12:00:00Z" for n in range(1500)) + reference,
        "info": [{"event": "e", "area": [area] * 700}] * 3,
    }  # fmt: skip
    alert, notes = read_json(document, zone=UTC)
    assert sum(len(info.areas) for info in alert.infos) == 1000
    assert len(alert.references) <= 500
    assert because("areas_too_many", most=1000) in notes
