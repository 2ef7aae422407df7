"""The bot's tests borrow the town that takes reports."""

from __future__ import annotations

from tests.unit.reports.conftest import reports

__all__ = ["reports"]
