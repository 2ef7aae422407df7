"""docs/faults.md can't lie: every row names its tests, and each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.walls import in_one_test

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
HEADER = "| fault | symptom | recovery | tests |"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and line != HEADER
]
FAULTS = (
    "disk is full", "read-only", "locked by another tool", "DNS", "TLS", "never answers", "half", "HTML",
    "429 with a time", "429 without", "clock is set", "revoked", "SIGTERM", "nothing new", "heartbeat",
)  # fmt: skip


def names_in(path: Path) -> set[str]:
    """The tests of a file, as `name` or `Class::name`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = [each for each in inside if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        found |= {prefix + each.name for each in functions if each.name.startswith("test_")}
    return found


@in_one_test
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_each_row_names_tests_that_are_there(row):
    assert len(row) == 4, row
    assert all(row), row
    for name in row[3].strip("| ").split():
        named = re.fullmatch(r"`(tests/[\w/]+\.py)::([\w:]+)`", name)

        assert named, name
        assert named[2] in names_in(ROOT / named[1])


@in_one_test
@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_trouble_has_its_row(fault):
    assert [row for row in ROWS if fault in row[0]]


def test_every_table_is_read():
    assert PAGE.count(HEADER) == 7
    assert len(ROWS) == sum(line.startswith("| ") for line in PAGE.splitlines()) - 7
