"""One address with all its sources: when it is requested, its last answer, and when each source is notified.

The sources may poll at any time. A poll gets the last answer while that is fresh; else it begins a request, or waits
for the one that is under way. The content is held by its readers, and by the shelf if there are several; only the data
for the next request stays here: the validators, and a digest by which a source knows if it has read this version.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from alerts import __version__
from alerts.model.backoff import backoff
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.sources.document import KEPT_FOR, FetchedDocument
from alerts.sources.fetch import Fetched, Fetcher, NotModified, read_url
from alerts.sources.settings import FeedSettings, PolledSettings

if TYPE_CHECKING:
    from alerts.sources.shared import SharedReader, SourceShare

OFTENEST = 0.95
"""The part of the shortest `every` between two requests: pollers come a twentieth sooner or later."""

LONGEST_SHARED = 600.0
"""The maximum seconds for which a failure is shared, unless the server named a time."""

A_FEW, PAUSE = 10, 0.01
"""Sources that are woken at once, and the seconds before the next few."""

KEEP_FOR = 1.0
"""Seconds that the words are held for the last of those that were woken."""

LINKS_AT_ONCE = 4
"""Messages of one index that are asked for at the same time, however many want them (feeds.md, "Index of CAP")."""

MANY = 1000
"""Links of an index that are kept before unused ones are removed."""

GONE_AFTER = 1800.0
"""A source that asked for nothing for so many seconds, and for twice its `every`, doesn't count any more."""

SLOW = 2.0
"""An answer that took so many seconds is slow."""

LONG = 262_144
"""Bytes of a document whose digest is no work for the event loop."""

A_MOMENT = 0.001
"""Seconds by which a poll after a failure may come early, as sums of times are rounded."""


