"""An index of CAP messages, as feeds publish it: the messages, their addresses and their expiry.

Atom, RSS 2.0, MeteoAlarm's and NINA's JSON, a ZIP, a single CAP message, and any XML that embeds CAP messages (EDXL-DE,
IPAWS).
`read_index` distinguishes them by their first bytes and makes `IndexEntry`s of them all: each has a key, and either an
address to fetch, or the message itself, or the reason why it is neither. A document that is none of these is no empty
index: it is Unreadable, for only an expected body may mean "no alerts".

An index may have ten thousand entries and is read every minute, so only the needed parts of each entry are read
(`_EntryParts`), and most links are resolved without parsing an address (`Base`).
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from alerts.model.bounds import read_long_json
from alerts.model.errors import Unreadable
from alerts.model.reason import Reason, because
from alerts.sources.cap import nina
from alerts.sources.cap.fields import local_name, read_time
from alerts.sources.safe_xml import FORBIDDEN, Element, one_line, parse

# Bounds of a ZIP, so that an archive can't be a bomb.
MAX_MEMBERS = 5000
MAX_MEMBER_BYTES = 8 * 1_048_576
MAX_TOTAL_BYTES = 96 * 1_048_576
# The mark of a file in the directory of a ZIP, and as many as are listed of it, messages or not.
_ARCHIVED, _MOST_FILES = b"PK\x01\x02", 4 * MAX_MEMBERS
_LONGEST_KEY = 1000
_LONGEST_LINK = 2000

# The content types by which feeds mark links to messages.
_MESSAGE_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
_CAP_ENTRY_NAMES = frozenset({"event", "status", "msgType", "severity", "urgency", "certainty", "expires", "effective"})
_HEAD = ("identifier", "sender", "sent", "status", "msgType", "scope", "references", "note")
_NEEDED = ("link", "id", "guid", "updated", "pubDate", "date", "expires", "content", "encoded")
# With any namespace: feeds use several for the same names.
_LOOKED_AT = tuple(f"{{*}}{name}" for name in _NEEDED)
_AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
_ABSOLUTE = ("http://", "https://")
# A path, from the root or not, in which resolving changes nothing: without empty parts, dots as parts and a scheme.
_PLAIN = re.compile(r"(/?)(?!\.)[\w.~%+-]+(?:/(?!\.)[\w.~%+-]+)*(?:\?[\w.~%+=&-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One message of an index.

    `key` is constant while the entry is the same version. The message is at `url`, or here as `message` (CAP XML) or
    `document` (CAP as JSON); with none of them `problem` is the reason. `expires` is the index's own. `outlines` is the
    address of NINA's GeoJSON of the message's areas.
    """

    key: str
    url: str | None = None
    message: bytes | None = None
    document: Mapping[str, Any] | None = None
    expires: datetime | None = None
    problem: Reason | None = None
    outlines: str | None = None


def read_index(body: bytes, content_type: str | None, base_url: str, *, zone: tzinfo) -> list[IndexEntry]:
    """The entries of the index in `body`, in its order, each key once.

    Links are resolved against `base_url`; times without a zone are in `zone`. An index with nothing on is an empty
    list. Raises Unreadable for what is no index: nothing, an HTML page, a problem report, other XML or JSON.
    """
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise Unreadable(because("index_empty"))
    # By what it is, not by what its header says: feeds are served as text/html or application/octet-stream too.
    if is_archive(body):
        entries = archive_entries(body)
    elif start.startswith((b"{", b"[")) or "json" in (content_type or "").lower():
        entries = _read_json(body, base_url, zone)
    else:
        entries = _read_xml(body, base_url, zone)
    return list({entry.key: entry for entry in map(_with_sound_key, entries)}.values())


def _with_sound_key(entry: IndexEntry) -> IndexEntry:
    """A key is kept for good: one of unreasonable length, or that no database takes, is replaced by its digest."""
    key = entry.key
    if key.isascii() and key.isprintable() and len(key) <= _LONGEST_KEY:
        return entry
    encoded = key.encode(errors="surrogatepass")
    if len(encoded) <= _LONGEST_KEY and not FORBIDDEN.search(key):
        return entry
    return replace(entry, key=hashlib.sha256(encoded).hexdigest())


def is_archive(body: bytes) -> bool:
    """True for a ZIP, by its first bytes."""
    return body.startswith(b"PK")


# --- ZIP ------------------------------------------------------------------------------------------------------------


