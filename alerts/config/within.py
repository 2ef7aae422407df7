"""Restricts a town of a fleet to secrets and files in its own folder.

Both are found by their type anywhere in the parsed configuration (`named_in`), so that no section has to be listed: a
secret is a `SecretSource`, a file a `LocalFile`. Each is bound to the folder (`bound_to`), and checked again whenever
it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from alerts.channels.settings import OwnSecret, SecretSource
from alerts.model.local import LocalFile, is_within
from alerts.model.reason import Reason, because
from alerts.model.town import District, Secret, Server

S = TypeVar("S")
Named = SecretSource | LocalFile


def named_in(value: object, key: str) -> Iterator[tuple[str, Named]]:
    """Yield every secret and every file in `value`, however deep, with its dotted key below `key`."""
    if isinstance(value, Named):
        yield key, value
        return
    for part, each in parts_of(value):
        yield from named_in(each, f"{key}.{part}")


def parts_of(value: object) -> Iterator[tuple[Any, object]]:
    """Yield the fields or items of a value, by name or place; none of one that has no parts."""
    if isinstance(value, BaseModel):
        yield from value
    elif is_dataclass(value) and not isinstance(value, type | District):
        yield from ((each.name, getattr(value, each.name)) for each in fields(value))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def stray(named: Named, folder: Path) -> Reason | None:
    """Return the reason why a town of a fleet may not name this. Returns None if it may.

    It may name no variable of the process's environment, and no file outside of its folder.
    """
    if isinstance(named, SecretSource) and named.env is not None:
        return because("secret_of_process", name=named.env)
    path = named.path if isinstance(named, LocalFile) else named.file or ""
    return None if is_within(folder / path, folder) else because("outside_of_folder", path=path)


def isolated(server: Server) -> tuple[Server, list[Reason]]:
    """Return the server, reached without any password of the process; and a reason for each option it may not have."""
    from alerts.store.address import isolated_url, strays  # noqa: PLC0415 libpq is loaded only where there is a server

    url = server.url.reveal()
    wrong = [because("database_option", name=name) for name in strays(url)]
    return replace(server, url=Secret(isolated_url(url))), wrong


def bound_to(folder: Path, settings: S) -> S:
    """Return the same settings with every secret and every file bound to the folder: outside of it, none is opened."""

    def bind(named: Named) -> Named:
        if isinstance(named, LocalFile):
            return named.kept_within(folder)
        return OwnSecret(file=named.file, within=folder)

    changed: S = _changed(settings, bind)
    return changed


def _changed(value: Any, change: Callable[[Named], Named]) -> Any:
    if isinstance(value, Named):
        return change(value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _changed(each, change) for name, each in value})
    if is_dataclass(value) and not isinstance(value, type | District):
        return replace(value, **{each.name: _changed(getattr(value, each.name), change) for each in fields(value)})
    if isinstance(value, Mapping):
        return {name: _changed(each, change) for name, each in value.items()}
    return type(value)(_changed(each, change) for each in value) if type(value) in (list, tuple) else value
