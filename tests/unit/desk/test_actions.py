"""The one door: what a feed says is always filed, what an officer says is out or refused with nothing stored."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.desk.actions import DOUBLE_TAP
from alerts.desk.approve import approve, reject
from alerts.model.alert import Area, MsgType, NamedValue, Severity, Status, Urgency
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState
from alerts.model.ports import Heard
from alerts.model.reason import in_words
from alerts.model.town import SourceRules
from alerts.rendering.counting import links
from tests.unit.desk.conftest import HERE, LATER, NOW, SENDER, an_alert, cancelling, following
from tests.walls import in_one_test

ELSEWHERE = (Area("Ailleurs", geocodes=(NamedValue("INSEE", "99999"),)),)


def own(**changes):
    """An officer's alert."""
    return an_alert(sender=SENDER, sent=changes.pop("sent", NOW), **changes)


def test_an_entry_that_could_not_be_read_is_kept_with_the_reason(town):
    filed = town.act(lambda alerts: town.desk.hear(alerts, Heard("k", problem=in_words("<sent> is no time")), "meteo"))

    assert (filed.stored.state, str(filed.stored.reason)) == (AlertState.LEFT_OUT, "<sent> is no time")
    assert town.stored(filed).alert is None
    assert town.decisions(filed) == [("left_out", "<sent> is no time")]


def test_an_entry_that_is_no_warning_by_its_feed_s_own_words(town):
    heard = Heard("k", an_alert(), leave_out=in_words("green: no warning"), notes=(in_words("a comma"),))
    filed = town.act(lambda alerts: town.desk.hear(alerts, heard, "meteo"))

    assert (str(filed.stored.reason), filed.stored.notes) == ("green: no warning", (in_words("a comma"),))
    assert town.posts(filed) == {}


def test_an_alert_for_elsewhere_is_left_out(town):
    filed = town.hear(an_alert(areas=ELSEWHERE))

    assert str(filed.stored.reason) == "outside our areas: Ailleurs"
    assert filed.channels == frozenset()


def test_a_source_that_speaks_of_here_alone_needs_no_area(make_town):
    town = make_town(sources={"meteo": SourceRules(area="any")})

    assert town.hear(an_alert(areas=ELSEWHERE)).stored.state is AlertState.ACCEPTED


def test_a_cancel_without_an_area_is_where_its_alert_was(town):
    first = town.hear(an_alert())
    town.deliver(first)

    assert set(town.kinds(town.hear(cancelling(first.stored.alert))).values()) == {"end"}


def test_what_waits_says_for_what(make_town):
    veto = {"meteo": SourceRules(publish="veto", veto=timedelta(minutes=90)), "rss": SourceRules(publish="approve")}
    town = make_town(sources=veto)
    vetoed, validated = town.hear(an_alert()), town.hear(an_alert(event="Crue"), "rss")

    assert str(vetoed.stored.reason) == "it goes out in 90m unless somebody rejects it"
    assert {post.not_before for post in town.posts(vetoed).values()} == {NOW + timedelta(minutes=90)}
    assert str(validated.stored.reason) == "it waits for a validation"
    assert {post.not_before for post in town.posts(validated).values()} == {None}
    assert set(town.states(validated).values()) == set(town.states(vetoed).values()) == {"waiting"}


def test_what_is_urgent_goes_out_at_once(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="approve", urgent="auto")})
    filed = town.hear(an_alert(severity=Severity.SEVERE, urgency=Urgency.IMMEDIATE))

    assert set(town.states(filed).values()) == {"queued"}
    assert all(post.urgent for post in town.posts(filed).values())


def test_an_officer_s_alert_goes_out(town):
    filed = town.post(own())

    assert town.states(filed) == {"x": "queued", "page": "queued", "telegram": "queued"}
    assert filed.stored.source == "manual"
    assert town.decisions(filed)[0] == ("accepted", "from manual, publish = auto")


def test_an_officer_may_name_the_channels(town):
    assert set(town.states(town.post(own(), "telegram"))) == {"telegram"}


