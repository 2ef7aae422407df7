"""What holds a report for an officer, what is refused, and that it is so by whatever way a report comes."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import timedelta

import pytest
from PIL import Image

from alerts.model.errors import Misuse
from alerts.model.person import Actor, Origin, Role
from alerts.model.reason import because
from alerts.model.reports import ReportState, Via
from alerts.reports.forgetting import erased
from alerts.reports.spam_checks import FAR, FAR_PROVEN, PER_DAY, PER_HOUR, PER_HOUR_BY_CHAT, is_flood
from tests.unit.reports.conftest import HERE, house_of, north, reporting_town
from tests.walls import in_one_test

ANNE = Actor("Anne", Role.AUTHOR, Origin.CONSOLE)
NETWORK, CHAT = "net 192.0.2.0/24", "chat telegram:4711"
MINUTE = timedelta(minutes=1)


def a_photo(seed: int) -> bytes:
    """A picture of its own for each number."""
    picture = Image.linear_gradient("L").rotate(37 * seed).convert("RGB")
    picture.paste((seed * 40 % 256, 20, 200), (30 * seed % 200, 10, 30 * seed % 200 + 40, 200))
    picture.save(held := io.BytesIO(), "JPEG", quality=90)
    return held.getvalue()


def smaller(photo: bytes) -> bytes:
    with Image.open(io.BytesIO(photo)) as opened:
        opened.resize((150, 150)).save(held := io.BytesIO(), "JPEG", quality=60)
    return held.getvalue()


async def held(reports, **more) -> str | None:
    """Report something, and tell why it is held; None: it isn't."""
    report = (await reports.report(**more)).report
    assert (report.state is ReportState.HELD) == (report.held is not None)
    return report.held.code if report.held else None


async def test_what_nothing_is_found_about_is_received(reports):
    assert await held(reports, text="De l’eau partout", photo=a_photo(1)) is None


async def test_what_is_doubted_where_it_came_in_waits_for_an_officer(reports):
    taken = await reports.report(doubt=because("proof_missing"))
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken.report.id))
    assert (kept.state, kept.held.code) == (ReportState.HELD, "proof_missing")
    assert [step.state for step in await reports.ask(lambda unit: unit.reports.steps(kept.id))] == [ReportState.HELD]


@pytest.mark.parametrize(
    ("via", "source", "most", "far"),
    [
        (Via.PAGE, NETWORK, PER_HOUR, FAR_PROVEN),
        (Via.BOT, CHAT, PER_HOUR_BY_CHAT, FAR),
        (Via.API, "key t s", PER_HOUR, FAR),
    ],
)
async def test_more_in_an_hour_than_a_source_sees_are_held_and_far_more_refused(reports, via, source, most, far):
    found = [await held(reports, source=source, via=via) for _ in range(far * most)]
    assert found == [None] * most + ["report_pace"] * (far - 1) * most
    with pytest.raises(Misuse, match="call 112"):
        await reports.report(source=source, via=via)
    assert len(await reports.rows("SELECT * FROM report")) == far * most
    assert await held(reports, source="net 198.51.100.0/24") is None
    reports.clock.set(reports.clock.now() + timedelta(hours=1))
    assert await held(reports, source=source, via=via) == ("report_pace" if far * most > PER_DAY else None)


async def test_without_a_proof_of_work_a_network_is_refused_sooner(reports):
    doubt = because("proof_missing")
    for _ in range(FAR * PER_HOUR):
        await reports.report(source=NETWORK, doubt=doubt)
    with pytest.raises(Misuse, match="call 112"):
        await reports.report(source=NETWORK, doubt=doubt)
    assert await held(reports, source=NETWORK) == "report_pace"


async def test_whoever_erases_what_they_sent_or_says_it_was_long_ago_keeps_no_other_pace(reports):
    ago = reports.clock.now() - timedelta(hours=5)
    for number in range(PER_HOUR):
        taken = await reports.report(source=NETWORK, via=Via.API, at=ago if number % 2 else None)
        if not number % 2:
            await reports.service.act(lambda unit, gone=taken.report: erased(unit, gone))
    assert await held(reports, source=NETWORK, via=Via.API) == "report_pace"


