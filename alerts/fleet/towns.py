"""The folder of a fleet: its towns, the changes of their files, and the restrictions of a town in a fleet.

A town is a subfolder with a `channels.toml`. `mark` identifies the state of a town's files, by time, size and place on
the disk: it costs a few system calls a town, so it is taken again every few seconds.

A town's file may name less than if it ran alone. A secret is a file in its own folder, since the environment is the
whole process's; and its database is there too, so that no two towns can name the same one.

`towns` returns the towns' state, a row each, from their files and databases, with or without a running process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alerts.channels.settings import SecretSource
from alerts.config import load_config, load_fleet
from alerts.config.within import named_in
from alerts.desk.unit import channel_statuses, source_statuses
from alerts.fleet.folder import CONFIG, find_towns
from alerts.fleet.hosts import HostNames
from alerts.model.errors import ConfigurationError, DatabaseRefused, TocsinError
from alerts.model.incident import AlertState
from alerts.model.local import LocalFile, is_within
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.town import FleetSection, Town, WebSection, host_in
from alerts.rendering.i18n import reason_json
from alerts.store.connection import Place, exists, notify, opened, version
from alerts.store.files import HEAD, StoreError
from alerts.store.identity import of_another
from alerts.store.unit import Unit, asking

MOUNTS = "/t"
"""The path below which towns without a host name of their own are: `/t/NAME`."""
# A folder's name becomes part of addresses and of metrics' labels.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# A link may lead to a large tree: it is not walked for ever.
_MOST_TEMPLATES = 5000
LEADS_OUT = "link_out_of_folder"
"""The reason for which a town is ended that runs: what it writes would go elsewhere."""

# For each file its path, time, size and inode.
Mark = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class FilesBeside:
    """The files of a town outside channels.toml: secrets, those that the town names, and its templates.

    Links in the folders `written_in` count too, since a new one may lead out of the town's folder.
    """

    files: tuple[str, ...] = ()
    templates: str = ""
    written_in: tuple[str, ...] = ()

    def mark(self) -> Mark:
        """Return the state of the files."""
        links = ((os.fspath(link), 0, 0, 0) for folder in self.written_in for link in _links(Path(folder)))
        return (*map(_look, self.files), *(_templates(self.templates) if self.templates else ()), *links)


@dataclass(frozen=True, slots=True)
class Settled:
    """A town as it lives in the fleet; `hosts` are the names that only it answers under.

    Without them its pages are below `town.mount`. `made_of` are the files outside channels.toml, and `mark` the state
    of all of them when they were read.
    """

    town: Town
    hosts: frozenset[str]
    made_of: FilesBeside
    mark: Mark


def settle(name: str, folder: Path, fleet: FleetSection, web: WebSection) -> Settled:
    """The town of that folder, read and checked. Raises ConfigurationError with all that is wrong."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError([because("setting_wrong", file=CONFIG, key=name, what=because("folder_misnamed"))])
    file = folder / CONFIG
    # Before it is read: what is written meanwhile looks different from this mark at the next look.
    before = mark(file)
    town = load_config(file, within=folder.resolve())
    wrong = [
        _fault(os.path.relpath(link, town.folder), because("link_out_of_folder", path=link))
        for link in _links_out(town)
    ]
    if wrong:
        raise ConfigurationError(wrong, town.language)
    hosts = _hosts(town, fleet)
    public_url, mount = town.public_url, ""
    if not hosts:
        mount = f"{MOUNTS}/{name}"
        public_url = f"{fleet.url}{mount}" if fleet.url else None
    settled = replace(
        town,
        web=replace(
            town.web,
            listen=web.listen,
            proxies=web.proxies,
            connections=web.connections,
            per_address=web.per_address,
        ),
        public_url=public_url,
        mount=mount,
    )
    made_of = beside(settled)
    return Settled(settled, hosts, made_of, (*before, *made_of.mark()))


def beside(town: Town) -> FilesBeside:
    """Those of this town."""
    found = (each for _, each in named_in(town, "") if isinstance(each, SecretSource))
    secrets = [each.file for each in found if each.file]
    named = [each for each in vars(town).values() if isinstance(each, LocalFile)]
    paths = tuple(os.fspath(town.folder / each) for each in (*secrets, *named))
    return FilesBeside(paths, os.fspath(town.template_folder), tuple(map(os.fspath, sorted(_written_in(town)))))


