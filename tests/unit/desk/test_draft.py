"""An officer's words made into an alert; what is said wrong names the option, what is wrong and what is allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.desk.draft import LARGEST_PICTURE, Draft, draft_alert, read_time
from alerts.desk.territory import territory_of
from alerts.model.alert import Area, Certainty, NamedValue, Severity, Status, Urgency
from alerts.model.cap import violations
from alerts.model.errors import Misuse
from tests.unit.desk.conftest import HERE, NOW, SENDER, a_town
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")
STATION = a_town()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def drafted(station=STATION, **words):
    return draft_alert(Draft(**{"headline": "Coupure d'eau", **words}), station, NOW, "k3m9")


def time(text: str, now: datetime = NOW) -> datetime:
    return read_time("--expires", text, now, PARIS)


def test_a_headline_is_enough():
    alert = drafted()
    [info] = alert.infos

    assert (alert.identifier, alert.sender, alert.sent, alert.status) == ("tocsin-k3m9", SENDER, NOW, Status.ACTUAL)
    assert (info.severity, info.urgency, info.certainty) == (Severity.MODERATE, Urgency.EXPECTED, Certainty.LIKELY)
    assert info.expires == NOW + timedelta(hours=12)
    assert (info.event, info.language, info.headline) == ("Alerte", "fr-FR", "Coupure d'eau")
    assert info.areas == (Area("Ville de Saint-Martin", geocodes=(HERE,)),)
    assert violations(alert) == ()


def test_everything_that_is_said_is_in_it():
    alert = drafted(
        description="Deux\r\nlignes", instruction="Faites bouillir l'eau.", event="Eau", onset="2h", expires="8h",
        areas=("d2",), web="https://saint-martin.example/eau", language="en", exercise=True, severity=Severity.SEVERE,
    )  # fmt: skip
    [info] = alert.infos

    assert (info.description, info.instruction, info.event) == ("Deux\nlignes", "Faites bouillir l'eau.", "Eau")
    assert (info.onset, info.expires) == (NOW + timedelta(hours=2), NOW + timedelta(hours=8))
    assert [area.description for area in info.areas] == ["Le Moulin d’Élise"]
    assert (info.web, info.language, alert.status) == ("https://saint-martin.example/eau", "en", Status.EXERCISE)


def test_an_end_that_isn_t_told_is_twelve_hours_after_the_onset():
    assert drafted(onset="1d").infos[0].expires == NOW + timedelta(hours=36)
    assert drafted(onset="2026-11-25T08:00").infos[0].expires == NOW + timedelta(hours=12), "it began this morning"


def test_times_are_the_station_s_and_whole_seconds_as_cap_has_them():
    alert = draft_alert(Draft("x", expires="90m"), STATION, NOW.replace(microsecond=5), "k")

    assert alert.sent.isoformat() == "2026-11-25T13:00:00+01:00"
    assert alert.infos[0].expires.isoformat() == "2026-11-25T14:30:00+01:00"


@in_one_test
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6h", "2026-11-25T18:00Z"),
        ("18h", "2026-11-26T06:00Z"),
        ("1h30m", "2026-11-25T13:30Z"),
        (" 1d ", "2026-11-26T12:00Z"),
        ("18:30", "2026-11-25T17:30Z"),
        ("18h30", "2026-11-25T17:30Z"),
        ("2j", "2026-11-27T12:00Z"),
        ("7:05", "2026-11-26T06:05Z"),
        ("13:00", "2026-11-26T12:00Z"),
        ("2026-11-25T18:00", "2026-11-25T17:00Z"),
        ("2026-11-25 18:00", "2026-11-25T17:00Z"),
        ("2026-11-25T18:00:00+01:00", "2026-11-25T17:00Z"),
        ("2026-11-25T18:00Z", "2026-11-25T18:00Z"),
        ("2026-11-26", "2026-11-25T23:00Z"),
        ("2026-07-14T18:00", "2026-07-14T16:00Z"),
    ],
)
def test_times_as_they_are_typed(text, expected):
    assert time(text) == datetime.fromisoformat(expected)


@in_one_test
@pytest.mark.parametrize(
    "text",
    ["", "soon", "6", "24:00", "18:60", "6 h", "-6h", "2026-13-01", "2026-11-25T25:00", "1830", "20261125"],
)
def test_what_is_no_time_is_told_with_what_is_allowed(text):
    with pytest.raises(Misuse) as told:
        time(text)
    assert str(told.value) == (
        f"--expires {text!r} is no time; allowed: a span such as 6h, an hour such as 18:30, "
        "or a date and time such as 2026-11-25T18:00"
    )


@in_one_test
@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59", "99999d", "999999999d"])
def test_a_time_beyond_all_use_is_told(text):
    with pytest.raises(Misuse, match=r"--expires .* is (more than ten years away|no time); allowed: a"):
        time(text)


def test_across_the_change_of_the_hour():
    before = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # midnight in Paris, three hours before the clocks go back

    assert time("12:00", before) == datetime(2026, 10, 25, 11, 0, tzinfo=UTC), "noon by the new clock"
    assert time("12h", before) == datetime(2026, 10, 25, 10, 0, tzinfo=UTC), "twelve hours as they pass"
    assert time("02:30", before) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "the first of the two"
    spring = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert time("02:30", spring) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "skipped: an hour later"
    assert time("23:30", datetime(2026, 3, 28, 22, 45, tzinfo=UTC)) == datetime(2026, 3, 29, 21, 30, tzinfo=UTC)


@in_one_test
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"headline": "  "}, "--headline is missing; allowed: one line that says what happens"),
        ({"headline": "a\x07b"}, "--headline holds a control character; allowed: plain text"),
        ({"description": "a\x00b"}, "--description holds a control character; allowed: plain text"),
        ({"instruction": "a\x1bb"}, "--instruction holds a control character; allowed: plain text"),
        ({"event": "\x7f"}, "--event holds a control character; allowed: plain text"),
        ({"language": "French!"}, "--lang 'French!' is no language tag; allowed: such as fr-FR or en"),
        (
            {"web": "saint-martin"},
            "--web 'saint-martin' is no address; allowed: such as https://saint-martin.example/eau",
        ),
        (
            {"onset": "x"},
            (
                "--onset 'x' is no time; allowed: a span such as 6h, an hour such as 18:30, or a date and time "
                "such as 2026-11-25T18:00"
            ),
        ),
        ({"expires": "2026-11-25T13:00"}, "--expires '2026-11-25T13:00' is at now; allowed: a later time"),
        (
            {"onset": "2026-11-20T08:00", "expires": "2026-11-24T08:00"},
            "--expires '2026-11-24T08:00' is before now; allowed: a later time",
        ),
        ({"onset": "6h", "expires": "6h"}, "--expires '6h' is at its onset; allowed: a later time"),
        ({"areas": ("centre",)}, "--area 'centre': no such district; did you mean 'Centre-Bourg'?"),
        ({"alt": "a map"}, "--alt describes a picture, and there is none; allowed: beside --image FILE"),
    ],
)
def test_what_is_said_wrong_is_told(words, problem):
    with pytest.raises(Misuse) as told:
        drafted(**words)
    assert str(told.value) == problem


class TestPicture:
    """A picture goes along if every channel takes it."""

    def test_with_its_words(self, tmp_path):
        (tmp_path / "carte été.png").write_bytes(PNG)
        [resource] = drafted(image=tmp_path / "carte été.png", alt=" Carte  du bourg ").infos[0].resources

        assert (resource.description, resource.mime_type, resource.size) == ("Carte du bourg", "image/png", len(PNG))
        assert resource.uri == (tmp_path / "carte été.png").as_uri()

    def test_without_words_it_is_described_by_the_headline(self, tmp_path):
        (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
        assert drafted(image=tmp_path / "a.jpg").infos[0].resources[0].description == "Coupure d'eau"

    @in_one_test
    @pytest.mark.parametrize(
        ("name", "content", "problem"),
        [
            ("a.gif", b"GIF8", "is no picture that every channel takes; allowed: .jpg or .png"),
            ("a", PNG, "is no picture that every channel takes; allowed: .jpg or .png"),
            ("a.png", None, "can't be read: No such file or directory"),
            ("a.png", b"hello", "doesn't hold what its name says; allowed: a JPEG or PNG picture"),
            ("a.jpg", PNG, "doesn't hold what its name says; allowed: a JPEG or PNG picture"),
            ("a.png", PNG + b"\0" * LARGEST_PICTURE, "has 5.2 MB; allowed: up to 5 MB"),
        ],
    )
    def test_what_no_channel_would_take_is_told(self, tmp_path, name, content, problem):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(Misuse) as told:
            drafted(image=file)
        assert str(told.value) == f"--image {str(file)!r} {problem}"

    def test_a_folder_is_no_picture(self, tmp_path):
        (tmp_path / "a.png").mkdir()
        with pytest.raises(Misuse, match="can't be read: Is a directory"):
            drafted(image=tmp_path / "a.png")


def test_the_whole_town_is_its_codes_else_its_districts_else_its_name():
    without_codes = replace(STATION, areas=())
    bare = replace(STATION, areas=(), districts=())

    assert drafted(without_codes).infos[0].areas[0].geocodes == (
        NamedValue("district", "D1"),
        NamedValue("district", "D2"),
    )
    assert drafted(bare).infos[0].areas == (Area("Ville de Saint-Martin"),)


@in_one_test
@pytest.mark.parametrize(
    "words", ["all", "toute la commune", "Ville de Saint-Martin", "saint-martin", "The whole town"]
)
def test_the_whole_town_is_said_only_where_it_was_chosen(words):
    [chosen] = drafted(areas=(words,)).infos[0].areas
    [untold] = drafted().infos[0].areas

    assert (chosen.description, chosen.geocodes) == ("toute la commune", untold.geocodes)
    assert drafted(place=words).infos[0].areas == (chosen,)


def test_without_a_boundary_file_an_area_is_taken_by_its_name():
    codes = replace(STATION, districts=())

    assert drafted(codes, areas=("Rue des Tanneurs",)).infos[0].areas == (Area("Rue des Tanneurs", geocodes=(HERE,)),)


def test_a_draft_is_here_whatever_area_it_names(town):
    for number, areas in enumerate(((), ("D1",), ("D1", "Le Moulin d'Elise"))):
        draft = drafted(town.station, areas=areas, headline=f"Essai {areas}")
        filed = town.post(replace(draft, identifier=f"tocsin-{number}"), again=True)
        assert set(town.states(filed).values()) == {"queued"}
        assert territory_of(town.desk.station).locate(filed.stored.alert)


@pytest.mark.parametrize(
    ("typed", "ends"),
    [("6h", (18, 15)), (None, (0, 15)), ("18:07", (18, 7)), ("20m", (12, 27)), ("2026-11-25T18:07", (18, 7))],
)
def test_a_span_ends_at_a_quarter_of_an_hour_and_what_was_typed_as_an_hour_does_not(town, typed, ends):
    now = datetime(2026, 11, 25, 11, 7, 20, tzinfo=UTC)
    expires = draft_alert(Draft("Crue", expires=typed), town.station, now, "1").infos[0].expires
    assert (expires.hour, expires.minute) == ends
