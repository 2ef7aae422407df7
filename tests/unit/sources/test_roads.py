"""Works on roads: an incident of CIFS or a situation of DATEX II is an entry of a calendar, by its gravest record."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.config import read_config
from alerts.model.alert import ENDS_BY, QUIET, MsgType, Severity
from alerts.model.errors import ConfigurationError, SourceFailed, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.ports import Memory, Surroundings
from alerts.model.town import Town
from alerts.sources.ical.agenda import window_around
from alerts.sources.roads import RoadArea, RoadsSettings, RoadsSource, read_roads
from alerts.sources.spool import SpooledBody
from tests.fakes import FakeClock
from tests.road_pages import TOMORROW, XSI, incident, incidents, record, situations
from tests.unit.desk.conftest import a_town
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOME = ZoneInfo("Europe/Paris")
AREA = RoadArea((45.0, 5.0, 46.0, 6.0), ("Saint-Martin",), "fr-FR")
EVERYWHERE = RoadArea((-90.0, -180.0, 90.0, 180.0), (), "fr-FR")
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def read(body: bytes, area: RoadArea = AREA, now: datetime = NOW):
    return read_roads(body, "", window_around(now), HOME, area)


def one(body: bytes, area: RoadArea = AREA, now: datetime = NOW):
    agenda = read(body, area, now)
    [found] = agenda.occurrences
    return found, agenda.details[found.uid]


# --- CIFS -----------------------------------------------------------------------------------------------------------


def test_a_closed_road_is_an_entry():
    found, details = one(incidents(incident(description="Livraison d’une grue.")))

    assert (found.uid, found.summary, found.location) == ("i1", "Rue Haute\u00a0: circulation interdite", "Rue Haute")
    assert (found.starts.isoformat(), found.ends.isoformat()) == TOMORROW
    assert (found.description, found.point, found.series) == ("Livraison d’une grue.", (45.2, 5.2), None)
    assert (details.severity, details.is_endless) == (Severity.MINOR, False)


@in_one_test
@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"type": "CONSTRUCTION"}, True),
        ({"type": "HAZARD", "subtype": "HAZARD_ON_ROAD_LANE_CLOSED"}, True),
        ({"type": "HAZARD", "subtype": "HAZARD_WEATHER_FOG"}, False),
        ({"type": "POLICE"}, False),
        ({"type": None}, False),
        ({"polyline": "48.1 2.1"}, False),
        ({"polyline": "48.1 2.1", "street": "Route de Saint-Martin"}, True),
        ({"polyline": None}, False),
        ({"polyline": "north south 45.1"}, False),
        ({"polyline": "nan nan 45.1 inf"}, False),
        ({"starttime": None}, False),
        ({"starttime": "soon"}, False),
        ({"starttime": "2026-11-26T08:00:00"}, True),
        ({"starttime": "0001-01-01T00:00:00Z"}, True),
    ],
)
def test_what_counts(said, counts):
    assert bool(read(incidents(incident(**said))).occurrences) is counts


@in_one_test
@pytest.mark.parametrize("ends", [None, "", "2026-11-26T07:00:00+01:00", "some day"])
def test_without_an_end_it_has_none(ends):
    found, details = one(incidents(incident(endtime=ends)))

    assert details.is_endless
    assert found.ends - found.starts == timedelta(days=365)


def test_the_same_hours_on_some_days_are_a_series():
    schedule = "<tuesday>20:00-06:00</tuesday><thursday>20:00-06:00</thursday>"
    agenda = read(
        incidents(incident(starttime="2026-11-20T00:00:00Z", endtime="2026-12-12T00:00:00Z", schedule=schedule))
    )

    assert [each.starts.strftime("%a %d %H") for each in agenda.occurrences[:3]] == [
        "Tue 24 20",
        "Thu 26 20",
        "Tue 01 20",
    ]
    series = agenda.occurrences[0].series
    assert (series.rule, series.length) == ("FREQ=WEEKLY;BYDAY=TU,TH", timedelta(hours=10))
    assert series.last.isoformat() == "2026-12-10"


def test_every_night_is_daily():
    agenda = read(incidents(incident(endtime="2026-11-30T00:00:00Z", schedule="<everyday>22:00-5:00</everyday>")))

    assert {each.series.rule for each in agenda.occurrences} == {"FREQ=DAILY"}
    assert len(agenda.occurrences) == 4


@in_one_test
@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("<tuesday>12:00-14:00,19:00-21:00</tuesday>", "mardi\u00a0: 12:00-14:00, 19:00-21:00"),
        ("<monday>8:00-9:00</monday><friday>9:00-10:00</friday>", "lundi\u00a0: 8:00-9:00\nvendredi\u00a0: 9:00-10:00"),
        ("<monday>99:00-99:00</monday>", ""),
        ("<monday/>", ""),
        ("", ""),
    ],
)
def test_other_hours_are_words(schedule, said):
    found, _ = one(incidents(incident(schedule=schedule or None)))

    assert (found.series, found.description) == (None, said)


# --- DATEX II -------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("records", "title"),
    [
        ([record()], "D524\u00a0: route fermée"),
        ([record(managed="laneClosures"), record(), record(managed="narrowLanes")], "D524\u00a0: route fermée"),
        ([record("SpeedManagement", None), record(managed="laneClosures")], "D524\u00a0: voie fermée"),
        ([record("ReroutingManagement", None), record("MaintenanceWorks", None)], "D524\u00a0: travaux"),
        ([record(managed="somethingOfTomorrow")], "D524\u00a0: travaux"),
    ],
)
def test_the_gravest_record_gives_the_words(records, title):
    assert one(situations(*records))[0].summary == title


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        situations(record("SpeedManagement", None)),
        situations(record("Accident", None)),
        situations(record(validityStatus="suspended")),
        situations(record(lifeCycleManagement="<end>true</end>")),
        situations(record(lifeCycleManagement="<cancel>true</cancel>")),
        situations(record(), head="<headerInformation><informationStatus>test</informationStatus></headerInformation>"),
        situations(
            record(),
            head="<headerInformation><informationStatus>securityExercise</informationStatus></headerInformation>",
        ),
        situations(record(), head="<confidentiality>restrictedToAuthorities</confidentiality>"),
        situations(record(latitude="48.0", longitude="2.0")),
        situations(record(overallStartTime="")),
        situations(),
    ],
)
def test_what_makes_no_entry(body):
    assert read(body).occurrences == ()


def test_a_closure_of_several_nights_is_told_from_the_first_to_the_last_and_not_as_long_as_the_works():
    works = record("MaintenanceWorks", None, overallStartTime="2026-11-01T08:00:00+01:00", overallEndTime="")
    nights = [
        record(overallStartTime=f"2026-11-{day}T22:00:00+01:00", overallEndTime=f"2026-11-{day + 1}T05:00:00+01:00")
        for day in (26, 28)
    ]

    entry, details = one(situations(works, *nights))
    assert (entry.starts.day, entry.ends.day, details.is_endless) == (26, 29, False)


def test_one_record_ends_while_another_goes_on():
    ended = record("Accident", None, lifeCycleManagement="<end>true</end>")

    assert (
        one(situations(ended, record(managed="singleAlternateLineTraffic")))[0].summary
        == "D524\u00a0: circulation alternée"
    )


@in_one_test
@pytest.mark.parametrize(
    ("overall", "severity"),
    [
        ("highest", Severity.SEVERE),
        ("medium", Severity.MODERATE),
        ("low", Severity.MINOR),
        ("unknown", Severity.MODERATE),
    ],
)
def test_how_grave_it_is(overall, severity):
    assert one(situations(record(), head=f"<overallSeverity>{overall}</overallSeverity>"))[1].severity is severity


def test_what_it_is_is_said_before_where_it_is_and_in_the_town_s_language():
    where = "<comment><value lang='fr'>à l’est du Pont</value></comment><commentType>locationDescriptor</commentType>"
    what = "<comment><value lang='en'>Night works</value><value lang='fr'>Travaux de nuit</value></comment>"
    said = record(generalPublicComment=where).replace(
        "</situationRecord>", f"<generalPublicComment>{what}</generalPublicComment></situationRecord>"
    )

    assert one(situations(said))[0].description == "Travaux de nuit\nà l’est du Pont"


def test_nanoseconds_and_wrong_namespaces_are_read():
    body = (
        situations(record(overallStartTime="2026-11-26T07:00:00.043328661Z"))
        .replace(b"<situation ", b"<x:situation xmlns:x='http://elsewhere.example' ")
        .replace(b"</situation>", b"</x:situation>")
    )

    assert one(body)[0].starts.astimezone(UTC).hour == 7


def test_a_line_of_gml_is_a_place():
    assert one(situations(record(latitude="", longitude="", posList="45.4 5.4 45.51 5.49 47 5")))[0].point == (
        45.51,
        5.49,
    )


# --- awkward ones ---------------------------------------------------------------------------------------------------

HAUTE, D524 = "Rue Haute\u00a0: circulation interdite", "D524\u00a0: route fermée"
DATEX = situations(record())
AWKWARD = {
    "a mark of byte order": (b"\xef\xbb\xbf" + incidents(incident()), [HAUTE]),
    "UTF-16": (incidents(incident()).decode().encode("utf-16"), [HAUTE]),
    "Latin-1": (
        f"<?xml version='1.0' encoding='ISO-8859-1'?><incidents>{incident(street='Rue Pré')}</incidents>".encode(
            "latin-1"
        ),
        ["Rue Pré\u00a0: circulation interdite"],
    ),
    "CDATA": (incidents(incident(street="<![CDATA[Rue Haute]]>")), [HAUTE]),
    "entities": (
        incidents(incident(street="Rue&#160;Haute &amp; Basse")),
        ["Rue\u00a0Haute & Basse\u00a0: circulation interdite"],
    ),
    "markup in a street": (incidents(incident(street="&lt;b&gt;Rue Haute&lt;/b&gt;")), [HAUTE]),
    "a street of many lines": (incidents(incident(street="\n  Rue\n  Haute\n")), [HAUTE]),
    "a street that reads from right to left": (incidents(incident(street="\u202eRue Haute\u202c")), [HAUTE]),
    "no street": (incidents(incident(street=None)), ["Circulation interdite"]),
    "comments and instructions": (incidents(f"<!-- a --><?b c?>{incident()}<!-- d -->"), [HAUTE]),
    "a style sheet before the root": (b"<?xml-stylesheet href='a.xsl'?>" + incidents(incident()), [HAUTE]),
    "another namespace": (
        incidents(incident()).replace(b"<incidents", b"<incidents xmlns='https://a.example'"),
        [HAUTE],
    ),
    "no ids": (
        incidents(incident(""), incident("", street="Rue Basse")).replace(b' id=""', b""),
        [HAUTE, "Rue Basse\u00a0: circulation interdite"],
    ),
    "one id twice": (incidents(incident(street="Rue Basse"), incident()), [HAUTE]),
    "the same entry twice": (incidents(incident(), incident()), [HAUTE]),
    "one in another": (incidents(incident("far", polyline="60 20", description=incident())), [HAUTE]),
    "an end in the last year there is": (incidents(incident(endtime="9999-12-31T23:59:59Z")), [HAUTE]),
    "an end in the year before": (incidents(incident(endtime="9998-12-31T23:59:59Z")), [HAUTE]),
    "a start in the last year": (incidents(incident(starttime="9999-12-30T00:00:00Z")), []),
    "an end at the beginning of all time": (incidents(incident(endtime="1970-01-01T00:00:00Z")), [HAUTE]),
    "a day without a time": (incidents(incident(starttime="2026-11-26", endtime="2026-11-27")), [HAUTE]),
    "an hour that there isn't": (incidents(incident(starttime="2026-11-26T25:00:00Z")), []),
    "blanks around a time": (incidents(incident(starttime="\n 2026-11-26T08:00:00+01:00 ")), [HAUTE]),
    "an odd number of coordinates": (incidents(incident(polyline="45.1 5.1 45.2")), [HAUTE]),
    "commas between coordinates": (incidents(incident(polyline="45.1,5.1 45.2,5.2")), []),
    "more points than are read": (incidents(incident(polyline="60 20 " * 30_000 + "45.1 5.1")), []),
    "hours from and to the same": (incidents(incident(schedule="<everyday>08:00-08:00</everyday>")), [HAUTE]),
    "hours until midnight": (incidents(incident(schedule="<everyday>08:30-24:00</everyday>")), [HAUTE]),
    "a day that there isn't": (incidents(incident(schedule="<someday>08:00-09:00</someday>")), [HAUTE]),
    "hours outside its days": (incidents(incident(schedule="<sunday>08:00-09:00</sunday>")), [HAUTE]),
    "a name among letters": (incidents(incident(polyline=None, street="Rue Saint-Martinet")), []),
    "a name in capitals, without its hyphen": (
        incidents(incident(polyline=None, street="AV DE SAINT MARTIN")),
        ["AV DE SAINT MARTIN\u00a0: circulation interdite"],
    ),
    "a number for true": (situations(record(lifeCycleManagement="<end>1</end>")), []),
    "blanks around true": (situations(record(lifeCycleManagement="<cancel> true </cancel>")), []),
    "false": (situations(record(lifeCycleManagement="<end>false</end>")), [D524]),
    "latitude without longitude": (situations(record(longitude="")), []),
    "coordinates with commas": (situations(record(latitude="45,5", longitude="5,5")), []),
    "no kind of record": (DATEX.replace(b' xsi:type="sit:RoadOrCarriagewayOrLaneManagement"', b""), [D524]),
    "three hundred records": (situations(*[record(managed="narrowLanes")] * 300), ["D524\u00a0: voies rétrécies"]),
    "a road without a name": (DATEX.replace(b"<value>D524</value>", b"<value/>"), ["Route fermée"]),
    "a name that isn't multilingual": (DATEX.replace(b"<value>D524</value>", b"D524"), [D524]),
    "no id of a situation": (situations(record(), name="").replace(b' id=""', b""), [D524]),
    "a gzip in two pieces": (gzip.compress(DATEX[:200]) + gzip.compress(DATEX[200:]), [D524]),
    "a gzip that was cut": (gzip.compress(DATEX)[:-30], "xml_malformed"),
    "a gzip with a wrong piece": (gzip.compress(DATEX)[:40] + b"\xff" * 9 + gzip.compress(DATEX)[49:], "xml_malformed"),
    "a zip": (b"PK\x03\x04" + b"\0" * 60, "xml_malformed"),
    "JSON": (b'{"incidents": []}', "xml_malformed"),
    "an encoding that there isn't": (b"<?xml version='1.0' encoding='nothing'?><incidents/>", "xml_malformed"),
    "a NUL": (incidents(incident(street="Rue \0Haute")), "xml_malformed"),
    "two roots": (incidents() * 2, "xml_malformed"),
}


@in_one_test
@pytest.mark.parametrize(("body", "told"), AWKWARD.values(), ids=AWKWARD)
def test_awkward_ones(body, told):
    try:
        found: object = sorted(each.summary for each in read(body).occurrences)
    except Unreadable as refused:
        found = refused.reason.code

    assert found == (sorted(told) if isinstance(told, list) else told)


# --- the file -------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "xml_malformed"),
        (b"{}", "xml_malformed"),
        (b"<html><body/></html>", "roads_none"),
        (b"<rss><channel/></rss>", "roads_none"),
        (incidents(incident())[:-20], "xml_malformed"),
        (b"<!DOCTYPE incidents [<!ENTITY a 'b'>]><incidents>&a;</incidents>", "xml_dtd"),
        (f"<payload {XSI} xsi:type='TrafficRegulationPublication'/>".encode(), "roads_regulations"),
        (b"\x1f\x8b\x08 no gzip", "xml_malformed"),
        (b"<incidents>" + b"<a>" * 1000, "xml_malformed"),
    ],
)
def test_what_is_refused(body, code):
    with pytest.raises(Unreadable) as caught:
        read(body)

    assert caught.value.reason.code == code


def test_an_empty_file_of_its_form_is_calm():
    assert read(b"<incidents/>").occurrences == ()


def test_a_file_packed_with_gzip_is_unpacked():
    assert one(gzip.compress(incidents(incident())))[0].uid == "i1"


PEAKS = """
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from alerts.sources.ical.agenda import window_around
from alerts.sources.roads import RoadArea, read_roads

