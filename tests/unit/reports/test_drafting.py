"""What reports come to: a draft alert that waits, or the alert that is on."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.approve import approve, reject
from alerts.model.alert import Area, Certainty, Circle, Severity, Status
from alerts.model.errors import Conflict
from alerts.model.hazard import HAZARD_PARAMETER, hazard_of
from alerts.model.incident import AlertState
from alerts.model.reason import because
from alerts.model.reports import REPORTS, ClusterRule, ReportState
from alerts.model.town import DeskSection, SourceRules
from alerts.reports.drafting import MOST_WAITING, draft_of, settle
from alerts.reports.places import metres
from tests.unit.desk.conftest import X, an_alert
from tests.unit.reports.conftest import HERE, house_of, north, reporting_town


async def drafts(reports):
    """What clusters made, oldest first."""
    everything = await reports.ask(lambda unit: unit.views.everything())
    return [each for each in everything if each.source == REPORTS]


async def crowd(reports, count=5, *, step=120.0, minutes=0.0, sources=None, kind="flooding"):
    taken = []
    for n in range(count):
        if n:
            reports.clock.set(reports.clock.now() + timedelta(minutes=minutes))
        source = sources[n] if sources else None
        taken.append(await reports.report(kind, north(step * n), source=source))
    return taken


async def test_five_pins_make_one_draft_that_waits(reports):
    taken = await crowd(reports, minutes=59 / 4)
    [draft] = await drafts(reports)
    assert [each.drafted for each in taken] == [None, None, None, None, draft.id]
    assert draft.state is AlertState.WAITING
    [info] = draft.alert.infos
    assert (info.certainty, info.severity) == (Certainty.POSSIBLE, Severity.MODERATE)
    assert info.headline == "Rue inondée, selon plusieurs habitants (à confirmer)"
    assert info.description == "Non confirmé. Au moins 5 habitants l’ont signalé depuis 13\u00a0h."
    assert hazard_of(info) == "rain-flood"
    assert draft.alert.ends - reports.clock.now() < timedelta(hours=7)
    cited = await reports.ask(lambda unit: unit.reports.cited_by(draft.id))
    assert [each.number for each in cited] == [each.report.number for each in taken]
    posts = await reports.ask(lambda unit: unit.alerts.thread(draft.incident_id))
    assert posts
    assert {str(post.state) for post in posts} == {"waiting"}


@pytest.mark.parametrize("how", ["sources", "alone", "urgent"])
async def test_a_draft_waits_whatever_is_configured(tmp_path, how):
    rules = SourceRules(publish="auto", urgent="auto")
    changes = {
        "sources": {"sources": {REPORTS: rules}},
        "alone": {"desk": DeskSection(alone=True)},
        "urgent": {"sources": {"meteo": rules, "manual": rules}},
    }[how]
    path = tmp_path / "tocsin.db"
    house = await house_of(path, reporting_town(path, **changes))
    await crowd(house)
    [draft] = await drafts(house)
    assert draft.state is AlertState.WAITING
    await house.database.close()


async def test_what_makes_no_draft(reports):
    await crowd(reports, 4)
    await crowd(reports, 5, sources=["net 192.0.2.0/24"] * 5, kind="tree")
    await crowd(reports, 6, step=600, kind="water")
    await crowd(reports, 5, minutes=61 / 4, kind="road")
    await crowd(reports, 5, kind="noise")
    assert await drafts(reports) == []


async def test_a_sixth_pin_joins_the_draft_that_waits(reports):
    await crowd(reports)
    sixth = await reports.report(place=north(500))
    [draft] = await drafts(reports)
    assert sixth.drafted == draft.id
    numbers = await reports.ask(lambda unit: unit.reports.drafted_from([draft.id]))
    assert len(numbers[draft.id]) == 6


async def test_me_too_counts_as_a_source(reports):
    taken = await crowd(reports, 4)
    assert await reports.intake.agree(taken[0].report.id, "net 198.51.100.0/24")
    [draft] = await drafts(reports)
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken[0].report.id))
    assert (kept.draft, kept.agreed) == (draft.id, True)


async def test_a_held_one_counts_and_one_set_aside_does_not(reports):
    taken = await crowd(reports, 4)
    held, aside = taken[0].report, taken[1].report

    async def become(report, state):
        kept = await reports.ask(lambda unit: unit.reports.by_id(report.id))
        await reports.service.keep(lambda unit: unit.reports.put(replace(kept, state=state)))

    await become(held, ReportState.HELD)
    await become(aside, ReportState.SET_ASIDE)
    await reports.report()
    assert await drafts(reports) == []
    await reports.report()
    [draft] = await drafts(reports)
    cited = await reports.ask(lambda unit: unit.reports.cited_by(draft.id))
    assert held.id in {each.id for each in cited}
    assert aside.id not in {each.id for each in cited}


async def publish(reports, **changes):
    """A feed's alert that is out."""
    alert = an_alert(event="Inondation", headline="Inondation", expires=None, **changes)
    return await reports.service.act(lambda unit: unit.desk.file(unit.alerts, alert, "meteo"))


