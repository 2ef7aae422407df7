"""The unit file: what it promises the daemon, and how little it lets it do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.walls import in_one_test

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "tocsin.service"
INSTALL = UNIT.parents[1] / "docs" / "install.md"
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, which this machine doesn't have"
)


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@in_one_test
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("ExecStart", "/opt/tocsin/bin/tocsin --config /etc/tocsin/channels.toml run"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "2"),
        ("StartLimitIntervalSec", "0"),
        ("User", "tocsin"),
        ("StateDirectory", "tocsin"),
        ("ConfigurationDirectory", "tocsin"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("WantedBy", "multi-user.target"),
    ],
)
def test_it_says(name, value):
    assert directives()[name] == [value]


def test_it_watches_the_daemon():
    assert re.fullmatch(r"[1-9]\d*s", directives()["WatchdogSec"][0])


def test_every_secret_is_a_credential_and_none_stands_in_the_unit():
    assert "telegram-token" in directives()["LoadCredential"]
    assert not {"EnvironmentFile", "SetCredential"} & directives().keys()
    assert not any("TOKEN" in each or "KEY" in each for each in directives()["Environment"])


def test_the_installation_page_names_what_the_unit_uses():
    page = INSTALL.read_text(encoding="utf-8")

    for each in (
        "/opt/tocsin",
        "/etc/tocsin/channels.toml",
        "/var/lib/tocsin",
        "/etc/credstore",
        "systemctl edit tocsin",
    ):
        assert each in page
    assert "useradd --system" in page
    named = set(re.findall(r"/etc/credstore/([a-z-]+)", page))
    assert named
    assert named <= set(directives()["LoadCredential"])


@needs_systemd
def test_it_is_a_unit_that_systemd_understands(tmp_path):
    unit = tmp_path / "tocsin.service"
    installed = UNIT.read_text(encoding="utf-8").replace("/opt/tocsin/bin/tocsin", sys.executable)
    unit.write_text(installed, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=180
    )

    assert [line for line in done.stderr.splitlines() if "tocsin" in line] == []


@needs_systemd
def test_it_exposes_little():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    level = re.search(r"Overall exposure level for tocsin\.service: ([\d.]+)", done.stdout)

    assert level, done.stderr
    assert float(level.group(1)) <= MOST_EXPOSED


def test_the_nightly_copy_keeps_the_newest(tmp_path):
    unit = (UNIT.parent / "tocsin-backup.service").read_text(encoding="utf-8")
    [swept] = re.findall(r"^ExecStartPost=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    for number in range(20):
        (tmp_path / f"tocsin-2026-11-{number + 10}-033000.db").touch()
    (tmp_path / "before-upgrade.db").touch()
    line = swept.replace("/var/lib/tocsin/backups", str(tmp_path)).replace("%%", "%")
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", line], env={"KEEP": "14", "PATH": "/usr/bin:/bin"}, check=True, timeout=60)

    left = sorted(each.name for each in tmp_path.iterdir())
    assert (len(left), left[0], left[1]) == (15, "before-upgrade.db", "tocsin-2026-11-16-033000.db")


@needs_systemd
def test_the_nightly_copy_is_a_unit_that_systemd_understands(tmp_path):
    for name in ("tocsin-backup.service", "tocsin-backup.timer"):
        (tmp_path / name).write_text((UNIT.parent / name).read_text(encoding="utf-8"), encoding="utf-8")
    units = [str(each) for each in tmp_path.iterdir()]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=180
    )
    assert [line for line in done.stderr.splitlines() if "tocsin" in line] == []
