"""What the documents tell to type can be typed: their commands and options exist, and the installation page holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from alerts.channels.settings import SecretSource
from alerts.cli import run
from alerts.cli.app import app
from alerts.config import load_config
from alerts.model.town import Town
from alerts.setup.beginning import beginning
from tests.walls import in_one_test

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
USE = (ROOT / "docs" / "use.md").read_text(encoding="utf-8")
UNIT = (ROOT / "systemd" / "tocsin.service").read_text(encoding="utf-8")
TOCSIN = typer.main.get_command(app)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
METRIC = re.compile(r'(?i:counter|gauge|histogram)(?:MetricFamily)?\(\s*"(tocsin_\w+)"')


def code_of(text: str) -> Iterator[str]:
    """Every line of a block of commands, and every span of code."""
    for language, block in FENCE.findall(text):
        if language in ("sh", "console"):
            yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def commands_in(text: str) -> Iterator[list[str]]:
    """The arguments of each `tocsin` that is a command to type, whatever stands before it in its line."""
    for line in code_of(text):
        match = re.match(r"(?:.*[ '])?tocsin (?!tocsin)((?:--config \S+ )?(?:-|[a-z]).*)$", line)
        if match and not re.search(r"pip |journalctl|systemctl|sqlite3|useradd|install -d|alias ", line):
            yield shlex.split(re.sub(r"#.*| && .*", "", match[1]), posix=True)


def told_to_type() -> list[tuple[str, list[str]]]:
    return [(page.name, words) for page in PAGES for words in commands_in(page.read_text(encoding="utf-8"))]


def faults(words: list[str]) -> list[str]:
    """What of a command line the program doesn't know."""
    known, here = TOCSIN, list(words)
    found = []
    while here:
        word = here.pop(0)
        options = {spelled for option in known.params for spelled in (*option.opts, *option.secondary_opts)}
        if word.startswith("--"):
            found += [] if word.split("=")[0] in options | {"--help"} else [word]
            if hasattr(known, "commands") and word in ("--config", "--stations"):
                here.pop(0)
        elif hasattr(known, "commands"):
            if word not in known.commands and "of" not in known.commands:
                return [*found, word]
            # `report ID`: what is none of its commands is an incident's name.
            known = known.commands[word if word in known.commands else "of"]
    return found


def test_every_command_that_is_told_exists_with_its_options():
    wrong = {(page, " ".join(words)): found for page, words in told_to_type() if (found := faults(words))}

    assert wrong == {}
    assert len(told_to_type()) > 40


def test_every_command_is_told():
    told = {" ".join(words) for _, words in told_to_type()}
    commands = {name for name in TOCSIN.commands if name != "db"} | {
        f"db {name}" for name in TOCSIN.commands["db"].commands
    }

    assert {name for name in commands if not any(f"{line} ".startswith(f"{name} ") for line in told)} == set()


@in_one_test
@pytest.mark.parametrize("words", [["psot"], ["post", "--headlin", "x"], ["db", "upgrad"], ["--confg", "x", "run"]])
def test_a_command_that_does_not_exist_would_be_found(words):
    assert faults(words)


def test_every_metric_is_told():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "alerts").rglob("*.py"))
    metrics = {name for source in sources for name in re.findall(METRIC, source)}
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")

    assert len(metrics) >= 20
    assert {name for name in metrics if f"`{name}`" not in page and f"`{name}_total`" not in page} == set()


class TestUse:
    """docs/use.md: its first alert and what it says about it, as they stand there."""

    @pytest.fixture
    def town(self, tmp_path, monkeypatch):
        for name in ("channels.toml", "areas.geojson"):
            (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("TOCSIN_CONFIG", raising=False)

    def test_the_alert_is_stored_and_can_be_spoken_of(self, town, capsys):
        post, update = (
            next(words for words in commands_in(USE) if words[0] == name and len(words) > 3)
            for name in ("post", "update")
        )
        assert run([word for word in post if word != "--wait"]) == 0
        told = capsys.readouterr()
        identity = told.out.split()[0]
        assert "elle partira quand le service tournera" in told.err

        assert run([identity[:4] if word == "ID" else word for word in update]) == 0
        assert "Coupure d'eau rue des Tanneurs" in capsys.readouterr().out
        assert run(["status", identity[:4]]) == 0
        assert "Faites une réserve d'eau." in capsys.readouterr().out
        assert run(["explain", identity[:4]]) == 0
        assert "remplacée" in capsys.readouterr().out


class TestInstall:
    """docs/install.md, from a checkout to a daemon that has its secrets."""

    @pytest.fixture
    def config(self, tmp_path) -> Town:
        """What `tocsin init /etc/tocsin` writes there, alone in a folder."""
        assert ["init", "/etc/tocsin"] in list(commands_in(INSTALL))
        [text] = beginning(Path("/etc/tocsin"), "en", None).values()
        (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "channels.toml")

    def test_what_it_adds_for_a_web_server_is_understood(self, config, tmp_path):
        [added] = (block for language, block in FENCE.findall(INSTALL) if language == "toml")
        station, rest = added.removeprefix("[station]\n").split("\n", 1)
        text = config.file.read_text(encoding="utf-8").replace("[station]\n", f"[station]\n{station}\n", 1) + rest
        (tmp_path / "channels.toml").write_text(text, encoding="utf-8")
        served = load_config(tmp_path / "channels.toml")

        assert served.web.proxies == ("127.0.0.1",)
        assert served.desk_url == "https://alertes.saint-martin.example/desk"

    def test_its_configuration_speaks_to_the_real_platforms(self, config):
        assert {channel.kind for channel in config.channels.values()} == {"twitter", "facebook", "telegram"}
        told = [channel.settings for channel in config.channels.values()]
        assert all(each.api_url == type(each).model_fields["api_url"].default for each in told)

    def test_it_writes_where_the_service_may(self, config):
        assert config.database.parent == Path("/var/lib") / re.findall(r"^StateDirectory=(\w+)$", UNIT, re.MULTILINE)[0]

    def test_its_secrets_are_those_that_the_unit_hands_over(self, config, tmp_path, monkeypatch):
        handed = re.findall(r"^LoadCredential=([\w-]+)$", UNIT, re.MULTILINE)
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        for name in handed:
            (credentials / name).write_text("made-up")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
        secrets = [
            value
            for channel in config.channels.values()
            for _, value in channel.settings
            if isinstance(value, SecretSource)
        ]

        assert len(secrets) == 8
        assert all(secret.read(config.folder).reveal() == "made-up" for secret in secrets)
