"""Names that are found or told to be ambiguous; what waits is let go or kept back; what failed is tried or given up."""

from __future__ import annotations

import pytest

from alerts.desk.approve import approve, drop, find_alert, find_posts, reject, retry
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState
from alerts.model.post import PostState
from alerts.model.town import SourceRules
from tests.unit.desk.conftest import NOW, an_alert, cancelling, following

S = PostState


@pytest.fixture
def careful(make_town):
    """A town where everything waits for a validation."""
    return make_town(sources={"meteo": SourceRules(publish="approve")})


def test_an_alert_goes_by_its_id_its_identifier_or_its_incident(town):
    filed = town.hear(an_alert(identifier="2.49.0.1"))
    stored = filed.stored
    with town.alerts() as alerts:
        for name in (stored.id, stored.incident_id, "2.49.0.1", "2.49"):
            assert find_alert(alerts, name).id == stored.id


def test_a_name_that_is_none_says_where_they_are_listed(town):
    with pytest.raises(Misuse, match=r"'xyzxyz': no such alert; `tocsin status --all` lists them"):
        town.act(lambda alerts: find_alert(alerts, "xyzxyz"))
    with pytest.raises(Misuse, match="too little of a name"):
        town.act(lambda alerts: find_alert(alerts, ""))


def test_a_name_of_two_says_which_two(town):
    one = town.hear(an_alert(identifier="2.49.1")).stored.id
    two = town.hear(an_alert(identifier="2.49.2", event="Crue")).stored.id

    with pytest.raises(Misuse) as told:
        town.act(lambda alerts: find_alert(alerts, "2.49"))
    assert str(told.value) == f"'2.49' is the start of several alerts' names ({one}, {two}); give more"


def test_a_post_goes_by_its_id_and_an_alert_s_posts_by_any_name_of_it(town):
    filed = town.hear(an_alert(identifier="2.49.1"))
    posts = town.posts(filed)
    with town.alerts() as alerts:
        assert [post.id for post in find_posts(alerts, posts["page"].id)] == [posts["page"].id]
        for name in (filed.stored.id, filed.stored.incident_id, "2.49"):
            assert {post.id for post in find_posts(alerts, name)} == {post.id for post in posts.values()}


def test_a_start_of_an_alert_s_and_a_post_s_id_is_ambiguous(town):
    town.hear(an_alert())

    with pytest.raises(Misuse, match=r"'id' is the start of several names \(.*\); give more"):
        town.act(lambda alerts: find_posts(alerts, "id"))


def test_what_is_approved_goes_out_exactly_as_it_was_shown(careful):
    filed = careful.hear(an_alert())
    shown = {post.id: post.message for post in careful.posts(filed).values()}
    stored, posts = careful.act(lambda alerts: approve(alerts, filed.stored.id, "ana", NOW))

    assert stored.id == filed.stored.id
    assert {post.id for post in posts} == set(shown)
    assert careful.states(filed) == {"x": "queued", "page": "queued", "telegram": "queued"}
    assert {post.id: post.message for post in careful.posts(filed).values()} == shown
    assert (careful.stored(filed).state, str(careful.stored(filed).reason)) == (AlertState.ACCEPTED, "validated by ana")
    assert careful.decisions(filed)[-1] == ("approved", "validated by ana")


def test_what_is_approved_during_its_veto_time_goes_out_at_once(make_town):
    town = make_town(sources={"meteo": SourceRules(publish="veto")})
    filed = town.hear(an_alert())
    town.act(lambda alerts: approve(alerts, filed.stored.id, "ana", NOW))

    assert {(post.not_before, post.next_try) for post in town.posts(filed).values()} == {(NOW, None)}


def test_what_is_rejected_never_goes_out_and_says_why(careful):
    filed = careful.hear(an_alert())
    careful.act(lambda alerts: reject(alerts, filed.stored.id, "ana", "wrong street", NOW))

    assert set(careful.states(filed).values()) == {"rejected"}
    assert {str(post.reason) for post in careful.posts(filed).values()} == {"rejected by ana: wrong street"}
    assert (careful.stored(filed).state, str(careful.stored(filed).reason)) == (
        AlertState.REJECTED,
        "rejected by ana: wrong street",
    )


