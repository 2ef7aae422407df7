"""Which towns are in a folder, what of their files counts, and what a town may not say in a fleet."""

from __future__ import annotations

import os

import pytest
from jinja2 import TemplateNotFound

from alerts.fleet.folder import find_towns
from alerts.fleet.towns import mark, settle
from alerts.model.errors import BadCredential, ConfigurationError
from alerts.model.local import within_of
from alerts.model.town import FleetSection, WebSection
from alerts.rendering.library import Library, shipped_folder
from alerts.web.public.site import logo_of
from tests.unit.fleet.towns import CHANNEL, SHARED, write_town
from tests.walls import in_one_test

FLEET, WEB = FleetSection(SHARED), WebSection(listen="127.0.0.1:4321", proxies=("10.0.0.1",))


def settled(folder):
    return settle(folder.name, folder, FLEET, WEB)


def faults(folder):
    with pytest.raises(ConfigurationError) as error:
        settled(folder)
    return [str(each) for each in error.value.problems]


def test_a_subfolder_with_a_channels_toml_is_a_town(tmp_path):
    write_town(tmp_path, "crolles")
    (tmp_path / "empty").mkdir()
    write_town(tmp_path, ".hidden")
    (tmp_path / "fleet.toml").write_text("")

    assert find_towns(tmp_path) == {"crolles": tmp_path / "crolles"}


def test_a_town_with_a_host_of_its_own_answers_there_at_the_root(tmp_path):
    told = settled(write_town(tmp_path, "crolles", 'public_url = "https://Alertes.crolles.example"'))

    assert told.hosts == {"alertes.crolles.example"}
    assert told.town.mount == ""


def test_a_desk_may_have_another_name_than_the_pages(tmp_path):
    desk = '\n[desk]\nurl = "https://desk.crolles.example"\n'
    told = settled(write_town(tmp_path, "crolles", 'public_url = "https://crolles.example"', CHANNEL + desk))

    assert told.hosts == {"crolles.example", "desk.crolles.example"}


def test_a_town_without_a_host_is_below_the_fleets_address(tmp_path):
    told = settled(write_town(tmp_path, "crolles"))

    assert told.hosts == frozenset()
    assert told.town.mount == "/t/crolles"
    assert told.town.public_url == f"{SHARED}/t/crolles"
    assert told.town.desk_url == f"{SHARED}/t/crolles/desk"


@pytest.mark.parametrize("spelled", ["{}", "{}.", "{}./page"])
def test_the_fleets_own_address_is_no_towns_however_it_is_spelled(tmp_path, spelled):
    """Else the operators' desk, and every town below that address, would be this town's."""
    told = settled(write_town(tmp_path, "crolles", f'public_url = "{spelled.format(SHARED)}"'))

    assert told.hosts == frozenset()
    assert told.town.mount == "/t/crolles"


def test_where_it_is_listened_and_whose_word_is_taken_is_the_fleets(tmp_path):
    web = '\n[web]\nlisten = "0.0.0.0:80"\nproxies = ["0.0.0.0/0"]\ntiles_by = "IGN"\n'
    told = settled(write_town(tmp_path, "crolles", rest=CHANNEL + web)).town.web

    assert (told.listen, told.proxies, told.tiles_by) == ("127.0.0.1:4321", ("10.0.0.1",), "IGN")


def test_a_secret_of_the_whole_process_is_no_towns(tmp_path):
    told = faults(write_town(tmp_path, "crolles", rest=CHANNEL.replace('file = "secret"', 'env = "OTHER_TOWNS_KEY"')))

    assert len(told) == 1
    assert "channels.site.secret" in told[0]
    assert "OTHER_TOWNS_KEY" in told[0]


@pytest.mark.parametrize("path", ["../voreppe/secret", "/etc/hostname", "link"])
def test_a_secret_lies_in_the_towns_folder(tmp_path, path):
    folder = write_town(tmp_path, "crolles", rest=CHANNEL.replace('"secret"', f'"{path}"'))
    (folder / "link").symlink_to(write_town(tmp_path, "voreppe") / "secret")

    assert path in faults(folder)[0]


