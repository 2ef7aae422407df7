"""`python -m simulation`: a month of one seed, or many short seeds; a breach prints what replays it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from simulation.bugs import BUGS
from simulation.run import Outcome, simulate

MONTH = 30.0
SHORT = 0.003
"""Days of a short seed: four minutes of storm, and what it takes until everything is settled."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    seeds: Sequence[int]
    days: float
    trace: bool
    bug: str | None
    crowds: bool = False
    subscribers: bool = False
    wide: bool = False
    others: bool = False

    @classmethod
    def read(cls, arguments: Sequence[str] | None = None) -> Wish:
        """The command line."""
        parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
        parser.add_argument("--seeds", type=int, metavar="N", help="N seeds from --seed on, short ones by default")
        parser.add_argument("--seed", type=int, metavar="S", default=0, help="one seed, a month by default")
        parser.add_argument("--days", type=float, metavar="D", help="how many days each seed lasts")
        parser.add_argument("--trace", action="store_true", help="print every step")
        parser.add_argument("--bug", choices=sorted(BUGS), help="put a bug in on purpose, and see whether it is found")
        parser.add_argument("--crowds", action="store_true", help="people report, alone and in crowds")
        parser.add_argument("--subscribers", action="store_true", help="people chose push or e-mail, and are told")
        parser.add_argument("--wide", action="store_true", help="with a broker, a list, a Vigilance and a site's feed")
        parser.add_argument("--others", action="store_true", help="with a channel and a source of every other kind")
        said = parser.parse_args(arguments)
        many = said.seeds is not None
        seeds = range(said.seed, said.seed + said.seeds) if many else (said.seed,)
        days = said.days or (SHORT if many else MONTH)
        return cls(seeds, days, said.trace, said.bug, said.crowds, said.subscribers, said.wide, said.others)

    def simulate(self, seed: int, say: Callable[[str], None] | None = None) -> Outcome:
        """One of its seeds."""
        return simulate(
            seed,
            self.days,
            bug=self.bug,
            say=say,
            crowds=self.crowds,
            subscribers=self.subscribers,
            wide=self.wide,
            others=self.others,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 where a promise was broken, or where a bug put in on purpose wasn't found."""
    wish = Wish.read(arguments)
    began = time.monotonic()
    total = _Total()
    for outcome in _outcomes(wish):
        total.add(outcome)
        for line in broken(outcome, wish):
            print(line)
        if wish.bug and outcome.breaches:
            print(f"{wish.bug}: found by seed {outcome.seed}, the {total.seeds}. that was tried")
            return 0
    print(f"{total} in {time.monotonic() - began:.0f} s")
    return 1 if total.breaches or wish.bug else 0


def broken(outcome: Outcome, wish: Wish) -> Iterator[str]:
    """What a broken promise prints: the seed, when, what, and the command that replays it."""
    for breach in outcome.breaches:
        yield f"BREACH seed {outcome.seed}, {breach}"
    if outcome.breaches:
        more = (f" --bug {wish.bug}" if wish.bug else "") + (" --crowds" if wish.crowds else "")
        more += (" --subscribers" if wish.subscribers else "") + (" --wide" if wish.wide else "")
        more += " --others" if wish.others else ""
        yield f"  replay: python -m simulation --seed {outcome.seed} --days {outcome.days:g}{more} --trace"


class _Total:
    """What all seeds together came to."""

    def __init__(self) -> None:
        self.seeds = self.breaches = self.lives = self.alerts = self.posts = self.requests = 0
        self.reports = self.drafts = self.sent = 0
        self.digest = ""

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.breaches += len(outcome.breaches)
        self.lives += outcome.lives
        self.alerts += outcome.alerts
        self.posts += outcome.posts
        self.requests += outcome.requests
        self.reports += outcome.reports
        self.drafts += outcome.drafts
        self.sent += outcome.sent
        self.digest = outcome.digest

    def __str__(self) -> str:
        of_one = f" (trace {self.digest})" if self.seeds == 1 else ""
        crowds = f"{self.reports} reports, {self.drafts} drafts, " if self.reports else ""
        crowds += f"{self.sent} messages by push, " if self.sent else ""
        return (
            f"{self.seeds} seeds{of_one}: {crowds}{self.alerts} alerts, {self.posts} posts, {self.requests} requests, "
            f"{self.lives} lives of the daemon, {self.breaches} breaches"
        )


def _outcomes(wish: Wish) -> Iterable[Outcome]:
    if len(wish.seeds) == 1:
        say = partial(print, flush=True) if wish.trace else None
        yield wish.simulate(wish.seeds[0], say)
        return
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        yield from processes.map(wish.simulate, wish.seeds, chunksize=4)


if __name__ == "__main__":
    sys.exit(main())
