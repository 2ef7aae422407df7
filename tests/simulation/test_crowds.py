"""People who report under virtual time, while the power is cut: what holds, and what is found where it doesn't hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.model.town import SourceRules, Town
from alerts.reports import intake
from alerts.reports.drafting import AlertsOn
from simulation.__main__ import SHORT, Wish, broken
from simulation.run import simulate
from tests.release import at_release

BATCH = 3
FINDS_MOST = 1
"""The seed that finds most bugs is tried first."""


@pytest.mark.parametrize("batch", [0, *at_release(range(1, 20))])
def test_no_seed_loses_a_report_keeps_one_twice_or_drafts_twice(batch):
    wish, reports, drafts = Wish.read(["--crowds"]), 0, 0
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        outcome = simulate(seed, SHORT, crowds=True)
        assert list(broken(outcome, wish)) == []
        reports, drafts = reports + outcome.reports, drafts + outcome.drafts
    assert reports > 15 * BATCH
    assert drafts > BATCH // 2


def test_of_two_posts_with_the_same_words_that_waited_the_older_one_is_no_loss():
    assert simulate(900077, SHORT, crowds=True).breaches == []


def test_an_old_update_of_another_feed_that_has_run_out_ends_no_newer_one():
    """A seed that nobody had used: the feed that lagged ended what the other one's Extreme update still told."""
    assert simulate(91300029, SHORT, crowds=True).breaches == []


@pytest.mark.release
def test_a_seed_of_crowds_goes_the_same_way_each_time():
    assert simulate(3, SHORT, crowds=True).digest == simulate(3, SHORT, crowds=True).digest


def found(promise):
    outcomes = (simulate(seed, SHORT, crowds=True) for seed in (FINDS_MOST, *range(40)))
    return any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)


def test_a_form_that_isnt_known_again_is_found(monkeypatch):
    real = intake.take
    monkeypatch.setattr(intake, "take", lambda unit, draft, *more: real(unit, replace(draft, key=None), *more))
    assert found("no report twice")


def test_an_answer_before_the_commit_is_found(monkeypatch):
    real = intake.ReportIntake.take

    async def hasty(self, draft):
        taken = await real(self, draft)
        return replace(taken, report=replace(taken.report, number=f"{taken.report.number}9"))

    monkeypatch.setattr(intake.ReportIntake, "take", hasty)
    assert found("no report lost")


def test_a_draft_that_goes_out_by_itself_is_found(monkeypatch):
    monkeypatch.setattr(Town, "rules_for", lambda _, __: SourceRules(publish="auto", urgent="auto"))
    assert found("a draft waits for an officer")


def test_a_second_draft_beside_one_that_waits_is_found(monkeypatch):
    monkeypatch.setattr(AlertsOn, "waiting", lambda *_: None)
    assert found("one draft for a crowd")
