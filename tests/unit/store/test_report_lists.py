"""Reports in lists, in a file and on a server: in their order, a page at a time, by every filter."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.model.reports import ContentNotice, ReportState, WantedReports
from alerts.store import report_lists
from alerts.store.files import connect, migrate
from tests.unit.store.conftest import NOW
from tests.unit.store.test_reports import REPORT

HOUR = timedelta(hours=1)
STATES = tuple(ReportState)


def of(number: int, state: ReportState = ReportState.RECEIVED, **more):
    return replace(REPORT, id=f"r{number}", number=f"SM-26-{number:04}", key=None, state=state, **more)


async def kept(database, *reports):
    def add(unit):
        for each in reports:
            unit.reports.add(each)

    await database.write(add)


async def numbers(database, wanted=None, most=50, **more):
    found = await database.read(lambda unit: unit.report_lists.found(wanted or WantedReports(**more), most))
    return [each.report.id for each in found]


async def test_what_waits_comes_first_then_what_is_taken_up_then_the_rest_newest_first(database):
    await kept(database, *(of(place, state) for place, state in enumerate(STATES)), of(9))
    assert await numbers(database) == ["r9", "r1", "r0", "r3", "r2", "r5", "r4"]


async def test_all_of_many_are_read_newest_first_some_at_a_time(database):
    await kept(database, *(of(place, state) for place, state in enumerate(STATES * 2)))
    found, more = [], {}
    while some := await database.read(
        lambda unit, more=more: unit.report_lists.in_order(WantedReports(kind="flooding"), 5, **more)
    ):
        found += [each.id for each in some]
        more = {"before": some[-1].seq}
    assert found == [f"r{place}" for place in reversed(range(12))]
    assert await database.read(lambda unit: unit.report_lists.in_order(WantedReports(kind="tree"), 5)) == []


async def test_a_list_goes_on_behind_the_last_one_that_was_shown(database):
    await kept(database, *(of(place, state) for place, state in enumerate(STATES * 3)))
    whole = await numbers(database)
    pages, after = [], (-1, 0)
    while page := await database.read(lambda unit, after=after: unit.report_lists.found(WantedReports(), 4, after)):
        pages += [each.report.id for each in page]
        after = page[-1].place
    assert pages == whole
    assert len(whole) == 18


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"states": (ReportState.HELD,)}, ["r2"]),
        ({"states": (ReportState.HELD, ReportState.CLOSED)}, ["r2", "r3"]),
        ({"kind": "tree"}, ["r4"]),
        ({"district": "38001"}, ["r5"]),
        ({"since": NOW + HOUR}, ["r6"]),
        ({"incident": "i1"}, ["r7"]),
        ({"draft": "d1"}, ["r7"]),
        ({"words": "FUITE"}, ["r8"]),
        ({"words": "pasteur"}, ["r9"]),
        ({"words": "26-0002"}, ["r2"]),
        ({"words": "100%"}, []),
        ({"words": "_"}, []),
        ({"words": "50% du"}, ["r9"]),
    ],
)
async def test_each_filter_narrows_the_list(database, wanted, found):
    await kept(
        database,
        of(1), of(2, ReportState.HELD), of(3, ReportState.CLOSED), of(4, kind="tree"), of(5, district="38001"),
        of(6, received_at=NOW + 2 * HOUR), of(7, incident="i1", draft="d1"), of(8, text="une Fuite d’eau"),
        of(9, place="rue Pasteur", text="50% du trottoir"),
    )  # fmt: skip
    assert await numbers(database, **wanted) == found
    assert await database.read(lambda unit: unit.report_lists.count(WantedReports(**wanted), 99)) == len(found)


async def test_what_waits_is_counted_up_to_a_bound_with_what_is_said_against_reports(database):
    await kept(database, *(of(place, state) for place, state in enumerate(STATES)))
    assert await database.read(lambda unit: unit.report_lists.waiting(99)) == 2
    notice = ContentNotice("n1", "r2", "why", NOW)
    await database.write(lambda unit: unit.reports.put_notice(notice))
    await database.write(lambda unit: unit.reports.put_notice(replace(notice, id="n2", state="upheld")))
    assert await database.read(lambda unit: unit.report_lists.waiting(99)) == 3
    assert await database.read(lambda unit: unit.report_lists.waiting(1)) == 1
    counts = await database.read(lambda unit: unit.report_lists.open_counts())
    assert counts == dict.fromkeys(STATES[:4], 1)


async def test_who_told_of_each_is_counted_and_to_whom_they_are_assigned_named(database):
    assigned = [of(place, ReportState.ASSIGNED, assigned_to=to) for place, to in enumerate(["Voirie", "Eau", "Voirie"])]
    await kept(database, *assigned)

    def told(unit):
        unit.reports.add_reporters("r1")

    await database.write(told)
    assert await database.read(lambda unit: unit.report_lists.reporter_counts(["r0", "r1"])) == {"r0": 1, "r1": 2}
    assert await database.read(lambda unit: list(unit.report_lists.assigned_to(9))) == ["Voirie", "Eau"]


async def test_duplicates_are_found_and_moved_and_what_hangs_on_a_report_is_stripped(database):
    await kept(database, of(1), of(2, duplicate_of="r1"), of(3))
    await database.write(lambda unit: unit.reports.move_duplicates("r1", "r3"))
    assert await database.read(lambda unit: [each.id for each in unit.reports.duplicates_of("r3", 9)]) == ["r2"]


def test_what_is_over_is_walked_from_the_newest_on_and_never_sorted(tmp_path):
    migrate(tmp_path / "town.db")
    with closing(connect(tmp_path / "town.db")) as db:
        sql = report_lists._OVER_LISTED.for_sqlite
        steps = [
            row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", dict.fromkeys(re.findall(r":(\w+)", sql), 1))
        ]
    assert any(step.startswith("SEARCH report USING INTEGER PRIMARY KEY") for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)
