"""The result of a campaign, as a table and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from campaign import remarks
from campaign.audit import KINDS
from campaign.listening import Talked
from campaign.play import Outcome
from campaign.talk import AIMS

HEAD = ("town", "alerts", "kills", "held", "crossed", "pauses", "stops", "outages", *KINDS, "unknowable", "takeover")
LISTENING_KINDS = (*remarks.KINDS, *KINDS[:-1])
LISTENING_HEAD = (
    "town", "remarks", "answers", "kills", *AIMS, "held", *LISTENING_KINDS, "unknowable", "takeover",
)  # fmt: skip
SHOWN = 40
"""How many breaches are told in words."""


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each town and one for all; `takeover` is the longest, in seconds."""
    return _laid_out(
        [HEAD, *(_row(str(number), [outcome]) for number, outcome in enumerate(outcomes, 1)), _row("all", outcomes)]
    )


def listening_table(outcomes: Sequence[Talked]) -> str:
    """The same of towns that listen, with how many kills met each place."""
    rows = [_listening_row(str(number), [outcome]) for number, outcome in enumerate(outcomes, 1)]
    return _laid_out([LISTENING_HEAD, *rows, _listening_row("all", outcomes)])


def _laid_out(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _listening_row(name: str, outcomes: Sequence[Talked]) -> tuple[str, ...]:
    kinds = Counter(breach.kind for outcome in outcomes for breach in outcome.breaches)
    return (
        name,
        *(str(sum(getattr(outcome, each) for outcome in outcomes)) for each in ("remarks", "answers", "kills")),
        *(str(sum(outcome.aimed[aim] for outcome in outcomes)) for aim in AIMS),
        str(sum(outcome.delayed for outcome in outcomes)),
        *(str(kinds[kind]) for kind in LISTENING_KINDS),
        str(sum(outcome.excused for outcome in outcomes)),
        f"{_longest(outcomes):.1f}",
    )


def _longest(outcomes: Sequence[Outcome]) -> float:
    return max((seconds for outcome in outcomes for seconds in outcome.takeovers), default=0.0)


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    kinds = Counter(breach.kind for outcome in outcomes for breach in outcome.breaches)
    return (
        name,
        str(sum(outcome.alerts for outcome in outcomes)),
        str(sum(outcome.kills for outcome in outcomes)),
        str(sum(outcome.delayed for outcome in outcomes)),
        str(sum(outcome.crossed for outcome in outcomes)),
        str(sum(outcome.pauses for outcome in outcomes)),
        str(sum(outcome.stops for outcome in outcomes)),
        str(sum(outcome.outages for outcome in outcomes)),
        *(str(kinds[kind]) for kind in KINDS),
        str(sum(outcome.excused for outcome in outcomes)),
        f"{_longest(outcomes):.1f}",
    )


def breaches(outcomes: Sequence[Outcome]) -> list[str]:
    """Every promise that wasn't kept, a line each; the first of many."""
    lines = [f"town {number}: {breach}" for number, each in enumerate(outcomes, 1) for breach in each.breaches]
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more
