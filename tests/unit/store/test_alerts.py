"""What the desk reads and writes: names that are unique or said not to be, threads, states that may follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.routing import channels_on, is_open
from alerts.model.alert import Reference
from alerts.model.incident import AlertState
from alerts.model.post import FOLLOWS, Message, PostImage, PostState, Receipt
from alerts.model.reason import because, in_words
from tests.unit.store.conftest import LATER, NOW, a_record
from tests.walls import in_one_test


def found(shelf, prefix: str) -> list[str]:
    with shelf.alerts() as alerts:
        return [stored.id for stored in alerts.by_id(prefix)]


def test_what_was_stored_comes_back_equal(shelf):
    stored = shelf.alert(
        "abc", notes=(in_words("one"), because("event_no_uid")), reason=in_words("why"), topic="t", content_key="c"
    )

    assert shelf.stored("abc") == stored
    post = shelf.post(
        stored,
        message=Message("a", "b", "https://example.org", PostImage("/tmp/a.png", "a map"), "en"),
        warnings=(because("remark_too_long", count=300, limit=280), in_words("look")),
        receipt=Receipt("7", "https://x.example/7"),
        not_before=NOW,
        next_try=LATER,
        sent_at=NOW,
    )
    assert shelf.again(post) == post
    assert post.message.image == PostImage("/tmp/a.png", "a map")


def test_an_entry_without_an_alert_is_kept_too(shelf):
    shelf.alert("abc", alert=None, state=AlertState.LEFT_OUT, reason=in_words("it could not be read"))

    assert shelf.stored("abc").alert is None


def test_a_name_is_found_by_the_start_of_an_id_an_identifier_or_an_incident(shelf):
    shelf.alert("k3m9", incident="w7qq", identifier="2.49.0.1.250.0")

    assert [found(shelf, prefix) for prefix in ("k3m9", "k", "2.49", "w7", "w7qq")] == [["k3m9"]] * 5
    assert found(shelf, "nothing") == []
    assert found(shelf, "") == []


def test_a_start_of_two_names_is_ambiguous_even_within_one_incident(shelf):
    shelf.alert("abc1", incident="w7qq")
    shelf.alert("abc2", incident="w7qq")

    assert found(shelf, "abc") == ["abc1", "abc2"]


def test_a_whole_name_wins_over_longer_ones_that_begin_with_it(shelf):
    shelf.alert("a", identifier="fire")
    for number in range(60):
        shelf.alert(f"b{number}", identifier=f"fire-{number}")

    assert found(shelf, "fire") == ["a"]
    assert len(found(shelf, "fire-")) > 1


def test_an_incident_or_an_identifier_means_its_newest_message(shelf):
    shelf.alert("first", incident="w7qq", identifier="same")
    shelf.alert("second", incident="w7qq", identifier="same")

    assert found(shelf, "w7qq") == ["second"]
    assert found(shelf, "same") == ["second"]
    assert found(shelf, "first") == ["first"]


@pytest.mark.parametrize("wild", ["%", "_", "a%", "*", "a_"])
def test_no_character_of_a_name_stands_for_others(shelf, wild):
    shelf.alert("abc", identifier="abc", incident="abc0")

    assert found(shelf, wild) == []


def test_a_post_is_found_by_its_start_and_its_whole_name_wins(shelf):
    stored = shelf.alert()
    with shelf.alerts() as alerts:
        from tests.unit.store.conftest import a_post

        for identity in ("p7", "p7x", "p8"):
            alerts.add_post(a_post(identity, stored))
        assert [post.id for post in alerts.post_by_id("p7")] == ["p7"]
        assert [post.id for post in alerts.post_by_id("p")] == ["p7", "p7x", "p8"]
        assert alerts.post_by_id("") == []


def test_a_message_is_found_by_what_refers_to_it(shelf):
    reference = Reference("other@example", "urn-first", NOW)
    alert = replace(a_record("later").alert, references=(reference, replace(reference, sender="again@example")))
    shelf.alert("later", alert=alert)

    with shelf.alerts() as alerts:
        assert [stored.id for stored in alerts.referring("urn-first")] == ["later"]
        assert alerts.referring("urn-later") == []


def test_by_topic_tells_what_is_taken_in_and_not_over(shelf):
    shelf.alert("on", topic="t")
    shelf.alert("left", topic="t", state=AlertState.LEFT_OUT)
    shelf.alert("other", topic="u")

    with shelf.alerts() as alerts:
        assert [stored.id for stored in alerts.by_topic("t", NOW)] == ["on"]
        assert alerts.by_topic("t", LATER) == []


def test_by_headline_looks_back_only_so_far_and_at_one_source(shelf):
    shelf.alert("on")
    shelf.alert("manual", source="manual")
    shelf.alert("left", state=AlertState.LEFT_OUT)

    with shelf.alerts() as alerts:
        assert [stored.id for stored in alerts.by_headline("Strong wind", "meteo", NOW)] == ["on"]
        assert alerts.by_headline("Strong wind", "meteo", NOW + timedelta(microseconds=1)) == []


def test_a_thread_is_of_one_incident_and_if_asked_of_one_channel(shelf):
    stored = shelf.alert("one", incident="w7qq")
    follower = shelf.alert("two", incident="w7qq")
    first, elsewhere, second = (
        shelf.post(stored),
        shelf.post(stored, channel="page"),
        shelf.post(follower),
    )
    shelf.post(shelf.alert())

    with shelf.alerts() as alerts:
        assert alerts.thread("w7qq") == [first, elsewhere, second]
        assert alerts.thread("w7qq", "x") == [first, second]
        assert alerts.posts_of("one") == [first, elsewhere]


@in_one_test
@pytest.mark.parametrize("was", PostState)
def test_a_post_goes_only_where_the_table_lets_it(shelf, was):
    for state in PostState:
        post = shelf.post()
        shelf.move(post, was)
        with shelf.alerts() as alerts:
            if state in FOLLOWS[was]:
                alerts.move_post(shelf.again(post), state, in_words("why"), not_before=LATER)
                continue
            with pytest.raises(ValueError, match=f"is {was} can't become {state}"):
                alerts.move_post(shelf.again(post), state, in_words("why"), not_before=None)
        assert shelf.again(post).state is was


def test_a_moved_post_tells_why_and_since_when_and_is_due_at_once(shelf):
    post = shelf.post(state=PostState.WAITING)
    with shelf.alerts() as alerts:
        alerts.move_post(post, PostState.QUEUED, in_words("why"), not_before=LATER)

    moved = shelf.again(post)
    assert (moved.state, str(moved.reason), moved.not_before, moved.next_try) == (PostState.QUEUED, "why", LATER, None)


def test_a_post_that_went_on_meanwhile_is_not_moved(shelf):
    seen = shelf.post()
    shelf.move(seen, PostState.SENT)

    with shelf.alerts() as alerts:
        alerts.move_post(seen, PostState.DROPPED, in_words("too late"), not_before=None)
    assert shelf.again(seen).state is PostState.SENT


@in_one_test
@pytest.mark.parametrize("outcome", [None, "retry", "in_doubt"])
def test_what_nobody_saw_needn_t_be_read_to_tell_where_an_incident_is(shelf, outcome):
    """A feed that goes on about one event leaves thousands of superseded posts, which each message would read."""
    for state in PostState:
        post = shelf.post(shelf.alert(), state=state, outcome=outcome)
        with shelf.alerts() as alerts:
            whole, standing = (read(post.incident_id) for read in (alerts.thread, alerts.unsuperseded))
        assert (is_open(standing), channels_on(standing)) == (is_open(whole), channels_on(whole))
        assert bool(standing) is (state is not PostState.SUPERSEDED or outcome == "in_doubt")
