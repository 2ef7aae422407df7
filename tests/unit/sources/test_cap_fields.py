from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.alert import Category, Certainty, Circle, MsgType, Severity, Status
from alerts.model.reason import Reason
from alerts.sources.cap.fields import read_circle, read_code, read_language, read_number, read_ring, read_time
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")


class Notes(list[str]):
    def __call__(self, line: Reason) -> None:
        self.append(str(line))


@in_one_test
@pytest.mark.parametrize(
    ("text", "time", "forgiven"),
    [
        ("2026-11-25T13:00:00+01:00", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026-11-25T12:00:00-00:00", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026-11-25T12:00:00Z", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026-11-25T13:00+01:00", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026-11-25T12:00:00.987654321Z", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026-11-25T13:00:00", datetime(2026, 11, 25, 12, tzinfo=UTC), True),
        ("2026-07-25T13:00:00", datetime(2026, 7, 25, 11, tzinfo=UTC), True),
        ("2026-11-25", datetime(2026, 11, 24, 23, tzinfo=UTC), True),
        ("2026-11-25 13:00:00 +0100", datetime(2026, 11, 25, 12, tzinfo=UTC), False),
        ("2026/11/25 13:00:00", datetime(2026, 11, 25, 12, tzinfo=UTC), True),
        ("2026-11-25 12:00:00 UTC", datetime(2026, 11, 25, 12, tzinfo=UTC), True),
        ("2026-11-25t12:00:00z", datetime(2026, 11, 25, 12, tzinfo=UTC), True),
        ("2026-11-24T24:00:00+01:00", datetime(2026, 11, 24, 23, tzinfo=UTC), True),
        ("Thu, 01 Jan 2026 16:00:00 +0000", datetime(2026, 1, 1, 16, tzinfo=UTC), True),
        ("Thu, 01 Jan 2026\n 16:00:00 GMT", datetime(2026, 1, 1, 16, tzinfo=UTC), True),
        ("Thu, 01 Jan 2026 16:00:00 -0000", datetime(2026, 1, 1, 16, tzinfo=UTC), True),
        ("2025/04/13 上午 06:00:00", datetime(2025, 4, 13, 4, tzinfo=UTC), True),
        ("2025/04/13 下午 12:30", datetime(2025, 4, 13, 10, 30, tzinfo=UTC), True),
        ("2025/04/13 上午 12:30:00", datetime(2025, 4, 12, 22, 30, tzinfo=UTC), True),
    ],
)
def test_a_time_is_read_however_it_is_written(text: str, time: datetime, forgiven: bool) -> None:
    notes = Notes()
    read = read_time(text, PARIS, notes)
    assert read == time
    assert read is not None
    assert read.utcoffset() is not None
    assert bool(notes) is forgiven


@in_one_test
@pytest.mark.parametrize(
    "text",
    [
        "soon", "", "2026-13-01T00:00:00Z", "2026-11-25T25:00:00Z", "2025/04/31 上午 06:00:00", "x" * 5000,
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T24:00:00Z", "Thu, 99 Jan 2026 16:00:00 +0000",
    ],
)  # fmt: skip
def test_what_is_no_time_is_left_out_with_a_note(text: str) -> None:
    notes = Notes()
    assert read_time(text, PARIS, notes) is None
    assert len(notes) == 1
    assert len(notes[0]) < 120


@given(st.text(max_size=40) | st.from_regex(r"\w{0,3},? ?\d{1,4} ?\w{3} \d{1,5} \d{1,3}:\d\d(:\d\d)? [+-]?\w{0,5}"))
def test_any_text_is_a_time_of_our_age_or_none(text: str) -> None:
    read = read_time(text, PARIS, Notes())
    if read:
        assert 1900 <= read.year < 2900
        assert read.astimezone(timezone(timedelta(hours=14)))


@pytest.mark.parametrize(
    ("kind", "text", "code", "note"),
    [
        (Severity, "Severe", Severity.SEVERE, None),
        (Severity, "SEVERE", Severity.SEVERE, "severity 'SEVERE' is no code of CAP: taken as Severe"),
        (Severity, "", Severity.UNKNOWN, "severity is missing: taken as Unknown"),
        (Severity, "catastrophic", Severity.UNKNOWN, "severity 'catastrophic' is no code of CAP: taken as Unknown"),
        (Severity, "Mod", Severity.UNKNOWN, "severity 'Mod' is no code of CAP: taken as Unknown"),
    ],
)
def test_a_code_is_its_own_or_the_nearest(kind: type[Severity], text: str, code: Severity, note: str | None) -> None:
    notes = Notes()
    assert read_code(kind, text, Severity.UNKNOWN, "severity", notes) is code
    assert notes == ([note] if note else [])


def test_other_codes_are_near_too() -> None:
    notes = Notes()
    assert read_code(MsgType, "Cancelled", MsgType.ALERT, "msgType", notes) is MsgType.CANCEL
    assert read_code(Certainty, "Very Likely", Certainty.UNKNOWN, "certainty", notes) is Certainty.LIKELY
    assert read_code(Category, "Transportation", Category.OTHER, "category", notes) is Category.TRANSPORT
    assert read_code(Status, "A", Status.TEST, "status", notes) is Status.TEST
    assert len(notes) == 4


def test_a_language_is_a_tag_or_the_standard_one() -> None:
    notes = Notes()
    assert read_language("sr-Latn", notes) == "sr-Latn"
    assert notes == []
    assert read_language("fr_FR", notes) == "fr-FR"
    assert read_language("fran\u00e7ais", notes) == "en-US"
    assert len(notes) == 2


A, B, C = (45.0, 5.0), (45.0, 5.1), (45.1, 5.1)


@in_one_test
@pytest.mark.parametrize(
    ("text", "ring", "note"),
    [
        ("45,5 45,5.1 45.1,5.1 45,5", (A, B, C, A), None),
        ("\n 45,5\t45,5.1\n\n45.1,5.1 45,5 \n", (A, B, C, A), None),
        ("45, 5 45, 5.1 45.1, 5.1 45, 5", (A, B, C, A), None),
        ("45,5,0 45,5.1,0 45.1,5.1,12 45,5,0", (A, B, C, A), None),
        ("45 5 45 5.1 45.1 5.1 45 5", (A, B, C, A), None),
        ("45,5 45,5.1 45.1,5.1", (A, B, C, A), "a polygon's ring was open: closed"),
        ("45,5 45,5.1 45,5", None, "a polygon of 3 points is none (four at least): left out"),
        ("45,5", None, "a polygon of 1 points is none (four at least): left out"),
        ("45,5 45", None, "polygon '45,5 45' can't be read: left out"),
        ("45,5 45,x 1,1 45,5", None, "polygon '45,5 45,x 1,1 45,5' can't be read: left out"),
        ("45,5 45,nan 45,6 45,5", None, "polygon '45,5 45,nan 45,6 45,5' can't be read: left out"),
        ("45,5 45,inf 45,6 45,5", None, "polygon '45,5 45,inf 45,6 45,5' can't be read: left out"),
        (" ", None, "polygon ' ' can't be read: left out"),
        (
            "45,5 45,5.1 8.7),-6) 45.1,5.1 45,5 45,5",
            (A, B, C, A, A),
            "1 points of a polygon can't be read: it is taken without them",
        ),
        ("45,5 95,5.1 45.1,5.1 45,5", None, "a polygon has points that are not on earth: left out"),
        (
            "45,179 45,181 46,181 45,179",
            ((45.0, 179.0), (45.0, 181.0), (46.0, 181.0), (45.0, 179.0)),
            "a polygon crosses the antimeridian with longitudes beyond 180",
        ),
    ],
)
def test_a_ring_is_closed_and_on_earth_or_left_out(text: str, ring: object, note: str | None) -> None:
    notes = Notes()
    assert read_ring(text, notes) == ring
    assert notes == ([note] if note else [])


@in_one_test
@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("45,5 12.5", Circle((45.0, 5.0), 12.5)),
        (" 45.0 , 5.0   0 ", Circle((45.0, 5.0), 0.0)),
        ("45,5 12km", Circle((45.0, 5.0), 12.0)),
        ("45,5", Circle((45.0, 5.0), 0.0)),
        ("45,5 -1", None),
        ("45,5 nan", None),
        ("95,5 1", None),
        ("45", None),
        ("45,5 1 2", None),
        ("ici", None),
    ],
)
def test_a_circle_is_read_or_left_out_with_a_note(text: str, circle: Circle | None) -> None:
    notes = Notes()
    assert read_circle(text, notes) == circle
    assert len(notes) == (0 if circle else 1)


@in_one_test
@pytest.mark.parametrize(("text", "number"), [("9842.5197", 9842.5197), ("nan", None), ("1e999", None), ("haut", None)])
def test_a_number_is_finite(text: str, number: float | None) -> None:
    notes = Notes()
    assert read_number(text, "ceiling", notes) == number
    assert len(notes) == (number is None)
