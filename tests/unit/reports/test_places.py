"""Where a place is and how it is called, from a file that lies beside channels.toml: nobody is asked."""

from __future__ import annotations

import asyncio
import gzip
import math
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.desk.outlines import read_districts
from alerts.model.errors import Unreadable
from alerts.model.town import Town
from alerts.reports import addresses
from alerts.reports.addresses import places_of, read_places
from alerts.reports.places import CELL, Places, Spot, coarse, metres

HEADS = (
    "id;id_fantoir;numero;rep;nom_voie;code_postal;code_insee;nom_commune;code_insee_ancienne_commune;"
    "nom_ancienne_commune;x;y;lon;lat;type_position;certification_commune"
)
DISTRICTS = read_districts(Path(__file__).parents[3] / "areas.geojson")
# A metre, in degrees at this latitude.
NORTH, EAST = 1 / 111_320, 1 / (111_320 * math.cos(math.radians(45.18)))
LAT, LON = 45.18, 5.72


def row(number="12", street="Rue Pasteur", north=0.0, east=0.0, *, rep="", code="38185", town="Saint-Martin", part=""):
    where = f"{LON + east * EAST:.7f};{LAT + north * NORTH:.7f}"
    return f"{code}_0001_{number};;{number};{rep};{street};38420;{code};{town};;{part};1.0;2.0;{where};entrée;1"


ROWS = (
    row("10", north=-30),
    row("12"),
    row("12", rep="bis", north=15),
    row("13", north=10, east=12),
    row("40", north=300),
    row("1", "Avenue du Général de Gaulle", north=200, east=200),
    row("3", "Avenue du Général de Gaulle", north=230, east=200),
    row("2", "Place de l’Église", north=-200),
    row("99999", "Les Îles d’Or", north=800),
    row("4", "Rue du 8 Mai 1945", east=400),
    row("7", "Rue Haute", code="38999", town="Ailleurs", north=5),
)


def a_town(folder: Path, name: str | None = "adresses-38.csv", **changes) -> Town:
    return Town("Saint-Martin", areas=("INSEE:38185",), addresses=name, file=folder / "channels.toml", **changes)


def written(folder: Path, *rows: str, name: str = "adresses-38.csv") -> Path:
    data = "\n".join((HEADS, *rows)).encode()
    file = folder / name
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


@pytest.fixture
def places(tmp_path) -> Places:
    written(tmp_path, *ROWS)
    return read_places(a_town(tmp_path))


def at(north: float, east: float = 0.0) -> tuple[float, float]:
    return LAT + north * NORTH, LON + east * EAST


def test_the_nearest_house_is_named_with_its_number_and_its_street_without(places):
    assert places.nearest(*at(1)) == "12 Rue Pasteur"
    assert places.nearest(*at(14, 2)) == "12 bis Rue Pasteur"
    assert places.street(*at(14, 2)) == "Rue Pasteur"


def test_what_is_75_metres_away_is_no_address_of_the_place(places):
    assert places.nearest(*at(-30 - 74)) == "10 Rue Pasteur"
    assert places.nearest(*at(-30 - 76)) is None
    assert places.street(*at(-30 - 76)) is None


def test_a_hamlet_without_numbers_is_called_by_its_name(places):
    assert places.nearest(*at(805)) == "Les Îles d’Or"


def test_addresses_of_other_towns_in_the_file_are_left_out(places):
    assert len(places.addresses) == 10
    assert places.find("7 rue Haute") is None


@given(st.floats(-200, 200), st.floats(-200, 200))
def test_the_squares_hide_no_house_that_is_near(north, east):
    towns = [
        row(str(number), f"Rue {number}", number * 37 % 300 - 150, number * 91 % 300 - 150) for number in range(1, 40)
    ]
    places = Places((), *_read(towns))
    here = at(north, east)
    expected = min(places.addresses, key=lambda address: metres(address.point, here))

    found = places.nearest(*here)

    if metres(expected.point, here) > 75:
        assert found is None
    else:
        address = next(each for each in places.addresses if found == f"{each.number} {places.streets[each.street]}")
        assert metres(address.point, here) == metres(expected.point, here)


