"""How each ear does: what it remembers of a platform, when it last heard, what it was told to wait for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from alerts.model.listening import EarStatus
from alerts.model.reason import kept_reason, read_reason
from alerts.store.schema import ear
from alerts.store.statement import Statement, UnitPart, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

MILLIONTHS = 1_000_000
_EAR = Statement("SELECT * FROM ear WHERE name = :name")
_EARS = Statement("SELECT * FROM ear ORDER BY name")
_PUT_EAR = upsert_into(ear)


class EarRows(UnitPart):
    """The ears, each by its name."""

    def ear(self, name: str) -> EarStatus:
        """How an ear did when it was last written down; one that never listened has nothing to tell."""
        row = _EAR.row(self._db, name=name)
        return _ear(row) if row else EarStatus(name)

    def ears(self) -> Mapping[str, EarStatus]:
        """All that ever listened, by name."""
        return {row["name"]: _ear(row) for row in _EARS.rows(self._db)}

    def reactions(self, name: str, remote_id: str) -> Mapping[str, int]:
        """How often each sign stands under our post of that id, where the ear is told that (Telegram's is)."""
        told = self.ear(name).memory.get("reactions", {})
        return dict(told.get(remote_id, {}))

    def put_ear(self, status: EarStatus) -> None:
        """Write down how an ear does."""
        _PUT_EAR.run(
            self._db,
            name=status.name,
            memory=json.dumps(dict(status.memory), ensure_ascii=False),
            last_try=stamp(status.last_try),
            last_ok=stamp(status.last_ok),
            failures=status.failures,
            next_try=stamp(status.next_try),
            reason=kept_reason(status.reason),
            gap=kept_reason(status.gap),
            # In whole millionths: what is added up each minute of a month must not drift.
            cost=round(status.cost * MILLIONTHS),
            month=status.month,
        )


def _ear(row: Row) -> EarStatus:
    return EarStatus(
        name=row["name"],
        memory=json.loads(row["memory"]),
        last_try=time_of(row["last_try"]),
        last_ok=time_of(row["last_ok"]),
        failures=row["failures"],
        next_try=time_of(row["next_try"]),
        reason=read_reason(row["reason"]),
        gap=read_reason(row["gap"]),
        cost=row["cost"] / MILLIONTHS,
        month=row["month"],
    )
