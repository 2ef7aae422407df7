"""What everybody may see of reports, on both databases, found without reading what was closed over the years."""

from __future__ import annotations

import re
from datetime import timedelta

from alerts.model.reports import ReportPhoto, ReportState
from alerts.store import report_lists
from alerts.store.files import connect, migrate
from tests.unit.store.conftest import NOW
from tests.unit.store.test_report_lists import kept, of

DAY = timedelta(days=1)
SHOWN = {"text": None, "has_photo": False, "agreed": True, "accepted_at": None}


async def current(database, since=NOW - DAY, most=50):
    return await database.read(lambda unit: unit.shown_reports.current(since, most))


async def test_what_may_be_shown_is_found_newest_first(database):
    await kept(
        database,
        of(1, ReportState.ACCEPTED, accepted_at=NOW),
        of(2, **SHOWN),
        of(3, **{**SHOWN, "text": "Words"}),
        of(4, **{**SHOWN, "has_photo": True}),
        of(5, **{**SHOWN, "agreed": False}),
        of(6, ReportState.HELD, **SHOWN),
        of(7, ReportState.SET_ASIDE, **SHOWN),
        of(8, ReportState.CLOSED, accepted_at=NOW, closed_at=NOW - DAY),
        of(9, ReportState.CLOSED, accepted_at=NOW, closed_at=NOW - 2 * DAY),
        of(10, **{**SHOWN, "lat": None}),
    )
    assert [each.report.id for each in await current(database)] == ["r8", "r2", "r1"]
    assert [each.report.id for each in await current(database, most=2)] == ["r8", "r2"]


async def test_it_comes_with_whether_the_photo_is_released_and_how_many_tell(database):
    await kept(database, of(1, ReportState.ACCEPTED, accepted_at=NOW), of(2, ReportState.ACCEPTED, accepted_at=NOW))

    def more(unit):
        unit.reports.put_photo(ReportPhoto("r1", b"jpeg", "0" * 16, NOW, released_at=NOW))
        unit.reports.put_photo(ReportPhoto("r2", b"jpeg", "0" * 16, NOW))
        unit.reports.add_reporters("r1", 2)

    await database.write(more)
    found = [(each.report.id, each.photo_released, each.tellers) for each in await current(database)]
    assert found == [("r2", False, 1), ("r1", True, 3)]
    one = await database.read(lambda unit: unit.shown_reports.one("SM-26-0001"))
    assert (one.report.id, one.photo_released, one.tellers) == ("r1", True, 3)
    assert await database.read(lambda unit: unit.shown_reports.one("SM-26-9999")) is None


def test_each_question_uses_an_index(tmp_path):
    path = tmp_path / "tocsin.db"
    migrate(path)
    db = connect(path)
    for statement in (report_lists._OPEN, report_lists._CLOSED, report_lists._ONE):
        sql = statement.for_sqlite
        values = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
        steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert not [step for step in steps if step.startswith("SCAN")], steps
    db.close()
