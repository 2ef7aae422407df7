"""What the town's pages are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.desk.publicity import Situation
from alerts.desk.territory import District, Territory
from alerts.rendering.templates import Renderer


@dataclass(frozen=True, slots=True)
class Feed:
    """A source that is read by itself: its key, its own spelling, and how old its news may be before that is said."""

    name: str
    title: str
    patience: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Setting:
    """The station as its pages show it.

    `languages` are primary subtags, the station's own first; its pages stand at the root, the others below
    `/<language>/`. `public_url` is without a trailing slash ("" makes links relative to the server's root). `tiles` is
    the map's tile address with `{z}`, `{x}` and `{y}`; None: the outlines alone. `bots` are the channels whose bot
    people may subscribe with; how each is called its platform tells later. `territory` tells which districts an alert
    is about.
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
    territory: Territory = field(default_factory=Territory)
    sources: tuple[Feed, ...] = ()
    bots: tuple[str, ...] = ()
    embed: tuple[str, ...] = ()

    def language_of(self, path: str) -> str:
        """The language that a path is in."""
        first = path.strip("/").partition("/")[0]
        return first if first in self.languages[1:] else self.languages[0]

    def path(self, language: str, rest: str = "") -> str:
        """The path of a page in a language."""
        return f"/{rest}" if language == self.languages[0] else f"/{language}/{rest}"

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self.public_url}{path}"

    def identity(self, path: str) -> str:
        """What a page is known by for good: its address, or a tag of the sender's (RFC 4151) where there is none."""
        return self.address(path) if self.public_url else f"tag:{self.sender},2026:{path}"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the knowledge of a source is: when it was last read well, and whether it is behind its time."""

    title: str
    last_ok: datetime | None
    stale: bool

    @property
    def shown(self) -> tuple[str, datetime | None, bool]:
        """All of it that a page tells: to the minute."""
        return self.title, self.last_ok.replace(second=0, microsecond=0) if self.last_ok else None, self.stale


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that the pages tell: the situation, how fresh each source is, and the bots to subscribe with, by name."""

    situation: Situation
    sources: Sequence[Freshness] = field(default_factory=tuple)
    bots: tuple[str, ...] = ()

    @property
    def now(self) -> datetime:
        """When it was looked at."""
        return self.situation.now

    @property
    def doubtful(self) -> bool:
        """Whether a source is behind its time, so that there may be more than is shown."""
        return any(source.stale for source in self.sources)
