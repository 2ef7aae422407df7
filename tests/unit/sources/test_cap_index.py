from __future__ import annotations

import io
import json
import re
import tracemalloc
import zipfile
from datetime import UTC, datetime
from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.model.alert import MsgType, Severity, Status
from alerts.model.errors import Unreadable
from alerts.sources.cap.index import Base, IndexEntry, archive_entries, read_index
from alerts.sources.cap.message import read_json, read_message
from tests.cap_messages import alert_xml, message
from tests.samples import shared
from tests.walls import in_one_test

BASE = "https://feeds.example/atom/france"
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">{0}</feed>'
RSS = '<rss version="2.0"><channel><title>t</title><link>https://feeds.example/</link>{0}</channel></rss>'


def read(body: str | bytes, content_type: str | None = None) -> list[IndexEntry]:
    return read_index(body.encode() if isinstance(body, str) else body, content_type, BASE, zone=UTC)


def atom_entry(*content: str, number: int = 1) -> str:
    return f"<entry><id>urn:x:{number}</id><updated>2026-11-25T12:00:00Z</updated>{''.join(content)}</entry>"


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in members.items():
            file.writestr(f"{name}.xml", body)
    return packed.getvalue()


# --- the samples ----------------------------------------------------------------------------------------------------


def sample(name: str) -> list[IndexEntry]:
    return read(shared(f"feeds/index/{name}").read_bytes())


def test_an_atom_index_of_the_american_weather_service() -> None:
    first, second = sample("us-nws-index.atom")

    url = "http://www.weather.gov/alerts-beta/wwacapget.php?x=CT20100831030400OKXAirQualityAlertOKX20100901031500CT"
    assert first == IndexEntry(f"{url} 2010-08-30T23:04:00-04:00", url, expires=datetime(2010, 9, 1, 3, 15, tzinfo=UTC))
    assert second.expires == datetime(2010, 9, 1, 4, 0, tzinfo=UTC)


def test_an_atom_index_with_nothing_on_is_empty() -> None:
    assert sample("us-nws-empty.atom") == []


def test_an_atom_index_that_holds_the_message_itself() -> None:
    (entry,) = sample("us-atom-embedded.atom")

    assert entry.message is not None
    alert, notes = read_message(entry.message, zone=UTC)
    assert alert.identifier == "NOAA-NWS-ALERTS-MT20120830100700TFXFlashFloodWatchTFX20120830180000MT"
    assert (alert.msg_type, alert.severity, len(alert.areas), notes) == (MsgType.ALERT, Severity.SEVERE, 1, ())


def test_an_rss_index() -> None:
    entries = sample("ny-rss-index.rss")

    base = "http://www.nyalert.gov/Public/News/GetCapAlert.aspx?capID=NYAlert-ALLHAZALERT-"
    urls = [f"{base}{number}" for number in (3167113, 3162202)]
    assert [entry.url for entry in entries] == urls
    assert entries[0].key == f"{urls[0]} Fri, 04 Feb 2011 20:20:00 GMT"
    assert entries[0].expires is None


@pytest.mark.parametrize(
    ("name", "count", "languages", "area", "code"),
    [
        ("meteoalarm-api-ba.json", 22, ("en", "bs"), "Banja Luka", "BA003"),
        ("meteoalarm-api-nl.json", 3, ("nl-NL", "en-GB"), "Drenthe", "NL018"),
    ],
)
def test_the_json_of_meteoalarm(name: str, count: int, languages: tuple[str, ...], area: str, code: str) -> None:
    entries = sample(name)

    assert len({entry.key for entry in entries}) == count
    read_alerts = [read_json(entry.document or {}, zone=UTC) for entry in entries]
    assert all(notes == () for _, notes in read_alerts)
    first = read_alerts[0][0]
    assert tuple(info.language for info in first.infos) == languages
    assert (first.areas[0].description, first.areas[0].geocodes[0].value) == (area, code)
    assert entries[0].expires == first.expires


def test_every_sample_of_a_message_is_an_index_of_one() -> None:
    for path in sorted(shared("feeds/cap").glob("*.xml")):
        (entry,) = read(path.read_bytes())
        assert entry.message is not None
        alert, _ = read_message(path.read_bytes(), zone=UTC)
        assert read_message(entry.message, zone=UTC)[0] == alert
        assert entry.key.startswith(f"{alert.sender} {alert.identifier} ")


