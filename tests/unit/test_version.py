"""The version: a release is told from each commit before and after it, also without tags, git or a checkout."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
from importlib.metadata import version as installed
from pathlib import Path

import pytest

import alerts
from alerts import __version__

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
NOBODY = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the one file that tells its version; returns what git is told, and what the file tells."""
    (tmp_path / "alerts").mkdir()
    shutil.copy(alerts.__file__, tmp_path / "alerts")

    def git(*words):
        subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True, env=os.environ | NOBODY)

    def told():
        return runpy.run_path(str(tmp_path / "alerts" / "__init__.py"))["of_checkout"]()

    git("init", "--quiet", "-b", "main")
    git("commit", "--quiet", "--allow-empty", "-m", "one")
    return git, told


def test_a_release_is_told_from_the_commits_around_it(checkout):
    git, told = checkout
    assert re.fullmatch(rf"{re.escape(__version__)}\.dev1\+g[0-9a-f]{{8}}", told())

    git("tag", f"v{__version__}")
    assert told() == __version__

    git("commit", "--quiet", "--allow-empty", "-m", "two")
    assert re.fullmatch(rf"{re.escape(__version__)}\.post1\+g[0-9a-f]{{8}}", told())


def test_a_release_on_another_branch_is_not_this_one(checkout):
    git, told = checkout
    git("switch", "--quiet", "-c", "elsewhere")
    git("commit", "--quiet", "--allow-empty", "-m", "two")
    git("tag", f"v{__version__}")
    git("switch", "--quiet", "main")
    assert ".dev1+g" in told()


def test_without_a_checkout_it_is_what_was_built(tmp_path):
    (tmp_path / "alerts").mkdir()
    shutil.copy(alerts.__file__, tmp_path / "alerts")
    there = runpy.run_path(str(tmp_path / "alerts" / "__init__.py"))
    assert there["of_checkout"]() is None
    assert there["version"]() == installed("tocsin")


def test_the_newest_release_of_the_changelog_is_this_one():
    told = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)
    assert told[:1] == [__version__]
