"""Whoever programs against Tocsin finds what it promised: the golden files are what the program makes today.

A change that is meant is renewed with `python -m tests.golden`, and named in CHANGELOG.md.
"""

from __future__ import annotations

import difflib

import pytest

from tests.golden.promised import FILES, FOLDER


@pytest.mark.parametrize("name", FILES)
async def test_the_program_says_what_the_golden_file_says(name, tmp_path):
    kept, made = (FOLDER / name).read_text(encoding="utf-8"), await FILES[name](tmp_path)
    changed = [*difflib.unified_diff(kept.splitlines(), made.splitlines(), "kept", "made", lineterm="", n=1)]
    assert not changed, "\n".join([*changed[:60], "if this is meant: python -m tests.golden"])
