"""Every real CAP message among the samples, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from lxml import etree

from alerts.model.alert import Alert, Category, Circle, MsgType, NamedValue, Reference, ResponseType, Severity, Urgency
from alerts.model.cap import violations, write
from alerts.sources.cap.message import apply_colours, read_message, why_none
from tests.samples import shared
from tests.walls import in_one_test

SELF_REFERENCE = "a reference of the message to itself was dropped"
ANTIMERIDIAN = "a polygon crosses the antimeridian with longitudes beyond 180"


@dataclass(frozen=True)
class Sample:
    file: str
    identifier: str
    msg_type: MsgType
    severity: Severity
    urgency: Urgency
    languages: tuple[str, ...]
    areas: int
    expires: str | None
    references: int = 0
    notes: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()


GERMAN = ("de-DE", "en", "fr", "es", "ar", "ru", "tr", "pl")
SAMPLES = [
    Sample(
        "alertswiss/ch-alertswiss-as-cap.xml", "POA-1216107687-4",
        MsgType.ALERT, Severity.MINOR, Urgency.UNKNOWN, ("en",), 1, None,
        notes=(SELF_REFERENCE, "certainty is missing: taken as Unknown", "category is missing: taken as Other"),
    ),
    Sample(
        "cap/au.xml", "tag:www.rfs.nsw.gov.au2011-10-06:40184",
        MsgType.ALERT, Severity.MINOR, Urgency.EXPECTED, ("en-AU", "en-AU"), 2, "2011-10-06T23:04:00+10:00",
    ),
    Sample(
        "cap/ca-ec-update-references2.xml", "2.49.0.1.124.6bddbc91.2012",
        MsgType.UPDATE, Severity.MINOR, Urgency.PAST, ("en-CA", "fr-CA"), 4, "2012-05-03T00:20:00+00:00", 2,
    ),
    Sample(
        "cap/ca-signed.xml", "2.49.0.1.124.f2c83f5f.2013",
        MsgType.UPDATE, Severity.MODERATE, Urgency.FUTURE, ("en-CA", "fr-CA"), 3, "2013-01-25T13:26:00+00:00", 9,
    ),
    Sample(
        "cap/de-dwd-update-many-areas.xml",
        "2.49.0.0.276.0.DWD.PVW.1687514160000.20999218-5d5e-4761-b271-6c243f695568.MUL",
        MsgType.UPDATE, Severity.MODERATE, Urgency.IMMEDIATE, GERMAN, 49, "2023-06-23T14:00:00+02:00", 1,
    ),
    Sample(
        "cap/de-dwd-update-multilingual.xml",
        "2.49.0.0.276.0.DWD.PVW.1687511640000.0d1a4fb5-251a-46fc-aae3-a688d2021e71.MUL",
        MsgType.UPDATE, Severity.MODERATE, Urgency.IMMEDIATE, GERMAN, 4, "2023-06-23T15:00:00+02:00", 1,
    ),
    Sample(
        "cap/fr-meteofrance-nuts3.xml", "2.49.0.0.250.0.FR.20220810161220.589023",
        MsgType.ALERT, Severity.MODERATE, Urgency.FUTURE, ("fr-FR", "en-GB"), 4, "2022-08-11T16:00:00+02:00",
    ),
    Sample(
        "cap/gdacs.xml", "GDACS_EQ_1470644_1625617",
        MsgType.ALERT, Severity.MODERATE, Urgency.PAST, ("en-US",), 1, None,
        notes=(ANTIMERIDIAN,),
        violations=(
            "info[0].area[0].polygon[0]: -21.359,-180.005 is not on earth; allowed: -90 to 90, -180 to 180",
        ),
    ),
    Sample(
        "cap/ie-met-eireann-emma.xml", "2.49.0.1.372.0.250413231648.N_Norm002_SmallCraft",
        MsgType.ALERT, Severity.MODERATE, Urgency.FUTURE, ("en-GB",), 1, "2025-04-14T20:00:00+01:00",
    ),
    Sample(
        "cap/mo-update-selfref.xml", "SMG-Weather_MS_2025_006_03",
        MsgType.UPDATE, Severity.MODERATE, Urgency.PAST, ("zh-mo", "pt-PT", "en-US"), 3, None,
        notes=(SELF_REFERENCE,),
        violations=("references: are missing; Update names the messages it is about",),
    ),
    Sample(
        "cap/rs-update.xml", "2.49.0.0.688.0.20250817210003.457535",
        MsgType.UPDATE, Severity.MODERATE, Urgency.FUTURE, ("en-GB", "sr", "sr-Latn"), 2, "2025-08-18T23:59:59+02:00",
        1,
    ),
    Sample(
        "cap/us-ipaws-cancel-no-info.xml", "1017033100951096-517189320160225203219800_Cancel",
        MsgType.CANCEL, Severity.UNKNOWN, Urgency.UNKNOWN, (), 0, None, 1,
    ),
    Sample(
        "cap/us-nws-2025.xml", "urn:oid:2.49.0.1.840.0.bde6c30c43ead9c23c42bea7977652a7de76d87d.002.1",
        MsgType.ALERT, Severity.MODERATE, Urgency.EXPECTED, ("en-US",), 1, "2025-03-01T06:00:00-05:00",
    ),
    Sample(
        "cap/us-nws-cap11.xml", "NOAA-NWS-ALERTS-MT20100830100700TFXFlashFloodWatchTFX20100830180000MT",
        MsgType.ALERT, Severity.SEVERE, Urgency.EXPECTED, ("en-US",), 1, "2010-08-30T12:00:00-06:00",
    ),
    Sample(
        "cap/us-usgs-circle.xml", "USGS-earthquakes-us2010apcd.6.20100831T000925.496Z",
        MsgType.ALERT, Severity.UNKNOWN, Urgency.PAST, ("en-US",), 1, "2010-09-02T00:09:25-05:00",
    ),
    Sample(
        "cap/us-wcatwc-tsunami.xml", "PAAQ-2-lqw6d6",
        MsgType.UPDATE, Severity.EXTREME, Urgency.IMMEDIATE, ("en-US",), 1, "2011-09-02T12:36:50+00:00", 1,
    ),
]  # fmt: skip


def body_of(file: str) -> bytes:
    return shared(f"feeds/{file}").read_bytes()


def read(file: str) -> Alert:
    return read_message(body_of(file), zone=UTC)[0]


def test_no_sample_is_forgotten() -> None:
    folder = shared("feeds/cap")
    assert {f"cap/{path.name}" for path in folder.glob("*.xml")} == {s.file for s in SAMPLES if "/ch-" not in s.file}


@in_one_test
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_becomes_its_alert(sample: Sample) -> None:
    alert, notes = read_message(body_of(sample.file), zone=UTC)

    assert alert.identifier == sample.identifier
    assert alert.msg_type is sample.msg_type
    assert alert.severity is sample.severity
    assert alert.urgency is sample.urgency
    assert tuple(info.language for info in alert.infos) == sample.languages
    assert len(alert.areas) == sample.areas
    assert len(alert.references) == sample.references
    assert alert.expires == (datetime.fromisoformat(sample.expires) if sample.expires else None)
    assert tuple(map(str, notes)) == sample.notes
    assert tuple(map(str, violations(alert))) == sample.violations


@in_one_test
@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_of_a_sample_is_lost(sample: Sample) -> None:
    """Counted in the bytes, apart from the reader: each ring, circle, text, and pair that has a value."""
    body = body_of(sample.file)
    alert = read(sample.file)
    areas = [area for info in alert.infos for area in info.areas]

    def count(name: str) -> int:
        return len(re.findall(rb"<(?:cap:)?%s>\s*[^<\s]" % name.encode(), body))

    assert sum(len(area.polygons) for area in areas) == count("polygon")
    assert sum(len(area.circles) for area in areas) == count("circle")
    assert len(areas) == count("areaDesc")
    pairs = sum(len(info.parameters) + len(info.event_codes) for info in alert.infos)
    assert pairs + sum(len(area.geocodes) for area in areas) == count("value")
    for name, texts in {
        "headline": [info.headline for info in alert.infos],
        "description": [info.description for info in alert.infos],
        "instruction": [info.instruction for info in alert.infos],
        "expires": [info.expires for info in alert.infos],
        "web": [info.web for info in alert.infos],
    }.items():
        assert len([text for text in texts if text]) == count(name), name


@in_one_test
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_written_anew_is_valid_and_reads_the_same(sample: Sample) -> None:
    alert = read(sample.file)
    written = write(alert)

    for schema in ("CAP-v1.2.xsd", "cap12-google.xsd"):
        etree.XMLSchema(etree.parse(shared(f"feeds/schema/{schema}"))).assertValid(etree.fromstring(written))
    assert read_message(written, zone=UTC)[0] == alert


@in_one_test
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_a_warning_and_its_colour_agrees_with_its_severity(sample: Sample) -> None:
    alert = read(sample.file)

    assert why_none(alert) is None
    assert apply_colours(alert) is alert


def test_the_references_of_an_update_are_triples() -> None:
    assert read("cap/ca-ec-update-references2.xml").references == (
        Reference("cap@ec.gc.ca", "2.49.0.1.124.a3f342a4.2012", datetime(2012, 5, 2, 21, 45, 5, tzinfo=UTC)),
        Reference("cap@ec.gc.ca", "2.49.0.1.124.60f31a3a.2012", datetime(2012, 5, 2, 21, 55, 21, tzinfo=UTC)),
    )


def test_a_reference_may_name_another_sender() -> None:
    alert = read("cap/us-wcatwc-tsunami.xml")

    assert alert.references == (Reference("PAAQ", "PAAQ-1-lqw6d6", datetime(2011, 9, 2, 10, 55, 55, tzinfo=UTC)),)
    assert alert.sender == "http://newwcatwc.arh.noaa.gov/tsuPortal/"


def test_an_end_that_comes_as_an_update_is_read_as_one() -> None:
    info = read("cap/ca-ec-update-references2.xml").infos[0]

    assert info.response_types == (ResponseType.ALL_CLEAR,)
    assert info.urgency is Urgency.PAST


def test_a_hole_is_kept_as_the_geocode_it_came_as() -> None:
    areas = read("cap/de-dwd-update-many-areas.xml").infos[0].areas
    area = next(area for area in areas if area.geocodes and area.geocodes[0].name == "EXCLUDE_POLYGON")

    assert [code.name for code in area.geocodes] == ["EXCLUDE_POLYGON"] * 2
    assert area.geocodes[0].value.startswith("51.707169,10.431479 51.68749,10.396437")
    assert (area.altitude, area.ceiling) == (0.0, 9842.5197)


def test_an_epicentre_is_a_circle_of_no_radius() -> None:
    (area,) = read("cap/us-usgs-circle.xml").areas

    assert [circle.radius for circle in area.circles] == [0.0]


def test_values_are_read_as_they_stand() -> None:
    info = read("cap/au.xml").infos[0]

    assert info.categories == (Category.FIRE, Category.MET)
    assert info.areas[0].circles == (Circle((-35.3888, 147.0598), 25.0),)
    assert info.event_codes[1] == NamedValue("non-standard secondary event code", "structure_fire")
    assert info.parameter("AllocatedResources") is None
    assert info.resources[0].mime_type == "text/html"
    assert info.description is not None
    assert info.description.startswith("ALERT LEVEL: Not Applicable<br />LOCATION")


def test_a_list_of_points_over_many_lines_is_one_ring() -> None:
    (ring,) = read("cap/mo-update-selfref.xml").infos[0].areas[0].polygons

    assert ring[0] == ring[-1] == (22.0766, 113.5709)
    assert len(ring) == 63


def test_the_lines_of_a_description_are_kept() -> None:
    description = read("cap/us-nws-2025.xml").infos[0].description

    assert description is not None
    assert description.count("\n") == 8
