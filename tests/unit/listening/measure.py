"""What is recognised, counted: `python -m tests.unit.listening.measure` prints the figures that docs/listening.md has.

Half of each list was looked at while the lists of words were mended and thresholds were set (`seen`: its first line, its third …),
the other half never. Sentences on the shores of a threshold may fall either way on another processor: `SHORE` says how near
none of ours may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from alerts.listening.likeness import Likeness, Words
from alerts.listening.understanding import Understanding, sentence_model
from alerts.model.listening import NEVER_AUTOMATIC, Kind

HERE = Path(__file__).parent
ORDERS = 12
"""In how many orders the same utterances are grouped: what came first decides what a group is."""


def calls(name: str = "calls") -> list[str]:
    return [line for line in _lines(name)]


def others(name: str = "others") -> list[tuple[Kind, str]]:
    parts = (line.partition("|") for line in _lines(name))
    return [(Kind(kind.strip()), words.strip()) for kind, _, words in parts]


def asked() -> dict[str, Any]:
    return tomllib.loads((HERE / "asked.toml").read_text(encoding="utf-8"))


def _lines(name: str) -> Iterator[str]:
    for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


@dataclass(frozen=True)
class Recognised:
    """Of a set of calls and others: how many calls were raised, how many others were too, how many others got their kind."""

    calls: int
    raised: int
    others: int
    false: int
    kinds: int

    def __str__(self) -> str:
        recall, false = self.raised / self.calls, self.false / self.others
        return (
            f"{self.raised} of {self.calls} ({recall:.0%}) | {self.false} of {self.others} ({false:.0%}) "
            f"| {self.kinds / self.others:.0%}"
        )


async def recognised(understanding: Understanding, of: str, half: slice) -> Recognised:
    """How well kinds are told: `of` is "" for the first sets, "later_" for those written after the lists."""
    told, rest = calls(f"{of}calls")[half], others(f"{of}others")[half]
    found = await understanding.read(told)
    said = await understanding.read([words for _, words in rest])
    return Recognised(
        len(told),
        sum(each.kind is Kind.HELP for each in found),
        len(rest),
        sum(each.kind is Kind.HELP for each in said),
        sum(each.kind is kind for each, (kind, _) in zip(said, rest, strict=True)),
    )


@dataclass(frozen=True)
class Grouped:
    """Of the utterances about one alert, in several orders: how many groups, and how many stand with others' question."""

    questions: int
    least: int
    most: int
    usual: float
    astray: float

    def __str__(self) -> str:
        return f"{self.questions} | {self.least} to {self.most}, mostly {self.usual:.1f} | {self.astray:.0%}"


def group(understanding: Understanding, vectors: Sequence[bytes]) -> list[str]:
    """The group of each, as they come one after another."""
    groups: dict[str, bytes] = {}
    joined = []
    for vector in vectors:
        found = understanding.nearest(vector, groups)
        name = found[0] if found else f"group {len(groups)}"
        groups[name] = understanding.together([groups[name], vector] if found else [vector])
        joined.append(name)
    return joined


async def grouped(understanding: Understanding, alert: dict[str, Any]) -> Grouped:
    told = [(at, words) for at, question in enumerate(alert["question"]) for words in question["said"]]
    vectors = await understanding.vectors([words for _, words in told])
    counts, astray = [], 0
    for seed in range(ORDERS):
        order = Random(seed).sample(range(len(told)), len(told))
        joined = group(understanding, [vectors[at] for at in order])
        counts.append(len(set(joined)))
        for name in set(joined):
            members = [told[at][0] for at, each in zip(order, joined, strict=True) if each == name]
            astray += len(members) - max(members.count(each) for each in set(members))
    return Grouped(len(alert["question"]), min(counts), max(counts), sum(counts) / ORDERS, astray / ORDERS / len(told))


@dataclass(frozen=True)
class Matched:
    """Of later utterances with answered questions: how many got the right answer, and a wrong one; and remarks that got any."""

    later: int
    right: int
    wrong: int
    unrelated: int
    answered: int
    raised: int

    def __str__(self) -> str:
        return f"{self.right} of {self.later} | {self.wrong} | {self.answered} of {self.unrelated}"


async def matched(understanding: Understanding, given: dict[str, Any], only: int | None = None) -> Matched:
    """`only`: as if that one of its questions alone had an answer."""
    asked = list(enumerate(given["question"]))
    questions = {
        str(at): await understanding.vectors([question["words"], *question["said"]])
        for at, question in asked
        if only in (None, at)
    }
    later = [(str(at), words) for at, question in asked for words in question["later"]]
    mine = [(at, words) for at, words in later if at in questions]
    found = await understanding.read([words for _, words in mine])
    told = [understanding.match(each, questions) for each in found]
    strangers = [*given["unrelated"], *(words for at, words in later if at not in questions)]
    remarks = await understanding.read(strangers)
    answered = [each for each in remarks if understanding.match(each, questions)]
    return Matched(
        len(mine),
        sum(each is not None and each.question == at for each, (at, _) in zip(told, mine, strict=True)),
        sum(each is not None and each.question != at for each, (at, _) in zip(told, mine, strict=True)),
        len(strangers),
        len(answered),
        sum(each.kind in NEVER_AUTOMATIC for each in answered),
    )


async def figures(likeness: Likeness) -> Iterator[str]:
    """The rows of the docs' tables for one side."""
    rows = []
    async with Understanding(lambda: likeness) as understanding:
        side = {"words": "words", "model": "model"}[likeness.side]
        for title, of, half in (
            ("first sets, seen half", "", slice(0, None, 2)),
            ("first sets, other half", "", slice(1, None, 2)),
            ("later sets, seen half", "later_", slice(0, None, 2)),
            ("later sets, other half", "later_", slice(1, None, 2)),
        ):
            rows.append(f"| {side} | {title} | {await recognised(understanding, of, half)} |")
        for alert in asked()["alert"]:
            rows.append(f"| {side} | {alert['half']}: {alert['name']} | {await grouped(understanding, alert)} |")
        for given in asked()["answered"]:
            rows.append(f"| {side} | {given['half']} | 8 | {await matched(understanding, given)} |")
            alone = [await matched(understanding, given, only) for only in range(len(given["question"]))]
            total = Matched(*(sum(each) for each in zip(*(vars(one).values() for one in alone), strict=True)))
            rows.append(f"| {side} | {given['half']} | 1 | {total} |")
    return iter(rows)


async def main() -> None:
    for likeness in (Words(), sentence_model()):
        print(*await figures(likeness), sep="\n")


if __name__ == "__main__":
    import asyncio

    asyncio.run(main())
