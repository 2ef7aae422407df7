"""The folder of a fleet: which towns lie there, and whose database each has."""

from __future__ import annotations

import os
from pathlib import Path

from alerts.store.connection import Place, seen
from alerts.store.files import StoreError
from alerts.store.identity import of_another

CONFIG = "channels.toml"


def find_towns(folder: Path) -> dict[str, Path]:
    """The folders of towns, by name; whatever else lies there is none of them. Raises OSError."""
    with os.scandir(folder) as entries:
        names = sorted(each.name for each in entries if not each.name.startswith(".") and each.is_dir())
    return {name: folder / name for name in names if (folder / name / CONFIG).is_file()}


def must_be_its_own(folder: Path, database: Place) -> None:
    """Raise StoreError where the database of the town in this folder is another's of the same fleet.

    A folder without other towns beside it is no fleet's: what its database was before says nothing.
    """
    try:
        found = find_towns(folder.parent)
    except OSError:
        return  # a town's own user, who may not look around
    if len(found) < 2:
        return
    with seen(database) as db:
        refused = of_another(db, database, folder.name, found) if db is not None else None
    if refused is not None:
        raise StoreError(refused)
