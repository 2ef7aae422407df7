"""Feeds and calendars, each format turned into CAP alerts; `poll` reads them all.

A kind is declared here by its settings and the name of its constructor, so that the command line can check a
configuration without loading any reader. `config` looks up a kind here first, then among the entry points of other
packages; the daemon calls the constructor with the source's name, its settings and its `Surroundings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from alerts.model.ports import Source, Surroundings
from alerts.sources.settings import (
    AskedSettings,
    AtmoSettings,
    CapSettings,
    IcalSettings,
    MailboxSettings,
    RssSettings,
    VigicruesSettings,
    VigilanceSettings,
)


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source. `path` is `module:callable`, called as `callable(name, settings, surroundings)`.

    `trial` is a memory (`Memory.state`) with which a source returns all current entries of its feed: for a preview, or
    a trial. Another package adds a kind through the entry-point group `tocsin.sources` (see docs/extend.md).
    """

    settings: type[AskedSettings]
    path: str
    trial: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def load(self) -> Callable[[str, Any, Surroundings], Source]:
        """Import what opens the source, and with it the format's library."""
        module, name = self.path.split(":")
        return cast("Callable[[str, Any, Surroundings], Source]", getattr(import_module(module), name))


# A row is the kind itself; or, where its settings stand in the source's own file, the place of the kind there, as an
# entry point names it: that file imports SourceKind from here, and its library isn't loaded before it is needed.
KINDS: dict[str, SourceKind | str] = {
    "atmo": SourceKind(AtmoSettings, "alerts.sources.atmo:AtmoSource"),
    "cap": SourceKind(CapSettings, "alerts.sources.cap.source:CapSource"),
    "ical": SourceKind(IcalSettings, "alerts.sources.ical.source:IcalSource"),
    "mailbox": SourceKind(
        MailboxSettings,
        "alerts.sources.mailbox:MailboxSource",
        {"since": "1970-01-01T00:00:00+00:00", "validity": 0},
    ),
    "gtfs_rt": "alerts.sources.gtfs_rt:KIND",
    "roads": "alerts.sources.roads:KIND",
    "rss": SourceKind(RssSettings, "alerts.sources.rss:RssSource", {"entries": {}}),
    "vigicrues": SourceKind(VigicruesSettings, "alerts.sources.vigicrues:VigicruesSource"),
    "vigilance": SourceKind(VigilanceSettings, "alerts.sources.vigilance.source:VigilanceSource"),
}
