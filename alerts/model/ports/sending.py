"""What a channel can do, and what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from alerts.model.ports.time import Clock
from alerts.model.post import Message, Quota, Receipt
from alerts.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Probe:
    """What a live check of a credential found: whose it is, and what is wrong or will be soon.

    `followers` is how many people follow it there; None where the platform didn't tell.
    """

    account: str
    warnings: tuple[Reason, ...] = ()
    followers: int | None = None


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

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """The post with these words that appeared at or after `since`, else None; `reply_to` as it was published.

        `after` is the id of the newest post of ours on this channel from before the attempt (None: there is none),
        `known` the ids of all our recent posts there, those that went out since included: a post in `known` is never
        the one looked for. Raises DeliveryError when the platform can't be asked, InDoubt when looking is no answer.
        """
        ...


@runtime_checkable
class Lists(Protocol):
    """A channel where one can look what of ours is out."""

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:
        """The posts that appeared at or after `since`; `after` as for `find`. Raises DeliveryError as `find` does."""
        ...


@runtime_checkable
class Replaces(Protocol):
    """A channel where an edit makes a new post in the place of the old one: a lost one is looked for, not repeated."""

    replaces: bool


@runtime_checkable
class TwoLevels(Protocol):
    """A channel with posts and what hangs on them, no deeper: what goes on about a post hangs on the post itself."""

    two_levels: bool


@runtime_checkable
class DropsRepeats(Protocol):
    """A channel whose receiver knows a post again by its id: one in doubt is simply sent once more."""

    drops_repeats: bool


@runtime_checkable
class Rehearses(Protocol):
    """A channel that can make a post that only those who run the account see."""

    async def rehearse(self, message: Message) -> Receipt:
        """Put it where no reader looks; what is made there stays until somebody takes it away."""
        ...


class Pace(Protocol):
    """What keeps a whole bot within what Telegram allows."""

    def direct(self) -> AbstractAsyncContextManager[None]:
        """Wait for one's turn to say something, ahead of everything that goes to many."""
        ...

    @property
    def halted_for(self) -> float:
        """Seconds until anything may leave again; 0: now."""
        ...

    def halt(self, seconds: float) -> None:
        """Telegram asked to wait: nothing of this bot leaves before that."""
        ...


@dataclass(frozen=True, slots=True)
class Resources:
    """What a channel is given by the composition root.

    `session` is the one aiohttp.ClientSession of the process (typed loosely, for the vocabulary knows no library);
    `folder` is where channels.toml stands, for secret files; `recall` and `remember` keep a few of the channel's own
    facts (a migrated chat's id, a user id) across restarts. `pace` is that of the channel's bot, where it also talks to
    subscribers: what it posts takes its turn among what it says.
    """

    session: Any
    clock: Clock
    folder: Path
    recall: Callable[[str], str | None]
    remember: Callable[[str, str], Awaitable[None]]
    pace: Pace | None = None
