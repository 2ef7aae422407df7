"""Five towns, of which one is hostile: nothing of another is read, changed, held up or answered for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.accounts import add_token
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.fleet.process import fleet_app
from alerts.model.alert import Severity
from alerts.model.incident import AlertState
from alerts.model.person import Actor, Origin, Role
from tests.unit.fleet.towns import CHANNEL, SHARED, a_fleet, running, write_town

OTHERS = ("crolles", "domene", "meylan", "voreppe")
HOST = "alertes.meylan.example"
CANARY = "the-canary-of-meylan"
LOGO = f'<svg xmlns="http://www.w3.org/2000/svg"><!-- {CANARY} --></svg>'
ROOT = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root")


@dataclass(frozen=True)
class Trick:
    """What the hostile town has in its folder: lines of its file, and what `lay` puts there of its own or of others."""

    name: str
    station: str = ""
    rest: str = ""
    store: str = "sqlite:///tocsin.db"
    lay: Callable[[Path, Path], None] = field(default=lambda own, other: None)


def link(name: str, to: str) -> Callable[[Path, Path], None]:
    """A link of that name in the hostile town's folder, to something of another's."""

    def lay(own: Path, other: Path) -> None:
        place = own / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(other / to)

    return lay


def pipe(name: str) -> Callable[[Path, Path], None]:
    def lay(own: Path, _: Path) -> None:
        (own / name).unlink(missing_ok=True)
        os.mkfifo(own / name)

    return lay


def forward(key: str) -> str:
    return f'[reports.forward.vol]\nurl = "http://127.0.0.1:9/v2"\nkinds = {{ lighting = "X" }}\nkey = {{ {key} }}\n'


def feed(url: str) -> str:
    return f'[sources.travaux]\nkind = "ical"\nurl = "{url}"\n'


VIGILANCE = '[sources.v]\nkind = "vigilance"\ndepartment = "38"\nkey = {{ {key} }}\n'
TRICKS = (
    Trick("a variable of the process, by a forward", rest=forward('env = "FLEET_SECRET"')),
    Trick("another's secret, by a forward", rest=forward('file = "../meylan/secret"')),
    Trick("another's secret, by its whole path", rest=forward('file = "{other}/secret"')),
    Trick("another's secret, by a source", rest=VIGILANCE.format(key='file = "../meylan/secret"')),
    Trick("another's secret, by a link", rest=forward('file = "link"'), lay=link("link", "secret")),
    Trick("another's secret in a channel", rest=CHANNEL.replace("site", "x").replace('"secret"', '"../meylan/secret"')),
    Trick("another's picture", 'logo = "../meylan/logo.svg"'),
    Trick("another's picture, by a link", 'logo = "own.svg"', lay=link("own.svg", "logo.svg")),
    Trick("another's outlines", 'boundary = "../meylan/areas.geojson"'),
    Trick("another's streets", 'boundary = "areas.geojson"\nstreets = "../meylan/streets.csv"'),
    Trick("another's addresses", 'addresses = "../meylan/addresses.csv"'),
    Trick("another's templates", 'templates = "../meylan"'),
    Trick("another's secret as a template", lay=link("templates/fr/webhook/publish.j2", "secret")),
    Trick("another's feed", rest=feed("../meylan/travaux.ics")),
    Trick("another's feed, by an address", rest=feed("FILE://{other}/travaux.ics")),
    Trick("pages into another's folder", rest='[web]\nexport = "../meylan/site"\n'),
    Trick("another's database", store="sqlite:///../meylan/tocsin.db"),
    Trick("another's database, by a link", lay=link("tocsin.db", "tocsin.db")),
    Trick("another's file to be written over", lay=link("tocsin.db-height", "channels.toml")),
    Trick("another's file to be emptied", lay=link("tocsin.db-upgrade", "channels.toml")),
    Trick("another's pictures", lay=link("tocsin.db.pictures", ".")),
    Trick("another's file as its own", lay=link("channels.toml", "channels.toml")),
    Trick("a pipe as its file", lay=pipe("channels.toml")),
    Trick("a pipe as its picture", 'logo = "own.svg"', lay=pipe("own.svg")),
    Trick("another's name", f'public_url = "https://{HOST}"'),
    Trick("another's name for its desk", rest=f'[desk]\nurl = "https://{HOST}/desk"\n'),
    Trick("the machine's address", 'public_url = "https://127.0.0.1"'),
    Trick("the machine's name", 'public_url = "https://localhost"'),
    Trick("a file without end", lay=lambda own, _: os.truncate(own / "channels.toml", 1 << 40)),
)  # fmt: skip


def hostile(stations: Path, trick: Trick) -> None:
    """The hostile town's folder as the trick has it, and nothing of the one before."""
    shutil.rmtree(stations / "attaquant", ignore_errors=True)
    other = stations / "meylan"
    rest = CHANNEL + trick.rest.replace("{other}", os.fspath(other))
    own = write_town(stations, "attaquant", trick.station, rest, trick.store)
    trick.lay(own, other)


