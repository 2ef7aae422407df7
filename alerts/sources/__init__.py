"""What is read: one file per format, each turning its documents into CAP alerts; `poll` looks at them all.

A kind is declared here by its settings and the name of what opens it, so that the command line can check a
configuration without loading any reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from alerts.model.ports import Source, Surroundings
from alerts.sources.settings import CapSettings, IcalSettings, PolledSettings


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source. `path` is `module:callable`, called as `callable(name, settings, surroundings)`.

    Another package adds one through the entry-point group `tocsin.sources` (see docs/extend.md).
    """

    settings: type[PolledSettings]
    path: str

    def load(self) -> Callable[[str, Any, Surroundings], Source]:
        """Import what opens the source, and with it the format's library."""
        module, name = self.path.split(":")
        return cast("Callable[[str, Any, Surroundings], Source]", getattr(import_module(module), name))


KINDS: dict[str, Kind] = {
    "cap": Kind(CapSettings, "alerts.sources.cap.source:CapSource"),
    "ical": Kind(IcalSettings, "alerts.sources.ical.source:IcalSource"),
}
