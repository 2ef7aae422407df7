"""What the town's pages are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.desk.publicity import Situation
from alerts.desk.territory import District
from alerts.rendering.templates import Renderer


@dataclass(frozen=True, slots=True)
class Setting:
    """The station as its pages show it.

    `languages` are primary subtags, the station's own first; its pages stand at the root, the others below
    `/<language>/`. `public_url` is without a trailing slash ("" makes links relative to the server's root). `tiles` is
    the map's tile address with `{z}`, `{x}` and `{y}`; None: the outlines alone. `bots` are the Telegram bots to
    subscribe with, by name.
    """

    station: str
    sender: str
    languages: tuple[str, ...]
    zone: ZoneInfo
    renderer: Renderer
    public_url: str = ""
    tiles: str | None = None
    tiles_by: str = ""
    districts: tuple[District, ...] = ()
    sources: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()

    def path(self, language: str, rest: str = "") -> str:
        """The path of a page in a language."""
        return f"/{rest}" if language == self.languages[0] else f"/{language}/{rest}"

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self.public_url}{path}"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the knowledge of a source is: when it was last read well, and whether it is behind its time."""

    name: str
    last_ok: datetime | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that the pages tell: the situation, and how fresh each source is."""

    situation: Situation
    sources: Sequence[Freshness] = field(default_factory=tuple)

    @property
    def now(self) -> datetime:
        """When it was looked at."""
        return self.situation.now