@pytest.mark.parametrize("action", [approve, lambda b, n, w, at: reject(b, n, w, None, at)], ids=["approve", "reject"])
def test_what_doesn_t_wait_can_neither_be_approved_nor_rejected(town, careful, action):
    out = town.hear(an_alert())
    with pytest.raises(Refused, match=f"{out.stored.id} doesn't wait for a validation: it is accepted"):
        town.act(lambda alerts: action(alerts, out.stored.id, "ana", NOW))
    assert set(town.states(out).values()) == {"queued"}

    rejected = careful.hear(an_alert())
    careful.act(lambda alerts: reject(alerts, rejected.stored.id, "ana", None, NOW))
    with pytest.raises(Refused, match="it is rejected: rejected by ana"):
        careful.act(lambda alerts: action(alerts, rejected.stored.id, "ben", NOW))
    assert set(careful.states(rejected).values()) == {"rejected"}


@pytest.mark.parametrize("state", [S.FAILED, S.IN_DOUBT])
def test_what_failed_or_is_in_doubt_is_tried_again_or_given_up(town, state):
    filed = town.hear(an_alert())
    town.deliver(filed)
    town.deliver(filed, state, "x", "page")

    [one] = town.act(lambda alerts: drop(alerts, town.posts(filed)["page"].id, NOW))
    assert one.channel == "page"
    [other] = town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))
    assert other.channel == "x"
    assert town.states(filed) == {"x": "queued", "page": "dropped", "telegram": "sent"}
    assert town.posts(filed)["x"].next_try is None
    assert town.decisions(filed)[-2:] == [("dropped", "dropped by an officer"), ("queued", "retried by an officer")]


@pytest.mark.parametrize("there", [S.QUEUED, S.SENDING, S.IN_DOUBT, S.SENT])
@pytest.mark.parametrize("state", [S.FAILED, S.IN_DOUBT])
def test_what_a_later_message_overtook_can_only_be_given_up(town, state, there):
    alert = an_alert()
    filed = town.hear(alert)
    town.deliver(filed)
    town.deliver(filed, state, "x")
    later = town.hear(following(alert, headline="Vent, suite"))
    town.deliver(later, there)

    with pytest.raises(Refused, match=rf"{later.stored.id} is newer there \(.*\); drop it, or post anew what holds"):
        town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))
    [given_up] = town.act(lambda alerts: drop(alerts, filed.stored.id, NOW))
    assert given_up.channel == "x"


def test_what_failed_is_not_tried_again_once_its_incident_was_ended_where_it_did_get_out(town):
    alert = an_alert()
    filed = town.hear(alert)
    town.deliver(filed)
    town.deliver(filed, S.FAILED, "x")
    end = town.hear(cancelling(alert))
    assert set(town.posts(end)) == {"page", "telegram"}

    with pytest.raises(Refused, match=rf"{end.stored.id} is newer there \(end, queued\)"):
        town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))


def test_what_failed_everywhere_is_not_tried_again_once_it_was_cancelled(town):
    alert = an_alert()
    filed = town.hear(alert)
    town.deliver(filed, S.FAILED)
    end = town.hear(cancelling(alert))

    with pytest.raises(Refused, match=rf"{end.stored.id} has replaced it \(Cancel\)"):
        town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))
    assert len(town.act(lambda alerts: drop(alerts, filed.stored.id, NOW))) == 3


def test_the_same_words_once_more_are_no_reason_not_to_try_again(town):
    alert = an_alert()
    filed = town.hear(alert)
    town.deliver(filed)
    town.deliver(filed, S.FAILED, "x")
    assert town.hear(following(alert)).stored.state is AlertState.LEFT_OUT

    [tried] = town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))
    assert tried.channel == "x"


@pytest.mark.parametrize("action", [retry, drop])
@pytest.mark.parametrize(
    "state", [S.SENT, S.QUEUED, S.SENDING, S.WAITING, S.EXPIRED, S.SUPERSEDED, S.REJECTED, S.DROPPED]
)
def test_everything_else_is_left_as_it_is(town, action, state):
    filed = town.hear(an_alert())
    town.deliver(filed, state)
    with pytest.raises(Refused) as told:
        town.act(lambda alerts: action(alerts, filed.stored.id, NOW))

    assert str(told.value) == f"{filed.stored.id}: nothing failed or is in doubt there; it is {state}"
    assert set(town.states(filed).values()) == {state}


def test_an_alert_without_posts_has_nothing_to_retry(town):
    filed = town.hear(an_alert(areas=()))

    with pytest.raises(Refused, match="it is without posts"):
        town.act(lambda alerts: retry(alerts, filed.stored.id, NOW))
