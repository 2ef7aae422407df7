"""docs/calendar.md tells the truth: its example is run, its settings and limits are the code's."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from alerts.model.ports import Memory
from alerts.rendering.text import LONGEST
from alerts.sources.ical.agenda import MOST_OCCURRENCES, MOST_SECONDS, window_around
from alerts.sources.ical.event import EARLIEST, LATEST, MOST_DATES
from alerts.sources.ical.occurrence import EVENING, LONGEST_NOTICE, MORNING, NIGHTFALL
from alerts.sources.ical.recurrence import MOST_RULES, MOST_VERSIONS
from alerts.sources.ical.works_alert import SPOT
from tests.unit.sources.ical_pages import PARIS, at, nothing_stored, works_source

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "calendar.md").read_text(encoding="utf-8")
SAID = " ".join(PAGE.split())


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found.group(1)


async def test_the_example_speaks_when_the_page_says(tmp_path):
    (tmp_path / "travaux.ics").write_text(block("ics"), encoding="utf-8")
    announce = re.findall(r'"([^"]+)"', re.search(r"announce = \[(.*?)\]", block("toml")).group(1))
    source = works_source(tmp_path, "travaux.ics", announce=announce)
    rows: list[tuple[str, str]] = []
    memory, now = Memory(), at("2026-12-01 00:00")
    while now:
        reading = await source.read(memory, nothing_stored, now)
        for heard in reading.heard:
            info = heard.alert.infos[0]
            rows.append(
                (f"{now.astimezone(PARIS):%Y-%m-%d %H:%M}", f"{info.parameter('tocsin:step')}: {info.headline}")
            )
        memory, now = reading.memory, reading.look_again

    assert rows == re.findall(r"^\| (2026-\S+ \S+) \| (.+?) \|$", PAGE, re.MULTILINE)


def test_the_limits_on_the_page_are_the_code_s():
    window = window_around(at("2026-11-25 12:00"))

    assert f"{MOST_OCCURRENCES} occurrences at the most" in PAGE
    assert (window.stop - window.start) == timedelta(days=61)
    assert "one day back to sixty days ahead" in PAGE
    assert f"more than {MOST_DATES} single dates (`RDATE`, `EXDATE`) or {MOST_RULES} rules" in SAID
    assert f"more than {MOST_VERSIONS} times" in SAID
    assert f"in a year before {EARLIEST} or from {LATEST} on" in PAGE
    assert f"A calendar has {MOST_SECONDS} seconds" in PAGE
    assert f"{LONGEST} characters at the most" in PAGE
    assert f"30d). {'`'}" in SAID
    assert timedelta(days=30) == LONGEST_NOTICE
    assert f"a circle of {SPOT * 1000:.0f} m" in PAGE
    for hour, place in ((EVENING, ", one, two"), (MORNING, " on the first day"), (NIGHTFALL, " on the last day")):
        assert f"{hour:%H:%M}{place}" in PAGE
