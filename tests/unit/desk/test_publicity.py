"""What the public sees of an incident, and what it doesn't."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from alerts.desk import publicity
from alerts.desk.approve import approve, reject
from alerts.desk.publicity import IncidentIndex, public_incident, situation
from alerts.model.alert import Area, NamedValue, Scope, Severity, Status
from alerts.model.post import EndReason
from alerts.model.town import SourceRules
from alerts.store.views import Views
from tests.unit.desk.conftest import LATER, NOW, an_alert, cancelling, following
from tests.walls import in_one_test


def seen(town, filed, now=None):
    with town.alerts() as alerts:
        incident = filed.stored.incident_id
        return public_incident(alerts.incident(incident), alerts.thread(incident), now or town.clock.now())


def test_an_alert_that_is_out_is_seen_with_its_versions(town):
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    town.hear(following(alert, headline="Tempête", severity=Severity.SEVERE))

    incident = seen(town, first)

    assert incident.id == first.stored.incident_id
    assert [version.alert.infos[0].headline for version in incident.versions] == ["Coup de vent", "Tempête"]
    assert incident.severity is Severity.SEVERE
    assert incident.ending is None


def test_an_exercise_is_not_seen(town):
    drill = town.post(an_alert(status=Status.EXERCISE))

    assert set(town.states(drill)) == {"exercices"}
    assert seen(town, drill) is None


def test_what_waits_or_was_rejected_is_not_seen_before_it_is_let_out(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve")})
    waiting, refused = town.hear(an_alert(headline="Un")), town.hear(an_alert(headline="Deux", event="Orage"))

    assert (seen(town, waiting), seen(town, refused)) == (None, None)
    town.act(lambda alerts: approve(alerts, waiting.stored.id, "ana", NOW))
    town.act(lambda alerts: reject(alerts, refused.stored.id, "ana", None, NOW))
    assert seen(town, waiting) is not None
    assert seen(town, refused) is None


def test_a_waiting_update_changes_nothing_of_what_is_seen(make_town):
    town = make_town()
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    careful = replace(town.station, sources={"meteo": SourceRules(publish="approve")})
    town.desk.station = careful
    town.hear(following(alert, headline="Tempête"))

    assert [version.alert.infos[0].headline for version in seen(town, first).versions] == ["Coup de vent"]


def test_a_cancellation_ends_it_when_it_was_taken_in(town):
    first = town.hear(alert := an_alert())
    town.deliver(first)
    town.pass_(minutes=5)
    town.hear(cancelling(alert))

    ending = seen(town, first).ending

    assert (ending.reason, ending.at) == (EndReason.CANCELLED, NOW + timedelta(minutes=5))
    assert ending.stored.alert.references


def test_what_was_taken_back_before_it_went_out_is_over_all_the_same(town):
    """The page showed it at once; that no post ever left must not leave it standing."""
    first = town.hear(alert := an_alert())
    town.pass_(minutes=5)
    second = town.hear(cancelling(alert))

    ending = seen(town, first).ending

    assert set(town.states(first).values()) == {"superseded"}
    assert (ending.reason, ending.at) == (EndReason.CANCELLED, NOW + timedelta(minutes=5))
    assert ending.stored.id == second.stored.id


def test_what_was_taken_back_by_words_for_others_is_over_without_them(town):
    first = town.hear(alert := an_alert())
    town.pass_(minutes=2)
    town.hear(following(alert, scope=Scope.PRIVATE, addresses=("x",), headline="Secret"))

    ending = seen(town, first).ending
    assert (ending.reason, ending.stored) == (EndReason.CANCELLED, None)


def test_what_came_after_it_was_taken_back_says_nothing_of_it(make_town):
    """Later words that wait or were left out are for nobody, and when they came for nobody either."""
    town = make_town(sources={"meteo": SourceRules(), "slow": SourceRules(publish="approve", speaks_for=("meteo",))})
    first = town.hear(alert := an_alert())
    second = town.hear(cancelling(alert, note="Fausse alerte."))
    waiting = replace(following(alert, headline="Not yet", sent=NOW + timedelta(minutes=10)))
    double = replace(cancelling(alert, sent=NOW + timedelta(minutes=10)), note="Not here")
    for message, source, state in ((waiting, "slow", "waiting"), (double, "meteo", "left_out")):
        town.pass_(minutes=20)
        later = town.hear(message, source)
        ending = seen(town, first).ending

        assert (later.stored.state, later.stored.incident_id) == (state, first.stored.incident_id)
        assert (ending.at, ending.stored.id) == (NOW, second.stored.id)


def test_what_moved_elsewhere_is_over_here_and_none_of_its_words_are_seen(town):
    """Readers of every channel were told that it is over: the page can't go on, and not with another town's words."""
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    town.pass_(minutes=2)
    away = Area("Autreville", geocodes=(NamedValue("INSEE", "99999"),))
    moved = town.hear(following(alert, headline="Tempête", areas=(away,)))
    over = seen(town, first)
    town.pass_(minutes=2)
    town.hear(following(moved.stored.alert, headline="De retour"))

    assert set(town.kinds(moved).values()) == {"end"}
    assert (over.ending.reason, over.ending.at) == (EndReason.CANCELLED, NOW + timedelta(minutes=2))
    assert "Tempête" not in str(over)
    assert "Autreville" not in str(over)
    assert seen(town, first).ending is None, "it came back"


def test_time_alone_ends_it_at_its_end(town):
    first = town.hear(an_alert())

    assert seen(town, first, LATER - timedelta(seconds=1)).ending is None
    assert seen(town, first, LATER).ending.reason is EndReason.EXPIRED
    assert seen(town, first, LATER + timedelta(hours=3)).ending.at == LATER


def test_words_that_are_for_others_stay_theirs(town):
    """The sender goes on for a closed circle: the public learns that it is over, and none of the words."""
    first = town.hear(alert := an_alert(headline="Coup de vent"))
    town.deliver(first)
    town.pass_(minutes=2)
    town.hear(following(alert, scope=Scope.RESTRICTED, restriction="police", headline="Secret"))

    incident = seen(town, first)

    assert incident.ending.reason is EndReason.CANCELLED
    assert incident.ending.stored is None
    assert "Secret" not in str(incident)


def a_work(**changes):
    return an_alert(headline="Travaux rue Haute", event="Travaux", severity=Severity.MINOR, **changes)


def test_the_situation_sorts_worst_first_soonest_first_and_newest_first(town):
    grave = town.hear(an_alert(event="Crue", headline="Crue", severity=Severity.EXTREME))
    mild = town.hear(an_alert(event="Gel", headline="Gel", severity=Severity.MINOR))
    work = town.hear(a_work(onset=NOW + timedelta(days=2), expires=NOW + timedelta(days=3)))
    gone = town.hear(ended := an_alert(event="Orage", headline="Orage"))
    town.deliver(gone)
    town.hear(cancelling(ended))

    shown = situation([seen(town, each) for each in (mild, work, gone, grave)], NOW, town.station.zone)

    assert [each.id for each in shown.on] == [grave.stored.incident_id, mild.stored.incident_id]
    assert [each.id for each in shown.to_come] == [work.stored.incident_id]
    assert [each.id for each in shown.over] == [gone.stored.incident_id]


def test_works_are_on_once_they_have_begun_and_forgotten_a_day_after_their_end(town):
    work = town.hear(a_work(onset=NOW + timedelta(hours=1), expires=NOW + timedelta(hours=2)))

    def shown(hours):
        now = NOW + timedelta(hours=hours)
        told = situation([seen(town, work, now)], now, town.station.zone)
        return len(told.to_come), len(told.on), len(told.over)

    assert [shown(0), shown(1), shown(2), shown(25.9), shown(26.1)] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
        (0, 0, 0),
    ]


def test_a_storm_that_is_still_to_come_is_on_already(town):
    storm = town.hear(an_alert(onset=NOW + timedelta(hours=4)))

    assert len(situation([seen(town, storm)], NOW, town.station.zone).on) == 1


def test_a_market_of_the_calendar_is_to_come_until_it_begins(town):
    parameters = (NamedValue("tocsin:hazard", "general"), NamedValue("tocsin:step", "before"))
    market = town.hear(an_alert(headline="Marché", onset=NOW + timedelta(hours=4), parameters=parameters))

    assert len(situation([seen(town, market)], NOW, town.station.zone).to_come) == 1
    assert len(situation([seen(town, market)], NOW + timedelta(hours=4), town.station.zone).on) == 1


@in_one_test
@pytest.mark.parametrize(
    ("rule", "hours", "now", "is_on"),
    [
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 2, True),  # counted from a Wednesday at noon, by its clocks
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 8, False),
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 24 + 2, False),
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 7 * 24 + 2, False),  # off
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 14 * 24 + 2, True),
        ("FREQ=WEEKLY;BYDAY=WE;INTERVAL=2", ("13:00", 3), 21 * 24 + 2, False),
        ("FREQ=DAILY", ("22:00", 8), 12, True),
        ("FREQ=DAILY", ("22:00", 8), 16, True),
        ("FREQ=DAILY", ("22:00", 8), 24, False),
        ("FREQ=MONTHLY;BYMONTHDAY=25", ("13:00", 3), 2, True),
        ("FREQ=MONTHLY;BYMONTHDAY=25", ("13:00", 3), 26, False),
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 0.9, False),  # an hour before its hours it is still to come
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 1, True),
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 3.9, True),
        ("FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 4, False),
        ("FREQ=MONTHLY;BYMONTHDAY=25;INTERVAL=2", ("13:00", 3), 30 * 24 + 2, False),
        ("FREQ=MONTHLY;BYDAY=4WE", ("13:00", 3), 2, True),  # the fourth Wednesday of the month
        ("FREQ=MONTHLY;BYDAY=-1WE", ("13:00", 3), 2, True),
        ("FREQ=MONTHLY;BYDAY=+1WE,-2WE", ("13:00", 3), 2, False),
        ("FREQ=MONTHLY;BYDAY=1TU", ("13:00", 3), 5 * 24 + 2, False),
        ("FREQ=MONTHLY;BYDAY=1TU", ("13:00", 3), 6 * 24 + 2, True),
        ("FREQ=MONTHLY;BYDAY=WE;BYSETPOS=4", ("13:00", 3), 2, True),
        ("FREQ=MONTHLY;BYDAY=WE;BYSETPOS=-2", ("13:00", 3), 2, False),
        ("FREQ=WEEKLY;BYDAY=MO+FREQ=WEEKLY;BYDAY=WE", ("13:00", 3), 2, True),
        ("FREQ=WEEKLY;BYDAY=MO+FREQ=WEEKLY;BYDAY=TH", ("13:00", 3), 2, False),
        ("FREQ=YEARLY", ("13:00", 3), 26, True),  # not read here: it is shown
    ],
)
def test_a_series_is_on_at_its_dates_and_to_come_between_them(town, rule, hours, now, is_on):
    opens, length = hours
    series = {"rule": rule, "opens": opens, "length": length * 3600, "last": "2026-12-31"}
    series |= {"off": ["2026-12-02"], "extra": [], "moved": []}
    parameters = (NamedValue("tocsin:step", "before"), NamedValue("tocsin:series", json.dumps(series)))
    zone = town.station.zone
    starts = datetime.combine(NOW.date(), time.fromisoformat(opens), zone)
    works = town.hear(a_work(onset=starts, expires=NOW + timedelta(days=36), parameters=parameters))

    at = datetime.combine(NOW.date(), time(12), zone) + timedelta(hours=now)
    shown = situation([seen(town, works)], at, zone)
    assert (len(shown.on), len(shown.to_come)) == ((1, 0) if is_on else (0, 1))


class Watched:
    """A town's views, with the incidents whose messages were read."""

    def __init__(self, town):
        self._views = Views(town.db)
        self.read = []

    def __getattr__(self, name):
        return getattr(self._views, name)

    def messages(self, incidents):
        self.read.append(list(incidents))
        return self._views.messages(incidents)


