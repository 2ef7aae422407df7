"""The protocols between rooms: the abilities of a channel and a source, and the clock.

A room gets its dependencies as arguments. A protocol is here if it has two implementations: the platforms' channels and
those of the simulation, this machine's clock and a test's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from alerts.model.alert import Alert
from alerts.model.delivery import SendResult, Target
from alerts.model.listening import EarReading, HeardPost
from alerts.model.poll import PollCount
from alerts.model.post import Message, PollForm, Quota, Receipt
from alerts.model.reason import Reason
from alerts.model.town import ListeningSection, Town


class Clock(Protocol):
    """The time, which is passed in so that tests can move it."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for measuring within one process."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed (at once for 0 or less)."""
        ...


class SystemClock:
    """This machine's time."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed."""
        # Imported here, since commands import this module too and need no asyncio.
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(max(seconds, 0.0))


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment on both clocks, so that the wait for a later time is measured by the steady one.

    The difference of two readings of the wall clock is an hour too long if somebody sets that clock back between the
    two. The steady clock keeps passing, whatever the wall clock says.
    """

    wall: datetime
    steady: float

    @classmethod
    def now(cls, clock: Clock) -> ClockReading:
        """Read both clocks of `clock` now."""
        return cls(clock.now(), clock.monotonic())

    def later(self, clock: Clock) -> datetime:
        """Return the wall clock's time now as if nobody had set it since."""
        return self.wall + timedelta(seconds=clock.monotonic() - self.steady)

    def seconds_until(self, time: datetime, clock: Clock) -> float:
        """Return the seconds to wait until a time that was fixed at this reading; negative if it is past."""
        return (time - self.later(clock)).total_seconds()


# --- sources


@dataclass(frozen=True, slots=True)
class Heard:
    """One entry of a feed: an alert, or the reason why it could not be read.

    `key` names one version of the entry within its source (an index entry's URL and `updated`, an occurrence's
    announcement): a key that was stored is never passed on again. `notes` list the errors that the lenient reader
    forgave. `leave_out` is the feed's own reason to skip this alert ("green: no warning"). `hold` is a reason for an
    officer's review before publication, whatever the source's `publish` is.
    """

    key: str
    alert: Alert | None = None
    problem: Reason | None = None
    leave_out: Reason | None = None
    hold: Reason | None = None
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """A source's memory between polls; stored only after all its entries are.

    If the process is killed in between, the source is read again, and stored entries are recognised by their key.

    `etag`, `last_modified` and `digest` serve conditional requests; `state` is the source's own (JSON-able).
    """

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceReading:
    """The result of one poll of a source: new entries, the memory to keep, and when to poll again at the latest.

    `trouble` is the reason for an incomplete poll: a source whose index answers while its messages don't is failing.
    """

    heard: Sequence[Heard]
    memory: Memory
    look_again: datetime | None = None
    unchanged: bool = False
    trouble: Reason | None = None


Known = Callable[[Sequence[str]], Awaitable[set[str]]]


class Source(Protocol):
    """One feed. Raises SourceFailed when it can't be read; a broken entry is a Heard with a problem."""

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll once. `await known(keys)` returns the stored ones of `keys`: they are not returned again."""
        ...


@runtime_checkable
class HearsNews(Protocol):
    """A source that learns by itself that there is news, so that it can be polled early."""

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Register `wake` to be called on news. None: unregister."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A source's dependencies, from the composition root: the session of the process, the clock, and the town.

    `session` is an aiohttp.ClientSession, `feeds` the `SharedReader` of the process, which requests each address once
    for all sources that name it; None: the source makes its own requests. Both are typed loosely, since the model knows
    no library. From the town a source takes the zone for times without one, the folder of its files, and `codes`, which
    are the geocodes of the whole town.
    """

    session: Any
    clock: Clock
    town: Town
    feeds: Any = None


