"""Datasets of GTFS-realtime for tests, and a network that writes one after the other into a file that is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.transit.gtfs_realtime_pb2 import Alert, FeedEntity, FeedMessage

from alerts.model.ports import Heard, Memory, SourceReading, Surroundings
from alerts.sources.gtfs_rt import GtfsSettings, TransitSource
from tests.fakes import FakeClock
from tests.unit.desk.conftest import a_town

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TODAY = ((NOW - HOUR, NOW + 6 * HOUR),)
LINES_OF = {
    "fr": ("Ligne {} : rue Haute barrée", "Arrêt Mairie non desservi."),
    "en": ("Line {}: High Street closed", "Town Hall stop not served."),
}
Span = tuple[datetime | None, datetime | None]


def a_disruption(
    name: str = "1",
    title: str = "Ligne 3 : rue Haute barrée",
    text: str = "Arrêt Mairie non desservi.",
    *,
    cause: str = "CONSTRUCTION",
    effect: str = "DETOUR",
    level: str | None = None,
    spans: Sequence[Span] = TODAY,
    selectors: Sequence[Mapping[str, Any]] = ({"route_id": "3"},),
    url: str = "",
    language: str = "",
) -> FeedEntity:
    """An alert; where title or text are empty it has none."""
    alert = Alert(cause=cause, effect=effect, informed_entity=selectors)
    if level:
        alert.severity_level = Alert.SeverityLevel.Value(level)
    for start, end in spans:
        span = alert.active_period.add()
        if start:
            span.start = int(start.timestamp())
        if end:
            span.end = int(end.timestamp())
    for said, into in ((title, alert.header_text), (text, alert.description_text), (url, alert.url)):
        if said:
            into.translation.add(text=said, language=language)
    return FeedEntity(id=name, alert=alert)


def a_deletion(name: str) -> FeedEntity:
    """That an alert is over, in a differential dataset."""
    return FeedEntity(id=name, is_deleted=True)


def a_dataset(*entities: FeedEntity, made: datetime | None = NOW, differential: bool = False) -> bytes:
    """A dataset as it is served; without `made` it doesn't say of when it is."""
    message = FeedMessage(entity=entities)
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = int(differential)
    if made:
        message.header.timestamp = int(made.timestamp())
    return message.SerializeToString()


class Network:
    """A dataset in a file, a source that reads it, and what it remembers of it, which is stored as the daemon does."""

    def __init__(self, folder: Path, *, language: str = "fr-FR", **settings: object) -> None:
        self.file, self.clock, self.memory = folder / "alerts.pb", FakeClock(NOW), Memory()
        self.settings = GtfsSettings.model_validate(
            {"kind": "gtfs_rt", "url": str(self.file), "title": "Réseau Tilleul", **settings}
        )
        self.around = Surroundings(None, self.clock, a_town(language=language))
        self.stored: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """Read it by another process, which knows what was remembered alone."""
        self.source = TransitSource("bus", self.settings, self.around)

    async def says(
        self, *entities: FeedEntity, after: timedelta = timedelta(minutes=1), differential: bool = False
    ) -> list[Heard]:
        made = self.clock.now() + after
        return await self.writes(a_dataset(*entities, made=made, differential=differential), after)

    async def writes(self, body: bytes, after: timedelta = timedelta(minutes=1)) -> list[Heard]:
        self.file.write_bytes(body)
        return list((await self.look(after)).heard)

    async def look(self, after: timedelta = timedelta(minutes=1)) -> SourceReading:
        await self.clock.advance(after.total_seconds())
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        state = json.loads(json.dumps(dict(reading.memory.state)))
        self.memory = Memory(digest=reading.memory.digest, state=state)
        self.stored |= {each.key for each in reading.heard}
        return reading

    async def known(self, keys: Sequence[str]) -> set[str]:
        return self.stored & set(keys)
