"""The owner of a database: the town of a fleet that worked on it first, by the name of its folder.

A server can be named in many ways, and a file by a link: comparing addresses proves nothing. So the name is stored in
the database itself, and no other town's daemon works on it. An older database is given its name at the next start.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from alerts.model.reason import because
from alerts.store.connection import Place, begin, commit, migrate, opened, rollback
from alerts.store.facts import STORE, fact, keep_fact
from alerts.store.files import StoreError

_KEY = "town"


def claim(place: Place, town: str, towns: Collection[str]) -> None:
    """Have the database be that town's of these, creating it where there is none. Raises StoreError: it is another's.

    A file whose town is no more is the town's in whose folder it lies. A schema of a server stays the other's, since
    whoever knows the address could take what a town left there.
    """
    migrate(place)
    with opened(place) as db:
        begin(db)
        try:
            owner = fact(db, STORE, _KEY)
            is_free = owner is None or (isinstance(place, Path) and owner not in towns)
            if is_free and owner != town:
                keep_fact(db, STORE, _KEY, town)
        except BaseException:
            rollback(db)
            raise
        commit(db)
    if not is_free and owner != town:
        name = place if isinstance(place, Path) else place.name
        raise StoreError(because("store_of_other", path=name, other=owner or ""))
