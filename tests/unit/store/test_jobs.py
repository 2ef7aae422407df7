"""The journal of jobs, on both databases: what is under way, in doubt, an officer's, or forgotten with its chat."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model.job import Job
from alerts.model.post import PostState
from alerts.model.reason import because
from alerts.model.reports import ReportState, ReportStep
from alerts.model.subscriber import Linked
from tests.unit.store.conftest import NOW

CUT_OFF = because("stopped_midway")
SENDING = Job("telegram", "news", "1", 7, PostState.SENDING, 1, attempted_at=NOW, owner="us")


async def test_what_was_being_sent_is_in_doubt_and_an_outcome_of_another_owner_counts_no_more(database):
    resting = Job("telegram", "notice", "a", 7, next_try=NOW + timedelta(minutes=1), reason=CUT_OFF)
    other = replace(SENDING, channel="page", kind="hide")

    def act(unit):
        for each in (SENDING, resting, other):
            unit.jobs.put(each)
        assert unit.jobs.is_still(SENDING)
        return unit.jobs.interrupt("telegram", ("news", "notice"), NOW, CUT_OFF)

    doubted = replace(SENDING, state=PostState.IN_DOUBT, next_try=NOW, reason=CUT_OFF)
    assert await database.write(act) == [doubted]
    known = await database.read(lambda unit: unit.jobs.of("telegram", ("news", "notice")))
    assert known == {doubted.key: doubted, resting.key: resting}
    counts = await database.read(lambda unit: unit.jobs.counts())
    assert counts["telegram", "news", "in_doubt"] == counts["page", "hide", "sending"] == 1
    assert not await database.read(lambda unit: unit.jobs.is_still(SENDING))
    assert await database.read(lambda unit: unit.jobs.is_still(other))


async def test_done_failed_or_an_officer_s_it_leaves_the_journal(database):
    for state in (PostState.SENT, PostState.FAILED, PostState.IN_DOUBT):
        await database.write(lambda unit: unit.jobs.put(SENDING))
        await database.write(lambda unit, state=state: unit.jobs.put(replace(SENDING, state=state)))
        assert not await database.read(lambda unit: unit.jobs.of("telegram", ("news",)))


async def test_a_job_goes_with_its_chat_however_that_is_forgotten(database):
    step = ReportStep("r1", NOW, ReportState.ACCEPTED)

    def put(unit):
        unit.reports.step(step, "telegram", 7)
        [(told, _)] = unit.reports.untold("telegram")
        unit.jobs.put(replace(SENDING, about=str(told.seq)))
        unit.officer_chats.link(Linked("telegram", 7, "Anne"))
        unit.jobs.put(replace(SENDING, kind="notice"))

    def left(unit):
        return {kind for kind, _, _ in unit.jobs.of("telegram", ("news", "notice"))}

    for forget, stays in (
        (lambda unit: unit.report_chats.part("telegram", 7), {"notice"}),
        (lambda unit: unit.officer_chats.unlink("telegram", 7), {"news"}),
        (lambda unit: unit.reports.drop_contact("r1"), {"notice"}),
        (lambda unit: unit.subscribers.forget("telegram", 7), set()),
    ):
        await database.write(put)
        await database.write(forget)
        assert await database.read(left) == stays
        await database.write(lambda unit: unit.subscribers.forget("telegram", 7))
        await database.write(lambda unit: unit.execute("DELETE FROM report_step") and None)
