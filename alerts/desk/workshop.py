"""Where a station is set up: lines of channels.toml are checked, their channels and sources tried, before they hold.

Nothing here is kept. What is tried is real, though: a credential is asked of its platform, a source is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from alerts.model.actor import Role
from alerts.model.person import Account
from alerts.model.post import Receipt
from alerts.model.reason import Reason
from alerts.model.secret import Secret

Hidden = Literal["chat", "unpublished", "none"]
"""Where a test post of a channel goes unseen: a chat that is named, the page's unpublished posts, or nowhere."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a kind knows: whether it is needed, a secret's place, or yes and no; an example, and its default."""

    name: str
    needed: bool = False
    secret: bool = False
    choice: bool = False
    example: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class KindSheet:
    """What may be said of one kind of channel or source, the needed keys first."""

    name: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class ChannelTrial:
    """What came of trying a channel: whose it is, or the problem; `shown` is where a test post is, if one was made."""

    name: str
    account: str = ""
    followers: int | None = None
    warnings: tuple[Reason, ...] = ()
    problem: Reason | None = None
    shown: Receipt | None = None


@dataclass(frozen=True, slots=True)
class SourceTrial:
    """What a source would have brought: each alert as it would be filed, with its posts; or the problem.

    An alert is the object of `rehearsal_of`, with its reason as one (`why`) beside it: the page's reader may speak
    another language than the station. `more` is how many entries there were beyond those that are shown.
    """

    name: str
    brought: Sequence[Mapping[str, Any]] = ()
    more: int = 0
    problem: Reason | None = None


class Workshop(Protocol):
    """Reads, checks and tries. Writes only where it was opened at this machine's terminal (`is_local`)."""

    @property
    def is_local(self) -> bool:
        """Whether whoever is here may write this machine's files anyway."""
        ...

    def lines(self) -> str:
        """channels.toml as it stands now; empty where there is none."""
        ...

    def write(self, lines: str) -> str:
        """Write channels.toml, keeping the one before beside it; returns where. Raises Misuse where not `is_local`."""
        ...

    async def unreadable(self, lines: str) -> Sequence[Reason]:
        """What secrets can't be read here, each with its key; the lines themselves must be right."""
        ...

    async def people(self) -> Sequence[Account]:
        """The accounts of the station that channels.toml says; none where there is no such file yet."""
        ...

    async def add_person(self, name: str, role: Role) -> Secret:
        """Add an account to it, as somebody at the terminal does; returns the first password. Raises Misuse."""
        ...

    async def problems(self, lines: str) -> Sequence[Reason]:
        """What is wrong with these lines, one reason each (`setting_wrong` has the key and what is wrong with it).

        Nothing: the daemon would start with them.
        """
        ...

    def channel_kinds(self) -> Sequence[KindSheet]:
        """The kinds of channel, with their keys."""
        ...

    def source_kinds(self) -> Sequence[KindSheet]:
        """The kinds of source that are looked at, with their keys."""
        ...

    def hidden(self, kind: str) -> Hidden:
        """Where a test post of this kind of channel goes unseen."""
        ...

    async def try_channel(self, lines: str, name: str) -> ChannelTrial:
        """Ask the platform who we are there; nothing is published."""
        ...

    async def show(self, lines: str, name: str, text: str, chat: str | None = None) -> ChannelTrial:
        """Try it, then post `text` where no reader looks: to the private `chat`, or unpublished."""
        ...

    async def try_source(self, lines: str, name: str) -> SourceTrial:
        """Read it once and file what it says at a desk that knows nothing; nothing is kept."""
        ...
