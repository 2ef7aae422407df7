"""Reads a file as the source of its format would, for `tocsin preview`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from alerts.config import Config, source_kind
from alerts.daemon.clock import SystemClock
from alerts.daemon.surroundings import surroundings
from alerts.model.errors import Misuse, SourceFailed
from alerts.model.ports import Heard, Memory
from alerts.sources.settings import CapSettings, IcalSettings, PolledSettings


def read_file(config: Config, file: Path) -> Sequence[Heard]:
    """What the file says now. Raises Misuse where it can't be read."""
    try:
        with file.open("rb") as stream:
            head = stream.read(1024)
    except OSError as error:
        raise Misuse(f"{file}: can't be read: {error.strerror}") from None
    url = str(file.resolve())
    is_calendar = b"BEGIN:VCALENDAR" in head
    try:
        return asyncio.run(
            _read(config, IcalSettings(kind="ical", url=url) if is_calendar else CapSettings(kind="cap", url=url))
        )
    except SourceFailed as error:
        raise Misuse(f"{file}: {error}") from None


async def _read(config: Config, settings: PolledSettings) -> Sequence[Heard]:
    clock = SystemClock()
    kind = source_kind(settings.kind)
    assert kind is not None  # noqa: S101 both ship
    async with aiohttp.ClientSession() as session:
        source = kind.load()("preview", settings, surroundings(config, session, clock))
        reading = await source.read(Memory(), _nothing_known, clock.now())
    return reading.heard


async def _nothing_known(_: Sequence[str]) -> set[str]:
    return set()
