"""What is recognised, counted: `python -m tests.unit.listening.measure` writes the figures into docs/listening.md.

Half of each list was looked at while the lists of words were mended and thresholds were set (its first line, its
third …), the other half never. The nearest of these sentences lies 0.00002 from a threshold; processors differ by a
tenth of that.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from alerts.listening.likeness import Likeness, WordLikeness
from alerts.listening.understanding import Understanding, sentence_model
from alerts.model.listening import NEVER_AUTOMATIC, Kind, Understood

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "listening.md"
ORDERS = 8
"""In how many orders the same utterances are grouped: what came first decides what a group is."""


def calls(name: str = "calls") -> list[str]:
    return list(_lines(name))


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
    """Of a set of calls and others: calls that were raised, others that were too, and others that got their kind."""

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
    """How well kinds are told: `of` is "" for the first sets, "later_" for those of after the lists."""
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
    """Of what was said about one alert, in several orders: how many groups, and how many are among others."""

    questions: int
    least: int
    most: int
    usual: float
    astray: float

    def __str__(self) -> str:
        return f"{self.questions} | {self.least} to {self.most}, {self.usual:.1f} on average | {self.astray:.0%}"


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
    """Of those who ask what has an answer: how many got it, and a wrong one; and other remarks that got any."""

    later: int
    right: int
    wrong: int
    unrelated: int
    answered: int
    raised: int

    def __str__(self) -> str:
        return f"{self.right} of {self.later} | {self.wrong} | {self.answered} of {self.unrelated}"


@dataclass(frozen=True)
class Answered:
    """A set of answered questions, read: each one's wordings, who asks it later, and remarks that none of them fits."""

    wordings: Sequence[Sequence[bytes]]
    later: Sequence[Sequence[Understood]]
    unrelated: Sequence[Understood]


async def read(understanding: Understanding, given: dict[str, Any]) -> Answered:
    told = given["question"]
    return Answered(
        [await understanding.vectors([each["words"], *each["said"]]) for each in told],
        [await understanding.read(each["later"]) for each in told],
        await understanding.read(given["unrelated"]),
    )


def matched(understanding: Understanding, of: Answered, only: int | None = None) -> Matched:
    """`only`: as if that one of the questions alone had an answer."""
    known = {str(at): each for at, each in enumerate(of.wordings) if only in (None, at)}
    asks = [(str(at), each) for at, several in enumerate(of.later) for each in several]
    found = [(at, understanding.match(each, known)) for at, each in asks if at in known]
    strangers = [*of.unrelated, *(each for at, each in asks if at not in known)]
    answered = [each for each in strangers if understanding.match(each, known)]
    return Matched(
        len(found),
        sum(match is not None and match.question == at for at, match in found),
        sum(match is not None and match.question != at for at, match in found),
        len(strangers),
        len(answered),
        sum(each.kind in NEVER_AUTOMATIC for each in answered),
    )


SETS = {
    "first, looked at": ("", slice(0, None, 2)),
    "first, other half": ("", slice(1, None, 2)),
    "later, looked at": ("later_", slice(0, None, 2)),
    "later, other half": ("later_", slice(1, None, 2)),
    "last": ("last_", slice(None)),
}


@dataclass(frozen=True)
class Figure:
    """One figure: of which table, about what, by which side, and what was counted. The page has no table of groups."""

    table: str
    about: str
    side: str
    found: Recognised | Grouped | Matched

    def __str__(self) -> str:
        return f"| {self.about} | {self.side} | {self.found} |"

    @property
    def is_shown(self) -> bool:
        """True if its sentences had no part in setting lists and thresholds: the page shows these alone."""
        return any(unseen in self.about for unseen in ("last", "fresh"))


async def figures(likeness: Likeness) -> AsyncIterator[Figure]:
    """All that is counted of one side."""
    side = likeness.side
    async with Understanding(lambda: likeness) as understanding:
        for title, (of, half) in SETS.items():
            yield Figure("kinds", title, side, await recognised(understanding, of, half))
        for alert in asked()["alert"]:
            yield Figure("groups", f"{alert['name']} ({alert['half']})", side, await grouped(understanding, alert))
        for given in asked()["answered"]:
            several = await read(understanding, given)
            alone = [matched(understanding, several, only) for only in range(len(several.wordings))]
            single = Matched(*(sum(each) for each in zip(*map(astuple, alone), strict=True)))
            yield Figure("answers", f"{given['half']} | 8", side, matched(understanding, several))
            yield Figure("answers", f"{given['half']} | 1", side, single)


async def all_figures() -> list[Figure]:
    """Of both sides, those of the same thing beside each other."""
    words, model = [[each async for each in figures(side)] for side in (WordLikeness(), the_model())]
    return [each for pair in zip(words, model, strict=True) for each in pair]


@lru_cache(maxsize=1)
def the_model() -> Likeness:
    """The sentence model, loaded once a process."""
    return sentence_model()


HEADS = {
    "kinds": "| sentences | side | calls raised | others raised | others of the right kind |",
    "answers": "| sentences | with an answer | side | right | wrong | other remarks answered |",
}


def written(page: str, told: Sequence[Figure]) -> str:
    """The page with the shown ones of these rows in its tables, which are known by their heads."""
    for name, head in HEADS.items():
        before, _, rest = page.partition(head)
        _, rule, body = rest.split("\n", 2)
        rows = [str(each) for each in told if each.table == name and each.is_shown]
        page = "\n".join((before + head, rule, *rows, "")) + body[body.index("\n\n") + 1 :]
    return page


if __name__ == "__main__":
    counted = asyncio.run(all_figures())
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), counted), encoding="utf-8")
