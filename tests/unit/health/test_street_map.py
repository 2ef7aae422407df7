"""Whether the town's map with streets will do, as `check` and `map` tell it."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import pytest

from alerts.cli import run
from alerts.model.errors import Unreadable
from alerts.model.street_map import read_street_map
from tests.street_map import BOX, street_map
from tests.walls import in_one_test


def test_a_map_is_told_by_its_header_and_whose_it_is_by_its_metadata():
    found = read_street_map(io.BytesIO(street_map()))
    assert (found.box, found.zoom, found.is_osm) == (BOX, 14, True)
    assert found.covers(5.70, 45.18, 5.75, 45.21)
    assert not found.covers(5.60, 45.18, 5.75, 45.21)
    assert not read_street_map(io.BytesIO(street_map(attribution="Somebody"))).is_osm


def _with(at: int, byte: int) -> bytes:
    whole = bytearray(street_map())
    whole[at] = byte
    return bytes(whole)


@in_one_test
@pytest.mark.parametrize(
    "wrong",
    [b"", b"PMTiles\x03", b"<html>" * 40, _with(7, 2), _with(99, 2), _with(98, 3), _with(97, 4)],
)
def test_what_no_browser_could_draw_is_refused(wrong):
    with pytest.raises(Unreadable) as refused:
        read_street_map(io.BytesIO(wrong))
    assert refused.value.reason.code == "map_no_pmtiles"


def test_metadata_that_says_it_lies_anywhere_is_not_looked_for():
    whole = bytearray(street_map())
    whole[24:40] = struct.pack("<2Q", 2**63, 2**40)
    assert not read_street_map(io.BytesIO(bytes(whole))).is_osm


TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"
language = "{language}"
boundary = "areas.geojson"
[store]
url = "sqlite:///tocsin.db"
[web]
map = "commune.pmtiles"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = {{ env = "TELEGRAM_TOKEN" }}
"""


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", "1:a")
    shutil.copy(Path(__file__).parents[3] / "areas.geojson", tmp_path)

    def said(command: str, whole: bytes | None, language: str = "en") -> tuple[int, str]:
        (tmp_path / "channels.toml").write_text(TOWN.format(language=language), encoding="utf-8")
        if whole is not None:
            (tmp_path / "commune.pmtiles").write_bytes(whole)
        status = run([command])
        told = capsys.readouterr()
        return status, told.out + told.err

    return said


def test_check_notes_what_is_missing_or_elsewhere_and_fails_what_nobody_can_draw(said):
    status, told = said("check", None)
    assert (status, "note  web.map: commune.pmtiles can't be read" in told) == (0, True)
    assert "note  web.map: commune.pmtiles doesn't cover all districts" in said("check", street_map((0, 0, 1, 1)))[1]
    assert "note  web.map: commune.pmtiles doesn't say" in said("check", street_map(attribution=""))[1]
    status, told = said("check", b"<html>")
    assert (status, "FAIL  web.map: is no map" in told) == (2, True)
    assert "ok    web.map: commune.pmtiles is readable" in said("check", street_map())[1]


def test_a_command_says_how_to_get_one_of_the_size_of_the_town(said):
    status, told = said("map", None, "fr")
    assert status == 0
    assert "pmtiles extract https://build.protomaps.com/YYYYMMDD.pmtiles commune.pmtiles --bbox=5.6812,45.1599," in told
    assert "Découpez-la dans la carte du monde" in told
    assert said("map", b"<html>")[0] == 2
