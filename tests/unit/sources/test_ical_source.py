"""The works calendar as a source: a file that changes, fails and comes back, its memory through JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from alerts.model.alert import NamedValue, Severity
from alerts.model.errors import SourceFailed
from alerts.model.ports import Heard, Memory, Source
from alerts.model.reason import because
from tests.fakes import FakeClock
from tests.unit.sources.ical_pages import NINE_TO_NOON, PARIS, at, calendar, event, works_source


class Town:
    """A town with one calendar file: reads it as the daemon does, remembering and storing between the readings."""

    def __init__(self, folder: Path, now: str = "2026-11-25 12:00") -> None:
        self.path = folder / "works.ics"
        self.folder = folder
        self.clock = FakeClock(at(now))
        self.memory = Memory()
        self.stored: set[str] = set()
        self.start()

    def start(self) -> None:
        """A new process."""
        self.source: Source = works_source(self.folder, severity="Moderate")

    def write(self, *events: str) -> None:
        self.path.write_bytes(calendar(*events))

    async def known(self, keys: Sequence[str]) -> set[str]:
        return self.stored & set(keys)

    async def read(self, now: str | None = None) -> list[Heard]:
        if now:
            self.clock.set(at(now))
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        self.memory = Memory(**json.loads(json.dumps(asdict(reading.memory))))
        self.stored |= {each.key for each in reading.heard}
        self.reading = reading
        return list(reading.heard)

    async def steps(self, now: str | None = None) -> list[str]:
        heard = await self.read(now)
        return [each.alert.infos[0].parameter("tocsin:step") if each.alert else str(each.problem) for each in heard]


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    town.write(event())
    return town


async def test_a_life_with_a_restart_before_each_reading(town):
    for now, steps in [
        ("2026-11-25 12:00", []),
        ("2026-11-26 09:00", ["before"]),
        ("2026-11-26 09:01", []),
        ("2026-11-27 09:00", ["start"]),
        ("2026-11-27 11:00", []),
        ("2026-11-27 12:00", ["end"]),
        ("2026-11-27 12:01", []),
    ]:
        town.start()
        assert await town.steps(now) == steps


async def test_the_next_look_is_at_the_next_moment(town):
    await town.read()
    assert town.reading.look_again == at("2026-11-26 09:00")
    assert not town.reading.unchanged

    await town.read("2026-11-26 08:00")
    assert town.reading.unchanged


async def test_the_alert_is_the_station_s(town):
    (heard,) = await town.read("2026-11-26 09:00")

    assert heard.alert is not None
    assert (heard.key, heard.alert.sender) == (heard.alert.identifier, "works@town.example")
    assert (heard.alert.severity, heard.alert.infos[0].language) == (Severity.MODERATE, "fr-FR")
    assert heard.alert.areas[0].geocodes == (NamedValue("INSEE", "38185"),)
    assert heard.alert.areas[0].description == "Town"
    assert heard.alert.infos[0].event == "Travaux"


async def test_a_change_of_the_file_is_noticed(town):
    await town.read("2026-11-26 09:00")
    town.write(event(NINE_TO_NOON.replace("T12", "T13")))

    assert await town.steps("2026-11-26 09:10") == ["moved"]


async def test_a_change_that_leaves_size_and_time_is_noticed_by_the_inode(town):
    await town.read("2026-11-26 09:00")
    before = town.path.stat()
    other = town.folder / "other.ics"
    other.write_bytes(calendar(event(NINE_TO_NOON.replace("T12", "T13"))))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(town.path)

    assert town.path.stat().st_size == before.st_size
    assert await town.steps("2026-11-26 09:10") == ["moved"]


async def test_a_file_that_looks_the_same_is_not_read(town):
    await town.read("2026-11-26 09:00")
    before = town.path.stat()
    town.write(event(NINE_TO_NOON.replace("T12", "T13")))
    os.utime(town.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert await town.steps("2026-11-26 09:10") == []


async def test_what_was_told_is_followed_out_of_the_window(town):
    await town.read("2026-11-26 09:00")
    town.write(event(NINE_TO_NOON.replace("202611", "202705")))

    assert await town.steps("2026-11-26 09:10") == ["moved"]


async def test_a_file_written_anew_with_the_same_words_is_unchanged(town):
    await town.read("2026-11-26 09:00")
    town.write(event())
    await town.read("2026-11-26 09:10")

    assert town.reading.unchanged


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the calendar is empty"),
        (b"<html>Sign in</html>", "a web page came"),
        (calendar(event())[:-20], "cut off"),
        (None, "is not there; check the path"),
    ],
)
async def test_what_is_no_calendar_fails_and_cancels_nothing(town, body, why):
    await town.read("2026-11-26 09:00")
    if body is None:
        town.path.unlink()
    else:
        town.path.write_bytes(body)

    for _ in range(2):
        with pytest.raises(SourceFailed, match=why):
            await town.read("2026-11-26 10:00")
    town.write(event())
    assert await town.steps("2026-11-27 09:00") == ["start"]


async def test_a_failing_calendar_is_still_announced_from_for_a_day(town):
    await town.read("2026-11-26 08:00")
    town.path.unlink()

    assert await town.steps("2026-11-26 09:00") == ["before"]
    with pytest.raises(SourceFailed):
        await town.read("2026-11-26 09:01")
    with pytest.raises(SourceFailed):  # what was read a day and an hour ago is no knowledge any more
        await town.read("2026-11-27 09:00")


async def test_the_window_moves_on_while_the_file_stays(town):
    town.write(event(NINE_TO_NOON.replace("202611", "202703")))
    await town.read("2026-11-25 12:00")
    assert town.reading.look_again is None

    await town.read("2027-03-01 12:00")
    assert town.reading.look_again == at("2027-03-26 09:00")


async def test_a_broken_entry_is_told_once_and_again_when_it_changed(town):
    town.write(event(), event("DTSTART:soon", uid="bad", summary="Bad"))
    assert await town.steps() == ['the event "Bad" can\'t be read: its DTSTART is none: soon']
    assert await town.steps() == []

    town.write(event(), event("DTSTART:later", uid="bad", summary="Bad"))
    assert await town.steps() == ['the event "Bad" can\'t be read: its DTSTART is none: later']


async def test_a_tentative_entry_is_left_out_once_with_the_reason(town):
    town.write(event(more="STATUS:TENTATIVE"))
    (heard,) = await town.read("2026-11-26 09:00")
    assert heard.leave_out == because("tentative")
    assert await town.read("2026-11-26 09:01") == []

    town.write(event())
    (heard,) = await town.read("2026-11-26 10:00")
    assert heard.leave_out is None


async def test_what_was_forgiven_is_noted(town):
    town.write(event("DTSTART;TZID=Nowhere:20261127T090000"))
    (heard,) = await town.read("2026-11-26 09:00")

    assert [str(note) for note in heard.notes] == [
        "it has no end after its start: an hour is assumed",
        'the zone "Nowhere" is unknown: its times are taken as Europe/Paris',
    ]


async def test_a_reading_whose_memory_was_not_kept_is_the_same_again(town):
    kept = town.memory
    (first,) = await town.read("2026-11-26 09:00")
    town.memory, town.stored = kept, set()

    (again,) = await town.read("2026-11-26 09:00")
    assert again == first


async def test_a_clock_that_goes_back_tells_nothing_twice(town):
    await town.read("2026-11-26 09:00")
    town.clock.set(at("2026-11-26 09:00") - timedelta(hours=3))
    assert await town.read() == []
    assert await town.read("2026-11-26 09:05") == []


@pytest.mark.parametrize("day", ["2026-10-25", "2026-03-29"])
@pytest.mark.parametrize("hours", [0, -1, 1])
async def test_each_step_is_told_once_over_a_change_of_summer_time_and_a_clock_that_is_set(town, day, hours):
    """Looked at every ten minutes by a clock that nobody changes with the season; set by an hour, and back, at 3 h."""
    date = day.replace("-", "")
    town.write(event(f"DTSTART;TZID=Europe/Paris:{date}T013000\nDTEND;TZID=Europe/Paris:{date}T043000"))
    began = at(f"{day} 00:00").astimezone(UTC) - timedelta(days=1, hours=1)
    told: list[tuple[str, str]] = []
    for look in range(33 * 6):
        now = began + timedelta(minutes=10 * look)
        set_by = timedelta(hours=hours) if at(f"{day} 03:00") <= now < at(f"{day} 03:40") else timedelta()
        town.clock.set(now + set_by)
        told += [(step, f"{now.astimezone(PARIS):%d %H:%M}") for step in await town.steps()]
    last = int(day[-2:])
    end = f"{last} 03:30" if hours == 1 else f"{last} 04:30"

    assert [step for step, _ in told] == ["before", "start", "end"]
    assert [time for _, time in told[:2]] == [f"{last - 1} 01:30", f"{last} 01:30"]
    assert told[2][1] in (f"{last} 04:30", end)