# --- Atom -----------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("links", "url"),
    [
        ('<link href="m/1.xml"/>', "https://feeds.example/atom/m/1.xml"),
        ('<link href="/m/1.xml"/>', "https://feeds.example/m/1.xml"),
        ('<link href="https://other.example/1"/>', "https://other.example/1"),
        ('<link href="page"/><link href="cap" type="application/cap+xml"/>', "https://feeds.example/atom/cap"),
        (
            '<link href="page" type="text/html"/><link href="cap" type="application/common-alerting-protocol+xml"/>',
            "https://feeds.example/atom/cap",
        ),
        ('<link href="page" type="text/html"/><link href="x" type="text/xml"/>', "https://feeds.example/atom/x"),
        ('<link rel="self" href="me"/><link rel="alternate" href="it"/>', "https://feeds.example/atom/it"),
        ('<link rel="related" href="map"/><link href="it"/>', "https://feeds.example/atom/it"),
    ],
)
def test_the_link_to_the_message_is_found_among_others(links: str, url: str) -> None:
    (entry,) = read(ATOM.format(atom_entry(links)))
    assert entry.url == url
    assert entry.key == f"{url} 2026-11-25T12:00:00Z"


@in_one_test
@pytest.mark.parametrize(
    ("expires", "time"),
    [
        ("2026-11-25T20:00:00+01:00", datetime(2026, 11, 25, 19, tzinfo=UTC)),
        ("Thu, 01 Jan 2026 16:00:00 +0000", datetime(2026, 1, 1, 16, tzinfo=UTC)),
        ("2025/04/13 上午 06:00:00", datetime(2025, 4, 13, 6, tzinfo=UTC)),
        ("bald", None),
    ],
)
def test_the_expiry_of_an_entry_comes_in_many_forms(expires: str, time: datetime | None) -> None:
    (entry,) = read(ATOM.format(atom_entry('<link href="a"/>', f"<cap:expires>{expires}</cap:expires>")))
    assert entry.expires == time


def test_the_message_may_be_escaped_text() -> None:
    escaped = message().decode().replace("&", "&amp;").replace("<", "&lt;")
    (entry,) = read(ATOM.format(atom_entry('<link href="a"/>', f'<content type="text/xml">{escaped}</content>')))
    assert entry.message == message()


def test_a_summary_in_html_is_no_message() -> None:
    (entry,) = read(ATOM.format(atom_entry('<link href="a"/>', "<content>&lt;p>Crue&lt;/p></content>")))
    assert (entry.message, entry.url) == (None, "https://feeds.example/atom/a")


def test_an_entry_of_cap_fields_alone_is_a_short_alert() -> None:
    fields = (
        "<title>Crue</title><summary>Le pont est fermé</summary><author><name>a@riviere.example</name></author>"
        "<cap:event>Crue</cap:event><cap:status>Actual</cap:status><cap:severity>Severe</cap:severity>"
        "<cap:areaDesc>Pont</cap:areaDesc><cap:polygon>45,5 45,6 46,6 45,5</cap:polygon>"
        "<cap:geocode><valueName>INSEE</valueName><value>38185</value></cap:geocode>"
    )
    (entry,) = read(ATOM.format(atom_entry(fields)))
    alert, _ = read_json(entry.document or {}, zone=UTC)
    assert (alert.identifier, alert.sender) == ("urn:x:1", "a@riviere.example")
    assert (alert.status, alert.severity) == (Status.ACTUAL, Severity.SEVERE)
    (info,) = alert.infos
    assert (info.headline, info.description) == ("Crue", "Le pont est fermé")
    assert (info.areas[0].description, len(info.areas[0].polygons)) == ("Pont", 1)
    assert info.areas[0].geocodes[0].value == "38185"


def test_an_entry_that_says_none_is_none() -> None:
    assert read(ATOM.format(atom_entry("<title>There are no active alerts</title>", f'<link href="{BASE}"/>'))) == []


def test_a_bad_entry_costs_itself_alone() -> None:
    bad = atom_entry("<title>x</title>", number=1) + atom_entry('<link href="//[x/"/>', number=2)
    nothing, broken, good = read(ATOM.format(bad + atom_entry('<link href="a"/>', number=3)))
    assert str(nothing.problem) == "the entry 'urn:x:1' has neither a link nor a message"
    assert broken.problem is not None
    assert good.url == "https://feeds.example/atom/a"


def test_an_entry_that_stands_there_twice_is_one() -> None:
    assert len(read(ATOM.format(atom_entry('<link href="a"/>') * 2))) == 1


def test_a_key_is_another_when_the_entry_was_updated() -> None:
    before = ATOM.format(atom_entry('<link href="a"/>'))
    (old,), (new,) = read(before), read(before.replace("12:00", "13:00"))
    assert old.key != new.key


def test_a_key_of_unreasonable_length_is_replaced() -> None:
    (entry,) = read(ATOM.format(atom_entry(f'<link href="{"a" * 5000}"/>')))
    assert len(entry.key) == 64


