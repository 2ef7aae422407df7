"""The papers of a release: each package that is shipped stands in them, with its licence and its hashes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

from shipping.deb import HERE, LOCK, ROOT, SCRIPTS, UNUSED, debian_version, fill, size
from shipping.papers import bill, installed, licence_of, texts_of, used
from tests.walls import in_one_test

MONITORING = ROOT / "shipping" / "monitoring"
PACKAGES = Path(sysconfig.get_path("purelib"))


def test_each_package_has_a_licence_with_its_text():
    there = installed(PACKAGES)
    without = [each.name for each in used(LOCK) if not licence_of(there[each.name]) or not texts_of(there[each.name])]
    assert without == []


def test_the_bill_names_each_package_with_its_hashes():
    told = json.loads(bill(LOCK, PACKAGES, "1.0.0", 0))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert {each["name"] for each in told["components"]} == {each.name for each in used(LOCK)}
    assert all(each["licenses"] and each["properties"] for each in told["components"])
    assert bill(LOCK, PACKAGES, "1.0.0", 0) == bill(LOCK, PACKAGES, "1.0.0", 0)


def test_what_no_command_uses_is_left_out():
    assert {each.name for each in used(LOCK)}.isdisjoint({"rich", "pygments", "requests-mock"})


IMPORTED = """
import importlib, pkgutil, sys
import alerts, tocsin_sandbox
for top in (alerts, tocsin_sandbox):
    for each in pkgutil.walk_packages(top.__path__, top.__name__ + "."):
        if ".migrations." not in each.name and not each.name.endswith("__main__"):
            importlib.import_module(each.name)
print(*sys.modules)
"""


@pytest.mark.release
def test_nothing_of_ours_imports_what_a_package_for_servers_leaves_out():
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "alerts.daemon" in imported
    assert {each.replace("/", ".") for each in UNUSED}.isdisjoint(imported)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg, which this machine doesn't have")
def test_versions_follow_each_other_as_they_were_made():
    made = ["1.0.0.dev9+gabc", "1.0.0.dev12+gdef", "1.0.0", "1.0.0.post2+gabc", "1.0.1"]
    told = [debian_version(Path(f"tocsin-{each}-py3-none-any.whl"), "trixie") for each in made]
    for before, after in pairwise(told):
        assert subprocess.run(["dpkg", "--compare-versions", before, "lt", after], check=False).returncode == 0
    later = debian_version(Path("tocsin-1.0.0-py3-none-any.whl"), "bookworm")
    assert subprocess.run(["dpkg", "--compare-versions", later, "lt", told[2]], check=False).returncode == 0


def test_it_says_how_much_room_it_needs(tmp_path):
    folder = tmp_path / "usr/lib/tocsin"
    folder.mkdir(parents=True)
    (folder / "large.py").write_bytes(bytes(2049))
    (folder / "python").symlink_to("/usr/bin/python3")
    assert size(tmp_path) == 3 + 3 + 1

    values = dict.fromkeys(("VERSION", "ARCHITECTURE", "PYTHON", "NEXT_PYTHON"), "1")
    fill(tmp_path, Path("/usr/lib/tocsin/1"), values | {"SIZE": "7"})
    control = (tmp_path / "DEBIAN/control").read_text(encoding="utf-8")
    assert "\nInstalled-Size: 7\n" in control
    assert "@" not in control.replace("tocsin@tocsin.example", "")


@in_one_test
@pytest.mark.parametrize("name", [*SCRIPTS, "tocsin"])
def test_its_scripts_are_read_by_the_shell(name):
    subprocess.run(["/bin/sh", "-n", str(HERE / name)], check=True)


def test_its_monitoring_asks_for_metrics_that_there_are():
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    asked = {
        name for file in MONITORING.iterdir() for name in re.findall(r"tocsin_\w+", file.read_text(encoding="utf-8"))
    }

    assert len(asked) > 8
    assert {name for name in asked if f"`{name.removesuffix('_bucket')}`" not in page} == set()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, which this machine doesn't have")
def test_its_rules_fire_when_they_should():
    command = ["promtool", "test", "rules", str(MONITORING / "tocsin-rules-test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
