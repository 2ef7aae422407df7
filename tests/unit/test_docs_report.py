"""docs/report.md names every field of the report's data, and none that isn't there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from alerts.desk.heard_report import ReportHeard, ReportQuestion
from alerts.desk.report import Delays, Report, ReportLine, ReportPost, ReportVersion, TimelineStep, Unsaid
from tests.walls import in_one_test

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text(encoding="utf-8")


@in_one_test
@pytest.mark.parametrize(
    "part", [Report, ReportVersion, ReportPost, Delays, ReportLine, TimelineStep, Unsaid, ReportHeard, ReportQuestion]
)
def test_every_field_of_the_data_is_told(part):
    told = set(re.findall(r"`(\w+)`", PAGE.partition("## The data")[2]))

    assert {field.name for field in fields(part)} <= told