@dataclass(frozen=True, slots=True)
class Where:
    """The request of an address: everything that could make two answers differ, or one confidential.

    `headers` are credentials, for that host alone. A `large` answer is kept in a file.
    """

    url: str
    timeout: float
    allow_private: bool
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    large: bool = False

    @classmethod
    def of(cls, settings: PolledSettings | FeedSettings, file: str | None = None, *, large: bool = False) -> Where:
        """Where a source's settings point to, or the `file` that it reads; webcal is https by another name."""
        scheme, _, rest = settings.url.partition("://")
        url = f"https://{rest}" if scheme.lower() in ("webcal", "webcals") else settings.url
        return cls(file or url, settings.timeout.total_seconds(), settings.allow_private, large=large)

    @property
    def host_trusted(self) -> str | None:
        """The address whose host may be asked wherever it is; None for a file, which is no host."""
        return None if self.url.startswith("file:") else self.url


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason for a missing answer, and the time (on the steady clock) until which others get it."""

    error: SourceFailed
    until: float

    def again(self) -> SourceFailed:
        """The same error for one more who asked: one that is raised to many would collect all their tracebacks."""
        return type(self.error)(self.error.reason, self.error.retry_at)


@dataclass(frozen=True, slots=True)
class Version:
    """The last answer of an address, as far as the next request and its sources need it."""

    digest: str
    etag: str | None
    last_modified: str | None
    document: weakref.ref[FetchedDocument]


class AskedAddress:
    """One address, with all that ask for it."""

    def __init__(self, reader: SharedReader, where: Where, session: aiohttp.ClientSession) -> None:
        self._reader = reader
        self._clock = reader.clock
        self._where = where
        self._fetcher = self._fetcher_of(session)
        # Where its links lead may be slow when it isn't, and the other way round.
        self._linked = self._fetcher_of(session)
        # Longest ago first: who waited longest is told first.
        self._shares: dict[SourceShare, None] = {}
        self._since = reader.clock.monotonic()
        self._due = 0.0
        self._version: Version | None = None
        self._failure: Failure | None = None
        self._failures = 0
        self._asking: asyncio.Task[FetchedDocument | None] | None = None
        self._waiting: dict[SourceShare, asyncio.Future[None]] = {}
        self._links: dict[tuple[str, str], _Link] = {}
        self._links_at_most = MANY
        self._link_places = asyncio.Semaphore(LINKS_AT_ONCE)

    def _fetcher_of(self, session: aiohttp.ClientSession) -> Fetcher:
        where = self._where
        return Fetcher(
            session,
            clock=self._clock,
            user_agent="",
            timeout=where.timeout,
            allow_private=where.allow_private,
            credentials=dict(where.headers),
            large=where.large,
        )

    # --- who asks

    def is_wanted(self, now: float) -> bool:
        """True if a source polled lately."""
        for share in [each for each in self._shares if now - each.asked > max(GONE_AFTER, 2 * each.every)]:
            del self._shares[share]
        return bool(self._shares or self._asking)

    def leave(self, share: SourceShare) -> bool:
        """Count it no more; whether nobody is left."""
        self._shares.pop(share, None)
        return not self._shares

    @property
    def every(self) -> float:
        """The shortest `every` of all who ask."""
        return min((share.every for share in self._shares), default=60.0)

    def _joins(self, share: SourceShare) -> float:
        now = share.asked = self._clock.monotonic()
        if share not in self._shares and self._version and self._failure is None:
            self._due = min(self._due, now + OFTENEST * share.every)
        self._shares.pop(share, None)
        self._shares[share] = None
        return now

    # --- what it says

    async def look(self, share: SourceShare, digest: str | None) -> FetchedDocument | None:
        """Return the content for a source that knows the version with this digest. Raises SourceFailed."""
        now, current = self._joins(share), None
        if self._asking is not None:
            await self._wait(share, self._asking)
        elif self._failure is not None and now < self._failure.until:
            raise self._failure.again()
        # Whoever needs the words can't do with an answer that nothing changed, unless they are held until it has come.
        elif (whole := not (self._knows(digest) or (current := self._current()))) or self._failure or now >= self._due:
            self._asking = asking = self._reader.spawn(self._ask(share, current, whole=whole))
            # Held here by hand: with one source nobody else holds it.
            document = await asyncio.shield(asking)
            return None if document is None or self._knows(digest) else document
        if self._failure is not None:
            raise self._failure.again()
        if self._knows(digest):
            return None
        return self._current() or await self.look(share, digest)

    def _knows(self, digest: str | None) -> bool:
        return self._version is not None and self._version.digest == digest

    def _current(self) -> FetchedDocument | None:
        document = self._version.document() if self._version else None
        return self._kept(document) if document is not None else None

    def _kept(self, document: FetchedDocument) -> FetchedDocument:
        """The same, for the others too where there are any, or may be soon: towns that begin don't all ask at once."""
        now = self._clock.monotonic()
        if len(self._shares) > 1 or (self._reader.many and now - self._since <= KEPT_FOR):
            self._reader.shelf.keep(document, now)
        return document

    async def _wait(self, share: SourceShare, asking: asyncio.Task[FetchedDocument | None]) -> None:
        """Wait until this source's turn after the answer has come, which is stored here then."""
        mine = self._waiting.setdefault(share, asyncio.get_running_loop().create_future())
        try:
            await mine
        finally:
            if self._waiting.get(share) is mine:
                del self._waiting[share]
        if asking.cancelled() or not isinstance(asking.exception(), SourceFailed | None):
            asking.result()

    async def _ask(self, first: SourceShare, current: FetchedDocument | None, *, whole: bool) -> FetchedDocument | None:
        """Request it, and notify the other sources. Returns None if nothing changed and there is nothing `current`."""
        news = False
        try:
            version = None if whole else self._version
            answer = await self._get(version)
            news = self._failure is not None
            self._failure, self._failures = None, 0
            document = current or self._current()
            if isinstance(answer, Fetched):
                before = self._version
                document = self._kept(await self._take(answer, document))
                news = news or (before is not None and before.digest != document.digest)
            self._due = self._clock.monotonic() + OFTENEST * self.every
        except SourceFailed as error:
            self._failures += 1
            self._failure = self._failed(error, self._retried_after())
            raise
        else:
            return document
        finally:
            self._asking = None
            self._release(first, news=news)
            self._reader.shelf.tidy(self._clock.monotonic())

    async def _get(self, version: Version | None) -> Fetched | NotModified:
        host = read_url(self._where.url).host or ""
        async with self._reader.places.at(host, slow=self._fetcher.slow):
            began = self._clock.monotonic()
            try:
                self._reader.requests += 1
                self._fetcher.user_agent = self._names()
                known = (version.etag, version.last_modified) if version else (None, None)
                return await self._fetcher.get(self._where.url, *known)
            finally:
                self._fetcher.slow = self._clock.monotonic() - began > SLOW

    async def _take(self, answer: Fetched, current: FetchedDocument | None) -> FetchedDocument:
        document = await document_of(answer)
        # What was made of the same words before is there already.
        if current is not None and current.digest == document.digest:
            document = current
        self._version = Version(document.digest, answer.etag, answer.last_modified, weakref.ref(document))
        self._tidy_links()
        return document

    def _failed(self, error: SourceFailed, seconds: float) -> Failure:
        if error.retry_at is not None:
            seconds = (error.retry_at - self._clock.now()).total_seconds()
        # A new one: what was raised holds on to all that was under way.
        again = type(error)(error.reason, error.retry_at)
        return Failure(again, self._clock.monotonic() + seconds - A_MOMENT)

    def _retried_after(self) -> float:
        """The seconds after which the first of its sources asks again: the shortest of `poll.asked_again_after`."""
        if self._failures == 1:
            return min(self.every, 5.0) / 2
        return backoff(self._failures - 1, 0.75 * self.every, LONGEST_SHARED)

    def _names(self) -> str:
        """Return the user agent with a contact, as feeds require: api.weather.gov refuses requests without one."""
        if not self._shares:
            return f"Tocsin/{__version__}"
        first = min(self._shares, key=lambda share: (share.station, share.contact))
        more = f" and {len(self._shares) - 1} more" if len(self._shares) > 1 else ""
        return f"Tocsin/{__version__} ({first.station}{more}; {first.contact})"

    def _release(self, first: SourceShare, *, news: bool) -> None:
        waiting, self._waiting = self._waiting, {}
        shares = [each for each in (*self._shares, *waiting) if each in waiting or (news and each.wake)]
        others = [share for share in dict.fromkeys(shares) if share is not first]
        if others:
            self._reader.spawn(self._tell(others, waiting))

    async def _tell(self, shares: Sequence[SourceShare], waiting: Mapping[SourceShare, asyncio.Future[None]]) -> None:
        # Held by hand, should the shelf have no room for it: each of them would ask for it anew.
        document = self._current()
        try:
            for place, share in enumerate(shares):
                if place and place % A_FEW == 0:
                    await self._clock.sleep(PAUSE)
                if share in waiting:
                    _done(waiting[share])
                elif share.wake is not None:
                    share.wake()
            await self._clock.sleep(KEEP_FOR)
        finally:
            del document
            for mine in waiting.values():
                _done(mine)

    # --- what it links to

    def _tidy_links(self) -> None:
        now = self._clock.monotonic()
        self._links = {key: link for key, link in self._links.items() if link.is_of_use(now)}
        self._links_at_most = max(MANY, 2 * len(self._links))

    async def linked(self, share: SourceShare, url: str, version: str) -> FetchedDocument:
        """The document at `url`, as that version of an entry means it. Raises SourceFailed."""
        self._joins(share)
        if len(self._links) > self._links_at_most:
            self._tidy_links()
        link = self._links.setdefault((url, version), _Link())
        if link.failure is not None and self._clock.monotonic() < link.failure.until:
            raise link.failure.again()
        if link.document is not None and (document := link.document()):
            return self._kept(document)
        if link.asking is None:
            link.asking = self._reader.spawn(self._follow(link, url))
        # Shared by all who wait: one that gives up must not end it for the others.
        return self._kept(await asyncio.shield(link.asking))

    async def _follow(self, link: _Link, url: str) -> FetchedDocument:
        try:
            host = read_url(url).host or ""
            async with self._link_places, self._reader.places.at(host, slow=self._linked.slow):
                began = self._clock.monotonic()
                try:
                    self._reader.requests += 1
                    self._linked.user_agent = self._names()
                    document = await document_of(await self._linked.get_found(url, self._where.host_trusted))
                finally:
                    self._linked.slow = self._clock.monotonic() - began > SLOW
        except SourceFailed as error:
            seconds = KEPT_FOR if isinstance(error, FailedForGood) else OFTENEST * self.every
            link.failure = self._failed(error, seconds)
            raise
        else:
            link.failure, link.document = None, weakref.ref(document)
            return document
        finally:
            link.asking = None


@dataclass(slots=True)
class _Link:
    """A document that an index links to: being asked for, here, or not to be had."""

    asking: asyncio.Task[FetchedDocument] | None = None
    document: weakref.ref[FetchedDocument] | None = None
    failure: Failure | None = None

    def is_of_use(self, now: float) -> bool:
        """True if it can answer a source without a request."""
        has_document = self.document is not None and self.document() is not None
        return bool(self.asking or has_document or (self.failure and now < self.failure.until))


async def document_of(answer: Fetched) -> FetchedDocument:
    """The document; a long one's digest is computed in a thread."""
    parts = (answer.url, answer.body, answer.content_type, answer.file)
    return await asyncio.to_thread(FetchedDocument, *parts) if len(answer.body) > LONG else FetchedDocument(*parts)


def _done(mine: asyncio.Future[None]) -> None:
    if not mine.done():
        mine.set_result(None)
