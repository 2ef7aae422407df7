"""Taking what is reported: once however often it is sent, under a number and a link of its own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.access.sessions import digest
from alerts.apart.pool import POOL
from alerts.model.errors import Misuse
from alerts.model.reason import because
from alerts.model.reports import LONGEST_TEXT, ReportsSection, ReportState, Via
from alerts.reports import intake, taking
from alerts.reports.forgetting import forget_what_is_past
from alerts.reports.intake import MOST_UNPROVEN, ReportIntake, turns_of_photos
from alerts.reports.taking import agree, prefix_of, sources_of
from tests.unit.desk.conftest import a_town
from tests.unit.reports.test_sieves import a_photo
from tests.walls import in_one_test


async def test_a_report_is_kept_with_a_number_a_link_and_no_word_of_who_sent_it(reports):
    taken = await reports.report(text="  De l’eau \n partout ", source="net 192.0.2.0/24", chat=("telegram", 42))
    kept = await reports.ask(lambda unit: unit.reports.by_number("sm-26-0001"))
    assert (kept.number, kept.state, kept.text) == ("SM-26-0001", ReportState.RECEIVED, "De l’eau\npartout")
    assert kept.id == taken.report.id
    assert kept.token == digest(taken.token)
    assert taken.token not in repr(kept)
    [steps, tellers] = await reports.ask(lambda unit: [unit.reports.steps(kept.id), unit.reports.tellers([kept.id])])
    assert [(step.state, step.told_at) for step in steps] == [(ReportState.RECEIVED, reports.clock.now())]
    assert [each.source for each in tellers] == [kept.source]
    written = await reports.rows("SELECT * FROM report, report_source, report_step")
    assert "192.0.2" not in repr(written)
    assert reports.told == ["SM-26-0001"]


async def test_what_is_sent_twice_is_one_report_with_the_same_number_and_link(reports):
    first = await reports.report(key="a form's own")
    again = await reports.report(key="a form's own", source="net 198.51.100.0/24")
    other = await reports.report(key="another form's")
    assert (again.report.number, again.token, again.fresh) == (first.report.number, first.token, False)
    assert other.report.number != first.report.number
    assert other.token != first.token
    assert reports.told == [first.report.number, other.report.number]


async def test_a_double_tap_at_the_same_moment_is_one_report(reports):
    waiting = [asyncio.create_task(reports.report(key="k")) for _ in range(2)]
    # Which of them has its transaction first isn't told, and between two the intake rests by the clock.
    while not all(each.done() for each in waiting):
        await reports.clock.advance(0.5)
    both = [each.result() for each in waiting]
    assert len({each.report.number for each in both}) == 1
    assert sorted(each.fresh for each in both) == [False, True]


async def test_keys_of_two_ways_are_two(reports):
    page = await reports.report(key="1")
    bot = await reports.report(key="1", via=Via.BOT)
    assert page.report.number != bot.report.number


@in_one_test
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "dragons"}, "no kind of report"),
        ({"kind": "gas"}, "appelez le 18"),
        ({"lat": None}, "where is it"),
        ({"lat": float("nan")}, "no place on the globe"),
        ({"lon": 181.0}, "no place on the globe"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, "501 characters"),
        ({"at": timedelta(seconds=1)}, "last 24 hours"),
        ({"at": -timedelta(hours=24, seconds=1)}, "last 24 hours"),
    ],
)
async def test_what_cannot_be_taken_is_told_and_nothing_of_it_kept(reports, changes, says):
    if isinstance(changes.get("at"), timedelta):
        changes = {"at": reports.clock.now() + changes["at"]}
    with pytest.raises(Misuse, match=says):
        await reports.intake.take(replace(reports.draft(), **changes))
    assert await reports.rows("SELECT * FROM report") == []
    assert reports.told == []


async def test_a_program_may_tell_when_it_was(reports):
    at = reports.clock.now() - timedelta(hours=23)
    assert (await reports.report(at=at)).report.at == at


async def test_midnight_makes_nobody_two(reports):
    async def digests(source):
        return await reports.service.keep(lambda unit: sources_of(unit, source, unit.now))

    evening = await digests("net 192.0.2.0/24")
    other = await digests("net 198.51.100.0/24")
    reports.clock.set(reports.clock.now() + timedelta(hours=12))
    morning = await digests("net 192.0.2.0/24")
    assert morning[1] == evening[0]
    assert not {*morning} & {*other}
    reports.clock.set(reports.clock.now() + timedelta(hours=24))
    assert not {*evening} & {*await digests("net 192.0.2.0/24")}


async def test_me_too_counts_once(reports):
    taken = await reports.report(source="net 192.0.2.0/24")
    assert not await reports.intake.agree(taken.report.id, "net 192.0.2.0/24")
    assert await reports.intake.agree(taken.report.id, "net 198.51.100.0/24")
    assert not await reports.intake.agree(taken.report.id, "net 198.51.100.0/24")
    assert not await reports.intake.agree("nothing", "net 198.51.100.0/24")
    reports.clock.set(reports.clock.now() + timedelta(hours=12))
    assert not await reports.intake.agree(taken.report.id, "net 198.51.100.0/24")
    assert len(await reports.ask(lambda unit: unit.reports.tellers([taken.report.id]))) == 2
    reports.clock.set(reports.clock.now() + timedelta(days=2))
    assert await reports.service.act(forget_what_is_past) == 0
    assert await reports.rows("SELECT * FROM report_source") == []
    assert await reports.ask(lambda unit: unit.report_lists.reporter_counts([taken.report.id])) == {taken.report.id: 2}
    assert await reports.intake.agree(taken.report.id, "net 203.0.113.0/24")
    assert (await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))).tellers == 3


async def test_nobody_agrees_to_what_the_town_has_done_with(reports):
    taken = await reports.report()
    closed = replace(taken.report, state=ReportState.CLOSED)
    await reports.service.keep(lambda unit: unit.reports.put(closed))
    assert not await reports.service.keep(lambda unit: agree(unit, taken.report.id, "net 198.51.100.0/24"))


@in_one_test
@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("Ville de Saint-Martin", "SM"),
        ("Mairie d’Épinal", "EP"),
        ("Grenoble", "GR"),
        ("Commune de Saint-Pierre-de-Chartreuse-en-Isère", "SPDC"),
        ("東京", "R"),
    ],
)
def test_numbers_begin_with_the_initials_of_the_town(name, prefix):
    assert prefix_of(a_town(name=name)) == prefix
    assert prefix_of(a_town(name=name, reports=ReportsSection(prefix="XY"))) == "XY"


async def test_a_crowd_at_one_moment_is_taken_a_few_at_a_time_each_with_its_number(reports):
    before = reports.database.commits
    waiting = [asyncio.create_task(reports.report()) for _ in range(50)]
    while not all(each.done() for each in waiting):
        await reports.clock.advance(1.0)
    numbers = {each.result().report.number for each in waiting}
    assert numbers == {f"SM-26-{number:04}" for number in range(1, 51)}
    assert 3 <= reports.database.commits - before < 50


async def test_a_report_that_can_not_be_taken_keeps_none_of_those_that_came_with_it(reports, monkeypatch):
    def stumbles(unit, draft, *rest):
        if draft.text == "Two":
            raise ArithmeticError(draft.kind)
        return taking.take(unit, draft, *rest)

    monkeypatch.setattr(intake, "take", stumbles)
    waiting = [asyncio.create_task(reports.report(text=text)) for text in ("One", "Two", "Three")]
    while not all(each.done() for each in waiting):  # they may come in two lots, with a rest between
        await reports.clock.advance(1.0)
    done = [each.exception() or each.result() for each in waiting]
    assert [getattr(each, "fresh", type(each)) for each in done] == [True, ArithmeticError, True]
    assert await reports.rows("SELECT text FROM report ORDER BY seq") == [("One",), ("Three",)]


async def test_how_many_report_is_known_for_ten_minutes(reports):
    for key in ("one", "one", "two"):
        await reports.report(key=key)
    now = reports.clock.now()
    assert reports.intake.recent(now + timedelta(minutes=10) - timedelta(seconds=1)) == 2
    assert reports.intake.recent(now + timedelta(minutes=10)) == 0


async def test_the_proofs_of_a_town_s_daemons_have_one_secret(reports):
    first, again = await asyncio.gather(reports.intake.proofs(), reports.intake.proofs())
    other = await ReportIntake(reports.town, reports.service, reports.clock).proofs()
    assert first is again
    assert other is not first
    assert len(await reports.rows("SELECT * FROM report_secret WHERE name = 'proof'")) == 1
    assert first._secret == other._secret


async def test_what_costs_nothing_makes_nobody_else_compute_for_longer(reports):
    for _ in range(30):
        await reports.report(doubt=because("proof_missing"))
    assert reports.intake.recent(reports.clock.now()) == 0
    await reports.report()
    assert reports.intake.recent(reports.clock.now()) == 1


async def test_photos_that_cost_nothing_are_bounded_in_all_and_others_are_taken(reports, monkeypatch):
    monkeypatch.setattr(taking, "MOST_UNREVIEWED_PHOTOS", 2)
    doubt = because("proof_missing")
    for number in range(2):
        await reports.report(doubt=doubt, photo=a_photo(number))
    with pytest.raises(Misuse) as refused:
        await reports.report(doubt=doubt, photo=a_photo(3))
    assert refused.value.reason.code == "photo_no_room"
    await reports.report(doubt=doubt)
    assert (await reports.report(photo=a_photo(4))).report.has_photo


async def test_photos_without_a_proof_wait_for_each_other_and_nobody_waits_for_them(reports):
    go_on, doubt = threading.Event(), because("proof_missing")
    busy = POOL.turns_of(turns_of_photos(reports.town, proven=False), Misuse).submit(go_on.wait, 60)
    waiting = [asyncio.create_task(reports.report(doubt=doubt, photo=a_photo(n))) for n in range(MOST_UNPROVEN + 1)]

    assert (await reports.report(photo=a_photo(20))).report.has_photo, "they are a stranger's, and cost nothing to send"
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [each.exception().reason.code for each in done] == ["report_photos_many"]
    go_on.set()
    while not all(each.done() for each in waiting):  # some are taken together, and after them is a rest
        await asyncio.wait(waiting, timeout=0.01)
        await reports.clock.advance(1)
    assert sum([(await each).report.has_photo for each in waiting if each not in done]) == MOST_UNPROVEN
    assert busy.result()


async def test_no_photo_takes_the_last_gigabyte_of_the_disk(reports):
    full = ReportIntake(reports.town, reports.service, reports.clock, free=lambda: 999_999_999)
    with pytest.raises(Misuse) as refused:
        await full.take(reports.draft(photo=a_photo(1)))
    assert refused.value.reason.code == "photo_no_room"
    assert (await full.take(reports.draft())).fresh
