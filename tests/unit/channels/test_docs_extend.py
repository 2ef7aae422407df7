"""docs/extend.md can't lie: its channel and its source are taken out of it and run, and it names every protocol."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import aiohttp
import pytest
from hatchling.build import build_wheel
from ruff.__main__ import find_ruff_bin
from typer.testing import CliRunner

from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.channels import ChannelKind
from alerts.cli.app import app
from alerts.config import load_config
from alerts.config.kinds import channel_kind, source_kind
from alerts.model import errors
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Rejected, Retry, SourceFailed
from alerts.model.ports import Deletes, Edits, Finds, Memory, Resources, Surroundings
from alerts.model.post import Message
from alerts.model.town import Town
from alerts.sources import KINDS as SOURCE_KINDS
from alerts.sources import SourceKind
from tests.contract.channels.platform import platform
from tests.fakes import FakeClock

ROOT = Path(__file__).resolve().parents[3]
DOC = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
TOWN = """
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = { env = "TOKEN" }
"""
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def samples(part: str, language: str) -> list[str]:
    """The code of one language in the part with this heading."""
    section = DOC.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Writes a part's code where its entry point says that it is, and returns what the entry point names."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def install(part: str, group: str):
        declared = tomllib.loads(samples(part, "toml")[0])
        [(_, target)] = declared["project"]["entry-points"][group].items()
        module, name = target.split(":")
        (tmp_path / f"{module}.py").write_text(samples(part, "python")[0], encoding="utf-8")
        names.append(module)
        return getattr(importlib.import_module(module), name)

    yield install
    for name in names:
        sys.modules.pop(name)


@dataclass
class Packages:
    """Builds packages by the builder that the page names, and unpacks them, which is all that pip does with one."""

    folder: Path
    patch: pytest.MonkeyPatch

    def build(self, name: str, module: str, code: str, declared: str) -> None:
        package = self.folder / name
        package.mkdir()
        (package / f"{module}.py").write_text(code, encoding="utf-8")
        (package / "pyproject.toml").write_text(declared, encoding="utf-8")
        self.patch.chdir(package)
        with ZipFile(self.folder / build_wheel(str(self.folder))) as packed:
            packed.extractall(self.folder / "site")
        self.patch.syspath_prepend(str(self.folder / "site"))
        self.patch.delitem(sys.modules, module, raising=False)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    yield Packages(tmp_path, monkeypatch)
    for module in [name for name in sys.modules if name.startswith("town_")]:
        del sys.modules[module]


def package_of(part: str, kind: str) -> str:
    """The pyproject.toml that a kind of this part has: the board's, but for the name and the entry point."""
    whole, own = samples("Adding a channel", "toml")[0], samples(part, "toml")[0]
    entry_point = own[own.index("[project.entry-points") :]
    return whole[: whole.index("[project.entry-points")].replace("board", kind) + entry_point.replace("board", kind)


async def open_board(installed, monkeypatch, session, url):
    monkeypatch.setenv("BOARD_TOKEN", "made-up")
    kind = installed("Adding a channel", "tocsin.channels")
    assert isinstance(kind, ChannelKind)
    told = tomllib.loads(samples("Adding a channel", "toml")[1])["channels"]["panneaux"]
    settings = kind.settings.model_validate({**told, "api_url": url, "timeout": "60s"})

    async def remember(name, value):
        pass

    board = kind.load()("panneaux", settings, Resources(session, FakeClock(), Path(), {}.get, remember))
    await board.open()
    return board


async def test_the_channel_shows_takes_off_and_tells_who_it_is(installed, monkeypatch):
    answers = (201, b'{"id": 7}'), (200, b"{}"), (404, b'{"error": "unknown"}'), (200, b'{"name": "Place du Marche"}')
    async with platform(*answers) as server, aiohttp.ClientSession() as session:
        board = await open_board(installed, monkeypatch, session, server.url)
        receipt = await board.publish(Message("Crue", "Crue"))
        await board.delete(receipt.remote_id)
        await board.delete(receipt.remote_id)
        assert (await board.probe()).account == "Place du Marche"
        assert [(asked.method, asked.path) for asked in server.asked] == [
            ("POST", "/messages"),
            ("DELETE", "/messages/7"),
            ("DELETE", "/messages/7"),
            ("GET", "/me"),
        ]
        assert json.loads(server.asked[0].body) == {"text": "Crue"}
        assert isinstance(board, Deletes)
        assert not isinstance(board, Edits | Finds)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((502, b"<html>"), InDoubt),
        ((200, b"<html>"), InDoubt),
        ((400, b"<html>"), InDoubt),
        ((429, b"{}"), Retry),
        ((401, b"{}"), BadCredential),
        ((422, b'{"error": "too long"}'), Rejected),
    ],
)
async def test_the_channel_says_what_to_do_next(installed, monkeypatch, answer, expected):
    async with platform(answer) as server, aiohttp.ClientSession() as session:
        board = await open_board(installed, monkeypatch, session, server.url)
        with pytest.raises(DeliveryError) as caught:
            await board.publish(Message("Crue", "Crue"))
    assert type(caught.value) is expected
    assert "made-up" not in str(caught.value)


