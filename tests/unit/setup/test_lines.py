"""Lines of channels.toml are changed one table at a time, and the rest stays as it was typed."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.setup.lines import names_in, table_of, with_table, without_table
from tests.walls import in_one_test

LINES = """# The town's own file.
[station]
name = "Ville"  # as people know it
sender = "a@b.example"

# Two channels.
[channels.x]
kind = "twitter"
limits = ["60/24h"]

# The page.
[channels.page]
kind = "facebook"
"""


def test_a_table_is_changed_in_its_place_and_comments_around_it_stay():
    changed = with_table(LINES, "channels.x", {"kind": "twitter", "exercise": True})

    assert "# The town's own file." in changed
    assert "# Two channels.\n[channels.x]" in changed
    assert "# The page.\n[channels.page]" in changed
    assert table_of(changed, "channels.x") == {"kind": "twitter", "limits": ["60/24h"], "exercise": True}
    assert names_in(changed, "channels") == ["x", "page"]


def test_comments_within_a_table_stay_beside_their_keys():
    changed = with_table(LINES, "station", {"name": "Bourg", "timezone": "Europe/Paris"})

    assert 'name = "Bourg"  # as people know it\nsender = "a@b.example"\ntimezone = "Europe/Paris"\n\n# Two' in changed
    assert with_table(LINES, "station", {"name": "Ville"}) == LINES, "what says the same already is left alone"


def test_a_new_table_comes_last():
    changed = with_table(LINES, "channels.telegram", {"kind": "telegram", "token": {"env": "T"}})

    assert changed.startswith(LINES.rstrip())
    assert changed.endswith('\n[channels.telegram]\nkind = "telegram"\ntoken = { env = "T" }\n')


def test_a_new_table_takes_no_comment_from_the_next_section():
    lines = '[channels.x]\nkind = "twitter"\n\n# The feed.\n[sources.meteo]\nkind = "cap"\n'

    assert with_table(lines, "channels.y", {"kind": "webhook"}) == lines + '\n[channels.y]\nkind = "webhook"\n'
    assert without_table(lines, "channels.x") == '# The feed.\n[sources.meteo]\nkind = "cap"\n'


def test_the_first_table_of_an_empty_file():
    assert with_table("", "station", {"name": 'Le "Bourg"'}) == '[station]\nname = "Le \\"Bourg\\""\n'


def test_none_takes_a_key_away():
    assert table_of(with_table(LINES, "channels.x", {"limits": None}), "channels.x") == {"kind": "twitter"}


def test_a_table_is_removed_with_nothing_else():
    changed = without_table(LINES, "channels.x")

    assert changed == LINES.replace('[channels.x]\nkind = "twitter"\nlimits = ["60/24h"]\n', "")
    assert names_in(changed, "channels") == ["page"]


@in_one_test
@pytest.mark.parametrize(
    "lines",
    [
        'channels.x = { kind = "twitter" }\n',
        '[channels]\nx = { kind = "twitter" }\n',
        '[channels.x]\nkind = "twitter"\n[channels.x.token]\nenv = "T"\n',
        '[ channels . "x" ]\nkind = "twitter"\n',
        'text = """\n[channels.x]\n"""\n[channels.x]\nkind = "twitter"\n',
    ],
)
def test_however_a_table_is_spelled_what_is_said_in_the_end_is_right(lines):
    changed = tomllib.loads(with_table(lines, "channels.x", {"kind": "telegram"}))
    expected = tomllib.loads(lines)
    expected["channels"]["x"]["kind"] = "telegram"

    assert changed == expected


def test_what_is_no_toml_comes_back_as_it_was():
    assert with_table("[station", "station", {"name": "Ville"}) == "[station"
    assert without_table("[station", "station") == "[station"


values = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab.é "', max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text("abc_-é. ", min_size=1, max_size=5), values, min_size=1, max_size=4))
def test_any_value_is_read_back_as_it_was(table):
    assert table_of(with_table(LINES, "channels.new", table), "channels.new") == table
