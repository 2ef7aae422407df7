"""Outlines that are read: the boundary file, and what an officer draws; what can't be used says what is allowed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.desk.draft import Draft, draft_alert, picture_kind
from alerts.desk.officer import update_of
from alerts.desk.outlines import read_circle, read_districts, read_polygon, spell_circle, spell_polygon
from alerts.model.alert import Circle, NamedValue
from alerts.model.cap import violations
from alerts.model.errors import Misuse, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState, StoredAlert
from tests.unit.desk.conftest import HERE, NOW, a_town, square

STATION = a_town()
WITHIN = "45.182,5.702 45.182,5.71 45.19,5.706"
"""A triangle in Centre-Bourg."""


def feature(code="D1", name="Centre", geometry=None):
    return {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": geometry or square(5.7, 45.18)}


def read(tmp_path, document):
    file = tmp_path / "areas.geojson"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return read_districts(file)


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


def test_districts_are_read_with_their_outlines(tmp_path):
    islands = {"type": "MultiPolygon", "coordinates": [square(1, 1)["coordinates"]]}
    first, second = read(tmp_path, collection(feature(), feature(7, "Îles", islands)))

    assert (first.code, first.name, first.outline["type"]) == ("D1", "Centre", "Polygon")
    assert (second.code, second.name, len(second.as_area().polygons)) == ("7", "Îles", 1)


def test_a_byte_order_mark_is_no_trouble(tmp_path):
    assert read(tmp_path, "\ufeff" + json.dumps(collection(feature())))


def no_ring(*points):
    return {"type": "Polygon", "coordinates": [list(points)]}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{", "areas.geojson is not JSON; allowed: a GeoJSON FeatureCollection of districts"),
        ("[" * 100_000, "areas.geojson is not JSON; allowed: a GeoJSON FeatureCollection of districts"),
        ([], "areas.geojson holds no features; allowed"),
        (collection(), "areas.geojson holds no features; allowed"),
        (collection("x"), r"features\[0\] needs the properties `code` and `name`"),
        (collection(feature(), feature(code="")), r"features\[1\] needs the properties `code` and `name`"),
        (collection(feature(name=None)), r"features\[0\] needs the properties"),
        (collection(feature(code=True)), r"features\[0\] needs the properties"),
        (collection(feature(geometry={"type": "Point", "coordinates": [1, 2]})), r"\(Centre\) needs an outline: a Pol"),
        (collection(feature(geometry=["x"])), r"\(Centre\) needs an outline: a Pol"),
        (collection(feature(geometry=no_ring([1, 1], [2, 2]))), r"\(Centre\) has an outline that is none; allowed: r"),
        (collection(feature(geometry=no_ring([1, 1], [2, 1], [2, 2], [1, 2]))), "an outline that is none"),
        (collection(feature(geometry=no_ring([1, 91], [2, 1], [2, 2], [1, 91]))), "an outline that is none"),
        (collection(feature(geometry=no_ring(["a", 1], [2, 1], [2, 2], ["a", 1]))), "an outline that is none"),
        (collection(feature(geometry={"type": "Polygon", "coordinates": [5]})), "an outline that is none"),
        (collection(feature(), feature(name="Autre")), "two features have the code 'd1'"),
        (collection(feature(), feature(code="D2", name="CENTRE")), "two features have the name 'centre'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path, document, problem):
    with pytest.raises(Unreadable, match=problem) as told:
        read(tmp_path, document)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(Unreadable, match=r"none.geojson can't be read: No such file"):
        read_districts(tmp_path / "none.geojson")
    (tmp_path / "latin.geojson").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(Unreadable, match=r"latin.geojson is not JSON"):
        read_districts(tmp_path / "latin.geojson")


def areas(station=STATION, **words):
    alert = draft_alert(Draft("Fuite de gaz", **words), station, NOW, "k3m9")
    assert violations(alert) == ()
    return alert.infos[0].areas


def test_an_outline_is_closed_and_named_after_the_districts_it_touches():
    [area] = areas(polygons=(WITHIN,))

    assert area.description == "Centre-Bourg"
    assert area.polygons == (((45.182, 5.702), (45.182, 5.71), (45.19, 5.706), (45.182, 5.702)),)
    assert area.geocodes == ()


def test_an_outline_over_two_districts_names_both():
    [area] = areas(polygons=("45.182,5.705 45.182,5.735 45.19,5.72",))

    assert area.description == "Centre-Bourg, Le Moulin d’Élise"


def test_a_circle_is_an_area_too():
    [area] = areas(circles=("45.19,5.71 0.3",))

    assert (area.description, area.circles) == ("Centre-Bourg", (Circle((45.19, 5.71), 0.3),))


def test_a_place_in_words_names_all_of_it():
    [area] = areas(areas=("D2",), polygons=(WITHIN,), place="  Rue de la  Gare ")

    assert area.description == "Rue de la Gare"
    assert len(area.polygons) == 2
    assert area.geocodes == (NamedValue("district", "D2"),)


def test_a_place_in_words_alone_is_neither_the_whole_town_nor_an_outline():
    [area] = areas(place="Pont de la Drevenne")

    assert (area.description, area.geocodes, area.polygons, area.circles) == ("Pont de la Drevenne", (), (), ())


def test_districts_and_what_is_drawn_stand_side_by_side():
    assert [area.description for area in areas(areas=("D2",), polygons=(WITHIN,))] == [
        "Le Moulin d’Élise",
        "Centre-Bourg",
    ]


def test_what_lies_in_no_district_needs_a_name():
    with pytest.raises(Misuse, match="--place is missing: what was drawn lies in no district of ours"):
        areas(polygons=("48.1,2.1 48.1,2.2 48.2,2.2",))


def test_a_station_without_districts_has_its_own_codes_in_what_is_drawn():
    station = a_town(districts=())

    [area] = areas(station, polygons=(WITHIN,), place="Le pont")

    assert (area.description, area.geocodes) == ("Le pont", (HERE,))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("45.1,5.7 45.2,5.7", "has 2 corners"),
        ("45.1,5.7 45.2,5.7 45.1,5.7 45.2,5.7", "has 2 corners"),
        ("45.1;5.7 45.2,5.7 45.1,5.8", "is no point"),
        ("145.1,5.7 45.2,5.7 45.1,5.8", "is not on the globe"),
        ("nan,5.7 45.2,5.7 45.1,5.8", "is not on the globe"),
        ("45.1,5.7 45.2,5.8 45.1,5.8 45.2,5.7", "crosses itself"),
        ("45.1,5.7 45.2,5.8 45.3,5.9", "crosses itself"),
        (" ".join(f"45.{n:05},5.7" for n in range(600)), "has 601 corners"),
        ("", "has 0 corners"),
    ],
)
def test_an_outline_that_can_t_be_used_says_why(typed, why):
    with pytest.raises(Misuse, match=why):
        read_polygon(typed)


@pytest.mark.parametrize("typed", ["45.19,5.72", "45.19 5.72 2", "45.19,5.72 0", "45.19,5.72 -1", "45.19,5.72 501",
                                   "45.19,5.72 inf", "45.19,5.72 nan", "95.19,5.72 2", "", "a"])  # fmt: skip
def test_a_circle_that_can_t_be_used_says_what_is_allowed(typed):
    with pytest.raises(Misuse, match=r"--circle.*allowed"):
        read_circle(typed)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0.001, 500))
def test_a_circle_is_read_as_it_is_spelled(lat, lon, radius):
    spelled = spell_circle(Circle((lat, lon), radius))

    assert spell_circle(read_circle(spelled)) == spelled


def test_an_outline_is_read_as_it_is_spelled():
    ring = read_polygon(WITHIN)

    assert read_polygon(spell_polygon(ring)) == ring


def test_an_update_may_draw_anew_or_take_the_whole_town():
    first = draft_alert(Draft("Fuite de gaz", areas=("D1",), hazard=Hazard.FLOOD), STATION, NOW, "a")
    stored = StoredAlert("a", "i", "manual", first, AlertState.ACCEPTED, NOW)

    drawn = update_of(stored, {"circles": ("45.19,5.73 0.2",)}, STATION, NOW, "b")
    whole = update_of(stored, {"nowhere": True}, STATION, NOW, "c")
    other = update_of(stored, {"headline": "Fuite", "hazard": Hazard.EVACUATION}, STATION, NOW, "d")

    assert [area.description for area in drawn.areas] == ["Le Moulin d’Élise"]
    assert [area.description for area in whole.areas] == [STATION.name]
    assert other.areas == first.areas
    assert [hazard_of(alert.infos[0]) for alert in (first, drawn, other)] == [
        Hazard.FLOOD,
        Hazard.FLOOD,
        Hazard.EVACUATION,
    ]


def test_an_update_that_says_nothing_new_is_refused():
    stored = StoredAlert("a", "i", "manual", draft_alert(Draft("x"), STATION, NOW, "a"), AlertState.ACCEPTED, NOW)

    with pytest.raises(Misuse, match="nothing to change"):
        update_of(stored, {"nowhere": False, "areas": (), "place": None}, STATION, NOW, "b")


def test_a_picture_is_known_by_its_content():
    assert picture_kind(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert picture_kind(b"\xff\xd8\xff\xe0....") == "image/jpeg"
    for wrong in (b"", b"GIF89a", b"<svg onload=alert(1)>", b"\xff\xd8\xff" + b"\0" * 5 * 1024**2):
        with pytest.raises(Misuse):
            picture_kind(wrong)