def _read(rows):
    made = addresses._read(Town("x"), "x", iter([f"{line}\n".encode() for line in (HEADS, *rows)]))
    return made.streets, made.addresses


@pytest.mark.parametrize(
    "typed",
    [
        "12 rue Pasteur",
        "12, Rue PASTEUR",
        "12 r. pasteur",
        "  12   rue   pasteur, 38420 Saint-Martin",
        "12 rue Pasteur 38420 SAINT-MARTIN",
        "12 pasteur",
    ],
)
def test_an_address_is_found_however_it_is_typed(places, typed):
    assert places.find(typed) == Spot("12 Rue Pasteur", pytest.approx(at(0)))


@pytest.mark.parametrize("typed", ["12 bis rue Pasteur", "12bis rue pasteur", "12 b rue Pasteur", "12B, rue Pasteur"])
def test_what_follows_a_number_is_part_of_it(places, typed):
    assert places.find(typed).words == "12 bis Rue Pasteur"


@pytest.mark.parametrize(
    ("typed", "street"),
    [
        ("rue pasteur", "Rue Pasteur"),
        ("av du Gal de Gaulle", "Avenue du Général de Gaulle"),
        ("Avenue De Gaulle", "Avenue du Général de Gaulle"),
        ("place de l'eglise", "Place de l’Église"),
        ("rue du 8 mai 1945", "Rue du 8 Mai 1945"),
        ("8 mai 1945", "Rue du 8 Mai 1945"),
        ("les iles d'or", "Les Îles d’Or"),
    ],
)
def test_a_street_is_found_without_accents_little_words_and_whole_ones(places, typed, street):
    assert places.find(typed).words == street


def test_a_street_alone_is_the_house_in_its_middle(places):
    assert places.find("rue Pasteur").point == pytest.approx(at(15))


def test_a_number_that_is_not_there_gives_the_house_beside_it_and_the_street_s_name(places):
    assert places.find("38 rue Pasteur") == Spot("Rue Pasteur", pytest.approx(at(300)))
    assert places.find("11 rue Pasteur").point == pytest.approx(at(10, 12))  # 13, of the same side


def test_what_isn_t_understood_is_answered_with_what_it_may_have_been(places):
    assert places.find("rue Pasteru") is None
    assert places.suggestions("rue Pasteru")[0] == "Rue Pasteur"
    assert places.suggestions("gaule") == ("Avenue du Général de Gaulle",)
    assert places.suggestions("12 zzzzz") == ()
    assert places.suggestions("rue " + "pasteru " * 30)[0] == "Rue Pasteur"


def test_of_a_misspelt_address_three_words_are_compared_once():
    places = Places((), *_read(ROWS))
    for _ in range(3):
        places.suggestions(" ".join(f"pasteu{each}" for each in "abcdefghij"))
    assert len(places._compared) == 3


@given(st.text(max_size=300))
@example("12")
@example("12 bis")
@example(",")
@example("the the the " * 30)
def test_nothing_that_is_typed_breaks_it(typed):
    places = Places((), *_read(ROWS))

    spot = places.find(typed)

    assert len(places.suggestions(typed)) <= 5
    assert spot is None or spot.point in [address.point for address in places.addresses]


def test_two_streets_of_one_name_are_told_apart_by_their_parts_of_the_town(tmp_path):
    written(
        tmp_path, row("1", "Rue Haute", part="Le Bourg"), row("1", "Rue Haute", part="Saint-Jean", north=900), row()
    )
    places = read_places(a_town(tmp_path))

    assert places.find("rue haute") is None
    assert places.suggestions("rue haute") == ("Rue Haute (Le Bourg)", "Rue Haute (Saint-Jean)", "Rue Pasteur")
    assert places.find("1 rue Haute (Saint-Jean)").point == pytest.approx(at(900))
    assert places.find("rue haute saint jean").words == "Rue Haute (Saint-Jean)"
    assert places.street(*at(900)) == "Rue Haute (Saint-Jean)"