def a_day(town):
    """What happens in some days, step by step; the clock is set back once."""
    wind = town.hear(alert := an_alert())
    yield
    town.deliver(wind)
    town.clock.set(NOW + timedelta(minutes=30))
    town.hear(following(alert, headline="Tempête", severity=Severity.SEVERE))
    yield
    works = an_alert(
        event="Travaux", headline="Travaux", onset=NOW + timedelta(hours=3), expires=NOW + timedelta(hours=8)
    )
    town.hear(works)
    flood = town.hear(high := an_alert(event="Crue", headline="Crue", expires=NOW + timedelta(hours=30)))
    town.deliver(flood)
    yield
    town.clock.set(NOW + timedelta(hours=4))
    yield
    town.clock.set(NOW + timedelta(hours=7))
    town.hear(cancelling(high))
    yield
    town.hear(an_alert(event="Gel", headline="Verglas", sent=town.clock.now(), expires=NOW + timedelta(days=3)))
    yield
    town.clock.set(NOW + timedelta(hours=5))
    yield
    for hours in (9, 12, 25, 31, 33, 73, 99):
        town.clock.set(NOW + timedelta(hours=hours))
        yield


def test_a_daybook_that_reads_what_changed_sees_what_one_sees_that_reads_everything(town):
    kept, seen_by_both = IncidentIndex(town.station.zone), []
    for _ in a_day(town):
        views, now = Views(town.db), town.clock.now()
        anew = IncidentIndex(town.station.zone)
        assert kept.look(views, now) == anew.look(views, now), now
        assert {each for each, _ in kept.known} == {each for each, _ in anew.known}
        seen_by_both.append([len(part) for part in (kept.look(views, now).on, kept.look(views, now).over)])

    assert [2, 0] in seen_by_both
    assert seen_by_both[-1] == [0, 0]


