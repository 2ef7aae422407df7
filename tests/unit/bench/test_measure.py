"""A goal is met by the best samples and by the medians, or it is missed; the table says which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import page
from bench.__main__ import SUBJECTS
from bench.measure import Row, in_turn, together
from bench.table import HEAD, cells, spell, summary
from tests.walls import in_one_test


def test_the_best_samples_and_the_medians_decide_and_a_disturbed_one_does_not():
    row = Row("store", floor=[2.0, 1.0, 1.5], ours=[9.0, 2.0, 3.0], unit="s", goal=2.0)

    assert row.ratio == 2.0
    assert row.typical == 2.0
    assert row.met


@in_one_test
@pytest.mark.parametrize(
    ("ours", "at_least"),
    [([1.9, 2.1, 2.2], False), ([2.1, 2.1, 2.1], False), ([2.1, 1.9, 1.8], True), ([1.9, 1.9, 1.9], True)],
)
def test_a_goal_that_only_the_best_sample_reaches_is_missed(ours, at_least):
    row = Row("store", floor=[1.0, 1.0, 1.0], ours=ours, unit="s", goal=2.0, at_least=at_least)

    assert not row.met
    assert cells(row)[-1] == "over"


def test_two_runs_are_judged_by_the_samples_of_both():
    lucky = Row("store", floor=[1.0, 1.0], ours=[1.5, 1.5], unit="s", goal=2.0)
    [both] = together([[lucky], [replace(lucky, ours=[3.0, 3.0])]])

    assert lucky.met
    assert (both.typical, both.met) == (2.25, False)


def test_a_subject_whose_program_is_missing_says_so_and_has_no_rows(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")

    assert list(page.measure()) == []
    assert capsys.readouterr().out == "page: wrk is missing (Debian's package wrk); not measured\n"


def test_the_table_shows_both_ratios():
    row = Row("store", floor=[1.0, 2.0, 2.0], ours=[3.0, 9.0, 9.0], unit="s", goal=5)

    told = dict(zip(HEAD, cells(row), strict=True))
    assert (told["by best"], told["by medians"]) == ("3.00", "4.50")


def test_a_rate_is_best_when_it_is_largest_and_must_reach_its_goal():
    slow = Row("rate", floor=[80.0, 100.0], ours=[9.0, 8.0], unit="/s", goal=0.1, at_least=True)

    assert slow.ratio == 0.09
    assert not slow.met
    assert cells(slow)[-2:] == ("≥ 0.1", "over")


def test_floor_and_ours_are_taken_in_turn_and_the_first_round_counts_for_nothing():
    order: list[str] = []

    def side(name: str):
        return lambda: float(len(order)) if order.append(name) is None else 0.0

    floor, ours = in_turn(side("floor"), side("ours"), rounds=2)

    assert order == ["floor", "ours"] * 3
    assert (floor, ours) == ([3.0, 5.0], [4.0, 6.0])


@in_one_test
@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0000125, "s", "12.5 µs"),
        (0.25, "s", "250 ms"),
        (1.5, "s", "1.5 s"),
        (99.25, "MB", "99.25 MB"),
        (3.0, "", "3"),
    ],
)
def test_a_figure_is_told_in_the_unit_that_suits_it(value, unit, words):
    assert spell(value, unit) == words


def test_the_summary_names_what_is_over_and_whether_the_machine_was_busy():
    good = Row("fast", [1.0, 1.1], [1.0], "s", goal=2)
    bad = Row("slow", [1.0, 2.0], [9.0], "s", goal=2)

    assert summary([good, bad]).endswith("\nover: slow")
    assert "1 of 2 goals met" in summary([good, bad])
    assert "busy" in summary([bad])
    assert "quiet" in summary([good])


def test_every_subject_is_documented():
    from pathlib import Path

    page = (Path(__file__).resolve().parents[3] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert [name for name in SUBJECTS if f"`{name}`" not in page] == []