def test_a_channel_that_does_not_exist_is_told_with_those_that_do(town):
    with pytest.raises(Misuse, match=r"--channel 'twiter': no such channel; known: x, page, telegram, equipe, exerc"):
        town.post(own(), "twiter")
    assert town.count("alert") == 0


@in_one_test
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"areas": ELSEWHERE}, "outside our areas: Ailleurs"),
        ({"expires": NOW}, "it was over at 2026-11-25 13:00, before it was read"),
        ({"scope": "Private"}, None),
        ({"status": Status.DRAFT}, "its status is Draft, not Actual"),
    ],
)
def test_an_alert_that_nobody_gets_is_refused_and_nothing_is_stored(town, changes, reason):
    from alerts.model.alert import Scope

    if "scope" in changes:
        changes, reason = {"scope": Scope.PRIVATE}, "its scope is Private: it isn't for the public"
    with pytest.raises(Refused) as refused:
        town.post(own(**changes))

    assert str(refused.value) == reason
    assert [town.count(table) for table in ("alert", "post", "decision")] == [0, 0, 0]


def test_an_exercise_without_an_exercise_channel_is_refused(make_town):
    from tests.unit.desk.conftest import PAGE, X

    town = make_town(channels=(X, PAGE))
    with pytest.raises(Refused, match=r"no channel takes exercises \(exercise = true\)"):
        town.post(own(status=Status.EXERCISE))
    assert town.count("alert") == 0


def test_an_exercise_is_marked_on_its_posts(town):
    filed = town.post(own(status=Status.EXERCISE))
    [post] = town.posts(filed).values()

    assert (post.channel, post.exercise) == ("exercices", True)
    assert "EXERCICE" in post.message.plain.upper()


class TestDoubleTap:
    """The same words within ten minutes: somebody pressed twice."""

    def test_is_stored_once(self, town):
        first = town.post(own())
        again = town.post(own(sent=NOW + timedelta(seconds=5)))

        assert (again.fresh, again.stored.id) == (False, first.stored.id)
        assert town.count("post") == 3

    def test_also_where_a_span_made_the_times_differ(self, town):
        town.post(own(onset=NOW + timedelta(hours=1)))
        town.pass_(seconds=40)
        later = NOW + timedelta(seconds=40)
        again = own(sent=later, onset=later + timedelta(hours=1), expires=LATER + timedelta(seconds=40))

        assert not town.post(again).fresh

    @in_one_test
    @pytest.mark.parametrize(
        "changes",
        [
            {"headline": "Autre"},
            {"instruction": "Autre"},
            {"severity": Severity.MINOR},
            {"expires": LATER + timedelta(hours=1)},
            {"onset": NOW + timedelta(hours=1)},
            {"areas": (Area("Le Moulin", geocodes=(HERE,)),)},
        ],
    )
    def test_is_none_where_something_was_changed(self, town, changes):
        town.post(own())

        assert town.post(own(**changes)).fresh

    def test_is_none_after_ten_minutes(self, town):
        town.post(own())
        town.clock.set(NOW + DOUBLE_TAP)
        assert not town.post(own()).fresh
        town.pass_(microseconds=1)
        assert town.post(own()).fresh

    def test_is_none_with_again(self, town):
        town.post(own())

        assert town.post(own(), again=True).fresh

    def test_is_none_on_another_channel(self, town):
        town.post(own(), "x")

        assert town.post(own(), "telegram").fresh
        assert not town.post(own(), "x").fresh

    def test_is_none_after_the_first_was_cancelled(self, town):
        first = town.post(own())
        town.deliver(first)
        town.deliver(town.post(cancelling(first.stored.alert, sender=SENDER)))

        assert town.post(own()).fresh

    def test_is_none_where_a_feed_said_it(self, town):
        town.hear(own())

        assert town.post(own()).fresh

    def test_an_update_that_repeats_the_words_is_an_update(self, town):
        first = town.post(own())
        town.deliver(first)
        update = town.post(following(first.stored.alert, sender=SENDER))

        assert update.fresh
        assert set(town.kinds(update).values()) == {"update"}

    def test_a_cancel_without_words_is_no_trouble(self, town):
        first = town.post(own())
        town.deliver(first)

        assert set(town.kinds(town.post(cancelling(first.stored.alert, sender=SENDER))).values()) == {"end"}


