"""The whole house under virtual time: what holds for many seeds, and what is found where it doesn't hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simulation.__main__ import SHORT, Wish, broken
from simulation.bugs import BUGS
from simulation.run import simulate
from tests.release import at_release

BATCH = 10
FOUND_BY = {
    "receipt-first": (0, "nothing lost"),
    "forgetful-pace": (0, "the quota is kept"),
    "overtaking": (26, "nothing out of order"),
    "failing-code": (0, "nothing unforeseen"),
}
"""The seed that found it last, which is tried first, and the promise that it breaks."""


@pytest.mark.parametrize("seeds", [range(4), *at_release(range(n, n + BATCH) for n in range(4, 164, BATCH))], ids=str)
def test_no_seed_breaks_a_promise_and_much_happens(seeds):
    wish, outcomes = Wish.read([]), []
    for seed in seeds:
        outcomes.append(simulate(seed, SHORT))
        assert list(broken(outcomes[-1], wish)) == []
    assert sum(outcome.lives for outcome in outcomes) > 2 * len(seeds)
    assert sum(outcome.alerts for outcome in outcomes) > 10 * len(seeds)
    assert sum(outcome.requests for outcome in outcomes) > 10 * len(seeds)


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_that_was_put_in_is_found(bug):
    first, promise = FOUND_BY[bug]
    outcomes = (simulate(seed, SHORT, bug=bug) for seed in (first, *range(100)))
    assert any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)


def test_a_breach_prints_the_seed_the_time_and_what_replays_it():
    outcome = next(o for o in (simulate(s, SHORT, bug="forgetful-pace") for s in range(100)) if o.breaches)
    *breaches, replay = broken(outcome, Wish.read(["--bug", "forgetful-pace"]))
    assert breaches[0].startswith(f"BREACH seed {outcome.seed}, 2026-11-01 06:0")
    assert replay == (
        f"  replay: python -m simulation --seed {outcome.seed} --days {SHORT} --bug forgetful-pace --trace"
    )


def test_a_seed_goes_the_same_way_in_another_process_and_another_seed_goes_another():
    lines: list[str] = []
    first, other = simulate(3, SHORT, say=lines.append), simulate(4, SHORT)
    assert any("leaves channel=x" in line for line in lines)
    process = subprocess.run(
        [sys.executable, "-m", "simulation", "--seed", "3", "--days", str(SHORT)],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    assert f"(trace {first.digest})" in process.stdout
    assert first.digest != other.digest
