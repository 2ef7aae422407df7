"""Every protocol between rooms. A room gets what it needs as arguments; nobody looks anything up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from alerts.model.alert import Alert
from alerts.model.post import Message, Quota, Receipt


class Clock(Protocol):
    """Time comes in from outside, so that tests move it."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring within one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed (at once for 0 or less)."""
        ...


# --- sources --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """One entry of a feed: an alert, or why it could not be read.

    `key` names the entry within its source for as long as it is the same version of it (an index entry's URL and
    `updated`, an occurrence's announcement): a key that was stored is never handed on again. `notes` are what the
    lenient reader forgave. `leave_out` is a reason of the feed's own why this alert is none ("green: no warning").
    """

    key: str
    alert: Alert | None = None
    problem: str | None = None
    leave_out: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a source remembers between readings; stored in the same transaction as what it heard.

    `etag`, `last_modified` and `digest` serve conditional requests; `state` is the source's own (JSON-able).
    """

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a source brought: new entries, the memory to keep, and when to look again at the latest."""

    heard: Sequence[Heard]
    memory: Memory
    look_again: datetime | None = None
    unchanged: bool = False


class Source(Protocol):
    """One feed. Raises SourceFailed when it can't be read; a broken entry is a Heard with a problem."""

    async def read(self, memory: Memory, known: Callable[[Sequence[str]], set[str]], now: datetime) -> Reading:
        """Look once. `known(keys)` tells which of `keys` were stored before: those need not be fetched or told again."""
        ...


# --- channels -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Probe:
    """What a live check of a credential found: whose it is, and what is wrong or will be soon."""

    account: str
    warnings: tuple[str, ...] = ()


class Channel(Protocol):
    """A platform account that can publish. Every method raises a `DeliveryError` when it isn't simply done."""

    async def open(self) -> None:
        """Read the credentials and get ready; raises BadCredential where one is missing. Sends nothing."""
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Put a new post out, as an answer to the post `reply_to` where the platform can."""
        ...

    async def probe(self) -> Probe:
        """Ask the platform who we are and what we may, without publishing."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """What the platform last said of its own limits; empty when it said nothing."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A channel that can change a post that is out."""

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Replace the text; the receipt may carry a new id."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """A channel that can take a post back."""

    async def delete(self, remote_id: str) -> None:
        """Remove the post; one that is gone already is done, not an error."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A channel where one can look whether a post of ours is out."""

    async def find(self, message: Message, since: datetime, last_known: str | None) -> Receipt | None:
        """The post with these words that appeared at or after `since`, else None.

        `last_known` is the id of the newest post of ours that we know of on this channel. Raises DeliveryError when
        the platform can't be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Resources:
    """What a channel is given by the composition root.

    `session` is the one aiohttp.ClientSession of the process (typed loosely, for the vocabulary knows no library);
    `folder` is where channels.toml stands, for secret files; `recall` and `remember` keep a few of the channel's own
    facts (a migrated chat's id, a user id) across restarts.
    """

    session: Any
    clock: Clock
    folder: Path
    recall: Callable[[str], str | None]
    remember: Callable[[str, str], Awaitable[None]]