# --- the town's ground


def test_a_district_is_found_and_a_little_beside_its_border_is_here(tmp_path):
    places = Places(DISTRICTS)
    inside = DISTRICTS[0].outline["coordinates"][0]
    lon, lat = (sum(corner[axis] for corner in inside[:-1]) / (len(inside) - 1) for axis in (0, 1))
    south = min(corner[1] for district in DISTRICTS for corner in district.outline["coordinates"][0])
    edge = next(c for d in DISTRICTS for c in d.outline["coordinates"][0] if c[1] == south)

    assert places.district_of(lat, lon) == DISTRICTS[0]
    assert places.is_here(lat, lon)
    assert places.district_of(south - 90 * NORTH, edge[0]) is None
    assert places.is_here(south - 90 * NORTH, edge[0])
    assert not places.is_here(south - 110 * NORTH, edge[0])


def test_without_districts_what_is_near_an_address_is_here(places):
    assert places.district_of(*at(0)) is None
    assert places.is_here(*at(-200 - 490))
    assert not places.is_here(*at(-200 - 510))


def test_without_any_knowledge_everywhere_is_here():
    assert Places().is_here(0.0, 0.0)
    assert Places().nearest(LAT, LON) is None
    assert Places().find("12 rue Pasteur") is None


# --- what everybody may see

on_earth = st.tuples(st.floats(-85, 85), st.floats(-179, 179))


@given(on_earth)
def test_a_place_that_everybody_sees_is_less_than_a_square_away_and_in_the_same_square(place):
    seen = coarse(*place)

    assert metres(seen, place) <= CELL / math.sqrt(2) + 1.2  # the rounding, and that the earth is no plane
    assert coarse(*seen) == seen


@given(on_earth, st.floats(0, 1), st.floats(0, 1))
def test_all_places_of_a_square_are_one(place, north, east):
    middle = coarse(*place)
    wide = CELL / (111_320 * math.cos(math.radians(middle[0])))
    other = (middle[0] + (north - 0.5) * 0.97 * CELL / 111_320, middle[1] + (east - 0.5) * 0.97 * wide)

    assert coarse(*other) == middle