FORWARD = """
[reports.forward.vol]
url = "https://311.crolles.example/v2"
kinds = {{ lighting = "L" }}
key = {{ {key} }}
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@in_one_test
@pytest.mark.parametrize(
    ("station", "rest", "key"),
    [
        ("", FORWARD.format(key='env = "OTHER_TOWNS_KEY"'), "reports.forward.vol.key"),
        ("", FORWARD.format(key='file = "../voreppe/secret"'), "reports.forward.vol.key"),
        ('logo = "../voreppe/logo.svg"', "", "station.logo"),
        ('addresses = "../voreppe/addresses.csv"', "", "station.addresses"),
        ("", '[sources.travaux]\nkind = "ical"\nurl = "FILE:///etc/passwd"\n', "sources.travaux.url"),
        ("", '[web]\nexport = "../voreppe/site"\n', "web.export"),
    ],
)
def test_whatever_section_names_it_a_towns_files_and_secrets_lie_in_its_folder(tmp_path, station, rest, key):
    other = write_town(tmp_path, "voreppe")
    (other / "logo.svg").write_text(LOGO)
    folder = write_town(tmp_path, "crolles", station, CHANNEL + rest)

    assert [told.split(": ")[1] for told in faults(folder)] == [key]


@pytest.mark.parametrize(
    "name", ["tocsin.db", "tocsin.db-height", "tocsin.db-upgrade", "tocsin.db.pictures", "templates/x.j2"]
)
def test_no_link_has_a_daemon_read_or_write_outside_of_its_towns_folder(tmp_path, name):
    other = write_town(tmp_path, "voreppe")
    folder = write_town(tmp_path, "crolles")
    told = settled(folder)
    (folder / "templates").mkdir()
    (folder / name).symlink_to(other / "secret")

    assert any(name.rsplit("/", maxsplit=1)[-1] in each for each in faults(folder))
    assert (*mark(folder / "channels.toml"), *told.made_of.mark()) != told.mark


def test_what_is_laid_in_the_place_of_a_file_after_it_was_looked_at_is_not_read(tmp_path):
    other = write_town(tmp_path, "voreppe")
    (other / "logo.svg").write_text(LOGO)
    folder = write_town(tmp_path, "crolles", 'logo = "logo.svg"')
    (folder / "logo.svg").write_text(LOGO)
    town = settled(folder).town
    secret = town.channels["site"].settings.secret
    assert logo_of(town) is not None
    assert secret.read(folder)

    for name in ("secret", "logo.svg"):
        (folder / name).unlink()
        (folder / name).symlink_to(other / name)
    assert logo_of(town) is None
    with pytest.raises(BadCredential):
        secret.read(folder)

    for name in ("secret", "logo.svg"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
    assert logo_of(town) is None, "and nobody waits for a pipe"
    with pytest.raises(BadCredential):
        secret.read(folder)


def test_a_template_that_became_a_link_to_another_towns_secret_is_never_rendered(tmp_path):
    other = write_town(tmp_path, "voreppe")
    folder = write_town(tmp_path, "crolles")
    template = folder / "templates/fr/webhook/publish.j2"
    template.parent.mkdir(parents=True)
    template.write_text("mine")
    town = settled(folder).town
    template.unlink()
    template.symlink_to(other / "secret")

    library = Library([town.template_folder, shipped_folder()], within_of(town.templates))
    with pytest.raises(TemplateNotFound):
        library.printed("fr/webhook/publish.j2", "plain", {})


def test_a_database_lies_in_the_towns_folder(tmp_path):
    told = faults(write_town(tmp_path, "crolles", store="sqlite:///../voreppe/tocsin.db"))

    assert "store.url" in told[0]


def test_no_file_of_the_process_goes_before_the_towns_own_secret(tmp_path, monkeypatch):
    given = tmp_path / "given"
    given.mkdir()
    (given / "secret").write_text("another-towns")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    told = settled(write_town(tmp_path, "crolles")).town

    assert told.channels["site"].settings.secret.read(told.folder).reveal().startswith("whsec_")


def test_all_that_is_wrong_is_told_at_once_with_what_a_fleet_asks(tmp_path):
    told = faults(write_town(tmp_path, "Crolles"))

    assert "a town's folder is named" in told[0]


@pytest.mark.parametrize(
    "changed", ["channels.toml", "secret", "areas.geojson", "streets.csv", "templates/fr/telegram/end.j2"]
)
def test_a_file_that_the_town_is_made_of_changes_its_mark(tmp_path, changed):
    folder = write_town(tmp_path, "crolles", 'boundary = "areas.geojson"\nstreets = "streets.csv"')
    outline = '{"type": "Polygon", "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 45]]]}'
    feature = f'{{"type": "Feature", "properties": {{"code": "1", "name": "Bourg"}}, "geometry": {outline}}}'
    (folder / "areas.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{feature}]}}')
    (folder / "streets.csv").write_text("street,district\nRue Haute,Bourg\n")
    (folder / "templates/fr/telegram").mkdir(parents=True)
    (folder / "templates/fr/telegram/end.j2").write_text("Fini")
    told = settled(folder)
    assert (*mark(folder / "channels.toml"), *told.made_of.mark()) == told.mark

    (folder / changed).write_text((folder / changed).read_text() + "\n")

    assert (*mark(folder / "channels.toml"), *told.made_of.mark()) != told.mark


def test_what_the_daemon_writes_itself_changes_no_mark(tmp_path):
    folder = write_town(tmp_path, "crolles")
    told = settled(folder)

    (folder / "tocsin.db").write_text("rows")

    assert (*mark(folder / "channels.toml"), *told.made_of.mark()) == told.mark