# Not `getrusage`: that begins with what the process had that started this one.
def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024

def found(path):
    window, area = window_around(datetime(2026, 11, 25, tzinfo=UTC)), RoadArea((45.0, 5.0, 46.0, 6.0), (), "fr")
    return len(read_roads(b"", path, window, ZoneInfo("Europe/Paris"), area).occurrences)

small, least = found(sys.argv[1]), peak()
print(small, least, found(sys.argv[2]), peak())
"""


@pytest.mark.parametrize("size", [8, pytest.param(100, marks=pytest.mark.release)])
def test_a_hundred_megabytes_take_little_memory(tmp_path, size):
    small, large = tmp_path / "small.xml", tmp_path / "large.xml"
    far = situations(record(latitude="60", longitude="20"), name="far")
    far = far.partition(b"<payload>")[2].partition(b"</payload>")[0] * 1000
    head, tail = situations(record()).split(b"<payload>")
    small.write_bytes(head + b"<payload>" + tail)
    with large.open("wb") as out:
        out.write(head + b"<payload>")
        out.writelines(far for _ in range(size * 1_048_576 // len(far) + 1))
        out.write(tail)
    told = subprocess.run(
        [sys.executable, "-c", PEAKS, str(small), str(large)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )

    in_small, least, in_large, peak = map(int, told.stdout.split())
    assert in_small == in_large == 1
    assert peak < 150
    assert peak - least < size / 4


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not on this machine")
@pytest.mark.parametrize(
    ("sample", "titles"),
    [
        (
            "feeds/cifs/fr-dialog-incidents.xml",
            {"Rue Claude Monet\u00a0: circulation interdite", "D14\u00a0: circulation interdite"},
        ),
        ("feeds/datex2/fi-roadworks-situation.xml", set()),
        ("feeds/datex2/fr-events-situation.xml", set()),
        ("feeds/datex2/nl-srti-situation.xml", set()),
        ("breadth/datex2/fr-v2-bison-fute-soap-accident.xml", {"N94\u00a0: circulation alternée"}),
        ("breadth/datex2/nl-v3-situation-1.xml", {"Voie fermée"}),
    ],
)
def test_the_samples(sample, titles):
    first = {"cifs": datetime(2023, 6, 5, tzinfo=UTC)}.get(sample.split("/")[1], datetime(2026, 8, 31, 12, tzinfo=UTC))
    agenda = read((SHARED / sample).read_bytes(), EVERYWHERE, first)

    assert titles <= {each.summary for each in agenda.occurrences}
    assert bool(titles) == bool(agenda.occurrences)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not on this machine")
def test_the_samples_without_coordinates_and_of_orders():
    finnish = (SHARED / "feeds/datex2/fi-roadworks-situation.xml").read_bytes()
    found, details = one(
        finnish, RoadArea((0.0, 0.0, 1.0, 1.0), ("Sipoo",), "fr-FR"), datetime(2026, 7, 15, tzinfo=UTC)
    )
    assert (found.point, details.severity) == (None, Severity.SEVERE)

    for sample in ("fr-dialog-example.xml", "fr-dialog-sample.xml"):
        with pytest.raises(Unreadable) as caught:
            read((SHARED / "feeds/datex2" / sample).read_bytes())
        assert caught.value.reason.code == "roads_regulations"


# --- the source -----------------------------------------------------------------------------------------------------


class Roads:
    """A file that is read, and what is remembered of it, which is stored as the daemon does."""

    def __init__(self, folder: Path, *, town: Town | None = None, **settings: object) -> None:
        self.file, self.clock, self.memory = folder / "roads.xml", FakeClock(NOW), Memory()
        told = {"kind": "roads", "url": str(self.file), "title": "DiaLog", "box": [45, 5, 46, 6], **settings}
        self.source = RoadsSource(
            "r", RoadsSettings.model_validate(told), Surroundings(None, self.clock, town or a_town())
        )
        self.stored: set[str] = set()

    async def says(self, body: bytes, after: timedelta = timedelta(minutes=10)):
        self.file.write_bytes(body)
        await self.clock.advance(after.total_seconds())
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        self.memory = Memory(digest=reading.memory.digest, state=json.loads(json.dumps(dict(reading.memory.state))))
        self.stored |= {each.key for each in reading.heard}
        return [each.alert for each in reading.heard]

    async def known(self, keys):
        return self.stored & set(keys)


async def test_works_are_announced_as_a_calendar_s_are(tmp_path):
    roads = Roads(tmp_path, licence="Licence Ouverte 2.0")
    body = incidents(
        incident(), incident("i2", street="Rue Basse", starttime="2026-11-28T08:00:00Z", endtime="2026-11-28T09:00:00Z")
    )
    [alert] = await roads.says(body)
    [began] = await roads.says(body, timedelta(hours=20))
    [ended, *_] = await roads.says(body, timedelta(hours=9))

    info = alert.infos[0]
    assert (info.headline, info.sender_name) == ("Rue Haute\u00a0: circulation interdite", "DiaLog")
    assert info.description == "Données\u00a0: DiaLog, Licence Ouverte 2.0."
    assert hazard_of(info) is Hazard.WORKS
    assert [each.msg_type for each in (alert, began, ended)] == [MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE]


async def test_one_that_vanishes_is_called_off(tmp_path):
    roads = Roads(tmp_path)
    rest = [incident(str(number), street=f"Rue {number}") for number in range(3)]
    await roads.says(incidents(incident(), *rest))
    [end] = await roads.says(incidents(*rest))

    assert end.msg_type is MsgType.CANCEL


async def test_without_an_end_none_is_told(tmp_path):
    [alert] = await Roads(tmp_path).says(situations(record(overallEndTime="")))

    assert (alert.infos[0].expires, alert.infos[0].parameter(ENDS_BY)) == (None, QUIET)
    assert alert.severity is Severity.MODERATE
    assert alert.ends > NOW + timedelta(days=300)


async def test_a_town_without_a_place_is_told_so(tmp_path):
    roads = Roads(tmp_path, box=[])
    roads.source._area = None
    with pytest.raises(SourceFailed, match="nobody knows where the town is"):
        await roads.says(incidents(incident()))


async def test_the_box_of_the_districts_is_where_the_town_is(tmp_path):
    roads = Roads(tmp_path, box=[])

    assert roads.source._area.box == pytest.approx((45.18, 5.7, 45.2, 5.74))


def test_a_body_too_large_for_memory_is_in_a_file_without_a_name_that_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = SpooledBody()
    body.add(b"<incidents/>")
    body.finish()
    path = Path(body.path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"<incidents/>", [])
    link = path.readlink()
    del body

    assert not path.is_symlink() or path.readlink() != link


@in_one_test
@pytest.mark.parametrize("box", ["[1, 2, 3]", "[46, 5, 45, 6]", "[0, 0, 99, 0.5]", '["a", 1, 2, 3]'])
def test_a_box_is_checked(tmp_path, box):
    lines = (
        '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
        f'token = {{ env = "T" }}\n[sources.r]\nkind = "roads"\nurl = "https://v.example/cifs"\nbox = {box}\n'
    )
    with pytest.raises(ConfigurationError, match=r"sources\.r\.box"):
        read_config(tmp_path / "channels.toml", lines)