def test_an_officer_takes_back_what_is_still_in_the_outbox(town):
    first = town.post(own())
    cancel = town.post(cancelling(first.stored.alert, sender=SENDER))

    assert set(town.states(first).values()) == {"superseded"}
    assert "before that went out" in str(cancel.stored.reason)


def test_a_cap_file_that_the_feed_told_already_is_not_new(town):
    alert = an_alert()
    town.hear(alert)

    assert not town.post(alert).fresh


def test_each_decision_can_be_explained(town):
    first = town.hear(an_alert())
    update = town.hear(following(first.stored.alert, headline="Plus fort"))

    assert [what for what, _ in town.decisions(first)] == ["accepted", "superseded", "superseded", "superseded"]
    assert [what for what, _ in town.decisions(update)] == ["accepted"]
    assert all(reason for _, reason in town.decisions(first))


@in_one_test
@pytest.mark.parametrize("msg_type", MsgType)
@pytest.mark.parametrize("status", Status)
def test_no_message_makes_the_desk_stumble(town, msg_type, status):
    for alert in (an_alert(msg_type=msg_type, status=status), cancelling(an_alert(), status=status)):
        filed = town.hear(alert)
        assert filed.stored.state is AlertState.ACCEPTED or filed.stored.reason


HOLD = "the calendar was first read today and announces much at once: an officer validates it before it goes out"


def held(town, alert):
    return town.act(lambda alerts: town.desk.hear(alerts, Heard(alert.identifier, alert, hold=HOLD), "meteo"))


def test_what_its_source_holds_waits_for_an_officer_whatever_publish_says(town):
    filed = held(town, an_alert())

    assert filed.stored.state is AlertState.WAITING
    assert str(filed.stored.reason) == f"it waits for a validation: {HOLD}"
    assert set(town.states(filed).values()) == {"waiting"}


def test_what_follows_on_what_is_held_waits_until_the_first_was_let_out(town):
    first = held(town, an_alert())
    second = held(town, following(first.stored.alert, headline="Il commence"))
    assert (town.stored(first).state, second.stored.state) == (AlertState.LEFT_OUT, AlertState.WAITING)

    town.act(lambda alerts: approve(alerts, second.stored.id, "anna", NOW))
    town.deliver(second)
    third = held(town, following(second.stored.alert, headline="Il dure"))
    assert (third.stored.state, set(town.kinds(third).values())) == (AlertState.ACCEPTED, {"update"})


def test_what_follows_on_what_an_officer_rejected_is_left_out(town):
    first = held(town, an_alert())
    town.act(lambda alerts: reject(alerts, first.stored.id, "anna", "no", NOW))
    second = held(town, following(first.stored.alert, headline="Il commence"))

    assert second.stored.state is AlertState.LEFT_OUT
    assert str(second.stored.reason) == f"it updates {first.stored.id}, which was rejected"


@in_one_test
@pytest.mark.parametrize(
    "words",
    [
        {"headline": "Fin de la vigilance orange crues"},
        {"headline": "Levée de l’alerte pollution"},
        {"headline": "L’alerte tempête est levée"},
        {"headline": "Confinement terminé"},
        {"headline": "Crue", "description": "La vigilance rouge est levée. Restez prudents."},
        {"headline": "Crue", "description": "L’avertissement n’est plus en vigueur."},
        {"headline": "ALL CLEAR – chemical incident"},
        {"headline": "The flood warning has been cancelled"},
        {"headline": "Evacuation order lifted", "description": "The evacuation order has been lifted."},
        {"headline": "Entwarnung: Großbrand"},
        {"headline": "Die Warnung vor Hochwasser ist aufgehoben"},
    ],
)
def test_an_all_clear_that_is_one_in_words_only_waits_for_an_officer(town, words):
    filed = town.hear(an_alert(severity=Severity.SEVERE, **words))

    assert filed.stored.state is AlertState.WAITING
    assert str(filed.stored.reason).startswith("it waits for a validation: its words say that it is over")


