"""A short campaign: what `make faults` does, in half a minute."""

from __future__ import annotations

import pytest

from campaign.__main__ import run
from campaign.table import breaches, table

pytestmark = pytest.mark.process


def test_six_kills_and_thirty_alerts_break_no_promise(tmp_path):
    outcomes = run("short", kills=6, alerts=30, towns=3, folder=tmp_path)

    assert breaches(outcomes) == []
    assert sum(outcome.kills for outcome in outcomes) == 6
    assert sum(outcome.alerts for outcome in outcomes) == 30
    assert table(outcomes).splitlines()[-1].split()[:3] == ["all", "30", "6"]
