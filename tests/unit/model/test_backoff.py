"""One rule says how long to wait before the next try."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alerts
from alerts.model.backoff import backoff, retry_after
from tests.walls import in_one_test

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


NOW, A_DAY = datetime(2026, 11, 25, 12, tzinfo=UTC), timedelta(days=1)


@in_one_test
@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("120", NOW + timedelta(minutes=2)),
        (" 0 ", NOW),
        ("1.5", NOW + timedelta(seconds=1.5)),
        ("-5", None),
        ("999999999", NOW + A_DAY),
        ("9" * 5000, NOW + A_DAY),
        ("1e999", NOW + A_DAY),
        ("Wed, 25 Nov 2026 12:05:00 GMT", NOW + timedelta(minutes=5)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", NOW),
        ("Thu, 25 Nov 2027 12:00:00 GMT", NOW + A_DAY),
        ("Mon, 99 Foo 20261 25:61:61 +9999", None),
        ("NaN", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_named_time_is_seconds_or_a_date_and_never_a_year(header, time):
    assert retry_after(header, NOW, A_DAY) == time


def test_no_other_function_reads_a_retry_after():
    rooms = [Path(alerts.__file__).parent / name for name in ("channels", "sources")]
    files = {file.name: file.read_text(encoding="utf-8") for room in rooms for file in room.rglob("*.py")}
    readers = {name: text for name, text in files.items() if 'get("Retry-After"' in text}
    assert len(readers) >= 5
    assert [name for name, text in readers.items() if "retry_after(" not in text] == []