def archive_entries(
    archive: bytes,
    *,
    max_members: int = MAX_MEMBERS,
    max_member_bytes: int = MAX_MEMBER_BYTES,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Iterator[IndexEntry]:
    """The XML files of the ZIP in `archive`, a snapshot of what is on (the German weather service publishes one).

    A damaged, encrypted or oversized file is an entry with a problem. Raises Unreadable for what is no ZIP, has more
    than `max_members` files, unpacks to more than `max_total_bytes`, or has files but no message: an archive within an
    archive doesn't mean that nothing is on. Names are keys alone: nothing is written anywhere.
    """
    # Before the directory is read, which takes as long as it is.
    if (files := archive.count(_ARCHIVED)) > _MOST_FILES:
        raise Unreadable(because("zip_many", count=files, most=max_members))
    try:
        file = zipfile.ZipFile(io.BytesIO(archive))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable(because("zip_unread", said=error)) from None
    with file:
        files_in = [entry for entry in file.infolist() if not entry.is_dir()]
        listed = [entry for entry in files_in if entry.filename.lower().endswith((".xml", ".cap"))]
        if files_in and not listed:
            raise Unreadable(because("zip_without_messages", name=repr(files_in[0].filename[:80])))
        if len(listed) > max_members:
            raise Unreadable(because("zip_many", count=len(listed), most=max_members))
        total = 0
        for entry in listed:
            member = _read_member(file, entry, max_member_bytes)
            # Counted after unpacking, since an archive may lie about its sizes.
            total += len(member.message or b"")
            if total > max_total_bytes:
                raise Unreadable(because("zip_too_large", most=max_total_bytes // 1_048_576))
            yield member


def _read_member(file: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> IndexEntry:
    # the same name with other content is another version
    key = f"{entry.filename} {entry.CRC:08x}"
    name = entry.filename[:120]
    try:
        # What the ZIP says of a member's size is the sender's word: read until the limit, and see.
        with file.open(entry) as stream:
            body = stream.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        return IndexEntry(key, problem=because("zip_member_damaged", name=name))
    if len(body) > limit:
        return IndexEntry(key, problem=because("zip_member_too_large", name=name, most=limit // 1_048_576))
    return IndexEntry(key, message=body)


# --- JSON -----------------------------------------------------------------------------------------------------------


def _read_json(body: bytes, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    if (document := read_long_json(body)) is None:
        raise Unreadable(because("index_json"))
    if nina.is_list(document, base_url):
        return (_read_listed(place, each, base_url, zone) for place, each in enumerate(document))
    if nina.is_message(document):
        alone = _read_warning(0, {"alert": document}, zone)
        return iter([replace(alone, outlines=nina.outlines_at(base_url) if nina.is_numbered(document) else None)])
    warnings = document.get("warnings") if isinstance(document, dict) else None
    if not isinstance(warnings, list):
        if not isinstance(document, dict) or not isinstance(document.get("title"), str):
            raise Unreadable(because("index_no_warnings"))
        # A problem report (RFC 9457), which the American service has answered with 200: what it says of itself is told.
        raise Unreadable(because("index_no_warnings_says", said=one_line(document["title"])[:80]))
    return (_read_warning(place, warning, zone) for place, warning in enumerate(warnings))


def _read_listed(place: int, listed: object, base_url: str, zone: tzinfo) -> IndexEntry:
    """A warning of NINA's list, whose message is at an address of its own."""
    found = nina.address_of(listed, base_url)
    if found is None or not isinstance(listed, dict):
        return IndexEntry(f"warnings[{place}]", problem=because("index_entry_no_alert", place=place))
    url, version = found
    over = listed.get("expires") or listed.get("expiresDate")
    expires = read_time(over, zone, _ignore) if isinstance(over, str) else None
    return IndexEntry(f"{url} {version}".rstrip(), url, expires=expires, outlines=nina.outlines_at(url))


def _read_warning(place: int, warning: object, zone: tzinfo) -> IndexEntry:
    if not isinstance(warning, dict) or not isinstance(alert := warning.get("alert"), dict):
        return IndexEntry(f"warnings[{place}]", problem=because("index_entry_no_alert", place=place))
    name = next((name for name in (warning.get("uuid"), alert.get("identifier")) if name and _is_word(name)), None)
    key = " ".join(str(part) for part in (name, alert.get("sent")) if part and _is_word(part))
    return IndexEntry(key or f"warnings[{place}]", document=alert, expires=_latest_expiry(alert, zone))


def _is_word(value: object) -> bool:
    return isinstance(value, str | int)


def _latest_expiry(alert: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    """Return the end of the last info. Returns None if any info has none."""
    infos = alert.get("info")
    if not isinstance(infos, list):
        return None
    texts = [info.get("expires") if isinstance(info, dict) else None for info in infos]
    times = [read_time(text, zone, _ignore) if isinstance(text, str) else None for text in texts]
    known = [time for time in times if time]
    return max(known) if known and len(known) == len(times) else None


def _ignore(_: Reason) -> None:
    """Discard a note: an index's times are hints, and the message itself reports its oddities when it is read."""


# --- XML ------------------------------------------------------------------------------------------------------------


def _read_xml(body: bytes, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    root, _ = parse(body)
    readers: dict[str, Callable[[Element, str, tzinfo], Iterator[IndexEntry]]] = {
        "feed": _read_atom,
        "rss": _read_rss,
        "RDF": _read_rss,
    }
    name = local_name(root)
    if name == "alert":
        return iter([_embedded(root)])
    if reader := readers.get(name):
        return reader(root, base_url, zone)
    return _read_wrapped(root, name)


def _read_wrapped(root: Element, name: str) -> Iterator[IndexEntry]:
    # A message within a message is that one's business: each of 250 nested ones would be all of them over again.
    messages = [each for each in root.iter("{*}alert") if next(each.iterancestors("{*}alert"), None) is None]
    if not messages and name not in ("EDXLDistribution", "alerts"):
        is_page = name.lower() == "html"
        raise Unreadable(because("index_html") if is_page else because("index_other", root=name[:40]))
    return (_embedded(message) for message in messages)


def _embedded(alert: Element) -> IndexEntry:
    texts = [(alert.findtext(f"{{*}}{name}") or "").strip() for name in ("sender", "identifier", "sent")]
    return IndexEntry(
        " ".join(texts).strip() or "message", message=etree.tostring(alert, encoding="utf-8", with_tail=False)
    )


def _read_atom(feed: Element, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    base = Base.of(base_url, feed.get("{http://www.w3.org/XML/1998/namespace}base"))
    for entry in feed.iterchildren("{*}entry"):
        parts = _EntryParts(entry)
        link = _atom_link(parts.links)
        yield from _entry(parts, link, parts.text("updated"), base, zone)


def _atom_link(links: list[Element]) -> str:
    """The link that is typed as CAP, else as XML, else the only or first one that is no feed's own."""

    def suitability(link: Element) -> int:
        kind = (link.get("type") or "").lower()
        if kind in _MESSAGE_TYPES:
            return 0
        return 1 if kind in ("application/xml", "text/xml") else 2 if link.get("rel", "alternate") == "alternate" else 3

    if len(links) == 1:
        return links[0].get("href") or ""
    candidates = [link for link in links if link.get("href") and link.get("rel") not in ("self", "license", "edit")]
    return min(candidates or links, key=suitability).get("href") or "" if links else ""


def _read_rss(root: Element, base_url: str, zone: tzinfo) -> Iterator[IndexEntry]:
    base = Base.of(base_url)
    for item in root.iter("{*}item"):
        parts = _EntryParts(item)
        link = next((link.text.strip() for link in parts.links if link.text), "")
        if not link and (enclosure := item.find("{*}enclosure")) is not None:
            link = enclosure.get("url") or ""
        # Some RSS has no date, and a new guid for a new version.
        version = parts.text("pubDate", "date", "guid")
        yield from _entry(parts, link, version, base, zone)


def _entry(parts: _EntryParts, link: str, version: str | None, base: Base, zone: tzinfo) -> Iterator[IndexEntry]:
    name = parts.text("id", "guid") or ""
    if len(link) > _LONGEST_LINK:
        yield IndexEntry(f"{link} {version}", problem=because("index_link_long", link=repr(link[:80])))
        return
    try:
        url = base.resolve(link) if link else None
    except ValueError:
        yield IndexEntry(f"{link} {version}", problem=because("index_link_unread", link=repr(link[:80])))
        return
    key = " ".join(part for part in (url or name, version) if part)
    if message := parts.message():
        yield IndexEntry(key or "message", message=message, expires=parts.expires(zone))
    elif url == base.url and not parts.cap():
        # "There are no active warnings" is an entry that links to the index itself
        return
    elif url:
        yield IndexEntry(key, url=url, expires=parts.expires(zone))
    elif parts.tells_an_alert():
        yield IndexEntry(key, document=_document_of(parts), expires=parts.expires(zone))
    else:
        yield IndexEntry(key or "entry", problem=because("index_entry_bare", name=repr(name[:80])))


class _EntryParts:
    """The children of an entry by local name: the first of each, and the links.

    Only the needed parts are read at once: the rest of an entry is most of a long index.
    """

    __slots__ = ("_entry", "_first", "links")

    def __init__(self, entry: Element) -> None:
        self._entry = entry
        self._first: dict[str, Element] = {}
        self.links: list[Element] = []
        for child in entry.iterchildren(*_LOOKED_AT):
            name = _bare_name(child.tag)
            if name == "link":
                self.links.append(child)
            elif name not in self._first:
                self._first[name] = child

    def text(self, *names: str) -> str | None:
        """The text of the first of `names` that has one."""
        for name in names:
            element = self._find(name)
            if element is not None and element.text and (text := element.text.strip()):
                return text
        return None

    def _find(self, name: str) -> Element | None:
        return self._first.get(name) if name in _NEEDED else self._entry.find(f"{{*}}{name}")

    def cap(self) -> list[Element]:
        """The children that are CAP's own."""
        return [child for child in self._entry if "cap" in child.tag.rpartition("}")[0]]

    def author(self) -> str | None:
        """The address, else the name, of who wrote the entry."""
        author = self._entry.find("{*}author")
        if author is None:
            return None
        return author.findtext("{*}email") or author.findtext("{*}name") or self.text("author")

    def expires(self, zone: tzinfo) -> datetime | None:
        """Return the end of the message by its entry; oddities in it are reported only once the message is read."""
        text = self.text("expires")
        return read_time(text, zone, _ignore) if text else None

    def tells_an_alert(self) -> bool:
        """True if the entry's own `cap:` fields are an alert, if a short one."""
        return any(local_name(element) in _CAP_ENTRY_NAMES for element in self.cap())

    def message(self) -> bytes | None:
        """The CAP message inside `content`: as elements, or as escaped text."""
        content = self._first.get("content", self._first.get("encoded"))
        if content is None:
            return None
        inside = next(content.iter("{*}alert"), None)
        if inside is not None:
            return etree.tostring(inside, encoding="utf-8", with_tail=False)
        text = (content.text or "").strip()
        return text.encode() if text.startswith("<") and "alert" in text[:400] else None


def _document_of(parts: _EntryParts) -> dict[str, Any]:
    """An alert of nothing but an entry's `cap:` fields and Atom's own."""
    fields: dict[str, list[Any]] = {}
    for element in parts.cap():
        fields.setdefault(local_name(element), []).append(_plain(element))
    head: dict[str, Any] = {name: fields.pop(name) for name in _HEAD if name in fields}
    area = {name: fields.pop(name) for name in _AREA if name in fields}
    words = {"headline": parts.text("title"), "description": parts.text("summary", "description")}
    return {
        "identifier": parts.text("id", "guid"),
        "sender": parts.author() or "index",
        "sent": parts.text("updated", "published", "pubDate"),
        **head,
        "info": [{**words, **fields, "area": [area] if area else []}],
    }


@lru_cache(maxsize=256)
def _bare_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _plain(element: Element) -> object:
    if len(element):
        return {local_name(child): (child.text or "").strip() for child in element}
    return (element.text or "").strip()


# --- links ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Base:
    """An address, and what is put before a plain link to resolve it: `folder`, or `root` if it begins with a slash."""

    url: str
    folder: str
    root: str

    @classmethod
    def of(cls, url: str, declared: str | None = None) -> Base:
        """Return the base of a document at `url` that declares the base `declared`; an unreadable one is ignored."""
        try:
            return cls._at(urljoin(url, declared or ""))
        except ValueError:
            return cls._at(url)

    @classmethod
    def _at(cls, url: str) -> Base:
        return cls(url, folder=urljoin(url, "x")[:-1], root=urljoin(url, "/x")[:-2])

    def resolve(self, link: str) -> str:
        """The address that `link` leads to. Raises ValueError for what is none."""
        if link.startswith(_ABSOLUTE):
            return link
        plain = _PLAIN.fullmatch(link)
        if plain is None:
            return urljoin(self.url, link)
        return f"{self.root if plain[1] else self.folder}{link}"
