"""Who may go on about an alert: no exercise about what is real, no feed about an officer's, nobody about another's."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.approve import approve
from alerts.model.alert import MsgType, NamedValue, Reference, Scope, Severity, Status, Urgency
from alerts.model.errors import Refused
from alerts.model.incident import AlertState
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import LATER, NOW, SENDER, Area, an_alert, cancelling, following

ELSEWHERE = (Area("Ailleurs", geocodes=(NamedValue("INSEE", "99999"),)),)
UNMATCHED = (Area("Quelque part", geocodes=(NamedValue("EMMA_ID", "FR010"),)),)
EVIL = "evil@example"
OWN = (NamedValue("tocsin:notice", "P7D"),)
"""By which our own calendar's announcements are known: those may say the same words again."""
MINUTE = timedelta(minutes=1)


def going_on(earlier, **changes):
    """An update that says something new."""
    return following(earlier, **{"headline": "Le vent forcit", **changes})


def by_another(message):
    """The message as somebody else sends it."""
    return replace(message, sender=EVIL)


@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST, Status.SYSTEM, Status.DRAFT])
@pytest.mark.parametrize("make", [cancelling, following])
def test_an_exercise_touches_nothing_real(town, status, make):
    first = town.hear(an_alert())
    practice = town.hear(make(first.stored.alert, status=status))

    assert set(town.states(first).values()) == {"queued"}
    assert practice.stored.incident_id != first.stored.incident_id or status in (Status.SYSTEM, Status.DRAFT)


@pytest.mark.parametrize("make", [cancelling, following])
def test_what_is_real_touches_no_exercise(town, make):
    first = town.hear(an_alert(status=Status.EXERCISE))
    town.hear(make(first.stored.alert))

    assert town.states(first) == {"exercices": "queued"}


def test_an_exercise_goes_on_about_an_exercise(town):
    first = town.hear(an_alert(status=Status.EXERCISE))
    end = town.hear(cancelling(first.stored.alert, status=Status.EXERCISE))

    assert end.stored.incident_id == first.stored.incident_id
    assert town.states(first) == {"exercices": "superseded"}


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({"status": Status.TEST}, "meteo"),
        ({"status": Status.EXERCISE}, "meteo"),
        ({"scope": Scope.PRIVATE}, "meteo"),
        ({"sender": EVIL, "event": "Crue"}, "other"),
        ({"sender": EVIL, "msg_type": MsgType.CANCEL}, "other"),
        ({"scope": Scope.PRIVATE, "msg_type": MsgType.CANCEL}, "meteo"),
        ({"sent": NOW + timedelta(days=400), "msg_type": MsgType.CANCEL}, "meteo"),
        ({"areas": ELSEWHERE}, "meteo"),
    ],
    ids=["test", "exercise", "private", "another's", "another's end", "private end", "from the future", "elsewhere"],
)
def test_what_is_left_out_itself_hides_nothing_that_comes_after_it(town, changes, source):
    first = an_alert()
    town.hear(following(first, headline="Autre chose", **changes), source)

    assert town.hear(first).stored.state is AlertState.ACCEPTED


@pytest.mark.parametrize(("speaks_for", "state"), [(("meteo",), AlertState.LEFT_OUT), ((), AlertState.ACCEPTED)])
def test_an_end_hides_what_comes_after_it_from_a_source_that_speaks_for_it_alone(make_town, speaks_for, state):
    town = make_town(sources={"relay": SourceRules(speaks_for=speaks_for)})
    first = an_alert()
    town.hear(cancelling(first), "relay")

    assert town.hear(first).stored.state is state


@pytest.mark.parametrize("make", [cancelling, going_on])
@pytest.mark.parametrize("sender", [EVIL, SENDER])
def test_what_a_feed_says_of_what_an_officer_posted_is_a_proposal(town, make, sender):
    own = town.post(an_alert(sender=SENDER))
    town.deliver(own)
    forged = town.hear(replace(make(own.stored.alert), sender=sender))

    assert set(town.states(forged).values()) == {"waiting"}
    assert str(forged.stored.reason) == (
        f"it would {'end' if make is cancelling else 'update'} {own.stored.id} of manual: its own source "
        "may not do that (speaks_for); it waits for a validation"
    )


def test_no_feed_goes_on_under_an_officer_s_own_identifier(town):
    own = town.post(an_alert(sender=SENDER))
    town.deliver(own)
    forged = town.hear(replace(own.stored.alert, sent=NOW + MINUTE, infos=an_alert(headline="Faux").infos))

    assert forged.stored.incident_id != own.stored.incident_id


