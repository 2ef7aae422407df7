"""Which updates were handled: Telegram brings again what it thinks nobody took, and nobody is to be answered twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_REMEMBERED = 2000


class Handled:
    """Remembers, in memory alone; what was handled before a start is told by the offset that is kept."""

    def __init__(self) -> None:
        self._numbers: dict[int, None] = {}

    def holds(self, update: Mapping[str, Any]) -> bool:
        """Whether it was handled, or is at the moment."""
        return _number(update) in self._numbers

    def add(self, update: Mapping[str, Any]) -> None:
        """It is being handled from now on."""
        if (number := _number(update)) is not None:
            self._numbers[number] = None
        while len(self._numbers) > _REMEMBERED:
            del self._numbers[next(iter(self._numbers))]

    def undo(self, updates: Iterable[Mapping[str, Any]]) -> None:
        """They are to come again: nothing of them was done."""
        for update in updates:
            if (number := _number(update)) is not None:
                self._numbers.pop(number, None)


class Batch:
    """Updates that came together, and up to where all of them are done with. `end` is the first behind them."""

    def __init__(self, updates: Sequence[Mapping[str, Any]], every: int) -> None:
        self._every = every
        self._open = sorted(number for each in updates if (number := _number(each)) is not None)
        self._done: set[int] = set()
        self._told = 0
        self._passed = 0
        self.end = self._open[-1] + 1

    def land(self, update: Mapping[str, Any]) -> int | None:
        """It is done with. The first one that isn't, where it is `every` more since that was last told."""
        if (number := _number(update)) is not None:
            self._done.add(number)
        while self._passed < len(self._open) and self._open[self._passed] in self._done:
            self._passed += 1
        if self._passed - self._told < self._every or self._passed == len(self._open):
            return None
        self._told = self._passed
        return self._open[self._passed]


def _number(update: Mapping[str, Any]) -> int | None:
    number = update.get("update_id")
    return number if isinstance(number, int) else None
