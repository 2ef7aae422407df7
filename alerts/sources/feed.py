"""The content of a feed at one time: RSS or Atom, as broken as feeds come, to entries in plain words.

feedparser reads it, in a process of its own: an input that loops forever, or takes all memory, costs only that process.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from alerts.apart.parser import parser
from alerts.model.alert import Point
from alerts.model.errors import Unreadable
from alerts.model.reason import because
from alerts.rendering.text import address, clean, clean_line

# Feeds list their last ten or twenty entries.
MOST_ENTRIES = 200
MOST_BYTES = 2 * 1_048_576
_LONGEST_KEY = 500
_LONGEST_TITLE = 100
_ENTRY_BYTES = 4000
# What WordPress puts below each entry, in the site's language, as its last line.
_WORDPRESS_TAIL = re.compile(
    r"(?:L[’']article .{1,300} est apparu en premier sur|The post .{1,300} (?:appeared first on|first appeared on)"
    r"|Der Beitrag .{1,300} erschien zuerst auf) .{1,200}"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Marks of a summary that was cut off.
_CUT = ("[…]", "[...]", "…")
# Parameters that only count clicks.
# References to no character of XML (1.0, 2.2): feedparser makes half a character of some, and then stumbles over it.
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,32})|([0-9]{1,32}));")
_TRACKS = re.compile(r"(?:utm_\w+|fbclid|gclid|mtm_\w+|at_\w+)=")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry in plain words. `summary` is what a feed shows of it, `story` the most it has of it.

    `digest` stays the same while the entry says the same, whatever its dates and its name in the feed.
    """

    key: str
    title: str
    summary: str
    story: str
    url: str | None
    published: datetime | None
    updated: datetime | None
    categories: tuple[str, ...]
    point: Point | None
    digest: str

    @property
    def name(self) -> str:
        """Stays the same while it is the same entry, whatever it says."""
        return _short(self.key)


@dataclass(frozen=True, slots=True)
class Feed:
    """The content of a feed at one time: its own title, and its entries in their order, newest first."""

    title: str
    entries: tuple[FeedEntry, ...]

    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(_ENTRY_BYTES + 2 * len(entry.story) for entry in self.entries)


@parser("feed", seconds=10)
def read_feed(body: bytes, content_type: str | None) -> Feed:
    """Return the content of a feed, without entries that have no words. Raises Unreadable."""
    return feed_in(body, content_type)


def feed_in(body: bytes, content_type: str | None) -> Feed:
    """The same, for a parser that reads more from it: of a stranger's bytes it may be called apart alone."""
    import feedparser  # noqa: PLC0415 only where a feed is read it is paid for

    if len(body) > MOST_BYTES:
        raise Unreadable(because("answer_too_large", most=f"{MOST_BYTES // 1_048_576}"))
    if body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise Unreadable(because("xml_is_html"))
    # Bytes alone: a text would be taken for a file's name or an address.
    parsed = feedparser.parse(
        io.BytesIO(_REFERENCE.sub(_of_a_character, body)),
        response_headers={"content-type": content_type or "application/xml"},
        resolve_relative_uris=False,
    )
    if not parsed.get("version"):  # of nothing at all it tells no version
        raise Unreadable(because("feed_is_none"))
    entries = _distinct(_entries(parsed.entries[:MOST_ENTRIES]), versions=parsed.version.startswith("atom"))
    return Feed(clean_line(_text(parsed.feed, "title"))[:_LONGEST_TITLE], tuple(entries))


def _of_a_character(reference: re.Match[bytes]) -> bytes:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    is_one = (
        number in (0x9, 0xA, 0xD) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
    )
    return reference[0] if is_one else b""


def _distinct(entries: Iterator[FeedEntry], *, versions: bool) -> Iterator[FeedEntry]:
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


def _entries(parsed: Sequence[Any]) -> Iterator[FeedEntry]:
    for entry in parsed:
        title, summary = clean_line(_text(entry, "title")), _untailed(clean(_text(entry, "summary")))
        published = _time(entry, "published_parsed")
        if title or summary:
            story, url = _story(entry) or _marked_as_cut(summary), _untracked(address(_text(entry, "link")))
            yield FeedEntry(
                _key(entry, title, published),
                title,
                summary,
                story,
                url,
                published,
                _time(entry, "updated_parsed"),
                tuple(_categories(entry)),
                _point(entry),
                # Worked out where the feed is read: of two megabytes it takes a tenth of a second.
                _short(repr((title, story, url))),
            )


def _story(entry: Mapping[str, Any]) -> str:
    """Return the whole story, if the feed has it in addition to the summary (`content:encoded`, Atom's `content`)."""
    contents = entry.get("content")
    bodies = (
        [_text(each, "value") for each in contents if isinstance(each, Mapping)] if isinstance(contents, list) else []
    )
    return _untailed(clean(max(bodies, key=len, default="")))


def _untailed(text: str) -> str:
    rest, _, last = text.rpartition("\n")
    return (rest if _WORDPRESS_TAIL.fullmatch(last) else text).strip()


def _marked_as_cut(text: str) -> str:
    """The text with one mark for being cut, however the site marks it."""
    said = text.rstrip()
    mark = next((each for each in _CUT if said.endswith(each)), None)
    return text if mark is None else f"{said.removesuffix(mark).rstrip()} […]"


def _untracked(url: str | None) -> str | None:
    """Return the address without the parameters that track its readers."""
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
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _key(entry: Mapping[str, Any], title: str, published: datetime | None) -> str:
    key = _text(entry, "id") or _text(entry, "link") or f"{title} {published}"
    # An id of megabytes is known by its digest.
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _time(entry: dict[str, Any], name: str) -> datetime | None:
    # As the entry has it: feedparser's own `get` would take one of these times for the other.
    parsed = dict.get(entry, name)
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (OverflowError, ValueError, OSError):
        return None
