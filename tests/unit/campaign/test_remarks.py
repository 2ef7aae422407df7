"""The verdict of a campaign of listening: each broken promise is found, and what the rules allow is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaign.audit import RECEIPT
from campaign.remarks import (
    ANSWERED_TWICE,
    HEARD_TWICE,
    NOT_RIGHT,
    OUTDATED,
    UNANSWERED,
    UNHEARD,
    Answered,
    AnsweredPost,
    Kept,
    Reply,
    Said,
    answering,
    hearing,
)
from tests.walls import in_one_test

SAID = Said("page", "9_1", "9", "L'eau ?")
KEPT = Kept("page", "9_1", "9", "L'eau ?", "q")
ON_X, KEPT_ON_X = Said("x", "21", "20", "L'eau ?"), Kept("x", "21", "20", "L'eau ?", "q")
IN_GROUP, KEPT_IN_GROUP = Said("telegram", "-1:3", "7", "L'eau ?"), Kept("telegram", "-1:3", "7", "L'eau ?", "q")
ANSWER = Answered(1, "q", {"page": 1, "x": 1, "telegram": 1})
TOLD = (
    AnsweredPost("page", ("9_5",), "9", (1,)),
    AnsweredPost("page", ("9_6",), "9_1", (1,)),
    AnsweredPost("x", ("22",), "20", (1,)),
    AnsweredPost("telegram", ("-1:4",), "-1:3", (1,)),
)
REPLIES = tuple(Reply(each.channel, "q", each.place, "sent", remote_id=each.ids[0]) for each in TOLD)


def kinds(*, answers=(ANSWER,), said=(SAID, ON_X, IN_GROUP), kept=(KEPT, KEPT_ON_X, KEPT_IN_GROUP), **what):
    told, replies = what.get("told", TOLD), what.get("replies", REPLIES)
    return [each.kind for each in answering(answers, said, kept, told, replies)]


def test_a_remark_that_is_kept_as_it_stands_breaks_no_promise():
    assert hearing([SAID, ON_X, IN_GROUP], [KEPT, KEPT_ON_X, KEPT_IN_GROUP]) == []


@pytest.mark.parametrize(
    ("said", "kept", "found"),
    [
        (SAID, [], [UNHEARD]),
        (SAID, [KEPT, KEPT], [HEARD_TWICE]),
        (SAID, [KEPT, replace(KEPT, remote_id="8_1")], [HEARD_TWICE]),
        (SAID, [replace(KEPT, under=None)], [UNHEARD]),
        (replace(SAID, text="L'eau !"), [KEPT], [OUTDATED]),
        (replace(SAID, text=None), [KEPT], [OUTDATED]),
        (replace(SAID, text=None), [replace(KEPT, text=None)], []),
        (replace(SAID, text=None), [], []),
        (replace(ON_X, text=None), [KEPT_ON_X], []),
    ],
    ids=["lost", "twice", "under two names", "elsewhere", "edited", "taken back", "gone", "never heard", "gone on X"],
)
def test_what_is_kept_otherwise_than_it_stands_is_found(said, kept, found):
    assert [each.kind for each in hearing([said], kept)] == found


def test_an_answer_wherever_it_was_asked_breaks_no_promise():
    assert kinds() == []


@in_one_test
@pytest.mark.parametrize("missing", range(4))
def test_a_place_without_its_answer_is_found(missing):
    told = [each for number, each in enumerate(TOLD) if number != missing]
    assert kinds(told=told) == [UNANSWERED]


def test_who_asked_after_the_answer_or_took_it_back_needs_none():
    later = replace(KEPT, remote_id="9_2")
    assert kinds(kept=(KEPT, later, KEPT_ON_X, KEPT_IN_GROUP)) == []
    told = [each for each in TOLD if each.place != "9_1"]
    replies = [replace(each, state="failed") if each.place == "9_1" else each for each in REPLIES]
    assert kinds(said=(replace(SAID, text=None), ON_X, IN_GROUP), told=told[1:], replies=replies) == []


@in_one_test
@pytest.mark.parametrize(
    "more",
    [
        replace(TOLD[1], ids=("9_7",)),
        AnsweredPost("page", ("9_7",), "9_99", (1,)),
        AnsweredPost("telegram", ("-1:8",), "-1:3", (1,)),
        AnsweredPost("x", ("23",), "21", (1,)),
        AnsweredPost("page", ("9_7",), "9", (8,)),
    ],
)
def test_an_answer_too_many_is_found(more):
    assert set(kinds(told=(*TOLD, more))) == {ANSWERED_TWICE}


def test_words_that_were_put_right_stand_everywhere():
    right = [ANSWER, replace(ANSWER, number=2)]
    told = [replace(each, said=(1, 2)) for each in TOLD]
    assert kinds(answers=right, told=told) == []
    assert kinds(answers=right, told=[*told[:3], TOLD[3]]) == [NOT_RIGHT]


def test_an_answer_that_is_stuck_is_lost_unless_it_was_told_that_nobody_can_know():
    stuck = [replace(REPLIES[0], state="in_doubt", reason="no answer"), *REPLIES[1:]]
    assert kinds(told=TOLD[1:], replies=stuck) == [UNANSWERED, UNANSWERED]
    assert kinds(told=TOLD[1:], replies=[replace(stuck[0], excused=True), *REPLIES[1:]]) == []


def test_a_receipt_names_what_is_there():
    assert kinds(replies=[replace(REPLIES[0], remote_id="9_6"), *REPLIES[1:]]) == [RECEIPT]
