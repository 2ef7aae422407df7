"""A report as one JSON object: docs/report.md tells its fields."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.desk.report import Report


def report_to_json(report: Report, zone: tzinfo) -> dict[str, Any]:
    """Every field under its own name; times in the station's zone, spans in seconds."""
    spelled: dict[str, Any] = _spelled(asdict(report), zone)
    return spelled


def _spelled(value: Any, zone: tzinfo) -> Any:
    match value:
        case dict():
            return {name: _spelled(each, zone) for name, each in value.items()}
        case tuple() | list():
            return [_spelled(each, zone) for each in value]
        case datetime():
            return value.astimezone(zone).isoformat(timespec="milliseconds")
        case timedelta():
            return round(value.total_seconds(), 3)
        case str():
            return str(value)
        case _:
            return value
