"""RSS and Atom feeds: what a town's site, a prefecture or the press writes, entry by entry, as people wrote it.

They are read in two ways. `FeedEar` listens: of `[listening.feeds.NAME]` those entries count that name the town.
`RssSource` is `[sources.NAME]` with `kind = "rss"`: each new entry becomes an alert that waits for an officer, for a
feed says neither how grave a thing is nor when it is over. A changed entry is an update of it. One that leaves the feed
isn't over: feeds hold the last ten or twenty.

Which entries are known is in the source's memory, by a digest of the name that each has and one of its words. Some
sites give several entries one name, the address of a page of notices: those are told apart by their words. What stands
in a feed when it is read first is known already: a town that names a feed today doesn't post its past.

The address is asked for as any source's is (`shared.py`), with conditional requests, bounded, and once for all who name
it. feedparser reads what came, in a thread: it takes feeds as broken as they are. What could make it go on for ever (a
DTD, a million tags) is refused before.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from alerts.model.alert import ENDS_BY, QUIET, Alert, Area, Category, Circle, Info, MsgType, Named, Point, Reference
from alerts.model.errors import FailedForGood, Unreadable
from alerts.model.hazard import fold
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import because
from alerts.model.town import ListeningFeed, Town
from alerts.rendering.text import address, clean, clean_line
from alerts.sources.document import FetchedDocument
from alerts.sources.fetch import show
from alerts.sources.place import place_of
from alerts.sources.safe_xml import must_be_harmless
from alerts.sources.settings import FeedSettings, RssSettings
from alerts.sources.shared import SharedReader

MOST_ENTRIES = 200
MOST_BYTES = 2 * 1_048_576
MOST_TAGS = 40_000
HEARD_FOR = timedelta(days=7)
"""An entry that is older isn't heard: a feed that is named today would bring in its whole past."""
MOST_KNOWN = 1000
"""Entries that a source remembers, those it met last: some sites take an entry away and put it back days later."""
SPOT = 0.2
"""The radius in kilometres of the circle around the point that an entry tells."""
_LONGEST_KEY = 500
_LONGEST_EVENT = 60
_LONGEST_TITLE = 100
_ENTRY_BYTES = 4000
# What WordPress puts below each entry, in the site's language.
_WORDPRESS_TAIL = re.compile(
    r"\n*^(?:L[’']article .{1,300} est apparu en premier sur|The post .{1,300} (?:appeared first on|first appeared on)"
    r"|Der Beitrag .{1,300} erschien zuerst auf) .{1,200}\Z",
    re.MULTILINE,
)
_CUT = re.compile(r"\s*(?:\[…\]|\[\.\.\.\]|…)\s*\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACKS = re.compile(r"(?:utm_\w+|fbclid|gclid|mtm_\w+|at_\w+)=")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry in plain words. `summary` is what a feed shows of it, `story` the most it has of it."""

    key: str
    title: str
    summary: str
    story: str
    url: str | None
    published: datetime | None
    updated: datetime | None
    categories: tuple[str, ...]
    point: Point | None

    @property
    def digest(self) -> str:
        """Stays the same while the entry says the same, whatever its dates and its name in the feed."""
        return _short(repr((self.title, self.story, self.url)))

    @property
    def name(self) -> str:
        """Stays the same while it is the same entry, whatever it says."""
        return _short(self.key)


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says at one time: its own title, and its entries as they stand there, newest first."""

    title: str
    entries: tuple[FeedEntry, ...]

    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(_ENTRY_BYTES + 2 * len(entry.story) for entry in self.entries)


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
        remarks = [_remark(entry, now) for entry in (await _feed_in(document)).entries]
        heard = [each for each in remarks if each.at >= now - HEARD_FOR and self._concerns(each.text or "")]
        return EarReading(heard, {"digest": document.digest})

    def _concerns(self, text: str) -> bool:
        folded = fold(text)
        is_named = not self._words or any(word in folded for word in self._words)
        return is_named and not any(word in folded for word in self._without)


def _remark(entry: FeedEntry, now: datetime) -> Remark:
    published, updated = entry.published, entry.updated
    return Remark(
        remote_id=entry.key,
        text="\n".join(each for each in (entry.title, entry.summary) if each),
        at=min(published or updated or now, now),
        url=entry.url,
        edited_at=updated if published and updated and published < updated <= now else None,
    )


class RssSource:
    """One `[sources.NAME]` with `kind = "rss"` (a `Source`). `only` passes over the entries of other categories."""

    def __init__(self, name: str, settings: RssSettings, around: Surroundings) -> None:
        self._name = name
        self._place = place_of(settings, around)
        self._town = around.town
        # By whose address it is told from its words, for a prefecture's feed isn't the town's own word.
        self._sender = urlsplit(settings.url).hostname or around.town.sender
        self._severity = settings.severity
        self._only = frozenset(fold(each) for each in settings.only)

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the feed says something new."""
        self._place.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Look at the feed once. Raises SourceFailed when it can't be read, or is none."""
        document = await self._place.look(memory.digest)
        if document is None:
            return SourceReading((), memory, unchanged=True)
        feed = await _feed_in(document)
        is_first = "entries" not in memory.state
        met = {name: Met(**each) for name, each in memory.state.get("entries", {}).items()}
        heard = [] if is_first else [each for entry in feed.entries if (each := self._tell(entry, feed, met, now))]
        for entry in feed.entries:
            self._meet(entry, met)
        stored = await known([each.key for each in heard]) if heard else set()
        # Those that were met last come first: of too many the oldest are forgotten.
        kept = islice(reversed(met.items()), MOST_KNOWN)
        state = {"entries": {name: each.as_json() for name, each in reversed(list(kept))}}
        return SourceReading(
            [each for each in heard if each.key not in stored], Memory(digest=document.digest, state=state)
        )

    def _concerns(self, entry: FeedEntry) -> bool:
        return not self._only or any(fold(each) in self._only for each in entry.categories)

    def _tell(self, entry: FeedEntry, feed: Feed, met: dict[str, Met], now: datetime) -> Heard | None:
        """What is new of the entry, which is then met as such; None: nothing, or nothing that concerns the town."""
        before, digest = met.get(entry.name), entry.digest
        # A site that was moved gives all its entries new names, and one that shared its name has it alone once the
        # others are gone: the same words are the same entry.
        if before is None or before.digest != digest:
            same = next((each for each in met.values() if each.digest == digest), None)
            if same is not None:
                met[entry.name] = before = same
        if not self._concerns(entry) or (before is not None and before.digest == digest):
            return None
        told = before.told if before is not None else 0
        # A site that puts an old entry back tells nothing new by it.
        if not told and (entry.published or entry.updated or now) < now - HEARD_FOR:
            return None
        previous = before.reference(self._name, self._sender) if before is not None and told else None
        new = Met(digest, told + 1, now.replace(microsecond=0).isoformat(), entry.name)
        met[entry.name] = new
        identifier = new.identifier(self._name)
        return Heard(identifier, alert=self._alert(entry, feed, identifier, previous, now))

    def _meet(self, entry: FeedEntry, met: dict[str, Met]) -> None:
        """Remember that the entry stands in the feed; what doesn't concern the town is new once it does."""
        before = met.pop(entry.name, None)
        digest = entry.digest if self._concerns(entry) else ""
        # What was told keeps what it was told as: its next update has to refer to that.
        met[entry.name] = before if before and before.told else Met(digest)

    def _alert(self, entry: FeedEntry, feed: Feed, identifier: str, previous: Reference | None, now: datetime) -> Alert:
        town, is_french = self._town, self._town.language.lower().startswith("fr")
        # Nobody says when it is over: it runs out after a day, and nothing is posted then.
        info = Info(
            event=entry.categories[0][:_LONGEST_EVENT] if entry.categories else "Information",
            language=town.language,
            categories=(Category.OTHER,),
            severity=self._severity,
            sender_name=feed.title or None,
            headline=entry.title or ("Information" if is_french else "News"),
            description=entry.story or None,
            web=entry.url,
            parameters=(Named(ENDS_BY, QUIET),),
            areas=(_area(entry, town),),
        )
        return Alert(
            identifier=identifier,
            sender=self._sender,
            sent=now.replace(microsecond=0),
            msg_type=MsgType.UPDATE if previous else MsgType.ALERT,
            references=(previous,) if previous else (),
            infos=(info,),
        )


def _area(entry: FeedEntry, town: Town) -> Area:
    """Where it is: around the point that the entry tells, else anywhere in the town, whose feed it is taken for."""
    if entry.point:
        return Area(town.name, circles=(Circle(entry.point, SPOT),))
    return Area(town.name, geocodes=town.codes)


@dataclass(frozen=True, slots=True)
class Met:
    """What is remembered of an entry: what it said last, how often that was told, when, and under which name."""

    digest: str
    told: int = 0
    at: str = ""
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        said: dict[str, Any] = {"digest": self.digest}
        return said | {"told": self.told, "at": self.at, "name": self.name} if self.told else said

    def identifier(self, source: str) -> str:
        """The CAP identifier of what was told last: another one for each version, also for one that says what was."""
        return f"{source}-{self.name}-{self.told}-{self.digest}"

    def reference(self, source: str, sender: str) -> Reference:
        """What an update of it refers to."""
        return Reference(sender, self.identifier(source), datetime.fromisoformat(self.at))


async def _feed_in(document: FetchedDocument) -> Feed:
    """The feed, read once for all who look at it. Raises SourceFailed for what is none."""
    try:
        return await document.once("feed", lambda: _read_feed(document), Feed.size)
    except Unreadable as error:
        raise FailedForGood(because("at_address", address=show(document.url), why=error.reason)) from error


def _read_feed(document: FetchedDocument) -> Feed:
    """What a feed tells; an entry without a word is left out. Raises Unreadable."""
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
    entries = _told_apart(_entries(told.entries[:MOST_ENTRIES]), versions=told.version.startswith("atom"))
    return Feed(clean_line(_text(told.feed, "title"))[:_LONGEST_TITLE], tuple(entries))


def _told_apart(entries: Iterator[FeedEntry], *, versions: bool) -> Iterator[FeedEntry]:
    """Each entry once. Those of one name that say different things are several, and get their words into their names.

    With `versions`, as in Atom (RFC 4287, 4.1.1), those of one name are one entry, of which the newest counts.
    """
    found: dict[str, dict[str, FeedEntry]] = {}
    for entry in entries:
        found.setdefault(entry.key, {}).setdefault(entry.digest, entry)
    for key, alike in found.items():
        if len(alike) == 1 or versions:
            yield max(alike.values(), key=lambda each: each.updated or _EPOCH)
        else:
            yield from (replace(each, key=f"{key}#{words}") for words, each in alike.items())


def _entries(told: Sequence[Any]) -> Iterator[FeedEntry]:
    for entry in told:
        title, summary = clean_line(_text(entry, "title")), _untailed(clean(_text(entry, "summary")))
        published = _time(entry, "published_parsed")
        if title or summary:
            yield FeedEntry(
                _key(entry, title, published),
                title,
                summary,
                _story(entry) or _CUT.sub(" […]", summary),
                _untracked(address(_text(entry, "link"))),
                published,
                _time(entry, "updated_parsed"),
                tuple(_categories(entry)),
                _point(entry),
            )


def _story(entry: Mapping[str, Any]) -> str:
    """The whole of it, where the feed has it beside the summary (`content:encoded`, Atom's `content`)."""
    contents = entry.get("content")
    bodies = (
        [_text(each, "value") for each in contents if isinstance(each, Mapping)] if isinstance(contents, list) else []
    )
    return _untailed(clean(max(bodies, key=len, default="")))


def _untailed(text: str) -> str:
    return _WORDPRESS_TAIL.sub("", text).strip()


def _untracked(url: str | None) -> str | None:
    """The address without what tells a site whence its readers come."""
    if url is None or "?" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    kept = [each for each in parts.query.split("&") if not _TRACKS.match(each.lower())]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _categories(entry: Mapping[str, Any]) -> Iterator[str]:
    for tag in islice(entry.get("tags") or (), 20):
        if isinstance(tag, Mapping) and (said := clean_line(_text(tag, "label") or _text(tag, "term"))):
            yield said


def _point(entry: Mapping[str, Any]) -> Point | None:
    where = entry.get("where")
    if not isinstance(where, Mapping) or where.get("type") != "Point":
        return None
    longitude, latitude = where["coordinates"][:2]
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
