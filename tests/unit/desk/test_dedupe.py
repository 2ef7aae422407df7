"""What was said before isn't said again, and what goes on about something joins it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.dedupe import content_key, end_reason, topic_key
from alerts.model.alert import Area, MsgType, NamedValue, Reference, ResponseType, Severity, Status, Urgency
from alerts.model.incident import AlertState
from alerts.model.post import EndReason, PostState
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import HERE, LATER, NOW, an_alert, an_info, cancelling, following
from tests.walls import in_one_test

LEFT_OUT = AlertState.LEFT_OUT


def test_the_same_message_again_changes_nothing(town):
    alert = an_alert()
    first = town.hear(alert)
    again = town.hear(alert)

    assert (again.fresh, again.stored.id) == (False, first.stored.id)
    assert town.count("alert") == 1
    assert town.count("post") == 3


def test_an_older_version_of_an_identifier_changes_nothing(town):
    newer = town.hear(an_alert(identifier="one", sent=NOW + timedelta(minutes=1)))
    older = town.hear(an_alert(identifier="one", sent=NOW))

    assert (older.fresh, older.stored.id) == (False, newer.stored.id)


def test_a_newer_version_of_an_identifier_is_an_update_though_it_says_alert(town):
    first = town.hear(an_alert(identifier="one"))
    town.deliver(first)
    second = town.hear(an_alert(identifier="one", sent=NOW + timedelta(minutes=1), headline="Plus fort"))

    assert second.stored.incident_id == first.stored.incident_id
    assert set(town.kinds(second).values()) == {"update"}


def test_the_same_identifier_of_another_sender_is_another_message(town):
    first = town.hear(an_alert(identifier="one"))
    second = town.hear(an_alert(identifier="one", sender="other@example", headline="Autre", event="Crue"))

    assert second.fresh
    assert second.stored.incident_id != first.stored.incident_id


class TestOneNameForTwoMessages:
    """The same sender and identifier is the same message only if it says the same; nothing is dropped unrecorded."""

    def test_another_source_s_other_words_are_kept_and_told_as_a_conflict(self, town):
        first = town.hear(an_alert(identifier="one"))
        other = town.hear(an_alert(identifier="one", headline="Tout va bien"), "other")

        assert (other.fresh, other.stored.state) == (True, LEFT_OUT)
        assert str(other.stored.reason) == (
            f"conflict: meteo brought other words under the same sender and identifier before ({first.stored.id})"
        )
        assert ("conflict", str(other.stored.reason)) in town.decisions(other)

    @pytest.mark.parametrize("later", [timedelta(minutes=-5), timedelta(), timedelta(minutes=5)])
    def test_whatever_its_time_of_issue(self, town, later):
        first = town.hear(an_alert(identifier="one"))
        other = town.hear(an_alert(identifier="one", headline="Tout va bien", sent=NOW + later), "other")

        assert other.stored.state is LEFT_OUT
        assert set(town.states(first).values()) == {"queued"}

    def test_once(self, town):
        town.hear(an_alert(identifier="one"))
        other = an_alert(identifier="one", headline="Tout va bien")

        assert [town.hear(other, "other").fresh for _ in range(3)] == [True, False, False]
        assert town.count("alert") == 2

    def test_another_source_s_same_words_are_the_same_message(self, town):
        first = town.hear(alert := an_alert())

        assert (town.hear(alert, "other").fresh, town.count("alert")) == (False, 1)
        assert town.hear(alert, "other").stored.id == first.stored.id

    @pytest.mark.parametrize("publish", ["approve", "veto"])
    def test_one_that_waits_keeps_back_neither_the_same_nor_other_words(self, make_town, publish):
        town = make_town(sources={"careful": SourceRules(publish=publish), "meteo": SourceRules()})
        same, other = an_alert(event="Crue"), an_alert(identifier="one", headline="Tout va bien")
        town.hear(same, "careful")
        town.hear(other, "careful")

        assert set(town.states(town.hear(same)).values()) == {"queued"}
        true = town.hear(an_alert(identifier="one"))
        assert set(town.states(true).values()) == {"queued"}
        assert "conflict" in dict(town.decisions(true))

    def test_a_graver_one_goes_out_by_its_own_rules_and_is_told_as_a_conflict(self, town):
        altered = town.hear(an_alert(severity=Severity.MINOR), "meteo")
        town.deliver(altered)
        true = replace(altered.stored.alert, infos=an_alert(severity=Severity.EXTREME, headline="Crue").infos)
        graver = town.hear(true, "prefecture")

        assert set(town.states(graver).values()) == {"queued"}
        assert "conflict" in dict(town.decisions(graver))

    @pytest.mark.parametrize("source", ["meteo", "other"])
    def test_an_exercise_by_the_name_of_what_is_real_is_a_conflict(self, town, source):
        town.hear(an_alert(identifier="one"))
        practice = town.hear(an_alert(identifier="one", status=Status.EXERCISE, headline="Exercice"), source)

        assert (practice.stored.state, practice.drafts) == (LEFT_OUT, ())
        assert str(practice.stored.reason).startswith("conflict: meteo brought other words")

    @pytest.mark.parametrize("source", ["meteo", "other"])
    def test_what_is_real_goes_out_by_the_name_of_an_exercise(self, town, source):
        town.hear(an_alert(identifier="one", status=Status.EXERCISE))
        real = town.hear(an_alert(identifier="one"), source)

        assert set(town.states(real).values()) == {"queued"}
        assert dict(town.decisions(real))["conflict"].startswith("conflict: meteo brought an exercise")

    def test_one_source_s_other_words_of_the_same_moment_are_a_conflict(self, town):
        town.hear(an_alert(identifier="one"))

        assert town.hear(an_alert(identifier="one", headline="Autre")).stored.state is LEFT_OUT

    def test_an_older_version_with_other_words_is_kept_with_its_reason(self, town):
        newer = town.hear(an_alert(identifier="one", sent=NOW + timedelta(minutes=1)))
        older = town.hear(an_alert(identifier="one", headline="Avant"))

        assert (older.fresh, older.stored.state) == (True, LEFT_OUT)
        assert str(older.stored.reason) == f"{newer.stored.id}, a newer version of it, was read before it"

    def test_a_source_that_speaks_for_another_brings_its_next_version(self, make_town):
        town = make_town(sources={"other": SourceRules(speaks_for=("meteo",))})
        first = town.hear(an_alert(identifier="one"))
        town.deliver(first)
        next_one = an_alert(identifier="one", headline="Suite", sent=NOW + timedelta(minutes=1))

        assert town.hear(next_one, "other").stored.incident_id == first.stored.incident_id


def test_the_same_words_under_a_new_identifier_are_left_out(town):
    first = town.hear(an_alert())
    again = town.hear(an_alert(sent=NOW + timedelta(minutes=5)))

    assert again.stored.state is LEFT_OUT
    name = first.stored.alert.identifier
    assert str(again.stored.reason) == f"the same words as {first.stored.id} ({name}), under a new identifier"


def test_the_same_words_of_another_source_are_merged(town):
    first = town.hear(an_alert(), "meteo")
    again = town.hear(an_alert(sender="other@example"), "vigilance")

    assert str(again.stored.reason) == f"merged with {first.stored.id}: meteo told the same words before"


def test_the_same_words_go_out_again_once_the_incident_was_over(town):
    first = an_alert()
    town.deliver(town.hear(first))
    town.deliver(town.hear(cancelling(first)))
    again = town.hear(an_alert(sent=NOW + timedelta(hours=1)))

    assert again.stored.state is AlertState.ACCEPTED
    assert set(town.kinds(again).values()) == {"publish"}


def test_the_same_event_in_the_same_areas_is_the_next_version(town):
    first = town.hear(an_alert())
    town.deliver(first)
    second = town.hear(an_alert(headline="Le vent forcit", severity=Severity.SEVERE))

    assert second.stored.incident_id == first.stored.incident_id
    assert set(town.kinds(second).values()) == {"update"}


@pytest.mark.parametrize(
    "other",
    [
        {"event": "Crue"},
        {"areas": (Area("Ailleurs", geocodes=(HERE,)),)},
        {"onset": LATER, "expires": LATER + timedelta(hours=6)},
    ],
    ids=["another event", "another area", "another time"],
)
def test_what_differs_in_event_area_or_time_is_an_incident_of_its_own(town, other):
    first = town.hear(an_alert())
    town.deliver(first)
    second = town.hear(an_alert(headline="Autre", **other))

    assert second.stored.incident_id != first.stored.incident_id
    assert set(town.kinds(second).values()) == {"publish"}


def test_the_same_event_after_its_end_is_an_incident_of_its_own(town):
    first = an_alert()
    town.deliver(town.hear(first))
    end = town.hear(cancelling(first))
    town.deliver(end)
    anew = town.hear(an_alert(headline="Le vent revient"))

    assert anew.stored.incident_id != end.stored.incident_id


def test_another_feed_on_the_same_event_is_merged_unless_it_is_graver(town):
    first = town.hear(an_alert(), "meteo")
    town.deliver(first)
    merged = town.hear(an_alert(headline="Vent", sender="b@example"), "vigilance")
    graver = town.hear(an_alert(headline="Tempête", sender="b@example", severity=Severity.SEVERE), "vigilance")

    assert str(merged.stored.reason) == f"merged with {first.stored.id}: meteo told of the same event before"
    assert graver.stored.incident_id == first.stored.incident_id
    assert set(town.kinds(graver).values()) == {"update"}


def test_two_works_in_one_street_stay_two(town):
    own = (NamedValue("tocsin:step", "start"),)
    first = town.hear(an_alert(headline="Eau", parameters=own), "travaux")
    second = town.hear(an_alert(headline="Gaz", parameters=own), "travaux")

    assert first.stored.incident_id != second.stored.incident_id


def test_what_an_officer_enters_is_never_merged_by_itself(town):
    first = town.hear(an_alert())
    own = town.post(an_alert(headline="Vent : la mairie vous parle", sender="alertes@saint-martin.example"))

    assert own.stored.incident_id != first.stored.incident_id


def test_a_message_that_comes_after_what_replaced_it_is_left_out(town):
    first = an_alert()
    update = town.hear(following(first, headline="Mise à jour"))
    late = town.hear(first)

    assert late.stored.state is LEFT_OUT
    assert str(late.stored.reason) == f"{update.stored.id}, which replaces it, was read before it"


def test_a_message_that_comes_after_its_cancellation_is_left_out(town):
    first = an_alert()
    cancel = town.hear(cancelling(first))
    late = town.hear(first)

    assert str(cancel.stored.reason) == "it ends what was never published here"
    assert late.stored.state is LEFT_OUT


@pytest.mark.parametrize(("rule", "state"), [("veto", AlertState.WAITING), ("approve", LEFT_OUT)])
def test_a_cancellation_that_waits_keeps_back_nothing_that_goes_out_by_itself(make_town, rule, state):
    """A source's end of two of another's messages, of which the second is read after it."""
    careful = SourceRules(publish="approve", speaks_for=("meteo",))
    town = make_town(sources={"meteo": SourceRules(publish=rule), "prefecture": careful})
    first, second = town.hear(an_alert(identifier="one")), an_alert(identifier="two", event="Crue", headline="Crue")
    town.deliver(first)
    end = cancelling(first.stored.alert)
    named = Reference(second.sender, second.identifier, second.sent)
    waiting = town.hear(replace(end, references=(named, *end.references)), "prefecture")
    assert waiting.stored.state is AlertState.WAITING

    assert town.hear(second).stored.state is state


def test_the_newest_reference_is_followed_whatever_sender_it_names(town):
    first = town.hear(an_alert(identifier="one"))
    town.deliver(first)
    unrelated = an_alert(identifier="two", sender="x@example", event="Crue", headline="Crue")
    update = following(first.stored.alert)
    reference = replace(update.references[0], sender="PAAQ")
    joined = town.hear(replace(update, references=(reference,)))

    assert joined.stored.incident_id == first.stored.incident_id
    assert town.hear(unrelated).stored.incident_id != first.stored.incident_id


def test_a_third_message_joins_by_any_of_its_references(town):
    first = an_alert()
    second = following(first, headline="Deux")
    third = following(second, headline="Trois")
    filed = [town.hear(alert) for alert in (first, second, third)]

    assert len({each.stored.incident_id for each in filed}) == 1


@pytest.mark.parametrize(
    ("alert", "reason"),
    [
        (an_alert(), None),
        (an_alert(msg_type=MsgType.CANCEL), EndReason.CANCELLED),
        (replace(an_alert(msg_type=MsgType.CANCEL), infos=()), EndReason.CANCELLED),
        (an_alert(msg_type=MsgType.UPDATE), None),
        (an_alert(msg_type=MsgType.UPDATE, response_types=(ResponseType.ALL_CLEAR,)), EndReason.ALL_CLEAR),
        (an_alert(msg_type=MsgType.UPDATE, urgency=Urgency.PAST), EndReason.ALL_CLEAR),
        (an_alert(urgency=Urgency.PAST), None),
        (an_alert(response_types=(ResponseType.ALL_CLEAR,)), None),
        (replace(an_alert(msg_type=MsgType.UPDATE), infos=()), None),
        (
            replace(an_alert(msg_type=MsgType.UPDATE), infos=(an_info(urgency=Urgency.PAST), an_info())),
            None,
        ),
    ],
)
def test_what_ends_an_incident(alert, reason):
    assert end_reason(alert) is reason


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"headline": "Autre"},
        {"description": "Autre"},
        {"instruction": "Autre"},
        {"event": "Autre"},
        {"severity": Severity.SEVERE},
        {"urgency": Urgency.IMMEDIATE},
        {"expires": LATER + timedelta(hours=1)},
        {"onset": NOW},
        {"language": "en-GB"},
        {"areas": (Area("Autre", geocodes=(HERE,)),)},
        {"areas": (Area("Saint-Martin", geocodes=(NamedValue("INSEE", "38001"),)),)},
    ],
)
def test_a_change_that_people_would_see_makes_other_words(changes):
    assert content_key(an_alert()) != content_key(an_alert(**changes))


def test_what_people_would_not_see_makes_the_same_words():
    alert = an_alert()
    paris = an_info(expires=LATER.astimezone(), headline="  Coup  de\nvent ")

    assert content_key(alert) == content_key(an_alert(sent=LATER, sender="b@example", identifier="z"))
    assert content_key(alert) == content_key(replace(alert, infos=(paris,)))


def test_two_cancellations_of_different_alerts_are_not_the_same_words():
    assert content_key(cancelling(an_alert())) != content_key(cancelling(an_alert()))


def test_there_is_no_topic_without_an_area():
    assert topic_key(an_alert(areas=())) is None
    assert topic_key(replace(an_alert(), infos=())) is None
    assert topic_key(an_alert(event="VENT  violent")) == topic_key(an_alert(headline="x"))


def test_a_rejected_alert_is_not_brought_back_by_its_feed(make_town):
    from alerts.desk.approve import reject

    town = make_town(sources={"meteo": SourceRules(publish="approve")})
    first = town.hear(an_alert())
    town.act(lambda alerts: reject(alerts, first.stored.id, "ana", None, NOW))
    again = town.hear(an_alert())

    assert set(town.states(first).values()) == {PostState.REJECTED}
    assert again.stored.state is LEFT_OUT


def test_an_open_incident_is_read_once_however_many_messages_it_has(town):
    def reads(number):
        said = []
        town.db.set_trace_callback(said.append)
        town.hear(
            an_alert(identifier=f"m{number}", headline=f"Plus fort {number}", sent=NOW + timedelta(minutes=number))
        )
        town.db.set_trace_callback(None)
        return len(said)

    costs = [reads(number) for number in range(8)]

    assert town.count("alert") == 8
    assert costs[7] == costs[3], "each message of the incident was another question to the store"