def test_an_end_that_two_feeds_carry_takes_back_what_waits_of_each(make_town):
    town = make_town(sources={"careful": SourceRules(publish="approve")})
    waits = town.hear(first := an_alert(), "careful")
    town.deliver(town.hear(first))
    end = cancelling(first)
    town.deliver(town.hear(end))
    town.hear(end, "careful")

    assert set(town.states(waits).values()) == {"superseded"}


class TestWhatSpeaksOfOthers:
    """A source updates and ends what it brought itself, of the same sender; anything else waits for an officer."""

    @pytest.mark.parametrize("make", [cancelling, going_on])
    @pytest.mark.parametrize("sender", ["meteo@example", EVIL])
    @pytest.mark.parametrize("source", ["other", "meteo"])
    def test_touches_nothing_and_is_a_proposal(self, town, make, sender, source):
        first = town.hear(an_alert())
        town.deliver(first)
        said = town.hear(replace(make(first.stored.alert), sender=sender), source)
        is_own = (source, sender) == ("meteo", "meteo@example")

        assert said.stored.state is (AlertState.ACCEPTED if is_own else AlertState.WAITING)
        assert set(town.states(said).values()) == {"queued" if is_own else "waiting"}
        assert {post.not_before for post in town.posts(said).values()} == {None}

    @pytest.mark.parametrize("make", [cancelling, going_on])
    def test_of_what_has_not_left_takes_nothing_back(self, town, make):
        first = town.hear(an_alert())
        town.hear(by_another(make(first.stored.alert)), "other")

        assert set(town.states(first).values()) == {"queued"}
        more = town.hear(following(first.stored.alert, headline="Suite", sent=NOW + 2 * MINUTE))
        assert set(town.states(more).values()) == {"queued"}

    def test_a_severe_and_immediate_end_is_a_proposal_also_where_what_is_urgent_goes_at_once(self, make_town):
        town = make_town(sources={"other": SourceRules(publish="auto", urgent="auto")})
        first = town.hear(an_alert())
        town.deliver(first)
        end = following(
            first.stored.alert, severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE, msg_type=MsgType.CANCEL
        )
        said = town.hear(by_another(end), "other")

        assert set(town.states(said).values()) == {"waiting"}

    @pytest.mark.parametrize("make", [cancelling, going_on])
    def test_of_what_nobody_was_told_stands_by_itself_or_ends_nothing(self, make_town, make):
        town = make_town(sources={"meteo": SourceRules(publish="approve")})
        first = town.hear(an_alert())
        said = town.hear(by_another(make(first.stored.alert, headline="Autre chose")), "other")

        assert set(town.states(first).values()) == {"waiting"}
        assert said.stored.incident_id != first.stored.incident_id
        assert said.stored.state is (AlertState.LEFT_OUT if make is cancelling else AlertState.ACCEPTED)

    def test_goes_out_when_an_officer_says_so(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        said = town.hear(by_another(cancelling(first.stored.alert)), "other")
        town.act(lambda alerts: approve(alerts, said.stored.id, "ana", NOW))

        assert set(town.kinds(said).values()) == {"end"}
        assert set(town.states(said).values()) == {"queued"}

    def test_its_own_next_word_takes_its_place_and_is_one_too(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        said = town.hear(by_another(going_on(first.stored.alert)), "other")
        end = town.hear(by_another(cancelling(said.stored.alert)), "other")

        assert set(town.states(said).values()) == {"superseded"}
        assert set(town.states(end).values()) == {"waiting"}

    def test_does_not_speed_up_what_its_own_source_puts_before_an_officer(self, make_town):
        town = make_town(sources={"meteo": SourceRules(publish="approve"), "other": SourceRules()})
        first = town.hear(an_alert())
        town.act(lambda alerts: approve(alerts, first.stored.id, "ana", NOW))
        town.deliver(first)
        own = town.hear(cancelling(first.stored.alert))
        said = town.hear(by_another(going_on(first.stored.alert)), "other")
        end = town.hear(by_another(cancelling(said.stored.alert)), "other")

        assert set(town.states(own).values()) == {"waiting"}
        assert set(town.states(end).values()) == {"waiting"}

    def test_an_end_that_is_validated_takes_the_place_of_all_that_waits_there(self, make_town):
        town = make_town(sources={"meteo": SourceRules(publish="approve"), "other": SourceRules()})
        first = town.hear(an_alert())
        town.act(lambda alerts: approve(alerts, first.stored.id, "ana", NOW))
        town.deliver(first)
        own = town.hear(cancelling(first.stored.alert))
        said = town.hear(by_another(cancelling(first.stored.alert)), "other")
        town.act(lambda alerts: approve(alerts, own.stored.id, "ana", NOW))

        assert set(town.states(said).values()) == {"superseded"}
        assert town.stored(said).state is AlertState.LEFT_OUT

    def test_is_out_of_the_way_when_its_own_source_goes_on(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        said = town.hear(by_another(cancelling(first.stored.alert)), "other")
        more = town.hear(following(first.stored.alert, headline="Suite", sent=NOW + 2 * MINUTE))

        assert set(town.states(more).values()) == {"queued"}
        assert str(town.stored(said).reason) == f"{more.stored.id} took its place before it went out"

    @pytest.mark.parametrize("make", [cancelling, going_on])
    def test_a_source_that_speaks_for_another_goes_on_about_its_own(self, make_town, make):
        town = make_town(sources={"other": SourceRules(speaks_for=("meteo",))})
        first = town.hear(an_alert())
        town.deliver(first)
        said = town.hear(by_another(make(first.stored.alert)), "other")

        assert said.stored.incident_id == first.stored.incident_id
        assert set(town.states(said).values()) == {"queued"}

    def test_nobody_ends_an_incident_by_the_graver_twin_it_joined_it_with(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        twin = town.hear(an_alert(sender=EVIL, headline="Tempête", severity=Severity.SEVERE), "other")
        town.deliver(twin)
        end = town.hear(by_another(cancelling(twin.stored.alert)), "other")

        assert twin.stored.incident_id == first.stored.incident_id
        assert set(town.states(end).values()) == {"waiting"}

    def test_an_incident_of_two_feeds_is_over_when_both_say_so(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        twin = town.hear(an_alert(sender=EVIL, headline="Tempête", severity=Severity.SEVERE), "other")
        town.deliver(twin)
        town.hear(by_another(cancelling(twin.stored.alert)), "other")
        both = town.hear(cancelling(first.stored.alert, sent=NOW + 2 * MINUTE))

        assert set(town.states(both).values()) == {"queued"}
        assert set(town.kinds(both).values()) == {"end"}


@pytest.mark.parametrize(("publish", "state"), [("auto", "queued"), ("approve", "waiting")])
def test_an_end_goes_by_publish_however_urgent_it_says_it_is(make_town, publish, state):
    town = make_town(sources={"meteo": SourceRules(publish=publish, urgent="auto")})
    grave = {"severity": Severity.EXTREME, "urgency": Urgency.IMMEDIATE}
    first = town.hear(an_alert(**grave))
    town.deliver(first)
    end = town.hear(following(first.stored.alert, msg_type=MsgType.CANCEL, **grave))

    assert set(town.kinds(end).values()) == {"end"}
    assert set(town.states(end).values()) == {state}


def test_an_officer_goes_on_about_everything(town):
    first = town.hear(an_alert())
    town.deliver(first)
    end = town.post(replace(cancelling(first.stored.alert), sender=SENDER))

    assert set(town.kinds(end).values()) == {"end"}


@pytest.mark.parametrize("source", ["meteo", "other"])
def test_what_says_it_was_sent_in_the_future_is_left_out_and_hides_nothing(town, source):
    true = an_alert()
    future = replace(true, sent=NOW + timedelta(days=1, seconds=1))
    left_out = town.hear(future, source)
    filed = town.hear(true)

    assert str(left_out.stored.reason) == "it says that it was sent at 2026-11-26 12:00, which is yet to come"
    assert (filed.fresh, filed.stored.state) == (True, AlertState.ACCEPTED)
    with pytest.raises(Refused, match="yet to come"):
        town.post(an_alert(sender=SENDER, sent=future.sent))


def test_a_clock_that_is_wrong_by_a_zone_is_forgiven(town):
    assert town.hear(an_alert(sent=NOW + timedelta(hours=14))).stored.state is AlertState.ACCEPTED


def test_a_newer_version_that_was_left_out_hides_no_older_one(town):
    one = an_alert(identifier="one")
    newer = town.hear(replace(one, sent=NOW + MINUTE, infos=an_alert(areas=ELSEWHERE).infos))
    assert newer.stored.state is AlertState.LEFT_OUT
    assert town.hear(one).stored.state is AlertState.ACCEPTED


def test_what_was_left_out_is_left_out_once(town):
    alert = an_alert(areas=ELSEWHERE)
    assert [town.hear(alert).fresh for _ in range(3)] == [True, False, False]


def test_another_source_s_version_that_waits_hides_nothing(make_town):
    town = make_town(sources={"other": SourceRules(publish="approve")})
    town.hear(an_alert(identifier="one", sent=NOW + MINUTE, headline="Faux", event="Faux"), "other")

    filed = town.hear(an_alert(identifier="one"))
    assert (filed.fresh, set(town.states(filed).values())) == (True, {"queued"})


class TestVeto:
    """How long newer words can be stopped."""

    @pytest.fixture
    def town(self, make_town):
        return make_town(sources={"meteo": SourceRules(publish="veto", veto=timedelta(minutes=10))})

    def test_a_feed_s_new_words_have_what_is_left_and_half_of_it_at_least(self, town):
        ends = []
        for number in range(3):
            last = town.hear(an_alert(headline=f"Vent {number}"))
            ends.append({post.not_before - NOW for post in town.posts(last).values()})
            town.pass_(minutes=4)

        assert ends == [{timedelta(minutes=10)}, {timedelta(minutes=10)}, {timedelta(minutes=13)}]
        assert set(town.states(last).values()) == {"waiting"}
        assert str(last.stored.reason) == "it goes out in 5m unless somebody rejects it"

    def test_a_feed_that_never_stops_speaking_is_told_after_two_vetoes_at_the_latest(self, town):
        for number in range(8):
            last = town.hear(an_alert(headline=f"Vent {number}"))
            town.pass_(minutes=2.5)

        assert {post.not_before for post in town.posts(last).values()} == {NOW + timedelta(minutes=20)}

    def test_no_further_message_of_an_incident_reads_those_that_nobody_saw(self, town):
        """A river that rises for a day made hundreds of posts, which each further message would read."""

        def rows_read(number):
            read = []
            town.db.row_factory = lambda cursor, row: read.append(row) or sqlite3.Row(cursor, row)
            town.hear(an_alert(headline=f"Vent {number}"))
            town.db.row_factory = sqlite3.Row
            town.pass_(seconds=20)
            return len(read)

        costs = [rows_read(number) for number in range(10)]

        assert costs[3] == costs[-1]

    def test_an_end_of_what_was_superseded_unseen_says_that_it_is_over(self, town):
        first = town.hear(an_alert())
        town.hear(cancelling(first.stored.alert))
        again = town.hear(cancelling(first.stored.alert, identifier="again"))

        assert again.stored.reason.code == "ends_what_is_over"

    def test_the_same_words_of_a_feed_have_the_time_that_was_left(self, town):
        first = town.hear(an_alert(parameters=OWN))
        town.pass_(minutes=9)
        again = town.hear(following(first.stored.alert, infos=first.stored.alert.infos))

        assert {post.not_before for post in town.posts(again).values()} == {NOW + timedelta(minutes=10)}

    @pytest.mark.parametrize(("veto", "least"), [(1, 1), (3, 2), (30, 15)])
    def test_unseen_words_have_two_minutes_unless_the_veto_is_shorter(self, make_town, veto, least):
        town = make_town(sources={"meteo": SourceRules(publish="veto", veto=timedelta(minutes=veto))})
        town.hear(an_alert())
        town.pass_(seconds=veto * 60 - 1)
        more = town.hear(an_alert(headline="Suite"))

        assert {post.not_before - town.clock.now() for post in town.posts(more).values()} == {timedelta(minutes=least)}

    @pytest.mark.parametrize("by", ["meteo", "manual"])
    def test_whatever_an_officer_writes_can_be_stopped_for_the_whole_of_it(self, make_town, by):
        rule = SourceRules(publish="veto", veto=timedelta(minutes=10))
        town = make_town(sources={"meteo": rule, "manual": rule})
        first = town.hear(an_alert()) if by == "meteo" else town.post(an_alert(sender=SENDER))
        town.pass_(minutes=9)
        town.pass_(seconds=57)
        more = town.post(following(first.stored.alert, sender=SENDER, headline="Évacuez"))

        assert set(town.states(first).values()) == {"superseded"}
        assert {post.not_before - town.clock.now() for post in town.posts(more).values()} == {timedelta(minutes=10)}

    def test_what_takes_the_place_of_nothing_that_waits_has_the_whole_of_it(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        town.pass_(minutes=4)
        more = town.hear(following(first.stored.alert, headline="Suite"))

        assert {post.not_before for post in town.posts(more).values()} == {NOW + timedelta(minutes=14)}


class TestRetreat:
    """An update by which the alert is no longer for here, or no longer public."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"areas": ELSEWHERE}, "it ends here: outside our areas: Ailleurs"),
            ({"scope": Scope.RESTRICTED}, "it ends here: its scope is Restricted: it isn't for the public"),
        ],
    )
    def test_ends_what_is_out_without_its_own_words(self, town, changes, reason):
        first = town.hear(an_alert())
        town.deliver(first)
        away = town.hear(following(first.stored.alert, headline="Secret ou lointain", **changes))

        assert set(town.kinds(away).values()) == {"end"}
        assert (away.stored.state, str(away.stored.reason)) == (AlertState.ACCEPTED, reason)
        for post in town.posts(away).values():
            assert "Secret" not in post.message.plain
            assert "retir" in post.message.plain.lower()
            assert ("ne concerne plus" in post.message.plain) is ("areas" in changes)

    @pytest.mark.parametrize("changes", [{"areas": ELSEWHERE}, {"scope": Scope.PRIVATE}])
    def test_takes_back_what_has_not_left(self, town, changes):
        first = town.hear(an_alert())
        away = town.hear(following(first.stored.alert, **changes))

        assert set(town.states(first).values()) == {"superseded"}
        assert town.posts(away) == {}
        assert away.withdrawn
        took = f"it withdrew {first.stored.id} before that went out: there is nothing to end"
        assert away.stored.reason.code == "left_us"
        assert str(away.stored.reason).endswith(f"; {took}")

    def test_by_a_newer_version_under_the_same_identifier_too(self, town):
        first = town.hear(an_alert(identifier="one"))
        town.deliver(first)
        away = town.hear(an_alert(identifier="one", sent=NOW + MINUTE, areas=ELSEWHERE))

        assert set(town.kinds(away).values()) == {"end"}

    def test_is_told_once(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        away = town.hear(following(first.stored.alert, areas=ELSEWHERE))
        town.deliver(away)
        still = town.hear(following(away.stored.alert, areas=ELSEWHERE))

        assert still.stored.state is AlertState.LEFT_OUT
        town.clock.set(LATER + timedelta(hours=1))
        assert town.act(town.desk.end_what_is_over) == []

    def test_an_area_that_can_not_be_matched_takes_nothing_away(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        vague = town.hear(following(first.stored.alert, areas=UNMATCHED))

        assert vague.stored.state is AlertState.LEFT_OUT
        assert town.posts(vague) == {}

    def test_one_of_several_that_share_out_an_alert_takes_nothing_from_the_one_for_here(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        here = town.hear(following(first.stored.alert, headline="Ici"))
        there = town.hear(following(first.stored.alert, headline="Là-bas", areas=ELSEWHERE))

        assert set(town.states(here).values()) == {"queued"}
        assert there.stored.state is AlertState.LEFT_OUT

    def test_a_private_message_on_the_same_event_is_no_update(self, town):
        first = town.hear(an_alert())
        town.deliver(first)
        private = town.hear(an_alert(headline="Pour les équipes", scope=Scope.PRIVATE))

        assert private.stored.state is AlertState.LEFT_OUT
        assert town.posts(private) == {}

    @pytest.mark.parametrize("msg_type", [MsgType.ACK, MsgType.ERROR])
    def test_an_answer_between_machines_is_no_update(self, town, msg_type):
        first = town.hear(an_alert())
        town.deliver(first)
        answer = town.hear(following(first.stored.alert, msg_type=msg_type, scope=Scope.PRIVATE))

        assert answer.stored.state is AlertState.LEFT_OUT
        assert town.posts(answer) == {}

    def test_waits_where_its_source_waits(self, make_town):
        town = make_town(
            sources={"meteo": SourceRules(), "careful": SourceRules(publish="approve", speaks_for=("meteo",))}
        )
        first = town.hear(an_alert())
        town.deliver(first)
        away = town.hear(following(first.stored.alert, areas=ELSEWHERE), "careful")

        assert set(town.states(away).values()) == {"waiting"}
        assert str(away.stored.reason) == "it ends here: outside our areas: Ailleurs; it waits for a validation"


def test_references_of_any_number_are_followed_where_they_may_be(town):
    own = town.post(an_alert(sender=SENDER))
    mine = town.hear(an_alert(event="Crue"))
    update = following(mine.stored.alert, headline="Suite", event="Crue", severity=Severity.SEVERE)
    forged = Reference(SENDER, own.stored.alert.identifier, NOW + MINUTE)
    joined = town.hear(replace(update, references=(forged, *update.references)))

    assert joined.stored.incident_id == mine.stored.incident_id
    assert set(town.states(own).values()) == {"queued"}
