"""A report as one JSON object: docs/report.md tells its fields."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from alerts.desk.report import Report
from alerts.model.reason import Reason
from alerts.rendering.words import told, word


def report_to_json(report: Report, zone: tzinfo, language: str) -> dict[str, Any]:
    """Every field under its own name; times in the station's zone, spans in seconds, reasons in its language too."""
    return _fields(report, zone, language)


def _fields(part: Any, zone: tzinfo, language: str) -> dict[str, Any]:
    """The fields of a dataclass; beside a reason in words stands its code."""
    spelled: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name == "reason":
            spelled |= told(value, language, zone)
        else:
            spelled[field.name] = _spelled(value, zone, language)
    return spelled


def _spelled(value: Any, zone: tzinfo, language: str) -> Any:
    if isinstance(value, Reason):
        return word(value, language, zone)
    if is_dataclass(value):
        return _fields(value, zone, language)
    match value:
        case tuple() | list():
            return [_spelled(each, zone, language) for each in value]
        case datetime():
            return value.astimezone(zone).isoformat(timespec="milliseconds")
        case timedelta():
            return round(value.total_seconds(), 3)
        case str():
            return str(value)
        case _:
            return value