def test_the_source_is_contributed_as_a_file_and_a_row(tmp_path, monkeypatch):
    """Under its bare name, without `alerts.sources.`: other tests look at all settings that are below `alerts`."""
    part = DOC.partition("\n## Adding a source\n")[2].partition(
        "To contribute it here instead: `alerts/sources/gauge.py`"
    )[2]
    itself, row = re.findall(r'"alerts\.sources\.(gauge:\w+)"', part)
    code = samples("Adding a source", "python")[0].replace("town_gauge:Gauge", itself)
    (tmp_path / "gauge.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(SOURCE_KINDS, "gauge", row)
    (tmp_path / "channels.toml").write_text(TOWN + samples("Adding a source", "toml")[1], encoding="utf-8")

    gauge = load_config(tmp_path / "channels.toml").sources["isere"].settings

    assert (type(gauge).__name__, gauge.warns_from) == ("GaugeSettings", 4.0)
    assert source_kind("gauge").load().__name__ == "Gauge"
    del sys.modules["gauge"]


def test_the_channel_is_contributed_as_a_file_and_a_row(tmp_path, monkeypatch):
    """Under its bare name, as the source below."""
    part = DOC.partition("\nTo contribute one here instead: `alerts/channels/board.py`")[2]
    itself, row = re.findall(r'"alerts\.channels\.(board:\w+)"', part)
    code = samples("Adding a channel", "python")[0].replace("town_board:Board", itself)
    (tmp_path / "board.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(CHANNEL_KINDS, "board", row)

    assert channel_kind("board").settings.__name__ == "BoardSettings"
    assert channel_kind("board").load().__name__ == "Board"
    del sys.modules["board"]


@pytest.mark.parametrize(
    ("kind", "part", "counted"),
    [
        ("board", "Adding a channel", "2 channels, 1 sources"),
        ("gauge", "Adding a source", "1 channels, 2 sources"),
    ],
)
def test_a_package_is_built_as_told_and_tocsin_check_takes_its_lines(packages, kind, part, counted):
    packages.build(f"town-{kind}", f"town_{kind}", samples(part, "python")[0], package_of(part, kind))
    lines = next(text for text in samples(part, "toml") if f'kind = "{kind}"' in text)
    file = packages.folder / "channels.toml"
    file.write_text(TOWN + lines, encoding="utf-8")

    result = CliRunner().invoke(
        app, ["--config", str(file), "check"], env={"TOKEN": "made-up", "BOARD_TOKEN": "made-up"}
    )

    assert result.exit_code == 0, result.output
    assert counted in result.output


@pytest.mark.parametrize(
    ("file", "part"),
    [("alerts/channels/board.py", "Adding a channel"), ("alerts/sources/gauge.py", "Adding a source")],
)
def test_the_code_passes_the_checks_of_a_contribution(file, part):
    code = samples(part, "python")[0].encode()
    linter = [find_ruff_bin(), "check", "--no-cache", "--stdin-filename", file, "-"]

    told = subprocess.run(linter, input=code, capture_output=True, cwd=ROOT, check=False)

    assert told.returncode == 0, told.stdout.decode()


@pytest.mark.parametrize(
    ("answer", "headline"),
    [
        ((200, b'{"at": "2026-11-25T06:00:00+01:00", "metres": 4.2}'), "L’Isère : 4.2 m"),
        ((200, b'{"at": "2026-11-25T06:00:00+01:00", "metres": 3.9}'), None),
        ((200, b"<html>"), SourceFailed),
        ((404, b"{}"), SourceFailed),
    ],
)
async def test_the_source_warns_from_its_height_on(installed, answer, headline):
    kind = installed("Adding a source", "tocsin.sources")
    assert isinstance(kind, SourceKind)
    told = tomllib.loads(samples("Adding a source", "toml")[1])["sources"]["isere"]

    async def known(keys):
        return set()

    async with platform(answer) as server, aiohttp.ClientSession() as session:
        settings = kind.settings.model_validate({**told, "url": server.url})
        town = Town("Saint-Martin", "alertes@saint-martin.example", areas=("INSEE:38185",))
        around = Surroundings(session, FakeClock(), town)
        source = kind.load()("isere", settings, around)
        if headline is SourceFailed:
            with pytest.raises(SourceFailed):
                await source.read(Memory(), known, NOW)
            return
        heard = (await source.read(Memory(), known, NOW)).heard
    assert [(entry.alert.infos[0].headline, entry.alert.severity) for entry in heard] == (
        [(headline, Severity.SEVERE)] if headline else []
    )


@pytest.mark.parametrize(
    "name",
    [
        "Channel",
        "Edits",
        "Deletes",
        "Finds",
        "Lists",
        "Replaces",
        "TwoLevels",
        "DropsRepeats",
        "Rehearses",
        "Source",
        "Heard",
        "Memory",
        "SourceFailed",
    ]
    + [error.__name__ for error in DeliveryError.__subclasses__()],
)
def test_every_protocol_and_outcome_is_named(name):
    assert f"`{name}" in DOC


def test_the_outcomes_are_all_known_here():
    assert {error.__name__ for error in DeliveryError.__subclasses__()} <= set(vars(errors))
