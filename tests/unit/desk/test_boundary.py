"""The boundary file: read whole, or one line that says what is wrong with it."""

from __future__ import annotations

import json

import pytest

from alerts.desk.outlines import read_districts
from alerts.model.errors import Unreadable
from tests.unit.desk.conftest import square


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
