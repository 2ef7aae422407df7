"""What a channel's posts cost: by day and month, and of each post for more than a year."""

from __future__ import annotations

from datetime import date, timedelta

from alerts.model.spending import KEPT, Spending

MONDAY = date(2026, 11, 30)
TUESDAY = MONDAY + timedelta(days=1)


def test_days_and_months_are_summed():
    spending = Spending().plus("a", 10.0, MONDAY).plus("b", 2.5, MONDAY).plus("c", 4.0, TUESDAY)
    assert (spending.on(MONDAY), spending.on(TUESDAY)) == (12.5, 4.0)
    assert (spending.in_month(MONDAY), spending.in_month(TUESDAY)) == (12.5, 4.0)


def test_what_is_put_right_or_given_back_is_no_more_than_that():
    spending = Spending().plus("a", 10.0, MONDAY).plus("a", -0.8, MONDAY)
    assert spending.of("a") == 9.2
    assert spending.plus("a", -9.2, MONDAY).posts == {}
    assert spending.plus("a", -99.0, MONDAY).on(MONDAY) == 0.0


def test_a_post_that_an_officer_sends_once_more_costs_both_times():
    spending = Spending().plus("a", 10.0, MONDAY).plus("a", 10.0, TUESDAY)
    assert (spending.of("a"), spending.on(TUESDAY)) == (20.0, 20.0)


def test_it_is_kept_for_more_than_a_year_and_no_longer():
    spending = Spending().plus("a", 10.0, MONDAY)
    assert spending.plus("b", 1.0, MONDAY + KEPT - timedelta(days=1)).of("a") == 10.0
    assert spending.plus("b", 1.0, MONDAY + KEPT).of("a") is None


def test_it_is_read_as_it_was_written():
    spending = Spending().plus("a", 10.5, MONDAY)
    assert Spending.read(spending.written()).of("a") == 10.5
    assert Spending.read(None).posts == {}
