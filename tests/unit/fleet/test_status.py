"""`status --stations`: the towns of a folder, one row each, by what their files and databases say."""

from __future__ import annotations

import json
import shutil

from alerts.cli.app import carry_out
from alerts.config import load_config
from alerts.fleet.folder import find_towns
from alerts.fleet.towns import towns
from alerts.model.incident import Wanted
from alerts.store.identity import claim
from alerts.store.unit import asking
from tests.unit.fleet.towns import CHANNEL, a_fleet, running, write_town

FEED = '\n[sources.meteo]\nkind = "cap"\nurl = "feed.xml"\n'
BROKEN = "[channels.site]\nkind = 'pigeon'\n"


async def test_each_town_has_a_row_with_what_it_does_and_what_is_wrong(tmp_path):
    write_town(tmp_path, "crolles", 'public_url = "https://alertes.crolles.example"', CHANNEL + FEED)
    write_town(tmp_path, "meylan")
    write_town(tmp_path, "voreppe", 'language = "fr"', BROKEN)

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        # Whether a town runs is told by its leases.
        for name in ("crolles", "meylan"):
            await fleet.members[name].daemon._keeper.hold("site").wait()
        write_town(tmp_path, "meylan", rest=BROKEN)
        write_town(tmp_path, "sassenage")
        rows = {row["town"]: row for row in towns(tmp_path)}

    assert {name: row["state"] for name, row in rows.items()} == {
        "crolles": "running",
        "meylan": "outdated",
        "sassenage": "stopped",
        "voreppe": "refused",
    }
    assert rows["crolles"]["pages"] == "https://alertes.crolles.example"
    assert rows["crolles"]["station"] == "Ville de crolles"
    assert (rows["crolles"]["on"], rows["crolles"]["queued"]) == (0, 0)
    assert rows["crolles"]["failing"] == ["meteo"]
    assert "attendu" in rows["voreppe"]["reason"]
    assert rows["voreppe"]["reason_code"] == "lines"


def test_nothing_runs_where_no_process_does(tmp_path, capsys):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "voreppe", rest=BROKEN)

    assert carry_out(["status", "--stations", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert carry_out(["status", "--stations", str(tmp_path), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [line.split()[0] for line in lines] == ["crolles", "voreppe"]
    assert "pigeon" in lines[1]
    assert [row["state"] for row in rows] == ["stopped", "refused"]


async def test_what_only_the_process_refuses_is_not_said_to_run(tmp_path):
    """A host name of another town, and a database of another: the file by itself shows neither."""
    write_town(tmp_path, "meylan", 'public_url = "https://alertes.example"')
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        await fleet.members["meylan"].daemon._keeper.hold("site").wait()
        write_town(tmp_path, "annecy", 'public_url = "https://alertes.example"')
        write_town(tmp_path, "voreppe")
        shutil.copy(tmp_path / "meylan/tocsin.db", tmp_path / "voreppe/tocsin.db")
        await fleet.look()
        rows = {row["town"]: row for row in towns(tmp_path)}

        assert running(fleet) == ["meylan"]
    assert {name: row["state"] for name, row in rows.items()} == {
        "annecy": "refused",
        "meylan": "running",
        "voreppe": "refused",
    }
    assert "meylan" in rows["annecy"]["reason"]
    assert rows["voreppe"]["reason_code"] == "store_of_other"


def test_a_command_leaves_the_database_of_another_town_alone(tmp_path, postgresql_url, capsys):
    """Whoever writes a town's file may name a neighbour's schema, which the same role of the server may write to."""
    for name in ("meylan", "voreppe"):
        write_town(tmp_path, name, store=f"{postgresql_url}&schema=meylan")
    found = find_towns(tmp_path)
    place = load_config(tmp_path / "meylan" / "channels.toml").database
    claim(place, "meylan", found)

    post = ["post", "--headline", "Vent", "--json"]
    statuses = [carry_out(["--config", str(tmp_path / name / "channels.toml"), *post]) for name in found]

    assert statuses == [0, 1], capsys.readouterr()
    assert "meylan" in capsys.readouterr().err.splitlines()[-1]
    with asking(place) as unit:
        assert len(unit.views.page(Wanted())) == 1


def test_a_folder_that_is_not_there_is_told(tmp_path, capsys):
    assert carry_out(["status", "--stations", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_the_command_line_speaks_the_fleets_language(tmp_path, capsys):
    write_town(tmp_path, "voreppe", rest=BROKEN)
    assert carry_out(["status", "--stations", str(tmp_path)]) == 0
    assert "refusé" in capsys.readouterr().out
    (tmp_path / "fleet.toml").write_text('[fleet]\nlanguage = "en-GB"\n')
    assert carry_out(["status", "--stations", str(tmp_path)]) == 0
    assert "refused" in capsys.readouterr().out
    (tmp_path / "fleet.toml").write_text('[fleet]\nlanguage = "fr-FR"\n')
    assert carry_out(["user", "--stations", str(tmp_path), "add", "Luc", "--role", "operator"]) == 0
    assert "mot de passe" in capsys.readouterr().err
