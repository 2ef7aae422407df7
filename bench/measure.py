"""How a figure is taken: floor and ours in turn, so that whatever else the machine does meets both."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

Side = Callable[[], float]
"""Does the work once and returns what it measured."""
AsyncSide = Callable[[], Awaitable[float]]
ROUNDS = 12
"""Samples of each side of a plain comparison."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `floor` and `ours` are samples in `unit`. There are two ratios, ours by floor: of the best samples, since a busy
    machine only ever makes things worse, and of the medians, since what holds only once in a while doesn't hold. The
    goal is their largest value, or with `at_least` their smallest, and both have to reach it.
    """

    what: str
    floor: Sequence[float]
    ours: Sequence[float]
    unit: str
    goal: float
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """By the best samples."""
        best = max if self.at_least else min
        return best(self.ours) / best(self.floor)

    @property
    def typical(self) -> float:
        """By the medians."""
        return statistics.median(self.ours) / statistics.median(self.floor)

    @property
    def met(self) -> bool:
        """Whether both ratios reach the goal."""
        return all(at >= self.goal if self.at_least else at <= self.goal for at in (self.ratio, self.typical))


def together(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several runs, with the samples of all of them: one lucky or disturbed run meets or misses no goal."""
    found: dict[str, Row] = {}
    for row in (each for run in runs for each in run):
        known = found.get(row.what)
        found[row.what] = (
            row if known is None else replace(row, floor=[*known.floor, *row.floor], ours=[*known.ours, *row.ours])
        )
    return list(found.values())


def skipped(subject: str, why: str) -> None:
    """Print why a subject has no rows here: a program is missing."""
    print(f"{subject}: {why}; not measured")


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The CPU seconds of one call, over `times` calls, without the garbage that others left.

    Of what only computes, the CPU's time is the time, and whoever else wants the CPU doesn't change it much.
    """
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def in_turn(floor: Side, ours: Side, rounds: int) -> tuple[list[float], list[float]]:
    """Both sides, `rounds` times each, in turn; one round before that isn't counted."""
    floor(), ours()
    pairs = [(floor(), ours()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


async def in_turn_async(floor: AsyncSide, ours: AsyncSide, rounds: int) -> tuple[list[float], list[float]]:
    """`in_turn` for what awaits."""
    await floor(), await ours()
    pairs = [(await floor(), await ours()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def compare(what: str, floor: Callable[[], object], ours: Callable[[], object], *, goal: float, times: int) -> Row:
    """A row for two plain calls: many short samples, of which a busy machine leaves some alone."""
    taken = in_turn(lambda: seconds(floor, times), lambda: seconds(ours, times), ROUNDS)
    return Row(what, *taken, "s", goal)
