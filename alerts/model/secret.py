"""A secret that can't be printed by mistake."""

from __future__ import annotations


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
