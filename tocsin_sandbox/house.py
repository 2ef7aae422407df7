"""What the parts of one sandbox share: its state, its platforms, the faults that are set, the journal."""

from __future__ import annotations

from tocsin_sandbox.faults import Faults
from tocsin_sandbox.journal import Journal
from tocsin_sandbox.platforms import Platforms
from tocsin_sandbox.settings import SandboxSettings
from tocsin_sandbox.state import State


class House:
    """One sandbox's insides, without its port."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.clock = settings.clock
        self.state = State(settings.state_dir)
        self.platforms = Platforms(settings, self.state)
        self.faults = Faults()
        self.journal = Journal()
        self._settings = settings

    def reset(self) -> None:
        """As on the first day: no posts, no pictures, no faults, an empty journal, every window open."""
        self.state.reset()
        self.faults.clear()
        self.journal.clear()
        self.platforms = Platforms(self._settings, self.state)