def mark(*paths: Path) -> Mark:
    """Return the state of these files; a missing one has an empty state."""
    return tuple(_look(os.fspath(path)) for path in paths)


def _look(path: str) -> tuple[str, int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 of thousands of files, every few seconds
    except OSError:
        return path, 0, 0, 0
    return path, status.st_mtime_ns, status.st_size, status.st_ino


def _templates(folder: str) -> Iterator[tuple[str, int, int, int]]:
    seen = 0
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            yield _look(os.path.join(root, name))  # noqa: PTH118 as above
        seen += len(names)
        if seen > _MOST_TEMPLATES:
            return


def _hosts(town: Town, fleet: FleetSection) -> frozenset[str]:
    """The names that its public pages and its desk have for themselves."""
    return frozenset(host_in(url) for url in (town.public_url, town.desk.url) if url) - {host_in(fleet.url or ""), ""}


def _fault(key: str, what: Reason) -> Reason:
    return because("setting_wrong", file=CONFIG, key=key, what=what)


def _links_out(town: Town) -> Iterator[Path]:
    """Links in the town's folder, and where it keeps things, that lead out of it: what is written would go there."""
    for folder in _written_in(town):
        for link in _links(folder):
            if not is_within(link, town.folder):
                yield link
    for root, folders, names in os.walk(town.template_folder):
        yield from (link for name in (*folders, *names) if not is_within(link := Path(root, name), town.folder))


def _written_in(town: Town) -> set[Path]:
    """The folders in which a daemon makes files by their names."""
    export = (town.folder / town.web.export).parent if town.web.export else town.folder
    return {town.folder, town.beside.parent, export}


def _links(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(Path(each.path) for each in entries if each.is_symlink())
    except OSError:
        return  # it isn't there yet


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
    names = HostNames.of(folder, section.hosts)
    for name, place in found.items():
        try:
            settled = settle(name, place, section, listen)
            must_have(names.claim(name, settled.hosts, found), settled.town)
        except ConfigurationError as error:
            state = "outdated" if _rings(place) else "refused"
            yield _row(name, state, None, because("lines", each=error.problems), error.language)
        else:
            yield _status_of(name, settled.town, found)


def must_have(refused: Iterable[Reason], town: Town) -> None:
    """Raise ConfigurationError for the host names that the town can't have, by why it can't."""
    if wrong := [_fault("station.public_url", what) for what in refused]:
        raise ConfigurationError(wrong, town.language)


def _status_of(name: str, town: Town, found: Collection[str]) -> dict[str, Any]:
    try:
        if not exists(town.database) or version(town.database) != HEAD:
            return _row(name, "stopped", town)
        with opened(town.database) as db:
            refused = of_another(db, town.database, name, found)
        if refused is not None:
            return _row(name, "refused", town, refused)
        with asking(town.database) as unit:
            counted = _counted(unit, town)
        state = "running" if notify(town.database, datetime.now(UTC)) else "stopped"
    except (StoreError, DatabaseRefused) as error:
        reason = error.reason if isinstance(error, StoreError) else because("database_said", said=error)
        return _row(name, "refused" if reason.code == "store_not_own" else "stopped", town, reason)
    return _row(name, state, town) | counted


def _counted(unit: Unit, town: Town) -> dict[str, Any]:
    now = datetime.now(UTC)
    on = unit.views.on_now(now)
    posts = unit.views.open_counts()
    statuses = [*channel_statuses(unit.views, town, now), *source_statuses(unit.views, town, now)]
    return {
        "on": len({each.incident_id for each in on if each.state is AlertState.ACCEPTED}),
        "waiting": sum(each.state is AlertState.WAITING for each in on),
        "queued": sum(count for (_, state), count in posts.items() if state is PostState.QUEUED),
        "failing": [str(each.get("channel") or each["source"]) for each in statuses if each["state"] != "ok"],
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
        **reason_json(reason, language or (town.language if town else "en")),
    }


def _rings(folder: Path) -> bool:
    """True if a daemon works on a database in this folder, whatever its file says now."""
    # By what a daemon leaves beside its database; its doorbell isn't there where the folder lies too deep for a socket.
    heights = (*folder.glob("*-height"), *folder.glob("*/*-height"))
    stores: set[Place] = {each.with_name(each.name.removesuffix("-height")) for each in heights}
    return any(notify(each, datetime.now(UTC)) for each in stores)