def test_an_all_clear_in_words_waits_although_its_incident_was_let_out(town):
    first = town.hear(an_alert())
    town.deliver(first)
    filed = town.hear(following(first.stored.alert, headline="Fin de l'alerte crue"))

    assert filed.stored.state is AlertState.WAITING


@in_one_test
@pytest.mark.parametrize(
    "words",
    [
        {"headline": "Crue : l’Isère monte encore"},
        {"headline": "Vigilance rouge crues", "description": "La vigilance orange est levée, remplacée par la rouge."},
        {"headline": "Fin de semaine orageuse"},
        {"headline": "Flood warning", "description": "The warning will be over when the river is back in its bed."},
        {"headline": "Alerte enlèvement", "description": "Levée du corps à 10 h."},
        {"headline": "Coupure d’eau", "instruction": "Attendez que l’alerte soit levée."},
    ],
)
def test_what_only_speaks_of_an_end_goes_out(town, words):
    assert town.hear(an_alert(severity=Severity.SEVERE, **words)).stored.state is AlertState.ACCEPTED


def test_an_officer_s_own_words_are_an_officer_s(town):
    filed = town.act(lambda alerts: town.desk.post(alerts, own(headline="Fin de l’alerte crue")))

    assert filed.stored.state is AlertState.ACCEPTED


CALLING = "Suivez @prefet38 et #crue"
LINKED = "Lisez https://ailleurs.example/a ou M.Dupont."


def test_a_feed_calls_nobody_by_our_account_and_links_where_the_channel_does(town):
    alert = an_alert(headline=CALLING, instruction=LINKED, description="@a", areas=(Area("@b", geocodes=(HERE,)),))
    first = town.hear(alert)
    texts = {name: post.message.plain for name, post in town.posts(first).items()}
    assert set(texts) == {"x", "page", "telegram"}
    for text in texts.values():
        assert "Suivez @\u00a0prefet38 et #\u00a0crue" in text
        assert "ailleurs.example/a" in text
    town.deliver(first)

    later = town.hear(following(alert, headline=CALLING, instruction=LINKED + " Vite."))
    text = town.posts(later)["x"].message.plain
    assert "@prefet38" not in text
    assert links(text) == []
    assert "ailleurs.example/a" in town.posts(later)["telegram"].message.plain


def test_an_officer_may_name_an_account(town):
    filed = town.act(lambda alerts: town.desk.post(alerts, own(headline=CALLING, instruction=LINKED)))
    assert all("@prefet38 et #crue" in post.message.plain for post in town.posts(filed).values())


def test_what_a_feed_tells_has_the_same_incident_in_a_database_that_forgot_it(make_town):
    """So what links to its page lasts, and its words are the same where they are looked for after a restore."""
    first, forgetful = make_town(), make_town()
    alert = an_alert()
    incident = first.hear(alert).stored.incident_id

    assert forgetful.hear(alert).stored.incident_id == incident
    assert make_town().hear(following(alert, headline="Plus fort")).stored.incident_id == incident
    other = make_town(sources={"manual": SourceRules(), "meteo": SourceRules(), "crues": SourceRules()})
    assert other.hear(alert, "crues").stored.incident_id != incident, "another source speaks for itself"


def test_an_officer_s_place_in_words_is_here_and_a_feed_s_is_not(town):
    words = (Area("Pont de la Drevenne"),)
    posted = town.post(an_alert(sender=SENDER, areas=words))
    heard = town.hear(an_alert(event="Crue", areas=words))

    assert posted.stored.state is not AlertState.LEFT_OUT
    assert "Pont de la Drevenne" in town.posts(posted)["page"].message.plain
    assert heard.stored.reason.code == "area_unmatched"
