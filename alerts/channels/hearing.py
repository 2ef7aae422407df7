"""The ear of a platform that lists what is said under a post, the interval of polling it, and the reading of answers.

A post is polled every `every` while it is young or people talk under it, and less often the quieter it gets. So a night
of comments is followed by the minute, and twenty old posts cost a few requests an hour.

The remarks of a post are listed whole, replies among them, as long as they are few: only this reveals an edit, a hiding
and a removal. Of many, where the platform lists by time, those since the last poll are, and all of them now and then.
Between two polls the ear remembers a fingerprint of each remark by its id, and passes on only new or changed ones.

A remark missing from a whole list may be gone, or the list lags behind. It was on an earlier list, and is requested by
its id: only if the platform doesn't know it either is it gone.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, ParamSpec

from alerts.apart.parser import Parser
from alerts.channels.answer import Answer, RequestPurpose, unreadable
from alerts.model.bounds import bounded, seen, table
from alerts.model.errors import BadCredential, DeliveryError, Retry, Unreadable
from alerts.model.listening import LONGEST_REMARK, EarReading, HeardPost, Remark

LONGEST_PAUSE = timedelta(hours=6)
"""The longest time between two polls of a post that is still listened to."""
MOST_WHOLE = 500
"""Number of remarks up to which each poll lists all of them."""
MOST_KEPT = 2000
"""Remarks on one post that are remembered; what is said beyond that is heard, and its removal is not."""
MOST_IN_ALL = 20_000
"""Remarks on all posts that are remembered: those of the newest posts, a megabyte of them."""
MOST_CHECKED = 25
"""Missing remarks that one poll requests by their ids."""
MOST_REQUESTS = 120
"""Requests of one poll of all posts; the remaining posts come next."""
PAUSE = timedelta(seconds=5)
"""Pause after a poll that used all its requests."""
LAG = timedelta(minutes=10)
"""How far before the last poll a list begins: its read side may lag."""
# How often the remarks on a busy post are listed whole, to find edits and removals.
WHOLE_EVERY = timedelta(minutes=15)
# A post that has been quiet for an hour is polled every five minutes, and so on.
_SHARE = 12
P = ParamSpec("P")
# Times that platforms tell: before and after these there was, and will be, no post of ours.
_EARLIEST, _LATEST = datetime(2004, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def look_after(quiet: timedelta, every: timedelta) -> timedelta:
    """How long to leave a post alone under which nobody said anything for so long: a twelfth of that.

    No less than `every` and no more than six hours. By a minute that is every minute for twelve minutes, each quarter
    of an hour after three hours, and every six hours from the third day on.
    """
    return max(every, min(quiet / _SHARE, LONGEST_PAUSE))


def words_of(value: object) -> str:
    """Return a value from an answer as somebody's words, cut to the length that is kept; "" if it has none."""
    return seen(bounded(value, LONGEST_REMARK)).strip() if isinstance(value, str) else ""


