"""What was told to nobody keeps back nothing that may go out; its twin says so, and isn't published by habit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.desk.approve import approve, reject
from alerts.desk.dedupe import already_published, release
from alerts.model.alert import Area, Severity, Status, Urgency
from alerts.model.errors import Conflict
from alerts.model.incident import AlertState
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import NOW, an_alert, cancelling, following

VETO = timedelta(minutes=10)
GRAVE = {"severity": Severity.EXTREME, "urgency": Urgency.IMMEDIATE}
OTHER = {"sender": "vigilance@example"}


@pytest.fixture
def town(make_town):
    return make_town(
        sources={
            "careful": SourceRules(publish="approve"),
            "doubted": SourceRules(publish="veto", veto=VETO),
            "second": SourceRules(publish="veto", veto=VETO),
            "vigilance": SourceRules(),
        }
    )


def decline(town, filed) -> None:
    def act(alerts) -> None:
        reject(alerts, filed.stored.id, "ana", None, town.clock.now())
        release(alerts, filed.stored, town.station, town.clock.now())

    town.act(act)


def clocks(town, filed) -> set:
    return {post.not_before for post in town.posts(filed).values()}


@pytest.mark.parametrize("first", ["careful", "doubted"])
@pytest.mark.parametrize("rejected", [False, True])
@pytest.mark.parametrize("words", ["the same", "others"])
def test_what_waits_or_was_rejected_silences_no_other_feed(town, first, rejected, words):
    waits = town.hear(an_alert(**GRAVE), first)
    if rejected:
        decline(town, waits)
    told = town.hear(an_alert(**GRAVE, **OTHER, **({"headline": "Tempête"} if words == "others" else {})), "vigilance")

    assert told.stored.state is AlertState.ACCEPTED
    assert set(town.states(told).values()) == {"queued"}
    assert set(town.kinds(told).values()) == {"publish"}
    assert set(town.states(waits).values()) == {"rejected" if rejected else "waiting"}


def test_nor_another_feed_that_waits_itself(town):
    first = town.hear(an_alert(), "careful")
    decline(town, first)
    second = town.hear(an_alert(**OTHER), "doubted")

    assert clocks(town, second) == {NOW + VETO}


def test_an_exercise_silences_nothing_real(town):
    town.hear(an_alert(status=Status.EXERCISE), "vigilance")

    assert set(town.states(town.hear(an_alert(), "meteo")).values()) == {"queued"}


def test_a_feed_s_own_words_that_were_rejected_stay_so_unless_they_need_nobody_any_more(town):
    first = town.hear(an_alert(), "careful")
    decline(town, first)

    assert town.hear(an_alert(), "careful").stored.state is AlertState.LEFT_OUT
    town.station.sources["careful"] = SourceRules()
    assert set(town.states(town.hear(an_alert(), "careful")).values()) == {"queued"}


def test_a_feed_s_own_update_that_waits_keeps_back_no_message_that_goes_at_once(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve", urgent="auto")})
    first = an_alert(**GRAVE)
    town.hear(following(first, headline="Ça se calme"))

    assert set(town.states(town.hear(first)).values()) == {"queued"}


def test_the_twin_that_waits_says_so_and_is_not_published_by_habit(town):
    waits = town.hear(an_alert(), "careful")
    assert town.act(lambda alerts: already_published(alerts, waits.stored, NOW)) == []
    told = town.hear(an_alert(**OTHER, headline="Tempête"), "vigilance")

    assert [each.id for each in town.act(lambda alerts: already_published(alerts, waits.stored, NOW))] == [
        told.stored.id
    ]
    with pytest.raises(Conflict, match=f"the same event is out: {told.stored.id} from vigilance"):
        town.act(lambda alerts: approve(alerts, waits.stored.id, "ana", NOW))
    assert set(town.states(waits).values()) == {"waiting"}
    town.act(lambda alerts: approve(alerts, waits.stored.id, "ana", NOW, again=True))
    assert set(town.states(waits).values()) == {"queued"}


def test_a_graver_twin_that_waits_needs_no_second_word(town):
    waits = town.hear(an_alert(**GRAVE), "careful")
    town.hear(an_alert(**OTHER), "vigilance")
    town.act(lambda alerts: approve(alerts, waits.stored.id, "ana", NOW))

    assert set(town.states(waits).values()) == {"queued"}


@pytest.mark.parametrize("other", [{"event": "Crue"}, {"areas": (Area("Ailleurs", geocodes=()),)}])
def test_what_tells_of_something_else_is_no_twin(town, other):
    waits = town.hear(an_alert(), "careful")
    town.hear(an_alert(**OTHER, headline="Autre", **other), "vigilance")

    assert town.act(lambda alerts: already_published(alerts, waits.stored, NOW)) == []


class TestTheClockOfAVeto:
    """Nobody pressed anything: no event is published twice by itself, and none is lost behind another."""

    def test_is_stopped_by_what_goes_out(self, town):
        waits = town.hear(an_alert(), "doubted")
        told = town.hear(an_alert(**OTHER), "vigilance")

        assert clocks(town, waits) == {None}
        assert set(town.states(waits).values()) == {"waiting"}
        assert (
            str(town.stored(waits).reason)
            == f"{told.stored.id}, of the same event, is out; this one waits for a validation"
        )

    def test_runs_on_beside_something_less_grave(self, town):
        waits = town.hear(an_alert(severity=Severity.SEVERE), "doubted")
        town.hear(an_alert(**OTHER), "vigilance")

        assert clocks(town, waits) == {NOW + VETO}

    def test_of_a_second_feed_does_not_run_beside_the_first_one_s(self, town):
        first = town.hear(an_alert(), "doubted")
        second = town.hear(an_alert(**OTHER), "second")

        assert (clocks(town, first), clocks(town, second)) == ({NOW + VETO}, {None})
        assert second.stored.state is AlertState.WAITING

    def test_begins_when_the_first_is_vetoed(self, town):
        first = town.hear(an_alert(), "doubted")
        second = town.hear(an_alert(**OTHER), "second")
        town.pass_(minutes=3)
        decline(town, first)

        assert clocks(town, second) == {town.clock.now() + VETO}

    def test_begins_when_the_first_is_taken_back_by_its_own_feed(self, town):
        first = town.hear(an_alert(), "doubted")
        second = town.hear(an_alert(**OTHER), "second")
        town.hear(cancelling(first.stored.alert), "doubted")

        assert clocks(town, second) == {NOW + VETO}

    def test_is_stopped_by_what_somebody_validates(self, town):
        first = town.hear(an_alert(), "careful")
        second = town.hear(an_alert(**OTHER), "second")
        assert clocks(town, second) == {NOW + VETO}
        town.act(lambda alerts: approve(alerts, first.stored.id, "ana", NOW))

        assert clocks(town, second) == {None}


def test_an_update_that_two_feeds_relay_is_not_published_twice_by_habit(town):
    begun = town.hear(an_alert(), "vigilance")
    update = following(begun.stored.alert, headline="Le vent forcit")
    first, second = (town.hear(update, source) for source in ("careful", "doubted"))
    assert first.stored.incident_id == second.stored.incident_id == begun.stored.incident_id

    town.act(lambda alerts: approve(alerts, first.stored.id, "ana", town.clock.now()))
    with pytest.raises(Conflict):
        town.act(lambda alerts: approve(alerts, second.stored.id, "ana", town.clock.now()))
    assert set(town.states(second).values()) == {"waiting"}


def test_an_officer_s_alert_reads_as_much_however_many_on_the_same_event_are_out(town):
    def steps(number) -> int:
        taken = []
        town.db.set_progress_handler(lambda: taken.append(1) and None, 10)
        town.post(an_alert(headline=f"Averse {number}"), again=True)
        town.db.set_progress_handler(None, 0)
        return len(taken)

    costs = [steps(number) for number in range(24)]

    assert town.count("alert") == 24
    assert costs[-1] < 1.2 * costs[3], "each that is out was read once more"
