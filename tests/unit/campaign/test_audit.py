"""The campaign's verdict: each broken promise is found, and what the design allows is none."""

from __future__ import annotations

from dataclasses import replace

from campaign.audit import DISORDER, LATE, LOST, RECEIPT, RUSHED, TWICE, Entry, Promised, Seen, Wording, audit, rushed

FIRST, SECOND, OVER = Wording("7", 1), Wording("7", 2), Wording("7", 2, is_end=True)
ALERT = Promised("7", 1, published_at=0.0, ends=1000.0)
UPDATE = Promised("7", 2, published_at=10.0, ends=1000.0)
CANCEL = Promised("7", 3, published_at=20.0, ends=1000.0, cancels=True)
POST_1 = Seen(("100",), (FIRST,), created_at=1.0)
POST_2 = Seen(("101",), (SECOND,), created_at=11.0, reply_to="100")
POST_END = Seen(("102",), (OVER,), created_at=21.0, reply_to="101")
ROW_1 = Entry("7", 1, False, "sent", remote_id="100")
ROW_2 = Entry("7", 2, False, "sent", remote_id="101")
ROW_END = Entry("7", 3, True, "sent", remote_id="102")


def kinds(promised, seen, entries, *, looked_at=500.0, **more):
    return [each.kind for each in audit("x", promised, seen, entries, looked_at=looked_at, **more)]


def test_a_thread_that_is_told_whole_breaks_no_promise():
    assert kinds([ALERT, UPDATE, CANCEL], [POST_1, POST_2, POST_END], [ROW_1, ROW_2, ROW_END]) == []


def test_a_message_that_was_never_filed_is_lost():
    assert kinds([ALERT], [], []) == [LOST]


def test_what_is_said_to_be_sent_and_is_not_there_is_lost():
    assert kinds([ALERT], [], [ROW_1]) == [LOST]


def test_what_is_still_on_its_way_at_the_end_or_failed_is_lost():
    for state in ("queued", "sending", "in_doubt", "waiting", "failed"):
        assert kinds([ALERT], [], [replace(ROW_1, state=state)]) == [LOST], state


def test_an_alert_may_expire_after_its_end_and_not_before():
    expired = replace(ROW_1, state="expired")
    assert kinds([ALERT], [], [expired], looked_at=1001.0) == []
    assert kinds([ALERT], [], [expired], looked_at=999.0) == [LOST]


def test_a_message_may_give_way_to_a_later_one_and_not_to_nothing():
    superseded = replace(ROW_1, state="superseded")
    assert kinds([ALERT, UPDATE], [replace(POST_2, reply_to=None)], [superseded, ROW_2]) == []
    assert kinds([ALERT], [], [superseded]) == [LOST]


def test_a_cancelled_alert_that_never_appeared_needs_no_end():
    rows = [replace(ROW_1, state="superseded"), replace(ROW_END, state="left_out", is_end=False)]
    assert kinds([ALERT, CANCEL], [], rows) == []


def test_a_cancelled_alert_that_is_still_on_is_a_lost_end():
    left_out = replace(ROW_END, state="left_out", is_end=False)
    assert set(kinds([ALERT, CANCEL], [POST_1], [ROW_1, left_out])) == {LOST}


def test_an_alert_whose_time_ran_out_long_ago_was_ended():
    assert kinds([ALERT], [POST_1], [ROW_1], looked_at=1050.0) == []
    assert kinds([ALERT], [POST_1], [ROW_1], looked_at=1200.0) == [LOST]
    ended = replace(POST_END, said=(Wording("7", 1, is_end=True),), created_at=1070.0, reply_to="100")
    row = Entry("7", 1, True, "sent", remote_id="102")
    assert kinds([ALERT], [POST_1, ended], [ROW_1, row], looked_at=1200.0) == []


def test_an_end_that_time_has_just_brought_may_still_be_on_its_way():
    row = Entry("7", 1, True, "queued")
    assert kinds([ALERT], [POST_1], [ROW_1, row], looked_at=1070.0) == []
    assert LOST in kinds([ALERT], [POST_1], [ROW_1, row], looked_at=1200.0)


def test_a_thread_may_end_by_being_taken_back_whole():
    taken_back = replace(ROW_END, deletes=True, remote_id=None)
    gone = [replace(POST_1, deleted=True), replace(POST_2, deleted=True)]
    assert kinds([ALERT, UPDATE, CANCEL], gone, [ROW_1, ROW_2, taken_back]) == []
    assert LOST in kinds([ALERT, UPDATE, CANCEL], [POST_1, gone[1]], [ROW_1, ROW_2, taken_back])