def moment_of(value: object) -> datetime | None:
    """Return a value from an answer as a time: ISO 8601 with its zone, or seconds since 1970.

    None if it can't be one.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
        return moment.astimezone(UTC) if moment.tzinfo and _EARLIEST < moment < _LATEST else None
    except (ValueError, OverflowError, OSError):
        return None


def print_of(words: str) -> str:
    """By what it is known that somebody's words changed since they were last read.

    Sixteen bits: of any two sentences one in 65,536 has the same, so it leads back to none, be they ever so short.
    """
    return hashlib.sha256(words.encode(errors="replace")).hexdigest()[:4]


@dataclass(frozen=True, slots=True)
class Thread:
    """The remarks that an answer lists; `is_whole` False: the platform lists no more, and there may be others."""

    remarks: tuple[Remark, ...]
    is_whole: bool = True


async def read_thread(read: Parser[..., Thread], platform: str, server: str, answer: Answer, *given: Any) -> Thread:
    """Return what `read` makes of an answer: a long one in a process of its own, since it is strangers who fill it.

    Raises Retry for an answer that isn't the platform's own, or takes too long to read.
    """
    try:
        return await read.read_in_turn(server, answer.body, *given)
    except Unreadable:
        raise unreadable(platform, answer, RequestPurpose.READ) from None


@dataclass(slots=True)
class _PostRemembered:
    """The memory of one post: its last polls, the last whole one, its newest comment, and the fingerprints.

    `owes`: part of it must be polled again at the next turn.
    """

    looked: datetime | None = None
    whole: datetime | None = None
    newest: datetime | None = None
    prints: dict[str, str] = field(default_factory=dict)
    owes: bool = False

    @classmethod
    def read(cls, value: object) -> _PostRemembered:
        kept = table(value)
        looked, whole, newest = (moment_of(kept.get(name)) for name in ("looked", "whole", "newest"))
        prints = {str(id_): str(each) for id_, each in table(kept.get("prints")).items()}
        return cls(looked, whole, newest, prints, kept.get("owes") is True)

    def kept(self) -> dict[str, Any]:
        times = {name: getattr(self, name) for name in ("looked", "whole", "newest")}
        values = {name: moment.isoformat() for name, moment in times.items() if moment is not None}
        return values | ({"prints": self.prints} if self.prints else {}) | ({"owes": True} if self.owes else {})

    def due(self, post: HeardPost, every: timedelta) -> datetime:
        """Return when it is due."""
        if self.looked is None:
            return post.sent_at
        if self.owes:
            return self.looked + every
        talked = max(post.sent_at, self.newest or post.sent_at)
        return self.looked + look_after(self.looked - talked, every)


class PostsEar(ABC):
    """Listens under the posts of one account, once: at `now`. A platform's own ear lists, and asks for one.

    `account` is who we are there, `every` the interval of polling a young post. `left` is how many requests this poll
    may still make: whoever makes one counts it. `ours` are the ids of all posts that are polled: a thread of one may
    hold another, and what is said below that counts there.
    """

    lists_by_time: ClassVar[bool] = True
    """True if the platform lists what was said since a time."""

    def __init__(self, account: str, every: timedelta, now: datetime, most: int = 0) -> None:
        self.account = account
        self.now = now
        self.left = most or MOST_REQUESTS
        self.ours: frozenset[str] = frozenset()
        self._every = every

    def roots(self, posts: Sequence[HeardPost]) -> Sequence[HeardPost]:
        """Return those of our posts that are polled; by default all."""
        return posts

    @abstractmethod
    async def under(self, post: HeardPost, since: datetime | None) -> tuple[Sequence[Remark], bool]:
        """List the remarks on a post, and whether those are all; of a post that is gone there are none.

        `since` None: from the first on. Raises DeliveryError.
        """

    @abstractmethod
    async def is_gone(self, remote_id: str) -> bool:
        """True if the platform says that there is no such remark. Raises DeliveryError."""

    async def hear(self, posts: Sequence[HeardPost], memory: Mapping[str, Any]) -> EarReading:
        """Poll the posts that are due. Raises DeliveryError if nothing could be read at all.

        One unreadable post doesn't keep others from being read: it is reported as the poll's trouble.
        """
        ours = {post.remote_id: post for post in self.roots(posts)}
        self.ours = frozenset(ours)
        before = table(memory.get("posts"))
        threads = {id_: _PostRemembered.read(before.get(id_)) for id_ in ours}
        due = {id_: thread.due(ours[id_], self._every) for id_, thread in threads.items()}
        now, remarks = self.now, list[Remark]()
        looked, failed = 0, None
        for id_ in sorted(due, key=due.__getitem__):
            if self.left <= 0 or due[id_] > now:
                break
            try:
                said, threads[id_] = await self._look(ours[id_], threads[id_])
            except DeliveryError as error:
                failed = error
                # The other posts would meet the same.
                if isinstance(error, BadCredential) or (isinstance(error, Retry) and error.whole_channel):
                    break
                # Not again at once: the other posts come first.
                threads[id_] = replace(threads[id_], looked=now)
            else:
                remarks += said
                looked += 1
            due[id_] = threads[id_].due(ours[id_], self._every)
        if failed is not None and not looked:
            raise failed
        return EarReading(
            remarks,
            {"posts": {id_: thread.kept() for id_, thread in _bounded(threads).items()}},
            look_again=_named(failed) or self._again(due.values()),
            trouble=failed.reason if failed is not None else None,
        )

    def _again(self, due: Iterable[datetime]) -> datetime | None:
        """Return when the next post is due; after a pause if more were due than one poll covers."""
        soonest = min(due, default=None)
        return self.now + PAUSE if soonest is not None and self.left <= 0 else soonest

    async def _look(self, post: HeardPost, before: _PostRemembered) -> tuple[list[Remark], _PostRemembered]:
        """Return the new remarks under a post, and the memory of it to keep once they are stored."""
        now, thread = self.now, replace(before, prints=dict(before.prints), owes=False)
        is_whole = len(thread.prints) <= MOST_WHOLE or thread.whole is None or now - thread.whole >= WHOLE_EVERY
        since = None if is_whole or thread.looked is None or not self.lists_by_time else thread.looked - LAG
        listed, is_complete = await self.under(post, since)
        remarks = [remark for each in listed if (remark := self._news(each, thread)) is not None]
        if since is None and is_complete:
            remarks += await self._missing({each.remote_id for each in listed}, post, thread)
            thread.whole = now
        thread.looked = now
        return remarks, thread

    def _news(self, remark: Remark, thread: _PostRemembered) -> Remark | None:
        """The remark; None where nothing of it is new, or it is our own."""
        if remark.author == self.account:
            return None
        thread.newest = max(thread.newest or remark.at, min(remark.at, self.now))
        print_now, known = print_of(f"{remark.hidden} {remark.text}"), thread.prints.get(remark.remote_id)
        if known == print_now:
            return None
        if known is not None or len(thread.prints) < MOST_KEPT:
            thread.prints[remark.remote_id] = print_now
        # Not every platform tells when it was edited: it was by now, and after what was read before.
        return remark if known is None else replace(remark, edited_at=remark.edited_at or self.now)

    async def _missing(self, listed: set[str], post: HeardPost, thread: _PostRemembered) -> Sequence[Remark]:
        missing = [id_ for id_ in thread.prints if id_ not in listed]
        gone = []
        for id_ in missing[:MOST_CHECKED]:
            if await self.is_gone(id_):
                del thread.prints[id_]
                gone.append(Remark(id_, None, post.sent_at, root=post.remote_id, edited_at=self.now, gone=True))
        thread.owes = len(missing) > MOST_CHECKED
        return gone


def _bounded(threads: Mapping[str, _PostRemembered]) -> Mapping[str, _PostRemembered]:
    """The threads, those of older posts without what was said there once the newer ones have so much."""
    kept, room = {}, MOST_IN_ALL
    for id_, thread in threads.items():
        kept[id_] = thread if len(thread.prints) <= room else replace(thread, prints={})
        room -= len(kept[id_].prints)
    return kept


def _named(failed: DeliveryError | None) -> datetime | None:
    return failed.after if isinstance(failed, Retry) else None