async def test_inside_an_alert_that_is_on_it_is_about_that(reports):
    filed = await publish(reports, areas=(Area("Centre-Bourg", circles=(Circle(HERE, 1.0),)),))
    taken = await crowd(reports, 6)
    assert {each.incident for each in taken} == {filed.stored.incident_id}
    assert await drafts(reports) == []
    steps = await reports.ask(lambda unit: unit.reports.steps(taken[0].report.id))
    assert steps[-1].incident == filed.stored.incident_id


async def test_an_alert_of_the_whole_town_covers_it_by_its_code(reports):
    filed = await publish(reports)
    assert (await reports.report()).incident == filed.stored.incident_id


@pytest.mark.parametrize(
    "changes",
    [
        {"areas": (Area("Saint-Martin", circles=(Circle(north(900), 0.3),)),)},
        {"status": Status.EXERCISE},
        {"event": "Vent violent", "headline": "Vent"},
    ],
)
async def test_another_place_an_exercise_and_another_hazard_are_not_it(reports, changes):
    await reports.service.act(
        lambda unit: unit.desk.file(unit.alerts, an_alert(**{"event": "Inondation", **changes}), "meteo")
    )
    taken = await crowd(reports)
    assert {each.incident for each in taken} == {None}
    assert len(await drafts(reports)) == 1


async def test_a_cluster_on_a_border_belongs_to_both_districts(reports):
    for _ in range(5):
        await reports.report(place=(45.19, 5.7199))
    [draft] = await drafts(reports)
    assert [area.description for area in draft.alert.areas] == ["Centre-Bourg", "Le Moulin d’Élise"]
    for area in draft.alert.areas:
        for ring in area.polygons:
            assert all(45.18 <= lat <= 45.2 and 5.7 <= lon <= 5.74 for lat, lon in ring)


async def test_its_area_tells_nobodys_doorstep(reports):
    taken = await crowd(reports)
    [draft] = await drafts(reports)
    exact = f"{taken[-1].report.lat:.4f}"
    assert exact not in draft.alert.infos[0].parameter("tocsin:cluster")
    found = draft_of(draft)
    assert all(found.reaches((each.report.lat, each.report.lon)) for each in taken)
    assert draft.alert.infos[0].parameter(HAZARD_PARAMETER)


async def test_told_later_of_earlier_it_counts_at_its_own_time(reports):
    start = reports.clock.now()
    for minutes in (300, 290, 310, 250):
        await reports.report(at=start - timedelta(minutes=minutes))
    assert await drafts(reports) == []
    await reports.report(at=start - timedelta(minutes=251))
    assert len(await drafts(reports)) == 1


async def decide(reports, verb, draft, *more):
    """As an officer does."""
    await reports.service.act(lambda unit: verb(unit.alerts, draft.id, "ana", *more, unit.now))


async def send(reports):
    """Let all that is queued go out."""
    await reports.database.write(
        lambda unit: unit.execute("UPDATE post SET state = 'sent', remote_id = id WHERE state = 'queued'")
    )


async def test_once_it_is_out_those_who_reported_are_told(reports):
    taken = [await reports.report(place=north(100 * n), chat=("telegram", n)) for n in range(5)]
    [draft] = await drafts(reports)
    await decide(reports, approve, draft)
    assert await reports.service.act(settle) == ([], frozenset())
    await send(reports)
    numbers, incidents = await reports.service.act(settle)
    assert numbers == [each.report.number for each in taken]
    assert incidents == {draft.incident_id}
    untold = await reports.ask(lambda unit: unit.reports.untold("telegram"))
    assert [(step.incident, chat) for step, chat in untold] == [(draft.incident_id, n) for n in range(5)]
    assert await reports.service.act(settle) == ([], frozenset())
    late = await reports.report(place=north(50))
    assert (late.incident, late.drafted) == (draft.incident_id, None)
    assert len(await drafts(reports)) == 1


async def test_what_was_rejected_is_not_brought_again_by_the_same_people(reports):
    networks = [f"net 198.51.{n}.0/24" for n in range(5)]
    await crowd(reports, sources=networks)
    [draft] = await drafts(reports)
    await decide(reports, reject, draft, None)
    await reports.report()
    await crowd(reports, sources=networks)
    assert len(await drafts(reports)) == 1
    await crowd(reports, 4)
    assert len(await drafts(reports)) == 2