@given(on_earth, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_metres_are_those_of_a_globe(place, north, east):
    other = (place[0] + north, place[1] + east)
    one, two = (tuple(map(math.radians, each)) for each in (place, other))
    half = (
        math.sin((two[0] - one[0]) / 2) ** 2
        + math.cos(one[0]) * math.cos(two[0]) * math.sin((two[1] - one[1]) / 2) ** 2
    )
    globe = 2 * 111_320 * math.degrees(math.asin(math.sqrt(half)))

    assert metres(place, other) == pytest.approx(globe, abs=1)


# --- the file


def test_it_may_be_packed_and_have_other_columns_before_and_behind(tmp_path):
    written(tmp_path, *ROWS, name="adresses-38.csv.gz")

    assert len(read_places(a_town(tmp_path, "adresses-38.csv.gz")).addresses) == 10


def test_without_a_code_the_rows_on_the_districts_ground_are_kept(tmp_path):
    inside = DISTRICTS[0].outline["coordinates"][0]
    lon, lat = (sum(corner[axis] for corner in inside[:-1]) / (len(inside) - 1) for axis in (0, 1))
    written(
        tmp_path,
        row("1", north=(lat - LAT) / NORTH, east=(lon - LON) / EAST),
        row("2", north=20_000),
        row("3", east=1e7),
    )
    town = replace(a_town(tmp_path), areas=("NUTS3:FR714",), districts=DISTRICTS)

    assert [address.number for address in read_places(town).addresses] == ["1"]


def why(town: Town) -> str:
    with pytest.raises(Unreadable) as found:
        read_places(town)
    return found.value.reason.code


def test_a_file_that_is_none_is_told(tmp_path):
    town, file = a_town(tmp_path), tmp_path / "adresses-38.csv"

    assert why(town) == "addresses_unread"
    file.write_text("id,numero\n1,2\n")
    assert why(town) == "addresses_no_csv"
    file.write_bytes(b"")
    assert why(town) == "addresses_no_csv"
    written(tmp_path, row(code="38999"))
    assert why(town) == "addresses_none"
    written(tmp_path, '"38185' + "a;" * 70, *(row() for _ in range(3000)))
    assert why(town) == "addresses_unread"  # a quotation mark that nothing ends
    packed = a_town(tmp_path, "adresses-38.csv.gz")
    (tmp_path / "adresses-38.csv.gz").write_bytes(gzip.compress(b"id;numero")[:-6])
    assert why(packed) == "addresses_unread"
    (tmp_path / "adresses-38.csv.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff\xff")
    assert why(packed) == "addresses_unread"


def test_rows_that_make_no_sense_are_left_out(tmp_path):
    written(
        tmp_path,
        row().replace(str(LAT), "north"),
        ";".join(["38185"] * 4),
        row("1", ""),
        row().replace(f"{LAT:.7f}", "nan"),
        row().replace(f"{LAT:.7f}", "99"),
        row("-4", "Rue\u202e Basse  \x00longue " + "e" * 300),
    )
    places = read_places(a_town(tmp_path))

    assert len(places.addresses) == 1
    assert len(places.streets[0]) < 250
    assert "\u202e" not in places.streets[0]
    assert places.addresses[0].number == ""


def test_a_small_file_that_unfolds_to_a_vast_one_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(addresses, "MOST_LINES", 50)
    written(tmp_path, *[row()] * 60, name="adresses-38.csv.gz")
    assert why(a_town(tmp_path, "adresses-38.csv.gz")) == "addresses_too_many"

    (tmp_path / "adresses-38.csv.gz").write_bytes(gzip.compress(HEADS.encode() + b"\n" + bytes(50_000_000), 1))
    assert why(a_town(tmp_path, "adresses-38.csv.gz")) == "addresses_too_many"

    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 5)
    written(tmp_path, *ROWS)
    assert why(a_town(tmp_path)) == "addresses_too_many"


async def test_it_is_read_once_for_each_version_and_whoever_comes_meanwhile_waits(tmp_path):
    file, town = written(tmp_path, *ROWS), a_town(tmp_path)

    first, *others = await asyncio.gather(*(places_of(town) for _ in range(5)))
    assert all(other is first for other in others)
    assert await places_of(town) is first

    written(tmp_path, *ROWS, row("99"))
    os.utime(file, ns=(1, 1))
    second = await places_of(town)
    assert (len(first.addresses), len(second.addresses)) == (10, 11)

    file.unlink()
    without = await places_of(town)
    assert (len(without.addresses), without.trouble.code) == (0, "addresses_unread")


async def test_who_gives_up_waiting_ends_it_for_nobody_else(tmp_path):
    written(tmp_path, *ROWS)
    town = a_town(tmp_path)
    gate = threading.Event()
    addresses._READER.submit(gate.wait)
    impatient = asyncio.create_task(places_of(town))
    while town not in addresses._KEPT:  # noqa: ASYNC110 nothing tells of it
        await asyncio.sleep(0)
    patient = asyncio.create_task(places_of(town))
    impatient.cancel()
    gate.set()

    assert len((await patient).addresses) == 10


async def test_a_town_without_a_file_has_its_districts(tmp_path):
    town = a_town(tmp_path, None, districts=DISTRICTS)
    places = await places_of(town)

    assert (places.addresses, places.trouble) == ((), None)
    assert places.districts == DISTRICTS
