"""Every mistake gets a line that says what and where, exit status 2, and nothing stored."""

from __future__ import annotations

import os
import pwd
import shlex

import pytest

from alerts.cli import run

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""


def test_help_where_no_command_is_named_is_no_complaint(capsys):
    assert run([]) == 2
    assert capsys.readouterr().err.startswith("Usage: tocsin")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    return tmp_path


POST = ["post", "--headline", "Pont fermé"]
MISTAKES = [
    (["post"], ["--headline", "is missing"]),
    (["post", "--headline", "  "], ["--headline"]),
    ([*POST, "--severity", "enorme"], ["--severity", "Extreme"]),
    ([*POST, "--urgency", "vite"], ["--urgency", "Immediate"]),
    ([*POST, "--certainty", "oui"], ["--certainty", "Observed"]),
    ([*POST, "--category", "Eau"], ["--category", "Infra"]),
    ([*POST, "--expires", "demain"], ["--expires", "demain", "6h"]),
    ([*POST, "--expires", "2020-01-01T00:00"], ["--expires", "before"]),
    ([*POST, "--onset", "9h", "--expires", "2h"], ["--expires", "before"]),
    ([*POST, "--onset", "hier"], ["--onset", "hier"]),
    ([*POST, "--web", "saint-martin"], ["--web", "https://"]),
    ([*POST, "--image", "plan.gif"], ["--image", ".png"]),
    ([*POST, "--image", "plan.png"], ["--image", "plan.png"]),
    ([*POST, "--alt", "un plan"], ["--alt", "--image"]),
    ([*POST, "--channel", "telegramm"], ["--channel", "telegram"]),
    ([*POST, "--wait=vite"], ["--wait", "vite"]),
    ([*POST, "--cap", "x.xml"], ["--cap", "--headline"]),
    (["post", "--cap", "x.xml"], ["x.xml", "No such file"]),
    ([*POST, "--headlin", "x"], ["--headlin"]),
    ([*POST, "--severity"], ["--severity"]),
    (["histoire"], ["no such command", "`tocsin --help`"]),
    (["poll", "histoire"], ["no such command", "`tocsin poll --help`"]),
    (["stats"], ["did you mean", "status"]),
    (["status", "nirgendwo"], ["nirgendwo", "no such alert"]),
    (["approve", "nirgendwo"], ["nirgendwo"]),
    (["reject", "nirgendwo"], ["nirgendwo"]),
    (["retry", "nirgendwo"], ["nirgendwo"]),
    (["drop", "nirgendwo"], ["nirgendwo"]),
    (["explain", "nirgendwo"], ["nirgendwo"]),
    (["preview", "x.xml"], ["x.xml", "No such file"]),
    (["preview"], ["file"]),
    (["sandbox", "--listen", "8081"], ["--listen", "host:port"]),
    (["publish"], ["publish"]),
    (["--config", "nowhere.toml", "status"], ["nowhere.toml", "no such file"]),
    (["--config", "nowhere.toml", "run"], ["nowhere.toml", "no such file"]),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES, ids=[" ".join(each[0]) for each in MISTAKES])
def test_a_mistake_is_one_line_and_status_2(folder, capsys, arguments, told):
    status = run(arguments)

    captured = capsys.readouterr()
    assert status == 2, captured.err
    assert len(captured.err.splitlines()) == 1, captured.err
    assert captured.out == ""
    for words in told:
        assert words in captured.err
    assert run(["db", "export"]) == 0
    assert '"table": "alert"' not in capsys.readouterr().out, "nothing is stored"


def test_a_file_that_is_no_alert_is_told_by_name(folder, capsys):
    (folder / "page.html").write_text("<html><body>Maintenance</body></html>")
    assert run(["preview", "page.html"]) == 2
    assert "page.html" in capsys.readouterr().err
    assert run(["post", "--cap", "page.html"]) == 2
    assert "page.html" in capsys.readouterr().err


def test_all_errors_of_a_configuration_are_told_at_once(folder, capsys):
    (folder / "channels.toml").write_text(CHANNELS + 'limits = ["20/minute"]\nseverty = "Minor"\n[notfy]\n')
    assert run(["run"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all("channels.toml" in line for line in lines)
    assert any("did you mean 'severity'?" in line for line in lines)


def test_an_alert_that_nobody_gets_fails_with_the_reason_and_is_not_stored(folder, capsys):
    (folder / "channels.toml").write_text(CHANNELS + 'severity = "Severe"\n')
    assert run(["post", "--headline", "Pont fermé"]) == 1
    assert "below what every channel takes" in capsys.readouterr().err
    run(["db", "export"])
    assert '"table": "alert"' not in capsys.readouterr().out


def test_a_database_that_cannot_be_opened_is_told(folder, capsys):
    (folder / "tocsin.db").mkdir()
    assert run(["post", "--headline", "Pont fermé"]) == 1
    assert "tocsin.db" in capsys.readouterr().err


def test_help_and_version_are_results(folder, capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tocsin ")
    assert run(["post", "--help"]) == 0
    assert "--instruction" in capsys.readouterr().out


@pytest.mark.parametrize(("told", "said"), [("fr_FR.UTF-8", "fichier introuvable"), ("de_DE", "no such file")])
def test_where_no_configuration_is_read_the_terminals_language_is_spoken(tmp_path, monkeypatch, capsys, told, said):
    monkeypatch.setenv("LC_ALL", told)
    assert run(["--config", str(tmp_path / "nothing.toml"), "status"]) == 2
    assert said in capsys.readouterr().err


WRITES = [
    POST,
    ["status"],
    ["run"],
    ["run", "--stations", "."],
    ["user", "list"],
    ["user", "--stations", ".", "list"],
    ["db", "upgrade"],
    ["db", "export"],
    ["db", "backup", "copy.db"],
    ["db", "restore", "copy.db"],
    ["db", "copy", "sqlite:///tocsin.db", "sqlite:///other.db"],
    ["subscribers", "export"],
]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody, and be refused there")
@pytest.mark.parametrize("line", WRITES, ids=" ".join)
def test_root_is_refused_in_a_folder_of_the_service_before_anything_is_written(folder, capsys, line):
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)

    assert run(line) == 2
    assert f"sudo -u nobody tocsin {shlex.join(line)}" in capsys.readouterr().err
    assert [each.name for each in folder.iterdir()] == ["channels.toml"]