async def test_another_alert_of_the_hazard_takes_the_reports_of_a_draft_that_waits(reports):
    taken = await crowd(reports)
    [draft] = await drafts(reports)
    filed = await publish(reports, areas=(Area("Centre-Bourg", circles=(Circle(HERE, 1.0),)),))
    assert filed.stored.state is AlertState.ACCEPTED
    await send(reports)
    numbers, incidents = await reports.service.act(settle)
    assert (len(numbers), incidents) == (5, {filed.stored.incident_id})
    with pytest.raises(Conflict):
        await decide(reports, approve, draft)
    kept = await reports.ask(lambda unit: unit.reports.by_id(taken[0].report.id))
    assert (kept.draft, kept.incident) == (draft.id, filed.stored.incident_id)


@pytest.mark.parametrize("seed", range(4))
async def test_never_two_drafts_within_span_and_radius(reports, seed):
    chance, rule = random.Random(seed), ClusterRule()
    for _ in range(60):
        reports.clock.set(reports.clock.now() + timedelta(minutes=chance.random() * 5))
        source = f"net 10.9.{chance.randrange(12)}.0/24"
        at = reports.clock.now() - timedelta(minutes=chance.random() * 90) if chance.random() < 0.3 else None
        await reports.report(place=north(chance.randrange(-1500, 1500)), source=source, at=at)
    made = [draft_of(each) for each in await drafts(reports)]
    assert made
    for n, one in enumerate(made):
        for other in made[n + 1 :]:
            apart = abs(one.stored.received_at - other.stored.received_at)
            assert metres(one.centre, other.centre) > rule.radius or apart > rule.span
    for each in made:
        cited = await reports.ask(lambda unit, each=each: unit.reports.cited_by(each.stored.id))
        assert len({report.source for report in cited}) >= rule.count
        assert all(each.reaches((report.lat, report.lon)) for report in cited)


async def test_a_town_without_channels_is_told_once_that_nobody_would_read_it(tmp_path):
    path = tmp_path / "tocsin.db"
    house = await house_of(path, reporting_town(path, channels=(replace(X, severity=Severity.EXTREME),)))
    await crowd(house, 8)
    [draft] = await drafts(house)
    assert draft.state is AlertState.LEFT_OUT
    await house.database.close()


async def unproven(reports, sources, kind="tree", place=HERE):
    for each in range(sources):
        await reports.report(kind, place, doubt=because("proof_missing"), source=f"net 192.{each}.{place[0]:.4f}.0/24")


async def test_what_costs_nothing_counts_half(reports):
    await unproven(reports, 9)
    assert await drafts(reports) == []
    await reports.report("tree")
    assert len(await drafts(reports)) == 1


async def test_what_costs_nothing_keeps_no_crowd_from_its_draft(reports):
    elsewhere = [("flooding", -1), *((kind, place) for kind in ("water", "road", "tree") for place in (-1, 0, 1))]
    for kind, place in (*elsewhere, ("flooding", 1)):
        await unproven(reports, 10, kind, north(700 * place))
    assert len(await drafts(reports)) == MOST_WAITING
    taken = await crowd(reports, 6, step=20)
    [draft] = {each.drafted for each in taken} - {None}
    assert len(await drafts(reports)) == MOST_WAITING + 1, "the sixth makes it fuller than what others were made of"
    assert draft not in {each.id for each in (await drafts(reports))[:MOST_WAITING]}


async def test_what_an_officer_accepted_counts_whole(reports):
    await unproven(reports, 4)
    for each in await reports.ask(lambda unit: unit.reports.listed(9)):
        accepted = replace(each, state=ReportState.ACCEPTED, accepted_at=reports.clock.now())
        await reports.service.keep(lambda unit, accepted=accepted: unit.reports.put(accepted))
    await reports.report("tree")
    assert len(await drafts(reports)) == 1


async def test_who_has_many_networks_calls_those_on_duty_ten_times_at_the_most(reports):
    everywhere = [(kind, north(700 * place)) for kind in ("flooding", "water", "road", "tree") for place in (-1, 0, 1)]
    for kind, place in everywhere:
        for _ in range(5):
            await reports.report(kind, place)
    waiting = await drafts(reports)
    assert len(waiting) == MOST_WAITING
    # One is decided: what is still told elsewhere makes the next one.
    await decide(reports, reject, waiting[0], None)
    await reports.report(*everywhere[-1])
    assert len(await drafts(reports)) == MOST_WAITING + 1
