"""Blogs and the press as an ear hears them: an RSS or Atom feed, of whose entries those count that name the town.

The address is asked for as a source's is (`shared.py`), with conditional requests, bounded, and once for all who name
it. feedparser reads what came, in a thread: it takes feeds as broken as they are. What could make it go on for ever (a
DTD, a million tags) is refused before.
"""

from __future__ import annotations

import calendar
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.model.errors import FailedForGood, Unreadable
from alerts.model.hazard import fold
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.ports import Surroundings
from alerts.model.reason import because
from alerts.model.town import ListeningFeed
from alerts.rendering.text import address, clean, clean_line
from alerts.sources.document import Document
from alerts.sources.safe_xml import must_be_harmless
from alerts.sources.settings import FeedSettings
from alerts.sources.shared import SharedReader

MOST_ENTRIES = 200
MOST_BYTES = 2 * 1_048_576
MOST_TAGS = 40_000
HEARD_FOR = timedelta(days=7)
"""An entry that is older isn't heard: a feed that is named today would bring in its whole past."""
_LONGEST_KEY = 500


class FeedEar:
    """One `[listening.feeds.NAME]` (a `Hears`)."""

    def __init__(self, feed: ListeningFeed, around: Surroundings) -> None:
        settings = feed.settings
        assert isinstance(settings, FeedSettings)  # noqa: S101 the configuration was checked
        self._share = SharedReader.around(around).share(settings, around)
        self._words = [fold(each) for each in feed.words]
        self._without = [fold(each) for each in feed.without]

    async def open(self) -> None:
        """Nothing to do: the session is the process's."""

    async def close(self) -> None:
        """Ask for the address no more."""
        self._share.on_news(None)

    async def hear(self, _: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Look at the feed once; nothing is heard where it is what it was. Raises SourceFailed."""
        document = await self._share.look(memory.get("digest"))
        if document is None:
            return EarReading((), memory)
        try:
            entries: tuple[Remark, ...] = await document.once("entries", lambda: tuple(_entries(document, now)))
        except Unreadable as error:
            raise FailedForGood(error.reason) from error
        heard = [each for each in entries if each.at >= now - HEARD_FOR and self._concerns(each.text or "")]
        return EarReading(heard, {"digest": document.digest})

    def _concerns(self, text: str) -> bool:
        folded = fold(text)
        is_named = not self._words or any(word in folded for word in self._words)
        return is_named and not any(word in folded for word in self._without)


def _entries(document: Document, now: datetime) -> Iterator[Remark]:
    """What a feed tells, as remarks; what has neither a time nor a title is left out. Raises Unreadable."""
    import feedparser  # noqa: PLC0415 only who listens to a feed pays for it

    if len(document.body) > MOST_BYTES:
        raise Unreadable(because("answer_too_large", most=f"{MOST_BYTES // 1_048_576}"))
    must_be_harmless(document.body, max_tags=MOST_TAGS)
    # Bytes alone: a text would be taken for a file's name or an address.
    told = feedparser.parse(
        io.BytesIO(document.body),
        response_headers={"content-type": document.content_type or "application/xml"},
        resolve_relative_uris=False,
    )
    if not told.version:
        raise Unreadable(because("feed_is_none"))
    for entry in told.entries[:MOST_ENTRIES]:
        title, summary = clean_line(_text(entry, "title")), clean(_text(entry, "summary"))
        published, updated = _time(entry, "published_parsed"), _time(entry, "updated_parsed")
        at = published or updated or now
        text = "\n".join(each for each in (title, summary) if each)
        if not text:
            continue
        yield Remark(
            remote_id=_key(entry, title, published),
            text=text,
            at=min(at, now),
            url=address(_text(entry, "link")),
            edited_at=updated if published and updated and published < updated <= now else None,
        )


def _text(entry: Mapping[str, Any], name: str) -> str:
    told = entry.get(name)
    return told if isinstance(told, str) else ""


def _key(entry: Mapping[str, Any], title: str, published: datetime | None) -> str:
    told = _text(entry, "id") or _text(entry, "link") or f"{title} {published}"
    # An id of megabytes is known by its digest.
    return told if len(told) <= _LONGEST_KEY else hashlib.sha256(told.encode()).hexdigest()


def _time(entry: dict[str, Any], name: str) -> datetime | None:
    # As the entry has it: feedparser's own `get` would take one of these times for the other.
    parsed = dict.get(entry, name)
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (OverflowError, ValueError, OSError):
        return None
