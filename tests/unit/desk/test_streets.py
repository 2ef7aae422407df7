"""The file of the town's streets: what is read of it, and the line that is wrong."""

from __future__ import annotations

import pytest

from alerts.desk.streets import LARGEST, LONGEST, MOST_ROWS, read_streets
from alerts.model.errors import Unreadable
from alerts.model.town import District

SQUARE = {"type": "Polygon", "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 45]]]}
DISTRICTS = (District("SM-01", "Centre-Bourg", SQUARE), District("SM-05", "Les Coteaux", SQUARE))


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, districts=DISTRICTS):
        file = tmp_path / "streets.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_streets(file, districts=districts)

    return read


@pytest.fixture
def why(read):
    def why(content: str | bytes, **more) -> str:
        with pytest.raises(Unreadable) as told:
            read(content, **more)
        return str(told.value.reason)

    return why


def test_a_street_is_in_each_district_that_a_row_tells_by_code_or_name(read):
    text = (
        "street,district\nRue Haute,SM-01\nRue Haute,les coteaux\nRue Haute,SM-01\n\n Rue  de l’Église ,CENTRE-BOURG\n"
    )

    assert read(text) == {"Rue Haute": ("SM-01", "SM-05"), "Rue de l’Église": ("SM-01",)}


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffStreet;District\r\nRue Haute;SM-01\r\n;\r\n",
        'district,note,street\nSM-01,"a, b",Rue Haute\n',
        "street,district\rRue Haute,SM-01",
    ],
)
def test_it_is_what_spreadsheets_write(read, content):
    assert read(content) == {"Rue Haute": ("SM-01",)}


def test_characters_that_hide_are_left_out(read):
    assert list(read("street,district\nRue \u202eHaute\u200b,SM-01\n")) == ["Rue Haute"]


LONG = "x" * (LONGEST + 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "street,district\nRue Haute,SM-01\nRue Basse,Les Coteau\n",
            "streets.csv, line 3: 'Les Coteau' is no district; did you mean 'Les Coteaux'?",
        ),
        (
            "street,district\nRue Basse,Zzz\n",
            "streets.csv, line 2: 'Zzz' is no district; known: Centre-Bourg, Les Coteaux",
        ),
        (
            "street,district\n ,SM-01\n",
            "streets.csv, line 2: the street is missing; allowed: a street and its district",
        ),
        (
            f"street,district\n{LONG},SM-01\n",
            "streets.csv, line 2: the street's name is too long; allowed: up to 120 characters",
        ),
        (
            "street,district\n\nRue Haute\n",
            "streets.csv, line 3: this is no row of the file; allowed: as many values as the first line has columns",
        ),
        (
            'street,district\n"Rue Haute,SM-01\n',
            "streets.csv, line 2: this is no row of the file; allowed: as many values as the first line has columns",
        ),
        (
            "street,district\nRue de l’Église,SM-01\n".encode("cp1252"),
            "streets.csv, line 2: this is not UTF-8; allowed: UTF-8, which spreadsheets call “CSV UTF-8”",
        ),
        ("street,district\n", "streets.csv holds no street; allowed: a row for each district that a street is in"),
        (
            "rue,quartier\nRue Haute,SM-01\n",
            "streets.csv is no list of streets; allowed: a CSV with the columns `street` and `district`",
        ),
        ("", None),
        (
            "street,district\n" + "Rue Haute,SM-01\n" * (MOST_ROWS + 1),
            "streets.csv is too long; allowed: up to 20,000 rows and 2 MB",
        ),
        (b"street,district\n" + b" " * LARGEST, "streets.csv is too long; allowed: up to 20,000 rows and 2 MB"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_is_allowed(why, content, told):
    assert why(content) == (told or why("x,y\n"))


def test_so_many_rows_are_taken(read):
    rows = "".join(f"Rue {number},SM-01\n" for number in range(MOST_ROWS))

    assert len(read("street,district\n" + rows)) == MOST_ROWS


def test_streets_need_districts_and_a_file(read, why, tmp_path):
    assert why("street,district\nRue Haute,SM-01\n", districts=()).startswith("streets are told by their district")
    with pytest.raises(Unreadable, match=r"no\.csv can't be read: No such file"):
        read_streets(tmp_path / "no.csv", districts=DISTRICTS)
