"""Dispatches of a fleet's operators to several towns, and their result in each town."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.model.dispatch import Dispatch, Outcome, TownOutcome
from alerts.store.mapper import Mapper
from alerts.store.statement import Statement, UnitPart, fields_of, kept_fields, stamp, upsert_into

_ROW = Mapper(Dispatch, reads={"fields": fields_of}, writes={"fields": kept_fields})
_TOWN_ROW = Mapper(TownOutcome)
_DISPATCH = Statement("SELECT * FROM dispatch WHERE id = :id")
# A draft is sent once: by this a second press of the button is known.
_OF_DRAFT = Statement("SELECT * FROM dispatch WHERE draft = :draft AND sent_at IS NOT NULL LIMIT 1")
_SENT = Statement("SELECT * FROM dispatch WHERE sent_at IS NOT NULL ORDER BY sent_at DESC, id LIMIT :most")
# Most towns have theirs within seconds; one that is down keeps its dispatch here until it is back.
_UNFINISHED = Statement("""
    SELECT id FROM dispatch
    WHERE sent_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM dispatch_town WHERE dispatch = dispatch.id AND outcome = :outcome)
    ORDER BY sent_at
""")
_PUT = upsert_into("dispatch", "id")
_TOWNS = Statement("SELECT * FROM dispatch_town WHERE dispatch = :id ORDER BY town")
_PUT_TOWN = upsert_into("dispatch_town", "dispatch", "town")
_DROP_TOWNS = Statement("""
    DELETE FROM dispatch_town
    WHERE dispatch IN (SELECT id FROM dispatch WHERE sent_at IS NULL AND created_at < :before)
""")
_DROP = Statement("DELETE FROM dispatch WHERE sent_at IS NULL AND created_at < :before")


class Dispatches(UnitPart):
    """Each dispatch, and what came of it."""

    def dispatch(self, identity: str) -> Dispatch | None:
        """The dispatch of that id."""
        return _ROW.found(_DISPATCH.row(self._db, id=identity))

    def of_draft(self, draft: str) -> Dispatch | None:
        """The one that was sent of that draft."""
        return _ROW.found(_OF_DRAFT.row(self._db, draft=draft))

    def sent(self, most: int) -> Sequence[Dispatch]:
        """Those that were sent, newest first."""
        return [_ROW.read(row) for row in _SENT.rows(self._db, most=most)]

    def unfinished(self) -> Sequence[str]:
        """The ids of those that were sent and that some towns haven't got yet, oldest first.

        Each is then read by itself: a row that can't be read costs its own dispatch alone.
        """
        return [row["id"] for row in _UNFINISHED.rows(self._db, outcome=Outcome.PENDING)]

    def put(self, one: Dispatch) -> None:
        """Keep it, or replace what was kept of it."""
        _PUT.run(self._db, **_ROW.values(one))

    def towns(self, identity: str) -> Sequence[TownOutcome]:
        """Return the result in each of its towns, by name."""
        return [_TOWN_ROW.read(row) for row in _TOWNS.rows(self._db, id=identity)]

    def put_towns(self, identity: str, towns: Iterable[TownOutcome]) -> None:
        """Keep what came of it in these."""
        for each in towns:
            _PUT_TOWN.run(self._db, dispatch=identity, **_TOWN_ROW.values(each))

    def sweep(self, before: datetime) -> None:
        """Throw away what was made before then and never sent."""
        # The towns first: they are found by their dispatch.
        _DROP_TOWNS.run(self._db, before=stamp(before))
        _DROP.run(self._db, before=stamp(before))
