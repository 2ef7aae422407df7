"""Reports in the store, in a file and on a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.model.reason import because
from alerts.model.reports import (
    CitizenReport,
    Closing,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportSource,
    ReportState,
    ReportStep,
    Via,
)
from tests.unit.store.conftest import NOW

HOUR = timedelta(hours=1)
REPORT = CitizenReport(
    id="r1",
    number="SM-26-0001",
    kind="flooding",
    state=ReportState.RECEIVED,
    at=NOW,
    received_at=NOW,
    changed_at=NOW,
    token="t" * 64,
    via=Via.PAGE,
    lat=45.1,
    lon=5.7,
    key="k1",
)


@pytest.mark.once
async def test_a_report_is_kept_as_it_is_and_found_by_whatever_names_it(database):
    full = replace(
        REPORT,
        place="rue Pasteur",
        text="De l’eau",
        channel="telegram",
        chat=-42,
        held=because("kind_twice", name="x"),
        closed_at=NOW,
        closing=Closing.DONE,
        state=ReportState.CLOSED,
        agreed=True,
        has_photo=True,
        seq=1,
    )
    await database.write(lambda unit: unit.reports.add(REPORT))
    await database.write(lambda unit: unit.reports.put(full))

    def found(unit):
        reports = unit.reports
        return [
            reports.by_id("r1"),
            reports.by_number("sm-26-0001"),
            reports.by_key("k1"),
            *reports.of_chat("telegram", -42, 5),
            *reports.listed(5, states=[ReportState.CLOSED], kind="flooding", since=NOW),
        ]

    assert await database.read(found) == [full] * 5
    assert await database.read(lambda unit: list(unit.reports.listed(5, states=[ReportState.HELD]))) == []
    assert await database.read(lambda unit: list(unit.reports.open(5))) == []


async def test_those_of_a_kind_that_count_are_found_by_time_and_place(database):
    other = [
        replace(REPORT, id="old", number="o", key=None, at=NOW - HOUR),
        replace(REPORT, id="far", number="f", key=None, lat=46.0),
        replace(REPORT, id="aside", number="a", key=None, state=ReportState.SET_ASIDE),
        replace(REPORT, id="else", number="e", key=None, kind="road"),
    ]

    def add(unit):
        for each in (REPORT, *other):
            unit.reports.add(each)

    await database.write(add)
    box = (45.0, 5.6, 45.2, 5.8)
    near = await database.read(lambda unit: unit.reports.of_kind("flooding", NOW - HOUR / 2, NOW, box, 9))
    assert [each.id for each in near] == ["r1"]


async def test_a_number_is_given_once_and_begins_anew_with_the_year(database):
    def three(unit):
        return [unit.reports.next_number(26), unit.reports.next_number(26), unit.reports.next_number(27)]

    assert await database.write(three) == [1, 2, 1]


async def test_who_told_of_it_counts_once_and_what_happened_is_told_in_order(database):
    teller = ReportSource("r1", "s1", None, NOW)
    first, second = (ReportStep("r1", NOW, state) for state in (ReportState.RECEIVED, ReportState.ACCEPTED))

    def act(unit):
        unit.reports.step(first)
        unit.reports.step(second, "telegram", 7)
        return [unit.reports.tell(teller), unit.reports.tell(teller)]

    assert await database.write(act) == [True, False]
    assert await database.read(lambda unit: list(unit.reports.tellers(["r1", "r2"]))) == [teller]
    assert [step.state for step in await database.read(lambda unit: unit.reports.steps("r1"))] == [
        "received",
        "accepted",
    ]
    [(step, chat)] = await database.read(lambda unit: unit.reports.untold("telegram"))
    assert (step.state, chat) == (ReportState.ACCEPTED, 7)
    await database.write(lambda unit: unit.reports.mark_notified(step, NOW))
    assert await database.read(lambda unit: unit.reports.untold("telegram")) == []


async def test_photos_notices_forwardings_and_secrets_are_kept(database):
    photo = ReportPhoto("r1", b"\xff\xd8x", "00ff", NOW, NOW + HOUR, "Anne")
    notice = ContentNotice("n1", "r1", "diffamatoire", NOW, name="Luc", email="luc@example.org")
    forwarding = Forwarding(
        "r1", "agglo", ForwardState.WAITING, 2, NOW + HOUR, None, because("kind_twice", name="x"), NOW
    )

    def act(unit):
        unit.reports.put_photo(photo)
        unit.reports.put_notice(notice)
        unit.reports.put_forwarding(forwarding)
        return [unit.reports.secret("day 2026-11-27", fresh, NOW) for fresh in ("a", "b")]

    assert await database.write(act) == ["a", "a"]
    assert await database.read(lambda unit: unit.reports.photo("r1")) == photo
    assert await database.read(lambda unit: list(unit.reports.notices(5, state="open"))) == [notice]
    assert await database.read(lambda unit: list(unit.reports.forwardings("r1"))) == [forwarding]
    await database.write(lambda unit: unit.reports.drop_day_secrets(NOW + HOUR))
    assert await database.write(lambda unit: unit.reports.secret("day 2026-11-27", "c", NOW)) == "c"