# --- RSS ------------------------------------------------------------------------------------------------------------


def test_an_rss_item_is_known_by_its_link_and_date() -> None:
    items = (
        "<item><link>m/1.xml</link><guid>crue-1</guid><pubDate>Wed, 25 Nov 2026 12:00:00 GMT</pubDate></item>"
        "<item><link>m/2.xml</link><guid>crue-2</guid></item>"
        '<item><guid>crue-3</guid><enclosure url="m/3.xml" type="application/cap+xml"/></item>'
        "<item><title>rien</title></item>"
    )
    one, two, three, nothing = read(RSS.format(items))
    assert one.key == "https://feeds.example/atom/m/1.xml Wed, 25 Nov 2026 12:00:00 GMT"
    assert two.key == "https://feeds.example/atom/m/2.xml crue-2"
    assert three.url == "https://feeds.example/atom/m/3.xml"
    assert nothing.problem is not None


def test_an_rss_index_with_nothing_on_is_empty() -> None:
    assert read(RSS.format("")) == []


# --- other wrappings ------------------------------------------------------------------------------------------------


def test_messages_inside_an_edxl_distribution_are_found() -> None:
    xml = alert_xml()
    body = (
        '<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><distributionID>1</distributionID>'
        f"<contentObject><xmlContent><embeddedXMLContent>{xml}</embeddedXMLContent></xmlContent></contentObject>"
        f"<contentObject><xmlContent><embeddedXMLContent>{xml.replace('crue-1', 'crue-2')}</embeddedXMLContent>"
        "</xmlContent></contentObject></EDXLDistribution>"
    )
    entries = read(body)
    read_alerts = [read_message(entry.message or b"", zone=UTC)[0] for entry in entries]
    assert [alert.identifier for alert in read_alerts] == ["crue-1", "crue-2"]
    assert read('<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"/>') == []


def test_a_zip_is_an_index_of_its_files() -> None:
    packed = archive(one=message("a"), two=message("b"))
    one, two = read(packed, "application/zip")
    assert (one.message, two.message) == (message("a"), message("b"))
    assert one.key.startswith("one.xml ")
    assert read(archive(one=message("c"), two=message("b")))[0].key != one.key
    assert read(archive()) == []


def test_a_damaged_file_in_a_zip_costs_itself_alone() -> None:
    packed = archive(one=message("a"), two=message("b"))
    start = packed.index(b"one.xml") + 20
    one, two = read(packed[:start] + b"\xff" * 8 + packed[start + 8 :])
    assert str(one.problem) == "one.xml in the ZIP is damaged, or packed in a way that can't be read"
    assert two.message == message("b")


def test_a_zip_bomb_is_bounded() -> None:
    packed = archive(one=b" " * 10_000_000, two=message())
    large, good = archive_entries(packed, max_member_bytes=1_048_576)
    assert str(large.problem) == "one.xml in the ZIP is larger than 1 MB"
    assert good.message == message()
    with pytest.raises(Unreadable, match="the ZIP unpacks to more than 9 MB"):
        list(archive_entries(packed, max_member_bytes=10_000_000, max_total_bytes=9 * 1_048_576))
    with pytest.raises(Unreadable, match="the ZIP holds 2 messages, more than 1"):
        list(archive_entries(packed, max_members=1))


def test_a_bomb_in_a_zip_is_never_held_unpacked() -> None:
    packed = archive(one=b" " * 60_000_000)
    tracemalloc.start()
    (large,) = archive_entries(packed, max_member_bytes=500_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert large.message is None
    assert most < 5_000_000


# --- what is no index -----------------------------------------------------------------------------------------------

PROBLEM = {"type": "about:blank", "title": "Service\nunavailable", "status": 503}


@in_one_test
@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "the answer is empty; expected Atom, RSS, CAP, MeteoAlarm's or NINA's JSON or a ZIP of CAP messages"),
        (" \n", "the answer is empty"),
        ("<!DOCTYPE html><title>Maintenance</title>", "it is an HTML page; expected XML"),
        ("<html><body/></html>", "it is an HTML page; expected XML"),
        ('<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', "it is an HTML page; expected XML"),
        ("<error>down</error>", "the answer is XML with the root <error>; expected Atom, RSS"),
        ("<feed><entry></feed>", "it is no well-formed XML"),
        ("down", "it is no XML"),
        ("{}", "the JSON has no list of `warnings`; expected MeteoAlarm's"),
        ("[]", "the JSON has no list of `warnings`"),
        ("{", "the answer is no readable JSON"),
        (json.dumps(PROBLEM), 'the JSON has no list of `warnings` and says "Service unavailable"; expected'),
        ('{"type": "FeatureCollection", "features": []}', "the JSON has no list of `warnings`"),
        ("[" * 100_000, "the answer is no readable JSON"),
        ("PK\x03\x04nonsense", "the ZIP can't be opened"),
    ],
)
def test_what_is_no_index_is_no_empty_index(body: str, complaint: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body)
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)


