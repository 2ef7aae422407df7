"""One event that two sources tell of is told once: floods, and works in a street; and what only looks alike is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path

import pytest

from alerts.daemon.status import HistoryEvent
from alerts.desk.dedupe import already_published
from alerts.model.alert import Alert, Severity
from alerts.model.incident import AlertState
from alerts.model.post import PostKind
from alerts.model.town import SourceRules
from alerts.sources.ical.announcements import Schedule, decide
from alerts.sources.ical.occurrence import parse_moment
from alerts.sources.ical.works_alert import to_alert
from alerts.sources.works_event import works_named
from alerts.store.views import Views
from tests.transit_pages import Network, a_disruption
from tests.unit.desk.conftest import TownDesk, a_town
from tests.unit.sources.ical_pages import PARIS, agenda_of, calendar, event
from tests.unit.sources.test_roads import Roads, incident, incidents
from tests.unit.sources.test_vigicrues import HERE, ORANGE, River
from tests.unit.sources.test_vigilance import Watch, as_meteoalarm, kinds
from tests.vigilance_pages import MORNING
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
OPENS, CLOSES = datetime(2026, 11, 26, 7, tzinfo=UTC), datetime(2026, 11, 26, 16, tzinfo=UTC)
DAY = timedelta(days=1)
LOOKS = (timedelta(hours=-19), timedelta(minutes=1))
KINDS = {
    "crues": "vigicrues", "autres": "vigicrues", "vigilance": "vigilance", "meteoalarm": "cap",
    "agenda": "ical", "dialog": "roads", "bus": "gtfs_rt",
}  # fmt: skip


@pytest.fixture
def desk(tmp_path):
    rules = {name: SourceRules(kind=kind, area="any") for name, kind in KINDS.items()}
    town = TownDesk(tmp_path / "town.db", a_town(sources=rules, areas=HERE))
    yield town
    town.db.close()


def explained(desk: TownDesk, filed) -> list[str]:
    """What `tocsin explain` says of the incident."""
    events = Views(desk.db).history(desk.stored(filed).incident_id)
    return [HistoryEvent.of(desk.station, each).reason for each in events]


def told_once(desk: TownDesk, first: tuple[str, Alert], second: tuple[str, Alert]) -> None:
    """The second is merged with the first, and explain has the reason."""
    [out], [merged] = kinds(desk, [first[1]], first[0]), kinds(desk, [second[1]], second[0])
    reason = f"réunie avec {out.stored.id}\u00a0: {first[0]} a déjà annoncé le même événement"

    assert set(desk.kinds(out).values()) == {PostKind.PUBLISH}
    assert (merged.stored.state, desk.kinds(merged)) == (AlertState.LEFT_OUT, {})
    assert merged.stored.incident_id == out.stored.incident_id
    assert reason in explained(desk, merged)


def told_both(desk: TownDesk, first: tuple[str, Alert], second: tuple[str, Alert]) -> None:
    """Both are published, in incidents of their own."""
    filed = [kinds(desk, [alert], source)[0] for source, alert in (first, second)]

    assert [set(desk.kinds(each).values()) for each in filed] == [{PostKind.PUBLISH}] * 2
    assert filed[0].stored.incident_id != filed[1].stored.incident_id


# --- floods ---------------------------------------------------------------------------------------------------------


async def floods(desk: TownDesk) -> dict[str, Alert]:
    desk.clock.set(MORNING)
    [crues] = await River("GA6", town=desk.station).says({"GA6": ORANGE})
    [vigilance] = Watch().hears({"4": [(0, 13, 3)]})
    return {"crues": crues, "vigilance": vigilance, "meteoalarm": as_meteoalarm(of=("crues", "12; Flooding"))}


@pytest.mark.parametrize(("first", "second"), list(combinations(("crues", "vigilance", "meteoalarm"), 2)))
async def test_one_flood_is_told_once(desk, first, second):
    found = await floods(desk)
    told_once(desk, (first, found[first]), (second, found[second]))


async def test_the_third_of_one_flood_is_merged_with_the_first_too(desk):
    found = await floods(desk)
    [out] = kinds(desk, [found["vigilance"]], "vigilance")
    for source in ("crues", "meteoalarm"):
        [merged] = kinds(desk, [found[source]], source)
        assert merged.stored.incident_id == out.stored.incident_id
        assert merged.stored.reason.code == "merged"


async def test_two_rivers_of_two_sources_are_two_floods(desk):
    desk.clock.set(MORNING)
    [one] = await River("GA6", town=desk.station).says({"GA6": ORANGE})
    [other] = await River("TL3", town=desk.station).says({"TL3": ORANGE})
    told_both(desk, ("crues", one), ("autres", other))


@pytest.mark.parametrize("other", [{"of": ("pluie", "10; Rain")}, {"of": ("crues", "12; Flooding"), "areas": "FR713"}])
async def test_another_hazard_or_another_department_is_no_flood_of_this_river(desk, other):
    found = await floods(desk)
    told_both(desk, ("crues", found["crues"]), ("meteoalarm", as_meteoalarm(**other)))


# --- works ----------------------------------------------------------------------------------------------------------


SCHEDULE = Schedule([parse_moment(each) for each in ("-1d", "start", "end")], PARIS)


def from_calendar(desk: TownDesk, title: str, place: str, begins: datetime, uid: str = "a") -> list[Alert]:
    """What a calendar announces the day before."""
    return life(desk, title, place, begins, uid=uid, looks=(timedelta(hours=-19),))[0]


def life(
    desk: TownDesk, title: str, place: str, begins: datetime, *, uid: str, looks: tuple[timedelta, ...]
) -> list[list[Alert]]:
    """What it announces at each look, from before the works begin."""
    times = f"DTSTART:{begins:%Y%m%dT%H%M%SZ}\nDTEND:{begins + (CLOSES - OPENS):%Y%m%dT%H%M%SZ}"
    page, announced, found = calendar(event(times, uid=uid, summary=title, more=f"LOCATION:{place}")), {}, []
    for after in looks:
        at = begins + after
        decision = decide(agenda_of(page, f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}", (uid,)), announced, SCHEDULE, at)
        announced = decision.announced
        found.append([to_alert(each, desk.station, Severity.MINOR, at) for each in decision.announcements])
    return found


async def agenda(desk: TownDesk, _: Path, street: str = "rue Haute", begins: datetime = OPENS) -> Alert:
    [alert] = from_calendar(desk, f"Travaux de voirie, {street}", "", begins)
    return alert


async def dialog(_: TownDesk, folder: Path, street: str = "rue Haute", begins: datetime = OPENS) -> Alert:
    times = {"starttime": begins.isoformat(), "endtime": (begins + (CLOSES - OPENS)).isoformat()}
    roads = Roads(folder, announce=["-10d"])
    [alert] = await roads.says(incidents(incident(street=street[:1].upper() + street[1:], **times)))
    return alert


async def bus(_: TownDesk, folder: Path, street: str = "rue Haute", begins: datetime = OPENS) -> Alert:
    network = Network(folder, routes=["3"])
    spans = ((begins, begins + (CLOSES - OPENS)),)
    [heard] = await network.says(a_disruption(title=f"Ligne 3 : {street} barrée", spans=spans))
    return heard.alert


Told = Callable[..., Awaitable[Alert]]
PAIRS = list(permutations((agenda, dialog, bus), 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_works_in_one_street_are_told_once(desk, tmp_path, first: Told, second: Told):
    one, other = await first(desk, tmp_path), await second(desk, tmp_path)

    assert one.incidents == other.incidents == ("tocsin-event:works/2026-11-26/rue-haute",)
    told_once(desk, (first.__name__, one), (second.__name__, other))


@pytest.mark.parametrize(("first", "second"), [(agenda, dialog), (agenda, bus), (dialog, bus)])
@pytest.mark.parametrize("other", [{"street": "rue Basse"}, {"begins": OPENS + DAY}], ids=["street", "day"])
async def test_works_in_another_street_or_on_another_day_are_other_works(
    desk, tmp_path, first: Told, second: Told, other
):
    told_both(
        desk, (first.__name__, await first(desk, tmp_path)), (second.__name__, await second(desk, tmp_path, **other))
    )


@pytest.mark.parametrize("by_others", [True, False])
async def test_the_day_before_and_the_start_are_told_by_whoever_told_of_the_works(desk, tmp_path, by_others):
    order = await dialog(desk, tmp_path)
    [[before], [start]] = life(desk, "Travaux", "Rue Haute", OPENS, uid="a", looks=LOOKS)
    desk.clock.set(NOW)
    if by_others:
        [out] = kinds(desk, [order], "dialog")
    [first] = kinds(desk, [before], "agenda")
    desk.clock.set(OPENS + timedelta(minutes=1))
    [second] = kinds(desk, [start], "agenda")

    told = {PostKind.PUBLISH}, {PostKind.UPDATE}
    assert tuple(set(desk.kinds(each).values()) for each in (first, second)) == ((set(), set()) if by_others else told)
    if by_others:
        assert {each.stored.reason.code for each in (first, second)} == {"merged"}
        assert first.stored.incident_id == second.stored.incident_id == out.stored.incident_id


def test_of_two_that_wait_the_second_is_shown_that_the_first_is_out(desk, tmp_path):
    rules = {name: SourceRules(kind=KINDS[name], area="any", publish="approve") for name in ("agenda", "bus")}
    town = TownDesk(tmp_path / "other.db", a_town(sources=rules, areas=HERE))
    town.clock.set(NOW)
    [ours] = from_calendar(town, "Travaux", "Rue Haute", OPENS)
    theirs = replace(ours, identifier="bus-1", sender="reseau.example")
    first, second = town.hear(ours, "agenda"), town.hear(theirs, "bus")
    assert {first.stored.state, second.stored.state} == {AlertState.WAITING}

    with town.alerts() as alerts:
        assert already_published(alerts, second.stored, NOW) == []
        alerts.set_alert_state(first.stored.id, AlertState.ACCEPTED, None)
    town.deliver(first)
    with town.alerts() as alerts:
        assert [each.id for each in already_published(alerts, second.stored, NOW)] == [first.stored.id]
    town.db.close()


def test_two_works_of_one_calendar_in_one_street_are_two(desk):
    [water] = from_calendar(desk, "Travaux d’enrobés", "Rue Haute", OPENS)
    [fibre] = from_calendar(desk, "Pose de la fibre", "Rue Haute", OPENS + timedelta(hours=1), uid="b")

    assert water.incidents == fibre.incidents != ()
    told_both(desk, ("agenda", water), ("agenda", fibre))


async def test_a_market_in_the_street_of_works_is_no_works(desk, tmp_path):
    [market] = from_calendar(desk, "Marché de Noël", "Rue Haute", OPENS)
    assert market.incidents == ()
    told_both(desk, ("dialog", await dialog(desk, tmp_path)), ("agenda", market))


async def test_the_whole_network_s_alerts_are_of_no_street_of_the_town(tmp_path):
    [heard] = await Network(tmp_path).says(a_disruption(spans=((OPENS, CLOSES),)))
    [strike] = await Network(tmp_path, routes=["3"]).says(a_disruption(cause="STRIKE", spans=((OPENS, CLOSES),)))
    assert heard.alert.incidents == strike.alert.incidents == ()


@in_one_test
@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("Rue de la République : travaux", "rue-de-la-republique"),
        ("12 rue de l’Église, derrière la mairie", "rue-de-l-eglise"),
        ("Ligne 3 : rue du 8 mai 1945 fermée", "rue-du-8-mai-1945"),
        ("avenue du Général-de-Gaulle, Saint-Martin", "avenue-du-general-de-gaulle"),
        ("Rue Haute et rue Basse", "rue-haute"),
        ("RD 524 : route fermée", "d524"),
        ("High Street closed", "high-street"),
        ("travaux de voirie dans la rue", None),
        ("Route fermée", None),
        ("", None),
    ],
)
def test_a_street_is_read_where_it_is_sure(text, street):
    assert works_named((text,), OPENS, PARIS) == ((f"tocsin-event:works/2026-11-26/{street}",) if street else ())