async def test_more_in_a_day_are_held_over_midnight_too(reports):
    found = []
    for _ in range(PER_DAY + 1):
        found.append(await held(reports, source=NETWORK))
        reports.clock.set(reports.clock.now() + timedelta(hours=1.1))
    assert found == [None] * PER_DAY + ["report_pace"]
    reports.clock.set(reports.clock.now() + timedelta(hours=20))
    assert await held(reports, source=NETWORK) is None


async def test_of_many_that_come_at_one_moment_each_finds_those_before_it(reports):
    waiting = [asyncio.create_task(reports.report(source=NETWORK)) for _ in range(15)]
    while not all(each.done() for each in waiting):
        await reports.clock.advance(0.5)
    taken = sorted((each.result().report for each in waiting), key=lambda report: report.number)
    states = [each.state for each in taken]
    assert states == [ReportState.RECEIVED] * PER_HOUR + [ReportState.HELD] * (15 - PER_HOUR)


async def test_whoever_agrees_with_everything_is_refused_as_well(reports):
    taken = [await reports.report(place=north(5.0 * number)) for number in range(FAR_PROVEN * PER_HOUR + 1)]
    for each in taken[:-1]:
        assert await reports.intake.agree(each.report.id, NETWORK)
    with pytest.raises(Misuse, match="call 112"):
        await reports.intake.agree(taken[-1].report.id, NETWORK)


async def test_the_same_words_of_one_source_are_held_for_a_day_and_those_of_others_count(reports):
    first = await reports.report(source=NETWORK, text="De l’eau, rue Pasteur !")
    again = await reports.report(source=NETWORK, text="de l'e\u200bau rue  PASTEUR", kind="road")
    assert again.report.held == because("report_same_words", report=first.report.number)
    assert await held(reports, text="De l’eau, rue Pasteur !") is None
    assert await held(reports, source=NETWORK) is None
    reports.clock.set(reports.clock.now() + timedelta(hours=12))
    assert await held(reports, source=NETWORK, text="De l’eau, rue Pasteur !") == "report_same_words"
    reports.clock.set(reports.clock.now() + timedelta(hours=24) + MINUTE)
    assert await held(reports, source=NETWORK, text="De l’eau, rue Pasteur !") is None


async def test_who_only_agreed_did_not_say_the_same_words(reports):
    taken = await reports.report(text="De l’eau")
    await reports.intake.agree(taken.report.id, NETWORK)
    assert await held(reports, source=NETWORK, text="De l’eau") is None


async def test_the_same_photo_of_one_source_is_held_be_it_made_smaller(reports):
    assert await held(reports, source=NETWORK, photo=a_photo(1)) is None
    assert await held(reports, source=NETWORK, photo=a_photo(2)) is None
    assert await held(reports, source=NETWORK, photo=smaller(a_photo(1))) == "report_same_photo"
    assert await held(reports, photo=a_photo(1)) is None


async def test_what_is_outside_the_town_is_held_and_counts_in_no_cluster(reports):
    far = [await reports.report(place=(46.5, 5.71)) for _ in range(6)]
    assert {each.report.held.code for each in far} == {"report_outside"}
    for number in range(6):
        await reports.intake.agree(far[0].report.id, f"net 198.51.{number}.0/24")
    for _ in range(12):
        await reports.report(place=(46.5, 5.71), doubt=because("proof_missing"))
    assert await reports.rows("SELECT draft FROM report WHERE draft IS NOT NULL") == []
    assert {each.report.district for each in far} == {None}


async def test_a_report_knows_its_district(reports):
    district = reports.town.districts[0]
    assert [(await reports.report(place=HERE)).report.district for _ in range(2)] == [district.code] * 2


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("Espèce de CONNARD", True),
        ("je vais te  tuer", True),
        ("Fuck you!", True),
        ("Le dépotoir du maire véreux", True),
        ("Un dépotoir", False),
        ("Con\u200bnard", True),
        ("Des computers dans la rue", False),
        ("", False),
    ],
)
async def test_insults_threats_and_the_town_s_own_words_hold_a_report(tmp_path, text, is_held):
    path = tmp_path / "tocsin.db"
    reports = await house_of(path, reporting_town(path, words=("maire véreux",)))
    assert await held(reports, text=text) == ("report_words" if is_held else None)
    await reports.database.close()


