"""What setting up writes: for the same readers as before, and through no link that somebody else put there."""

from __future__ import annotations

import os
import stat

import pytest

from alerts.model.ports import SystemClock
from alerts.setup.workshop import Workshop, _give_to_its_folder

LINES = '[station]\nname = "Saint-Martin"\n'


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "channels.toml"
    made.write_text("# before\n")
    return made


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_nobody_else_may_read_the_lines_or_those_before(file, mode):
    file.chmod(mode)
    Workshop(file, SystemClock()).write(LINES)

    before = file.with_name("channels.toml.before")
    assert (file.read_text(), before.read_text()) == (LINES, "# before\n")
    assert {stat.S_IMODE(each.stat().st_mode) for each in (file, before)} == {mode}


@pytest.mark.parametrize("name", ["channels.toml.before", "channels.toml.new"])
def test_a_link_that_lies_there_leads_no_line_elsewhere(file, name, tmp_path):
    other = tmp_path / "other"
    other.write_text("another's")
    file.with_name(name).symlink_to(other)
    Workshop(file, SystemClock()).write(LINES)

    assert (other.read_text(), file.read_text()) == ("another's", LINES)
    assert not file.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_away_the_database_and_no_file_that_a_link_leads_to(tmp_path):
    folder, roots = tmp_path / "state", [tmp_path / "linked", tmp_path / "linked twice"]
    folder.mkdir()
    for each in (*roots, folder / "tocsin.db"):
        each.write_text("")
    (folder / "tocsin.db-evil").symlink_to(roots[0])
    (folder / "tocsin.db-hard").hardlink_to(roots[1])
    os.chown(folder, 65_534, 65_534)
    _give_to_its_folder(folder / "tocsin.db")

    assert [each.stat().st_uid for each in (folder / "tocsin.db", *roots)] == [65_534, 0, 0]
