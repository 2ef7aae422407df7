"""The state of each ear: its memory of a platform, its last successful poll, and the time to wait for."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.model.listening import EarStatus
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, upsert_into

# Sums of money are stored as whole numbers.
MILLIONTHS = 1_000_000
# In whole millionths: what is added up each minute of a month must not drift.
_ROW = Mapper(
    EarStatus,
    reads={"cost": lambda kept: kept / MILLIONTHS},
    writes={"cost": lambda cost: round(cost * MILLIONTHS)},
)
_EAR = Statement("SELECT * FROM ear WHERE name = :name")
_EARS = Statement("SELECT * FROM ear ORDER BY name")
_PUT_EAR = upsert_into("ear", "name")


class EarRows(UnitPart):
    """The ears, each by its name."""

    def ear(self, name: str) -> EarStatus:
        """Return the stored state of an ear; a new one if it never listened."""
        row = _EAR.row(self._db, name=name)
        return _ROW.read(row) if row else EarStatus(name)

    def ears(self) -> Mapping[str, EarStatus]:
        """All that ever listened, by name."""
        return {row["name"]: _ROW.read(row) for row in _EARS.rows(self._db)}

    def reactions(self, name: str, remote_id: str) -> Mapping[str, int]:
        """Return the count of each reaction to our post of that id, if the ear gets them (Telegram's does)."""
        reactions = self.ear(name).memory.get("reactions", {})
        return dict(reactions.get(remote_id, {}))

    def put_ear(self, status: EarStatus) -> None:
        """Write down how an ear does."""
        _PUT_EAR.run(self._db, **_ROW.values(status))
