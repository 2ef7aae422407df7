"""docs/pages.md names every address that is answered, and its web server serves an export as the daemon does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.web.public.export import Export
from tests.unit.desk.conftest import an_alert
from tests.unit.web.public.conftest import Paper, a_setting, town

__all__ = ["town"]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")
NGINX = PAGE.partition("```nginx\n")[2].partition("```")[0]


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
    there = {named(path, stored) for path in made.answers if not path.startswith("/static/")}

    assert told == there | {"/events", "/alerts/INCIDENT/card.png"}


def test_the_web_server_gives_each_file_the_type_that_the_daemon_gives(edition, tmp_path):
    made, _ = edition
    Export(tmp_path / "site").write(made.answers)
    general, messages = (dict_of(block) for block in re.findall(r"types \{(.*?)\}", NGINX, re.DOTALL))

    for path, answer in made.answers.items():
        kind = answer.kind.partition(";")[0]
        suffix = path.rpartition(".")[2] if "." in path.rpartition("/")[2] else "html"
        given = messages if path.startswith("/cap/") else general
        same = {"application/xml": "text/xml"}
        assert given[suffix] == same.get(kind, kind), path


def test_the_web_server_finds_each_page_and_sends_its_policy(edition, tmp_path):
    made, _ = edition
    site = tmp_path / "site"
    Export(site).write(made.answers)
    policies = re.findall(r'Content-Security-Policy "([^"]+)"', NGINX)

    for path in made.answers:
        tried = [site / path.strip("/"), site / path.strip("/") / "index.html"]
        assert any(file.is_file() for file in tried), path
    assert made.answers["/"].headers["Content-Security-Policy"] == policies[0]


def dict_of(block: str) -> dict[str, str]:
    """A block of nginx's types, by suffix."""
    return {suffix: kind for kind, suffix in re.findall(r"(\S+/\S+)\s+(\w+);", block)}