def test_a_look_reads_the_incidents_that_changed_however_many_the_day_has(town):
    daybook, views = IncidentIndex(town.station.zone), Watched(town)
    filed = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(40)]
    before = daybook.look(views, NOW)
    views.read.clear()
    daybook.look(views, NOW + timedelta(minutes=1))
    town.hear(following(filed[7].stored.alert, headline="Tempête"))
    after = daybook.look(views, NOW + timedelta(minutes=2))
    daybook.look(views, NOW + timedelta(minutes=3))

    assert len(before.on) == len(after.on) == 40
    assert views.read == [[filed[7].stored.incident_id]]
    assert daybook.until == LATER


def test_more_changes_than_are_told_one_by_one_are_read_as_a_whole_and_so_is_a_new_day(town):
    daybook, views = IncidentIndex(town.station.zone), Watched(town)
    town.hear(an_alert())
    daybook.look(views, NOW)
    for n in range(201):
        town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}"))
    assert len(daybook.look(views, NOW).on) == 202
    views.read.clear()
    daybook.look(views, NOW + timedelta(days=1))

    assert [len(read) for read in views.read] == [202]


def test_what_could_not_be_read_is_read_with_the_next_look(town):
    class Broken(Watched):
        def threads(self, incidents):
            raise OSError(incidents)

    daybook = IncidentIndex(town.station.zone)
    first = town.hear(an_alert())
    with pytest.raises(OSError, match=first.stored.incident_id):
        daybook.look(Broken(town), NOW)
    assert len(daybook.look(Views(town.db), NOW).on) == 1
    second = town.hear(an_alert(event="Crue", headline="Crue"))
    with pytest.raises(OSError, match=second.stored.incident_id):
        daybook.look(Broken(town), NOW)

    assert len(daybook.look(Views(town.db), NOW).on) == 2


def test_a_daybook_knows_the_newest_of_long_ago_and_no_more_than_it_is_to(town, monkeypatch):
    monkeypatch.setattr(publicity, "LISTED", 3)
    filed = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(2)]
    daybook = IncidentIndex(town.station.zone)
    daybook.look(Views(town.db), NOW)
    for n in (3, 4):
        town.clock.set(NOW + timedelta(minutes=n))
        filed.append(town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")))
        daybook.look(Views(town.db), town.clock.now())

    assert [each for each, _ in daybook.known] == [each.stored.incident_id for each in filed[1:]]
