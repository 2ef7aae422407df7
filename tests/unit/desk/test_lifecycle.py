"""What time alone does: an incident that nobody ended is ended, once, where its readers are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from alerts.desk.approve import reject
from alerts.desk.dedupe import end_reason
from alerts.desk.ending import GRACE
from alerts.model.alert import NamedValue, Severity, Urgency
from alerts.model.incident import AlertState
from alerts.model.post import EndReason, Means, PostKind, PostState
from alerts.model.reason import in_words
from alerts.model.town import SourceRules
from alerts.store.unit import transaction
from tests.unit.desk.conftest import LATER, NOW, PAGE, TELEGRAM, X, an_alert, cancelling, following
from tests.unit.desk.test_for_machines import PANELS

S = PostState


def out(town, alert):
    filed = town.hear(alert)
    town.deliver(filed)
    return filed


def over(town):
    return town.act(town.desk.end_what_is_over)


def test_nothing_is_over_before_its_end_and_a_minute_of_grace(town):
    out(town, an_alert())
    town.clock.set(LATER + GRACE - timedelta(seconds=1))
    assert over(town) == []


def test_an_alert_that_nobody_ended_ends_once_on_every_channel_by_its_own_means(town):
    first = out(town, an_alert())
    town.clock.set(LATER + GRACE)

    ended = over(town)

    assert {made.post.channel: made.post.means for made in ended} == {
        "x": Means.REPLY,
        "page": Means.EDIT,
        "telegram": Means.REPLY,
    }
    assert {made.post.kind for made in ended} == {PostKind.END}
    assert {made.post.alert_id for made in ended} == {first.stored.id}
    assert over(town) == []
    assert town.decisions(first)[-1] == ("over", f"its time ran out at {LATER:%Y-%m-%d %H:%M}")


@pytest.mark.parametrize("state", [S.EXPIRED, S.FAILED, S.DROPPED])
def test_what_was_given_up_without_an_answer_gets_its_end_since_it_may_be_out(town, state):
    filed = town.hear(an_alert())
    town.deliver(filed, S.EXPIRED)
    town.deliver(filed, state, "x")
    with transaction(town.db):
        town.db.execute("UPDATE post SET outcome = 'in_doubt' WHERE channel = 'x'")
    town.clock.set(LATER + GRACE)

    assert [(made.post.channel, made.post.kind) for made in over(town)] == [("x", PostKind.END)]
    assert over(town) == []


def test_what_may_be_out_and_is_taken_back_before_it_is_said_again_gets_its_end(town):
    filed = town.hear(an_alert())
    with transaction(town.db):
        town.db.execute("UPDATE post SET outcome = 'in_doubt' WHERE channel = 'x'")

    end = town.hear(cancelling(filed.stored.alert))

    assert set(town.states(filed).values()) == {"superseded"}
    assert town.kinds(end) == {"x": "end"}


def test_that_time_has_run_out_uses_no_reserve_and_overtakes_nothing(town):
    out(town, an_alert(severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE))
    town.clock.set(LATER + GRACE)
    routine = town.posts(town.hear(an_alert(event="Autre", expires=LATER + timedelta(hours=9))))["telegram"]

    ends = [made.post for made in over(town)]

    assert ends
    assert not any(post.urgent for post in ends)
    assert all(post.priority < routine.priority for post in ends)


def test_an_end_by_time_has_other_words_than_a_cancellation(town):
    one, other = out(town, an_alert()), out(town, an_alert(event="Neige", headline="Neige"))
    cancelled = town.posts(town.hear(cancelling(other.stored.alert)))["x"].message.plain
    town.clock.set(LATER + GRACE)
    ended = {made.post.alert_id: made.post.message.plain for made in over(town) if made.post.channel == "x"}

    assert set(ended) == {one.stored.id}
    assert "retir" in cancelled.lower()
    assert "retir" not in ended[one.stored.id].lower()


def test_an_update_that_extends_it_keeps_it_on(town):
    first = out(town, an_alert())
    out(town, following(first.stored.alert, expires=LATER + timedelta(hours=3)))
    town.clock.set(LATER + GRACE)
    assert over(town) == []
    town.clock.set(LATER + timedelta(hours=3) + GRACE)
    assert {made.post.channel for made in over(town)} == {"x", "page", "telegram"}


def test_what_never_went_out_is_not_ended(town):
    filed = town.hear(an_alert())
    town.deliver(filed, S.EXPIRED)
    town.clock.set(LATER + GRACE)
    assert over(town) == []


def test_a_channel_that_tells_no_ends_is_asked_once(make_town):
    town = make_town(channels=(replace(X, on_end=Means.NONE), PAGE, TELEGRAM))
    first = out(town, an_alert())
    town.clock.set(LATER + GRACE)

    assert {made.post.channel for made in over(town)} == {"page", "telegram"}
    assert over(town) == []
    assert ("no_post", "x: this channel tells no ends") in town.decisions(first)


def test_a_post_in_doubt_is_ended_too_for_it_may_be_out(town):
    filed = town.hear(an_alert())
    town.deliver(filed, S.IN_DOUBT, "x")
    town.deliver(filed, S.EXPIRED, "page", "telegram")
    town.clock.set(LATER + GRACE)
    assert [made.post.channel for made in over(town)] == ["x"]


def test_an_alert_without_an_end_of_its_own_is_over_after_a_day(town):
    out(town, an_alert(expires=None))
    town.clock.set(NOW + timedelta(hours=24) + GRACE)
    assert over(town)


@pytest.mark.parametrize("publish", ["veto", "approve"])
def test_nothing_is_over_while_an_extension_waits_and_all_is_once_it_was_rejected(make_town, publish):
    town = make_town(sources={"meteo": SourceRules(), "careful": SourceRules(publish=publish, speaks_for=("meteo",))})
    first = out(town, an_alert())
    more = town.hear(following(first.stored.alert, expires=LATER + timedelta(hours=3)), "careful")
    town.clock.set(LATER + GRACE)

    assert more.stored.incident_id == first.stored.incident_id
    assert over(town) == []
    town.act(lambda alerts: reject(alerts, more.stored.id, "ana", None, town.clock.now()))
    assert {made.post.channel for made in over(town)} == {"x", "page", "telegram"}


def test_an_extension_that_nobody_let_go_in_time_ends_the_alert(make_town):
    town = make_town(sources={"meteo": SourceRules(), "careful": SourceRules(publish="approve", speaks_for=("meteo",))})
    first = out(town, an_alert())
    more = town.hear(following(first.stored.alert, expires=LATER + timedelta(hours=3)), "careful")
    town.clock.set(LATER + timedelta(hours=3, minutes=1))
    assert over(town) == []

    town.deliver(more, S.EXPIRED)
    town.act(
        lambda alerts: alerts.set_alert_state(more.stored.id, AlertState.LEFT_OUT, in_words("nobody validated it"))
    )
    assert {made.post.channel for made in over(town)} == {"x", "page", "telegram"}


def test_a_series_that_said_when_it_ends_runs_out_without_a_word(town):
    series = out(town, an_alert(parameters=(NamedValue("tocsin:end", "quiet"),)))
    town.clock.set(LATER + GRACE)

    assert over(town) == []
    town.pass_(days=1)
    assert over(town) == []
    assert town.decisions(series)[-1][0] != "over"


def test_what_runs_out_without_a_word_is_taken_from_where_it_stands_until_its_end(make_town):
    """A broker keeps what is on as retained messages, which say nothing when they go."""
    town = make_town(channels=(X, PANELS))
    series = out(town, an_alert(parameters=(NamedValue("tocsin:end", "quiet"),)))
    town.clock.set(LATER + GRACE)

    [end] = over(town)
    assert (end.post.channel, end.post.kind, end.post.means) == ("panneaux", PostKind.END, Means.DELETE)
    assert end.post.alert_id == series.stored.id
    assert over(town) == []


def test_a_planned_end_of_the_calendar_is_no_all_clear(town):
    first = out(town, an_alert(parameters=(NamedValue("tocsin:step", "start"),)))
    planned = (NamedValue("tocsin:step", "end"), NamedValue("tocsin:end", "planned"))
    end = town.hear(following(first.stored.alert, urgency=Urgency.PAST, parameters=planned))

    assert set(town.kinds(end).values()) == {"end"}
    assert end_reason(end.stored.alert) is EndReason.EXPIRED


@pytest.mark.parametrize("make", [partial(following, headline="Autre"), cancelling])
def test_what_another_feed_proposes_holds_up_no_end(make_town, make):
    town = make_town(sources={"meteo": SourceRules(), "other": SourceRules()})
    first = out(town, an_alert())
    proposed = town.hear(make(first.stored.alert), "other")
    assert set(town.states(proposed).values()) == {"waiting"}
    town.clock.set(LATER + GRACE)

    assert {made.post.channel for made in over(town)} == {"x", "page", "telegram"}
    assert set(town.states(proposed).values()) == {"superseded"}
    assert town.stored(proposed).state is AlertState.LEFT_OUT