async def test_an_officer_s_own_report_passes_all_of_them(reports):
    for _ in range(FAR * PER_HOUR + 1):
        found = await held(
            reports, source=NETWORK, via=Via.OFFICER, by=ANNE, text="Connard", place=(46.5, 5.71),
            doubt=because("proof_missing"),
        )  # fmt: skip
        assert found is None


@in_one_test
@pytest.mark.parametrize("via", [Via.PAGE, Via.BOT, Via.API, Via.OPEN311])
async def test_they_are_for_every_way_a_report_comes(reports, via):
    assert await held(reports, via=via, text="Connard") == "report_words"


async def test_what_is_held_counts_in_a_cluster(reports):
    for _ in range(5):
        await reports.report(text="Connard")
    assert {draft for (draft,) in await reports.rows("SELECT draft FROM report")} != {None}


async def test_a_flood_is_more_in_ten_minutes_than_the_town_s_bound(reports):
    section = reports.town.reports

    async def flooded() -> bool:
        return await reports.ask(lambda unit: is_flood(unit, section, unit.now))

    for _ in range(section.flood):
        await reports.report(kind="lighting")
    assert not await flooded()
    reports.clock.set(reports.clock.now() + timedelta(minutes=9))
    await reports.report(kind="lighting")
    assert await flooded()
    reports.clock.set(reports.clock.now() + MINUTE)
    assert not await flooded()


AT_MOST = 16
"""Statements of a report of a kind that makes drafts, where no alert is on."""
FEW = re.compile("VIRTUAL|CONSTANT|SCAN value|SCAN json_each")
"""What is scanned is what the statement was given."""


async def statements(reports, act) -> tuple[list[str], list[str]]:
    """The statements that an act runs, and what of them reads a whole table or index."""
    said: list[str] = []
    await reports.database.write(lambda unit: unit.db.set_trace_callback(said.append))
    await act()
    await reports.database.write(lambda unit: unit.db.set_trace_callback(None))
    run = [each for each in said if each.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")]
    plans = [await reports.rows(f"EXPLAIN QUERY PLAN {each}") for each in run]
    steps = [(step[-1], each) for each, plan in zip(run, plans, strict=True) for step in plan]
    return run, [f"{step}: {each}" for step, each in steps if step.startswith("SCAN ") and not FEW.search(step)]


@pytest.mark.once
async def test_a_report_takes_few_statements_each_by_an_index(reports):
    for number in range(50):
        await reports.report(place=north(20.0 * number), kind="flooding" if number % 2 else "waste")
    await reports.report(source=NETWORK, text="De l’eau", place=north(900))
    run, scans = await statements(reports, lambda: reports.report(source=NETWORK, text="De l’eau", place=north(905)))
    assert scans == []
    assert len(run) <= AT_MOST


async def test_of_a_crowd_those_of_one_transaction_read_once_what_is_on(reports):
    await reports.report(kind="lighting")

    async def all_at_once():
        waiting = [asyncio.create_task(reports.report(place=north(3.0 * number))) for number in range(20)]
        while not all(each.done() for each in waiting):
            await reports.clock.advance(0.5)
        assert len({each.result().drafted for each in waiting} - {None}) == 1

    before = reports.database.commits
    run, _ = await statements(reports, all_at_once)
    transactions = reports.database.commits - before - 2  # those that begin and end the listening
    read = [each for each in run if each.lstrip().startswith("SELECT alert.seq") and "lasting" in each]
    assert len(read) <= transactions + 1, "once in each, and once more where a draft was made"
    assert transactions < 15


@pytest.mark.once
async def test_me_too_takes_few_statements_each_by_an_index(reports):
    taken = await reports.report()
    run, scans = await statements(reports, lambda: reports.intake.agree(taken.report.id, NETWORK))
    assert scans == []
    assert len(run) <= AT_MOST
