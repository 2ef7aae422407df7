"""The owner of a database: the town of a fleet that worked on it first, by the name of its folder.

A server can be named in many ways, and a file by a link: comparing addresses proves nothing. So the name is stored in
the database itself, and no other town's daemon works on it. An older database is given its name at the next start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.model.reason import Reason, because
from alerts.model.town import Server
from alerts.store.connection import Place, begin, commit, migrate, opened, rollback
from alerts.store.facts import STORE, fact, keep_fact
from alerts.store.files import StoreError
from alerts.store.seal import seal

if TYPE_CHECKING:
    from alerts.store.dialect import Connection

_KEY = "town"


def claim(place: Place, town: str, towns: Collection[str]) -> None:
    """Have the database be that town's of these, creating it where there is none. Raises StoreError: it is another's.

    A file whose town is no more is the town's in whose folder it lies. A schema of a server stays the other's, since
    whoever knows the address could take what a town left there; it is sealed (`seal.py`).
    """
    migrate(place)
    with opened(place) as db:
        begin(db)
        try:
            refused = of_another(db, place, town, towns)
            if refused is None and fact(db, STORE, _KEY) != town:
                keep_fact(db, STORE, _KEY, town)
            if refused is None and isinstance(place, Server) and not isinstance(db, sqlite3.Connection):
                seal(db, place)
        except BaseException:
            rollback(db)
            raise
        commit(db)
    if refused is not None:
        raise StoreError(refused)


def of_another(db: Connection, place: Place, town: str, towns: Collection[str]) -> Reason | None:
    """Return why the open database is another one's of these towns than that one. Returns None if it isn't."""
    owner = fact(db, STORE, _KEY)
    if owner in (None, town) or (isinstance(place, Path) and owner not in towns):
        return None
    return because("store_of_other", path=place if isinstance(place, Path) else place.name, other=owner)
