"""How pages, programs and the bot reach the desk (`DeskService`), and where a station is set up (`Workshop`).

The service carries out actions. An action is a function that gets a `DeskUnit`: all that is read and written in one
transaction, and the desk that decides. What it reads is what it decides on; what it raises undoes all of it.

In the workshop, lines of channels.toml are checked, and their channels and sources tried, before they hold. Nothing
there is kept. What is tried is real, though: a credential is asked of its platform, a source is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from alerts.desk.actions import Desk
from alerts.desk.thread import channels_on
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.person import Account, Role
from alerts.model.post import TO_BE_SEEN_TO, Receipt
from alerts.model.reason import Reason
from alerts.model.setting_values import Secret
from alerts.store.unit import Unit

Hidden = Literal["chat", "unpublished", "none"]
"""Where a test post of a channel goes unseen: a chat that is named, the page's unpublished posts, or nowhere."""
T = TypeVar("T")


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


class DeskUnit(Unit):
    """A unit of work of the desk: beside all that is read and written, the desk that decides, at `now`."""

    def __init__(self, unit: Unit, desk: Desk, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(unit.db)
        self.desk = desk
        self.now = now
        self.new_id = new_id


def concerning(unit: DeskUnit) -> list[StoredAlert]:
    """Of each incident the newest message that was let out, while it is on; and each that has a post to be seen to."""
    # Three questions in all, however many alerts are on: pages ask this again with each change.
    stored_alerts = unit.views.on_now(unit.now)
    newest = {stored.incident_id: stored for stored in stored_alerts if stored.state is AlertState.ACCEPTED}
    posts = unit.views.posts_by_alert([stored.id for stored in stored_alerts])
    threads = unit.views.threads(list({stored.incident_id for stored in newest.values()}))
    return [
        stored
        for stored in stored_alerts
        if any(post.state in TO_BE_SEEN_TO for post in posts[stored.id])
        or (newest.get(stored.incident_id) == stored and channels_on(threads[stored.incident_id]))
    ]


class DeskService(Protocol):
    """What console, API and bot act through: the daemon gives it to them.

    An action that raises has stored nothing.
    """

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    async def act(self, action: Callable[[DeskUnit], T]) -> T:
        """Carry out in one durable transaction; then wake the lanes and tell those who watch."""
        ...

    async def ask(self, question: Callable[[DeskUnit], T]) -> T:
        """Answer a question; nothing can be written."""
        ...

    async def sketch(self, action: Callable[[DeskUnit], T], incident: str | None = None) -> T:
        """What an action would come to, without touching the database: knowing one incident of it, or nothing."""
        ...

    async def sources(self) -> Sequence[Mapping[str, Any]]:
        """How each source is doing, as `status --json` has it."""
        ...

    async def channels(self) -> Sequence[Mapping[str, Any]]:
        """How each channel is doing, as `status --json` has it, with `followers` where its platform told."""
        ...

    def workshop(self) -> Workshop:
        """Where lines of channels.toml are checked and tried."""
        ...

    async def keep_picture(self, data: bytes, kind: str) -> str:
        """Keep a picture of that MIME type for good, beside the database; the name it has from its content."""
        ...

    def picture(self, name: str) -> Path | None:
        """The file of a picture that was kept under that name."""
        ...

    def watch(self) -> AbstractContextManager[AsyncIterator[str]]:
        """The ids of incidents as something about them changes; an empty id: look at everything again."""
        ...
