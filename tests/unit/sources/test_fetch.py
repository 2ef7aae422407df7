from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.sources.fetch import LONGEST_WAIT, retry_after

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("120", NOW + timedelta(minutes=2)),
        (" 0 ", NOW),
        ("Wed, 25 Nov 2026 12:05:00 GMT", NOW + timedelta(minutes=5)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", NOW),
        ("999999999", NOW + LONGEST_WAIT),
        ("9" * 400, None),
        ("-5", None),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, time: datetime | None) -> None:
    assert retry_after(header, NOW) == time