# --- channels


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a live check of a credential: its account, and any present or imminent problem.

    `followers` is the number of followers there; None if the platform didn't give it.
    """

    account: str
    warnings: tuple[Reason, ...] = ()
    followers: int | None = None


class Channel(Protocol):
    """A platform account that can publish. Every method raises a `DeliveryError` unless it succeeds."""

    async def open(self) -> None:
        """Read the credentials and get ready; raises BadCredential where one is missing. Sends nothing."""
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Publish a new post, as a reply to the post `reply_to` if the platform has replies."""
        ...

    async def probe(self) -> Probe:
        """Ask the platform who we are and what we may do, without publishing."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """The platform's last report of its own limits; empty if there was none."""
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
        """Remove the post; it is no error if it is already gone."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A channel that can be searched for a post of ours."""

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Return the post with these words that appeared at or after `since`; `reply_to` as it was published.

        `after` is the id of the newest post of ours on this channel from before the attempt (None: there is none),
        `known` the ids of all our recent posts there, those published since included: a post in `known` is never the
        one sought. Returns None if there is none. Raises DeliveryError when the platform can't be asked, InDoubt when a
        search would prove nothing.
        """
        ...


@runtime_checkable
class FindsExactly(Protocol):
    """A channel where one search is conclusive, and where sending a post again makes no second one."""

    exact: bool


@runtime_checkable
class Lists(Protocol):
    """A channel that can list our recent posts."""

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:
        """The posts that appeared at or after `since`; `after` as for `find`. Raises DeliveryError as `find` does."""
        ...


@runtime_checkable
class Replaces(Protocol):
    """A channel where an edit makes a new post in place of the old one: a lost one is searched for, not repeated."""

    replaces: bool


@runtime_checkable
class TwoLevels(Protocol):
    """A channel with posts and replies to them, but no replies to those: each follow-up replies to the first post."""

    two_levels: bool


@runtime_checkable
class DropsRepeats(Protocol):
    """A channel whose receiver recognises a repeated post by its id: a post in doubt is simply sent once more."""

    drops_repeats: bool


@runtime_checkable
class ProvesNothing(Protocol):
    """A channel that publishes without its credential: a published post doesn't prove that the credential works."""

    proves_nothing: bool


@runtime_checkable
class ProbesAtHome(Protocol):
    """A channel whose probe makes no request outside, so that it can be made in every round of the watch."""

    probes_at_home: bool


@runtime_checkable
class NeverRepeats(Protocol):
    """A channel where a second post costs money: one in doubt that isn't found waits for an officer, however grave."""

    never_repeats: bool


@runtime_checkable
class RepeatsOnce(Protocol):
    """A channel that can't be searched, where most receivers, not all, recognise a repeated post by its id.

    A post in doubt is sent once more if it is Severe or worse; a lesser one, or one in doubt again, is left to
    officers.
    """

    repeats_once: bool


class Hears(Protocol):
    """A listener for remarks under our posts on a platform, or for a feed; separate from the publishing side.

    Every method raises a DeliveryError, or SourceFailed, if it fails.
    """

    async def open(self) -> None:
        """Read the credentials and get ready; raises BadCredential where one is missing."""
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Read the remarks under `posts` once, newest first, with the `memory` of the last poll."""
        ...


@runtime_checkable
class Hides(Protocol):
    """A channel where remarks under our posts can be hidden, and their authors blocked."""

    async def hide(self, remote_id: str) -> None:
        """Hide a remark, or delete it if the platform can't hide; it is no error if it is already gone."""
        ...

    async def block(self, author: str) -> None:
        """Keep that account from saying anything more there."""
        ...


@runtime_checkable
class Asks(Protocol):
    """A channel with polls of its own: `publish` makes one of a message that has a `poll`."""

    async def close_poll(self, remote_id: str, poll: PollForm) -> PollCount:
        """Close the platform's poll, if that is possible, and read its numbers; a closed one is only read.

        Raises Retry while the platform still counts, and Gone or Rejected if it will never give numbers.
        """
        ...


@runtime_checkable
class Rehearses(Protocol):
    """A channel that can make a post that only those who run the account see."""

    async def rehearse(self, message: Message) -> Receipt:
        """Publish it where no reader sees it; it stays until somebody deletes it."""
        ...


