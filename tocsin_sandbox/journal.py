"""The journal of requests: what reached which platform, when, and what it was answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT = 20_000


@dataclass(slots=True)
class Line:
    """One request. `at` is its arrival by the sandbox's clock; `status` is None while, or if, nothing is answered."""

    platform: str
    method: str
    path: str
    at: float
    status: int | None = None


class Journal:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT)

    def open(self, platform: str, method: str, path: str, at: float) -> Line:
        """Write a request down as it arrives; its status is filled in when it is answered."""
        line = Line(platform, method, path, at)
        self._lines.append(line)
        return line

    def as_json(self) -> list[dict[str, Any]]:
        """Every line kept."""
        return [
            {"platform": line.platform, "method": line.method, "path": line.path, "at": line.at, "status": line.status}
            for line in self._lines
        ]

    def clear(self) -> None:
        """Forget them all."""
        self._lines.clear()
