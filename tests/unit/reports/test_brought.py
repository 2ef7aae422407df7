"""Whoever brings a report is its author: they validate no draft that cites it, and let nobody read its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.officer import Officer
from alerts.desk.versions import digest_of, waiting
from alerts.model.errors import Forbidden
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import Closing, Via
from alerts.reports.public import may_show
from alerts.reports.report_acts import (
    AcceptReport,
    AssignReport,
    CloseReport,
    CloseReportAsPrepared,
    EraseReport,
    SetReportAside,
    ShowReportAgain,
    WithholdReport,
)
from alerts.reports.words_acts import ApproveAnswer
from tests.unit.acting import by
from tests.unit.reports.conftest import HERE, north

ANNE = Actor("Anne", Role.APPROVER, Origin.API)
PROGRAM = Actor("Anne", Role.REPORTER, Origin.API)
PAUL = Actor("Paul", Role.APPROVER, Origin.CONSOLE)
LUC = Actor("Luc", Role.AUTHOR, Origin.CONSOLE)


@pytest.fixture
def careful(reports):
    """A town that wants two people for what is said to who reported."""
    object.__setattr__(reports.town, "reports", replace(reports.town.reports, answers="approve"))
    return reports


async def brought(reports, count=1, actor=PROGRAM, **more):
    return [
        (
            await reports.report(
                place=north(60.0 * place), via=Via.API, by=actor, source=f"key t somebody {place}", **more
            )
        ).report
        for place in range(count)
    ]


async def test_one_who_brought_what_a_draft_cites_does_not_validate_it(reports):
    await brought(reports, 5)
    [draft] = await reports.ask(lambda unit: unit.reports.drafts(reports.clock.now().replace(year=2020), 10))

    assert await reports.ask(lambda unit: unit.reports.brought_by([draft])) == {draft: ("Anne",)}
    with pytest.raises(Forbidden) as refused:
        await reports.service.act(lambda unit: Officer(unit, replace(ANNE, name="ANNE ")).approve(draft))
    assert refused.value.reason.code == "validates_brought"
    await reports.service.act(lambda unit: Officer(unit, PAUL).approve(draft))
    told = await reports.ask(lambda unit: [line.entry for line in unit.audit.all() if line.entry.act == "report"])
    assert [(line.actor, line.origin, line.detail) for line in told] == [("Anne", "api", "report added")] * 5


@pytest.mark.parametrize(("via", "role"), [(Via.OFFICER, Role.AUTHOR), (Via.API, Role.APPROVER)])
async def test_what_one_officer_types_in_counts_as_one_of_a_crowd(reports, via, role):
    one, other = (Actor(name, role, Origin.CONSOLE) for name in ("Anne", "Paul"))
    for number in range(6):
        await reports.report(place=north(10.0 * number), via=via, by=one, source=f"key counter {number}")
    await reports.report(via=via, by=other, source="key counter 7")
    for number in range(2):
        await reports.report(source=f"net 10.9.{number}.0/24")
    since = reports.clock.now().replace(year=2020)
    assert await reports.ask(lambda unit: unit.reports.drafts(since, 10)) == []

    await reports.report(source="net 10.9.3.0/24")
    [draft] = await reports.ask(lambda unit: unit.reports.drafts(since, 10))
    stored = (await reports.ask(lambda unit: unit.alerts.by_id(draft)))[0]
    assert "5 habitants" in stored.alert.infos[0].description


async def test_erasing_them_makes_it_nobody_elses(reports):
    found = await brought(reports, 5)
    [draft] = await reports.ask(lambda unit: unit.reports.drafts(reports.clock.now().replace(year=2020), 10))
    for each in found:
        await reports.service.act(by(ANNE, EraseReport, each.number))

    with pytest.raises(Forbidden):
        await reports.service.act(lambda unit: Officer(unit, ANNE).approve(draft))


async def test_nobody_agrees_with_themselves(reports):
    [one, other] = [(await brought(reports))[0] for _ in range(2)]
    kept = await reports.ask(lambda unit: [unit.reports.by_id(each.id).agreed for each in (one, other)])
    assert kept == [False, False], "of one program's owner, whomever it names"
    await reports.report(place=HERE)
    assert (await reports.ask(lambda unit: unit.reports.by_id(one.id))).agreed


async def test_its_words_are_public_once_somebody_else_accepts_it(careful):
    [report] = await brought(careful, text="Fuyez par la rue Haute")

    async def shown():
        kept = await careful.ask(lambda unit: unit.reports.by_id(report.id))
        return may_show(kept, careful.town, careful.clock.now())

    await careful.service.act(by(ANNE, AcceptReport, report.number))
    await careful.service.act(by(ANNE, AssignReport, report.number, "Voirie"))
    assert not await shown()
    await careful.service.act(by(PAUL, AcceptReport, report.number))
    assert await shown()


async def test_words_of_nobody_known_are_public_once_a_second_officer_who_validates_accepts_them(careful):
    """Whoever may accept may have sent it, with no name."""
    report = (await careful.report(text="Fuyez par la rue Haute")).report
    bare = (await careful.report(place=north(2000))).report

    async def shown(one):
        kept = await careful.ask(lambda unit: unit.reports.by_id(one.id))
        return may_show(kept, careful.town, careful.clock.now())

    rose = Actor("Rose", Role.AUTHOR, Origin.CONSOLE)
    for officer, act, *told in (
        (LUC, AcceptReport), (LUC, AcceptReport), (rose, AcceptReport), (PAUL, AssignReport, "Voirie"),
    ):  # fmt: skip
        await careful.service.act(by(officer, act, report.number, *told))
        assert not await shown(report)
    await careful.service.act(by(PAUL, AcceptReport, report.number))
    assert await shown(report)
    steps = await careful.ask(lambda unit: [step.state for step in unit.reports.steps(report.id)])
    assert steps == ["received", "accepted", "assigned"], "who reported is told once"
    await careful.service.act(by(LUC, AcceptReport, bare.number))
    assert await shown(bare), "a kind and a place are nobody's words"


async def test_an_approver_alone_makes_no_strangers_words_public(careful):
    report = (await careful.report(text="Fuyez par la rue Haute")).report
    for _ in range(2):
        await careful.service.act(by(PAUL, AcceptReport, report.number))
    assert (await careful.ask(lambda unit: unit.reports.by_id(report.id))).accepted_at is None
    await careful.service.act(by(ANNE, AcceptReport, report.number))
    assert (await careful.ask(lambda unit: unit.reports.by_id(report.id))).accepted_at is not None


@pytest.mark.parametrize("words", [None, "La rue est barrée."])
async def test_an_approver_who_was_first_makes_words_public_once_an_author_took_the_report_up_too(careful, words):
    report = (await careful.report(text="Fuyez par la rue Haute")).report
    await careful.service.act(by(PAUL, AcceptReport, report.number))
    await careful.service.act(by(LUC, AcceptReport, report.number, words))
    assert (await careful.ask(lambda unit: unit.reports.by_id(report.id))).accepted_at is None, "who validates is last"

    await careful.service.act(by(PAUL, AcceptReport, report.number))
    assert (await careful.ask(lambda unit: unit.reports.by_id(report.id))).accepted_at is not None
    steps = await careful.ask(lambda unit: [step.state for step in unit.reports.steps(report.id)])
    assert steps == ["received", "accepted"], "who reported is told once"
    if words is not None:
        waits = await careful.ask(lambda unit: waiting(unit, report.id))
        await careful.service.act(by(PAUL, ApproveAnswer, waits.id, digest_of(waits)))
        assert (await careful.ask(lambda unit: unit.reports.by_id(report.id))).answer == words


async def test_an_answer_in_ones_own_words_waits_and_a_prepared_one_does_not(careful):
    report = (await careful.report(text="De l’eau")).report
    closed = await careful.service.act(by(ANNE, CloseReport, report.number, "Évacuez par la rue Haute", Closing.DONE))
    assert (closed.state, closed.answer) == ("closed", None)
    said = await careful.ask(lambda unit: [step.said for step in unit.reports.steps(report.id)])
    assert said == [None, None]
    waits = await careful.ask(lambda unit: waiting(unit, report.id))

    with pytest.raises(Forbidden):
        await careful.service.act(by(ANNE, ApproveAnswer, waits.id, digest_of(waits)))
    await careful.service.act(by(PAUL, ApproveAnswer, waits.id, digest_of(waits)))

    kept = await careful.ask(lambda unit: unit.reports.by_id(report.id))
    assert kept.answer == "Évacuez par la rue Haute"
    said = await careful.ask(lambda unit: [step.said for step in unit.reports.steps(report.id)])
    assert said == [None, None, "Évacuez par la rue Haute"]
    other = (await careful.report(text="De la boue")).report
    done = await careful.service.act(by(ANNE, CloseReportAsPrepared, other.number, "C’est réparé."))
    assert done.answer == "C’est réparé."
    await careful.service.act(by(PAUL, EraseReport, report.number))
    assert await careful.rows("SELECT text FROM answer") == []


@pytest.mark.parametrize(("no", "undo"), [(WithholdReport, ShowReportAgain), (SetReportAside, AcceptReport)])
async def test_an_author_undoes_no_approvers_no(careful, no, undo):
    [found] = await brought(careful)
    await careful.service.act(by(PAUL, AcceptReport, found.number))
    await careful.service.act(by(PAUL, no, found.number, "Ce n'est pas pour le public."))

    with pytest.raises(Forbidden) as refused:
        await careful.service.act(by(LUC, undo, found.number))
    assert refused.value.reason.code == "role_too_low"
    await careful.service.act(by(PAUL, undo, found.number))
