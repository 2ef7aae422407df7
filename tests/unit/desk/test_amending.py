"""An officer's word about an alert that is out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.approve import find_alert
from alerts.desk.dedupe import end_reason
from alerts.desk.officer import all_clear_of, cancel_of, correction_of, update_of
from alerts.desk.routing import left_wrong
from alerts.model.alert import MsgType, Severity
from alerts.model.cap import violations
from alerts.model.errors import Misuse, Refused
from alerts.model.post import EndReason, Means, PostState
from alerts.model.reason import in_words
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import LATER, NOW, PAGE, TELEGRAM, X, an_alert

S = PostState
SOON = NOW + timedelta(minutes=1)


def out(town, alert=None):
    filed = town.hear(alert or an_alert())
    town.deliver(filed)
    return filed


def test_an_update_keeps_what_is_not_changed_and_refers_to_what_it_updates(town):
    first = out(town)
    update = update_of(first.stored, {"instruction": "Restez chez vous."}, town.station, SOON, "n1")

    before, after = first.stored.alert.infos[0], update.infos[0]
    assert update.msg_type is MsgType.UPDATE
    assert [reference.identifier for reference in update.references] == [first.stored.alert.identifier]
    assert after.instruction == "Restez chez vous."
    assert (after.headline, after.severity, after.areas, after.expires) == (
        before.headline,
        before.severity,
        before.areas,
        before.expires,
    )
    assert violations(update) == ()
    posts = town.posts(town.post(update))
    assert {post.kind for post in posts.values()} == {"update"}
    assert {post.incident_id for post in posts.values()} == {first.stored.incident_id}


def test_an_update_without_a_change_is_told(town):
    first = out(town)
    with pytest.raises(Misuse, match="nothing to change"):
        update_of(first.stored, {"headline": None, "areas": ()}, town.station, SOON, "n1")


def test_an_update_of_what_is_over_asks_for_a_new_end(town):
    first = out(town)
    with pytest.raises(Misuse, match="--expires"):
        update_of(first.stored, {"headline": "Encore"}, town.station, LATER + timedelta(hours=1), "n1")


def test_a_cancellation_ends_it_with_the_officer_s_reason(town):
    first = out(town)
    cancel = cancel_of(first.stored, "Le vent est tombé.", town.station, SOON, "n1")

    assert end_reason(cancel) is EndReason.CANCELLED
    assert violations(cancel) == ()
    posts = town.posts(town.post(cancel, again=True))
    assert {post.kind for post in posts.values()} == {"end"}
    assert "Le vent est tombé." in posts["telegram"].message.plain


def test_a_correction_goes_ahead_of_all_past_every_validation_and_where_no_ends_are_told(make_town):
    intakes = {"meteo": SourceRules(), "manual": SourceRules(publish="approve", urgent="approve")}
    town = make_town(channels=(replace(X, on_end=Means.NONE), PAGE, TELEGRAM), sources=intakes)
    first = out(town)
    correction = correction_of(first.stored, "Il n'y a pas de vent.", town.station, SOON, "n1")

    assert end_reason(correction) is EndReason.CORRECTED
    assert violations(correction) == ()
    posts = town.posts(town.post(correction, again=True))
    assert {name: (post.state, post.means) for name, post in posts.items()} == {
        "x": (S.QUEUED, Means.REPLY),
        "page": (S.QUEUED, Means.EDIT),
        "telegram": (S.QUEUED, Means.REPLY),
    }
    extreme = town.posts(town.hear(an_alert(event="Crue", severity=Severity.EXTREME)))["x"]
    assert all(post.priority > extreme.priority and post.urgent for post in posts.values())
    assert all("Rectificatif – Il n’y a pas de vent" in post.message.plain for post in posts.values())


def test_a_correction_takes_back_what_has_not_left(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENT, "x")
    correction = town.post(correction_of(first.stored, None, town.station, SOON, "n1"), again=True)

    assert town.states(first) == {"x": "sent", "page": "superseded", "telegram": "superseded"}
    assert set(town.posts(correction)) == {"x"}


def test_what_a_correction_cannot_mend_is_told_channel_by_channel(town):
    first = town.hear(an_alert())
    town.deliver(first, S.SENT, "x", "page")
    town.deliver(first, S.IN_DOUBT, "telegram")

    with town.alerts() as alerts:
        lines = [str(each) for each in left_wrong(alerts.thread(first.stored.incident_id), town.station)]

    assert [line.split(":")[0] for line in lines] == ["x", "telegram"]
    assert "stays readable" in lines[0]
    assert "may still arrive" in lines[1]


def test_there_is_nothing_to_say_about_what_could_not_be_read(town):
    from alerts.model.ports import Heard

    filed = town.act(lambda alerts: town.desk.hear(alerts, Heard("k", problem=in_words("broken")), "meteo"))
    with pytest.raises(Refused, match="could not be read"):
        cancel_of(filed.stored, None, town.station, SOON, "n1")


def test_our_own_calendar_may_say_the_same_twice(town):
    from alerts.model.alert import NamedValue

    own = (NamedValue("tocsin:step", "before"),)
    first = out(town, an_alert(parameters=own))
    again = town.hear(replace(an_alert(parameters=own), references=()), "travaux")
    assert first.stored.state == again.stored.state == "accepted"


def test_an_all_clear_ends_it_in_other_words_than_a_cancellation(town):
    first, other = out(town), out(town, an_alert(event="Neige", headline="Neige"))
    clear = all_clear_of(first.stored, None, town.station, SOON, "n1")

    assert end_reason(clear) is EndReason.ALL_CLEAR
    assert violations(clear) == ()
    ended = town.posts(town.post(clear, again=True))
    assert {post.kind for post in ended.values()} == {"end"}
    cancelled = town.posts(town.post(cancel_of(other.stored, None, town.station, SOON, "n2"), again=True))
    assert ended["x"].message.plain.splitlines()[1:] != cancelled["x"].message.plain.splitlines()[1:]


def test_a_slip_of_the_finger_names_no_alert(town):
    first = out(town)
    with town.alerts() as alerts:
        with pytest.raises(Misuse, match="too little of a name"):
            find_alert(alerts, first.stored.id[:2])
        assert find_alert(alerts, first.stored.id[:5]).id == first.stored.id