def test_a_thread_may_be_one_post_that_is_edited():
    edited = Seen(("100",), (FIRST, SECOND, OVER), created_at=1.0, edited_at=21.0)
    rows = [ROW_1, replace(ROW_2, remote_id="100"), replace(ROW_END, remote_id="100")]
    assert kinds([ALERT, UPDATE, CANCEL], [edited], rows) == []


def test_the_same_words_in_two_posts_are_twice_unless_that_was_told():
    again = replace(POST_1, ids=("109",), created_at=2.0)
    assert kinds([ALERT], [POST_1, again], [ROW_1]) == [TWICE]
    assert kinds([ALERT], [POST_1, again], [replace(ROW_1, excused=True)]) == []


def test_an_end_that_may_be_out_twice_is_known_by_what_it_ends_and_not_by_the_version_that_ended_it():
    told = Seen(("103",), (OVER,), created_at=21.0)
    again, row_of_cancel = replace(told, ids=("104",), created_at=22.0), replace(ROW_END, place=3, remote_id="104")
    seen, rows = [POST_1, told, again], [ROW_1, replace(row_of_cancel, excused=True)]
    assert TWICE not in kinds([ALERT, CANCEL], seen, rows)
    assert TWICE in kinds([ALERT, CANCEL], seen, [ROW_1, row_of_cancel])


def test_what_nobody_told_is_twice():
    assert kinds([], [POST_1], []) == [TWICE]


def test_what_appears_after_its_end_is_late_but_for_the_platforms_own_slowness():
    late = replace(POST_1, created_at=1001.0)
    assert kinds([ALERT], [late], [ROW_1], looked_at=1002.0) == [LATE]
    assert kinds([ALERT], [late], [ROW_1], looked_at=1002.0, slack=1.5) == []


def test_the_end_itself_may_come_after_the_end():
    thread = [POST_1, POST_2, replace(POST_END, created_at=1500.0)]
    assert kinds([ALERT, UPDATE, CANCEL], thread, [ROW_1, ROW_2, ROW_END], looked_at=2000.0) == []


def test_an_edit_after_the_end_is_late():
    edited = Seen(("100",), (FIRST, SECOND), created_at=1.0, edited_at=1001.0)
    rows = [ROW_1, replace(ROW_2, remote_id="100")]
    assert kinds([ALERT, UPDATE], [edited], rows, looked_at=1002.0) == [LATE]


def test_versions_that_appear_backwards_are_out_of_order():
    early = replace(POST_2, created_at=0.5, reply_to=None)
    assert kinds([ALERT, UPDATE], [early, POST_1], [ROW_1, ROW_2]) == [DISORDER]


def test_what_follows_its_end_is_out_of_order():
    early = replace(POST_END, created_at=5.0, said=(Wording("7", 1, is_end=True),), reply_to="100")
    found = kinds([ALERT, UPDATE, CANCEL], [POST_1, early, POST_2], [ROW_1, ROW_2, ROW_END])
    assert found == [DISORDER]


def test_an_answer_in_anothers_thread_is_out_of_order():
    assert kinds([ALERT, UPDATE], [POST_1, replace(POST_2, reply_to="55")], [ROW_1, ROW_2]) == [DISORDER]


def test_a_receipt_of_another_post_is_told():
    assert kinds([ALERT], [POST_1], [replace(ROW_1, remote_id="55")]) == [RECEIPT]
    assert kinds([ALERT], [replace(POST_1, ids=("100", "120"))], [ROW_1]) == [], "an edit on X has a new id"


def test_more_posts_than_a_window_holds_are_told_each_time():
    assert rushed("x", [0.0, 3.0, 1.0, 4.0, 2.0, 5.0], count=3, span=3.0) == [], "each span has three"
    [breach] = rushed("x", [0.0, 1.0, 2.0, 2.9, 9.0], count=3, span=3.0)
    assert (breach.kind, breach.channel) == (RUSHED, "x")
    assert "4 within 2.900 s" in breach.what
    assert len(rushed("x", [0.0, 0.1, 0.2, 0.3], count=2, span=3.0)) == 2


def test_what_costs_money_is_not_out_twice_though_it_was_in_doubt():
    doubted, again = replace(ROW_1, state="in_doubt", remote_id=None, excused=True), replace(POST_1, ids=("100#2",))
    assert kinds([ALERT], [POST_1, again], [doubted]) == []
    assert kinds([ALERT], [POST_1, again], [doubted], repeats=False) == [TWICE]
