"""Values of channels.toml that are more than a text or a number: spans of time, windows of them, and secrets.

A span is written as people write it (`250ms 2s 10m 6h 1d 3y`), a window is a count in a span (`60/24h`), and a secret
can't be printed by mistake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from alerts.model.reason import because

# French days are `j`: who types at three in the morning types so. A year is 365 days.
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "j": 86_400_000, "y": 31_536_000_000}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|j|y)")
_WINDOW = re.compile(r"(\d{1,9})/(.+)")


def parse_span(text: str) -> timedelta:
    """`10m` as ten minutes; also `1h30m`. Raises ValueError with a reason that says what is allowed."""
    compact = text.strip().lower()
    matches = list(_SPAN.finditer(compact))
    if not matches or "".join(match.group() for match in matches) != compact:
        raise ValueError(because("no_span", text=repr(text)))
    try:
        return sum((timedelta(milliseconds=float(m[1]) * _UNITS[m[2]]) for m in matches), timedelta())
    except OverflowError:
        raise ValueError(because("span_too_long", text=repr(text))) from None


def spell_span(span: timedelta) -> str:
    """A span in its largest whole unit: `24h`, `15m`, `250ms`. Days only from two on, as limits speak of 24h."""
    milliseconds = round(span / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        size = _UNITS[unit]
        if milliseconds and milliseconds % size == 0 and (unit != "d" or milliseconds > size):
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`count` posts in any `span` of time, as `limits = ["100/15m"]` says."""

    count: int
    span: timedelta

    def __str__(self) -> str:
        return f"{self.count}/{spell_span(self.span)}"


def parse_window(text: str) -> RateLimit:
    """`100/15m` as a window. Raises ValueError with a reason that says what is allowed."""
    match = _WINDOW.fullmatch(text.strip())
    if not match or int(match[1]) < 1:
        raise ValueError(because("no_limit", text=repr(text)))
    span = parse_span(match[2])
    if span <= timedelta():
        raise ValueError(because("limit_of_nothing", text=repr(text)))
    return RateLimit(int(match[1]), span)


class Secret:
    """Holds a credential; `str`, `repr` and formatting show `***`. Only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself: for the request that needs it and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)
