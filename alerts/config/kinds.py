"""The kinds of source and channel: those that ship, and those that other packages offer by entry point."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, TypeVar

from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.channels import PUSH_CHANNEL, ChannelKind, class_named
from alerts.model.errors import Unreadable
from alerts.model.reason import because
from alerts.model.town import PUSH
from alerts.sources import KINDS as SOURCE_KINDS
from alerts.sources import SourceKind

K = TypeVar("K")
# The groups of entry points with which other packages add kinds (docs/extend.md).
_CHANNELS = "tocsin.channels"
_SOURCES = "tocsin.sources"


def channel_kind(name: str) -> ChannelKind | None:
    """Return the kind of channel of that name. Raises Unreadable if its package can't be loaded."""
    return _kind(_CHANNELS, name, CHANNEL_KINDS.get(name), ChannelKind)


def channel_class(kind: str) -> type[Any] | None:
    """Return the class that sends for that kind of channel, including `[push]`. Raises Unreadable as `channel_kind`."""
    if kind == PUSH:
        return class_named(PUSH_CHANNEL)
    found = channel_kind(kind)
    return found.load() if found is not None else None


def source_kind(name: str) -> SourceKind | None:
    """Return the kind of source of that name. Raises Unreadable if its package can't be loaded."""
    return _kind(_SOURCES, name, SOURCE_KINDS.get(name), SourceKind)


def channel_kinds() -> list[str]:
    """The names of all kinds of channel."""
    return [*CHANNEL_KINDS, *sorted(_offered(_CHANNELS).names - CHANNEL_KINDS.keys())]


def source_kinds() -> list[str]:
    """The names of all kinds of source."""
    return [*SOURCE_KINDS, *sorted(_offered(_SOURCES).names - SOURCE_KINDS.keys())]


def _kind(group: str, name: str, row: K | str | None, kind: type[K]) -> K | None:
    """Return the kind that a built-in row is or names, else the one that an installed package offers."""
    if isinstance(row, kind):
        return row
    entry = (
        EntryPoint(name, row, group) if isinstance(row, str) else next(iter(_offered(group).select(name=name)), None)
    )
    if entry is None:
        return None
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise Unreadable(because("kind_unloadable", name=repr(entry.name), package=entry.value, said=error)) from None
    if isinstance(found, kind):
        return found
    raise Unreadable(because("kind_is_none", name=repr(entry.name), package=entry.value))


def _offered(group: str) -> EntryPoints:
    """Return the entry points that installed packages offer for a group."""
    return _read(group, tuple(sys.path))


@cache
def _read(group: str, _: tuple[str, ...]) -> EntryPoints:
    # Python reads the metadata of every package at each call, 7 ms; a page of the setup asks for all kinds.
    return entry_points(group=group)
