"""The table that a run prints."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.measure import Row

_SCALES = {"s": ((1e-6, "µs", 1e6), (1e-3, "ms", 1e3), (1.0, "s", 1.0))}
HEAD = ("what", "floor", "ours", "by best", "by medians", "goal", "")


def cells(row: Row) -> tuple[str, ...]:
    """A row as words."""
    best = max if row.at_least else min
    sign = "≥" if row.at_least else "≤"
    return (
        row.what,
        spell(best(row.floor), row.unit),
        spell(best(row.ours), row.unit),
        f"{row.ratio:.2f}",
        f"{row.typical:.2f}",
        f"{sign} {row.goal:g}",
        "ok" if row.met else "over",
    )


def spell(value: float, unit: str) -> str:
    """Three digits and the unit that suits them."""
    for smallest, name, factor in reversed(_SCALES.get(unit, ())):
        if value >= smallest:
            return f"{value * factor:.3g} {name}"
    return f"{value:.4g} {unit}".rstrip()


def line(words: Sequence[str]) -> str:
    """One line of the table; every column but the first has a fixed width."""
    first, *rest = words
    return f"{first:<58}" + "".join(f"{word:>12}" for word in rest)


def summary(rows: Sequence[Row]) -> str:
    """How many goals are met."""
    over = [row.what for row in rows if not row.met]
    spreads = [max(row.floor) / min(row.floor) for row in rows if len(row.floor) > 1]
    spread = statistics.median(spreads) if spreads else 1
    quiet = "quiet" if spread < 1.3 else "busy: repeat it"
    said = f"{len(rows) - len(over)} of {len(rows)} goals met; the floors vary by {spread:.2f}, the machine is {quiet}"
    return said + "".join(f"\nover: {what}" for what in over)
