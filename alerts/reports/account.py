"""A report as programs read it: one JSON object, alike for commands and the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from alerts.model.reports import CitizenReport, Forwarding
from alerts.model.town import Town
from alerts.rendering.i18n import told


def report_account(report: CitizenReport, zone: tzinfo) -> dict[str, Any]:
    """What `tocsin reports --json` prints for it."""
    return {
        "report": report.number,
        "kind": report.kind,
        "state": report.state.value,
        "place": {"lat": report.lat, "lon": report.lon, "words": report.place},
        "at": report.at.astimezone(zone).isoformat(timespec="seconds"),
        "text": report.text,
        "incident": report.incident,
        "draft": report.draft,
    }


def full_account(report: CitizenReport, town: Town, forwardings: Sequence[Forwarding] = ()) -> dict[str, Any]:
    """The same, with how it ended, why it is held, and how far it is on its way to other servers."""
    return {
        **report_account(report, town.zone),
        "received_at": report.received_at.astimezone(town.zone).isoformat(timespec="seconds"),
        "via": report.via.value,
        "closing": report.closing.value if report.closing is not None else None,
        "answer": report.answer,
        **told(report.held, town.language, town.zone),
        "forwarded": [forward_account(each, town) for each in forwardings],
    }


def forward_account(each: Forwarding, town: Town) -> dict[str, Any]:
    """How far a report is on its way to another server; `remote_state` is what that one says of it."""
    return {
        "to": each.forward,
        "state": each.state.value,
        "remote_id": each.remote_id,
        "remote_state": each.remote_state,
        "said": each.said,
        **told(each.reason, town.language, town.zone),
    }


def link_of(town: Town, number: str, token: str) -> str:
    """The report's private page, for who reported it; without a public address, its path."""
    return f"{town.public_url or town.mount}/report/{number}/{token}"
