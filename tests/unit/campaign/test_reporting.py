"""What the campaign of reports calls a breach, and that its plans hold what they are to hold."""

from __future__ import annotations

import pytest

from campaign.reporting import ENOUGH, Form, Gathering, Taken, drafted, gatherings, numbered_once

FORMS = tuple(Form(f"0-{place}", 0, f"0-{place}", 44.0, 4.0) for place in range(ENOUGH))
TOLD = {form.key: {f"SM-26-000{place}"} for place, form in enumerate(FORMS)}
KEPT = [Taken(f"SM-26-000{place}", form.key, "d1") for place, form in enumerate(FORMS)]
PLAN = [Gathering(FORMS, 0.5, 0)]


def kinds(breaches):
    return [each.kind for each in breaches]


def test_what_is_as_it_was_told_is_no_breach():
    assert kinds(numbered_once(TOLD, KEPT)) == []
    assert kinds(drafted(PLAN, TOLD, KEPT, [("d1", "waiting"), ("d1", "waiting")])) == []


@pytest.mark.parametrize(
    ("told", "kept", "found"),
    [
        (TOLD, KEPT[1:], ["lost"]),
        ({**TOLD, "0-0": set()}, KEPT, ["lost"]),
        (TOLD, [*KEPT, Taken("SM-26-0009", "0-0", None)], ["twice"]),
        ({**TOLD, "0-0": {"SM-26-0000", "SM-26-0001"}}, KEPT, ["twice", "lost"]),
    ],
)
def test_what_is_lost_or_there_twice_is_found(told, kept, found):
    assert kinds(numbered_once(told, kept)) == found


@pytest.mark.parametrize(
    ("kept", "drafts"),
    [
        ([Taken(each.number, each.key, None) for each in KEPT], []),
        ([*KEPT[1:], Taken("SM-26-0000", "0-0", "d2")], [("d1", "waiting"), ("d2", "waiting")]),
        (KEPT, [("d1", "sent")]),
        (KEPT, [("d1", "waiting"), ("d9", "waiting")]),
    ],
)
def test_no_draft_two_drafts_and_one_that_went_out_are_found(kept, drafts):
    assert kinds(drafted(PLAN, TOLD, kept, drafts)) == ["drafted"]


def test_a_draft_of_too_few_is_found():
    few = [Gathering(FORMS[1:], 0.5, 0)]
    assert kinds(drafted(few, TOLD, KEPT, [("d1", "waiting")])) == ["drafted"]


def test_a_plan_is_the_same_for_the_same_seed_and_has_crowds_of_both_kinds():
    plan = gatherings("s", 40)
    assert plan == gatherings("s", 40) != gatherings("t", 40)
    assert {each.networks >= ENOUGH for each in plan} == {True, False}
    assert any(len(each.forms) > each.networks for each in plan)
