"""Service alerts of a network: one incident for all lines of some works, and an end only where the network says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.transit.gtfs_realtime_pb2 import FeedMessage

from alerts.config import read_config
from alerts.model.alert import ENDS_BY, QUIET, MsgType, Severity, Urgency
from alerts.model.errors import ConfigurationError, SourceFailed, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState
from alerts.model.town import SourceRules
from alerts.sources.gtfs_rt import AHEAD, FLOOD, LIFE, MOST_ALERTS, read_dataset
from tests.transit_pages import HOUR, NOW, TODAY, Network, a_dataset, a_deletion, a_disruption
from tests.unit.desk.conftest import TownDesk, a_town
from tests.walls import in_one_test

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "breadth" / "gtfs-rt" / "spec-alerts.asciipb"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GONE = timedelta(minutes=10)
ENDLESS = ((NOW - HOUR, None),)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(tmp_path)


def line(number: int, **changes):
    """One of the alerts that a network writes for each line that the same works divert."""
    text = f"En raison de travaux rue Haute, la ligne {number} est déviée par la rue Basse jusqu’à vendredi."
    said = {"text": text, "selectors": ({"route_id": str(number)},), **changes}
    return a_disruption(f"works-{number}", f"Ligne {number} : rue Haute barrée", **said)


def words(alert):
    info = alert.infos[0]
    return info.headline, info.description


# --- an alert -------------------------------------------------------------------------------------------------------


async def test_a_disruption_is_an_alert_in_the_network_s_words(network):
    [heard] = await network.says(a_disruption(url="https://reseau.example/works.pdf"))
    info = heard.alert.infos[0]

    assert (info.event, info.headline) == ("Déviation", "Ligne 3 : rue Haute barrée")
    assert (info.description, info.web) == ("Arrêt Mairie non desservi.", "https://reseau.example/works.pdf")
    assert (info.language, info.sender_name, info.severity) == ("fr-FR", "Réseau Tilleul", Severity.MINOR)
    assert (info.onset, info.expires, info.urgency) == (*TODAY[0], Urgency.IMMEDIATE)
    assert hazard_of(info) is Hazard.WORKS
    assert info.areas[0].geocodes == a_town().codes


async def test_the_licence_is_named_below_the_words(tmp_path):
    [heard] = await Network(tmp_path, licence="Licence Ouverte 2.0").says(a_disruption())

    assert heard.alert.infos[0].description.endswith("\n\nDonnées\u00a0: Réseau Tilleul, Licence Ouverte 2.0.")


@in_one_test
@pytest.mark.parametrize(
    ("effect", "level", "severity"),
    [
        ("DETOUR", None, Severity.MINOR),
        ("NO_SERVICE", None, Severity.MODERATE),
        ("NO_SERVICE", "INFO", Severity.MINOR),
        ("DETOUR", "WARNING", Severity.MODERATE),
        ("STOP_MOVED", "SEVERE", Severity.SEVERE),
        ("DETOUR", "UNKNOWN_SEVERITY", Severity.MINOR),
    ],
)
def test_how_grave_it_is(effect, level, severity):
    body = a_dataset(a_disruption(effect=effect, level=level))

    assert read_dataset(body, (), (), ()).alerts[0].severity is severity


@pytest.mark.parametrize("effect", ["NO_EFFECT", "ADDITIONAL_SERVICE"])
async def test_what_hinders_nobody_is_left_out(network, effect):
    assert await network.says(a_disruption(effect=effect)) == []


async def test_each_language_is_a_text_and_an_unnamed_one_is_the_town_s(network):
    both = a_disruption()
    both.alert.header_text.translation.add(text="Line 3: High Street closed", language="en")
    both.alert.header_text.translation.add(text="Once more", language="en")
    both.alert.header_text.translation.add(text="?", language="no language at all")
    [heard] = await network.says(both)

    found = {info.language: (info.event, *words_of(info)) for info in heard.alert.infos}
    assert found == {
        "fr-FR": ("Déviation", "Ligne 3 : rue Haute barrée", "Arrêt Mairie non desservi."),
        "en": ("Diversion", "Line 3: High Street closed", "Arrêt Mairie non desservi."),
    }


def words_of(info):
    return info.headline, info.description


async def test_markup_is_taken_away_and_a_text_is_bounded(network):
    [heard] = await network.says(a_disruption(title="<b>Ligne 3</b> : rue&nbsp;Haute", text="<p>mot </p>" * 5_000))

    headline, description = words(heard.alert)
    assert headline.replace("\u00a0", " ") == "Ligne 3 : rue Haute"
    assert len(description) <= 3000
    assert "<" not in description


async def test_without_words_its_effect_is_the_title(network):
    [heard] = await network.says(a_disruption(title="", text=""))

    assert words(heard.alert) == ("Déviation", None)


# --- whose it is ----------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("selectors", "concerns"),
    [
        ([{"route_id": "12"}], True),
        ([{"route_id": "99"}], False),
        ([{"route_id": "99"}, {"stop_id": "S1"}], True),
        ([{"route_id": "12", "stop_id": "elsewhere"}], False),
        ([{"route_id": "99", "stop_id": "S1"}], True),
        ([{"trip": {"route_id": "12"}}], True),
        ([{"trip": {"trip_id": "night bus"}}], False),
        ([{"agency_id": "the network"}], True),
        ([{"route_type": 3}], True),
        ([], True),
    ],
)
def test_lines_and_stops_of_the_town(selectors, concerns):
    body = a_dataset(a_disruption(selectors=selectors))

    assert bool(read_dataset(body, (), ("12",), ("S1",)).alerts) is concerns
    assert read_dataset(body, (), (), ()).alerts


def test_a_line_counts_at_any_stop_where_no_stops_are_named():
    body = a_dataset(a_disruption(selectors=[{"route_id": "12", "stop_id": "anywhere"}]))

    assert read_dataset(body, (), ("12",), ()).alerts


# --- one set of works -----------------------------------------------------------------------------------------------


async def test_four_alerts_of_one_set_of_works_are_one_with_all_its_lines(network):
    [heard] = await network.says(*(line(number) for number in (12, 3, 4, 7)))

    headline, description = words(heard.alert)
    assert headline == "Lignes 3, 4, 7, 12\u00a0: rue Haute barrée"
    assert description.count("travaux rue Haute") == 1


async def test_what_one_of_them_says_alone_is_said_too(network):
    text = "En raison de travaux rue Haute, la ligne 4 est déviée par la rue Basse jusqu’à vendredi. Arrêt Pont fermé."
    more = line(4, text=text)
    [heard] = await network.says(line(3), more)

    assert words(heard.alert)[1].endswith("jusqu’à vendredi.\n\nArrêt Pont fermé.")


async def test_titles_that_differ_are_all_said(network):
    linked = {"url": "https://reseau.example/a.pdf", "text": "Déviation par la rue Basse jusqu’à vendredi soir inclus."}
    one = a_disruption("1", "Ligne 3 : rue Haute barrée", **linked)
    other = a_disruption("2", "Ligne 4 : rue Haute fermée", **linked)
    [heard] = await network.says(one, other)

    assert words(heard.alert)[0] == "Ligne 3 : rue Haute barrée"
    assert "Ligne 4 : rue Haute fermée" in words(heard.alert)[1]


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"cause": "ACCIDENT"},
        {"effect": "NO_SERVICE"},
        {"spans": ((NOW + 7 * HOUR, NOW + 9 * HOUR),)},
        {"text": "Le marché de Noël occupe la place, tous les arrêts du centre sont reportés au Pont."},
    ],
    ids=["another cause", "another effect", "another time", "other words"],
)
def test_what_differs_is_an_incident_of_its_own(changes):
    found = read_dataset(a_dataset(line(3), line(4, **changes)), (), (), ()).alerts

    assert len({each.kin for each in found}) == 2


def test_one_page_for_all_works_of_a_network_makes_no_incident_of_them():
    url = "https://reseau.example/info"
    one = a_disruption("1", "Ligne 3 : rue Haute barrée", "Jusqu’à lundi.", url=url)
    other = a_disruption("2", "Ligne 4 : arrêt Mairie déplacé", "Place Verte.", url=url)

    assert len({each.kin for each in read_dataset(a_dataset(one, other), (), (), ()).alerts}) == 2


async def test_a_line_that_joins_or_leaves_the_works_is_an_update(network):
    [first] = await network.says(line(3))
    [second] = await network.says(line(3), line(4))
    [third] = await network.says(line(4))

    assert second.alert.msg_type is third.alert.msg_type is MsgType.UPDATE
    assert [each.identifier for each in second.alert.references] == [first.alert.identifier]
    assert words(third.alert)[0] == "Ligne 4 : rue Haute barrée"


async def test_a_network_that_gives_new_ids_each_time_says_nothing_new(network):
    await network.says(line(3), line(4))
    again = [line(3), line(4)]
    again[0].id, again[1].id = "other", "names"

    assert await network.says(*again) == []
    await network.says()
    [end] = await network.says(after=GONE)
    assert end.alert.msg_type is MsgType.CANCEL


# --- when -----------------------------------------------------------------------------------------------------------


async def test_nights_close_together_are_one_and_a_later_week_is_another(network):
    nights = tuple((NOW + n * DAY, NOW + n * DAY + 8 * HOUR) for n in (0, 1, 2, 20, 21))
    [first] = await network.says(a_disruption(spans=nights))
    assert (first.alert.infos[0].onset, first.alert.ends) == (nights[0][0], nights[2][1])

    assert await network.says(a_disruption(spans=nights), after=3 * DAY) == [], "the next ones are too far away"
    [second] = await network.says(a_disruption(spans=nights), after=17 * DAY - AHEAD)
    assert second.alert.msg_type is MsgType.ALERT
    assert (second.alert.infos[0].urgency, second.alert.infos[0].onset) == (Urgency.FUTURE, nights[3][0])


async def test_works_of_next_month_wait_for_their_week(network):
    spans = ((NOW + 30 * DAY, NOW + 31 * DAY),)

    assert await network.says(a_disruption(spans=spans)) == []
    assert len(await network.says(a_disruption(spans=spans), after=30 * DAY - AHEAD)) == 1


async def test_one_that_is_over_is_not_told(network):
    assert await network.says(a_disruption(spans=((NOW - 2 * HOUR, NOW - HOUR),))) == []


@in_one_test
@pytest.mark.parametrize(
    ("spans", "news"),
    [
        (((NOW, NOW + 6 * HOUR),), 0),
        (((NOW - HOUR, NOW + 6 * HOUR + 5 * MINUTE),), 0),
        (((NOW - HOUR, NOW + 8 * HOUR),), 1),
        (((NOW - HOUR, NOW + 3 * HOUR),), 1),
        (ENDLESS, 1),
        (((NOW + HOUR, NOW + 6 * HOUR),), 1),
    ],
    ids=["it begins anew each time", "minutes", "longer", "shorter", "without an end", "it begins later"],
)
async def test_other_times_are_an_update_where_they_say_something_new(tmp_path, spans, news):
    network = Network(tmp_path)
    await network.says(a_disruption())

    assert len(await network.says(a_disruption(spans=spans))) == news


async def test_without_an_end_it_holds_a_week_and_is_told_again(network):
    [first] = await network.says(a_disruption(spans=ENDLESS))
    info = first.alert.infos[0]
    assert (info.expires, info.parameter(ENDS_BY)) == (None, QUIET)
    assert first.alert.ends == network.clock.now() + LIFE

    assert await network.says(a_disruption(spans=ENDLESS), after=LIFE - HOUR) == []
    [again] = await network.says(a_disruption(spans=ENDLESS), after=HOUR)
    assert again.alert.msg_type is MsgType.ALERT
    assert again.key != first.key


async def test_no_periods_at_all_is_as_long_as_it_is_there(network):
    [heard] = await network.says(a_disruption(spans=()))

    assert (heard.alert.infos[0].onset, heard.alert.infos[0].expires) == (None, None)


async def test_milliseconds_and_for_ever_are_understood(network):
    odd = a_disruption(spans=())
    span = odd.alert.active_period.add()
    span.start, span.end = int(NOW.timestamp() * 1000), 2**64 - 1
    [heard] = await network.says(odd)

    assert (heard.alert.infos[0].onset, heard.alert.infos[0].expires) == (NOW, None)


async def test_an_end_before_its_start_is_no_period(network):
    [heard] = await network.says(a_disruption(spans=((NOW + 3 * HOUR, NOW + HOUR), *TODAY)))

    assert heard.alert.ends == TODAY[0][1]


# --- the end --------------------------------------------------------------------------------------------------------


async def test_what_is_missing_for_ten_minutes_is_over(network):
    [first] = await network.says(a_disruption())
    assert await network.says() == []
    assert await network.says(after=GONE - MINUTE) == []
    [end] = await network.says(after=MINUTE)

    assert (end.alert.msg_type, end.alert.infos) == (MsgType.CANCEL, ())
    assert [each.identifier for each in end.alert.references] == [first.alert.identifier]
    assert await network.says(after=GONE) == []


async def test_one_that_ended_and_comes_back_is_told_and_ended_again(network):
    [first] = await network.says(a_disruption())
    await network.says()
    [end] = await network.says(after=GONE)

    [again] = await network.says(a_disruption())
    assert (again.alert.msg_type, again.alert.references) == (MsgType.ALERT, ())
    await network.says()
    [over] = await network.says(after=GONE)
    assert [each.identifier for each in over.alert.references] == [again.key]
    assert len({first.key, end.key, again.key, over.key}) == 4


async def test_a_server_that_begins_with_nothing_ends_nothing(network):
    await network.says(a_disruption())
    await network.says()

    assert await network.says(a_disruption(), after=5 * MINUTE) == []
    assert await network.says(after=30 * MINUTE) == [], "it counts anew"


async def test_an_empty_dataset_that_is_old_ends_nothing(network):
    await network.says(a_disruption())
    empty = a_dataset(made=network.clock.now())
    await network.writes(empty)
    with pytest.raises(SourceFailed, match="so nobody knows what holds now"):
        await network.writes(empty, after=31 * MINUTE)

    assert await network.says(a_disruption()) == []


@in_one_test
@pytest.mark.parametrize("made", [None, NOW + 2 * DAY], ids=["no time", "a time to come"])
async def test_a_dataset_that_is_of_no_known_time_ends_nothing(tmp_path, made):
    network = Network(tmp_path)
    [_] = await network.writes(a_dataset(a_disruption(), made=made))

    for _ in range(3):
        assert await network.writes(a_dataset(made=made), after=GONE) == []


async def test_an_unchanged_file_becomes_old(network):
    await network.says(a_disruption())
    assert list((await network.look(20 * MINUTE)).heard) == []
    with pytest.raises(SourceFailed):
        await network.look(20 * MINUTE)


async def test_how_old_it_may_be_is_the_town_s_to_say(tmp_path):
    network = Network(tmp_path, fresh="2d")
    await network.says(a_disruption(spans=ENDLESS))

    assert list((await network.look(DAY)).heard) == []


async def test_an_older_dataset_from_a_cache_says_nothing(network):
    await network.says(a_disruption())
    newer = network.clock.now()
    older = a_dataset(a_disruption(text="Ancien."), made=newer - 2 * MINUTE)
    assert await network.writes(older) == []
    network.begin()
    assert await network.writes(older) == [], "nor to another process"

    assert await network.says(a_disruption()) == []


async def test_a_period_that_is_cut_short_is_an_end(network):
    await network.says(a_disruption())
    [end] = await network.says(a_disruption(spans=((NOW - HOUR, NOW),)))

    assert end.alert.msg_type is MsgType.CANCEL


async def test_what_ran_out_by_itself_is_not_ended_again(network):
    await network.says(a_disruption())

    assert await network.says(after=7 * HOUR) == []
    assert network.memory.state["told"] == {}


async def test_too_many_are_cut_and_end_nothing(network):
    await network.says(a_disruption("zz", "Ligne 3 : arrêt déplacé"))
    many = [a_disruption(f"a{n:03}", f"Rue {n} x{n} y{n} barrée", "") for n in range(MOST_ALERTS + 1)]
    await network.says(*many)
    network.file.write_bytes(a_dataset(*many, made=network.clock.now() + GONE))
    reading = await network.look(GONE)

    assert reading.trouble.code == "transit_many"
    assert not any(each.alert.msg_type is MsgType.CANCEL for each in reading.heard)


async def test_texts_that_are_no_utf_8_cost_their_alert_alone(network):
    body = a_dataset(a_disruption("1", "Ligne 3 : xxxx"), a_disruption("2", "Gare fermée", cause="STRIKE"), made=NOW)
    network.file.write_bytes(body.replace(b"xxxx", b"\xff\xfe\xfd\xfc"))
    reading = await network.look()

    assert [each.alert.infos[0].headline for each in reading.heard] == ["Gare fermée"]
    assert (reading.trouble.code, dict(reading.trouble.values)) == ("transit_unread", {"count": 1})


# --- awkward ones ---------------------------------------------------------------------------------------------------

RAW = a_dataset(a_disruption())
TITLE = "Ligne 3 : rue Haute barrée"


def changed(*, title: str = TITLE, **changes) -> bytes:
    """A dataset with one alert; `header`, `entity` and `alert` are changed by what they are called with."""
    message = FeedMessage.FromString(a_dataset(a_disruption(title=title)))
    for name, change in changes.items():
        change({"header": message.header, "entity": message.entity, "alert": message.entity[0].alert}[name])
    return message.SerializePartialToString()


def _twice(entities) -> None:
    entities.add().CopyFrom(entities[0])


def _many_spans(alert) -> None:
    for number in range(1000):
        alert.active_period.add(start=1_800_000_000 + 10 * number, end=1_800_000_005 + 10 * number)


def _spans(*those):
    def change(alert) -> None:
        del alert.active_period[:]
        for start, end in those:
            alert.active_period.add(start=start, end=end)

    return change


AWKWARD = {
    "an old version": (changed(header=lambda it: setattr(it, "gtfs_realtime_version", "1.0")), [TITLE]),
    "no version": (changed(header=lambda it: it.ClearField("gtfs_realtime_version")), "transit_none"),
    "a version to come": (changed(header=lambda it: setattr(it, "gtfs_realtime_version", "9.9-beta")), [TITLE]),
    "no incrementality": (changed(header=lambda it: it.ClearField("incrementality")), [TITLE]),
    "milliseconds": (changed(header=lambda it: setattr(it, "timestamp", 1_795_608_000_000)), [TITLE]),
    "the largest time there is": (changed(header=lambda it: setattr(it, "timestamp", 2**64 - 1)), [TITLE]),
    "no id": (changed(entity=lambda those: those[0].ClearField("id")), [TITLE]),
    "an empty id": (changed(entity=lambda those: setattr(those[0], "id", "")), [TITLE]),
    "a long id": (changed(entity=lambda those: setattr(those[0], "id", "x" * 100_000)), [TITLE]),
    "one id twice": (changed(entity=_twice), [TITLE]),
    "deleted in a full one": (changed(entity=lambda those: setattr(those[0], "is_deleted", True)), []),
    "an entity of nothing": (changed(entity=lambda those: those[0].ClearField("alert")), []),
    "no entity": (changed(entity=lambda those: those.pop()), []),
    "a cause that there isn't": (RAW.replace(b"\x30\x0a", b"\x30\x63"), [TITLE]),
    "an effect that there isn't": (RAW.replace(b"\x38\x04", b"\x38\x63"), [TITLE]),
    "neither cause nor effect": (changed(alert=lambda it: (it.ClearField("cause"), it.ClearField("effect"))), [TITLE]),
    "a selector of nothing": (changed(alert=lambda it: it.informed_entity.add()), [TITLE]),
    "a thousand periods": (changed(alert=_many_spans), [TITLE]),
    "periods out of order": (
        changed(alert=_spans((1_795_700_000, 1_795_710_000), (1_795_600_000, 1_795_610_000))),
        [TITLE],
    ),
    "periods that end before they begin": (changed(alert=_spans((9, 8), (7, 6))), [TITLE]),
    "a period in milliseconds": (changed(alert=_spans((1_795_600_000_000, 1_795_700_000_000))), [TITLE]),
    "a text of blanks": (changed(title=" \u00a0\n\t"), [""]),
    "a title of lines": (changed(title="Ligne 3 :\nrue Haute\r\nbarrée"), [TITLE]),
    "a title that reads from right to left": (changed(title="\u202eLigne 3\u202c : rue Haute barrée"), [TITLE]),
    "a title of controls": (changed(title="Ligne 3\0\x07 : rue Haute barrée"), [TITLE]),
    "entities twice escaped": (
        changed(title="Ligne 3 : rue&amp;nbsp;Haute barr&eacute;e"),
        ["Ligne 3 : rue Haute barrée"],
    ),
    "a script": (changed(title="<script>alert(1)</script>Ligne 3 : rue Haute barrée"), [TITLE]),
    "a decomposed accent": (changed(title="Ligne 3 : rue Haute barre\u0301e"), [TITLE]),
    "languages of nobody": (
        changed(alert=lambda it: setattr(it.header_text.translation[0], "language", "français")),
        [TITLE],
    ),
    "a hundred translations": (
        changed(alert=lambda it: [it.header_text.translation.add(text="x", language=f"a{n}") for n in range(100)]),
        [TITLE],
    ),
    "an address that is none": (changed(alert=lambda it: it.url.translation.add(text="javascript:alert(1)")), [TITLE]),
    "fields of an extension": (RAW + b"\xc2\x3e\x03abc", [TITLE]),
    "cut in the middle": (RAW[:-5], "transit_none"),
    "the same again behind it": (RAW * 2, [TITLE]),
    "text": (b'header { gtfs_realtime_version: "2.0" }', "transit_none"),
    "XML": (b"<?xml version='1.0'?><Siri/>", "transit_none"),
    "a page": (b"<!DOCTYPE html><title>404</title>", "transit_none"),
    "a zip": (b"PK\x03\x04" + b"\0" * 60, "transit_none"),
    "zeros": (b"\0" * 1000, "transit_none"),
}


@in_one_test
@pytest.mark.parametrize(("body", "told"), AWKWARD.values(), ids=AWKWARD)
def test_awkward_ones(body, told):
    try:
        found: object = [
            each.in_language("", "").title.replace("\u00a0", " ") for each in read_dataset(body, (), (), ()).alerts
        ]
    except Unreadable as refused:
        found = refused.reason.code

    assert found == told


# --- differential ---------------------------------------------------------------------------------------------------


async def test_a_differential_dataset_changes_what_it_names_and_ends_what_it_deletes(network):
    strike = a_disruption("s", "Ligne 7 : grève", cause="STRIKE")
    [_] = await network.says(line(3), differential=True)
    [_] = await network.says(strike, differential=True)
    assert await network.says(differential=True, after=HOUR) == [], "what it doesn't name goes on"

    [changed] = await network.says(line(4), differential=True)
    assert words(changed.alert)[0] == "Lignes 3, 4\u00a0: rue Haute barrée"
    network.begin()
    [ended] = await network.says(a_deletion("s"), differential=True)
    assert ended.alert.msg_type is MsgType.CANCEL
    [fewer] = await network.says(a_deletion("works-3"), differential=True)
    assert words(fewer.alert)[0] == "Ligne 4 : rue Haute barrée"


async def test_a_full_dataset_after_differential_ones_counts_as_all_there_is(network):
    await network.says(line(3), differential=True)
    await network.says()

    [end] = await network.says(after=GONE)
    assert end.alert.msg_type is MsgType.CANCEL


async def test_a_differential_dataset_after_full_ones_ends_nothing_by_itself(network):
    await network.says(line(3))
    for _ in range(3):
        assert await network.says(differential=True, after=GONE) == []

    [end] = await network.says(a_deletion("works-3"), differential=True)
    assert end.alert.msg_type is MsgType.CANCEL


async def test_a_deletion_in_a_full_dataset_is_no_alert(network):
    assert await network.says(a_deletion("1")) == []


# --- the whole ------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"<html>", b'{"header": {}}', b"\x0a\x00"])
async def test_what_is_no_dataset_fails(tmp_path, body):
    with pytest.raises(SourceFailed, match="no GTFS-realtime dataset"):
        await Network(tmp_path).writes(body)


def test_trains_beside_the_alerts_are_passed_over():
    message = FeedMessage.FromString(a_dataset(a_disruption()))
    message.entity.add(id="bus").vehicle.vehicle.id = "1"
    message.entity.add(id="trip").trip_update.trip.trip_id = "1"

    assert [each.id for each in read_dataset(message.SerializeToString(), (), (), ()).alerts] == ["1"]


def test_of_two_with_one_id_the_last_counts():
    [found] = read_dataset(a_dataset(line(3), line(3, text="Neuf.")), (), (), ()).alerts

    assert found.words[0].text == "Neuf."


async def test_many_at_the_first_reading_wait_for_an_officer(tmp_path):
    network = Network(tmp_path, publish="auto")
    many = [a_disruption(str(n), f"Rue {n} x{n} y{n}", "") for n in range(FLOOD + 1)]
    heard = await network.says(*many)

    assert {each.hold.code for each in heard} == {"transit_flood"}
    [later] = await network.says(*many, a_disruption("new", "Gare fermée", "", cause="STRIKE"))
    assert later.hold is None


async def test_a_disruption_waits_for_an_officer_and_its_change_takes_its_place(network, tmp_path):
    town = TownDesk(tmp_path / "town.db", a_town(sources={"bus": SourceRules(publish="approve", kind="gtfs_rt")}))
    strikes = a_disruption("s", "Ligne 7 : grève", cause="STRIKE")
    strike, first = [town.hear(each.alert, "bus") for each in await network.says(strikes, line(3))]
    [heard] = await network.says(line(3), line(4), strikes)
    second = town.hear(heard.alert, "bus")

    assert {each.stored.state for each in (first, strike, second)} == {AlertState.WAITING}
    assert second.stored.incident_id == first.stored.incident_id != strike.stored.incident_id


def test_it_waits_unless_the_town_says_otherwise(tmp_path):
    lines = (
        '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
        'token = { env = "T" }\n[sources.bus]\nkind = "gtfs_rt"\nurl = "https://v.example/alerts"\n'
    )
    assert read_config(tmp_path / "channels.toml", lines).rules_for("bus").publish == "approve"
    assert read_config(tmp_path / "channels.toml", f'{lines}publish = "veto"\n').rules_for("bus").publish == "veto"
    with pytest.raises(ConfigurationError, match=r"sources.bus.routes"):
        read_config(tmp_path / "channels.toml", f"{lines}routes = 12\n")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not on this machine")
async def test_the_specification_s_own_example(network):
    message = text_format.Parse(SHARED.read_text(encoding="utf-8"), FeedMessage())
    [found] = read_dataset(message.SerializeToString(), (), ("219",), ()).alerts
    assert read_dataset(message.SerializeToString(), (), ("100",), ("16230",)).alerts
    assert not read_dataset(message.SerializeToString(), (), ("100",), ("1",)).alerts

    assert (found.cause, found.effect, found.level) == ("CONSTRUCTION", "DETOUR", "UNKNOWN_SEVERITY")
    assert found.words[0].title == "Stop at Elm street is closed, temporary stop at Oak street"
    # Of 2010: as a server that hangs would say it.
    with pytest.raises(SourceFailed, match="2010"):
        await network.writes(message.SerializeToString())
