"""What whoever writes to the database's file changes there, found by looking: the net beneath the rings."""

from __future__ import annotations

from alerts.store.unit import Unit
from alerts.store.views import Watermark


class FileWatch:
    """What whoever writes to the database's file changes there: this process, a command, another daemon."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._mark = Watermark()

    def look(self, unit: Unit) -> tuple[bool, frozenset[str]]:
        """Whether anything was written since the last look, and which incidents that was about; nothing the first time.

        Leases and sessions are written every second: those who watch hear of what can be seen alone.
        """
        version = unit.views.version()
        before, self._version = self._version, version
        if before is None:
            self._mark = unit.views.watermark()
        if before in (None, version):
            return False, frozenset()
        changed, self._mark = unit.views.changed_since(self._mark)
        return True, changed
