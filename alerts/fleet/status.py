"""How the towns of a folder are, one row each: read from their files and databases, whether a process runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerts.config import load_fleet
from alerts.desk.service import channel_standings, source_standings
from alerts.fleet.towns import find_towns, settle
from alerts.model.errors import ConfigurationError, DatabaseRefused, TocsinError
from alerts.model.incident import AlertState
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.rendering.i18n import told
from alerts.store.connection import Place, exists, ring, version
from alerts.store.files import HEAD, StoreError
from alerts.store.unit import Unit, asking


def towns(folder: Path) -> Iterator[dict[str, Any]]:
    """Each town by name: whether it runs, what is on, what waits, and which of its sources and channels fail.

    `state` is `running`, `stopped`, `outdated` (its file is wrong, and it goes on with what it said before) or
    `refused` (its file is wrong, and it doesn't run). Raises TocsinError where the folder can't be read.
    """
    section, listen = load_fleet(folder)
    try:
        found = find_towns(folder)
    except OSError as error:
        raise TocsinError(because("fleet_unreadable", folder=folder, said=error.strerror or "")) from None
    for name, place in found.items():
        try:
            town = settle(name, place, section, listen).town
        except ConfigurationError as error:
            state = "outdated" if _rings(place) else "refused"
            yield _row(name, state, None, because("lines", each=error.problems), error.language)
        else:
            yield _standing(name, town)


def _standing(name: str, town: Town) -> dict[str, Any]:
    try:
        if not exists(town.database) or version(town.database) != HEAD:
            return _row(name, "stopped", town)
        with asking(town.database) as unit:
            counted = _counted(unit, town)
        state = "running" if ring(town.database, datetime.now(UTC)) else "stopped"
    except (StoreError, DatabaseRefused) as error:
        reason = error.reason if isinstance(error, StoreError) else because("database_said", said=error)
        return _row(name, "stopped", town, reason)
    return _row(name, state, town) | counted


def _counted(unit: Unit, town: Town) -> dict[str, Any]:
    now = datetime.now(UTC)
    on = unit.views.on_now(now)
    posts = unit.views.open_counts()
    standings = [*channel_standings(unit.views, town, now), *source_standings(unit.views, town, now)]
    return {
        "on": len({each.incident_id for each in on if each.state is AlertState.ACCEPTED}),
        "waiting": sum(each.state is AlertState.WAITING for each in on),
        "queued": sum(count for (_, state), count in posts.items() if state is PostState.QUEUED),
        "failing": [str(each.get("channel") or each["source"]) for each in standings if each["state"] != "ok"],
    }


def _row(
    name: str, state: str, town: Town | None, reason: Reason | None = None, language: str | None = None
) -> dict[str, Any]:
    return {
        "town": name,
        "station": town.name if town else None,
        "state": state,
        "pages": (town.public_url or town.mount) if town else None,
        "on": None,
        "waiting": None,
        "queued": None,
        "failing": [],
        **told(reason, language or (town.language if town else "en")),
    }


def _rings(folder: Path) -> bool:
    """Whether a daemon works on a database in this folder, whatever its file says now."""
    # By what a daemon leaves beside its database; its doorbell isn't there where the folder lies too deep for a socket.
    heights = (*folder.glob("*-height"), *folder.glob("*/*-height"))
    stores: set[Place] = {each.with_name(each.name.removesuffix("-height")) for each in heights}
    return any(ring(each, datetime.now(UTC)) for each in stores)
