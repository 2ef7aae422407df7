"""What officers do about reports: done once, told to who reported, written down, and only by who may."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from alerts.model.errors import Conflict, Forbidden, Misuse
from alerts.model.person import Actor, KeptReply, Origin, Role
from alerts.model.reports import (
    CitizenReport,
    Closing,
    ContentNotice,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportSource,
    ReportState,
    Via,
)
from alerts.reports.report_acts import (
    AcceptReport,
    AssignReport,
    AttachReport,
    CloseReport,
    DuplicateReport,
    EraseReport,
    SetReportAside,
    ShowReportAgain,
    WithholdReport,
)
from alerts.reports.steps import decide_notice, keep_photo, release, take_back_photo
from tests.unit.acting import by
from tests.unit.web.console.watching import REPORTING, a_desk
from tests.walls import in_one_test

PAUL = Actor("Paul", Role.AUTHOR, Origin.COMMAND)
EVE = Actor("Eve", Role.VIEWER, Origin.COMMAND)
_numbers = itertools.count(1)


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path, town=REPORTING) as desk:
        yield desk


async def reported(desk, **more) -> CitizenReport:
    """Somebody reports that by the bot; as it is kept."""
    number, now = next(_numbers), desk.clock.now()
    new = CitizenReport(
        f"r{number}", f"SM-26-{number:04}", "lighting", ReportState.RECEIVED, now, now, now, "t" * 64, Via.BOT,
        45.18, 5.72, "12 rue Pasteur", text="Le lampadaire clignote", channel="x", chat=42, source="s",
        key=f"k{number}",
    )  # fmt: skip
    await desk.service.act(lambda unit: unit.reports.add(replace(new, **more)))
    return replace(new, **more)


async def do(desk, act, *values, actor=PAUL, **named):
    return await desk.service.act(by(actor, act, *values, **named))


async def steps_of(desk, report):
    steps = await desk.service.ask(lambda unit: unit.reports.steps(report.id))
    return [(step.state, step.closing, step.said, step.by) for step in steps]


async def lines_of(desk, report):
    lines = await desk.service.ask(lambda unit: unit.audit.newest(subject=report.number, most=20))
    return [line.entry.detail for line in reversed(lines)]


async def told(desk):
    return await desk.service.ask(lambda unit: [(step.state, chat) for step, chat in unit.reports.untold("x")])


ACTS = {
    "accept": (AcceptReport, (), "report accepted"),
    "assign": (AssignReport, ("Service  voirie",), "report assigned"),
    "close": (CloseReport, ("Voyez la métropole.", Closing.NOT_OURS), "report closed, not ours"),
    "set aside": (SetReportAside, ("Sans lieu",), "report set aside"),
}


@pytest.mark.parametrize("name", ACTS)
async def test_what_is_done_twice_is_done_once_told_once_and_written_down_once(desk, name):
    act, values, line = ACTS[name]
    report = await reported(desk)
    first = await do(desk, act, report.number.lower(), *values)
    assert await do(desk, act, report.id, *values, was=ReportState.RECEIVED) == first
    assert await lines_of(desk, report) == [line]
    assert len(await steps_of(desk, report)) == 1
    assert await told(desk) == [(first.state, 42)]
    assert first.changed_at == desk.clock.now()


@in_one_test
@pytest.mark.parametrize("name", ACTS)
async def test_a_viewer_does_nothing_of_it(desk, name):
    act, values, _ = ACTS[name]
    report = await reported(desk)
    with pytest.raises(Forbidden):
        await do(desk, act, report.number, *values, actor=EVE)
    assert await lines_of(desk, report) == []


@in_one_test
@pytest.mark.parametrize("name", ACTS)
async def test_who_saw_it_otherwise_than_it_is_does_nothing(desk, name):
    act, values, _ = ACTS[name]
    report = await reported(desk, state=ReportState.HELD)
    with pytest.raises(Conflict):
        await do(desk, act, report.number, *values, was=ReportState.RECEIVED)


async def test_a_report_goes_its_way_and_is_opened_again(desk):
    report = await reported(desk, state=ReportState.HELD)
    accepted = await do(desk, AcceptReport, report.number, "On y va.")
    assert (accepted.state, accepted.answer, accepted.held) == ("accepted", "On y va.", None)
    assigned = await do(desk, AssignReport, report.number, "Voirie")
    assert (assigned.state, assigned.assigned_to, assigned.accepted_at) == ("assigned", "Voirie", accepted.accepted_at)
    assert (await do(desk, AcceptReport, report.number)).state is ReportState.ASSIGNED, "somebody has it already"
    closed = await do(desk, CloseReport, report.number, "Réparé.", Closing.DONE)
    assert (closed.closing, closed.closed_at, closed.assigned_to) == ("done", desk.clock.now(), None)
    again = await do(desk, CloseReport, report.number, "Réparé ce matin.", Closing.DONE)
    assert again.answer == "Réparé ce matin."
    opened = await do(desk, AcceptReport, report.number)
    assert (opened.state, opened.closing, opened.closed_at, opened.answer) == ("accepted", None, None, None)
    assert [said for _, _, said, _ in await steps_of(desk, report)] == [
        "On y va.", None, "Réparé.", "Réparé ce matin.", None,
    ]  # fmt: skip


async def test_closing_what_waited_takes_its_words_for_nothing(desk):
    closed = await do(desk, CloseReport, (await reported(desk)).number, closing=Closing.NOT_FOUND)
    assert closed.accepted_at is None
    aside = await do(desk, SetReportAside, (await reported(desk, accepted_at=desk.clock.now())).number, "x")
    assert aside.accepted_at is None


async def test_a_duplicate_leads_to_the_first_one_and_is_told_its_end(desk):
    first, second, third = [await reported(desk, chat=chat) for chat in (1, 2, 3)]
    await do(desk, DuplicateReport, third.number, second.number)
    await do(desk, DuplicateReport, second.number, first.number)
    kept = await desk.service.ask(lambda unit: [unit.reports.by_id(each.id) for each in (second, third)])
    assert [(each.closing, each.duplicate_of) for each in kept] == [("duplicate", first.id)] * 2
    fourth = await reported(desk, chat=4)
    assert (await do(desk, DuplicateReport, fourth.number, third.number)).duplicate_of == first.id
    with pytest.raises(Misuse):
        await do(desk, DuplicateReport, first.number, third.number)

    await do(desk, CloseReport, first.number, "Réparé.", Closing.DONE)
    assert (await steps_of(desk, third))[-1] == ("closed", "done", "Réparé.", "Paul")
    ended = await desk.service.ask(
        lambda unit: [chat for step, chat in unit.reports.untold("x") if step.closing is Closing.DONE]
    )
    assert sorted(ended) == [1, 2, 3, 4]


async def test_who_told_of_a_duplicate_tells_of_the_first_one_each_once(desk):
    first, second = await reported(desk, lat=45.1, lon=5.7, kind="road"), await reported(desk, lat=45.2, lon=5.7)

    def tell(unit):
        for report, source, before in (
            (first, "a", None),
            (second, "b", None),
            (second, "c", "a"),
            (second, "d", None),
        ):
            unit.reports.tell(ReportSource(report.id, source, before, unit.now, report.kind, report.lat, report.lon))
        # Two more told of the second one so long ago that nobody knows who they were.
        unit.reports.add_reporters(second.id, 2 + 2)

    await desk.service.act(tell)
    for _ in range(2):
        await do(desk, DuplicateReport, second.number, first.number)
    [tellers, kept] = await desk.service.ask(
        lambda unit: [unit.reports.tellers([first.id]), unit.reports.by_id(first.id)]
    )
    assert {each.source for each in tellers} == {"a", "b", "d"}
    assert kept.tellers == 1 + 5 - 1
    places = await desk.service.ask(
        lambda unit: unit.execute(
            "SELECT DISTINCT kind, lat FROM report_source WHERE report = ? AND source <> 'a'", (first.id,)
        ).fetchall()
    )
    assert [tuple(each) for each in places] == [("road", 45.1)]


async def test_it_belongs_to_an_alert_by_any_of_its_names_and_is_accepted_by_that(desk):
    stored, report = await desk.post("Panne rue Pasteur"), await reported(desk)
    known = await do(desk, AttachReport, report.number, stored.id)
    assert (known.incident, known.state) == (stored.incident_id, "accepted")
    assert await do(desk, AttachReport, report.number, stored.incident_id) == known
    assert await lines_of(desk, report) == [f"report about {stored.incident_id}"]
    closed = await do(desk, CloseReport, (await reported(desk)).number)
    assert (await do(desk, AttachReport, closed.number, stored.id)).state is ReportState.CLOSED
    with pytest.raises(Misuse):
        await do(desk, AttachReport, report.number, "nothing00")


@in_one_test
@pytest.mark.parametrize(
    ("act", "values"),
    [
        (AssignReport, (" ",)), (AssignReport, ("x" * 101,)), (CloseReport, (None, Closing.ERASED)),
        (CloseReport, ("x" * 1001, Closing.DONE)), (SetReportAside, (" ",)), (WithholdReport, ("",)),
        (DuplicateReport, ("SM-26-9999",)),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(desk, act, values):
    report = await reported(desk)
    with pytest.raises(Misuse):
        await do(desk, act, report.number, *values)
    assert await lines_of(desk, report) == []


async def test_a_photo_is_blurred_released_and_taken_back(desk):
    report, now = await reported(desk, has_photo=True), desk.clock.now()
    photo = ReportPhoto(report.id, b"sharp", "00", now)
    await desk.service.act(lambda unit: unit.reports.put_photo(photo))

    async def kept():
        return await desk.service.ask(lambda unit: unit.reports.photo(report.id))

    await do(desk, keep_photo, report.number, replace(photo, jpeg=b"blurred"))
    assert ((await kept()).jpeg, (await kept()).released_at) == (b"blurred", None)
    for _ in range(2):
        await do(desk, release, report.number, replace(photo, jpeg=b"blurred"))
    assert ((await kept()).jpeg, (await kept()).released_by) == (b"blurred", "Paul")
    for _ in range(2):
        await do(desk, take_back_photo, report.number)
    assert (await kept()).released_at is None
    assert await lines_of(desk, report) == [
        "report's photo blurred", "report's photo released", "report's photo taken back",
    ]  # fmt: skip
    with pytest.raises(Conflict):
        await do(desk, release, report.number, replace(photo, at=now.replace(year=2000)))
    with pytest.raises(Forbidden):
        await do(desk, release, report.number, photo, actor=EVE)


async def test_words_are_withheld_for_a_reason_and_shown_again(desk):
    report = await reported(desk)
    for _ in range(2):
        held = await do(desk, WithholdReport, report.number, "Nomme une personne")
    assert held.withheld == "Nomme une personne"
    for _ in range(2):
        assert (await do(desk, ShowReportAgain, report.number)).withheld is None
    assert await lines_of(desk, report) == ["report withheld", "report shown again"]
    assert [said for _, _, said, _ in await steps_of(desk, report)] == ["Nomme une personne"]


@pytest.mark.parametrize("upheld", [True, False])
async def test_what_is_said_against_a_report_is_decided_once(desk, upheld):
    report = await reported(desk)
    notice = ContentNotice("n1", report.id, "C’est faux", desk.clock.now())
    await desk.service.act(lambda unit: unit.reports.put_notice(notice))
    for _ in range(2):
        decided = await do(desk, decide_notice, "n1", upheld=upheld, answer="Vu sur place")
    assert (decided.state, decided.answer, decided.by) == (
        "upheld" if upheld else "dismissed", "Vu sur place", "Paul",
    )  # fmt: skip
    kept = await desk.service.ask(lambda unit: unit.reports.by_id(report.id))
    assert kept.withheld == ("Vu sur place" if upheld else None)
    assert len(await lines_of(desk, report)) == (2 if upheld else 1)
    with pytest.raises(Conflict):
        await do(desk, decide_notice, "n1", upheld=not upheld, answer="x")
    with pytest.raises(Misuse):
        await do(desk, decide_notice, "n2", upheld=True, answer="x")


async def test_an_erased_report_says_nothing_any_more_and_comes_back_by_nobody(desk):
    report = await reported(desk, has_photo=True, place="12 rue Pasteur")

    def more(unit):
        unit.reports.put_photo(ReportPhoto(report.id, b"secret picture", "00", unit.now))
        unit.reports.tell(ReportSource(report.id, "digest", None, unit.now, "secret kind", 45.123, 5.456))
        unit.reports.put_notice(ContentNotice("n1", report.id, "Secret why", unit.now, name="Secret", email="secret@x"))
        unit.reports.put_forwarding(
            Forwarding(report.id, "agglo", ForwardState.SENT, remote_id="secret 1", token="secret 2", said="Secret too")
        )
        unit.replies.keep(KeptReply("t", "k", "r", 201, f'{{"report": "{report.number}", "secret": 1}}', unit.now))
        # Words that waited and were validated or rejected by a program name the report by its id.
        unit.replies.keep(KeptReply("t", "l", "r", 200, f'{{"subject": "{report.id}", "text": "Secret"}}', unit.now))

    await desk.service.act(more)
    await do(desk, CloseReport, report.number, "Secret answer", Closing.DONE)
    for _ in range(2):
        gone = await do(desk, EraseReport, report.number, actor=replace(PAUL, role=Role.APPROVER))
    assert (gone.state, gone.closing, gone.key) == ("closed", "erased", report.key)
    assert (await lines_of(desk, report))[1:] == ["report erased"]

    def left(unit):
        tables = (
            "report", "report_step", "report_photo", "report_source", "content_notice", "report_forward", "idempotency",
            "audit",
        )  # fmt: skip
        return str([[tuple(row) for row in unit.execute(f"SELECT * FROM {table}").fetchall()] for table in tables])

    rest = await desk.database.read(left)
    assert not [word for word in ("Pasteur", "lampadaire", "secret", "Secret", "45.18", "42,") if word in rest]
    assert await told(desk) == []
    for act, *words in ((AcceptReport,), (WithholdReport, "Secret reason"), (SetReportAside, "Secret reason")):
        with pytest.raises(Conflict):
            await do(desk, act, report.number, *words)
    assert "Secret" not in await desk.database.read(left)
