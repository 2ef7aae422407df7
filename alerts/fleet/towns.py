"""The folder of a fleet: which towns are there, what of their files changed, and what a town may not do in a fleet.

A town is a subfolder with a `channels.toml`. `mark` is what the files looked like that a town is made of, by time, size
and place on the disk: it costs a few calls of the system a town, so it is taken anew every few seconds.

What a town's file may name is narrower than where it runs alone. A secret is a file in its own folder, since the
environment is the whole process's; and its database lies there too, so that no two towns can name the same one.

How the towns are (`towns`) is one row each, read from their files and databases, whether a process runs or not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import BaseModel

from alerts.channels.settings import SecretSource
from alerts.config import load_config, load_fleet
from alerts.desk.service import channel_standings, source_standings
from alerts.model.errors import BadCredential, ConfigurationError, DatabaseRefused, TocsinError
from alerts.model.incident import AlertState
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.town import FleetSection, Server, StoreSection, Town, WebSection
from alerts.rendering.i18n import told
from alerts.store.connection import Place, exists, ring, version
from alerts.store.files import HEAD, StoreError
from alerts.store.unit import Unit, asking

CONFIG = "channels.toml"
MOUNTS = "/t"
"""The path below which towns without a host name of their own are: `/t/NAME`."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MOST_TEMPLATES = 5000

Mark = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class FilesBeside:
    """The files beside channels.toml that a town is made of: boundary, streets, secrets by path; and its templates."""

    files: tuple[str, ...] = ()
    templates: str = ""

    def mark(self) -> Mark:
        """What they look like."""
        return (*map(_look, self.files), *(_templates(self.templates) if self.templates else ()))


@dataclass(frozen=True, slots=True)
class Settled:
    """A town as it lives in the fleet; `hosts` are the names that it alone answers under.

    Without them its pages are below `town.mount`. `made_of` are the files beside channels.toml, and `mark` what all of
    them looked like when they were read.
    """

    town: Town
    hosts: frozenset[str]
    made_of: FilesBeside
    mark: Mark


def find_towns(folder: Path) -> dict[str, Path]:
    """The folders of towns, by name; whatever else lies there is none of them. Raises OSError."""
    with os.scandir(folder) as entries:
        names = sorted(each.name for each in entries if not each.name.startswith(".") and each.is_dir())
    return {name: folder / name for name in names if (folder / name / CONFIG).is_file()}


def settle(name: str, folder: Path, fleet: FleetSection, web: WebSection) -> Settled:
    """The town of that folder, read and checked. Raises ConfigurationError with all that is wrong."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError([because("setting_wrong", file=CONFIG, key=name, what=because("folder_misnamed"))])
    file = folder / CONFIG
    # Before it is read: what is written meanwhile looks different from this mark at the next look.
    before = mark(file)
    town = load_config(file)
    wrong = list(_wrong(town))
    if wrong:
        raise ConfigurationError(wrong, town.language)
    hosts = _hosts(town, fleet)
    public_url, mount = town.public_url, ""
    if not hosts:
        mount = f"{MOUNTS}/{name}"
        public_url = f"{fleet.url}{mount}" if fleet.url else None
    settled = replace(
        town,
        channels={
            key: replace(each, settings=_own_secrets(each.settings, town)) for key, each in town.channels.items()
        },
        sources={key: replace(each, settings=_own_secrets(each.settings, town)) for key, each in town.sources.items()},
        web=replace(
            town.web,
            listen=web.listen,
            proxies=web.proxies,
            connections=web.connections,
            per_address=web.per_address,
        ),
        store=_own_store(town),
        public_url=public_url,
        mount=mount,
    )
    made_of = beside(settled)
    return Settled(settled, hosts, made_of, (*before, *made_of.mark()))


def beside(town: Town) -> FilesBeside:
    """Those of this town."""
    paths = [each.file for each in _secrets(town).values() if each.file]
    paths += [os.fspath(town.folder / each) for each in (town.boundary, town.streets) if each]
    return FilesBeside(tuple(paths), os.fspath(town.template_folder))


def mark(*paths: Path) -> Mark:
    """What these files look like; one that isn't there looks like nothing."""
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
    told = (urlsplit(url).hostname for url in (town.public_url, town.desk.url) if url)
    shared = urlsplit(fleet.url or "").hostname
    return frozenset(host.lower().rstrip(".") for host in told if host and host != shared)


def _wrong(town: Town) -> Iterator[Reason]:
    for key, source in _secrets(town).items():
        if source.env is not None:
            yield _fault(key, because("secret_of_process", name=source.env))
        elif not _is_within(town.folder, source.file or ""):
            yield _fault(key, because("outside_of_folder", path=source.file or ""))
    if not _is_within(town.folder, os.fspath(town.beside)):
        yield _fault("store.url", because("outside_of_folder", path=town.store.url))
    for key, path in _files(town):
        if not _is_within(town.folder, path):
            yield _fault(key, because("outside_of_folder", path=path))


def _files(town: Town) -> Iterator[tuple[str, str]]:
    """What the town reads or writes beside its database and its secrets, by its key."""
    if town.web.export:
        yield "web.export", town.web.export
    if town.boundary:
        yield "station.boundary", town.boundary
    if town.streets:
        yield "station.streets", town.streets
    yield "station.templates", town.templates
    for name, rules in town.sources.items():
        url = getattr(rules.settings, "url", None)
        if isinstance(url, str) and url.startswith("file:"):
            yield f"sources.{name}.url", url2pathname(urlsplit(url).path)
        elif isinstance(url, str) and "://" not in url:
            yield f"sources.{name}.url", url


def _fault(key: str, what: Reason) -> Reason:
    return because("setting_wrong", file=CONFIG, key=key, what=what)


def _is_within(folder: Path, path: str) -> bool:
    """Whether a path that is relative to the folder stays in it, also where links lead."""
    return (folder / path).resolve().is_relative_to(folder.resolve())


def _secrets(town: Town) -> dict[str, SecretSource]:
    """Every secret that the town names, by its key."""
    named: Sequence[tuple[str, Mapping[str, Any]]] = (("channels", town.channels), ("sources", town.sources))
    settings = {f"{section}.{name}": each.settings for section, records in named for name, each in records.items()}
    settings["store"] = town.store.settings
    return {
        f"{section}.{key}": value
        for section, each in settings.items()
        for key, value in _fields(each)
        if isinstance(value, SecretSource)
    }


def _fields(settings: object) -> Iterator[tuple[str, Any]]:
    return iter(settings) if isinstance(settings, BaseModel) else iter(())


def _own_store(town: Town) -> StoreSection:
    """The store by the town's own secrets. Raises ConfigurationError."""
    if town.store.server is None:
        return town.store
    try:
        server: Server | None = _own_secrets(town.store.settings, town).server(town.folder)
    except BadCredential as error:
        raise ConfigurationError([_fault("store", error.reason)], town.language) from None
    return replace(town.store, server=server)


def _own_secrets(settings: Any, town: Town) -> Any:
    """The same with each secret's file by its whole path: no file of that name elsewhere goes before it."""
    # $CREDENTIALS_DIRECTORY is the whole process's: with a bare name, two towns would be given the same secret.
    own = {
        key: SecretSource(file=os.fspath(town.folder / value.file))
        for key, value in _fields(settings)
        if isinstance(value, SecretSource) and value.file
    }
    return settings.model_copy(update=own) if own else settings


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