async def filed(fleet, town: str) -> float:
    """Have a town's officer post an Extreme; the seconds until it was out of the desk."""
    service = fleet.members[town].daemon.service
    began = time.monotonic()

    def post(unit):
        draft = Draft(headline="Crue", severity=Severity.EXTREME, language="fr-FR")
        return Officer(unit, ROOT).post(draft_alert(draft, unit.desk.station, unit.now, os.urandom(8).hex()))

    assert (await service.act(post)).stored.state is AlertState.ACCEPTED
    return time.monotonic() - began


def standing(stations: Path) -> dict[str, bytes]:
    """What the other towns' own files hold."""
    names = ("secret", "channels.toml", "logo.svg", "streets.csv", "travaux.ics")
    return {f"{town}/{name}": (stations / town / name).read_bytes() for town in OTHERS for name in names}


@pytest.fixture
def stations(tmp_path, monkeypatch):
    monkeypatch.setenv("FLEET_SECRET", CANARY)
    for name in OTHERS:
        folder = write_town(tmp_path, name, f'public_url = "https://alertes.{name}.example"\nlogo = "logo.svg"')
        (folder / "logo.svg").write_text(LOGO)
        (folder / "streets.csv").write_text(f"street,district\n{CANARY},SM-01\n")
        (folder / "travaux.ics").write_text(f"BEGIN:VCALENDAR\nX-WR-CALNAME:{CANARY}\nEND:VCALENDAR\n")
        shutil.copy(Path(__file__).parents[3] / "areas.geojson", folder)
    return tmp_path


async def test_nothing_of_another_town_is_read_changed_held_up_or_answered_for(stations):
    async with (
        a_fleet(stations, url=SHARED) as fleet,
        TestClient(TestServer(await fleet_app(fleet))) as client,
    ):
        await fleet.look()
        before = standing(stations)
        quiet = [await filed(fleet, town) for town in OTHERS]
        worked, told = [], {}
        for trick in TRICKS:
            hostile(stations, trick)
            await fleet.look()
            await fleet.look()
            if "attaquant" in running(fleet):
                worked.append(trick.name)
            member = fleet.members.get("attaquant")
            told[trick.name] = [str(each) for each in member.wrong] if member is not None else []
            for path in ("/", "/logo.svg", "/areas.json", "/streets.json"):
                assert CANARY not in await (await client.get(f"/t/attaquant{path}")).text(), trick.name
            page = await (await client.get("/", headers={"Host": HOST})).text()
            assert "Ville de meylan" in page, trick.name
            assert standing(stations) == before, trick.name

        assert worked == []
        assert not [name for name, lines in told.items() if CANARY in str(lines)]
        assert [name for name in running(fleet) if name in OTHERS] == list(OTHERS)
        beside = [await filed(fleet, town) for town in OTHERS]
        assert min(beside) < max(quiet) * 10 + 1


async def test_a_town_that_lays_a_link_out_of_its_folder_while_it_runs_is_ended(stations):
    own = write_town(stations, "attaquant")
    async with a_fleet(stations, url=SHARED) as fleet:
        await fleet.look()
        assert "attaquant" in running(fleet)
        (own / "tocsin.db.pictures").symlink_to(stations / "meylan")
        await fleet.look()
        assert running(fleet) == list(OTHERS)


async def test_no_officer_and_no_visitor_of_one_town_is_anybody_at_another(stations):
    write_town(stations, "attaquant")
    async with (
        a_fleet(stations, url=SHARED) as fleet,
        TestClient(TestServer(await fleet_app(fleet))) as client,
    ):
        await fleet.look()
        service = fleet.members["attaquant"].daemon.service
        _, secret = await service.act(
            lambda unit: add_token(Officer(unit, ROOT), "vol", Role.ADMINISTRATOR, os.urandom(32))
        )
        signed = {"Authorization": f"Bearer {secret.reveal()}"}

        assert (await client.get("/t/attaquant/api/v1/alerts", headers=signed)).status == 200
        for host in (HOST, "alertes.crolles.example"):
            assert (await client.get("/api/v1/alerts", headers=signed | {"Host": host})).status == 401
        for page in ("/metrics", "/readyz", "/healthz"):
            assert (await client.get(f"/t/attaquant{page}")).status == 404
        assert (await client.get("/t/attaquant/../meylan/desk/")).status in (303, 404)
