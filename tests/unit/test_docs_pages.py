"""docs/pages.md names every address that is answered (tests/process/test_nginx.py runs its web server)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.desk.conftest import an_alert
from tests.unit.web.public.conftest import Paper, a_setting, town

__all__ = ["town"]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")


@pytest.fixture
def edition(town):
    paper = Paper(town, a_setting())
    filed = town.hear(an_alert())
    return paper.print(filed), filed.stored


def named(path: str, stored) -> str:
    """An address as the page spells it."""
    spelled = re.sub(r"^/panel/\d$", "/panel/N", path.removeprefix("/en") or "/")
    return spelled.replace(stored.incident_id, "INCIDENT").replace(stored.id, "ALERT")


def test_every_address_is_told_and_none_that_is_not_there(edition):
    made, stored = edition
    told = set(re.findall(r"^\| `(/[^`]*)` \|", PAGE, re.MULTILINE))
    there = {named(path, stored) for path in made.paths if not path.startswith("/static/")}

    assert told == there | {"/events", "/alerts/INCIDENT/card.png"}