def test_an_index_of_json_with_nothing_on_is_empty() -> None:
    assert read('{"warnings": []}') == []


def test_a_warning_that_is_none_costs_itself_alone() -> None:
    first, second, third = read(json.dumps({"warnings": [3, {"uuid": "x"}, {"alert": {"identifier": "a"}}]}))
    assert str(first.problem) == "warnings[0] holds no alert"
    assert str(second.problem) == "warnings[1] holds no alert"
    assert third.document == {"identifier": "a"}


_bodies = st.sampled_from([ATOM.format(atom_entry('<link href="a"/>')), RSS.format("<item/>"), '{"warnings": [{}]}'])


@given(_bodies, st.integers(0, 300), st.integers(0, 20), st.binary(max_size=10))
def test_any_damage_is_an_index_or_unreadable(body: str, place: int, length: int, damage: bytes) -> None:
    try:
        entries = read(body.encode()[:place] + damage + body.encode()[place + length :])
    except Unreadable:
        return
    assert all(entry.key for entry in entries)


# --- what strangers put into keys and links -------------------------------------------------------------------------


def sent_by(uuid: object) -> str:
    alert = {"identifier": "a", "sender": "s", "sent": "2026-11-25T12:00:00Z"}
    return json.dumps({"warnings": [{"uuid": uuid, "alert": alert}]})


@in_one_test
@pytest.mark.parametrize(
    "uuid", ["\ud800u", "\ud800" * 2000, "u" * 2000, "\u4e00" * 400, "u\0", "u\x1b[31m", "u\uffff"]
)
def test_a_key_that_no_database_takes_is_replaced_by_another_that_stays(uuid: str) -> None:
    (entry,) = read(sent_by(uuid))

    assert re.fullmatch("[0-9a-f]{64}", entry.key)
    assert entry.document
    assert read(sent_by(uuid))[0].key == entry.key
    assert read(sent_by(f"{uuid}x"))[0].key != entry.key


@in_one_test
@pytest.mark.parametrize("uuid", [["x"], {"x": 1}, None, "", 1.5])
def test_what_is_no_uuid_is_no_part_of_a_key(uuid: object) -> None:
    (entry,) = read(sent_by(uuid))
    assert entry.key == "a 2026-11-25T12:00:00Z"


def test_a_problem_report_is_told_without_what_no_log_takes() -> None:
    with pytest.raises(Unreadable, match='and says "Down soon"; expected'):
        read('{"title": "Down\\ud800\\u0000\\nsoon"}')


@pytest.mark.parametrize("base", ["http://[::1", "//[x", "http://a]/"])
def test_a_base_that_is_none_costs_nothing(base: str) -> None:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{base}">{{0}}</feed>'
    links = atom_entry('<link href="m/1.xml"/>'), atom_entry('<link href="https://other.example/1"/>', number=2)

    entries = read(feed.format("".join(links)))

    assert [entry.url for entry in entries] == ["https://feeds.example/atom/m/1.xml", "https://other.example/1"]


def test_links_are_relative_to_the_base_that_the_feed_tells() -> None:
    feed = '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="../other/">{0}</feed>'
    assert read(feed.format(atom_entry('<link href="1.xml"/>')))[0].url == "https://feeds.example/other/1.xml"


_BASES = [
    "https://feeds.example/atom/france?x=1#y",
    "https://feeds.example",
    "file:///srv/a.atom",
    "a/b",
    "http://h:1/a//b/",
]


@given(
    st.sampled_from(_BASES),
    st.one_of(
        st.text(st.sampled_from("ab1./:?#&=;%~+-@\\é []"), max_size=12), st.from_regex(r"/?(\.{0,3}\w{0,2}/){0,3}\w?")
    ),
)
@example(_BASES[0], "../m/1.xml")
@example(_BASES[0], "./1.xml")
@example(_BASES[0], "m/../1.xml")
@example(_BASES[0], "/../m/1.xml")
@example(_BASES[0], "m/.")
@example(_BASES[0], "//other.example/1")
@example(_BASES[0], "m:1")
def test_a_link_is_resolved_as_the_standard_says(base: str, link: str) -> None:
    try:
        expected = urljoin(base, link)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            Base.of(base).resolve(link)
        return
    assert Base.of(base).resolve(link) == expected or link.startswith(("http://", "https://"))