class Pace(Protocol):
    """The rate limit of a whole bot, as Telegram sets it."""

    def direct(self) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of a message to one chat, ahead of all messages to many."""
        ...

    @property
    def halted_for(self) -> float:
        """Seconds until anything may leave again; 0: now."""
        ...

    def halt(self, seconds: float) -> None:
        """Let nothing of this bot leave for that long, as Telegram asked."""
        ...


async def _nothing(key: str) -> str | None:  # noqa: ARG001
    """Nobody else keeps facts."""
    return None


async def _not_kept(key: str, change: Callable[[str | None], str]) -> None:  # noqa: ARG001
    """Nobody keeps facts."""
    change(None)


@dataclass(frozen=True, slots=True)
class Resources:
    """A channel's dependencies, from the composition root.

    `session` is the one aiohttp.ClientSession of the process (typed loosely, for the model knows no library); `folder`
    is that of channels.toml, for secret files; `recall` and `remember` keep a few of the channel's own facts (a
    migrated chat's id, a user id) across restarts. `pace` is that of the channel's bot, if it also talks to
    subscribers: posts share its rate with messages. `listens_every` is the interval of polling a young post if the
    channel is listened to. `pages` is the town's public address, for links back to it, `zone` is that of its days.
    `look_up` reads a fact that another process may have kept since, and `change` makes a new value of it in one
    transaction: it may be called twice, and what it raises leaves the fact as it was.
    """

    session: Any
    clock: Clock
    folder: Path
    recall: Callable[[str], str | None]
    remember: Callable[[str, str], Awaitable[None]]
    pace: Pace | None = None
    listens_every: timedelta = ListeningSection.every
    pages: str | None = None
    zone: tzinfo = UTC
    look_up: Callable[[str], Awaitable[str | None]] = _nothing
    change: Callable[[str, Callable[[str | None], str]], Awaitable[None]] = _not_kept


class Tells(Protocol):
    """Hands one message to one chat."""

    async def tell(self, target: Target) -> SendResult:
        """Make one attempt. Raises Retry if the message is certainly not out, BadCredential if none can be sent."""
        ...


@runtime_checkable
class KeepsConnections(Protocol):
    """An object with connections that stay open between messages."""

    async def close(self) -> None:
        """Close the connections that are idle."""
        ...


@dataclass(frozen=True, slots=True)
class TextHeard:
    """An SMS that somebody wrote to the town's number; a later one has a greater `id`."""

    id: int
    number: str = field(repr=False)
    text: str = field(repr=False)


class HearsTexts(Protocol):
    """A provider that takes what people write."""

    async def heard(self, after: int) -> Sequence[TextHeard]:
        """Return what was written, from the id `after` on, oldest first: a bounded number. Raises DeliveryError."""
        ...


Keyboard = Mapping[str, Any]
"""A `reply_markup` of the Bot API: buttons under a message, or in place of the keyboard."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """The place where people reply to a Telegram channel's posts: `channel` is the channel's id, `group` the group's.

    If posts go to a group, the two are the same. `group` is None if there is none, or if the bot isn't in it. `deaf` is
    the reason why the bot hears nothing there; `warnings` has all that it lacks, `deaf` included.
    """

    channel: int
    group: int | None = None
    deaf: Reason | None = None
    warnings: tuple[Reason, ...] = ()


class BotClient(Protocol):
    """All calls of a bot to Telegram. Each raises DeliveryError if it fails.

    `channels/telegram/client.py` implements them; the bot's room, which may import no channel, uses this protocol.
    """

    async def say(
        self, chat: int, text: str, keyboard: Keyboard | None = None, edit: int | None = None, reply: int | None = None
    ) -> int:
        """Send `text` (Telegram's HTML), or replace the message `edit` with it. Returns the message's number.

        With `reply` it replies to that message of the chat, if it is still there.

        Raises ReaderGone if nobody reads that chat any more, ChatMoved if it has another id.
        """
        ...

    async def show(self, chat: int, picture: str, caption: str) -> int:
        """Send the picture in that file, with a caption of plain text. Returns the message's number."""
        ...

    async def fetch(self, file: str, most: int) -> bytes:
        """Return a file that somebody sent. Raises Rejected if it is gone, or has more than `most` bytes."""
        ...

    async def me(self) -> str:
        """Return the bot's own username. Raises BadCredential if Telegram doesn't know the token."""
        ...

    async def updates(self, offset: int, seconds: float) -> Sequence[Mapping[str, Any]]:
        """Return the updates from `offset` on, waiting up to `seconds` for one. Raises Occupied."""
        ...

    async def answer_press(self, press: str, toast: str) -> None:
        """Confirm the press of a button, so that the app stops waiting, and show `toast` unless it is empty."""
        ...

    async def is_admin(self, chat: int, user: int) -> bool:
        """True if a user is an administrator of a group."""
        ...

    async def discussion(self, chat: str) -> Discussion:
        """Return where people reply to posts of that channel or group, and what the bot lacks to hear them."""
        ...

    async def listen_at(self, url: str, secret: str) -> None:
        """Have updates sent to `url`, each with the secret."""
        ...

    async def listen_by_asking(self) -> None:
        """Have updates kept until they are asked for."""
        ...

    async def list_commands(self, commands: Mapping[str, str], language: str | None) -> None:
        """Show these commands, with what they do, to those whose app speaks `language` (None: everybody else)."""
        ...


class OnStored(Protocol):
    """Called when another process stores something."""

    def __call__(self, *, is_stored: bool) -> None:
        """`is_stored`: it may be a post that a lane has to send."""
        ...
