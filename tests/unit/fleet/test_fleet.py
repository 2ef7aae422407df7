"""Towns come, change and go; what is wrong with one costs the others nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerts.fleet import fleet as fleet_of_towns
from alerts.fleet.fleet import TRIED_AGAIN_AFTER
from alerts.fleet.process import sole_user
from alerts.model.errors import TocsinError
from alerts.model.incident import Wanted
from tests.contract.sources.feed_server import serving
from tests.fakes import FakeClock
from tests.unit.fleet.towns import CHANNEL, a_fleet, running, write_town
from tests.walls import in_one_test

BROKEN = "[channels.site]\nkind = 'pigeon'\n"


async def test_a_broken_file_costs_its_own_town_alone_and_is_told(tmp_path):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "voreppe", rest=BROKEN)
    write_town(tmp_path, "meylan")

    async with a_fleet(tmp_path) as fleet:
        with capture_logs() as told:
            await fleet.look()

        assert running(fleet) == ["crolles", "meylan"]
        assert [each.code for each in fleet.members["voreppe"].wrong] == ["setting_wrong"]
        refused = [each for each in told if each["event"] == "town.refused"]
        assert [each["town"] for each in refused] == ["voreppe"]
        assert "pigeon" in refused[0]["reason"]


@pytest.mark.parametrize("step", ["settle", "build"])
async def test_what_nobody_foresaw_in_one_town_costs_that_one_alone(tmp_path, monkeypatch, step):
    for name in ("crolles", "meylan", "voreppe"):
        write_town(tmp_path, name)
    real = vars(fleet_of_towns)[step]

    def stumbles(*given):
        if "meylan" in str(given[0]):
            raise ZeroDivisionError
        return real(*given)

    monkeypatch.setattr(fleet_of_towns, step, stumbles)
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()

        assert running(fleet) == ["crolles", "voreppe"]
        assert [each.code for each in fleet.members["meylan"].wrong] == ["town_stumbled"]


async def test_each_town_has_a_database_of_its_own(tmp_path):
    write_town(tmp_path, "crolles")
    write_town(tmp_path, "meylan")

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()

        files = {member.daemon.town.database for member in fleet.members.values()}
        assert files == {tmp_path / "crolles/tocsin.db", tmp_path / "meylan/tocsin.db"}
        assert all(each.exists() for each in files)


async def test_the_others_go_on_as_they_are_while_towns_come_and_go(tmp_path):
    write_town(tmp_path, "crolles")
    gone = write_town(tmp_path, "meylan")

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        first = fleet.members["crolles"].daemon
        (gone / "channels.toml").unlink()
        write_town(tmp_path, "voreppe")
        await fleet.look()

        assert running(fleet) == ["crolles", "voreppe"]
        assert fleet.members["crolles"].daemon is first


async def test_a_changed_file_begins_its_town_anew(tmp_path):
    write_town(tmp_path, "crolles")

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        first = fleet.members["crolles"].daemon
        write_town(tmp_path, "crolles", 'language = "en"')
        await fleet.look()

        assert fleet.members["crolles"].daemon is not first
        assert fleet.members["crolles"].daemon.town.language == "en"


async def test_a_town_goes_on_with_what_its_file_said_before_while_the_new_one_is_wrong(tmp_path):
    write_town(tmp_path, "crolles")

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        first = fleet.members["crolles"].daemon
        write_town(tmp_path, "crolles", rest=BROKEN)
        await fleet.look()
        assert fleet.members["crolles"].daemon is first
        assert fleet.members["crolles"].wrong

        write_town(tmp_path, "crolles", 'language = "en"')
        await fleet.look()
        assert fleet.members["crolles"].daemon is not first
        assert not fleet.members["crolles"].wrong


async def test_a_file_that_is_wrong_is_read_once_until_it_changes(tmp_path):
    write_town(tmp_path, "crolles", rest=BROKEN)

    async with a_fleet(tmp_path, clock=FakeClock()) as fleet:
        await fleet.look()
        with capture_logs() as told:
            await fleet.look()

        assert not told


async def test_what_could_not_be_begun_is_tried_again_after_a_minute(tmp_path):
    folder = write_town(tmp_path, "crolles")
    (folder / "tocsin.db").mkdir()
    clock = FakeClock()

    async with a_fleet(tmp_path, clock=clock) as fleet:
        await fleet.look()
        assert running(fleet) == []
        (folder / "tocsin.db").rmdir()
        await fleet.look()
        assert running(fleet) == []

        await clock.advance(TRIED_AGAIN_AFTER)
        await fleet.look()
        assert running(fleet) == ["crolles"]
        assert not fleet.members["crolles"].wrong


async def test_of_two_towns_that_name_one_host_the_second_is_refused(tmp_path):
    write_town(tmp_path, "crolles", 'public_url = "https://alertes.example"')

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        write_town(tmp_path, "annecy", 'public_url = "https://alertes.example"')
        await fleet.look()

        assert running(fleet) == ["crolles"]
        assert "crolles" in str(fleet.members["annecy"].wrong[0])


async def test_a_name_stays_with_its_town_over_restarts_until_the_town_is_gone(tmp_path):
    write_town(tmp_path, "crolles", 'public_url = "https://alertes.crolles.example"')
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
    write_town(tmp_path, "annecy", 'public_url = "https://alertes.crolles.example"')

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        assert running(fleet) == ["crolles"]
        assert fleet.members["annecy"].wrong[0]["what"].code == "host_taken"

        shutil.rmtree(tmp_path / "crolles")
        (tmp_path / "annecy/channels.toml").touch()
        await fleet.look()
        assert running(fleet) == ["annecy"]


async def test_a_name_that_the_operators_bound_is_no_other_towns(tmp_path):
    write_town(tmp_path, "annecy", 'public_url = "https://alertes.crolles.example"')
    async with a_fleet(tmp_path, hosts={"alertes.crolles.example": "crolles"}) as fleet:
        await fleet.look()

        assert running(fleet) == []


@in_one_test
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "192.0.2.7", "desk.localhost", "server"])
async def test_no_town_takes_a_name_of_the_machine(tmp_path, host):
    write_town(tmp_path, "crolles", f'public_url = "https://{host}"')
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()

        assert running(fleet) == []
        assert fleet.members["crolles"].wrong[0]["what"].code == "host_of_machine"


async def test_a_town_waits_for_no_lease_of_a_killed_process_before_this_one_and_for_every_other(tmp_path):
    folder = write_town(tmp_path, "crolles", rest=CHANNEL + CHANNEL.replace("site", "panneaux"))
    clock = FakeClock()
    async with a_fleet(tmp_path, clock=clock) as fleet:
        await fleet.look()
        await until(lambda: {"site", "panneaux"} <= lane_owners(folder).keys())
    mine = fleet.outside.owners
    lasts = int((clock.now().timestamp() + 50) * 1e6)
    with closing(sqlite3.connect(folder / "tocsin.db")) as db, db:
        for lane, owner in (("site", f"{mine}killed"), ("panneaux", "another-daemon")):
            db.execute("UPDATE lease SET owner = ?, until = ? WHERE lane = ?", (owner, lasts, lane))

    async with a_fleet(tmp_path, clock=clock) as fleet:
        await fleet.look()
        # The clock stands still: no lease of either runs out meanwhile.
        await until(lambda: "killed" not in lane_owners(folder)["site"] and lane_owners(folder)["site"])

        assert lane_owners(folder)["site"].startswith(mine)
        assert lane_owners(folder)["panneaux"] == "another-daemon"


async def until(what):
    for _ in range(6000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within a minute")


def lane_owners(folder):
    with closing(sqlite3.connect(folder / "tocsin.db")) as db:
        return dict(db.execute("SELECT lane, owner FROM lease"))


async def test_one_process_works_a_folder(tmp_path):
    with sole_user(tmp_path), pytest.raises(TocsinError) as error, sole_user(tmp_path):
        pass

    assert error.value.reason.code == "fleet_runs"
    with sole_user(tmp_path):
        pass


async def test_a_feed_that_towns_share_is_asked_once_and_each_files_it_by_its_own_rules(tmp_path):
    takes = {"crolles": "Minor", "meylan": "Extreme", "voreppe": "Minor"}
    async with serving() as server:
        server.lay_out("a", "b")
        for name, severity in takes.items():
            feed = f'[sources.meteo]\nkind = "cap"\nurl = "{server.url}/index"\nseverity = "{severity}"\n'
            write_town(tmp_path, name, rest=f"{feed}{CHANNEL}")
        async with a_fleet(tmp_path, clock=FakeClock()) as fleet:
            await fleet.look()
            filed = {name: await two_alerts(member.daemon) for name, member in sorted(fleet.members.items())}

    assert sorted(server.asked) == ["/a.xml", "/b.xml", "/index"]
    reasons = {name: {each.reason.code for each in two if each.reason} for name, two in filed.items()}
    assert "below_source_severity" in reasons["meylan"]
    assert reasons["crolles"] == reasons["voreppe"] != reasons["meylan"]


async def two_alerts(daemon):
    """What a town has filed, once it is two alerts."""
    async with asyncio.timeout(60):
        while len(filed := await daemon.database.read(lambda unit: unit.views.page(Wanted()))) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return filed


def at(url, schema):
    return f"{url}&schema={schema}"


async def test_towns_at_a_server_have_a_schema_each_and_no_two_the_same(tmp_path, postgresql_url):
    write_town(tmp_path, "crolles", store=at(postgresql_url, "crolles"))
    write_town(tmp_path, "meylan", store=at(postgresql_url, "meylan"))

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        write_town(tmp_path, "voreppe", store=at(postgresql_url, "crolles"))
        await fleet.look()

        assert running(fleet) == ["crolles", "meylan"]
        [wrong] = fleet.members["voreppe"].wrong
        assert wrong["what"].code == "store_taken"
        stored = await fleet.members["crolles"].daemon.database.read(lambda unit: unit.views.everything())
        assert stored == []


async def test_a_schema_is_its_towns_however_its_address_is_spelt(tmp_path, postgresql_url):
    write_town(tmp_path, "meylan", store=at(postgresql_url, "d1"))
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        spelt = at(postgresql_url, "d1").replace("%2Ftocsin-pg", "%2F.%2Ftocsin-pg")
        write_town(tmp_path, "attaquant", store=spelt)
        await fleet.look()

        assert running(fleet) == ["meylan"]
        assert fleet.members["attaquant"].wrong[0].code == "store_not_own"

    shutil.rmtree(tmp_path / "meylan")
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        assert running(fleet) == [], "what a town left at a server is nobody's who knows the address"


async def test_a_file_is_its_towns_and_that_of_the_folder_once_the_town_is_gone(tmp_path):
    write_town(tmp_path, "meylan")
    write_town(tmp_path, "crolles")
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
    for each in (tmp_path / "crolles").glob("tocsin.db*"):
        each.unlink()
    os.link(tmp_path / "meylan/tocsin.db", tmp_path / "crolles/tocsin.db")
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        assert running(fleet) == ["meylan"]
    shutil.rmtree(tmp_path / "meylan")
    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        assert running(fleet) == ["crolles"]


async def test_what_signs_in_at_a_town_s_server_is_the_town_s_own(tmp_path, postgresql_url, monkeypatch):
    monkeypatch.setenv("STORE", at(postgresql_url, "crolles"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "address").write_text("another town's")
    other = write_town(tmp_path, "crolles", store="sqlite:///tocsin.db")
    config = other / "channels.toml"
    own = config.read_text()
    config.write_text(own.replace('"sqlite:///tocsin.db"', '{ env = "STORE" }'))

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()
        [wrong] = fleet.members["crolles"].wrong
        assert wrong["what"].code == "secret_of_process"

        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        (other / "address").write_text(at(postgresql_url, "crolles"))
        config.write_text(own.replace('"sqlite:///tocsin.db"', '{ file = "address" }'))
        await fleet.look()
        assert running(fleet) == ["crolles"]


@in_one_test
@pytest.mark.parametrize(
    ("station", "rest", "key"),
    [
        ('boundary = "../crolles/areas.geojson"', "", "station.boundary"),
        ('boundary = "areas.geojson"\nstreets = "../crolles/streets.csv"', "", "station.streets"),
        ('templates = "../crolles/templates"', "", "station.templates"),
        ("", '[sources.travaux]\nkind = "ical"\nurl = "../crolles/travaux.ics"\n', "sources.travaux.url"),
        ("", '[sources.travaux]\nkind = "ical"\nurl = "file:///etc/passwd"\n', "sources.travaux.url"),
    ],
)
async def test_no_town_reads_what_lies_in_another_one_s_folder(tmp_path, station, rest, key):
    write_town(tmp_path, "crolles")
    (tmp_path / "crolles" / "streets.csv").write_text("street,district\nRue Haute,SM-01\n", encoding="utf-8")
    write_town(tmp_path, "meylan", station, CHANNEL + rest)
    for name in ("crolles", "meylan"):
        shutil.copy(Path(__file__).parents[3] / "areas.geojson", tmp_path / name)

    async with a_fleet(tmp_path) as fleet:
        await fleet.look()

        assert running(fleet) == ["crolles"]
        told = {str(each["key"]): each["what"].code for each in fleet.members["meylan"].wrong}
        assert told == {key: "outside_of_folder"}
