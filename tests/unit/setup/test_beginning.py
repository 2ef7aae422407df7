"""`tocsin init`: a station's first files can be read, and nothing that is there is written over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alerts.cli import run
from alerts.config import load_config
from alerts.setup.beginning import beginning


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_it_writes_is_a_configuration(tmp_path, language):
    assert run(["init", str(tmp_path / "town"), "--language", language]) == 0

    town = load_config(tmp_path / "town" / "channels.toml")
    assert {each.kind for each in town.channels.values()} == {"twitter", "facebook", "telegram"}
    assert town.database == tmp_path / "town" / "var" / "tocsin.db"


def test_what_is_there_stays(tmp_path, capsys):
    own = tmp_path / "channels.toml"
    own.write_text("# mine")

    assert run(["init", str(tmp_path), "--units", str(tmp_path / "units")]) == 2
    assert str(own) in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["channels.toml"]
    assert own.read_text() == "# mine"


def test_its_units_run_this_program_on_this_station(tmp_path):
    folder, units = Path("/srv/tocsin"), Path("/etc/systemd/system")
    files = beginning(folder, "en", units)

    assert (
        f"ExecStart={sys.prefix}/bin/tocsin --config /srv/tocsin/channels.toml run" in files[units / "tocsin.service"]
    )
    assert {each.name for each in files} > {"channels.toml", "tocsin-backup.timer", "tocsin-fleet.service"}
    assert not any("/opt/tocsin" in text for text in files.values())
    assert "sqlite:////var/lib/tocsin/tocsin.db" in files[folder / "channels.toml"]
