"""One rule says how long to wait before the next try."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import alerts
from alerts.model.backoff import backoff

FIRST, LONGEST = timedelta(seconds=2), timedelta(minutes=5)


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_a_pause_is_doubled_with_each_try_up_to_the_longest(tries, chance):
    assert timedelta() <= backoff(tries, FIRST, LONGEST, chance) <= backoff(tries, FIRST, LONGEST) <= LONGEST
    assert backoff(tries, FIRST, LONGEST) == min(2 ** min(max(tries, 1), 20) * timedelta(seconds=1), LONGEST)
    assert backoff(tries, 2.0, 300.0) == backoff(tries, FIRST, LONGEST).total_seconds()


def test_no_other_function_backs_off():
    files = {file: file.read_text(encoding="utf-8") for file in Path(alerts.__file__).parent.rglob("*.py")}
    assert [file.name for file, text in files.items() if re.search(r"def \w*backoff", text)] == ["backoff.py"]
    assert [file.name for file, text in files.items() if re.search(r"\b2(\.0)? ?\*\* ?min", text)] == ["backoff.py"]
